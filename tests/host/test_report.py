"""The report of a session: what it says and draws, of sessions of every kind, and where it may be written."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from page_text import check_page, figures_of, text_of
from report_sessions import MADE, PARTS, add, describe, guided_notes, page_of, walk
from walk_truth import calibrated
from walked import CHANNELS, Options, save_walk

from retrosole import wire
from retrosole.cli import run
from retrosole.framing import encode
from retrosole.gait.energy import Effort
from retrosole.plan.loader import load_plan
from retrosole.plan.notes import TRY_BEGINS, TRY_ENDS, write_note
from retrosole.plan.words import part_text, seconds_text
from retrosole.report.facts import gather
from retrosole.report.page import report_page
from retrosole.session.reader import open_session
from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate

pytestmark = pytest.mark.filterwarnings("error")

SECTIONS = [
    "In short", "What was done", "Toes or heel first", "When the foot touches and leaves the ground",
    "How times are spread", "Load through stance", "Where the load goes over the foot", "Left and right",
    "Steadiness, early and late", "All numbers", "What was left out, and why", "Gaps and quality",
    "Versions and settings", "What the words mean",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "2026-11-21T10-15-30_P07"


def test_two_feet(folder: Path) -> None:
    source = generate("backward", CHANNELS, 60.0, 3, front_end=IDEAL)
    save_walk(folder, source, calibrated(IDEAL, 3))
    page = page_of(describe(folder))
    text = check_page(page)
    assert re.findall(r"<h2>(.*?)</h2>", page) == SECTIONS
    assert figures_of(page) == [
        "What happened when: direction of walking and missing samples",
        "Share of steps that touched toes first, over the session",
        "Left foot: when toes and heel are on the ground, mean of the steps",
        "Right foot: when toes and heel are on the ground, mean of the steps",
        *(label for label in figures_of(page) if "how often which time" in label),
        "Left foot: load through stance on toes, heel and the whole foot",
        "Right foot: load through stance on toes, heel and the whole foot",
        "Left foot: way of the centre of pressure over the foot, seen from above",
        "Right foot: way of the centre of pressure over the foot, seen from above",
        *(label for label in figures_of(page) if label.startswith("Left against right")),
        "Left foot: time from contact to contact, over the session",
        "Right foot: time from contact to contact, over the session",
    ]
    assert sum("how often which time" in label for label in figures_of(page)) == 4, "stance and heel lowering of each"
    assert "Subject P07" in text and "21 November 2026, 10:15" in text and "1 min 00 s recorded" in text
    assert "All of them went backward. The toes touched the ground first in every step." in text
    assert "% of standing load" in text and "counts" not in text.split("Versions")[0]
    assert "begins under the toes and ball and ends under the heel" in text
    assert "Both feet were on the ground together for" in text and "Feet on one clock within" in text
    assert re.search(r"Stance time, ms \| \nleft \| \d+ \| 7\d\d ± \d+ \| \d\.\d \| 7\d\d", text)
    assert "Firmware | 0.1.0 | 0.1.0" in text and "Rate | 200 Hz | 200 Hz" in text and "done (" in text
    assert "retrosole 0.1.0, python 3.11.7" in text and "aa0000" in text


def test_numbers_are_those_of_the_analysis(folder: Path) -> None:
    facts = gather(open_session(walk(folder, 40.0)))
    text = text_of(report_page(facts, MADE))
    stance = facts.analysis.feet["left"]["stance_s"]
    assert stance.sd is not None and stance.cv_percent is not None
    cells = f"left | {stance.n} | {1000 * stance.mean:.0f} ± {1000 * stance.sd:.0f} | {stance.cv_percent:.1f}"
    assert cells in text
    assert f"saw {facts.stride_n} steps" in text and f"{facts.usable_n} stand for the walk" in text


def test_large_gaps(folder: Path) -> None:
    text = check_page(page_of(walk(folder, 90.0, options=Options(holes=((20.0, 32.0),), lost=((50.0, 70.0),)))))
    assert re.search(r"Of the recording 3\d % is missing", text) and "beside a gap" in text
    assert "never taken by the insole" in text and "lost on the way" in text and "Incomplete:" in text


def test_uncalibrated_loads_are_counts_and_not_compared(folder: Path) -> None:
    text = check_page(page_of(walk(folder, 30.0)))
    assert "the heights of left and right are not to be compared" in text and "not done: loads in counts" in text
    assert "Forefoot peak, counts" in text and "kPa" not in text and " N " not in text


def test_forward_walking_says_what_touched_first(folder: Path) -> None:
    text = check_page(page_of(walk(folder, 30.0, "forward")))
    assert "All of them went forward. The heel touched the ground first in every step." in text
    assert "Heel lowering: no step shows any, so there is nothing to draw." in text


def test_a_broken_sensor_is_named(folder: Path) -> None:
    source = generate("backward", CHANNELS, 60.0, 3)
    counts = {side: values.copy() for side, values in source.counts.items()}
    counts["left"][:, 1] = 0
    save_walk(folder, replace(source, counts=counts))
    status = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
    status.pop("TYPE", None)
    status |= {"session": 1, "running": 1, "next_index": 12000, "channel_out_bits": 2}
    with (folder / "left.frames").open("ab") as log:
        log.write(encode(wire.StatusFrame(**status)))
    text = check_page(page_of(describe(folder)))
    assert "met1 (dead or stuck sensor)" in text and "Not counted: met1." in text


# ------------------------------------------------------------------------------------------------------------- plan


def test_what_was_done_against_the_plan(folder: Path) -> None:
    plan = load_plan("first-steps")
    stage = plan.stages[1]
    add(walk(folder, 40.0), guided_notes(stage), PARTS)
    page = page_of(folder)
    text = check_page(page)
    assert f"{plan.title}, stage 2 of {len(plan.stages)}: {stage.title}" in text and "Every part was done." in text
    assert "Said afterwards: Pain: no, dizziness: no, steady: yes." in text
    for part in stage.parts:
        often = f"{part.repeat} of {part.repeat} times, " if part.repeat > 1 else ""
        n = 20 * part.repeat
        seen = f"{n} steps seen, {18 * part.repeat} of them toes first"
        assert f"{part_text(part)} | {often}{seconds_text(round(31.5 * part.repeat))}, {seen} | " in text
    assert "part of the guided session" in text and ">guided</text>" in page and page.count(">walk</text>") == 4


def test_a_session_that_was_stopped_for_pain(folder: Path) -> None:
    add(walk(folder, 20.0), guided_notes(load_plan("first-steps").stages[0], stop="pain"))
    text = check_page(page_of(folder))
    assert "It was ended early with the key for pain." in text and "not done" in text


def test_a_plan_of_ones_own_and_figures_that_are_none(folder: Path) -> None:
    notes = ["coach: begin plan=mine stage=s1", "coach: done number=1 kind=walk seconds=nan strides=1e999 go=x"]
    text = check_page(page_of(add(walk(folder, 20.0), notes)))
    assert "a plan of one's own" in text and "walking backward | 0 steps seen, 0 of them toes first" in text


def test_a_timed_walk_has_its_times(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marks = [(0.5, TRY_BEGINS + 1), (12.0, TRY_ENDS + 1), (14.0, TRY_BEGINS + 2), (25.0, TRY_ENDS + 2)]
    add(walk(folder, 30.0), [write_note("begin", test="3m")], marks)
    assert run(["report", str(folder), "--out", str(tmp_path / "r.html")]) == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    text = check_page(page)
    assert "A timed 3-metre backward walk." in text and re.search(r"try 1: \d+\.\d s, a foot came down \d+ times", text)
    assert "Published, for comparison:" in text and ">try 1</text>" in page and ">try 2</text>" in page


def test_without_a_plan_and_with_notes_of_people(folder: Path) -> None:
    page = page_of(add(walk(folder, 20.0), ["treadmill, 2 km/h", "<script>alert(1)</script>"], [(8.0, 7)]))
    text = check_page(page)
    assert "recorded without guidance" in text and "treadmill, 2 km/h" in text
    assert "<script>alert(1)</script>" in text, "as text" and "▾7" in page and "a mark that was set" in text


# --------------------------------------------------------------------------------------------------- hostile, energy


def test_whatever_stands_in_session_json_stays_text(folder: Path) -> None:
    evil = '"><script src=//evil.example/x.js></script><img src=x onerror=alert(1)>'
    describe(
        walk(folder, 12.0),
        subject=evil,
        started=evil,
        software={evil: evil, "retrosole": ["\x1b[31m", {"a": evil}]},
        settings={evil: 5},
        sides={"left": evil},
    )
    page = page_of(folder)
    assert "<script" not in page and "<img" not in page
    assert "without a usable code" in text_of(page) and "\x1b" not in page and "date unknown" in page


@pytest.mark.parametrize(
    "info",
    [{"subject": None}, {"software": [1]}, {"settings": "x"}, {"started": 5, "sides": []}, {"settings": {"x": None}}],
)
def test_strange_kinds_of_values(folder: Path, info: dict[str, object]) -> None:
    check_page(page_of(describe(walk(folder, 12.0), **info)))


def test_only_the_name_of_the_folder_is_told(tmp_path: Path) -> None:
    folder = walk(tmp_path / "home of Anna Muster" / "S1", 12.0)
    page = page_of(folder)
    assert "Anna" not in page and "S1" in page and str(tmp_path) not in page


def test_energy_is_an_estimate_or_nothing(folder: Path) -> None:
    walk(folder, 60.0)
    assert "kcal" not in page_of(folder) and "nergy" not in page_of(folder)
    near = text_of(page_of(folder, effort=Effort(63.5, 5.6 / 3.6)))
    assert re.search(r"Energy: about \d+ kcal, an estimate: 6 MET \(walking backward, level, 17320\)", near)
    assert "no estimate: the figures hold near 3.5 mph" in text_of(page_of(folder, effort=Effort(63.5, 0.5)))
    up = text_of(page_of(folder, effort=Effort(63.5, 5.6 / 3.6, is_uphill=True)))
    assert "8 MET" in up and "up 5 %" in up


# -------------------------------------------------------------------------------------------------------- where it goes


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    walk(folder, 20.0)
    work = folder.parent / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def test_a_page_is_written_here_and_readable_by_its_owner_only(
    here: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(["report", str(folder)]) == 0
    page = here / f"report-{folder.name}.html"
    assert capsys.readouterr().out.startswith(f"{page.name}: open it in a browser")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600 and [p.name for p in here.iterdir()] == [page.name]
    assert run(["report", str(folder), "--direction", "forward"]) == 0, "an earlier report is replaced"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert run(["report", str(folder / "left.frames"), "--out", "left.html"]) == 0


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{folder}/report.html", "is a session folder, which is kept as it is"),
        ("{folder}/left.frames", "must end in .html"),
        ("{folder}/session.json", "must end in .html"),
        ("missing/report.html", "there is no folder missing"),
        ("foreign.html", "was not made by this program, so it is not replaced"),
        ("link.html", "is a session folder, which is kept as it is"),
        ("sub.html", "is a folder"),
        ("report.txt", "must end in .html"),
    ],
)
def test_nothing_that_is_kept_is_written_over(
    here: Path, folder: Path, place: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "foreign.html").write_text("<html>mine</html>", encoding="utf-8")
    (here / "link.html").symlink_to(folder / "left.frames")
    (here / "sub.html").mkdir()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(["report", str(folder), "--out", place.format(folder=folder)]) == 2
    out, error = capsys.readouterr()
    assert not out and words in error and error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (here / "foreign.html").read_text(encoding="utf-8") == "<html>mine</html>"


def test_in_a_session_folder_nothing_is_written(
    here: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert run(["report", "."]) == 2
    assert "choose another with --out FILE" in capsys.readouterr().err and len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mass", "63"], "needs both: --mass 70 --speed 5.6km/h"),
        (["--uphill"], "needs both: --mass 70 --speed 5.6km/h"),
        (["--mass", "5", "--speed", "5.6km/h"], "a body mass of 5 kg cannot be"),
        (["--mass", "nan", "--speed", "5.6km/h"], "a body mass of nan kg cannot be"),
        (["--mass", "63", "--speed", "5.6"], "'5.6' is no speed: write it with its unit"),
    ],
)
def test_what_no_walker_is(
    here: Path, folder: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(folder), *words]) == 2
    assert told in capsys.readouterr().err and not list(here.iterdir())


def test_without_chromium_the_page_is_there_and_one_line_says_why(
    here: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(here / "empty"))
    assert run(["report", str(folder), "--pdf", "--out", "r.html"]) == 2
    out, error = capsys.readouterr()
    assert (here / "r.html").is_file() and not (here / "r.pdf").exists() and out.count("\n") == 1
    assert "no PDF: there is no Chromium or Chrome on the PATH" in error and error.count("\n") == 1


def test_a_browser_that_prints_nothing_is_said_in_one_line(
    here: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "chromium").write_text("#!/bin/sh\necho cannot open display >&2\nexit 1\n", encoding="utf-8")
    (tools / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    assert run(["report", str(folder), "--pdf", "--out", "r.html"]) == 2
    error = capsys.readouterr().err
    assert "printed nothing (cannot open display)" in error and error.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == ["r.html"], "no working folder stays"
