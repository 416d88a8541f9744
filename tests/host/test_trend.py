"""The page over many sessions: whose, which are drawn, what is listed, what could not be read."""

from __future__ import annotations

import re
import stat
from datetime import datetime
from pathlib import Path

import pytest
from made_logs import save
from page_text import NO_NUMBER, figures_of, text_of
from report_sessions import MADE, add, describe, guided_notes, walk

from retrosole.cli import run
from retrosole.plan.loader import load_plan
from retrosole.report.trend import Trend, read_trend
from retrosole.report.trend_figures import date_ticks
from retrosole.report.trend_page import trend_page

pytestmark = pytest.mark.filterwarnings("error")


def day(number: int) -> str:
    return f"2026-11-{number:02d}T10:15:30.000+01:00"


def read(root: Path, subject: str | None = None, direction: str | None = None) -> tuple[Trend, str, str]:
    """Give a trend, its page and its text."""
    trend = read_trend(root, subject, direction, lambda line: None)
    page = trend_page(trend, MADE)
    assert "<script" not in page and not NO_NUMBER.search(page[page.index("<body") :])
    return trend, page, text_of(page)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save four sessions of P07, saved in another order than that of their dates, and one of P08."""
    root = tmp_path_factory.mktemp("sessions")
    for name, number, gait in (
        ("d", 4, "standing"),
        ("c", 9, "forward"),
        ("b", 2, "heel_first_backward"),
        ("a", 20, "backward"),
    ):
        describe(walk(root / name, 25.0, gait), started=day(number))
    describe(walk(root / "other", 12.0), subject="P08")
    return root


def test_sessions_stand_by_date_and_those_of_one_direction_are_drawn(root: Path) -> None:
    trend, page, text = read(root, "P07")
    assert [walk.name for walk in trend.walks] == ["b", "d", "c", "a"]
    assert trend.direction == "backward" and [walk.name for walk in trend.drawn] == ["b", "a"]
    assert figures_of(page) == [
        f"{title} by date"
        for title in (
            "Toes first",
            "Cadence",
            "Stance time",
            "Heel lowering",
            "Stance, left against right",
            "Steps in the session",
        )
    ]
    assert "touched the ground first in no step, in the last one in every step" in text
    assert "In 1 session no steps were seen." in text and "2 more are listed below only" in text
    rows = re.findall(r"^2026-11-\d\d 10:15 .*", text, re.MULTILINE)
    assert [row.split(" | ")[4] for row in rows] == ["backward", "–", "forward", "backward"]
    assert re.search(
        r"2026-11-20 10:15 \| – \| 25\.0 s \| \d+ \| backward \| 100 / 100 \| 1\d\d\.\d / 1\d\d\.\d \| 7", text
    )


def test_the_way_can_be_chosen(root: Path) -> None:
    trend, page, text = read(root, "P07", "forward")
    assert trend.direction == "forward" and "forward" in text
    assert {walk.analysis.direction for walk in trend.walks} == {"forward"}
    assert figures_of(page) or "It takes 2 sessions" in text


def test_several_people_are_not_mixed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trend", str(root)]) == 2
    error = capsys.readouterr().err
    assert "holds sessions of several people (P07, P08): choose one with --subject" in error and error.count("\n") == 1
    assert run(["trend", str(root), "--subject", "P09"]) == 2
    assert "holds no session of P09, but of P07, P08" in capsys.readouterr().err


def test_one_session_is_listed_and_not_drawn(root: Path) -> None:
    _, page, text = read(root, "P08")
    assert not figures_of(page) and "It takes 2 sessions walked backward" in text and "1 session" in text


def test_the_command_writes_a_page_for_its_owner(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["trend", str(root), "--subject", "P08"]) == 0
    assert stat.S_IMODE((tmp_path / "trend-P08.html").stat().st_mode) == 0o600
    assert capsys.readouterr().out == "trend-P08.html: open it in a browser; readable by you only\n"
    assert run(["trend", str(root), "--subject", "P08", "--out", str(root / "a" / "x.html")]) == 2
    assert "is a session folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["missing"], ["."]])
def test_where_there_is_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["trend", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and ("there is no folder missing" in error or "holds no session" in error)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_listed_and_not_fatal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "home of Anna Muster"
    describe(walk(root / "good", 12.0))
    describe(save(root / "empty", b""))
    (root / "torn").mkdir()
    (root / "torn" / "session.json").write_text("{", encoding="utf-8")
    (root / "empty.txt").write_text("no session", encoding="utf-8")
    out = tmp_path / "t.html"
    assert run(["trend", str(root), "--out", str(out)]) == 0
    error = capsys.readouterr().err
    assert error.count("LEFT OUT:") == 2 and "empty session" in error and "not readable as JSON" in error
    page = out.read_text(encoding="utf-8")
    assert "empty holds an empty session" in text_of(page) and "Anna" not in page


def test_sessions_without_a_date_stand_last_and_are_not_drawn(tmp_path: Path) -> None:
    describe(walk(tmp_path / "a", 12.0), started=None)
    describe(walk(tmp_path / "b", 12.0), started=day(3))
    describe(walk(tmp_path / "c", 12.0), started="yesterday")
    trend, _, text = read(tmp_path)
    assert [walk.name for walk in trend.walks] == ["b", "a", "c"] and len(trend.drawn) == 1
    assert "a (date unknown)" in text


def test_dates_with_and_without_a_zone_are_put_in_order(tmp_path: Path) -> None:
    describe(walk(tmp_path / "a", 12.0), started="2026-11-04T08:00:00")
    describe(walk(tmp_path / "b", 12.0), started="2026-11-03T10:15:30+01:00")
    assert [walk.name for walk in read(tmp_path)[0].walks] == ["b", "a"]


def test_where_in_the_plan(tmp_path: Path) -> None:
    plan = load_plan("first-steps")
    add(describe(walk(tmp_path / "a", 12.0), started=day(3)), guided_notes(plan.stages[0]))
    add(describe(walk(tmp_path / "b", 12.0), started=day(5)), guided_notes())
    _, _, text = read(tmp_path)
    assert f"Where in the plan\n{plan.title}\n" in text and "Next: stage" in text
    assert "first-steps, stage 1" in text and "mine, stage s1" in text


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2026-11-01T08:00", "2026-11-01T16:00", ["08:00", "10:00", "12:00", "14:00"]),
        ("2026-11-01T08:00", "2026-11-12T16:00", ["2 Nov", "5 Nov", "8 Nov", "11 Nov"]),
        ("2026-01-10T08:00", "2027-12-12T16:00", ["Jan 2026", "Jul 2026", "Jan 2027", "Jul 2027"]),
    ],
)
def test_dates_on_an_axis(first: str, last: str, labels: list[str]) -> None:
    low_s, high_s = ((datetime.fromisoformat(one) - datetime.min).total_seconds() for one in (first, last))
    assert [label for _, label in date_ticks(low_s, high_s)] == labels
