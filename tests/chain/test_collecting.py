"""Collecting from the real firmware's store: recordings that were killed, sessions of the button, and reading again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retrosole import wire
from retrosole.asking import WHOLE_SESSION
from retrosole.cli import run
from retrosole.device import connect
from retrosole.framing import Splitter, parse
from retrosole.session.reader import open_session
from retrosole.twin.sim import SimOptions, VirtualInsoles, virtual_insoles
from tests.chain.whole import RATE_HZ, check_side, the_session
from tests.machines import need
from tests.soak import IN_FULL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registry")]

KILL_N = 20 if IN_FULL else 3
LATEST_S = 1.0  # of data that a killed program may not have put on the disk


def options(**changes: object) -> SimOptions:
    need("unix32")
    wanted = {"interpreter": "unix32", "gait": "backward", "seed": 6, "feet": "left"} | changes
    return SimOptions(**wanted)  # type: ignore[arg-type]


def retrosole(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "retrosole", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(happened: Callable[[], bool], timeout_s: float = 15.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)


def sampled(insoles: VirtualInsoles) -> bool:
    return all(relay._session_at_s is not None for relay in insoles.relays.values())


def newest_clock_us(data: bytes) -> int:
    """Give the device's clock of the newest samples in a log."""
    frames = [parse(frame) for frame in Splitter().feed(data)]
    return max(frame.clock_us for frame in frames if isinstance(frame, wire.SamplesFrame))


@pytest.mark.parametrize("number", range(KILL_N))
def test_a_recording_killed_at_any_moment_is_completed(number: int) -> None:
    """At most a second is missing on the disk, nothing needs repair, and fetch brings the rest."""
    dice = random.Random(number)
    with virtual_insoles(options(feet="both", seed=number)) as insoles:
        process = retrosole("record")
        until(lambda: sampled(insoles))
        time.sleep(dice.uniform(1.5, 6.0))
        sent_n = {side: relay.traffic.to_host_n for side, relay in insoles.relays.items()}
        process.kill()
        process.communicate()
        killed = the_session()
        for side, losses in killed.losses.items():
            assert (losses.lost_line_n, losses.damaged_n, losses.hole_n) == (0, 0, 0)
            missing_n = sent_n[side] - (killed.path / f"{side}.frames").stat().st_size
            assert missing_n < LATEST_S * 3000, "more than a second of the line was not on the disk"
        assert run(["fetch"]) == 0
        session = the_session()
        for side in ("left", "right"):
            n = check_side(session, side, insoles)
            assert n >= killed.losses[side].received_n
            (end,) = session.frames(side, wire.SessionEndFrame)[-1:]
            assert end.next_index == n


def test_a_session_without_a_host_is_fetched_and_the_same_as_the_sensor_gave() -> None:
    with virtual_insoles(options()) as insoles:
        with connect(insoles.ports["left"]) as insole:
            until_ready(insole)
            session = insole.start()
            insole._started = False  # so that closing does not stop it
        time.sleep(12)
        assert run(["fetch", str(session)]) == 0
        n = check_side(the_session(), "left", insoles)
        assert n >= 11 * RATE_HZ
        assert len(the_session().strides) >= 5


def until_ready(insole: object) -> None:
    end_s = time.monotonic() + 20
    for _ in insole.events(timeout_s=5):  # type: ignore[attr-defined]
        status = insole.status  # type: ignore[attr-defined]
        if status is not None and status.store_ready_n > 1000:
            return
        assert time.monotonic() < end_s, status


def test_every_window_of_a_session_gives_its_samples() -> None:
    dice = random.Random(3)
    with virtual_insoles(options(speed=8.0)) as insoles, connect(insoles.ports["left"]) as insole:
        until_ready(insole)
        session = insole.start()
        end_s = time.monotonic() + 3
        for _ in insole.events(1.0):
            if time.monotonic() > end_s:
                break
        insole.stop()
        list(insole.events(0.1))  # what was still on its way
        (entry,) = insole.stored()
        assert (entry.session, entry.ended, entry.kept) == (session, wire.Ended.HOST, wire.Kept.UNCOLLECTED)
        for _ in range(10):
            first = dice.randrange(entry.next_index)
            end = dice.randrange(first + 1, entry.next_index + 200)
            insole.follow(session)
            frames = list(insole.fetch(session, first, end))
            came = [frame.first_index for frame in frames if isinstance(frame, wire.SamplesFrame)]
            assert came == list(range(first - first % 26, min(end, entry.next_index), 26))
        insole.follow(session)
        frames = list(insole.fetch(session, 0, WHOLE_SESSION))
        assert isinstance(frames[-1], wire.FetchedFrame) and frames[-1].last == 1
        assert insole.ledger.end is not None and insole.ledger.head is not None


def test_sessions_and_erase_on_the_real_firmware(capsys: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(options(speed=8.0)) as insoles:
        assert run(["record", "--seconds", "2"]) == 0
        with connect(insoles.ports["left"]) as insole:
            session = insole.start()
            list(zip(range(50), insole.events(1.0), strict=False))
        capsys.readouterr()
        assert run(["sessions"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2].split()[:2] == ["left", str(session)]
        assert lines[-2].split()[-4:] == ["uncollected", "by", "a", "host"]
        assert "% of its store used" in lines[-1]
        assert run(["erase", "--yes"]) == 0
        assert "left: erased" in capsys.readouterr().out
        assert run(["sessions"]) == 0
        assert "left: holds no session" in capsys.readouterr().out
        with connect(insoles.ports["left"]) as insole:
            assert insole.stored() == []


def test_a_fetch_killed_again_and_again_comes_to_its_end() -> None:
    with virtual_insoles(options()) as insoles:
        with connect(insoles.ports["left"]) as insole:
            until_ready(insole)
            insole.start()
            insole._started = False
        time.sleep(25 if IN_FULL else 12)
        size = 0
        for _ in range(3 if IN_FULL else 1):
            process = retrosole("fetch")
            until(lambda size=size: log_size() > size + 9000, 20)  # type: ignore[misc]
            process.kill()
            process.communicate()
            assert log_size() > size
            size = log_size()
        assert run(["fetch"]) == 0
        session = the_session()
        check_side(session, "left", insoles)
        assert session.losses["left"].duplicate_n < 0.3 * len(session.frames("left", wire.SamplesFrame))


def log_size() -> int:
    return sum(path.stat().st_size for path in Path("sessions").glob("*/left.frames"))


def test_a_host_that_stops_reading_does_not_stop_the_sampling() -> None:
    """The port stays open and nobody reads: the insole goes on, drops what it cannot send, and stores it."""
    with virtual_insoles(options()) as insoles:
        with connect(insoles.ports["left"]) as insole:
            until_ready(insole)
            insole.start()
            insole._started = False
            time.sleep(8)  # not one read: the answers pile up, then the host counts as gone
        assert run(["fetch"]) == 0
        n = check_side(open_session(next(Path("sessions").iterdir())), "left", insoles)
        assert n >= 7.5 * RATE_HZ
