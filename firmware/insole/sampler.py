# Takes the samples. The timer's callback reads every channel into a slot of the ring and says when; nothing else.
# Callbacks are soft, at most 8 wait, the rest are lost without a word: so time, not their number, decides which index a
# sample has. Callbacks can be late, never early: `due` is where the timer's grid was seen at its earliest, looked at
# anew every 64 samples, so that a start that happened to be late (or early) does not stay in every stamp.
#   late by less than a period: the sample is taken for its slot, and counted as late from a quarter period on;
#   late by more: the slots in between are lost, counted, and missing from the indices;
#   early after slots were passed over: a callback that had waited in the queue for one of them; ignored;
#   early otherwise: the grid lies earlier than was thought; `due` moves there.
# The callback runs between two bytecodes of the main loop, allocates nothing and never waits.
from time import ticks_add, ticks_diff, ticks_us

from machine import Timer
from micropython import const

from . import wire

_READ_US = const(45)  # one converter reading in MicroPython on an ESP32, measured 40
_SHARE_PERCENT = const(30)  # of a period may go into reading
_WINDOW_N = const(64)


class Sampler:
    def __init__(self, adcs, ring):
        self._adcs = adcs
        self._ring = ring
        self._tick_cb = self._tick
        self._timer = Timer(0)
        self.running = False
        self.next_index = 0
        self.lost_n = 0
        self.late_n = 0
        self.latest_us = 0
        self._due_us = 0
        self._period_us = 5000
        self._read_shift = 0
        self._least_us = 0
        self._window_n = 0
        self._passed = False  # slots were passed over since the last punctual callback
        self.interrupted = False

    def start(self, rate_hz):
        self._ring.clear()
        self.next_index = self.lost_n = self.late_n = self.latest_us = 0
        self._period_us = 1000000 // rate_hz
        self._read_shift = self._readings(self._period_us)
        self._due_us = ticks_add(ticks_us(), self._period_us)
        self._least_us = self._period_us
        self._window_n = 0
        self._passed = False
        self.running = True
        self._timer.init(mode=Timer.PERIODIC, freq=rate_hz, callback=self._tick_cb)

    def stop(self):
        self._timer.deinit()
        self.running = False

    # One reading of all channels outside a session, each the mean of 16.
    def read_once(self, out):
        for k in range(len(self._adcs)):
            out[k] = self._mean(self._adcs[k], 4)

    # log2 of the readings averaged per sample: 1, 2 or 4, as time allows.
    def _readings(self, period_us):
        fit_n = period_us * _SHARE_PERCENT // 100 // (_READ_US * len(self._adcs))
        return 2 if fit_n >= 4 else 1 if fit_n >= 2 else 0

    def _mean(self, adc, shift):
        total = 0
        for _ in range(1 << shift):
            total += adc.read_u16() >> 4
        mean = (total + (1 << shift >> 1)) >> shift
        return mean if mean < wire.MISSING_COUNT else wire.LARGEST_COUNT

    # The port prints and drops an exception raised in a callback: a Ctrl-C that arrives here goes on to the main loop.
    def _tick(self, _timer):
        try:
            if self.running:
                self._sample()
        except KeyboardInterrupt:
            self.interrupted = True

    def _sample(self):
        late_us = ticks_diff(ticks_us(), self._due_us)
        period_us = self._period_us
        if late_us < 0:
            if self._passed:
                return
            self._due_us = ticks_add(self._due_us, late_us)
            late_us = 0
        self._passed = late_us >= period_us
        while late_us >= period_us:
            late_us -= period_us
            self._due_us = ticks_add(self._due_us, period_us)
            self.next_index += 1
            self.lost_n += 1
        if late_us > period_us >> 2:
            self.late_n += 1
        if late_us > self.latest_us:
            self.latest_us = late_us
        self._take()
        self._follow_grid(late_us)

    def _follow_grid(self, late_us):
        if late_us < self._least_us:
            self._least_us = late_us
        self._window_n += 1
        if self._window_n == _WINDOW_N:
            self._due_us = ticks_add(self._due_us, self._least_us)
            self._least_us = self._period_us
            self._window_n = 0

    def _take(self):
        ring = self._ring
        at = ring.offset()
        if at < 0:
            self.lost_n += 1
        else:
            counts = ring.counts
            adcs = self._adcs
            shift = self._read_shift
            for k in range(ring.channel_n):
                counts[at + k] = self._mean(adcs[k], shift)
            ring.commit(self.next_index, self._due_us)
        self.next_index += 1
        self._due_us = ticks_add(self._due_us, self._period_us)
