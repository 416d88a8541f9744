"""Lay out one foot as rows: title, map, strides, traces. Pure, knows no terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrosole.live import foot_map
from retrosole.live.bars import title_row
from retrosole.live.centre import centre_trail
from retrosole.live.foot_map import Spot
from retrosole.live.palette import BAD, DIM
from retrosole.live.rows import Row, beside, fit, plain
from retrosole.live.state import FootView
from retrosole.live.table import COMPACT_WIDTH, FULL_WIDTH, NUMBERED_WIDTH, table_rows
from retrosole.live.traces import AXIS_ROW_N, trace_rows

WIDE_WIDTH = 76  # from here on a panel has its traces beside the foot, not under it
_NUMBERED_FROM_WIDTH = 90
_WIDE_HEIGHT = 16
_WIDE_MAPS = ((foot_map.HUGE, 22), (foot_map.LARGE, 10))  # with the rows they leave: a hint must not change the map
_TABLE_MIN_ROW_N = 4
_CHANNEL_TRACE_ROW_N = 2
_ZONE_TRACE_ROW_N = 3  # for all zones together
_MAP_MARGIN = 2


def foot_rows(
    view: FootView, width: int, height: int, map_at_left: bool = False, sweeps: bool = False
) -> list[Row]:
    """Lay out one foot in exactly `height` rows of `width` cells.

    `map_at_left` puts the foot to the left of its strides, so that a pair stands side by side in
    the middle. `sweeps` has the traces stand still while the newest samples take the place of the oldest.
    """
    room = height - 1
    lay_out = _wide if width >= WIDE_WIDTH and room >= _WIDE_HEIGHT else _narrow
    rows = [title_row(view, width), *lay_out(view, width, room, map_at_left, sweeps)]
    return [fit(row, width) for row in [*rows, *[()] * height][:height]]


def _wide(view: FootView, width: int, height: int, map_at_left: bool, sweeps: bool) -> list[Row]:
    """Set the traces beside a column with the foot above and the strides below."""
    size = next((size for size, rest_n in _WIDE_MAPS if height >= size[1] + rest_n), foot_map.SMALL)
    table_width = NUMBERED_WIDTH if width >= _NUMBERED_FROM_WIDTH else FULL_WIDTH
    inset: Row = ((" " * ((table_width - size[0]) // 2), ""),)
    column: list[Row] = [(*inset, *row) for row in _map(view, size)]
    column = [(), *column, ()]
    column += table_rows(view, height - len(column), table_width)
    traces_width = width - table_width - 3
    traces = [_heading(view, traces_width), *trace_rows(view, traces_width, height - 1, sweeps)]
    if map_at_left:
        return beside(column, traces, table_width, gap=2)
    return beside(_indent(traces), column, traces_width + 1)


def _narrow(view: FootView, width: int, height: int, map_at_left: bool, sweeps: bool) -> list[Row]:
    """Set the foot and the strides above the traces; without room for both, leave out the foot."""
    fitting = _map_and_table(view, width, height)
    if fitting is None:
        table_height = max(_TABLE_MIN_ROW_N, height - AXIS_ROW_N - 1 - _ZONE_TRACE_ROW_N)
        top = table_rows(view, min(table_height, height // 2), width)
        return [*top, *_traces(view, width, height - len(top), sweeps)]
    size, table_width = fitting
    picture = _map(view, size)
    table = table_rows(view, len(picture), table_width)
    if map_at_left:
        top = beside(picture, table, size[0], gap=min(1, width - size[0] - table_width))
    else:
        top = beside(table, picture, width - size[0] - min(1, width - size[0] - table_width), gap=0)
    return [*top, *_traces(view, width, height - len(top), sweeps)]


def _traces(view: FootView, width: int, height: int, sweeps: bool) -> list[Row]:
    return _indent([_heading(view, width - 2), *trace_rows(view, width - 1, height - 1, sweeps)])


def _map_and_table(view: FootView, width: int, height: int) -> tuple[tuple[int, int], int] | None:
    """Give the largest map that leaves room for a table beside it and traces under it; None when there is none."""
    for size, table_width, trace_row_n in (
        (foot_map.LARGE, FULL_WIDTH, _CHANNEL_TRACE_ROW_N * len(view.zones)),
        (foot_map.LARGE, FULL_WIDTH, 2 * _ZONE_TRACE_ROW_N),
        (foot_map.SMALL, FULL_WIDTH, _ZONE_TRACE_ROW_N),
        (foot_map.SMALL, COMPACT_WIDTH, _ZONE_TRACE_ROW_N),
    ):
        margin = _MAP_MARGIN if table_width == FULL_WIDTH else 0
        room = height - foot_map.map_height(view.channel_names, size) - 1 - AXIS_ROW_N
        if room >= trace_row_n and width >= table_width + size[0] + margin:
            return size, table_width
    return None


def _map(view: FootView, size: tuple[int, int]) -> list[Row]:
    is_there = view.is_connected
    spots = [
        Spot(name, zone, float(load) if is_there else math.nan)
        for name, zone, load in zip(view.channel_names, view.zones, view.loads, strict=True)
    ]
    return foot_map.draw_foot(view.side, spots, size, centre_trail(view) if is_there else None)


def _heading(view: FootView, width: int) -> Row:
    """Say what the traces are; a fault takes this row, so that a pair stays level."""
    if not view.is_connected and view.end_idx:
        return ((f"{view.side} is gone: this was before", BAD),)
    if view.fault:
        text = f"insole says: {plain(view.fault)}"
        text = text if len(text) <= width else plain(view.fault)
        return ((text if len(text) <= width else f"{text[: max(0, width - 1)]}…", BAD),)
    window_s = len(view.counts) / view.rate_hz
    load, peak = f"load over {window_s:.0f} s", "100 % = recent peak"
    texts = (f"{load}, {peak}", peak, load, "")
    return ((next(text for text in texts if len(text) <= width or not text), DIM),)


def _indent(rows: Sequence[Row]) -> list[Row]:
    return [((" ", ""), *row) for row in rows]
