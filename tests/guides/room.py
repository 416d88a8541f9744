"""Where a guide is followed: a terminal, somebody who types what it says, and a board where one is built."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.boards.desk import Desk, Done
from tests.guides.answers import ANSWERS, CTRL_C
from tests.guides.blocks import Command
from tests.guides.lines import could_install, would_make
from tests.terminal import Terminal, seen

TYPED = Path(__file__).with_name("typed.py")
INTERRUPTED = 130
EXIT_CODES = {"retrosole doctor --port bench --seconds 8": 6}  # it finds what is broken
_SESSION = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_(\w+)")
_PATIENCE_S = 120.0


class OnDesk(Protocol):
    """Have a port, and type commands with it."""

    def retrosole(self, *words: str) -> Done:
        """Type a command."""


class Room:
    """Follow a guide. `board` is what is plugged in, None where that is nothing."""

    def __init__(self, board: OnDesk | None = None) -> None:
        self._board = board
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    def run(self, command: Command) -> str:
        """Do what is typed; give what is seen of it. Raises AssertionError for what it does not know how to run."""
        words = shlex.split(self.filled(command.text))
        program = words[0] if words else ""
        if program == "retrosole":
            return self._retrosole(command.text, words[1:])
        if program == "make":
            return would_make(words[1:])
        if words[:2] == ["pip", "install"]:
            return could_install(words[2:])
        raise AssertionError(f"nobody knows how to check the command {command.text!r}")

    def filled(self, text: str) -> str:
        """Put the name of the newest session of that subject in the place of one that a guide names."""
        return _SESSION.sub(lambda one: _newest(one[1]), text)

    def python(self, text: str) -> str:
        """Run a script; give what it prints."""
        Path("script.py").write_text(self.filled(text), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "script.py"], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _retrosole(self, text: str, words: list[str]) -> str:
        if words[0] == "sim":
            terminal = self._started(*words)
            terminal.wait_for("End: Ctrl-C")
            return seen(terminal.text)
        if words[:2] == ["live", "--web"]:
            return self._page(words)
        if self._board is not None and "--port" not in words:
            return self._on_board(self._board, words)
        terminal = self._started(*words)
        for typed in ANSWERS.get(text, ()):
            terminal.wait_for(typed.words)
            time.sleep(typed.after_s)
            if typed.felt:
                self._feel(typed.felt)
            if typed.keys == CTRL_C:
                terminal.interrupt()
            else:
                terminal.press(typed.keys)
        code = terminal.end()
        assert code == self._exit_code(text), f"exit code {code}: {seen(terminal.text)}"
        return seen(terminal.text)

    def _exit_code(self, text: str) -> int:
        """Give the exit code that a command is to have."""
        return EXIT_CODES.get(text, 0)

    def _feel(self, counts: Sequence[float]) -> None:
        """Let the insole's sensors read this from now on."""
        raise AssertionError("in this room nobody moves a foot")

    def _on_board(self, board: OnDesk, words: Sequence[str]) -> str:
        """Type it for the board that is plugged in; a virtual one is named in the guide."""
        is_flash = words[0] == "flash" and isinstance(board, Desk)
        done = board.flash_it(*words[1:]) if is_flash else board.retrosole(*words)
        assert done.code == 0, f"exit code {done.code}: {done.text}"
        return done.text

    def _page(self, words: Sequence[str]) -> str:
        """Look at the page of the live view, then end it with Ctrl-C."""
        terminal = self._started(*words)
        terminal.wait_for("live at ")
        terminal.wait_for("/ ")
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", terminal.text)
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as page:
            assert b"<html" in page.read()
        terminal.interrupt()
        assert terminal.end() == INTERRUPTED
        return seen(terminal.text)

    def _started(self, *words: str) -> Terminal:
        return self._running.enter_context(Terminal(*words, program=(str(TYPED),)))


def _newest(subject: str) -> str:
    found = sorted(Path("sessions").glob(f"*_{subject}"))
    assert found, f"no session of {subject} is there"
    return found[-1].name
