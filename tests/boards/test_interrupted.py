"""Updates interrupted at random bytes: the board starts every time with the old or the new version, and can be updated.

Power fails at a random byte of what is programmed or erased, or at a random moment (kill -9); the plug is pulled at a
random byte of the line; Ctrl-C is pressed at a random step. 200 in `make soak`, a tenth of them in `make test`. The
seed is in the test's name. A round takes 12 s on a 2-core machine, with another one beside it.
"""

from __future__ import annotations

import contextlib
import random
import threading
from functools import cache
from pathlib import Path

import pytest

from retrosole.errors import NoDeviceError, PortError, ProtocolError
from tests.boards.machine import Board
from tests.boards.updates import Notes, files, runs, source, update_to, who_is
from tests.boards.versions import flashed, version
from tests.machines import need
from tests.soak import IN_FULL

ROUND_N = 200 if IN_FULL else 20
END_BYTES = 1500  # the last of what is programmed: the switch, the start on trial, the keeping
# What an update may say when the line or the power fails: never a bug.
EXPECTED = (PortError, ProtocolError, NoDeviceError)


@cache
def whole_update(folder: Path) -> tuple[int, int, int]:
    """Do one undisturbed; give the bytes of flash, the bytes of the line and the events that it takes."""
    folder.mkdir()
    with Board(folder, flashed("old")) as board:
        who_is(board)
        flash_n, line_n, notes = board.programmed_n, board.line.moved_n, Notes()
        update_to("new", board, notes)
        return board.programmed_n - flash_n, board.line.moved_n - line_n, notes.event_n


def update_with_power_failing(board: Board, chance: random.Random, flash_n: int) -> None:
    at = chance.randint(1, flash_n) if chance.random() < 0.7 else flash_n - chance.randrange(END_BYTES)
    board.cut_at(board.programmed_n + at)
    with contextlib.suppress(*EXPECTED):
        update_to("new", board)
    assert board.wait_off(30), f"power should have failed at byte {at} of {flash_n}; {board.error}"


def update_with_kill(board: Board, chance: random.Random) -> None:
    timer = threading.Timer(chance.uniform(0.3, 8), board.power_off)
    timer.start()
    with contextlib.suppress(*EXPECTED):
        update_to("new", board)
    timer.join()


def update_with_plug_pulled(board: Board, chance: random.Random, line_n: int) -> None:
    board.line.pull_at = board.line.moved_n + chance.randint(1, line_n)
    with contextlib.suppress(*EXPECTED):
        update_to("new", board)
    if chance.random() < 0.5:  # it was powered by the same plug
        board.power_off()
    board.line.plug_in()


def update_with_ctrl_c(board: Board, chance: random.Random, event_n: int) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        update_to("new", board, Notes(interrupt_at=chance.randrange(event_n)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUND_N))
def test_the_board_starts_with_the_old_or_the_new_version(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    need("rv32")
    flash_n, line_n, event_n = whole_update(tmp_path_factory.getbasetemp() / "whole")
    chance = random.Random(seed)
    own_power = chance.random() < 0.5
    with Board(tmp_path, flashed("old"), port_has_own_power=own_power) as board:
        assert runs(board) == source("old")
        kind = ("power", "power", "kill", "plug", "ctrl-c")[seed % 5]
        if kind == "power":
            update_with_power_failing(board, chance, flash_n)
        elif kind == "kill":
            update_with_kill(board, chance)
        elif kind == "plug":
            update_with_plug_pulled(board, chance, line_n)
        else:
            update_with_ctrl_c(board, chance, event_n)
        check_and_update_again(board, chance)


def check_and_update_again(board: Board, chance: random.Random) -> None:
    if not board.is_on:
        board.power_on()
    # What kept its power when its plug was pulled still waits for what comes next, until its watchdog starts it.
    if chance.random() < 0.8:
        assert runs(board) in (source("old"), source("new"))
    found = files(board)
    for name in found["now"].decode().split():
        if f"{name}.zip" in found:
            assert found[f"{name}.zip"] in (version("old").content, version("new").content), "a mixture"
    update_to("new", board)
    assert runs(board) == source("new")
    board.power_off()
    board.power_on()
    assert runs(board) == source("new"), "for good"
