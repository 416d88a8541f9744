"""What must hold of the extended stride table and its numbers whatever the walk: over random walks of two feet."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrosole.gait import typical
from retrosole.gait.statistics import asymmetry, foot_statistics
from retrosole.gait.strides import Stride
from retrosole.gait.table import (
    BREAK_S,
    BY_NAME,
    PARAMETERS,
    Table,
    base_table,
    computed_columns,
    double_support_columns,
    next_rows,
)

pytestmark = pytest.mark.filterwarnings("error")

STANDING = {"left": 500.0, "right": 420.0}
OTHER = {"left": "right", "right": "left"}
TIMES = [f.name for f in fields(Stride) if f.name.endswith("_s")]
ORDERS = ("forefoot_first", "heel_first", "together", "unknown")
few = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def walks(draw: st.DrawFn) -> list[Stride]:
    """Walk two feet in turns, unevenly, with pauses, missed stances, unseen ends and words of all kinds."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    out = []
    free_s = dict.fromkeys(OTHER, 0.0)
    start_s = 1.0
    for k in range(draw(st.integers(0, 16))):
        side, stance_s = ("left", "right")[k % 2], dice.uniform(0.3, 1.0)
        start_s = max(start_s, free_s[side] + 0.1)
        if dice.random() < 0.95:
            out.append(_stride(dice, side, k // 2, start_s, stance_s))
        free_s[side] = start_s + stance_s
        start_s += dice.uniform(0.2, 0.9) + (10.0 if dice.random() < 0.05 else 0.0)
    return out


def _stride(dice: np.random.Generator, side: str, number: int, start_s: float, stance_s: float) -> Stride:
    end_s = start_s + stance_s
    lags_s = dice.uniform(0.0, 0.1, 4)
    words = {name: str(dice.choice(ORDERS)) for name in ("contact_order", "lift_order")}
    loads = {name: float(dice.uniform(0, 4000)) for name in ("forefoot_peak", "heel_peak")}
    impulses = {name: float(dice.uniform(0, 900)) for name in ("forefoot_impulse", "heel_impulse")}
    return Stride(
        side,
        number,
        start_s,
        start_s + lags_s[0],
        start_s + lags_s[1],
        end_s - lags_s[2],
        end_s - lags_s[3],
        end_s if dice.random() < 0.95 else np.nan,
        direction=str(dice.choice(("backward", "forward", "unknown"), p=(0.7, 0.15, 0.15))),
        detected_s=end_s + 0.1,
        **words,
        **loads,
        **impulses,
    )


def table_of(strides: list[Stride], standing: dict[str, float] = STANDING, gaps_s: Any = None) -> Table:
    table = base_table(strides)
    next_row = next_rows(table, gaps_s or {})
    table |= computed_columns(table, next_row, standing)
    table |= double_support_columns(table, next_row, True)
    left_out = typical.reasons(table, gaps_s or {}, typical.main_direction(table))
    return table | {"left_out": left_out, "is_usable": left_out == ""}


def same(one: Table, other: Table, names: Any = BY_NAME) -> None:
    for name in names:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-6, err_msg=name)


@few
@given(walks(), st.lists(st.floats(0.0, 12.0), max_size=3))
def test_parts_add_up(strides: list[Stride], gaps_at_s: list[float]) -> None:
    gaps_s = np.array([(at_s, at_s + 0.03) for at_s in sorted(gaps_at_s)]).reshape(-1, 2)
    table = table_of(strides, gaps_s={"left": gaps_s[::2], "right": gaps_s[1:]})
    whole = table["stance_s"] + table["swing_s"]
    known = np.isfinite(whole)
    assert np.array_equal(known, np.isfinite(table["stride_time_s"]) & np.isfinite(table["stance_s"]))
    np.testing.assert_allclose(whole[known], table["stride_time_s"][known], atol=1e-12)
    np.testing.assert_allclose(table["cadence_steps_min"][known] * table["stride_time_s"][known] / 2.0, 60.0)
    share = table["duty_factor_percent"] * table["stride_time_s"] / 100.0
    np.testing.assert_allclose(share[known], table["stance_s"][known])
    double_s = table["double_support_s"]
    told = np.isfinite(double_s)
    assert np.all(double_s[told] >= 0.0) and np.all(double_s[told] <= table["stance_s"][told] + 1e-9)
    assert not np.any(table["is_usable"] & ~np.isfinite(table["stride_time_s"] + table["stance_s"]))


@few
@given(walks(), st.floats(-100.0, 1000.0))
def test_when_it_was_walked_changes_nothing(strides: list[Stride], later_s: float) -> None:
    moved = [replace(s, **{name: getattr(s, name) + later_s for name in TIMES}) for s in strides]
    one, other = table_of(strides), table_of(moved)
    same(one, other)
    assert one["left_out"].tolist() == other["left_out"].tolist()


@few
@given(walks(), st.randoms())
def test_the_order_in_which_strides_come_changes_nothing(strides: list[Stride], dice: Any) -> None:
    shuffled = strides.copy()
    dice.shuffle(shuffled)
    same(table_of(strides), table_of(shuffled))


@few
@given(walks())
def test_exchanging_the_feet_turns_asymmetry_round(strides: list[Stride]) -> None:
    exchanged = [replace(s, side=OTHER[s.side]) for s in strides]
    tables = table_of(strides), table_of(exchanged, {OTHER[side]: n for side, n in STANDING.items()})
    told = []
    for table in tables:
        feet = {side: foot_statistics(table, table["side"] == side, True) for side in OTHER}
        told.append(asymmetry(feet))
    assert told[0].keys() == told[1].keys()
    for name, percent in told[0].items():
        assert percent == pytest.approx(-told[1][name]) and abs(percent) <= 200.0
    same(tables[0], tables[1])


@few
@given(walks(), st.data())
def test_a_stride_that_is_missing_touches_only_those_beside_it(strides: list[Stride], data: st.DataObject) -> None:
    if not strides:
        return
    gone = data.draw(st.sampled_from(strides))
    whole, less = table_of(strides), table_of([s for s in strides if s is not gone])
    kept = ~((whole["side"] == gone.side) & (whole["stride"] == gone.stride))
    before = (whole["side"] == gone.side) & (whole["stride"] == gone.stride - 1)
    near = np.abs(whole["initial_contact_s"] - gone.initial_contact_s) <= BREAK_S + 1.0
    for parameter in PARAMETERS:
        one, other = whole[parameter.name][kept], less[parameter.name]
        differs = ~np.isclose(one, other, equal_nan=True)
        may = near[kept] if parameter.needs_both else before[kept]
        assert not np.any(differs & ~may), parameter.name
        assert np.all(np.isnan(other[differs])), "nothing is told over it"


@few
@given(walks(), st.floats(-0.03, 0.03))
def test_an_error_between_the_clocks_is_no_greater_in_double_support(strides: list[Stride], apart_s: float) -> None:
    moved = [
        replace(s, **{name: getattr(s, name) + apart_s for name in TIMES}) if s.side == "left" else s for s in strides
    ]
    one, other = (_double_supports(table_of(some)) for some in (strides, moved))
    assert all(abs(one[key] - other[key]) <= abs(apart_s) + 1e-9 for key in one.keys() & other.keys())


def _double_supports(table: Table) -> dict[tuple[str, int], float]:
    known = np.flatnonzero(np.isfinite(table["double_support_s"]))
    return {(str(table["side"][k]), int(table["stride"][k])): float(table["double_support_s"][k]) for k in known}


@few
@given(walks(), st.floats(0.1, 10.0))
def test_a_stronger_sensor_changes_counts_only(strides: list[Stride], gain: float) -> None:
    counts = [parameter.name for parameter in PARAMETERS if parameter.is_count]
    louder = [replace(s, **{name: gain * getattr(s, name) for name in counts}) for s in strides]
    one, other = table_of(strides), table_of(louder, {side: gain * n for side, n in STANDING.items()})
    same(one, other, BY_NAME.keys() - set(counts))
    same({name: gain * one[name] for name in counts}, other, counts)
    assert one["left_out"].tolist() == other["left_out"].tolist()
