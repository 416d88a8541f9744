# What a count means for this wearer: the unloaded baseline (tare) and the counts of standing on this foot (calibrate).
# Used by commands and identity, and by the detector as its first guess. Core: knows counts, not pins.
# Uncalibrated values are UNKNOWN; a count is never called newton or kilopascal.
from array import array

from micropython import const

from . import wire

UNKNOWN = wire.IDENTITY_BASELINE_INVALID
_LEAST_STANDING = const(60)  # counts summed over all channels, 1.5 % of one channel's range: less is an empty shoe


class Pressure:
    def __init__(self, channel_n):
        self.baseline = array("H", [UNKNOWN] * channel_n)
        self.standing = array("H", [UNKNOWN] * channel_n)
        self._channel_n = channel_n

    def tare(self, counts):
        for k in range(self._channel_n):
            self.baseline[k] = counts[k]

    def is_tared(self):
        return self.baseline[0] != UNKNOWN

    # False, and nothing changed, when too little load is on the foot. Only after a tare.
    def calibrate(self, counts):
        total = 0
        for k in range(self._channel_n):
            total += self._above(k, counts[k])
        if total < _LEAST_STANDING:
            return False
        for k in range(self._channel_n):
            self.standing[k] = self._above(k, counts[k])
        return True

    def _above(self, channel, raw):
        baseline = self.baseline[channel]
        return raw - baseline if raw > baseline else 0
