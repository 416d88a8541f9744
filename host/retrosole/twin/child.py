"""The virtual insole's process: started, watched, started again after a reset, and always ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, Self

from retrosole.errors import RetrosoleError

RESET_EXIT = 3  # the stand-in machine's reset() leaves with this code
_POLITE_S = 0.5


class Process(Protocol):
    """What the relay needs of a process; subprocess.Popen has it."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    pid: int

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(self, *error: Any) -> None:
        """Close the pipes and wait for the end."""


def launcher(argv: Sequence[str], log: Path, folder: Path) -> Callable[[], Process]:
    """Return a function that starts `argv` with binary pipes, its error text appended to `log`."""

    def launch() -> Process:
        with open(log, "ab") as errors:
            try:
                return subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=folder,
                    bufsize=0,
                    # A group of its own: Ctrl-C in the terminal ends the simulator, which then ends its children.
                    start_new_session=True,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
                )
            except OSError as error:
                raise RetrosoleError(
                    f"cannot start {argv[0]} ({error.strerror}): choose another one with --interpreter"
                ) from error

    return launch


class Child:
    """One running firmware and its two pipes."""

    def __init__(self, launch: Callable[[], Process], log: Path | None = None) -> None:
        """Remember how to start it; nothing runs yet."""
        self._launch = launch
        self._log = log
        self._process: Process | None = None
        self.start_n = 0

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the firmware; raise RetrosoleError when the interpreter cannot be run."""
        process = self._launch()
        self._process = process
        for pipe in (self.input, self.output):
            os.set_blocking(pipe, False)
        self.start_n += 1

    @property
    def output(self) -> int:
        """The descriptor with the console's bytes."""
        return _descriptor(self._process.stdout if self._process else None)

    @property
    def input(self) -> int:
        """The descriptor that takes the host's bytes."""
        return _descriptor(self._process.stdin if self._process else None)

    def end(self, patience_s: float = 0.0) -> int:
        """Make sure that the process is gone, close its pipes, and return its exit code.

        It has `patience_s` to end by itself before it is told to.
        """
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            return _end(process, patience_s)

    def kill(self) -> None:
        """End the process on the spot, in the middle of whatever it does, as a lost supply ends a chip."""
        if self._process is not None:
            self._process.kill()
        self.end()

    def last_words(self) -> str:
        """Return the last line of the error text, empty when there is none."""
        if self._log is None or not self._log.exists():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


def _descriptor(pipe: IO[bytes] | None) -> int:
    assert pipe is not None, "asked for a pipe of a child that does not run"
    return pipe.fileno()


def _end(process: Process, patience_s: float) -> int:
    for insist, wait_s in ((None, patience_s), (process.terminate, _POLITE_S)):
        if insist is not None:
            insist()
        try:
            return process.wait(wait_s)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    return process.wait()
