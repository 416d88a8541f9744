"""Rows with the pressure of every channel over the window, stances shaded by what touched first, and under them the
stances and the marks on the same time axis.

Where there are less than two rows for each channel, the channels of each zone are drawn together, as their mean load.

The dot columns are tied to sample numbers, not to the edge of the screen: while the picture moves
left, a column keeps its samples and its shape, so nothing shimmers. Where the traces sweep, as on a hospital's
monitor, nothing moves at all: the newest samples take the place of the oldest, and a few cells change, not all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from retrosole.live.braille import DOT_COLUMNS, Floats, Ints, column_ranges, draw_ranges
from retrosole.live.palette import DIM, FAINT, TEXT, WARN, order_colour, order_shade, percent, zone_colour
from retrosole.live.rows import Row, Span, merge, plain
from retrosole.live.state import SPAN_MIN_COUNTS, FootView, Mark

AXIS_ROW_N = 2
_VALUE_WIDTH = 5  # "100 %"
_PLOT_MIN_WIDTH = 8
_CHANNEL_ROW_N = 2  # with less, zones
_HEADROOM = 1.08  # so that a peak does not touch the trace above
_GROUND_LOAD = 0.1  # above it a foot whose stride is not over counts as on the ground
_STANDING_S = 3.0

_Cell = TypeVar("_Cell", str, Span)


@dataclass(frozen=True)
class _Axis:
    """Tie `width` cells to samples: cell 0 begins at sample `first_idx`, each cell holds `cell_n`
    samples. Sweeping, the cells are shown turned by `turn_n`, and the oldest one is left blank."""

    width: int
    first_idx: float
    cell_n: float
    edges: Ints
    turn_n: int | None = None

    def cell(self, time_s: float, rate_hz: float) -> int:
        """Give the cell of a time; outside the window it lies outside 0 to width."""
        return math.floor((time_s * rate_hz - self.first_idx) / self.cell_n)

    def placed(self, cells: list[_Cell], blank: _Cell) -> list[_Cell]:
        """Give the cells, one for each from the oldest to the newest, in the order in which they are shown."""
        if self.turn_n is None:
            return cells
        turned = cells.copy()
        turned[0] = blank
        return turned[-self.turn_n :] + turned[: -self.turn_n] if self.turn_n else turned


def _axis(view: FootView, width: int, sweeps: bool) -> _Axis:
    window_n, column_n = len(view.counts), width * DOT_COLUMNS
    per_column = window_n / column_n
    # even, so that both dot columns of a cell keep their cell
    last = math.floor(view.end_idx / per_column / DOT_COLUMNS) * DOT_COLUMNS + DOT_COLUMNS
    numbers = np.arange(last - column_n, last + 1)
    edges = np.floor(numbers * per_column).astype(np.intp) - (view.end_idx - window_n)
    first_idx = (last - column_n) * per_column
    turn_n = (last // DOT_COLUMNS) % width if sweeps else None
    return _Axis(width, first_idx, per_column * DOT_COLUMNS, np.clip(edges, 0, window_n), turn_n)


@dataclass(frozen=True)
class _Curve:
    """Hold what one trace shows: its name, zone and load now, and per dot column the lowest and the highest value."""

    name: str
    zone: str
    load: float
    low: Floats
    high: Floats
    base: float
    span: float


def trace_rows(view: FootView, width: int, height: int, sweeps: bool = False) -> list[Row]:
    """Draw the channels, each as high as `height` allows, then the stances and the time axis.

    Channels or zones that do not fit are counted in the last row but two. Fewer than 4 rows draw nothing.
    """
    room = height - AXIS_ROW_N
    if room < 2:
        return []
    are_zones = room < _CHANNEL_ROW_N * len(view.zones)
    names = _zone_names(view) if are_zones else view.channel_names
    shown_n, each = _share_out(len(names), room)
    label_width = _label_width(names, each)
    if not view.is_connected:
        view = replace(view, loads=np.full_like(view.loads, np.nan))  # what is on it now, nobody knows
    axis = _axis(view, max(_PLOT_MIN_WIDTH, width - label_width - 1), sweeps)
    shades = _shades(view, axis)
    rows: list[Row] = []
    curves = _zone_curves(view, axis, names) if are_zones else _channel_curves(view, axis)
    for curve in curves[:shown_n]:
        top = curve.base + _HEADROOM * curve.span
        plot = draw_ranges(curve.low, curve.high, each, curve.base, top, fill=True)
        colour = zone_colour(curve.zone)
        labels = _labels(curve, each, label_width)
        plot = ["".join(axis.placed(list(line.replace("\u2800", " ")), " ")) for line in plot]
        rows += [(label, *_shaded(line, colour, shades)) for label, line in zip(labels, plot, strict=True)]
    if shown_n < len(names):
        rows.append(((f"{len(names) - shown_n} more: make the window higher", DIM),))
    return [*rows, _stance_row(view, axis, label_width), _time_row(view, axis, label_width)]


def _zone_names(view: FootView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(view.zones))


def _channel_curves(view: FootView, axis: _Axis) -> list[_Curve]:
    low, high = _ranges(view.counts.T, axis)
    curves = []
    for ch, name in enumerate(view.channel_names):
        base, span = _scale(view, ch)
        curves.append(_Curve(name, view.zones[ch], float(view.loads[ch]), low[ch], high[ch], base, span))
    return curves


def _zone_curves(view: FootView, axis: _Axis, names: Sequence[str]) -> list[_Curve]:
    """Give the mean load of each zone's sensors that are there, from 0 to 1."""
    scales = np.array([_scale(view, ch) for ch in range(len(view.zones))], dtype=np.float32)
    loads = np.clip((view.counts - scales[:, 0]) / scales[:, 1], 0, 1)
    zones = np.array(view.zones)
    members = [zones == name for name in names]
    low, high = _ranges(np.array([_mean(loads[:, member]) for member in members]), axis)
    now = [float(_mean(view.loads[None, member])[0]) for member in members]
    return [_Curve(name, name, now[k], low[k], high[k], 0.0, 1.0) for k, name in enumerate(names)]


