"""The whole chain on real interpreters: every sample accounted for, the same events on each, through pty and host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrosole import wire
from retrosole.framing import CRC_BYTES, pack
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.chain.walks import Walked, expected_frames, recording, source_counts, walk
from tests.machines import need
from tests.soak import only_in_full

RATE_HZ = 200
SECONDS = 60
SOURCES = ("model", "gaitpdb/GaCo01_01.txt.gz")


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def options(source: str, interpreter: str, **more: object) -> SimOptions:
    name = source if source == "model" else str(recording(source))
    return SimOptions(source=name, feet="left", interpreter=interpreter, **more)  # type: ignore[arg-type]


def walked_with(sim: SimOptions, seconds: int) -> tuple[Walked, np.ndarray]:
    with virtual_insoles(sim) as insoles:
        walked = walk(insoles.ports["left"], seconds * RATE_HZ)
        return walked, source_counts(insoles, "left", RATE_HZ)


def check_everything_is_there(walked: Walked, source: np.ndarray, seconds: int) -> None:
    last = int(np.flatnonzero(walked.came)[-1])
    assert last + 1 >= seconds * RATE_HZ
    assert walked.came[: last + 1].all(), f"missing: {np.flatnonzero(~walked.came[: last + 1])[:10]}"
    n = min(last + 1, len(source))
    assert np.array_equal(walked.counts[:n], source[:n]), "a count differs from what the sensor gave"
    ledger = walked.insole.ledger if walked.insole else None
    assert ledger is not None
    assert (ledger.lost_sample_n, ledger.hole_n, ledger.damaged_n, ledger.unknown_n) == (0, 0, 0, 0)
    assert walked.status[-1].lost_n == 0
    assert walked.status[-1].frame_dropped_n == 0


def check_events_are_the_same(walked: Walked) -> None:
    n = int(np.flatnonzero(walked.came)[-1]) + 1
    expected = list(expected_frames(walked, walked.counts[:n]))
    for kind, frames in ((wire.StrideFrame.TYPE, walked.strides), (wire.ContactFrame.TYPE, walked.contacts)):
        assert [pack(frame)[:-CRC_BYTES] for frame in frames] == [e for e in expected if e[0] == kind]
    assert len(walked.strides) >= 20, "too few strides to say anything"


def cases() -> Iterator[object]:
    for source in SOURCES:
        yield pytest.param(source, "unix32", 0.0, id=f"unix32-{source.partition('/')[0]}")
        marks = (pytest.mark.slow, only_in_full) if source == "model" else pytest.mark.slow  # it takes the minute
        yield pytest.param(source, "rv32", 1.0, id=f"rv32-{source.partition('/')[0]}", marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "interpreter", "speed"), list(cases()))
def test_sixty_seconds_without_loss_and_with_the_same_events(source: str, interpreter: str, speed: float) -> None:
    need(interpreter)
    walked, counts = walked_with(options(source, interpreter, speed=speed, gait="backward"), SECONDS)
    check_everything_is_there(walked, counts, SECONDS)
    check_events_are_the_same(walked)


def test_ten_seconds_on_cpython_like_the_others() -> None:
    walked, counts = walked_with(options("model", "cpython", speed=0.0, gait="backward"), 10)
    check_everything_is_there(walked, counts, 10)
    n = int(np.flatnonzero(walked.came)[-1]) + 1
    expected = [e for e in expected_frames(walked, walked.counts[:n]) if e[0] == wire.StrideFrame.TYPE]
    assert [pack(frame)[:-CRC_BYTES] for frame in walked.strides] == expected
    assert len(expected) >= 4


@pytest.mark.slow
@pytest.mark.parametrize(("board", "channel_n"), [("esp32_s3", 8), ("esp32_c3", 5), ("insole_s3", 8)])
def test_other_boards(board: str, channel_n: int) -> None:
    walked, counts = walked_with(options("model", "cpython", speed=0.0, gait="backward", board=board), 8)
    assert walked.identity.channel_n == channel_n
    check_everything_is_there(walked, counts, 8)
    assert len(walked.strides) >= 3
    assert all(s.walking == wire.Direction.BACKWARD for s in walked.strides)


def test_strides_are_those_of_the_truth(tmp_path: Path) -> None:
    need("unix32")
    truth = tmp_path / "truth.csv"
    walked, _ = walked_with(options("model", "unix32", speed=0.0, gait="backward", truth=truth, seed=4), 40)
    rows = [line.split(",") for line in truth.read_text(encoding="utf-8").splitlines()]
    contacts_s = [float(r[2]) for r in rows[1:] if r[0] == "left" and r[7] and float(r[7]) < 39]
    found_s = [(s.initial_contact_idx + s.initial_contact_frac / 256) / RATE_HZ for s in walked.strides]
    for contact_s in contacts_s:
        assert min(abs(contact_s - one) for one in found_s) < 0.03, contact_s
    assert all(s.walking == wire.Direction.BACKWARD for s in walked.strides)
    assert all(s.contact_order == wire.Order.FOREFOOT_FIRST for s in walked.strides)
