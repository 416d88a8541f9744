"""A development board with a chip in its loader or an application on it, behind a network port: what esptool talks to.

Over rfc2217:// DTR and RTS work as on Espressif's DevKits: two transistors, DTR alone pulls the boot pin low, RTS alone
holds the chip in reset, both together do nothing. When a reset ends, the boot pin decides: low starts the chip's
loader, high the application. Over socket:// there are no such lines and a person presses the buttons (`press`), as with
an adapter whose lines lead nowhere (`lines_reset`).

Its limits: on a board a capacitor at EN delays the end of a reset by some milliseconds, which is what makes esptool's
sequence work; pyserial's rfc2217 client takes 50 ms for each line and more on a busy computer, so here the delay is
long. Boards behind a plain rfc2217 server may therefore refuse what this one takes. The chip's bootloader is not run:
it is checked as the ROM and the bootloader check it (headers, sizes, checksums, partition table), then `start` is given
the flash and what it gives is asked for bytes.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

from serial.rfc2217 import PortManager

from retrosole.errors import RetrosoleError
from retrosole.flashing.image import read_image
from retrosole.flashing.partitions import TABLE_AT, TABLE_BYTES, TYPE_APP, Partition, read_table
from tests.boards.esp_chips import EspChip
from tests.boards.loader import Gone, Loader, Misfortune
from tests.boards.nor_flash import NorFlash

_CAPACITOR_S = 0.5
_LOOK_S = 0.01
_READ_BYTES = 65536
_LOADER_WORDS = b"\r\nrst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0))\r\nwaiting for download\r\n"
_APP_WORDS = b"\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"


class Application(Protocol):
    """What runs once the chip has left its loader."""

    def read(self) -> bytes:
        """Give what it has sent; nothing when there is nothing."""

    def write(self, data: bytes) -> None:
        """Take what the host sends."""

    def end(self) -> Mapping[str, bytes]:
        """Lose its power; give what its partitions hold now, by label."""


Start = Callable[[Mapping[str, bytes]], Application]  # from what the partitions hold, by label


class _Lines:
    """Stand in for the serial port that an rfc2217 server drives; tells when a line changes."""

    def __init__(self, changed: Callable[[bool, bool], None]) -> None:
        self.baudrate, self.bytesize, self.parity, self.stopbits = 115200, 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False
        self._changed = changed
        self._dtr = self._rts = False

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._dtr = value
        self._changed(self._dtr, self._rts)

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._rts = value
        self._changed(self._dtr, self._rts)

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""


class _Line:
    """What PortManager writes its own telnet words to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)


