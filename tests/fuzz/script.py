"""Frames as a fuzzer can change them: a CRC that it would have to guess is put on behind it.

A script is a row of pieces: a byte for the kind, two for the length (little-endian), then so many bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from retrosole import wire
from retrosole.framing import CRC_BYTES, cobs_encode, open_frame, pieces

RAW, FRAME, COMMAND = 0, 1, 2
_KIND_N = 3
_HEAD_BYTES = 3
_LONGEST = wire.FRAME_BYTES - CRC_BYTES


def written(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Write a script of (kind, bytes)."""
    return b"".join(bytes((kind,)) + len(body).to_bytes(2, "little") + body for kind, body in parts)


def parts(script: bytes) -> Iterator[tuple[int, bytes]]:
    """Read any bytes as a script; a piece that is cut short ends it."""
    at = 0
    while at + _HEAD_BYTES <= len(script):
        size = int.from_bytes(script[at + 1 : at + _HEAD_BYTES], "little") % 1024
        at += _HEAD_BYTES
        yield script[at - _HEAD_BYTES] % _KIND_N, script[at : at + size]
        at += size


def line_of(script: bytes) -> bytes:
    """Give what a script puts on the line: raw bytes as they are, frames and commands with their CRC."""
    return b"".join(_on_line(kind, body) for kind, body in parts(script))


def _on_line(kind: int, body: bytes) -> bytes:
    if kind == RAW or not body:
        return body
    if kind == FRAME:
        return cobs_encode(sealed(body[:_LONGEST])) + b"\0"
    return b"\0" + sealed(body[: wire.COMMAND_BYTES // 2 - CRC_BYTES]).hex().encode() + b"\0"


def sealed(body: bytes) -> bytes:
    """Put the CRC behind type and payload."""
    return body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")


def script_of(log: bytes) -> bytes:
    """Give the script that puts a log on the line again; what is no frame in it as raw bytes."""
    out = []
    for _, piece in pieces(log):
        frame = open_frame(piece)
        out.append((RAW, piece + b"\0") if frame is None else (FRAME, frame))
    return written(out)
