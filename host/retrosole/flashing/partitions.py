"""The partition table of an insole, and reading the one that a board has.

Entries of 32 bytes: magic AA 50, type, subtype, offset, size, label, flags; then EB EB, 14 times FF and the MD5 of the
entries (Espressif, "Partition Tables"). The first four are as in MicroPython's own table for 4 MiB.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from retrosole.errors import DamagedDataError, UsageError

TABLE_AT = 0x8000
TABLE_BYTES = 0xC00
SMALLEST_FLASH_BYTES = 4 * 2**20
LARGEST_USED_BYTES = 16 * 2**20  # what lies behind needs longer addresses, which not every chip's loader has
TYPE_APP = 0
_TYPE_DATA = 1
_FAT, _NVS, _PHY, _UNDEFINED, _FACTORY = 0x81, 0x02, 0x01, 0x06, 0x00
_ENTRY = struct.Struct("<HBBII16sI")
_MAGIC = 0x50AA
_MD5_MARK = b"\xeb\xeb" + b"\xff" * 14


@dataclass(frozen=True)
class Partition:
    """Describe a part of the flash: `at` and `size` in bytes."""

    label: str
    type: int
    subtype: int
    at: int
    size: int

    @property
    def end(self) -> int:
        """Give where the next one may begin."""
        return self.at + self.size


def partitions_for(flash_bytes: int) -> dict[str, Partition]:
    """Give an insole's partitions by label for a flash of this size.

    Raises UsageError when it is too small.
    """
    if flash_bytes < SMALLEST_FLASH_BYTES:
        raise UsageError(
            f"the flash of this board has {flash_bytes / 2**20:g} MiB, and an insole needs 4 MiB for MicroPython, its "
            "firmware and the store of sessions: take a board with more"
        )
    end = min(flash_bytes, LARGEST_USED_BYTES)
    parts = (
        Partition("nvs", _TYPE_DATA, _NVS, 0x9000, 0x6000),
        Partition("phy_init", _TYPE_DATA, _PHY, 0xF000, 0x1000),
        Partition("factory", TYPE_APP, _FACTORY, 0x10000, 0x1F0000),
        Partition("vfs", _TYPE_DATA, _FAT, 0x200000, 0x40000),
        Partition("sessions", _TYPE_DATA, _UNDEFINED, 0x240000, end - 0x240000),
    )
    return {part.label: part for part in parts}


def table_bytes(parts: dict[str, Partition]) -> bytes:
    """Give the table as it stands in flash."""
    entries = b"".join(
        _ENTRY.pack(_MAGIC, one.type, one.subtype, one.at, one.size, one.label.encode(), 0) for one in parts.values()
    )
    whole = entries + _MD5_MARK + hashlib.md5(entries, usedforsecurity=False).digest()
    return whole.ljust(TABLE_BYTES, b"\xff")


def read_table(data: bytes, what: str) -> tuple[Partition, ...]:
    """Read a table; none of a blank one. `what` goes into the texts. Raises DamagedDataError for anything else."""
    found: list[Partition] = []
    for at in range(0, len(data) - _ENTRY.size + 1, _ENTRY.size):
        entry = data[at : at + _ENTRY.size]
        if entry == b"\xff" * _ENTRY.size:
            return tuple(found)
        if entry[:16] == _MD5_MARK:
            if hashlib.md5(data[:at], usedforsecurity=False).digest() != entry[16:]:
                raise DamagedDataError(f"{what} is damaged: its MD5 does not fit")
            continue
        magic, kind, subtype, begin, size, label, _ = _ENTRY.unpack(entry)
        if magic != _MAGIC:
            raise DamagedDataError(f"{what} is no partition table: 0x{magic:04X} at byte {at}, expected 0x{_MAGIC:04X}")
        name = label.rstrip(b"\0").decode("ascii", errors="replace")
        found.append(Partition(name, kind, subtype, begin, size))
    return tuple(found)
