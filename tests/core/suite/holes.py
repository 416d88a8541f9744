# Samples that are missing: time goes on over them, and a stance that cannot be timed is not told.
from insole import wire
from suite._walk import Walk, shape


def test_a_hole_in_the_indices_does_not_shift_time():
    for missing_n in (1, 3, 20, 63, 64, 65, 200, 5000, 100000):
        walk = Walk()
        walk.air(60)
        walk.stance((0, 110), (20, 140))
        walk.index += missing_n
        walk.air(20)
        start = walk.stance((0, 110), (20, 140))
        assert walk.strides() == 2
        assert abs((walk.initial >> 8) - start) <= 1, missing_n
        assert abs(walk.final - walk.initial - (138 << 8)) <= 256, missing_n


# Over 64 samples and more nothing is timed, and for 80 ms after it the detector only listens.
def test_a_foot_that_landed_in_the_80_ms_after_a_long_hole_stands():
    walk = Walk()
    walk.air(60)
    walk.stance((0, 110), (20, 140))
    walk.index += 64
    walk.air(8)
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    start = walk.stance((0, 110), (20, 140))
    assert walk.strides() == 2 and abs((walk.initial >> 8) - start) <= 1


def walk_over_a_hole(forefoot, heel):
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    for t in range(60):
        walk.sample(shape(t, *forefoot, 12), shape(t, *heel, 12))
    walk.index += 65
    for t in range(125, 360):
        walk.sample(shape(t, *forefoot, 12), shape(t, *heel, 12))
    assert walk.strides() == 3, "a stride that spans the hole"
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
        assert walk.words.direction == wire.DIRECTION_BACKWARD
    assert walk.strides() == 6


def test_a_hole_inside_a_stance_costs_that_stride_and_no_other():
    walk_over_a_hole((0, 110), (20, 140))


def test_what_is_left_of_a_stance_after_a_hole_is_no_stride():
    walk_over_a_hole((0, 210), (20, 240))


def test_the_longest_hole_that_is_timed_is_320_ms_and_63_samples():
    for rate_hz, forgotten_n in ((50, 16), (100, 32), (125, 40), (200, 64), (250, 64), (500, 64)):
        for missing_n in (forgotten_n - 1, forgotten_n):
            walk = Walk(rate_hz)
            walk.air(rate_hz // 2)
            walk.index += missing_n
            walk.air(1)
            assert bool(walk.words.warming) == (missing_n == forgotten_n), (rate_hz, missing_n)


# Walks until a stride is judged, and so many samples on; what is then due is told before all else.
def judged_walk(samples_n):
    walk = Walk()
    walk.air(60)
    for _ in range(2):
        walk.stance((0, 110), (20, 140))
    t = 0
    while not walk.words.due:
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
        t += 1
    walk.air(samples_n)
    return walk


def test_a_stride_that_was_judged_before_a_long_hole_is_told():
    for samples_n in (0, 1, 2):
        for missing_n in (64, 5000):
            walk = judged_walk(samples_n)
            assert walk.strides() == (3 if samples_n else 2)
            final = walk.words.final_q8 >> 8
            walk.index += missing_n
            walk.air(30)
            assert walk.strides() == 3, (samples_n, missing_n)
            assert walk.words.told_end - final <= 1 and walk.words.direction == wire.DIRECTION_BACKWARD
            assert walk.words.due == 0
            start = walk.stance((0, 110), (20, 140))
            assert walk.strides() == 4 and abs((walk.initial >> 8) - start) <= 1


# What is learnt from such a stride opens no level while the detector only listens: a brush in that time begins nothing.
def test_a_brush_right_after_a_long_hole_is_not_the_next_contact():
    for samples_n in (0, 1):
        for at in (3, 6, 9, 11):
            walk = judged_walk(samples_n)
            walk.index += 100
            for k in range(140):
                walk.sample(500 if at <= k < at + 3 else 0, 0)
            assert walk.strides() == 3
            start = walk.stance((0, 110), (20, 140))
            assert walk.strides() == 4 and abs((walk.initial >> 8) - start) <= 1, (samples_n, at, walk.initial >> 8)


# A baseline that no reading told at the start is taken from what follows; once, not again after each long hole.
def test_a_hole_in_a_stance_takes_no_load_for_a_baseline():
    walk = Walk()
    for _ in range(3):
        walk.load(0, 0)
        walk.counts[0] = wire.MISSING_COUNT
        walk.take()
    walk.air(60)
    walk.stance((0, 110), (20, 140))
    for missing_n in (0, 65):
        walk.index += missing_n
        for t in range(20, 60):
            walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    for k in range(6):
        assert abs(walk.detector.channels.baseline(k) - walk.base[k]) <= 60, (k, walk.detector.channels.baseline(k))
