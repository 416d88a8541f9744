"""What the person types: single keys on a terminal, else the first letter of each line that comes on standard input."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import IO, Any

try:
    import termios
    import tty
except ImportError:  # Windows: whole lines there
    termios = tty = None  # type: ignore[assignment]

ENTER = "\n"
_END = ""  # of the input
_ESCAPE = "\x1b"
_WAIT_S = 0.2


class Keys:
    """Collect keys in the background; `poll` and `wait` are for one thread."""

    def __init__(self, stream: IO[Any] | None, is_terminal: bool) -> None:
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._stream = stream
        self._is_terminal = is_terminal
        self._closed = threading.Event()
        self.is_open = stream is not None
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
        if stream is not None:
            self._thread.start()

    def poll(self) -> str | None:
        """Give the next key, in lower case, or None when none was pressed."""
        try:
            return self._got(self._queue.get_nowait())
        except Empty:
            return None

    def wait(self) -> str | None:
        """Wait for a key and give it; None when no more will come. Ctrl-C ends the waiting as usual."""
        while self.is_open:
            with contextlib.suppress(Empty):
                return self._got(self._queue.get(timeout=_WAIT_S))
        return None

    def forget(self) -> None:
        """Drop what was typed on a terminal so far; lines that were piped in were meant for later, and stay."""
        if self._is_terminal:
            while self.poll() is not None:
                pass

    def close(self) -> None:
        """Stop reading."""
        self._closed.set()

    def _got(self, key: str) -> str | None:
        if key == _END:
            self.is_open = False
            return None
        return key

    def _run(self) -> None:
        assert self._stream is not None
        with contextlib.suppress(OSError, ValueError):  # standard input is closed or none, so no key will come
            for key in _read_keys(self._stream.fileno(), self._is_terminal, self._closed):
                self._queue.put(ENTER if key in "\r\n " else key.lower())
        self._queue.put(_END)


def _read_keys(fd: int, is_terminal: bool, closed: threading.Event) -> Iterator[str]:
    held = ""
    while not closed.is_set():
        if os.name == "posix" and not select.select([fd], [], [], _WAIT_S)[0]:
            continue
        data = os.read(fd, 1024).decode(errors="replace")
        if not data:
            yield from held.strip()[:1]
            return
        if is_terminal:
            yield from "" if data.startswith(_ESCAPE) else data  # an arrow is no letter: its last byte may be a d
            continue
        *lines, held = (held + data).split("\n")
        yield from (line.strip()[:1] or ENTER for line in lines)


@contextlib.contextmanager
def open_keys() -> Iterator[Keys]:
    """Read keys until the end of the block; a terminal gives them without Enter and without showing them."""
    stream = sys.stdin
    is_terminal = bool(stream is not None and termios is not None and stream.isatty() and sys.stdout.isatty())
    with _single_keys(stream) if is_terminal else contextlib.nullcontext():
        keys = Keys(stream, is_terminal)
        try:
            yield keys
        finally:
            keys.close()


@contextlib.contextmanager
def _single_keys(stream: IO[Any]) -> Iterator[None]:
    fd = stream.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
