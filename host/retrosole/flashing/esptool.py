"""esptool, run as a program: it speaks with the chip's own loader. Its output is read, its errors become ours.

esptool is under the GPL, so nothing of it is imported. Each run opens the port anew and, where there are reset lines,
puts the chip into its loader by them. Many boards have lines on their port that reset nothing. There the loader keeps
running between two runs, at the rate of the first, while esptool begins each at 115200 baud: so the first two are slow,
and the second one tells whether the chip was reset.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from retrosole.errors import DamagedDataError, NoDeviceError, PortError, ProtocolError, RetrosoleError, UsageError
from retrosole.flashing.chips import ANY_BUTTONS, CHIPS, Chip, chip_named
from retrosole.ports import native_number, port_now

FAST_BAUDRATE = 460800
SLOW_BAUDRATE = 115200
_QUIET_S = 60.0  # esptool itself waits for ever for a stub that does not start
_QUIET_S_PER_MB = 60.0  # while the chip erases, or makes an MD5, nothing is said
_ENOUGH_LINES = 400
_USB_BACK_S = 2.0
_ATTEMPTS_N = 7  # of five questions each; about six seconds
_PATIENT_N = 100
_SLOW_RUNS_N = 2
_NOT_RESET = "Stub flasher is already running"
_CHIP = re.compile(r"^(?:Connected to|Detecting chip type\.\.\.) (ESP\S+?)(?: on .*)?$", re.MULTILINE)
_SIZE = re.compile(r"^Detected flash size: (\d+)(KB|MB)$", re.MULTILINE)
_MAC = re.compile(r"^MAC: +([0-9a-f:]{17})$", re.MULTILINE)
_DESCRIPTION = re.compile(r"^Chip type: +(.+)$", re.MULTILINE)
_PLACE = re.compile(r"^(?:Writing at|Reading from) 0x([0-9a-f]+)")
_UNITS = {"KB": 2**10, "MB": 2**20}

OnPlace = Callable[[int], None]  # told the address in flash up to which it has come


@dataclass(frozen=True)
class Detected:
    """Say which chip is on a port; `description` is esptool's, with the revision."""

    chip: Chip
    flash_bytes: int
    mac: str
    description: str


def can_reset(port: str) -> bool:
    """Say whether a port may have lines that reset a board; a plain socket has none."""
    return not port.lower().startswith("socket://")


