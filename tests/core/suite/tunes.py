# What is worked out natively at events, against its plain twin: the same answers and the same words, from any state
# within its bounds. Where no native code loads (CPython) both are the plain one.
import random
from array import array

from insole import sense_plain, stance_plain, step_plain, tune_plain, verdict_plain
from insole.fixed import NEVER_Q8, sense, stance, step, tune, verdict
from insole.gait import Detector

RATES = (50, 100, 125, 200, 250, 500)


def any_state():
    state = array("i", [0] * stance.ALL_WORDS)
    state[sense.CHANNEL_N] = random.randint(2, 8)
    for zone in range(3):
        at = sense.ZONE_AT + zone * sense.ZONE_WORDS
        for k in range(sense.ZONE_WORDS):
            state[at + k] = random.randint(-(1 << 28), 1 << 28)
        for word in (sense.LOAD, sense.PEAK, sense.RELEASE):
            state[at + word] = random.randint(1, 32752)
        for word in (sense.RESIDUE, sense.MASS, sense.MOMENT, sense.TOTAL):
            state[at + word] = random.choice((0, random.randint(1, 1 << 21)))
        state[at + sense.BEND_Q4] = random.randint(0, 1 << random.randint(1, 21))
        own = tune.TUNE_AT + zone * tune.TUNE_WORDS
        state[own + tune.NOISE_PERMILLE] = random.choice((1000, 612, 293, 148))
        state[own + tune.RUNNING] = random.randint(320, 32752)
        state[own + tune.LEARNT] = random.choice((0, 640, 32752))
    for c in range(8):
        at = sense.CHANNEL_AT + c * sense.CHANNEL_WORDS
        state[at + sense.BASE_Q8] = random.randint(-1, 4094 << 8)
        state[at + sense.REST] = random.choice((0, 20, 63, 64, 2000, 4079, 4080, 4094))
        state[at + sense.STILL] = random.choice((0, 20, 63, 64, 2000, 4079, 4080, 4094))
        state[at + sense.STILL_N] = random.choice((0, 0, 0, 5, 100, 1 << 29))
        state[at + sense.TOP_N] = random.choice((0, 50, 51, 1 << 28))
        state[at + sense.SHARE] = random.randint(0, 3)
        drifts = random.choice((0, 1, 4, 5, 5 + 256, 1 + 256))
        state[at + sense.BASE_BEFORE] = random.randint(0, 4094) + (drifts << 16)
    state[sense.NOW_Q8] = random.randint(0, 1 << 19)
    for k in range(stance.RATE_HZ, stance.ALL_WORDS):
        state[k] = random.choice((0, 0, 1, 2, random.randint(-(1 << 19), 1 << 19)))
    for k in range(stance.INITIAL_Q8, stance.FINAL_Q8):
        state[k] = random.choice((NEVER_Q8, random.randint(0, 1 << 19)))
    state[stance.STAND_Q8], state[stance.DECIDE_AT_Q8] = random.choice((0, 1 << 20)), random.choice((0, NEVER_Q8))
    state[stance.STUCK_N] = random.choice((40, 80, 200))
    state[stance.RATE_HZ] = random.choice(RATES)
    state[stance.HISTORY] = random.randint(-3, 3)
    state[stance.DUE] = random.randint(0, 2)
    state[sense.TIME_SHIFT] = random.randint(0, 3)
    for k in range(stance.OUT_BITS, stance.ALIKE_N):
        state[k] = random.choice((0, 0, 1))
    return state


NATIVE = {tune: tune_plain, verdict: verdict_plain, stance: stance_plain, step: step_plain}


def agree(module, name, *arguments):
    native = any_state()
    plain = array("i", native)
    said = getattr(module, name)(native, *arguments)
    assert said == getattr(NATIVE[module], name)(plain, *arguments), (name, arguments)
    assert native == plain, (name, arguments, [k for k in range(len(plain)) if native[k] != plain[k]])
    return said


def test_levels_and_channels_agree():
    random.seed(6)
    found = 0
    for _ in range(60):
        for zone in range(3):
            agree(tune, "listen", zone)
            agree(tune, "set_peak", zone, random.choice((0, 1, 319, 320, 3000, 32752, 1 << 16)))
            agree(tune, "learn", zone, random.choice((0, 1, 319, 320, 3000, 32752)))
        agree(tune, "surge", random.choice((512, 1024, 2048, 1536, 3584)))
        shares = bytes([random.choice((0, 0, 1, 1, 2)) for _ in range(8)])
        agree(tune, "share_out", shares, random.getrandbits(8), random.choice((0, random.getrandbits(8))))
        for name in ("close", "clear", "keep", "set_margins", "settle"):
            agree(tune, name)
        agree(tune, "judge", random.choice((0, 1, 5, 100, 101, 1 << 20)))
        for _ in range(3):
            found += agree(tune, "stuck", random.choice((1, 5, 100)), random.choice((12, 300, 20000))) != 0
    assert found, "no sensor was ever stuck"


