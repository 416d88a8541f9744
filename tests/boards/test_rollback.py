"""A version that does not do is left by itself: it crashes, hangs, hears nothing, or nobody keeps it. And safe mode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrosole import ports
from retrosole.flashing.update import HEALTHY_WITHIN_S, RolledBackError
from tests.boards.machine import HARD_RESET, WDT_RESET, Board
from tests.boards.updates import Notes, files, runs, source, update_to, who_is
from tests.boards.versions import flashed, quick_trials
from tests.soak import only_in_full

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("emulated")]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """Give a board whose trials last 4 s."""
    with Board(tmp_path, flashed("old", **{"launch.mpy": quick_trials()})) as board:
        yield board


def is_as_before(board: Board) -> None:
    assert (runs(board), files(board)["now"]) == (source("old"), b"a")
    assert board.starts.count(HARD_RESET) + board.starts.count(WDT_RESET) <= 3, "it was not reset again and again"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("crashes at import", r"b\.zip cannot be started \(ValueError\('made to fail',?\)\)"),
        ("crashes at once", "it crashed: ZeroDivisionError: divide by zero"),
        ("hangs at import", "it gave no reason"),
        ("deaf", "nobody kept this version; back to the one before"),
    ],
)
def test_the_old_version_is_back_the_reason_is_said_and_a_good_one_can_follow(
    board: Board, name: str, why: str
) -> None:
    with pytest.raises(RolledBackError, match=rf"did not start on .* \({why}\): the insole runs 0\.1\.0 .* as before"):
        update_to(name, board)
    is_as_before(board)
    board.power_off()
    board.power_on()
    assert runs(board) == source("old"), "for good"
    assert update_to("new", board).is_changed
    assert runs(board) == source("new")


def test_one_that_is_not_well_is_not_kept(board: Board) -> None:
    with pytest.raises(RolledBackError, match=r"is not well on .* \(it is short of memory\): within 30 s .* by itself"):
        update_to("short of memory", board)
    wait_heard(board, b"nobody kept this version", 30)
    is_as_before(board)


def test_one_that_hangs_while_it_runs_is_ended_by_its_watchdog(board: Board) -> None:
    with pytest.raises(RolledBackError, match="the insole runs"):
        update_to("hangs", board)
    is_as_before(board)
    assert WDT_RESET in board.starts


def test_one_that_nobody_keeps_goes_back(board: Board) -> None:
    with pytest.raises(KeyboardInterrupt):
        update_to("new", board, Notes(interrupt_at_step="looking whether it is well"))
    wait_heard(board, b"nobody kept this version", 30)
    is_as_before(board)


@only_in_full
@pytest.mark.parametrize("name", ["deaf", "hangs at import"])
def test_with_the_real_half_minute(tmp_path: Path, name: str) -> None:
    with Board(tmp_path, flashed("old")) as board:
        begin_s = time.monotonic()
        with pytest.raises(RolledBackError, match="the insole runs"):
            update_to(name, board)
        assert time.monotonic() - begin_s > HEALTHY_WITHIN_S
        is_as_before(board)


def test_a_loss_of_power_ends_a_trial(board: Board) -> None:
    with pytest.raises(KeyboardInterrupt):
        update_to("new", board, Notes(interrupt_at_step="looking whether it is well"))
    assert runs(board) == source("new")
    board.power_off()
    board.power_on()
    is_as_before(board)


# --------------------------------------------------------------------------------------------------------- safe mode


def test_three_crashes_end_at_a_prompt_where_it_can_be_updated(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("crashes at once")) as board:
        wait_heard(board, b"safe mode", 60)
        assert board.starts == [1, HARD_RESET, HARD_RESET, HARD_RESET]
        with pytest.raises(ports.ProtocolError, match="a MicroPython prompt"):
            ports.greet(board.port, 5)
        assert update_to("new", board).is_changed
        assert runs(board) == source("new")


def test_a_version_that_hangs_is_left_with_ctrl_c_and_updated(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("hangs at import")) as board:
        assert update_to("new", board).is_changed
        assert runs(board) == source("new")


def test_ctrl_c_at_any_moment_of_a_start_ends_at_a_prompt(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("old")) as board:
        who_is(board)
        for wait_s in (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2):
            board.power_off()
            board.line.heard.clear()
            board.power_on()
            time.sleep(wait_s)
            transport = ports.Transport(board.port)
            end_s = time.monotonic() + 60
            while not board.line.heard.endswith(b">>> "):
                assert time.monotonic() < end_s, f"no prompt after {wait_s} s: {bytes(board.line.heard[-300:])!r}"
                transport.write(b"\x03")
                time.sleep(0.3)
            transport.close()
            assert board.starts[-1] == 1, "it was not a reset that ended it"
        board.power_off()
        board.power_on()
        assert runs(board) == source("old"), "no crash was counted"


def wait_heard(board: Board, words: bytes, timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while words not in board.line.heard:
        assert time.monotonic() < end_s, f"{words!r} was not said: {bytes(board.line.heard[-600:])!r}"
        time.sleep(0.05)
