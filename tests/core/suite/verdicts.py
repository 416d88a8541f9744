# The verdict by itself: what each vote weighs, how many are needed, and when nothing is said. Leads in ms at 200 Hz.
from insole import wire
from insole.fixed import NEVER_Q8, sense, verdict
from insole.gait import Detector
from suite._words import Words

F, H, T, U = wire.ORDER_FOREFOOT_FIRST, wire.ORDER_HEEL_FIRST, wire.ORDER_TOGETHER, wire.ORDER_UNKNOWN
FORWARD, BACKWARD, UNKNOWN = wire.DIRECTION_FORWARD, wire.DIRECTION_BACKWARD, wire.DIRECTION_UNKNOWN
RATES = (50, 100, 125, 200, 250, 500)


def q8(ms, rate_hz=200):
    return ms * rate_hz * 256 // 1000


# The words after judging leads (contact, lift, shift, peak), after a history.
def judged(leads, history=0, rate_hz=200):
    words = Words(Detector((0, 1), rate_hz))
    words.history = history
    judge(words, leads)
    return words


def judge(words, leads):
    contact, lift, shift, peak = (q8(ms, words.rate_hz) for ms in leads)
    words.blind = 0
    words.forefoot_on_q8 = words.forefoot_off_q8 = 1000
    words.heel_on_q8, words.heel_off_q8 = 1000 + contact, 1000 + lift
    forefoot, heel = Words(words, sense.ZONE_AT), Words(words, sense.ZONE_AT + sense.ZONE_WORDS)
    forefoot.peak_q8, heel.peak_q8 = 500, 500 + peak
    forefoot.mass = heel.mass = 8  # so that a moment counts in 32 q8 samples, or in more when time is coarse
    forefoot.moment, heel.moment = 0, shift // 32 >> words.time_shift
    verdict.conclude(words.state)


