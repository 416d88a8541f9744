"""The guides, followed word by word: every command is run, every script, and what they show is what is printed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retrosole.flashing.chips import CHIPS
from retrosole.plan.loader import load_safety
from retrosole.twin.recipes import cache_dir
from tests.boards.desk import Desk
from tests.boards.nor_flash import NorFlash
from tests.guides import BUILD, DOCS, FOLLOWED, READERS
from tests.guides.bench import Bench
from tests.guides.blocks import Block, blocks_of, commands_of
from tests.guides.compare import difference
from tests.guides.parameters import PAGE, page
from tests.guides.room import Room
from tests.machines import ROOT, need

C3 = CHIPS[2]  # whose firmware the emulated machine can run
Follow = Callable[[Path], None]


@pytest.fixture
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a folder to work in, and a home in which nothing is known."""
    monkeypatch.setenv("RETROSOLE_CACHE", str(cache_dir().resolve()))  # of interpreters
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def follow(_home: None) -> Follow:
    """Give what follows a guide from its first block to its last."""

    def run(path: Path) -> None:
        with _room(path) as room:
            shown: str | None = None
            for block in blocks_of(path.read_text("utf-8")):
                shown = _followed(room, path, block, shown)

    return run


@contextlib.contextmanager
def _room(path: Path) -> Iterator[Room]:
    """Have a room to follow a guide in; for the maker's, with a board on the desk, blank, in its loader."""
    if path == BUILD:
        with Bench() as bench:
            yield bench
            bench.check_ended()
    elif path.stem == "maker":
        need("rv32")
        with Desk(Path.cwd(), C3, NorFlash(4 * 2**20)) as desk, Room(desk) as room:
            yield room
    else:
        with Room() as room:
            yield room


def _followed(room: Room, path: Path, block: Block, printed: str | None) -> str | None:
    """Do what a block says; give what a script printed, for the block behind it to show."""
    name = path.relative_to(ROOT).as_posix()
    where = f"{name}, line {block.line}"
    if block.kind == "python":
        return room.python(block.text)
    if block.kind == "text":
        assert printed is not None, f"{where}: a block of text shows what the script before it printed"
        _compare(where, block.text, printed)
    elif block.kind == "console":
        for command in commands_of(block):
            came = room.run(command)
            _compare(f"{name}, line {command.line}", command.shown, came)
    else:
        raise AssertionError(f"{where}: nobody knows how to check a block of {block.kind or 'no kind'}")
    return None


def _compare(where: str, shown: str, printed: str) -> None:
    if shown.strip():
        how = difference(shown, printed)
        assert not how, f"{where}: {how}. It shows\n{shown}\nand this was printed:\n{printed}"


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_everything_in_the_guide_works_and_looks_as_shown(page: Path, follow: Follow) -> None:
    follow(page)


def test_the_page_of_parameters_is_made_from_the_definitions() -> None:
    assert PAGE.read_text("utf-8") == page(), "run make generate"


def test_the_wearer_is_told_every_rule_of_safety() -> None:
    said = " ".join((DOCS / "wearer.md").read_text("utf-8").split())
    safety = load_safety()
    for rule in (*safety.rules, *safety.ask_first):
        assert rule.say in said


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_is_told_who_sees_the_data(reader: str) -> None:
    said = " ".join((DOCS / f"{reader}.md").read_text("utf-8").split()).replace("*", "")
    assert "code" in said and "never" in said and "name" in said
    assert "nothing is sent anywhere" in said
    assert "readable by their owner" in said or "readable by its owner" in said or "readable by you only" in said
