# Which stances are steps, rule by rule, at their limits. Times in ms at 200 Hz.
from insole.fixed import NEVER_Q8, sense, tune
from insole.fixed import stance as stances
from insole.fixed import step as native
from insole.gait import Detector
from suite._words import Words

ROCK_SHARE = 4  # the lesser part carries one part in this many of the whole, or the foot was not clearly rocked over


def q8(ms):
    return ms * 200 * 256 // 1000


# What is known of the foot: its running peak, what was learnt from strides, its noise.
class Foot:
    def __init__(self, peak=2500, sigma=0, learnt=0):
        self.peak = peak
        self.sigma = sigma
        self.learnt = learnt


class Stance:
    pass


# A stance of 600 ms that rolls from forefoot to heel and came abruptly, but for what is given.
def stance(at=0, length=600, **given):
    made = Stance()
    made.initial_q8 = made.forefoot_on_q8 = q8(at)
    made.heel_on_q8 = q8(at + 100)
    made.forefoot_off_q8 = q8(at + length - 100)
    made.heel_off_q8 = made.final_q8 = q8(at + length)
    made.came_q8 = made.went_q8 = made.dropped = made.restless_n = 0
    made.foot_peak, made.forefoot_peak, made.heel_peak = 3000, 1500, 1500
    made.fill_percent = 75
    for name in given:
        setattr(made, name, given[name])
    return made


STANCE = ("initial_q8", "forefoot_on_q8", "heel_on_q8", "forefoot_off_q8", "heel_off_q8", "final_q8")
STANCE += ("came_q8", "went_q8", "restless_n")


# What judges one stance after the other.
class Steps:
    def __init__(self):
        self.detector = Detector((0, 1), 200)

    def is_step(self, made, foot=None):
        words = Words(self.detector)
        for name in STANCE:
            setattr(words, name, getattr(made, name))
        words.dropped_q8 = made.dropped << 8
        long_n = max(made.final_q8 - made.initial_q8, 0) >> 8
        Words(self.detector, tune.FOOT).total = made.foot_peak * made.fill_percent // 100 * long_n
        for zone, peak in enumerate((made.forefoot_peak, made.heel_peak, made.foot_peak)):
            Words(self.detector, sense.ZONE_AT + zone * sense.ZONE_WORDS).peak = peak
        if foot:
            tuned = Words(self.detector, tune.FOOT_TUNE)
            tuned.running, tuned.sigma, tuned.learnt = foot.peak, foot.sigma, foot.learnt
        return bool(native.is_step(self.detector.state))

    def rebase(self, by_q8):
        stances.rebase(self.detector.state, by_q8)

    def forget(self):
        self.detector._forget(12345)


def is_step(made, foot=None):
    return Steps().is_step(made, foot or Foot())


def test_a_step_is_long_enough():
    assert is_step(stance())
    assert is_step(stance(length=120, forefoot_off_q8=q8(20)))
    assert not is_step(stance(length=115, forefoot_off_q8=q8(15)))
    assert not is_step(stance(initial_q8=NEVER_Q8)), "the foot as a whole was never loaded"


def test_a_step_is_heavy_enough():
    known = Foot(peak=1600, learnt=3000)
    assert is_step(stance(foot_peak=1500), known) and not is_step(stance(foot_peak=1499), known), (
        "half of what is known"
    )
    assert is_step(stance(), Foot(sigma=300)) and not is_step(stance(), Foot(sigma=301)), "ten times the noise"


def test_the_first_step_is_heavy_enough():
    low = Foot(peak=640)
    assert is_step(stance(foot_peak=1104), low) and not is_step(stance(foot_peak=1103), low), "69 % of 1600"
    assert is_step(stance(foot_peak=1200), Foot(peak=3000)) and not is_step(stance(foot_peak=1199), Foot(peak=3000))
    one_sided = {"forefoot_peak": 1400, "heel_peak": 600}
    assert is_step(stance(foot_peak=1500, **one_sided), low), "two fifths on the lesser part"
    assert not is_step(stance(foot_peak=1501, **one_sided), low)
    assert is_step(stance(foot_peak=1600, **one_sided), low), "heavy"
    one_sided = {"forefoot_peak": 600, "heel_peak": 1400}
    assert is_step(stance(foot_peak=1500, **one_sided), low) and not is_step(stance(foot_peak=1501, **one_sided), low)


