"""Account for every sample and frame of one side: what there was, what is here, and where the rest went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole import wire
from retrosole.session.segments import SEQUENCED, Segment

if TYPE_CHECKING:
    from retrosole.session.sidelog import SideLog

_COUNTS = {
    wire.SamplesFrame.TYPE: "samples_n",
    wire.StrideFrame.TYPE: "stride_n",
    wire.MarkFrame.TYPE: "mark_n",
}


@dataclass(frozen=True)
class Losses:
    """Account for one side of a session; samples: expected = received + lost_line + hole + lost_end.

    lost_line_n: in frames that did not arrive. hole_n: the device says it never took them. lost_end_n: the device
    took them, but the log ends before. frame_lost_n: by type, between those that came. damaged_n:
    pieces of the log that are no frame; torn_bytes: an unfinished last one. dropped_frame_n: frames the device itself
    dropped because nobody read.
    """

    expected_n: int
    received_n: int
    lost_line_n: int
    hole_n: int
    lost_end_n: int
    frame_lost_n: dict[int, int]
    duplicate_n: int
    other_session_n: int
    damaged_n: int
    damaged_bytes: int
    text_n: int
    torn_bytes: int
    unknown_n: int
    dropped_frame_n: int


def account(log: SideLog) -> Losses:
    """Account for one side, from the sequence numbers, the sample indices and what the device told."""
    expected = received = holes = end = 0
    for segment, index, _, taken in log.slots:
        first = 0 if segment.started else int(index[0])
        last = int(index[taken][-1]) + 1 if taken.any() else first
        told = int(log.told_ends_idx[segment.session])
        received += int(taken.sum())
        holes += int(np.sum(~taken[index < max(told, last)]))  # what is filled up behind the end is none
        end += max(told - max(last, int(index[-1]) + 1), 0)
        expected += max(told, last) - first
    begun = {s.session for s in log.segments if s.started} | set(log.started_at)
    for session in begun - {segment.session for segment, *_ in log.slots}:
        expected += int(log.told_ends_idx[session % (1 << 16)])  # not one samples frame of it arrived
        end += int(log.told_ends_idx[session % (1 << 16)])
    return Losses(
        expected_n=expected,
        received_n=received,
        lost_line_n=expected - received - holes - end,
        hole_n=holes,
        lost_end_n=end,
        frame_lost_n={kind: sum(lost_n(s, kind) for s in log.segments) for kind in SEQUENCED},
        duplicate_n=log.duplicate_n,
        other_session_n=log.other_session_n,
        damaged_n=log.damaged_n,
        damaged_bytes=log.damaged_bytes,
        text_n=log.text_n,
        torn_bytes=log.torn_bytes,
        unknown_n=log.unknown_n,
        dropped_frame_n=sum(_dropped(log).values()),
    )


def _dropped(log: SideLog) -> dict[int, int]:
    _, status = log.table(wire.StatusFrame)
    return dict(zip(status["session"].tolist(), status["frame_dropped_n"].tolist(), strict=True))


def lost_n(segment: Segment, kind: int) -> int:
    """Give how many frames of a type are missing between those that came, from their numbers."""
    seq = segment.frames[kind].seq
    if not len(seq):
        return 0
    first = 0 if segment.started else int(seq[0])
    return int(seq[-1]) + 1 - first - len(seq)


def told_n(end: wire.SessionEndFrame | None, kind: int) -> int:
    """Give how many frames of a type the end of a session says there were; 0 when it does not say."""
    return int(getattr(end, _COUNTS[kind])) if end is not None and kind in _COUNTS else 0
