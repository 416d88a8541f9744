"""What many sessions say together: each subject over sessions, and all subjects.

Only what tables tell of their sessions is read, not their rows. The numbers of a session are those that
`retrosole gait` prints of it: of its usable strides, in the direction that was summarised, so that a subject who has
sessions of both is told of twice.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrosole.batch.parquet import FORMAT_VERSION, read_about
from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.table import PARAMETERS
from retrosole.session.kept import code_of

TOE_FIRST = "toe_first_percent"
ALL = "all"  # subjects

# Counts of two insoles are not to be compared, nor are shares of counts
COMPARED = tuple(p for p in PARAMETERS if not p.is_count and p.name != "forefoot_share_percent")


@dataclass(frozen=True)
class Value:
    """Hold one parameter of one session: mean over its feet, each foot counting alike, and strides in it.

    `cv_percent` is the mean of the feet's own, so that a difference between the feet is not in it.
    """

    mean: float
    stride_n: int
    cv_percent: float | None


@dataclass(frozen=True)
class SessionSummary:
    """Hold one session: whose it is, which way was summarised, its strides, what is known of it, and what was lost."""

    subject: str | None
    session: str
    version: str
    direction: str
    stride_n: int
    usable_n: int
    unknown_n: int
    duration_s: float
    expected_n: int
    received_n: int
    values: dict[str, Value]


@dataclass(frozen=True)
class Line:
    """Summarise a parameter of a subject, or of all: `subject_n` is 1 then, or how many they are.

    `mean` is the mean of the sessions' means, `sd_between` their standard deviation (n - 1; None of one);
    `cv_within_percent` is the mean of the sessions' coefficients of variation. Of all subjects they are the mean of
    the subjects' means, the standard deviation between subjects and the mean of their coefficients.
    """

    subject: str | None
    direction: str
    parameter: str
    subject_n: int
    session_n: int
    stride_n: int
    mean: float
    sd_between: float | None
    cv_within_percent: float | None


@dataclass(frozen=True)
class Person:
    """Hold one subject's sessions in one direction."""

    subject: str | None
    direction: str
    session_n: int
    no_stride_n: int
    stride_n: int
    usable_n: int
    unknown_percent: float | None
    duration_s: float
    missing_percent: float | None


@dataclass
class Study:
    """Hold what tables say together, and which files say nothing: unreadable, foreign, or of another version."""

    people: list[Person] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    failed: list[tuple[str, str]] = field(default_factory=list)
    foreign_n: int = 0

    @property
    def session_n(self) -> int:
        """Give the sessions in it."""
        return sum(person.session_n for person in self.people)


def study(tables: Path) -> Study:
    """Sum up every table below a folder. Raises UsageError when there is none."""
    if not tables.is_dir():
        raise UsageError(f"{tables} is no folder: name the one that `retrosole batch --out` filled")
    out = Study()
    sessions = list(_read(tables, out))
    if not sessions and not out.failed:
        raise UsageError(f"{tables} has no table of `retrosole batch` in it: name the folder that its --out filled")
    out.versions = {session.version for session in sessions}
    for (subject, direction), own in _grouped(sessions):
        out.people.append(_person(subject, direction, own))
        out.lines += _subject_lines(subject, direction, own)
    out.lines += _all_lines(out.lines)
    return out


def _grouped(sessions: Iterable[SessionSummary]) -> list[tuple[tuple[str | None, str], list[SessionSummary]]]:
    groups: dict[tuple[str | None, str], list[SessionSummary]] = {}
    for session in sessions:
        groups.setdefault((session.subject, session.direction), []).append(session)
    return sorted(groups.items(), key=lambda item: (item[0][0] is None, item[0][0] or "", item[0][1]))


# ------------------------------------------------------------------------------------------------------------ read


def _read(tables: Path, out: Study) -> Iterator[SessionSummary]:
    for path in _paths(tables):
        name = str(path.relative_to(tables))
        try:
            told = read_about(path)
        except DamagedDataError as error:
            out.failed.append((name, str(error)))
            continue
        if told is None:
            out.foreign_n += 1
        elif told["format_version"] != FORMAT_VERSION:
            out.failed.append((name, f"has format {told['format_version']}, expected {FORMAT_VERSION}: {_AGAIN}"))
        else:
            yield _summary(told)


