"""Processes for the benchmark: virtual insoles, and a command in a real terminal whose processor time is read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

SIZE = (120, 40)  # columns and rows
LONGEST_S = 300  # after which everything started here ends by itself, whatever became of the benchmark
_START_S = 20.0
_END_S = 5.0


class Broken(Exception):
    """Say that there is nothing to measure, and why."""


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Give a folder that goes in the end; virtual insoles register in it, not among the user's."""
    with tempfile.TemporaryDirectory(prefix="retrosole-bench-") as name:
        yield Path(name)


def command(*words: str) -> list[str]:
    """Give the argument list of a retrosole command on this Python."""
    return [sys.executable, "-m", "retrosole", *words]


def environment(folder: Path) -> dict[str, str]:
    """Give what every process here sees."""
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    unwanted = ("COLUMNS", "LINES", "NO_COLOR", "TEXTUAL", "TEXTUAL_DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, **terminal, "XDG_RUNTIME_DIR": str(folder)}


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Make sure that a process is gone in the end, politely at first."""
    try:
        yield process
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if process.poll() is not None:
                break
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)


@contextlib.contextmanager
def virtual_pair(folder: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Run a virtual pair in real time in a process of its own; give port by side, and what runs the firmware."""
    arguments = command("sim", "--gait", "mixed", "--seed", "1", "--duration", str(LONGEST_S))
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(folder), start_new_session=True
    )
    with ended(process):
        assert process.stdout is not None
        first = process.stdout.readline().decode().split()
        if len(first) != 4:
            raise Broken(f"the virtual insoles did not start: {' '.join(first)}")
        yield dict(zip(first[::2], first[1::2], strict=True)), process.stdout.readline().decode().strip()


class Terminal:
    """A command on a terminal of 120 x 40 of its own; everything it draws is kept with the time it came."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._data = bytearray()
        self._ends: list[int] = []  # of each chunk, in bytes from the beginning
        self._times: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    @property
    def drawn(self) -> bytes:
        """Give all that was drawn so far."""
        return bytes(self._data)

    def time_of(self, end: int) -> float:
        """Give the time, on the monotonic clock, when the first `end` bytes had come."""
        return self._times[bisect_left(self._ends, end)]

    def wait_for(self, text: bytes) -> None:
        """Wait until something has been drawn; raise Broken when the command ends, or takes too long."""
        end_s = time.monotonic() + _START_S
        while text not in self._data:
            if self.process.poll() is not None or time.monotonic() > end_s:
                raise Broken(f"{' '.join(self.process.args[2:])} did not begin: {self.drawn[-500:]!r}")  # type: ignore[index]
            time.sleep(0.02)

    def cpu_s(self) -> float:
        """Give the processor time of the process so far, user and system, all its threads."""
        return time.clock_gettime(~self.process.pid << 3 | 2)  # Linux: clock_getcpuclockid(3)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        self._thread.join()

    def _drain(self) -> None:
        while not self._over.is_set():
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last process on this terminal is gone
                return
            self._data += data
            self._times.append(time.monotonic())
            self._ends.append(len(self._data))


@contextlib.contextmanager
def on_terminal(arguments: list[str], folder: Path) -> Iterator[Terminal]:
    """Run a command on a terminal of its own while the block lasts."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    process = subprocess.Popen(
        arguments, stdin=slave, stdout=slave, stderr=slave, env=environment(folder), start_new_session=True
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        with ended(process):
            yield terminal
    finally:
        terminal.close()
        os.close(master)
