"""Images, partition tables and file systems: literal bytes, every kind of damage, and esptool's second opinion."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrosole.errors import DamagedDataError, NoDeviceError, RetrosoleError, UsageError
from retrosole.flashing import found
from retrosole.flashing.chips import CHIPS, Chip, chip_named
from retrosole.flashing.filesystem import filesystem_image, read_filesystem
from retrosole.flashing.image import read_image, split_release, version_key, with_flash_size
from retrosole.flashing.partitions import Partition, partitions_for, read_table, table_bytes
from retrosole.ports import Candidate
from tests.boards import images

MIB = 2**20
RELEASES = {chip.name: images.release(chip) for chip in CHIPS}
ESP32, S3, C3 = CHIPS
each_chip = pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)

# ------------------------------------------------------------------------------------------------------------ images


def image_info(path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "esptool", "image-info", str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@each_chip
def test_esptool_takes_the_surrogates_for_images(chip: Chip, tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(images.application(chip, "1.25.0"))
    told = image_info(path)
    assert told.count("(valid)") == 2, told
    assert f"({chip.name})" in told and "Project name: micropython" in told


@each_chip
def test_a_release_is_taken_apart(chip: Chip) -> None:
    whole = images.release(chip)
    parts = split_release(whole, chip, "file.bin")
    assert (parts.bootloader, parts.app) == (images.bootloader(chip), images.application(chip, "1.25.0"))
    assert parts.version == "1.25.0"
    assert parts.sha256 == hashlib.sha256(whole).hexdigest()


def test_an_image_tells_its_chip_and_hash() -> None:
    content = images.bootloader(S3)
    image = read_image(content + b"\xff" * 100, "it")
    assert (image.chip_id, image.n, image.sha256) == (9, len(content), content[-32:].hex())


@pytest.mark.parametrize("at", [0x40, 0x100, 0xFFF, -40, -33, -1])
def test_a_flipped_bit_is_found(at: int) -> None:
    content = bytearray(images.bootloader(C3))
    content[at] ^= 1
    with pytest.raises(DamagedDataError, match=r"it is damaged: its (checksum|SHA-256) .*; get the file again"):
        read_image(bytes(content), "it")


@pytest.mark.parametrize("n", [0, 1, 23, 24, 30, 1000, -33, -1])
def test_a_cut_image_is_refused(n: int) -> None:
    content = images.bootloader(ESP32)
    with pytest.raises(DamagedDataError, match=r"it is (damaged|no ESP32 image)"):
        read_image(content[:n], "it")


def test_an_image_without_a_hash_is_refused() -> None:
    content = bytearray(images.bootloader(ESP32))
    content[23] = 0
    with pytest.raises(DamagedDataError, match="carries no SHA-256"):
        read_image(bytes(content), "it")


def test_a_release_for_another_chip_is_refused_with_both_names() -> None:
    text = r"file.bin is for ESP32-S3, and this board has an ESP32: take ESP32_GENERIC from"
    with pytest.raises(UsageError, match=text):
        split_release(images.release(S3), ESP32, "file.bin")


def test_an_application_alone_is_told_from_a_release() -> None:
    with pytest.raises(DamagedDataError, match=r"application alone.*take ESP32_GENERIC_C3-DATE-VERSION.bin"):
        split_release(images.application(C3, "1.25.0"), C3, "file.app-bin")


def test_damage_in_the_application_is_found() -> None:
    content = bytearray(images.release(C3))
    content[-5000] ^= 8
    with pytest.raises(DamagedDataError, match=r"the application in file.bin is damaged"):
        split_release(bytes(content), C3, "file.bin")


@pytest.mark.parametrize(
    ("version", "kind", "text"),
    [("1.23.0", UsageError, "MicroPython 1.23.0, which is too old: take 1.24 or newer"), ("", None, "")],
)
def test_too_old_is_refused_and_unknown_is_taken(version: str, kind: type[Exception] | None, text: str) -> None:
    whole = images.release(ESP32, version)
    if kind is None:
        assert split_release(whole, ESP32, "file.bin").version is None
        return
    with pytest.raises(kind, match=text):
        split_release(whole, ESP32, "file.bin")


def test_another_program_is_no_micropython() -> None:
    app = images.image(0, [(0x3F400020, b"something else.." * 20), (0x40080000, bytes(64))])
    with pytest.raises(DamagedDataError, match="image of some other program"):
        split_release(images.release(ESP32, app=app), ESP32, "file.bin")


@pytest.mark.parametrize(("mib", "code"), [(4, 2), (8, 3), (16, 4)])
def test_the_size_of_the_flash_is_put_into_the_bootloader(mib: int, code: int, tmp_path: Path) -> None:
    before = images.bootloader(ESP32)
    after = with_flash_size(before, mib * MIB)
    assert after[3] >> 4 == code
    assert (after[:3], after[4:-32]) == (before[:3], before[4:-32])
    path = tmp_path / "bootloader.bin"
    path.write_bytes(after)
    told = image_info(path)
    assert f"Flash size: {mib}MB" in told and told.count("(valid)") == 2, told


def test_versions_are_compared_by_number() -> None:
    assert sorted(["1.9.1", "1.24", "1.10.0", "1.24.1-preview.7"], key=version_key)[0] == "1.9.1"
    assert version_key("1.24.1-preview.7") == (1, 24, 1)


def test_chips_are_named_as_esptool_does() -> None:
    assert chip_named("ESP32-S3") is S3
    assert chip_named("ESP8266") is None


# ------------------------------------------------------------------------------------------------------------ tables


def test_the_table_of_4_mib_byte_for_byte() -> None:
    table = table_bytes(partitions_for(4 * MIB))
    rows = [
        "aa50 01 02 00900000 00600000 6e767300000000000000000000000000 00000000",
        "aa50 01 01 00f00000 00100000 7068795f696e69740000000000000000 00000000",
        "aa50 00 00 00000100 00001f00 666163746f7279000000000000000000 00000000",
        "aa50 01 81 00002000 00000400 76667300000000000000000000000000 00000000",
        "aa50 01 06 00002400 00001c00 73657373696f6e730000000000000000 00000000",
    ]
    entries = bytes.fromhex("".join(rows))
    assert table[: len(entries)] == entries
    assert table[len(entries) :][:32] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    assert table[len(entries) + 32 :] == b"\xff" * (0xC00 - len(entries) - 32)


@pytest.mark.parametrize(("mib", "sessions_mib"), [(4, 1.75), (8, 5.75), (16, 13.75), (32, 13.75)])
def test_larger_flash_is_for_sessions_up_to_16_mib(mib: int, sessions_mib: float) -> None:
    parts = partitions_for(mib * MIB)
    assert parts["sessions"].size == sessions_mib * MIB
    assert read_table(table_bytes(parts), "it") == tuple(parts.values())
    ordered = list(parts.values())
    assert all(a.end <= b.at for a, b in pairwise(ordered))
    assert all(one.at % 4096 == one.size % 4096 == 0 for one in ordered)


def test_a_small_flash_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has 2 MiB, and an insole needs 4 MiB"):
        partitions_for(2 * MIB)


def test_damaged_and_foreign_tables() -> None:
    table = bytearray(table_bytes(partitions_for(4 * MIB)))
    assert read_table(b"\xff" * 0xC00, "it") == ()
    table[40] ^= 1
    with pytest.raises(DamagedDataError, match="it is damaged: its MD5 does not fit"):
        read_table(bytes(table), "it")
    with pytest.raises(DamagedDataError, match="no partition table: 0x0000 at byte 0"):
        read_table(bytes(0xC00), "it")
    assert Partition("vfs", 1, 0x81, 0x200000, 0x200000) in read_table(images.micropython_table(), "it")


# ------------------------------------------------------------------------------------------------------- file systems


def test_files_come_back_and_the_same_files_give_the_same_bytes() -> None:
    files = {"main.py": b"import launch\n", "a.zip": bytes(range(256)) * 300, "deep/er/x": b""}
    image = filesystem_image(files, 0x40000, "the insole's")
    assert len(image) == 0x40000
    assert read_filesystem(image) == files
    assert filesystem_image(dict(files), 0x40000, "the insole's") == image


def test_too_much_is_refused_and_damage_is_told() -> None:
    with pytest.raises(UsageError, match=r"1 files of 300000 bytes do not fit the insole's 262144 bytes"):
        filesystem_image({"a": bytes(300_000)}, 0x40000, "the insole's")
    with pytest.raises(DamagedDataError, match="cannot be read"):
        read_filesystem(b"\xff" * 0x40000)


# -------------------------------------------------------------------------------------------------------------- ports


def test_the_only_board_is_chosen_and_virtual_insoles_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Candidate] = [Candidate("/dev/pts/9", "virtual", "virtual insole, left")]
    monkeypatch.setattr(found, "list_candidates", lambda: there)
    with pytest.raises(NoDeviceError, match=r"no port has the USB id of an ESP32 board: plug the board in"):
        found.choose_port(None)
    there.append(Candidate("/dev/ttyUSB0", "usb", "WCH 1A86:7523"))
    assert found.choose_port(None) == "/dev/ttyUSB0"
    there.append(Candidate("/dev/ttyACM0", "usb", "Espressif 303A:1001"))
    with pytest.raises(NoDeviceError, match=r"2 ports may be a board \(/dev/ttyUSB0, WCH .*choose one with --port"):
        found.choose_port(None)
    assert found.choose_port("COM5") == "COM5"


# ------------------------------------------------------------------------------------------------------------- damage


@given(st.sampled_from(CHIPS), st.data())
@settings(max_examples=60)
def test_whatever_is_damaged_it_is_taken_whole_or_refused(chip: Chip, data: st.DataObject) -> None:
    content = bytearray(RELEASES[chip.name])
    for _ in range(data.draw(st.integers(1, 3))):
        content[
            data.draw(st.sampled_from([*range(64), 0x7000, 0x7020, 0x8000, 0x8020, 0xF000, *range(0x10000, 0x10040)]))
        ] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.sampled_from([len(content), len(content) - 1, 0x9000, 0x8010, 40]))]
    with contextlib.suppress(RetrosoleError):
        parts = split_release(bytes(content), chip, "file.bin")
        assert (parts.bootloader, parts.app) == (images.bootloader(chip), images.application(chip, "1.25.0"))