def test_stances_and_verdicts_agree():
    random.seed(7)
    said = set()
    for _ in range(400):
        said.add(agree(stance, "hear", random.getrandbits(14)))
        agree(stance, "rebase", random.choice((0, 256, 1 << 18, 1 << 28)))
        said.add(agree(stance, "look") + 10)
        said.add(agree(step, "is_step") + 20)
        agree(stance, "tell")
        agree(verdict, "conclude")
    assert said >= {0, 1, 2, 3, 4, 10, 11, 20}, said


def test_the_twins_have_the_same_words():
    for native, plain in ((sense, sense_plain), (tune, tune_plain), (stance, stance_plain)):
        names = [name for name in dir(plain) if name[0] != "_" and name.upper() == name]
        assert len(names) > 5
        for name in names:
            assert getattr(native, name) == getattr(plain, name), name


# Levels of one zone for a peak and a noise, in counts.
def levels(peak, sigma, permille=300):
    state = array("i", [0] * stance.ALL_WORDS)
    state[tune.TUNE_AT + tune.NOISE_PERMILLE] = permille
    state[sense.ZONE_AT + sense.BEND_Q4] = (sigma * 16 * 8 + 12) // 13
    tune.set_peak(state, 0, peak)
    assert state[tune.TUNE_AT + tune.SIGMA] == sigma
    at = sense.ZONE_AT
    return [state[at + word] for word in (sense.LOW, sense.RELEASE, sense.HIGH, sense.QUICK, sense.SURGE)]


def test_levels_of_a_quiet_zone_are_parts_of_its_peak():
    low, release, high, quick, surge = levels(4000, 0)
    assert 50 <= low * 1000 // 4000 <= 60 and low < release <= 4000 * 65 // 1000
    assert high == 480 and quick == low and surge == 8000
    assert levels(100, 0) == levels(320, 0), "no peak is lighter"
    assert levels(320, 0)[0] >= 12 and levels(320, 0)[2] >= 30


def test_levels_of_a_noisy_zone_stay_above_the_noise():
    for sigma in (1, 10, 50, 100, 400, 2000):
        for peak in (320, 1000, 4000, 30000):
            low, release, high, quick, _ = levels(peak, sigma)
            smooth = sigma * 300 // 1000
            assert low >= 3 * smooth and quick >= 3 * sigma, (peak, sigma)
            assert low <= release < high, (peak, sigma, low, release, high)
            assert high >= low + 3 * smooth and high >= peak * 12 // 100


# 7 bits of the peak go into the centre of load.
def test_the_centre_of_load_takes_the_peak_in_seven_bits():
    for peak in (320, 508, 512, 4000, 4095, 4096, 32752):
        state = array("i", [0] * stance.ALL_WORDS)
        tune.set_peak(state, 2, peak)
        shift = state[sense.ZONE_AT + 2 * sense.ZONE_WORDS + sense.MASS_SHIFT]
        assert 64 <= peak >> shift <= 127, (peak, shift)


def test_times_move_back_with_the_origin_and_stay_small():
    state = any_state()
    times = (sense.ON_Q8, sense.OFF_Q8, sense.ABOVE_Q8, sense.PEAK_Q8)
    for zone in range(3):
        for k in range(4):
            state[sense.ZONE_AT + zone * sense.ZONE_WORDS + times[k]] = (
                1000000 * (zone + 1) + k if k else -(1 << 28) + 5
            )
    stance.rebase(state, 262144)
    for zone in range(3):
        at = sense.ZONE_AT + zone * sense.ZONE_WORDS
        got = [state[at + word] for word in times]
        assert got[0] == -(1 << 28) and got[1:] == [1000000 * (zone + 1) + k - 262144 for k in (1, 2, 3)], got


def test_what_adds_up_over_a_stance_begins_at_nothing():
    state = any_state()
    tune.clear(state)
    tune.close(state)
    for zone in range(3):
        at = sense.ZONE_AT + zone * sense.ZONE_WORDS
        for word in (sense.PEAK, sense.PEAK_Q8, sense.TOTAL, sense.MASS, sense.MOMENT, sense.LOADED, sense.ABOVE_N):
            assert state[at + word] == 0, (zone, word)
        for level in (sense.LOW, sense.HIGH, sense.QUICK, sense.SURGE, sense.RELEASE):
            assert state[at + level] > 8 * 4094, "above every load"


