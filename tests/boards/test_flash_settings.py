"""What an insole knows is not lost where its own memory cannot stay, not even when flashing is broken off."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from retrosole.device import Insole as Talk
from retrosole.flashing.chips import CHIPS
from retrosole.flashing.partitions import TABLE_AT, partitions_for, table_bytes
from retrosole.ports import open_link
from tests.boards.desk import Desk, one_line
from tests.boards.nor_flash import NorFlash
from tests.machines import need

pytestmark = pytest.mark.slow

MIB = 2**20
C3 = CHIPS[2]


def with_another_table(desk: Desk) -> None:
    """Let its memory be where an older table had it: a sector shorter."""
    desk.board.press(holds_boot=True)
    layout = partitions_for(4 * MIB)
    layout["nvs"] = replace(layout["nvs"], size=0x5000)
    table = table_bytes(layout)
    desk.flash.memory[TABLE_AT : TABLE_AT + len(table)] = table
    desk.board.press(holds_boot=False)


def talk(desk: Desk) -> Talk:
    return Talk(open_link(desk.board.port, 10.0))


def test_settings_and_calibration_outlive_a_new_place_and_an_interruption(tmp_path: Path) -> None:
    need("rv32")
    with Desk(tmp_path, C3, NorFlash(4 * MIB)) as desk:
        assert desk.flash_it("--side", "left").code == 0
        with talk(desk) as insole:
            insole.tare()
            baseline = insole.hello().baseline
        with_another_table(desk)

        def interrupt(line: str) -> None:
            if line.startswith("erasing nvs"):
                os.kill(desk.pid, signal.SIGINT)

        done = desk.flash_it(heed=interrupt)
        assert done.code == 130 and "are in " in done.text, done.text
        (saved,) = (tmp_path / "records").glob("settings_*.json")
        desk.board.press(holds_boot=True)
        done = desk.flash_it()
        assert done.code == 0 and f"those in {saved}: the last time was broken off" in done.text, done.text
        with talk(desk) as insole:
            assert (insole.side, insole.identity.baseline) == ("left", baseline)
        assert not saved.exists()


def test_while_a_session_runs_nothing_is_flashed_and_it_goes_on(tmp_path: Path) -> None:
    need("rv32")
    with Desk(tmp_path, C3, NorFlash(4 * MIB)) as desk:
        assert desk.flash_it("--side", "left").code == 0
        with talk(desk) as insole:
            insole.start()
            insole.close(keep_running=True)
        done = desk.flash_it("--dry-run")
        assert done.code == 2 and "runs session 1: end it with its button, or with `retrosole fetch`" in one_line(done)
        with talk(desk) as insole:
            assert insole.identity.running and insole.identity.session == 1
