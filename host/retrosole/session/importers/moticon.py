"""Moticon OpenGo text export: 16 pressure sensors under each foot, N/cm2, 100 Hz; or counts, as this program writes it.

A head of `#` lines, the last of which begins with `# time` and names the tab-separated columns. The
sides start and stop at different times: their cells are empty there. Accelerations, angular rates,
events and steps are left out.
"""

from __future__ import annotations

import re

import numpy as np

from retrosole.errors import DamagedDataError
from retrosole.session.importers.common import Recording, SideRecording, check_side
from retrosole.session.importers.table import SEPARATORS, data_lines, parse_table, shown

SENSOR_N = 16

# Sensors count from heel to toe. The places across the foot follow from the export's own centre
# of pressure (regressed on the pressures): odd medial and even lateral up to 8, then 9 to 13 and
# 14 to 16 from medial to lateral.
_ZONES = ("heel",) * 4 + ("midfoot",) * 4 + ("forefoot",) * 5 + ("toes",) * 3
_ACROSS = (0.0, 1.0) * 4 + (0.0, 0.25, 0.5, 0.75, 1.0) + (0.0, 0.5, 1.0)
_NAMES = tuple(str(k + 1) for k in range(SENSOR_N))
# The unit sign may be mangled by another text encoding, so it is not compared, unless it says counts.
_PRESSURE = re.compile(r"^(left|right) pressure (\d+)\[")
_COUNTS = "[counts]"
# With other separators it is one too, to be told so.
_HEADER = re.compile(r"^# time(\t|[;,](?=(left|right) ))", re.MULTILINE)


def recognises(text: str) -> bool:
    """Say whether the text begins with a comment and has a `# time` header."""
    return text.startswith("#") and _HEADER.search(text) is not None


def read(text: str) -> Recording:
    """Read the sides that have samples.

    Raises DamagedDataError, naming the line.
    """
    match = _HEADER.search(text)
    start = match.start() if match else 0
    header_line = text.count("\n", 0, start) + 1
    title = text[start:].split("\n", 1)[0].removeprefix("# ")
    if not title.startswith("time\t"):
        raise DamagedDataError(
            f"line {header_line}: the titles in {shown(title)} are separated by {SEPARATORS[title[4]]}, expected tabs"
        )
    header = title.split("\t")
    columns = _pressure_columns(header, header_line)
    lines = data_lines(text, after=header_line)
    wanted = [0] + [column for side in columns.values() for column in side]
    table = parse_table(lines, len(header), wanted, "\t")
    sides = {}
    for k, name in enumerate(columns):
        pressure = table[:, 1 + k * SENSOR_N : 1 + (k + 1) * SENSOR_N]
        unit = "counts" if all(header[column].endswith(_COUNTS) for column in columns[name]) else "N/cm2"
        side = SideRecording(table[:, 0], pressure, _NAMES, _ZONES, _ACROSS, unit)
        check_side(side, lines.numbers)
        if not np.isnan(pressure).all():
            sides[name] = side
    if not sides:
        raise DamagedDataError("no pressure sample on either side, expected at least one side")
    return Recording("moticon", sides)


def _pressure_columns(header: list[str], header_line: int) -> dict[str, list[int]]:
    found: dict[str, dict[int, int]] = {}
    for column, title in enumerate(header):
        if match := _PRESSURE.match(title):
            found.setdefault(match[1], {})[int(match[2])] = column
    if not found:
        raise DamagedDataError(
            f"line {header_line}: no pressure columns, expected 'left pressure 1[N/cm²]' and so on;"
            " export again with pressures"
        )
    for side, sensors in found.items():
        if sorted(sensors) != list(range(1, SENSOR_N + 1)):
            raise DamagedDataError(
                f"line {header_line}: {len(sensors)} {side} pressure columns, expected 1 to {SENSOR_N}"
            )
    return {side: [sensors[k + 1] for k in range(SENSOR_N)] for side, sensors in found.items()}
