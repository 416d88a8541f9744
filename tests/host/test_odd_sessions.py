"""Every command that reads a session, on every odd one: exit code, honest words, no warning, no number that is none.

`SAYS` has what a person must find, a line or a part of one; whatever else is printed must be calm as well.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import odd_sessions as odd
import pytest
from exported import bids_foot, csv_foot, imported_sides, npz_foot, parquet_foot, same, xdf_foot, xdf_streams
from page_text import NO_NUMBER, check_page, figures_of

from retrosole.cli import run
from retrosole.gait.table import EXTENDED_COLUMNS
from retrosole.session.reader import open_session

pytestmark = pytest.mark.filterwarnings("error")

COMMANDS: dict[str, tuple[str, ...]] = {
    "summary": ("summary", "SESSION"),
    "strides": ("strides", "SESSION"),
    "strides --csv": ("strides", "SESSION", "--csv", "-"),
    "check": ("check", "SESSION"),
    "check --json": ("check", "SESSION", "--json"),
    "gait": ("gait", "SESSION", "--mass", "63.5", "--speed", "3.5mph"),
    "gait --json": ("gait", "SESSION", "--json"),
    "gait --csv": ("gait", "SESSION", "--csv", "-"),
    "replay": ("replay", "SESSION"),
    "decode": ("decode", "SESSION"),
    "test-3m": ("test-3m", "--session", "SESSION"),
    "report": ("report", "SESSION", "--out", "report.html"),
    "csv": ("export", "SESSION", "--to", "csv", "--out", "csv"),
    "parquet": ("export", "SESSION", "--to", "parquet", "--out", "parquet"),
    "npz": ("export", "SESSION", "--to", "npz", "--out", "walk.npz"),
    "moticon": ("export", "SESSION", "--to", "moticon", "--out", "walk.txt"),
    "bids": ("export", "SESSION", "--to", "bids", "--out", "bids"),
    "xdf": ("export", "SESSION", "--to", "xdf", "--out", "walk.xdf"),
}
FOR_PROGRAMS = ("strides --csv", "check --json", "gait --json", "gait --csv")
NO_SAMPLES = ("unstarted", "begun", "nothing_known", "strides_alone")
COMPLETE = ("no_end_seen", "older_protocol")
OTHERWISE = (  # what the insole sent is not what its detector makes of these samples, since the frames were changed
    "no_end_seen", "all_unknown", "order_unknown", "direction_unknown", "no_loads", "large_gaps", "one_calibrated",
    "older_protocol",
)  # fmt: skip

_EMPTY = "holds an empty session: not one whole frame was written"
REFUSAL = {
    "empty": (6, _EMPTY),
    "no_log": (6, _EMPTY),
    "no_session": (6, "holds no session: "),
    "not_there": (2, "name a session folder or a .frames log"),
    "damaged_info": (6, "session.json is not readable as JSON"),
}
_NOTHING_KNOWN = {
    "summary": r"left: first on the ground unknown 100%",
    "gait": r"(?s)\A(?!.*Heel lowering).*Stance time +left +\d+ .*"
    r"forefoot or heel first could not be told of any.*direction unknown \d+.*"
    r"^energy: no estimate: no walking was seen whose direction is known",
    "report": r"(?s)Which way they went is unclear\. Whether toes or heel touched the ground first is unclear\..*"
    r"too few clear steps to draw.*Of no step it was clear whether toes or heel touched first\.",
}
_NO_STRIDES = {
    "strides": r"^no strides\n$",
    "test-3m": r"no try was marked in this session, so there is nothing to time\n$",
    "gait": r"^no strides, so there is nothing to summarise\n",
}
_UNSTARTED = {
    **_NO_STRIDES,
    "summary": r"(?s)duration 0\.0 s.*left: no strides\nleft: no samples\n",
    "check": r"left: no samples, no strides, device session none",
    "report": r"(?s)nothing recorded.*The session ended before the first sample, so no steps were seen\.\nThese are",
    "csv": r"^left: no samples\n(right: no samples\n)?written to \S+; counts, no forces\n$",
    "bids": r"no samples in this session",
}
SAYS: dict[str, dict[str, str]] = {
    "unstarted": {**_UNSTARTED, "gait": r"both feet: neither foot sent anything"},
    "begun": _UNSTARTED,
    "one_foot": {
        "gait": r"(?s)\A(?!.*(left  |^left:|both|asymmetry))",
        "report": r"(?s)the insole of the right foot saw 16 steps.*Only one foot was recorded, so left and right",
        "csv": r"^right: 4000 of 4000 samples at 200 Hz, none missing\n",
    },
    "silent_foot": {
        "gait": r"(?s)^left: 15 strides.*^right: no strides\nboth feet: only the left foot sent anything$",
        "report": r"saw 15 steps, all of the left foot; the right insole sent nothing\.",
        "csv": r"^left: 4000 .*\nright: no samples\nwritten",
    },
    "three_strides": {
        "gait": r"(?s)^Stance time +left +1 +818 +- +- +818  ms$.*summarised: 1 of 3 strides",
        "replay": r"lost on the way to the log: 12 stride frames",
        "report": r"(?s)saw 3 steps.*Only 1 step can stand for the walk.*too few steps to draw how it is spread"
        r" \(left foot.*One step has no spread\.",
    },
    "one_stride": {
        "summary": r"left: 1 stride, median stance 773 ms",
        "gait": r"^summarised: 0 of 1 stride, walked backward$",
        "report": r"(?s)saw 1 step of this foot\. It went backward\. The toes touched the ground first\.\n"
        r"No step can stand for the walk.*Toes first: left foot 1 of 1 step\.",
    },
    "standing": {
        **_NO_STRIDES,
        "summary": r"(?s)duration 10 min 00 s.*left: no strides\nleft: 120000 of 120000",
        "gait": r"(?s)^no strides, so there is nothing to summarise\nleft: no strides\n.*10 min 00 s long",
        "report": r"(?s)The insoles saw no steps in 10 min 00 s\. Standing, sitting.*nothing to say of toes or heel",
    },
    "nothing_known": {**_NOTHING_KNOWN, "strides": r"^ 13\.20  left   11  unknown +unknown +unknown "},
    "no_end_seen": {"gait": r"12 not whole", "strides": r" --$", "report": r"No step can stand for the walk"},
    "all_unknown": _NOTHING_KNOWN,
    "order_unknown": {"gait": _NOTHING_KNOWN["gait"].split(".*dir")[0], "summary": r"direction backward 100%"},
    "direction_unknown": {"gait": r"(?s)forefoot first 100 % of 15.*direction unknown 15", "report": r"All|unclear"},
    "no_common_clock": {
        "gait": r"(?s)\A(?!.*Double support).*asymmetry of stance time.*^both feet: not on one clock: the left log",
        "report": r"(?s)Left foot: one stretch of walking, .*Right foot: one stretch of walking, .*"
        r"each counts from its own first sample.*What needs both feet together is not told: not on one",
        "csv": r"TIMES OF LEFT AND RIGHT CANNOT BE COMPARED: not on one clock: the left log",
        "moticon": r"one time for both feet: export one with --side left or right",
    },
    "no_info": {"summary": r"^session \S+no_info$", "report": r"Subject anonymous\ndate unknown"},
    "large_gaps": {
        "summary": r"3212 missing \(40\.15%\): 1612 lost on the way, 1600 never taken by the insole",
        "gait": r"8 beside a gap",
        "report": r"(?s)Of the recording 40 % is missing.*3 stretches of walking.*never taken by the insole",
        "replay": r"samples are missing from 23\.92 s on, so frames may differ after that; 15 do",
    },
    "strides_alone": {
        "summary": r"duration 19\.6 s",
        "gait": r"both feet: not on one clock: samples of both feet are needed",
        "report": r"(?s)No samples came, so what needs them is not told\..*no step has all its samples",
    },
    "samples_alone": {**_NO_STRIDES, "replay": r"left: found again, but lost on the way to the log: 15 stride frames"},
    "being_recorded": {"check": r"left: 72 bytes of a torn last frame", "gait": r"summarised: 11 of 17 strides"},
    "stop_and_turn": {
        "gait": r"(?s)13 other direction.*runs of direction: 2, the longest forward",
        "report": r"(?s)17 went backward and 16 went forward; for 2 it is unclear\. The toes touched the ground first "
        r"in every step that went backward\..*Walking backward, the pace was"
        r".*of all 17 that went backward.*Stretches of walk",
    },
    "one_calibrated": {
        "gait": r"(?s)% of standing$.*not calibrated: right$",
        "report": r"(?s)5,\d\d\d counts.*not done: loads in counts",
    },
    "marks_and_notes": {"report": r"(?s)treadmill, 2 km/h\n.*<b>bold</b>", "decode": r"treadmill, 2 km/h"},
    "guided": {"report": r"It was ended early with the key for pain\."},
    "timed": {"test-3m": r"(?s)try 1: \d\.\d s, a foot came down \d+ times.*Published", "report": r"try 1: \d\.\d s"},
    "odd_subject": {
        "summary": r"subject \.\./Jo <b>\ufffd\[31m\ufffdÄ, started yesterday",
        "report": r"without a usable code",
    },
    "no_subject": {"report": r"without a usable code"},
    "older_protocol": {"summary": r"complete: everything that was taken is here", "gait": r"2 of 4 strides"},
    "stripped_info": {"report": r"Subject anonymous\ndate unknown"},
}  # fmt: skip


NOT_DRAWN = {  # no drawing's label has these words
    "unstarted": ".",
    "begun": ".",
    "one_foot": "Left",
    "silent_foot": "Right",
    "three_strides": "how often|over the session",
    "standing": "^(?!What happened when)",
    "nothing_known": "toes first|load",
}


@dataclass(frozen=True)
class Said:
    """Hold what a command said."""

    code: int
    out: str
    error: str


Ask = Callable[..., Said]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(*words: object) -> Said:
        code = run([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return ask


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of all odd sessions."""
    folder = tmp_path_factory.mktemp("odd")
    make = odd.Maker(folder)
    for kind in (*odd.REFUSED, *odd.READ):
        kind(make, folder / kind.__name__)
    return folder


