# A stance: what is collected while the foot is on the ground, and whether it was a step of walking. Core; called by
# gait at events; allocates nothing. Times are q8 samples relative to the detector's origin.
#
# Not a step: too short, too light, or a load that comes and goes gently. A step is abrupt at one of its ends: from low
# to high level a contact takes 12 ms in the recordings (99 %: 56), swaying from foot to foot 40 to 150.
# And a load alone is no walking. A step rolls over the foot, what lands first leaving first, or is the fourth in a row
# of about the same weight and length, as when tripping along on the toes: fingers, laces and a heel worked into a shoe
# do neither.
from micropython import const

from .fixed import NEVER_Q8

# WORDS of sense.py and tune.py, written by firmware/make_plain.py
_DROPPED_Q8 = const(11)
_TIME_SHIFT = const(21)
_OFF_Q8 = const(12)
_PEAK = const(17)
_PEAK_Q8 = const(18)
_TOTAL = const(19)
_MASS = const(20)
_MOMENT = const(21)
_RELEASE = const(23)
_RESIDUE = const(24)
_FOREFOOT = const(26)
_HEEL = const(52)
_FOOT = const(78)
# end of WORDS

_SHORTEST_MS = const(120)  # the shortest running stance is about 160 ms
_LEAST_TOP_PERCENT = const(40)  # of the running peak: less was a brush, not a stance,
_LEAST_LIGHT_PERCENT = const(15)  # unless there are many alike in a row: a lighter wearer, or the heavy ones leapt
_LIGHT_N = const(6)  # so many like the one before
_LEAST_SIGMAS = const(10)  # of the whole foot's noise
_SWAY_MS = const(280)  # rise + tail + a tenth of the stance: 999 of 1000 recorded strides have 240, swaying has 290
_SWAY_DIVISOR = const(10)
_SOFT_MS = const(45)  # rise + tail of a step when the foot never rested before, twice in a row: shuffling has more
_GOES_ON_MS = const(3000)  # so soon after a step it may also be rocked over: what lands first leaves last. Else both
_ROCK_MS = const(50)  # leads must be that clear
_ROCK_SHARE = const(4)  # and both parts well loaded: a resting foot rocks lightly
_ALIKE_MS = const(1500)  # longest pause between two loads alike
_ALIKE_N = const(3)  # loads like the one before it, until they are steps
_OLDEST_Q8 = const(-(1 << 28))
_TOGETHER_MS = const(20)
_ROLL_MS = const(60)  # lead at contact and lead at lift together; pressing loads one part first and leaves it last
_LEAST_SHARE = const(12)  # of the foot's peak, one part in this many, that the lesser part has in such a step


class Stance:
    def __init__(self):
        self.clear()
        self.final_q8 = self.tail_q8 = self.shift_q8 = self.dropped = self.delay_n = 0
        self.forefoot_peak = self.heel_peak = self.foot_peak = 0
        self.forefoot_peak_q8 = self.heel_peak_q8 = 0
        self.forefoot_sum = self.heel_sum = 0

    def clear(self):
        self.initial_q8 = self.forefoot_on_q8 = self.heel_on_q8 = NEVER_Q8  # not seen
        self.forefoot_off_q8 = self.heel_off_q8 = NEVER_Q8
        self.rise_q8 = 0
        self.restless_n = 0

    # All parts are free: take over what their words have added up. What is left of the load in the hold time, over the
    # level, is the tail.
    def finish(self, state):
        self.final_q8 = state[_FOOT + _OFF_Q8]
        self.tail_q8 = (state[_FOOT + _RESIDUE] << 8) // state[_FOOT + _RELEASE]
        self.dropped = state[_DROPPED_Q8] >> 8
        self.foot_peak = state[_FOOT + _PEAK]
        self.forefoot_peak = state[_FOREFOOT + _PEAK]
        self.forefoot_peak_q8 = state[_FOREFOOT + _PEAK_Q8]
        self.forefoot_sum = state[_FOREFOOT + _TOTAL]
        self.heel_peak = state[_HEEL + _PEAK]
        self.heel_peak_q8 = state[_HEEL + _PEAK_Q8]
        self.heel_sum = state[_HEEL + _TOTAL]
        self.shift_q8 = 0
        if state[_FOREFOOT + _MASS] and state[_HEEL + _MASS]:
            by = (state[_HEEL + _MOMENT] << 3) // state[_HEEL + _MASS]
            by -= (state[_FOREFOOT + _MOMENT] << 3) // state[_FOREFOOT + _MASS]
            self.shift_q8 = by << (5 + state[_TIME_SHIFT])


