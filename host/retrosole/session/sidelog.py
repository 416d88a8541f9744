"""Take one side's log apart: its frames, samples and strides, and what is missing.

A torn tail and a damaged middle are read around and counted. Frames that came twice are taken once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.errors import DamagedDataError
from retrosole.framing import (
    DamagedFrame,
    Message,
    UnknownFrame,
    is_text,
    open_frame,
    parse,
    pieces,
)
from retrosole.gait.strides import Stride
from retrosole.samples import HEAD_BYTES, missing_records, record_bytes, unpack12
from retrosole.session.writer import word

SEQUENCED = (
    wire.SamplesFrame.TYPE,
    wire.StrideFrame.TYPE,
    wire.ContactFrame.TYPE,
    wire.MarkFrame.TYPE,
)
_HEAD_TYPE = wire.SamplesFrame.TYPE
_HEAD = wire.DTYPES[_HEAD_TYPE]
_FRACTION = 256  # parts of a sample in a stride's times


@dataclass(frozen=True)
class Losses:
    """Account for one side of a session; samples: expected = received + lost_line + hole + lost_end.

    lost_line_n: in frames that did not arrive. hole_n: the device says it never took them. lost_end_n: the device
    took them, but the log ends before. frame_lost_n: by type. damaged_n: pieces of the log that are no frame;
    torn_bytes: an unfinished last one. dropped_frame_n: frames the device itself dropped because nobody read.
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


@dataclass(frozen=True)
class Known:
    """Hold what session.json says of a side, for a log whose identity frames were all damaged."""

    rate_hz: int
    channel_n: int
    session: int


@dataclass
class _Segment:
    """Hold the frames of one device session within a log; a reset device begins a new one."""

    session: int
    first_at: int  # where in the log, bytes
    frames: dict[int, dict[int, bytes]]  # type, then sequence number
    started: bool  # its start is in the log, so that its first sample must be too
    base_idx: int = 0  # where its sample 0 stands among the samples of the side


