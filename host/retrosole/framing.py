"""The wire's frames: COBS, CRC-32, splitting a byte stream, and frames to and from dataclasses.

Nothing here raises on what a line may bring: damage is dropped and counted. See protocol/PROTOCOL.md, "Framing".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from construct import ConstructError

from retrosole import wire

CRC_BYTES = 4
CRC_RESIDUE = 0x2144DF1C  # CRC-32 of any frame with its own little-endian CRC behind it
WIRE_BYTES = wire.FRAME_BYTES + 1  # after COBS, without the closing zero
TEXT_BYTES = 400  # of printable garbage, kept to be shown

_PRINTABLE = bytes([*range(0x20, 0x7F), 0x09, 0x0A, 0x0D, 0x1B])
_SAMPLES_HEAD = struct.Struct("<BHIII")
assert _SAMPLES_HEAD.size == wire.DTYPES[wire.SamplesFrame.TYPE].itemsize

# What every reader reckons with, from the lowest to the highest: nothing else can be divided by, or have room
POSSIBLE = {"channel_n": (1, wire.CHANNEL_N), "rate_hz": (1, 0xFFFF)}
_CHECKED = (wire.IdentityFrame, wire.SessionHeadFrame)

# One of wire.FRAME_CLASSES' values, UnknownFrame or DamagedFrame
Message: TypeAlias = Any


@dataclass(frozen=True)
class UnknownFrame:
    """Hold a whole frame of a type that this version does not know."""

    type: int
    payload: bytes


@dataclass(frozen=True)
class DamagedFrame:
    """Hold a frame whose CRC is right but whose payload cannot be what its type says."""

    type: int
    payload: bytes


def cobs_encode(data: bytes) -> bytes:
    """Stuff at most 254 bytes so that no zero is left; the result is one byte longer.

    Raises ValueError for more than 254 bytes, which no frame has.
    """
    if len(data) > wire.FRAME_BYTES:
        raise ValueError(f"a frame has at most {wire.FRAME_BYTES} bytes, got {len(data)}")
    return b"".join(bytes((len(block) + 1,)) + block for block in data.split(b"\0"))


def cobs_decode(stuffed: bytes) -> bytes | None:
    """Undo COBS; None when a code byte points outside or a zero is inside."""
    if 0 in stuffed:
        return None
    blocks = []
    at, end = 0, len(stuffed)
    while at < end:
        after = at + stuffed[at]
        blocks.append(stuffed[at + 1 : after])
        at = after
    return b"\0".join(blocks) if at == end else None


def open_frame(stuffed: bytes) -> bytes | None:
    """Give type and payload of what stood between two zeros, CRC checked and cut off; None when damaged."""
    if not CRC_BYTES + 2 <= len(stuffed) <= WIRE_BYTES:
        return None
    frame = cobs_decode(stuffed)
    if frame is None or zlib.crc32(frame) != CRC_RESIDUE:
        return None
    return frame[:-CRC_BYTES]


def is_text(piece: bytes) -> bool:
    """Say whether a damaged piece is what a console prints: nine of ten bytes printable."""
    return len(piece.translate(None, _PRINTABLE)) * 10 <= len(piece)


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give (offset, bytes) of everything between zeros, empty pieces left out; the last may be torn."""
    at = 0
    for piece in data.split(b"\0"):
        if piece:
            yield at, piece
        at += len(piece) + 1


