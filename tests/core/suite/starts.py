# The beginning of a session: 20 ms of listening where sensors are quiet, up to 120 where they are not. Times are
# samples at 200 Hz.
import random
from array import array

from insole import wire
from insole.fixed import sense
from insole.gait import Detector
from suite._walk import BASE, Walk, shape
from suite._words import Words


class NoisyWalk(Walk):
    amplitude = 0

    def take(self):
        for k in range(6):
            self.counts[k] = max(0, self.counts[k] + random.randint(-self.amplitude, self.amplitude))
        return Walk.take(self)


def test_a_quiet_foot_may_land_25_ms_after_the_start():
    walk = Walk()
    walk.air(5)
    start = walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    assert abs((walk.initial >> 8) - start) <= 2
    assert abs(walk.final - walk.initial - (140 << 8)) <= 512, "levels that nobody has learnt yet are low"


def test_noise_is_known_150_ms_after_the_start():
    random.seed(8)
    for amplitude in (5, 20, 40):
        walk = NoisyWalk()
        walk.amplitude = amplitude
        walk.air(30)
        for _ in range(3):
            start = walk.stance((0, 110), (20, 140))
            assert abs((walk.initial >> 8) - start) <= 4, amplitude
        assert walk.strides() == 3 and walk.words.direction == wire.DIRECTION_BACKWARD
        assert len(walk.said) == 6, "no contact that was none"


def test_noise_alone_is_no_contact():
    random.seed(18)
    for amplitude in (3, 30, 100):
        walk = NoisyWalk()
        walk.amplitude = amplitude
        walk.base = (200,) * 6
        walk.air(2000)
        assert walk.said == [], amplitude


def test_baselines_are_found_in_noise():
    random.seed(28)
    walk = NoisyWalk()
    walk.amplitude = 30
    walk.base = (200, 300, 400, 500, 600, 700)
    for strides, most in ((0, 30), (8, 12)):
        walk.air(40)
        for _ in range(strides):
            walk.stance((0, 110), (20, 140))
        for k in range(6):
            off = walk.detector.channels.baseline(k) - walk.base[k]
            assert abs(off) <= most, (strides, k, off)


def test_a_tared_baseline_stays():
    for load in (-20, 0, 15, 900):
        walk = Walk()
        for k in range(6):
            walk.detector.channels.set_baseline(k, 300 + k)
        for t in range(30 if load == 15 else 200):
            sway = abs(t % 64 - 32) if load == 900 else 0
            walk.base = [300 + k + load + sway for k in range(6)]
            walk.air(1)
        if load in (0, 900):
            got = [walk.detector.channels.baseline(k) for k in range(6)]
            assert got == [300 + k for k in range(6)], (load, got)
        else:
            got = [walk.detector.channels.baseline(k) - 300 - k for k in range(6)]
            assert min(min(got), load) >= min(load, 0) and max(got) <= max(load, 0), (load, got)


def test_a_tare_stays_where_the_first_readings_are_missing():
    walk = Walk()
    for k in range(6):
        walk.detector.channels.set_baseline(k, 300 + k)
    walk.base = [300 + k for k in range(6)]
    for k in range(40):
        walk.load(0, 0)
        if k < 3:
            walk.counts = array("H", [wire.MISSING_COUNT] * 6)
        walk.take()
    assert [walk.detector.channels.baseline(k) for k in range(6)] == walk.base


def test_a_tare_that_is_too_high_is_corrected_at_once():
    walk = Walk()
    for k in range(6):
        walk.detector.channels.set_baseline(k, 800)
    walk.air(60)
    assert max(abs(walk.detector.channels.baseline(k) - BASE[k]) for k in range(6)) <= 24
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    assert walk.strides() == 3


def test_readings_missing_at_the_start_are_waited_for():
    for who in ((0,), (5,), (0, 1, 2, 3, 4, 5)):
        for base in (30, 100, 300, 600):
            walk = Walk()
            walk.base = [base if k in who else BASE[k] for k in range(6)]
            for _ in range(3):
                walk.load(0, 0)
                for k in who:
                    walk.counts[k] = wire.MISSING_COUNT
                walk.take()
            walk.air(60)
            for _ in range(3):
                walk.stance((0, 110), (20, 140))
            assert walk.strides() >= 2, (who, base, "all but perhaps the first")


def test_a_foot_loaded_at_the_start_stands_however_long():
    for standing_n in (10, 300, 2000):
        walk = Walk()
        for k in range(6):
            walk.detector.channels.set_baseline(k, BASE[k])
        for t in range(standing_n):
            walk.sample(600 + abs(t % 64 - 32), 600 + abs(t % 60 - 30))
        walk.air(60)
        assert walk.said == [], "neither a stride nor a contact"
        start = walk.stance((0, 110), (20, 140))
        assert walk.strides() == 1 and abs((walk.initial >> 8) - start) <= 1


def zone_at(zone):
    return sense.ZONE_AT + zone * sense.ZONE_WORDS


# Until the noise is known nothing is a contact, so that nothing is told by mistake.
def test_levels_are_above_the_noise_and_in_order():
    random.seed(38)
    for amplitude in (0, 10, 40, 150):
        walk = NoisyWalk()
        walk.amplitude = amplitude
        walk.base = (300,) * 6
        walk.air(60)
        for _ in range(6):
            walk.stance((0, 110), (20, 140))
            walk.air(60)
            state = walk.detector.state
            for zone in range(3):
                at = zone_at(zone)
                low, release, high = state[at + sense.LOW], state[at + sense.RELEASE], state[at + sense.HIGH]
                assert 12 <= low < release < high, (amplitude, zone, low, release, high)
                assert state[at + sense.QUICK] >= low and state[at + sense.SURGE] > high
            assert state[zone_at(2) + sense.QUICK] >= 2 * amplitude, "of six sensors together"


def test_any_first_index():
    for index in (0, 1, 1000000, (1 << 30) - 2000):
        detector = Detector((0, 1), 200)
        said = []
        for t in range(400):
            load = 2000 * shape(t, 60, 180, 12) // 1000
            late = 2000 * shape(t, 90, 200, 12) // 1000
            said.append(detector.step(index + t, array("H", [30 + load, 30 + late])))
        assert max(said) == 2, index
        assert abs(Words(detector).told_index - index - 60) <= 2
