"""The test board itself: its flash, its reset lines, and what the real esptool makes of its loader."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import serial

from retrosole.transport import Transport
from tests.boards.devkit import DevKit
from tests.boards.esp_chips import CHIPS, ESP32, EspChip
from tests.boards.loader import Misfortune
from tests.boards.nor_flash import NorFlash

pytestmark = pytest.mark.slow

MIB = 2**20
each_chip = pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
with_and_without_stub = pytest.mark.parametrize("stub", [[], ["--no-stub"]], ids=["stub", "rom"])


class Nobody:
    """An application that says nothing."""

    def __init__(self, _parts: Mapping[str, bytes]) -> None:
        """Start."""

    def read(self) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        """Take no notice."""

    def end(self) -> dict[str, bytes]:
        return {}


def esptool(board: DevKit, *arguments: str) -> str:
    command = [sys.executable, "-m", "esptool", "--port", board.port, "--after", "no-reset", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def kit(chip: EspChip = ESP32, mib: int = 4, **how: Misfortune) -> DevKit:
    return DevKit(chip, NorFlash(mib * MIB), Nobody, has_lines=False, **how)


# ------------------------------------------------------------------------------------------------------------- flash


def test_flash_is_erased_by_sector_and_programmed_by_clearing_bits() -> None:
    flash = NorFlash(3 * 4096)
    flash.program(4095, b"\x0f\xf0")
    flash.program(4095, b"\x3c\x3c")
    assert flash.read(4094, 4) == b"\xff\x0c\x30\xff"
    assert flash.touched == {0, 1}
    flash.erase(4000, 1)
    assert flash.read(4094, 4) == b"\xff\xff\x30\xff"


# ----------------------------------------------------------------------------------------------------------- esptool


@each_chip
@with_and_without_stub
def test_esptool_detects_it(chip: EspChip, stub: list[str]) -> None:
    with kit(chip, 8) as board:
        board.press(holds_boot=True)
        told = esptool(board, *stub, "flash-id")
    assert f"Connected to {chip.name} on" in told and "Detected flash size: 8MB" in told, told
    assert "Crystal frequency:  40MHz" in told and "MAC:                11:22:33:44:55:" in told
    assert ("Stub flasher running." in told) == (not stub)


@each_chip
@with_and_without_stub
@pytest.mark.parametrize("packed", ["--compress", "--no-compress"])
def test_esptool_writes_verifies_and_reads_back(chip: EspChip, stub: list[str], packed: str, tmp_path: Path) -> None:
    content = random.Random(5).randbytes(9001) + bytes(3000)
    before = random.Random(6).randbytes(64 * 1024)
    (tmp_path / "content").write_bytes(content)
    with kit(chip) as board:
        board.flash.memory[: len(before)] = before  # so that what is not erased first comes out wrong
        board.press(holds_boot=True)
        told = esptool(board, *stub, "write-flash", packed, "0x3000", str(tmp_path / "content"))
        assert "Hash of data verified." in told, told
        told = esptool(board, *stub, "read-flash", "0x3000", "0x2000", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content[:0x2000], told
    assert board.flash.read(0x3000, len(content)) == content
    assert board.flash.read(0, 0x3000) == before[:0x3000]
    assert board.flash.read(0x6000, 0xA000) == before[0x6000:]


def test_esptool_erases(tmp_path: Path) -> None:
    with kit() as board:
        board.flash.memory[:0x4000] = bytes(0x4000)
        board.press(holds_boot=True)
        assert "erased successfully" in esptool(board, "erase-region", "0x1000", "0x2000")
    assert board.flash.read(0, 0x4000) == bytes(0x1000) + b"\xff" * 0x2000 + bytes(0x1000)


def test_a_flipped_bit_is_seen_by_esptool(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(bytes(5000))
    with kit(misfortune=Misfortune(flip_at=0x1800)) as board:
        board.press(holds_boot=True)
        assert "MD5 of file does not match" in esptool(board, "write-flash", "0x1000", str(tmp_path / "content"))


def test_a_chip_that_runs_its_application_is_not_in_its_loader() -> None:
    with kit() as board:
        told = esptool(board, "--connect-attempts", "1", "read-mac")
    assert "Failed to connect" in told
    assert board.resets == ["nothing"] and b"invalid header: 0xffffffff" in board.heard


# ------------------------------------------------------------------------------------------------------- reset lines

Line = Callable[[serial.SerialBase], None]


def _dtr(value: bool) -> Line:
    return lambda port: setattr(port, "dtr", value)


def _rts(value: bool) -> Line:
    return lambda port: setattr(port, "rts", value)


LOADER = [_dtr(False), _rts(True), _dtr(True), _rts(False)]


@pytest.mark.parametrize(
    ("lines", "into"),
    [
        (LOADER, ["loader"]),
        ([_dtr(False), _rts(True), _rts(False)], ["nothing"]),  # a reset without the boot pin
        ([_rts(False), _dtr(True), _dtr(False)], []),  # the boot pin without a reset
        ([_dtr(True), _rts(True), _dtr(True), _rts(False)], []),  # both together do nothing
        ([*LOADER, _dtr(False), _rts(True), _rts(False)], ["loader", "nothing"]),
    ],
    ids=["loader", "reset", "boot pin", "both", "there and back"],
)
def test_only_the_right_lines_enter_the_loader(lines: list[Line], into: list[str]) -> None:
    with DevKit(ESP32, NorFlash(4 * MIB), Nobody) as board:
        port = serial.serial_for_url(board.port, do_not_open=True)
        port.dtr = port.rts = False
        port.open()
        for line in lines:
            line(port)
        end_s = time.monotonic() + 3
        while len(board.resets) <= len(into) and time.monotonic() < end_s:
            time.sleep(0.05)
        port.close()
        assert board.resets == ["nothing", *into]  # the first at power-on


def test_our_own_transport_opens_it_without_resetting_it() -> None:
    with DevKit(ESP32, NorFlash(4 * MIB), Nobody) as board:
        transport = Transport(board.port)
        transport.write(b"hello")
        transport.close()
        assert board.resets == ["nothing"]
