"""Take one side's log apart: its frames, samples and strides, and what is missing.

A torn tail and a damaged middle are read around and counted. Frames that came twice are taken once, and those that came
late, fetched from the insole's store, stand where they belong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.clock import boot_us
from retrosole.errors import DamagedDataError
from retrosole.framing import DamagedFrame, is_text, parse
from retrosole.gait.strides import Stride
from retrosole.samples import HEAD_BYTES, record_bytes
from retrosole.session.bulk import Batch, open_log
from retrosole.session.losses import Losses, account
from retrosole.session.segments import SEQUENCED, Segment, segments_of, serial_distance, taken_mask
from retrosole.session.stride_frames import stride_frames
from retrosole.session.writer import word

_SAMPLES = wire.SamplesFrame.TYPE
_FRACTION = 256  # parts of a sample in a stride's times
_CRC = "crc"

# Read at once, since they say how everything else is to be read; of the others each kind when it is asked for
_NEWS = (
    wire.IdentityFrame.TYPE,
    wire.ReplyFrame.TYPE,
    wire.SessionHeadFrame.TYPE,
    wire.SessionEndFrame.TYPE,
)
_TEXTS = tuple(kind for kind, dtype in wire.DTYPES.items() if _CRC not in (dtype.names or ()) and kind != _SAMPLES)
_JUDGED = (*_TEXTS, wire.IdentityFrame.TYPE, wire.SessionHeadFrame.TYPE)  # what `parse` may find impossible


def _least_bytes(kind: int) -> int:
    """Give the shortest a frame may be, type and payload: one of an older minor version lacks what came since."""
    dtype = wire.DTYPES[kind]
    whole = dtype.itemsize - (4 if _CRC in (dtype.names or ()) else 0)
    return min(whole, *(1 + size for size in wire.OLDER.get(kind, {})), whole)


@dataclass(frozen=True)
class Known:
    """Hold what session.json says of a side, for a log whose identity frames were all damaged."""

    rate_hz: int
    channel_n: int
    session: int


class SideLog:
    """Hold one side's log, taken apart."""

    def __init__(self, side: str, data: bytes, name: str, known: Known | None = None) -> None:
        self.side = side
        self.name = name
        self.is_empty = not data
        self._json = known
        opened = open_log(data)
        self.frame_n, self.torn_bytes = opened.frame_n, opened.torn_bytes
        self.unknown_n = self.other_session_n = 0
        self.text_n = len(opened.text)
        self._short: list[tuple[int, int]] = []  # offset and size of good frames that cannot be what their type says
        self._found: dict[int, list[tuple[int, bytes]]] = {}
        sequenced = self._sort(data, opened.batches)
        self.damaged_n = len(opened.damaged) + len(self._short)
        self.damaged_bytes = int(opened.damaged[:, 1].sum()) + sum(size for _, size in self._short)
        self.damage_at = np.sort(np.concatenate([opened.damaged[:, 0], [at for at, _ in self._short]]).astype(np.int64))
        self.segments, self.duplicate_n = segments_of(sequenced)
        self.started_at = self._starts()
        self._tell_segments()
        self._drop_earlier_session()
        self.identity = self._own_identity()
        if self.segments:
            first = self.segments[0].session
            self.segments.sort(key=lambda s: serial_distance(s.session, first))
        self._place_segments()

    @property
    def is_known(self) -> bool:
        """Say whether rate and channels of this side are known."""
        return self.identity is not None or self._json is not None or self._head is not None

    @property
    def rate_hz(self) -> int:
        """Give the samples per second."""
        return self._known.rate_hz

    @property
    def channel_n(self) -> int:
        """Give the channels of each sample."""
        return self._known.channel_n

    @property
    def _head(self) -> wire.SessionHeadFrame | None:
        """Give the head of the first device session that has one; its rate need not be the one set now."""
        heads = (s.head for s in self.segments if s.head is not None)
        usable = (h for h in heads if h.rate_hz and 0 < h.channel_n <= wire.CHANNEL_N)
        return next(usable, None)

    @cached_property
    def _known(self) -> wire.SessionHeadFrame | wire.IdentityFrame | Known:
        known = self._head or self.identity or self._json
        if known is None:
            raise DamagedDataError(
                f"{self.name} does not say what its samples are (no identity frame and no session.json beside it): "
                "keep the log in its session folder"
            )
        if not known.rate_hz or not 0 < known.channel_n <= wire.CHANNEL_N:
            raise DamagedDataError(
                f"{self.name} says {known.channel_n} channels at {known.rate_hz} Hz, expected 1 to {wire.CHANNEL_N} "
                "channels and some samples a second: it was not written by an insole"
            )
        return known

    # ---- taking apart

    def _sort(self, data: bytes, batches: dict[int, list[Batch]]) -> dict[int, list[Batch]]:
        """Put each frame by its type; give those with a sequence number."""
        sequenced: dict[int, list[Batch]] = {}
        for kind, same in batches.items():
            if kind not in wire.FRAME_CLASSES:
                self.unknown_n += sum(len(batch.at) for batch in same)
                continue
            least = _least_bytes(kind)
            for batch in same:
                if batch.frames.shape[1] < least:
                    for at in batch.at.tolist():
                        self._count_damaged(data, at)
                elif kind in SEQUENCED:
                    sequenced.setdefault(kind, []).append(batch)
                else:
                    self._keep(data, kind, batch)
        for frames in self._found.values():
            frames.sort()
        return sequenced

    def _keep(self, data: bytes, kind: int, batch: Batch) -> None:
        kept = self._found.setdefault(kind, [])
        for at, frame in zip(batch.at.tolist(), batch.rows(), strict=True):
            if kind in _JUDGED and isinstance(parse(frame), DamagedFrame):
                self._count_damaged(data, at)
            else:
                kept.append((at, frame))

    def _count_damaged(self, data: bytes, at: int) -> None:
        """Count a frame whose checksum is right but which cannot be what its type says."""
        size = data.index(b"\0", at) - at
        if is_text(data[at : at + size]):
            self.text_n += 1
        else:
            self._short.append((at, size))

    def told(self, kind: type[Any]) -> list[tuple[int, Any]]:
        """Give (place in the log, frame) of all frames of a class without sequence numbers, as they came."""
        return [(at, parse(frame)) for at, frame in self._found.get(kind.TYPE, [])]

    def table(self, kind: type[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Give place in the log and fields (n,) of all frames of a class that has fixed fields, as they came."""
        dtype = np.dtype([field for field in wire.DTYPES[kind.TYPE].descr if field[0] != _CRC])
        found = self._found.get(kind.TYPE, [])
        joined = b"".join(frame[: dtype.itemsize] for _, frame in found)
        return np.array([at for at, _ in found], np.int64), np.frombuffer(joined, dtype)

    @cached_property
    def identities(self) -> list[tuple[int, wire.IdentityFrame]]:
        """Give place in the log and what the insole said of itself, each time it did."""
        return self.told(wire.IdentityFrame)

    @cached_property
    def boots(self) -> dict[int, int]:
        """Give by session number the start of the insole in which it ran, as far as it was said while it ran."""
        return {who.session: who.boot for _, who in self.identities if who.running}

    def _starts(self) -> dict[int, int]:
        """Give where in the log each device session is first said to begin."""
        starts: dict[int, int] = {}
        running = self._json.session if self._json else None
        for at, who in self.identities:
            if who.running and running is not None and who.session != running:
                starts.setdefault(who.session, at)
            running = who.session
        for at, reply in self.told(wire.ReplyFrame):
            if reply.command == wire.StartFrame.TYPE and reply.result == wire.Result.OK:
                starts[reply.value] = min(at, starts.get(reply.value, at))
        return starts

    def _tell_segments(self) -> None:
        """Tell each device session its head and end, which may have come late."""
        heads = {head.session: (at, head) for at, head in reversed(self.told(wire.SessionHeadFrame))}
        ends = {end.session: end for _, end in self.told(wire.SessionEndFrame)}
        there = {segment.session for segment in self.segments}
        self.segments += [Segment(n, heads[n][0]) for n in ends if n in heads and n not in there]
        for segment in self.segments:
            segment.head = heads[segment.session][1] if segment.session in heads else None
            segment.end = ends.get(segment.session)
            started_at = self.started_at.get(segment.session)
            segment.started = segment.head is not None or (started_at is not None and started_at < segment.first_at)

    def _drop_earlier_session(self) -> None:
        """Leave out the tail of a session that ran before this recording began its own."""
        if len(self.segments) < 2 or self.segments[0].started or not self.segments[1].started:
            return
        earlier, later = self.segments[:2]
        if later.head is not None and later.head.continues == earlier.session:
            return
        if not any(at < later.first_at for at, _ in self.told(wire.DisconnectFrame)):
            self.segments.remove(earlier)
            self.other_session_n += sum(map(len, earlier.frames.values()))

    def _own_identity(self) -> wire.IdentityFrame | None:
        """Give the newest identity that speaks of a session in this log, else the newest of all."""
        numbers = {segment.session for segment in self.segments}
        own = [who for _, who in self.identities if who.running and who.session in numbers]
        known = own or [who for _, who in self.identities]
        return known[-1] if known else None

    def _place_segments(self) -> None:
        """Put each later segment behind the one before it, at the distance that the clocks tell."""
        filled = [segment for segment in self.segments if len(segment.samples)]
        ends_idx = [self.end_idx(segment) for segment in filled]
        for k, (before, segment) in enumerate(pairwise(filled)):
            apart_s = self._apart_s(filled[0], segment)
            apart_idx = 0 if apart_s is None else round(apart_s * self.rate_hz)
            segment.base_idx = max(before.base_idx + ends_idx[k], apart_idx)

    def place_by(self, starts_s: list[float]) -> None:
        """Put the segments that have samples where a common clock says that they begin."""
        filled = [segment for segment in self.segments if len(segment.samples)]
        end_idx = 0
        for segment, start_s in zip(filled, starts_s, strict=True):
            segment.base_idx = max(end_idx, round((start_s - starts_s[0]) * self.rate_hz))
            end_idx = segment.base_idx + self.end_idx(segment)

    def end_idx(self, segment: Segment) -> int:
        """Give the index behind the last record of a segment, padding included."""
        last = len(segment.samples) - 1
        size = next(int(batch.frames.shape[1]) for which, batch in segment.samples.batches() if which[-1] == last)
        return int(segment.samples.column("first_index")[-1]) + (size - HEAD_BYTES) // record_bytes(self.channel_n)

    def _apart_s(self, first: Segment, segment: Segment) -> float | None:
        """Give the time between the beginnings of two segments, None when no clock tells."""
        if first.head is not None and segment.head is not None and first.head.boot == segment.head.boot:
            return (boot_us(segment.head, first.head) - boot_us(first.head, first.head)) / 1e6
        if segment.first_at < first.first_at:
            return None  # one of them was fetched afterwards, so that its place in the log says nothing
        times = [self._host_us(s.first_at) for s in (first, segment)]
        return (times[1] - times[0]) / 1e6 if all(times) else None

    def _host_us(self, offset: int) -> int:
        """Give the host's time of the last host-made frame before an offset; 0 when there is none."""
        places, times_us = self._host_times
        k = int(np.searchsorted(places, offset, side="right")) - 1
        return int(times_us[k]) if k >= 0 else 0

    @cached_property
    def _host_times(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Give place in the log and time of day, in us, of every frame that the host made and dated."""
        tables = [self.table(kind) for kind in (wire.HostClockFrame, wire.ConnectFrame, wire.DisconnectFrame)]
        tables.append(self.table(wire.NoteFrame))
        places = np.concatenate([at for at, _ in tables])
        times_us = np.concatenate([frames["unix_us"] for _, frames in tables])
        order = np.argsort(places)
        return places[order], times_us[order]

    # ---- samples

    @cached_property
    def slots(self) -> list[tuple[Segment, NDArray[np.int64], NDArray[np.uint16], NDArray[np.bool_]]]:
        """Give for each segment the index of every record, its counts, and whether it was taken."""
        filled = [s for s in self.segments if len(s.samples)]
        parts = [(s, *s.slots(self.channel_n)) for s in filled]
        return [(s, index, counts, taken_mask(counts)) for s, index, counts in parts if len(index)]

    @cached_property
    def samples(self) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        """Give index (n,) and counts (n, channel_n) of every sample that was taken and arrived, in order."""
        parts = [
            (s.base_idx + (index if taken.all() else index[taken]), counts if taken.all() else counts[taken])
            for s, index, counts, taken in self.slots
        ]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return np.empty(0, np.int64), np.empty((0, self.channel_n), np.uint16)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def times_s(self) -> NDArray[np.float64]:
        """Give the session's seconds (n,) of the samples that `samples` gives."""
        parts = [s.seconds(index[taken], self.rate_hz) for s, index, _, taken in self.slots]
        return np.concatenate(parts) if parts else np.empty(0)

    # ---- losses

    @cached_property
    def told_ends_idx(self) -> NDArray[np.int64]:
        """Give by session number the highest next sample index that was told: in status, at its end, or listing it."""
        told = np.zeros(1 << 16, np.int64)
        for kind in (wire.StatusFrame, wire.SessionEndFrame, wire.StoredFrame):
            _, frames = self.table(kind)
            np.maximum.at(told, frames["session"], frames["next_index"])
        return told

    @cached_property
    def losses(self) -> Losses:
        """Account for every sample and frame of this side."""
        return account(self)

    # ---- frames

    def frames(self, kind: type[Any]) -> list[Any]:
        """Give the frames of one class in order, each once, as the device sent them."""
        if kind.TYPE not in SEQUENCED:
            return [frame for _, frame in self.told(kind)]
        return [parse(frame) for s in self.segments for frame in s.frames[kind.TYPE].rows()]

    def strides(self) -> Iterator[Stride]:
        """Give this side's strides in order."""
        before_n = 0
        for segment in self.segments:
            sequence = segment.frames[wire.StrideFrame.TYPE]
            for frame in stride_frames(sequence):
                stride = to_stride(frame, self.side, self.rate_hz, segment.base_idx, before_n)
                yield stride if segment.to_s is None else _retimed(stride, frame, segment, self.rate_hz)
            before_n += int(sequence.seq[-1]) + 1 if len(sequence) else 0


_TIMES = ("forefoot_on", "heel_on", "forefoot_off", "heel_off", "final_contact")


def _retimed(stride: Stride, frame: wire.StrideFrame, segment: Segment, rate_hz: int) -> Stride:
    """Put a stride's times on the clock of the session."""
    contact = frame.initial_contact_idx + frame.initial_contact_frac / _FRACTION
    index = [contact, *(contact + getattr(frame, name) / _FRACTION for name in _TIMES)]
    contact_s, *others_s = segment.seconds(np.array(index), rate_hz).tolist()
    times: dict[str, Any] = {
        f"{name}_s": math.nan if getattr(frame, name) == wire.NOT_SEEN else time_s
        for name, time_s in zip(_TIMES, others_s, strict=True)
    }
    detected_s = times["final_contact_s"] + frame.delay / rate_hz
    return replace(stride, initial_contact_s=contact_s, detected_s=detected_s, **times)


def to_stride(frame: wire.StrideFrame, side: str, rate_hz: int, base_idx: int = 0, before_n: int = 0) -> Stride:
    """Turn a stride frame into a row of the stride table; `base_idx` samples and `before_n` strides came before it."""
    contact_s = (base_idx + frame.initial_contact_idx + frame.initial_contact_frac / _FRACTION) / rate_hz

    def seconds(offset: int) -> float:
        return math.nan if offset == wire.NOT_SEEN else contact_s + offset / _FRACTION / rate_hz

    final_s = seconds(frame.final_contact)
    return Stride(
        side=side,
        stride=before_n + frame.seq,
        initial_contact_s=contact_s,
        forefoot_on_s=seconds(frame.forefoot_on),
        heel_on_s=seconds(frame.heel_on),
        forefoot_off_s=seconds(frame.forefoot_off),
        heel_off_s=seconds(frame.heel_off),
        final_contact_s=final_s,
        contact_order=_known_word(wire.Order, frame.contact_order),
        lift_order=_known_word(wire.Order, frame.lift_order),
        direction=_known_word(wire.Direction, frame.walking),
        confidence=frame.confidence / 100,
        forefoot_peak=float(frame.forefoot_peak),
        heel_peak=float(frame.heel_peak),
        forefoot_impulse=frame.forefoot_impulse * wire.SCALE["stride.forefoot_impulse"],
        heel_impulse=frame.heel_impulse * wire.SCALE["stride.heel_impulse"],
        detected_s=final_s + frame.delay / rate_hz,
    )


@lru_cache(256)  # three words a stride: looking them up anew is a quarter of reading a session's strides
def _known_word(words: Any, value: int) -> str:
    """Give the word of a number; "unknown" for one that a newer device may send."""
    text = word(words, value)
    return "unknown" if text.isdecimal() else text
