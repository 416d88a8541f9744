"""The project's own pressure CSV, for recordings of other makes and for spreadsheets.

`#` lines are comments (`# unit: N`, wherever it stands, names the unit: N, N/cm2, kPa or counts).
The header is `time_s` and columns `(left|right)_(heel|midfoot|forefoot|toes)_<name>`, comma
separated; an empty cell is no sample. Within a zone the columns run from the medial to the lateral
edge of the foot. Upper and lower case, blanks around titles and quotes around them are all one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, TextIO

import numpy as np

from retrosole.errors import DamagedDataError
from retrosole.session.importers.common import SIDES, ZONES, Recording, SideRecording, check_side
from retrosole.session.importers.table import SEPARATORS, data_lines, first_row, is_comment, parse_table, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = ("N", "N/cm2", "kPa", "counts", "unknown")
EXAMPLE = "time_s,left_heel_medial,left_forefoot_met1"
_COLUMN = re.compile(r"^(left|right)_(heel|midfoot|forefoot|toes)_(\w+)$", re.IGNORECASE)
_UNIT = re.compile(r"^[\s\"]*#\s*units?\s*[:=](.*)$", re.IGNORECASE)
_UNIT_KEYS = {unit.lower(): unit for unit in UNITS}
_SAME_UNIT = str.maketrans({"²": "2", "\N{REPLACEMENT CHARACTER}": "2", "^": None, " ": None, "\t": None})


def recognises(text: str) -> bool:
    """Say whether the first line that is no comment begins with `time_s`."""
    return _is_header(first_row(text)[1])


def read(text: str) -> Recording:
    """Read the sides that have columns.

    Raises DamagedDataError, naming the line.
    """
    header_line, header = first_row(text)
    _check_separator(header, header_line)
    titles = [_bare(title) for title in header.split(",")]
    columns = _columns(titles, header_line)
    unit = _unit(text)
    lines = data_lines(text, after=header_line)
    table = parse_table(lines, len(titles), range(len(titles)), ",")
    sides = {}
    for side in SIDES:
        if chosen := [k for k, (name, _, _) in columns.items() if name == side]:
            sides[side] = _side(table, columns, chosen, unit)
            check_side(sides[side], lines.numbers)
    return Recording("pressure_csv", sides)


def misplaced_header(text: str) -> str:
    """Say what is wrong with the header of a text that is like pressure CSV; an empty text if it is not like it."""
    first, row = first_row(text)
    for number, line in enumerate(text.split("\n"), start=1):
        if _is_header(line.lstrip("# \t")) and any(_COLUMN.match(title) for title in _titles(line)):
            if is_comment(line):
                return f"line {number}: the header {shown(line)} is a comment; expected it without #"
            above = f"line {first}, {shown(row)}"
            return f"line {number}: the header stands behind {above}; expected nothing but # lines above"
    if any(_COLUMN.match(title) for title in _titles(row)):
        return f"line {first}: the first column is {_titles(row)[0]!r}, expected time_s, in seconds"
    if row and all(_is_number(cell) for cell in _titles(row)):
        return (
            f"line {first}: {shown(row)} is data without a header; expected a line such as '{EXAMPLE}' above it"
            " (pressure CSV), or 19 numbers with tabs between them (PhysioNet gaitpdb)"
        )
    return ""


def _is_header(line: str) -> bool:
    return _bare(line).lower().startswith("time_s")


def _bare(title: str) -> str:
    return title.strip(' \t"')


def _titles(line: str) -> list[str]:
    """Split a line at whatever separates its cells; a line of one cell is that cell."""
    n, separator = max((line.count(separator), separator) for separator in SEPARATORS)
    return [_bare(title) for title in line.split(separator)] if n else [_bare(line)]


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(",", ".").lstrip("+-").replace(".", "", 1).isdecimal()


def _check_separator(header: str, header_line: int) -> None:
    found = [word for separator, word in SEPARATORS.items() if separator in header.strip()]
    if found and found[0] != "commas":
        raise DamagedDataError(
            f"line {header_line}: the titles in {shown(header)} are separated by {found[0]}, expected commas,"
            " and points in numbers"
        )


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
        columns[k] = (match[1].lower(), match[2].lower(), match[3])
    doubled = [title for title, n in Counter(map(str.lower, header)).items() if n > 1]
    if doubled or not columns or header[0].lower() != "time_s":
        got = f"column {doubled[0]!r} twice" if doubled else f"{','.join(header)[:40]!r}"
        raise DamagedDataError(
            f"line {header_line}: {got}, expected time_s and different columns such as left_heel_medial"
        )
    return columns


def _unit(text: str) -> str:
    found = ""
    for number, line in enumerate(text.split("\n") if "#" in text else (), start=1):
        if not (match := _UNIT.match(line)):
            continue
        typed = match[1].strip(' \t",;')  # a spreadsheet fills the line up with separators
        unit = _UNIT_KEYS.get(typed.translate(_SAME_UNIT).lower())
        if unit is None:
            raise DamagedDataError(f"line {number}: unit {typed!r}, expected one of {', '.join(UNITS)}")
        if found and unit != found:
            raise DamagedDataError(f"line {number}: unit {unit} after unit {found}, expected one for all")
        found = unit
    return found or "unknown"


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
