"""Links that come and go under a recording, on the real firmware: whatever happens, the session ends complete."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retrosole import wire
from retrosole.cli import run
from retrosole.twin.relay import Pause
from retrosole.twin.sim import SimOptions, VirtualInsoles, virtual_insoles
from tests.chain.whole import RATE_HZ, check_side, the_session
from tests.machines import need
from tests.soak import IN_FULL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registry")]

TIMES = 10 if IN_FULL else 1
WALK_S = 60 * TIMES
UNPLUG_N = 2 * TIMES
ASLEEP_S = 60.0 if IN_FULL else 6.0


def options(**changes: object) -> SimOptions:
    need("unix32")
    wanted = {"interpreter": "unix32", "gait": "backward", "seed": 5, "feet": "left"} | changes
    return SimOptions(**wanted)  # type: ignore[arg-type]


def unplugs(seed: int, n: int, walk_s: float) -> list[Pause]:
    """Give n unplugs of 1 to 20 s at random times, none in another, the last over before the end."""
    dice = random.Random(seed)
    share_s = walk_s / n
    found = []
    for k in range(n):
        for_s = dice.uniform(1.0, min(20.0, 0.7 * share_s))
        at_s = k * share_s + dice.uniform(0.5, share_s - for_s - 2.0)
        found.append(Pause(at_s, for_s))
    return found


def rename(insoles: VirtualInsoles, side: str, name: str) -> None:
    """Have a foot come back under another name from now on."""
    outlet = insoles.relays[side]._outlet
    outlet._link = outlet._link.with_name(name)  # type: ignore[attr-defined]


def record(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "retrosole", "record", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[str], timeout_s: float = 60.0) -> tuple[int, str, str]:
    out, error = process.communicate(timeout=timeout_s)
    assert "Traceback" not in out + error
    return process.returncode, out, error


def until(happened: Callable[[], bool], timeout_s: float = 15.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def until_sampling(insoles: VirtualInsoles) -> None:
    until(lambda: all(relay._session_at_s is not None for relay in insoles.relays.values()))


def test_two_feet_and_random_unplugs(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten minutes with twenty unplugs of 1 to 20 s in full: every sample once, in order.

    In real time: a quicker virtual insole waits for a host that is away.
    """
    seed = 7
    with virtual_insoles(options(feet="both")) as insoles:
        for number, relay in enumerate(insoles.relays.values()):
            relay._unplug = unplugs(seed + number, UNPLUG_N // 2, WALK_S)
        print(f"seed {seed}:", *(relay._unplug for relay in insoles.relays.values()))
        assert run(["record", "--seconds", str(WALK_S)]) == 0, capsys.readouterr().err
        session = the_session()
        for side in ("left", "right"):
            assert check_side(session, side, insoles) >= 0.9 * WALK_S * RATE_HZ
            gone = [frame for frame in session.frames(side, wire.DisconnectFrame) if frame.reason]
            assert len(gone) == UNPLUG_N // 2
    assert capsys.readouterr().out.count("none missing") == 2


def test_a_changed_port_name_and_a_plug_pulled_in_the_middle_of_a_frame() -> None:
    with virtual_insoles(options()) as insoles:
        insoles.relays["left"]._unplug = [Pause(1.01, 1.5), Pause(4.017, 0.5)]
        first = Path(insoles.ports["left"])
        process = record("--seconds", "7")
        until(lambda: not first.is_symlink())
        rename(insoles, "left", "second")
        code, _, error = ended(process)
        assert code == 0, error
        session = the_session()
        ports = [Path(frame.text).name for frame in session.frames("left", wire.ConnectFrame)]
        assert ports == [first.name, "second", "second"]
        check_side(session, "left", insoles)


def test_a_host_that_sleeps_misses_nothing() -> None:
    """While it sleeps nobody reads and nobody asks: the insole samples on, counts what it drops, and stores."""
    with virtual_insoles(options()) as insoles:
        process = record("--seconds", str(ASLEEP_S + 5))
        until_sampling(insoles)
        time.sleep(1.5)
        process.send_signal(signal.SIGSTOP)
        time.sleep(ASLEEP_S)
        process.send_signal(signal.SIGCONT)
        code, _, error = ended(process, 30 + ASLEEP_S)
        assert code == 0, error
        session = the_session()
        assert check_side(session, "left", insoles) >= (ASLEEP_S + 4) * RATE_HZ
        dropped_n = max(frame.frame_dropped_n for frame in session.frames("left", wire.StatusFrame))
        assert dropped_n >= (ASLEEP_S - 5) * RATE_HZ / 26  # it kept counting what it could not send


def test_a_noisy_line_costs_nothing() -> None:
    with virtual_insoles(options(drop=0.0006)) as insoles:
        assert run(["record", "--seconds", str(8 * min(TIMES, 4))]) == 0
        session = the_session()
        assert session.losses["left"].damaged_n > 5, "too little damage to say anything"
        check_side(session, "left", insoles)


@pytest.mark.parametrize("for_s", [0.5, 4.0])
def test_a_flat_battery_ends_a_segment_and_begins_another(for_s: float) -> None:
    """What was not yet in a whole page is gone with the power; all before it, and all after, is there."""
    with virtual_insoles(options()) as insoles:
        insoles.relays["left"]._unpower = [Pause(3.0, for_s)]
        code, _, error = ended(record("--seconds", str(7 + for_s)))
        assert code == 0, error
        assert "goes on" in error
        session = the_session()
        check_side(session, "left", insoles, segment_n=2)
        boots = {frame.boot for frame in session.frames("left", wire.ExchangeFrame)}
        assert len(boots) == 2