_AGAIN = "run `retrosole batch` again"


def _paths(tables: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(tables):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(".parquet") and not name.startswith("."):
                yield Path(folder, name)


def _summary(told: dict[str, Any]) -> SessionSummary:
    analysis = told["analysis"]
    losses = analysis["losses"].values()
    shares = [analysis["shares"][side] for side in analysis["sides"]]
    return SessionSummary(
        subject=code_of(told["subject"]),
        session=told["session"],
        version=told["retrosole_version"],
        direction=analysis["direction"],
        stride_n=analysis["stride_n"],
        usable_n=sum(analysis["usable_n"].values()),
        unknown_n=sum(share["contact_order"].get("unknown", 0) for share in shares),
        duration_s=analysis["duration_s"],
        expected_n=sum(loss["expected_n"] for loss in losses),
        received_n=sum(loss["received_n"] for loss in losses),
        values=dict(_values(analysis)),
    )


def _values(analysis: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    shares = analysis["shares"]
    whole: dict[str, Any] = next((shares[whose] for whose in ("both", *analysis["sides"]) if whose in shares), {})
    if whole.get(TOE_FIRST) is not None:
        yield TOE_FIRST, Value(whole[TOE_FIRST], whole["decided_n"], None)
    for parameter in COMPARED:
        found = [foot[parameter.name] for foot in analysis["feet"].values() if parameter.name in foot]
        found += [analysis["both"][parameter.name]] if parameter.name in analysis["both"] else []
        if found:
            cvs = [one["cv_percent"] for one in found if one["cv_percent"] is not None]
            mean = statistics.fmean(one["mean"] for one in found)
            yield parameter.name, Value(mean, sum(one["n"] for one in found), _mean(cvs))


# ---------------------------------------------------------------------------------------------------------- sum up


def _person(subject: str | None, direction: str, sessions: Sequence[SessionSummary]) -> Person:
    stride_n = sum(one.stride_n for one in sessions)
    expected_n = sum(one.expected_n for one in sessions)
    missing_n = expected_n - sum(one.received_n for one in sessions)
    return Person(
        subject=subject,
        direction=direction,
        session_n=len(sessions),
        no_stride_n=sum(not one.stride_n for one in sessions),
        stride_n=stride_n,
        usable_n=sum(one.usable_n for one in sessions),
        unknown_percent=100.0 * sum(one.unknown_n for one in sessions) / stride_n if stride_n else None,
        duration_s=sum(one.duration_s for one in sessions),
        missing_percent=100.0 * missing_n / expected_n if expected_n else None,
    )


def _subject_lines(subject: str | None, direction: str, sessions: Sequence[SessionSummary]) -> Iterator[Line]:
    for name in (TOE_FIRST, *(parameter.name for parameter in COMPARED)):
        found = [session.values[name] for session in sessions if name in session.values]
        if found:
            means = [value.mean for value in found]
            cvs = [value.cv_percent for value in found if value.cv_percent is not None]
            stride_n = sum(value.stride_n for value in found)
            yield Line(
                subject, direction, name, 1, len(found), stride_n, statistics.fmean(means), _sd(means), _mean(cvs)
            )


def _all_lines(lines: Sequence[Line]) -> list[Line]:
    """Sum up subjects that have a code, where there are several."""
    out = []
    for direction, name in dict.fromkeys((line.direction, line.parameter) for line in lines):
        own = [one for one in lines if (one.direction, one.parameter) == (direction, name) and one.subject is not None]
        if len(own) > 1:
            means = [line.mean for line in own]
            cvs = [line.cv_within_percent for line in own if line.cv_within_percent is not None]
            session_n, stride_n = (sum(getattr(line, of) for line in own) for of in ("session_n", "stride_n"))
            out.append(
                Line(
                    ALL,
                    direction,
                    name,
                    len(own),
                    session_n,
                    stride_n,
                    statistics.fmean(means),
                    _sd(means),
                    _mean(cvs),
                )
            )
    return out


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
