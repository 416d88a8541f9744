# One sensor each: its unloaded baseline and whether it may vote. Core; called by gait at events only; the words
# themselves are written by `sense.follow` with every sample. Allocates nothing.
#
# The baseline follows, up and down alike, only while the foot is at rest in the air, so that standing is never learned
# as zero and noise does not pull it to one side. A smoothed reading well below it is proof that it was too high (the
# session began with the foot loaded): then it falls at once, whatever the foot does.
# Loads are signed: cutting them at zero would turn the noise of an unloaded zone into load.
# A sensor is left out when it stands still while the others walk: a dead wire reads near 0, a stuck one reads the same
# count. It is taken back as soon as it moves again. One whose baseline runs away with every stride is left out until it
# stays; one at the top of its range while another of its zone is not.
from micropython import const

from .fixed import tune

# WORDS of the maps, written by firmware/make_plain.py
_CHANNEL_AT = const(104)
_CHANNEL_WORDS = const(8)
_BASE_Q8 = const(0)
_STILL_N = const(4)
_JUDGED = const(200)
_DRIFT_BITS = const(201)
_OUT_BITS = const(202)
# end of WORDS

_STILL_STRIDES = const(4)  # strides in which a sensor must stand still before it is left out: one odd step is no proof
# By wire.ZONE_*: forefoot, heel, midfoot, toes. The toes are the front of the foot: walking backward they land first.
_SHARES = (0, 1, 2, 0)


class Channels:
    def __init__(self, state, zones):
        self.n = len(zones)
        self.out_bits = 0  # dead or stuck
        self.dead_bits = 0  # those of them that read nearly nothing
        self._state = state
        self._still_n = bytearray(self.n)
        self._new_bits = 0  # left out within the present stride
        self._was_still = False  # some channel, in the last stride
        self._shares = bytes([_SHARES[zone] for zone in zones])
        for k in range(self.n):
            state[self._at(k) + _BASE_Q8] = -1
        self._share_out()

    def _at(self, k):
        return _CHANNEL_AT + k * _CHANNEL_WORDS

    def set_baseline(self, channel, count):
        self._state[self._at(channel) + _BASE_Q8] = count << 8

    def baseline(self, channel):
        return self._state[self._at(channel) + _BASE_Q8] >> 8

    # Those that sat at the top of the range in the last stride.
    @property
    def saturated_bits(self):
        return self._state[_JUDGED] >> 16

    # Those whose baseline runs away.
    @property
    def drifting_bits(self):
        return self._state[_DRIFT_BITS]

    # All that do not vote.
    @property
    def left_out_bits(self):
        return self._state[_OUT_BITS]

    # A stride is over, of which tune.judge says these bits: who is left out from here on, who is taken back. Standing
    # still means nothing in a stride in which no other sensor moved.
    def end_stride(self, bits):
        if bits & 255 or self.out_bits or self._was_still:
            self._count_still(bits & 255, bits >> 8 & 255)
        self._share_out()

    def _count_still(self, still_bits, low_bits):
        out_bits = self.out_bits & (still_bits | self._new_bits)
        self._new_bits = 0
        self._was_still = still_bits != 0
        if still_bits != (1 << self.n) - 1:
            for k in range(self.n):
                if not still_bits >> k & 1:
                    self._still_n[k] = 0
                elif self._still_n[k] < _STILL_STRIDES:
                    self._still_n[k] += 1
                    if self._still_n[k] == _STILL_STRIDES:
                        out_bits |= 1 << k
        self.dead_bits = (self.dead_bits | low_bits & ~self.out_bits) & out_bits
        self.out_bits = out_bits

    # For how many samples at most one of these channels has stood still.
    def still_n(self, bits):
        return max([self._state[self._at(k) + _STILL_N] for k in range(self.n) if bits >> k & 1])

    # Leave these channels out at once, and until they move in a stride to come.
    def leave_out(self, bits):
        self.out_bits |= bits
        self._new_bits |= bits
        for k in range(self.n):
            if bits >> k & 1:
                self._still_n[k] = _STILL_STRIDES
        self._share_out()

    def _share_out(self):
        tune.share_out(self._state, self._shares, self.out_bits | self.drifting_bits, self.saturated_bits)
