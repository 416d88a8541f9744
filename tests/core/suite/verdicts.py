# The verdict by itself: what each vote weighs, how many are needed, and when nothing is said. Leads in ms at 200 Hz.
from insole import wire
from insole.fixed import NEVER_Q8
from insole.verdict import CONTACT_WEIGHT, LIFT_WEIGHT, PEAK_WEIGHT, SHIFT_WEIGHT, Verdict

F, H, T, U = wire.ORDER_FOREFOOT_FIRST, wire.ORDER_HEEL_FIRST, wire.ORDER_TOGETHER, wire.ORDER_UNKNOWN
FORWARD, BACKWARD, UNKNOWN = wire.DIRECTION_FORWARD, wire.DIRECTION_BACKWARD, wire.DIRECTION_UNKNOWN
RATES = (50, 100, 125, 200, 250, 500)


def q8(ms, rate_hz=200):
    return ms * rate_hz * 256 // 1000


# Direction and confidence of leads (contact, lift, shift, peak), after a history.
def judged(leads, history=0, rate_hz=200, contact_order=U, lift_order=U):
    verdict = Verdict(rate_hz)
    verdict.history = history
    judge(verdict, leads, rate_hz, contact_order, lift_order)
    return verdict


def judge(verdict, leads, rate_hz=200, contact_order=U, lift_order=U):
    contact, lift, shift, peak = (q8(ms, rate_hz) for ms in leads)
    verdict.begin(contact_order, lift_order, 0)
    verdict.vote(contact, CONTACT_WEIGHT, wire.REASON_CONTACT_BACKWARD)
    verdict.vote(lift, LIFT_WEIGHT, wire.REASON_LIFT_BACKWARD)
    verdict.vote(shift, SHIFT_WEIGHT, wire.REASON_SHIFT_BACKWARD)
    verdict.vote(peak, PEAK_WEIGHT, wire.REASON_PEAK_BACKWARD)
    verdict.conclude()


