"""Scoring, on made-up stances whose score is known."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from retrosole.gait.match import match
from retrosole.gait.reference import Reference
from retrosole.gait.score import Tally, figures, percent, score, total
from retrosole.gait.strides import NOT_SEEN, Stride

TOLERANCE_MS = 150.0


@dataclass(frozen=True)
class Contact:
    side: str
    contact_s: float
    order: str
    announced_s: float


def stride(at_s: float, side: str = "left", **changes: object) -> Stride:
    """Make a forward stance of 0.7 s: heel on at once, forefoot 0.1 s later; heel off at 0.5 s."""
    made = Stride(
        side=side,
        stride=0,
        initial_contact_s=at_s,
        forefoot_on_s=at_s + 0.1,
        heel_on_s=at_s,
        forefoot_off_s=at_s + 0.7,
        heel_off_s=at_s + 0.5,
        final_contact_s=at_s + 0.7,
        contact_order="heel_first",
        lift_order="heel_first",
        direction="forward",
        detected_s=at_s + 0.78,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def scored(references: list[Reference], strides: list[Stride], contacts: tuple[Contact, ...] = ()) -> dict[str, float]:
    return figures(score(references, strides, contacts, tolerance_ms=TOLERANCE_MS))


# --- matching


def test_times_are_paired_within_the_tolerance_and_not_beyond() -> None:
    assert match([1.0, 2.0, 3.0], [1.15, 2.151, 2.9], 150.0 + 1e-9) == [(0, 0), (2, 2)]


def test_two_detections_near_one_reference_leave_the_further_one_over() -> None:
    assert match([1.0], [0.9, 1.05], 150.0) == [(0, 1)]
    assert match([1.0], [0.95, 1.1], 150.0) == [(0, 0)]


def test_as_many_pairs_as_there_can_be_come_before_the_nearest() -> None:
    # Greedy by distance would pair 0.20 with 0.11 and leave the others alone.
    assert match([0.0, 0.20], [0.11, 0.34], 150.0) == [(0, 0), (1, 1)]


def test_order_of_the_rows_does_not_matter_and_nan_belongs_to_nobody() -> None:
    assert match([3.0, math.nan, 1.0], [math.nan, 1.01, 3.02], 150.0) == [(2, 1), (0, 2)]
    assert match([], [1.0], 150.0) == []
    assert match([1.0], [], 150.0) == []


def test_matching_is_optimal_by_trying_all_ways() -> None:
    rng = random.Random(5)
    for _ in range(300):
        refs = [rng.uniform(0, 1) for _ in range(rng.randint(0, 4))]
        dets = [rng.uniform(0, 1) for _ in range(rng.randint(0, 4))]
        pairs = match(refs, dets, TOLERANCE_MS)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        got = (-len(pairs), sum(abs(refs[i] - dets[j]) for i, j in pairs))
        assert got == pytest.approx(best_of_all(refs, dets))


def best_of_all(refs: list[float], dets: list[float]) -> tuple[float, float]:
    """Try every way of pairing."""
    best = (0.0, 0.0)
    for n in range(1, min(len(refs), len(dets)) + 1):
        for chosen in itertools.combinations(range(len(refs)), n):
            for others in itertools.permutations(range(len(dets)), n):
                distances = [abs(refs[i] - dets[j]) for i, j in zip(chosen, others, strict=True)]
                if max(distances) <= TOLERANCE_MS / 1000:
                    best = min(best, (-n, sum(distances)))
    return best


# --- missed, false, extra


def test_a_perfect_detection() -> None:
    walk = [stride(t) for t in (1.0, 2.0, 3.0)]
    found = scored([Reference(s) for s in walk], walk)
    assert found["ok_n"] == 3
    assert found["all_wrong_percent"] == found["missed_n"] == found["false_n"] == found["extra_n"] == 0
    assert found["initial_contact_median_abs_ms"] == found["stance_mean_bias_ms"] == 0
    assert found["direction_right_percent"] == found["order_right_percent"] == 100
    assert found["initial_contact_n"] == found["order_n"] == 3


def test_missed_and_false_are_shares_of_the_ok_stances() -> None:
    references = [Reference(stride(t)) for t in (1.0, 2.0, 3.0, 4.0)]
    found = scored(references, [stride(1.0), stride(2.0), stride(3.0), stride(7.0)])
    assert (found["missed_n"], found["false_n"], found["extra_n"]) == (1, 1, 0)
    assert (found["missed_percent"], found["false_percent"], found["all_wrong_percent"]) == (25, 25, 50)


def test_a_stance_told_twice_is_one_extra_and_neither_missed_nor_false() -> None:
    twice = [stride(1.02, final_contact_s=1.3), stride(1.35, final_contact_s=1.7)]
    found = scored([Reference(stride(1.0))], twice)
    assert (found["missed_n"], found["false_n"], found["extra_n"]) == (0, 0, 1)
    assert found["all_wrong_percent"] == 100


def test_a_detection_too_far_off_is_missed_and_extra() -> None:
    found = scored([Reference(stride(1.0))], [stride(1.2)])
    assert (found["missed_n"], found["false_n"], found["extra_n"]) == (1, 0, 1)


def test_feet_are_scored_apart() -> None:
    found = scored([Reference(stride(1.0, "left"))], [stride(1.0, "right")])
    assert (found["missed_n"], found["false_n"]) == (1, 1)


@pytest.mark.parametrize("flag", ["atypical", "edge", "region"])
def test_stances_that_are_not_ok_excuse_what_is_told_in_them_but_are_not_asked_for(flag: str) -> None:
    in_a_turn = Reference(stride(5.0), flag)
    ok = Reference(stride(1.0))
    nothing = scored([ok, in_a_turn], [stride(1.0)])
    assert (nothing["ok_n"], nothing["missed_n"], nothing["other_found_percent"]) == (1, 0, 0)
    wild = [stride(1.0), stride(5.0, direction="backward"), stride(5.3), stride(5.69)]
    found = scored([ok, in_a_turn], wild)
    assert (found["missed_n"], found["false_n"], found["extra_n"]) == (0, 0, 0)
    assert found["other_found_percent"] == 100
    assert found["direction_wrong_percent"] == 0, "the direction of a turn is not scored"


def test_false_in_a_turn_begins_where_the_turns_last_stance_ends() -> None:
    turn = Reference(stride(5.0), "atypical")
    assert scored([turn], [stride(5.699)])["false_n"] == 0
    assert scored([turn], [stride(5.701)])["false_n"] == 1
    assert scored([turn], [stride(4.29)])["false_n"] == 1
    assert scored([turn], [stride(4.31)])["false_n"] == 0


def test_edges_of_the_recording_are_open() -> None:
    begins = Reference(stride(math.nan, final_contact_s=0.8), "edge")
    ends = Reference(stride(9.0, final_contact_s=math.nan), "edge")
    found = scored([begins, ends], [stride(0.05), stride(9.5)])
    assert (found["false_n"], found["other_found_percent"]) == (0, 100)
    assert scored([begins, ends], [stride(0.9)])["false_n"] == 1


def test_a_detection_without_an_end_covers_its_beginning_only() -> None:
    reference = Reference(stride(5.0), "atypical")
    assert scored([reference], [stride(4.6, final_contact_s=math.nan)])["false_n"] == 1
    assert scored([reference], [stride(5.3, final_contact_s=math.nan)])["false_n"] == 0


def test_a_detection_in_an_ok_stance_and_in_a_turn_is_excused() -> None:
    ok, turn = Reference(stride(1.0)), Reference(stride(2.0), "atypical")
    long = stride(1.5, final_contact_s=2.2)
    found = scored([ok, turn], [stride(1.0), long])
    assert (found["false_n"], found["extra_n"]) == (0, 0)


# --- events


def test_errors_have_their_sign_and_their_spread() -> None:
    references = [Reference(stride(float(t))) for t in range(1, 6)]
    late_s = (-0.010, 0.0, 0.002, 0.004, 0.100)
    found = scored(references, [stride(t + late) for t, late in enumerate(late_s, start=1)])
    assert found["initial_contact_bias_ms"] == pytest.approx(2)
    assert found["initial_contact_median_abs_ms"] == pytest.approx(4)
    assert found["initial_contact_95_abs_ms"] == pytest.approx(np.percentile([10, 0, 2, 4, 100], 95))
    assert found["initial_contact_n"] == 5
    assert found["stance_mean_bias_ms"] == pytest.approx(0)


def test_stance_time_error_is_detected_minus_reference() -> None:
    references = [Reference(stride(1.0)), Reference(stride(2.0)), Reference(stride(3.0))]
    longer = [stride(r.stride.initial_contact_s) for r in references]
    for k, by_s in enumerate((0.03, 0.03, -0.12)):
        longer[k] = replace(longer[k], final_contact_s=longer[k].final_contact_s + by_s)
    found = scored(references, longer)
    assert found["stance_bias_ms"] == pytest.approx(30)
    assert found["stance_mean_bias_ms"] == pytest.approx(-20)
    assert found["final_contact_bias_ms"] == pytest.approx(30)


def test_events_that_one_side_does_not_have_are_left_out_and_counted() -> None:
    references = [Reference(stride(1.0)), Reference(stride(2.0, heel_on_s=NOT_SEEN)), Reference(stride(3.0))]
    told = [stride(1.0, heel_on_s=NOT_SEEN), stride(2.0, heel_on_s=NOT_SEEN), stride(3.0, heel_on_s=3.01)]
    found = scored(references, told)
    assert found["heel_on_n"] == 1
    assert found["heel_on_bias_ms"] == pytest.approx(10)
    assert found["heel_on_unseen_n"] == 1, "not counted where the reference has not seen it either"
    assert found["forefoot_on_unseen_n"] == 0


def test_only_ok_stances_give_errors() -> None:
    found = scored([Reference(stride(1.0)), Reference(stride(3.0), "atypical")], [stride(1.0), stride(3.1)])
    assert found["initial_contact_n"] == 1
    assert found["initial_contact_95_abs_ms"] == 0


def test_nothing_to_score_is_nan_and_no_error() -> None:
    found = scored([], [])
    assert math.isnan(found["missed_percent"])
    assert math.isnan(found["initial_contact_median_abs_ms"])
    assert math.isnan(percent(0, 0))


# --- order and direction


@pytest.mark.parametrize(
    ("forefoot_s", "told", "right_percent"),
    [
        (0.031, "heel_first", 100),
        (0.031, "forefoot_first", 0),
        (0.031, "together", 0),
        (0.031, "unknown", 0),
        (-0.031, "forefoot_first", 100),
        (-0.031, "heel_first", 0),
        (0.029, "forefoot_first", math.nan),
        (-0.029, "heel_first", math.nan),
    ],
)
def test_order_counts_where_the_lead_is_clear(forefoot_s: float, told: str, right_percent: float) -> None:
    found = scored([Reference(stride(1.0, forefoot_on_s=1.0 + forefoot_s))], [stride(1.0, contact_order=told)])
    assert found["order_right_percent"] == pytest.approx(right_percent, nan_ok=True)


def test_directions_are_shares_of_the_matched_stances() -> None:
    references = [Reference(stride(float(t))) for t in range(1, 7)]
    said = ("forward", "forward", "backward", "unknown", "forward")
    found = scored(references, [stride(float(t), direction=d) for t, d in enumerate(said, start=1)])
    assert found["direction_right_percent"] == 60
    assert found["direction_wrong_percent"] == 20
    assert found["direction_unknown_percent"] == 20


def test_unknown_where_the_truth_is_unknown_is_right_and_a_guess_wrong() -> None:
    truth = [Reference(stride(t, direction="unknown")) for t in (1.0, 2.0)]
    found = scored(truth, [stride(1.0, direction="unknown"), stride(2.0)])
    assert (found["direction_right_percent"], found["direction_wrong_percent"]) == (50, 50)
    assert found["direction_unknown_percent"] == 0


# --- delays


def test_what_is_told_in_a_turn_counts_among_all_that_is_told() -> None:
    turn = Reference(stride(3.0, direction="backward"), "atypical")
    references = [Reference(stride(t, direction="backward")) for t in (1.0, 2.0)] + [turn]
    told = [
        stride(1.0, direction="backward"),
        stride(2.0, direction="unknown"),
        stride(3.01, contact_order="forefoot_first"),  # in the turn, and wrong twice
        stride(5.0),  # nobody's: the turn is nearest in time
    ]
    found = scored(references, told)
    assert (found["matched_n"], found["direction_right_percent"], found["direction_wrong_percent"]) == (2, 50, 0)
    assert (found["order_n"], found["order_right_percent"]) == (2, 100)
    assert (found["told_n"], found["told_direction_right_percent"], found["told_direction_wrong_percent"]) == (
        4,
        25,
        50,
    )
    assert found["told_direction_unknown_percent"] == 25
    assert found["told_order_n"] == 3
    assert found["told_order_right_percent"] == pytest.approx(200 / 3)
    assert (found["other_n"], found["other_found_percent"]) == (1, 100)


def test_a_stride_without_a_partner_is_held_against_the_nearest_stance() -> None:
    references = [Reference(stride(1.0)), Reference(stride(9.0, direction="backward"))]
    found = scored(references, [stride(4.0), stride(7.0, direction="backward"), stride(20.0)])
    assert (found["told_n"], found["told_direction_right_percent"]) == (3, pytest.approx(200 / 3))
    assert scored([], [stride(4.0)])["told_n"] == 0, "no truth"


def test_a_stride_is_late_from_the_true_final_contact() -> None:
    told = stride(1.0, final_contact_s=1.75, detected_s=1.80)
    assert scored([Reference(stride(1.0))], [told])["stride_delay_median_ms"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("forefoot_s", "announced_s", "second", "first", "in_time"),
    [
        (1.05, 1.0649, 1, 0, True),
        (1.05, 1.0651, 1, 0, False),
        (1.05, 1.0499, 0, 1, True),
        (1.10, 1.0599, 0, 1, True),
        (1.10, 1.0601, 0, 1, False),
        (1.10, 1.0999, 0, 1, False),
        (1.10, 1.1001, 0, 1, False),  # the second zone came when it was late already
    ],
)
def test_a_cue_is_late_from_the_second_zone_or_from_the_first_while_that_is_alone(
    forefoot_s: float, announced_s: float, second: int, first: int, in_time: bool
) -> None:
    told = Contact("left", 1.0, "heel_first", announced_s)
    found = scored([Reference(stride(1.0, forefoot_on_s=forefoot_s))], [], (told,))
    assert (found["second_n"], found["first_n"]) == (second, first)
    assert found["provisional_in_time_percent"] == (100 if in_time else 0)
    assert found["provisional_right_percent"] == 100


def test_cues_that_are_missing_wrong_or_not_asked_for() -> None:
    references = [Reference(stride(t)) for t in (1.0, 2.0)] + [Reference(stride(3.0), "atypical")]
    told = (Contact("left", 1.01, "together", 1.05), Contact("left", 3.0, "heel_first", 3.05))
    found = scored(references, [], told)
    assert found["provisional_n"] == 1
    assert found["provisional_missing_percent"] == 50
    assert found["provisional_right_percent"] == 0
    assert scored(references, [], (Contact("right", 1.0, "heel_first", 1.0),))["provisional_n"] == 0


def test_cues_where_nobody_stands_are_counted() -> None:
    references = [Reference(stride(1.0)), Reference(stride(3.0), "atypical")]
    at = (0.9, 1.3, 2.0, 3.4, 4.5)  # early, told twice, in the air, in a turn, after it
    made = score(references, [], [Contact("left", t, "heel_first", t + 0.05) for t in at], tolerance_ms=TOLERANCE_MS)
    assert figures(made)["provisional_false_n"] == 2
    assert [r for r in made.remarks if "false" in r[1]] == [(2.0, "left false contact"), (4.5, "left false contact")]


def test_a_cue_on_a_stance_of_one_zone_goes_by_that_zone() -> None:
    reference = Reference(stride(1.0, heel_on_s=NOT_SEEN, forefoot_on_s=1.01))
    found = scored([reference], [], (Contact("left", 1.0, "forefoot_first", 1.06),))
    assert found["first_n"] == 1
    assert found["first_median_ms"] == pytest.approx(50)
    assert math.isnan(found["provisional_right_percent"])


# --- adding up


def test_people_are_pooled_over_stances() -> None:
    many = score([Reference(stride(float(t))) for t in range(9)], [], tolerance_ms=TOLERANCE_MS)
    one = score([Reference(stride(1.0))], [stride(1.01)], tolerance_ms=TOLERANCE_MS)
    both = total([many, one])
    assert figures(both)["missed_percent"] == 90
    assert figures(both)["initial_contact_n"] == 1
    assert figures(both)["initial_contact_bias_ms"] == pytest.approx(10)
    assert figures(total([]))["ok_n"] == 0
    assert (Tally() + one).directions == one.directions


def test_what_went_wrong_is_listed_with_its_time() -> None:
    references = [Reference(stride(1.0)), Reference(stride(2.0))]
    remarks = score(references, [stride(2.0, direction="backward"), stride(6.0)], tolerance_ms=TOLERANCE_MS).remarks
    assert (1.0, "left missed") in remarks
    assert (6.0, "left false") in remarks
    assert (2.0, "left direction backward") in remarks
