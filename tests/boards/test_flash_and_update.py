"""A board that `retrosole flash` has made from blank is updated, over socket:// and rfc2217:// ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrosole.flashing.chips import CHIPS
from retrosole.flashing.filesystem import read_filesystem
from retrosole.flashing.update import update
from retrosole.ports import greet
from tests.boards.devkit import DevKit
from tests.boards.esp_chips import CHIPS as ESP_CHIPS
from tests.boards.insole import started
from tests.boards.nor_flash import NorFlash
from tests.boards.test_flash import MIB, Desk
from tests.boards.updates import Notes
from tests.boards.versions import version
from tests.machines import need

C3 = CHIPS[2]  # the one whose packs the test machine can run


def source_at(port: str) -> str:
    link = greet(port, 30)
    link.transport.close()
    return link.identity.source.hex()


@pytest.mark.slow
def test_from_blank_flash_to_a_new_version(tmp_path: Path) -> None:
    need("rv32")
    with Desk(tmp_path, C3, NorFlash(4 * MIB)) as desk:
        assert desk.flash_it("--side", "left").code == 0
        assert update(desk.board.port, Notes(), provide=lambda _: version("old")).is_changed
        assert source_at(desk.board.port) == version("old").source
    with DevKit(ESP_CHIPS[C3.name], NorFlash(4 * MIB, bytes(desk.flash.memory)), started) as board:
        assert board.port.startswith("rfc2217://")
        assert source_at(board.port) == version("old").source
        done = update(board.port, Notes(), provide=lambda _: version("new"))
        assert (done.is_changed, source_at(board.port)) == (True, version("new").source)
        assert "loader" not in board.resets, "the lines were left alone"
    files = read_filesystem(board.content("vfs"))
    assert (files["now"], files["a.zip"], files["b.zip"]) == (b"a", version("new").content, version("old").content)
