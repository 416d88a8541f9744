# One part of the foot (forefoot, heel, or all of it): what is known of its load. Its words are written with every
# sample by `sense.follow`, its levels by `tune`. Core; called by gait at events only; allocates nothing.
from micropython import const

from .fixed import tune

# WORDS of sense.py and tune.py, written by firmware/make_plain.py
_ZONE_AT = const(26)
_ZONE_WORDS = const(26)
_LOW = const(0)
_LOAD = const(4)
_BEND_Q4 = const(7)
_LOADED = const(10)
_TUNE_AT = const(216)
_TUNE_WORDS = const(6)
_RUNNING = const(0)
_LEARNT = const(1)
_SIGMA = const(2)
_NOISE_PERMILLE = const(4)
# end of WORDS

_FIRST_PEAK = const(640)  # counts over all sensors, 60 N at 10 counts/N: a child's first step counts, a hand does not
_FIRST_BEND_Q4 = const(2000)  # a noise of 200 counts: from too much the estimate comes down within a few samples


class Zone:
    def __init__(self, state, zone, noise_permille):
        self._state = state
        self._zone = zone
        self._at = _ZONE_AT + _ZONE_WORDS * zone
        self._own = _TUNE_AT + _TUNE_WORDS * zone
        state[self._at + _BEND_Q4] = _FIRST_BEND_Q4
        state[self._own + _RUNNING] = _FIRST_PEAK
        state[self._own + _NOISE_PERMILLE] = noise_permille

    def __getitem__(self, word):
        return self._state[self._at + word]

    # The running peak, counts.
    @property
    def peak(self):
        return self._state[self._own + _RUNNING]

    # Noise of the load, counts.
    @property
    def sigma(self):
        return self._state[self._own + _SIGMA]

    def set_levels(self):
        tune.set_peak(self._state, self._zone, self._state[self._own + _RUNNING])

    # The first stride of a wearer says more than the guess it replaces. Later ones move the levels a quarter of the way
    # and never by more than half or double at once: one odd stride does little.
    def learn(self, peak):
        state = self._state
        if state[self._own + _LEARNT]:
            running = state[self._own + _RUNNING]
            if peak < running >> 1:
                peak = running >> 1
            elif peak > 2 * running:
                peak = 2 * running
            peak = running + ((peak - running) >> 2)
        state[self._own + _LEARNT] = peak
        tune.set_peak(state, self._zone, peak)

    # A load far above all that is known: what is left after this stance is measured by it.
    def surge(self):
        load = self._state[self._at + _LOAD]
        tune.set_peak(self._state, self._zone, load >> 1 if self._state[self._own + _LEARNT] else load)

    # A lighter wearer is found again, but not a hand: half of what was learnt stays.
    def fade(self):
        peak = self._state[self._own + _RUNNING]
        peak -= peak >> 3
        least = self._state[self._own + _LEARNT] >> 1
        tune.set_peak(self._state, self._zone, peak if peak > least else least)

    # The listening is over: what is on the foot now did not just come.
    def settle(self):
        self.set_levels()
        self._state[self._at + _LOADED] = 1 if self[_LOAD] >= self[_LOW] else 0
