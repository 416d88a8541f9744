"""ESP32 program images: what MicroPython's released file holds, and whether it is whole.

An image is a header of 24 bytes, segments (address, length, content), a checksum at the end of a block of 16 bytes,
and a SHA-256 over all before it (Espressif, "Firmware image format"). MicroPython's release is one file to be written
at the chip's bootloader address: bootloader, partition table (at 0x8000 of the flash), application.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from retrosole.errors import DamagedDataError, UsageError
from retrosole.flashing.chips import Chip, image_chip_name
from retrosole.flashing.partitions import TABLE_AT, TABLE_BYTES, TYPE_APP, read_table

OLDEST = (1, 24)
_MAGIC = 0xE9
_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_CHECKSUM_SEED = 0xEF
_SEGMENT_MOST_N = 16
_HASH_BYTES = 32
_SIZE_AT = 3  # in the header: flash size in the upper four bits
_FLASH_SIZE_CODES = {2**20 << code: code for code in range(8)}  # 1 MiB is 0
_VERSION = re.compile(rb"MicroPython v(\d+\.\d+(?:\.\d+)?[0-9A-Za-z.+-]*)")


@dataclass(frozen=True)
class Image:
    """Describe a verified image. `n` are its bytes, checksum and hash included; `sha256` is the appended one, hex."""

    chip_id: int
    n: int
    sha256: str


@dataclass(frozen=True)
class MicroPython:
    """Hold the parts of a release; `version` is None where the file does not tell it, `sha256` is that of the file."""

    name: str
    bootloader: bytes
    app: bytes
    version: str | None
    sha256: str


def read_image(data: bytes, what: str) -> Image:
    """Verify the image at the beginning of `data`: header, segments, checksum, appended SHA-256.

    `what` goes into the texts. Raises DamagedDataError when any of it is wrong.
    """
    if len(data) < _HEADER.size or data[0] != _MAGIC:
        found = f"begins with 0x{data[0]:02X}" if data else "is empty"
        raise DamagedDataError(f"{what} is no ESP32 image: it {found}, expected 0x{_MAGIC:02X}")
    fields = _HEADER.unpack_from(data)
    end = _checked_end(data, fields[1], what)
    if fields[-1] != 1:
        raise DamagedDataError(f"{what} carries no SHA-256, so it cannot be verified: take a released image")
    stored = data[end : end + _HASH_BYTES]
    if hashlib.sha256(data[:end]).digest() != stored:
        raise DamagedDataError(f"{what} is damaged: its SHA-256 is not the one appended to it; get the file again")
    return Image(fields[7], end + _HASH_BYTES, stored.hex())


def _checked_end(data: bytes, segment_n: int, what: str) -> int:
    """Walk through the segments; give where the hash begins. Raises DamagedDataError."""
    at, checksum = _HEADER.size, _CHECKSUM_SEED
    if not 1 <= segment_n <= _SEGMENT_MOST_N:
        raise DamagedDataError(f"{what} is damaged: it has {segment_n} segments, expected 1 to {_SEGMENT_MOST_N}")
    for _ in range(segment_n):
        if at + _SEGMENT.size > len(data):
            raise _cut(what, len(data))
        _, n = _SEGMENT.unpack_from(data, at)
        at += _SEGMENT.size
        if at + n > len(data):
            raise _cut(what, len(data))
        checksum ^= _xor(data[at : at + n])
        at += n
    at += 15 - at % 16
    if at + 1 + _HASH_BYTES > len(data):
        raise _cut(what, len(data))
    if data[at] != checksum:
        raise DamagedDataError(
            f"{what} is damaged: its checksum is 0x{data[at]:02X}, expected 0x{checksum:02X}; get the file again"
        )
    return at + 1


def _xor(data: bytes) -> int:
    """Give all bytes, one upon the other; in halves, for a byte at a time takes a second for a megabyte."""
    n = len(data)
    value = int.from_bytes(data, "little")
    while n > 1:
        half = (n + 1) // 2
        value = (value >> 8 * half) ^ (value & ((1 << 8 * half) - 1))
        n = half
    return value


def _cut(what: str, n: int) -> DamagedDataError:
    return DamagedDataError(f"{what} is damaged: it ends after {n} bytes, in the middle of the image; get it again")


def split_release(data: bytes, chip: Chip, name: str) -> MicroPython:
    """Verify a MicroPython release for a chip and take it apart; `name` goes into the texts.

    Raises DamagedDataError when it is damaged or something else, UsageError when it is for another chip or too old.
    """
    if data[:1] and data[0] == _MAGIC:
        _check_chip(_HEADER.unpack_from(data.ljust(_HEADER.size, b"\0"))[7], chip, name)
    bootloader = read_image(data, name)
    table_at = TABLE_AT - chip.bootloader_at
    table = data[table_at : table_at + TABLE_BYTES]
    if len(table) < TABLE_BYTES or table[:2] != b"\xaa\x50" or bootloader.n > table_at:
        raise DamagedDataError(
            f"{name} is an application alone, or no whole release: take {chip.micropython_board}-DATE-VERSION.bin "
            f"(not .app-bin) from micropython.org/download/{chip.micropython_board}"
        )
    apps = [one for one in read_table(table, f"the partition table in {name}") if one.type == TYPE_APP]
    if not apps:
        raise DamagedDataError(f"{name} names no application in its partition table: get the file again")
    rest = data[apps[0].at - chip.bootloader_at :]
    app = read_image(rest, f"the application in {name}")
    _check_chip(app.chip_id, chip, name)
    version = _version(rest[: app.n], name)
    return MicroPython(name, data[: bootloader.n], rest[: app.n], version, hashlib.sha256(data).hexdigest())


def _check_chip(image_id: int, chip: Chip, name: str) -> None:
    if image_id != chip.image_id:
        raise UsageError(
            f"{name} is for {image_chip_name(image_id)}, and this board has an {chip.name}: "
            f"take {chip.micropython_board} from micropython.org/download/{chip.micropython_board}"
        )


def _version(app: bytes, name: str) -> str | None:
    if b"MicroPython" not in app:
        raise DamagedDataError(f"{name} is an image of some other program: it has no MicroPython in it")
    found = _VERSION.search(app)
    if found is None:
        return None
    version = found.group(1).decode().strip(".")
    if version_key(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"{name} is MicroPython {version}, which is too old: take {oldest} or newer")
    return version


def version_key(version: str) -> tuple[int, ...]:
    """Give the numbers of a version such as "1.24.1" or "1.27.0-preview.3", to compare by: (1, 24, 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def with_flash_size(bootloader: bytes, flash_bytes: int) -> bytes:
    """Put the size of the flash into a bootloader's header, and its SHA-256 in order again.

    The bootloader refuses a partition table that goes beyond the size in its own header, and releases say 4 MiB.
    Raises UsageError for a size that no chip has.
    """
    if flash_bytes not in _FLASH_SIZE_CODES:
        raise UsageError(f"a flash of {flash_bytes} bytes cannot be named in a bootloader: expected 1 MiB to 128 MiB")
    n = read_image(bootloader, "the bootloader").n - _HASH_BYTES
    new = bytearray(bootloader[:n])
    new[_SIZE_AT] = _FLASH_SIZE_CODES[flash_bytes] << 4 | new[_SIZE_AT] & 0x0F
    return bytes(new) + hashlib.sha256(new).digest() + bootloader[n + _HASH_BYTES :]
