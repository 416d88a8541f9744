"""What the tests of updating do again and again: update a board, ask who it is, look at what is in its flash."""

from __future__ import annotations

import time

from littlefs import LittleFS

from retrosole import wire
from retrosole.flashing.comeback import Comeback
from retrosole.flashing.update import Updated, update
from tests.boards.machine import BLOCK_BYTES, VFS_BLOCKS, Board
from tests.boards.versions import version

PATIENCE_S = 90.0  # for a busy computer; nothing here is a measurement


class Notes:
    """Take down what an update says; at the event with number `interrupt_at`, or at a step, press Ctrl-C."""

    def __init__(self, interrupt_at: int = -1, interrupt_at_step: str = "") -> None:
        self.steps: list[str] = []
        self.event_n = 0
        self.written_n = 0
        self._interrupt_at = interrupt_at
        self._interrupt_at_step = interrupt_at_step

    def step(self, text: str) -> None:
        """Take a step."""
        self.steps.append(text)
        self._count()
        if text == self._interrupt_at_step:
            raise KeyboardInterrupt

    def progress(self, done_n: int, of_n: int) -> None:
        """Take how far it is."""
        assert self.written_n < done_n <= of_n
        self.written_n = done_n
        self._count()

    def _count(self) -> None:
        self.event_n += 1
        if self.event_n - 1 == self._interrupt_at:
            raise KeyboardInterrupt


def update_to(name: str, board: Board, notes: Notes | None = None, *, is_forced: bool = False) -> Updated:
    """Update a board to a version by its name."""
    return update(board.port, notes or Notes(), is_forced=is_forced, provide=lambda _: version(name))


def who_is(board: Board) -> wire.IdentityFrame:
    """Wait until the board says who it is; fail when it does not."""
    comeback = Comeback(board.port)
    try:
        identity = comeback.wait(time.monotonic() + PATIENCE_S)
    finally:
        comeback.close()
    if identity is not None:
        return identity
    said = bytes(board.line.heard[-800:])
    raise AssertionError(f"no insole answers; started {board.starts} {board.error}; it said {said!r}")


def runs(board: Board) -> str:
    """Give the source hash of the firmware that runs."""
    return who_is(board).source.hex()


def source(name: str) -> str:
    """Give the source hash of a version by its name."""
    return version(name).source


def files(board: Board) -> dict[str, bytes]:
    """Give what is in the root of the board's file system, as LittleFS reads it here."""
    image = LittleFS(block_size=BLOCK_BYTES, block_count=VFS_BLOCKS, mount=False)
    image.context.buffer[:] = board.flash("vfs")
    image.mount()
    found = {}
    for name in image.listdir("/"):
        with image.open(name, "rb") as file:
            found[name] = file.read()
    return found
