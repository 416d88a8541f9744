"""The boards a virtual insole can be, read from the firmware's own board files: nothing is typed twice."""

from __future__ import annotations

import ast
from enum import IntEnum
from typing import TYPE_CHECKING

from retrosole import wire
from retrosole.errors import UsageError
from retrosole.twin.firmware_files import firmware_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrosole.twin.source import Channel


def board_names() -> list[str]:
    """Return the names of all boards the firmware knows."""
    folder = firmware_folder() / "insole" / "boards"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def board_channels(name: str) -> tuple[Channel, ...]:
    """Return zone and site of each channel of a board, in order.

    Raises UsageError for an unknown board, with the list of those there are.
    """
    names = board_names()
    if name not in names:
        raise UsageError(f"there is no board {name!r}: choose one of {', '.join(names)}")
    source = (firmware_folder() / "insole" / "boards" / f"{name}.py").read_text(encoding="utf-8")
    values = {
        target.id: node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    zones = _names(values["ZONES"], "ZONE_", wire.Zone)
    sites = _names(values["SITES"], "SITE_", wire.Site)
    return tuple(zip(zones, sites, strict=True))


def zone_numbers(channels: Sequence[Channel]) -> tuple[int, ...]:
    """Return the zones of the channels as they stand in an identity frame."""
    return tuple(int(wire.Zone[zone.upper()]) for zone, _ in channels)


def zone_bits(channels: Sequence[Channel]) -> int:
    """Return the zones of the channels as the firmware keeps them: 2 bits each, the first in the lowest."""
    return sum(zone << 2 * k for k, zone in enumerate(zone_numbers(channels)))


def _names(node: ast.expr, prefix: str, words: type[IntEnum]) -> list[str]:
    """Read a tuple of names such as wire.SITE_MET1 without importing the device's modules."""
    assert isinstance(node, ast.Tuple)
    names = [element.attr for element in node.elts if isinstance(element, ast.Attribute)]
    return [words[name.removeprefix(prefix)].name.lower() for name in names]
