"""What runs on a test board once its chip has left the loader: the insole's own firmware on real MicroPython.

The file system image that was flashed is mounted and started by MicroPython on the emulated RV32 machine (machine.py),
for every chip: no Xtensa code can be run here, and the machine takes no native code for another processor. The pack
for ESP32 and ESP32-S3 is Xtensa code in its hot parts, so those are started with `fixed.py`'s plain twins (what the
firmware does itself where native code cannot be loaded); that their native code works is not shown here.

Of the partition for sessions it has the beginning. The partition `nvs` holds the machine's
non-volatile storage, as JSON: erased, it is lost.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.boards.machine import PARTITIONS, Board

_READ_BYTES = 65536


class Insole:
    """Run the firmware in a board's partitions; bytes go through its TCP port."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        """Switch it on with what these partitions hold."""
        self._folder = tempfile.TemporaryDirectory(prefix="retrosole-board-")
        self._sizes = {label: len(content) for label, content in parts.items()}
        self._board = Board(
            Path(self._folder.name),
            parts["vfs"],
            sessions=parts.get("sessions", b"")[: PARTITIONS["sessions"][1]],
            nvs=parts["nvs"].rstrip(b"\xff"),
            tcp=True,
        )
        self._board.power_on()
        address = urlsplit(self._board.port)
        self._line = socket.create_connection((address.hostname, address.port))
        self._line.setblocking(False)

    def read(self) -> bytes:
        """Give what it has sent; nothing when there is nothing."""
        with contextlib.suppress(BlockingIOError):
            return self._line.recv(_READ_BYTES)
        return b""

    def write(self, data: bytes) -> None:
        """Send it bytes."""
        self._line.setblocking(True)
        self._line.sendall(data)
        self._line.setblocking(False)

    def end(self) -> dict[str, bytes]:
        """Take its power; give what its flash holds then."""
        self._line.close()
        self._board.power_off()
        held = {label: self._board.flash(label) for label in ("vfs", "sessions") if label in self._sizes}
        held["nvs"] = self._board.nvs().ljust(self._sizes["nvs"], b"\xff")
        self._board.close()
        self._folder.cleanup()
        return held


class Prompt:
    """Stand in for a MicroPython that is not ours: whatever it is told, it shows its prompt."""

    def __init__(self) -> None:
        self._says = b"MicroPython v1.25.0 on 2025-04-15; Generic ESP32 module with ESP32\r\n>>> "

    def read(self) -> bytes:
        says, self._says = self._says, b""
        return says

    def write(self, data: bytes) -> None:
        self._says += b"\r\n>>> "

    def end(self) -> dict[str, bytes]:
        return {}


def started(parts: Mapping[str, bytes]) -> Insole | Prompt:
    """Start what a board's partitions hold: an insole where there is a place for sessions."""
    return Insole(parts) if "sessions" in parts else Prompt()
