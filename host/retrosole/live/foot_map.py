"""Draw a foot from above, toes up, with a disc at every sensor: the fuller the load, the lighter
the disc. On it the centre of pressure and the way it went.

Pure: the same loads give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from retrosole.gait.foot_shape import PLACES, outline
from retrosole.live import braille
from retrosole.live.palette import (
    CENTRE,
    CENTRE_DIGIT,
    OUTLINE,
    TRAIL,
    TRAIL_OLD,
    load_colours,
    percent,
    zone_colour,
)
from retrosole.live.rows import Row, Span, merge, plain

LARGE = (18, 16)  # width and height in cells
SMALL = (15, 10)
HUGE = (32, 26)

_ONLY_WITHOUT = {  # sites drawn only when their neighbours have no sensor: there is no room for all
    "met2": ("met1", "met3"),
    "met4": ("met3", "met5"),
    "heel_center": ("heel_medial", "heel_lateral"),
}
_BETWEEN_N = 4  # points of the trail from one to the next


@dataclass(frozen=True)
class Spot:
    """Hold one sensor as the map shows it: site name, zone, load of 0 to 1 (`nan` = missing)."""

    site: str
    zone: str
    load: float


def draw_foot(
    side: str, spots: Sequence[Spot], size: tuple[int, int] = LARGE, trail: braille.Floats | None = None
) -> list[Row]:
    """Draw the foot of one side in `size` cells, then one row for each sensor whose site is not on
    the map.

    From 18 x 15 cells on each sensor is a disc of 5 x 3 cells, below that a plate of 3 x 1. `trail` is (n, 2), where
    the centre of pressure was, as `centre.centre_trail` gives it.
    """
    width, height = size
    cells = [[(char, OUTLINE) for char in row] for row in _outline(side == "left", width, height)]
    sites = {spot.site for spot in spots}
    drawn = [spot for spot in spots if _is_drawn(spot.site, sites)]
    for spot in drawn:
        _put(cells, spot, side == "left")
    if trail is not None:
        _put_trail(cells, trail, side == "left")
    rows = [merge(row) for row in cells]
    return rows + [_beside_row(spot, width) for spot in spots if spot not in drawn]


def map_height(sites: Sequence[str], size: tuple[int, int]) -> int:
    """Give how many rows `draw_foot` makes."""
    return size[1] + sum(not _is_drawn(site, set(sites)) for site in sites)


def _is_drawn(site: str, sites: set[str]) -> bool:
    return site in PLACES and not sites.intersection(_ONLY_WITHOUT.get(site, ()))


def _put_trail(cells: list[list[Span]], trail: braille.Floats, mirrored: bool) -> None:
    """Dot the way between the sensors, older dots fainter, and mark where the centre is now."""
    width, height = len(cells[0]), len(cells)
    points = _joined(trail)
    known = ~np.isnan(points[:, 0])
    x = np.where(known, 1 - points[:, 0] if mirrored else points[:, 0], 0.0)
    columns = np.rint(x * (width * braille.DOT_COLUMNS - 1)).astype(int).tolist()
    rows = np.rint(np.where(known, points[:, 1], 0.0) * (height * braille.DOT_ROWS - 1)).astype(int).tolist()
    for number in np.flatnonzero(known).tolist():
        _dot(cells, rows[number], columns[number], TRAIL if 2 * number > len(points) else TRAIL_OLD)
    if known[-1]:
        line, at = cells[rows[-1] // braille.DOT_ROWS], columns[-1] // braille.DOT_COLUMNS
        char, style = line[at]
        if char.isdigit():
            line[at] = (char, CENTRE_DIGIT)
        else:
            line[at] = ("●", f"{CENTRE} on {style.partition(' on ')[2]}" if " on " in style else CENTRE)


def _joined(trail: braille.Floats) -> braille.Floats:
    """Put points between neighbours; beside an unknown one they are unknown as well."""
    share = np.linspace(1, 0, _BETWEEN_N, endpoint=False)[::-1, None]
    between = trail[:-1, None] + share * (trail[1:, None] - trail[:-1, None])
    return np.concatenate([trail[:1], between.reshape(-1, 2)])


def _dot(cells: list[list[Span]], row: int, column: int, style: str) -> None:
    """Add a dot, unless a sensor is there."""
    line, at = cells[row // braille.DOT_ROWS], column // braille.DOT_COLUMNS
    char = line[at][0]
    if char == " " and " on " not in line[at][1]:
        char = "\u2800"
    if "\u2800" <= char <= "\u28ff":
        line[at] = (braille.with_dot(char, row % braille.DOT_ROWS, column % braille.DOT_COLUMNS), style)


def _put(cells: list[list[Span]], spot: Spot, mirrored: bool) -> None:
    width, height = len(cells[0]), len(cells)
    x, y = PLACES[spot.site]
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


@lru_cache(maxsize=16)
def _outline(mirrored: bool, width: int, height: int) -> tuple[str, ...]:
    points = outline()
    x = np.where(mirrored, 1 - points[:, 0], points[:, 0])
    dots = np.zeros((height * braille.DOT_ROWS, width * braille.DOT_COLUMNS), dtype=np.bool_)
    rows = np.rint(points[:, 1] * (dots.shape[0] - 1)).astype(int).clip(0, dots.shape[0] - 1)
    columns = np.rint(x * (dots.shape[1] - 1)).astype(int).clip(0, dots.shape[1] - 1)
    dots[rows, columns] = True
    return tuple(line.replace("\u2800", " ") for line in braille.encode(dots))