def test_each_vote_has_its_weight_and_its_sign():
    for leads, votes in (
        ((100, 0, 0, 0), 400),
        ((0, 100, 0, 0), 500),
        ((0, 0, 100, 0), 400),
        ((0, 0, 0, 100), 100),
        ((60, 60, 60, 60), 840),
    ):
        for sign in (1, -1):
            verdict = judged([ms * sign for ms in leads])
            assert abs(verdict._votes - votes * sign) <= 14, (leads, verdict._votes)
            if votes >= 240:
                assert verdict.walking == (BACKWARD if sign > 0 else FORWARD), leads
                assert abs(verdict.confidence - votes * 100 // 2250) <= 1, (leads, verdict.confidence)


def test_a_lead_counts_the_same_at_every_rate():
    for rate_hz in RATES:
        for ms in (20, 40, 80, 140):
            votes = judged((0, ms, 0, 0), rate_hz=rate_hz)._votes
            assert abs(votes - 5 * ms) <= 5, (rate_hz, ms, votes)


def test_a_lead_is_clipped_at_150_ms():
    assert judged((150, 0, 0, 0))._votes == judged((151, 0, 0, 0))._votes == judged((2000, 0, 0, 0))._votes == 600
    assert judged((-150, 0, 0, 0))._votes == judged((-2000, 0, 0, 0))._votes == -600
    best = judged((3000, 3000, 3000, 3000), 3)
    assert (best.walking, best.confidence) == (BACKWARD, 100)
    best = judged((-3000, -3000, -3000, -3000), -3)
    assert (best.walking, best.confidence) == (FORWARD, 100)


def test_few_votes_are_no_verdict_and_leave_no_history():
    for sign in (1, -1):
        verdict = judged((0, 38 * sign, 0, 0))
        assert (verdict.walking, verdict.confidence, verdict.history) == (UNKNOWN, 0, 0)
        verdict = judged((0, 42 * sign, 0, 0))
        assert verdict.walking == (BACKWARD if sign > 0 else FORWARD)
        assert verdict.confidence in (8, 9, 10) and verdict.history == sign


def test_votes_that_cancel_are_no_verdict():
    verdict = judged((100, -80, 0, 0))
    assert (verdict.walking, verdict.confidence) == (UNKNOWN, 0)


def test_against_a_settled_direction_it_takes_800_votes():
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
            verdict = judged((contact_ms * sign, lift_ms * sign, 0, 0), -history * sign)
            got = verdict.walking
            direction = BACKWARD if sign > 0 else FORWARD
            assert got == (direction if known else UNKNOWN), (sign, history, lift_ms, contact_ms, verdict._votes)
            assert (verdict.confidence > 0) == known


# What is not told still counts: three strides of weak evidence turn the history, and then they are told.
def test_history_follows_the_evidence_not_the_verdict():
    verdict = Verdict(200)
    for _ in range(5):
        judge(verdict, (-60, -60, -60, -60))
    assert verdict.history == -3, "three are enough, more are not remembered"
    told = []
    for _ in range(6):
        judge(verdict, (60, 60, 60, 0))
        told.append(verdict.walking)
    assert told == [UNKNOWN, UNKNOWN, BACKWARD, BACKWARD, BACKWARD, BACKWARD], told
    assert verdict.history == 3


def test_history_is_a_vote_and_a_reason():
    fresh, settled = judged((60, 60, 60, 0)), judged((60, 60, 60, 0), 3)
    assert settled.confidence - fresh.confidence in (6, 7), "150 of 2250"
    both = wire.REASON_HISTORY_BACKWARD | wire.REASON_HISTORY_FORWARD
    for history, bits in ((0, 0), (2, wire.REASON_HISTORY_BACKWARD), (-1, wire.REASON_HISTORY_FORWARD)):
        assert judged((60, 60, 60, 0), history).reasons & both == bits
    assert judged((0, 25, 0, 0), 3).walking == BACKWARD, "125 of its own and 150 of history"
    assert judged((0, 25, 0, 0), 1).walking == UNKNOWN


def test_reasons_say_which_votes_spoke():
    assert judged((20, -20, 19, -19)).reasons == wire.REASON_CONTACT_BACKWARD | wire.REASON_LIFT_FORWARD
    assert judged((0, 0, 20, 20)).reasons == wire.REASON_SHIFT_BACKWARD | wire.REASON_PEAK_BACKWARD
    assert judged((0, 0, -20, -20)).reasons == wire.REASON_SHIFT_FORWARD | wire.REASON_PEAK_FORWARD
    assert judged((-20, 20, 0, 0)).reasons == wire.REASON_CONTACT_FORWARD | wire.REASON_LIFT_BACKWARD


def test_orders_that_oppose_each_other_are_said():
    for contact_order, lift_order, conflict in (
        (F, H, 1),
        (H, F, 1),
        (F, F, 0),
        (H, H, 0),
        (T, U, 0),
        (U, T, 0),
        (F, T, 0),
    ):
        reasons = judged((0, 0, 0, 0), 0, 200, contact_order, lift_order).reasons
        assert bool(reasons & wire.REASON_CONFLICT) == bool(conflict), (contact_order, lift_order)


def test_orders():
    for rate_hz in RATES:
        verdict = Verdict(rate_hz)
        near, far = q8(20, rate_hz) - 1, q8(20, rate_hz) + 1
        for at in (-(1 << 28), -5, 0, 777, 1 << 28):
            assert verdict.order(at, at) == T
            assert verdict.order(at, at + near) == verdict.order(at + near, at) == T
            assert verdict.order(at, at + far) == F
            assert verdict.order(at + far, at) == H
            assert verdict.order(at, NEVER_Q8) == F and verdict.order(NEVER_Q8, at) == H
        assert verdict.order(NEVER_Q8, NEVER_Q8) == U


def test_one_zone_tells_its_order_and_no_direction():
    verdict = judged((100, 100, 100, 0), 2, 200, F, F)
    history = verdict.history
    verdict.one_zone(F, wire.REASON_FOREFOOT_ONLY)
    assert (verdict.contact_order, verdict.lift_order, verdict.walking, verdict.confidence) == (F, U, UNKNOWN, 0)
    assert verdict.reasons == wire.REASON_FOREFOOT_ONLY
    assert verdict.history == history, "it neither speaks for it nor against it"
