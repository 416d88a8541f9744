"""Rows with the pressure of every channel over the window, and under them the stances on the same
time axis.

The dot columns are tied to sample numbers, not to the edge of the screen: while the picture moves
left, a column keeps its samples and its shape, so nothing shimmers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from retrosole.live.braille import DOT_COLUMNS, Ints, column_ranges, draw_ranges
from retrosole.live.palette import DIM, FAINT, TEXT, order_colour, percent, zone_colour
from retrosole.live.rows import Row, Span, plain
from retrosole.live.state import SPAN_MIN_COUNTS, FootView, Mark

AXIS_ROW_N = 2
_VALUE_WIDTH = 5  # "100 %"
_PLOT_MIN_WIDTH = 8
_HEADROOM = 1.08  # so that a peak does not touch the trace above
_GROUND_LOAD = 0.1  # above it a foot whose stride is not over counts as on the ground


@dataclass(frozen=True)
class _Axis:
    """Tie `width` cells to samples: cell 0 begins at sample `first_idx`, each cell holds `cell_n`
    samples."""

    width: int
    first_idx: float
    cell_n: float
    edges: Ints

    def cell(self, time_s: float, rate_hz: float) -> int:
        """Give the cell of a time; outside the window it lies outside 0 to width."""
        return math.floor((time_s * rate_hz - self.first_idx) / self.cell_n)


def _axis(view: FootView, width: int) -> _Axis:
    window_n, column_n = len(view.counts), width * DOT_COLUMNS
    per_column = window_n / column_n
    # even, so that both dot columns of a cell keep their cell
    last = math.floor(view.end_idx / per_column / DOT_COLUMNS) * DOT_COLUMNS + DOT_COLUMNS
    numbers = np.arange(last - column_n, last + 1)
    edges = np.floor(numbers * per_column).astype(np.intp) - (view.end_idx - window_n)
    first_idx = (last - column_n) * per_column
    return _Axis(width, first_idx, per_column * DOT_COLUMNS, np.clip(edges, 0, window_n))


def trace_rows(view: FootView, width: int, height: int) -> list[Row]:
    """Draw the channels, each as high as `height` allows, then the stances and the time axis.

    Channels that do not fit are named in the last row but two. Fewer than 4 rows draw nothing.
    """
    shown_n, each = _share_out(len(view.zones), height - AXIS_ROW_N)
    if shown_n == 0:
        return []
    label_width = _label_width(view, each)
    axis = _axis(view, max(_PLOT_MIN_WIDTH, width - label_width - 1))
    low, high = column_ranges(np.ascontiguousarray(view.counts.T), axis.edges)
    ahead = axis.edges[:-1] >= len(view.counts)
    low[:, ahead] = high[:, ahead] = np.nan
    rows: list[Row] = []
    for ch in range(shown_n):
        base, span = _scale(view, ch)
        plot = draw_ranges(low[ch], high[ch], each, base, base + _HEADROOM * span, fill=True)
        labels = _labels(view, ch, each, label_width)
        colour = zone_colour(view.zones[ch])
        rows += [(label, (line, colour)) for label, line in zip(labels, plot, strict=True)]
    if shown_n < len(view.zones):
        rows.append(((f"{len(view.zones) - shown_n} more: make the window higher", DIM),))
    return [*rows, _stance_row(view, axis, label_width), _time_row(view, axis, label_width)]


def _share_out(channel_n: int, height: int) -> tuple[int, int]:
    """Give how many channels are shown and how many rows each has."""
    if height >= channel_n:
        return channel_n, height // channel_n
    return max(0, height - 1), 1


def _scale(view: FootView, ch: int) -> tuple[float, float]:
    base, peak = float(view.baseline[ch]), float(view.peak[ch])
    if math.isnan(base):
        return 0.0, SPAN_MIN_COUNTS
    return base, max(peak - base, SPAN_MIN_COUNTS)


def _label_width(view: FootView, each: int) -> int:
    name_width = min(16, max(len(name) for name in view.channel_names))
    return name_width + 1 + _VALUE_WIDTH + 1 if each == 1 else max(name_width, _VALUE_WIDTH) + 1


def _labels(view: FootView, ch: int, each: int, width: int) -> list[Span]:
    name = plain(view.channel_names[ch]).replace("_", " ")
    value = f"{percent(float(view.loads[ch]))} %".rjust(_VALUE_WIDTH)
    colour = zone_colour(view.zones[ch])
    if each == 1:
        name_width = width - _VALUE_WIDTH - 2
        return [(f"{name[:name_width]:{name_width}} {value} ", colour)]
    labels = [(f"{name[: width - 1]:{width}}", colour), (f"{value:{width}}", TEXT)]
    return labels + [(" " * width, "")] * (each - 2)


def _stance_row(view: FootView, axis: _Axis, label_width: int) -> Row:
    cells: list[Span] = [("·", FAINT)] * axis.width
    for mark in view.marks:
        _lay(cells, axis, mark, "━", view.rate_hz)
    current = on_ground(view)
    if current is not None:
        _lay(cells, axis, Mark(current.start_s, view.now_s, current.order), "╍", view.rate_hz)
    return (("stance".ljust(label_width), DIM), *cells)


def on_ground(view: FootView) -> Mark | None:
    """Give the contact whose stride is not over yet, while the foot still presses on something."""
    pressed = bool(np.any(view.loads > _GROUND_LOAD))  # nan compares false
    return view.contact if pressed else None


def _lay(cells: list[Span], axis: _Axis, mark: Mark, char: str, rate_hz: float) -> None:
    if math.isnan(mark.start_s) or math.isnan(mark.end_s):
        return
    start, end = axis.cell(mark.start_s, rate_hz), axis.cell(mark.end_s, rate_hz)
    span = (char, order_colour(mark.order))
    for i in range(max(0, start), min(len(cells), max(end, start + 1))):
        cells[i] = span


def _time_row(view: FootView, axis: _Axis, label_width: int) -> Row:
    """Label the axis backward from now, in whole seconds, as densely as there is room."""
    window_s = len(view.counts) / view.rate_hz
    step_s = next((s for s in (1, 2, 5, 10, 30) if s * axis.width >= 10 * window_s), 60)
    line = [" "] * axis.width
    for ago_s in range(step_s, math.ceil(window_s) + 1, step_s):
        at = max(0, round(axis.width * (1 - ago_s / window_s)))
        line[at : at + len(f"-{ago_s} s")] = f"-{ago_s} s"
    line[axis.width - 3 :] = "now"
    return (("".ljust(label_width), ""), ("".join(line)[: axis.width], DIM))
