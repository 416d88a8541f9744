"""Compare what a guide shows with what was printed: the same words, numbers about as large.

`...` stands for anything, a date for any date, and how lines are folded does not count. A number behind a letter, as in
P07, is a name.
"""

from __future__ import annotations

import re

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d[-:]\d\d[-:]\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)?")
_PIECES = re.compile(r"(\0|(?<!\w)\d+(?:\.\d+)?|\s+)")
_ANYTHING = "\0"
_DOTS = re.compile(r"\s*\.\.\.\s*")
_NUMBER = re.compile(r"\d")
_OFF, _OFF_SHARE = 4.0, 0.4  # a number may differ by this much, and by this part of the larger one


def difference(shown: str, printed: str) -> str:
    """Say in which way what was printed is not what the guide shows; "" when it is the same."""
    shown, printed = (_TIME.sub("DATE", text).strip() for text in (shown, printed))
    shown = _DOTS.sub(_ANYTHING, shown)
    pieces = [piece for piece in _PIECES.split(shown) if piece]
    found = re.fullmatch("".join(map(_pattern, pieces)), printed, re.DOTALL)
    if found is None:
        return f"the words differ, the first at {_first_other(pieces, printed)!r}"
    numbers = [piece for piece in pieces if _NUMBER.match(piece)]
    far = [f"{one}, not {other}" for one, other in zip(numbers, found.groups(), strict=True) if not _near(one, other)]
    return f"numbers that are far off: {'; '.join(far)}" if far else ""


def _first_other(pieces: list[str], printed: str) -> str:
    """Give what of the guide, in its order, is the first that was not printed."""
    for n in range(1, len(pieces) + 1):
        if re.match("".join(map(_pattern, pieces[:n])), printed, re.DOTALL) is None:
            return "".join(pieces[max(0, n - 8) : n]).replace(_ANYTHING, " ... ")
    return "the end: more was printed"


def _pattern(piece: str) -> str:
    if piece == _ANYTHING:
        return r".*?"
    if piece.isspace():
        return r"\s+"
    return r"(\d+(?:\.\d+)?)" if _NUMBER.match(piece) else re.escape(piece)


def _near(one: str, other: str) -> bool:
    """Say whether two numbers are about as large."""
    a, b = float(one), float(other)
    return abs(a - b) <= max(_OFF, _OFF_SHARE * max(a, b))
