"""Numbers over many strides: mean and spread, shares of words, runs of one direction, early against late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.table import BREAK_S, BY_NAME, PARAMETERS, Floats, Parameter, Rows, Table

LEAST_COMPARED_N = 3  # strides of each foot, to tell feet apart
LEAST_THIRD_N = 5  # strides in a third of a walk, to tell early from late
STEADY = "stride_time_s"  # what is compared early and late

Mask = NDArray[np.bool_]


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

    @property
    def unknown_direction_percent(self) -> float | None:
        """Give the share of strides whose direction stayed unknown; None of none."""
        return _percent(self.direction.get("unknown", 0), self.stride_n)


@dataclass(frozen=True)
class Run:
    """Hold strides in a row that went one way; `side` is "both" where the feet are on one clock.

    `start_s` is the first initial contact, `end_s` the last final contact. Strides of unknown direction belong to the
    run before them, the first ones to the run behind, and are counted apart in `unknown_n` (and in `stride_n`); a run
    of nothing else is "unknown". A pause longer than `BREAK_S` between contacts ends a run.
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


def statistic(values: Floats, parameter: Parameter) -> Statistic | None:
    """Summarise the known ones among some values; None when there is none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    mean = float(np.mean(known))
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
    cv_percent = 100.0 * sd / mean if sd is not None and parameter.is_ratio and mean > 0 else None
    return Statistic(len(known), mean, sd, cv_percent, float(np.median(known)))


def foot_statistics(table: Table, which: Mask, is_calibrated: bool) -> dict[str, Statistic]:
    """Summarise each parameter of one foot; loads in percent of standing when calibrated, in counts otherwise."""
    own = [p for p in PARAMETERS if not p.needs_both and not (p.is_count if is_calibrated else p.is_relative)]
    return _statistics(table, which, own)


def both_statistics(table: Table, which: Mask) -> dict[str, Statistic]:
    """Summarise what needs two feet on one clock, over the strides of both.

    Each time that both are down is in two of them, one of each foot.
    """
    return _statistics(table, which, [p for p in PARAMETERS if p.needs_both])


def _statistics(table: Table, which: Mask, parameters: list[Parameter]) -> dict[str, Statistic]:
    found = {p.name: statistic(table[p.name][which], p) for p in parameters}
    return {name: one for name, one in found.items() if one is not None}


def asymmetry(feet: dict[str, dict[str, Statistic]]) -> dict[str, float]:
    """Give 100 (left - right) / ((left + right) / 2) of the means, in percent: positive where the left is more.

    Of ratios in units that two insoles share, so never of counts, nor of shares of counts, and from
    `LEAST_COMPARED_N` strides of each foot on. The index of Robinson, Herzog and Nigg, J. of Manipulative and
    Physiological Therapeutics 10 (1987) 172, which is of ground forces and right less left.
    """
    left, right = feet.get("left", {}), feet.get("right", {})
    out = {}
    for parameter in PARAMETERS:
        one, other = left.get(parameter.name), right.get(parameter.name)
        if one is None or other is None or not _is_comparable(parameter):
            continue
        whole = one.mean + other.mean
        if min(one.n, other.n) >= LEAST_COMPARED_N and whole > 0:
            out[parameter.name] = 200.0 * (one.mean - other.mean) / whole
    return out


def _is_comparable(parameter: Parameter) -> bool:
    return parameter.is_ratio and not parameter.is_count and parameter.name != "forefoot_share_percent"


def shares(table: Table, which: Mask) -> Shares:
    """Count the words of some strides."""
    words = (table[name][which] for name in ("contact_order", "lift_order", "direction"))
    return Shares(int(np.sum(which)), *(counts(w) for w in words))


def counts(words: NDArray[np.str_]) -> dict[str, int]:
    """Count words, the most frequent first."""
    names, n = np.unique(words, return_counts=True)
    return dict(sorted(zip(names.tolist(), n.tolist(), strict=True), key=lambda pair: -pair[1]))


def _percent(part_n: int, whole_n: int) -> float | None:
    return 100.0 * part_n / whole_n if whole_n else None


def runs(table: Table, rows: Rows, side: str) -> Iterator[Run]:
    """Give the runs of direction among some rows, in order of time."""
    start_s, end_s = table["initial_contact_s"][rows], table["final_contact_s"][rows]
    for walk in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(start_s) > BREAK_S) + 1):
        told = table["direction"][rows[walk]]
        filled = _filled(told)
        for part in np.split(np.arange(len(walk)), np.flatnonzero(filled[1:] != filled[:-1]) + 1):
            if len(part):
                ends_s = [*end_s[walk[part]][np.isfinite(end_s[walk[part]])].tolist(), float(start_s[walk[part[-1]]])]
                unknown_n = int(np.sum(told[part] == "unknown"))
                begin_s = float(start_s[walk[part[0]]])
                yield Run(side, begin_s, max(ends_s), str(filled[part[0]]), len(part), unknown_n)


def walked_s(found: Iterable[Run], direction: str) -> float:
    """Give how long runs in a direction took, in seconds; of two feet on clocks of their own, the longer time."""
    by_side: dict[str, float] = {}
    for run in found:
        if run.direction == direction:
            by_side[run.side] = by_side.get(run.side, 0.0) + run.end_s - run.start_s
    return max(by_side.values(), default=0.0)


def _filled(directions: NDArray[np.str_]) -> NDArray[np.str_]:
    """Give each unknown direction that of the stride before it, the first ones that of the first known one."""
    known = np.flatnonzero(directions != "unknown")
    if not len(known):
        return directions
    last = np.searchsorted(known, np.arange(len(directions)), side="right") - 1
    return np.asarray(directions[known[np.maximum(last, 0)]])


def steadiness(table: Table, which: Mask) -> Steadiness | None:
    """Compare early and late stride times; None with fewer than `LEAST_THIRD_N` strides in a third."""
    values = table[STEADY][which]
    values = values[np.isfinite(values)]
    third = len(values) // 3
    if third < LEAST_THIRD_N:
        return None
    early, late = (statistic(part, BY_NAME[STEADY]) for part in (values[:third], values[-third:]))
    return Steadiness(early, late) if early and late else None