def words_of(command: str, session: Path) -> list[str]:
    return [word.replace("SESSION", str(session)) for word in COMMANDS[command]]


def exit_code(kind: str, command: str) -> int:
    if command == "check":
        return 0 if kind in COMPLETE else 6
    if command == "check --json":
        return exit_code(kind, "check")
    if command == "replay":
        return 6 if kind in (*NO_SAMPLES, *OTHERWISE) else 0
    if command in ("moticon", "bids") and kind in NO_SAMPLES:
        return 2
    return 2 if (kind, command) == ("no_common_clock", "moticon") else 0


@pytest.mark.parametrize("kind", [kind.__name__ for kind in odd.READ])
def test_what_is_said(kind: str, root: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = {command: ask(*words_of(command, root / kind)) for command in COMMANDS}
    assert {name: one.code for name, one in said.items()} == {name: exit_code(kind, name) for name in said}
    for command, one in said.items():
        assert "this is a bug" not in one.error and "\x1b" not in one.out + one.error, (command, one)
        assert (one.out + one.error).strip() and (one.error.count("\n") == 1 or one.code != 2), (command, one)
        if command not in FOR_PROGRAMS:
            assert not NO_NUMBER.search(one.out + one.error), (command, one)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text_of_page = check_page(page)
    drawn = figures_of(page)
    assert drawn if kind not in NOT_DRAWN else not [one for one in drawn if re.search(NOT_DRAWN[kind], one)]
    for command, words in SAYS.get(kind, {}).items():
        text = text_of_page if command == "report" else said[command].out + said[command].error
        assert re.search(words, text, re.MULTILINE), (command, text)
    check_for_programs(root / kind, said)
    check_exports(root / kind, tmp_path)


def check_for_programs(folder: Path, said: dict[str, Said]) -> None:
    session = open_session(folder)
    for command in ("check --json", "gait --json"):
        json.loads(said[command].out, parse_constant=pytest.fail)
    for command in ("strides --csv", "gait --csv"):
        rows = list(csv.DictReader(io.StringIO(said[command].out)))
        assert len(rows) == len(session.strides) and not NO_NUMBER.search(said[command].out)
    assert said["gait --csv"].out.splitlines()[0] == ",".join(EXTENDED_COLUMNS)


def check_exports(folder: Path, out: Path) -> None:
    """Read what was exported by the format's own reader: every sample, however few there are.

    Texts of ten minutes take their time, and are as those of twenty seconds.
    """
    session = open_session(folder)
    markers = xdf_streams(out / "walk.xdf")["retrosole-markers"]["time_series"]
    assert sum(json.loads(text)["event"] == "stride" for (text,) in markers) == len(session.strides)
    told = json.loads((out / "csv" / "dictionary.json").read_text(encoding="utf-8"))["subject"]
    assert told in ("", "P07", "anonymous"), "what is no code may be a name"
    is_short = session.duration_s < 60.0
    filled = [side for side in session.sides if len(session.samples(side)[0])]
    for side in session.sides:
        same(parquet_foot(out / "parquet", side), session, side)
        same(npz_foot(out / "walk.npz", side), session, side)
        same(xdf_foot(out / "walk.xdf", side), session, side, 1e-6)
        if is_short:
            same(csv_foot(out / "csv", side), session, side, 1e-6)
        if is_short and side in filled:
            assert np.array_equal(bids_foot(out / "bids", side).counts, npz_foot(out / "walk.npz", side).counts)
    if is_short and (out / "walk.txt").exists():
        assert sorted(imported_sides(out / "walk.txt")) == sorted(filled)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in odd.REFUSED])