class Splitter:
    """Turn a byte stream, cut anywhere, into frames; count what is none.

    Memory is bounded: without a zero at most 256 bytes are held, plus `text`.
    Every byte fed is in exactly one of: an accepted frame, a zero, `damaged_bytes`, `text_bytes`, or still held.
    """

    def __init__(self) -> None:
        self.frame_n = 0
        self.damaged_n = 0
        self.damaged_bytes = 0
        self.text_n = 0
        self.text_bytes = 0
        self._held = b""
        self._overlong = b""  # the tail of a piece that is already too long to be a frame
        self._overlong_bytes = 0
        self._text = b""

    @property
    def text(self) -> str:
        """Give the last printable bytes that were no frame, as they would stand on a console."""
        held = self._overlong + self._held
        tail = self._text + held if held and is_text(held) else self._text
        return tail[-TEXT_BYTES:].decode("ascii", "replace")

    @property
    def held(self) -> bytes:
        """Give the bytes since the last zero, empty when there are too many to become a frame."""
        return b"" if self._overlong_bytes else self._held

    def feed(self, data: bytes) -> list[bytes]:
        """Take received bytes; give the frames that they complete, each as type and payload without CRC."""
        *whole, self._held = (self._held + data).split(b"\0")
        frames = [frame for piece in whole if (frame := self._close(piece)) is not None]
        if len(self._held) > WIRE_BYTES:
            self._overlong_bytes += len(self._held)
            self._overlong = (self._overlong + self._held)[-TEXT_BYTES:]
            self._held = b""
        return frames

    def _close(self, piece: bytes) -> bytes | None:
        """Judge what a zero has just ended."""
        if self._overlong_bytes:
            size, piece = self._overlong_bytes + len(piece), self._overlong + piece
            self._overlong, self._overlong_bytes = b"", 0
            self._drop(piece, size)
            return None
        frame = open_frame(piece)
        if frame is not None:
            self.frame_n += 1
        elif piece:
            self._drop(piece, len(piece))
        return frame

    def _drop(self, piece: bytes, size: int) -> None:
        if is_text(piece):
            self.text_n += 1
            self.text_bytes += size
            self._text = (self._text + piece)[-TEXT_BYTES:]
        else:
            self.damaged_n += 1
            self.damaged_bytes += size


def parse(frame: bytes) -> Message:
    """Turn type and payload into the frame's dataclass.

    Bytes behind the known fields (of a newer minor version) are ignored, fields appended since an older one are
    invalid. A type that is not known gives UnknownFrame; fewer bytes than the fields need, text that is not UTF-8, no
    channel or more than there can be, and no samples per second give DamagedFrame.
    """
    kind, payload = frame[0], frame[1:]
    if kind == wire.SamplesFrame.TYPE and len(frame) >= _SAMPLES_HEAD.size:
        _, session, seq, first_index, clock_us = _SAMPLES_HEAD.unpack_from(frame)
        records = frame[_SAMPLES_HEAD.size :]
        return wire.SamplesFrame(session, seq, first_index, clock_us, records)
    frame_class = wire.FRAME_CLASSES.get(kind)
    if frame_class is None:
        return UnknownFrame(kind, payload)
    lack = wire.OLDER.get(kind, {}).get(len(payload), b"")
    try:
        values = wire.STRUCTS[kind].parse(payload + lack)
    except ConstructError:
        return DamagedFrame(kind, payload)
    message = frame_class(**{f.name: _plain(values[f.name]) for f in fields(frame_class)})
    return message if _is_possible(message) else DamagedFrame(kind, payload)


def _is_possible(message: Message) -> bool:
    if not isinstance(message, _CHECKED):
        return True
    return all(least <= getattr(message, name) <= most for name, (least, most) in POSSIBLE.items())


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def pack(message: Message) -> bytes:
    """Give a frame's bytes before COBS: type, payload, CRC.

    Raises ValueError when a value does not fit its field or the frame is longer than 254 bytes.
    """
    values = {f.name: getattr(message, f.name) for f in fields(message)}
    try:
        body = bytes((message.TYPE,)) + bytes(wire.STRUCTS[message.TYPE].build(values))
    except ConstructError as error:
        raise ValueError(f"{type(message).__name__}: {error}") from error
    if len(body) + CRC_BYTES > wire.FRAME_BYTES:
        raise ValueError(f"{type(message).__name__}: {len(body) + CRC_BYTES} bytes, at most {wire.FRAME_BYTES} fit")
    return body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")


def encode(message: Message) -> bytes:
    """Give the bytes of a frame on the wire, closing zero included. Raises ValueError as `pack` does."""
    return cobs_encode(pack(message)) + b"\0"


def encode_command(message: Message) -> bytes:
    """Give the bytes of a command: the frame in hexadecimal between two zeros.

    Raises ValueError when it has more characters than the device's input ring takes.
    """
    text = pack(message).hex().encode()
    if len(text) > wire.COMMAND_BYTES:
        raise ValueError(f"{type(message).__name__}: {len(text)} characters, at most {wire.COMMAND_BYTES} fit")
    return b"\0" + text + b"\0"
