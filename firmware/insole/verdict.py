# Orders and direction of one stance, from the times of its events. Core; called by gait when a stance is over.
#
# Order of contact alone is ambiguous (stairs down and toe walking are forefoot first too). So the direction is a sum of
# votes, each as strong as it is clear, and `unknown` when they are few or cancel. A vote is a lead in milliseconds,
# clipped at 150 (clearer than that it cannot be), times a weight:
#   lift 5      by how much the forefoot leaves before the heel: what leaves last is behind the movement
#   contact 4   by how much the forefoot lands before the heel
#   shift 4     by how much the forefoot's centre of load in time lies before the heel's
#   peak 1      by how much the forefoot's peak comes before the heel's
#   history 1   50 ms for each of the last three strides: nobody turns round with every step
from micropython import const

from . import wire
from .fixed import NEVER_Q8, clamp

_TOGETHER_MS = const(20)  # closer than this is `together`: two samples at 100 Hz
_CLIP_MS = const(150)
LIFT_WEIGHT = const(5)
CONTACT_WEIGHT = const(4)
SHIFT_WEIGHT = const(4)
PEAK_WEIGHT = const(1)
_HISTORY_VOTES = const(50)  # weight 1
_ALL_VOTES = const(2250)  # 150 ms in each of the fifteen weights
_LEAST_VOTES = const(200)  # less, as of a lead of 40 ms in one of the strong votes with nothing else, is no verdict
_TURNING_VOTES = const(800)  # needed against the last strides: 99 of 100 strides of either direction have more
_SETTLED = const(2)  # strides one way; from here on it takes more to say the opposite
_OPPOSED = const(3)  # ORDER_FOREFOOT_FIRST + ORDER_HEEL_FIRST


class Verdict:
    def __init__(self, rate_hz):
        self._rate_hz = rate_hz
        self._together_q8 = (rate_hz * _TOGETHER_MS << 8) // 1000
        self._clip_q8 = (rate_hz * _CLIP_MS << 8) // 1000
        self.contact_order = self.lift_order = self.walking = 0
        self.confidence = self.reasons = 0
        self.history = 0  # -3 (three strides forward) to 3 (three backward)
        self._votes = 0

    # Which of two events came first; an event not seen comes last; none seen: unknown.
    def order(self, forefoot_q8, heel_q8):
        by_q8 = heel_q8 - forefoot_q8
        if -self._together_q8 < by_q8 < self._together_q8:
            return wire.ORDER_UNKNOWN if forefoot_q8 == NEVER_Q8 else wire.ORDER_TOGETHER
        return wire.ORDER_FOREFOOT_FIRST if by_q8 > 0 else wire.ORDER_HEEL_FIRST

    def begin(self, contact_order, lift_order, reasons):
        self.contact_order = contact_order
        self.lift_order = lift_order
        self.reasons = reasons
        if contact_order + lift_order == _OPPOSED and contact_order and lift_order:
            self.reasons |= wire.REASON_CONFLICT
        self._votes = 0

    # A lead in q8 samples, positive when it speaks for backward. The bit of forward follows each bit of backward.
    def vote(self, lead_q8, weight, backward_bit):
        clip_q8 = self._clip_q8
        if lead_q8 >= self._together_q8:
            self.reasons |= backward_bit
        elif lead_q8 <= -self._together_q8:
            self.reasons |= backward_bit << 1
        if lead_q8 > clip_q8:
            lead_q8 = clip_q8
        elif lead_q8 < -clip_q8:
            lead_q8 = -clip_q8
        self._votes += (lead_q8 * 125 // self._rate_hz >> 5) * weight

    def conclude(self):
        history = self.history
        if history > 0:
            self.reasons |= wire.REASON_HISTORY_BACKWARD
        elif history < 0:
            self.reasons |= wire.REASON_HISTORY_BACKWARD << 1
        votes = self._votes + history * _HISTORY_VOTES
        strength = abs(votes)
        backward = votes > 0
        self.walking = wire.DIRECTION_BACKWARD if backward else wire.DIRECTION_FORWARD
        self.confidence = strength * 100 // _ALL_VOTES
        against = -history if backward else history
        if strength >= _LEAST_VOTES:
            self.history = clamp(history + (1 if backward else -1), -3, 3)
        if strength < (_TURNING_VOTES if against >= _SETTLED else _LEAST_VOTES):
            self._leave_open()

    # Only one zone ever loaded: a toe walker forward and one backward look the same, so nobody guesses.
    def one_zone(self, contact_order, reasons):
        self.contact_order = contact_order
        self.lift_order = wire.ORDER_UNKNOWN
        self.reasons = reasons
        self._leave_open()

    def _leave_open(self):
        self.walking = wire.DIRECTION_UNKNOWN
        self.confidence = 0
