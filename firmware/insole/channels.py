# One sensor each: its unloaded baseline, its load above it, and whether it may vote. Core, one call per sample from
# the detector's step; allocates nothing.
#
# The baseline follows, up and down alike, only while the foot is at rest in the air, so that standing is never learned
# as zero and noise does not pull it to one side. A smoothed reading well below it is proof that it was too high (the
# session began with the foot loaded): then it falls at once, whatever the foot does.
# Loads are signed: cutting them at zero would turn the noise of an unloaded zone into load.
# A sensor is left out when it stands still while the others walk: a dead wire reads near 0, a stuck one reads the same
# count. It is taken back as soon as it moves again.
from array import array

from micropython import const

from . import wire

_SMOOTH_SHIFT = const(2)  # four samples: a single wild reading moves no baseline
_DROP_SHIFT = const(2)  # a quarter of the way per sample, when a reading lies below the baseline by more than noise
_DROP_COUNTS = const(24)  # 0.6 % of full scale
_DROP_SIGMAS = const(2)  # of the whole foot's noise, which is more than any one sensor's
_REST_MS = const(640)  # time constant at rest: about two swings; drift (5 % per decade of seconds) is slower
_STILL_RANGE = const(6)  # counts: three times the converter's own noise; a walking sensor moves by 50 and more
_STILL_STRIDES = const(4)  # strides in which a sensor must stand still before it is left out: one odd step is no proof
_BOTH = const(3)  # 1 << wire.ZONE_FOREFOOT | 1 << wire.ZONE_HEEL
_DEAD_BELOW = const(64)  # counts, 1.6 % of full scale: a divider with an open sensor reads about 0


class Channels:
    def __init__(self, zones, rate_hz):
        n = len(zones)
        self.n = n
        self.zones = zones
        self.base_q8 = array("i", [-1] * n)  # -1: no sample seen yet
        self.out_bits = 0
        self.dead_bits = 0
        self.saturated_bits = 0
        self.dropped = 0  # counts by which baselines fell at once; the detector clears it at contact
        self._rest_shift = 0
        while rate_hz * _REST_MS // 1000 >> self._rest_shift > 1:
            self._rest_shift += 1
        self._raw = array("i", [0] * n)
        self._smooth_q8 = array("i", [0] * n)
        self._low = array("i", [0] * n)
        self._high = array("i", [0] * n)
        self._still_n = bytearray(n)
        self._top_n = array("i", [0] * n)
        self.end_stride(0)

    def set_baseline(self, channel, count):
        self.base_q8[channel] = count << 8

    # Take one sample; zone_load[zone] becomes the sum of the voting sensors of that zone. `sigma` is the foot's noise.
    def step(self, counts, resting, sigma, zone_load):
        zone_load[0] = zone_load[1] = zone_load[2] = zone_load[3] = 0
        margin_q8 = (_DROP_COUNTS + _DROP_SIGMAS * sigma) << 8
        out_bits = self.out_bits
        for k in range(self.n):
            load = self._above(k, counts[k], resting, margin_q8)
            if not out_bits >> k & 1:
                zone_load[self.zones[k]] += load

    def _above(self, k, raw, resting, margin_q8):
        if raw == wire.MISSING_COUNT:
            raw = self._raw[k]
        self._raw[k] = raw
        base_q8 = self.base_q8[k]
        if base_q8 < 0:
            base_q8 = raw << 8
            self._smooth_q8[k] = base_q8
        smooth_q8 = self._smooth_q8[k]
        smooth_q8 += ((raw << 8) - smooth_q8) >> _SMOOTH_SHIFT
        self._smooth_q8[k] = smooth_q8
        gap_q8 = smooth_q8 - base_q8
        if gap_q8 < -margin_q8:
            base_q8 += gap_q8 >> _DROP_SHIFT
            self.dropped -= gap_q8 >> (8 + _DROP_SHIFT)
        elif resting:
            base_q8 += gap_q8 >> self._rest_shift
        self.base_q8[k] = base_q8
        self._watch(k, raw, smooth_q8 >> 8)
        return raw - (base_q8 >> 8)

    def _watch(self, k, raw, smooth):
        if smooth < self._low[k]:
            self._low[k] = smooth
        if smooth > self._high[k]:
            self._high[k] = smooth
        if raw >= wire.LARGEST_COUNT:
            self._top_n[k] += 1

    # All sensors of the forefoot, or all of the heel, are left out.
    def is_blind(self):
        seeing = 0
        for k in range(self.n):
            if not self.out_bits >> k & 1:
                seeing |= 1 << self.zones[k]
        return seeing & _BOTH != _BOTH

    # Close a stride of sample_n samples: who moved, who did not, who sat at the top for half of it.
    def end_stride(self, sample_n):
        moved_n = 0
        for k in range(self.n):
            if self._high[k] - self._low[k] > 8 * _STILL_RANGE:
                moved_n += 1
        self.saturated_bits = 0
        for k in range(self.n):
            if sample_n:
                self._judge(k, moved_n, sample_n)
            self._low[k] = wire.MISSING_COUNT
            self._high[k] = 0
            self._top_n[k] = 0

    def _judge(self, k, moved_n, sample_n):
        bit = 1 << k
        if self._top_n[k] * 2 > sample_n:
            self.saturated_bits |= bit
        if self._high[k] - self._low[k] > _STILL_RANGE:
            self._still_n[k] = 0
            self.out_bits &= ~bit
            self.dead_bits &= ~bit
        elif moved_n:
            if self._still_n[k] < _STILL_STRIDES:
                self._still_n[k] += 1
            if self._still_n[k] == _STILL_STRIDES:
                self.out_bits |= bit
                if self._high[k] < _DEAD_BELOW:
                    self.dead_bits |= bit
