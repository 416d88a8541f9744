# The per-sample kernel. The native one against its plain twin, over random and edge input: the same events and the same
# words in the ring, the frame and the state after every call. Where no native code loads (CPython) both are the plain
# one. And what a crossing is, against exact arithmetic.
import random
from array import array

from insole import sense_plain
from insole.fixed import sense
from insole.frame import SamplesPacker
from insole.gait import Detector
from insole.ring import SampleRing
from suite._taker import Taker

MISSING = 4095
RATES = (50, 100, 125, 200, 250, 500)


# A detector over a ring, whose every sample is taken twice: by the native kernel, and by the plain one from copies.
class Pair:
    def __init__(self, channel_n, rate_hz, slot_n, packing):
        self.ring = SampleRing(channel_n, slot_n)
        self.packer = SamplesPacker(self.ring)
        if not packing:
            self.ring.marks[sense.PACK_AT] = 0
        self.detector = Detector(tuple(random.choice((0, 0, 1, 1, 2, 3)) for _ in range(channel_n)), rate_hz)
        self.native = sense.bind(self.ring.marks, self.ring.counts, self.packer.raw, self.detector.state)
        self.said = 0
        self.calls = 0
        self.twin_marks = array("i", self.ring.marks)
        self.twin_state = array("i", self.detector.state)
        self.twin_frame = bytearray(self.packer.raw)

    def push(self, index, counts):
        at = self.ring.offset()
        if at < 0:
            return
        for k in range(len(counts)):
            self.ring.counts[at + k] = counts[k]
        self.ring.commit(index, (index * 5000 + 17) & 0x3FFFFFFF)

    def follow(self):
        ring = self.ring
        state = self.detector.state
        frame = self.packer.raw
        copy(ring.marks, self.twin_marks)
        copy(state, self.twin_state)
        copy(frame, self.twin_frame)
        native = self.native(state)
        plain = sense_plain.follow(self.twin_marks, ring.counts, self.twin_frame, self.twin_state)
        assert native == plain, (native, plain)
        assert ring.marks == self.twin_marks, differing(ring.marks, self.twin_marks)
        assert state == self.twin_state, differing(state, self.twin_state)
        assert frame == self.twin_frame, differing(frame, self.twin_frame)
        self.said |= native
        self.calls += 1
        return native

    def take(self):
        events = self.follow()
        while events:
            if events & sense.HOLE:
                if self.ring.marks[sense.PACK_AT]:
                    self.packer.hole(self.ring.index)
                self.detector.hole(self.ring)
            else:
                if events & sense.FULL:
                    self.packer.seal()
                self.detector.hear(events)
            events = self.follow()
        assert len(self.ring) == 0


def copy(source, target):
    for k in range(len(source)):
        target[k] = source[k]


def differing(a, b):
    return [(k, a[k], b[k]) for k in range(len(a)) if a[k] != b[k]]


# --- inputs: each fills counts for sample k


def noise(k, counts):
    for c in range(len(counts)):
        counts[c] = random.getrandbits(12)


def toggling(k, counts):
    for c in range(len(counts)):
        counts[c] = 4094 if (k + c * (k >> 6 & 1)) & 1 else 0


def bursts(k, counts):
    for c in range(len(counts)):
        counts[c] = 40 + 3 * c + random.getrandbits(1) + (0 if k % 61 < 25 + c else 900 + 10 * (k % 61))


def steps(k, counts):
    for c in range(len(counts)):
        counts[c] = 40 + 3 * c + random.getrandbits(1) + (0 if k % 140 < 70 + 2 * c else 900 + k % 140)


def saturated(k, counts):
    bursts(k, counts)
    counts[0] = 4094 if k % 61 >= 25 else 30
    if random.random() < 0.2:
        counts[random.randint(0, len(counts) - 1)] = MISSING


def sinking(k, counts):
    for c in range(len(counts)):
        counts[c] = max(4094 - 5 * k - random.getrandbits(3), 0) if k % 200 < 150 else MISSING


INPUTS = (noise, toggling, bursts, saturated, sinking)


def run_pair(channel_n, rate_hz, fill, sample_n, packing=True, hole_n=50):
    slot_n = random.randint(2, 9)
    pair = Pair(channel_n, rate_hz, slot_n, packing)
    counts = array("H", [0] * channel_n)
    index = random.randint(0, 5000)
    for k in range(sample_n):
        if random.randint(0, hole_n) == 0:
            index = max(index + random.choice((1, 2, 30, 63, 64, 65, 700, -500)), 0)
        fill(k, counts)
        pair.push(index, counts)
        index += 1
        if random.randint(0, slot_n) == 0:
            pair.take()
    pair.take()
    return pair


