"""The extended stride table: one row per stride, sorted by initial contact and side.

First the columns of `Stride`, then those of `PARAMETERS` that `Stride` does not have, then `is_usable` and `left_out`
(why not, "" when usable). It is a dict of arrays of one length, which pandas.DataFrame and pyarrow.table take as it is.
What is not known is nan. Only the stride table is needed, no samples, so a walk of half an hour takes milliseconds.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.parameters import BY_NAME, PARAMETERS, Parameter
from retrosole.gait.strides import COLUMNS, Stride

__all__ = ["BY_NAME", "EXTENDED_COLUMNS", "PARAMETERS", "Parameter", "Table", "as_gaitmap", "write_table"]

Table = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Spans = NDArray[np.float64]  # (k, 2), seconds

# From one contact of a foot to its next: longer ends a walk. Of walking forward, Mobilise-D (mobgap) takes 3 s as the
# longest stride and the longest break; backward in steps of 0.3 m at half a mile per hour, most take about as long.
BREAK_S = 5.0
GAP_S = 0.02  # a time without samples that is longer may have moved an event by more than "together" allows
COMPUTED = tuple(p.name for p in PARAMETERS if p.name not in COLUMNS)
EXTENDED_COLUMNS = (*COLUMNS, *COMPUTED, "is_usable", "left_out")

_TEXTS = ("side", "contact_order", "lift_order", "direction")
_LONGEST_TEXT = "U16"


def base_table(strides: Iterable[Stride]) -> Table:
    """Give the columns of strides, sorted by initial contact and side."""
    rows = sorted(strides, key=lambda s: (s.initial_contact_s, s.side))
    return {name: np.array([getattr(row, name) for row in rows], _dtype(name)) for name in COLUMNS}


def _dtype(name: str) -> str:
    return _LONGEST_TEXT if name in _TEXTS else "i8" if name == "stride" else "f8"


def next_rows(table: Table, gaps_s: Mapping[str, Spans]) -> Rows:
    """Give the row of the same foot's next stride, -1 where none follows.

    None follows where a stride between is missing by its number, where it comes later than `BREAK_S`, or where the
    insole took no samples for longer than `GAP_S`, or started anew, in between (`gaps_s`, by side).
    """
    out = np.full(len(table["side"]), -1, np.int64)
    for side, rows in rows_by_side(table).items():
        start_s = table["initial_contact_s"][rows]
        follows = (np.diff(table["stride"][rows]) == 1) & (np.diff(start_s) > 0) & (np.diff(start_s) <= BREAK_S)
        follows &= ~touches(start_s[:-1], start_s[1:], gaps_s.get(side, np.empty((0, 2))))
        out[rows[:-1][follows]] = rows[1:][follows]
    return out


def rows_by_side(table: Table) -> dict[str, Rows]:
    """Give the rows of each foot, in order."""
    return {str(side): np.flatnonzero(table["side"] == side) for side in np.unique(table["side"])}


def touches(start_s: Floats, end_s: Floats, spans_s: Spans) -> NDArray[np.bool_]:
    """Say for each time from start to end whether any of some spans, sorted and apart, reaches into it."""
    if not len(spans_s):
        return np.zeros(len(start_s), np.bool_)
    behind = np.searchsorted(spans_s[:, 1], start_s, side="right")  # the first span that ends later
    near = np.minimum(behind, len(spans_s) - 1)
    return np.asarray((behind < len(spans_s)) & (spans_s[near, 0] < end_s))


# ------------------------------------------------------------------------------------------------------- one foot


def computed_columns(table: Table, next_row: Rows, standing: Mapping[str, float]) -> Table:
    """Give what a foot's own strides tell; `standing` has the standing load of calibrated feet, in counts."""
    return {**_time_columns(table, next_row), **_order_columns(table), **_load_columns(table, standing)}


def _time_columns(table: Table, next_row: Rows) -> Table:
    start_s, stance_s = table["initial_contact_s"], table["final_contact_s"] - table["initial_contact_s"]
    next_s = np.where(next_row >= 0, start_s[next_row], math.nan)
    stride_time_s = next_s - start_s
    return {
        "stance_s": stance_s,
        "swing_s": stride_time_s - stance_s,
        "stride_time_s": stride_time_s,
        "cadence_steps_min": 120.0 / stride_time_s,
        "duty_factor_percent": 100.0 * stance_s / stride_time_s,
    }


def _order_columns(table: Table) -> Table:
    heel_lowering_s = table["heel_on_s"] - table["forefoot_on_s"]
    is_toe_first = table["contact_order"] == "forefoot_first"
    return {
        "heel_lowering_s": np.where(is_toe_first, heel_lowering_s, math.nan),
        "rollover_s": _rollover_s(table, is_toe_first),
        "lift_lead_s": table["heel_off_s"] - table["forefoot_off_s"],
    }


