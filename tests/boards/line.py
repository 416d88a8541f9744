"""The cable between a board machine and whoever opens its port: it can be pulled at a byte, and always reads."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import IO

from retrosole.twin.outlets import Outlet

_READ_BYTES = 65536
_LOOK_MS = 10  # a pseudo-terminal does not say that it was opened
_ROOM_BYTES = 1 << 20  # what waits for a slow reader before it is lost


class Line:
    """Pump bytes between an outlet and the console of a process that comes and goes."""

    def __init__(self, outlet: Outlet, ended: Callable[[int], None]) -> None:
        """Offer the port at once.

        When the console's other end has closed, the pump calls `ended`, holding no lock, with the number of processes
        served so far: by then another one may be.
        """
        self.moved_n = 0  # both ways
        self.heard = bytearray()  # all that the board has said, for the tests
        self.pull_at: int | None = None
        self.is_plugged = True
        self._outlet = outlet
        self._ended = ended
        self._console: tuple[int, int] | None = None  # to read, to write
        self._served_n = 0
        self._has_ended = False
        self._to_host = bytearray()
        self._to_board = bytearray()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        outlet.open()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._thread.start()

    def connect(self, output: IO[bytes], console_input: IO[bytes]) -> None:
        """Serve a new process."""
        with self._lock:
            self._console = (output.fileno(), console_input.fileno())
            self._served_n += 1
            self._has_ended = False
            for descriptor in self._console:
                os.set_blocking(descriptor, False)
            self._to_board.clear()

    def disconnect(self) -> None:
        """Let go of the process."""
        with self._lock:
            self._console = None
            self._to_board.clear()

    def pull(self) -> None:
        """Take the port away, as a pulled plug does; the board does not notice."""
        with self._lock:
            if self.is_plugged:
                self.is_plugged = False
                self._outlet.close()
                self._to_host.clear()

    def plug_in(self) -> None:
        """Offer the port again."""
        with self._lock:
            self.pull_at = None
            if not self.is_plugged:
                self._outlet.open()
                self.is_plugged = True

    def close(self) -> None:
        """End the pump and take the port away."""
        self._stop.set()
        self._thread.join()
        self.disconnect()
        self.pull()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                attached = self.is_plugged and self._outlet.refresh()
                poll = self._watching(attached)
            poll.poll(_LOOK_MS)
            with self._lock:
                self._from_host()
                self._from_board()
                self._flush()
                ended_n = self._served_n if self._has_ended else 0
                self._has_ended = False
            if ended_n:
                self._ended(ended_n)

    def _watching(self, attached: bool) -> select.poll:
        poll = select.poll()
        for descriptor in self._outlet.watched() if attached else []:
            poll.register(descriptor, select.POLLIN)
        output = self._outlet.output() if attached else None
        if output is not None and self._to_host:
            poll.register(output, select.POLLIN | select.POLLOUT)
        if self._console is not None:
            poll.register(self._console[0], select.POLLIN)
            if self._to_board:
                poll.register(self._console[1], select.POLLOUT)
        return poll

    def _from_host(self) -> None:
        data = self._outlet.read() if self.is_plugged else b""
        if self._console is not None:
            self._to_board += self._passed(data)

    def _from_board(self) -> None:
        if self._console is None:
            return
        try:
            data = os.read(self._console[0], _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self.disconnect()
            self._has_ended = True
            return
        self.heard += data
        if self.is_plugged and self._outlet.refresh() and len(self._to_host) < _ROOM_BYTES:
            self._to_host += self._passed(data)

    def _passed(self, data: bytes) -> bytes:
        """Count bytes; at the one where the plug is pulled, pull it, when those before it have gone."""
        if self.pull_at is None or self.moved_n + len(data) < self.pull_at:
            self.moved_n += len(data)
            return data
        keep = data[: max(self.pull_at - self.moved_n, 0)]
        self.moved_n += len(keep)
        self.pull_at = None
        self._flush()
        self.pull()
        return keep

    def _flush(self) -> None:
        if self._to_host and self.is_plugged and self._outlet.output() is not None:
            with memoryview(self._to_host) as view:
                taken_n = self._outlet.write(view)
            del self._to_host[:taken_n]
        if self._to_board and self._console is not None:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):  # full, or ending: its output will say so
                del self._to_board[: os.write(self._console[1], self._to_board)]
