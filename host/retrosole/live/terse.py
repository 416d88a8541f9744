"""Textual's picture updates in fewer bytes, for lines such as SSH.

Textual 8 sends each changed run of cells from the left edge of its widget on, and ends every style before it begins the
next. Here only the changed cells go out, and one sequence does both.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate

_NEXT_STYLE = ("\x1b[0m\x1b[", "\x1b[0;")


class TerseUpdate(ChopsUpdate):
    """Be an update of some runs of cells."""

    @classmethod
    def of(cls, update: ChopsUpdate) -> TerseUpdate:
        """Take over what Textual wants to send."""
        return cls(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        """Give what is written to the terminal."""
        out: list[str] = []
        for y, begin, end in self.spans:
            for chop_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, begin), min(chop_end, end)
                if strip is not None and first < last:
                    out.append(Control.move_to(first, y).segment.text)
                    out.append(strip.crop(first - x, last - x).render(console).replace(*_NEXT_STYLE))
        return "".join(out)
