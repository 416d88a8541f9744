"""Write the drawings of all sizes into hardware/sheet/out: python -m hardware.sheet [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

from hardware.generated import between_marks, write_or_check
from hardware.sheet.plan import files, size_table
from hardware.sheet.shape import SIZES, sheet

OUT = Path(__file__).resolve().parent / "out"
README = OUT.parent / "README.md"


def made() -> dict[Path, bytes]:
    """Make all drawings and the table in the README."""
    sheets = [sheet(size) for size in SIZES]
    page = between_marks(README.read_text(encoding="utf-8"), "sizes", size_table(sheets))
    return {**{OUT / name: data for one in sheets for name, data in files(one).items()}, README: page.encode()}


if __name__ == "__main__":
    sys.exit(write_or_check(made(), "Write the sensor sheets' drawings.", sys.argv[1:]))