def test_what_is_refused(kind: str, root: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, words = REFUSAL[kind]
    for command in COMMANDS:
        if command == "decode":  # shows damage, too
            continue
        one = ask(*words_of(command, root / kind))
        wanted = 2 if kind == "no_session" and command.startswith("check") else code
        assert (one.code, one.out, one.error.count("\n")) == (wanted, "", 1), (command, one)
        assert words in one.error, (command, one)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------- many, of one person


def alone(root: Path, kind: str, tmp_path: Path) -> Path:
    shutil.copytree(root / kind, tmp_path / "one" / kind)
    return tmp_path / "one"


NOBODYS = ("no_info", "odd_subject", "no_subject")


@pytest.mark.parametrize("kind", [kind.__name__ for kind in odd.READ])
def test_a_folder_with_one_of_them(kind: str, root: Path, tmp_path: Path, ask: Ask) -> None:
    folder, page = alone(root, kind, tmp_path), tmp_path / "t.html"
    trend, plan = ask("trend", folder, "--out", page), ask("plan", "--sessions", folder)
    if kind in NOBODYS:
        assert trend.code == 2 and "LEFT OUT: " in trend.error and "nobody knows whose session it is" in trend.error
        assert "LEFT OUT: " in plan.error and plan.code == 0
    else:
        text = check_page(page.read_text(encoding="utf-8"))
        assert trend.code == 0 and not trend.error and "1 session" in text and "It takes 2 sessions" in text
        assert "Drawn are" not in text and not plan.error and "1 session" in plan.out
    made = ask("batch", folder, "--out", tmp_path / "tables", "--jobs", "1")
    stride_n = len(open_session(root / kind).strides)
    assert made.code == 0 and f"1 table made ({stride_n} stride{'' if stride_n == 1 else 's'})" in made.out
    study = ask("study", tmp_path / "tables")
    assert (study.code, study.error) == (0, "") and not NO_NUMBER.search(study.out + plan.out)
    assert "\x1b" not in study.out
    assert ("Forefoot first" in study.out or "Stance time" in study.out) == bool(stride_n), study.out
    assert stride_n or "sessions without strides: 1 of 1" in study.out
    assert ("(no code)" in study.out) == (kind in (*NOBODYS, "stripped_info")), study.out


def test_a_folder_with_all_of_them(root: Path, tmp_path: Path, ask: Ask) -> None:
    assert "several people (P07, anonymous): choose one with --subject" in ask("trend", root).error
    trend = ask("trend", root, "--subject", "P07", "--out", tmp_path / "t.html")
    text = check_page((tmp_path / "t.html").read_text(encoding="utf-8"))
    assert trend.code == 0 and trend.error.count("LEFT OUT: ") == 6 and "Not read" in text and "Drawn are the" in text
    plan = ask("plan", "--sessions", root, "--subject", "P07")
    assert "In the last session there was pain" in plan.out and "sessions more without guidance" in plan.out
    made = ask("batch", root, "--out", tmp_path / "tables", "--jobs", "1")
    assert made.code == 6 and made.error.count("failed: ") == 3 and "28 tables made" in made.out
    study = ask("study", tmp_path / "tables")
    assert study.code == 0 and not NO_NUMBER.search(study.out) and "\x1b" not in study.out and "Jo" not in study.out
    for words in (("--json",), ("--csv", "-")):
        assert not re.search("NaN|nan|Jo", ask("study", tmp_path / "tables", *words).out)
