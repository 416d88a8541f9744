"""The emulated microcontroller: MicroPython on a 32-bit RISC-V machine in qemu.

What a start gives: its console on two pipes, the files at '/' (LittleFS in memory, so it survives a
soft reset as flash does), blobs of data at addresses of your choice, and a statement that runs at
power-on with the console to itself. Ctrl-C on the console ends it at the friendly prompt; Ctrl-D
there starts it again, as on a board.

Time: without `icount` the machine runs in real time, and its clock hides the host's stalls
(firmware/rv32/README.md has the figures). With `icount="shift=0"` every instruction takes 1 ns of
machine time: counts are the same in every run, and nothing runs in real time.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from retrosole.errors import RetrosoleError, UsageError
from retrosole.flashing.filesystem import BLOCK_BYTES, filesystem_image
from retrosole.twin import recipes, runtimes

MEMORY_MB = 128
# 0x80000000 program and heap, 0x80FFF000 one configuration word, 0x81000000 the files, then free
# memory to the end.
CONFIG_ADDRESS = 0x80FFF000
FILES_ADDRESS = 0x81000000
FILES_BLOCKS_N = 256
BLOBS_START = 0x82000000
BLOBS_END = 0x80000000 + MEMORY_MB * 2**20

_COMPLAINT_BYTES = 65536
START_FILE = "_start.py"
_GUARD = 'read _; kill -9 "$1" 2>/dev/null'


def file_image(files: Mapping[str, bytes], blocks_n: int = FILES_BLOCKS_N) -> bytes:
    """Return a LittleFS image of `blocks_n` blocks of 4096 bytes; names are paths from '/', folders are made.

    Raises:
        UsageError: they do not fit.
    """
    return filesystem_image(files, BLOCK_BYTES * blocks_n, "the machine's")


def check_blobs(blobs: Iterable[tuple[int, bytes]]) -> None:
    """Raise UsageError unless every blob lies in the free memory and none overlaps another."""
    end = BLOBS_START
    for address, content in sorted(blobs, key=lambda blob: blob[0]):
        if address < end or address + len(content) > BLOBS_END:
            raise UsageError(
                f"A blob of {len(content)} bytes at {address:#x} does not fit: "
                f"free is {end:#x} to {BLOBS_END:#x}, without overlap"
            )
        end = address + len(content)


class Machine:
    """A running machine. `stdin` and `stdout` are its console: unbuffered, binary, untouched."""

    def __init__(self, process: subprocess.Popen[bytes], errors: int) -> None:
        """Watch over a started qemu; use `start`."""
        self._process = process
        self._errors = errors
        self.stdin: IO[bytes] | None = process.stdin
        self.stdout: IO[bytes] | None = process.stdout
        self.pid = process.pid
        self._let_go = weakref.finalize(self, os.close, errors)
        # Ends qemu when this process is gone without a goodbye (kill -9) and the pipe closes.
        self._guard: subprocess.Popen[bytes] | None = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._dismiss_guard()
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once ended; raise TimeoutExpired after `timeout` seconds."""
        code = self._process.wait(timeout)
        self._dismiss_guard()
        return code

    def terminate(self) -> None:
        """Ask qemu to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End qemu."""
        self._process.kill()

    def complaint(self) -> str:
        """Return what qemu itself has said (not the console); empty when all is well."""
        if not self._let_go.alive:
            return ""
        return os.pread(self._errors, _COMPLAINT_BYTES, 0).decode(errors="replace").strip()

    def close(self) -> None:
        """End the machine and let go of everything it held."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                pipe.close()
        self._let_go()

    def _dismiss_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        guard.kill()
        guard.wait()
        if guard.stdin is not None:
            guard.stdin.close()

    def __enter__(self) -> Self:
        """Return the machine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def start(
    files: Mapping[str, bytes],
    blobs: Iterable[tuple[int, bytes]] = (),
    *,
    statement: str = "",
    icount: str | None = None,
) -> Machine:
    """Switch on a machine.

    Args:
        files: name from '/' to content: modules as source or `.mpy`, data.
        blobs: (address, content) pairs between `BLOBS_START` and `BLOBS_END`; a program reads them
            in place with `uctypes.bytearray_at(address, length)`.
        statement: Python text that runs at power-on (kept as `/_start.py`); none leaves the
            friendly prompt.
        icount: qemu's instruction counting, such as "shift=0"; None runs in real time.

    Raises:
        UsageError: runtime or qemu missing, files too large, or blobs outside the free memory.
    """
    runtimes.find("rv32")
    blobs = list(blobs)
    check_blobs(blobs)
    content = {**files, START_FILE: statement.encode() + b"\n"} if statement else files
    loaded = [(FILES_ADDRESS, file_image(content)), *blobs]
    with ExitStack() as stack:
        opened = {address: _nameless_file(data) for address, data in loaded}
        for descriptor in opened.values():
            stack.callback(os.close, descriptor)
        return _launch(_command(opened, icount), tuple(opened.values()))


