# One part of the foot (forefoot, heel, or all of it): when it is loaded, when that began and ended. Core, stepped by
# gait; allocates nothing.
#
# Levels are relative to the part's own running peak: absolute thresholds broke on every product that used them.
# The low level (5 %) is where an event is said to happen, because contact and lift are sharpest there; the high level
# (12 %) only confirms that the crossing was a contact and not noise. A lift needs the load to stay below the low level
# for the hold time, so a bouncing or rolling sensor does not end a stance. Both work on the smoothed load, and times
# are those of the smoothed load's middle.
# `quick` is the same question asked of the load as it comes, for a cue that cannot wait for smoothing.
#
# Noise is measured all the time, loaded or not, as a low quantile of the load's second difference: a walking foot bends
# its curve for a part of the time only, noise bends it always.
from micropython import const

from .fixed import crossing_q8
from .smooth import Smooth

NOTHING = 0
CONTACT = 1
LIFT = 2

_LOW_PERCENT = const(5)
_HIGH_PERCENT = const(12)
_LOW_FLOOR = const(12)  # counts: below this a level would sit in the converter's noise (about 2 counts a sensor)
_HIGH_FLOOR = const(30)
_LOW_SIGMAS = const(4)
_HIGH_SIGMAS = const(3)  # above the low level
_QUICK_SIGMAS = const(5)  # of the load as it comes
_FIRST_PEAK = const(320)  # counts, 2 % of four sensors' range: light enough that a child's first step counts
_LEAST_PEAK = const(160)
_HOLD_MS = const(40)  # a running contact bounces for less; the shortest swing in the recordings is 250 ms
_CONFIRM_MS = const(8)  # two samples at 200 Hz
_LONGEST_RISE_MS = const(150)  # from low to high level; 5 to 50 % of the peak takes 117 ms at the slowest
_OLDEST_Q8 = const(-(1 << 28))  # where a time that nobody asks for any more stays a small int


class Zone:
    def __init__(self, rate_hz):
        self._hold_n = max(2, rate_hz * _HOLD_MS // 1000)
        self._confirm_n = max(1, rate_hz * _CONFIRM_MS // 1000)
        self._smooth = Smooth(rate_hz)
        self._bend_q4 = 16  # a fifth of all second differences are smaller
        self._raw1 = self._raw2 = 0  # the load one and two samples ago
        self.sigma = self.smooth_sigma = 0  # of the load and of the smoothed load, counts
        self.load = 0  # smoothed
        self.loaded = False
        self.on_q8 = 0
        self.off_q8 = 0
        self.top = 0
        self.top_q8 = 0
        self.quick_n = 0  # samples for which the load as it comes has been above
        self.quick_q8 = 0
        self._run_n = 0
        self.known = False  # a stride has been learnt from
        self._risen = False  # on_q8 belongs to the present rise of the load
        self._longest_rise_q8 = (rate_hz * _LONGEST_RISE_MS << 8) // 1000
        self.set_peak(_FIRST_PEAK)

    def set_peak(self, peak):
        self.peak = max(peak, _LEAST_PEAK)
        self.set_levels()

    def set_levels(self):
        self.sigma = (self._bend_q4 * 13 >> 3) >> 4  # the fifth lies at 0.62 sigma
        self.smooth_sigma = self.sigma * self._smooth.noise_permille // 1000
        self.low = max(self.peak * _LOW_PERCENT // 100, _LOW_FLOOR, _LOW_SIGMAS * self.smooth_sigma)
        self.high = max(self.peak * _HIGH_PERCENT // 100, _HIGH_FLOOR, self.low + _HIGH_SIGMAS * self.smooth_sigma)
        self.quick = max(self.low, _QUICK_SIGMAS * self.sigma)

    # The first stride of a wearer says more than the guess it replaces. Later ones move the levels a quarter of the way
    # and never by more than half or double at once: one odd stride does little.
    def learn(self, peak):
        if self.known:
            peak = min(max(peak, self.peak // 2), self.peak * 2)
            peak = self.peak + (peak - self.peak) // 4
        self.known = True
        self.set_peak(peak)

    def fade(self):
        self.set_peak(self.peak - self.peak // 8)

    def rebase(self, by_q8):
        self.on_q8 = max(self.on_q8 - by_q8, _OLDEST_Q8)
        self.off_q8 = max(self.off_q8 - by_q8, _OLDEST_Q8)
        self.top_q8 = max(self.top_q8 - by_q8, _OLDEST_Q8)
        self.quick_q8 = max(self.quick_q8 - by_q8, _OLDEST_Q8)

    # The first sample of a session: what is on the foot now did not just come. True when it is loaded.
    def begin(self, load):
        self._raw1 = self._raw2 = self.load = load
        self._smooth.fill(load)
        self.loaded = load >= self.low
        self.top = load
        return self.loaded

    # Whatever was going on is not known any more, as after a hole in the samples.
    def forget(self):
        self.loaded = self._risen = False
        self.quick_n = self._run_n = 0

    # Take the load at now_q8, step_q8 after the last; returns NOTHING, CONTACT or LIFT.
    def step(self, raw, now_q8, step_q8):
        self._listen(raw)
        self._look(raw, now_q8, step_q8)
        self._raw2 = self._raw1
        self._raw1 = raw
        now_q8 -= self._smooth.delay_q8
        load = self._smooth.step(raw)
        before = self.load
        self.load = load
        low = self.low
        if before < low <= load:
            if not self.loaded:
                self.on_q8 = crossing_q8(now_q8, step_q8, before, load, low)
                self._risen = True
        elif load < low <= before:
            self.off_q8 = crossing_q8(now_q8, step_q8, before, load, low)
            self._risen = False
        return self._while_loaded(load, now_q8) if self.loaded else self._while_free(load, now_q8)

    def _listen(self, raw):
        bend = raw - 2 * self._raw1 + self._raw2
        if bend < 0:
            bend = -bend
        step = (self._bend_q4 >> 6) + 1
        if bend << 4 > self._bend_q4:
            self._bend_q4 += step
        elif self._bend_q4 > 4 * step:
            self._bend_q4 -= 4 * step

    def _look(self, raw, now_q8, step_q8):
        if raw >= self.quick:
            if not self.quick_n:
                before = self._raw1
                later = before < self.quick
                self.quick_q8 = crossing_q8(now_q8, step_q8, before, raw, self.quick) if later else now_q8
            self.quick_n += 1
        elif not self.loaded:
            self.quick_n = 0

    def _while_free(self, load, now_q8):
        if load < self.high:
            self._run_n = 0
            return NOTHING
        if not self._run_n and not (self._risen and now_q8 - self.on_q8 < self._longest_rise_q8):
            self.on_q8 = now_q8  # it lay between the levels before, as a shoe laced tightly does: this is the contact
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
            if load > 2 * self.peak:  # far above all that is known: what is left after this stance is measured by it
                self.set_peak(load // 2 if self.known else load)
        if load >= self.low:
            self._run_n = 0
            return NOTHING
        self._run_n += 1
        if self._run_n < self._hold_n:
            return NOTHING
        self._run_n = 0
        self.loaded = False
        self.quick_n = 0
        return LIFT
