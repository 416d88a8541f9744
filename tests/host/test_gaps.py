"""Gaps in a recording: known exactly, filled from a scripted insole's store, whatever happened to the link."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pty_insole import PtyInsole, own_id
from storing_insole import StoringInsole

from retrosole import open_session, recorder, wire
from retrosole.cli import run
from retrosole.ledger import FrameCount
from retrosole.seeker import Seeker
from retrosole.session.reader import Session

pytestmark = pytest.mark.slow  # seconds each, on ports: not in make check

SPEED = 4.0

# ------------------------------------------------------------------------------------------------------------ ledger


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), max_size=120), st.integers(0, 70))
def test_gaps_are_what_has_not_come_in_whatever_order(order: list[int], total_n: int) -> None:
    count = FrameCount(next_seq=0)
    seen: set[int] = set()
    for seq in order:
        assert count.add(seq, seq * 26, seq * 26 + 26) == (seq not in seen)
        seen.add(seq)
    whole = set(range(max(max(seen, default=-1) + 1, total_n)))
    gaps = list(count.gaps(total_n, total_n * 26))
    assert {seq for gap in gaps for seq in range(gap.seq, gap.end_seq)} == whole - seen
    assert count.lost_n == len(set(range(count.next_seq or 0)) - seen)
    assert (count.received_n, count.duplicate_n) == (len(seen), len(order) - len(seen))
    assert all((gap.first_idx, gap.end_idx) == (gap.seq * 26, gap.end_seq * 26) for gap in gaps)


def test_the_memory_of_gaps_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrosole.ledger._RUNS_KEPT_N", 50)
    count = FrameCount(next_seq=0)
    for seq in range(0, 1000, 2):
        assert count.add(seq)
    assert len(count.runs) <= 50
    assert (count.received_n, count.lost_n) == (500, 499)


# ------------------------------------------------------------------------------------------------------------ seeker


def register(folder: Path, insole: PtyInsole, name: str) -> None:
    (folder / f"{name}.json").write_text(json.dumps({"pid": os.getpid(), "side": "left", "port": insole.port}))


def until(happened: Callable[[], object], timeout_s: float = 10.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def test_insoles_that_changed_their_ports_are_each_found(registry: Path) -> None:
    ids = [own_id(1), own_id(2)]
    there = [PtyInsole(device_id=one) for one in ids]
    seeker = Seeker(set)
    for one, other in zip(ids, reversed(there), strict=True):
        seeker.seek(one, other.port)
    links = []
    for one, insole in zip(ids, there, strict=True):
        until(lambda one=one: links.append(found) or True if (found := seeker.take(one)) else False)  # type: ignore[misc]
        assert (links[-1].identity.device_id, links[-1].transport.port) == (one, insole.port)
        links[-1].transport.close()
    seeker.close()
    for insole in there:
        insole.vanish()


def test_a_strangers_port_is_asked_once_and_a_port_in_use_never(registry: Path) -> None:
    stranger, busy = PtyInsole(device_id=own_id(7)), PtyInsole(device_id=own_id(6))
    register(registry, stranger, "a")
    register(registry, busy, "b")
    seeker = Seeker(lambda: {busy.port})
    seeker.seek(own_id(1), "/dev/not-there")
    until(lambda: stranger.commands)
    time.sleep(2.5)
    assert sum(isinstance(command, wire.HelloFrame) for command in stranger.commands) == 1
    assert not busy.commands
    wanted = PtyInsole(device_id=own_id(1))
    register(registry, wanted, "c")
    until(lambda: wanted.commands, 1.5)  # a new port is tried at once, however long nothing came
    seeker.close()
    for insole in (stranger, busy, wanted):
        insole.vanish()


# ---------------------------------------------------------------------------------------------------------- recorder


@pytest.fixture
def left(registry: Path) -> Iterator[StoringInsole]:
    with StoringInsole(registry, speed=SPEED) as insole:
        yield insole


def recorded_while(what: Callable[[], None], *arguments: str) -> tuple[int, Session]:
    """Record for six seconds, during which something happens."""
    errors: list[BaseException] = []

    def happen() -> None:
        try:
            time.sleep(1.5)
            what()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=happen)
    thread.start()
    code = run(["record", "--seconds", "6", *arguments])
    thread.join()
    assert not errors
    (folder,) = Path("sessions").iterdir()
    return code, open_session(folder)


def check_whole(session: Session, insole: StoringInsole, side: str = "left") -> None:
    losses = session.losses[side]
    assert losses.expected_n == losses.received_n
    strides = {(frame.session, frame.seq) for frame in session.frames(side, wire.StrideFrame)}
    numbers = {frame.session for frame in session.frames(side, wire.SamplesFrame)}
    for number in numbers:
        stored = insole.sessions[number]
        assert len({frame.seq for frame in session.frames(side, wire.SamplesFrame) if frame.session == number}) == (
            stored.seq
        )
        came = {seq for one, seq in strides if one == number}
        assert came >= set(range(stored.stride_n))
        assert came == set(range(len(came))), "what was lost with the power came, too, or is missing in the middle"
        assert stored.kept == wire.Kept.COLLECTED


def test_unplugged_under_other_names_on_a_noisy_line(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    left.drop = 0.02

    def replug() -> None:
        for name in ("tty-another", "tty-yet-another"):
            left.unplug()
            time.sleep(0.7)
            left.name = name
            left.plug()
            time.sleep(0.8)

    code, session = recorded_while(replug)
    assert code == 0, capsys.readouterr().err
    check_whole(session, left)
    assert len(session.frames("left", wire.ConnectFrame)) == 3


@pytest.mark.parametrize("how", ["reset", "reset twice away", "off", "button"])
def test_a_session_that_is_cut_short_and_its_successors_are_all_there(
    left: StoringInsole, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def cut() -> None:
        if how == "reset":
            left.reset()
        elif how == "off":
            left.unplug()
            left.reset(resumes=False)
            time.sleep(0.5)
            left.plug()
        elif how == "button":
            left.press()
        else:
            left.unplug()
            for _ in range(2):
                time.sleep(0.4)
                left.reset()
            time.sleep(0.4)
            left.plug()

    code, session = recorded_while(cut)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    words = {"off": "goes on with a new session", "button": "ended by its button"}
    assert words.get(how, "it was reset and goes on by itself") in printed.err
    check_whole(session, left)
    assert len(left.sessions) == {"reset": 2, "off": 2, "button": 1}.get(how, 3)


def test_what_the_store_never_had_is_said_and_the_rest_is_kept(
    left: StoringInsole, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose() -> None:
        left.is_store_full = True
        left.unplug()
        time.sleep(0.5)
        left.plug()
        left.is_store_full = False

    code, session = recorded_while(lose)
    assert code == 0
    assert "frames could not be had from its store" in capsys.readouterr().err
    losses = session.losses["left"]
    assert 0 < losses.expected_n - losses.received_n < 0.9 * SPEED * 200
    assert left.sessions[5].kept == wire.Kept.COLLECTED


def test_the_one_foot_gone_does_not_end_the_other(
    left: StoringInsole, registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recorder, "GONE_WAIT_S", 0.5)
    with StoringInsole(registry, speed=SPEED, device_id=own_id(1), foot=wire.Side.RIGHT) as right:
        code, session = recorded_while(right.unplug)
        printed = capsys.readouterr()
        assert code == 4
        assert "right: waiting 0 s for it to come back; Ctrl-C does not wait" in printed.err
        last = printed.err.splitlines()[-1]
        assert "is gone, what was received is kept" in last and "`retrosole fetch` gets it" in last
        check_whole(session, left)
        assert session.losses["left"].received_n > 5 * SPEED * 200
        right.plug()
        assert run(["fetch"]) == 0
        check_whole(open_session(session.path), right, "right")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_it_whole_and_a_second_one_leaves_the_rest_in_the_store(
    left: StoringInsole, registry: Path, times: int
) -> None:
    command = [sys.executable, "-m", "retrosole", "record"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: left.sessions)
    time.sleep(0.5)
    left.unplug()
    left.skip(120)
    left.plug()
    until(lambda: any(isinstance(command, wire.FetchFrame) for command in left.commands))
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    out, error = process.communicate(timeout=30)
    assert "Traceback" not in out + error
    assert process.returncode == 130
    (folder,) = Path("sessions").iterdir()
    assert "; Ctrl-C leaves them to `retrosole fetch`" in error, error
    if times == 2:
        assert "pages are still in its store: `retrosole fetch` gets it" in error
        assert left.sessions[5].kept == wire.Kept.UNCOLLECTED
        assert run(["fetch"]) == 0
    check_whole(open_session(folder), left)


def test_a_log_that_lacks_what_came_is_filled_again_before_the_insole_may_forget(
    left: StoringInsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(1)
    append = recorder.SessionWriter.append
    lacking = [100]  # chunks to come, of which every tenth is not kept

    def forgetful(writer: recorder.SessionWriter, side: str, data: bytes) -> None:
        lacking[0] -= 1
        append(writer, side, b"\0" if lacking[0] > 0 and dice.random() < 0.1 else data)

    monkeypatch.setattr(recorder.SessionWriter, "append", forgetful)
    code, session = recorded_while(lambda: None)
    assert code == 0
    assert session.losses["left"].damaged_n > 3
    check_whole(session, left)


def test_what_was_only_shown_may_be_erased(left: StoringInsole, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", "--seconds", "1"]) == 0
    assert left.sessions[5].kept == wire.Kept.COLLECTED
    assert not any(isinstance(command, wire.FetchFrame) for command in left.commands)
