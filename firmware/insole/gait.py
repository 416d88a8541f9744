# The detector: from counts to stances. Core; the only place that decides what a step was.
#
#   feet in the air --zone confirmed--> STANCE --both zones free for the hold time--> decided --> in the air
#                                         \--longer than 3 s--> STANDING (no stride) --> in the air
#
# step() returns NOTHING, TOUCHED (provisional: order known as it looks now, fields contact_*) or STRIDE (final: all
# fields); they stay valid until the next step. Times are q8 samples relative to `origin`, a sample index that moves up
# between stances so that every number stays a small int for any length of session.
#
# Order of contact alone is ambiguous (stairs down and toe walking are forefoot first too). The order of lifting tells
# most: the zone that leaves last is behind the movement. So the direction is a sum of votes, and `unknown` when they
# are few or cancel: lift order 5, movement of the load through stance 3, contact order 2, order of the peaks 1, the
# strides before 1. With the weights below contact order never outvotes lift order.
from . import wire
from .channels import Channels
from .fixed import NEVER_Q8, clamp
from .zone import CONTACT, LIFT, Zone

NOTHING = 0
TOUCHED = 1
STRIDE = 2

_FOREFOOT = wire.ZONE_FOREFOOT
_HEEL = wire.ZONE_HEEL

_TOGETHER_MS = 20  # closer than this is `together`: two samples at 100 Hz
_DECIDE_MS = 60  # a second zone later than this no longer changes the provisional order
_LONGEST_MS = 3000  # the slowest recorded stance lasts 1.6 s; longer is standing
_SHORTEST_MS = 120  # the shortest running stance is about 160 ms
_FADE_MS = 4000  # after this long in the air the levels sink, so that a lighter wearer is found again
_LEAST_TOP_PERCENT = 40  # of the running peak: less was a brush, not a stance

_LIFT_VOTE = 5
_SHIFT_VOTE = 3
_CONTACT_VOTE = 2
_PEAK_VOTE = 1
_HISTORY_VOTE = 1
_ALL_VOTES = 12
_LEAST_SCORE = 3


