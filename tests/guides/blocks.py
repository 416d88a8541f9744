"""What of a guide can be checked: its blocks of commands and code, commands within a line, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:\A|\n)[ ]*\n((?: {4,}\S.*\n)+)")
_INLINE = re.compile(r"`((?:retrosole|make|pip install) [^`]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Hold a fenced block: its kind, its text, and the line of the guide it begins at."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """Hold what is typed after `$ `, and what the guide shows below it."""

    text: str
    shown: str
    line: int


def blocks_of(guide: str) -> list[Block]:
    """Give the fenced blocks of a guide in their order."""
    return [Block(one[1], one[2], guide.count("\n", 0, one.start()) + 1) for one in _FENCE.finditer(guide)]


def commands_of(block: Block) -> Iterator[Command]:
    """Give the commands of a `console` block, each with what is shown of what it prints."""
    found: list[tuple[str, list[str], int]] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append((line[2:], [], number))
        else:
            assert found, f"line {number}: a block of commands begins with one, `$ ...`"
            found[-1][1].append(line)
    for text, shown, number in found:
        yield Command(text, "\n".join(shown), number)


def prose_of(guide: str) -> str:
    """Give a guide without its fenced blocks."""
    return _FENCE.sub("", guide)


def indented_of(guide: str) -> list[str]:
    """Give what is set as code by four blanks: each block of it."""
    return [one[1] for one in _INDENTED.finditer(prose_of(guide))]


def inline_commands_of(guide: str) -> list[str]:
    """Give the commands that stand within a line."""
    return [one[1].replace("\n", " ") for one in _INLINE.finditer(prose_of(guide))]


def links_of(guide: str) -> list[str]:
    """Give where links and pictures point to."""
    return [one[1] for one in _LINK.finditer(prose_of(guide))]


def anchors_of(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    words = (re.sub(r"[^\w\- ]", "", one[1].strip().lower()) for one in _HEADING.finditer(page.read_text("utf-8")))
    return {word.replace(" ", "-") for word in words}
