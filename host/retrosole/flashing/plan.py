"""What goes where in a board's flash, and what on it is left alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from retrosole.errors import UsageError
from retrosole.flashing.esptool import Detected
from retrosole.flashing.filesystem import filesystem_image
from retrosole.flashing.image import MicroPython, with_flash_size
from retrosole.flashing.pack import Pack
from retrosole.flashing.partitions import TABLE_AT, Partition, partitions_for, table_bytes

KEEPABLE = ("nvs", "sessions")


@dataclass(frozen=True)
class Part:
    """Describe something to be written at an address."""

    title: str
    at: int
    content: bytes

    @property
    def sha256(self) -> str:
        """Give the hash of the content, hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Plan:
    """Say what is written, in this order, what is erased, and what is neither."""

    parts: tuple[Part, ...]
    erased: tuple[Partition, ...]
    kept: tuple[Partition, ...]

    @property
    def total_bytes(self) -> int:
        """Give how much is written."""
        return sum(len(part.content) for part in self.parts)


def kept_partitions(
    before: tuple[Partition, ...], flash_bytes: int, is_ours: bool, erases: bool
) -> tuple[Partition, ...]:
    """Give those of an insole's own partitions that lie where they shall lie, so that nothing has to touch them.

    Without `is_ours` what lies there is not an insole's, and nothing is kept.
    """
    if erases or not is_ours:
        return ()
    wanted = partitions_for(flash_bytes)
    return tuple(wanted[label] for label in KEEPABLE if wanted[label] in before)


def make_plan(
    board: Detected,
    micropython: MicroPython,
    files: dict[str, bytes],
    table_before: bytes,
    kept: tuple[Partition, ...],
) -> Plan:
    """Lay everything out. Raises UsageError when something does not fit."""
    wanted = partitions_for(board.flash_bytes)
    factory, vfs = wanted["factory"], wanted["vfs"]
    if len(micropython.app) > factory.size:
        raise UsageError(
            f"{micropython.name} has an application of {len(micropython.app)} bytes, and there is room for "
            f"{factory.size}: take the plain {board.chip.micropython_board} build"
        )
    table = table_bytes(wanted)
    named_bytes = min(board.flash_bytes, max(part.end for part in wanted.values()))
    parts = [
        Part("bootloader", board.chip.bootloader_at, with_flash_size(micropython.bootloader, named_bytes)),
        Part("MicroPython", factory.at, micropython.app),
        Part("firmware", vfs.at, filesystem_image(files, vfs.size, "the insole's")),
    ]
    if table != table_before:  # while it is rewritten, a lost power would make the board look blank
        parts.insert(1, Part("partition table", TABLE_AT, table))
    erased = tuple(wanted[label] for label in KEEPABLE if wanted[label] not in kept)
    return Plan(tuple(parts), erased, kept)


def describe(pack: Pack) -> str:
    """Name a pack in words."""
    return f"firmware {pack.version} (source {pack.source}, {pack.architecture})"
