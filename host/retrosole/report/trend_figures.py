"""Figures over the sessions of a person: the main parameters by date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from retrosole.gait.parameters import BY_NAME
from retrosole.report.figure import columns, figure, legend, without
from retrosole.report.markup import Safe, joined
from retrosole.report.order_figures import MARKS
from retrosole.report.plot import HALF, Plot, plain_label, round_up, ticks
from retrosole.report.trend import Trend, Walk
from retrosole.report.words import NBSP, TITLES, counted, signed

LEAST_DRAWN_N = 2
_DAY_S = 86400.0
_STEPS_D = (1, 2, 3, 7, 14, 28, 56, 91, 182, 365, 730, 1825)
_APART = 3.0  # units of a drawing between the marks of left and right


@dataclass(frozen=True)
class Series:
    """Hold a parameter of one foot by session: when, value, and standard deviation, nan where there is none."""

    side: str
    at_s: list[float]
    values: list[float]
    sds: list[float]


def trend_figures(trend: Trend) -> Safe:
    """Draw the main parameters over the dates."""
    drawn = trend.drawn
    if len(drawn) < LEAST_DRAWN_N:
        way = "" if trend.direction == "unknown" else f" walked {trend.direction}"
        return without(f"It takes {LEAST_DRAWN_N} sessions{way} with steps and a date to draw how things went.")
    figures = [
        _draw(drawn, toe_first(drawn), "Toes first", f"{NBSP}%", (0.0, 100.0)),
        *(_of_parameter(drawn, name) for name in ("cadence_steps_min", "stance_s", "heel_lowering_s")),
        _draw(drawn, [asymmetry(drawn)], "Stance, left against right", f"{NBSP}%"),
        _draw(drawn, [steps(drawn)], "Steps in the session", ""),
    ]
    sides = [side for side in TITLES if any(side in walk.analysis.sides for walk in drawn)]
    entries = [(f"both {MARKS[side]}", TITLES[side]) for side in sides if side in MARKS]
    entries += [
        ("both whole", "one value for both feet"),
        ("line whisker", "± 1 standard deviation within the session"),
    ]
    return joined(legend(*entries), columns(figures))


def _of_parameter(drawn: Sequence[Walk], name: str) -> Safe:
    parameter = BY_NAME[name]
    found = of_feet(
        drawn, lambda walk: {s: (o.mean, o.sd) for s, o in walk.statistic(name).items()}, parameter.shown_factor
    )
    return _draw(drawn, found, parameter.title, f"{NBSP}{parameter.shown_unit}")


def of_feet(
    drawn: Sequence[Walk], value: Callable[[Walk], dict[str, tuple[float, float | None]]], factor: float = 1.0
) -> list[Series]:
    """Give a value with its spread of each foot by session."""
    told = [(_at_s(walk), value(walk)) for walk in drawn]
    out = []
    for side in dict.fromkeys(side for _, found in told for side in found):
        mine = [(at_s, *found[side]) for at_s, found in told if side in found]
        sds = [np.nan if sd is None else factor * sd for _, _, sd in mine]
        out.append(Series(side, [at for at, _, _ in mine], [factor * mean for _, mean, _ in mine], sds))
    return out


def toe_first(drawn: Sequence[Walk]) -> list[Series]:
    """Give the toe-first share of each foot by session."""
    return of_feet(drawn, lambda walk: {side: (percent, None) for side, percent in walk.toe_first_percent.items()})


def asymmetry(drawn: Sequence[Walk]) -> Series:
    """Give the asymmetry of stance by session."""
    there = [
        (_at_s(walk), walk.analysis.asymmetry["stance_s"]) for walk in drawn if "stance_s" in walk.analysis.asymmetry
    ]
    return Series("both", [at for at, _ in there], [value for _, value in there], [np.nan] * len(there))


def steps(drawn: Sequence[Walk]) -> Series:
    """Give the number of steps by session."""
    return Series(
        "both", [_at_s(walk) for walk in drawn], [float(walk.stride_n) for walk in drawn], [np.nan] * len(drawn)
    )


def _at_s(walk: Walk) -> float:
    """Give when a session began, in seconds since the year 1, by the clock on the wall where it was."""
    assert walk.started is not None
    return (walk.started.replace(tzinfo=None) - datetime.min).total_seconds()


# ---------------------------------------------------------------------------------------------------------- drawing


def _draw(
    drawn: Sequence[Walk], found: list[Series], title: str, unit: str, y_range: tuple[float, float] | None = None
) -> Safe:
    known = [one for one in found if one.values]
    if not known:
        return figure(without("No session here tells it."), title=title)
    plot = Plot(HALF, 180, _x_range(drawn), y_range or _y_range(known), (48, 20, 16, 30))
    plot.y_axis(ticks(*plot.y_range, 5), title=f"{unit.strip() or 'number'}")
    if plot.y_range[0] < 0 < plot.y_range[1]:
        plot.horizontal(*plot.x_range, 0.0, "axis")
    for k, one in enumerate(known):
        _series(plot, one, (k - (len(known) - 1) / 2) * 2 * _APART)
    days = date_ticks(*plot.x_range)
    plot.x_axis([at for at, _ in days], lambda at: dict(days)[at])
    return figure(plot.done(f"{title} by date", "series"), _caption(known, unit, title), title=title)


def _series(plot: Plot, one: Series, shift: float) -> None:
    """Draw a series, `shift` units aside, so that marks of left and right do not cover each other."""
    span_s = shift * (plot.x_range[1] - plot.x_range[0]) / (plot.x.end - plot.x.begin)
    xs, ys, sds = np.array(one.at_s) + span_s, np.array(one.values), np.array(one.sds)
    class_ = MARKS.get(one.side, "whole")
    for x, y, sd in zip(xs.tolist(), ys.tolist(), sds.tolist(), strict=True):
        if np.isfinite(sd):
            plot.vertical(x, max(y - sd, plot.y_range[0]), min(y + sd, plot.y_range[1]), f"line whisker {class_}")
    plot.line(xs, ys, class_)
    plot.dots(xs, ys, class_)


def _x_range(drawn: Sequence[Walk]) -> tuple[float, float]:
    at_s = [_at_s(walk) for walk in drawn]
    room_s = max(0.04 * (max(at_s) - min(at_s)), 1800.0)
    return min(at_s) - room_s, max(at_s) + room_s


def _y_range(found: Sequence[Series]) -> tuple[float, float]:
    """Give a range that holds all values and spreads with some room: from 0 on where they reach near it."""
    every = np.concatenate([np.array(one.values) for one in found])
    sds = np.concatenate([np.nan_to_num(one.sds) for one in found])
    low, high = float(np.min(every - sds)), float(np.max(every + sds))
    if low < 0:
        reach = max(round_up(1.1 * max(-low, high), 4), 5.0)
        return -reach, reach
    if low < 0.4 * high or high <= 0:
        return 0.0, round_up(1.05 * high)
    room = max(0.15 * (high - low), 0.02 * high)
    return low - room, high + room


def date_ticks(low_s: float, high_s: float, most: int = 5) -> list[tuple[float, str]]:
    """Give days between two moments with their names, at most `most`; within two days times of day."""
    first, last = (datetime.min + timedelta(seconds=at) for at in (low_s, high_s))
    days = (last - first).total_seconds() / _DAY_S
    if days <= 2:
        step_s = next(h * 3600.0 for h in (1, 2, 3, 6, 12) if days * 24 / h <= most or h == 12)
        begin = np.ceil(low_s / step_s) * step_s
        return [
            (at, f"{datetime.min + timedelta(seconds=at):%H:%M}") for at in np.arange(begin, high_s, step_s).tolist()
        ]
    step = next((d for d in _STEPS_D if days / d <= most), _STEPS_D[-1])
    begin = np.ceil(low_s / _DAY_S) * _DAY_S
    moments = [(at, datetime.min + timedelta(seconds=at)) for at in np.arange(begin, high_s, step * _DAY_S).tolist()]
    form = "{0.day} {0:%b}" if days < 300 else "{0:%b} {0.year}"
    return [(at, form.format(moment)) for at, moment in moments]


def _caption(found: Sequence[Series], unit: str, title: str) -> str:
    told = []
    for one in found:
        whose = f"{one.side}: " if one.side in ("left", "right") else ""
        first, last = (_shown(value, title) for value in (one.values[0], one.values[-1]))
        told.append(f"{whose}first {first}{unit}, last {last}{unit}")
    return f"{'; '.join(told)}; {counted(max(len(one.values) for one in found), 'session')}."


def _shown(value: float, title: str) -> str:
    if "against" in title:
        return signed(value)
    return plain_label(round(value, 1)) if title == BY_NAME["cadence_steps_min"].title else f"{value:,.0f}"
