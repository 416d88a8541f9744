"""Lay out what the live view shows, as rows: header, one panel per foot, footer. Pure, knows no
terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrosole.gait.strides import Stride
from retrosole.live import foot_map
from retrosole.live.foot_map import Spot
from retrosole.live.palette import (
    BAD,
    BAR,
    DIM,
    GOOD,
    OTHER_WAY,
    STRONG,
    TEXT,
    WARN,
    order_colour,
    order_words,
)
from retrosole.live.rows import Row, Span, beside, fit, plain, row_width, spread
from retrosole.live.state import FootView, LiveState
from retrosole.live.traces import AXIS_ROW_N, on_ground, trace_rows

TABLE_WIDTH = 40  # number, order, direction, stance, confidence
WIDE_WIDTH = 76  # from here on a panel has its traces beside the foot, not under it
_WIDE_HEIGHT = 16
_TABLE_MIN_ROW_N = 4
_TRACE_GOOD_ROW_N = 2
_MAP_MARGIN = 2
_HINT_MIN_WIDTH = 80  # for the hint among the keys
_CONNECTED = "connected"


def header_row(state: LiveState, width: int, paused: bool) -> Row:
    """Say how long, how many strides, how many of them backward, and whether anything is kept."""
    stride_n, backward_n = state.stride_counts()
    share = f"{100 * backward_n / stride_n:.0f} %" if stride_n else "--"
    left: Row = (
        (" retrosole", STRONG), ("   time ", DIM), (clock_text(state.elapsed_s), TEXT),
        ("   strides ", DIM), (str(stride_n), TEXT), ("   backward ", DIM), (share, TEXT),
    )  # fmt: skip
    if paused:
        left = (*left, ("   PAUSED", WARN))
    if state.recording is None:
        return _bar(left, (("not recording ", DIM),), width)
    room = width - row_width(left) - len("● recording  ") - 2
    name = plain(state.recording)
    name = name if len(name) <= room else "…" + name[-max(1, room - 1) :] if room > 8 else ""
    return _bar(left, (("● ", BAD), ("recording ", TEXT), (name + " ", DIM)), width)


def footer_row(state: LiveState, width: int) -> Row:
    """Name the keys, and repeat the message if there is one.

    Where two feet side by side leave no room for their maps, say how to see one.
    """
    keys = [("q", "quit"), ("space", "pause picture")]
    if len(state.feet) > 1:
        if _has_no_maps(width) and not state.message:
            keys += [("1 or 2", "shows one foot with its map"), ("b", "both")]
        else:
            keys += [("1", state.feet[0].side), ("2", state.feet[1].side), ("b", "both")]
    left: list[Span] = [(" ", DIM)]
    for key, word in keys:
        left += [(key, STRONG), (f" {word}   ", DIM)]
    room = width - row_width(tuple(left)) - 2
    message = plain(state.message)[: max(0, room)]
    return _bar(tuple(left), ((message + " ", WARN if message else DIM),), width)


def _has_no_maps(width: int) -> bool:
    """Say whether a pair is too narrow for maps in a window in which one foot alone has room for it."""
    return width >= _HINT_MIN_WIDTH and width // 2 < TABLE_WIDTH + foot_map.SMALL[0] + _MAP_MARGIN


def clock_text(elapsed_s: float) -> str:
    """Write seconds as h:mm:ss."""
    whole = max(0, int(elapsed_s))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def foot_rows(view: FootView, width: int, height: int, map_at_left: bool = False) -> list[Row]:
    """Lay out one foot in exactly `height` rows of `width` cells.

    `map_at_left` puts the foot to the left of its strides, so that a pair stands side by side in
    the middle.
    """
    room = height - 1
    lay_out = _wide if width >= WIDE_WIDTH and room >= _WIDE_HEIGHT else _narrow
    rows = [_title_row(view, width), *lay_out(view, width, room, map_at_left)]
    return [fit(row, width) for row in [*rows, *[()] * height][:height]]


def _title_row(view: FootView, width: int) -> Row:
    dot = ("● ", GOOD) if view.link == _CONNECTED else ("○ ", BAD)
    link = (plain(view.link), TEXT if view.link == _CONNECTED else BAD)
    left: Row = ((f" {view.side.upper()}", STRONG), ("  ", ""), dot, link)
    lost = WARN if view.lost_sample_n or view.lost_frame_n else DIM
    short = left[:3] if view.link == _CONNECTED else left  # the dot alone will do for what is usual
    for words in _title_variants(view):
        right: Row = ((words[0], lost), *((f"   {word}", DIM) for word in words[1:]), (" ", ""))
        for said in (left, short) if len(words) < 3 else (left,):
            if row_width(said) + row_width(right) + 2 <= width:
                return _bar(said, right, width)
    return _bar(left[:1], ((f"lost {view.lost_sample_n} ", lost),), width)


def _title_variants(view: FootView) -> list[list[str]]:
    """Give what the right of the title says, the loss first, from the longest to the shortest."""
    battery = [] if view.battery_mv is None else [f"{view.battery_mv / 1000:.2f} V"]
    cue = "cue on" if view.cue_on else "cue off"
    samples = f"lost {view.lost_sample_n} samples"
    frames = f"{samples}, {view.lost_frame_n} frame{'' if view.lost_frame_n == 1 else 's'}"
    longer = [[frames, *battery, cue], [samples, *battery, cue]]
    return [*longer, [samples, *battery], [samples], [f"lost {view.lost_sample_n}"]]


def _bar(left: Row, right: Row, width: int) -> Row:
    """Spread a row over a bar of its own background."""
    row = spread(left, right, width)
    return tuple((text, f"{style or TEXT} on {BAR}") for text, style in row)


def _wide(view: FootView, width: int, height: int, map_at_left: bool) -> list[Row]:
    """Set the traces beside a column with the foot above and the strides below."""
    size = foot_map.LARGE if height >= foot_map.LARGE[1] + 10 else foot_map.SMALL
    inset: Row = ((" " * ((TABLE_WIDTH - size[0]) // 2), ""),)
    column: list[Row] = [(*inset, *row) for row in _map(view, size)]
    column = [(), *column, ()]
    column += table_rows(view, height - len(column))
    traces_width = width - TABLE_WIDTH - 3
    traces = [_heading(view), *trace_rows(view, traces_width, height - 1)]
    if map_at_left:
        return beside(column, traces, TABLE_WIDTH, gap=2)
    return beside(_indent(traces), column, traces_width + 1)


def _narrow(view: FootView, width: int, height: int, map_at_left: bool) -> list[Row]:
    """Set the foot and the strides above the traces; without room for both, leave out the foot."""
    size = _map_size(view, width, height)
    if size is None:
        table_height = max(_TABLE_MIN_ROW_N, height - AXIS_ROW_N - 1 - _trace_height(view, height))
        top = table_rows(view, table_height)
        return [*top, *_traces(view, width, height - len(top))]
    picture = _map(view, size)
    table = table_rows(view, len(picture))
    if map_at_left:
        top = beside(picture, table, size[0])
    else:
        top = beside(table, picture, width - size[0] - 1, gap=0)
    return [*top, *_traces(view, width, height - len(top))]


def _traces(view: FootView, width: int, height: int) -> list[Row]:
    return _indent([_heading(view), *trace_rows(view, width - 1, height - 1)])


def _map_size(view: FootView, width: int, height: int) -> tuple[int, int] | None:
    for size in (foot_map.LARGE, foot_map.SMALL):
        room = height - len(_map(view, size)) - 1 - AXIS_ROW_N
        high_enough = room >= _TRACE_GOOD_ROW_N * len(view.zones)
        if high_enough and width >= TABLE_WIDTH + size[0] + _MAP_MARGIN:
            return size
    return None


def _trace_height(view: FootView, height: int) -> int:
    """Give the rows for all traces together when there is no foot: two each if the strides leave
    them."""
    room = height - AXIS_ROW_N - 1 - _TABLE_MIN_ROW_N
    return len(view.zones) * max(1, min(3, room // len(view.zones)))


def _map(view: FootView, size: tuple[int, int]) -> list[Row]:
    spots = [
        Spot(name, zone, float(load))
        for name, zone, load in zip(view.channel_names, view.zones, view.loads, strict=True)
    ]
    return foot_map.draw_foot(view.side, spots, size)


def _heading(view: FootView) -> Row:
    """Say what the traces are; a fault takes this row, so that a pair stays level."""
    if view.fault:
        return ((f"insole says: {plain(view.fault)}", BAD),)
    window_s = len(view.counts) / view.rate_hz
    return ((f"load over {window_s:.0f} s, 100 % = recent peak", DIM),)


def _indent(rows: Sequence[Row]) -> list[Row]:
    return [((" ", ""), *row) for row in rows]


def table_rows(view: FootView, height: int) -> list[Row]:
    """List the last strides, the newest on top, in at most `height` rows of TABLE_WIDTH cells.

    While the foot is on the ground the first row says which part touched first, as far as known.
    """
    rows: list[Row] = [
        ((" no. first contact  walking  stance sure", DIM),),
        (("                                 ms    %", DIM),),
    ]
    current = on_ground(view)
    if current is not None:
        words = order_words(current.order)
        order: Span = (f"{words:15}", order_colour(current.order))
        rows.append((("   · ", DIM), order, ("on the ground", DIM)))
    if not view.strides:
        rows.append((("     no stride yet", DIM),))
    rows += [_stride_row(stride) for stride in reversed(view.strides)]
    return rows[: max(0, height)]


def _stride_row(stride: Stride) -> Row:
    order, direction = stride.contact_order, stride.direction
    words = "?" if direction == "unknown" else plain(direction)
    colour = TEXT if direction == "backward" else OTHER_WAY if direction == "forward" else DIM
    return (
        (f"{stride.stride:4} ", DIM),
        (f"{order_words(order):14} ", order_colour(order)),
        (f"{words:9}", colour),
        (_whole(1000 * stride.stance_s).rjust(6), TEXT),
        (_whole(100 * stride.confidence).rjust(5), DIM),
    )


def _whole(value: float) -> str:
    return "--" if math.isnan(value) else f"{value:.0f}"
