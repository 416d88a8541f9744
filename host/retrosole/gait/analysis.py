"""What a session says of the wearer's gait: parameters per stride, summarised per foot, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.gait.table import PARAMETERS, Floats, Parameter, Table, base_table, next_rows, time_columns

if TYPE_CHECKING:
    from retrosole.session.losses import Losses
    from retrosole.session.reader import Session


@dataclass(frozen=True)
class Statistic:
    """Summarise a parameter over usable strides, in the unit of its column; never nan, what is not known is None.

    `sd` has n - 1 in the denominator, so it takes two strides. `cv_percent` = 100 sd / mean, of ratios only.
    """

    n: int
    mean: float
    sd: float | None
    cv_percent: float | None
    median: float


@dataclass(frozen=True)
class Shares:
    """Count the words of strides, usable or not: how the foot touched, how it left, and which way it went."""

    stride_n: int
    contact_order: dict[str, int]
    lift_order: dict[str, int]
    direction: dict[str, int]

    @property
    def toe_first_percent(self) -> float | None:
        """Give the share of forefoot_first among the strides whose contact order was decided; None of none."""
        return _percent(self.contact_order.get("forefoot_first", 0), self.decided_n)

    @property
    def unknown_percent(self) -> float | None:
        """Give the share of strides whose contact order stayed unknown; None of none."""
        return _percent(self.contact_order.get("unknown", 0), self.stride_n)

    @property
    def decided_n(self) -> int:
        """Give how many strides have a contact order: forefoot first, heel first or together."""
        return self.stride_n - self.contact_order.get("unknown", 0)

    @property
    def backward_percent(self) -> float | None:
        """Give the share of backward among the strides whose direction was decided; None of none."""
        return _percent(self.direction.get("backward", 0), self.stride_n - self.direction.get("unknown", 0))


@dataclass(frozen=True)
class Run:
    """Hold strides in a row that went one way; `side` is "both" where the feet are on one clock.

    `start_s` is the first initial contact, `end_s` the last final contact. Strides of unknown direction between
    others belong to the run, and are counted apart in `unknown_n` (and in `stride_n`).
    """

    side: str
    start_s: float
    end_s: float
    direction: str
    stride_n: int
    unknown_n: int


@dataclass(frozen=True)
class Steadiness:
    """Compare the first third of a foot's usable strides with the last one: their stride times."""

    early: Statistic
    late: Statistic


@dataclass(frozen=True)
class Analysis:
    """Hold what a session says. Names of parameters are those of `retrosole.gait.table.PARAMETERS`.

    `table` is the extended stride table. `feet` has for each side what its usable strides say; a parameter of which
    there is nothing is not in it. `both` has what needs two feet on one clock, `both_text` says how well those agree,
    or why there is nothing. `asymmetry` is 100 (left - right) / ((left + right) / 2) of the means, in percent: positive
    where the left is more. `shares` is by side, and "both" where there are two. `left_out` counts by reason, `usable_n`
    by side. `started` is ISO text, None where nobody knows.
    """

    sides: tuple[str, ...]
    duration_s: float
    table: Table
    feet: dict[str, dict[str, Statistic]]
    both: dict[str, Statistic]
    both_text: str
    asymmetry: dict[str, float]
    shares: dict[str, Shares]
    runs: tuple[Run, ...]
    steadiness: dict[str, Steadiness]
    left_out: dict[str, int]
    usable_n: dict[str, int]
    is_calibrated: dict[str, bool]
    losses: dict[str, Losses]
    started: str | None


def analyse(session: Session) -> Analysis:
    """Analyse a session; the same session gives the same numbers.

    Raises DamagedDataError where a log does not say what its samples are.
    """
    table = base_table(session.strides)
    n = len(table["side"])
    table |= time_columns(table, next_rows(table))
    table |= {"is_usable": np.ones(n, np.bool_), "left_out": np.full(n, "", np.str_)}
    sides = session.sides
    return Analysis(
        sides=sides,
        duration_s=0.0,
        table=table,
        feet={side: _statistics(table, side) for side in sides},
        both={},
        both_text="",
        asymmetry={},
        shares={side: _shares(table, table["side"] == side) for side in sides},
        runs=(),
        steadiness={},
        left_out={},
        usable_n={side: int(np.sum(table["side"] == side)) for side in sides},
        is_calibrated=dict.fromkeys(sides, False),
        losses=session.losses,
        started=session.info.get("started"),
    )


def statistic(values: Floats, parameter: Parameter) -> Statistic | None:
    """Summarise the known ones among some values; None when there is none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    mean = float(np.mean(known))
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
    cv = 100.0 * sd / mean if sd is not None and parameter.is_ratio and mean > 0 else None
    return Statistic(len(known), mean, sd, cv, float(np.median(known)))


def _statistics(table: Table, side: str) -> dict[str, Statistic]:
    usable = (table["side"] == side) & table["is_usable"]
    found = {p.name: statistic(table[p.name][usable], p) for p in PARAMETERS if not p.needs_both}
    return {name: one for name, one in found.items() if one is not None}


def _shares(table: Table, which: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Shares:
    return Shares(
        int(np.sum(which)), *(_counts(table[name][which]) for name in ("contact_order", "lift_order", "direction"))
    )


def _counts(words: np.ndarray[tuple[int, ...], np.dtype[np.str_]]) -> dict[str, int]:
    names, counts = np.unique(words, return_counts=True)
    return dict(sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1]))


def _percent(part_n: int, whole_n: int) -> float | None:
    return 100.0 * part_n / whole_n if whole_n else None