def _mean(values: Floats) -> Floats:
    """Average (n, ch) over its channels, leaving `nan` out."""
    seen = ~np.isnan(values)
    seen_n = seen.sum(axis=1)
    total: Floats = np.where(seen, values, 0).sum(axis=1)
    return np.where(seen_n, total / np.maximum(seen_n, 1), np.nan)


def _ranges(values: Floats, axis: _Axis) -> tuple[Floats, Floats]:
    low, high = column_ranges(np.ascontiguousarray(values), axis.edges)
    ahead = axis.edges[:-1] >= values.shape[-1]
    low[:, ahead] = high[:, ahead] = np.nan
    return low, high


def _shades(view: FootView, axis: _Axis) -> list[tuple[int, int, str]]:
    """Give the cells of the axis in runs: from, to, and the colour behind them, "" outside stances."""
    behind = [""] * axis.width
    for mark, _ in _stances(view):
        start, end = _cells(axis, mark, view.rate_hz)
        behind[start:end] = [order_shade(mark.order)] * (end - start)
    behind = axis.placed(behind, "")
    runs, begin = [], 0
    for at in range(1, axis.width + 1):
        if at == axis.width or behind[at] != behind[begin]:
            runs.append((begin, at, behind[begin]))
            begin = at
    return runs


def _shaded(line: str, colour: str, shades: Sequence[tuple[int, int, str]]) -> list[Span]:
    return [(line[a:b], f"{colour} on {behind}" if behind else colour) for a, b, behind in shades]


def _share_out(curve_n: int, height: int) -> tuple[int, int]:
    """Give how many curves are shown and how many rows each has."""
    if height >= curve_n:
        return curve_n, height // curve_n
    return max(0, height - 1), 1


def _scale(view: FootView, ch: int) -> tuple[float, float]:
    base, peak = float(view.baseline[ch]), float(view.peak[ch])
    if math.isnan(base):
        return 0.0, SPAN_MIN_COUNTS
    return base, max(peak - base, SPAN_MIN_COUNTS)


def _label_width(names: Sequence[str], each: int) -> int:
    name_width = min(16, max(len(name) for name in names))
    return name_width + 1 + _VALUE_WIDTH + 1 if each == 1 else max(name_width, _VALUE_WIDTH) + 1


