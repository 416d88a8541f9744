"""`retrosole flash` as a person runs it: the real esptool, a chip in its loader, and the firmware on real MicroPython.

MicroPython's images are surrogates (images.py), the chips are those of devkit.py, what starts is insole.py's.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from retrosole import wire
from retrosole.device import Insole as Talk
from retrosole.errors import UsageError
from retrosole.flashing.chips import CHIPS, Chip
from retrosole.flashing.esptool import EspTool
from retrosole.flashing.filesystem import filesystem_image, read_filesystem
from retrosole.flashing.image import read_image
from retrosole.flashing.pack import packed
from retrosole.flashing.partitions import TABLE_AT, partitions_for, table_bytes
from retrosole.ports import open_link
from tests.boards import images
from tests.boards.desk import Desk, one_line, run
from tests.boards.devkit import DevKit
from tests.boards.esp_chips import CHIPS as ESP_CHIPS
from tests.boards.esp_chips import ESP32_C6
from tests.boards.insole import started
from tests.boards.loader import Misfortune
from tests.boards.nor_flash import NorFlash
from tests.boards.site import Site
from tests.machines import need
from tests.soak import only_in_full

pytestmark = pytest.mark.slow

MIB = 2**20
ESP32, S3, C3 = CHIPS
LAYOUT = partitions_for(4 * MIB)
LONG = (pytest.mark.slow, only_in_full)


@pytest.fixture(autouse=True)
def _runtime() -> None:
    need("rv32")


@pytest.fixture
def c3(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path, C3, NorFlash(4 * MIB)) as desk:
        yield desk


def micropython_board(chip: Chip) -> NorFlash:
    """Give the flash of a board with MicroPython and somebody's files on it."""
    content = bytearray(b"\xff" * 4 * MIB)
    whole = images.release(chip)
    content[chip.bootloader_at : chip.bootloader_at + len(whole)] = whole
    files = filesystem_image({"main.py": b"print('mine')\n"}, 2 * MIB, "a board's")
    content[2 * MIB :] = files
    return NorFlash(4 * MIB, bytes(content))


# ---------------------------------------------------------------------------------------------------- from blank flash


@pytest.mark.parametrize(
    ("chip", "stub"),
    [
        (ESP32, ()),
        (S3, ()),
        (C3, ()),
        (ESP32, ("--no-stub",)),
        pytest.param(S3, ("--no-stub",), marks=LONG),
        pytest.param(C3, ("--no-stub",), marks=LONG),
    ],
    ids=lambda value: value.name if isinstance(value, Chip) else "rom" if value else "stub",
)
def test_from_blank_flash_to_an_identity(chip: Chip, stub: tuple[str, ...], tmp_path: Path) -> None:
    with Desk(tmp_path, chip, NorFlash(4 * MIB)) as desk:
        done = desk.flash_it("--side", "right", *stub)
        assert done.code == 0, done.text
        pack = packed(chip.architecture)
        assert f"right insole at {desk.board.port}" in done.text
        assert f"firmware {pack.version} (source {pack.source})" in done.text
        bootloader = desk.flash.read(chip.bootloader_at, TABLE_AT - chip.bootloader_at)
        assert bootloader[: len(images.bootloader(chip))] == images.bootloader(chip)
        assert desk.flash.read(TABLE_AT, 0xC00) == table_bytes(LAYOUT)
        app = images.application(chip, "1.25.0")
        assert desk.flash.read(0x10000, len(app)) == app
    files = read_filesystem(desk.board.content("vfs"))
    assert files["a.zip"] == pack.content
    assert "settings.json" not in files  # taken into its memory at the first start
    record = desk.record()
    assert record["chip"] == chip.name and record["erased"] == ["nvs", "sessions"]
    assert record["micropython"]["sha256"] in done.text  # type: ignore[index]
    assert record["insole"]["source"] == pack.source  # type: ignore[index]


