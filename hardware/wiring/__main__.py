"""Write the wiring's picture, and its table in the build guide: python -m hardware.wiring [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from hardware.generated import between_marks, write_or_check
from hardware.pins import read_pins
from hardware.wiring.picture import draw
from hardware.wiring.plan import table

PICTURE = Path(__file__).resolve().parent / "devkitc.svg"
GUIDE = PICTURE.parents[1] / "BUILD.md"


def made() -> dict[Path, bytes]:
    """Make the picture and the guide with its table."""
    pins = read_pins("esp32_devkitc")
    guide = between_marks(GUIDE.read_text(encoding="utf-8"), "wiring", table(pins))
    return {PICTURE: draw(pins), GUIDE: guide.encode()}


if __name__ == "__main__":
    sys.exit(write_or_check(made(), "Write the wiring's picture and table.", sys.argv[1:]))
