"""What came and what did not: every frame and sample of a session, counted as it arrives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from retrosole import wire
from retrosole.framing import DamagedFrame, Message, UnknownFrame
from retrosole.samples import missing_records, record_bytes, unpack12

STORED_TYPES = (wire.SamplesFrame.TYPE, wire.StrideFrame.TYPE, wire.MarkFrame.TYPE)
_RUNS_KEPT_N = 20_000  # of frames without a gap: beyond that the oldest gaps are given up, so memory has a bound


@dataclass
class Run:
    """Hold frames that came without a gap: seq to end_seq - 1, which tell of samples from first_idx to end_idx - 1."""

    seq: int
    end_seq: int
    first_idx: int
    end_idx: int


@dataclass(frozen=True)
class Gap:
    """Name frames that have not come, and between which samples they lie; end_idx None: nobody knows yet."""

    seq: int
    end_seq: int
    first_idx: int
    end_idx: int | None


@dataclass
class FrameCount:
    """Count the frames of one type within a session, from their sequence numbers.

    `next_seq` is one more than the highest that came; counting begins at its first value, or with the first frame.
    """

    received_n: int = 0
    duplicate_n: int = 0
    out_of_order_n: int = 0
    lost_n: int = 0
    next_seq: int | None = None
    runs: list[Run] = field(default_factory=list)
    _base: int | None = None

    def add(self, seq: int, first_idx: int = 0, end_idx: int = 0) -> bool:
        """Count a frame that tells of these samples; False when it came before."""
        if self._base is None:
            self._base = seq if self.next_seq is None else self.next_seq
            self.next_seq = self._base
        assert self.next_seq is not None
        if seq >= self.next_seq:
            self.lost_n += seq - self.next_seq
            self.next_seq = seq + 1
            self._append(seq, first_idx, end_idx)
        elif seq >= self._base and self._insert(seq, first_idx, end_idx):
            self.lost_n -= 1
            self.out_of_order_n += 1
        else:
            self.duplicate_n += 1
            return False
        self.received_n += 1
        return True

    def gaps(self, total_n: int = 0, end_idx: int | None = None) -> Iterator[Gap]:
        """Give what has not come, in order; `total_n` frames and samples up to `end_idx` are known to exist."""
        at_seq, at_idx = self._base or 0, 0
        for run in self.runs:
            if run.seq > at_seq:
                yield Gap(at_seq, run.seq, at_idx, run.first_idx)
            at_seq, at_idx = run.end_seq, run.end_idx
        if total_n > at_seq:
            yield Gap(at_seq, total_n, at_idx, end_idx)

    @property
    def end_idx(self) -> int:
        """Give the sample behind the last that any frame told of."""
        return self.runs[-1].end_idx if self.runs else 0

    def _append(self, seq: int, first_idx: int, end_idx: int) -> None:
        if self.runs and self.runs[-1].end_seq == seq:
            self.runs[-1].end_seq, self.runs[-1].end_idx = seq + 1, end_idx
            return
        self.runs.append(Run(seq, seq + 1, first_idx, end_idx))
        if len(self.runs) > _RUNS_KEPT_N:
            oldest = self.runs.pop(0)
            self.runs[0].seq, self.runs[0].first_idx = oldest.seq, oldest.first_idx

    def _insert(self, seq: int, first_idx: int, end_idx: int) -> bool:
        at = bisect_right(self.runs, seq, key=lambda run: run.seq)
        before = self.runs[at - 1] if at else None
        after = self.runs[at] if at < len(self.runs) else None
        if before is not None and seq < before.end_seq:
            return False
        if before is not None and before.end_seq == seq:
            before.end_seq, before.end_idx = seq + 1, end_idx
            if after is not None and after.seq == before.end_seq:
                before.end_seq, before.end_idx = after.end_seq, after.end_idx
                del self.runs[at]
        elif after is not None and after.seq == seq + 1:
            after.seq, after.first_idx = seq, first_idx
        else:
            self.runs.insert(at, Run(seq, seq + 1, first_idx, end_idx))
        return True


@dataclass
class Ledger:
    """Account for every sample and frame of one session.

    `sample_n` are samples that came, `lost_sample_n` those in frames that did not, `hole_n` those that the device
    says it never took. Missing records at the very end of the last frame are padding and count as nothing.
    `head` and `end` are what the device said when the session began and ended.
    """

    channel_n: int
    session: int | None = None
    frames: dict[int, FrameCount] = field(default_factory=dict)
    sample_n: int = 0
    hole_n: int = 0
    damaged_n: int = 0  # pieces of the line that are no frame, or frames too short for their type
    unknown_n: int = 0
    other_session_n: int = 0
    head: wire.SessionHeadFrame | None = None
    end: wire.SessionEndFrame | None = None
    slot_n: int = 0  # records in one samples frame; 0 before the first
    _open_n: int = 0  # missing records at the end of the newest frame: holes only if another frame follows

    @property
    def lost_sample_n(self) -> int:
        """Give the samples that were in frames which did not arrive."""
        count = self.frames.get(wire.SamplesFrame.TYPE)
        return count.lost_n * self.slot_n if count else 0

    @property
    def next_idx(self) -> int:
        """Give the sample behind the last that came."""
        count = self.frames.get(wire.SamplesFrame.TYPE)
        return count.end_idx if count else 0

    def begin(self, session: int) -> None:
        """Begin to count a session from its first frame on; damage already seen stays counted."""
        self.session = session
        kinds = (wire.SamplesFrame, wire.StrideFrame, wire.ContactFrame, wire.MarkFrame)
        self.frames = {kind.TYPE: FrameCount(next_seq=0) for kind in kinds}
        self.sample_n = self.hole_n = self._open_n = 0
        self.head = self.end = None

    def add(self, message: Message) -> bool:
        """Count a frame; False when it is to be dropped: seen before, damaged, or of another session."""
        if isinstance(message, DamagedFrame):
            self.damaged_n += 1
            return False
        if isinstance(message, UnknownFrame):
            self.unknown_n += 1
            return True
        if isinstance(message, wire.SessionHeadFrame | wire.SessionEndFrame):
            return self._add_border(message)
        if not hasattr(message, "seq"):
            return True
        if self.session is None:
            self.session = message.session
        if message.session != self.session:
            self.other_session_n += 1
            return False
        count = self.frames.setdefault(message.TYPE, FrameCount())
        if isinstance(message, wire.SamplesFrame):
            return self._add_samples(count, message)
        return count.add(message.seq, *_place(message))

    def _add_border(self, message: Message) -> bool:
        if message.session != self.session:
            return True  # of a session that begins now, or of one that somebody fetches
        if isinstance(message, wire.SessionHeadFrame):
            is_news, self.head = self.head is None, message
        else:
            is_news, self.end = self.end is None, message
        return is_news

    def _add_samples(self, count: FrameCount, frame: wire.SamplesFrame) -> bool:
        slot_n, rest = divmod(len(frame.records), record_bytes(self.channel_n))
        is_newest = count.next_seq is None or frame.seq >= count.next_seq
        if not count.add(frame.seq, frame.first_index, frame.first_index + slot_n):
            return False
        if not slot_n or rest:
            self.damaged_n += 1
            return False
        missing = missing_records(unpack12(frame.records, self.channel_n))
        taken = (~missing).nonzero()[0]
        missing_n = len(missing) - len(taken)
        self.sample_n += len(taken)
        self.slot_n = slot_n
        if is_newest:
            trailing_n = len(missing) - 1 - int(taken[-1]) if len(taken) else len(missing)
            self.hole_n += self._open_n + missing_n - trailing_n
            self._open_n = trailing_n
        else:
            self.hole_n += missing_n  # another frame has followed it already
        return True


def _place(message: Message) -> tuple[int, int]:
    """Give the first sample that a small frame tells of, and the one behind which it was made."""
    if isinstance(message, wire.StrideFrame):
        end_idx = message.initial_contact_idx + max(message.final_contact, 0) // 256 + message.delay + 1
        return message.initial_contact_idx, end_idx
    index = int(getattr(message, "index", getattr(message, "initial_contact_idx", 0)))
    return index, index