def test_each_vote_has_its_weight_and_its_sign():
    for leads, votes in (
        ((100, 0, 0, 0), 400),
        ((0, 100, 0, 0), 500),
        ((0, 0, 100, 0), 400),
        ((0, 0, 0, 100), 100),
        ((60, 60, 60, 60), 840),
    ):
        for sign in (1, -1):
            words = judged([ms * sign for ms in leads])
            assert abs(words.votes - votes * sign) <= 14, (leads, words.votes)
            if votes >= 240:
                assert words.direction == (BACKWARD if sign > 0 else FORWARD), leads
                assert abs(words.confidence - votes * 100 // 2250) <= 1, (leads, words.confidence)


def test_a_lead_counts_the_same_at_every_rate():
    for rate_hz in RATES:
        for ms in (20, 40, 80, 140):
            votes = judged((0, ms, 0, 0), rate_hz=rate_hz).votes
            assert abs(votes - 5 * ms) <= 5, (rate_hz, ms, votes)


def test_a_lead_is_clipped_at_150_ms():
    assert judged((150, 0, 0, 0)).votes == judged((151, 0, 0, 0)).votes == judged((2000, 0, 0, 0)).votes == 600
    assert judged((-150, 0, 0, 0)).votes == judged((-2000, 0, 0, 0)).votes == -600
    best = judged((3000, 3000, 3000, 3000), 3)
    assert (best.direction, best.confidence) == (BACKWARD, 100)
    best = judged((-3000, -3000, -3000, -3000), -3)
    assert (best.direction, best.confidence) == (FORWARD, 100)


def test_fewvotes_are_no_verdict_and_leave_no_history():
    for sign in (1, -1):
        words = judged((0, 38 * sign, 0, 0))
        assert (words.direction, words.confidence, words.history) == (UNKNOWN, 0, 0)
        words = judged((0, 42 * sign, 0, 0))
        assert words.direction == (BACKWARD if sign > 0 else FORWARD)
        assert words.confidence in (8, 9, 10) and words.history == sign


def testvotes_that_cancel_are_no_verdict():
    words = judged((100, -80, 0, 0))
    assert (words.direction, words.confidence) == (UNKNOWN, 0)


def test_against_a_settled_direction_it_takes_800votes():
    for sign in (1, -1):
        for history, lift_ms, contact_ms, known in (
            (0, 60, 0, True),
            (1, 60, 0, True),  # 300 votes, 50 of history against them: one stride settles nothing
            (2, 60, 0, False),
            (3, 60, 0, False),
            (2, 140, 40, False),  # 860 less 100
            (2, 140, 60, True),  # 940 less 100
            (3, 140, 57, False),
            (3, 140, 70, True),
            (-3, 60, 0, True),  # with it 200 are enough
        ):
            words = judged((contact_ms * sign, lift_ms * sign, 0, 0), -history * sign)
            got = words.direction
            direction = BACKWARD if sign > 0 else FORWARD
            assert got == (direction if known else UNKNOWN), (sign, history, lift_ms, contact_ms, words.votes)
            assert (words.confidence > 0) == known


# What is not told still counts: three strides of weak evidence turn the history, and then they are told.
def test_history_follows_the_evidence_not_the_verdict():
    words = Words(Detector((0, 1), 200))
    for _ in range(5):
        judge(words, (-60, -60, -60, -60))
    assert words.history == -3, "three are enough, more are not remembered"
    told = []
    for _ in range(6):
        judge(words, (60, 60, 60, 0))
        told.append(words.direction)
    assert told == [UNKNOWN, UNKNOWN, BACKWARD, BACKWARD, BACKWARD, BACKWARD], told
    assert words.history == 3


def test_history_is_a_vote_and_a_reason():
    fresh, settled = judged((60, 60, 60, 0)), judged((60, 60, 60, 0), 3)
    assert settled.confidence - fresh.confidence in (6, 7), "150 of 2250"
    both = wire.REASON_HISTORY_BACKWARD | wire.REASON_HISTORY_FORWARD
    for history, bits in ((0, 0), (2, wire.REASON_HISTORY_BACKWARD), (-1, wire.REASON_HISTORY_FORWARD)):
        assert judged((60, 60, 60, 0), history).reasons & both == bits
    assert judged((0, 25, 0, 0), 3).direction == BACKWARD, "125 of its own and 150 of history"
    assert judged((0, 25, 0, 0), 1).direction == UNKNOWN


def test_reasons_say_which_votes_spoke():
    others = ~wire.REASON_CONFLICT
    assert judged((20, -20, 0, -19)).reasons & others == wire.REASON_CONTACT_BACKWARD | wire.REASON_LIFT_FORWARD
    assert judged((0, 0, 21, 20)).reasons == wire.REASON_SHIFT_BACKWARD | wire.REASON_PEAK_BACKWARD
    assert judged((0, 0, -21, -20)).reasons == wire.REASON_SHIFT_FORWARD | wire.REASON_PEAK_FORWARD
    assert judged((-20, 20, 0, 0)).reasons & others == wire.REASON_CONTACT_FORWARD | wire.REASON_LIFT_BACKWARD


def test_orders_that_oppose_each_other_are_said():
    for contact_ms, lift_ms, contact_order, lift_order in (
        (60, -60, F, H),
        (-60, 60, H, F),
        (60, 60, F, F),
        (-60, -60, H, H),
        (0, 60, T, F),
        (60, 0, F, T),
    ):
        words = judged((contact_ms, lift_ms, 0, 0))
        assert (words.contact_order, words.lift_order) == (contact_order, lift_order)
        assert bool(words.reasons & wire.REASON_CONFLICT) == (contact_ms * lift_ms < 0), (contact_order, lift_order)


def test_orders():
    for rate_hz in RATES:
        words = Detector((0, 1), rate_hz).state
        near, far = q8(20, rate_hz) - 1, q8(20, rate_hz) + 1

        def order(forefoot_q8, heel_q8):
            return verdict.order(words, forefoot_q8, heel_q8)  # noqa: B023 - called in this turn only

        for at in (-(1 << 28), -5, 0, 777, 1 << 28):
            assert order(at, at) == T
            assert order(at, at + near) == order(at + near, at) == T
            assert order(at, at + far) == F
            assert order(at + far, at) == H
            assert order(at, NEVER_Q8) == F and order(NEVER_Q8, at) == H
        assert order(NEVER_Q8, NEVER_Q8) == U


def test_one_zone_tells_its_order_and_no_direction():
    for missing, order, reason in (
        ("heel", F, wire.REASON_FOREFOOT_ONLY),
        ("forefoot", H, wire.REASON_HEEL_ONLY),
    ):
        words = judged((100, 100, 100, 0), 2)
        history = words.history
        setattr(words, missing + "_on_q8", NEVER_Q8)
        setattr(words, missing + "_off_q8", NEVER_Q8)
        verdict.conclude(words.state)
        assert (words.contact_order, words.lift_order, words.direction, words.confidence) == (order, U, UNKNOWN, 0)
        assert words.reasons == reason
        assert words.history == history, "it neither speaks for it nor against it"


def test_with_a_zone_left_out_no_order_of_contact_is_told():
    words = judged((100, 100, 100, 0))
    words.blind = words.out_bits = 1
    verdict.conclude(words.state)
    assert words.contact_order == U and words.lift_order == F
    assert words.reasons & wire.REASON_SENSOR_LEFT_OUT
