"""Recording from virtual insoles through the real command line: ends of every kind, and what is kept."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from pty_insole import PtyInsole, samples_frame

from retrosole import open_session, recorder, wire
from retrosole.cli import run
from retrosole.framing import encode
from retrosole.twin.sim import SimOptions, VirtualInsoles, virtual_insoles

SPEED = 4.0  # what CPython manages for two feet on one busy core
FULL_BYTES = 40_000  # session.json takes 27 kB, a second of one foot 2 kB


@pytest.fixture(autouse=True)
def _own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("serial.tools.list_ports.comports", list)


@contextlib.contextmanager
def virtual(**options: object) -> Iterator[VirtualInsoles]:
    wanted = {"interpreter": "cpython", "speed": SPEED, "duration_s": 30.0} | options
    with virtual_insoles(SimOptions(**wanted)) as insoles:  # type: ignore[arg-type]
        yield insoles


def retrosole(*arguments: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "retrosole", *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **(pipes | options))  # type: ignore[call-overload,no-any-return]


def ended(process: subprocess.Popen[str], timeout_s: float = 15.0) -> tuple[int, str, str]:
    out, error = process.communicate(timeout=timeout_s)
    assert "Traceback" not in out + error
    return process.returncode, out, error


def session_folder() -> Path:
    (folder,) = Path("sessions").iterdir()
    return folder


def until_recorded(size: int = 5000) -> None:
    end_s = time.monotonic() + 10
    while not any(path.stat().st_size > size for path in Path("sessions").glob("*/*.frames")):
        assert time.monotonic() < end_s, "nothing was recorded"
        time.sleep(0.05)


def test_both_feet_are_recorded_without_a_loss_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    with virtual():
        assert run(["record", "--seconds", "3", "--subject", "P07", "--note", "on grass"]) == 0
    out = capsys.readouterr().out
    session = open_session(session_folder())
    assert session.sides == ("left", "right")
    assert session.path.name.endswith("_P07")
    assert [note.text for note in session.frames("left", wire.NoteFrame)] == ["on grass"]
    for side, losses in session.losses.items():
        assert (losses.expected_n, losses.damaged_n, losses.other_session_n) == (losses.received_n, 0, 0)
        assert losses.received_n > 3 * 200
        assert [reply.result for reply in session.frames(side, wire.ReplyFrame)] == [0, 0]  # start and stop
        assert f"{side}: {losses.received_n} of {losses.received_n} samples at 200 Hz, none missing" in out
    assert len(session.strides) >= 8
    assert sum(stride.direction == "backward" for stride in session.strides) > len(session.strides) / 2


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_it_cleanly_with_130(number: signal.Signals) -> None:
    with virtual(feet="left"):
        process = retrosole("record")
        until_recorded()
        process.send_signal(number)
        code, out, error = ended(process)
    session = open_session(session_folder())
    assert (code, error) == (130, "")
    assert "none missing" in out
    assert session.frames("left", wire.ReplyFrame)[-1].command == wire.StopFrame.TYPE
    assert session.frames("left", wire.DisconnectFrame)[-1].reason == wire.DisconnectReason.CLOSED


@pytest.mark.slow
def test_killed_on_the_spot_it_leaves_a_readable_session_and_the_next_one_starts_anew() -> None:
    with virtual(feet="left", speed=1.0):
        process = retrosole("record", "--out", "first")
        end_s = time.monotonic() + 10
        while not any(path.stat().st_size > 2000 for path in Path("first").glob("*/*.frames")):
            assert time.monotonic() < end_s
            time.sleep(0.05)
        process.kill()
        process.communicate()
        (first,) = Path("first").iterdir()
        code, _, error = ended(retrosole("record", "--seconds", "0.5"))
    assert code == 0
    assert error == "left: an earlier session was still running there; it was ended\n"
    losses = open_session(first).losses["left"]
    assert (losses.lost_line_n, losses.damaged_n) == (0, 0)
    assert losses.received_n > 200 * 0.5
    after = open_session(session_folder())
    assert after.losses["left"].other_session_n == 0
    assert after.samples("left")[0][0] == 0


@pytest.mark.slow
def test_a_port_that_comes_back_goes_on_with_the_same_session_and_the_gap_is_counted() -> None:
    with virtual(unplug=("1:0.7",), speed=1.0):
        code, out, error = ended(retrosole("record", "--seconds", "4"))
    assert code == 0
    session = open_session(session_folder())
    for side, losses in session.losses.items():
        assert f"{side}: gone, trying again for 30 s (port " in error
        assert re.search(rf"{side}: \S+ is back, the session goes on", error)
        assert len({frame.session for frame in session.frames(side, wire.SamplesFrame)}) == 1
        assert 100 < losses.lost_line_n < 600
        assert losses.expected_n == losses.received_n + losses.lost_line_n
        assert f"{losses.lost_line_n} lost on the way" in out
        reasons = [frame.reason for frame in session.frames(side, wire.DisconnectFrame)]
        assert reasons == [wire.DisconnectReason.UNPLUGGED, wire.DisconnectReason.CLOSED]


class Plug:
    """A port path behind which insoles can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, insole: PtyInsole) -> PtyInsole:
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(insole.port)
        return insole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "did not come back within 1 s"),
        ({}, "was switched off meanwhile"),
        ({"device_id": b"\1" * 8}, "another insole answers on"),
    ],
)
def test_a_port_that_is_lost_for_good_ends_it_with_4_and_keeps_everything(
    change: dict[str, bytes] | None,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(recorder, "RETRY_FOR_S", 1)
    plug = Plug(tmp_path / "port")
    insole = plug.put(PtyInsole())

    def pull() -> None:
        insole.vanish()
        if change is not None:
            plug.put(PtyInsole(**change))

    timer = threading.Timer(1.0, pull)
    timer.start()
    assert run(["record", "--port", str(plug.path), "--seconds", "20"]) == 4
    timer.join()
    printed = capsys.readouterr()
    assert words in printed.err.splitlines()[-1]
    assert "went away" in printed.err
    assert "left: no strides" in printed.out
    reasons = [frame.reason for frame in open_session(session_folder()).frames("left", wire.DisconnectFrame)]
    assert reasons == [wire.DisconnectReason.UNPLUGGED]


def test_an_insole_that_is_reset_behind_its_port_ends_it_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    insole = PtyInsole()

    def reset() -> None:
        insole.send(encode(samples_frame(insole.identity.session, 0)))
        values = {field.name: 0 for field in fields(wire.StatusFrame)}
        insole.send(encode(wire.StatusFrame(**values)))

    timer = threading.Timer(0.5, reset)
    timer.start()
    assert run(["record", "--port", insole.port, "--seconds", "20"]) == 4
    timer.join()
    printed = capsys.readouterr()
    assert "no longer samples; it was reset, or stopped by its button; the recording ends here" in printed.err
    assert "left: 26 of 26 samples" in printed.out
    insole.vanish()


def test_without_textual_the_live_view_says_what_to_install_and_prints_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retrosole.show.is_terminal", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    insole = PtyInsole()
    assert run(["live", "--port", insole.port, "--seconds", "0.3"]) == 0
    assert "pip install 'retrosole[live]'" in capsys.readouterr().err
    insole.vanish()


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, FULL_BYTES))  # the system then refuses, as on a full disk