def test_native_and_plain_agree_for_every_number_of_channels():
    random.seed(3)
    said = 0
    for channel_n in range(2, 9):
        for fill in INPUTS:
            said |= run_pair(channel_n, random.choice(RATES), fill, 160, channel_n % 3 > 0).said
    for event in ("CONTACT", "LIFT", "TOUCH", "SURGED", "ALARM", "FULL", "HOLE"):
        assert said & getattr(sense, event), event + " never happened"


def test_native_and_plain_agree_at_every_rate():
    random.seed(4)
    for rate_hz in RATES:
        pair = run_pair(8, rate_hz, steps, 800, hole_n=400)
        assert pair.said & sense.CONTACT << 2 and pair.said & sense.LIFT << 2, rate_hz


# States that no detector would make, but within their bounds.
def test_native_and_plain_agree_from_any_state():
    random.seed(5)
    for _ in range(60):
        pair = Pair(random.randint(2, 8), random.choice(RATES), 4, True)
        pair.push(7, [100] * pair.ring.channel_n)
        pair.take()
        state = pair.detector.state
        for zone in range(3):
            at = sense.ZONE_AT + zone * sense.ZONE_WORDS
            for level in (sense.LOW, sense.HIGH, sense.QUICK, sense.SURGE, sense.RELEASE):
                state[at + level] = random.randint(1, 1 << random.randint(2, 15))
            for load in (sense.RAW1, sense.RAW2, sense.LOAD):
                state[at + load] = random.randint(-32752, 32752)
            for flag in (sense.LOADED, sense.RISEN):
                state[at + flag] = random.getrandbits(1)
            for count in (sense.RUN_N, sense.ABOVE_N):
                state[at + count] = random.randint(0, 5)
            state[at + sense.BEND_Q4] = random.randint(0, 1 << 21)
        for c in range(pair.ring.channel_n):
            at = sense.CHANNEL_AT + c * sense.CHANNEL_WORDS
            state[at + sense.BASE_Q8] = random.randint(0, 4094 << 8)
            state[at + sense.CALM_Q8] = random.randint(0, 4094 << 8)
            state[at + sense.SHARE] = random.randint(0, 3)
        state[sense.STEP_Q8] = random.randint(1, 64) << 8
        state[sense.STANCE_N] = random.choice((-1, 0, 1400))
        state[sense.FREE_N] = random.randint(0, 200)
        state[sense.NOW_Q8] = random.randint(-(1 << 28), 1 << 28)
        for k in range(3):
            counts = [random.choice((0, 4094, MISSING, random.getrandbits(12))) for _ in range(pair.ring.channel_n)]
            pair.push(8 + k, counts)
        while pair.follow():
            pass
        assert len(pair.ring) == 0


# --- crossings


# Where the load of one sample crosses a level between `before` and `after`, by the kernel: (rising, falling) of the
# smoothed load and that of the load as it comes, q8 samples before the later one. None: it does not cross so.
def crossings(before, after, level, step_q8):
    ring = SampleRing(1, 2)
    taker = Taker(ring)
    state = taker.state
    state[sense.STEP_Q8] = step_q8
    state[sense.NOW_Q8] = 100000 - step_q8
    state[sense.QUICK_N] = state[sense.CONFIRM_N] = state[sense.HOLD_N] = 1
    forefoot = sense.ZONE_AT
    heel = forefoot + sense.ZONE_WORDS
    falls = after < before
    state[sense.CHANNEL_AT + sense.SHARE] = 1 if falls else 0
    for at in (forefoot, heel):
        state[at + sense.RAW1] = state[at + sense.LOAD] = before
        for word in (sense.LOW, sense.QUICK, sense.RELEASE):
            state[at + word] = level
    state[heel + sense.LOADED] = 1
    ring.counts[0] = after
    ring.commit(0, 0)
    said = sense.bind(ring.marks, ring.counts, taker.frame, state)(state)
    if falls:
        assert said & sense.LIFT << 1 and not state[heel + sense.LOADED]
        return 100000 - state[heel + sense.OFF_Q8], 100000 - state[heel + sense.OFF_Q8]
    assert said & sense.TOUCH
    assert state[forefoot + sense.RISEN]
    return 100000 - state[forefoot + sense.ON_Q8], 100000 - state[forefoot + sense.ABOVE_Q8]


LINES = ((0, 100, 5), (0, 4094, 205), (10, 11, 11), (-32752, 4094, 12), (400, 0, 20), (32752, 0, 1), (7, 3, 5))


def test_a_crossing_is_within_half_a_step_of_the_line():
    for before, after, level in LINES:
        for step_q8 in (256, 512, 16384):
            exact = (after - level) * step_q8 / (after - before)
            for got in crossings(before, after, level, step_q8):
                assert abs(got - exact) <= 0.5001, (before, after, level, step_q8, got, exact)


def test_a_crossing_stays_inside_the_step():
    for level in range(1, 101):
        for got in crossings(0, 100, level, 256) + crossings(100, 0, level, 256):
            assert 0 <= got <= 256, (level, got)
