"""Draw a signal in braille: two dots across and four down in every character cell.

Pure numpy. Many samples fall on one dot column; the column shows their whole range, so a peak one
sample long is as high on the screen as it was in the signal. Neighbouring columns are joined, `nan`
leaves a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.intp]

DOT_COLUMNS = 2
DOT_ROWS = 4
_BLANK = 0x2800
# Unicode numbers the dots 1 2 3 7 down the left column and 4 5 6 8 down the right one
_WEIGHT = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint32)


def draw(values: Floats, width: int, height: int, lo: float, hi: float) -> list[str]:
    """Draw `values` (n,) as a line over `width` x `height` cells, `lo` at the bottom dot and `hi`
    at the top one.

    Values beyond the scale are held at its edge. Fewer samples than dot columns are drawn as steps.
    Raises ValueError when `hi` is not above `lo` or the picture has no cell.
    """
    low, high = column_ranges(values, even_edges(len(values), width * DOT_COLUMNS))
    return draw_ranges(low, high, height, lo, hi)


def even_edges(value_n: int, column_n: int) -> Ints:
    """Give the `column_n` + 1 edges that divide `value_n` samples evenly."""
    return np.arange(column_n + 1) * value_n // max(column_n, 1)


def column_ranges(values: Floats, edges: Ints) -> tuple[Floats, Floats]:
    """Reduce samples to the lowest and highest of each column, leaving `nan` out.

    `values` is (n,) or (ch, n); column j holds the samples `edges[j]` to `edges[j + 1]` (an empty
    one takes the sample at its edge). Returns two arrays of (columns,) or (ch, columns).
    """
    shape = (*values.shape[:-1], len(edges) - 1)
    if values.shape[-1] == 0:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    starts = np.minimum(edges[:-1], values.shape[-1] - 1)
    used = values[..., : max(int(edges[-1]), int(starts[-1]) + 1)]
    return np.fmin.reduceat(used, starts, axis=-1), np.fmax.reduceat(used, starts, axis=-1)


def draw_ranges(
    low: Floats, high: Floats, height: int, lo: float, hi: float, *, fill: bool = False
) -> list[str]:
    """Draw one vertical bar per dot column, from `low` to `high`, both (2 * width,), `nan` where
    nothing is.

    With `fill` the area under the curve is filled instead. Returns `height` strings of `width`
    characters.
    """
    if not hi > lo or height < 1 or len(low) < DOT_COLUMNS:
        raise ValueError(f"cannot draw {len(low)} columns, {height} rows, scale {lo} to {hi}")
    dot_n = height * DOT_ROWS
    bottom, top = _to_dots(low, dot_n, lo, hi), _to_dots(high, dot_n, lo, hi)
    if fill:
        bottom = np.where(top < 0, dot_n, 0)
    else:
        bottom, top = _join(bottom, top)
    level = np.arange(dot_n - 1, -1, -1)[:, None]
    return encode((level >= bottom) & (level <= top))


def _to_dots(values: Floats, dot_n: int, lo: float, hi: float) -> Ints:
    """Turn values into dot rows counted from the bottom; -1 is nothing."""
    scaled = (np.clip(values, lo, hi) - lo) * ((dot_n - 1) / (hi - lo)) + 0.5
    return np.where(np.isnan(scaled), -1.0, scaled).astype(np.intp)


def _join(bottom: Ints, top: Ints) -> tuple[Ints, Ints]:
    """Stretch each bar until it touches its left neighbour, and take out columns that hold
    nothing."""
    before_bottom, before_top = bottom[:-1], top[:-1]
    linked = (before_top >= 0) & (top[1:] >= 0)
    new_bottom, new_top = bottom.copy(), top.copy()
    new_bottom[1:] = np.where(linked, np.minimum(bottom[1:], before_top + 1), bottom[1:])
    new_top[1:] = np.where(linked, np.maximum(top[1:], before_bottom - 1), top[1:])
    new_bottom[top < 0] = np.iinfo(np.intp).max
    return new_bottom, new_top


def encode(dots: NDArray[np.bool_]) -> list[str]:
    """Turn dots (4 * height, 2 * width), top row first, into `height` strings of `width`
    characters."""
    rows, columns = dots.shape[0] // DOT_ROWS, dots.shape[1] // DOT_COLUMNS
    cells = dots.reshape(rows, DOT_ROWS, columns, DOT_COLUMNS)
    codes = np.einsum("rycx,yx->rc", cells, _WEIGHT) + np.uint32(_BLANK)
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    return [text[i * columns : (i + 1) * columns] for i in range(rows)]


def with_dot(char: str, row: int, column: int) -> str:
    """Add one dot to a braille character."""
    return chr(ord(char) | int(_WEIGHT[row, column]))
