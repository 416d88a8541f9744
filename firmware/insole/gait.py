# The detector: from counts to stances. Core; the only place that decides what a step was.
#
#   foot in the air --a part confirmed--> STANCE --all free for the hold time--> decided --> in the air
#                                           \--longer than 3 s--> STANDING (no stride) --> in the air
#
# step() returns NOTHING, TOUCHED (provisional: order known as it looks now, fields contact_*) or STRIDE (final: all
# fields); they stay valid until the next step. Times are q8 samples relative to `origin`, a sample index that moves up
# between stances so that every number stays a small int for any length of session.
#
# Three parts are watched alike: forefoot and heel (the sensors that vote) and the foot, all sensors together. Initial
# and final contact are the foot's, orders are those of forefoot and heel. The first stride needs no calibration.
#
# Direction. Order of contact alone is ambiguous (stairs down and toe walking are forefoot first too). So it is a sum of
# votes, each as strong as it is clear, and `unknown` when they are few or cancel. A vote is a lead in milliseconds,
# clipped at 150 (clearer than that it cannot be), times a weight:
#   lift 5      by how much the forefoot leaves before the heel: what leaves last is behind the movement
#   contact 4   by how much the forefoot lands before the heel
#   shift 4     by how much the forefoot's centre of load in time lies before the heel's
#   peak 1      by how much the forefoot's peak comes before the heel's
#   history 1   50 ms for each of the last three strides: nobody turns round with every step
from micropython import const

from . import wire
from .channels import Channels
from .fixed import NEVER_Q8, clamp
from .zone import CONTACT, LIFT, Zone

NOTHING = 0
TOUCHED = 1
STRIDE = 2

_FOREFOOT = wire.ZONE_FOREFOOT
_HEEL = wire.ZONE_HEEL

_TOGETHER_MS = const(20)  # closer than this is `together`: two samples at 100 Hz
_DECIDE_MS = const(50)  # a second zone later than this no longer changes the provisional order
_LONGEST_MS = const(3000)  # the slowest recorded stance lasts 2 s; longer is standing
_SHORTEST_MS = const(120)  # the shortest running stance is about 160 ms
_REBASE_N = const(1024)
_REST_MS = const(80)  # free for this long: the foot is in the air, its sensors unloaded
_FADE_MS = const(4000)  # after this long in the air the levels sink, so that a lighter wearer is found again
_LONGEST_HOLE = const(64)  # samples; over a longer one nothing is timed, and products with it stay small ints
_LEAST_TOP_PERCENT = const(40)  # of the running peak: less was a brush, not a stance

_CLIP_MS = const(150)
_LIFT_WEIGHT = const(5)
_CONTACT_WEIGHT = const(4)
_SHIFT_WEIGHT = const(4)
_PEAK_WEIGHT = const(1)
_HISTORY_WEIGHT = const(1)
_HISTORY_MS = const(50)
_ALL_VOTES = _CLIP_MS * (_LIFT_WEIGHT + _CONTACT_WEIGHT + _SHIFT_WEIGHT + _PEAK_WEIGHT + _HISTORY_WEIGHT)
_LEAST_VOTES = const(200)  # less, as of a lead of 40 ms in one of the strong votes with nothing else, is no verdict


