"""Every picture of the guides is made again, and compared with the one that is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.machines import ROOT, need
from tests.pictures.make import make_all

pytestmark = pytest.mark.slow

SHOWN = ROOT / "docs" / "pictures"
NAMES = sorted(path.name for path in SHOWN.iterdir())
MOST_BYTES = 150_000
# Mean difference of a pixel, of 255. Another version of Chromium, or other fonts, set the same words a little otherwise;
# another foot, or figures that are other ones, change more.
MOST_OFF = 6.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("micropython")
    out = tmp_path_factory.mktemp("pictures")
    make_all(out, tmp_path_factory.mktemp("scratch"))
    return out


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_those_that_are_made_are_those_that_are_shown(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_what_the_program_shows(made: Path, name: str) -> None:
    if name.endswith(".svg"):
        assert (made / name).read_text("utf-8") == (SHOWN / name).read_text("utf-8"), "run make picture"
        return
    assert (SHOWN / name).stat().st_size < MOST_BYTES
    now, shown = pixels(made / name), pixels(SHOWN / name)
    assert now.shape == shown.shape
    assert np.abs(now - shown).mean() < MOST_OFF, "run make picture"
