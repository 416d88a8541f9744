# From events to stances, natively: when a stance begins and ends, and what is told of it. Core; works on the detector's
# words. `stance_plain` is the same text without the native decorator, written by
# firmware/make_plain.py. Times are q8 samples relative to ORIGIN, a sample index that moves up between stances so that
# every number stays small for any length of session.
#
# Three parts are watched alike: forefoot (with the toes) and heel, and the foot, all sensors together. Initial and
# final contact are the foot's, orders are those of forefoot and heel.
#
# Native code hands over arrays, not pointers: a function that calls others takes the words as they are.
import micropython
from micropython import const

from .step import is_step
from .tune import clear, close, judge, keep, learn, stuck, surge
from .verdict import conclude, order

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
RATE_HZ = const(240)
ORIGIN = const(241)
WARMING = const(242)  # the first listening: nothing is loaded
IN_STANCE = const(243)
STANDING = const(244)  # longer than a step lasts
STAND_Q8 = const(245)  # when a stance becomes that
HOUSE_Q8 = const(246)  # when to look after levels and numbers
HOUSE_STEP_Q8 = const(247)
STUCK_N = const(248)  # samples after which a sensor that stands still under load is stuck
LOOK = const(249)  # a provisional order may be due
DECIDE_AT_Q8 = const(250)  # when a contact of one part alone is told
ANNOUNCED = const(251)  # the contact of this stance was told
DUE = const(252)  # what is done with the next sample
STRIDE_N = const(253)  # samples from the last stance's end to this one's
RESTLESS_N = const(254)  # contacts in a row before which the foot was never at rest
JUDGED = const(255)  # what the channels did in the last stride, as tune.judge says
STILL_BITS = const(256)  # the channels that stood still in the one before
OUT_BITS = const(257)  # the channels that are left out
BLIND = const(258)  # all of the forefoot's, or all of the heel's
ALIKE_N = const(259)  # loads in a row like the one before
SEEN_PEAK = const(260)  # of the last load that might have been a step
SEEN_LONG_Q8 = const(261)
HISTORY = const(262)  # -3 (three strides forward) to 3 (three backward)
FREE_Q8 = const(263)  # times that move with the origin: the last stance's end,
STRIDE_START_Q8 = const(264)
ANNOUNCED_Q8 = const(265)
SEEN_Q8 = const(266)  # the last load's that might have been a step,
STEPPED_Q8 = const(267)  # the last step's
INITIAL_Q8 = const(268)  # of the present stance
FOREFOOT_ON_Q8 = const(269)
HEEL_ON_Q8 = const(270)
FOREFOOT_OFF_Q8 = const(271)
HEEL_OFF_Q8 = const(272)
FINAL_Q8 = const(273)
CAME_Q8 = const(274)  # how long the load took from low to high level
WENT_Q8 = const(275)  # and how long a tail it left
TOLD_END = const(276)  # sample index after final contact
TOLD_PEAK = const(277)  # 0: that was no step
VOTES = const(278)  # for backward
FIRST_LIGHT = const(279)  # counts over all sensors: less is no first step
FIRST_HEAVY = const(280)  # so much is one even when most of it is on one part

# --- state: of a stride, the numbers of its frame in their order
STRIDE_AT = const(281)
TOLD_INDEX = const(284)  # of initial contact; behind kind, session and number of the frame
TOLD_Q8 = const(285)
TOLD_FOREFOOT_ON_Q8 = const(286)  # since then
TOLD_HEEL_ON_Q8 = const(287)
TOLD_FOREFOOT_OFF_Q8 = const(288)
TOLD_HEEL_OFF_Q8 = const(289)
TOLD_FINAL_Q8 = const(290)
CONTACT_ORDER = const(291)
LIFT_ORDER = const(292)
DIRECTION = const(293)
CONFIDENCE = const(294)
REASONS = const(295)
DELAY_N = const(296)
FOREFOOT_PEAK = const(297)
HEEL_PEAK = const(298)
FOREFOOT_SUM = const(299)
HEEL_SUM = const(300)

# --- state: of a contact, the numbers of its frame in their order
CONTACT_AT = const(301)
TOUCH_INDEX = const(304)
TOUCH_Q8 = const(305)
TOUCH_ORDER = const(306)
TOUCH_DELAY_N = const(307)
CUED = const(308)
ALL_WORDS = const(309)

# --- times
LONGEST_MS = const(3000)  # the slowest recorded stance lasts 2 s; longer is standing
REBASE_Q8 = const(262144)  # 1024 samples

# --- said
NOTHING = const(0)
TOUCHED = const(1)  # provisional: the order as it looks now
STRIDE = const(2)  # final
HOUSE = const(3)  # something rare has to be looked after
STOOD = const(4)  # a channel stood still in this stride or the last

_TELL = const(1)  # what is due
_LEARN = const(2)

