"""What a complete session is: every sample once and in order, as the sensor gave it, and every stride."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retrosole import wire
from retrosole.session.reader import Session, open_session
from retrosole.twin.virtual import VirtualInsoles
from tests.chain.walks import source_counts

RATE_HZ = 200


def the_session(root: Path = Path("sessions")) -> Session:
    (folder,) = root.iterdir()
    return open_session(folder)


def check_side(session: Session, side: str, insoles: VirtualInsoles | None = None, segment_n: int = 1) -> int:
    """Check one foot; give how many samples it has."""
    losses = session.losses[side]
    assert losses.expected_n == losses.received_n > 0, losses
    missing = {kind: n for kind, n in losses.frame_lost_n.items() if kind != wire.ContactFrame.TYPE and n}
    assert not missing, missing
    index, counts = session.samples(side)
    if segment_n == 1:
        assert np.array_equal(index, np.arange(len(index)))
        if insoles is not None:
            source = source_counts(insoles, side, RATE_HZ)
            n = min(len(source), len(counts))
            assert np.array_equal(counts[:n], source[:n]), "a count differs from what the sensor gave"
    sessions = {frame.session for frame in session.frames(side, wire.SamplesFrame)}
    assert len(sessions) == segment_n
    for number in sessions:
        strides = [frame.seq for frame in session.frames(side, wire.StrideFrame) if frame.session == number]
        assert strides == list(range(len(strides)))
        ends = [end for end in session.frames(side, wire.SessionEndFrame) if end.session == number]
        for end in ends:
            assert (end.stride_n, end.lost_n, end.unstored_n) == (len(strides), 0, 0)
    assert np.all(np.diff(index) >= 1), "a sample came twice, or out of order"
    return len(index)