@only_in_full
def test_reset_lines_need_no_buttons_and_sessions_are_fetched_before_they_would_be_lost(tmp_path: Path) -> None:
    with Desk(tmp_path, S3, NorFlash(4 * MIB)) as small:
        assert small.flash_it("--side", "left").code == 0
        with_a_session(small)
    flash = NorFlash(8 * MIB, bytes(small.flash.memory))  # as if it had been taken for one of 4 MiB
    with DevKit(ESP_CHIPS[S3.name], flash, started) as board:
        command = [sys.executable, "-m", "retrosole", "flash", "--port", board.port, "--out", str(tmp_path / "records")]
        command += ["--micropython", str(small.release())]
        before = os.getcwd()
        os.chdir(tmp_path)
        try:
            done = run(command)
        finally:
            os.chdir(before)
        assert done.code == 0, done.text
        assert "its sessions are fetched first" in done.text and "left insole at rfc2217://" in done.text
    assert list((tmp_path / "sessions").glob("*/left.frames"))


@pytest.mark.slow
@only_in_full
def test_a_port_with_lines_that_reset_nothing(tmp_path: Path) -> None:
    image = tmp_path / images.release_name(C3)
    image.write_bytes(images.release(C3))
    options = ["--side", "left", "--out", str(tmp_path / "records"), "--micropython", str(image)]
    with DevKit(ESP_CHIPS[C3.name], NorFlash(4 * MIB), started, lines_reset=False) as board:

        def heed(line: str, _pid: int) -> None:  # as a person does at the end
            if "writing bootloader" in line:
                board.press(holds_boot=False)

        board.press(holds_boot=True)
        done = run([sys.executable, "-m", "retrosole", "flash", "--port", board.port, *options], heed)
        assert done.code == 0, done.text
        assert f"left insole at {board.port}" in done.text and board.resets == ["nothing", "loader", "application"]


def test_there_the_rom_alone_needs_the_slow_rate_and_says_so() -> None:
    tool = EspTool("/dev/ttyUSB0", has_stub=False)
    silent = "A fatal error occurred: Failed to connect to ESP32-C3: No serial data received."
    assert "--baud" not in str(tool._error(silent, 2)), "nothing has answered yet"
    tool._run_n = 1
    text = str(tool._error(silent, 2))
    assert "if only its button resets this board, add --baud 115200; hold the button BOOT" in text


def test_a_larger_flash_is_named_in_the_bootloader_and_used(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(8 * MIB)) as desk:
        done = desk.flash_it()
        assert done.code == 0, done.text
        assert desk.board.partitions()["sessions"].end == 8 * MIB
        bootloader = desk.flash.read(0, TABLE_AT)
        assert bootloader[3] >> 4 == 3 and read_image(bootloader, "it").chip_id == 5


# ---------------------------------------------------------------------------------------------------------- once more


def with_a_session(desk: Desk) -> tuple[int, ...]:
    """Have the insole keep its unloaded counts and a session; give the counts."""
    insole = Talk(open_link(desk.board.port, 10.0))
    try:
        insole.tare()
        insole.start()
        for event in insole.events(2.0):
            if isinstance(event, wire.SamplesFrame) and event.first_index > 300:
                break
        insole.stop()
        assert len(insole.stored()) == 1
        return insole.hello().baseline
    finally:
        insole.close()


def test_flashing_again_keeps_settings_calibration_and_sessions(c3: Desk) -> None:
    assert c3.flash_it("--side", "left").code == 0
    baseline = with_a_session(c3)
    c3.flash.touched.clear()
    done = c3.flash_it()
    assert done.code == 0, done.text
    assert "an insole: left" in done.text and "1 uncollected session" in done.text
    assert "nvs: kept as it is" in done.text and "sessions: kept as it is" in done.text
    insole = Talk(open_link(c3.board.port, 10.0))
    try:
        assert (insole.side, insole.identity.baseline) == ("left", baseline)
        assert [entry.kept for entry in insole.stored()] == [wire.Kept.UNCOLLECTED]
    finally:
        insole.close()
    kept = {*range(0x9, 0xF), *range(0x240, 0x400)}
    assert not c3.flash.touched & kept
    assert 0x8 not in c3.flash.touched  # the same table is not written again


def test_erase_means_it(c3: Desk) -> None:
    assert c3.flash_it("--side", "left").code == 0
    with_a_session(c3)
    refused = c3.flash_it("--erase")
    assert refused.code == 2
    assert "1 uncollected session" in one_line(refused) and "add --yes" in one_line(refused)
    c3.board.press(holds_boot=True)
    done = c3.flash_it("--erase", "--yes")
    assert done.code == 0, done.text
    assert "unset insole at" in done.text and "started once" in done.text


