"""Long counts: a tenth by default, in full with RETROSOLE_SOAK=1 (`make soak`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import retrosole
from retrosole import wire
from retrosole.clock import WRAP_US, Unwrapper
from retrosole.device import Insole
from retrosole.framing import Splitter
from retrosole.ports import open_link
from retrosole.samples import unpack12
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.chain.test_damage import KINDS, Bank, WatchedLine, made_frames, options, send_through
from tests.chain.test_end_to_end import check_events_are_the_same, check_everything_is_there
from tests.chain.walks import Counts, Walked, source_counts, take
from tests.machines import need
from tests.soak import IN_FULL

pytestmark = pytest.mark.slow

TIMES = 10 if IN_FULL else 1
RATE_HZ = 200
PERIOD_US = 1_000_000 // RATE_HZ
DAMAGED_FRAME_N = 100_000 * TIMES  # over all kinds of damage
HOUR_S = 360 * TIMES
CYCLE_N = 20 * TIMES
REOPEN_N = 20 * TIMES


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


# ------------------------------------------------------------------------------------------------------------ damage


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(made_frames(2497))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_million_frames_through_bad_lines(bank: Bank, kind: str) -> None:
    """From one frame in a hundred hurt to hardly one whole; at the light end about one frame goes per damage."""
    lost_n = damage_n = 0
    for number in range(DAMAGED_FRAME_N // len(KINDS) // len(bank.frames)):
        times = (0.1, 1.0, 10.0)[number % 3]
        line = WatchedLine(**{name: p * times for name, p in KINDS[kind].items()}, seed=(number, 99))
        pass_lost_n = send_through(bank, line, Splitter(), np.random.default_rng(number))
        line.check_cost(pass_lost_n)
        if times < 1:
            lost_n += pass_lost_n
            damage_n += line.damage_n
    assert damage_n >= 50, "too little damage to say anything"
    assert lost_n <= 1.1 * damage_n


# -------------------------------------------------------------------------------------------------------------- time


class Grid:
    """Follow the device's clock over its wraps: samples lie on the timer's grid, whatever the hour."""

    def __init__(self) -> None:
        self._clock = Unwrapper()
        self._first_us: int | None = None
        self.elapsed_us = 0
        self.wrap_n = 0
        self._last_us = 0

    def check(self, frame: object) -> None:
        if not isinstance(frame, wire.SamplesFrame):
            return
        self.wrap_n += frame.clock_us < self._last_us
        self._last_us = frame.clock_us
        now_us = self._clock.unwrap(frame.clock_us)
        if self._first_us is None:
            self._first_us = now_us - frame.first_index * PERIOD_US
        self.elapsed_us = now_us - self._first_us
        assert self.elapsed_us == frame.first_index * PERIOD_US


def walk_long(port: str, seconds: int, grid: Grid) -> Walked:
    """Record so many seconds, the grid checked at every frame."""
    with retrosole.connect(port, timeout_s=10.0) as insole:
        walked = empty(insole, insole.start(), seconds * RATE_HZ + 4000)
        for frame in insole:
            grid.check(frame)
            if take(walked, frame) >= seconds * RATE_HZ:
                break
        insole.stop()
        for frame in insole.events(timeout_s=0.5):
            grid.check(frame)
            take(walked, frame)
    return walked


def empty(insole: Insole, session: int, room: int) -> Walked:
    n = insole.identity.channel_n
    walked = Walked(session, insole.identity, np.full((room, n), wire.MISSING_COUNT, np.uint16), np.zeros(room, bool))
    walked.insole = insole
    return walked


def test_an_hour_without_loss_and_with_the_same_events() -> None:
    """In full it crosses the wrap of the device's clock (17.9 minutes) three times."""
    need("unix32")
    grid = Grid()
    with virtual_insoles(options("unix32", 1, HOUR_S, feet="left")) as insoles:
        walked = walk_long(insoles.ports["left"], HOUR_S, grid)
        source = source_counts(insoles, "left", RATE_HZ)
    check_everything_is_there(walked, source, HOUR_S)
    check_events_are_the_same(walked)
    assert grid.wrap_n >= HOUR_S * 1_000_000 // WRAP_US


