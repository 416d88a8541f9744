# Written by firmware/make_plain.py from stance.py, which explains it: change that one.
from micropython import const

from .step_plain import is_step
from .tune_plain import clear, close, judge, keep, learn, stuck, surge
from .verdict_plain import conclude, order

# WORDS of the maps, written by firmware/make_plain.py
_NEXT_INDEX = const(1)
_NOW_Q8 = const(2)
_ALARM_Q8 = const(4)
_DROPPED_Q8 = const(11)
_DELAY_Q8 = const(15)
_QUICK_N = const(18)
_RISE_Q8 = const(19)
_STANCE_N = const(20)
_RESTED = const(23)
_ZONE_AT = const(26)
_ZONE_WORDS = const(26)
_NEVER_Q8 = const(536870911)
_OLDEST_Q8 = const(-268435456)
_LOW = const(0)
_LOADED = const(10)
_ON_Q8 = const(11)
_OFF_Q8 = const(12)
_RISEN = const(13)
_ABOVE_N = const(15)
_ABOVE_Q8 = const(16)
_PEAK = const(17)
_PEAK_Q8 = const(18)
_TOTAL = const(19)
_RELEASE = const(23)
_RESIDUE = const(24)
_CONTACT = const(1)
_LIFT = const(8)
_FOREFOOT = const(26)
_HEEL = const(52)
_FOOT = const(78)
_ORDER_UNKNOWN = const(0)
_STRIDE_FOREFOOT_ON_INVALID = const(-8388608)
_STRIDE_HEEL_ON_INVALID = const(-8388608)
# end of WORDS

# --- state: of the walk
RATE_HZ = const(186)
ORIGIN = const(187)
WARMING = const(188)  # the first listening: nothing is loaded
IN_STANCE = const(189)
STANDING = const(190)  # longer than a step lasts
STAND_Q8 = const(191)  # when a stance becomes that
HOUSE_Q8 = const(192)  # when to look after levels and numbers
STUCK_N = const(193)  # samples after which a sensor that stands still under load is stuck
LOOK = const(194)  # a provisional order may be due
DECIDE_AT_Q8 = const(195)  # when a contact of one part alone is told
ANNOUNCED = const(196)  # the contact of this stance was told
DUE = const(197)  # what is done with the next sample
STRIDE_N = const(198)  # samples from the last stance's end to this one's
RESTLESS_N = const(199)  # contacts in a row before which the foot was never at rest
JUDGED = const(200)  # what the channels did in the last stride, as tune.judge says
DRIFT_BITS = const(201)  # the channels whose baseline runs away
OUT_BITS = const(202)  # the channels that are left out
BLIND = const(203)  # all of the forefoot's, or all of the heel's
ALIKE_N = const(204)  # loads in a row like the one before
SEEN_PEAK = const(205)  # of the last load that might have been a step
SEEN_LONG_Q8 = const(206)
HISTORY = const(207)  # -3 (three strides forward) to 3 (three backward)
FREE_Q8 = const(208)  # times that move with the origin: the last stance's end,
STRIDE_START_Q8 = const(209)
ANNOUNCED_Q8 = const(210)
SEEN_Q8 = const(211)  # the last load's that might have been a step,
STEPPED_Q8 = const(212)  # the last step's
INITIAL_Q8 = const(213)  # of the present stance
FOREFOOT_ON_Q8 = const(214)
HEEL_ON_Q8 = const(215)
FOREFOOT_OFF_Q8 = const(216)
HEEL_OFF_Q8 = const(217)
FINAL_Q8 = const(218)
CAME_Q8 = const(219)  # how long the load took from low to high level
WENT_Q8 = const(220)  # and how long a tail it left
TOLD_END = const(221)  # sample index after final contact
TOLD_PEAK = const(222)  # 0: that was no step
VOTES = const(223)  # for backward
FIRST_LOAD = const(224)  # counts over all sensors: a first step, however it is shared out

# --- state: of a stride, the numbers of its frame in their order
STRIDE_AT = const(225)
TOLD_INDEX = const(228)  # of initial contact; behind kind, session and number of the frame
TOLD_Q8 = const(229)
TOLD_FOREFOOT_ON_Q8 = const(230)  # since then
TOLD_HEEL_ON_Q8 = const(231)
TOLD_FOREFOOT_OFF_Q8 = const(232)
TOLD_HEEL_OFF_Q8 = const(233)
TOLD_FINAL_Q8 = const(234)
CONTACT_ORDER = const(235)
LIFT_ORDER = const(236)
DIRECTION = const(237)
CONFIDENCE = const(238)
REASONS = const(239)
DELAY_N = const(240)
FOREFOOT_PEAK = const(241)
HEEL_PEAK = const(242)
FOREFOOT_SUM = const(243)
HEEL_SUM = const(244)

