"""A program on a pseudo-terminal of 80 columns: read what it shows, type what a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from types import TracebackType

PATIENCE_S = 60.0
_FULL_SCREEN = re.compile(r"\x1b\[\?1049h.*?\x1b\[\?1049l", re.DOTALL)
_TITLES = re.compile(r"\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)")
_COLOURS = re.compile(r"\x1b(?:\[[0-9;:<=>?$ ]*[B-JL-Za-z]|[()][A-Z0-9]|[=>78cM])|[\a\x00]")
_PIECES = re.compile(r"\x1b\[[0-9]*[AK]|[\r\n]|[^\x1b\r\n]+")


def seen(text: str) -> str:
    """Give what stands on a terminal in the end: without colours, what was drawn over, and what filled the screen."""
    for gone in (_FULL_SCREEN, _TITLES, _COLOURS):
        text = gone.sub("", text)
    rows, row, is_at_start = [], "", False
    for piece in _PIECES.findall(text):
        if piece == "\n":
            rows.append(row)
            row, is_at_start = "", False
        elif piece == "\r":
            is_at_start = True
        elif piece.startswith("\x1b") and piece.endswith("A"):
            row = rows.pop() if rows else ""
        elif piece.startswith("\x1b"):
            row = ""
        else:
            row, is_at_start = piece if is_at_start else row + piece, False
    return "\n".join(line.rstrip() for line in [*rows, row])


class Terminal:
    """Run `python -m retrosole WORDS` as a person does."""

    def __init__(self, *words: str, program: tuple[str, ...] = ("-m", "retrosole"), **environment: str) -> None:
        self.text = ""
        self._seen_n = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment}
        command = [sys.executable, *program, *words]
        self._child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)

    def wait_for(self, wanted: str) -> str:
        """Read until `wanted` is shown, behind what was waited for before; give what was shown since then.

        However the lines are folded: all space between words counts as one blank.
        """
        end_s = time.monotonic() + PATIENCE_S
        while (at := self.words.find(wanted, self._seen_n)) < 0:
            if not self._read(end_s):
                raise AssertionError(f"{wanted!r} was not shown, but: {self.words[self._seen_n :]}")
        shown = self.words[self._seen_n : at + len(wanted)]
        self._seen_n = at + len(wanted)
        return shown

    @property
    def words(self) -> str:
        """Give all that was shown so far, without line ends."""
        return " ".join(self.text.split())

    def type(self, text: str = "") -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def press(self, keys: str) -> None:
        """Press keys, without Enter."""
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, and again when nothing comes of it for a while, as a person does.

        One that comes between two bytecodes just before Python waits for a line is noticed behind that line only.
        """
        for _ in range(5):
            self._child.send_signal(signal.SIGINT)
            if self._read(time.monotonic() + 3.0) or self._child.poll() is not None:
                return

    def end(self) -> int:
        """Read to the end and give the exit code."""
        end_s = time.monotonic() + PATIENCE_S
        while self._read(end_s):
            pass
        return self._child.wait(PATIENCE_S)

    def _read(self, end_s: float) -> bool:
        if not select.select([self._master], [], [], max(end_s - time.monotonic(), 0.0))[0]:
            return False
        try:
            part = os.read(self._master, 65536)
        except OSError:  # how Linux says that the other side has closed
            return False
        self.text += part.decode(errors="replace").replace("\r\n", "\n")
        return bool(part)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._master)
