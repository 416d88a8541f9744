"""What a check found, and what follows from all of them: lines for a person, JSON for a program, an exit code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retrosole.errors import (
    DamagedDataError,
    NoDeviceError,
    PortError,
    ProtocolError,
    RetrosoleError,
    StorageError,
    UsageError,
)

OK, WARN, BAD = "ok", "warn", "bad"

# When several things are bad, the first of these decides: what has to be put right first
_WORST_FIRST: tuple[type[RetrosoleError], ...] = (
    UsageError,
    StorageError,
    PortError,
    ProtocolError,
    NoDeviceError,
    DamagedDataError,
    RetrosoleError,
)
_NAME_CHARS = 15
_INDENT = " " * 8
_COMMANDS = ("sudo ", "pip ", "retrosole ")


@dataclass(frozen=True)
class Finding:
    """Hold what one check found: `level` is ok, warn or bad, `todo` what to do about it, if anything.

    `exit_code` is the command's, when this is the worst finding: 0 unless it is bad.
    """

    name: str
    level: str
    found: str
    todo: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Section:
    """Hold the findings about one thing: this computer, its ports, or an insole."""

    title: str
    findings: tuple[Finding, ...]


def ok(name: str, found: str, todo: str = "") -> Finding:
    """Give a finding that all is well; `todo` may say what is worth doing all the same."""
    return Finding(name, OK, found, todo)


def warn(name: str, found: str, todo: str) -> Finding:
    """Give a finding that hinders something, and what to do."""
    return Finding(name, WARN, found, todo)


def bad(name: str, found: str, todo: str, kind: type[RetrosoleError]) -> Finding:
    """Give a finding that has to be put right; an error of its kind gives the exit code."""
    return Finding(name, BAD, found, todo, kind.exit_code)


def of_error(name: str, error: RetrosoleError) -> Finding:
    """Give the finding that an error is: what follows its last colon says what to do."""
    found, colon, todo = str(error).rpartition(": ")
    return bad(name, found if colon else todo, todo if colon else "", type(error))


def exit_code(sections: Sequence[Section]) -> int:
    """Give the exit code of the worst finding, 0 when none is bad."""
    codes = {one.exit_code for section in sections for one in section.findings}
    return next((kind.exit_code for kind in _WORST_FIRST if kind.exit_code in codes), 0)


def lines(section: Section, width: int) -> Iterator[str]:
    """Lay out a section for a person, who sees `width` characters of a line.

    A line each, with what to do behind it, or below where it would not fit: prose folded there, commands never, so
    that they can be copied. A line of `todo` that begins with a command is one.
    """
    yield section.title
    for one in section.findings:
        mark = one.level if one.level != BAD else "BAD"
        head = f"  {mark:<4}  {one.name:<{_NAME_CHARS}}  {one.found}"
        behind = f"{head}: {one.todo}" if one.todo else head
        if "\n" not in behind and len(behind) <= width:
            yield behind
            continue
        yield from _folded(head + (":" if one.todo else ""), width, " " * (_NAME_CHARS + 10))
        for line in one.todo.splitlines():
            yield from [f"{_INDENT}{line}"] if line.startswith(_COMMANDS) else _folded(_INDENT + line, width, _INDENT)


def _folded(line: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def verdict(sections: Sequence[Section]) -> str:
    """Sum everything up in one line."""
    levels = [one.level for section in sections for one in section.findings]
    bad_n, warn_n = levels.count(BAD), levels.count(WARN)
    if not bad_n and not warn_n:
        return "All is well."
    parts = [f"{bad_n} to put right"] if bad_n else ["nothing to put right"]
    parts += [f"{warn_n} to know about"] if warn_n else []
    return f"{', '.join(parts)}.".capitalize()


def as_json(sections: Sequence[Section]) -> dict[str, Any]:
    """Give everything as JSON can hold it."""
    return {"exit_code": exit_code(sections), "sections": [asdict(section) for section in sections]}