# Calibrated with 500 counts: a child.
def test_standing_tells_how_heavy_the_first_step_is():
    light = stance(foot_peak=600, forefoot_peak=250, heel_peak=250)
    assert not is_step(light)
    for standing, step in ((500, 1), (869, 1), (870, 0)):
        steps = Steps()
        steps.detector.set_standing(standing)
        assert steps.is_step(light) == bool(step), standing


def test_a_load_above_baselines_that_fell_is_no_step():
    assert is_step(stance(dropped=750)) and not is_step(stance(dropped=751)), "a quarter of the peak"


# After a step 480 ms ago, or after none.
def is_next_step(made):
    steps = Steps()
    assert steps.is_step(stance(at=-1000, length=520), Foot())
    return steps.is_step(made, Foot())


def test_a_long_gentle_load_is_swaying():
    assert is_next_step(stance(length=600, came_q8=q8(120), went_q8=q8(95))), "275 with a tenth of the length"
    assert not is_next_step(stance(length=600, came_q8=q8(120), went_q8=q8(105)))
    assert is_next_step(stance(length=1500, came_q8=q8(60), went_q8=q8(65), fill_percent=50))
    assert not is_next_step(stance(length=1500, came_q8=q8(60), went_q8=q8(75), fill_percent=50))


def test_slow_walking_is_no_swaying_when_the_load_stays_near_its_peak():
    for length in (1510, 2000, 2900):
        for fill, gentle_ms, step in ((68, 155, 1), (68, 165, 0), (67, 75, 1), (67, 85, 0)):
            made = stance(length=length, came_q8=q8(gentle_ms - 30), went_q8=q8(30), fill_percent=fill)
            assert is_next_step(made) == bool(step), (length, fill, gentle_ms)
        for fill, gentle_ms, step in ((68, 75, 1), (68, 85, 0), (67, 0, 1), (67, 5, 0)):
            made = stance(length=length, went_q8=q8(gentle_ms), fill_percent=fill)
            assert is_step(made) == bool(step), (length, fill, gentle_ms)


def test_the_first_step_after_a_while_is_abrupt():
    assert is_step(stance(length=600, came_q8=q8(80), went_q8=q8(55))), "195 with a tenth of the length"
    assert not is_step(stance(length=600, came_q8=q8(80), went_q8=q8(65)))
    for pause_ms, step in ((2900, 1), (3100, 0)):
        steps = Steps()
        assert steps.is_step(stance(at=-600), Foot())
        made = stance(at=pause_ms, came_q8=q8(80), went_q8=q8(65))
        assert steps.is_step(made, Foot()) == bool(step), pause_ms


def test_gentle_and_restless_twice_is_shuffling():
    for restless_n, gentle_ms, step in ((0, 130, 1), (1, 130, 1), (2, 45, 1), (2, 50, 0), (3, 50, 0), (9, 40, 1)):
        made = stance(restless_n=restless_n, came_q8=q8(gentle_ms - 20), went_q8=q8(20))
        assert is_step(made) == bool(step), (restless_n, gentle_ms)


def rolling(on, off, at=0):
    made = stance(at)
    made.heel_on_q8 = made.forefoot_on_q8 + q8(on)
    made.heel_off_q8 = made.forefoot_off_q8 + q8(off)
    return made


def test_a_step_rolls_over_the_foot():
    for sign in (1, -1):
        for on, off, step in (
            (100, 100, 1),
            (30, 35, 1),
            (30, 25, 0),
            (0, 65, 1),
            (65, 0, 1),
            (100, -15, 1),
            (-15, 100, 1),
        ):
            assert is_step(rolling(on * sign, off * sign)) == bool(step), (sign, on, off)


# What lands first and leaves last may have been pressed. A step only when it is clear, or where steps were.
def test_a_foot_rocked_over_is_a_step_within_3_s_of_another():
    for sign in (1, -1):
        for on, off in ((30, -100), (100, -30), (30, -30)):
            assert not is_step(rolling(on * sign, off * sign))
            for pause_ms, step in ((500, 1), (2900, 1), (3100, 0)):
                steps = Steps()
                assert steps.is_step(rolling(100, 100), Foot())
                steps.rebase(q8(600))
                assert steps.is_step(rolling(on * sign, off * sign, at=pause_ms), Foot()) == bool(step), (
                    on,
                    off,
                    pause_ms,
                )


