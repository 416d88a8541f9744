# Written by firmware/make_plain.py from verdict.py, which explains it: change that one.
from micropython import const

# WORDS of the maps, written by firmware/make_plain.py
_TIME_SHIFT = const(21)
_NEVER_Q8 = const(536870911)
_PEAK_Q8 = const(18)
_MASS = const(20)
_MOMENT = const(21)
_FOREFOOT = const(26)
_HEEL = const(52)
_RATE_HZ = const(186)
_OUT_BITS = const(202)
_BLIND = const(203)
_HISTORY = const(207)
_FOREFOOT_ON_Q8 = const(214)
_HEEL_ON_Q8 = const(215)
_FOREFOOT_OFF_Q8 = const(216)
_HEEL_OFF_Q8 = const(217)
_VOTES = const(223)
_CONTACT_ORDER = const(235)
_LIFT_ORDER = const(236)
_DIRECTION = const(237)
_CONFIDENCE = const(238)
_REASONS = const(239)
_ORDER_UNKNOWN = const(0)
_ORDER_FOREFOOT_FIRST = const(1)
_ORDER_HEEL_FIRST = const(2)
_ORDER_TOGETHER = const(3)
_DIRECTION_UNKNOWN = const(0)
_DIRECTION_FORWARD = const(1)
_DIRECTION_BACKWARD = const(2)
_REASON_CONTACT_BACKWARD = const(1)
_REASON_LIFT_BACKWARD = const(4)
_REASON_SHIFT_BACKWARD = const(16)
_REASON_PEAK_BACKWARD = const(64)
_REASON_HISTORY_BACKWARD = const(256)
_REASON_HISTORY_FORWARD = const(512)
_REASON_FOREFOOT_ONLY = const(1024)
_REASON_HEEL_ONLY = const(2048)
_REASON_CONFLICT = const(4096)
_REASON_SENSOR_LEFT_OUT = const(8192)
# end of WORDS

_TOGETHER_MS = const(20)  # closer than this is `together`: two samples at 100 Hz
_CLIP_MS = const(150)
_CONTACT_WEIGHT = const(4)
_LIFT_WEIGHT = const(5)
_SHIFT_WEIGHT = const(4)
_PEAK_WEIGHT = const(1)
_HISTORY_VOTES = const(50)  # weight 1
_LONGEST_HISTORY = const(3)
_ALL_VOTES = const(2250)  # 150 ms in each of the fifteen weights
_LEAST_VOTES = const(200)  # less, as of a lead of 40 ms in one of the strong votes with nothing else, is no verdict
_TURNING_VOTES = const(800)  # needed against the last strides: 99 of 100 strides of either direction have more
_SETTLED = const(2)  # strides one way; from here on it takes more to say the opposite
_OPPOSED = const(3)  # ORDER_FOREFOOT_FIRST + ORDER_HEEL_FIRST


# Which of two events came first; an event not seen comes last; none seen: unknown.
def order(state, forefoot_q8, heel_q8):
    together_q8 = (state[_RATE_HZ] * _TOGETHER_MS << 8) // 1000
    by_q8 = heel_q8 - forefoot_q8
    if by_q8 >= together_q8:
        return _ORDER_FOREFOOT_FIRST
    if 0 - by_q8 >= together_q8:
        return _ORDER_HEEL_FIRST
    if forefoot_q8 == _NEVER_Q8:
        return _ORDER_UNKNOWN
    return _ORDER_TOGETHER


# How long the forefoot's centre of load in time lies before the heel's.
def shift(state):
    if not state[_FOREFOOT + _MASS]:
        return 0
    if not state[_HEEL + _MASS]:
        return 0
    by = (state[_HEEL + _MOMENT] << 3) // state[_HEEL + _MASS]
    by -= (state[_FOREFOOT + _MOMENT] << 3) // state[_FOREFOOT + _MASS]
    return by << (5 + state[_TIME_SHIFT])


