"""Where the coach's sentences go: folded above one changing line on a terminal, plain lines anywhere else."""

from __future__ import annotations

import shutil
import sys
import textwrap

from retrosole import show

_WIDTH = 80
_CLEAR_LINE = "\r\x1b[2K"
_BELL = "\a"


class Screen:
    """Say sentences; on a terminal keep a line about now at the bottom."""

    def __init__(self) -> None:
        self._can_draw = show.can_draw()
        self._status = ""

    def say(self, text: str) -> None:
        """Print a sentence; on a terminal the line about now stays below it."""
        if not self._can_draw:
            show.announce(text)
            return
        width = min(_WIDTH, shutil.get_terminal_size().columns)
        lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        self._write(f"{_CLEAR_LINE if self._status else ''}" + "\n".join(lines) + "\n")
        self._draw()

    def status(self, text: str) -> None:
        """Show what is now, "" nothing any more; nothing where only lines can be printed."""
        if not text:
            self.end()
        elif text != self._status and self._can_draw:
            self._status = text
            self._draw()

    def signal(self) -> None:
        """Ring the terminal's bell: who walks backward does not look at it."""
        if self._can_draw:
            self._write(_BELL)

    def end(self) -> None:
        """Take the line about now away."""
        if self._status:
            self._status = ""
            self._write(_CLEAR_LINE)

    def _draw(self) -> None:
        if self._status:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"{_CLEAR_LINE}{self._status[:width]}")

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            show.forget(sys.stdout)
            self._can_draw = False
