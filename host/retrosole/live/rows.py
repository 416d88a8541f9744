"""Rows of coloured text: the one currency between the pure parts of the live view and the terminal.

A span is `(text, style)`, the style in rich's notation ("" is plain text); a row is a tuple of
spans. Every character is one cell wide, so the width of a row is the number of its characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[str, str]
Row = tuple[Span, ...]

_LAST_NARROW = 0x10FF  # beyond it some characters take two cells, or none


def plain(text: str) -> str:
    """Replace whatever could move the cursor or take other than one cell by "?" (names come from a
    device)."""
    return "".join(c if c.isprintable() and ord(c) <= _LAST_NARROW else "?" for c in text)


def row_width(row: Row) -> int:
    """Count the cells of a row."""
    return sum(len(text) for text, _ in row)


_JOIN_CELLS = 12  # moving the cursor and naming a style again costs about as many bytes


def changed_cells(old: Row, new: Row) -> list[tuple[int, int]]:
    """Give the runs of cells, from and to, in which two rows differ; runs that nearly touch are one.

    Rows of different widths differ from the first cell to the last of the longer one.
    """
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, max(len(before), len(after)))]
    runs: list[tuple[int, int]] = []
    for at, (a, b) in enumerate(zip(before, after, strict=True)):
        if a != b:
            if runs and at - runs[-1][1] < _JOIN_CELLS:
                runs[-1] = (runs[-1][0], at + 1)
            else:
                runs.append((at, at + 1))
    return runs


def _cells(row: Row) -> list[Span]:
    return [(char, style) for text, style in row for char in text]


def fit(row: Row, width: int, style: str = "") -> Row:
    """Cut or pad a row to exactly `width` cells; `style` colours the padding."""
    out: list[Span] = []
    left_n = width
    for text, span_style in row:
        if left_n <= 0:
            break
        out.append((text[:left_n], span_style))
        left_n -= len(text)
    if left_n > 0:
        out.append((" " * left_n, style))
    return tuple(out)


def merge(spans: Iterable[Span]) -> Row:
    """Join neighbours of the same style."""
    out: list[Span] = []
    for text, style in spans:
        if out and out[-1][1] == style:
            out[-1] = (out[-1][0] + text, style)
        else:
            out.append((text, style))
    return tuple(out)


def beside(left: Sequence[Row], right: Sequence[Row], left_width: int, gap: int = 1) -> list[Row]:
    """Set two blocks side by side, the left one `left_width` cells wide; the shorter one ends in
    blanks."""
    height = max(len(left), len(right))
    blank: Row = ()
    out = []
    for i in range(height):
        a = left[i] if i < len(left) else blank
        b = right[i] if i < len(right) else blank
        out.append((*fit(a, left_width + gap), *b))
    return out


def spread(left: Row, right: Row, width: int, style: str = "") -> Row:
    """Set one row at the left edge and one at the right; the right one is dropped when both do not
    fit."""
    gap = width - row_width(left) - row_width(right)
    if gap < 1:
        return fit(left, width, style)
    return (*left, (" " * gap, style), *right)


def to_text(rows: Iterable[Row]) -> list[str]:
    """Drop the colours."""
    return ["".join(text for text, _ in row) for row in rows]