# The direction of the present stance, with its confidence and reasons.
def conclude(words):
    state = words
    state[_CONTACT_ORDER] = _ORDER_UNKNOWN
    if not state[_BLIND]:
        state[_CONTACT_ORDER] = order(words, state[_FOREFOOT_ON_Q8], state[_HEEL_ON_Q8])
    state[_LIFT_ORDER] = _ORDER_UNKNOWN
    state[_DIRECTION] = _DIRECTION_UNKNOWN
    state[_CONFIDENCE] = 0
    state[_REASONS] = 0
    if state[_OUT_BITS]:
        state[_REASONS] = _REASON_SENSOR_LEFT_OUT
    # Only one zone ever loaded: a toe walker forward and one backward look the same, so nobody guesses.
    if state[_HEEL_ON_Q8] == _NEVER_Q8:
        state[_REASONS] |= _REASON_FOREFOOT_ONLY
    elif state[_FOREFOOT_ON_Q8] == _NEVER_Q8:
        state[_REASONS] |= _REASON_HEEL_ONLY
    else:
        state[_LIFT_ORDER] = order(words, state[_FOREFOOT_OFF_Q8], state[_HEEL_OFF_Q8])
        if state[_CONTACT_ORDER]:
            if state[_LIFT_ORDER]:
                if state[_CONTACT_ORDER] + state[_LIFT_ORDER] == _OPPOSED:
                    state[_REASONS] |= _REASON_CONFLICT
        lead_q8 = state[_HEEL_ON_Q8] - state[_FOREFOOT_ON_Q8]
        votes = vote(words, lead_q8, _REASON_CONTACT_BACKWARD) * _CONTACT_WEIGHT
        lead_q8 = state[_HEEL_OFF_Q8] - state[_FOREFOOT_OFF_Q8]
        votes += vote(words, lead_q8, _REASON_LIFT_BACKWARD) * _LIFT_WEIGHT
        votes += int(vote(words, shift(words), _REASON_SHIFT_BACKWARD)) * _SHIFT_WEIGHT
        lead_q8 = state[_HEEL + _PEAK_Q8] - state[_FOREFOOT + _PEAK_Q8]
        votes += vote(words, lead_q8, _REASON_PEAK_BACKWARD) * _PEAK_WEIGHT
        count(words, votes)


# A lead in q8 samples, positive when it speaks for backward, in milliseconds. The bit of forward follows each bit of
# backward.
def vote(state, lead_q8, backward_bit):
    rate_hz = state[_RATE_HZ]
    together_q8 = (rate_hz * _TOGETHER_MS << 8) // 1000
    clip_q8 = (rate_hz * _CLIP_MS << 8) // 1000
    if lead_q8 >= together_q8:
        state[_REASONS] |= backward_bit
        if lead_q8 > clip_q8:
            lead_q8 = clip_q8
    elif 0 - lead_q8 >= together_q8:
        state[_REASONS] |= backward_bit << 1
        if 0 - lead_q8 > clip_q8:
            lead_q8 = 0 - clip_q8
    return (lead_q8 * 125 // rate_hz) >> 5


# The votes of all, with those of the last strides. What is not told still counts for the history.
def count(state, votes):
    history = state[_HISTORY]
    if history > 0:
        state[_REASONS] |= _REASON_HISTORY_BACKWARD
    elif history < 0:
        state[_REASONS] |= _REASON_HISTORY_FORWARD
    votes += history * _HISTORY_VOTES
    state[_VOTES] = votes
    strength = votes
    direction = _DIRECTION_BACKWARD
    by = 1
    against = 0 - history
    if votes <= 0:
        strength = 0 - votes
        direction = _DIRECTION_FORWARD
        by = 0 - 1
        against = history
    if strength >= _LEAST_VOTES:
        history += by
        if history > _LONGEST_HISTORY:
            history = _LONGEST_HISTORY
        if history < 0 - _LONGEST_HISTORY:
            history = 0 - _LONGEST_HISTORY
        state[_HISTORY] = history
    least = _LEAST_VOTES
    if against >= _SETTLED:
        least = _TURNING_VOTES
    if strength >= least:
        state[_DIRECTION] = direction
        state[_CONFIDENCE] = strength * 100 // _ALL_VOTES