class DevKit:
    """A board with a chip and its flash, served at `port`; use it as a context. `heard` is all that it has said."""

    def __init__(
        self,
        chip: EspChip,
        flash: NorFlash,
        start: Start,
        *,
        has_lines: bool = True,
        lines_reset: bool = True,
        misfortune: Misfortune | None = None,
    ) -> None:
        self.chip = chip
        self.flash = flash
        self.misfortune = misfortune or Misfortune()
        self.heard = bytearray()
        self.resets: list[str] = []  # into what, each time: "loader", "application" or "nothing"
        self.is_gone = False
        self._start = start
        self._loader: Loader | None = None
        self._application: Application | None = None
        self._lines = _Lines(self._lines_changed)
        self._is_held = False  # in reset
        self._decides_s: float | None = None
        self._connection: socket.socket | None = None
        self._manager: Any = None
        self._has_lines = has_lines
        self._lines_reset = lines_reset
        self._lock = threading.RLock()
        self._server = socket.create_server(("127.0.0.1", 0))
        scheme = "rfc2217" if has_lines else "socket"
        self.port = f"{scheme}://127.0.0.1:{self._server.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devkit", daemon=True)

    def __enter__(self) -> Self:
        self.press(holds_boot=False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        with self._lock:
            self._power_down()
        self._disconnect()
        self._server.close()

    def press(self, *, holds_boot: bool) -> None:
        """Press and release the reset button, with the boot button held or not."""
        with self._lock:
            self._decide(boot_low=holds_boot)

    def partitions(self) -> dict[str, Partition]:
        """Give the partitions that the table in flash names."""
        table = self.flash.read(TABLE_AT, TABLE_BYTES)
        return {one.label: one for one in read_table(table, "the partition table")}

    def content(self, label: str) -> bytes:
        """Give what a partition holds, now or, while an application runs, when that was started."""
        one = self.partitions()[label]
        return self.flash.read(one.at, one.size)

    # ---- reset

    def _lines_changed(self, dtr: bool, rts: bool) -> None:
        if not self._lines_reset:
            return
        is_held, boot_low = rts and not dtr, dtr and not rts
        if is_held:
            self._power_down()
            self._decides_s = None
        elif self._is_held:
            self._decides_s = time.monotonic() + _CAPACITOR_S
        self._is_held = is_held
        if self._decides_s is not None and boot_low:
            self._decide(boot_low=True)

    def _decide(self, *, boot_low: bool) -> None:
        self._power_down()
        self._decides_s = None
        if boot_low:
            self._loader = Loader(self.chip, self.flash, self.misfortune)
            self._say(_LOADER_WORDS)
            self.resets.append("loader")
            return
        self._say(_APP_WORDS)
        fault = self._boot_fault()
        if fault:
            self._say(fault.encode() + b"\r\n")
            self.resets.append("nothing")
            return
        parts = self.partitions().values()
        self._application = self._start({one.label: self.flash.read(one.at, one.size) for one in parts})
        self.resets.append("application")

    def _boot_fault(self) -> str:
        """Give why the chip would not start what is in its flash; empty when it would."""
        if self.flash.read(self.chip.bootloader_at, 4) == b"\xff" * 4:
            return "invalid header: 0xffffffff"
        chip_id = self.chip.chip_id or 0
        try:
            bootloader = self.flash.read(self.chip.bootloader_at, TABLE_AT - self.chip.bootloader_at)
            header_bytes = 2**20 << (bootloader[3] >> 4)
            parts = self.partitions().values()
            apps = [one for one in parts if one.type == TYPE_APP]
            images = [bootloader, *(self.flash.read(one.at, one.size) for one in apps[:1])]
            if any(read_image(image, "image").chip_id != chip_id for image in images) or not apps:
                return "Image requires another chip"
            if any(one.end > header_bytes for one in parts):
                return "partition table exceeds the flash size in the bootloader's header"
        except RetrosoleError as error:
            return str(error)
        return ""

    def _power_down(self) -> None:
        self._loader = None
        application, self._application = self._application, None
        if application is not None:
            parts = self.partitions()
            for label, content in application.end().items():
                one = parts[label]
                assert len(content) <= one.size
                self.flash.memory[one.at : one.at + len(content)] = content

    # ---- the line

    def _run(self) -> None:
        while not self._stop.is_set():
            ready = [self._server] if self._connection is None else [self._connection]
            readable, _, _ = select.select(ready, [], [], _LOOK_S)
            with self._lock:
                try:
                    self._turn(bool(readable))
                except (ConnectionError, BrokenPipeError):
                    self._disconnect()
                except Gone:
                    self._vanish()
                    return

    def _turn(self, is_ready: bool) -> None:
        if self._decides_s is not None and time.monotonic() > self._decides_s:
            self._decide(boot_low=False)
        if self._application is not None and (said := self._application.read()):
            self._say(said)
        if not is_ready:
            return
        if self._connection is None:
            self._accept()
            return
        data = self._connection.recv(_READ_BYTES)
        if not data:
            self._disconnect()
            return
        self._take(b"".join(self._manager.filter(data)) if self._manager else data)

    def _accept(self) -> None:
        self._connection, _ = self._server.accept()
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._has_lines:
            self._manager = PortManager(self._lines, _Line(self._connection))

    def _take(self, data: bytes) -> None:
        if self._application is not None:
            self._application.write(data)
        elif self._loader is not None:
            rate = self._loader.baudrate
            if self._has_lines and rate is not None and rate != self._lines.baudrate:
                return
            self._say(self._loader.feed(data))
            if self._loader.is_left:
                self._decide(boot_low=False)

    def _say(self, data: bytes) -> None:
        self.heard += data
        if self._connection is not None and data:
            self._connection.sendall(b"".join(self._manager.escape(data)) if self._manager else data)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            self._connection.close()
        self._connection = self._manager = None

    def _vanish(self) -> None:
        """Lose power and port, as a pulled plug does."""
        self._power_down()
        self._disconnect()
        self._server.close()
        self.is_gone = True