def _rollover_s(table: Table, is_toe_first: NDArray[np.bool_]) -> Floats:
    rolls = (table["contact_order"] == table["lift_order"]) & np.isin(
        table["contact_order"], ("forefoot_first", "heel_first")
    )
    toe_to_heel_s = table["heel_off_s"] - table["forefoot_on_s"]
    heel_to_toe_s = table["forefoot_off_s"] - table["heel_on_s"]
    return np.where(rolls, np.where(is_toe_first, toe_to_heel_s, heel_to_toe_s), math.nan)


def _load_columns(table: Table, standing: Mapping[str, float]) -> Table:
    both = table["forefoot_impulse"] + table["heel_impulse"]
    share = np.full(len(both), math.nan)
    np.divide(100.0 * table["forefoot_impulse"], both, out=share, where=both > 0)
    whole = np.array([standing.get(side, math.nan) for side in table["side"].tolist()], np.float64)
    out: Table = {"forefoot_share_percent": share}
    for zone in ("forefoot", "heel"):
        out[f"{zone}_peak_percent"] = 100.0 * table[f"{zone}_peak"] / whole
        out[f"{zone}_impulse_percent_s"] = 100.0 * table[f"{zone}_impulse"] / whole
    return out


# ------------------------------------------------------------------------------------------------------- both feet


def double_support_columns(table: Table, next_row: Rows, is_one_clock: bool) -> Table:
    """Give how long both feet were down within each stance; not known unless the feet are on one clock.

    Known where the other foot's strides are there, one following the other, around this stance and no other.
    """
    double_s = np.full(len(next_row), math.nan)
    by_side = rows_by_side(table)
    if is_one_clock and len(by_side) == 2:
        first, second = by_side.values()
        for own, other in ((first, second), (second, first)):
            double_s[own] = _double_support_s(table, own, other, next_row)
    return {
        "double_support_s": double_s,
        "double_support_percent": 100.0 * double_s / table["stride_time_s"],
    }


def _double_support_s(table: Table, own: Rows, other: Rows, next_row: Rows) -> Floats:
    start_s, end_s = (table[f"{event}_contact_s"][own] for event in ("initial", "final"))
    later = np.searchsorted(table["initial_contact_s"][other], start_s, side="right")  # the other foot's next stride
    has_both = (later > 0) & (later < len(other))
    before = other[np.clip(later - 1, 0, len(other) - 1)]
    behind = other[np.clip(later, 0, len(other) - 1)]
    has_both &= next_row[before] == behind
    between_n = np.diff(
        [np.searchsorted(start_s, table["initial_contact_s"][rows]) for rows in (before, behind)], axis=0
    )
    has_both &= between_n[0] == 1  # in turns: with more, a stance of the other foot was not found
    first_s = np.maximum(np.minimum(table["final_contact_s"][before], end_s) - start_s, 0.0)
    last_s = np.maximum(end_s - np.maximum(table["initial_contact_s"][behind], start_s), 0.0)
    return np.where(has_both, first_s + last_s, math.nan)


# ------------------------------------------------------------------------------------------------------------ words


def write_table(table: Table, out: TextIO) -> int:
    """Write an extended table as CSV with a header line; an empty cell is not known. Returns the number of rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXTENDED_COLUMNS)
    columns = [[_cell(value) for value in table[name].tolist()] for name in EXTENDED_COLUMNS]
    writer.writerows(zip(*columns, strict=True))
    return len(table["side"])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}" if abs(value) < 1e-3 else f"{value:.4f}"
    return str(value)


def as_gaitmap(table: Table, rate_hz: float) -> dict[str, Table]:
    """Give each foot's strides as gaitmap's stride list of type "ic", in samples from the session's first one.

    Columns: `s_id` (the index of a pandas.DataFrame there), `start` and `end` (this initial contact and the next),
    `ic` (= start) and `tc` (final contact). Parts of a sample are kept. Strides without a next one have no end, and
    are left out, usable or not. `rate_hz`: samples per second, as that of the feet. Raises ValueError when it is not
    above 0.
    """
    if not rate_hz > 0:
        raise ValueError(f"rate {rate_hz} Hz must be above 0")
    out = {}
    for side, rows in rows_by_side(table).items():
        whole = rows[np.isfinite(table["stride_time_s"][rows]) & np.isfinite(table["final_contact_s"][rows])]
        start = table["initial_contact_s"][whole] * rate_hz
        out[side] = {
            "s_id": table["stride"][whole],
            "start": start,
            "end": start + table["stride_time_s"][whole] * rate_hz,
            "ic": start,
            "tc": table["final_contact_s"][whole] * rate_hz,
        }
    return out
