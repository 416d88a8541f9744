"""Sessions through the store of the virtual insole: sampling with its stalls, what fits, power taken away."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import retrosole
from retrosole import wire
from retrosole.cli import run
from retrosole.device import Insole, LinkLost
from retrosole.samples import unpack12
from retrosole.twin import launch
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.twin.virtual import VirtualInsoles
from tests.chain.walks import Counts, source_counts
from tests.chain.whole import the_session
from tests.machines import need
from tests.soak import IN_FULL

pytestmark = pytest.mark.slow

WALK_S = 760 if IN_FULL else 90  # with what passes before a host answers again just under the 15 minutes that fit
SPEED = 20.0
LATEST = 0xFFFFFFFF


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def fetched(insole: Insole, session: int) -> dict[int, dict[int, object]]:
    """Fetch a whole session: its frames by type and number; the head and the end under number 0."""
    insole.ledger.begin(session)
    frames: dict[int, dict[int, object]] = {}
    for frame in insole.fetch(session, 0, LATEST):
        assert not isinstance(frame, LinkLost), frame
        if getattr(frame, "session", None) == session:
            frames.setdefault(frame.TYPE, {})[getattr(frame, "seq", 0)] = frame
    return frames


def samples_of(frames: dict[int, dict[int, object]], channel_n: int) -> tuple[Counts, int]:
    """Give all counts of a session in order, padding cut off, and check that no frame is missing."""
    found = frames[wire.SamplesFrame.TYPE]
    assert sorted(found) == list(range(len(found)))
    parts = []
    for seq in range(len(found)):
        frame = found[seq]
        assert isinstance(frame, wire.SamplesFrame)
        counts = unpack12(frame.records, channel_n)
        assert frame.first_index == seq * len(counts)
        parts.append(counts)
    counts = np.concatenate(parts)
    taken = (counts != wire.MISSING_COUNT).any(axis=1)
    return counts, int(np.flatnonzero(taken)[-1]) + 1


@pytest.fixture(params=["cpython", "unix32"])
def insoles(request: pytest.FixtureRequest) -> VirtualInsoles:
    interpreter = "cpython" if request.param == "cpython" else str(need("unix32").argv[0])
    options = SimOptions(gait="backward", feet="left", seed=4, speed=SPEED, interpreter=interpreter)
    with virtual_insoles(options) as running:
        yield running


def test_a_session_that_nobody_listens_to_is_all_there(insoles: VirtualInsoles) -> None:
    """The stalls of every page are in it: 1 ms each, during which no callback is served."""
    port = insoles.ports["left"]
    insole = retrosole.connect(port)
    wait_for_pages(insole, 7000)
    session = insole.start()
    insole.close(keep_running=True)
    time.sleep(WALK_S / SPEED + 6)  # a quick virtual insole waits for a host for five seconds before it goes on alone
    with retrosole.connect(port) as insole:
        insole.stop()
        stored = next(one for one in insole.stored() if one.session == session)
        frames = fetched(insole, session)
        channel_n = insole.identity.channel_n
    counts, sample_n = samples_of(frames, channel_n)
    end = frames[wire.SessionEndFrame.TYPE][0]
    assert isinstance(end, wire.SessionEndFrame)
    assert sample_n >= WALK_S * 200 * 0.9
    assert (end.lost_n, end.unstored_n) == (0, 0)
    assert stored.next_index == end.next_index == sample_n
    assert end.samples_n == len(frames[wire.SamplesFrame.TYPE]) and end.stride_n == len(frames[wire.StrideFrame.TYPE])
    walked = source_counts(insoles, "left", 200)[:sample_n]
    np.testing.assert_array_equal(counts[: len(walked)], walked)


def wait_for_pages(insole: Insole, page_n: int) -> None:
    """Wait until the store has looked at its pages."""
    end_s = time.monotonic() + 60
    for _ in insole.events(timeout_s=20):
        if insole.status is not None and insole.status.store_ready_n >= page_n:
            return
        assert time.monotonic() < end_s, insole.status


def test_a_brown_out_in_the_middle_of_writing_a_page_costs_that_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Power fails at the 14,001st byte that each start writes to flash, in a page, after some seven seconds."""
    start = launch.launcher
    monkeypatch.setattr(launch, "launcher", lambda argv, *rest: start([*argv, "power_cut=14001"], *rest))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    monkeypatch.chdir(tmp_path)
    with virtual_insoles(SimOptions(gait="backward", feet="left", seed=4, interpreter="cpython")) as insoles:
        run(["record", "--seconds", "18"])
        assert insoles.relays["left"].reset_n >= 2
        session = the_session()
        frames = session.frames("left", wire.SamplesFrame)
        assert len({frame.session for frame in frames}) >= 3
        heads = {head.session: head for head in session.frames("left", wire.SessionHeadFrame)}
        told = [(n, heads[n].continues, heads[n].begun) for n in sorted(heads)]
        assert all(continues == n - 1 for n, continues, _ in told[1:]), told
        for number in heads:  # what was told before each cut is here, and up to it nothing is missing
            seqs = [frame.seq for frame in frames if frame.session == number]
            assert seqs == list(range(len(seqs)))
            assert len(seqs) > 10 or number == max(heads), "the last one ends with the recording"
    assert "Traceback" not in "".join(capsys.readouterr())
