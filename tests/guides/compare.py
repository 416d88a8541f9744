"""Compare what a guide shows with what was printed: the same words, numbers about as large.

`...` stands for anything, a date for any date, and how lines are folded does not count. A number behind a letter, as in
P07, is a name.
"""

from __future__ import annotations

import re

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d[-:]\d\d[-:]\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)?")
_PIECES = re.compile(r"(\.\.\.|(?<!\w)\d+(?:\.\d+)?|\s+)")
_ANYTHING = re.compile(r"\s*\.\.\.\s*")
_NUMBER = re.compile(r"\d")
_OFF, _OFF_SHARE = 3.0, 0.4  # a number may differ by this much, and by this part of the larger one


def difference(shown: str, printed: str) -> str:
    """Say in which way what was printed is not what the guide shows; "" when it is the same."""
    shown, printed = (_TIME.sub("DATE", text).strip() for text in (shown, printed))
    shown = _ANYTHING.sub("...", shown)
    pieces = [piece for piece in _PIECES.split(shown) if piece]
    found = re.fullmatch("".join(map(_pattern, pieces)), printed, re.DOTALL)
    if found is None:
        return "the words differ"
    numbers = [piece for piece in pieces if _NUMBER.match(piece)]
    far = [f"{one}, not {other}" for one, other in zip(numbers, found.groups(), strict=True) if not _near(one, other)]
    return f"numbers that are far off: {'; '.join(far)}" if far else ""


def _pattern(piece: str) -> str:
    if piece == "...":
        return r".*?"
    if piece.isspace():
        return r"\s+"
    return r"(\d+(?:\.\d+)?)" if _NUMBER.match(piece) else re.escape(piece)


def _near(one: str, other: str) -> bool:
    """Say whether two numbers are about as large."""
    a, b = float(one), float(other)
    return abs(a - b) <= max(_OFF, _OFF_SHARE * max(a, b))
