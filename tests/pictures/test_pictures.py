"""Every picture of the guides is made again, and compared with the one that is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.machines import ROOT, need
from tests.pictures.make import make_all
from tests.pictures.screenshot import FONT

SHOWN = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
_DRAWN = re.compile(r'>([^<>]+)</text>| d="([^"]+)"')
GRAIN_PX = 8  # finer than that, another version of Chromium sets the same words otherwise
MOST_OFF = 3.0  # of 255, in the mean; an empty page is 9 and more away


@pytest.mark.slow
def test_pictures_are_what_the_program_shows(tmp_path: Path) -> None:
    """One test: making them takes long, and workers share nothing."""
    need("micropython")
    (tmp_path / "made").mkdir()
    made = make_all(tmp_path / "made", tmp_path / "scratch")
    assert [path.name for path in made] == sorted(path.name for path in SHOWN.iterdir())
    others = [path.name for path in made if path.suffix == ".svg" and drawn(path) != drawn(shown(path))]
    assert others == [], "run make picture, and look at what has changed"
    _need_font()
    off = {path.name: difference(path, shown(path)) for path in made if path.suffix == ".png"}
    assert {name: one for name, one in off.items() if one >= MOST_OFF} == {}, "run make picture, and look"


def shown(made: Path) -> Path:
    return SHOWN / made.name


def drawn(svg: Path) -> list[tuple[str, str]]:
    """Give words and shapes of a drawing; how its classes are named depends on the version of Rich."""
    return _DRAWN.findall(svg.read_text("utf-8"))


def difference(one: Path, other: Path) -> float:
    """Give by how much two pictures differ in the mean, of 255; 255 for those of other sizes."""
    a, b = (Image.open(path).convert("RGB") for path in (one, other))
    if a.size != b.size:
        return 255.0
    return float(np.abs(np.subtract(*(np.asarray(image.reduce(GRAIN_PX), dtype=float) for image in (a, b)))).mean())


def _need_font() -> None:
    """Skip aloud where the font of the pages is not installed, in CI fail: in another one every line is elsewhere."""
    program = shutil.which("fc-match")
    told = subprocess.run([program, FONT], capture_output=True, text=True, check=False).stdout if program else ""
    if FONT not in told:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{FONT} must be there in CI")
        pytest.skip(f"NO {FONT.upper()}, PICTURES OF PAGES NOT COMPARED: install Debian's fonts-dejavu-core")


def test_pictures_are_small() -> None:
    assert [path.name for path in SHOWN.glob("*.png") if path.stat().st_size >= MOST_BYTES] == []


def test_another_picture_is_another(tmp_path: Path) -> None:
    """What is compared tells a page from an empty one, and from one that is longer by a line."""
    page = Image.open(SHOWN / "trend.png").convert("RGB")
    for name, other in (
        ("empty", Image.new("RGB", page.size, "white")),
        ("moved", Image.new("RGB", page.size, "white")),
    ):
        if name == "moved":
            other.paste(page, (0, 24))
        other.save(tmp_path / f"{name}.png")
        assert difference(tmp_path / f"{name}.png", SHOWN / "trend.png") > MOST_OFF
    assert difference(SHOWN / "trend.png", SHOWN / "report.png") == 255.0
