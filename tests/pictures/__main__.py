"""`make picture`: make every picture of the guides and the README anew, in docs/pictures."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.machines import ROOT
from tests.pictures.make import make_all


def main() -> None:
    """Make them, and say how large they are."""
    with tempfile.TemporaryDirectory() as folder:
        for picture in make_all(ROOT / "docs" / "pictures", Path(folder)):
            print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
