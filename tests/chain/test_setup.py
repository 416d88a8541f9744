"""An insole is fitted to its wearer: by options, by questions at a terminal, and by standing on it.

The wearer is a file: what the virtual insole's sensors read is rewritten while it runs. How a real foot settles in a
real shoe is not shown here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import retrosole
from retrosole import cli, wire
from retrosole.fitting import standing
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.virtual import VirtualInsoles
from tests.terminal import Terminal
from tests.wearer import AIR, STANDING, put_foot

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def left(own_runtime_folder: None) -> Iterator[VirtualInsoles]:
    with virtual_insoles(SimOptions(feet="left", gait="standing", duration_s=60)) as insoles:
        yield insoles


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = cli.run(list(words))
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


def identity(insoles: VirtualInsoles) -> wire.IdentityFrame:
    with retrosole.connect(insoles.ports["left"], timeout_s=10) as insole:
        return insole.identity


# ------------------------------------------------------------------------------------------------------------- options


def test_options_change_what_they_name_and_nothing_else(left: VirtualInsoles, run: Run) -> None:
    before = identity(left)
    code, out, _ = run("setup", "--side", "right", "--target", "heel_first", "--cue", "on", "--rate", "100")
    assert code == 0
    for line in ("foot             left -> right", "aims for         forefoot first -> heel first", "off -> on"):
        assert line in out
    assert "rate             200 Hz -> 100 Hz" in out
    assert "has not been measured" in out
    after = identity(left)
    assert (after.foot, after.target_order, after.cue, after.rate_hz) == (1, 2, 1, 100)
    assert (after.baseline, after.standing, after.zones) == (before.baseline, before.standing, before.zones)


def test_a_port_is_named_as_it_is_written(left: VirtualInsoles, run: Run, tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.symlink_to(left.ports["left"])
    code, out, _ = run("setup", "--cue", "on", "--port", str(port))
    assert code == 0 and out.startswith(f"Left insole at {port}\n")


def test_what_the_insole_does_not_tell_is_shown_as_it_answers(left: VirtualInsoles, run: Run) -> None:
    code, out, _ = run("setup", "--rate-alone", "50", "--zones", "toes,forefoot,forefoot,midfoot,heel,heel")
    assert code == 0
    assert "rate on its own  50 Hz\n" in out
    assert "-> toes,forefoot,forefoot,midfoot,heel,heel, from its next start" in out
    assert "Switch the insole off and on" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--zones", "heel,forefoot"), "this insole has 6 channels, got 2 zones"),
        (("--zones", "heel,heel,heel,heel,heel,heel"), "without a forefoot and a heel no order can be told"),
        (("--zones", "sole,heel,heel,heel,heel,heel"), "'sole' is no zone: choose from forefoot, heel, midfoot, toes"),
        (("--rate", "60"), "the rate cannot be 60 Hz: choose from 50, 100"),
    ],
)
def test_what_cannot_be_is_refused_with_2(left: VirtualInsoles, run: Run, words: tuple[str, ...], text: str) -> None:
    before = identity(left)
    code, _, error = run("setup", *words)
    assert code == 2 and text in error and error.count("\n") == 1
    assert identity(left).zones == before.zones


def test_it_keeps_its_hands_off_a_running_session(left: VirtualInsoles, run: Run) -> None:
    with retrosole.connect(left.ports["left"], timeout_s=10) as insole:
        insole.start()
        insole.close(keep_running=True)
    code, _, error = run("setup", "--cue", "on")
    assert code == 5
    assert "session 1 is running on the left insole: end it with a short press on its button" in error
    assert identity(left).cue == 0


def test_two_that_answer_are_set_up_one_by_one(run: Run) -> None:
    with virtual_insoles(SimOptions(gait="standing", duration_s=30)) as insoles:
        code, _, error = run("setup", "--cue", "on")
        assert code == 3 and "choose one with --port" in error
        assert run("setup", "--cue", "on", "--port", insoles.ports["right"])[0] == 0
        assert identity(insoles).cue == 0


# ----------------------------------------------------------------------------------------------------------- questions


def test_questions_are_answered_and_the_standing_load_is_measured(left: VirtualInsoles) -> None:
    put_foot(left, 0)
    with Terminal("setup", "--port", left.ports["left"]) as terminal:
        terminal.wait_for("Which foot")
        terminal.type()
        terminal.wait_for("what should touch")
        terminal.type("heel")
        terminal.wait_for("forefoot first -> heel first")
        terminal.wait_for("buzz")
        terminal.type("on")
        terminal.wait_for("Are they there?")
        terminal.type("y")
        terminal.wait_for("Measure the load of standing now?")
        terminal.type("y")
        terminal.wait_for("Lift the left foot")
        terminal.type()
        terminal.wait_for("steady, taken")
        terminal.wait_for("Now stand on the left foot")
        put_foot(left, 1)
        terminal.type()
        terminal.wait_for("steady, taken")
        terminal.wait_for("Lift the left foot once more")
        put_foot(left, 0.03)
        terminal.type()
        shown = terminal.wait_for("Back to nothing")
        assert "#" in shown and "steady" in shown
        assert terminal.end() == 0
        assert "not set -> " in terminal.text
    who = identity(left)
    assert (who.foot, who.target_order, who.cue) == (0, 2, 1)
    assert who.baseline[:6] == pytest.approx(AIR, abs=8)
    assert who.standing[:6] == pytest.approx(STANDING, abs=16)


def test_what_was_only_looked_at_is_not_kept(left: VirtualInsoles) -> None:
    put_foot(left, 0)
    with Terminal("setup", "--port", left.ports["left"], "--calibrate") as terminal:
        for load in (0, 1, 0):
            terminal.wait_for("Press Enter")
            put_foot(left, load)
            terminal.type()
        assert terminal.end() == 0
    with retrosole.connect(left.ports["left"], timeout_s=10) as insole:
        kept = [entry.kept for entry in insole.stored()]
    assert wire.Kept.UNCOLLECTED not in kept


def test_who_stands_when_the_foot_should_be_in_the_air_begins_anew(left: VirtualInsoles) -> None:
    with Terminal("setup", "--port", left.ports["left"], "--calibrate") as terminal:
        for load in (1, 1):  # on the ground both times
            terminal.wait_for("Press Enter")
            put_foot(left, load)
            terminal.type()
        terminal.wait_for("no more weight than with the foot in the air")
        for load in (0.3, 1, 0):  # not quite in the air
            terminal.wait_for("Press Enter")
            put_foot(left, load)
            terminal.type()
        terminal.wait_for("there was weight on it then")
        for load in (0, 1, 0.4):  # something presses
            terminal.wait_for("Press Enter")
            put_foot(left, load)
            terminal.type()
        terminal.wait_for("it still feels 40 %")
        for load in (0, 1, 0):
            terminal.wait_for("Press Enter")
            put_foot(left, load)
            terminal.type()
        terminal.wait_for("Back to nothing")
        assert terminal.end() == 0
    assert identity(left).standing[:6] == pytest.approx(STANDING, abs=16)


def test_a_foot_that_moves_is_waited_for(left: VirtualInsoles) -> None:
    put_foot(left, 1, restless=0.5)
    with Terminal("setup", "--port", left.ports["left"], "--calibrate") as terminal:
        terminal.wait_for("Press Enter")
        terminal.type()
        terminal.wait_for("moving")
        put_foot(left, 0)
        terminal.wait_for("steady, taken")
        terminal.wait_for("Now stand")
    assert identity(left).baseline[:6] == pytest.approx(AIR, abs=8)


def test_ctrl_c_leaves_what_was_confirmed_and_says_so(left: VirtualInsoles) -> None:
    put_foot(left, 0)
    with Terminal("setup", "--port", left.ports["left"]) as terminal:
        terminal.wait_for("Which foot")
        terminal.type("right")
        terminal.wait_for("left -> right")
        terminal.wait_for("what should touch")
        terminal.interrupt()
        assert terminal.end() == 130
        assert "Changed so far, and kept: side right. Everything else is as it was before." in terminal.words
        assert "Traceback" not in terminal.text
    assert (identity(left).foot, identity(left).target_order) == (1, 1)


def test_ctrl_c_while_it_is_measured_says_which_counts_hold(left: VirtualInsoles) -> None:
    put_foot(left, 0)
    with Terminal("setup", "--port", left.ports["left"], "--calibrate") as terminal:
        terminal.wait_for("Press Enter")
        terminal.type()
        terminal.wait_for("Now stand")
        put_foot(left, 1, restless=0.5)
        terminal.type()
        terminal.wait_for("moving")
        terminal.interrupt()
        assert terminal.end() == 130
        assert "not finished: new unloaded counts hold, measure again" in terminal.words
    with retrosole.connect(left.ports["left"], timeout_s=10) as insole:
        assert not insole.identity.running, "the session in which the load was looked at was left running"
        assert insole.identity.standing[0] == wire.INVALID["identity.standing"]


@pytest.mark.parametrize("words", [(), ("--calibrate",)])
def test_without_a_terminal_nothing_is_asked(left: VirtualInsoles, run: Run, words: tuple[str, ...]) -> None:
    code, _, error = run("setup", *words)
    assert code == 2 and "terminal" in error


class Silent:
    """Be a person who does what is asked, and says nothing."""

    def __init__(self) -> None:
        self.asked_n = 0
        self.said: list[str] = []

    def ask(self, text: str) -> None:
        self.asked_n += 1
        if self.asked_n > 2:
            raise KeyboardInterrupt

    def show(self, load: float, steady_s: float) -> None:
        assert 0 <= load <= 1 and 0 <= steady_s <= standing.STEADY_S

    def say(self, text: str) -> None:
        self.said.append(text)


def test_who_does_not_come_to_rest_is_told_and_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "PATIENCE_S", 3.0)
    guide = Silent()
    with (
        virtual_insoles(SimOptions(feet="left", gait="weight_shift", duration_s=30)) as insoles,
        retrosole.connect(insoles.ports["left"], timeout_s=10) as insole,
    ):
        with pytest.raises(KeyboardInterrupt):
            standing.Calibration(insole, guide).run()
        who = insole.hello()
        assert not who.running and who.baseline[0] == wire.INVALID["identity.baseline"]
    assert guide.said == ["It did not become steady within 3 seconds. Hold on to something, and try once more."] * 2
