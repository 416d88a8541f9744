"""The RV32 machine as a board: its flash survives whatever happens, and power can fail at any byte of programming it.

Real MicroPython runs on it, with its own LittleFS on the partition "vfs" at '/', and starts main.py as a board does.
What stands in: the chip's modules (firmware/twin, at /twin, which no real board has); NOR flash by the model of
firmware/twin/nor.py, whose programming takes no time here; the walk, for the insole lies still. Non-volatile storage is
in memory of its own, so a cut never falls into writing it. The partition of the sessions has 48 sectors, not 448:
at each start the firmware looks at all of them, which took this machine as long as all else of a start. A reset is a
new start of the machine; only flash is kept.
"""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

from retrosole.twin import rv32
from retrosole.twin.outlets import Outlet, PtyOutlet, TcpOutlet
from tests.boards.line import Line
from tests.machines import FIRMWARE, compiled

DEVICE = Path(__file__).parent / "device"
BLOCK_BYTES = 4096
VFS_BLOCKS = 64
# As in device/_board.py
PARTITIONS = {"vfs": (0x82000000, 256 * 1024), "sessions": (0x82100000, 192 * 1024)}
_NVS_AT, _NVS_BYTES = 0x82500000, 2048
STAND_INS = ("console", "esp32", "machine", "nor", "world")
_MADE_BLANK = b"NOR1"  # behind each, for nor.py
_SAMPLE_AT = 0x82400000
_SAMPLE = struct.pack("<6H", 300, 310, 320, 330, 340, 350)
_RAM = 0x80000000
_CUT_AT, _DONE, _BUTTON = 8, 12, 20
PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3
_EXITS = {3: HARD_RESET, 4: WDT_RESET}
NO_POWER_EXIT = 5


@cache
def _twin_files() -> dict[str, bytes]:
    paths = [FIRMWARE / "twin" / f"{name}.py" for name in STAND_INS] + [DEVICE / "_board.py"]
    files = {f"{path.stem}.mpy": compiled(path) for path in paths}
    return {**files, "_start.py": (DEVICE / "_start.py").read_bytes()}


@cache
def _twin_image() -> bytes:
    return rv32.file_image(_twin_files())


def vfs_image(files: Mapping[str, bytes]) -> bytes:
    """Give a LittleFS image of these files for the partition "vfs"."""
    return rv32.file_image(files, VFS_BLOCKS)


def _as_storage(nvs: bytes) -> bytes:
    assert len(nvs) <= _NVS_BYTES - 2, "larger than its place"
    return (b"\0" + struct.pack("<H", len(nvs)) + nvs).ljust(1 + 2 * _NVS_BYTES, b"\0")


