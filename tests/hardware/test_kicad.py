"""KiCad makes of the schematic what lies beside it, twice the same, and says so when it is not to be had."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from hardware import board_files, kicad
from tests.hardware.netlist import OUT, read_netlist

# No footprint is drawn for what is not on the board; a fuse of this size has the footprint of any fuse.
MAY_HAVE_ANOTHER_FOOTPRINT = {"M1", "F1", *(f"RS{k}" for k in range(1, 9))}


def obtained() -> kicad.Kicad:
    """Give the KiCad that is there; in CI obtain it and fail without it, elsewhere skip without it."""
    if os.environ.get("CI") == "true":
        try:
            return kicad.obtain()
        except kicad.KicadError as error:
            pytest.fail(f"KiCad must be there in CI: {error}")
    found = kicad.find()
    if found is None:
        pytest.skip("NO KICAD, NOT TESTED: make hardware obtains it")
    return found


@pytest.fixture(scope="module")
def tool() -> kicad.Kicad:
    return obtained()


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
        made = {name: board_files.MADE[name](room) for name in ("erc.json", "netlist.net")}
    assert len(board_files.violations(made)) >= 8, "once for each channel"
    assert read_netlist(made["netlist.net"].decode()) != read_netlist((OUT / "netlist.net").read_text("utf-8"))


@pytest.mark.slow
def test_a_schematic_that_cannot_be_read_is_a_clear_failure(tool: kicad.Kicad, tmp_path: Path) -> None:
    (tmp_path / board_files.SCHEMATIC).write_text("(kicad_sch", encoding="utf-8")
    with tool.room(tmp_path) as room, pytest.raises(kicad.KicadError, match="failed with exit code"):
        board_files.make(room)


@pytest.mark.slow
def test_each_footprint_is_one_that_kicads_symbol_asks_for(tool: kicad.Kicad, tmp_path: Path) -> None:
    """Which KiCad looks at when told to; that it exists in its library is among the rules that it always checks."""
    shutil.copytree(board_files.BOARD, tmp_path / "board")
    project = tmp_path / "board" / "insole.kicad_pro"
    rules = {"erc": {"rule_severities": {"footprint_filter": "warning"}}}
    project.write_text(json.dumps({**json.loads(project.read_text(encoding="utf-8")), **rules}), encoding="utf-8")
    with tool.room(tmp_path / "board") as room:
        found = board_files.violations({"erc.json": board_files.MADE["erc.json"](room)})
    assert all("doesn't match footprint filters" in one["description"] for one in found), found
    assert {one["items"][0].split()[1] for one in found} == MAY_HAVE_ANOTHER_FOOTPRINT


@pytest.mark.parametrize("changed", ["", "bom.csv", "power.svg", "schematic.pdf"])
def test_check_tells_a_file_that_drifted(
    changed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {path.name: path.read_bytes() for path in OUT.iterdir()}
    shutil.copytree(OUT, tmp_path / "out")
    if changed:
        path = tmp_path / "out" / changed
        path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr(board_files, "OUT", tmp_path / "out")
    monkeypatch.setattr(board_files, "obtain", lambda: kicad.Kicad("kicad-cli", None))
    monkeypatch.setattr(board_files, "make", lambda room: made)
    assert board_files.main(["--check"]) == (1 if changed else 0)
    said = capsys.readouterr().out
    told = [line.split()[1] for line in said.splitlines() if line.endswith("run make hardware")]
    assert told == ([changed] if changed else [])
    assert board_files.main([]) == 0 and board_files.main(["--check"]) == 0


def test_without_kicad_ci_fails_and_others_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kicad, "CACHE", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="KiCad must be there in CI"):
        obtained()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="NO KICAD, NOT TESTED: make hardware obtains it"):
        obtained()


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
