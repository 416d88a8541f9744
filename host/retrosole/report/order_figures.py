"""Figures of what touched first: toe-first share over time, and counts of orders and directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from retrosole.gait.statistics import Shares, shares
from retrosole.report.facts import Facts
from retrosole.report.figure import figure, legend, over_both_columns, without
from retrosole.report.markup import Safe, joined, table
from retrosole.report.plot import WIDE, Floats, Plot, time_label, time_ticks
from retrosole.report.ways import that_went, told_shares, told_steps
from retrosole.report.words import DIRECTIONS, NBSP, ORDERS, TITLES, counted, share

_BIN_S = (10, 15, 20, 30, 60, 120, 300, 600, 1200, 3600, 14400)
_MOST_BINS = 24
_LEAST_N = 3  # strides in a part of the walk of which a share is drawn
MARKS = {"left": "left", "right": "right", "unset": "left"}


@dataclass(frozen=True)
class Part:
    """Hold a part of the walk of one foot: its middle, how many contacts were told, toe-first share, unknown share."""

    at_s: float
    decided_n: int
    toe_first_percent: float | None
    unknown_percent: float


def bin_s(duration_s: float) -> float:
    """Give the length of the parts into which a walk is cut."""
    return next((s for s in _BIN_S if duration_s / s <= _MOST_BINS), max(duration_s / _MOST_BINS, 1.0))


def parts(facts: Facts, side: str) -> list[Part]:
    """Cut a foot's strides into parts of the session; parts of fewer than three strides are left out."""
    table_ = facts.analysis.table
    mine = (table_["side"] == side) & told_steps(facts.analysis)
    length_s = bin_s(facts.analysis.duration_s)
    which = np.floor(table_["initial_contact_s"] / length_s).astype(np.int64)
    found = {k: shares(table_, mine & (which == k)) for k in np.unique(which[mine]).tolist()}
    return [
        Part((k + 0.5) * length_s, one.decided_n, one.toe_first_percent, one.unknown_percent or 0.0)
        for k, one in found.items()
        if one.stride_n >= _LEAST_N
    ]


def toe_first_figure(facts: Facts) -> Safe:
    """Draw the toe-first share over the session, for both feet."""
    found = {side: parts(facts, side) for side in facts.analysis.sides}
    if max(sum(part.toe_first_percent is not None for part in of_foot) for of_foot in found.values()) < 2:
        return without("There are too few clear steps to draw how the toe-first share went over time.")
    sides = [side for side, of_foot in found.items() if of_foot]
    length_s = bin_s(facts.analysis.duration_s)
    caption = (
        f"Each mark is the share of steps{that_went(facts.analysis)} that touched toes first, of the clear ones in "
        f"{length_s:g} s; where there were fewer than {_LEAST_N} steps, nothing is drawn."
    )
    drawing = over_both_columns(lambda width: _toe_first_plot(facts, found, width))
    entries = [(f"both {MARKS[side]}", TITLES[side]) for side in sides]
    if any(part.unknown_percent for of_foot in found.values() for part in of_foot):
        entries.append(("bar unclear", "share of unclear steps"))
    return figure(joined(legend(*entries), drawing), caption, title="Toes first, over time")


def _toe_first_plot(facts: Facts, found: dict[str, list[Part]], width: int) -> Safe:
    duration_s = facts.analysis.duration_s
    plot = Plot(width, 230 if width == WIDE else 200, (0.0, duration_s), (0.0, 100.0), (40, 20, 12, 38))
    plot.y_axis([0, 25, 50, 75, 100], title="% toes first")
    _unknown_bars(plot, found, bin_s(duration_s))
    for side, of_foot in found.items():
        xs = np.array([part.at_s for part in of_foot])
        ys = np.array([np.nan if part.toe_first_percent is None else part.toe_first_percent for part in of_foot])
        plot.line(*_broken(np.minimum(xs, duration_s), ys, bin_s(duration_s)), MARKS[side])
        plot.dots(np.minimum(xs, duration_s), ys, MARKS[side])
    most = 8 if width == WIDE else 5
    plot.x_axis(time_ticks(duration_s, most), lambda s: time_label(s, duration_s), "time of the session")
    return plot.done("Share of steps that touched toes first, over the session", "series")


def _unknown_bars(plot: Plot, found: dict[str, list[Part]], length_s: float) -> None:
    wide_s = 0.36 * length_s
    for k, of_foot in enumerate(found.values()):
        for part in of_foot:
            begin_s = min(part.at_s + (k - 1) * wide_s, plot.x_range[1] - wide_s)
            if part.unknown_percent:
                plot.bar(begin_s, begin_s + wide_s, 0.0, part.unknown_percent, "unclear")


def _broken(xs: Floats, ys: Floats, length_s: float) -> tuple[Floats, Floats]:
    """Put an unknown value wherever a part of the walk has none, so that no line is drawn across."""
    gaps = np.flatnonzero(np.diff(xs) > 1.5 * length_s) + 1
    return np.insert(xs, gaps, np.nan), np.insert(ys, gaps, np.nan)


# ------------------------------------------------------------------------------------------------------------ table


def order_table(facts: Facts) -> Safe:
    """Count how the feet touched, how they left, and which way they went."""
    sides = [side for side in facts.analysis.sides if facts.analysis.shares[side].stride_n]
    heads = ["", *(f"{TITLES[side]}, n{NBSP}={NBSP}{facts.analysis.shares[side].stride_n:,}" for side in sides)]
    found = [facts.analysis.shares[side] for side in sides]
    rows: list[tuple[str, ...]] = []
    for title, name, words in (
        ("First on the ground", "contact_order", ORDERS),
        ("First off the ground", "lift_order", ORDERS),
        ("Direction", "direction", DIRECTIONS),
    ):
        rows += [(title,), *_rows(found, name, words)]
    return table(heads, rows, right=range(1, len(heads)))


def _rows(found: list[Shares], name: str, words: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for word, shown in words.items():
        if any(getattr(one, name).get(word) for one in found):
            yield (shown, *(share(getattr(one, name).get(word, 0), one.stride_n) for one in found))


def order_words(facts: Facts) -> str:
    """Say the toe-first share with how many it is of."""
    told = []
    for side, one in told_shares(facts.analysis).items():
        if one.toe_first_percent is not None:
            unknown_n = one.contact_order.get("unknown", 0)
            first_n = one.contact_order.get("forefoot_first", 0)
            unknown = f" ({share(unknown_n, one.stride_n)} unclear)" if unknown_n else ""
            told.append(f"{TITLES[side].lower()} {first_n:,} of {counted(one.decided_n, 'step')}{unknown}")
    which = that_went(facts.analysis)
    if not told:
        return f"Of no step{which} it was clear whether toes or heel touched first."
    return f"Toes first: {'; '.join(told)}{which}."
