"""Read tables of reference events: what an unhurried reader, or another instrument, says of each stance.

A table is CSV with a header; times are seconds on the clock of the recording, empty where the event was not seen. Its
own words become those of the project: foot L/R is the side, foot_off is final_contact, order toe_first is
forefoot_first and flat is together.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.strides import NOT_SEEN, Stride

COLUMNS = (
    "foot",
    "initial_contact_s",
    "heel_on_s",
    "forefoot_on_s",
    "heel_off_s",
    "forefoot_off_s",
    "foot_off_s",
    "order",
    "flag",
)
FLAGS = ("ok", "atypical", "edge", "region")
TOGETHER_S = 0.020

_SIDES = {"L": "left", "R": "right"}
_ORDERS = {"heel_first": "heel_first", "toe_first": "forefoot_first", "flat": "together", "none": "unknown"}


@dataclass(frozen=True)
class Reference:
    """Hold one stance of the reference and how far it is to be trusted.

    `flag` is ok | atypical (a turn, a stop, standing) | edge (cut by the end of the recording) | region (a zone did not
    load): only `ok` is scored, of the others it is asked whether there was a stance at all.
    """

    stride: Stride
    flag: str = "ok"

    @property
    def is_ok(self) -> bool:
        """Say whether the stance is scored."""
        return self.flag == "ok"

    @property
    def span_s(self) -> tuple[float, float]:
        """Give start and end of the stance, in seconds; infinite where the recording cuts it off."""
        start_s, end_s = self.stride.initial_contact_s, self.stride.final_contact_s
        return (-math.inf if math.isnan(start_s) else start_s, math.inf if math.isnan(end_s) else end_s)


def read_reference(path: Path, direction: str = "unknown") -> tuple[Reference, ...]:
    """Read a table of reference events, in the order of its rows; the strides of a side are numbered from 0.

    The table does not say in which `direction` they were walked: that is the caller's to know. Raises UsageError if the
    file cannot be opened, DamagedDataError, naming the line, if it is no such table.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot open the reference events {path}: {error.strerror or error}; check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise DamagedDataError(f"{path}: not a text file ({error.reason}), expected reference events as CSV") from error
    rows = list(csv.reader(text.splitlines()))
    header = tuple(rows[0]) if rows else ()
    if header != COLUMNS:
        raise DamagedDataError(f"{path}: the header is {','.join(header)[:60]!r}, expected {','.join(COLUMNS)}")
    numbers = dict.fromkeys(_SIDES.values(), 0)
    references = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            reference = _reference(row, direction)
        except ValueError as error:
            raise DamagedDataError(f"{path}: line {line}: {error}") from error
        side = reference.stride.side
        references.append(replace(reference, stride=replace(reference.stride, stride=numbers[side])))
        numbers[side] += 1
    return tuple(references)


def exchanged(references: tuple[Reference, ...], direction: str) -> tuple[Reference, ...]:
    """Exchange heel and forefoot in every stance, as for a recording in which their signals are exchanged."""
    return tuple(replace(r, stride=_exchanged(r.stride, direction)) for r in references)


def _exchanged(stride: Stride, direction: str) -> Stride:
    return replace(
        stride,
        forefoot_on_s=stride.heel_on_s,
        heel_on_s=stride.forefoot_on_s,
        forefoot_off_s=stride.heel_off_s,
        heel_off_s=stride.forefoot_off_s,
        contact_order=_OTHER_ORDER.get(stride.contact_order, stride.contact_order),
        lift_order=_OTHER_ORDER.get(stride.lift_order, stride.lift_order),
        direction=direction,
    )


_OTHER_ORDER = {"heel_first": "forefoot_first", "forefoot_first": "heel_first"}


def _reference(row: list[str], direction: str) -> Reference:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} cells, expected {len(COLUMNS)}")
    cells = dict(zip(COLUMNS, row, strict=True))
    times_s = {name: _time_s(name, cells[name]) for name in COLUMNS[1:7]}
    stride = Stride(
        side=_word("foot", cells["foot"], _SIDES),
        stride=0,
        initial_contact_s=times_s["initial_contact_s"],
        forefoot_on_s=times_s["forefoot_on_s"],
        heel_on_s=times_s["heel_on_s"],
        forefoot_off_s=times_s["forefoot_off_s"],
        heel_off_s=times_s["heel_off_s"],
        final_contact_s=times_s["foot_off_s"],
        contact_order=_word("order", cells["order"], _ORDERS),
        lift_order=_order(times_s["forefoot_off_s"], times_s["heel_off_s"]),
        direction=direction,
    )
    return Reference(stride, _word("flag", cells["flag"], dict(zip(FLAGS, FLAGS, strict=True))))


def _time_s(name: str, cell: str) -> float:
    if not cell:
        return NOT_SEEN
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{name} is {cell!r}, expected seconds or an empty cell")
    return value


def _word(name: str, cell: str, words: dict[str, str]) -> str:
    if cell not in words:
        raise ValueError(f"{name} is {cell!r}, expected {' or '.join(words)}")
    return words[cell]


def _order(forefoot_s: float, heel_s: float) -> str:
    if math.isnan(forefoot_s) or math.isnan(heel_s):
        return "unknown"
    if abs(forefoot_s - heel_s) <= TOGETHER_S:
        return "together"
    return "forefoot_first" if forefoot_s < heel_s else "heel_first"
