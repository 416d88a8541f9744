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