@pytest.mark.slow
def test_a_full_disk_ends_it_with_7_and_what_was_written_is_readable() -> None:
    with virtual(feet="left", speed=8.0):
        code, out, error = ended(retrosole("record", preexec_fn=small_files))
        log = session_folder() / "left.frames"
        assert log.stat().st_size == FULL_BYTES
        # The insole was stopped all the same.
        assert ended(retrosole("record", "--seconds", "0.2", "--out", "again"))[2] == ""
    assert code == 7
    assert re.fullmatch(r"retrosole: cannot write to \S+ \(File too large\) after \d+ bytes: .*\n", error)
    losses = open_session(session_folder()).losses["left"]
    assert losses.received_n > 1500
    assert f"left: {losses.received_n} of" in out


def test_live_prints_a_line_per_stride_without_a_terminal_and_keeps_nothing() -> None:
    with virtual(feet="right"):
        code, out, error = ended(retrosole("live", "--seconds", "2.5"))
    assert code == 0
    assert re.fullmatch(r"right insole at \S+\n", error)
    lines = out.splitlines()
    assert len(lines) >= 3
    assert all(re.fullmatch(r" *[\d.]+ s  right  stride +\d+  \w+ +\w+ +stance +\d+ ms.*", line) for line in lines)
    assert not Path("sessions").exists()


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_live_quietly_and_the_insole_is_stopped() -> None:
    with virtual(feet="left"):
        process = retrosole("live")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 0
        assert process.stderr.read().count("\n") == 1
        process.stderr.close()
        assert ended(retrosole("record", "--seconds", "0.2"))[2] == ""


@pytest.mark.slow
def test_on_a_terminal_the_live_view_records_and_q_ends_it() -> None:
    pytest.importorskip("textual")
    with virtual():
        master, slave = pty.openpty()
        env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        process = retrosole("record", "--live", stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        screen = b""
        while b"backward" not in screen or b"LEFT" not in screen or b"RIGHT" not in screen:
            screen += read(master)
        until_recorded()
        os.write(master, b"q")
        while chunk := read(master):
            screen += chunk
        assert process.wait(10) == 0
        os.close(master)
    text = screen.decode(errors="replace")
    assert "none missing" in text
    assert "Traceback" not in text
    assert len(open_session(session_folder()).sides) == 2


def read(master: int) -> bytes:
    """Give what came on a terminal; nothing when its program has ended."""
    assert select.select([master], [], [], 10)[0], "nothing comes from the terminal"
    try:
        return os.read(master, 65536)
    except OSError:
        return b""


@pytest.mark.slow
def test_the_demo_walks_records_sums_up_and_says_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--seconds", "4", "--interpreter", "cpython"]) == 0
    out = capsys.readouterr().out
    folder = session_folder()
    assert "CPython" in out
    assert "forefoot_first  backward" in out
    assert f"retrosole replay {folder}" in out
    assert len(open_session(folder).sides) == 2


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["", "virtual pair", "Recording", "stance"])
def test_the_demo_can_be_interrupted_at_any_moment_and_leaves_nothing_running(moment: str, tmp_path: Path) -> None:
    process = retrosole("demo", "--interpreter", "cpython", env=os.environ | {"TMPDIR": str(tmp_path)})
    assert process.stdout is not None
    time.sleep(0.4)
    while moment and moment not in process.stdout.readline():
        pass
    if moment == "stance":  # so that what is looked for below can be found at all
        assert [line for line in processes() if "boot.py" in line and str(tmp_path) in line]
    process.send_signal(signal.SIGINT)
    code, _, error = ended(process)
    assert code == 130, error
    assert not list((tmp_path / "runtime").glob("retrosole/*"))
    assert not [line for line in processes() if str(tmp_path) in line]
    assert not list(tmp_path.glob("retrosole-sim-*"))


def processes() -> list[str]:
    return subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
