"""Walk a virtual insole through the whole chain, and the same walk through the firmware's core on CPython."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import retrosole
from retrosole import wire
from retrosole.device import Insole, LinkLost
from retrosole.samples import unpack12
from retrosole.twin.core import Reenactment
from retrosole.twin.virtual import VirtualInsoles

Counts = NDArray[np.uint16]
SOURCE_RATE_HZ = 1000


def recording(name: str) -> Path:
    """Return a real recording, or skip aloud."""
    folder = os.environ.get("RETROSOLE_RECORDINGS")
    if not folder:
        pytest.skip("NO RECORDINGS, NOT TESTED: set RETROSOLE_RECORDINGS to their folder")
    return Path(folder) / name


@dataclass
class Walked:
    """What arrived of a session: samples by index, frames of each type in order."""

    session: int
    identity: wire.IdentityFrame
    counts: Counts
    came: NDArray[np.bool_]
    strides: list[wire.StrideFrame] = field(default_factory=list)
    contacts: list[wire.ContactFrame] = field(default_factory=list)
    status: list[wire.StatusFrame] = field(default_factory=list)
    insole: Insole | None = None


def walk(port: str, sample_n: int) -> Walked:
    """Record at least `sample_n` samples of a session from a port."""
    with retrosole.connect(port, timeout_s=10.0) as insole:
        session = insole.start()
        n = insole.identity.channel_n
        room = sample_n + 4000
        walked = Walked(session, insole.identity, np.full((room, n), 4095, np.uint16), np.zeros(room, bool))
        walked.insole = insole
        for frame in insole:
            if take(walked, frame) >= sample_n:
                break
        insole.stop()
        for frame in insole.events(timeout_s=0.5):
            take(walked, frame)
    return walked


def take(walked: Walked, frame: object) -> int:
    """Keep a frame; returns the index behind the last sample it brought."""
    assert not isinstance(frame, LinkLost), frame.text
    if isinstance(frame, wire.SamplesFrame):
        counts = unpack12(frame.records, walked.counts.shape[1])
        taken = (counts != 4095).any(axis=1)
        at = frame.first_index + np.flatnonzero(taken)
        at = at[at < len(walked.counts)]
        assert not walked.came[at].any(), "a sample came twice"
        walked.counts[at] = counts[taken][: len(at)]
        walked.came[at] = True
        return frame.first_index + len(counts)
    if isinstance(frame, wire.StrideFrame):
        walked.strides.append(frame)
    elif isinstance(frame, wire.ContactFrame):
        walked.contacts.append(frame)
    elif isinstance(frame, wire.StatusFrame):
        walked.status.append(frame)
    return 0


def source_counts(insoles: VirtualInsoles, side: str, rate_hz: int) -> Counts:
    """Give what the converters of a foot read at the device's rate: the first row belongs to index 0."""
    counts = np.fromfile(insoles.walk.samples[side], "<u2").reshape(-1, len(insoles.walk.channels))
    return counts[:: SOURCE_RATE_HZ // rate_hz]


def expected_frames(walked: Walked, counts: Counts) -> Iterator[bytes]:
    """Give the frames, type and payload, that the core makes of the counts on CPython."""
    identity = walked.identity
    n = identity.channel_n
    core = Reenactment(
        walked.session, identity.zones[:n], identity.rate_hz, identity.baseline[:n], identity.standing[:n]
    )
    for index, row in enumerate(counts.tolist()):
        frame = core.step(index, row)
        if frame:
            yield frame
    frame = core.end()  # what waited for the sample that did not come
    if frame:
        yield frame
