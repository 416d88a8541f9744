# The detector finds back: after leaps, a lighter wearer, a load that stays in the air, several stuck sensors, a hole.
from insole.fixed import sense, tune
from suite._walk import BASE, Walk, shape
from suite._words import Words


def steps(walk, n, permille=1000, more=0):
    before = walk.strides()
    walk.base = tuple(base + more for base in BASE)
    for _ in range(n):
        for t in range(260):
            walk.sample(shape(t, 15, 140, 12) * permille // 1000, shape(t, 0, 110, 12) * permille // 1000)
    return walk.strides() - before


def test_walking_is_found_again_after_leaps():
    for leaps_n in (1, 2, 5):
        walk = Walk()
        steps(walk, leaps_n, 2600)
        assert steps(walk, 20) >= 13, leaps_n


def test_a_wearer_of_a_fifth_of_the_weight_is_found_after_seven_steps_alike():
    walk = Walk()
    steps(walk, 10)
    assert steps(walk, 20, 200) in (13, 14)


def test_a_load_that_stays_in_the_air_is_found_out():
    walk = Walk()
    walk.air(60)
    assert steps(walk, 10) == 10
    assert steps(walk, 20, more=80) >= 13
    assert steps(walk, 10, more=80) == 10, "and stays known"


def test_a_tare_that_no_longer_holds_is_found_out():
    walk = Walk()
    for k in range(6):
        walk.detector.channels.set_baseline(k, BASE[k])
    assert steps(walk, 20, more=60) >= 13


# Two sensors that stick in one stance, and one that sticks at the top of its range.
def test_several_stuck_sensors_are_left_out():
    for stuck, count in (((0, 5), 1500), ((2,), 4094)):
        walk = Walk()
        steps(walk, 5)
        found = 0
        for k in range(30):
            for t in range(260):
                walk.load(shape(t, 15, 140, 12), shape(t, 0, 110, 12))
                if k or t > 60:
                    for channel in stuck:
                        walk.counts[channel] = count
                walk.take()
        found = walk.strides() - 5
        assert found >= 16, (stuck, found)
        assert walk.detector.channels.out_bits == sum(1 << channel for channel in stuck)


# 320 ms: over a swing nothing is bridged, at no rate.
def test_a_hole_over_a_swing_makes_no_long_stride():
    for rate_hz in (50, 100, 200):
        walk = Walk(rate_hz)
        period = rate_hz * 11 // 10
        longest = 0
        for t in range(6 * period):
            at = t % period
            skipped = 2 * period + period // 3 < t < 3 * period + period // 4
            ramp = max(2, rate_hz * 6 // 100)
            walk.load(shape(at, rate_hz // 14, rate_hz * 7 // 10, ramp), shape(at, 0, rate_hz * 55 // 100, ramp))
            before = walk.strides()
            if skipped:
                walk.index += 1
                continue
            walk.take()
            if walk.strides() > before:
                longest = max(longest, (walk.final - walk.initial) * 1000 // (256 * rate_hz))
        assert walk.strides() >= 3, rate_hz
        assert longest < 900, (rate_hz, longest)


# Twelve looks; no more of it than a third of the highest load; and the load has to be there now, within a 32nd of that.
def test_a_residue_is_looked_at_for_long():
    for looks_n, least, most, load, found in (
        (11, 100, 3200, 199, False),
        (12, 100, 3200, 199, True),
        (12, 100, 3200, 200, False),
        (12, 1000, 3000, 1000, True),
        (12, 1001, 3000, 1001, False),
    ):
        walk = Walk()
        walk.air(60)
        words = walk.words
        Words(walk.detector, tune.FOOT_TUNE).learnt = 3000
        walk.detector._watch_residue()
        words.foot_least, words.foot_most = least, most
        Words(walk.detector, tune.FOOT).load = load
        channel = Words(walk.detector, sense.CHANNEL_AT)
        channel.calm_q8 = channel.base_q8 + 7777
        before = channel.base_q8
        for _ in range(looks_n):
            walk.detector._find_residue()
        assert (channel.base_q8 == before + 7777) == found, (looks_n, least, most, load)
