"""`retrosole update` on the board machine: what it does, what it refuses, and what it leaves where it cannot."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import retrosole
from retrosole import ports, wire
from retrosole.errors import DamagedDataError, NoDeviceError, PortError, ProtocolError, UsageError
from retrosole.flashing import slots
from retrosole.flashing.pack import Pack, _zipped, packed, read_pack
from retrosole.flashing.repl import Repl
from retrosole.flashing.update import find, update
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.boards.machine import WDT_RESET, Board, vfs_image
from tests.boards.updates import Notes, files, runs, source, update_to, who_is
from tests.boards.versions import MINOR, flashed, version
from tests.soak import only_in_full

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("emulated")]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board(tmp_path, flashed("old")) as board:
        yield board


# ------------------------------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize("tcp", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["pty", "socket"])
def test_the_new_version_runs_and_settings_and_sessions_stay(tmp_path: Path, tcp: bool) -> None:
    with Board(tmp_path, flashed("old"), tcp=tcp) as board:
        with retrosole.connect(board.port, timeout_s=30) as insole:
            assert insole.identity.source.hex() == source("old")
            insole.start()
            next(iter(insole))
            insole.stop()
            held = insole.stored()
        notes = Notes()
        done = update_to("new", board, notes)
        assert done.is_changed
        assert (done.before, done.after) == (f"0.1.0 ({source('old')})", f"0.1.0 ({source('new')})")
        assert notes.written_n == len(version("new").content)
        board.power_off()
        board.power_on()
        with retrosole.connect(board.port, timeout_s=30) as insole:
            assert insole.identity.source.hex() == source("new"), "it was kept"
            assert (insole.side, insole.identity.cue, insole.identity.board) == ("right", 1, wire.Board.ESP32_C3)
            after = insole.stored()
        assert [(one.session, one.page_n) for one in after] == [(one.session, one.page_n) for one in held]


def test_places_take_turns(board: Board) -> None:
    assert files(board)["now"] == b"a"
    for name, letter in (("new", "b"), ("old", "a"), ("later", "b")):
        update_to(name, board)
        found = files(board)
        assert (runs(board), found["now"]) == (source(name), letter.encode())
        assert found[f"{letter}.zip"] == version(name).content


def test_there_is_nothing_to_do_when_it_is_there_and_force_does_it(board: Board) -> None:
    assert runs(board) == source("old")
    before = board.flash("vfs")
    starts = list(board.starts)
    assert not update_to("old", board).is_changed
    assert board.flash("vfs") == before and board.starts == starts
    assert update_to("old", board, is_forced=True).is_changed
    assert files(board)["now"] == b"b"


@pytest.mark.parametrize("name", ["of protocol 1.1", f"of protocol 2.{MINOR}"])
def test_an_insole_that_speaks_otherwise_is_updated(tmp_path: Path, name: str) -> None:
    with Board(tmp_path, flashed(name)) as board:
        who_is(board)
        with pytest.raises(ProtocolError, match=f"speaks {name.removeprefix('of ')}"):
            retrosole.connect(board.port, timeout_s=30)
        assert update_to("new", board).before == f"0.1.0 ({source(name)})"
        assert runs(board) == source("new")


def test_what_does_not_answer_is_updated_at_its_prompt(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("deaf")) as board:
        done = update_to("new", board)
        assert done.before == f"0.1.0 ({source('deaf')})" and runs(board) == source("new")


def test_what_cannot_start_anything_is_updated_at_its_prompt(tmp_path: Path) -> None:
    image = vfs_image({name: data for name, data in _files_of("old").items() if name != "a.zip"})
    with Board(tmp_path, image) as board:
        assert update_to("new", board).before == "none that runs"
        assert runs(board) == source("new")


def _files_of(name: str) -> dict[str, bytes]:
    from retrosole.flashing.pack import device_files

    return device_files(version(name), {})


# ----------------------------------------------------------------------------------------------------- what it refuses


def test_not_while_a_session_runs(board: Board) -> None:
    with retrosole.connect(board.port, timeout_s=30) as insole:
        insole.start()
        insole.close(keep_running=True)
    with pytest.raises(UsageError, match="runs session 1: end it with its button, or with `retrosole fetch`"):
        update_to("new", board)
    who = who_is(board)
    assert who.running and who.session == 1 and board.starts == [1]


def test_not_back_to_an_older_version_unless_forced(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("later")) as board:
        with pytest.raises(UsageError, match=r"newer firmware 0\.2\.0 \(.*this program 0\.1\.0: update this program"):
            update_to("old", board)
        assert runs(board) == source("later"), "it was started again"
        assert update_to("old", board, is_forced=True).is_changed
        assert runs(board) == source("old")


def test_micropython_without_the_launcher_is_told_to_flash_and_its_program_runs_again(tmp_path: Path) -> None:
    with Board(tmp_path, vfs_image({"main.py": b"print('somebody else')"})) as board:
        with pytest.raises(UsageError, match=r"there is no launch\.mpy and no now: .*`retrosole flash`"):
            update_to("new", board)
        wait_heard(board, b"somebody else", 2)


def test_too_little_room_is_said_and_nothing_is_removed(tmp_path: Path) -> None:
    with Board(tmp_path, flashed("old", **{"mine.txt": bytes(100 * 1024)})) as board:
        who_is(board)
        with pytest.raises(UsageError, match=r"too little room \(the new version needs \d+ kB, \d+ are free\): remove"):
            update_to("new", board)
        assert runs(board) == source("old") and len(files(board)["mine.txt"]) == 100 * 1024


def test_a_micropython_that_cannot_run_it_is_said(board: Board) -> None:
    foreign = _of_another_micropython(version("new"))
    with pytest.raises(UsageError, match=r"takes bytecode 6\.3, this is 6\.2\): .*renews MicroPython"):
        update(board.port, Notes(), provide=lambda _: foreign)
    assert runs(board) == source("old")


def _of_another_micropython(pack: Pack) -> Pack:
    with zipfile.ZipFile(io.BytesIO(pack.content)) as archive:
        contents = {name: bytearray(archive.read(name)) for name in archive.namelist()}
        comment = archive.comment.decode()
    for content in contents.values():
        if content[2]:
            content[2] = content[2] & ~3 | 2
    return read_pack(_zipped({name: bytes(content) for name, content in contents.items()}, comment), "foreign")


def test_what_lets_nobody_in_is_said(tmp_path: Path) -> None:
    closed = b"import micropython\nmicropython.kbd_intr(-1)\nwhile True:\n    pass\n"
    with (
        Board(tmp_path, vfs_image({"main.py": closed})) as board,
        pytest.raises(ProtocolError, match=r"no MicroPython prompt on .*: press its reset button"),
    ):
        update_to("new", board)


def test_a_virtual_insole_is_left_alone() -> None:
    with virtual_insoles(SimOptions(feet="left")) as insoles:
        with pytest.raises(UsageError, match="is a virtual insole, which always runs this program's firmware"):
            update(insoles.ports["left"], Notes())
        with retrosole.connect(insoles.ports["left"], timeout_s=30) as insole:
            assert insole.side == "left"


def candidates(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    found = [ports.Candidate(name, "usb", "") for name in names]
    monkeypatch.setattr(ports, "list_candidates", lambda: [*found, ports.Candidate("/dev/pts/none", "virtual", "")])


def test_without_a_port_the_one_that_answers_is_meant(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    who_is(board)
    candidates(monkeypatch, "/dev/ttyNONE8", board.port)
    found = find(None)
    assert (found.port, found.source) == (board.port, source("old"))
    candidates(monkeypatch, "/dev/ttyNONE8")
    with pytest.raises(PortError, match="/dev/ttyNONE8 does not exist"):
        find(None)
    candidates(monkeypatch)
    with pytest.raises(NoDeviceError, match="no port has a known USB id: plug the insole in"):
        find(None)


def test_of_two_that_answer_one_is_to_be_named(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    with Board(tmp_path / "other", flashed("new")) as other:
        who_is(board), who_is(other)
        candidates(monkeypatch, board.port, other.port)
        with pytest.raises(NoDeviceError, match=r"2 boards may be meant \(right at .*, right at .*\): choose one"):
            find(None)


def test_a_port_that_is_not_there_is_said() -> None:
    with pytest.raises(PortError, match="does not exist"):
        update("/dev/ttyNONE9", Notes())


def test_bytes_that_arrived_damaged_change_nothing(board: Board) -> None:
    wrong = dataclasses.replace(version("new"), sha256="0" * 64)
    with pytest.raises(DamagedDataError, match=r"is damaged \(SHA-256 [0-9a-f]{16}\.\.\., expected 0000.*try again"):
        update(board.port, Notes(), provide=lambda _: wrong)
    assert runs(board) == source("old") and files(board)["now"] == b"a"


def test_a_port_that_goes_away_is_said(board: Board) -> None:
    who_is(board)
    board.line.pull_at = board.line.moved_n + 60000
    with pytest.raises(PortError, match="went away"):
        update_to("new", board)
    board.line.plug_in()
    assert update_to("new", board).is_changed
    assert runs(board) == source("new")


@only_in_full
def test_an_insole_whose_host_is_gone_starts_by_itself(board: Board) -> None:
    who_is(board)
    board.line.pull_at = board.line.moved_n + 60000
    with pytest.raises(PortError, match="went away"):
        update_to("new", board)
    end_s = time.monotonic() + 90
    while board.starts == [1]:
        assert time.monotonic() < end_s, "its watchdog did not bite"
        time.sleep(0.2)
    board.line.plug_in()
    assert runs(board) == source("old") and board.starts == [1, WDT_RESET]


def test_a_host_that_is_gone_before_it_writes_leaves_nobody_at_a_prompt(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "_GUARD", slots._GUARD.replace("30000", "2000"))
    who_is(board)
    with contextlib.suppress(PortError), Repl(board.port) as repl:
        slots.look(repl)
        board.line.pull()
        end_s = time.monotonic() + 60
        while board.starts == [1]:
            assert time.monotonic() < end_s, "its watchdog did not bite"
            time.sleep(0.1)
    board.line.plug_in()
    assert runs(board) == source("old") and board.starts == [1, WDT_RESET]


@pytest.mark.slow
def test_nothing_new_runs_without_a_trial_where_now_named_a_torn_version(tmp_path: Path) -> None:
    whole = version("old").content
    with Board(tmp_path, flashed("old", **{"a.zip": whole[:-30], "b.zip": whole})) as board:
        assert (runs(board), files(board)["now"]) == (source("old"), b"a"), "the other one stands in"
        with Repl(board.port) as repl:  # as an update that is interrupted between writing and switching
            slots.write(repl, slots.look(repl), "a", version("new"), lambda _: None)
        assert (runs(board), files(board)["now"]) == (source("old"), b"b")
        assert update_to("new", board).is_changed


@pytest.mark.parametrize(
    ("mpy", "architecture"),
    [(10 << 10, "xtensawin"), (11 << 10, "rv32imc"), (1 << 16 | 11 << 10, "rv32imc"), (0, None), (2 << 10, None)],
)
def test_the_architecture_is_told_with_and_without_flags_of_the_chip(mpy: int, architecture: str | None) -> None:
    assert slots.Root({}, (), 4096, 60, mpy | 3 << 8 | 6).architecture == architecture


def wait_heard(board: Board, words: bytes, n: int = 1, timeout_s: float = 60) -> None:
    end_s = time.monotonic() + timeout_s
    while board.line.heard.count(words) < n:
        assert time.monotonic() < end_s, f"{words!r} was not said: {bytes(board.line.heard[-600:])!r}"
        time.sleep(0.05)


# --------------------------------------------------------------------------------------------------------- Ctrl-C


@only_in_full  # test_interrupted presses it at random steps
def test_ctrl_c_at_every_step_leaves_an_insole_that_runs_at_once(board: Board) -> None:
    notes = Notes()
    update_to("new", board, notes)
    last = notes.event_n - 1
    current, other = "new", "old"
    for at in (0, 1, 2, last // 2, last - 2, last - 1, last):
        notes = Notes(interrupt_at=at)
        with pytest.raises(KeyboardInterrupt):
            update_to(other, board, notes)
        assert board.is_on
        assert runs(board) in (source(current), source(other)), f"after event {at}: {notes.steps}"
        update_to(other, board)
        assert runs(board) == source(other)
        current, other = other, current


def command_line(board: Board) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "retrosole", "update", "--force", "--port", board.port]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_the_command_line_updates_says_so_and_can_be_interrupted(board: Board) -> None:
    chance = random.Random(5)
    for _ in range(3):
        process = command_line(board)
        line = ""
        assert process.stderr is not None
        while "writing" not in line:
            line = process.stderr.readline()
            assert line, "it ended"
        time.sleep(chance.uniform(0, 2))
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=120)
        assert process.returncode == 130 and error.strip().endswith("retrosole: interrupted"), out + error
        assert "nothing is lost: the insole starts" in error
        assert runs(board) in (source("old"), packed("rv32imc").source)
    process = command_line(board)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, out + error
    assert re.search(r"0\.1\.0 \([0-9a-f]{16}\) -> 0\.1\.0 \([0-9a-f]{16}\)$", out.strip()), out
    assert runs(board) == packed("rv32imc").source


def test_the_command_line_says_what_is_wrong_in_a_line(tmp_path: Path) -> None:
    with Board(tmp_path, vfs_image({"main.py": b""})) as board:
        process = command_line(board)
        out, error = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert error.splitlines()[-1].startswith("retrosole: MicroPython runs on ") and "Traceback" not in error


def test_one_that_runs_on_trial_and_answers_is_kept(board: Board) -> None:
    with pytest.raises(KeyboardInterrupt):
        update_to("new", board, Notes(interrupt_at_step="looking whether it is well"))
    assert (runs(board), files(board)["now"]) == (source("new"), b"a")
    assert not update_to("new", board).is_changed
    assert files(board)["now"] == b"b"