# --- state: of a contact, the numbers of its frame in their order
CONTACT_AT = const(245)
TOUCH_INDEX = const(248)
TOUCH_Q8 = const(249)
TOUCH_ORDER = const(250)
TOUCH_DELAY_N = const(251)
CUED = const(252)
ALL_WORDS = const(304)  # 256 + 3 * 2 * 8, see BUFFER_AT

# --- times
LONGEST_MS = const(3000)  # the slowest recorded stance lasts 1.5 s; longer than this is standing
REBASE_Q8 = const(262144)  # 1024 samples

# --- said
NOTHING = const(0)
TOUCHED = const(1)  # provisional: the order as it looks now
STRIDE = const(2)  # final
HOUSE = const(3)  # something rare has to be looked after
STOOD = const(4)  # a channel did not do in this stride, or in the last, what a sensor does

_TELL = const(1)  # what is due
_LEARN = const(2)

_ANY_CONTACT = const(7)  # CONTACT, LIFT, TOUCH, SURGED of any zone
_ANY_LIFT = const(56)
_ANY_TOUCH = const(192)  # of forefoot and heel; the foot's says nothing new
_ANY_SURGED = const(3584)
_STILL_OR_TOP = const(0xFF00FF)  # bits of tune.judge; dead is still, too
_DECIDE_MS = const(32)  # a second zone that comes later than this is late enough for an order to count
_HOUSE_MS = const(320)  # between looks at levels in the air, at stuck sensors on the ground
_SOON_MS = const(100)  # to the next look for a stuck sensor, when one part of the foot carries alone


# What the events of one sample lead to: one of `said`, and when to be called again.
def hear(words, events):
    state = words
    said = 0
    due = state[DUE]
    if events & _ANY_SURGED:
        surge(words, events)
    if events & _ANY_CONTACT:
        contact(words, events)
    if events & _ANY_LIFT:
        if state[IN_STANCE]:
            lift(words, events)
    now_q8 = state[_NOW_Q8]
    if events & _ANY_TOUCH or now_q8 >= state[DECIDE_AT_Q8]:
        state[LOOK] = 1
    if due == _TELL:
        said = STRIDE
        state[DELAY_N] = state[_NEXT_INDEX] - 1 - state[TOLD_END]
        state[DUE] = _LEARN
    elif due:
        state[DUE] = 0
        said = learn_all(words)
    if state[LOOK] and not said:
        said = look(words)
    if state[DUE] or state[LOOK]:
        state[_ALARM_Q8] = now_q8 + 256
        return said
    if now_q8 >= state[HOUSE_Q8] and not said:
        said = keep_house(words)
    alarm_q8 = state[HOUSE_Q8]
    if state[DECIDE_AT_Q8] < alarm_q8:
        alarm_q8 = state[DECIDE_AT_Q8]
    state[_ALARM_Q8] = alarm_q8
    return said


def contact(words, events):
    state = words
    if not state[IN_STANCE]:
        begin(words)
    if events & _CONTACT:
        if state[FOREFOOT_ON_Q8] == _NEVER_Q8:
            state[FOREFOOT_ON_Q8] = state[_FOREFOOT + _ON_Q8]
    if events & _CONTACT << 1:
        if state[HEEL_ON_Q8] == _NEVER_Q8:
            state[HEEL_ON_Q8] = state[_HEEL + _ON_Q8]
    if events & _CONTACT << 2:
        if state[INITIAL_Q8] == _NEVER_Q8:
            state[INITIAL_Q8] = state[_FOOT + _ON_Q8]
            state[CAME_Q8] = state[_RISE_Q8]
            if state[_FOOT + _RISEN]:
                state[CAME_Q8] = state[_NOW_Q8] - state[_DELAY_Q8] - state[_FOOT + _ON_Q8]


