"""The maker's bench, where the build guide is followed: what is plugged in, command by command.

A kit or a board that is to be flashed is in its loader. An insole that is built is a virtual one, whose feet can be
moved; where it is switched off and on in between, an emulated machine with flash of its own.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from retrosole import wire
from retrosole.fitting.choices import WORDS
from retrosole.flashing.chips import CHIPS, Chip
from retrosole.flashing.pack import device_files, packed
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.virtual import VirtualInsoles
from tests.boards.desk import Desk, Done, run
from tests.boards.machine import Board, vfs_image
from tests.boards.nor_flash import NorFlash
from tests.guides.blocks import Command
from tests.guides.lines import check
from tests.guides.room import INTERRUPTED, Room
from tests.machines import need
from tests.soak import IN_FULL
from tests.wearer import feel

ESP32, S3, C3 = CHIPS
_MIB = 2**20
_DAMAGED = 6


class Flashed(Board):
    """An insole of this board, flashed and switched on, for whom commands are typed with its port."""

    def __init__(self, board: wire.Board) -> None:
        folder = Path.cwd() / "flashed"
        folder.mkdir()
        files = device_files(packed(C3.architecture), {"side": WORDS["side"]["left"], "board": int(board)})
        super().__init__(folder, vfs_image(files), tcp=True)

    def retrosole(self, *words: str) -> Done:
        """Type a command."""
        return run([sys.executable, "-m", "retrosole", words[0], "--port", self.port, *words[1:]])


Plug = Callable[[], contextlib.AbstractContextManager[Desk | Flashed | VirtualInsoles]]


class Plugged(NamedTuple):
    """Say what is plugged in for a command that begins so, and how the command ends.

    None is what is plugged in already, switched off and on; a command that is not to be run has `is_run` False.
    """

    command: str
    plug: Plug | None
    exit_code: int = 0
    is_run: bool = True


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
    Plugged("flash", _blank(S3, 8), is_run=IN_FULL),  # the same command as before, for another chip
    Plugged("setup", lambda: Flashed(wire.Board.ESP32_S3)),
    Plugged("info", None),
    Plugged("doctor", _insole("insole_s3", "weight_shift")),
)


class Bench(Room):
    """Follow a guide for which something else is plugged in for each command."""

    def __init__(self, plugged: Sequence[Plugged] = PLUGGED) -> None:
        need("rv32")
        super().__init__()
        self._plugged = iter(plugged)
        self._now: Plugged | None = None
        self._socket = contextlib.ExitStack()
        self._insoles: VirtualInsoles | None = None

    def __exit__(self, *_error: object) -> None:
        super().__exit__()
        self._socket.close()

    def run(self, command: Command) -> str:
        """Plug in what this command is for, and do what is typed; give what is seen of it."""
        if not command.text.startswith("retrosole "):
            return super().run(command)
        self._now = next(self._plugged)
        assert command.text.split()[1] == self._now.command, "the guide has another order than bench.py"
        if not self._now.is_run:
            check(command.text)
            return ""
        self._plug_in(self._now)
        return super().run(command)

    def _plug_in(self, wanted: Plugged) -> None:
        if wanted.plug is None:
            assert isinstance(self._board, Flashed), "only such a one keeps what it was told"
            self._board.power_off()
            self._board.power_on()
            return
        self._socket.close()
        what = self._socket.enter_context(wanted.plug())
        self._board, self._insoles = (None, what) if isinstance(what, VirtualInsoles) else (what, None)

    def _exit_code(self, text: str) -> int:
        return 0 if self._now is None else self._now.exit_code

    def _feel(self, counts: Sequence[float]) -> None:
        assert self._insoles is not None, "nobody wears a board that is being flashed"
        feel(self._insoles, counts)

    def check_ended(self) -> None:
        """Raise AssertionError when the guide has fewer commands than were prepared for."""
        assert next(self._plugged, None) is None, "the guide no longer types all that bench.py is for"
