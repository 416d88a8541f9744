"""Which stage one is at: from what was practised, and from the notes of kept sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pty_insole import identity, samples_frame

from retrosole import cli
from retrosole.commands import coach
from retrosole.errors import UsageError
from retrosole.framing import encode
from retrosole.plan.history import History, Practice, practice_of, read_history
from retrosole.plan.loader import load_plan
from retrosole.plan.notes import CoachNote, read_note, write_note
from retrosole.plan.stages import Position, position
from retrosole.session.writer import SessionWriter

PLAN = load_plan("first-steps")
TODAY = date(2026, 11, 21)


def done(stage: str, days_ago: int, **changes: object) -> Practice:
    practice = Practice(TODAY - timedelta(days=days_ago), "first-steps", stage, True, "", "no", "no", "yes")
    return replace(practice, **changes)  # type: ignore[arg-type]


def where(*practices: Practice) -> Position:
    return position(PLAN, practices, TODAY)


def test_it_begins_at_the_beginning() -> None:
    assert where() == Position(0, 1, ("No guided session of this plan is kept yet, so it begins at the beginning.",))
    assert where(Practice(TODAY, "treadmill", "belt", True)).following == 1
    assert where(Practice(TODAY, "first-steps", "a stage that is no more", True)).following == 1


def test_good_sessions_on_enough_days_lead_on() -> None:
    assert where(done("touch", 3)).following == 1
    found = where(done("touch", 3), done("touch", 1))
    assert (found.at, found.following) == (1, 2)
    assert "2 good sessions in a row at this stage, on 2 days" in found.why[0]


def test_two_on_one_day_are_not_two_days() -> None:
    found = where(done("touch", 1), done("touch", 1))
    assert found.following == 1
    assert (
        "2 good sessions in a row at this stage so far, on 1 day; the plan asks for 2 in a row on 2 days"
        in found.why[0]
    )


@pytest.mark.parametrize(
    "bad",
    [{"pain": "yes"}, {"dizzy": "yes"}, {"stop": "pain", "is_done": False}, {"stop": "dizziness", "is_done": False}],
)
def test_no_step_further_after_pain_or_dizziness(bad: dict[str, object]) -> None:
    found = where(done("assisted", 5), done("assisted", 3), done("assisted", 1, **bad))
    assert (found.at, found.following) == (2, 2)
    assert found.why[0].startswith("In the last session there was ")
    assert "ask a professional" in found.why[1]


def test_twice_in_a_row_is_one_stage_back() -> None:
    found = where(done("assisted", 3, pain="yes"), done("assisted", 1, stop="dizziness", is_done=False))
    assert (found.at, found.following) == (2, 1)
    assert "one stage back" in found.why[0]
    assert where(done("touch", 3, pain="yes"), done("touch", 1, pain="yes")).following == 1, "nothing lies before it"


def test_a_session_broken_off_does_not_make_pain_forgotten() -> None:
    found = where(done("assisted", 3), done("assisted", 2, pain="yes"), done("assisted", 1, is_done=False, pain=""))
    assert found.why[0] == "In the last session there was pain: no step further."
    assert where(done("assisted", 2, pain="yes"), done("assisted", 1)).following == 2
    assert "pain" not in where(done("assisted", 2, pain="yes"), done("assisted", 1)).why[0]


def test_pain_in_another_plan_counts() -> None:
    found = where(done("touch", 3), done("touch", 2), Practice(TODAY, "treadmill", "belt", False, "pain"))
    assert found.following == 1
    assert "pain" in found.why[0]


def test_unsteady_breaks_a_row_and_unfinished_does_not() -> None:
    found = where(done("touch", 3), done("touch", 1, steady="no"))
    assert found.following == 1
    assert found.why[:2] == (
        "The last session did not feel steady.",
        "No good sessions in a row at this stage so far, on 0 days; the plan asks for 2 in a row on 2 days or more.",
    )
    assert where(done("touch", 3), done("touch", 2, is_done=False), done("touch", 1)).following == 2


def test_a_long_break_goes_one_stage_back() -> None:
    found = where(done("assisted", 40), done("assisted", 30))
    assert (found.at, found.following) == (2, 1)
    assert found.why[0] == "The last session was 30 days ago: after so long, one stage back is a good start."
    assert where(done("assisted", 23), done("assisted", 21)).following == 3


def test_too_often_is_said() -> None:
    found = where(done("further", 4), done("further", 2), done("further", 1))
    assert found.why[-1].startswith("3 sessions in the last seven days; the plan has 2 to 3 a week.")
    assert not any("seven days" in line for line in where(done("further", 9), done("further", 2)).why)


def test_pain_in_another_plan_is_told_before_one_begins() -> None:
    found = where(Practice(TODAY, "treadmill", "belt", True, pain="yes"))
    assert found.following == 1
    assert found.why[1].startswith("In the last session there was pain") and "ask a professional" in found.why[2]


def test_a_stage_chosen_by_hand_hides_neither_pain_nor_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reasons(stage: int, *practices: Practice) -> list[str]:
        history = History("P1", list(practices))
        monkeypatch.setattr(coach, "read_history", lambda root, subject: history)
        number, why = coach._stage(PLAN, coach.CoachOptions("first-steps", stage, tmp_path, "P1"))
        assert number == stage
        return why

    hurt = done("assisted", 1, pain="yes")
    assert "there was pain" in reasons(2, hurt)[0]
    told = reasons(5, hurt)
    assert "there was pain" in told[0] and told[-1].startswith("Stage 5 was chosen; by the sessions kept here, stage 2")
    assert "for somebody who knows" not in reasons(1, hurt)[-1]


def test_the_last_stage_passed_ends_the_plan() -> None:
    found = where(*(done("resistance", days) for days in (8, 6, 4, 2)))
    assert (found.at, found.following, found.is_over) == (10, 10, True)


def test_a_stage_chosen_by_hand_is_where_one_is() -> None:
    assert where(done("touch", 3), done("minutes_5", 1)).at == 5


def test_18_sessions_of_the_supervised_programme() -> None:
    plan = load_plan("knee-10")
    sessions = [Practice(TODAY - timedelta(days=2 * k), "knee-10", "ten_minutes", True) for k in range(18, 0, -1)]
    assert not position(plan, sessions[:-1], TODAY).is_over
    assert position(plan, sessions, TODAY).is_over


# --- notes


def test_notes_are_words_and_come_back() -> None:
    text = write_note("done", number=1, kind="walk", seconds="12.5")
    assert text == "coach: done number=1 kind=walk seconds=12.5"
    assert read_note(text) == CoachNote("done", {"number": "1", "kind": "walk", "seconds": "12.5"})
    with pytest.raises(ValueError, match="cannot stand in a note"):
        write_note("begin", plan="two words")


@pytest.mark.parametrize(
    "text", ["", "on grass", "coach:", "coach: ", "coach: be gin", "coach: begin plan=", "coach: a b c"]
)
def test_notes_of_somebody_else_are_none(text: str) -> None:
    assert read_note(text) is None


def test_notes_that_tell_of_no_plan() -> None:
    assert practice_of([], TODAY) is None
    assert practice_of([CoachNote("begin", {"test": "3m"})], TODAY) is None
    assert practice_of([CoachNote("end", {"done": "yes"})], TODAY) is None


# --- kept sessions


@pytest.fixture
def keep(tmp_path: Path) -> Callable[..., Path]:
    """Keep a session with notes; give the folder of all."""

    def keep(name: str, subject: str, *notes: str) -> Path:
        with SessionWriter(tmp_path / "all" / name, {"left": identity(session=4)}, subject) as writer:
            writer.append("left", encode(identity(session=5, running=1)))
            for note in notes:
                writer.note(note)
            writer.append("left", encode(samples_frame(5, 0)))
        return tmp_path / "all"

    return keep


BEGIN = "coach: begin plan=first-steps stage=touch"


def test_history_is_of_one_subject(keep: Callable[..., Path]) -> None:
    keep("1", "P1", "on grass", BEGIN, "coach: felt pain=no dizzy=yes", "coach: end done=yes")
    keep("2", "P1", BEGIN, "coach: stop word=pain", "coach: end done=no why=pain")
    keep("3", "P1", "nothing of a coach")
    root = keep("4", "P2", BEGIN)
    history = read_history(root, "P1")
    assert [(one.stage, one.is_done, one.hurt) for one in history.practices] == [
        ("touch", True, "dizziness"),
        ("touch", False, "pain"),
    ]
    assert (history.other_n, history.unread) == (1, [])
    assert history.practices[0].day == date.today()
    with pytest.raises(UsageError, match=r"several people \(P1, P2\): choose one with --subject"):
        read_history(root)
    assert read_history(root, "P9").practices == []


def test_what_cannot_be_read_is_told_and_left_out(
    keep: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = keep("1", "P1", BEGIN, "coach: end done=yes")
    (keep("2", "P1", BEGIN) / "2" / "left.frames").write_bytes(b"")
    (root / "3").mkdir()
    (root / "3" / "session.json").write_text("{", encoding="utf-8")
    (root / "a file").write_text("", encoding="utf-8")
    assert len(read_history(root, "P1").unread) == 2
    assert cli.run(["plan", "--sessions", str(root)]) == 0
    out, error = capsys.readouterr()
    assert error.count("LEFT OUT: ") == 2
    assert "P1: First steps: from a toe touch to steady minutes (first-steps), 1 session\n" in out
    assert "1 good session in a row at this stage so far, on 1 day" in out
    assert "Next: stage 1 of 10 again: Toe touches at a support." in out


def test_nobody_has_begun_yet(keep: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = keep("1", "P1")
    assert cli.run(["plan", "--sessions", str(root)]) == 0
    out = capsys.readouterr().out
    assert "P1: no guided session is kept yet" in out
    assert "1 session more without guidance" in out
    assert cli.run(["plan", "treadmill", "--sessions", str(root)]) == 0
    assert "Next: stage 1 of 5: Two minutes at 0.5 mph." in capsys.readouterr().out


def test_a_subject_is_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", "--sessions", str(tmp_path), "--subject", "Ann B."]) == UsageError.exit_code
    assert "and no name" in capsys.readouterr().err