_ANY_CONTACT = const(7)  # CONTACT, LIFT, TOUCH, SURGED of any zone
_ANY_LIFT = const(56)
_ANY_TOUCH = const(192)  # of forefoot and heel; the foot's says nothing new
_ANY_SURGED = const(3584)
_DECIDE_MS = const(32)  # a second zone that comes later than this is late enough for an order to count
_SOON_MS = const(100)  # to the next look for a stuck sensor, when one part of the foot carries alone



# What the events of one sample lead to: one of `said`, and when to be called again.
@micropython.viper
def hear(words, events: int) -> int:
    state = ptr32(words)
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
        said = int(learn_all(words))
    if state[LOOK] and not said:
        said = int(look(words))
    if state[DUE] or state[LOOK]:
        state[_ALARM_Q8] = now_q8 + 256
        return said
    if now_q8 >= state[HOUSE_Q8] and not said:
        said = int(keep_house(words))
    alarm_q8 = state[HOUSE_Q8]
    if state[DECIDE_AT_Q8] < alarm_q8:
        alarm_q8 = state[DECIDE_AT_Q8]
    state[_ALARM_Q8] = alarm_q8
    return said


# events


@micropython.viper
def contact(words, events: int):
    state = ptr32(words)
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


@micropython.viper
def begin(words):
    state = ptr32(words)
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
@micropython.viper
def lift(words, events: int):
    state = ptr32(words)
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
        if int(is_step(words)):
            state[DUE] = _TELL
            tell(words)
    leave(words)


@micropython.viper
def leave(state: ptr32):
    now_q8 = state[_NOW_Q8]
    state[_STANCE_N] = 0 - 1
    state[_RESTED] = 0
    state[IN_STANCE] = 0
    state[STANDING] = 0
    state[ANNOUNCED] = 0
    state[FREE_Q8] = now_q8
    state[HOUSE_Q8] = now_q8 + state[HOUSE_STEP_Q8]
    state[STRIDE_N] = (now_q8 - state[STRIDE_START_Q8]) >> 8
    state[STRIDE_START_Q8] = now_q8


# The provisional order, once per contact: when both zones have been loaded for two samples, or one of them alone
# long enough. It does not wait for smoothing or for the stance to be confirmed.
@micropython.viper
def look(words) -> int:
    state = ptr32(words)
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
        state[TOUCH_ORDER] = int(order(words, forefoot_q8, heel_q8))
    return TOUCHED


# a stance that is over


# What is left of the load in the hold time, over the level, is the tail.
@micropython.viper
def finish(state: ptr32):
    state[FINAL_Q8] = state[_FOOT + _OFF_Q8]
    state[WENT_Q8] = (state[_FOOT + _RESIDUE] << 8) // state[_FOOT + _RELEASE]


# The numbers of its frame. They stand by themselves: whatever happens to the samples next, they can be told.
@micropython.viper
def tell(words):
    state = ptr32(words)
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
@micropython.viper
def learn_all(words) -> int:
    state = ptr32(words)
    if state[TOLD_PEAK]:
        learn(words, 2, state[TOLD_PEAK])
        if state[TOLD_FOREFOOT_ON_Q8] != _STRIDE_FOREFOOT_ON_INVALID:
            learn(words, 0, state[FOREFOOT_PEAK])
        if state[TOLD_HEEL_ON_Q8] != _STRIDE_HEEL_ON_INVALID:
            learn(words, 1, state[HEEL_PEAK])
        if state[WARMING]:  # after a long hole
            close(words)
    bits = int(judge(words, state[STRIDE_N]))
    state[JUDGED] = bits
    if (bits | state[STILL_BITS]) & 255:
        return STOOD
    return NOTHING


# between stances


# Levels follow the noise, and numbers stay small. What is rare is left to gait.
@micropython.viper
def keep_house(words) -> int:
    state = ptr32(words)
    now_q8 = state[_NOW_Q8]
    state[HOUSE_Q8] = now_q8 + state[HOUSE_STEP_Q8]
    if state[WARMING] or state[STANDING]:
        return HOUSE
    if state[IN_STANCE]:
        if not state[_FOREFOOT + _LOADED] or not state[_HEEL + _LOADED]:
            state[HOUSE_Q8] = now_q8 + (state[RATE_HZ] * _SOON_MS << 8) // 1000
        if now_q8 >= state[STAND_Q8]:
            return HOUSE
        if int(stuck(words, state[STUCK_N], state[_FOOT + _LOW])):
            return HOUSE
    elif now_q8 >= REBASE_Q8:
        rebase(words, now_q8)
    else:
        keep(words)
    return NOTHING


# ORIGIN moves up by by_q8, all times back; one that nobody asks for any more stays a small int.
@micropython.viper
def rebase(state: ptr32, by_q8: int):
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
