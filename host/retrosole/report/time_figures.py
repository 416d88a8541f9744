"""Figures of timing: what is on the ground when, how times spread, and how they went over the walk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.parameters import BY_NAME
from retrosole.gait.statistics import Statistic, statistic
from retrosole.report.facts import Facts
from retrosole.report.figure import columns, figure, legend, without
from retrosole.report.markup import Safe, joined
from retrosole.report.order_figures import MARKS
from retrosole.report.plot import HALF, Floats, Plot, plain_label, round_up, ticks, time_label, time_ticks
from retrosole.report.words import NBSP, TITLES, both_words, counted, spread

LEAST_DRAWN_N = 3  # strides of a foot, to draw means of its times
LEAST_SPREAD_N = 10  # strides of a foot, to draw how they are spread
_BIN_MS = (2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)
_MOST_BINS = 28

Mask = NDArray[np.bool_]


def usable(facts: Facts, side: str) -> Mask:
    """Say which strides of a foot stand for the walk."""
    table = facts.analysis.table
    return np.asarray((table["side"] == side) & table["is_usable"])


# ---------------------------------------------------------------------------------------------- contact and lift


def contact_figures(facts: Facts) -> Safe:
    """Draw for each foot which part of it is on the ground when: means from initial contact on, and their spread."""
    sides = [side for side in facts.analysis.sides if _stance(facts, side)]
    if not sides:
        return without("There are too few steps to draw when toes and heel touch and leave the ground.")
    end_ms = 1.04 * max(_end_ms(facts, side) for side in sides)
    drawn = [
        figure(_contact_plot(facts, side, end_ms), _contact_caption(facts, side), title=TITLES[side]) for side in sides
    ]
    entries = (("bar forefoot", "toes and ball on the ground"), ("bar heel", "heel on the ground"))
    return joined(legend(*entries, ("line whisker", "± 1 standard deviation")), columns(drawn))


def _stance(facts: Facts, side: str) -> Statistic | None:
    found = facts.analysis.feet[side].get("stance_s")
    return found if found is not None and found.n >= LEAST_DRAWN_N else None


def _end_ms(facts: Facts, side: str) -> float:
    found = facts.analysis.feet[side]
    longest = found.get("stride_time_s", found["stance_s"])
    return 1000.0 * (longest.mean + (longest.sd or 0.0))


def since_contact(facts: Facts, side: str, name: str) -> Statistic | None:
    """Summarise when an event was, in seconds since initial contact, over the strides in which it was seen."""
    table, which = facts.analysis.table, usable(facts, side)
    return statistic(table[name][which] - table["initial_contact_s"][which], BY_NAME["lift_lead_s"])


def _contact_plot(facts: Facts, side: str, end_ms: float) -> Safe:
    plot = Plot(HALF, 150, (0.0, end_ms), (0.0, 3.0), (64, 8, 14, 38))
    plot.x_axis(ticks(0.0, end_ms, 6), title="ms since the foot first touched")
    rows = (("toes", "forefoot", 2.0), ("heel", "heel", 1.0))
    for label, zone, y in rows:
        plot.text(2, plot.y(y + 0.45) + 4, label)
        on, off = since_contact(facts, side, f"{zone}_on_s"), since_contact(facts, side, f"{zone}_off_s")
        if on is None or off is None:
            plot.text(plot.x(0) + 4, plot.y(y + 0.45) + 4, "not seen", class_="axis-title")
            continue
        plot.bar(1000 * on.mean, 1000 * off.mean, y + 0.15, y + 0.75, zone)
        for one in (on, off):
            _whisker(plot, one, y + 0.45)
    _stride_row(facts, side, plot)
    words = both_words(row[0] for row in rows)
    return plot.done(f"{TITLES[side]}: when {words} are on the ground, mean of the steps")


def _whisker(plot: Plot, found: Statistic, y: float) -> None:
    if found.sd:
        low, high = 1000 * (found.mean - found.sd), 1000 * (found.mean + found.sd)
        plot.horizontal(max(low, 0.0), high, y, "whisker")
        for at in (max(low, 0.0), high):
            plot.vertical(at, y - 0.14, y + 0.14, "whisker")


def _stride_row(facts: Facts, side: str, plot: Plot) -> None:
    found = facts.analysis.feet[side]
    stance_ms = 1000 * found["stance_s"].mean
    plot.text(2, plot.y(0.45) + 4, "foot")
    plot.bar(0.0, stance_ms, 0.2, 0.7, "foot")
    plot.text(plot.x(stance_ms / 2), plot.y(0.45) + 4, "stance", anchor="middle", class_="inside")
    if "swing_s" in found:
        end_ms = stance_ms + 1000 * found["swing_s"].mean
        plot.bar(stance_ms, end_ms, 0.2, 0.7, "air")
        plot.text(plot.x((stance_ms + end_ms) / 2), plot.y(0.45) + 4, "swing", anchor="middle")


def _contact_caption(facts: Facts, side: str) -> str:
    found = facts.analysis.feet[side]
    told = [f"stance {spread('stance_s', found['stance_s'])}{NBSP}ms"]
    for name, title in (
        ("swing_s", "swing"),
        ("heel_lowering_s", "heel lowering"),
    ):
        if name in found:
            told.append(f"{title} {spread(name, found[name])}{NBSP}ms")
    if "lift_lead_s" in found:
        told.append(_lift_text(found["lift_lead_s"]))
    return f"Mean ± standard deviation of {counted(found['stance_s'].n, 'step')}: {', '.join(told)}."


def _lift_text(found: Statistic) -> str:
    word = "after" if found.mean >= 0 else "before"
    return f"heel leaves {word} the toes by {spread('lift_lead_s', replace(found, mean=abs(found.mean)))}{NBSP}ms"


# ---------------------------------------------------------------------------------------------------- distributions


def spread_figures(facts: Facts, names: Sequence[str]) -> Safe:
    """Draw how some times are spread over the usable strides of each foot, each time on one axis."""
    drawn: list[Safe] = []
    missing: list[str] = []
    for name in names:
        figures, why = _spread_figures(facts, name)
        drawn += figures
        missing += why
    return joined(columns(drawn) if drawn else None, [without(text) for text in missing])


def _spread_figures(facts: Facts, name: str) -> tuple[list[Safe], list[str]]:
    """Give the figures of one time, and why some are not there."""
    title, table = BY_NAME[name].title, facts.analysis.table
    found = {side: 1000.0 * table[name][usable(facts, side)] for side in facts.analysis.sides}
    found = {side: values[np.isfinite(values)] for side, values in found.items()}
    drawn = {side: values for side, values in found.items() if len(values) >= LEAST_SPREAD_N}
    if not drawn:
        return [], [_too_few(title, found)]
    edges = bins(list(drawn.values()))
    most = max(int(np.histogram(values, edges)[0].max()) for values in drawn.values())
    figures = [
        figure(
            _histogram(values, edges, most, side, title),
            _spread_caption(side, facts.analysis.feet[side][name], name, values, edges),
            title=f"{title}, {TITLES[side].lower()}",
        )
        for side, values in drawn.items()
    ]
    return figures, [_too_few(f"{title}, {TITLES[s].lower()}", {s: found[s]}) for s in found if s not in drawn]


def _too_few(title: str, found: dict[str, Floats]) -> str:
    if not any(map(len, found.values())):
        return f"{title}: no step shows any, so there is nothing to draw."
    told = both_words(f"{TITLES[side].lower()} {_values(values)}" for side, values in found.items())
    return f"{title}: too few steps to draw how it is spread ({told})."


def _values(values: Floats) -> str:
    if not len(values):
        return "none"
    return f"{', '.join(f'{v:.0f}' for v in values.tolist())}{NBSP}ms"


def bins(of_feet: list[Floats]) -> Floats:
    """Give the edges of bins of a round width that hold all values but the farthest, which go into the last ones."""
    low, high = (float(v) for v in np.percentile(np.concatenate(of_feet), (0.5, 99.5)))
    wanted_n = min(_MOST_BINS - 2, 1.2 * math.sqrt(max(map(len, of_feet))))
    wide = next((w for w in _BIN_MS if (high - low) / w <= wanted_n), _BIN_MS[-1])
    first = math.floor(low / wide) - 1
    n = min(max(math.ceil(high / wide) + 1 - first, 6), 400)
    return wide * np.arange(first, first + n + 1, dtype=np.float64)


def _histogram(values: Floats, edges: Floats, most: int, side: str, title: str) -> Safe:
    held = np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf))
    counts = np.histogram(held, edges)[0]
    plot = Plot(
        HALF,
        170,
        (float(edges[0]), float(edges[-1])),
        (0.0, round_up(max(most, int(counts.max())), 5)),
        (40, 20, 12, 38),
    )
    plot.y_axis([v for v in ticks(*plot.y_range, 5) if v == round(v)], title="steps")
    for k in np.flatnonzero(counts).tolist():
        hint = f"{edges[k]:.0f} to {edges[k + 1]:.0f} ms: {counts[k]}"
        plot.bar(float(edges[k]), float(edges[k + 1]), 0.0, float(counts[k]), f"foot {MARKS[side]}", hint)
    median = float(np.median(values))
    plot.vertical(median, 0.0, plot.y_range[1], "median")
    plot.x_axis(ticks(float(edges[0]), float(edges[-1]), 6), title="ms; the upright line is the median")
    return plot.done(f"{title}, {TITLES[side].lower()}: how often which time, median {median:.0f} ms")


def _spread_caption(side: str, found: Statistic, name: str, values: Floats, edges: Floats) -> str:
    low, high = np.percentile(values, (5, 95)).tolist()
    outside = int(np.sum((values < edges[0]) | (values >= edges[-1])))
    far = f" {outside} farther off stand in the outermost bars." if outside else ""
    return (
        f"Median {BY_NAME[name].shown(found.median)}{NBSP}ms, mean {spread(name, found)}{NBSP}ms, "
        f"nine of ten between {low:.0f} and {high:.0f}{NBSP}ms, n = {found.n:,}.{far}"
    )


# -------------------------------------------------------------------------------------------------------- steadiness


def steadiness_figures(facts: Facts) -> Safe:
    """Draw the stride time of each usable stride over the session, and the means of the first and the last third."""
    table = facts.analysis.table
    found = {}
    for side in facts.analysis.sides:
        which = usable(facts, side) & np.isfinite(table["stride_time_s"])
        if np.sum(which) >= LEAST_SPREAD_N:
            found[side] = (table["initial_contact_s"][which], 1000.0 * table["stride_time_s"][which])
    if not found:
        return without("There are too few steps in a row to tell whether the walk became more or less even.")
    every = np.concatenate([values for _, values in found.values()])
    middle, reach = float(np.median(every)), max(100.0, 1.15 * float(np.max(np.abs(every - np.median(every)))))
    reach = min(reach, 1500.0)
    drawn = [
        figure(
            _steady_plot(facts, side, *of_foot, (middle - reach, middle + reach)),
            _steady_caption(facts, side),
            title=TITLES[side],
        )
        for side, of_foot in found.items()
    ]
    shown = [(f"dots {MARKS[side]}", f"stride times{_of(side)}") for side in found]
    if any(side in facts.analysis.steadiness for side in found):
        shown += [("line third", "mean of a third"), ("bar third", "± 1 standard deviation")]
    return joined(legend(*shown), columns(drawn))


def _of(side: str) -> str:
    return f", {side}" if side in ("left", "right") else ""


def _steady_plot(facts: Facts, side: str, at_s: Floats, ms: Floats, y_range: tuple[float, float]) -> Safe:
    duration_s = facts.analysis.duration_s
    plot = Plot(HALF, 190, (0.0, max(duration_s, float(at_s[-1]))), y_range, (44, 20, 12, 38))
    plot.y_axis(ticks(*y_range, 5), title="ms from contact to contact")
    third = len(ms) // 3
    steady = facts.analysis.steadiness.get(side)
    if steady is not None:
        for one, begin_s, end_s in ((steady.early, at_s[0], at_s[third - 1]), (steady.late, at_s[-third], at_s[-1])):
            mean, sd = 1000 * one.mean, 1000 * (one.sd or 0.0)
            plot.bar(float(begin_s), float(end_s), mean - sd, mean + sd, "third")
    plot.dots(at_s, np.clip(ms, *y_range), f"small {MARKS[side]}")
    if steady is not None:
        for one, begin_s, end_s in ((steady.early, at_s[0], at_s[third - 1]), (steady.late, at_s[-third], at_s[-1])):
            plot.horizontal(float(begin_s), float(end_s), 1000 * one.mean, "line third")
    plot.x_axis(time_ticks(duration_s, 5), lambda s: time_label(s, duration_s), "time of the session")
    return plot.done(f"{TITLES[side]}: time from contact to contact, over the session", "series")


def _steady_caption(facts: Facts, side: str) -> str:
    steady = facts.analysis.steadiness.get(side)
    if steady is None:
        return "Too few steps for a first and a last third."
    return f"First third: {_third(steady.early)}. Last third: {_third(steady.late)}."


def _third(one: Statistic) -> str:
    cv = "" if one.cv_percent is None else f" (varies by {one.cv_percent:.1f}{NBSP}%)"
    return f"{spread('stride_time_s', one)}{NBSP}ms{cv}, n = {plain_label(one.n)}"