# The root of (2 n^2 + 1) / (3 n^3): what two running means over n samples leave of white noise.
def test_what_smoothing_leaves_of_noise():
    for rate_hz, permille in ((50, 1000), (100, 613), (125, 613), (200, 415), (250, 415), (500, 290)):
        state = Detector((0, 1), rate_hz).state
        for zone in range(3):
            got = state[tune.TUNE_AT + zone * tune.TUNE_WORDS + tune.NOISE_PERMILLE]
            assert abs(got - permille) <= 1, (rate_hz, got)


def zone_words(state, zone, names):
    at = sense.ZONE_AT + zone * sense.ZONE_WORDS
    return [state[at + word] for word in names]


# What a call changes, but for the levels and the noise of one zone.
def changed(before, after, zone):
    at, own = sense.ZONE_AT + zone * sense.ZONE_WORDS, tune.TUNE_AT + zone * tune.TUNE_WORDS
    levels = [at + k for k in (sense.LOW, sense.HIGH, sense.QUICK, sense.SURGE, sense.RELEASE, sense.MASS_SHIFT)]
    levels += [own + k for k in (tune.RUNNING, tune.SIGMA, tune.SMOOTH_SIGMA)]
    return [k for k in range(len(before)) if before[k] != after[k] and k not in levels]


def test_a_stride_moves_what_is_known_by_a_quarter():
    for learnt, peak, running in (
        (0, 5000, 5000),
        (1, 1400, 1100),
        (1, 600, 900),
        (1, 2000, 1250),
        (1, 9000, 1250),
        (1, 499, 875),
        (1, 0, 875),
    ):
        for zone in range(3):
            state = any_state()
            own = tune.TUNE_AT + zone * tune.TUNE_WORDS
            state[own + tune.LEARNT], state[own + tune.RUNNING] = learnt * 700, 1000
            before = array("i", state)
            tune.learn(state, zone, peak)
            assert state[own + tune.RUNNING] == state[own + tune.LEARNT] == running, (learnt, peak)
            assert changed(before, state, zone) == [own + tune.LEARNT]


# It is believed where nothing is known, else halved; what else may happen in that sample is no surge.
def test_a_load_far_above_all_that_is_known_moves_its_zone_alone():
    for zone in range(3):
        for learnt, running in ((0, 6001), (500, 3000)):
            state = any_state()
            own = tune.TUNE_AT + zone * tune.TUNE_WORDS
            state[sense.ZONE_AT + zone * sense.ZONE_WORDS + sense.LOAD] = 6001
            state[own + tune.LEARNT] = learnt
            before = array("i", state)
            tune.surge(state, sense.SURGED << zone | sense.ALARM | sense.FULL | 7)
            assert state[own + tune.RUNNING] == running
            assert changed(before, state, zone) == []


def test_levels_sink_an_eighth_in_four_seconds_to_half_of_what_was_learnt():
    for rate_hz in RATES:
        state = any_state()
        four_s_q8 = rate_hz * 4 << 8
        state[stance.RATE_HZ], state[stance.FREE_Q8] = rate_hz, 700
        for own in (tune.TUNE_AT, tune.TUNE_AT + tune.TUNE_WORDS, tune.FOOT_TUNE):
            state[own + tune.RUNNING] = state[own + tune.LEARNT] = 3200
        for since_q8, running in ((four_s_q8 - 1, 3200), (four_s_q8, 2800), (four_s_q8 + 256, 2800)):
            state[sense.NOW_Q8] = 700 + since_q8
            tune.keep(state)
            assert state[tune.FOOT_TUNE + tune.RUNNING] == running, (rate_hz, since_q8)
        assert state[stance.FREE_Q8] == 700 + four_s_q8
        for _ in range(9):
            state[sense.NOW_Q8] += four_s_q8
            tune.keep(state)
        for own in (tune.TUNE_AT, tune.TUNE_AT + tune.TUNE_WORDS, tune.FOOT_TUNE):
            assert (state[own + tune.RUNNING], state[own + tune.LEARNT]) == (1600, 3200)


def test_margins_follow_the_foots_noise_and_level():
    state = any_state()
    state[tune.FOOT_TUNE + tune.SIGMA], state[tune.FOOT_TUNE + tune.SMOOTH_SIGMA] = 11, 7
    state[tune.FOOT + sense.LOW] = 163
    tune.set_margins(state)
    assert state[sense.REST_BAND] == 3 * 7 + 20
    assert state[sense.MARGIN_Q8] == (24 + 22) << 8


