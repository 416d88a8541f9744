# Walks whose truth is known, for the detector: ramps of load under each zone. Loads are counts; times are samples, at
# 200 Hz unless a test says otherwise.
from array import array

from insole import wire
from insole.gait import NOTHING, STRIDE, Detector
from suite._words import Words

ZONES = (0, 0, 0, 0, 1, 1)
FOREFOOT = (1000, 900, 800, 700)
HEEL = (1200, 1100)
ALIKE_N = 3  # loads alike that come before a step that does not roll over the foot is told
BASE = (30, 25, 40, 35, 20, 45)


# Load of one zone, 0 to 1000 permille, that rises from `on` and is gone at `off`, in `ramp` samples each. In between it
# sways slowly by 3 %: a sensor that stands still is stuck.
def shape(t, on, off, ramp):
    if t <= on or t >= off:
        return 0
    if t < on + ramp:
        return (t - on) * 1000 // ramp
    if t > off - ramp:
        return (off - t) * 1000 // ramp
    return 1000 - abs(t % 64 - 32)


class Walk:
    def __init__(self, rate_hz=200, dead=-1, stuck=-1):
        self.detector = Detector(ZONES, rate_hz)
        self.words = Words(self.detector)
        self.rate_hz = rate_hz
        self.index = 0
        self.base = BASE
        self.counts = array("H", BASE)
        self.said = []
        self.dead = dead
        self.stuck = stuck

    def sample(self, forefoot_permille, heel_permille):
        self.load(forefoot_permille, heel_permille)
        return self.take()

    def load(self, forefoot_permille, heel_permille):
        for k in range(4):
            self.counts[k] = self.base[k] + FOREFOOT[k] * forefoot_permille // 1000
        for k in range(2):
            self.counts[4 + k] = self.base[4 + k] + HEEL[k] * heel_permille // 1000
        if self.dead >= 0:
            self.counts[self.dead] = 3
        if self.stuck >= 0:
            self.counts[self.stuck] = 2000

    def take(self):
        said = self.detector.step(self.index, self.counts)
        self.index += 1
        if said != NOTHING:
            self.said.append((said, self.index - 1))
        if said == STRIDE:
            self.keep()
        return said

    # Events of the stride just decided, in q8 since sample 0; the detector's own are good only until its next step.
    def keep(self):
        words = self.words
        self.initial = initial = (words.told_index << 8) + words.told_q8
        self.final = initial + words.told_final_q8
        self.forefoot_on, self.heel_on = initial + words.told_forefoot_on_q8, initial + words.told_heel_on_q8
        self.forefoot_off, self.heel_off = initial + words.told_forefoot_off_q8, initial + words.told_heel_off_q8

    def air(self, n):
        for _ in range(n):
            self.sample(0, 0)

    # One stance; times relative to its start, which is returned. Ends 120 samples after the last event.
    def stance(self, forefoot, heel, ramp=12):
        start = self.index
        length = max(forefoot[1], heel[1]) + 120
        for t in range(length):
            self.sample(shape(t, forefoot[0], forefoot[1], ramp), shape(t, heel[0], heel[1], ramp))
        return start

    def strides(self):
        return len([said for said, _ in self.said if said == STRIDE])


# by name: forefoot (on, off), heel (on, off), contact order, lift order, direction.
READINGS = {
    "forward": ((15, 140), (0, 110), wire.ORDER_HEEL_FIRST, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "backward": ((0, 110), (20, 140), wire.ORDER_FOREFOOT_FIRST, wire.ORDER_FOREFOOT_FIRST, wire.DIRECTION_BACKWARD),
    "forefoot runner": ((0, 140), (20, 100), wire.ORDER_FOREFOOT_FIRST, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "heel-first backward": (
        (20, 100),
        (0, 140),
        wire.ORDER_HEEL_FIRST,
        wire.ORDER_FOREFOOT_FIRST,
        wire.DIRECTION_BACKWARD,
    ),
    "flat, lifting forward": ((0, 140), (0, 100), wire.ORDER_TOGETHER, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "flat and flat": ((0, 120), (0, 120), wire.ORDER_TOGETHER, wire.ORDER_TOGETHER, wire.DIRECTION_UNKNOWN),
}
