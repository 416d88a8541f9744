"""A figure of a page: a drawing, or one for wide and one for narrow pages, with its words; or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retrosole.report.markup import Safe, joined, paragraph, tag
from retrosole.report.plot import HALF, WIDE


def figure(drawing: object, *caption: object, class_: str | None = None, title: str | None = None) -> Safe:
    """Give a figure with its title above and what it says below."""
    head = tag("h4", title) if title else None
    return tag("figure", head, drawing, tag("figcaption", *caption) if caption else None, class_=class_)


def over_both_columns(draw: Callable[[int], Safe]) -> Safe:
    """Give a drawing twice, of which a page shows the one that fits it."""
    wide, narrow = (tag("div", draw(width), class_=name) for width, name in ((WIDE, "wide"), (HALF, "narrow")))
    return joined(wide, narrow)


def columns(figures: Sequence[Safe]) -> Safe:
    """Put figures beside each other where there is room."""
    return tag("div", *figures, class_="columns")


def without(why: str) -> Safe:
    """Say why there is no figure."""
    return paragraph(why, class_="none")


def legend(*entries: tuple[str, str]) -> Safe:
    """Say what the marks of a drawing stand for: (class of a sample, words) each."""
    items = [tag("li", _sample(class_), words) for class_, words in entries]
    return tag("ul", *items, class_="legend")


def _sample(class_: str) -> Safe:
    kind, _, rest = class_.partition(" ")
    if kind == "line":
        shape = tag("path", d="M1 7h26", class_=class_)
    elif kind == "both":
        shape = joined(tag("path", d="M1 7h26", class_=f"line {rest}"), tag("path", d="M14 7h0", class_=f"dots {rest}"))
    elif kind == "dots":
        shape = tag("path", d="M14 7h0", class_=class_)
    else:
        shape = tag("rect", x=2, y=2, width=24, height=10, class_=class_)
    return tag("svg", shape, viewBox="0 0 28 14", width=28, height=14, aria_hidden="true", class_="sample")