# After the listening a zone is loaded that lies at its level; nothing else of a zone is touched.
def test_the_listening_ends_with_what_is_on_the_foot():
    for loaded in range(8):
        state = any_state()
        for zone in range(3):
            tune.set_peak(state, zone, state[tune.TUNE_AT + zone * tune.TUNE_WORDS + tune.RUNNING])
            at = sense.ZONE_AT + zone * sense.ZONE_WORDS
            state[at + sense.LOAD] = state[at + sense.LOW] - (0 if loaded >> zone & 1 else 1)
            state[at + sense.LOADED] = 1
        tune.set_margins(state)
        before = array("i", state)
        assert (tune.settle(state) != 0) == (loaded != 0)
        for zone in range(3):
            at = sense.ZONE_AT + zone * sense.ZONE_WORDS
            assert (state[at + sense.LOADED] != 0) == bool(loaded >> zone & 1)
            state[at + sense.LOADED] = 1
        assert state == before


def test_the_first_sample_tells_baselines_that_nobody_set():
    state = any_state()
    state[sense.CHANNEL_N] = 4
    bases = (-1, -1, 500 << 8, 600 << 8)
    for c in range(4):
        state[sense.CHANNEL_AT + c * sense.CHANNEL_WORDS + sense.BASE_Q8] = bases[c]
    before = array("i", state)
    counts = array("H", [9, 9, 80, 4095, 70, 4095])
    assert tune.begin(state, counts, 2) == 2, "the second has no baseline and no reading"
    for c, base_q8, count in ((0, 80 << 8, 80), (1, -1, 0), (2, 500 << 8, 70), (3, 600 << 8, 600)):
        at = sense.CHANNEL_AT + c * sense.CHANNEL_WORDS
        got = [state[at + word] for word in (sense.BASE_Q8, sense.CALM_Q8, sense.REST, sense.STILL)]
        assert got == [base_q8, count << 8, count, count], c
        for word in (sense.BASE_Q8, sense.CALM_Q8, sense.REST, sense.STILL):
            state[at + word] = before[at + word]
    assert state == before


def test_what_is_free_is_told_by_a_bit_each():
    for bits in (0, 1, 4, 5, 255):
        state = any_state()
        state[sense.CHANNEL_N] = 5
        before = array("i", state)
        tune.take_as_free(state, bits)
        for c in range(5):
            at = sense.CHANNEL_AT + c * sense.CHANNEL_WORDS
            before[at + sense.STILL_N] = 0
            if bits >> c & 1:
                before[at + sense.BASE_Q8] = before[at + sense.CALM_Q8]
            before[at + sense.BASE_BEFORE] = before[at + sense.BASE_Q8] >> 8 & 0xFFFF
        assert state == before, bits


# Times that nobody can see from outside, in ms, at every rate.
def test_times_are_the_same_at_every_rate():
    for rate_hz in RATES:
        state = Detector((0, 0, 1, 1), rate_hz).state
        for word, ms, least_n in (
            (sense.CONFIRM_N, 8, 1),
            (sense.HOLD_N, 40, 2),
            (sense.QUICK_N, 10, 1),
            (stance.STUCK_N, 400, 1),
        ):
            assert state[word] == max(least_n, rate_hz * ms // 1000), (rate_hz, word)
        assert state[sense.RISE_Q8] == rate_hz * 150 * 256 // 1000
        assert rate_hz * 3 >> state[sense.TIME_SHIFT] <= 255 < rate_hz * 6 >> state[sense.TIME_SHIFT] or rate_hz < 86
        for few in ((0, 1), (0, 0, 1)):
            assert Detector(few, rate_hz).state[stance.STUCK_N] == rate_hz, "a second"


def test_a_stance_begins_with_nothing_seen():
    for rate_hz in RATES:
        state = any_state()
        state[stance.RATE_HZ], state[sense.NOW_Q8], state[stance.STUCK_N] = rate_hz, 5000 << 8, 77
        state[stance.CAME_Q8], state[sense.DROPPED_Q8], state[sense.STANCE_N] = 9, 9, -1
        for rested, restless_n, expected in ((0, 3, 4), (1, 3, 0)):
            state[sense.RESTED], state[stance.RESTLESS_N] = rested, restless_n
            stance.begin(state)
            assert state[stance.RESTLESS_N] == expected
        assert [state[k] for k in range(stance.INITIAL_Q8, stance.FINAL_Q8)] == [NEVER_Q8] * 5
        assert state[stance.CAME_Q8] == state[sense.DROPPED_Q8] == state[sense.STANCE_N] == 0
        assert state[stance.IN_STANCE] == 1
        assert state[stance.STAND_Q8] == 5000 * 256 + rate_hz * 3 * 256, "3 s"
        assert state[stance.HOUSE_Q8] == (5000 + 77) << 8
        for zone in range(3):
            assert (
                zone_words(state, zone, (sense.PEAK, sense.PEAK_Q8, sense.TOTAL, sense.MASS, sense.MOMENT)) == [0] * 5
            )