class Detector:
    def __init__(self, zones, rate_hz):
        self.channels = Channels(zones, rate_hz)
        self._zone_load = [0, 0, 0, 0]
        self.forefoot = Zone(rate_hz)
        self.heel = Zone(rate_hz)
        self.foot = Zone(rate_hz)
        self._together_q8 = (rate_hz * _TOGETHER_MS << 8) // 1000
        self._decide_q8 = (rate_hz * _DECIDE_MS << 8) // 1000
        self._longest_n = rate_hz * _LONGEST_MS // 1000
        self._shortest_q8 = (rate_hz * _SHORTEST_MS << 8) // 1000
        self._quick_n = max(1, rate_hz // 100)
        self._rest_n = rate_hz * _REST_MS // 1000
        self._fade_n = rate_hz * _FADE_MS // 1000
        self._time_shift = 0  # so that _longest_n >> _time_shift fits 8 bits: see _gather
        while self._longest_n >> self._time_shift > 255:
            self._time_shift += 1
        self.rate_hz = rate_hz
        self.origin = 0
        self.history = 0  # -3 (three strides forward) to 3 (three backward)
        self._stance = False
        self._standing = False
        self._touched = False
        self._last_index = -1
        self._idle_n = 0
        self._free_n = 0
        self._rest_load = 0
        self._stride_start = 0
        self.forefoot_on_q8 = self.heel_on_q8 = NEVER_Q8  # not seen
        self.forefoot_off_q8 = self.heel_off_q8 = NEVER_Q8
        self._clear_events()
        self.contact_order = self.lift_order = self.walking = 0
        self.confidence = self.reasons = self.delay_n = 0
        self._votes = 0
        self._blind = False  # all sensors of forefoot or heel are left out: no order can be told

    # --- one sample

    def step(self, index, counts):
        if index - self._last_index > _LONGEST_HOLE and self._last_index >= 0:
            self._forget(index)
        step_q8 = clamp(index - self._last_index, 1, _LONGEST_HOLE) << 8
        now_q8 = (index - self.origin) << 8
        load = self._zone_load
        foot = self.foot
        self.channels.step(counts, self._free_n >= self._rest_n, foot.sigma, load)
        if self._last_index < 0:
            self._begin(load)
        self._last_index = index
        forefoot_said = self.forefoot.step(load[0], now_q8, step_q8)
        heel_said = self.heel.step(load[1], now_q8, step_q8)
        foot_said = foot.step(load[0] + load[1] + load[2] + load[3], now_q8, step_q8)
        self._watch_rest(foot.load)
        if not index & 31:
            self._refresh_levels()
        if forefoot_said == CONTACT or heel_said == CONTACT or foot_said == CONTACT:
            self._contact(forefoot_said, heel_said)
        if self._stance:
            return self._on_the_ground(now_q8, forefoot_said, heel_said)
        return self._in_the_air(index, now_q8)

    # At rest: below the low level and steady for a while. A load still dying away after a lift is not.
    def _watch_rest(self, load):
        band = 3 * self.foot.smooth_sigma + (self.foot.low >> 3)
        if load < self.foot.low and -band <= load - self._rest_load <= band:
            self._free_n += 1
        else:
            self._free_n = 0
            self._rest_load = load

    # A foot that is loaded with the first sample stands; when it landed nobody knows.
    def _begin(self, load):
        loaded = self.forefoot.begin(load[0])
        loaded = self.heel.begin(load[1]) or loaded
        self._stance = self._standing = self.foot.begin(load[0] + load[1] + load[2] + load[3]) or loaded

    # After a long hole nothing that was under way can be timed: the stance, if one was on, is not reported, and what
    # is on the foot now is looked at as with the first sample.
    def _forget(self, index):
        self.forefoot.forget()
        self.heel.forget()
        self.foot.forget()
        if self._stance:
            self._leave_stance()
        self._rebase(index - self.origin)
        self._last_index = -1

    def _refresh_levels(self):
        self.forefoot.set_levels()
        self.heel.set_levels()
        self.foot.set_levels()

    def _contact(self, forefoot_said, heel_said):
        if not self._stance:
            self._clear_events()
            self._stance = True
            self.channels.dropped = 0
        if forefoot_said == CONTACT and self.forefoot_on_q8 == NEVER_Q8:
            self.forefoot_on_q8 = self.forefoot.on_q8
        if heel_said == CONTACT and self.heel_on_q8 == NEVER_Q8:
            self.heel_on_q8 = self.heel.on_q8

    def _clear_events(self):
        self.forefoot_on_q8 = self.heel_on_q8 = NEVER_Q8
        self.forefoot_off_q8 = self.heel_off_q8 = NEVER_Q8
        self.initial_q8 = self.final_q8 = 0
        self.forefoot_peak = self.heel_peak = self._foot_peak = 0
        self._forefoot_peak_q8 = self._heel_peak_q8 = 0
        self.forefoot_sum = self.heel_sum = 0
        self._forefoot_moment = self._forefoot_mass = 0
        self._heel_moment = self._heel_mass = 0
        self._stance_n = 0

    def _in_the_air(self, index, now_q8):
        said = self._touch(now_q8)
        self._idle_n += 1
        if self._idle_n >= self._fade_n:
            self._idle_n = 0
            self.forefoot.fade()
            self.heel.fade()
            self.foot.fade()
        if index - self.origin >= _REBASE_N and said == NOTHING:
            self._rebase(index - self.origin)
        return said

    def _on_the_ground(self, now_q8, forefoot_said, heel_said):
        if forefoot_said == LIFT:
            self.forefoot_off_q8 = self.forefoot.off_q8
        if heel_said == LIFT:
            self.heel_off_q8 = self.heel.off_q8
        self._gather()
        free = not (self.forefoot.loaded or self.heel.loaded or self.foot.loaded)
        if self._standing or self._stance_n > self._longest_n:
            return self._while_standing(now_q8, free)
        if free:
            return self._end(now_q8)
        return self._touch(now_q8)

    # The provisional order, once per contact: when both zones have been loaded for two samples, or one of them alone
    # long enough. It does not wait for smoothing or for the stance to be confirmed.
    def _touch(self, now_q8):
        forefoot = self.forefoot
        heel = self.heel
        if self._touched:
            if not (self._stance or forefoot.quick_n or heel.quick_n):
                self._touched = False
            return NOTHING
        if not (forefoot.quick_n or heel.quick_n):
            return NOTHING
        forefoot_q8 = forefoot.quick_q8 if forefoot.quick_n else NEVER_Q8
        heel_q8 = heel.quick_q8 if heel.quick_n else NEVER_Q8
        first_q8 = min(forefoot_q8, heel_q8)
        both = forefoot.quick_n >= self._quick_n and heel.quick_n >= self._quick_n
        if not both and now_q8 - first_q8 < self._decide_q8:
            return NOTHING
        self._touched = True
        self.initial_q8 = first_q8
        self.contact_order = wire.ORDER_UNKNOWN if self._blind else self._order(forefoot_q8, heel_q8)
        self.delay_n = (now_q8 - first_q8) >> 8
        return TOUCHED

    # Standing: no stride, and the levels of before still hold. Ends when the foot is free; rebasing keeps time small.
    def _while_standing(self, now_q8, free):
        self._standing = True
        if now_q8 >= _REBASE_N << 8:
            self._rebase(now_q8 >> 8)
        if free:
            self._leave_stance()
        return NOTHING

    def _leave_stance(self):
        self._stance = self._standing = self._touched = False
        self._idle_n = 0
        self.channels.end_stride(self._last_index - self._stride_start)
        self._stride_start = self._last_index
        self._blind = self.channels.is_blind()

    def _rebase(self, by_n):
        self.origin += by_n
        self.forefoot.rebase(by_n << 8)
        self.heel.rebase(by_n << 8)
        self.foot.rebase(by_n << 8)

    # --- what a stance adds up

    # Centres of load in time: moments of 8-bit load by 8-bit time over at most 1500 samples stay below 2^27.
    def _gather(self):
        self._stance_n += 1
        if self._stance_n > self._longest_n:
            return
        time = self._stance_n >> self._time_shift
        if self.foot.load > self._foot_peak:
            self._foot_peak = self.foot.load
        load = max(self.forefoot.load, 0)
        self.forefoot_sum += load
        if load > self.forefoot_peak:
            self.forefoot_peak = load
            self._forefoot_peak_q8 = self.forefoot.top_q8
        part = min((load << 7) // self.forefoot.peak, 255)
        self._forefoot_mass += part
        self._forefoot_moment += part * time
        load = max(self.heel.load, 0)
        self.heel_sum += load
        if load > self.heel_peak:
            self.heel_peak = load
            self._heel_peak_q8 = self.heel.top_q8
        part = min((load << 7) // self.heel.peak, 255)
        self._heel_mass += part
        self._heel_moment += part * time

    # --- the verdict

    def _end(self, now_q8):
        self.initial_q8 = self.foot.on_q8
        self.final_q8 = self.foot.off_q8
        is_stride = self._is_stride()
        if is_stride:
            self.delay_n = (now_q8 - self.final_q8) >> 8
            self._decide()
            self._learn()
        self._leave_stance()
        return STRIDE if is_stride else NOTHING

    def _is_stride(self):
        if self.final_q8 - self.initial_q8 < self._shortest_q8:
            return False
        # A session that began with the foot loaded learnt that load as nothing: what rose above it was no contact.
        if self.channels.dropped * 4 > self._foot_peak:
            return False
        return self._foot_peak * 100 >= self.foot.peak * _LEAST_TOP_PERCENT

    def _learn(self):
        self.foot.learn(self._foot_peak)
        if self.forefoot_on_q8 != NEVER_Q8:
            self.forefoot.learn(self.forefoot_peak)
        if self.heel_on_q8 != NEVER_Q8:
            self.heel.learn(self.heel_peak)
        self.history = clamp(self.history + _SIGN[self.walking], -3, 3)

    def _decide(self):
        self.contact_order = self._order(self.forefoot_on_q8, self.heel_on_q8)
        self.lift_order = self._order(self.forefoot_off_q8, self.heel_off_q8)
        self.reasons = wire.REASON_SENSOR_LEFT_OUT if self.channels.out_bits else 0
        if self._blind:
            self.contact_order = wire.ORDER_UNKNOWN
        if self.forefoot_on_q8 == NEVER_Q8 or self.heel_on_q8 == NEVER_Q8:
            self._decide_one_zone()
            return
        self._votes = 0
        self._vote(self.heel_on_q8 - self.forefoot_on_q8, _CONTACT_WEIGHT, wire.REASON_CONTACT_BACKWARD)
        self._vote(self.heel_off_q8 - self.forefoot_off_q8, _LIFT_WEIGHT, wire.REASON_LIFT_BACKWARD)
        self._vote(self._shift_q8(), _SHIFT_WEIGHT, wire.REASON_SHIFT_BACKWARD)
        self._vote(self._heel_peak_q8 - self._forefoot_peak_q8, _PEAK_WEIGHT, wire.REASON_PEAK_BACKWARD)
        history_q8 = self.history * (self.rate_hz * _HISTORY_MS << 8) // 1000
        self._vote(history_q8, _HISTORY_WEIGHT, wire.REASON_HISTORY_BACKWARD)
        if self.contact_order != self.lift_order and self.contact_order + self.lift_order == _OPPOSED:
            self.reasons |= wire.REASON_CONFLICT
        self._conclude()

    # Only one zone ever loaded: a toe walker forward and one backward look the same, so nobody guesses.
    def _decide_one_zone(self):
        heel_only = self.forefoot_on_q8 == NEVER_Q8
        self.reasons |= wire.REASON_HEEL_ONLY if heel_only else wire.REASON_FOREFOOT_ONLY
        self.lift_order = wire.ORDER_UNKNOWN
        self.walking = wire.DIRECTION_UNKNOWN
        self.confidence = 0

    # A lead in q8 samples, positive when it speaks for backward. The bit of forward follows each bit of backward.
    def _vote(self, lead_q8, weight, backward_bit):
        lead_ms = (clamp(lead_q8, -_CLIP_MS << 7, _CLIP_MS << 7) * 125 // self.rate_hz) >> 5
        self._votes += clamp(lead_ms, -_CLIP_MS, _CLIP_MS) * weight
        if lead_q8 >= self._together_q8:
            self.reasons |= backward_bit
        elif lead_q8 <= -self._together_q8:
            self.reasons |= backward_bit << 1

    def _conclude(self):
        strength = abs(self._votes)
        self.confidence = strength * 100 // _ALL_VOTES
        if strength < _LEAST_VOTES:
            self.walking = wire.DIRECTION_UNKNOWN
            self.confidence = 0
        else:
            self.walking = wire.DIRECTION_BACKWARD if self._votes > 0 else wire.DIRECTION_FORWARD

    # By how much the heel's centre of load in time lies behind the forefoot's, in q8 samples.
    def _shift_q8(self):
        if not self._forefoot_mass or not self._heel_mass:
            return 0
        by = (self._heel_moment << 3) // self._heel_mass - (self._forefoot_moment << 3) // self._forefoot_mass
        return by << (5 + self._time_shift)

    # Which of two events came first; an event not seen comes last; none seen: unknown.
    def _order(self, forefoot_q8, heel_q8):
        if forefoot_q8 == NEVER_Q8 and heel_q8 == NEVER_Q8:
            return wire.ORDER_UNKNOWN
        by_q8 = heel_q8 - forefoot_q8
        if abs(by_q8) < self._together_q8:
            return wire.ORDER_TOGETHER
        return wire.ORDER_FOREFOOT_FIRST if by_q8 > 0 else wire.ORDER_HEEL_FIRST


_OPPOSED = wire.ORDER_FOREFOOT_FIRST + wire.ORDER_HEEL_FIRST
# By wire.DIRECTION_*: unknown, forward, backward
_SIGN = (0, -1, 1)