def begin(words):
    state = words
    now_q8 = state[_NOW_Q8]
    state[RESTLESS_N] += 1
    if state[_RESTED]:
        state[RESTLESS_N] = 0
    k = INITIAL_Q8
    while k <= HEEL_OFF_Q8:
        state[k] = _NEVER_Q8  # not seen
        k += 1
    state[CAME_Q8] = 0
    state[IN_STANCE] = 1
    # What was told before this load came was of another one, a scuff that came to nothing.
    first_q8 = _OLDEST_Q8
    if state[_FOREFOOT + _ABOVE_N]:
        first_q8 = state[_FOREFOOT + _ABOVE_Q8]
    if state[_HEEL + _ABOVE_N]:
        if first_q8 == _OLDEST_Q8 or state[_HEEL + _ABOVE_Q8] < first_q8:
            first_q8 = state[_HEEL + _ABOVE_Q8]
    if first_q8 > state[ANNOUNCED_Q8]:
        state[ANNOUNCED] = 0
    clear(words)
    state[_DROPPED_Q8] = 0
    state[_STANCE_N] = 0
    state[STAND_Q8] = now_q8 + (state[RATE_HZ] * LONGEST_MS << 8) // 1000
    state[HOUSE_Q8] = now_q8 + (state[STUCK_N] << 8)


# When all parts are free the stance is over.
def lift(words, events):
    state = words
    if events & _LIFT:
        state[FOREFOOT_OFF_Q8] = state[_FOREFOOT + _OFF_Q8]
    if events & _LIFT << 1:
        state[HEEL_OFF_Q8] = state[_HEEL + _OFF_Q8]
    if state[_FOREFOOT + _LOADED] | state[_HEEL + _LOADED] | state[_FOOT + _LOADED]:
        state[HOUSE_Q8] = state[_NOW_Q8]  # what is loaded yet may be a sensor that is stuck
        return
    state[TOLD_PEAK] = 0
    state[DUE] = _LEARN
    if not state[STANDING]:
        finish(words)
        if is_step(words):
            state[DUE] = _TELL
            tell(words)
    leave(words)


def leave(state):
    now_q8 = state[_NOW_Q8]
    state[_STANCE_N] = 0 - 1
    state[_RESTED] = 0
    state[IN_STANCE] = 0
    state[STANDING] = 0
    state[ANNOUNCED] = 0
    state[FREE_Q8] = now_q8
    state[HOUSE_Q8] = now_q8 + (state[RATE_HZ] * _HOUSE_MS << 8) // 1000
    state[STRIDE_N] = (now_q8 - state[STRIDE_START_Q8]) >> 8
    state[STRIDE_START_Q8] = now_q8


# The provisional order, once per contact: when both zones have been loaded for 10 ms, or one of them alone long
# enough. It does not wait for smoothing or for the stance to be confirmed.
def look(words):
    state = words
    state[LOOK] = 0
    state[DECIDE_AT_Q8] = _NEVER_Q8
    forefoot_q8 = _NEVER_Q8
    if state[_FOREFOOT + _ABOVE_N]:
        forefoot_q8 = state[_FOREFOOT + _ABOVE_Q8]
    heel_q8 = _NEVER_Q8
    if state[_HEEL + _ABOVE_N]:
        heel_q8 = state[_HEEL + _ABOVE_Q8]
    first_q8 = heel_q8
    if forefoot_q8 < heel_q8:
        first_q8 = forefoot_q8
    if first_q8 == _NEVER_Q8 or state[WARMING]:
        return NOTHING
    if state[ANNOUNCED]:
        if state[IN_STANCE] or first_q8 <= state[ANNOUNCED_Q8]:
            return NOTHING
    now_q8 = state[_NOW_Q8]
    quick_n = state[_QUICK_N]
    if state[_FOREFOOT + _ABOVE_N] < quick_n or state[_HEEL + _ABOVE_N] < quick_n:
        decide_at_q8 = first_q8 + (state[RATE_HZ] * _DECIDE_MS << 8) // 1000
        if now_q8 < decide_at_q8:
            state[DECIDE_AT_Q8] = decide_at_q8
            return NOTHING
    state[ANNOUNCED] = 1
    state[ANNOUNCED_Q8] = now_q8
    state[TOUCH_INDEX] = state[ORIGIN] + (first_q8 >> 8)
    state[TOUCH_Q8] = first_q8 & 255
    state[TOUCH_DELAY_N] = (now_q8 - first_q8) >> 8
    state[TOUCH_ORDER] = _ORDER_UNKNOWN
    if not state[BLIND]:
        state[TOUCH_ORDER] = order(words, forefoot_q8, heel_q8)
    return TOUCHED


# What is left of the load in the hold time, over the level, is the tail.
def finish(state):
    state[FINAL_Q8] = state[_FOOT + _OFF_Q8]
    state[WENT_Q8] = (state[_FOOT + _RESIDUE] << 8) // state[_FOOT + _RELEASE]


