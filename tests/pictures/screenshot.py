"""Pictures of pages as Chromium shows them: in one font wherever they are made, and small enough for a guide."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

FONT = "DejaVu Sans"
_COLOUR_N = 64
_SET = f"body {{ font-family: '{FONT}', sans-serif; }}"


@contextlib.contextmanager
def opened(browser: Any, url: str, size: tuple[int, int]) -> Iterator[Any]:
    """Open a page in a window of this size, in light colours."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="light", bypass_csp=True
    )  # else the live view's page would refuse the font
    page = context.new_page()
    page.goto(url)
    page.add_style_tag(content=_SET)
    yield page
    context.close()


def save(picture: bytes, path: Path) -> None:
    """Write a PNG with few colours: a page has no more."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(_COLOUR_N, dither=Image.Dither.NONE).save(path, optimize=True)


def shown(browser: Any, page: Path, path: Path, size: tuple[int, int], only: str = "") -> None:
    """Save what is seen first of a page in a window of this size; with `only` the first thing it selects."""
    with opened(browser, page.as_uri(), size) as tab:
        save((tab.locator(only).first if only else tab).screenshot(), path)
