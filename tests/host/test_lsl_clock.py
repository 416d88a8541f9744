"""How the time stamps of the live stream follow an insole's clock, over a long walk and across what may happen."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pty_insole import identity, samples_frame

from retrosole import wire
from retrosole.clock import WRAP_US, ClockTracker
from retrosole.lsl import NOT_READ, _FootStream
from retrosole.samples import pack12

pylsl = pytest.importorskip("pylsl")

PERIOD_S = 0.005
N = 26  # records in a frame


class Kept:
    """Keep what is pushed, as an outlet that nobody listens to would throw away."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.stamps: list[float] = []

    def push_chunk(self, values: Any, stamps: list[float]) -> None:
        self.values += values.tolist()
        self.stamps += stamps


class Walk:
    """Walk on a clock that runs `ppm` fast, is asked every second and answered with the delays of a USB adapter."""

    def __init__(self, ppm: float, seed: int) -> None:
        self.stream = _FootStream(pylsl, "left", SimpleNamespace(identity=identity()))  # type: ignore[arg-type]
        self.kept = Kept()
        self.stream._outlet = self.kept
        self.insole = SimpleNamespace(identity=identity(), clock=ClockTracker())
        self.dice = random.Random(seed)
        self.rate = 1 + ppm * 1e-6
        self.first_us = 900_000_000  # not long before its clock wraps
        self.truth: list[float] = []

    def ask(self, host_s: float) -> None:
        there_s, back_s = self.dice.uniform(0.0003, 0.0015), self.dice.uniform(0.001, 0.004)
        clock_us = self.first_us + round(host_s * self.rate * 1e6)
        uptime_s = clock_us // 1_000_000
        frame = wire.ClockFrame(tag=1, clock_us=clock_us % WRAP_US, uptime_s=uptime_s, next_index=0)
        self.insole.clock.add(host_s - there_s, host_s + back_s, frame)

    def push(self, seq: int, seq_in_session: int | None = None) -> None:
        device_s = seq * N * PERIOD_S  # as the insole counts
        clock_us = (self.first_us + round(device_s * 1e6)) % WRAP_US
        made = samples_frame(4, seq if seq_in_session is None else seq_in_session)
        frame = wire.SamplesFrame(made.session, made.seq, made.first_index, clock_us, made.records)
        before_n = len(self.kept.stamps)
        self.stream.push(self.insole, frame)  # type: ignore[arg-type]
        index = np.array([row[0] for row in self.kept.values[before_n:]]) - made.first_index
        self.truth += ((device_s + index * PERIOD_S) / self.rate).tolist()

    def off_s(self) -> Any:
        return np.array(self.kept.stamps) - np.array(self.truth) - self.stream._clock_s


@pytest.mark.parametrize("ppm", [0.0, 40.0, -100.0])
def test_ten_minutes(ppm: float) -> None:
    walk = Walk(ppm, 7)
    asked_s = 0.0
    walk.ask(0.0)
    for seq in range(int(600 / (N * PERIOD_S))):
        while asked_s + 1 < seq * N * PERIOD_S:
            asked_s += 1
            walk.ask(asked_s)
        walk.push(seq)
    stamps = np.array(walk.kept.stamps)
    assert (
        len(stamps) > 118_000 and np.all(np.diff(stamps) > 0.9 * PERIOD_S) and np.all(np.diff(stamps) < 1.1 * PERIOD_S)
    )
    off_s = walk.off_s()
    print(f"{ppm:+.0f} ppm: {1e3 * off_s.mean():+.2f} ms in the mean, {1e3 * np.abs(off_s).max():.2f} ms at most")
    assert np.abs(off_s).max() < 0.003  # half of the slowest answer


def test_nothing_is_streamed_before_the_clock_is_known() -> None:
    walk = Walk(0.0, 1)
    walk.push(0)
    assert walk.stream.early_n == N and not walk.kept.stamps and walk.stream.start_s(4) is None
    walk.ask(0.2)
    walk.push(1)
    assert len(walk.kept.stamps) == N and walk.kept.values[0][0] == N
    assert abs(walk.stream.start_s(4) - walk.stream._clock_s) < 0.003  # type: ignore[operator]
    assert walk.stream.start_s(3) is None  # another session's


def test_a_hole_leaves_its_time_and_a_reset_is_followed_at_once() -> None:
    walk = Walk(0.0, 1)
    walk.ask(0.0)
    for seq in (0, 1, 5):
        walk.push(seq)
    stamps = np.array(walk.kept.stamps)
    assert abs(stamps[2 * N] - stamps[2 * N - 1] - (3 * N + 1) * PERIOD_S) < 1e-3
    walk.insole.clock, walk.first_us, before_n = ClockTracker(), 5_000, len(stamps)
    walk.ask(10.0)
    walk.push(77, seq_in_session=0)
    assert np.abs(walk.off_s()[before_n:]).max() < 0.003 and walk.kept.values[before_n][0] == 0


def test_what_is_missing_is_told_apart() -> None:
    walk = Walk(0.0, 1)
    walk.ask(0.0)
    counts = np.full((N, 6), 100, np.uint16)
    counts[3, 2] = wire.MISSING_COUNT  # one channel was not read
    counts[5:7] = wire.MISSING_COUNT  # two samples were not taken
    walk.stream.push(walk.insole, wire.SamplesFrame(4, 0, 0, walk.first_us, pack12(counts)))  # type: ignore[arg-type]
    assert [row[0] for row in walk.kept.values] == [k for k in range(N) if k not in (5, 6)]
    assert [row for row in walk.kept.values if NOT_READ in row] == [[3, 100, 100, NOT_READ, 100, 100, 100]]
    assert abs(walk.kept.stamps[5] - walk.kept.stamps[4] - 3 * PERIOD_S) < 1e-9
