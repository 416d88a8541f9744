# What is a stride and what is not: standing, swaying, brushing, a foot that was loaded before anybody looked.
from insole import wire
from insole.fixed import tune
from suite._walk import ALIKE_N, BASE, Walk, shape


def test_standing_and_shifting_weight_are_no_strides():
    walk = Walk()
    walk.air(60)
    for t in range(12000):
        sway = 500 + (t % 400 - 200 if t % 800 < 400 else 200 - t % 400)
        walk.sample(min(t * 20, sway), min(t * 20, 1000 - sway))
    walk.air(100)
    assert walk.strides() == 0
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1, "walking is found again after standing"


def test_a_session_that_begins_loaded_finds_the_first_real_stride():
    walk = Walk()
    for _ in range(300):
        walk.sample(600, 600)
    for t in range(40):
        walk.sample(600 + t * 10, 600)
    walk.air(100)
    assert walk.strides() == 0, "what rose above an unproven baseline was no contact"
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    assert walk.words.direction == wire.DIRECTION_BACKWARD


def test_a_brush_is_no_stride():
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for t in range(200):
        walk.sample(shape(t, 20, 36, 4) // 5, 0)
    assert walk.strides() == before


# Strides of so many permille of the load, after six of all of it and a long pause.
def strides_after_a_pause(permille, pause_n, load_n):
    walk = Walk()
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
    walk.air(pause_n)
    before = walk.strides()
    for _ in range(load_n):
        for t in range(260):
            walk.sample(shape(t, 0, 110, 12) * permille // 1000, shape(t, 20, 140, 12) * permille // 1000)
    return walk.strides() - before


# Levels sink to half of what was learnt. What has less than half of the weight is told from the seventh alike on.
def test_lighter_wearer_is_found_again():
    assert strides_after_a_pause(550, 16000, 3) == 3
    assert strides_after_a_pause(450, 16000, 12) == 6
    assert strides_after_a_pause(250, 16000, 12) == 6
    assert strides_after_a_pause(250, 300, 6) == 0, "not at once"
    assert strides_after_a_pause(60, 16000, 12) == 0, "a hand"


def test_the_first_contact_after_standing_counts():
    walk = Walk()
    for _ in range(300):
        walk.sample(600, 600)
    walk.air(80)
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1


# A shoe laced tightly: 8 % of the peak, between the levels, lies on both zones for half a second before the foot lands.
def test_a_preload_does_not_date_the_contact_back():
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    for _ in range(100):
        walk.sample(80, 80)
    start = walk.index
    for t in range(260):
        walk.sample(max(80 if t < 100 else 0, shape(t, 0, 110, 12)), max(80 if t < 100 else 0, shape(t, 20, 140, 12)))
    assert walk.strides() == 5
    assert abs((walk.initial >> 8) - start) <= 4, (walk.initial >> 8, start)


def test_a_foot_loaded_at_the_first_sample_gives_no_stride_before_it():
    walk = Walk()
    for k in range(6):
        walk.detector.channels.set_baseline(k, BASE[k])
    for t in range(60, 260):
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    assert walk.strides() == 0, "a stride whose contact nobody saw"
    start = walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    assert abs((walk.initial >> 8) - start) <= 3 and walk.words.direction == wire.DIRECTION_BACKWARD


# How many of these loads are told after four strides.
def strides_after_walking(length, permille, load_n=ALIKE_N + 2):
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for _ in range(load_n):
        for t in range(length + 200):
            load = shape(t, 20, 20 + length, 4) * permille // 1000
            walk.sample(load, load)
    found = walk.strides() - before
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == before + found + 1, "the next one counts"
    return found


def test_too_light_or_too_short_is_no_stride():
    assert strides_after_walking(40, 200) == 0, "200 ms at a fifth of the load"
    assert strides_after_walking(20, 1000) == 0, "100 ms at full load"
    assert strides_after_walking(40, 1000) == 2, "200 ms at full load: running"


def running_peaks(walk):
    state = walk.detector.state
    return [state[tune.TUNE_AT + zone * tune.TUNE_WORDS + tune.RUNNING] for zone in range(3)]


# The first stride is believed; a later one moves what is known by a quarter of the way, and an odd one by a quarter of
# half or double.
def test_peaks_are_learnt_a_quarter_at_a_time():
    for permille, moved in ((1100, 1025), (700, 925), (510, 878)):
        walk = Walk()
        walk.air(60)
        walk.stance((0, 110), (20, 140))
        known = running_peaks(walk)
        for zone, peak in ((0, 3400), (1, 2300), (2, 5700)):
            assert abs(known[zone] - peak) <= 60, known
        for t in range(260):
            walk.sample(shape(t, 0, 110, 12) * permille // 1000, shape(t, 20, 140, 12) * permille // 1000)
        assert walk.strides() == 2
        for zone in range(3):
            assert abs(running_peaks(walk)[zone] - known[zone] * moved // 1000) <= 25, (permille, zone)


# Rise and fall of a load that rolls, of so many samples each.
def slow_strides(up, down, load_n=4):
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for _ in range(load_n):
        for t in range(500):
            forefoot = min(t * 1000 // up, 1000, max(0, (380 - t) * 1000 // down))
            heel = min(max(t - 20, 0) * 1000 // up, 1000, max(0, (400 - t) * 1000 // down))
            walk.sample(forefoot - forefoot * (t % 64) // 2000, heel - heel * (t % 64) // 2000)
        walk.air(40)
    return walk.strides() - before


def test_a_load_that_comes_and_goes_gently_is_swaying():
    assert slow_strides(12, 12) == 4
    assert slow_strides(12, 150) == 4, "abrupt when it comes"
    assert slow_strides(150, 12) == 4, "abrupt when it goes"
    assert slow_strides(230, 230) == 0


# A foot that slides on without ever resting in the air: its load never gets steady.
def shuffled(ramp, resting):
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for _ in range(6):
        for t in range(150):
            sliding = 0 if resting else 25 + abs(t % 20 - 10) * 2
            walk.sample(max(shape(t, 0, 90, ramp), sliding), max(shape(t, 16, 110, ramp), sliding))
    return walk.strides() - before


def test_shuffling_is_gentle_and_never_rests():
    assert shuffled(50, True) == 6, "gentle, but the foot is in the air in between"
    assert shuffled(4, False) == 6, "restless, but abrupt"
    assert shuffled(50, False) <= 2, "the first two may be steps"
