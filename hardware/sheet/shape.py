"""The sheet's geometry in millimetres: outline with the cable's tongue, pads and the lanes of their wires.

Computed for a right foot seen from above, x from the inner edge to the outer, y from the heel's back to the toes; a
left one is its mirror image. All numbers come from sheet.toml.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hardware.drawing import Point

_STEP_N = 5  # points of the curve from corner to corner: less than 0.1 mm off it
DATA: dict[str, Any] = tomllib.loads((Path(__file__).parent / "sheet.toml").read_text(encoding="utf-8"))
SIZES = range(DATA["sizes"]["first"], DATA["sizes"]["last"] + 1)


@dataclass(frozen=True)
class Sensor:
    """Hold a site's centre, the corners of its part's tail and the run of its wires from there to the hub."""

    site: str
    centre: Point
    tail: tuple[Point, ...]
    lane: tuple[Point, ...]


@dataclass(frozen=True)
class Sheet:
    """Hold a sheet of a right foot: `edge` without the cable's tongue, `cut` with it."""

    size: int
    foot_mm: float
    length_mm: float
    breadth_mm: float
    edge: tuple[Point, ...]
    cut: tuple[Point, ...]
    fold: tuple[Point, Point]
    sensors: tuple[Sensor, ...]


def sheet(size: int) -> Sheet:
    """Work out the sheet of an EU size."""
    sizes = DATA["sizes"]
    foot = size * sizes["point_mm"] - sizes["allowance_mm"]
    length = foot + sizes["toe_room_mm"]
    breadth = sizes["breadth_mm"] + (size - sizes["first"]) * sizes["breadth_step_mm"]
    edge = tuple((x * breadth, (1 - y) * length) for x, y in _curve(DATA["outline"]["corners"]))
    cut, fold = _with_tongue(edge, foot)
    sensors = tuple(_sensor(site, place, foot, length, breadth) for site, place in DATA["sites"].items())
    return Sheet(size, foot, length, breadth, edge, cut, fold, sensors)


def mirrored(points: Sequence[Point], breadth: float) -> tuple[Point, ...]:
    """Return the points of the other foot."""
    return tuple((breadth - x, y) for x, y in points)


def _curve(corners: Sequence[Sequence[float]]) -> list[Point]:
    """Run a closed Catmull-Rom curve through the corners, and stretch it to fill 0 to 1 both ways."""
    n = len(corners)
    points = [
        _between([corners[(k + shift) % n] for shift in (-1, 0, 1, 2)], step / _STEP_N)
        for k in range(n)
        for step in range(_STEP_N)
    ]
    (left, right), (top, bottom) = ((min(values), max(values)) for values in zip(*points, strict=True))
    return [((x - left) / (right - left), (y - top) / (bottom - top)) for x, y in points]


def _between(four: Sequence[Sequence[float]], t: float) -> Point:
    p, q, r, s = four
    x, y = (
        (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * (b - c) + d - a) * t * t * t) / 2
        for a, b, c, d in zip(p, q, r, s, strict=True)
    )
    return x, y


def _with_tongue(edge: tuple[Point, ...], foot: float) -> tuple[tuple[Point, ...], tuple[Point, Point]]:
    """Put the cable's tongue on the outer side, which the edge runs along from the heel to the toes."""
    cable = DATA["cable"]
    middle, half, root = cable["from_heel"] * foot, cable["breadth_mm"] / 2, cable["root_mm"]
    low, high = middle - half - root, middle + half + root
    ends = [next(k for k, (a, b) in enumerate(pairwise(edge)) if a[1] < at <= b[1]) for at in (low, high)]
    start, end = (_crossing(edge[k], edge[k + 1], at) for k, at in zip(ends, (low, high), strict=True))
    tip = (start[0] + end[0]) / 2 + cable["length_mm"]
    first = [(start[0] + root * (1 - c), low + root * s) for c, s in _quarter()]
    last = [(end[0] + root * (1 - c), high - root * s) for c, s in reversed(_quarter())]
    square = [(tip - 2, middle - half), (tip, middle - half + 2), (tip, middle + half - 2), (tip - 2, middle + half)]
    x = (start[0] + end[0]) / 2 + cable["fold_mm"]
    cut = (*edge[: ends[0] + 1], *first, *square, *last, *edge[ends[1] + 1 :])
    return cut, ((x, middle - half), (x, middle + half))


def _quarter() -> list[Point]:
    return [(math.cos(angle), math.sin(angle)) for angle in (math.radians(30 * k) for k in range(4))]


def _crossing(a: Point, b: Point, y: float) -> Point:
    return a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]), y


def _sensor(site: str, place: dict[str, Any], foot: float, length: float, breadth: float) -> Sensor:
    centre = (place["across"] * breadth, place["from_heel"] * foot)
    hub = (DATA["cable"]["hub"] * breadth, DATA["cable"]["from_heel"] * foot)
    way = [*((x * breadth, (1 - y) * length) for x, y in place["lane"]), hub]
    ahead = _unit(centre, way[0])
    reach, half = DATA["sensor"]["length_mm"] - DATA["sensor"]["disc_mm"] / 2, DATA["sensor"]["tail_mm"] / 2
    near = math.sqrt((DATA["sensor"]["disc_mm"] / 2) ** 2 - half**2)
    tail = tuple(
        (centre[0] + along * ahead[0] - side * ahead[1], centre[1] + along * ahead[1] + side * ahead[0])
        for along, side in ((near, half), (reach, half), (reach, -half), (near, -half))
    )
    return Sensor(site, centre, tail, ((centre[0] + reach * ahead[0], centre[1] + reach * ahead[1]), *way))


def _unit(a: Point, b: Point) -> Point:
    far = math.dist(a, b)
    return (b[0] - a[0]) / far, (b[1] - a[1]) / far
