"""`doctor` on virtual insoles: real firmware that is well, has broken sensors, a bad line, a session of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import retrosole
from retrosole import cli, wire
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.terminal import Terminal

pytestmark = pytest.mark.slow

Look = Callable[..., tuple[int, list[dict[str, dict[str, Any]]]]]


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def look(capfd: pytest.CaptureFixture[str]) -> Look:
    """Run it; give the exit code and, for each insole, its findings by name."""

    def call(*words: str) -> tuple[int, list[dict[str, dict[str, Any]]]]:
        code = cli.run(["doctor", "--json", "--seconds", "2", *words])
        sys.stdout.flush()
        whole = json.loads(capfd.readouterr().out)
        insoles = [section for section in whole["sections"] if " insole at " in section["title"]]
        return code, [{one["name"]: one for one in section["findings"]} for section in insoles]

    return call


def standing(**options: Any) -> SimOptions:
    return SimOptions(**{"gait": "standing", "duration_s": 60.0} | options)


def levels(found: dict[str, dict[str, Any]]) -> set[str]:
    return {one["level"] for one in found.values()}


def test_a_pair_that_is_well(look: Look) -> None:
    with virtual_insoles(standing()):
        code, insoles = look()
    assert code == 0
    assert len(insoles) == 2
    for found in insoles:
        assert levels(found) == {"ok"}, found
        assert found["sensors"]["found"].startswith("6 of 6 live")
        assert found["line"]["found"].endswith("none lost")
        assert found["clock"]["found"].startswith("answers in ")


def test_nothing_of_it_stays_in_the_store(look: Look) -> None:
    with virtual_insoles(standing(feet="left")) as insoles:
        look()
        with retrosole.connect(insoles.ports["left"], timeout_s=10) as insole:
            assert not insole.identity.running
            assert wire.Kept.UNCOLLECTED not in [entry.kept for entry in insole.stored()]


def test_dead_and_stuck_sensors_are_named_and_end_it_with_6(look: Look) -> None:
    with virtual_insoles(standing(feet="left", dead=("heel_medial",), stuck=("met1",))):
        code, (found,) = look()
    assert code == 6
    assert found["sensor 1"]["found"] == "met1 reads 1500 and never moves (stuck)"
    assert found["sensor 4"]["found"].startswith("heel medial reads nothing (0 of 4094) while others are loaded")
    assert found["sensors"]["found"].startswith("4 of 6 live")


def test_a_line_that_loses_is_told_with_6(look: Look) -> None:
    with virtual_insoles(standing(feet="left", drop=0.001)):
        code, (found,) = look()
    assert code == 6
    assert found["line"]["level"] == "bad" and "lost on the way" in found["line"]["found"]


def test_a_session_that_runs_goes_on_untouched(look: Look) -> None:
    with virtual_insoles(standing(feet="left")) as insoles:
        port = insoles.ports["left"]
        with retrosole.connect(port, timeout_s=10) as insole:
            session = insole.start()
            insole.close(keep_running=True)
        code, (found,) = look("--port", port)
        assert code == 0
        assert found["session"]["found"] == f"{session} is running, it was only listened to"
        assert found["sensors"]["found"].startswith("6 of 6 live")
        with retrosole.connect(port, timeout_s=10) as insole:
            assert (insole.identity.running, insole.identity.session) == (1, session)
            insole.stop()


def test_what_waits_to_be_fetched_is_told(look: Look) -> None:
    with virtual_insoles(standing(feet="left")) as insoles:
        with retrosole.connect(insoles.ports["left"], timeout_s=10) as insole:
            insole.start()
            for _ in zip(range(10), insole, strict=False):
                pass
            insole.stop()
        _, (found,) = look()
    assert "; 1 not collected (0:0" in found["store"]["found"]
    assert found["store"]["todo"] == "retrosole fetch"


def test_drift_is_measured_when_there_is_time(capfd: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(standing(feet="right", skew=900)):
        code = cli.run(["doctor", "--seconds", "14"])
    out = capfd.readouterr().out
    assert code == 0
    (line,) = [line for line in out.splitlines() if "against this computer" in line]
    assert "warn" in line and "runs +" in line


def test_a_person_sees_lines_of_eighty_characters() -> None:
    with virtual_insoles(standing(feet="left")), Terminal("doctor", "--seconds", "2") as terminal:
        assert terminal.end() == 0
        assert "Left insole at" in terminal.text and "looking at" in terminal.text
        commands = ("pip ", "sudo ", "retrosole ")
        long = [line for line in terminal.text.splitlines() if len(line) > 80]
        assert not [line for line in long if not line.strip().startswith(commands) and "/" not in line]
        assert "Traceback" not in terminal.text


def test_a_port_is_named_as_it_is_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(standing(feet="left")) as insoles:
        port = tmp_path / "ttyUSB0"
        port.symlink_to(insoles.ports["left"])
        assert cli.run(["doctor", "--seconds", "1", "--port", str(port)]) == 0
    assert f"Left insole at {port}" in capfd.readouterr().out


def test_ctrl_c_ends_what_it_began() -> None:
    with virtual_insoles(standing(feet="left")) as insoles:
        with Terminal("doctor", "--seconds", "60") as terminal:
            terminal.wait_for("looking at")
            while "session" not in (insoles.folder / "left.json").read_text():  # its memory: counted when one begins
                time.sleep(0.05)
            terminal.interrupt()
            assert terminal.end() == 130
            assert "Traceback" not in terminal.text
        with retrosole.connect(insoles.ports["left"], timeout_s=10) as insole:
            assert not insole.identity.running
