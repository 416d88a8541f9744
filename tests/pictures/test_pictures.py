"""Every picture of the guides is made again, and compared with the one that is shown."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.machines import ROOT, need
from tests.pictures.make import make_all
from tests.pictures.screenshot import FONT

pytestmark = pytest.mark.slow

SHOWN = ROOT / "docs" / "pictures"
NAMES = sorted(path.name for path in SHOWN.iterdir())
MOST_BYTES = 150_000
GRAIN_PX = 8  # finer than that, another version of Chromium sets the same words otherwise
MOST_OFF = 3.0  # of 255, in the mean; an empty page is 9 and more away


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("micropython")
    out = tmp_path_factory.mktemp("pictures")
    make_all(out, tmp_path_factory.mktemp("scratch"))
    return out


@pytest.fixture(scope="module")
def _font() -> None:
    """Skip aloud where the pages' font is not installed, in CI fail: in another one every line is elsewhere."""
    told = (
        subprocess.run(["fc-match", FONT], capture_output=True, text=True, check=False)
        if shutil.which("fc-match")
        else None
    )
    if told is None or FONT not in told.stdout:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{FONT} must be there in CI")
        pytest.skip(f"NO {FONT.upper()}, PICTURES OF PAGES NOT COMPARED: install Debian's fonts-dejavu-core")


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").reduce(GRAIN_PX), dtype=float)


def test_those_that_are_made_are_those_that_are_shown(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".svg")])
def test_a_drawing_of_the_terminal_is_the_same_text(made: Path, name: str) -> None:
    assert (made / name).read_text("utf-8") == (SHOWN / name).read_text("utf-8"), "run make picture"


@pytest.mark.usefixtures("_font")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".png")])
def test_a_picture_of_a_page_looks_the_same(made: Path, name: str) -> None:
    now, shown = pixels(made / name), pixels(SHOWN / name)
    assert now.shape == shown.shape
    assert np.abs(now - shown).mean() < MOST_OFF, "run make picture"


def test_pictures_are_small() -> None:
    assert {path.name for path in SHOWN.iterdir() if path.stat().st_size >= MOST_BYTES} <= {"live.svg"}
