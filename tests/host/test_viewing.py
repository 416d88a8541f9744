"""The live view's keys on virtual insoles: marks, tare, and keeping what comes from one key to the next."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_recorder import Terminal, virtual

from retrosole import connect, open_session, wire
from retrosole.cli import run
from retrosole.session.decode import decode_file
from retrosole.viewing import Viewing
from retrosole.walk import Look, RecordOptions, connect_feet

pytestmark = pytest.mark.slow  # seconds each, on ports


@pytest.fixture(autouse=True)
def _own_folder(registry: Path) -> None:
    """Work in a folder in which only the test's own insoles are found."""


def until(happened: Callable[[], object], timeout_s: float = 20.0, message: Callable[[], str] = str) -> None:
    end_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end_s, f"waited in vain {message()}"
        time.sleep(0.02)


def folders() -> list[Path]:
    return sorted(Path("sessions").glob("*")) if Path("sessions").exists() else []


def has_grown(number: int) -> bool:
    sizes = [log.stat().st_size for log in folders()[-1].glob("*.frames")] if folders() else []
    return len(folders()) == number and len(sizes) == 2 and min(sizes) > 5000


def test_a_window_that_is_closed_ends_it_and_all_is_kept() -> None:
    pytest.importorskip("textual")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    program = (
        "import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "from retrosole.cli import main; main()"
    )
    with virtual(duration_s=60.0):
        command = [sys.executable, "-c", program, "live", "--record", "sessions"]
        environment = {**os.environ, "TERM": "xterm-256color"}
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        drawn = b""
        while b"stance" not in drawn:
            drawn += os.read(master, 65536)
        time.sleep(1)
        os.close(master)  # what was drawn meanwhile fills it: nobody reads any more
        try:
            assert process.wait(30) == 130
        finally:
            process.kill()
    assert len(open_session(folders()[0]).sides) == 2


def test_on_a_terminal_keys_mark_and_begin_and_end_the_recording() -> None:
    pytest.importorskip("textual")
    with virtual(duration_s=60.0), Terminal("xterm-256color", "live", "--pace", "40", "--theme", "light") as terminal:
        terminal.until(lambda: b"LEFT" in terminal.screen and b"RIGHT" in terminal.screen)
        os.write(terminal.master, b"m")
        terminal.until(lambda: b"nothing is being kept" in terminal.screen)
        assert folders() == []
        for number in (1, 2):
            os.write(terminal.master, b"r")
            terminal.until(lambda n=number: has_grown(n))  # type: ignore[misc]
            os.write(terminal.master, b"m")
            time.sleep(0.5)
            if number == 1:
                os.write(terminal.master, b"r")
                terminal.until(lambda: b"kept in" in terminal.screen)
        os.write(terminal.master, b"q")
        assert terminal.ended() == 0
    text = terminal.screen.decode(errors="replace")
    assert "Traceback" not in text and text.count("complete: everything that was taken is here") == 2
    for number, folder in enumerate(folders(), 2):
        assert run(["check", str(folder)]) == 0
        assert len(open_session(folder).sides) == 2
        for side in ("left", "right"):
            marks = [line for line in decode_file(folder / f"{side}.frames") if " mark " in line]
            assert len(marks) == 1 and f"code {number}" in marks[0].replace("=", " ")


def test_with_record_the_key_ends_it_and_q_closes_an_unkept_session() -> None:
    with virtual(duration_s=60.0):
        viewing = Viewing(connect_feet(), RecordOptions(root=Path("sessions")), Look(pace_limit_steps_min=90.0))
        assert viewing._feeder.state.pace_limit_steps_min == 90.0
        thread = threading.Thread(target=viewing._record)
        thread.start()
        until(lambda: has_grown(1))
        assert viewing._feeder.state.recording == str(folders()[0])
        viewing.tare(["left"])
        assert viewing._feeder.state.message == "not while recording: r ends it, then t"
        viewing.toggle_recording()
        until(lambda: viewing._feeder.state.recording is None)
        until(lambda: all(foot.stride_counts[0] for foot in viewing._feeder.state.feet))  # it goes on, counted anew
        viewing.request_end()
        thread.join(20)
        assert not thread.is_alive() and viewing._failure is None
        assert viewing.folders == folders() and len(folders()) == 1
        assert run(["check", str(folders()[0])]) == 0


def test_an_end_that_comes_while_recorders_change_is_not_missed() -> None:
    with virtual(duration_s=60.0):
        for delay_s in (0.0, 0.1, 0.3, 0.6):
            viewing = Viewing(connect_feet(), RecordOptions(), Look())
            thread = threading.Thread(target=viewing._record)
            thread.start()
            feet = viewing._feeder.state.feet
            until(lambda feet=feet: any(foot.snapshot().end_idx for foot in feet))  # type: ignore[misc]
            viewing.toggle_recording()
            time.sleep(delay_s)
            viewing.request_end()
            thread.join(20)
            assert not thread.is_alive() and viewing._failure is None


def test_tare_reaches_the_insole_and_says_so() -> None:
    with virtual(duration_s=60.0) as insoles:
        viewing = Viewing(connect_feet(), RecordOptions(), Look())
        thread = threading.Thread(target=viewing._record)
        thread.start()
        state = viewing._feeder.state
        until(lambda: all(foot.snapshot().end_idx for foot in state.feet))
        viewing.tare(["left"])
        until(lambda: "tared" in state.message, message=lambda: state.message)
        assert state.message == "left tared: these counts are unloaded from now on"
        until(lambda: all(foot.snapshot().end_idx for foot in state.feet))  # and it goes on
        viewing.request_end()
        thread.join(20)
        ports = insoles.ports
        baselines = {}
        for side, port in ports.items():
            with connect(port) as insole:
                baselines[side] = insole.identity.baseline[0]
        assert baselines["right"] == wire.INVALID["identity.baseline"] != baselines["left"]


def test_recording_that_cannot_begin_is_said_and_the_view_goes_on() -> None:
    Path("sessions").write_text("in the way")
    with virtual(duration_s=60.0):
        viewing = Viewing(connect_feet(), RecordOptions(), Look())
        thread = threading.Thread(target=viewing._record)
        thread.start()
        state = viewing._feeder.state
        until(lambda: any(foot.snapshot().end_idx for foot in state.feet))
        viewing.toggle_recording()
        until(lambda: state.message.startswith("not recording: "))
        assert state.recording is None
        until(lambda: any(foot.stride_counts[0] for foot in state.feet))
        viewing.request_end()
        thread.join(20)
        assert not thread.is_alive() and viewing._failure is None and viewing.folders == []