def _labels(curve: _Curve, each: int, width: int) -> list[Span]:
    name = plain(curve.name).replace("_", " ")
    value = f"{percent(curve.load)} %".rjust(_VALUE_WIDTH)
    colour = zone_colour(curve.zone)
    if each == 1:
        name_width = width - _VALUE_WIDTH - 2
        return [(f"{name[:name_width]:{name_width}} {value} ", colour)]
    labels = [(f"{name[: width - 1]:{width}}", colour), (f"{value:{width}}", TEXT)]
    return labels + [(" " * width, "")] * (each - 2)


def _stances(view: FootView) -> list[tuple[Mark, str]]:
    """Give the stances with what they are drawn with; the last may not be over."""
    stances = [(mark, "━") for mark in view.marks]
    current = on_ground(view)
    if current is not None:
        stances.append((Mark(current.start_s, view.now_s + 1, current.order), "╍"))  # to the edge, and beyond
    return stances


def _stance_row(view: FootView, axis: _Axis, label_width: int) -> Row:
    cells: list[Span] = [("·", FAINT)] * axis.width
    for mark, char in _stances(view):
        start, end = _cells(axis, mark, view.rate_hz)
        cells[start:end] = [(char, order_colour(mark.order))] * (end - start)
    return (("stance".ljust(label_width), DIM), *merge(axis.placed(cells, (" ", ""))))


def on_ground(view: FootView) -> Mark | None:
    """Give the contact whose stride is not over yet, while the foot still presses on something, as far as is known.

    After 3 s its order is "standing": from then on the insole takes it for no stride.
    """
    pressed = view.is_connected and bool(np.any(view.loads > _GROUND_LOAD))  # nan compares false
    if view.contact is None or not pressed:
        return None
    stands = view.now_s - view.contact.start_s > _STANDING_S
    return replace(view.contact, order="standing") if stands else view.contact


def _cells(axis: _Axis, mark: Mark, rate_hz: float) -> tuple[int, int]:
    """Give the first cell of a stance and the one behind it, at least one unless it is outside or has no end."""
    if math.isnan(mark.start_s) or math.isnan(mark.end_s):
        return 0, 0
    start, end = axis.cell(mark.start_s, rate_hz), axis.cell(mark.end_s, rate_hz)
    first = min(max(0, start), axis.width)
    return first, max(first, min(axis.width, max(end, start + 1)))


def _time_row(view: FootView, axis: _Axis, label_width: int) -> Row:
    """Label the axis and show the marks on it, which go before labels."""
    line = _ago_labels(view, axis) if axis.turn_n is None else [" "] * axis.width
    spans: list[Span] = [(char, DIM) for char in line]
    for flag in view.flags:
        at = axis.cell(flag.time_s, view.rate_hz)
        for offset, char in enumerate(f"▼{flag.code}"):
            if 0 <= at < axis.width and at + offset < axis.width:
                spans[at + offset] = (char, WARN)
    spans = axis.placed(spans, (" ", ""))
    if axis.turn_n is not None:
        _point_at(spans, (axis.turn_n - 1) % axis.width, _newest(view))
    return (("".ljust(label_width), ""), *merge(spans))


def _ago_labels(view: FootView, axis: _Axis) -> list[str]:
    """Count backward from now, in whole seconds, as densely as there is room."""
    window_s = len(view.counts) / view.rate_hz
    step_s = next((s for s in (1, 2, 5, 10, 30) if s * axis.width >= 10 * window_s), 60)
    line = [" "] * axis.width
    for ago_s in range(step_s, math.ceil(window_s) + 1, step_s):
        at = max(0, round(axis.width * (1 - ago_s / window_s)))
        line[at : at + len(f"-{ago_s} s")] = f"-{ago_s} s"
    line[axis.width - 3 :] = _newest(view)
    return line[: axis.width]


def _newest(view: FootView) -> str:
    return "now" if view.is_connected else "end"


def _point_at(spans: list[Span], at: int, word: str) -> None:
    text, begin = (f"▲ {word}", at) if at + 5 <= len(spans) else (f"{word} ▲", max(0, at - 4))
    for offset, char in enumerate(text[: len(spans) - begin]):
        spans[begin + offset] = (char, DIM)
