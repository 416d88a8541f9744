"""Account for every sample and frame of one side: what there was, what is here, and where the rest went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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


# ------------------------------------------------------------------------------------------------- in seconds


def span_s(log: SideLog) -> tuple[float, float] | None:
    """Give when the first sample of a foot was due and when its last one ended, None when it has none."""
    ends_s = [segment.seconds(np.array(ends), log.rate_hz) for segment, ends in _spans_idx(log)]
    return (float(np.min(ends_s)), float(np.max(ends_s))) if ends_s else None


def _spans_idx(log: SideLog) -> Iterator[tuple[Segment, tuple[int, int]]]:
    for segment, index, _, taken in log.slots:
        first_idx = 0 if segment.started else int(index[0])
        last_idx = int(index[taken][-1]) + 1 if taken.any() else first_idx
        yield segment, (first_idx, max(last_idx, int(log.told_ends_idx[segment.session])))


def duration_s(log: SideLog) -> float:
    """Give the time from the first sample of a foot to its last one, pauses at a reset included."""
    begin_s, end_s = span_s(log) or (0.0, 0.0)
    return max(end_s - begin_s, log.losses.expected_n / log.rate_hz)


def untaken_s(log: SideLog, longer_than_s: float = 0.0) -> NDArray[np.float64]:
    """Give the times in which the insole took no samples, (k, 2) from and to, in order: holes, and around resets.

    Of the holes only those that are longer than something, resets always: how long one took may not be known. What was
    taken and got lost on the way is not among them.
    """
    ends = list(_spans_idx(log))
    holes = [
        segment.seconds(_holes(index, taken, end_idx), log.rate_hz).reshape(-1, 2)
        for (segment, index, _, taken), (_, (_, end_idx)) in zip(log.slots, ends, strict=True)
    ]
    parts = [spans_s[spans_s[:, 1] - spans_s[:, 0] > longer_than_s] for spans_s in holes]
    for (before, (_, end_idx)), (behind, (first_idx, _)) in pairwise(ends):
        edges_s = [before.seconds(np.array([end_idx]), log.rate_hz), behind.seconds(np.array([first_idx]), log.rate_hz)]
        parts.append(np.concatenate(edges_s).reshape(1, 2))
    spans_s = np.concatenate(parts) if parts else np.empty((0, 2))
    return np.asarray(spans_s[np.argsort(spans_s[:, 0], kind="stable")])


def _holes(index: NDArray[np.int64], taken: NDArray[np.bool_], end_idx: int) -> NDArray[np.int64]:
    """Give first index and the one behind the last, in turn, of each run of records that were not taken."""
    missing = index[~taken & (index < end_idx)]
    if not len(missing):
        return missing
    cuts = np.flatnonzero(np.diff(missing) != 1) + 1
    firsts, lasts = missing[np.concatenate([[0], cuts])], missing[np.append(cuts - 1, len(missing) - 1)]
    return np.stack([firsts, lasts + 1], axis=1).ravel()