# ---------------------------------------------------------------------------------------------------- again and again


@pytest.fixture(params=["cpython", "unix32"])
def brisk(request: pytest.FixtureRequest) -> SimOptions:
    """A left foot eight times as quick as a person."""
    if request.param != "cpython":
        need(request.param)
    return SimOptions(feet="left", interpreter=request.param, speed=8.0, duration_s=20.0)


def check_is_the_source(frames: Iterable[wire.SamplesFrame], source: Counts) -> int:
    """Every sample is the sensor's at its index; returns how many there were."""
    sample_n = 0
    for frame in frames:
        counts = unpack12(frame.records, source.shape[1])
        at = frame.first_index + np.arange(len(counts))
        taken = (counts != wire.MISSING_COUNT).any(axis=1)
        assert np.array_equal(counts[taken], source[np.minimum(at, len(source) - 1)][taken])
        sample_n += int(taken.sum())
    return sample_n


def take_frames(insole: Insole, frame_n: int) -> list[wire.SamplesFrame]:
    """Take that many, and those that came together with the last."""
    frames: list[wire.SamplesFrame] = []
    for frame in insole:
        if isinstance(frame, wire.SamplesFrame):
            frames.append(frame)
        if len(frames) == frame_n:
            break
    return frames + [frame for frame in insole.events(0.0) if isinstance(frame, wire.SamplesFrame)]


def test_start_and_stop_again_and_again(brisk: SimOptions) -> None:
    with virtual_insoles(brisk) as insoles, retrosole.connect(insoles.ports["left"], timeout_s=10.0) as insole:
        source = source_counts(insoles, "left", RATE_HZ)
        sessions = []
        for _ in range(CYCLE_N):
            sessions.append(insole.start())
            frames = take_frames(insole, 3)
            insole.stop()
            frames += [f for f in insole.events(timeout_s=0.0) if isinstance(f, wire.SamplesFrame)]
            assert {frame.session for frame in frames} == {sessions[-1]}
            assert [frame.seq for frame in frames] == list(range(len(frames)))
            assert check_is_the_source(frames, source) == insole.ledger.sample_n > 2 * 26
            assert (insole.ledger.lost_sample_n, insole.ledger.hole_n, insole.damaged_n) == (0, 0, 0)
        assert sessions == list(range(sessions[0], sessions[0] + CYCLE_N))


def test_the_port_is_left_and_opened_again_in_one_session(brisk: SimOptions) -> None:
    """Each time the program is gone without a word, as after a crash: what it missed is counted, nothing else is."""
    with virtual_insoles(brisk) as insoles:
        source, port = source_counts(insoles, "left", RATE_HZ), insoles.ports["left"]
        link = open_link(port, 10.0)
        insole = Insole(link)
        session, ledger, boot = insole.start(), insole.ledger, link.identity.boot
        sample_n = check_is_the_source(take_frames(insole, 3), source)
        for _ in range(REOPEN_N):
            link.transport.close()
            link = open_link(port, 10.0)
            assert (link.identity.running, link.identity.session, link.identity.boot) == (1, session, boot)
            insole = Insole(link)
            waiting = [frame for frame in insole.events(0.0) if ledger.add(frame)]
            insole.ledger = ledger
            came = [frame for frame in waiting if isinstance(frame, wire.SamplesFrame)]
            sample_n += check_is_the_source([*came, *take_frames(insole, 3)], source)
            assert sample_n == ledger.sample_n
        insole.stop()
        tail = [frame for frame in insole.events(timeout_s=0.0) if isinstance(frame, wire.SamplesFrame)]
        insole.close()
    sample_n += check_is_the_source(tail, source)
    assert sample_n == ledger.sample_n
    assert ledger.hole_n == 0
    count = ledger.frames[wire.SamplesFrame.TYPE]
    assert count.received_n + count.lost_n == count.next_seq
    assert count.duplicate_n == 0
