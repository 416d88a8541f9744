"""Pictures of pages as Chromium shows them, small enough for a guide."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

_COLOUR_N = 64


def save(picture: bytes, path: Path) -> None:
    """Write a PNG with few colours: a page has no more."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(_COLOUR_N, dither=Image.Dither.NONE).save(path, optimize=True)


def shown(browser: Any, page: Path, path: Path, size: tuple[int, int], only: str = "") -> None:
    """Save what is seen first of a page in a window of this size; with `only` the first thing it selects."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme="light")
    tab = context.new_page()
    tab.goto(page.as_uri())
    save((tab.locator(only).first if only else tab).screenshot(), path)
    context.close()
