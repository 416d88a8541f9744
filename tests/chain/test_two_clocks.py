"""Two feet whose clocks differ by 50 ppm, behind adapters that hold bytes back.

The truth is what the virtual clocks did: the stand-in machine notes beside each change of its LED what its own clock
and the computer's showed. In real time, for 15 minutes, so in `make soak` only; the same in simulated time, on many
pairs of clocks, is in tests/host/test_session_align.py.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

import retrosole
from retrosole import wire
from retrosole.cli import run
from retrosole.clock import WRAP_US
from retrosole.session.reader import Session
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.virtual import VirtualInsoles
from tests.chain.whole import the_session
from tests.soak import only_in_full

pytestmark = [
    pytest.mark.slow,
    only_in_full,
    pytest.mark.usefixtures("registry"),
]

WALK_S = 900
OPTIONS = SimOptions(interpreter="cpython", gait="backward", seed=6, skew=50.0, jitter=16.0)
WITHIN_S = 0.002
AFTERWARDS_WITHIN_S = 0.010


def unwrapped_s(clock_us: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.unwrap(clock_us.astype(float), period=WRAP_US) / 1e6


def line_of(insoles: VirtualInsoles, side: str) -> tuple[float, float, float]:
    """Give a foot's true clock: (device s, host s) of a point of it, and host seconds in a device's second."""
    rows = [row.split() for row in (insoles.folder / f"{side}.trace").read_text(encoding="utf-8").splitlines()]
    device_s, host_s = (unwrapped_s(np.array([int(row[k]) for row in rows])) for k in (3, 4))
    slope, rest = np.polyfit(device_s - device_s[0], host_s - host_s[0], 1)
    return float(device_s[0]), float(host_s[0] + rest), float(slope)


def off_s(insoles: VirtualInsoles, session: Session, side: str) -> NDArray[np.float64]:
    """Give told minus true seconds of one foot's samples, one of each frame; the zero is the same for both feet."""
    frames = session.frames(side, wire.SamplesFrame)
    device_s = unwrapped_s(np.array([frame.clock_us for frame in frames]))
    from_s, true_s, slope = line_of(insoles, side)
    true_at_s = true_s + (device_s - from_s) * slope
    index, _ = session.samples(side)
    at = np.searchsorted(index, [frame.first_index for frame in frames])
    return session.times_s(side)[at] - true_at_s


def worst_s(insoles: VirtualInsoles) -> float:
    """Give the most that the feet are apart on the session's clock, at its beginning, middle and end."""
    session = the_session()
    assert session.alignment.is_aligned, session.alignment
    slopes = [line_of(insoles, side)[2] for side in ("left", "right")]
    assert slopes[0] / slopes[1] - 1 == pytest.approx(50e-6, abs=25e-6), "the clocks do differ"
    left, right = (off_s(insoles, session, side) for side in ("left", "right"))
    n = min(len(left), len(right))
    apart_s = np.abs(left[:n] - right[:n])
    most_s = float(apart_s.max())
    print(f"apart by {np.median(apart_s) * 1000:.2f} ms (median), {most_s * 1000:.2f} ms at most")
    print(session.alignment.text)
    return most_s


def test_with_a_host_both_feet_are_on_one_clock(capsys: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(OPTIONS) as insoles:
        assert run(["record", "--seconds", str(WALK_S)]) == 0, capsys.readouterr().err
        assert worst_s(insoles) < WITHIN_S


def test_fetched_afterwards_they_are_nearly_so(capsys: pytest.CaptureFixture[str]) -> None:
    with virtual_insoles(OPTIONS) as insoles:
        for port in insoles.ports.values():
            insole = retrosole.connect(port)
            insole.start()
            insole.close(keep_running=True)
        time.sleep(WALK_S)
        assert run(["fetch", "--out", "sessions"]) == 0, capsys.readouterr().err
        assert worst_s(insoles) < AFTERWARDS_WITHIN_S
