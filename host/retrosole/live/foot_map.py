"""Draw a foot from above, toes up, with a disc at every sensor: the fuller the load, the lighter
the disc.

Pure: the same loads give the same rows. The outline is stylised (shorter and wider than a foot) so
that three sensors fit across the ball of the foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from retrosole.live import braille
from retrosole.live.palette import OUTLINE, load_colours, percent, zone_colour
from retrosole.live.rows import Row, Span, plain

LARGE = (18, 16)  # width and height in cells
SMALL = (15, 10)

# A right foot, x from the big-toe side (0) to the little-toe side (1), y from the toes (0) to the
# heel (1)
_SITE = {
    "hallux": (0.24, 0.12),
    "toes": (0.55, 0.13),
    "met1": (0.19, 0.31),
    "met3": (0.50, 0.31),
    "met5": (0.81, 0.40),
    "midfoot_medial": (0.36, 0.60),
    "midfoot_lateral": (0.67, 0.60),
    "heel_medial": (0.36, 0.85),
    "heel_lateral": (0.66, 0.85),
}
_OUTLINE = (
    (0.22, 0.00), (0.06, 0.07), (0.02, 0.22), (0.02, 0.38), (0.10, 0.52), (0.17, 0.66),
    (0.16, 0.80), (0.21, 0.93), (0.36, 0.995), (0.66, 0.995), (0.82, 0.93), (0.88, 0.78),
    (0.92, 0.62), (0.98, 0.46), (0.98, 0.32), (0.90, 0.19), (0.74, 0.07), (0.52, 0.00),
    (0.36, 0.005),
)  # fmt: skip


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
        if spot.site in _SITE:
            _put(cells, spot, side == "left")
    rows = [_merge(row) for row in cells]
    return rows + [_beside_row(spot, width) for spot in spots if spot.site not in _SITE]


def _put(cells: list[list[Span]], spot: Spot, mirrored: bool) -> None:
    width, height = len(cells[0]), len(cells)
    x, y = _SITE[spot.site]
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
    points = _smooth(np.array(_OUTLINE))
    x = np.where(mirrored, 1 - points[:, 0], points[:, 0])
    dots = np.zeros((height * braille.DOT_ROWS, width * braille.DOT_COLUMNS), dtype=np.bool_)
    rows = np.rint(points[:, 1] * (dots.shape[0] - 1)).astype(int).clip(0, dots.shape[0] - 1)
    columns = np.rint(x * (dots.shape[1] - 1)).astype(int).clip(0, dots.shape[1] - 1)
    dots[rows, columns] = True
    return tuple(line.replace("\u2800", " ") for line in braille.encode(dots))


def _smooth(corners: braille.Floats, step_n: int = 40) -> braille.Floats:
    """Run a closed Catmull-Rom curve through `corners` (n, 2)."""
    p0, p1, p2, p3 = (np.roll(corners, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, step_n, endpoint=False)[:, None]
    curve = (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * (p1 - p2) + p3 - p0) * t**3
    )
    return np.asarray(curve / 2).reshape(-1, 2)
