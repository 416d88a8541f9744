"""KiCad makes of the schematic what lies beside it, twice the same, and says so when it is not to be had."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hardware import board_files, kicad
from tests.hardware.netlist import OUT, read_netlist


@pytest.fixture(scope="module")
def tool() -> kicad.Kicad:
    try:
        return kicad.obtain()
    except kicad.KicadError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"KiCad must be there in CI: {error}")
        pytest.skip(f"NO KICAD, NOT TESTED: {error}")


@pytest.mark.slow
def test_what_is_committed_is_what_kicad_makes_of_the_schematic(tool: kicad.Kicad) -> None:
    with tool.room(board_files.BOARD) as room:
        made = board_files.make(room)
    stale = [name for name, data in made.items() if (OUT / name).read_bytes() != data]
    drawings = {name for name in made if name.endswith((".svg", ".pdf"))}
    if tool.version() != board_files.DRAWN_BY and set(stale) <= drawings:
        pytest.skip(f"DRAWINGS NOT COMPARED: this is KiCad {tool.version()}, they are of {board_files.DRAWN_BY}")
    assert not stale, "run make hardware"
    assert sorted(made) == sorted(path.name for path in OUT.iterdir())


@pytest.mark.slow
def test_a_broken_schematic_is_told_and_fails(tool: kicad.Kicad, tmp_path: Path) -> None:
    shutil.copytree(board_files.BOARD, tmp_path / "board")
    sheet = tmp_path / "board" / "channel.kicad_sch"
    text = sheet.read_text(encoding="utf-8")
    at = text.index("\t(wire")
    sheet.write_text(text[:at] + text[text.index("\n\t)\n", at) + 4 :], encoding="utf-8")
    with tool.room(tmp_path / "board") as room:
        made = board_files.make(room)
    assert len(board_files.violations(made)) >= 8, "once for each channel"
    assert read_netlist(made["netlist.net"].decode()) != read_netlist((OUT / "netlist.net").read_text("utf-8"))


@pytest.mark.slow
def test_a_schematic_that_cannot_be_read_is_a_clear_failure(tool: kicad.Kicad, tmp_path: Path) -> None:
    (tmp_path / board_files.SCHEMATIC).write_text("(kicad_sch", encoding="utf-8")
    with tool.room(tmp_path) as room, pytest.raises(kicad.KicadError, match="failed with exit code"):
        board_files.make(room)


def test_without_kicad_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kicad, "CACHE", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(kicad.KicadError, match="install KiCad 9, so that kicad-cli is in PATH"):
        kicad.obtain()
    assert not list(tmp_path.iterdir()), "nothing was begun"


@pytest.mark.parametrize("said", ["echo 8.0.9", "exit 1", "echo 10.0.0"])
def test_another_version_in_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str) -> None:
    program = tmp_path / "kicad-cli"
    program.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(kicad, "CACHE", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert kicad.find() is None
    program.write_text("#!/bin/sh\necho 9.0.7\n", encoding="utf-8")
    assert kicad.find() == kicad.Kicad(str(program), None)


def test_files_are_small_enough_to_keep() -> None:
    assert all(path.stat().st_size < 500_000 for path in OUT.iterdir())
