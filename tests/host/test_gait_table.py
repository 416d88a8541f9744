"""The extended stride table, the rule for what is left out, and the numbers over strides: each by hand."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrosole.gait import typical
from retrosole.gait.statistics import (
    asymmetry,
    foot_statistics,
    runs,
    shares,
    statistic,
    steadiness,
    walked_s,
)
from retrosole.gait.strides import COLUMNS, Stride
from retrosole.gait.table import (
    BY_NAME,
    EXTENDED_COLUMNS,
    PARAMETERS,
    Table,
    as_gaitmap,
    base_table,
    computed_columns,
    double_support_columns,
    next_rows,
    touches,
    write_table,
)
from retrosole.gait.words import WHY

pytestmark = pytest.mark.filterwarnings("error")

PERIOD_S, STANCE_S = 1.2, 0.7
NO_GAPS: dict[str, Any] = {}


def stride(k: int, side: str = "left", first_s: float = 0.0, **changes: Any) -> Stride:
    start_s = first_s + k * PERIOD_S
    toe_to_heel = {
        "forefoot_on_s": start_s,
        "heel_on_s": start_s + 0.08,
        "forefoot_off_s": start_s + STANCE_S - 0.12,
        "heel_off_s": start_s + STANCE_S,
        "final_contact_s": start_s + STANCE_S,
    }
    words = {"contact_order": "forefoot_first", "lift_order": "forefoot_first", "direction": "backward"}
    loads = {"forefoot_peak": 2000.0, "heel_peak": 1000.0, "forefoot_impulse": 600.0, "heel_impulse": 200.0}
    return replace(Stride(side, k, start_s, **toe_to_heel, **words, **loads), **changes)


def walk(n: int, side: str = "left", first_s: float = 0.0) -> list[Stride]:
    return [stride(k, side, first_s) for k in range(n)]


def extended(
    strides: list[Stride], gaps_s: dict[str, Any] = NO_GAPS, standing: dict[str, float] | None = None
) -> Table:
    table = base_table(strides)
    next_row = next_rows(table, gaps_s)
    table |= computed_columns(table, next_row, standing or {})
    return table | double_support_columns(table, next_row, True)


def why(strides: list[Stride], gaps_s: dict[str, Any] = NO_GAPS) -> list[str]:
    table = extended(strides, gaps_s)
    direction = typical.main_direction(table)
    return list(typical.reasons(table, gaps_s, direction).tolist())


def spans(*ends_s: tuple[float, float]) -> dict[str, NDArray[np.float64]]:
    return {"left": np.array(ends_s)}


# ------------------------------------------------------------------------------------------------------- one stride


def test_each_parameter_of_a_stride() -> None:
    table = extended(walk(3) + walk(3, "right", 0.6), standing={"left": 500.0})
    row = int(np.flatnonzero(table["side"] == "left")[1])
    told = {p.name: float(table[p.name][row]) for p in PARAMETERS}
    assert told == pytest.approx(
        {
            "stance_s": 0.7,
            "swing_s": 0.5,
            "stride_time_s": 1.2,
            "cadence_steps_min": 100.0,
            "duty_factor_percent": 58.3333,
            "double_support_s": 0.2,
            "double_support_percent": 16.6667,
            "heel_lowering_s": 0.08,
            "rollover_s": 0.7,
            "lift_lead_s": 0.12,
            "forefoot_share_percent": 75.0,
            "forefoot_peak": 2000.0,
            "forefoot_impulse": 600.0,
            "forefoot_peak_percent": 400.0,
            "forefoot_impulse_percent_s": 120.0,
            "heel_peak": 1000.0,
            "heel_impulse": 200.0,
            "heel_peak_percent": 200.0,
            "heel_impulse_percent_s": 40.0,
        },
        rel=1e-4,
    )


def test_what_is_not_known_is_nan() -> None:
    heel_first = stride(1, contact_order="heel_first", forefoot_impulse=0.0, heel_impulse=0.0)
    table = extended([stride(0), heel_first, stride(2)])
    assert math.isnan(table["heel_lowering_s"][1]), "it did not touch forefoot first"
    assert math.isnan(table["rollover_s"][1]), "the zone that touched first left last: no roll"
    assert math.isnan(table["forefoot_share_percent"][1]), "no load, no share"
    assert math.isnan(table["stride_time_s"][2]) and math.isnan(table["swing_s"][2]), "none comes behind the last"
    assert np.isnan(table["forefoot_peak_percent"]).all(), "not calibrated"
    assert np.isnan(table["double_support_s"]).all(), "one foot"


def test_forward_rolls_the_other_way() -> None:
    one = stride(
        0,
        contact_order="heel_first",
        lift_order="heel_first",
        heel_on_s=0.0,
        forefoot_on_s=0.05,
        heel_off_s=0.4,
        forefoot_off_s=0.69,
    )
    table = extended([one, stride(1)])
    assert table["rollover_s"][0] == pytest.approx(0.69) and table["lift_lead_s"][0] == pytest.approx(-0.29)


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_double_support_needs_the_other_foots_strides_around(missing: int) -> None:
    right = [s for s in walk(4, "right", 0.6) if s.stride != missing]
    table = extended(walk(4) + right)
    left = table["double_support_s"][table["side"] == "left"]
    known = {0: [2, 3], 1: [3], 2: [1], 3: [1, 2]}[missing]
    assert [k for k in range(4) if math.isfinite(left[k])] == known


def test_a_stance_of_the_other_foot_that_was_not_found_makes_no_double_support() -> None:
    right = [replace(s, stride=min(s.stride, 2)) for s in walk(4, "right", 0.6) if s.stride != 2]
    table = extended(walk(4) + right)
    left = table["double_support_s"][table["side"] == "left"]
    assert np.isnan(left).tolist() == [True, False, True, True], "its numbers go on, but two steps came in between"


@pytest.mark.parametrize("apart_s", [-0.04, 0.04])
def test_an_error_between_the_clocks_shortens_one_part_of_double_support_and_lengthens_the_other(
    apart_s: float,
) -> None:
    true, told = (extended(walk(5) + walk(5, "right", 0.6 + error_s)) for error_s in (0.0, apart_s))
    assert np.isfinite(told["double_support_s"]).sum() == 8
    assert told["double_support_s"] == pytest.approx(true["double_support_s"], nan_ok=True)


def test_feet_that_are_never_down_together_run() -> None:
    running = [replace(s, final_contact_s=s.initial_contact_s + 0.3) for s in walk(4) + walk(4, "right", 0.6)]
    assert np.nanmax(extended(running)["double_support_s"]) == 0.0


def test_a_lost_stride_a_break_and_a_gap_end_what_follows() -> None:
    with_lost = [s for s in walk(6) if s.stride != 2]
    assert np.isnan(extended(with_lost)["stride_time_s"]).tolist() == [False, True, False, False, True]
    later = [replace(s, initial_contact_s=s.initial_contact_s + 4.0) if s.stride > 2 else s for s in walk(6)]
    assert np.isnan(extended(later)["stride_time_s"]).tolist() == [False, False, True, False, False, True]
    assert np.isnan(extended(walk(4), spans((2.0, 2.1)))["stride_time_s"]).tolist() == [False, True, False, True]


def test_what_reaches_into_a_time() -> None:
    start_s, end_s = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    told = [touches(start_s, end_s, np.array([span])).tolist() for span in ((1.0, 2.0), (2.5, 2.5), (0.0, 9.0))]
    assert told == [[True, False, False], [False, True, False], [True] * 3], "from and to, without the end"
    assert not touches(start_s, end_s, np.empty((0, 2))).any()


def test_as_slow_as_holding_the_rails_is_a_walk() -> None:
    slow = [replace(s, initial_contact_s=4.0 * k, final_contact_s=4.0 * k + 2.5) for k, s in enumerate(walk(9))]
    assert why(slow) == [typical.FIRST_OR_LAST, *[""] * 7, typical.FIRST_OR_LAST]
    assert np.nanmax(extended(slow)["cadence_steps_min"]) == pytest.approx(30.0)


# ----------------------------------------------------------------------------------------------------- what is left out


def test_an_even_walk_loses_its_ends_only() -> None:
    ends = typical.FIRST_OR_LAST
    assert why(walk(12)) == [ends, *[""] * 10, ends]
    assert why(walk(3)) == [ends, "", ends]
    assert why(walk(1)) == [ends] and why([]) == []


def test_strides_beside_a_gap_are_left_out() -> None:
    told = why(walk(12), spans((5.0, 5.1)))  # in the stance of the fifth
    assert [k for k, reason in enumerate(told) if reason == typical.BESIDE_A_GAP] == [4]
    assert [k for k, reason in enumerate(told) if reason == typical.FIRST_OR_LAST] == [0, 11], "it goes on behind it"
    told = why(walk(12), spans((5.6, 5.7)))  # in the swing between the fifth and the sixth
    assert [k for k, reason in enumerate(told) if reason == typical.BESIDE_A_GAP] == [4, 5]
    told = why([s for s in walk(12) if s.stride != 6])
    assert [k for k, reason in enumerate(told) if reason] == [0, 5, 6, 10]
    told = why(walk(12), spans((5.6, 5.6)))  # a reset, of which nobody knows how long it took
    assert [k for k, reason in enumerate(told) if reason == typical.BESIDE_A_GAP] == [4, 5]


def test_a_stride_whose_end_was_not_seen_is_not_whole() -> None:
    cut = [replace(s, final_contact_s=math.nan) if s.stride == 5 else s for s in walk(12)]
    assert why(cut)[5] == typical.NOT_WHOLE


def test_the_way_back_is_left_out_and_so_are_the_strides_beside_it() -> None:
    strides = [replace(s, direction="forward") if 6 <= s.stride < 9 else s for s in walk(16)]
    told = why(strides)
    assert [k for k, r in enumerate(told) if r == typical.OTHER_DIRECTION] == [6, 7, 8]
    assert [k for k, r in enumerate(told) if r == typical.DIRECTION_CHANGES] == [5, 9]


def test_an_unknown_direction_alone_is_no_reason() -> None:
    assert typical.OTHER_DIRECTION not in why([replace(s, direction="unknown") for s in walk(8)])
    one = [replace(s, direction="unknown") if s.stride == 4 else s for s in walk(9)]
    assert why(one)[4] == ""
    turned = [
        replace(s, direction="unknown" if s.stride == 4 else "forward" if s.stride > 4 else "backward") for s in walk(8)
    ]
    assert why(turned)[4] == typical.DIRECTION_CHANGES


def test_where_no_stride_of_a_walk_tells_its_direction_it_is_not_summarised() -> None:
    shuffle = [stride(k, first_s=8.0, direction="unknown") for k in range(8, 14)]
    told = why(walk(8) + shuffle)
    assert [k for k, r in enumerate(told) if r == typical.DIRECTION_UNKNOWN] == [9, 10, 11, 12]
    assert told[8] == told[13] == typical.FIRST_OR_LAST
    table = extended([stride(k, direction="unknown") for k in range(6)])
    asked = typical.reasons(table, {}, "forward").tolist()
    assert asked[1:-1] == [typical.DIRECTION_UNKNOWN] * 4, "nobody knows that they went forward"


def test_where_as_many_went_each_way_backward_is_summarised() -> None:
    half = [replace(s, direction="forward") if s.stride < 6 else s for s in walk(12)]
    assert typical.main_direction(base_table(half)) == "backward"
    assert [k for k, r in enumerate(why(half)) if not r] == [7, 8, 9, 10]
    assert typical.main_direction(base_table([replace(s, direction="unknown") for s in half])) == "unknown"


def test_a_change_of_speed_is_not_atypical_but_for_a_short_beginning() -> None:
    """Of two speeds each has most of the 21 strides around it; five strides of one are too few for that."""
    for slow_n, left_out in ((12, []), (5, [0, 1, 2, 3, 4])):
        strides, at_s = [], 0.0
        for k in range(30):
            strides.append(replace(stride(k), initial_contact_s=at_s, final_contact_s=at_s + 0.7))
            at_s += 1.5 if k < slow_n else 1.1
        found = [k for k, r in enumerate(why(strides)) if r == typical.ATYPICAL]
        assert found == [k for k in left_out if k], "the first is left out anyway"


@pytest.mark.parametrize("n", [6, 7, 8, 22, 23])
def test_one_slow_stride_is_told_where_five_are_left_to_compare(n: int) -> None:
    strides = [replace(s, initial_contact_s=s.initial_contact_s + (1.0 if s.stride > 3 else 0.0)) for s in walk(n)]
    strides = [replace(s, final_contact_s=s.initial_contact_s + STANCE_S) for s in strides]
    assert [k for k, r in enumerate(why(strides)) if r == typical.ATYPICAL] == ([3] if n > 6 else [])


def test_a_walk_says_nothing_of_the_next_one() -> None:
    out = [replace(s, direction="unknown" if s.stride > 3 else "backward") for s in walk(6)]
    back = [stride(k, first_s=20.0, direction="forward") for k in range(6, 9)]
    assert why(out + back)[4] == "", "forward came after a break"


def test_an_even_walker_loses_no_stride_to_small_differences() -> None:
    strides = [replace(s, heel_peak=1400.0 if s.stride == 9 else 1000.0) for s in walk(20)]
    assert typical.ATYPICAL not in why(strides), "400 counts of 3000 are less than 3 x 6 %"
    later_s = 0.1
    strides = [replace(s, initial_contact_s=s.initial_contact_s + later_s * (s.stride > 9)) for s in walk(20)]
    assert why(strides)[9] == "", "100 ms of 1200 are less than 3 x 3 %"


@pytest.mark.parametrize("changes", [{"final_contact_s": 8.4 + 0.85}, {"forefoot_peak": 2700.0}, {"heel_peak": 200.0}])
def test_a_stride_unlike_its_neighbours_is_atypical(changes: dict[str, float]) -> None:
    told = why([replace(s, **changes) if s.stride == 7 else s for s in walk(20)])
    assert [k for k, r in enumerate(told) if r == typical.ATYPICAL] == [7]


def test_a_slow_change_is_not_atypical_and_few_strides_are_not_judged() -> None:
    slower = [replace(s, forefoot_peak=2000.0 * 1.01**s.stride) for s in walk(60)]
    assert typical.ATYPICAL not in why(slower)
    assert typical.ATYPICAL not in why([replace(s, heel_peak=500.0) if s.stride == 2 else s for s in walk(6)])


# ------------------------------------------------------------------------------------------------------ over strides


def test_a_statistic_says_only_what_is_known() -> None:
    stance = BY_NAME["stance_s"]
    assert statistic(np.array([math.nan, math.nan]), stance) is None
    one = statistic(np.array([0.7, math.nan]), stance)
    assert one is not None and (one.n, one.mean, one.sd, one.cv_percent, one.median) == (1, 0.7, None, None, 0.7)
    three = statistic(np.array([0.6, 0.7, 0.8]), stance)
    assert three is not None and three.sd == pytest.approx(0.1) and three.cv_percent == pytest.approx(100 / 7)
    lead = statistic(np.array([-0.1, 0.1, 0.12]), BY_NAME["lift_lead_s"])
    assert lead is not None and lead.sd and lead.cv_percent is None, "a CV around zero has no meaning"


def test_loads_are_told_in_percent_once_calibrated_and_compared_only_then() -> None:
    table = extended(walk(5) + walk(5, "right", 0.6), standing={"left": 500.0, "right": 400.0})
    which = {side: table["side"] == side for side in ("left", "right")}
    counts = {side: foot_statistics(table, w, False) for side, w in which.items()}
    percent = {side: foot_statistics(table, w, True) for side, w in which.items()}
    assert "forefoot_peak" in counts["left"] and "forefoot_peak_percent" not in counts["left"]
    assert "forefoot_peak" not in percent["left"] and percent["left"]["forefoot_peak_percent"].mean == 400.0
    assert "forefoot_peak" not in asymmetry(counts)
    told = asymmetry(percent)
    assert told["forefoot_peak_percent"] == pytest.approx(100 * (400 - 500) / 450)
    assert told["stance_s"] == pytest.approx(0.0)
    assert not {"lift_lead_s", "forefoot_share_percent"} & told.keys(), "around 0; of sensors that differ"
    assert asymmetry({"left": counts["left"]}) == {}


def test_shares_keep_unknown_apart() -> None:
    orders = ["forefoot_first"] * 6 + ["heel_first"] + ["together"] + ["unknown"] * 2
    table = base_table([stride(k, contact_order=word) for k, word in enumerate(orders)])
    told = shares(table, np.ones(10, np.bool_))
    assert (told.toe_first_percent, told.unknown_percent, told.decided_n) == (75.0, 20.0, 8)
    nothing = shares(table, np.zeros(10, np.bool_))
    assert (nothing.toe_first_percent, nothing.unknown_percent, nothing.backward_percent) == (None, None, None)


def test_runs_of_direction() -> None:
    words = ["unknown", "backward", "backward", "unknown", "forward", "forward", "backward"]
    strides = [stride(k, direction=word) for k, word in enumerate(words)]
    strides.append(stride(7, first_s=6.0, direction="backward"))
    table = base_table(strides)
    told = [(r.direction, r.stride_n, r.unknown_n) for r in runs(table, np.arange(8), "left")]
    assert told == [("backward", 4, 2), ("forward", 2, 0), ("backward", 1, 0), ("backward", 1, 0)]
    first = next(runs(table, np.arange(8), "left"))
    assert (first.start_s, first.end_s) == (0.0, pytest.approx(3 * PERIOD_S + STANCE_S))
    assert not list(runs(table, np.arange(0), "left"))


def test_how_long_it_took_is_not_doubled_by_the_other_foot() -> None:
    left, right = base_table(walk(5)), base_table(walk(9, "right"))
    every = [*runs(left, np.arange(5), "left"), *runs(right, np.arange(9), "right")]
    assert walked_s(every, "backward") == pytest.approx(8 * PERIOD_S + STANCE_S), "of clocks of their own, the longer"
    assert walked_s(every[:1] * 2, "backward") == pytest.approx(2 * (4 * PERIOD_S + STANCE_S))
    assert walked_s(every, "forward") == 0.0


def test_steadiness_needs_some_strides() -> None:
    uneven = [
        replace(s, initial_contact_s=s.initial_contact_s + (0.02 * (s.stride % 2)) * (s.stride > 20)) for s in walk(31)
    ]
    table = extended(uneven)
    steady = steadiness(table, np.ones(31, np.bool_))
    assert steady is not None and steady.early.n == 10
    assert steady.early.sd == pytest.approx(0, abs=1e-9) and steady.late.sd == pytest.approx(0.021, abs=0.002)
    assert steadiness(extended(walk(12)), np.ones(12, np.bool_)) is None


# ------------------------------------------------------------------------------------------------------------- words


def test_every_reason_is_told_why() -> None:
    assert list(WHY) == list(typical.REASONS)
    assert all(text == text.strip(" .") for text in WHY.values())


def test_every_parameter_says_what_it_is() -> None:
    names = [p.name for p in PARAMETERS]
    assert len(set(names)) == len(names)
    assert set(EXTENDED_COLUMNS) == {*COLUMNS, *names, "is_usable", "left_out"}
    for p in PARAMETERS:
        assert p.definition.endswith(".") and p.title and p.unit and p.shown_unit and p.source, p.name
        assert p.resolution is not None, "each says how fine it is; test_gait_truth.py holds it"
    for unit, ending in (("s", "_s"), ("%", "_percent"), ("steps/min", "_steps_min")):
        assert all(p.name.endswith(ending) for p in PARAMETERS if p.unit == unit)


def test_a_value_is_shown_without_nan_or_minus_zero() -> None:
    assert BY_NAME["stance_s"].shown(0.7126) == "713" and BY_NAME["duty_factor_percent"].shown(58.33) == "58.3"
    assert BY_NAME["lift_lead_s"].shown(-0.0001) == "0" and BY_NAME["lift_lead_s"].shown(-0.12) == "-120"
    assert BY_NAME["stance_s"].shown(math.nan) == BY_NAME["stance_s"].shown(None) == "-"


def test_the_table_as_csv() -> None:
    table = extended(walk(3)) | {
        "is_usable": np.array([False, True, False]),
        "left_out": np.array(["first", "", "last"]),
    }
    out = io.StringIO()
    assert write_table(table, out) == 3
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert tuple(rows[0]) == EXTENDED_COLUMNS and len(rows) == 3
    assert [row["is_usable"] for row in rows] == ["no", "yes", "no"]
    assert float(rows[1]["stance_s"]) == pytest.approx(0.7) and rows[2]["stride_time_s"] == ""
    assert "nan" not in out.getvalue()


def test_gaitmaps_stride_list() -> None:
    feet = as_gaitmap(extended(walk(4) + walk(2, "right", 0.6)), 200.0)
    left = feet["left"]
    assert list(left) == ["s_id", "start", "end", "ic", "tc"]
    assert left["s_id"].tolist() == [0, 1, 2], "the last one has no end"
    assert left["start"] == pytest.approx([0, 240, 480]) and left["ic"].tolist() == left["start"].tolist()
    assert left["end"] == pytest.approx([240, 480, 720]) and left["tc"] == pytest.approx([140, 380, 620])
    assert np.all((left["start"] <= left["tc"]) & (left["tc"] <= left["end"])), "in gaitmap's order for type ic"
    assert len(feet["right"]["s_id"]) == 1
    assert as_gaitmap(base_table([]), 200.0) == {}
    with pytest.raises(ValueError, match="above 0"):
        as_gaitmap(extended(walk(2)), 0.0)
