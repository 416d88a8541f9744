"""The maker's bench, where the build guide is followed: what is plugged in, command by command.

A kit and a board are in their loader; an insole that is built is a virtual one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from retrosole.flashing.chips import CHIPS, Chip
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.virtual import VirtualInsoles
from tests.boards.desk import Desk
from tests.boards.nor_flash import NorFlash
from tests.guides.blocks import Command
from tests.guides.lines import check
from tests.guides.room import INTERRUPTED, Room
from tests.machines import need
from tests.soak import IN_FULL
from tests.wearer import feel

ESP32, S3, _ = CHIPS
_MIB = 2**20
_DAMAGED = 6
Plug = Callable[[], contextlib.AbstractContextManager[Desk | VirtualInsoles]]


class Plugged(NamedTuple):
    """Say what is plugged in for a command that begins so, None where it is not run, and how the command ends."""

    command: str
    plug: Plug | None
    exit_code: int = 0


def _blank(chip: Chip, flash_mib: int) -> Plug:
    return lambda: Desk(Path.cwd(), chip, NorFlash(flash_mib * _MIB))


def _insole(board: str, gait: str, dead: tuple[str, ...] = ()) -> Plug:
    return lambda: virtual_insoles(SimOptions(feet="left", board=board, gait=gait, dead=dead))


PLUGGED = (
    Plugged("flash", _blank(ESP32, 4)),
    Plugged("doctor", _insole("esp32_devkitc", "weight_shift")),
    Plugged("doctor", _insole("esp32_devkitc", "weight_shift", ("heel_medial",)), _DAMAGED),
    Plugged("record", _insole("esp32_devkitc", "standing"), INTERRUPTED),
    Plugged("setup", _insole("esp32_devkitc", "standing")),
    Plugged("flash", _blank(S3, 8) if IN_FULL else None),  # the same command as before, on another chip
    Plugged("setup", _insole("esp32_s3", "standing")),
    Plugged("doctor", _insole("insole_s3", "weight_shift")),
)


class Bench(Room):
    """Follow a guide for which something else is plugged in for each command."""

    def __init__(self, plugged: Sequence[Plugged] = PLUGGED) -> None:
        need("rv32")
        super().__init__()
        self._plugged = iter(plugged)
        self._now: Plugged | None = None
        self._insoles: VirtualInsoles | None = None

    def run(self, command: Command) -> str:
        """Plug in what this command is for, and do what is typed; give what is seen of it."""
        if not command.text.startswith("retrosole "):
            return super().run(command)
        self._now = next(self._plugged)
        assert command.text.split()[1] == self._now.command, "the guide has another order than bench.py"
        if self._now.plug is None:
            check(command.text)
            return ""
        with self._now.plug() as what, self._held(what):
            return super().run(command)

    @contextlib.contextmanager
    def _held(self, what: Desk | VirtualInsoles) -> Iterator[None]:
        self._board, self._insoles = (what, None) if isinstance(what, Desk) else (None, what)
        yield
        self._board = self._insoles = None

    def _exit_code(self, text: str) -> int:
        return 0 if self._now is None else self._now.exit_code

    def _feel(self, counts: Sequence[float]) -> None:
        assert self._insoles is not None, "nobody wears a board that is being flashed"
        feel(self._insoles, counts)

    def check_ended(self) -> None:
        """Raise AssertionError when the guide has fewer commands than were prepared for."""
        assert next(self._plugged, None) is None, "the guide no longer types all that bench.py is for"