def start_on(memory: Path) -> Machine:
    """Switch on a machine whose memory is a file of `MEMORY_MB`: what a caller has put there, it has.

    The file shows at any moment what the memory holds, also after the machine was killed. It runs in real time, with
    the host's stalls hidden where the word at `CONFIG_ADDRESS` is 1. Raises UsageError without runtime or qemu.
    """
    runtimes.find("rv32")
    backend = f"memory-backend-file,id=ram,size={MEMORY_MB}M,mem-path={memory},share=on"
    return _launch([*_machine(), "-object", backend, "-machine", "memory-backend=ram"])


def _launch(command: list[str], descriptors: tuple[int, ...] = ()) -> Machine:
    errors = _nameless_file()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
        pass_fds=descriptors,
        # Ctrl-C in a terminal is for the program that started us; the firmware gets its own
        # from the console.
        start_new_session=True,
    )
    return Machine(process, errors)


def _nameless_file(content: bytes = b"") -> int:
    """Return the descriptor of a file without a name, which a child opens as /dev/fd/N."""
    descriptor, path = tempfile.mkstemp(prefix="retrosole-")
    os.unlink(path)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _machine() -> list[str]:
    command = [runtimes.QEMU, "-bios", "none", "-machine", "virt", "-semihosting"]
    command += ["-m", f"{MEMORY_MB}M", "-display", "none", "-monitor", "none", "-net", "none"]
    command += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    return [*command, "-kernel", str(recipes.result_path("rv32"))]


def _command(opened: Mapping[int, int], icount: str | None) -> list[str]:
    command = _machine()
    for address, descriptor in opened.items():
        command += ["-device", f"loader,file=/dev/fd/{descriptor},addr={address:#x},force-raw=on"]
    if icount is not None:
        return [*command, "-icount", icount]
    return [*command, "-device", f"loader,addr={CONFIG_ADDRESS:#x},data=1,data-len=4"]


@dataclass(frozen=True)
class Outcome:
    """How a program ended: exit code (0, or 1 after an exception) and all it printed."""

    exit_code: int
    output: bytes


_TO_THE_END = """import rv32, sys
try:
    import _program
except BaseException as error:
    sys.print_exception(error)
    rv32.exit(1)
rv32.exit(0)"""


def run(
    statement: str,
    files: Mapping[str, bytes] | None = None,
    blobs: Iterable[tuple[int, bytes]] = (),
    *,
    icount: str | None = "shift=0",
    timeout_s: float = 60.0,
) -> Outcome:
    """Run a statement to its end on a fresh machine; return what it printed (lines end in CR LF).

    Raises:
        UsageError: as `start`.
        RetrosoleError: it did not end within `timeout_s` of host time.
    """
    content = {**(files or {}), "_program.py": statement.encode()}
    with start(content, blobs, statement=_TO_THE_END, icount=icount) as machine:
        assert machine.stdout is not None
        deadline_s = time.monotonic() + timeout_s
        timer = threading.Timer(timeout_s, machine.kill)
        timer.start()
        try:
            output = machine.stdout.read()
            code = machine.wait()
        finally:
            timer.cancel()
        if time.monotonic() >= deadline_s:
            raise RetrosoleError(f"The machine did not end within {timeout_s:g} s; its last words: {output[-200:]!r}")
        if code < 0 or machine.complaint():
            raise RetrosoleError(f"qemu ended with exit code {code}: {machine.complaint()}")
        return Outcome(code, output)
