"""MicroPython releases made for the tests: surrogates, since no real one can be had without internet.

They have what a release has: a bootloader image, MicroPython's own partition table at 0x8000 and an application image
with Espressif's description and MicroPython's version text, each with header, segments, checksum and appended SHA-256
(the real `esptool image-info` takes them). Their code is no code, and nothing runs it.
"""

from __future__ import annotations

import hashlib
import random
import struct
from functools import reduce
from operator import xor

from retrosole.flashing.chips import Chip
from retrosole.flashing.partitions import TABLE_AT, Partition, table_bytes

# Where each chip has data in flash, data in memory and code in memory
_ADDRESSES = {
    0: (0x3F400020, 0x3FFB0000, 0x40080000),
    9: (0x3C000020, 0x3FC90000, 0x40374000),
    5: (0x3C000020, 0x3FC90000, 0x40380000),
}
_MODE_DIO, _SIZE_4MB_40M = 2, 0x20
_APP_AT = 0x10000


def image(chip_id: int, segments: list[tuple[int, bytes]], size_code: int = _SIZE_4MB_40M) -> bytes:
    """Give an image of these segments (address, content); lengths are multiples of 4."""
    entry = segments[-1][0]
    layout = "<BBBBIB3sHBHH4sB"
    head = struct.pack(
        layout, 0xE9, len(segments), _MODE_DIO, size_code, entry, 0xEE, bytes(3), chip_id, 0, 0, 0xFFFF, bytes(4), 1
    )
    body = b"".join(struct.pack("<II", at, len(content)) + content for at, content in segments)
    checksum = reduce(xor, b"".join(content for _, content in segments), 0xEF)
    whole = head + body
    whole += bytes(15 - len(whole) % 16) + bytes((checksum,))
    return whole + hashlib.sha256(whole).digest()


def _description(version: str) -> bytes:
    rows = ((version, 32), ("micropython", 32), ("12:00:00", 16), ("Nov 29 2024", 16), ("v5.2.2", 32))
    texts = [text.encode().ljust(n, b"\0") for text, n in rows]
    return (struct.pack("<II8s", 0xABCD5432, 0, bytes(8)) + b"".join(texts)).ljust(256, b"\0")


def application(chip: Chip, version: str, code_n: int = 60_000) -> bytes:
    """Give an application that says it is MicroPython of this version; "" says none."""
    data_at, memory_at, code_at = _ADDRESSES[chip.image_id]
    words = f"3.4.0; MicroPython v{version} on 2024-11-29\0".encode() if version else b"MicroPython\0"
    text = words.ljust(-(-len(words) // 4) * 4, b"\0")
    code = random.Random(version + chip.name).randbytes(code_n // 4 // 4 * 4) * 4  # packs, as code does
    return image(
        chip.image_id, [(data_at, _description(f"v{version}") + text), (memory_at, b"data" * 50), (code_at, code)]
    )


def bootloader(chip: Chip) -> bytes:
    """Give a bootloader image."""
    _, memory_at, code_at = _ADDRESSES[chip.image_id]
    code = random.Random(chip.name).randbytes(4000) * 4
    return image(chip.image_id, [(memory_at, b"boot" * 64), (code_at, code)])


def micropython_table() -> bytes:
    """Give the table of MicroPython's builds for 4 MiB."""
    parts = (
        Partition("nvs", 1, 2, 0x9000, 0x6000),
        Partition("phy_init", 1, 1, 0xF000, 0x1000),
        Partition("factory", 0, 0, _APP_AT, 0x1F0000),
        Partition("vfs", 1, 0x81, 0x200000, 0x200000),
    )
    return table_bytes({one.label: one for one in parts})


def release(chip: Chip, version: str = "1.25.0", *, app: bytes | None = None) -> bytes:
    """Give a release as one file, to be written at the chip's bootloader address."""
    parts = (
        (chip.bootloader_at, bootloader(chip)),
        (TABLE_AT, micropython_table()),
        (_APP_AT, app or application(chip, version)),
    )
    whole = b""
    for at, content in parts:
        whole = whole.ljust(at - chip.bootloader_at, b"\xff") + content
    return whole


def release_name(chip: Chip, version: str = "1.25.0") -> str:
    """Give the name that micropython.org would give it."""
    return f"{chip.micropython_board}-20250415-v{version}.bin"
