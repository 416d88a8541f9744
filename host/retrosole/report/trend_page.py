"""The page over many sessions of one person: a few sentences, a line for each session, and figures by date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from retrosole import __version__
from retrosole.gait.parameters import BY_NAME
from retrosole.report.figure import without
from retrosole.report.markup import Safe, bullets, cards, joined, paragraph, tag
from retrosole.report.page import document, page_foot, page_head, section
from retrosole.report.plain import PROMISE
from retrosole.report.trend import Trend, Walk
from retrosole.report.trend_figures import LEAST_DRAWN_N, trend_figures
from retrosole.report.ways import told_together
from retrosole.report.words import DIRECTIONS, NBSP, counted, day, day_and_time, duration, of_hundred, signed

_HEAD = (
    "Session",
    "Plan",
    "Length",
    "Steps",
    "Way",
    "Toes first, %",
    "Steps/min",
    "Stance, ms",
    "Heel lowering, ms",
    "Stance asymmetry, %",
    "Missing, %",
)
_CHANCE = (
    "One session differs from the next by chance, too, and by what was done in it: look at the whole row rather than "
    "at two points."
)


def trend_page(trend: Trend, made: datetime) -> str:
    """Give the page over the sessions of a subject as HTML. `made` is when."""
    days = [walk.started for walk in trend.walks if walk.started is not None]
    about = [counted(len(trend.walks), "session")]
    if days:
        about.append(day(days[0]) if day(days[0]) == day(days[-1]) else f"{day(days[0])} to {day(days[-1])}")
    body = joined(
        page_head("Walking over time", trend.subject, about),
        section(
            "In short",
            paragraph(" ".join(sentences(trend)), class_="short"),
            paragraph(f"{_CHANCE} {PROMISE}", class_="note"),
        ),
        section("How it went", trend_figures(trend), _drawn_note(trend)),
        *([section("Where in the plan", *map(_position, trend.positions))] if trend.positions else []),
        section("Every session", cards(_HEAD, [_row(walk) for walk in trend.walks]), _legend()),
        *([section("Not read", without("These could not be read:"), bullets(trend.unread))] if trend.unread else []),
        page_foot(f"Made {day_and_time(made)} by retrosole {__version__}."),
    )
    return document(f"Retrosole trend {trend.subject}, {day(made)}", trend.subject, body)


def sentences(trend: Trend) -> Iterator[str]:
    """Say in plain words what there is, and how the first and the last session that are drawn were."""
    stride_n = sum(walk.stride_n for walk in trend.walks)
    total_s = sum(walk.analysis.duration_s for walk in trend.walks)
    seen = f"{counted(len(trend.walks), 'session')} with {counted(stride_n, 'step')}"
    yield f"{seen} in {duration(total_s)} of recording."
    without_n = sum(not walk.stride_n for walk in trend.walks)
    if without_n:
        yield f"In {counted(without_n, 'session')} no steps were seen."
    drawn = trend.drawn
    if len(drawn) < 2:
        return
    first, last = drawn[0], drawn[-1]
    toes = [told_together(walk.analysis).toe_first_percent for walk in (first, last)]
    if toes[0] is not None and toes[1] is not None:
        yield (
            f"In the first session walked {trend.direction} the toes touched the ground first {of_hundred(toes[0])}, "
            f"in the last one {of_hundred(toes[1])}."
        )
    yield f"{first.stride_n:,} steps were taken in the first of them, {last.stride_n:,} in the last."


def _drawn_note(trend: Trend) -> Safe | None:
    """Say which sessions are drawn, where any are."""
    if len(trend.drawn) < LEAST_DRAWN_N:
        return None
    left_n = len(trend.walks) - len(trend.drawn)
    way = "" if trend.direction == "unknown" else f" that were mostly walked {trend.direction}"
    text = f"Drawn are the {len(trend.drawn)} sessions with steps and a date{way}"
    more = f"; {left_n} more {'is' if left_n == 1 else 'are'} listed below only" if left_n else ""
    return paragraph(f"{text}{more}.", class_="note")


def _position(lines: tuple[str, ...]) -> Safe:
    title, *rest = lines
    return joined(tag("h4", title), [paragraph(line) for line in rest])


# ------------------------------------------------------------------------------------------------------------ table


def _moment(moment: datetime) -> Safe:
    return joined(tag("time", f"{moment:%Y-%m-%d}"), f" {moment:%H:%M}")


def _row(walk: Walk) -> tuple[str, ...]:
    analysis = walk.analysis
    percent = analysis.asymmetry.get("stance_s")
    return (
        f"{walk.name} (date unknown)" if walk.started is None else _moment(walk.started),
        walk.plan or "–",
        duration(analysis.duration_s),
        f"{walk.stride_n:,}",
        DIRECTIONS.get(analysis.direction, "unclear") if walk.stride_n else "–",
        _pair({side: f"{value:.0f}" for side, value in walk.toe_first_percent.items()}),
        *(_parameter(walk, name) for name in ("cadence_steps_min", "stance_s", "heel_lowering_s")),
        "–" if percent is None else signed(percent),
        "–" if walk.missing_percent is None else f"{walk.missing_percent:.1f}",
    )


def _parameter(walk: Walk, name: str) -> str:
    return _pair({side: BY_NAME[name].shown(one.mean) for side, one in walk.statistic(name).items()})


def _pair(values: dict[str, str]) -> str:
    """Write left and right beside each other; one foot alone with its side."""
    if not values:
        return "–"
    if len(values) == 1:
        side, value = next(iter(values.items()))
        return value if side == "unset" else f"{value}{NBSP}({side[0].upper()})"
    return f"{values['left']}{NBSP}/{NBSP}{values['right']}"


def _legend() -> Safe:
    return paragraph(
        "Left / right where two feet were recorded, means of the steps that stand for the walk. Stance asymmetry: "
        "100 × (left − right) / mean of both. Toes first: of the clear steps; of a session with several "
        "ways, those of its way. – : not known.",
        class_="note",
    )
