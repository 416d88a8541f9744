# Written by firmware/make_plain.py from step.py, which explains it: change that one.
from micropython import const

# WORDS of the maps, written by firmware/make_plain.py
_DROPPED_Q8 = const(11)
_NEVER_Q8 = const(536870911)
_PEAK = const(17)
_TOTAL = const(19)
_FOREFOOT = const(26)
_HEEL = const(52)
_FOOT = const(78)
_FOOT_TUNE = const(180)
_RUNNING = const(0)
_LEARNT = const(1)
_SIGMA = const(2)
_RATE_HZ = const(186)
_RESTLESS_N = const(199)
_ALIKE_N = const(204)
_SEEN_PEAK = const(205)
_SEEN_LONG_Q8 = const(206)
_SEEN_Q8 = const(211)
_STEPPED_Q8 = const(212)
_INITIAL_Q8 = const(213)
_FOREFOOT_ON_Q8 = const(214)
_HEEL_ON_Q8 = const(215)
_FOREFOOT_OFF_Q8 = const(216)
_HEEL_OFF_Q8 = const(217)
_FINAL_Q8 = const(218)
_CAME_Q8 = const(219)
_WENT_Q8 = const(220)
_FIRST_LOAD = const(224)
# end of WORDS

_SHORTEST_MS = const(120)  # the shortest running stance is about 160 ms
_LEAST_TOP_PERCENT = const(50)  # of what was learnt: the lightest recorded step has 55, a hand seldom 30,
_LEAST_LIGHT_PERCENT = const(15)  # unless there are many alike in a row: a lighter wearer, or the heavy ones leapt
_LIGHT_N = const(6)  # so many like the one before
_LEAST_RUNNING_PERCENT = const(40)  # of the running peak, which a heavier load may have raised
_LEAST_FIRST_PERCENT = const(69)  # of the load of a first step, 1100 counts of 1600: more than laces and fingers
_LEAST_SIGMAS = const(10)  # of the whole foot's noise
_SWAY_MS = const(280)  # rise + tail + a tenth of the stance: 999 of 1000 recorded strides have 208, swaying has 240
_SWAY_FIRST_MS = const(200)  # where no step was for a while, at most: 99 of 100 first strides have 187
_SWAY_DIVISOR = const(10)
_SLOW_MS = const(1500)  # a stance longer than this is asked how full it is: the longest recorded one lasts 1.51 s
_COUNTED_MS = const(1200)  # what counts of it then
_FULL_PERCENT = const(68)  # of the peak, that the load has in the mean of a long stance; swaying has 59 to 65
_NOT_FULL_MS = const(80)  # what it counts for if not
_SOFT_MS = const(45)  # rise + tail of a step when the foot never rested before, twice in a row: shuffling has more
_GOES_ON_MS = const(3000)  # so soon after a step it may also be rocked over: what lands first leaves last. Else both
_ROCK_MS = const(50)  # leads must be that clear
_ROCK_SHARE = const(4)  # and both parts well loaded: a resting foot rocks lightly
_ALIKE_MS = const(1500)  # longest pause between two loads alike
_ALIKE_LEAST_N = const(3)  # loads like the one before it, until they are steps
_ROLL_LEAST_MS = const(20)  # a lead that says something
_ROLL_MS = const(60)  # lead at contact and lead at lift together; pressing loads one part first and leaves it last
_LEAST_SHARE = const(12)  # of the foot's peak, one part in this many, that the lesser part has in such a step


def is_step(words):
    state = words
    if not is_load(words):
        return 0
    if is_sway(words):
        return 0
    if not is_alike(words):
        if not rolls(words):
            return 0
    if state[_ALIKE_N] < _LIGHT_N:
        if is_light(words):
            return 0
    state[_STEPPED_Q8] = state[_FINAL_Q8]
    return 1


# Too light for this wearer. Of a wearer nobody has seen walking yet: very light, or light and most of it on one part.
def is_light(state):
    peak = state[_FOOT + _PEAK]
    known = state[_FOOT_TUNE + _LEARNT]
    if known:
        if peak * 100 < known * _LEAST_TOP_PERCENT:
            return 1
        return 0
    if peak * 100 < state[_FOOT_TUNE + _RUNNING] * _LEAST_RUNNING_PERCENT:
        return 1
    if peak * 100 < state[_FIRST_LOAD] * _LEAST_FIRST_PERCENT:
        return 1
    if peak >= state[_FIRST_LOAD]:
        return 0
    lesser = state[_FOREFOOT + _PEAK]
    if state[_HEEL + _PEAK] < lesser:
        lesser = state[_HEEL + _PEAK]
    if lesser * 5 < peak * 2:
        return 1
    return 0


