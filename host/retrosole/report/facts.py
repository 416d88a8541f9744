"""What a report is made of: a session's analysis, how the feet were loaded, what was planned, what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from retrosole.gait.analysis import Analysis, analyse
from retrosole.gait.energy import Effort, Estimate, estimate_walk
from retrosole.gait.pressure import Pressure, pressure
from retrosole.gait.statistics import walked_s
from retrosole.plan.notes import MARK_BASE, PART_BEGINS, PART_ENDS, TRY_BEGINS, TRY_ENDS
from retrosole.report.guided import Guided, part_names, read_guided
from retrosole.report.markup import foreign
from retrosole.session.check import Check, check_session
from retrosole.session.kept import subject_of
from retrosole.session.sensors import Sensor
from retrosole.session.writer import describe

if TYPE_CHECKING:
    from retrosole.session.reader import Session

_OWN_MARKS = range(MARK_BASE, MARK_BASE + 0x100)
_TRIES_N = 10


@dataclass(frozen=True)
class Span:
    """Hold a time of a session in seconds with its name."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True)
class Facts:
    """Hold what a report says. `subject` is a code; `name` is the session folder's, without the way to it.

    `identities` is what each insole said of itself, in words, as session.json keeps it; `recorded_with` which programs
    kept it. `marks` are (seconds, number). `energy` and `timed_lines` are told where they are not empty.
    """

    name: str
    subject: str
    started: datetime | None
    analysis: Analysis
    pressures: dict[str, Pressure | None]
    check: Check
    guided: Guided
    parts: tuple[Span, ...]
    marks: tuple[tuple[float, int], ...]
    identities: dict[str, dict[str, Any]]
    sensors: dict[str, tuple[Sensor, ...]]
    rates_hz: dict[str, int]
    recorded_with: dict[str, str]
    settings: dict[str, str]
    is_apart: bool = False
    energy: Estimate | None = None
    timed_lines: tuple[str, ...] = ()

    @property
    def stride_n(self) -> int:
        """Give how many strides there are, usable or not."""
        return len(self.analysis.table["side"])

    @property
    def usable_n(self) -> int:
        """Give how many strides stand for the walk."""
        return sum(self.analysis.usable_n.values())


def gather(
    session: Session,
    direction: str | None = None,
    effort: Effort | None = None,
    timed_lines: Sequence[str] = (),
) -> Facts:
    """Analyse a session for a report; `direction` as in `analyse`.

    Raises DamagedDataError where a log does not say what its samples are.
    """
    analysis = analyse(session, direction)
    guided, way = read_guided(session), analysis.direction
    return Facts(
        name=foreign(session.path.resolve().name, 80),
        subject=subject_of(session.info),
        started=moment(session.info.get("started")),
        analysis=analysis,
        pressures={side: pressure(session, analysis, side) for side in analysis.sides},
        check=check_session(session),
        guided=guided,
        parts=tuple(parts_of(session, part_names(guided))),
        marks=tuple(marks_of(session)),
        identities={side: _identity(session, side) for side in session.sides},
        sensors={side: session.sensors(side) for side in session.sides},
        rates_hz={side: session.rate_hz(side) for side in session.sides},
        recorded_with=_words(session.info.get("software")),
        settings=_words(session.info.get("settings")),
        is_apart=bool(session.apart_text),
        energy=estimate_walk(effort, way, walked_s(analysis.runs, way)) if effort else None,
        timed_lines=tuple(timed_lines),
    )


def moment(text: object) -> datetime | None:
    """Give a moment as it was where the session was recorded; None for what is none."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _identity(session: Session, side: str) -> dict[str, Any]:
    who = session.logs[side].identity
    return {} if who is None else describe(who)


def _words(found: object, most: int = 12) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    told = {name: value for name, value in found.items() if _is_told(value)}
    return {foreign(name, 40): foreign(value, 80) for name, value in list(told.items())[:most]}


def _is_told(value: object) -> bool:
    """Say whether a value of session.json says something to a person: a text, or a number that is one."""
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))


# --------------------------------------------------------------------------------------------------------- marks


def marks_of(session: Session) -> list[tuple[float, int]]:
    """Give the marks that a person set, (seconds, number), by time: those of the foot that has most of them."""
    marks = [sorted(session.marks(side)) for side in session.sides]
    return max(([one for one in found if one[1] not in _OWN_MARKS] for found in marks), key=len, default=[])


def parts_of(session: Session, names: Sequence[str]) -> list[Span]:
    """Give the parts of a guided session, as its marks tell them: those of the foot that has most of them.

    `names` are those of the parts as they were begun; where there are too few, parts are numbered.
    """
    spans = max((_parts(sorted(session.marks(side))) for side in session.sides), key=len, default=[])
    known = names if len(names) >= len(spans) else [str(k) for k in range(1, len(spans) + 1)]
    return [replace(span, name=span.name or name) for span, name in zip(spans, known, strict=False)]


def _parts(marks: list[tuple[float, int]]) -> list[Span]:
    spans, begun = [], {}
    for at_s, code in marks:
        is_try = TRY_BEGINS < code <= TRY_ENDS + _TRIES_N
        number = (code - MARK_BASE) % 0x10 if is_try else 0
        if code == PART_BEGINS or TRY_BEGINS < code <= TRY_BEGINS + _TRIES_N:
            begun[number] = at_s
        elif (code == PART_ENDS or TRY_ENDS < code <= TRY_ENDS + _TRIES_N) and number in begun:
            name = f"try {number}" if is_try else ""
            spans.append(Span(begun.pop(number), at_s, name))
    return spans
