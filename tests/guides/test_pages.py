"""What stands in the documents without being followed: commands exist with their options, links lead somewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.guides import DOCS, FOLLOWED
from tests.guides.blocks import anchors_of, blocks_of, indented_of, inline_commands_of, links_of
from tests.guides.lines import check
from tests.machines import ROOT

GUIDES = sorted(DOCS.glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "hardware").rglob("*.md")), *GUIDES]
ELSEWHERE = ("http://", "https://")
NOT_RUN_HERE = {("many-sessions.md", "sql"), ("README.md", "python")}  # one by test_study.py, one needs a board


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_the_text_is_one_with_these_options(page: Path) -> None:
    text = page.read_text("utf-8")
    for line in inline_commands_of(text):
        check(line, is_whole=False)
    for block in indented_of(text):
        for line in filter(str.strip, block.splitlines()):
            check(line.strip())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_set_as_code_is_run_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    if page in FOLLOWED:
        assert indented_of(text) == [], "in a guide, commands stand in blocks that are run"
        return
    for block in blocks_of(text):
        assert (page.name, block.kind) in NOT_RUN_HERE
        assert block.kind != "python" or ast.parse(block.text).body


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page.read_text("utf-8")):
        if link.startswith(ELSEWHERE):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists() and target.is_relative_to(ROOT), f"{link} leads nowhere"
        assert not anchor or anchor in anchors_of(target), f"{link}: no such heading"


def test_every_guide_is_found_from_the_readme() -> None:
    found = targets(ROOT / "README.md")
    found |= {target for guide in GUIDES if guide in found for target in targets(guide)}
    assert [name_of(guide) for guide in GUIDES if guide not in found] == []


def targets(page: Path) -> set[Path]:
    return {(page.parent / link.partition("#")[0]).resolve() for link in links_of(page.read_text("utf-8"))}


def test_every_picture_is_shown_somewhere() -> None:
    shown = set().union(*map(targets, PAGES))
    assert [picture.name for picture in (DOCS / "pictures").iterdir() if picture not in shown] == []