class Board:
    """A board with a port. Use it as a context; it has power from then on."""

    def __init__(
        self,
        folder: Path,
        vfs: bytes,
        *,
        sessions: bytes = b"",
        nvs: bytes = b"",
        tcp: bool = False,
        device_id: bytes = b"BOARD\0\0\1",
        port_has_own_power: bool = True,
    ) -> None:
        """Flash it; nothing runs yet. Without `port_has_own_power` its port goes away with its own power."""
        self.starts: list[int] = []  # why it started, each time
        self.error = ""
        self._memory = folder / "memory"
        self._device_id = device_id
        self._port_has_own_power = port_has_own_power
        self._kept = {_NVS_AT: _as_storage(nvs)}
        for (at, n), content in zip(PARTITIONS.values(), (vfs, sessions), strict=True):
            assert len(content) <= n, "larger than its partition"
            self._kept[at] = content + b"\xff" * (n - len(content)) + _MADE_BLANK
        self._machine: rv32.Machine | None = None
        self._lock = threading.RLock()
        outlet: Outlet = TcpOutlet("127.0.0.1", 0) if tcp else PtyOutlet(folder / "port")
        self.line = Line(outlet, self._ended)
        self.port = outlet.port

    # ---- power

    def power_on(self, cut_at: int = 0) -> None:
        """Switch it on; at the `cut_at`-th byte of flash that is programmed or erased from now on, power fails."""
        with self._lock:
            assert self._machine is None, "it is on"
            if not self._port_has_own_power:
                self.line.plug_in()
            self._switch_on(PWRON_RESET, cut_at, 0)

    def power_off(self) -> None:
        """Take its power away, in the middle of whatever it does (kill -9)."""
        with self._lock:
            if self._machine is not None:
                os.kill(self._machine.pid, signal.SIGKILL)
            self._off()

    def cut_at(self, byte_n: int) -> None:
        """Let power fail at this byte of flash, counted since it was switched on, also while it runs; 0: never."""
        self._poke(_CUT_AT, byte_n)

    def hold_button(self, is_held: bool) -> None:
        """Hold its button, or let go; it is looked at when the board starts."""
        self._poke(_BUTTON, int(is_held))

    @property
    def is_on(self) -> bool:
        """Say whether it has power; while it is reset, it has."""
        with self._lock:
            return self._machine is not None

    @property
    def programmed_n(self) -> int:
        """Give how many bytes of flash were programmed or erased since it was switched on."""
        return self._word(_DONE)

    def wait_off(self, timeout_s: float) -> bool:
        """Wait until it has lost its power; say whether it has."""
        end_s = time.monotonic() + timeout_s
        while self.is_on and time.monotonic() < end_s:
            time.sleep(0.01)
        return not self.is_on

    # ---- what is on it

    def flash(self, label: str) -> bytes:
        """Give what a partition holds, now or when it was switched off."""
        at, n = PARTITIONS[label]
        return self._peek(at, n) if self._memory.exists() else self._kept[at][:n]

    def nvs(self) -> bytes:
        """Give what its non-volatile storage holds, when it was switched off last: JSON, or nothing."""
        assert self._machine is None, "it is on"
        storage = self._kept[_NVS_AT]
        at = 1 + _NVS_BYTES * storage[0]
        (n,) = struct.unpack_from("<H", storage, at)
        return storage[at + 2 : at + 2 + n]

    # ---- inside

    def _switch_on(self, cause: int, cut_at: int, done_n: int) -> None:
        button = self._word(_BUTTON) if self._memory.exists() else 0
        words = struct.pack("<IIIIII8s", 1, 1, cut_at, done_n, cause, button, self._device_id)
        with open(self._memory, "wb") as file:  # anew: of what it had in mind nothing is left
            file.truncate(rv32.MEMORY_MB * 2**20)
            for at, content in {
                **self._kept,
                rv32.FILES_ADDRESS: _twin_image(),
                _SAMPLE_AT: _SAMPLE,
                rv32.CONFIG_ADDRESS: words,
            }.items():
                file.seek(at - _RAM)
                file.write(content)
        self.starts.append(cause)
        self._machine = rv32.start_on(self._memory)
        assert self._machine.stdout is not None and self._machine.stdin is not None
        self.line.connect(self._machine.stdout, self._machine.stdin)

    def _off(self) -> int:
        """Let go of the machine, which has ended, and keep what does not need power; give its exit code."""
        machine, self._machine = self._machine, None
        if machine is None:
            return 0
        self.line.disconnect()
        code = machine.wait(10)
        self.error = machine.complaint()
        machine.close()
        for at, content in self._kept.items():
            self._kept[at] = self._peek(at, len(content))
        if code not in _EXITS and not self._port_has_own_power:
            self.line.pull()
        return code

    def _ended(self, start_n: int) -> None:
        """Start it again after a reset; called by the line when the console of that start has closed."""
        with self._lock:
            if self._machine is None or start_n != len(self.starts):
                return
            code = self._off()
            if code in _EXITS:
                self._switch_on(_EXITS[code], self._word(_CUT_AT), self._word(_DONE))
            elif code != NO_POWER_EXIT:
                self.error = f"the machine ended with exit code {code}: {self.error}"

    def _word(self, offset: int) -> int:
        return int.from_bytes(self._peek(rv32.CONFIG_ADDRESS + offset, 4), "little")

    def _peek(self, at: int, n: int) -> bytes:
        with open(self._memory, "rb") as file:
            file.seek(at - _RAM)
            return file.read(n)

    def _poke(self, offset: int, value: int) -> None:
        with open(self._memory, "r+b", buffering=0) as file:
            file.seek(rv32.CONFIG_ADDRESS - _RAM + offset)
            file.write(value.to_bytes(4, "little"))

    def close(self) -> None:
        """Switch it off and take its port away."""
        self.power_off()
        self.line.close()

    def __enter__(self) -> Self:
        """Switch it on."""
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