def test_sessions_that_would_be_lost_stop_it_where_they_cannot_be_fetched(c3: Desk, tmp_path: Path) -> None:
    assert c3.flash_it("--side", "left").code == 0
    with_a_session(c3)
    c3.board.press(holds_boot=True)
    flash = NorFlash(8 * MIB, bytes(c3.flash.memory))
    with Desk(tmp_path, C3, flash, in_loader=False) as larger:
        done = larger.flash_it("--yes")
        assert done.code == 2
        assert "would lose 1 uncollected session: reset the insole, run `retrosole fetch" in one_line(done)
        larger.board.press(holds_boot=True)
        done = larger.flash_it("--yes")
        assert done.code == 2 and "no insole answers that they could be fetched from" in one_line(done)


# ------------------------------------------------------------------------------------------------- a board that is not


def test_a_board_that_is_no_insole_is_erased_only_after_a_yes(tmp_path: Path) -> None:
    with Desk(tmp_path, ESP32, micropython_board(ESP32)) as desk:
        refused = desk.flash_it()
        assert refused.code == 2
        assert "is not an insole (nvs, phy_init, factory, vfs)" in one_line(refused)
        assert desk.flash.touched == set()
        done = desk.flash_it("--yes")
        assert done.code == 0, done.text
        assert "main.py" in read_filesystem(desk.board.content("vfs"))


def test_what_stops_it_before_anything_is_written_lets_the_board_run_again(tmp_path: Path) -> None:
    image = tmp_path / images.release_name(C3)
    with DevKit(ESP_CHIPS[C3.name], micropython_board(C3), started) as board:
        command = [sys.executable, "-m", "retrosole", "flash", "--port", board.port, "--micropython", str(image)]
        done = run(command)
        assert done.code == 2 and "there is no file" in one_line(done)
        assert "loader" not in board.resets, "that could be seen without the board"
        image.write_bytes(images.release(C3))
        done = run(command)
        assert done.code == 2 and one_line(done).endswith("Nobody can be asked: add --yes")
        assert left_loader_into(board) == "application"


def left_loader_into(board: DevKit) -> str:
    """Wait until a board that was in its loader has left it: it decides, and starts, a moment after its lines moved."""
    assert "loader" in board.resets
    end_s = time.monotonic() + 20
    while board.resets[-1] == "loader" and time.monotonic() < end_s:
        time.sleep(0.05)
    return board.resets[-1]


def test_a_dry_run_writes_nothing(c3: Desk) -> None:
    done = c3.flash_it("--dry-run")
    assert done.code == 0 and "nothing was written (--dry-run)" in done.text
    assert "0x200000    262144 bytes  firmware" in done.text
    assert c3.flash.touched == set()


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [
        (lambda: images.release(S3), 2, "is for ESP32-S3, and this board has an ESP32-C3: take ESP32_GENERIC_C3"),
        (lambda: images.release(C3)[:-1] + b"!", 6, "its SHA-256 is not the one appended"),
        (lambda: images.release(C3, app=images.application(C3, "1.25.0", 2_200_000)), 2, "there is room for 2031616"),
    ],
    ids=["another chip", "wrong hash", "too large"],
)
def test_a_bad_image_is_refused_before_anything_is_written(
    make: Callable[[], bytes], code: int, text: str, c3: Desk
) -> None:
    done = c3.flash_it(micropython=c3.release(make()))
    assert done.code == code and text in one_line(done), done.text
    assert c3.flash.touched == set()


def test_a_chip_that_no_insole_is_made_of(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(4 * MIB), esp=ESP32_C6) as desk:
        done = desk.flash_it()
    assert done.code == 2
    assert "is an ESP32-C6, and an insole is made of one of ESP32, ESP32-S3, ESP32-C3" in one_line(done)


