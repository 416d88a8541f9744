"""A test board on a desk, and a person there: runs the command line on its port and presses the buttons it asks for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retrosole.flashing.chips import Chip
from tests.boards import images
from tests.boards.devkit import DevKit
from tests.boards.esp_chips import CHIPS as ESP_CHIPS
from tests.boards.insole import started
from tests.boards.nor_flash import NorFlash


@dataclass(frozen=True)
class Done:
    """Say how a run ended: exit code, and all it said."""

    code: int
    text: str


class Desk:
    """A board on a desk, and a person who does what the program says."""

    def __init__(
        self,
        folder: Path,
        chip: Chip,
        flash: NorFlash,
        *,
        in_loader: bool = True,
        program: tuple[str, ...] = (sys.executable, "-m", "retrosole"),
        **how: object,
    ) -> None:
        self.folder = folder
        self.chip = chip
        self.flash = flash
        self.in_loader = in_loader
        self.program = program
        self.pid = 0  # of the program that runs
        self._other: Callable[[str], None] = lambda _: None
        esp = how.pop("esp", ESP_CHIPS[chip.name])
        self.board = DevKit(esp, flash, started, has_lines=False, **how)  # type: ignore[arg-type]

    def __enter__(self) -> Desk:
        self.board.__enter__()
        if self.in_loader:
            self.board.press(holds_boot=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.board.__exit__(*error)

    def release(self, content: bytes | None = None) -> Path:
        path = self.folder / images.release_name(self.chip)
        path.write_bytes(images.release(self.chip) if content is None else content)
        return path

    def retrosole(self, *arguments: str) -> Done:
        """Run the command line on this board's port and press the buttons it asks for."""
        command = [*self.program, arguments[0], "--port", self.board.port, *arguments[1:]]
        return run(command, self._heed)

    def flash_it(
        self, *options: str, micropython: Path | None = None, heed: Callable[[str], None] = lambda _: None
    ) -> Done:
        """Flash it; `heed` is told every line, too."""
        file = str(micropython or self.release())
        self._other = heed
        return self.retrosole("flash", "--micropython", file, "--out", str(self.folder / "records"), *options)

    def _heed(self, line: str, pid: int) -> None:
        self.pid = pid
        self._other(line)
        if "now hold" in line:
            self.board.press(holds_boot=True)
        elif "now press" in line:
            self.board.press(holds_boot=False)

    def record(self) -> dict[str, object]:
        newest = max((self.folder / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        content: dict[str, object] = json.loads(newest.read_text())
        return content


def run(command: list[str], heed: Callable[[str, int], None] = lambda _line, _pid: None) -> Done:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    killer = threading.Timer(300, process.kill)
    killer.start()
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        heed(line, process.pid)
    code = process.wait()
    killer.cancel()
    process.stdout.close()
    return Done(code, "".join(said))


def one_line(done: Done) -> str:
    """Give the error, which is one line and the last."""
    lines = done.text.splitlines()
    assert lines[-1].startswith("retrosole: ") and "Traceback" not in done.text, done.text
    return lines[-1]
