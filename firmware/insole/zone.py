# One zone of the foot (forefoot or heel): when it is loaded, when that began and ended. Core, stepped by gait.
#
# Levels are relative to the zone's own running peak: absolute thresholds broke on every product that used them.
# The low level (5 %) is where an event is said to happen, because contact and lift are sharpest there; the high level
# (12 %) only confirms that the crossing was a contact and not noise. A lift needs the load to stay below the low level
# for the hold time, so a bouncing or rolling sensor does not end a stance.
from .fixed import crossing_q8

NOTHING = 0
CONTACT = 1
LIFT = 2

_LOW_PERCENT = 5
_HIGH_PERCENT = 12
_LOW_FLOOR = 12  # counts: below this a level would sit in the converter's noise (about 2 counts a sensor)
_HIGH_FLOOR = 30
_FIRST_PEAK = 320  # counts, 2 % of four sensors' range: light enough that a child's first step counts
_LEAST_PEAK = 160
_HOLD_MS = 40  # a running contact bounces for less; the shortest swing in the recordings is 250 ms
_CONFIRM_MS = 8  # two samples at 200 Hz


class Zone:
    def __init__(self, rate_hz):
        self._hold_n = max(2, rate_hz * _HOLD_MS // 1000)
        self._confirm_n = max(1, rate_hz * _CONFIRM_MS // 1000)
        self.set_peak(_FIRST_PEAK)
        self.load = 0
        self.loaded = False
        self.on_q8 = 0
        self.off_q8 = 0
        self.top = 0
        self.top_q8 = 0
        self._run_n = 0

    def set_peak(self, peak):
        self.peak = max(peak, _LEAST_PEAK)
        self.low = max(self.peak * _LOW_PERCENT // 100, _LOW_FLOOR)
        self.high = max(self.peak * _HIGH_PERCENT // 100, _HIGH_FLOOR)

    # Follow the tops of accepted strides: a quarter of the way, and never by more than half or double at once, so one
    # odd stride moves the levels little.
    def learn(self):
        top = min(max(self.top, self.peak // 2), self.peak * 2)
        self.set_peak(self.peak + (top - self.peak) // 4)

    # The first stride of a wearer says more than the guess it replaces.
    def learn_first(self):
        self.set_peak(self.top)

    def fade(self):
        self.set_peak(self.peak - self.peak // 8)

    def rebase(self, by_q8):
        self.on_q8 -= by_q8
        self.off_q8 -= by_q8
        self.top_q8 -= by_q8

    # Take the zone's load at now_q8, step_q8 after the last; returns NOTHING, CONTACT or LIFT.
    def step(self, load, now_q8, step_q8):
        before = self.load
        low = self.low
        self.load = load
        if before < low <= load:
            if not self.loaded:
                self.on_q8 = crossing_q8(now_q8, step_q8, before, load, low)
        elif load < low <= before:
            self.off_q8 = crossing_q8(now_q8, step_q8, before, load, low)
        return self._while_loaded(load, now_q8) if self.loaded else self._while_free(load, now_q8)

    def _while_free(self, load, now_q8):
        if load < self.high:
            self._run_n = 0
            return NOTHING
        self._run_n += 1
        if self._run_n < self._confirm_n:
            return NOTHING
        self._run_n = 0
        self.loaded = True
        self.top = load
        self.top_q8 = now_q8
        return CONTACT

    def _while_loaded(self, load, now_q8):
        if load > self.top:
            self.top = load
            self.top_q8 = now_q8
        if load >= self.low:
            self._run_n = 0
            return NOTHING
        self._run_n += 1
        if self._run_n < self._hold_n:
            return NOTHING
        self._run_n = 0
        self.loaded = False
        return LIFT
