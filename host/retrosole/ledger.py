"""What came and what did not: every frame and sample of a session, counted as it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrosole import wire
from retrosole.framing import DamagedFrame, Message, UnknownFrame
from retrosole.samples import missing_records, record_bytes, unpack12

_MISSING_KEPT_N = 10_000  # sequence numbers remembered as lost, in case they come late


@dataclass
class FrameCount:
    """Count the frames of one type within a session, from their sequence numbers."""

    received_n: int = 0
    lost_n: int = 0
    duplicate_n: int = 0
    out_of_order_n: int = 0
    next_seq: int | None = None
    _missing: set[int] = field(default_factory=set)

    def add(self, seq: int) -> bool:
        """Count a frame; False when it is one that came before."""
        if self.next_seq is None:
            self.next_seq = seq
        if seq >= self.next_seq:
            gap_n = seq - self.next_seq
            self.lost_n += gap_n
            if len(self._missing) + gap_n <= _MISSING_KEPT_N:
                self._missing.update(range(self.next_seq, seq))
            self.next_seq = seq + 1
        elif seq in self._missing:
            self._missing.discard(seq)
            self.lost_n -= 1
            self.out_of_order_n += 1
        else:
            self.duplicate_n += 1
            return False
        self.received_n += 1
        return True


@dataclass
class Ledger:
    """Account for every sample and frame of the running session.

    `sample_n` are samples that came, `lost_sample_n` those in frames that did not, `hole_n` those that the device
    says it never took. Missing records at the very end of the last frame are padding and count as nothing.
    """

    channel_n: int
    session: int | None = None
    frames: dict[int, FrameCount] = field(default_factory=dict)
    sample_n: int = 0
    hole_n: int = 0
    damaged_n: int = 0  # pieces of the line that are no frame, or frames too short for their type
    unknown_n: int = 0
    other_session_n: int = 0
    _slot_n: int = 0  # records in one samples frame
    _open_n: int = 0  # missing records at the end of the newest frame: holes only if another frame follows

    @property
    def lost_sample_n(self) -> int:
        """Give the samples that were in frames which did not arrive."""
        count = self.frames.get(wire.SamplesFrame.TYPE)
        return count.lost_n * self._slot_n if count else 0

    def begin(self, session: int) -> None:
        """Begin to count a session from its first frame on; damage already seen stays counted."""
        self.session = session
        kinds = (wire.SamplesFrame, wire.StrideFrame, wire.ContactFrame, wire.MarkFrame)
        self.frames = {kind.TYPE: FrameCount(next_seq=0) for kind in kinds}
        self.sample_n = self.hole_n = self._open_n = 0

    def add(self, message: Message) -> bool:
        """Count a frame; False when it is to be dropped: seen before, damaged, or of another session."""
        if isinstance(message, DamagedFrame):
            self.damaged_n += 1
            return False
        if isinstance(message, UnknownFrame):
            self.unknown_n += 1
            return True
        if not hasattr(message, "seq"):
            return True
        if self.session is None:
            self.session = message.session
        if message.session != self.session:
            self.other_session_n += 1
            return False
        if not self.frames.setdefault(message.TYPE, FrameCount()).add(message.seq):
            return False
        return not isinstance(message, wire.SamplesFrame) or self._add_samples(message)

    def _add_samples(self, frame: wire.SamplesFrame) -> bool:
        if not frame.records or len(frame.records) % record_bytes(self.channel_n):
            self.damaged_n += 1
            return False
        missing = missing_records(unpack12(frame.records, self.channel_n))
        taken = (~missing).nonzero()[0]
        trailing_n = len(missing) - 1 - int(taken[-1]) if len(taken) else len(missing)
        self.sample_n += len(taken)
        self.hole_n += self._open_n + len(missing) - len(taken) - trailing_n
        self._open_n = trailing_n
        self._slot_n = len(missing)
        return True
