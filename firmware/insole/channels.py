# One sensor each: its unloaded baseline, its load above it, and whether it may vote. Core, one call per sample from
# the detector's step; allocates nothing.
#
# The baseline follows down quickly (a reading below it is proof that it was too high: the shoe went on loaded, or the
# sensor drifted) and up slowly, and up only while the foot is unloaded, so that standing is never learned as zero.
# A sensor is left out when it stands still while the others walk: a dead wire reads near 0, a stuck one reads the same
# count. It is taken back as soon as it moves again.
from array import array

from . import wire

_DROP_SHIFT = 2  # a quarter of the way per sample, when a reading lies below the baseline by more than noise
_DROP_Q8 = 32 << 8  # 32 counts, 0.8 % of full scale
_DOWN_SHIFT = 6  # within the noise: eight times as fast as up, so it settles about one deviation below the mean
_UP_SHIFT = 9  # 512 samples, 2.6 s at 200 Hz: slower than any step, faster than drift (5 % per decade of seconds)
_STILL_RANGE = 6  # counts: three times the converter's own noise; a walking sensor moves by 50 and more
_STILL_STRIDES = 4  # strides in which a sensor must stand still before it is left out: one odd step is no proof
_DEAD_BELOW = 64  # counts, 1.6 % of full scale: a divider with an open sensor reads about 0


class Channels:
    def __init__(self, zones):
        n = len(zones)
        self.n = n
        self.zones = zones
        self.base_q8 = array("i", [-1] * n)  # -1: no sample seen yet
        self.load = array("i", [0] * n)
        self.out_bits = 0
        self.dead_bits = 0
        self.saturated_bits = 0
        self.dropped = 0  # counts by which baselines fell at once; the detector clears it at contact
        self._low = array("i", [0] * n)
        self._high = array("i", [0] * n)
        self._still_n = bytearray(n)
        self._top_n = array("i", [0] * n)
        self.end_stride(0)

    def set_baseline(self, channel, count):
        self.base_q8[channel] = count << 8

    # Take one sample; zone_load[zone] becomes the sum of the voting sensors of that zone.
    def step(self, counts, unloaded, zone_load):
        zone_load[0] = zone_load[1] = zone_load[2] = zone_load[3] = 0
        base_q8 = self.base_q8
        out_bits = self.out_bits
        for k in range(self.n):
            raw = counts[k]
            if raw == wire.MISSING_COUNT:
                raw = (base_q8[k] >> 8) + self.load[k] if base_q8[k] >= 0 else 0
            load = self._above(k, raw, unloaded)
            self.load[k] = load
            if not out_bits >> k & 1:
                zone_load[self.zones[k]] += load

    def _above(self, k, raw, unloaded):
        if raw < self._low[k]:
            self._low[k] = raw
        if raw > self._high[k]:
            self._high[k] = raw
        if raw >= wire.LARGEST_COUNT:
            self._top_n[k] += 1
        base = self.base_q8[k]
        gap = (raw << 8) - base
        if base < 0:
            base = raw << 8
        elif gap < -_DROP_Q8:
            base += gap >> _DROP_SHIFT
            self.dropped -= gap >> (8 + _DROP_SHIFT)
        elif gap < 0:
            base += gap >> _DOWN_SHIFT
        elif unloaded:
            base += gap >> _UP_SHIFT
        self.base_q8[k] = base
        load = raw - (base >> 8)
        return load if load > 0 else 0

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
