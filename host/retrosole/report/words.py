"""Numbers and words as the pages write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from retrosole.gait.parameters import BY_NAME
from retrosole.gait.statistics import Statistic

TITLES = {"left": "Left foot", "right": "Right foot", "unset": "Foot (side not set)", "both": "Both feet"}
ORDERS = {
    "forefoot_first": "toes first",
    "heel_first": "heel first",
    "together": "toes and heel together",
    "unknown": "unclear",
}
DIRECTIONS = {"backward": "backward", "forward": "forward", "unknown": "unclear"}
NBSP = "\N{NO-BREAK SPACE}"


def counted(n: int, thing: str) -> str:
    """Give "1 step" or "1,584 steps"."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def duration(seconds: float) -> str:
    """Give a length of time: 12.3 s, 2 min 05 s, 1 h 02 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f}{NBSP}s"
    if whole < 3600:
        return f"{whole // 60}{NBSP}min {whole % 60:02d}{NBSP}s"
    return f"{whole // 3600}{NBSP}h {whole // 60 % 60:02d}{NBSP}min"


def clock(seconds: float) -> str:
    """Give a moment of a session: 0:07.5, 12:30.0."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def day(moment: datetime | None) -> str:
    """Give the day of a moment: 21 November 2026."""
    return "date unknown" if moment is None else f"{moment.day} {moment:%B %Y}"


def day_and_time(moment: datetime | None) -> str:
    """Give day and time of a moment, as it was where it was recorded."""
    return day(moment) if moment is None else f"{day(moment)}, {moment:%H:%M}"


def both_words(words: Iterable[str]) -> str:
    """Put words together: a, b and c."""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def shown(name: str, value: float | None) -> str:
    """Write a parameter's value with its unit, as 712 ms."""
    parameter = BY_NAME[name]
    return f"{parameter.shown(value)}{NBSP}{parameter.shown_unit}"


def spread(name: str, found: Statistic) -> str:
    """Write mean and standard deviation of a parameter without its unit, as 712 ± 20; one value has no spread."""
    parameter = BY_NAME[name]
    if found.sd is None:
        return parameter.shown(found.mean)
    return f"{parameter.shown(found.mean)} ±{NBSP}{parameter.shown(found.sd)}"


def of_hundred(percent: float, step: str = "step") -> str:
    """Write a share as a person says it: in 96 of 100 steps; all and none only where that is so."""
    if percent >= 100.0:
        return f"in every {step}"
    if percent <= 0.0:
        return f"in no {step}"
    return f"in {min(max(round(percent), 1), 99)} of 100 {step}s"


def share(n: int, of_n: int) -> str:
    """Write a count with its share: 12 (1 %). A share of nothing is not told."""
    if not of_n:
        return f"{n:,}"
    percent = 100.0 * n / of_n
    text = f"{percent:.0f}" if n in (0, of_n) or 1 <= percent <= 99 else f"{percent:.1f}"
    return f"{n:,} ({text}{NBSP}%)"


def signed(percent: float) -> str:
    """Write a difference with its sign, 0.0 without."""
    text = f"{percent:+.1f}".replace("-", "\N{MINUS SIGN}")
    return text if float(f"{percent:.1f}") else "0.0"
