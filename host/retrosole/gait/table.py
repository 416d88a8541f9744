"""The extended stride table: what is computed of each stride, with definition, source and resolution of each column.

One row per stride, sorted by initial contact and side: first the columns of `Stride`, then those of `PARAMETERS` that
`Stride` does not have, then `is_usable` and `left_out` (why not, "" when usable). It is a dict of arrays of one
length, which pandas.DataFrame and pyarrow.table take as it is. What is not known is nan.

Only the stride table is needed, so a walk of half an hour takes milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.strides import COLUMNS

Table = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]

BREAK_S = 3.0  # from one contact of a foot to its next: longer is no stride; the longest stride of Mobilise-D

_TEXTS = ("side", "contact_order", "lift_order", "direction")
_WHOLE = ("stride",)


@dataclass(frozen=True)
class Parameter:
    """Describe a column: `name` has the unit of its numbers in it, `unit` says it in words; nan is "not known".

    `shown_unit` is what a person reads, after multiplying by `shown_factor` and rounding to `decimals`. `resolution`,
    in `unit`: of 20 strides 19 agree with the truth of the gait model within it, at 200 Hz with realistic sensors
    (0: not tested against it, for the reason in `definition`). `is_ratio`: 0 means "nothing", so that a coefficient of
    variation and an asymmetry have a meaning. `needs_both`: of two feet on one clock only.
    """

    name: str
    unit: str
    title: str
    definition: str
    source: str
    resolution: float = 0.0
    shown_unit: str = ""
    shown_factor: float = 1.0
    decimals: int = 1
    is_ratio: bool = True
    needs_both: bool = False

    def shown(self, value: float | None) -> str:
        """Write a value as a person reads it, without its unit; "-" where there is none."""
        if value is None or math.isnan(value):
            return "-"
        text = f"{value * self.shown_factor:.{self.decimals}f}"
        return text.removeprefix("-") if not float(text) else text


def _time(name: str, title: str, definition: str, source: str, resolution: float, **more: Any) -> Parameter:
    return Parameter(name, "s", title, definition, source, resolution, "ms", 1000.0, 0, **more)


_GAITMAP = "as in gaitmap, TemporalParameterCalculation"
_OWN = "retrosole"

PARAMETERS: tuple[Parameter, ...] = (
    _time(
        "stance_s",
        "Stance time",
        "Final contact less initial contact of the same foot; any part of the foot counts.",
        _GAITMAP,
        0.03,
    ),
    _time(
        "swing_s",
        "Swing time",
        "From final contact to the next initial contact of the same foot; not known before a break, a gap or the end.",
        _GAITMAP,
        0.03,
    ),
    _time(
        "stride_time_s",
        "Stride time",
        "From initial contact to the next one of the same foot; not known before a break, a gap or the end.",
        _GAITMAP,
        0.03,
    ),
    Parameter(
        "cadence_steps_min",
        "steps/min",
        "Cadence",
        "120 / stride time: two steps in each stride. Of one foot alone it takes both steps as equally long.",
        _OWN,
        3.0,
        "steps/min",
    ),
)

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def base_table(strides: list[Any]) -> Table:
    """Give the columns of a list of `Stride`, in its order."""
    table: Table = {}
    for name in COLUMNS:
        values = [getattr(stride, name) for stride in strides]
        dtype: Any = np.str_ if name in _TEXTS else np.int64 if name in _WHOLE else np.float64
        table[name] = np.array(values, dtype)
    return table


def time_columns(table: Table, next_row: NDArray[np.int64]) -> Table:
    """Give what follows from the times of a foot's contacts; `next_row` is the row of its next stride, -1 for none."""
    start_s, end_s = table["initial_contact_s"], table["final_contact_s"]
    next_s = np.where(next_row >= 0, start_s[next_row], math.nan)
    stride_time_s = next_s - start_s
    return {
        "stance_s": end_s - start_s,
        "swing_s": next_s - end_s,
        "stride_time_s": stride_time_s,
        "cadence_steps_min": 120.0 / stride_time_s,
    }


def next_rows(table: Table) -> NDArray[np.int64]:
    """Give the row of the same foot's next stride, -1 where it is not there or comes later than `BREAK_S`."""
    out = np.full(len(table["side"]), -1, np.int64)
    for side in np.unique(table["side"]):
        rows = np.flatnonzero(table["side"] == side)
        apart_s = np.diff(table["initial_contact_s"][rows])
        follows = (np.diff(table["stride"][rows]) == 1) & (apart_s > 0) & (apart_s <= BREAK_S)
        out[rows[:-1][follows]] = rows[1:][follows]
    return out
