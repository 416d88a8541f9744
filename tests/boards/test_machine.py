"""The board machine does what a board does: starts main.py, resets, loses power at a byte, keeps what is in flash."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

import retrosole
from retrosole.flashing.pack import device_files, packed
from tests.boards.machine import HARD_RESET, PWRON_RESET, WDT_RESET, Board, vfs_image
from tests.machines import need

SAYS_HELLO = b"import machine\nprint('hello', machine.reset_cause())\n"
PROMPT = b">>> "


@pytest.fixture(autouse=True)
def _runtime() -> None:
    need("rv32")


class Terminal:
    """Type at a board and read what it says."""

    def __init__(self, board: Board) -> None:
        self.serial = serial.serial_for_url(board.port, timeout=0.05)

    def until(self, ending: bytes, timeout_s: float = 20) -> str:
        said = b""
        end_s = time.monotonic() + timeout_s
        while not said.endswith(ending):
            assert time.monotonic() < end_s, f"{ending!r} did not come: {said[-300:]!r}"
            said += self.serial.read(1)
        return said.decode()

    def do(self, line: str) -> str:
        """Type a line; give what is said up to the next prompt, without the line."""
        self.serial.write(line.encode() + b"\r")
        return self.until(PROMPT).partition("\n")[2].removesuffix(PROMPT.decode()).strip()

    def wake(self) -> None:
        """Get to a prompt that has said nothing yet."""
        self.serial.write(b"\x03")
        self.until(PROMPT)
        time.sleep(0.2)
        self.serial.reset_input_buffer()


def wait_heard(board: Board, words: bytes) -> None:
    end_s = time.monotonic() + 20
    while words not in board.line.heard:
        assert time.monotonic() < end_s, f"{words!r} was not said: {bytes(board.line.heard[-300:])!r}"
        time.sleep(0.02)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board(tmp_path, vfs_image({"main.py": SAYS_HELLO}), tcp=True) as board:
        wait_heard(board, PROMPT)
        yield board


def test_main_runs_after_power_on_a_reset_and_a_soft_reset(board: Board) -> None:
    terminal = Terminal(board)
    assert b"hello 1" in board.line.heard
    terminal.serial.write(b"\x04")
    terminal.until(b"hello 5")
    terminal.until(PROMPT)
    terminal.serial.write(b"import machine; machine.reset()\r")
    terminal.until(b"hello 2")
    assert board.starts == [PWRON_RESET, HARD_RESET]


def test_the_raw_prompt_has_the_files_and_does_not_run_main(board: Board) -> None:
    said_n = board.line.heard.count(b"hello")
    command = [sys.executable, "-m", "mpremote", "connect", board.port, "fs", "ls", ":/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "main.py" in done.stdout, done.stdout + done.stderr
    assert board.line.heard.count(b"hello") == said_n


def test_a_watchdog_bites_where_nothing_idles(board: Board) -> None:
    terminal = Terminal(board)
    terminal.do("import machine")
    terminal.serial.write(b"machine.WDT(timeout=300)\r\x01while True: pass\r\x04")
    terminal.until(b"hello 3")
    terminal.until(PROMPT)
    assert board.starts[-1] == WDT_RESET
    assert terminal.do("1 + 1") == "2", "it has no power over the next start"


def test_files_and_storage_survive_kill_9(board: Board) -> None:
    terminal = Terminal(board)
    terminal.do("f = open('kept', 'w'); n = f.write('words'); f.close()")
    terminal.do("import esp32; m = esp32.NVS('x'); m.set_i32('n', 7); m.commit()")
    terminal.do("left = 1")
    before = board.flash("vfs")
    board.power_off()
    assert board.flash("vfs") == before
    board.power_on()
    terminal.wake()
    assert terminal.do("open('kept').read(), esp32.NVS('x').get_i32('n')").startswith("Traceback"), "a new interpreter"
    assert terminal.do("import esp32; (open('kept').read(), esp32.NVS('x').get_i32('n'))") == "('words', 7)"


def test_power_fails_at_the_byte_that_was_said(board: Board) -> None:
    terminal = Terminal(board)
    terminal.do("import esp32; p = esp32.Partition('sessions')")
    done_n = board.programmed_n
    board.cut_at(done_n + 300)
    terminal.do("p.writeblocks(0, bytes(100), 0)")
    assert board.programmed_n == done_n + 100
    terminal.serial.write(b"p.writeblocks(1, bytes(256), 0)\r")
    assert board.wait_off(10) and not board.error
    flash = board.flash("sessions")
    assert flash[:101] == bytes(100) + b"\xff"
    assert flash[4096 : 4096 + 199] == bytes(199) and flash[4096 + 200 : 8192] == b"\xff" * (4096 - 200)
    board.power_on()
    terminal.wake()
    assert terminal.do("import machine; machine.reset_cause()") == "1"


def test_partitions_are_found_by_label(board: Board) -> None:
    terminal = Terminal(board)
    terminal.do("from esp32 import Partition as P")
    assert terminal.do("[p.info()[3:5] for p in P.find(P.TYPE_DATA)]") in (
        "[(262144, 'vfs'), (196608, 'sessions')]",
        "[(196608, 'sessions'), (262144, 'vfs')]",
    )
    assert terminal.do("[p.info()[4] for p in P.find(P.TYPE_DATA, 0x81)]") == "['vfs']"
    assert terminal.do("P.find(P.TYPE_DATA, label='ota'), P.find()") == "([], [])"


def test_a_plug_is_pulled_at_a_byte_and_put_back(board: Board) -> None:
    terminal = Terminal(board)
    board.line.pull_at = board.line.moved_n + 4
    terminal.serial.write(b"x = 4711\r")
    end_s = time.monotonic() + 10
    while board.line.is_plugged and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not board.line.is_plugged and board.is_on
    terminal.serial.close()
    board.line.plug_in()
    terminal = Terminal(board)
    terminal.wake()
    assert "NameError" in terminal.do("x")
    assert board.starts == [PWRON_RESET], "it noticed nothing"


def test_the_firmware_runs_on_it_and_has_a_store(tmp_path: Path) -> None:
    files = device_files(packed("rv32imc"), {"side": 1})
    with Board(tmp_path, vfs_image(files), device_id=b"ABCDEFGH") as board:
        with retrosole.connect(board.port, timeout_s=20) as insole:
            assert (insole.identity.device_id, insole.side) == (b"ABCDEFGH", "right")
            insole.start()
            next(iter(insole))
            insole.stop()
            stored_n = len(insole.stored())
        board.power_off()
        board.power_on()
        with retrosole.connect(board.port, timeout_s=20) as insole:
            assert (insole.identity.boot, stored_n, len(insole.stored())) == (2, 1, 1)
