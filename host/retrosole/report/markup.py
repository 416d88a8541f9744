"""HTML and SVG made by plain functions. Everything is escaped unless it is `Safe`, so what a file says stays text."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

Child = "str | Safe | None | Iterable[Child]"
_EMPTY_TAGS = ("meta", "br", "link")


class Safe(str):
    """Mark markup that was made here, which is not escaped again."""

    __slots__ = ()


def escaped(text: str) -> Safe:
    """Give text as markup; what is markup already stays as it is."""
    return text if isinstance(text, Safe) else Safe(html.escape(text, quote=True))


def foreign(value: object, most: int = 200) -> str:
    """Give a value out of a file as one line of text that cannot turn what is around it, cut at `most` letters."""
    text = str(value)[: most + 1]
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return f"{shown}…" if len(text) > most else shown


def joined(*children: object) -> Safe:
    """Put children after each other: text, markup, None for nothing, or iterables of them."""
    return Safe("".join(_flat(children)))


def _flat(children: Iterable[object]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            yield escaped(child)
        elif isinstance(child, Iterable):
            yield from _flat(child)
        else:
            raise TypeError(f"{type(child).__name__} cannot stand in a page: make it a text first")


def tag(name: str, /, *children: object, **attributes: str | float | bool | None) -> Safe:
    """Give an element. Attributes: `class_` is class, `_` stands for `-`; None and False are left away."""
    head = "".join([name, *(_attribute(key, value) for key, value in attributes.items())])
    if name in _EMPTY_TAGS:
        return Safe(f"<{head}>")
    return Safe(f"<{head}>{joined(*children)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = {"class_": "class", "for_": "for", "viewBox": "viewBox"}.get(key, key.replace("_", "-"))
    if value is True:
        return f" {name}"
    text = number(value) if isinstance(value, int | float) else str(value)
    return f' {name}="{html.escape(text, quote=True)}"'


def number(value: float) -> str:
    """Write a number of a drawing, to a tenth. Raises ValueError for one that cannot be drawn."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be drawn")
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def paragraph(*children: object, class_: str | None = None) -> Safe:
    """Give a paragraph."""
    return tag("p", *children, class_=class_)


def bullets(lines: Iterable[object]) -> Safe:
    """Give a list; nothing for no lines."""
    items = [tag("li", line) for line in lines]
    return tag("ul", *items) if items else Safe("")


def cards(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Safe:
    """Give a table of many columns, whose rows become cards on a narrow page: each cell there names its column."""
    body = []
    for first, *cells in rows:
        tds = [tag("td", cell, data_label=title) for cell, title in zip(cells, head[1:], strict=True)]
        body.append(tag("tr", tag("th", first, scope="row"), *tds))
    heads = [tag("th", title, scope="col") for title in head]
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body), class_="cards")


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = (), caption: str | None = None
) -> Safe:
    """Give a table whose first cell of a row names it; the columns numbered in `right` are set flush right.

    A row of a single cell is a heading over all columns.
    """

    def kind(k: int) -> str | None:
        return "n" if k in right else None

    body = []
    for row in rows:
        if len(row) == 1 < len(head):
            body.append(tag("tr", tag("th", row[0], colspan=len(head), scope="rowgroup"), class_="group"))
            continue
        first, *cells = row
        tds = [tag("td", cell, class_=kind(k)) for k, cell in enumerate(cells, 1)]
        body.append(tag("tr", tag("th", first, scope="row"), *tds))
    heads = [tag("th", title, scope="col", class_=kind(k)) for k, title in enumerate(head)]
    top = tag("caption", caption) if caption else None
    return tag("table", top, tag("thead", tag("tr", *heads)) if any(head) else None, tag("tbody", *body))
