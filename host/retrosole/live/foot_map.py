"""Draw a foot from above, toes up, with a disc at every sensor: the fuller the load, the lighter
the disc.

Pure: the same loads give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from retrosole.gait.foot_shape import SITES, outline
from retrosole.live import braille
from retrosole.live.palette import OUTLINE, load_colours, percent, zone_colour
from retrosole.live.rows import Row, Span, plain

LARGE = (18, 16)  # width and height in cells
SMALL = (15, 10)


@dataclass(frozen=True)
class Spot:
    """Hold one sensor as the map shows it: site name, zone, load of 0 to 1 (`nan` = missing)."""

    site: str
    zone: str
    load: float


def draw_foot(side: str, spots: Sequence[Spot], size: tuple[int, int] = LARGE) -> list[Row]:
    """Draw the foot of one side in `size` cells, then one row for each sensor whose site is not on
    the map.

    From 18 x 15 cells on each sensor is a disc of 5 x 3 cells, below that a plate of 3 x 1.
    """
    width, height = size
    cells = [[(char, OUTLINE) for char in row] for row in _outline(side == "left", width, height)]
    for spot in spots:
        if spot.site in SITES:
            _put(cells, spot, side == "left")
    rows = [_merge(row) for row in cells]
    return rows + [_beside_row(spot, width) for spot in spots if spot.site not in SITES]


def _put(cells: list[list[Span]], spot: Spot, mirrored: bool) -> None:
    width, height = len(cells[0]), len(cells)
    x, y = SITES[spot.site]
    shape = _disc(spot) if width >= 18 and height >= 15 else _plate(spot)
    left = int(x * (width - 1)) - len(shape[0]) // 2
    if mirrored:
        left = width - len(shape[0]) - left
    top = round(y * (height - 1)) - len(shape) // 2
    for dy, row in enumerate(shape):
        for dx, span in enumerate(row):
            if 0 <= top + dy < height and 0 <= left + dx < width:
                cells[top + dy][left + dx] = span


def _disc(spot: Spot) -> list[list[Span]]:
    colour, digit = load_colours(spot.zone, spot.load)
    number = f"{percent(spot.load):^3}"
    middle = [("▐", colour), *((c, f"{digit} on {colour}") for c in number), ("▌", colour)]
    cap, base = ([(c, colour) for c in text] for text in (" ▄▄▄ ", " ▀▀▀ "))
    return [cap, middle, base]


def _plate(spot: Spot) -> list[list[Span]]:
    colour, digit = load_colours(spot.zone, spot.load)
    return [[(c, f"{digit} on {colour}") for c in f"{percent(spot.load):>3}"]]


def _beside_row(spot: Spot, width: int) -> Row:
    number = f"{percent(spot.load)} %"
    name = plain(spot.site).replace("_", " ")[: max(0, width - 6)]
    return ((name.ljust(max(0, width - 6)), zone_colour(spot.zone)), (number.rjust(6), ""))


def _merge(cells: list[Span]) -> Row:
    """Join neighbours of the same style."""
    out: list[Span] = []
    for text, style in cells:
        if out and out[-1][1] == style:
            out[-1] = (out[-1][0] + text, style)
        else:
            out.append((text, style))
    return tuple(out)


@lru_cache(maxsize=16)
def _outline(mirrored: bool, width: int, height: int) -> tuple[str, ...]:
    points = outline()
    x = np.where(mirrored, 1 - points[:, 0], points[:, 0])
    dots = np.zeros((height * braille.DOT_ROWS, width * braille.DOT_COLUMNS), dtype=np.bool_)
    rows = np.rint(points[:, 1] * (dots.shape[0] - 1)).astype(int).clip(0, dots.shape[0] - 1)
    columns = np.rint(x * (dots.shape[1] - 1)).astype(int).clip(0, dots.shape[1] - 1)
    dots[rows, columns] = True
    return tuple(line.replace("\u2800", " ") for line in braille.encode(dots))