@pytest.mark.slow
def test_a_board_of_another_chip_is_left_as_it_was(tmp_path: Path) -> None:
    with DevKit(ESP32_C6, NorFlash(4 * MIB), started) as board:
        with pytest.raises(UsageError, match="is an ESP32-C6"):
            EspTool(board.port).detect()
        assert left_loader_into(board) == "nothing", "it is blank"


def test_a_small_flash(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(2 * MIB)) as desk:
        done = desk.flash_it()
    assert done.code == 2 and "has 2 MiB, and an insole needs 4 MiB" in one_line(done)


def test_without_an_answer_it_names_the_buttons(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(4 * MIB), in_loader=False) as desk:
        done = desk.flash_it()
    assert done.code == 3 and "hold the button BOOT" in one_line(done) and "run the same command again" in done.text


def test_a_stub_that_does_not_start(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(4 * MIB), misfortune=Misfortune(stub_fails=True)) as desk:
        done = desk.flash_it()
    assert done.code == 3 and "try --no-stub" in one_line(done)


def test_a_bit_that_flips_in_flash_is_read_back(tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(4 * MIB), misfortune=Misfortune(flip_at=0x12345)) as desk:
        done = desk.flash_it()
        assert done.code == 6 and "is not what was written" in one_line(done)
        assert desk.flash.read(0, 4) == b"\xff" * 4  # without a bootloader nothing half right is started


@pytest.mark.parametrize(
    "n",  # bytes programmed: only the bootloader is gone, in MicroPython, in the firmware, in the bootloader
    [
        pytest.param(5_000, marks=LONG),
        40_000,
        *(pytest.param(n, marks=LONG) for n in (150_000, 330_000)),
    ],
)
def test_lost_in_the_middle_the_same_command_goes_on(n: int, tmp_path: Path) -> None:
    with Desk(tmp_path, C3, NorFlash(4 * MIB)) as desk:
        assert desk.flash_it("--side", "left").code == 0
        baseline = with_a_session(desk)
        desk.board.misfortune.vanish_after = desk.flash.programmed_n + n
        done = desk.flash_it()
        assert done.code == 4, done.text
        assert "nothing is broken, its loader is in the chip" in one_line(done)
    with Desk(tmp_path, C3, NorFlash(4 * MIB, bytes(desk.flash.memory))) as again:
        assert again.board.resets == ["nothing", "loader"]  # nothing half right is started
        assert again.flash_it().code == 0
        insole = Talk(open_link(again.board.port, 10.0))
        try:
            assert (insole.side, insole.identity.baseline) == ("left", baseline)
            assert len(insole.stored()) == 1
        finally:
            insole.close()


def test_ctrl_c_leaves_a_board_that_the_same_command_finishes(c3: Desk) -> None:
    def interrupt(line: str) -> None:
        if "writing partition table" in line:
            os.kill(c3.pid, signal.SIGINT)

    done = c3.flash_it(heed=interrupt)
    assert done.code == 130, done.text
    assert "left off; the board starts nothing until this command has run to its end" in done.text
    assert c3.flash.read(0, 4) == b"\xff" * 4
    c3.board.press(holds_boot=True)
    assert c3.flash_it().code == 0


def test_a_busy_port_and_one_that_is_not_there(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    flash = [sys.executable, "-m", "retrosole", "flash", "--port"]
    with serial.Serial(name, exclusive=True):
        done = run([*flash, name])
    os.close(ours)
    os.close(theirs)
    assert done.code == 4 and "is in use by" in one_line(done)
    done = run([*flash, str(tmp_path / "nothing")])
    assert done.code == 4 and "does not exist" in one_line(done)


def test_micropython_is_fetched_by_version_and_kept(c3: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = Site()
    done = c3.retrosole("flash", "--site", site.url, "--version", "1.26.1", "--dry-run")
    site.close()
    assert done.code == 0 and f"MicroPython 1.26.1 from {site.url}{site.path('1.26.1')}" in done.text, done.text
    done = c3.retrosole("flash", "--version", "1.26.1", "--dry-run")
    assert done.code == 0 and "(kept from before)" in done.text


def test_without_internet_it_says_how_to_bring_the_file(
    c3: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = c3.retrosole("flash", "--site", "http://127.0.0.1:1")
    assert done.code == 2 and "give it with --micropython FILE" in one_line(done)
    assert c3.flash.touched == set()
