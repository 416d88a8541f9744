"""PhysioNet "Gait in Parkinson's Disease" (gaitpdb): 8 force sensors under each foot, N, 100 Hz.

Format: https://physionet.org/content/gaitpdb/1.0.0/format.txt, 19 tab-separated numbers a line:
time s, left sensors 1 to 8, right sensors 1 to 8, left sum, right sum.
"""

from __future__ import annotations

from retrosole.session.importers.common import Recording, SideRecording, check_side
from retrosole.session.importers.table import data_lines, parse_table

COLUMN_N = 19
SENSOR_N = 8

# Places by format.txt: 1, 2, 3 at y = -800 and -400, 4, 5 at 0, 6, 7 at +400, 8 at +800 (y
# forward). In the data 1 loads first, then 2 and 3, last 6, 7 and 8.
_ZONES = ("heel", "heel", "heel", "midfoot", "midfoot", "forefoot", "forefoot", "toes")
# From x: the odd ones of each pair are medial.
_ACROSS = (0.5, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.5)
_NAMES = tuple(str(k + 1) for k in range(SENSOR_N))
_FIRST_COLUMN = {"left": 1, "right": 1 + SENSOR_N}


def recognises(text: str) -> bool:
    """Say whether the first line is a row of numbers, tab separated (of 19, or torn)."""
    cells = text[: text.find("\n")].split("\t") if "\n" in text else text.split("\t")
    return len(cells) > 1 and all(_is_number(cell) for cell in cells[:2])


def read(text: str) -> Recording:
    """Read both feet; the sums in the last two columns are left out, they follow from the sensors.

    Raises DamagedDataError, naming the line.
    """
    lines = data_lines(text)
    table = parse_table(lines, COLUMN_N, range(COLUMN_N - 2), "\t")
    sides = {}
    for name, first in _FIRST_COLUMN.items():
        side = SideRecording(table[:, 0], table[:, first : first + SENSOR_N], _NAMES, _ZONES, _ACROSS, "N")
        check_side(side, lines.numbers)
        sides[name] = side
    return Recording("gaitpdb", sides)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
