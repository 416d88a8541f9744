"""Write the wiring's picture, and the tables of the build guide: python -m hardware.wiring [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from hardware.generated import between_marks, write_or_check
from hardware.pins import read_pins
from hardware.wiring.pads import pads_table, parts_table
from hardware.wiring.picture import draw
from hardware.wiring.plan import options_table, table

PICTURE = Path(__file__).resolve().parent / "devkitc.svg"
GUIDE = PICTURE.parents[1] / "BUILD.md"


def made() -> dict[Path, bytes]:
    """Make the picture and the guide with its tables."""
    pins = read_pins("esp32_devkitc")
    guide = GUIDE.read_text(encoding="utf-8")
    tables = {"wiring": table(pins), "options": options_table(pins), "pads": pads_table(), "parts": parts_table()}
    for name, rows in tables.items():
        guide = between_marks(guide, name, rows)
    return {PICTURE: draw(pins), GUIDE: guide.encode()}


if __name__ == "__main__":
    sys.exit(write_or_check(made(), "Write the wiring's picture and the guide's tables.", sys.argv[1:]))