class Steps:
    def __init__(self, rate_hz):
        self._shortest_q8 = (rate_hz * _SHORTEST_MS << 8) // 1000
        self._sway_q8 = (rate_hz * _SWAY_MS << 8) // 1000
        self._soft_q8 = (rate_hz * _SOFT_MS << 8) // 1000
        self._alike_q8 = (rate_hz * _ALIKE_MS << 8) // 1000
        self._together_q8 = (rate_hz * _TOGETHER_MS << 8) // 1000
        self._roll_q8 = (rate_hz * _ROLL_MS << 8) // 1000
        self._rock_q8 = (rate_hz * _ROCK_MS << 8) // 1000
        self._goes_on_q8 = (rate_hz * _GOES_ON_MS << 8) // 1000
        self._told_q8 = _OLDEST_Q8  # when the last step ended
        self._seen_q8 = _OLDEST_Q8  # when the last load ended that might have been a step
        self._seen_peak = self._seen_long_q8 = 0
        self._alike_n = 0

    def rebase(self, by_q8):
        self._seen_q8 = max(self._seen_q8 - by_q8, _OLDEST_Q8)
        self._told_q8 = max(self._told_q8 - by_q8, _OLDEST_Q8)

    def forget(self):
        self._seen_q8 = self._told_q8 = _OLDEST_Q8

    def is_step(self, stance, foot):
        if not self._is_load(stance, foot) or self._is_sway(stance):
            return False
        is_alike = self._is_alike(stance)
        if not is_alike and not self._rolls(stance):
            return False
        if self._alike_n < _LIGHT_N and stance.foot_peak * 100 < foot.peak * _LEAST_TOP_PERCENT:
            return False
        self._told_q8 = stance.final_q8
        return True

    # Long and heavy enough. A session that began with the foot loaded learnt that load as nothing: what rose above it
    # was no contact.
    def _is_load(self, stance, foot):
        if stance.initial_q8 == NEVER_Q8 or stance.final_q8 - stance.initial_q8 < self._shortest_q8:
            return False
        peak = stance.foot_peak
        if stance.dropped * 4 > peak or peak < _LEAST_SIGMAS * foot.sigma:
            return False
        return peak * 100 >= foot.peak * _LEAST_LIGHT_PERCENT

    # The weight came and went gently: in a long stance, as when swaying from foot to foot, or after the foot had twice
    # in a row not been at rest in the air, as when shuffling.
    def _is_sway(self, stance):
        gentle_q8 = stance.rise_q8 + stance.tail_q8
        if gentle_q8 + (stance.final_q8 - stance.initial_q8) // _SWAY_DIVISOR > self._sway_q8:
            return True
        return stance.restless_n > 1 and gentle_q8 > self._soft_q8

    # The fourth in a row of about this weight and length.
    def _is_alike(self, stance):
        peak = stance.foot_peak
        long_q8 = stance.final_q8 - stance.initial_q8
        soon = stance.initial_q8 - self._seen_q8 < self._alike_q8
        if soon and _is_near(peak, self._seen_peak) and _is_near(long_q8, self._seen_long_q8):
            self._alike_n += 1
        else:
            self._alike_n = 0
        self._seen_q8 = stance.final_q8
        self._seen_peak = peak
        self._seen_long_q8 = long_q8
        return self._alike_n >= _ALIKE_N

    # It rolled over the foot: both parts carried, and the same one came and went before the other.
    def _rolls(self, stance):
        if stance.forefoot_on_q8 == NEVER_Q8 or stance.heel_on_q8 == NEVER_Q8:
            return False
        lesser_peak = min(stance.forefoot_peak, stance.heel_peak)
        if lesser_peak * _LEAST_SHARE < stance.foot_peak:
            return False
        on_q8 = stance.heel_on_q8 - stance.forefoot_on_q8
        off_q8 = stance.heel_off_q8 - stance.forefoot_off_q8
        if (on_q8 > 0) == (off_q8 > 0) or min(abs(on_q8), abs(off_q8)) <= self._together_q8:
            return abs(on_q8 + off_q8) >= self._roll_q8
        if stance.initial_q8 - self._told_q8 < self._goes_on_q8:
            return True
        return lesser_peak * _ROCK_SHARE >= stance.foot_peak and min(abs(on_q8), abs(off_q8)) >= self._rock_q8


# Within a factor of one and a half.
def _is_near(a, b):
    return a * 3 > b * 2 and a * 2 < b * 3