class SideLog:
    """Hold one side's log, taken apart."""

    def __init__(self, side: str, data: bytes, name: str, known: Known | None = None) -> None:
        self.side = side
        self.name = name
        self._json = known
        self.identity: wire.IdentityFrame | None = None
        self.messages: list[tuple[int, Message]] = []  # (offset, frame) of all that is not sequenced or unknown
        self.segments: list[_Segment] = []
        self.frame_n = self.damaged_n = self.damaged_bytes = self.text_n = self.torn_bytes = 0
        self.unknown_n = self.duplicate_n = self.other_session_n = 0
        self._started: set[int] = set()
        self._begun: dict[int, _Segment] = {}
        self.is_empty = not data
        for offset, piece in pieces(data):
            self._take(offset, piece, whole=offset + len(piece) < len(data))
        self._drop_earlier_session()
        self._place_segments()

    @property
    def is_known(self) -> bool:
        """Say whether rate and channels of this side are known."""
        return self.identity is not None or self._json is not None

    @property
    def rate_hz(self) -> int:
        """Give the samples per second."""
        return self._known.rate_hz

    @property
    def channel_n(self) -> int:
        """Give the channels of each sample."""
        return self._known.channel_n

    @property
    def _known(self) -> wire.IdentityFrame | Known:
        known = self.identity or self._json
        if known is None:
            raise DamagedDataError(
                f"{self.name} does not say what its samples are (no identity frame and no session.json beside it): "
                "keep the log in its session folder"
            )
        return known

    # ---- taking apart

    def _take(self, offset: int, piece: bytes, whole: bool) -> None:
        frame = open_frame(piece)
        if frame is None or not whole:
            self._count_damage(piece, whole)
            return
        self.frame_n += 1
        if frame[0] in SEQUENCED:
            self._take_sequenced(offset, frame)
            return
        message = parse(frame)
        if isinstance(message, UnknownFrame):
            self.unknown_n += 1
        elif isinstance(message, DamagedFrame):
            self._count_damage(piece, True)
        else:
            self.messages.append((offset, message))
            self._take_news(message)

    def _count_damage(self, piece: bytes, whole: bool) -> None:
        if not whole:
            self.torn_bytes += len(piece)
        elif is_text(piece):
            self.text_n += 1
        else:
            self.damaged_n += 1
            self.damaged_bytes += len(piece)

    def _take_sequenced(self, offset: int, frame: bytes) -> None:
        kind = frame[0]
        if len(frame) < (HEAD_BYTES if kind == _HEAD_TYPE else wire.DTYPES[kind].itemsize - 4):
            self._count_damage(frame, True)
            return
        session = int.from_bytes(frame[1:3], "little")
        seq = int.from_bytes(frame[3:7], "little")
        segment = self._begun.get(session)
        if segment is None:
            segment = _Segment(session, offset, {k: {} for k in SEQUENCED}, session in self._started)
            self._begun[session] = segment
            self.segments.append(segment)
        if seq in segment.frames[kind]:
            self.duplicate_n += 1
        else:
            segment.frames[kind][seq] = frame

    def _take_news(self, message: Message) -> None:
        if isinstance(message, wire.IdentityFrame):
            before = self.identity or self._json
            if message.running and before is not None and before.session != message.session:
                self._started.add(message.session)
            self.identity = message
        elif isinstance(message, wire.ReplyFrame) and _says_started(message):
            self._started.add(message.value)

    def _drop_earlier_session(self) -> None:
        """Leave out the tail of a session that ran before this recording began its own."""
        if len(self.segments) < 2 or self.segments[0].started or not self.segments[1].started:
            return
        until = self.segments[1].first_at
        links = [at for at, m in self.messages if isinstance(m, wire.DisconnectFrame) and at < until]
        if not links:
            earlier = self.segments.pop(0)
            self.other_session_n += sum(len(frames) for frames in earlier.frames.values())

    def _place_segments(self) -> None:
        """Put each later segment behind the one before it, at the distance that the host's clock tells."""
        end_idx, first_us = 0, None
        for segment in self.segments:
            heads = segment.frames[_HEAD_TYPE]
            if not heads:
                continue
            start_us = self._host_us(segment.first_at)
            if first_us is not None:
                elapsed_s = (start_us - first_us) / 1e6
                segment.base_idx = max(end_idx, round(elapsed_s * self.rate_hz))
            else:
                first_us = start_us
            last = heads[max(heads)]
            slots = (len(last) - HEAD_BYTES) // record_bytes(self.channel_n)
            end_idx = segment.base_idx + int.from_bytes(last[7:11], "little") + slots

    def _host_us(self, offset: int) -> int:
        """Give the host's time of the last host-made frame before an offset; 0 when there is none."""
        times = [m.unix_us for at, m in self.messages if at <= offset and hasattr(m, "unix_us")]
        return int(times[-1]) if times else 0

    # ---- samples

    @cached_property
    def _slots(self) -> list[tuple[_Segment, NDArray[np.int64], NDArray[np.uint16]]]:
        """Give for each segment the index of every record and its counts, holes and padding included."""
        out = []
        for segment in self.segments:
            frames = [segment.frames[_HEAD_TYPE][seq] for seq in sorted(segment.frames[_HEAD_TYPE])]
            blocks = [self._block(frames_of_one_length) for frames_of_one_length in _by_length(frames)]
            if blocks:
                index = np.concatenate([b[0] for b in blocks])
                counts = np.concatenate([b[1] for b in blocks])
                order = np.argsort(index, kind="stable")
                out.append((segment, index[order], counts[order]))
        return out

    def _block(self, frames: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        raw = np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), -1)
        size = record_bytes(self.channel_n)
        slots = (raw.shape[1] - HEAD_BYTES) // size
        first = np.ascontiguousarray(raw[:, :HEAD_BYTES]).view(_HEAD)["first_index"].ravel().astype(np.int64)
        counts = unpack12(raw[:, HEAD_BYTES : HEAD_BYTES + slots * size], self.channel_n)
        return (first[:, None] + np.arange(slots)).ravel(), counts

    @cached_property
    def samples(self) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        """Give index (n,) and counts (n, channel_n) of every sample that was taken and arrived, in order."""
        parts = [(s.base_idx + i, c, ~missing_records(c)) for s, i, c in self._slots]
        if not parts:
            return np.empty(0, np.int64), np.empty((0, self.channel_n), np.uint16)
        return np.concatenate([i[k] for i, _, k in parts]), np.concatenate([c[k] for _, c, k in parts])

    # ---- losses

    @cached_property
    def losses(self) -> Losses:
        """Account for every sample and frame of this side."""
        expected = received = holes = end = 0
        for segment, index, counts in self._slots:
            taken = ~missing_records(counts)
            first = 0 if segment.started else int(index[0])
            last = int(index[taken][-1]) + 1 if taken.any() else first
            told = self._told_end(segment.session)
            received += int(taken.sum())
            holes += int(np.sum(~taken[index < last]))
            end += max(told - last, 0)
            expected += max(told, last) - first
        for session in self._started - {segment.session for segment, _, _ in self._slots}:
            expected += self._told_end(session)  # not one samples frame of it arrived
            end += self._told_end(session)
        return Losses(
            expected_n=expected,
            received_n=received,
            lost_line_n=expected - received - holes - end,
            hole_n=holes,
            lost_end_n=end,
            frame_lost_n={kind: sum(_gaps(s, kind) for s in self.segments) for kind in SEQUENCED},
            duplicate_n=self.duplicate_n,
            other_session_n=self.other_session_n,
            damaged_n=self.damaged_n,
            damaged_bytes=self.damaged_bytes,
            text_n=self.text_n,
            torn_bytes=self.torn_bytes,
            unknown_n=self.unknown_n,
            dropped_frame_n=sum(self._dropped().values()),
        )

    def _told_end(self, session: int) -> int:
        """Give the highest next sample index that the device told in this session's status frames."""
        told = [m.next_index for _, m in self.messages if isinstance(m, wire.StatusFrame) and m.session == session]
        return max(told, default=0)

    def _dropped(self) -> dict[int, int]:
        return {m.session: m.frame_dropped_n for _, m in self.messages if isinstance(m, wire.StatusFrame)}

    # ---- frames

    def frames(self, kind: type[Any]) -> list[Any]:
        """Give the frames of one class in order, each once, as the device sent them."""
        if kind.TYPE not in SEQUENCED:
            return [m for _, m in self.messages if isinstance(m, kind)]
        return [parse(s.frames[kind.TYPE][seq]) for s in self.segments for seq in sorted(s.frames[kind.TYPE])]

    def strides(self) -> Iterator[Stride]:
        """Give this side's strides in order."""
        before_n = 0
        for segment in self.segments:
            frames = segment.frames[wire.StrideFrame.TYPE]
            for seq in sorted(frames):
                yield to_stride(parse(frames[seq]), self.side, self.rate_hz, segment.base_idx, before_n)
            before_n += max(frames, default=-1) + 1


def _says_started(reply: wire.ReplyFrame) -> bool:
    return reply.command == wire.StartFrame.TYPE and reply.result == wire.Result.OK


def _by_length(frames: list[bytes]) -> Iterator[list[bytes]]:
    lengths: dict[int, list[bytes]] = {}
    for frame in frames:
        lengths.setdefault(len(frame), []).append(frame)
    yield from lengths.values()


def _gaps(segment: _Segment, kind: int) -> int:
    frames = segment.frames[kind]
    if not frames:
        return 0
    first = 0 if segment.started else min(frames)
    return max(frames) + 1 - first - len(frames)


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


def _known_word(words: Any, value: int) -> str:
    """Give the word of a number; "unknown" for one that a newer device may send."""
    text = word(words, value)
    return "unknown" if text.isdecimal() else text
