"""The last strides of a foot as rows: what touched first, what left first, which way, how long. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retrosole.gait.strides import Stride
from retrosole.live.palette import DIM, OTHER_WAY, TEXT, order_colour
from retrosole.live.rows import Row, Span, plain
from retrosole.live.state import FootView
from retrosole.live.traces import on_ground

FULL_WIDTH = 40
NUMBERED_WIDTH = 45  # with the stride's number, as `retrosole strides` counts
COMPACT_WIDTH = 25
_NUMBER_WIDTH = NUMBERED_WIDTH - FULL_WIDTH
_SURE = 0.5  # a direction with less confidence is dim


@dataclass(frozen=True)
class _Shape:
    """Say how wide the columns are and how much of a word they show."""

    headings: tuple[str, ...]
    widths: tuple[int, int, int, int, int]
    words: dict[str, str]


_FULL = _Shape(
    (
        " first on first off walking stance lower",
        "                                ms    ms",
    ),
    (9, 10, 9, 5, 6),
    {"forefoot_first": "forefoot", "heel_first": "heel", "unknown": "?"},
)
_COMPACT = _Shape(
    (" on   off  walk   ms  low",),
    (5, 5, 4, 5, 5),
    {
        "forefoot_first": "fore", "heel_first": "heel", "together": "flat", "unknown": "?",
        "backward": "back", "forward": "forw",
    },
)  # fmt: skip


def table_rows(view: FootView, height: int, width: int = FULL_WIDTH) -> list[Row]:
    """List the last strides, the newest on top, in at most `height` rows of at most `width` cells.

    `lower` is heel lowering: from forefoot to heel on the ground, of strides that began with the forefoot. While the
    foot is on the ground the first row says which part touched first, as far as known.
    """
    shape = _FULL if width >= FULL_WIDTH else _COMPACT
    before = " " * _NUMBER_WIDTH if width >= NUMBERED_WIDTH else ""
    rows: list[Row] = [((before + heading, DIM),) for heading in shape.headings]
    current = on_ground(view)
    if current is not None:
        word = f"{shape.words.get(current.order, current.order):{shape.widths[0]}}"
        said: Row = ((word, order_colour(current.order)), ("on the ground", DIM))
        rows.append(((f"{before} ", DIM), *(said if current.order != "standing" else (("standing", DIM),))))
    if not view.strides:
        rows.append(((f"{before} no stride yet", DIM),))
    shown_n = max(0, height - len(rows))
    rows += [_stride_row(stride, shape, bool(before)) for stride in view.strides[: -shown_n - 1 : -1]]
    return rows[: max(0, height)]


def _stride_row(stride: Stride, shape: _Shape, is_numbered: bool) -> Row:
    def cell(word: str, at: int) -> str:
        return f"{plain(shape.words.get(word, word)):{shape.widths[at]}}"

    number: tuple[Span, ...] = ((f"{stride.stride:4} ", DIM),) if is_numbered else ()
    return (
        *number,
        (" ", ""),
        (cell(stride.contact_order, 0), order_colour(stride.contact_order)),
        (cell(stride.lift_order, 1), order_colour(stride.lift_order)),
        (cell(stride.direction, 2), _direction_colour(stride)),
        (_whole_ms(stride.stance_s).rjust(shape.widths[3]), TEXT),
        (_whole_ms(stride.heel_lowering_s).rjust(shape.widths[4]), TEXT),
    )


def _direction_colour(stride: Stride) -> str:
    if stride.direction == "unknown" or stride.confidence < _SURE:
        return DIM
    return TEXT if stride.direction == "backward" else OTHER_WAY


def _whole_ms(seconds: float) -> str:
    return "--" if math.isnan(seconds) else f"{1000 * seconds:.0f}"
