"""The 3-metre walk is timed from the first foot lifted to the last one down: on made feet and on the gait model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_feet import RATE_HZ, backward_walk, foot
from pty_insole import identity

from retrosole import cli, open_session, wire
from retrosole.coach.walk_3m import Timed, lifts_and_contacts, result_lines, time_tries
from retrosole.framing import encode
from retrosole.plan.loader import load_walk_3m
from retrosole.plan.notes import STOPPED, TRY_BEGINS, TRY_ENDS
from retrosole.samples import pack12, records_per_frame
from retrosole.session.writer import SessionWriter
from retrosole.twin.boards import board_channels
from retrosole.twin.gait_model import generate

COUNTS_PER_N = 8.0
TEST = load_walk_3m()
N = records_per_frame(6)


def total_of(downs: list, seconds: float) -> np.ndarray:  # type: ignore[type-arg]
    return (sum(foot(downs, seconds)) + 30) * COUNTS_PER_N


@pytest.mark.parametrize("step_n", [4, 7, 12])
def test_made_walks_are_timed_to_the_sample(step_n: int) -> None:
    seconds = 4 + step_n * 0.6 + 3
    found = {}
    for side, downs in backward_walk(3.0, step_n, 1000.0).items():
        events = lifts_and_contacts(np.arange(seconds * RATE_HZ) / RATE_HZ, total_of(downs, seconds), RATE_HZ)
        assert events is not None
        found[side] = events
    assert sum(len(contacts) for _, contacts in found.values()) == step_n
    first_s = min(lifts[0] for lifts, _ in found.values())
    last_s = max(contacts[-1] for _, contacts in found.values())
    assert first_s == pytest.approx(3.0, abs=0.015)
    assert last_s - first_s == pytest.approx(step_n * 0.6, abs=0.025)


def test_contacts_are_the_gait_models() -> None:
    source = generate("backward", board_channels("esp32_devkitc"), 12.0, seed=2)
    for side, counts in source.counts.items():
        total = counts[::5].astype(float).sum(axis=1)
        events = lifts_and_contacts(np.arange(len(total)) / RATE_HZ, total, RATE_HZ)
        assert events is not None
        truth = [row for row in source.truth if row.side == side]
        contacts = events[1][: len(truth)]
        assert np.abs(contacts - [row.initial_contact_s for row in truth]).max() < 0.03
        lifts = events[0][1 : 1 + len(truth)]
        assert np.abs(lifts - [row.final_contact_s for row in truth[: len(lifts)]]).max() < 0.04


def test_standing_is_no_walk() -> None:
    source = generate("standing", board_channels("esp32_devkitc"), 12.0, seed=2)
    for counts in source.counts.values():
        total = counts[::5].astype(float).sum(axis=1)
        assert lifts_and_contacts(np.arange(len(total)) / RATE_HZ, total, RATE_HZ) is None
    assert lifts_and_contacts(np.arange(3) / RATE_HZ, np.zeros(3), RATE_HZ) is None


# --- out of a session


def keep(folder: Path, marks: dict[int, float], side: str = "left", seconds: float = 12.0) -> Path:
    """Keep one foot of a walk of 5 steps beginning at 3 s, with marks by code at seconds."""
    forefoot, heel = foot(backward_walk(3.0, 5, 1000.0)[side], seconds)
    counts = np.stack([forefoot * 2] * 4 + [heel * 4] * 2, axis=1) + 30
    who = identity(foot=wire.Side[side.upper()], session=5, running=1)
    with SessionWriter(folder, {side: who}, "P1") as writer:
        writer.append(side, encode(who))
        for seq in range(len(counts) // N):
            rows = counts[seq * N : (seq + 1) * N].astype(np.uint16)
            writer.append(side, encode(wire.SamplesFrame(5, seq, seq * N, seq * N * 5000, pack12(rows))))
        for seq, (code, at_s) in enumerate(marks.items()):
            writer.append(side, encode(wire.MarkFrame(5, seq, round(at_s * RATE_HZ), code)))
    return folder


def test_a_kept_try_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = keep(tmp_path / "walk", {TRY_BEGINS + 1: 1.0, TRY_ENDS + 1: 10.0}, side="right")
    (one,) = time_tries(open_session(folder), TEST)
    assert (one.number, one.contact_n, one.sides) == (1, 3, ("right",))
    assert one.seconds == pytest.approx(3.0, abs=0.02)  # right foot first, five steps: the last one is its own
    assert cli.run(["test-3m", "--session", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "try 1: 3.0 s, a foot came down 3 times" in out
    assert "One foot only was seen" in out


def test_marks_bound_a_try(tmp_path: Path) -> None:
    marks = {TRY_BEGINS + 1: 1.0, TRY_ENDS + 1: 4.5, TRY_BEGINS + 2: 4.5, TRY_ENDS + 2: 9.0, TRY_BEGINS + 3: 9.5}
    first, second, third = time_tries(open_session(keep(tmp_path / "walk", marks, side="right")), TEST)
    assert (first.contact_n, second.contact_n) == (1, 2)
    assert first.seconds == pytest.approx(0.6, abs=0.02)
    assert third.seconds is None and "its end was not marked" in third.text


def test_a_try_that_was_stopped_or_never_over_has_no_time(tmp_path: Path) -> None:
    marks = {TRY_BEGINS + 1: 1.0, TRY_ENDS + 1: 4.9, TRY_BEGINS + 2: 5.0, STOPPED: 8.9, TRY_ENDS + 2: 9.0}
    session = open_session(keep(tmp_path / "walk", marks, side="right"))
    first, second = time_tries(session, TEST)
    assert first.seconds is not None
    assert (second.seconds, second.text) == (None, "it was stopped before its end")
    assert not any("mean of" in line for line in result_lines(TEST, [first, second]))
    (endless, _) = time_tries(session, replace(TEST, most_s=4.0))
    assert (endless.seconds, endless.text) == (None, "nobody had come to a stand after 4 s")


def test_a_try_in_which_nobody_walked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = keep(tmp_path / "walk", {TRY_BEGINS + 1: 8.0, TRY_ENDS + 1: 11.0})
    (one,) = time_tries(open_session(folder), TEST)
    assert one.seconds is None
    assert cli.run(["test-3m", "--session", str(folder)]) == 0
    assert "try 1: no time, since no foot was seen leaving the ground" in capsys.readouterr().out


def test_a_session_that_is_no_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = keep(tmp_path / "walk", {})
    assert time_tries(open_session(folder), TEST) == []
    assert cli.run(["test-3m", "--session", str(folder)]) == 0
    assert "no try was marked in this session" in capsys.readouterr().out


def test_times_are_quoted_beside_published_ones_and_not_judged() -> None:
    tries = [Timed(k, seconds, 6, ("left", "right")) for k, seconds in ((1, 9.04), (2, 8.0), (3, 8.5))]
    lines = result_lines(TEST, tries)
    text = "\n".join(lines)
    assert "mean of 3: 8.5 s, from 8.0 to 9.0 s" in text
    assert "doi:10.3390/jfmk10020154" in text
    assert "8.15 s, from 217 people in two nursing homes" in text
    assert "nothing certain about one person" in text
    for judged in ("you are", "your risk", "too slow", "normal", "good", "faller"):
        assert judged not in text.lower()
    assert result_lines(TEST, [Timed(1, 3.0, 5, ("left", "right"))])[2:] == lines[5:], "fast or slow alike"
