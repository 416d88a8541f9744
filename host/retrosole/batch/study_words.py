"""A study as people and programs read it: lines of a table, CSV, JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any, TextIO

from retrosole.batch.study import ALL, TOE_FIRST, Line, Study
from retrosole.gait.parameters import Parameter
from retrosole.gait.table import BY_NAME
from retrosole.session.kept import ANONYMOUS

HEADINGS = ("subject", "walked", "", "sessions", "strides", "mean", "SD between", "CV within %", "unit")
RIGHT = (3, 4, 5, 6, 7)
PEOPLE_HEADINGS = ("subject", "walked", "sessions", "hours", "strides", "usable", "order unknown", "samples missing")
PEOPLE_RIGHT = (2, 3, 4, 5, 6, 7)

_SHOWN = (  # to a person; the CSV has all
    TOE_FIRST,
    "stance_s",
    "stride_time_s",
    "cadence_steps_min",
    "double_support_s",
    "heel_lowering_s",
    "lift_lead_s",
)
_TOE_FIRST = Parameter(
    TOE_FIRST,
    "%",
    "Forefoot first",
    "100 x strides that touch forefoot first / strides whose order was told, of all strides of a session.",
    "Retrosole",
    None,
    "%",
)
_NOBODY = "(no code)"
_NUMBERS = tuple(field.name for field in fields(Line))[3:]
COLUMNS = ("subject", "direction", "parameter", "unit", *_NUMBERS)


def parameter(name: str) -> Parameter:
    """Give what is told of a line's parameter."""
    return _TOE_FIRST if name == TOE_FIRST else BY_NAME[name]


def people_rows(study: Study) -> Iterator[tuple[str, ...]]:
    """Give the cells below `PEOPLE_HEADINGS`."""
    for one in study.people:
        yield (
            one.subject or _NOBODY,
            one.direction if one.stride_n else "-",
            str(one.session_n),
            f"{one.duration_s / 3600:.2f}",
            str(one.stride_n),
            str(one.usable_n),
            _percent(one.unknown_percent, 0),
            _percent(one.missing_percent, 2),
        )


def line_rows(study: Study) -> Iterator[tuple[str, ...]]:
    """Give the cells below `HEADINGS`, of what a person looks at first."""
    before = None
    for line in study.lines:
        if line.parameter not in _SHOWN:
            continue
        whose = (f"all {line.subject_n}" if line.subject == ALL else line.subject or _NOBODY, line.direction)
        own = parameter(line.parameter)
        cv = "-" if line.cv_within_percent is None else f"{line.cv_within_percent:.1f}"
        counts = (str(line.session_n), str(line.stride_n))
        numbers = (own.shown(line.mean), own.shown(line.sd_between), cv)
        yield (*(whose if whose != before else ("", "")), own.title, *counts, *numbers, own.shown_unit)
        before = whose


def notes(study: Study) -> Iterator[str]:
    """Say what one should know before believing the numbers."""
    no_stride_n = sum(person.no_stride_n for person in study.people)
    if no_stride_n:
        yield f"sessions without strides: {no_stride_n} of {study.session_n}"
    if any(person.subject in (None, ANONYMOUS) for person in study.people):
        yield "sessions without a code of their own count as one subject: say --subject when recording"
    if len(study.versions) > 1:
        yield f"made by versions {', '.join(sorted(study.versions))}: run `retrosole batch` again to make them alike"
    if study.foreign_n:
        yield f"Parquet files of another make, passed by: {study.foreign_n}"
    if study.lines:
        yield "mean: of the sessions' means; SD between: of those; CV within: mean of the sessions' own"
        yield "forefoot first: of all strides whose order was told, whichever way they went"


def write_csv(study: Study, out: TextIO) -> int:
    """Write every line as CSV with a header line; an empty cell is not known. Returns the number of rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in study.lines:
        head = [line.subject or "", line.direction, line.parameter, parameter(line.parameter).unit]
        writer.writerow([*head, *(_cell(getattr(line, name)) for name in _NUMBERS)])
    return len(study.lines)


def as_json(study: Study) -> dict[str, Any]:
    """Give a study as JSON takes it; what is not known is null."""
    return {
        "session_n": study.session_n,
        "subjects": [asdict(person) for person in study.people],
        "parameters": [{**asdict(line), "unit": parameter(line.parameter).unit} for line in study.lines],
        "versions": sorted(study.versions),
        "failed": [{"table": name, "text": text} for name, text in study.failed],
        "foreign_n": study.foreign_n,
    }


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _percent(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f} %"