def test_a_foot_clearly_rocked_over_is_a_step():
    for sign in (1, -1):
        for on, off, step in ((55, -55, 1), (55, -300, 1), (300, -55, 1), (45, -300, 0), (300, -45, 0)):
            assert is_step(rolling(on * sign, off * sign)) == bool(step), (sign, on, off)
        for lesser, step in ((1500, 1), (3000 // ROCK_SHARE, 1), (3000 // ROCK_SHARE - 1, 0)):
            made = rolling(100 * sign, -100 * sign)
            made.heel_peak = lesser
            assert is_step(made) == bool(step), lesser


def test_a_long_hole_ends_the_walk():
    steps = Steps()
    assert steps.is_step(rolling(100, 100), Foot())
    steps.forget()
    assert not steps.is_step(rolling(30, -30, at=1100), Foot())


def test_both_parts_carry_in_a_step():
    assert is_step(stance(heel_peak=250)) and not is_step(stance(heel_peak=249)), "a twelfth of the whole"
    assert is_step(stance(forefoot_peak=250)) and not is_step(stance(forefoot_peak=249))
    assert not is_step(stance(heel_on_q8=NEVER_Q8)) and not is_step(stance(forefoot_on_q8=NEVER_Q8))


# Loads that do not roll: at, length, peak of each; which are told.
def told(*loads):
    steps = Steps()
    found = []
    for at, length, peak in loads:
        made = stance(at, length, foot_peak=peak)
        made.heel_on_q8, made.heel_off_q8 = made.forefoot_on_q8, made.forefoot_off_q8
        found.append(steps.is_step(made, Foot()))
    return found


def test_the_fourth_load_alike_is_a_step():
    assert told(*[(k * 1000, 600, 3000) for k in range(6)]) == [False] * 3 + [True] * 3
    assert told(*[(k * 1000, 600, 3000 + k % 2 * 1400) for k in range(6)]) == [False] * 3 + [True] * 3
    assert told(*[(k * 1000, 600 + k % 2 * 280, 3000) for k in range(6)]) == [False] * 3 + [True] * 3


def test_loads_of_all_kinds_are_none():
    assert not any(told(*[(k * 1000, 600, 3000 + k % 2 * 1600) for k in range(12)])), "of other weight each time"
    assert not any(told(*[(k * 1000, 600 - k % 2 * 210, 3000) for k in range(12)])), "of other length"
    assert not any(told(*[(k * 2110, 600, 3000) for k in range(12)])), "1.5 s and more apart"
    assert told(*[(k * 2090, 600, 3000) for k in range(4)])[3], "a little less"


def test_half_as_much_again_is_not_alike():
    for length, peak, alike in (
        (600, 4499, 1),
        (600, 4500, 0),
        (600, 2001, 1),
        (600, 2000, 0),
        (895, 3000, 1),
        (900, 3000, 0),
        (405, 3000, 1),
        (400, 3000, 0),
    ):
        loads = [(k * 1000, 600, 3000) for k in range(3)] + [(3000, length, peak)]
        assert told(*loads) == [False] * 3 + [bool(alike)], (length, peak)


# Many alike in a row: a lighter wearer.
def test_the_seventh_light_load_alike_is_a_step():
    assert told(*[(k * 1000, 600, 375) for k in range(9)]) == [False] * 6 + [True] * 3, "15 % of what is known"
    assert not any(told(*[(k * 1000, 600, 374) for k in range(9)]))


def test_one_odd_load_begins_the_count_anew():
    loads = [(k * 1000, 600, 3000) for k in range(9)]
    loads[4] = (4000, 600, 6000)
    assert told(*loads) == [False] * 3 + [True] + [False] * 4 + [True]


def test_moving_the_origin_changes_nothing():
    steps = Steps()
    for _ in range(3):
        made = stance(0, 600)
        made.heel_on_q8, made.heel_off_q8 = made.forefoot_on_q8, made.forefoot_off_q8
        assert not steps.is_step(made, Foot())
        steps.rebase(q8(1000))
    assert steps.is_step(made, Foot())
    steps.forget()
    assert not steps.is_step(made, Foot()), "a long hole lies between"
