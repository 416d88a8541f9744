"""Every error text of the command line with its exit code, and the help; against real ports, files and refusals."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import pytest
import serial
from pty_insole import PtyInsole, identity, samples_frame, stride_frame

from retrosole import cli, open_session, wire
from retrosole.framing import encode
from retrosole.ports import Candidate
from retrosole.session.writer import SessionWriter
from retrosole.twin.gait_model import GAITS
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.sim_options import FRONT_ENDS

COMMANDS = (
    *("ports", "info", "flash", "setup", "update", "doctor", "sim", "live", "record", "demo"),
    *("sessions", "fetch", "erase", "summary", "check", "strides", "decode", "replay", "detect"),
)

pytestmark = pytest.mark.usefixtures("registry")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(list(arguments))
        sys.stdout.flush()
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that is refused with `code`; give its one line."""

    def call(code: int, *arguments: str) -> str:
        got, _, error = run(*arguments)
        assert got == code, error
        assert error.startswith("retrosole: ")
        assert error.count("\n") == 1, error
        return error

    return call


@pytest.fixture
def insole() -> Iterator[PtyInsole]:
    insole = PtyInsole()
    yield insole
    insole.vanish()


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Write a session of two seconds of the left foot with two strides."""
    folder = tmp_path / "walk"
    with SessionWriter(folder, {"left": identity(session=4)}) as writer:
        writer.append("left", encode(identity(session=4)))
        writer.append("left", encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, 5)))
        for seq in range(16):
            writer.append("left", encode(samples_frame(5, seq)))
        for seq in range(2):
            writer.append("left", encode(stride_frame(5, seq, 20 + 180 * seq)))
    return folder


def status_frame(**values: int) -> wire.StatusFrame:
    return wire.StatusFrame(**{field.name: 0 for field in fields(wire.StatusFrame)} | values)


# --------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_the_commands_and_the_exit_codes(run: Run, arguments: list[str]) -> None:
    code, out, _ = run(*arguments)
    assert code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in out
    for number in ("0", "2", "3", "4", "5", "6", "7", "130"):
        assert f"\n    {number:3}  " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"  retrosole {command}" in out.partition("Example")[2]


def test_the_help_of_sim_lists_every_gait_and_what_it_takes_unasked(run: Run) -> None:
    words = " ".join(run("sim", "--help")[1].split())
    assert f"How the model walks: {', '.join(GAITS)}." in words
    assert "[left|right|both] Insoles to run. [default: both]" in words
    assert f"[{'|'.join(FRONT_ENDS)}] What makes counts of a load" in words
    unasked = "|".join(FRONT_ENDS[1:])
    assert f"[{unasked}] What makes counts of a load" in " ".join(run("detect", "--help")[1].split())


def test_the_demo_refuses_before_it_begins(run: Run) -> None:
    assert run("demo", "--seconds", "0")[1] == ""


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'construct', 'rich'}"
    program = f"import sys, retrosole.cli as c; c.run(['--help']); print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


# -------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dance"], "No such command 'dance'"),
        (["record", "--loud"], "No such option"),
        (["record", "--rate", "123"], "the rate cannot be 123 Hz: choose from 50, 100, 125, 200, 250, 500"),
        (["record", "--rate", "fast"], "'fast' is not a valid integer"),
        (["record", "--seconds", "0"], "--seconds must be above 0, got 0"),
        (["record", "--seconds", "nan"], "--seconds must be above 0, got nan"),
        (["demo", "--seconds", "0"], "--seconds must be above 0, got 0: try --seconds 60, or leave it out"),
        (["live", "--note", "hi"], "--note is kept with a session, and nothing is recorded: add --record DIR"),
        (["live", "--subject", "P07"], "--subject is kept with a session, and nothing is recorded: add --record"),
        (["live", "--open"], "--open is for the page: add --web"),
        (["live", "--web-port", "8000"], "--web-port is for the page: add --web"),
        (["live", "--web", "--web-port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["record", "--subject", "Jane Doe"], "subject code 'Jane Doe' is not usable"),
        (["record", "--port", "a", "--port", "a"], "port a is named twice"),
        (["record", "--port", "a", "--port", "b", "--port", "c"], "two feet, got 3 ports"),
        (["sim", "--gait", "moonwalk"], "gait 'moonwalk', expected one of backward"),
        (["sim", "--speed", "-1"], "speed is a factor from 0"),
        (["sim", "--drop", "2"], "drop"),
        (["sim", "--unplug", "soon"], "unplug is AT:S"),
        (["sim", "--dead", "elbow"], "--dead elbow: no such channel"),
        (["sim", "--tcp", "here"], "tcp is HOST:PORT"),
        (["sim", "--board", "arduino"], "there is no board 'arduino'"),
        (["sim", "--interpreter", "/nope/micropython"], "is not a program that can be run"),
        (["sim", "--source", "nowhere.txt"], "nowhere.txt is no file"),
        (["summary", "nowhere"], "there is no nowhere"),
        (["decode", "nowhere"], "cannot read nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_with_2(refused: Callable[..., str], arguments: list[str], words: str) -> None:
    assert words in refused(2, *arguments)


# ------------------------------------------------------------------------------------------------------------- insoles


@pytest.mark.parametrize("command", ["ports", "info", "live", "record"])
def test_without_an_insole_it_says_so_with_3(refused: Callable[..., str], command: str) -> None:
    line = refused(3, command)
    assert "no virtual insole runs" in line
    assert "`retrosole sim`" in line


def test_ports_and_info_say_who_answers(run: Run) -> None:
    with virtual_insoles(SimOptions(interpreter="cpython", duration_s=10)) as insoles:
        code, out, error = run("ports")
        assert (code, error) == (0, "")
        for side, port in insoles.ports.items():
            answer = f"{side}, esp32_devkitc, firmware 0.1.0"
            assert re.search(rf"^{port} +virtual insole, {side} +{answer}$", out, re.MULTILINE)
        code, out, error = run("info")
    assert (code, error) == (0, "")
    assert out.count("firmware 0.1.0 (from loose files), protocol 1.3") == 2
    assert out.count("6 channels at 200 Hz") == 2
    assert out.count("heel medial") == 2
    assert "battery not measured" in out


def test_two_insoles_of_one_foot_are_not_guessed_between(refused: Callable[..., str]) -> None:
    with ExitStack() as stack:
        options = SimOptions(interpreter="cpython", feet="left", duration_s=10)
        pairs = [stack.enter_context(virtual_insoles(options)) for _ in range(2)]
        first, second = (pair.ports["left"] for pair in pairs)
        line = refused(3, "record")
        assert re.search(r"2 insoles answer \(left at \S+, left at \S+\): choose one or two with --port", line)
        assert first in line
        assert second in line
        line = refused(2, "record", "--port", first, "--port", second)
        assert f"both are for the same foot (left at {first}, left at {second})" in line


def test_an_insole_that_does_not_know_its_foot_is_told_by_side(run: Run, refused: Callable[..., str]) -> None:
    insole = PtyInsole(foot=wire.Side.UNSET)
    assert "does not know its foot: add --side left or" in refused(2, "record", "--port", insole.port)
    code, out, _ = run("info", "--port", insole.port)
    assert code == 0 and "firmware 0.1.0 (source 5ba1d0c3e2f49687)" in out
    run("record", "--port", insole.port, "--side", "right", "--seconds", "0.1")
    sent = [command for command in insole.commands if isinstance(command, wire.SetFrame)]
    assert [(command.setting, command.value) for command in sent] == [(wire.Setting.SIDE, 1)]
    insole.vanish()


def test_a_foot_that_cannot_be_used_is_said_and_the_other_is_recorded(
    run: Run, insole: PtyInsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PtyInsole(foot=wire.Side.RIGHT)
    found = [Candidate(port, "usb", "") for port in (insole.port, other.port)]
    monkeypatch.setattr("retrosole.walk.list_candidates", lambda: found)
    with serial.Serial(other.port, exclusive=True):
        code, _, error = run("record", "--seconds", "0.1")
    assert code == 0
    first, second = error.splitlines()
    assert first.startswith(f"LEFT OUT: {other.port} may be an insole and cannot be used (port {other.port} is in use")
    assert second.startswith(f"ONLY ONE FOOT takes part, the left insole at {insole.port}: nothing of another foot")
    other.vanish()


def test_info_names_the_sensors_that_are_left_out(run: Run, insole: PtyInsole) -> None:
    answer = insole.answer
    insole.answer = lambda command: answer(command) + encode(status_frame(channel_out_bits=0b10001))
    assert "\n  sensors   left out of the decisions: hallux, heel medial\n" in run("info", "--port", insole.port)[1]
    insole.answer = lambda command: answer(command) + encode(status_frame())
    assert "\n  sensors   none left out\n" in run("info", "--port", insole.port)[1]


def test_a_port_that_is_not_there_is_refused_with_4(refused: Callable[..., str]) -> None:
    assert "port /dev/nope does not exist" in refused(4, "info", "--port", "/dev/nope")
    assert "is the other side running" in refused(4, "info", "--port", "socket://127.0.0.1:1")
    assert "gopher://there" in refused(4, "info", "--port", "gopher://there")


def test_a_busy_port_is_refused_with_4_and_names_its_user(refused: Callable[..., str], insole: PtyInsole) -> None:
    with serial.Serial(insole.port, exclusive=True):
        line = refused(4, "record", "--port", insole.port)
    assert f"port {insole.port} is in use by this same program: close that first" in line


AS_NOBODY = """
import grp, os, pwd, sys
import locale, retrosole.commands.devices, retrosole.commands.line  # read as root, who may own this checkout
from retrosole import cli
if os.geteuid() == 0:  # whom permissions do not bind
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
sys.exit(cli.run(["info", "--port", sys.argv[1]]))
"""


def test_without_permission_it_prints_the_group_command_with_4(insole: PtyInsole) -> None:
    os.chmod(insole.port, 0)
    command = [sys.executable, "-c", AS_NOBODY, insole.port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert re.fullmatch(
        rf"retrosole: no permission to open port {insole.port}: run `sudo usermod -aG \w+ \$USER`, .*\n", done.stderr
    )


def test_a_text_console_is_refused_with_5(refused: Callable[..., str], insole: PtyInsole) -> None:
    insole.greeting = b"\r\n>>> "
    line = refused(5, "record", "--port", insole.port)
    assert "answers with text, not frames ('>>>" in line
    assert "a MicroPython prompt or another program?" in line


def test_garbage_on_the_line_is_refused_with_3(refused: Callable[..., str], insole: PtyInsole) -> None:
    insole.greeting = bytes(range(128, 256)) + b"\0"
    assert "sends bytes but gave no identity within 3 s (0 good frames" in refused(3, "info", "--port", insole.port)


def test_a_silent_device_is_refused_with_3(refused: Callable[..., str]) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        assert "nothing answered on" in refused(3, "info", "--port", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def test_another_protocol_is_refused_with_5_and_both_versions(refused: Callable[..., str]) -> None:
    insole = PtyInsole(protocol_major=2, protocol_minor=3)
    assert "speaks protocol 2.3, this program 1.3" in refused(5, "info", "--port", insole.port)
    insole.vanish()


def test_a_refused_start_is_said_with_5(refused: Callable[..., str], insole: PtyInsole) -> None:
    insole.results[wire.StartFrame.TYPE] = wire.Result.BUSY
    assert "refused start (a session is running" in refused(5, "live", "--port", insole.port)


# --------------------------------------------------------------------------------------------------------------- files


def test_sessions_are_summed_up_listed_decoded_and_exported(run: Run, session: Path) -> None:
    assert "left: 2 strides, median stance 650 ms" in run("summary", str(session))[1]
    assert "forefoot first" in run("strides", str(session))[1].splitlines()[1]
    assert run("strides", str(session), "--csv", "-")[1].startswith("side,stride,initial_contact_s,")
    code, out, error = run("strides", str(session), "--csv", "strides.csv")
    assert (code, out, error) == (0, "", "2 strides in strides.csv\n")
    assert Path("strides.csv").read_text().count("\n") == 3
    assert run("decode", str(session / "left.frames"))[1].count(" samples session=5") == 16


def test_a_torn_log_is_read_to_its_last_whole_frame(run: Run, session: Path) -> None:
    log = session / "left.frames"
    log.write_bytes(log.read_bytes()[:3000])
    code, out, _ = run("summary", str(session))
    assert code == 0
    assert "of a torn last frame" in out
    assert "torn: " in run("decode", str(log))[1]


@pytest.mark.parametrize("command", ["summary", "strides", "replay"])
def test_what_is_no_session_is_refused_with_6(refused: Callable[..., str], command: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no session" in refused(6, command, "empty")
    Path("letter.frames").write_text("Dear insole,\n")
    assert "has no frame in it" in refused(6, command, "letter.frames")
    (tmp_path / "odd").mkdir()
    Path("odd/session.json").write_text("{")
    Path("odd/left.frames").write_bytes(b"")
    assert "not readable as JSON" in refused(6, command, "odd")


def test_a_foreign_log_is_refused_with_6(refused: Callable[..., str]) -> None:
    Path("letter.txt").write_text("Dear insole,\n")
    assert "has no frame in it" in refused(6, "decode", "letter.txt")


def test_an_unreadable_recording_is_refused_with_6(refused: Callable[..., str]) -> None:
    Path("walk.txt").write_text("once upon a time\n")
    assert "line 1: 'once upon a time' is of no known format" in refused(6, "sim", "--source", "walk.txt")


# ------------------------------------------------------------------------------------------------------ disk and pipes


def test_a_full_disk_is_said_with_7(refused: Callable[..., str], session: Path) -> None:
    line = refused(7, "strides", str(session), "--csv", "/dev/full")
    assert line == "retrosole: cannot write /dev/full (No space left on device): choose another file\n"


def test_a_full_disk_behind_the_output_is_said_with_7(session: Path) -> None:
    command = [sys.executable, "-m", "retrosole", "strides", str(session), "--csv", "-"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 7
    assert done.stderr == "retrosole: cannot write the output (No space left on device): free some space\n"


def test_a_folder_that_cannot_be_made_is_said_with_7(refused: Callable[..., str], insole: PtyInsole) -> None:
    Path("file").write_text("in the way")
    assert "cannot write to file/" in refused(7, "record", "--port", insole.port, "--out", "file")


def test_a_reader_that_has_seen_enough_ends_it_quietly(session: Path) -> None:
    log = session / "left.frames"
    log.write_bytes(log.read_bytes() * 200)
    command = f"{sys.executable} -m retrosole decode {log} | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


# ------------------------------------------------------------------------------------------------------------ encoding


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_where_the_system_is_not_utf_8_everything_can_be_kept_and_said(insole: PtyInsole, errors: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": f"ascii:{errors}"}
    command = [sys.executable, "-m", "retrosole", "record", "--port", insole.port, "--seconds", "0.2"]
    words = [*command, "--note", "grün ☂", "--out", "prüfung"]
    done = subprocess.run([w.encode() for w in words], capture_output=True, env=os.environ | plain, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (folder,) = Path("prüfung").iterdir()
    assert b"session pr\\udcc3\\udcbcfung/" in done.stdout
    assert [note.text for note in open_session(folder).frames("left", wire.NoteFrame)] == ["grün ☂"]


# ---------------------------------------------------------------------------------------------------------------- bugs


def test_a_bug_is_one_line_and_its_traceback_only_on_request(
    refused: Callable[..., str], session: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(path: object) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr("retrosole.session.decode.decode_file", fail)
    line = refused(1, "decode", str(session))
    assert "this is a bug (ValueError: two lines): RETROSOLE_DEBUG=1 shows where" in line
    monkeypatch.setenv("RETROSOLE_DEBUG", "1")
    assert cli.run(["decode", str(session)]) == 1
    assert "Traceback" in capfd.readouterr().err


def test_ctrl_c_is_130_and_one_word(run: Run, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("retrosole.session.decode.decode_file", interrupted)
    code, _, error = run("decode", str(session))
    assert (code, error.strip()) == (130, "retrosole: interrupted")


PLAIN = "raise KeyboardInterrupt\n"
WRAPPED = "try:\n    raise KeyboardInterrupt\nexcept BaseException as error:\n    raise RuntimeError('x') from error\n"


@pytest.mark.parametrize(("module", "text"), [("click", PLAIN), ("numpy", PLAIN), ("numpy", WRAPPED)])
def test_ctrl_c_while_it_still_loads_is_130_and_one_word(
    module: str, text: str, session: Path, tmp_path: Path
) -> None:
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    (fakes / f"{module}.py").write_text(text)
    program = "from retrosole.cli import main; main()"  # as the installed program does
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(fakes), *filter(None, sys.path)])}
    for start in (["-c", program], ["-m", "retrosole"]):
        command = [sys.executable, *start, "strides", str(session)]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        assert (done.returncode, done.stderr.strip()) == (130, "retrosole: interrupted")


def test_a_bug_in_answering_ctrl_c_is_told_as_one(monkeypatch: pytest.MonkeyPatch, run: Run, session: Path) -> None:
    def answered_wrongly(path: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise TypeError("wrong")  # noqa: B904 - as it would happen

    monkeypatch.setattr("retrosole.session.decode.decode_file", answered_wrongly)
    code, _, error = run("decode", str(session))
    assert code == 1 and "this is a bug (TypeError: wrong)" in error