class Detector:
    def __init__(self, zones, rate_hz):
        self.channels = Channels(zones)
        self._zone_load = [0, 0, 0, 0]
        self.forefoot = Zone(rate_hz)
        self.heel = Zone(rate_hz)
        self._together_q8 = (rate_hz * _TOGETHER_MS << 8) // 1000
        self._decide_q8 = (rate_hz * _DECIDE_MS << 8) // 1000
        self._longest_n = rate_hz * _LONGEST_MS // 1000
        self._shortest_q8 = (rate_hz * _SHORTEST_MS << 8) // 1000
        self._fade_n = rate_hz * _FADE_MS // 1000
        self._time_shift = 0  # so that _longest_n >> _time_shift fits 8 bits: see _gather
        while self._longest_n >> self._time_shift > 255:
            self._time_shift += 1
        self.rate_hz = rate_hz
        self.origin = 0
        self.history = 0  # -3 (three strides forward) to 3 (three backward)
        self._learnt = False
        self._stance = False
        self._standing = False
        self._touched = False
        self._last_index = -1
        self._idle_n = 0
        self._stride_start = 0
        self.forefoot_on_q8 = self.heel_on_q8 = NEVER_Q8  # NEVER_Q8: not seen
        self.forefoot_off_q8 = self.heel_off_q8 = NEVER_Q8
        self._clear_events()
        self.contact_order = self.lift_order = self.walking = 0
        self.confidence = self.reasons = self.delay_n = 0

    # --- one sample

    def step(self, index, counts):
        step_q8 = clamp(index - self._last_index, 1, 64) << 8
        self._last_index = index
        now_q8 = (index - self.origin) << 8
        self.channels.step(counts, not self._stance, self._zone_load)
        forefoot_said = self.forefoot.step(self._zone_load[_FOREFOOT], now_q8, step_q8)
        heel_said = self.heel.step(self._zone_load[_HEEL], now_q8, step_q8)
        if forefoot_said == CONTACT:
            self._contact(self.forefoot, _FOREFOOT)
        if heel_said == CONTACT:
            self._contact(self.heel, _HEEL)
        if not self._stance:
            return self._in_the_air(index)
        if forefoot_said == LIFT:
            self.forefoot_off_q8 = self.forefoot.off_q8
        if heel_said == LIFT:
            self.heel_off_q8 = self.heel.off_q8
        return self._on_the_ground(now_q8)

    def _contact(self, zone, which):
        if not self._stance:
            self._clear_events()
            self._stance = True
            self._touched = False
            self.channels.dropped = 0
        if which == _FOREFOOT:
            if self.forefoot_on_q8 == NEVER_Q8:
                self.forefoot_on_q8 = zone.on_q8
        elif self.heel_on_q8 == NEVER_Q8:
            self.heel_on_q8 = zone.on_q8

    def _clear_events(self):
        self.forefoot_on_q8 = self.heel_on_q8 = NEVER_Q8
        self.forefoot_off_q8 = self.heel_off_q8 = NEVER_Q8
        self.initial_q8 = self.final_q8 = 0
        self.forefoot_peak = self.heel_peak = 0
        self._forefoot_peak_q8 = self._heel_peak_q8 = 0
        self.forefoot_sum = self.heel_sum = 0
        self._forefoot_moment = self._forefoot_mass = 0
        self._heel_moment = self._heel_mass = 0
        self._stance_n = 0

    def _in_the_air(self, index):
        self._idle_n += 1
        if self._idle_n >= self._fade_n:
            self._idle_n = 0
            self.forefoot.fade()
            self.heel.fade()
        if index - self.origin >= 1024:
            self._rebase(index - self.origin)
        return NOTHING

    def _on_the_ground(self, now_q8):
        self._gather()
        if self._standing or self._stance_n > self._longest_n:
            return self._while_standing(now_q8)
        if not (self.forefoot.loaded or self.heel.loaded):
            return self._end(now_q8)
        if not self._touched and self._order_is_ripe(now_q8):
            self._touched = True
            self.initial_q8 = min(self.forefoot_on_q8, self.heel_on_q8)
            self.contact_order = self._order(self.forefoot_on_q8, self.heel_on_q8)
            self.delay_n = (now_q8 - self.initial_q8) >> 8
            return TOUCHED
        return NOTHING

    # Both zones have spoken, or the first has waited long enough.
    def _order_is_ripe(self, now_q8):
        first = min(self.forefoot_on_q8, self.heel_on_q8)
        both = max(self.forefoot_on_q8, self.heel_on_q8) != NEVER_Q8
        return both or now_q8 - first >= self._decide_q8 - 256

    # Standing: no stride, and the levels of before still hold. Ends when the foot is free; rebasing keeps time small.
    def _while_standing(self, now_q8):
        self._standing = True
        if now_q8 >= 1024 << 8:
            self._rebase(now_q8 >> 8)
        if not (self.forefoot.loaded or self.heel.loaded):
            self._leave_stance()
        return NOTHING

    def _leave_stance(self):
        self._stance = self._standing = False
        self._idle_n = 0
        self.channels.end_stride(self._last_index - self._stride_start)
        self._stride_start = self._last_index

    def _rebase(self, by_n):
        self.origin += by_n
        self.forefoot.rebase(by_n << 8)
        self.heel.rebase(by_n << 8)

    # --- what a stance adds up

    # Centres of load in time: moments of 8-bit load by 8-bit time over at most 1500 samples stay below 2^27.
    def _gather(self):
        self._stance_n += 1
        if self._stance_n > self._longest_n:
            return
        time = self._stance_n >> self._time_shift
        load = self.forefoot.load
        self.forefoot_sum += load
        if load > self.forefoot_peak:
            self.forefoot_peak = load
            self._forefoot_peak_q8 = self.forefoot.top_q8
        part = clamp((load << 7) // self.forefoot.peak, 0, 255)
        self._forefoot_mass += part
        self._forefoot_moment += part * time
        load = self.heel.load
        self.heel_sum += load
        if load > self.heel_peak:
            self.heel_peak = load
            self._heel_peak_q8 = self.heel.top_q8
        part = clamp((load << 7) // self.heel.peak, 0, 255)
        self._heel_mass += part
        self._heel_moment += part * time

    # --- the verdict

    def _end(self, now_q8):
        self.initial_q8 = min(self.forefoot_on_q8, self.heel_on_q8)
        self.final_q8 = max(self._seen(self.forefoot_off_q8), self._seen(self.heel_off_q8))
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
        if self.channels.dropped * 4 > self.forefoot_peak + self.heel_peak:
            return False
        forefoot_firm = self.forefoot_peak * 100 >= self.forefoot.peak * _LEAST_TOP_PERCENT
        heel_firm = self.heel_peak * 100 >= self.heel.peak * _LEAST_TOP_PERCENT
        return forefoot_firm or heel_firm

    def _learn(self):
        if self._learnt:
            self._each_seen(Zone.learn)
        elif self._each_seen(Zone.learn_first) == 2:
            self._learnt = True
        self.history = clamp(self.history + _SIGN[self.walking], -3, 3)

    def _each_seen(self, lesson):
        n = 0
        if self.forefoot_on_q8 != NEVER_Q8:
            lesson(self.forefoot)
            n += 1
        if self.heel_on_q8 != NEVER_Q8:
            lesson(self.heel)
            n += 1
        return n

    def _decide(self):
        self.contact_order = self._order(self.forefoot_on_q8, self.heel_on_q8)
        self.lift_order = self._order(self.forefoot_off_q8, self.heel_off_q8)
        self.reasons = wire.REASON_SENSOR_LEFT_OUT if self.channels.out_bits else 0
        if self.forefoot_on_q8 == NEVER_Q8 or self.heel_on_q8 == NEVER_Q8:
            self._decide_one_zone()
            return
        contact = _ORDER_SAYS[self.contact_order]
        lift = _ORDER_SAYS[self.lift_order]
        score = self._vote(contact, _CONTACT_VOTE, wire.REASON_CONTACT_BACKWARD)
        score += self._vote(lift, _LIFT_VOTE, wire.REASON_LIFT_BACKWARD)
        score += self._vote(self._shift(), _SHIFT_VOTE, wire.REASON_SHIFT_BACKWARD)
        score += self._vote(self._peak_order(), _PEAK_VOTE, wire.REASON_PEAK_BACKWARD)
        score += self._vote(_sign(self.history), _HISTORY_VOTE, wire.REASON_HISTORY_BACKWARD)
        if contact * lift < 0:
            self.reasons |= wire.REASON_CONFLICT
        self._conclude(score)

    # Only one zone ever loaded: a toe walker forward and one backward look the same, so nobody guesses.
    def _decide_one_zone(self):
        heel_only = self.forefoot_on_q8 == NEVER_Q8
        self.reasons |= wire.REASON_HEEL_ONLY if heel_only else wire.REASON_FOREFOOT_ONLY
        self.lift_order = wire.ORDER_UNKNOWN
        self.walking = wire.DIRECTION_UNKNOWN
        self.confidence = 0

    def _vote(self, sign, weight, backward_bit):
        if sign > 0:
            self.reasons |= backward_bit
        elif sign < 0:
            self.reasons |= backward_bit << 1  # the forward bit follows each backward bit
        return sign * weight

    def _conclude(self, score):
        strength = abs(score)
        self.confidence = strength * 100 // _ALL_VOTES
        if strength < _LEAST_SCORE:
            self.walking = wire.DIRECTION_UNKNOWN
            self.confidence = 0
        else:
            self.walking = wire.DIRECTION_BACKWARD if score > 0 else wire.DIRECTION_FORWARD

    # 1 when the load moves from forefoot to heel, as backward; -1 the other way. Tolerance: a tenth of the stance.
    def _shift(self):
        if not self._forefoot_mass or not self._heel_mass:
            return 0
        by = self._heel_moment // self._heel_mass - self._forefoot_moment // self._forefoot_mass
        least = max(1, (self._stance_n >> self._time_shift) // 10)
        return 0 if abs(by) < least else _sign(by)

    def _peak_order(self):
        by_q8 = self._heel_peak_q8 - self._forefoot_peak_q8
        return 0 if abs(by_q8) <= self._together_q8 else _sign(by_q8)

    # Which of two events came first; an event not seen comes last; none seen: unknown.
    def _order(self, forefoot_q8, heel_q8):
        if forefoot_q8 == NEVER_Q8 and heel_q8 == NEVER_Q8:
            return wire.ORDER_UNKNOWN
        by_q8 = heel_q8 - forefoot_q8
        if abs(by_q8) < self._together_q8:
            return wire.ORDER_TOGETHER
        return wire.ORDER_FOREFOOT_FIRST if by_q8 > 0 else wire.ORDER_HEEL_FIRST

    @staticmethod
    def _seen(q8):
        return -1 if q8 == NEVER_Q8 else q8


def _sign(value):
    return 1 if value > 0 else -1 if value < 0 else 0


# What an order says of the direction: forefoot on first, or forefoot off first, is backward. By wire.ORDER_*.
_ORDER_SAYS = (0, 1, -1, 0)
# By wire.DIRECTION_*: unknown, forward, backward
_SIGN = (0, -1, 1)