class EspTool:
    """Work with the chip on one port. Every method raises as `run` does."""

    def __init__(self, port: str, *, has_stub: bool = True, baudrate: int = FAST_BAUDRATE) -> None:
        """Remember how to reach it; without `has_stub` the chip's ROM does everything, slowly."""
        if importlib.util.find_spec("esptool") is None:
            raise UsageError("esptool is missing: pip install 'esptool>=5.1,<6'")
        self.port = port
        self.chip: Chip | None = None
        self._attempts_n = _ATTEMPTS_N
        self._has_stub = has_stub
        self._baudrate = baudrate if can_reset(port) else SLOW_BAUDRATE  # what bridges a socket keeps its rate
        self._run_n = 0

    def detect(self, *, waits: bool = False) -> Detected:
        """Find out chip and flash size; `waits` gives a person time to press the buttons.

        Raises UsageError for a chip that no insole is made of.
        """
        self._attempts_n = _PATIENT_N if waits else _ATTEMPTS_N
        text = self._first_answer(_QUIET_S * 4 if waits else _QUIET_S)
        self._attempts_n = _ATTEMPTS_N
        name = _CHIP.search(text)
        if name is None:
            raise ProtocolError(f"esptool did not say which chip is on {self.port}: {_last_words(text)}")
        try:
            self.chip = _known(name.group(1), self.port)
        except UsageError:
            with contextlib.suppress(RetrosoleError):  # somebody else's board: it goes on with what it did
                self.leave()
            raise
        size, mac, description = _SIZE.search(text), _MAC.search(text), _DESCRIPTION.search(text)
        if size is None:
            raise ProtocolError(
                f"the flash of the {self.chip.name} on {self.port} does not say how large it is: "
                "is anything wired to the pins of the flash?"
            )
        return Detected(
            self.chip,
            int(size.group(1)) * _UNITS[size.group(2)],
            mac.group(1) if mac else "unknown",
            description.group(1).strip() if description else self.chip.name,
        )

    def _first_answer(self, quiet_s: float) -> str:
        """Ask the chip; one with USB of its own twice: its port goes away as a program there gives way to the loader.

        MicroPython on an ESP32-S3 is such a program. The port may have another name afterwards.
        """
        number = native_number(self.port)
        try:
            return self.run("flash-id", quiet_s=quiet_s)
        except (NoDeviceError, PortError):
            if number is None:
                raise
        time.sleep(_USB_BACK_S)
        self.port = port_now(self.port, number)
        return self.run("flash-id", quiet_s=quiet_s)

    def leave(self) -> None:
        """Let the chip out of its loader, where there are lines that can."""
        if can_reset(self.port):
            self.run("read-mac", resets=True)

    def read(self, at: int, n: int) -> bytes:
        """Give n bytes of flash."""
        with tempfile.TemporaryDirectory(prefix="retrosole-") as folder:
            path = Path(folder) / "read"
            self.run("read-flash", hex(at), hex(n), str(path))
            return path.read_bytes()

    def write(self, parts: Sequence[tuple[int, bytes]], on_place: OnPlace, *, resets: bool = False) -> None:
        """Write (address, content) pairs as they are; each is verified by the chip's MD5 of what it then holds."""
        keep = ("--flash-mode", "keep", "--flash-freq", "keep", "--flash-size", "keep")
        self._with_files("write-flash", keep, parts, on_place, resets)

    def verify(self, parts: Sequence[tuple[int, bytes]]) -> None:
        """Compare flash with (address, content) pairs once more. Raises DamagedDataError when one differs."""
        self._with_files("verify-flash", (), parts, None, False)

    def erase(self, at: int, n: int) -> None:
        """Erase n bytes from `at`, whole sectors."""
        if self._has_stub:
            self.run("erase-region", hex(at), hex(n), quiet_s=_quiet_s(n))
        else:  # the ROM has no command for it, but erases before it writes
            self.write([(at, b"\xff" * n)], lambda _: None)

    def _with_files(
        self,
        command: str,
        options: Sequence[str],
        parts: Sequence[tuple[int, bytes]],
        on_place: OnPlace | None,
        resets: bool,
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="retrosole-") as folder:
            arguments = [command, *options]
            for at, content in parts:
                path = Path(folder) / f"{at:08x}"
                path.write_bytes(content)
                arguments += [hex(at), str(path)]
            most = max(len(content) for _, content in parts)
            self.run(*arguments, on_place=on_place, quiet_s=_quiet_s(most), resets=resets)

    def run(
        self, *arguments: str, on_place: OnPlace | None = None, quiet_s: float = _QUIET_S, resets: bool = False
    ) -> str:
        """Run esptool; give what it printed. With `resets` the chip leaves its loader at the end, where that can be.

        Raises NoDeviceError without an answer from a loader, PortError when the port cannot be used or goes away,
        DamagedDataError when flash is not as written, ProtocolError for whatever else esptool complains about.
        """
        lines: list[str] = []
        with tempfile.TemporaryDirectory(prefix="retrosole-") as folder:  # no settings file of another project
            process = subprocess.Popen(
                self._command(arguments, resets and can_reset(self.port)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=_environment(),
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            try:
                code = _follow(process, lines, on_place, quiet_s)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
        text = "\n".join(lines[-_ENOUGH_LINES:])
        if code != 0:
            raise self._error(text, code)
        self._run_n += 1
        if _NOT_RESET in text:
            self._baudrate = min(self._baudrate, SLOW_BAUDRATE)
        return text

    def _command(self, arguments: Sequence[str], resets: bool) -> list[str]:
        chip = [] if self.chip is None else ["--chip", self.chip.name.lower().replace("-", "")]
        before = "default-reset" if can_reset(self.port) else "no-reset"
        lines = ["--before", before, "--after", "hard-reset" if resets else "no-reset"]
        stub = [] if self._has_stub else ["--no-stub"]
        baudrate = min(self._baudrate, SLOW_BAUDRATE) if self._run_n < _SLOW_RUNS_N else self._baudrate
        port = ["--port", self.port, "--baud", str(baudrate)]
        lines += ["--connect-attempts", str(self._attempts_n)]
        return [sys.executable, "-m", "esptool", *chip, *port, *lines, *stub, *arguments]

    def _error(self, text: str, code: int | None) -> RetrosoleError:
        """Say in one line what esptool's last words mean, and what to do."""
        words = _last_words(text)
        if code is None:
            return self._fell_silent(text)
        for pattern, kind, meaning in _MEANINGS:
            if re.search(pattern, text):
                buttons = ANY_BUTTONS if self.chip is None else self.chip.buttons
                if self._run_n and not self._has_stub:  # the ROM does not tell that nothing has reset it
                    buttons = f"if only its button resets this board, add --baud {SLOW_BAUDRATE}; {buttons}"
                return kind(meaning.format(port=self.port, words=words, buttons=buttons))
        return ProtocolError(f"esptool failed on {self.port} ({words}): unplug the board, plug it in and try again")

    def _fell_silent(self, text: str) -> RetrosoleError:
        if "Running stub flasher" in text and "Stub flasher running" not in text:
            return NoDeviceError(
                f"the program that esptool loads into the chip on {self.port} does not start: try --no-stub"
            )
        return PortError(f"the board on {self.port} has stopped answering: {_AGAIN}")


_AGAIN = (
    "nothing is broken, its loader is in the chip; unplug it, plug it in and run the same command again "
    "(--baud 115200 helps on a poor cable)"
)
_MEANINGS: tuple[tuple[str, type[RetrosoleError], str], ...] = (
    (r"MD5 of file does not match|region is empty|Verification failed", DamagedDataError,
     "what was read back from the flash on {port} is not what was written ({words}): run the same command again; "
     "if it stays, the flash is worn or its supply too weak"),
    (r"Could not open|could not open port", PortError,
     "esptool cannot open {port} ({words}): is it in use by another program, or unplugged?"),
    (r"No serial data received|Failed to connect to|Wrong boot mode|getting no sync reply", NoDeviceError,
     "the loader of the chip on {port} does not answer: {buttons}; then run the same command again"),
    (r"Failed to start stub flasher", NoDeviceError,
     "the program that esptool loads into the chip on {port} does not start ({words}): try --no-stub"),
    (r"Failed to autodetect chip|Unexpected chip", UsageError,
     "the chip on {port} is none that esptool knows ({words}): an insole is made of an ESP32, ESP32-S3 or ESP32-C3"),
    (r"This chip is", ProtocolError, "another board is on {port} than a moment ago ({words}): run the command again"),
    (r"SerialException|serial exception|Lost connection|disconnected|Errno|No more data to read|timed? ?out|"
     r"No response|noise or corruption|Invalid head|Packet content", PortError,
     "the board on {port} went away or stopped answering ({words}): " + _AGAIN),
)  # fmt: skip


def _known(name: str, port: str) -> Chip:
    chip = chip_named(name)
    if chip is None:
        ours = ", ".join(one.name for one in CHIPS)
        raise UsageError(f"the chip on {port} is an {name}, and an insole is made of one of {ours}: use such a board")
    return chip


def _quiet_s(n: int) -> float:
    return _QUIET_S + _QUIET_S_PER_MB * n / 1e6


def _environment() -> dict[str, str]:
    """Give ours without what would change what esptool does or how it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ESPTOOL_", "FORCE_COLOR"))}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "250", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _follow(
    process: subprocess.Popen[str], lines: list[str], on_place: OnPlace | None, quiet_s: float
) -> int | None:
    """Collect its lines until it ends; give its exit code, None when it has said nothing for `quiet_s`."""
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, said), daemon=True)
    reader.start()
    heard_s = time.monotonic()
    while True:
        try:
            line = said.get(timeout=1.0)
        except queue.Empty:
            if time.monotonic() - heard_s > quiet_s:
                return None
            continue
        if line is None:
            reader.join()
            return process.wait()
        heard_s = time.monotonic()
        place = _PLACE.match(line)
        if place is None:
            lines.append(line.rstrip())
        elif on_place is not None:
            on_place(int(place.group(1), 16))


def _read(stream: IO[str], said: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        said.put(line)
    said.put(None)


def _last_words(text: str) -> str:
    """Give esptool's complaint, or else its last line."""
    found = re.findall(r"error occurred: (.+)", text)
    if found:
        return str(found[-1]).strip().rstrip(".")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("NOTE", "Note"))]
    return lines[-1].strip() if lines else "it said nothing"
