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
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from pty_insole import PtyInsole, own_id, samples_frame

from retrosole import connect, open_session, recorder, show, wire
from retrosole.cli import run
from retrosole.framing import encode
from retrosole.show import LiveFeeder
from retrosole.twin.sim import SimOptions, VirtualInsoles, virtual_insoles

pytestmark = [  # seconds each, on ports: not in make check
    pytest.mark.slow,
    pytest.mark.usefixtures("registry"),
]

WHOLE = (wire.StartFrame, wire.StopFrame, wire.CollectedFrame)
SPEED = 4.0  # what CPython manages for two feet on one busy core
FULL_BYTES = 40_000  # session.json takes 27 kB, a second of one foot 2 kB


@contextlib.contextmanager
def virtual(**options: object) -> Iterator[VirtualInsoles]:
    wanted = {"interpreter": "cpython", "speed": SPEED, "duration_s": 30.0} | options
    with virtual_insoles(SimOptions(**wanted)) as insoles:  # type: ignore[arg-type]
        yield insoles


# As the installed command does it. With -m CPython may end by the signal itself instead of with code 130, which is the
# same to a shell: when Ctrl-C comes while a dataclass is being made.
PROGRAM = "from retrosole.cli import main; main()"


def retrosole(*arguments: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
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
    while not is_recorded(size):
        assert time.monotonic() < end_s, "nothing was recorded"
        time.sleep(0.05)


def is_recorded(size: int = 5000) -> bool:
    return any(path.stat().st_size > size for path in Path("sessions").glob("*/*.frames"))


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
        replies = [reply for reply in session.frames(side, wire.ReplyFrame) if reply.command != wire.FetchFrame.TYPE]
        assert [(reply.command, reply.result) for reply in replies] == [(kind.TYPE, 0) for kind in WHOLE]
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
    assert session.frames("left", wire.ReplyFrame)[-1].command == wire.CollectedFrame.TYPE
    assert session.frames("left", wire.DisconnectFrame)[-1].reason == wire.DisconnectReason.CLOSED


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
    before = "left: an earlier session was still running there; it was ended"
    assert error == f"{before}; `retrosole fetch` gets what it has\n"
    losses = open_session(first).losses["left"]
    assert (losses.lost_line_n, losses.damaged_n) == (0, 0)
    assert losses.received_n > 200 * 0.5
    after = open_session(session_folder())
    assert after.losses["left"].other_session_n == 0
    assert after.samples("left")[0][0] == 0


def test_a_port_that_comes_back_goes_on_with_the_same_session_and_the_gap_is_filled() -> None:
    with virtual(unplug=("1:0.7",), speed=1.0):
        code, out, error = ended(retrosole("record", "--seconds", "4"), 30)
    assert code == 0
    session = open_session(session_folder())
    for side, losses in session.losses.items():
        assert f"{side}: gone, looking for it (port " in error
        assert re.search(rf"{side}: \S+ is back, the session goes on", error)
        assert len({frame.session for frame in session.frames(side, wire.SamplesFrame)}) == 1
        assert losses.expected_n == losses.received_n > 3.5 * 200
        assert f"{side}: {losses.received_n} of {losses.received_n} samples at 200 Hz, none missing" in out
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
    ("change", "code", "words"),
    [
        (None, 4, "is gone, what was received is kept"),
        ({}, 0, "it goes on with a new session"),
        ({"device_id": own_id(1)}, 4, "another insole answers on"),
    ],
)
def test_an_insole_that_goes_away_is_looked_for_to_the_end_and_everything_is_kept(
    change: dict[str, bytes] | None,
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(recorder, "GONE_WAIT_S", 0.5)
    plug = Plug(tmp_path / "port")
    insole = plug.put(PtyInsole())

    def pull() -> None:
        plug.path.unlink()  # first: the pty's number may be another test's at once
        insole.vanish()
        if change is not None:
            plug.put(PtyInsole(**change))

    timer = threading.Timer(1.0, pull)
    timer.start()
    assert run(["record", "--port", str(plug.path), "--seconds", "3"]) == code
    timer.join()
    printed = capsys.readouterr()
    assert words in printed.err.splitlines()[-1]
    assert "went away" in printed.err
    assert "left: no strides" in printed.out
    reasons = [frame.reason for frame in open_session(session_folder()).frames("left", wire.DisconnectFrame)]
    closed = [] if code else [wire.DisconnectReason.CLOSED]
    assert reasons == [wire.DisconnectReason.UNPLUGGED, *closed]


def test_an_insole_that_is_reset_behind_its_port_is_started_again(capsys: pytest.CaptureFixture[str]) -> None:
    insole = PtyInsole()

    def reset() -> None:
        insole.send(encode(samples_frame(insole.identity.session, 0)))
        insole.identity = replace(insole.identity, running=0, boot=insole.identity.boot + 1)
        values = {field.name: 0 for field in fields(wire.StatusFrame)}
        insole.send(encode(wire.StatusFrame(**values)))

    timer = threading.Timer(0.5, reset)
    timer.start()
    assert run(["record", "--port", insole.port, "--seconds", "1.5"]) == 0
    timer.join()
    printed = capsys.readouterr()
    assert "left: it had lost its power or was reset; it goes on with a new session" in printed.err
    assert "left: 26 of 26 samples" in printed.out
    assert sum(isinstance(command, wire.StartFrame) for command in insole.commands) == 2
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


@pytest.mark.parametrize(("key", "code"), [(b"q", 0), (b"\x03", 130)])
def test_on_a_terminal_the_live_view_records_and_a_key_ends_it(key: bytes, code: int) -> None:
    pytest.importorskip("textual")
    with virtual(), Terminal("xterm-256color", "record", "--live") as terminal:
        terminal.until(lambda: all(word in terminal.screen for word in (b"backward", b"LEFT", b"RIGHT")))
        terminal.until(is_recorded)
        os.write(terminal.master, key)
        assert terminal.ended() == code
    text = terminal.screen.decode(errors="replace")
    assert "none missing" in text
    assert "Traceback" not in text
    assert len(open_session(session_folder()).sides) == 2


def test_on_a_dumb_terminal_there_are_lines() -> None:
    insole = PtyInsole()
    with Terminal("dumb", "record", "--live", "--seconds", "0.5", "--port", insole.port) as terminal:
        assert terminal.ended() == 0
    assert terminal.screen.startswith(f"left insole at {insole.port}\r\n".encode())
    assert b"\x1b" not in terminal.screen
    insole.vanish()


class Terminal:
    """The program on a terminal of its own, which is read all the time, so that it never waits to be."""

    def __init__(self, term: str, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        env = os.environ | {"TERM": term, "COLUMNS": "120", "LINES": "40"}
        self.process = retrosole(*arguments, stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        self.screen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def until(self, happened: Callable[[], bool], timeout_s: float = 30.0) -> None:
        end_s = time.monotonic() + timeout_s
        while not happened():
            assert time.monotonic() < end_s, f"waited in vain: {self.screen[-500:]!r}"
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):  # how Linux says that the program has ended
                    self.screen += os.read(self.master, 65536)

    def ended(self) -> int:
        self.until(lambda: self.process.poll() is not None)
        with contextlib.suppress(OSError):
            while chunk := os.read(self.master, 65536):
                self.screen += chunk
        return int(self.process.returncode)


# --------------------------------------------------------------------------------------------- what ends no recording


@pytest.mark.parametrize(("reader", "line_n"), [("head -1", 1), ("true", 0)])
def test_a_reader_that_has_seen_enough_does_not_end_the_recording(reader: str, line_n: int) -> None:
    insole = PtyInsole()
    command = f"{sys.executable} -m retrosole record --port {insole.port} --seconds 1"
    shell = ["bash", "-c", f"set -o pipefail; {command} | {reader}"]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("recording left into ") == done.stdout.count("\n") == line_n
    check_ended_by_itself(1.0)
    insole.vanish()


def test_a_full_disk_behind_the_output_does_not_end_the_recording() -> None:
    insole = PtyInsole()
    with open("/dev/full", "w") as full:
        process = retrosole("record", "--port", insole.port, "--seconds", "1", stdout=full)
        _, error = process.communicate(timeout=15)
    assert (process.returncode, error) == (0, "")
    check_ended_by_itself(1.0)
    insole.vanish()


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_a_progress_line_that_cannot_be_printed_does_not_end_the_recording(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*values: object) -> None:
        raise error

    monkeypatch.setattr("retrosole.show.LINE_EVERY_S", 0.1)
    monkeypatch.setattr("retrosole.show.progress_text", fail)
    insole = PtyInsole()
    assert run(["record", "--port", insole.port, "--seconds", "1"]) == 0
    check_ended_by_itself(1.0)
    insole.vanish()


def check_ended_by_itself(seconds: float) -> None:
    session = open_session(session_folder())
    connected, gone = (session.frames("left", kind)[0] for kind in (wire.ConnectFrame, wire.DisconnectFrame))
    assert gone.unix_us - connected.unix_us >= seconds * 1e6
    stop = [reply for reply in session.frames("left", wire.ReplyFrame) if reply.command == wire.StopFrame.TYPE]
    assert [reply.result for reply in stop] == [0]


# ----------------------------------------------------------------------------------------------------------- two feet


def test_both_feet_are_stopped_at_the_same_moment() -> None:
    stopped_s: dict[str, float] = {}

    def timed(insole: PtyInsole) -> PtyInsole:
        answer = insole.answer

        def note(command: object) -> bytes:
            if isinstance(command, wire.StopFrame):
                stopped_s[insole.port] = time.monotonic()
            return answer(command)

        insole.answer = note
        return insole

    left, right = timed(PtyInsole()), timed(PtyInsole(foot=wire.Side.RIGHT))
    assert run(["record", "--port", left.port, "--port", right.port, "--seconds", "0.3"]) == 0
    assert abs(stopped_s[left.port] - stopped_s[right.port]) < 0.1
    assert open_session(session_folder()).sides == ("left", "right")
    left.vanish()
    right.vanish()


def test_when_both_ports_are_lost_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recorder, "GONE_WAIT_S", 0.5)
    monkeypatch.setattr("retrosole.show.LINE_EVERY_S", 0.2)
    feet = [(Plug(tmp_path / side.name), PtyInsole(foot=side)) for side in (wire.Side.LEFT, wire.Side.RIGHT)]
    for plug, insole in feet:
        plug.put(insole)

    def pull() -> None:
        for plug, insole in feet:
            plug.path.unlink()
            insole.vanish()

    timer = threading.Timer(0.5, pull)
    timer.start()
    ports = [word for plug, _ in feet for word in ("--port", str(plug.path))]
    assert run(["record", *ports, "--seconds", "2"]) == 4
    printed = capsys.readouterr()
    last = printed.err.splitlines()[-1]
    for side, (plug, _) in zip(("left", "right"), feet, strict=True):
        assert f"{side}: port {plug.path} " in last
    lines = [line for line in printed.out.splitlines() if "left gone for " in line]
    assert lines
    assert not any("lost" in line for line in lines)


def test_a_sensor_that_is_left_out_is_said_once_and_stays_in_the_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retrosole.show.LINE_EVERY_S", 0.3)
    insole = PtyInsole()
    values = {field.name: 0 for field in fields(wire.StatusFrame)} | {"running": 1, "channel_out_bits": 0b10001}

    def complain() -> None:
        for _ in range(2):
            insole.send(encode(wire.StatusFrame(**values | {"session": insole.identity.session})))

    timer = threading.Timer(0.3, complain)
    timer.start()
    assert run(["record", "--port", insole.port, "--seconds", "1.2"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "left: left out of the decisions: hallux, heel medial (dead or stuck: check the sensor)\n"
    assert "left 0 strides without 2 sensors   lost 0 samples" in printed.out
    insole.vanish()


def test_a_sensor_that_is_left_out_is_shown_in_the_live_view() -> None:
    insole = PtyInsole()
    with connect(insole.port) as device:
        feeder = LiveFeeder({"left": device}, None)
        values = {field.name: 0 for field in fields(wire.StatusFrame)} | {"running": 1}
        foot = recorder.Foot("left", device)
        feeder.frame(foot, wire.StatusFrame(**values | {"channel_out_bits": 0b10001}))
        assert feeder.state.feet[0].fault == "hallux, heel medial left out"
        feeder.frame(foot, wire.StatusFrame(**values))
        assert feeder.state.feet[0].fault is None
        feeder.frame(foot, wire.StatusFrame(**values | {"fault_n": 2, "first_fault": wire.Fault.BATTERY_LOW}))
        assert feeder.state.feet[0].fault == "its battery is nearly empty"
    insole.vanish()
    assert set(show._FAULTS) == {name.lower() for name in wire.Fault.__members__} - {"none"}


def test_the_demo_walks_records_sums_up_and_says_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--seconds", "4", "--interpreter", "cpython"]) == 0
    out = capsys.readouterr().out
    folder = session_folder()
    assert "CPython" in out
    assert "forefoot_first  backward" in out
    assert f"retrosole replay {folder}" in out
    assert len(open_session(folder).sides) == 2


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
