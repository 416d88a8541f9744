"""The project's own pressure CSV, for recordings of other makes and for spreadsheets.

`#` lines are comments (`# unit: N` names the unit: N, N/cm2, kPa or counts). The header is
`time_s` and columns `(left|right)_(heel|midfoot|forefoot|toes)_<name>`, comma separated; an
empty cell is no sample. Within a zone the columns run from the medial to the lateral edge of the
foot.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, TextIO

import numpy as np

from retrosole.errors import DamagedDataError
from retrosole.session.importers.common import SIDES, ZONES, Recording, SideRecording, check_side
from retrosole.session.importers.table import data_lines, parse_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = ("N", "N/cm2", "kPa", "counts", "unknown")
_COLUMN = re.compile(r"^(left|right)_(heel|midfoot|forefoot|toes)_(\w+)$")
_UNIT = re.compile(r"^#\s*unit:\s*(\S+)\s*$")
_HEADER = re.compile(r"^time_s\b.*$", re.MULTILINE)


def recognises(text: str) -> bool:
    """Say whether the first line that is no comment begins with `time_s`."""
    first = next((line for line in text.split("\n") if not line.startswith("#")), "")
    return first.startswith("time_s")


def read(text: str) -> Recording:
    """Read the sides that have columns.

    Raises DamagedDataError, naming the line.
    """
    match = _HEADER.search(text)
    start = match.start() if match else 0
    header_line = text.count("\n", 0, start) + 1
    header = [title.strip() for title in text[start:].split("\n", 1)[0].split(",")]
    columns = _columns(header, header_line)
    unit = _unit(text[:start])
    lines = data_lines(text, after=header_line)
    table = parse_table(lines, len(header), range(len(header)), ",")
    sides = {}
    for side in SIDES:
        if chosen := [k for k, (name, _, _) in columns.items() if name == side]:
            sides[side] = _side(table, columns, chosen, unit)
            check_side(sides[side], lines.numbers)
    return Recording("pressure_csv", sides)


def write_pressure_csv(recording: Recording, out: TextIO) -> int:
    """Write a recording as pressure CSV; a side that has no row at some time gets empty cells.

    Values are written so that reading them back gives the same numbers. Returns the number of rows.
    """
    units = {side.unit for side in recording.sides.values()}
    out.write(f"# unit: {units.pop() if len(units) == 1 else 'unknown'}\n")
    time_s = np.unique(np.concatenate([side.time_s for side in recording.sides.values()]))
    titles, blocks = ["time_s"], []
    for name, side in recording.sides.items():
        # In medial to lateral order, which is all that a reader of the columns can go by.
        order = sorted(range(len(side.names)), key=lambda k: (ZONES.index(side.zones[k]), side.across[k]))
        titles += [f"{name}_{side.zones[k]}_{side.names[k]}" for k in order]
        block = np.full((len(time_s), len(order)), np.nan)
        block[np.searchsorted(time_s, side.time_s)] = side.pressure[:, order]
        blocks.append(block)
    out.write(",".join(titles) + "\n")
    for row in np.column_stack([time_s, *blocks]).tolist():
        out.write(",".join("" if math.isnan(value) else repr(value) for value in row) + "\n")
    return len(time_s)


def _columns(header: list[str], header_line: int) -> dict[int, tuple[str, str, str]]:
    columns = {}
    for k, title in enumerate(header[1:], start=1):
        match = _COLUMN.match(title)
        if match is None:
            raise DamagedDataError(
                f"line {header_line}, column {k + 1}: {title!r}, expected"
                " (left|right)_(heel|midfoot|forefoot|toes)_<name>"
            )
        columns[k] = (match[1], match[2], match[3])
    doubled = [title for title, n in Counter(header).items() if n > 1]
    if doubled or not columns or header[0] != "time_s":
        got = f"column {doubled[0]!r} twice" if doubled else f"{','.join(header)[:40]!r}"
        raise DamagedDataError(
            f"line {header_line}: {got}, expected time_s and different columns such as left_heel_medial"
        )
    return columns


def _unit(head: str) -> str:
    for k, line in enumerate(head.split("\n")):
        if match := _UNIT.match(line):
            unit = match[1].replace("²", "2")
            if unit not in UNITS:
                raise DamagedDataError(f"line {k + 1}: unit {unit!r}, expected one of {', '.join(UNITS)}")
            return unit
    return "unknown"


def _side(
    table: NDArray[np.float64],
    columns: dict[int, tuple[str, str, str]],
    chosen: list[int],
    unit: str,
) -> SideRecording:
    zones = tuple(columns[k][1] for k in chosen)
    seen: Counter[str] = Counter()
    across = []
    for zone in zones:
        across.append((seen[zone] + 0.5) / zones.count(zone))
        seen[zone] += 1
    names = tuple(columns[k][2] for k in chosen)
    return SideRecording(table[:, 0], table[:, chosen], names, zones, tuple(across), unit)
