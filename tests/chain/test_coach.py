"""Guided sessions end to end: the real command, virtual insoles on made feet and virtual walks, keys, signals."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrosole import open_session, wire
from retrosole.coach.walk_3m import time_tries
from retrosole.plan.history import read_history
from retrosole.plan.loader import load_walk_3m
from retrosole.plan.notes import MARK_BASE, PART_BEGINS, PART_ENDS, STOPPED, TRY_BEGINS, TRY_ENDS
from retrosole.twin.sim import SimOptions, VirtualInsoles, virtual_insoles
from tests.host.made_feet import Down, backward_walk, touches, write_csv

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registry")]

PROGRAM = "from retrosole.cli import main; main()"
PATIENCE_S = 60.0
FINE = "n\nn\nn\ny\ny\n"  # the answers with which a session goes on
PLAN = """
id = "short"
title = "A short plan"
about = "For tests."
for_whom = "Tests."
sessions_per_week = [2, 3]
supervised = false
sources = ["ours"]
[[stage]]
id = "touch"
title = "Touches"
load = { activity = "touch", place = "ground", support = "hold", touches = 5, pace = "slow" }
do = ["Touch."]
move_on = ["Fine."]
not_yet = ["Not fine."]
sessions = 1
days = 1
sources = ["ours"]
[[stage.part]]
kind = "touch"
side = "right"
touches = 5
most_s = 30
say = "Right foot, five touches."
[[stage]]
id = "walk"
title = "Walk"
load = { activity = "walk", place = "ground", support = "hold", metres = 5, pace = "slow" }
changes = "activity"
do = ["Walk."]
move_on = ["Fine."]
not_yet = ["Not fine."]
sessions = 1
days = 1
sources = ["ours"]
[[stage.part]]
kind = "walk"
seconds = 3
say = "Walk backward."
"""


@pytest.fixture(autouse=True)
def _plan(registry: Path) -> None:
    Path("short.toml").write_text(PLAN, encoding="utf-8")


@contextmanager
def virtual(**options: object) -> Iterator[VirtualInsoles]:
    wanted = {"interpreter": "cpython", "speed": 2.0, "gait": "backward"} | options
    with virtual_insoles(SimOptions(**wanted)) as insoles:  # type: ignore[arg-type]
        yield insoles


class Person:
    """Run a command as a person does whose program has no terminal: read its lines, write some."""

    def __init__(self, *arguments: str) -> None:
        self.seen = ""
        command = [sys.executable, "-c", PROGRAM, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]

    def type(self, text: str) -> None:
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_for(self, text: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < end_s, self.seen
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, f"it ended without {text!r}: {self.seen}"
                self.seen += data.decode()

    def end(self) -> int:
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        self.seen += rest.decode()
        assert "Traceback" not in self.seen
        return self.process.returncode


def coach(stage: int, *more: str) -> Person:
    return Person("coach", "short.toml", "--stage", str(stage), "--subject", "P1", *more)


def kept() -> Path:
    (folder,) = Path("sessions").iterdir()
    return folder


def marks(folder: Path, side: str) -> list[int]:
    return [mark.code for mark in open_session(folder).frames(side, wire.MarkFrame)]


def notes(folder: Path, side: str) -> list[str]:
    return [note.text for note in open_session(folder).frames(side, wire.NoteFrame)]


def test_toe_touches_are_counted_and_the_next_stage_is_named(tmp_path: Path) -> None:
    feet = {"left": [Down(-1.0, 300.0)], "right": touches(20.0, 5, 300.0)}  # 10 s for the program to be so far
    with virtual(source=str(write_csv(tmp_path / "touches.csv", feet, 38.0))):
        person = coach(1)
        person.type(FINE + "\n")  # Enter: begin now
        person.wait_for("Did anything hurt? y or n.")
        person.type("n\nn\ny\n")
        assert person.end() == 0
    assert "\n1\n2\n3\n4\n5\nGood. Put the foot down.\n" in person.seen
    assert "Next: stage 2 of 2: Walk." in person.seen
    assert "1 good session in a row at this stage, on 1 day: done, without pain or dizziness." in person.seen
    for side in ("left", "right"):
        assert marks(kept(), side) == [PART_BEGINS, PART_ENDS]
        assert notes(kept(), side)[0] == "coach: begin plan=short stage=touch"
        assert notes(kept(), side)[-2:] == ["coach: felt pain=no dizzy=no steady=yes", "coach: end done=yes"]
    session = open_session(kept())
    assert [row for row in session.strides if row.side == "right"] == [], "touches, not strides"
    assert session.losses["left"].lost_line_n == 0


def test_a_walk_is_led_recorded_and_told() -> None:
    with virtual():
        person = coach(2, "--mass", "63.5", "--speed", "5.6km/h")
        person.type(FINE)
        person.process.stdin.close()  # nobody types any more: nothing is asked at the end
        person.process.stdin = None
        assert person.end() == 0
    assert "You begin in 5 seconds.\nBegin.\n" in person.seen
    assert "toes first." in person.seen
    assert "Did anything hurt?" not in person.seen
    assert "Energy: about 0 kcal, an estimate: 6 MET (walking backward, level, 17320) x kg x h, of 0:03" in person.seen
    assert notes(kept(), "left")[-1] == "coach: end done=yes"
    (practice,) = read_history(Path("sessions"), "P1").practices
    assert practice.is_good
    assert (kept() / "left.frames").stat().st_mode & 0o077 == 0, "readable for its owner only"


@pytest.mark.parametrize(("key", "word"), [("p", "pain"), ("d", "dizziness")])
def test_the_stop_key_notes_and_ends(key: str, word: str) -> None:
    with virtual():
        person = coach(2)
        person.type(FINE + "\n")
        person.wait_for("Begin.")
        person.type(f"{key}\n")
        assert person.end() == 0
    assert f"It is noted: {word}" in person.seen
    assert f"In the last session there was {word}: no step further." in person.seen
    assert marks(kept(), "right") == [PART_BEGINS, STOPPED, PART_ENDS]
    assert notes(kept(), "right")[-2:] == [f"coach: stop word={word}", f"coach: end done=no why={word}"]
    (practice,) = read_history(Path("sessions"), "P1").practices
    assert (practice.hurt, practice.is_done) == (word, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_everything(number: signal.Signals) -> None:
    with virtual():
        person = coach(2)
        person.type(FINE + "\n")
        person.wait_for("Begin.")
        time.sleep(0.5)
        person.process.send_signal(number)
        assert person.end() == 130
    assert notes(kept(), "left")[-1] == "coach: end done=no why=interrupted"
    session = open_session(kept())
    for side in ("left", "right"):
        assert session.losses[side].received_n == session.losses[side].expected_n > 100
        assert marks(kept(), side)[0] == PART_BEGINS
    assert str(kept()) in person.seen


def test_ctrl_c_before_anybody_walks_records_nothing() -> None:
    with virtual():
        person = coach(2)
        person.wait_for("sharp pain")
        person.process.send_signal(signal.SIGINT)
        assert person.end() == 130
    assert not Path("sessions").exists()


def test_answers_that_say_no_end_it_kindly() -> None:
    with virtual(feet="left"):
        person = coach(2)
        person.type("n\ny\n")
        assert person.end() == 0
        assert "Then sit down and rest." in person.seen
        assert "Nothing was recorded." in person.seen
        nobody = coach(2)
        nobody.process.stdin.close()
        nobody.process.stdin = None
        assert nobody.end() == 2
        assert "the safety questions were not answered" in nobody.seen
    assert not Path("sessions").exists()


def test_on_a_terminal_single_keys_do_and_it_is_left_as_it_was() -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(slave)
    seen = ""

    def wait_for(text: str) -> None:
        nonlocal seen
        end_s = time.monotonic() + PATIENCE_S
        while text not in " ".join(seen.split()):
            assert time.monotonic() < end_s, seen
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536).decode()

    with virtual(feet="left"):
        command = [sys.executable, "-c", PROGRAM, "coach", "short.toml", "--stage", "2"]
        environment = {**os.environ, "TERM": "xterm-256color"}
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        for question, key in zip(
            ("sharp pain", "dizzy", "apply to you", "clear", "hold on to, all"), "nnnyy", strict=True
        ):
            wait_for(question)
            os.write(master, key.encode())
        wait_for("I see one foot only, the left one")
        os.write(master, b"\n")
        wait_for("walk backward 0:0")
        os.write(master, b"s")
        wait_for("It is noted that you stopped.")
        wait_for("Next: stage 2 of 2 again: Walk.")
        assert process.wait(PATIENCE_S) == 0
    assert "\a" in seen
    assert all(
        len(line) <= 80
        for line in seen.replace("\x1b[2K", "").replace("\r", "\n").split("\n")
        if "sessions/" not in line
    )
    assert termios.tcgetattr(slave)[3] == before[3], "it shows again what is typed"
    os.close(master)
    os.close(slave)


def test_three_tries_of_three_metres(tmp_path: Path) -> None:
    """Each insole's walk begins with its own start: an odd number of steps begins and ends with the same foot."""
    step_n = 7
    feet = backward_walk(6.0, step_n, 300.0)
    with virtual(source=str(write_csv(tmp_path / "walk.csv", feet, 40.0)), speed=1.0):
        person = Person("test-3m", "--subject", "P1")
        person.type(FINE + "\n")
        person.wait_for("The times come at the end.")
        person.type("\n\n")  # no rest, no waiting
        person.wait_for("(2 of 3)")
        person.type("s\n")
        assert person.end() == 0
    assert {TRY_BEGINS + 1, TRY_ENDS + 1} <= set(marks(kept(), "right"))
    assert all(code > MARK_BASE for code in marks(kept(), "right"))
    first = time_tries(open_session(kept()), load_walk_3m())[0]
    assert first.contact_n == step_n
    assert first.seconds == pytest.approx(step_n * 0.6, abs=0.03)
    assert f"try 1: {first.seconds:.1f} s, a foot came down {step_n} times" in person.seen
    assert "5.5 s, from 483 older people" in person.seen


def test_an_insole_that_is_unplugged_meanwhile_loses_nothing() -> None:
    Path("short.toml").write_text(PLAN.replace("seconds = 3", "seconds = 10"), encoding="utf-8")
    with virtual(feet="left", unplug=("6:2",), speed=1.0):
        person = coach(2)
        person.type(FINE + "\n")
        person.process.stdin.close()
        person.process.stdin = None
        assert person.end() == 0
    assert "the session goes on" in person.seen
    session = open_session(kept())
    assert session.losses["left"].received_n == session.losses["left"].expected_n
    assert notes(kept(), "left")[-1].startswith("coach: end done=")
