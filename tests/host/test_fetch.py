"""Fetching from a scripted insole: what is listed, what is kept where, and going on after any interruption."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pty_insole import PtyInsole, own_id
from storing_insole import RATE_HZ, StoringInsole

from retrosole import open_session, wire
from retrosole.asking import NoStoreError
from retrosole.cli import run
from retrosole.device import connect
from retrosole.session.reader import Session

pytestmark = pytest.mark.slow  # seconds each, on ports: not in make check

SPEED = 4.0
LEFT, RIGHT = own_id(), own_id(1)


@pytest.fixture
def left(registry: Path) -> Iterator[StoringInsole]:
    with StoringInsole(registry, speed=SPEED) as insole:
        yield insole


@pytest.fixture
def right(registry: Path) -> Iterator[StoringInsole]:
    with StoringInsole(registry, speed=SPEED, device_id=RIGHT, foot=wire.Side.RIGHT) as insole:
        yield insole


def walk(seconds: float, *insoles: StoringInsole) -> None:
    """Have a session begun and ended by the button."""
    for insole in insoles:
        insole.press()
    for insole in insoles:
        insole.skip(seconds)
    for insole in insoles:
        insole.press()


def folders() -> list[Path]:
    return sorted(Path("sessions").iterdir()) if Path("sessions").is_dir() else []


def check_whole(session: Session, side: str, stored: object) -> None:
    losses = session.losses[side]
    assert losses.expected_n == losses.received_n == stored.next_index  # type: ignore[attr-defined]
    assert [frame.seq for frame in session.frames(side, wire.StrideFrame)] == list(range(stored.stride_n))  # type: ignore[attr-defined]


def retrosole(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "retrosole", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(happened: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def fetched_first(insole: StoringInsole) -> list[int]:
    return [command.first for command in insole.commands if isinstance(command, wire.FetchFrame)]


# ------------------------------------------------------------------------------------------------------------- device


def test_what_is_stored_is_listed_and_fetched_in_parts(left: StoringInsole) -> None:
    walk(4, left)
    walk(6, left)
    with connect(left.port) as insole:
        entries = insole.stored()
        assert [entry.session for entry in entries] == [5, 6]
        assert insole.stored_session(6) == entries[1].__class__(**{**vars(entries[1]), "tag": insole._tag})
        assert insole.stored_session(7) is None
        insole.follow(6)
        list(insole.events(0.1))  # what was still on its way
        frames = list(insole.fetch(6, 260, 520))
        assert isinstance(frames[-1], wire.FetchedFrame)
        samples = [frame.first_index for frame in frames if isinstance(frame, wire.SamplesFrame)]
        assert samples == list(range(260, 520, 26))
        rest = [frame for frame in insole.fetch(6) if isinstance(frame, wire.SamplesFrame)]
        assert len(rest) == left.sessions[6].seq - 10  # what came is not given twice
        insole.collected(6)
        assert left.sessions[6].kept == wire.Kept.COLLECTED
        insole.erase()
        assert insole.stored() == []


def test_stored_identities_are_of_their_time(left: StoringInsole) -> None:
    walk(2, left)
    left.reset()
    walk(2, left)
    with connect(left.port) as insole:
        list(insole.fetch(5))
        assert (insole.identity.boot, insole.identity.session) == (4, 6)


def test_an_insole_without_a_store_says_so(registry: Path) -> None:
    there = PtyInsole()
    for result in (wire.Result.NO_STORE, wire.Result.UNKNOWN_COMMAND):
        kinds = (wire.ListFrame, wire.FetchFrame, wire.CollectedFrame, wire.EraseFrame)
        there.results = {kind.TYPE: int(result) for kind in kinds}
        with connect(there.port) as insole:
            for ask in (insole.stored, lambda: list(insole.fetch(1)), lambda: insole.collected(1), insole.erase):
                with pytest.raises(NoStoreError, match="has no store for sessions"):
                    ask()
    assert run(["fetch", "--port", there.port]) == 5
    assert run(["sessions", "--port", there.port]) == 0
    there.vanish()


# ----------------------------------------------------------------------------------------------------------- commands


def test_sessions_lists_them_with_date_length_and_room(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sessions"]) == 0
    assert "left: holds no session" in capsys.readouterr().out
    walk(4, left)
    left.reset()
    walk(8, left)
    left.press()
    assert run(["sessions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["side", "no.", "began", "length", "pages", "kept", "ended"]
    assert "date unknown" in lines[1] and lines[1].endswith("uncollected  by its button")
    assert time.strftime("%Y-%m-%d") in lines[2] and "0:00:08" in lines[2]
    assert lines[3].endswith("running")
    assert "room for 10 minutes at 200 Hz" in lines[4]


def test_two_feet_that_walked_at_the_same_time_go_into_one_folder(left: StoringInsole, right: StoringInsole) -> None:
    walk(4, left)
    walk(8, left, right)
    assert run(["fetch", "--subject", "P07"]) == 0
    sessions = [open_session(folder) for folder in folders()]
    assert sorted(session.sides for session in sessions) == [("left",), ("left", "right")]
    both = next(session for session in sessions if len(session.sides) == 2)
    check_whole(both, "left", left.sessions[6])
    check_whole(both, "right", right.sessions[5])
    assert both.path.name.endswith("_P07")
    assert both.info["sides"]["right"]["device_sessions"] == [5]
    assert {one.kept for insole in (left, right) for one in insole.sessions.values()} == {wire.Kept.COLLECTED}
    exchange_n = len(both.frames("left", wire.ExchangeFrame))
    assert exchange_n >= 10, "no clock was asked for, so the feet cannot be put on one"


def test_only_uncollected_ones_are_fetched_unless_named_or_all(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        walk(2, left)
    left.sessions[6].kept = wire.Kept.COLLECTED
    assert run(["fetch"]) == 0
    assert sorted(open_session(folder).info["sides"]["left"]["session"] for folder in folders()) == [5, 7]
    assert run(["fetch"]) == 0
    assert "nothing to fetch, all 3 sessions are collected (--all: once more)" in capsys.readouterr().out
    assert run(["fetch", "6"]) == 0
    assert len(folders()) == 3
    begun_n = len(fetched_first(left))
    assert run(["fetch", "--all"]) == 0
    assert len(folders()) == 3
    assert len(fetched_first(left)) == begun_n, "what was on the disk was fetched again"
    assert run(["fetch", "99", "77"]) == 2
    assert "no insole holds sessions 99, 77: `retrosole sessions`" in capsys.readouterr().err
    del left.sessions[6]
    assert run(["fetch", "6"]) == 2
    assert re.search(r"no insole holds session 6; it is in sessions/\S+ already$", capsys.readouterr().err.strip())


def test_a_session_that_runs_is_ended_first(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    left.press()
    time.sleep(0.5)
    assert run(["fetch"]) == 0
    assert "left: an earlier session was still running there; it was ended" in capsys.readouterr().err
    check_whole(open_session(folders()[0]), "left", left.sessions[5])


def test_sessions_that_resets_cut_are_one_recording(left: StoringInsole) -> None:
    left.press()
    time.sleep(0.8)
    left.reset()
    time.sleep(0.8)
    left.reset()
    time.sleep(0.8)
    assert run(["fetch"]) == 0
    (folder,) = folders()
    session = open_session(folder)
    losses = session.losses["left"]
    assert losses.expected_n == losses.received_n == sum(one.next_index for one in left.sessions.values())
    assert {frame.session for frame in session.frames("left", wire.SamplesFrame)} == {5, 6, 7}


@pytest.mark.parametrize("drop", [0.02, 0.1])
def test_a_noisy_line_is_asked_again_until_all_is_there(left: StoringInsole, drop: float) -> None:
    walk(30, left)
    left.drop = drop
    codes = [run(["fetch"])]
    while codes[-1] and len(codes) < 5:  # with a tenth of all frames lost it may take a second go
        codes.append(run(["fetch"]))
    assert codes[-1] == 0, codes
    check_whole(open_session(folders()[0]), "left", left.sessions[5])


def test_what_the_store_never_had_is_said_and_does_not_keep_it_from_being_collected(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    left.press()
    left.skip(6)
    left.is_store_full = True
    left.skip(12)
    left.is_store_full = False
    left.press()
    assert run(["fetch"]) == 6
    printed = capsys.readouterr()
    found = re.search(r"0:00:(\d\d) of 0:00:18 kept; the rest was never stored: the store was full", printed.out)
    assert found and 5 <= int(found[1]) <= 7
    assert "kept as far as it was stored: left session 5" in printed.err
    assert left.sessions[5].kept == wire.Kept.COLLECTED


# ------------------------------------------------------------------------------------------------------ interruptions


@pytest.mark.parametrize("how", ["kill", "interrupt", "unplug"])
def test_an_interrupted_fetch_goes_on_where_it_stopped(left: StoringInsole, registry: Path, how: str) -> None:
    walk(90, left)
    process = retrosole("fetch")
    until(lambda: any(path.stat().st_size > 60_000 for path in Path("sessions").glob("*/left.frames")), 20)
    if how == "kill":
        process.kill()
    elif how == "interrupt":
        process.send_signal(signal.SIGINT)
    else:
        left.unplug()
    out, error = process.communicate(timeout=15)
    assert "Traceback" not in out + error
    assert process.returncode == {"kill": -signal.SIGKILL, "interrupt": 130, "unplug": 4}[how]
    assert left.sessions[5].kept == wire.Kept.UNCOLLECTED
    if how == "unplug":
        assert "the same command goes on with it" in error
        left.plug()
    (folder,) = folders()
    begun_n = len(fetched_first(left))
    assert run(["fetch"]) == 0
    assert folders() == [folder]
    again = fetched_first(left)[begun_n:]
    assert min(again) > 26 * 200, f"asked again for {again}"
    session = open_session(folder)
    check_whole(session, "left", left.sessions[5])
    assert session.losses["left"].duplicate_n < 70, "what was there was fetched again"
    assert left.sessions[5].kept == wire.Kept.COLLECTED


def test_collected_is_said_only_after_the_disk_has_it(left: StoringInsole, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(4, left)
    synced: list[str] = []
    fsync = os.fsync

    def watch(fd: int) -> None:
        assert left.sessions[5].kept == wire.Kept.UNCOLLECTED
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        fsync(fd)

    monkeypatch.setattr("os.fsync", watch)
    assert run(["fetch"]) == 0
    (folder,) = folders()
    assert str((folder / "left.frames").resolve()) in synced
    assert str(folder.resolve()) in synced
    assert str(folder.parent.resolve()) in synced


@pytest.mark.parametrize("delay_s", [0.02, 0.3, 1.0, 1.7])
def test_a_killed_recording_is_completed_by_fetch(left: StoringInsole, registry: Path, delay_s: float) -> None:
    process = retrosole("record")
    until(lambda: bool(left.sessions))
    time.sleep(delay_s)
    process.kill()
    process.communicate()
    assert run(["fetch"]) == 0
    (folder,) = folders()
    check_whole(open_session(folder), "left", left.sessions[5])
    assert left.sessions[5].kept == wire.Kept.COLLECTED


def test_a_folder_of_another_device_start_or_session_is_left_alone(left: StoringInsole) -> None:
    walk(2, left)
    assert run(["fetch"]) == 0
    (first,) = folders()
    size = (first / "left.frames").stat().st_size
    info = json.loads((first / "session.json").read_text())
    for name, change in (("foreign", {"device_id": "00" * 8}), ("earlier", {"boot": 1})):
        other = first.with_name(name)
        other.mkdir()
        sides = {"left": info["sides"]["left"] | {"device_sessions": [6]} | change}
        (other / "session.json").write_text(json.dumps(info | {"sides": sides}))
    (first.with_name("torn") / "x").mkdir(parents=True)
    (first.with_name("torn") / "session.json").write_text('{"format": "retro')
    walk(2, left)
    assert run(["fetch"]) == 0
    assert (first / "left.frames").stat().st_size == size
    assert len(folders()) == 5


@pytest.mark.parametrize("result", [wire.Result.BUSY, wire.Result.NO_STORE, wire.Result.MALFORMED])
def test_a_refused_fetch_does_not_mean_that_there_is_nothing(left: StoringInsole, result: wire.Result) -> None:
    walk(4, left)
    left.refuses[wire.FetchFrame] = result
    assert run(["fetch"]) == 6
    assert left.sessions[5].kept == wire.Kept.UNCOLLECTED
    left.refuses.clear()
    assert run(["fetch"]) == 0
    (folder,) = folders()
    check_whole(open_session(folder), "left", left.sessions[5])


def test_an_insole_that_walks_again_is_told_another_time(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(4, left)
    left.refuses[wire.CollectedFrame] = wire.Result.BUSY
    assert run(["fetch"]) == 0
    assert "complete; the insole walks again and keeps it as uncollected" in capsys.readouterr().out
    left.refuses.clear()
    assert run(["fetch"]) == 0
    assert left.sessions[5].kept == wire.Kept.COLLECTED


def test_what_cannot_be_fetched_does_not_end_a_walk(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    walk(2, left)
    left.press()
    assert run(["fetch", "77", "77"]) == 2
    assert "no insole holds session 77:" in capsys.readouterr().err
    Path("file").touch()
    assert run(["fetch", "--out", "file"]) == 7
    assert run(["fetch", "--out", "file/below"]) == 7
    assert left.identity.running
    assert run(["fetch"]) == 0
    assert [one.kept for one in left.sessions.values()] == [wire.Kept.COLLECTED] * 2


def test_a_foot_without_a_store_does_not_keep_the_other(
    left: StoringInsole, right: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(2, left, right)
    right.refuses |= dict.fromkeys((wire.ListFrame, wire.EraseFrame), wire.Result.UNKNOWN_COMMAND)
    assert run(["fetch"]) == 0
    assert "has no store for sessions (its firmware is too old); nothing is fetched" in capsys.readouterr().err
    assert left.sessions[5].kept == wire.Kept.COLLECTED


def test_a_disk_full_at_once_leaves_no_folder(left: StoringInsole, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    walk(2, left)
    monkeypatch.setattr("retrosole.shelf._write_new", refuse)
    assert run(["fetch"]) == 7
    assert folders() == []


def test_the_folder_of_folders_is_put_on_the_disk_as_well(left: StoringInsole, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(2, left)
    synced: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr("os.fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    assert run(["fetch", "--out", "new/newer"]) == 0
    assert {str(Path().resolve()), str(Path("new").resolve()), str(Path("new/newer").resolve())} <= set(synced)


def test_long_work_and_new_folders_are_said(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    walk(60, left)
    assert run(["fetch"]) == 0
    printed = capsys.readouterr().err
    (folder,) = folders()
    assert f"new folder {folder} for left session 5" in printed
    assert re.search(r"fetching 1 minutes? of walking, about 2\d s", printed)
    assert run(["fetch"]) == 0
    assert "nothing to fetch, its one session is collected" in capsys.readouterr().out


def test_a_number_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for number in ("65536", "x"):
        assert run(["fetch", number]) == 2
        assert "a session number is 0 to 65535, as `retrosole sessions` lists them" in capsys.readouterr().err


def begin_numbers_again(insole: StoringInsole) -> None:
    """Have everything erased, the count of sessions and starts as well."""
    insole.sessions.clear()
    insole.identity = replace(insole.identity, session=4, boot=3)


def strip_heads(log: Path) -> None:
    heads = (wire.SessionHeadFrame.TYPE, wire.IdentityFrame.TYPE)
    log.write_bytes(b"\0".join(one for one in log.read_bytes().split(b"\0") if not (len(one) > 1 and one[1] in heads)))


def strip_names(folder: Path) -> None:
    """Take out of a folder what names its session for good."""
    strip_heads(folder / "left.frames")
    info = json.loads((folder / "session.json").read_text())
    del info["sides"]["left"]["device_heads"]
    (folder / "session.json").write_text(json.dumps(info))


def test_numbers_that_began_again_do_not_mix_two_sessions(left: StoringInsole) -> None:
    walk(4, left)
    first = left.sessions[5]
    assert run(["fetch"]) == 0
    begin_numbers_again(left)
    walk(6, left)
    assert left.sessions[5].boot == first.boot
    assert run(["fetch", "--subject", "later"]) == 0
    sessions = [open_session(folder) for folder in sorted(folders(), key=lambda one: one.name.endswith("later"))]
    assert len(sessions) == 2
    for session, stored in zip(sessions, [first, left.sessions[5]], strict=True):
        check_whole(session, "left", stored)
        assert {head.clock_us for head in session.frames("left", wire.SessionHeadFrame)} == {stored.clock_us}


@pytest.mark.parametrize(("moved_s", "folder_n"), [(0, 1), (40, 1), (-40, 1), (100, 2), (-100, 2)])
def test_a_folder_without_a_head_is_the_sessions_only_when_the_dates_agree(
    left: StoringInsole, moved_s: float, folder_n: int
) -> None:
    walk(4, left)
    assert run(["fetch"]) == 0
    (folder,) = folders()
    strip_names(folder)
    info = json.loads((folder / "session.json").read_text())
    started = datetime.fromisoformat(info["started_utc"]) + timedelta(seconds=moved_s)
    (folder / "session.json").write_text(json.dumps(info | {"started_utc": started.isoformat()}))
    assert run(["fetch", "--all"]) == 0
    assert len(folders()) == folder_n


def test_a_recording_without_a_head_is_dated_by_its_own_clock(left: StoringInsole) -> None:
    walk(4, left)
    assert run(["fetch"]) == 0
    (folder,) = folders()
    strip_names(folder)
    info = json.loads((folder / "session.json").read_text())
    del info["fetched"]  # as a recording has it
    (folder / "session.json").write_text(json.dumps(info | {"started_utc": "2020-01-01T00:00:00+00:00"}))
    assert run(["fetch", "--all"]) == 0
    assert folders() == [folder]
    strip_heads(folder / "left.frames")
    begin_numbers_again(left)
    walk(6, left)
    left.skip(4000)
    assert run(["fetch", "--all"]) == 0
    assert len(folders()) == 2


def test_a_log_that_contradicts_the_store_is_never_called_collected(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(4, left)
    assert run(["fetch"]) == 0
    left.sessions[5].kept = wire.Kept.UNCOLLECTED
    left.sessions[5].next_index += 26
    assert run(["fetch"]) == 7
    assert "holds another session 5 than the insole" in capsys.readouterr().err
    assert left.sessions[5].kept == wire.Kept.UNCOLLECTED


# -------------------------------------------------------------------------------------------------------------- erase


def test_erase_says_what_goes_and_needs_a_yes(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    walk(30, left)
    walk(2, left)
    long_s = left.sessions[5].next_index / RATE_HZ  # 30 s, and what sampling them took
    left.sessions[6].kept = wire.Kept.COLLECTED
    assert run(["erase"]) == 2
    printed = capsys.readouterr().err
    assert f"left: 1 session that nobody has collected ({long_s:.0f} s), 1 collected" in printed
    assert "add --yes" in printed
    assert len(left.sessions) == 2
    assert run(["erase", "--yes"]) == 0
    assert "left: erased" in capsys.readouterr().out
    assert not left.sessions


def test_erase_refuses_while_a_session_runs(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    left.press()
    assert run(["erase", "--yes"]) == 2
    assert "runs session 5: end it with its button" in capsys.readouterr().err


class Answering(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_erase_takes_no_for_an_answer(
    left: StoringInsole, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk(300, left)
    monkeypatch.setattr("sys.stdin", Answering("n\n"))
    assert run(["erase"]) == 0
    printed = capsys.readouterr().err
    assert re.search(r"\(5\.\d minutes\)", printed)  # it walks on until it is stopped
    assert "nothing was erased" in printed
    assert left.sessions


def test_an_empty_store_is_not_asked_about(
    left: StoringInsole, right: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    right.refuses |= dict.fromkeys((wire.ListFrame, wire.EraseFrame), wire.Result.NO_STORE)
    assert run(["erase"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "left: holds no session\n"
    assert "its flash has no room for one); there is nothing to erase" in printed.err
    assert not any(isinstance(command, wire.EraseFrame) for command in left.commands)


def test_a_running_session_is_said_before_anybody_is_asked(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    left.press()
    assert run(["erase"]) == 2
    printed = capsys.readouterr().err
    assert "runs session 5: end it with its button" in printed
    assert "collected" not in printed


def test_both_feet_are_followed_when_one_goes_away(
    left: StoringInsole, right: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(2, left, right)
    left.ready_most_n = right.ready_most_n = 3600
    gone = threading.Thread(target=lambda: (until(lambda: not left.sessions), time.sleep(0.5), left.unplug()))
    ready = threading.Thread(target=lambda: (gone.join(), time.sleep(1), setattr(right, "ready_most_n", 7168)))
    gone.start()
    ready.start()
    assert run(["erase", "--yes"]) == 4
    ready.join()
    printed = capsys.readouterr()
    assert "left: gone while it was being erased; run `retrosole erase` again" in printed.err
    assert "right: erased" in printed.out


def test_a_full_store_says_so(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    walk(2, left)
    left.is_store_full = True
    assert run(["sessions"]) == 0
    assert "left: the store is full: `retrosole fetch` collects what it holds" in capsys.readouterr().out
