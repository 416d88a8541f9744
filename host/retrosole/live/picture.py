"""Render the live view without a terminal, for documents and for looking at it in tests.

Textual exports the screen as SVG text. Fonts differ in how they draw braille and block characters,
or lack them, so these become plain shapes here and the picture looks the same everywhere.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from pathlib import Path

from retrosole.errors import StorageError
from retrosole.live.app import LiveApp
from retrosole.live.state import LiveState

_FONTS = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_TEXT = re.compile(
    r'<text class="(?P<cls>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"'
    r' textLength="(?P<length>[\d.]+)" clip-path="[^"]+">(?P<text>[^<]*)</text>'
)
_COLOUR = re.compile(r"\.(\S+-r\d+) \{ fill: (#[0-9a-fA-F]{6})")
_RUN = re.compile(
    r"(?P<dots>[\u2801-\u28ff]+)|(?P<blocks>[▀▄█▌▐▖▗▘▝━╍]+)|(?P<words>[^\s\u2800-\u28ff▀▄█▌▐▖▗▘▝━╍]+)"
)
_ROW_PX = 24.4  # the height of a row in Rich's drawing
_RISE_PX = 18.5  # and of its top above the base line
_DOT_PX = 3.9
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # by bit: column, row
_BLOCKS = {  # each block as (left, top, right, bottom) in parts of the cell
    "▀": (0, 0, 1, 0.5),
    "▄": (0, 0.5, 1, 1),
    "█": (0, 0, 1, 1),
    "▌": (0, 0, 0.5, 1),
    "▐": (0.5, 0, 1, 1),
    "▖": (0, 0.5, 0.5, 1),
    "▗": (0.5, 0.5, 1, 1),
    "▘": (0, 0, 0.5, 0.5),
    "▝": (0.5, 0, 1, 0.5),
    "━": (0, 0.42, 1, 0.58),
    "╍": (0.15, 0.42, 0.85, 0.58),
}


def save_svg(
    state: LiveState, path: str | Path, size: tuple[int, int] = (120, 40), *, is_light: bool = False
) -> None:
    """Write the view of `state` at `size` columns and rows as one SVG file that needs nothing else.

    Raises StorageError when the file cannot be written.
    """
    svg = asyncio.run(_render(state, size, is_light))
    try:
        Path(path).write_text(svg, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"cannot write the picture {path}: {reason}; choose another place"
        raise StorageError(text) from error


async def _render(state: LiveState, size: tuple[int, int], is_light: bool) -> str:
    app = LiveApp(state, is_light=is_light)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.update_picture()
        await pilot.pause()
        return self_contained(app.export_screenshot(title="retrosole live"))


def self_contained(svg: str) -> str:
    """Take out fonts from the network and turn characters that fonts draw differently into
    shapes."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
    svg = re.sub(r"font-family:\s*Fira Code,\s*monospace", f"font-family: {_FONTS}", svg)
    colours = dict(_COLOUR.findall(svg))
    return _TEXT.sub(lambda match: "".join(_redraw(match, colours)), svg)


def _redraw(match: re.Match[str], colours: dict[str, str]) -> Iterator[str]:
    text = html.unescape(match["text"]).replace("\xa0", " ")
    cell_px = float(match["length"]) / max(1, len(text))
    top_px = float(match["y"]) - _RISE_PX
    for run in _RUN.finditer(text):
        left_px = float(match["x"]) + run.start() * cell_px
        if run["dots"]:
            path = "".join(_dots(run["dots"], left_px, top_px, cell_px))
            style = f'fill="none" stroke-linecap="round" stroke-width="{_DOT_PX}"'
            yield f'<path {style} stroke="{colours.get(match["cls"], "#fff")}" d="{path}"/>'
        elif run["blocks"]:
            path = "".join(_blocks(run["blocks"], left_px, top_px, cell_px))
            yield f'<path class="{match["cls"]}" shape-rendering="crispEdges" d="{path}"/>'
        else:
            words = html.escape(run["words"])
            length = f'textLength="{len(run["words"]) * cell_px:.1f}"'
            where = f'x="{left_px:.1f}" y="{match["y"]}" {length}'
            yield f'<text class="{match["cls"]}" {where}>{words}</text>'


def _dots(run: str, left_px: float, top_px: float, cell_px: float) -> Iterator[str]:
    for i, char in enumerate(run):
        for bit, (column, row) in enumerate(_DOTS):
            if ord(char) >> bit & 1:
                x_px = left_px + (i + 0.25 + 0.5 * column) * cell_px
                yield f"M{x_px:.1f} {top_px + (row + 0.5) * _ROW_PX / 4:.1f}h0"


def _blocks(run: str, left_px: float, top_px: float, cell_px: float) -> Iterator[str]:
    for i, char in enumerate(run):
        left, top, right, bottom = _BLOCKS[char]
        x_px, y_px = left_px + (i + left) * cell_px, top_px + top * _ROW_PX
        width_px, height_px = (right - left) * cell_px, (bottom - top) * _ROW_PX
        yield f"M{x_px:.1f} {y_px:.1f}h{width_px:.1f}v{height_px:.1f}h{-width_px:.1f}z"