# Long and heavy enough. A session that began with the foot loaded learnt that load as nothing: what rose above it
# was no contact.
def is_load(state):
    peak = state[_FOOT + _PEAK]
    if state[_INITIAL_Q8] == _NEVER_Q8:
        return 0
    if state[_FINAL_Q8] - state[_INITIAL_Q8] < (state[_RATE_HZ] * _SHORTEST_MS << 8) // 1000:
        return 0
    if (state[_DROPPED_Q8] >> 8) * 4 > peak or peak < _LEAST_SIGMAS * state[_FOOT_TUNE + _SIGMA]:
        return 0
    if peak * 100 < state[_FOOT_TUNE + _RUNNING] * _LEAST_LIGHT_PERCENT:
        return 0
    return 1


# The weight came and went gently: in a long stance, as when swaying from foot to foot, or after the foot had twice
# in a row not been at rest in the air, as when shuffling. Long stances alone are slow walking: then the load is near
# its peak for most of the time, when swaying it is on its way.
def is_sway(state):
    rate_hz = state[_RATE_HZ]
    gentle_q8 = state[_CAME_Q8] + state[_WENT_Q8]
    long_q8 = state[_FINAL_Q8] - state[_INITIAL_Q8]
    if state[_RESTLESS_N] > 1:
        if gentle_q8 > (rate_hz * _SOFT_MS << 8) // 1000:
            return 1
    slow_q8 = (rate_hz * _SLOW_MS << 8) // 1000
    if long_q8 > slow_q8:
        if state[_FOOT + _TOTAL] // (long_q8 >> 8) * 100 < state[_FOOT + _PEAK] * _FULL_PERCENT:
            gentle_q8 += (rate_hz * _NOT_FULL_MS << 8) // 1000
        long_q8 = (rate_hz * _COUNTED_MS << 8) // 1000
    sway_ms = _SWAY_MS
    if state[_INITIAL_Q8] - state[_STEPPED_Q8] >= (rate_hz * _GOES_ON_MS << 8) // 1000:
        sway_ms = _SWAY_FIRST_MS
    if gentle_q8 + long_q8 // _SWAY_DIVISOR > (rate_hz * sway_ms << 8) // 1000:
        return 1
    return 0


# The fourth in a row of about this weight and length, within a factor of one and a half.
def is_alike(state):
    peak = state[_FOOT + _PEAK]
    seen_peak = state[_SEEN_PEAK]
    long_q8 = state[_FINAL_Q8] - state[_INITIAL_Q8]
    seen_long_q8 = state[_SEEN_LONG_Q8]
    alike_n = state[_ALIKE_N] + 1
    if state[_INITIAL_Q8] - state[_SEEN_Q8] >= (state[_RATE_HZ] * _ALIKE_MS << 8) // 1000:
        alike_n = 0
    if peak * 3 <= seen_peak * 2 or peak * 2 >= seen_peak * 3:
        alike_n = 0
    if long_q8 * 3 <= seen_long_q8 * 2 or long_q8 * 2 >= seen_long_q8 * 3:
        alike_n = 0
    state[_ALIKE_N] = alike_n
    state[_SEEN_Q8] = state[_FINAL_Q8]
    state[_SEEN_PEAK] = peak
    state[_SEEN_LONG_Q8] = long_q8
    if alike_n >= _ALIKE_LEAST_N:
        return 1
    return 0


# It rolled over the foot: both parts carried, and the same one came and went before the other.
def rolls(state):
    if state[_FOREFOOT_ON_Q8] == _NEVER_Q8 or state[_HEEL_ON_Q8] == _NEVER_Q8:
        return 0
    lesser = state[_FOREFOOT + _PEAK]
    if state[_HEEL + _PEAK] < lesser:
        lesser = state[_HEEL + _PEAK]
    if lesser * _LEAST_SHARE < state[_FOOT + _PEAK]:
        return 0
    on_q8 = state[_HEEL_ON_Q8] - state[_FOREFOOT_ON_Q8]
    off_q8 = state[_HEEL_OFF_Q8] - state[_FOREFOOT_OFF_Q8]
    both_q8 = on_q8 + off_q8
    if on_q8 > 0:
        against = 1
        if off_q8 > 0:
            against = 0
    else:
        on_q8 = 0 - on_q8
        against = 0
        if off_q8 > 0:
            against = 1
    if off_q8 < 0:
        off_q8 = 0 - off_q8
    if on_q8 < off_q8:
        off_q8 = on_q8  # the lesser lead
    if not against or off_q8 <= (state[_RATE_HZ] * _ROLL_LEAST_MS << 8) // 1000:
        if both_q8 < 0:
            both_q8 = 0 - both_q8
        if both_q8 >= (state[_RATE_HZ] * _ROLL_MS << 8) // 1000:
            return 1
        return 0
    if state[_INITIAL_Q8] - state[_STEPPED_Q8] < (state[_RATE_HZ] * _GOES_ON_MS << 8) // 1000:
        return 1
    if lesser * _ROCK_SHARE < state[_FOOT + _PEAK]:
        return 0
    if off_q8 < (state[_RATE_HZ] * _ROCK_MS << 8) // 1000:
        return 0
    return 1
