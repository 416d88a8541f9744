"""What a session says of the wearer's gait: parameters per stride, summarised per foot, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.gait.statistics import (
    Run,
    Shares,
    Statistic,
    Steadiness,
    asymmetry,
    both_statistics,
    counts,
    foot_statistics,
    runs,
    shares,
    steadiness,
)
from retrosole.gait.table import (
    EXTENDED_COLUMNS,
    GAP_S,
    PARAMETERS,
    Spans,
    Table,
    base_table,
    computed_columns,
    double_support_columns,
    next_rows,
    rows_by_side,
)
from retrosole.gait.typical import main_direction, reasons

if TYPE_CHECKING:
    from retrosole.session.losses import Losses
    from retrosole.session.reader import Session

__all__ = ["PARAMETERS", "Analysis", "Run", "Shares", "Statistic", "Steadiness", "analyse"]


@dataclass(frozen=True)
class Analysis:
    """Hold what a session says. Names of parameters are those of `retrosole.gait.table.PARAMETERS`.

    `table` is the extended stride table. `direction` is the one that was summarised: that of most strides. `feet` has
    for each side what its usable strides say; a parameter of which there is nothing is not in it. `both` has what needs
    two feet on one clock, `both_text` says how well those agree, or why there is nothing; `both_sigma_s` is 1 sigma of
    what the feet may be apart, None where there is nothing. `asymmetry` is 100 (left - right) / ((left + right) / 2) of
    the means, in percent: positive where the left is more. `shares` is of all strides, by side, and "both" where there
    are two. `left_out` counts by reason, `usable_n` by side. `started` is ISO text, None where nobody knows.
    """

    sides: tuple[str, ...]
    duration_s: float
    table: Table
    direction: str
    feet: dict[str, dict[str, Statistic]]
    both: dict[str, Statistic]
    both_text: str
    both_sigma_s: float | None
    asymmetry: dict[str, float]
    shares: dict[str, Shares]
    runs: tuple[Run, ...]
    steadiness: dict[str, Steadiness]
    left_out: dict[str, int]
    usable_n: dict[str, int]
    is_calibrated: dict[str, bool]
    losses: dict[str, Losses]
    started: str | None


def analyse(session: Session, direction: str | None = None) -> Analysis:
    """Analyse a session; the same session gives the same numbers.

    Summarised are the strides in `direction`, by default that of most strides, so that walking backward is not mixed
    with the way back. Raises DamagedDataError where a log does not say what its samples are.
    """
    gaps_s = {side: session.untaken_s(side, GAP_S) for side in session.sides}
    standing = {side: load for side in session.sides if (load := session.standing_counts(side))}
    table = base_table(session.strides)
    direction = direction or main_direction(table)
    both_text = _both_text(session)
    table = _extended(table, gaps_s, standing, direction, both_text is None)
    usable = {side: (table["side"] == side) & table["is_usable"] for side in session.sides}
    feet = {side: foot_statistics(table, usable[side], side in standing) for side in session.sides}
    steady = {side: steadiness(table, usable[side]) for side in session.sides}
    return Analysis(
        sides=session.sides,
        duration_s=session.duration_s,
        table=table,
        direction=direction,
        feet=feet,
        both=both_statistics(table, table["is_usable"]),
        both_text=session.alignment.text if both_text is None else both_text,
        both_sigma_s=session.alignment.sigma_s if both_text is None else None,
        asymmetry=asymmetry(feet),
        shares=_all_shares(table, session.sides),
        runs=tuple(_all_runs(table, both_text is None)),
        steadiness={side: one for side, one in steady.items() if one is not None},
        left_out=counts(table["left_out"][~table["is_usable"]]),
        usable_n={side: int(np.sum(which)) for side, which in usable.items()},
        is_calibrated={side: side in standing for side in session.sides},
        losses=session.losses,
        started=_text_or_none(session.info.get("started")),
    )


def _extended(
    table: Table, gaps_s: dict[str, Spans], standing: dict[str, float], direction: str, is_one_clock: bool
) -> Table:
    """Add to a stride table what is computed, in the order of `EXTENDED_COLUMNS`."""
    next_row = next_rows(table, gaps_s)
    table = {**table, **computed_columns(table, next_row, standing)}
    table |= double_support_columns(table, next_row, is_one_clock)
    left_out = reasons(table, gaps_s, direction)
    ordered = {name: table[name] for name in EXTENDED_COLUMNS if name in table}
    return {**ordered, "is_usable": left_out == "", "left_out": left_out}


def _both_text(session: Session) -> str | None:
    """Say why nothing that needs both feet can be told; None when it can."""
    if len(session.sides) < 2:
        return "only one foot was recorded"
    if len(session.heard) < 2:
        return f"only the {session.heard[0]} foot sent anything" if session.heard else "neither foot sent anything"
    return session.apart_text or (None if session.alignment.is_by_step else session.alignment.text)


def _all_shares(table: Table, sides: tuple[str, ...]) -> dict[str, Shares]:
    of_feet = {side: shares(table, table["side"] == side) for side in sides}
    return of_feet if len(sides) < 2 else {**of_feet, "both": shares(table, np.isin(table["side"], sides))}


def _all_runs(table: Table, is_one_clock: bool) -> Iterator[Run]:
    if is_one_clock:
        yield from runs(table, np.arange(len(table["side"])), "both")
        return
    for side, rows in rows_by_side(table).items():
        yield from runs(table, rows, side)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