# The numbers of its frame. They stand by themselves: whatever happens to the samples next, they can be told.
def tell(words):
    state = words
    conclude(words)
    initial_q8 = state[INITIAL_Q8]
    state[TOLD_INDEX] = state[ORIGIN] + (initial_q8 >> 8)
    state[TOLD_Q8] = initial_q8 & 255
    k = 0
    while k < 4:
        since_q8 = _STRIDE_FOREFOOT_ON_INVALID
        if state[FOREFOOT_ON_Q8 + k] != _NEVER_Q8:
            since_q8 = state[FOREFOOT_ON_Q8 + k] - initial_q8
        state[TOLD_FOREFOOT_ON_Q8 + k] = since_q8
        k += 1
    state[TOLD_FINAL_Q8] = state[FINAL_Q8] - initial_q8
    state[TOLD_END] = state[ORIGIN] + ((state[FINAL_Q8] + 255) >> 8)
    state[TOLD_PEAK] = state[_FOOT + _PEAK]
    state[FOREFOOT_PEAK] = state[_FOREFOOT + _PEAK]
    state[HEEL_PEAK] = state[_HEEL + _PEAK]
    state[FOREFOOT_SUM] = state[_FOREFOOT + _TOTAL] * 4 // state[RATE_HZ]
    state[HEEL_SUM] = state[_HEEL + _TOTAL] * 4 // state[RATE_HZ]


# What the stride says about the wearer's weight, and about the sensors.
def learn_all(words):
    state = words
    if state[TOLD_PEAK]:
        learn(words, 2, state[TOLD_PEAK])
        if state[TOLD_FOREFOOT_ON_Q8] != _STRIDE_FOREFOOT_ON_INVALID:
            learn(words, 0, state[FOREFOOT_PEAK])
        if state[TOLD_HEEL_ON_Q8] != _STRIDE_HEEL_ON_INVALID:
            learn(words, 1, state[HEEL_PEAK])
        if state[WARMING]:  # after a long hole
            close(words)
    seen = state[JUDGED] | state[DRIFT_BITS] | state[OUT_BITS]
    state[JUDGED] = judge(words, state[STRIDE_N])
    if (seen | state[JUDGED] | state[DRIFT_BITS]) & _STILL_OR_TOP:
        return STOOD
    return NOTHING


# Levels follow the noise, and numbers stay small. What is rare is left to gait.
def keep_house(words):
    state = words
    now_q8 = state[_NOW_Q8]
    state[HOUSE_Q8] = now_q8 + (state[RATE_HZ] * _HOUSE_MS << 8) // 1000
    if state[WARMING] or state[STANDING]:
        return HOUSE
    if state[IN_STANCE]:
        if not state[_FOREFOOT + _LOADED] or not state[_HEEL + _LOADED]:
            state[HOUSE_Q8] = now_q8 + (state[RATE_HZ] * _SOON_MS << 8) // 1000
        if now_q8 >= state[STAND_Q8]:
            return HOUSE
        if stuck(words, state[STUCK_N], state[_FOOT + _LOW]):
            return HOUSE
    elif now_q8 >= REBASE_Q8:
        rebase(words, now_q8)
    else:
        keep(words)
    return NOTHING


# ORIGIN moves up by by_q8, all times back; one that nobody asks for any more stays a small int.
def rebase(state, by_q8):
    state[ORIGIN] += by_q8 >> 8
    state[_NOW_Q8] -= by_q8
    state[HOUSE_Q8] -= by_q8
    if state[DECIDE_AT_Q8] != _NEVER_Q8:
        state[DECIDE_AT_Q8] -= by_q8
    k = FREE_Q8
    while k <= STEPPED_Q8:
        state[k] -= by_q8
        if state[k] < _OLDEST_Q8:
            state[k] = _OLDEST_Q8
        k += 1
    at = _ZONE_AT
    while at < _ZONE_AT + 3 * _ZONE_WORDS:
        state[at + _ON_Q8] -= by_q8
        if state[at + _ON_Q8] < _OLDEST_Q8:
            state[at + _ON_Q8] = _OLDEST_Q8
        state[at + _OFF_Q8] -= by_q8
        if state[at + _OFF_Q8] < _OLDEST_Q8:
            state[at + _OFF_Q8] = _OLDEST_Q8
        state[at + _ABOVE_Q8] -= by_q8
        if state[at + _ABOVE_Q8] < _OLDEST_Q8:
            state[at + _ABOVE_Q8] = _OLDEST_Q8
        state[at + _PEAK_Q8] -= by_q8
        if state[at + _PEAK_Q8] < _OLDEST_Q8:
            state[at + _PEAK_Q8] = _OLDEST_Q8
        at += _ZONE_WORDS
