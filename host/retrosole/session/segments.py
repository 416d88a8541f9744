"""The device sessions in one side's log: their sequenced frames by number, each once, however late it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.samples import HEAD_BYTES, missing_records, record_bytes, unpack12
from retrosole.session.bulk import Batch, Places

SEQUENCED = (
    wire.SamplesFrame.TYPE,
    wire.StrideFrame.TYPE,
    wire.ContactFrame.TYPE,
    wire.MarkFrame.TYPE,
)
_SAMPLES = wire.SamplesFrame.TYPE
_NUMBERS = np.dtype([("type", "u1"), ("session", "<u2"), ("seq", "<u4")])  # how all of them begin
_HALF_U16 = 1 << 15

Counts = NDArray[np.uint16]


@dataclass(frozen=True)
class Sequence:
    """Hold the frames of one type of one device session by their numbers: `seq` and where in the log, `at`, both (n,).

    Frame k is row `_row[k]` of batch `_batch[k]`.
    """

    seq: Places
    at: Places
    _batch: Places
    _row: Places
    _batches: list[Batch]

    def __len__(self) -> int:
        return len(self.seq)

    def batches(self) -> Iterator[tuple[Places, Batch]]:
        """Give the frames by length: which of all these are, and the frames."""
        for k in np.flatnonzero(np.bincount(self._batch)).tolist():
            of_batch = np.flatnonzero(self._batch == k)
            rows = self._row[of_batch]
            in_order = len(rows) == int(rows[-1] - rows[0]) + 1 and bool(np.all(np.diff(rows) == 1))
            yield of_batch, self._batches[k].some(slice(rows[0], rows[-1] + 1) if in_order else rows)

    def rows(self) -> list[bytes]:
        """Give each frame, type and payload, in the order of the numbers."""
        out = [b""] * len(self)
        for which, batch in self.batches():
            for k, row in zip(which.tolist(), batch.rows(), strict=True):
                out[k] = row
        return out

    def column(self, name: str) -> Places:
        """Give a field of the fixed beginning of each frame, in the order of the numbers."""
        out = np.zeros(len(self), np.int64)
        for which, batch in self.batches():
            dtype = wire.DTYPES[int(batch.frames[0, 0])]
            out[which] = batch.fields(np.dtype(dtype.descr[: dtype.names.index(name) + 1]))[name]  # type: ignore[union-attr]
        return out


_NOTHING = np.empty(0, np.int64)
NONE = Sequence(_NOTHING, _NOTHING, _NOTHING, _NOTHING, [])


@dataclass
class Segment:
    """Hold what one device session left in a log. A device that was reset, or started anew, begins another."""

    session: int
    first_at: int  # where its first sequenced frame stands in the log
    frames: dict[int, Sequence] = field(default_factory=lambda: dict.fromkeys(SEQUENCED, NONE))
    started: bool = False  # its start is in the log, so that its first sample must be too
    head: wire.SessionHeadFrame | None = None
    end: wire.SessionEndFrame | None = None
    base_idx: int = 0  # where its sample 0 stands among the samples of the side
    to_s: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None  # sample to the session's seconds

    @property
    def samples(self) -> Sequence:
        """Give the samples frames."""
        return self.frames[_SAMPLES]

    def slots(self, channel_n: int) -> tuple[Places, Counts]:
        """Give the index of every record and its counts, in order, holes and padding included."""
        parts = [_unpacked(batch, channel_n) for _, batch in self.samples.batches()]
        if not parts:
            return _NOTHING, np.empty((0, channel_n), np.uint16)
        index, counts = parts[0] if len(parts) == 1 else (np.concatenate([p[k] for p in parts]) for k in (0, 1))
        if np.all(index[1:] > index[:-1]):
            return index, counts
        order = np.argsort(index, kind="stable")
        return index[order], counts[order]

    def seconds(self, index: NDArray[np.float64] | Places, rate_hz: int) -> NDArray[np.float64]:
        """Give the session's seconds of samples of this segment; parts of a sample are fine."""
        index = np.asarray(index, np.float64)
        return (self.base_idx + index) / rate_hz if self.to_s is None else self.to_s(index)


def _unpacked(batch: Batch, channel_n: int) -> tuple[Places, Counts]:
    size = record_bytes(channel_n)
    slot_n = (batch.frames.shape[1] - HEAD_BYTES) // size
    first = batch.fields(wire.DTYPES[_SAMPLES])["first_index"].astype(np.int64)
    counts = unpack12(batch.frames[:, HEAD_BYTES : HEAD_BYTES + slot_n * size], channel_n)
    return (first[:, None] + np.arange(slot_n)).ravel(), counts


def taken_mask(counts: Counts) -> NDArray[np.bool_]:
    """Say for each record whether it is a sample."""
    return ~missing_records(counts)


def serial_distance(session: int, other: int) -> int:
    """Give by how much a session number is later than another: they are 16 bits long and go round."""
    return (session - other + _HALF_U16) % (2 * _HALF_U16) - _HALF_U16


def segments_of(batches: dict[int, list[Batch]]) -> tuple[list[Segment], int]:
    """Sort sequenced frames into device sessions, in the order in which those begin in the log.

    Also give how many frames came more than once; the first of them counts.
    """
    found: dict[int, Segment] = {}
    duplicate_n = 0
    for kind in SEQUENCED:
        if batches.get(kind):
            duplicate_n += _sort_in(kind, batches[kind], found)
    return sorted(found.values(), key=lambda s: s.first_at), duplicate_n


def _sort_in(kind: int, batches: list[Batch], found: dict[int, Segment]) -> int:
    numbers = np.concatenate([batch.fields(_NUMBERS) for batch in batches])
    session, seq = numbers["session"].astype(np.int64), numbers["seq"].astype(np.int64)
    at = np.concatenate([batch.at for batch in batches])
    batch_no = np.repeat(np.arange(len(batches)), [len(batch.at) for batch in batches])
    row = np.concatenate([np.arange(len(batch.at)) for batch in batches])
    order = np.lexsort((at, seq, session))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (np.diff(session[order]) != 0) | (np.diff(seq[order]) != 0)
    kept = order[is_new]
    cuts = np.flatnonzero(np.diff(session[kept])) + 1
    for part in np.split(kept, cuts):
        number, first_at = int(session[part[0]]), int(at[part].min())
        segment = found.setdefault(number, Segment(number, first_at))
        segment.first_at = min(segment.first_at, first_at)
        segment.frames[kind] = Sequence(seq[part], at[part], batch_no[part], row[part], batches)
    return len(order) - len(kept)
