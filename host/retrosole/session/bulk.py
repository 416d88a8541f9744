"""Open every frame of a whole log at once, by numpy: the same frames as one after the other, sooner.

Frames of one length are unstuffed together: COBS is a chain of code bytes, so each step follows all chains by one link,
and the steps are as many as the zeros of the frame that has most. Only the checksum is called once per frame.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from retrosole.framing import CRC_BYTES, CRC_RESIDUE, WIRE_BYTES, is_text

_LEAST_BYTES = CRC_BYTES + 2  # of what can be a frame, on the wire: code byte, type, CRC
_PART_BYTES = 1 << 21
_TOGETHER_N = 4096  # frames unstuffed together: a megabyte, so that they stay in the processor's cache

_STRANGE = np.array([not is_text(bytes((byte,))) for byte in range(256)])

Bytes2 = NDArray[np.uint8]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Hold frames of one type and length: where each begins in the log (n,), and type and payload of each (n, size)."""

    at: Places
    frames: Bytes2

    def rows(self) -> list[bytes]:
        """Give each frame as bytes."""
        return _rows(self.frames)

    def fields(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give the first bytes of each frame as a structured array (n,)."""
        return np.asarray(self.frames[:, : dtype.itemsize].view(dtype)[:, 0])

    def some(self, which: NDArray[np.bool_] | Places | slice) -> Batch:
        """Give a part of the frames, or all in another order."""
        return Batch(self.at[which], self.frames[which])


@dataclass(frozen=True)
class Opened:
    """Hold what a log is made of: frames by type, each batch in the order of the log, and what is none.

    `damaged` and `text` are (k, 2): offset and size of each piece between zeros that is no frame, told apart as
    `framing.is_text` does. `torn_bytes` stand behind the last zero.
    """

    batches: dict[int, list[Batch]]
    frame_n: int
    damaged: Places
    text: Places
    torn_bytes: int


def open_log(data: bytes) -> Opened:
    """Open every frame of a log. Takes some four times the memory of the log; more when it is all tiny pieces."""
    stream = np.frombuffer(data, np.uint8)
    found: dict[int, list[Batch]] = {}
    dropped = [np.empty((0, 3), np.int64)]
    end = data.rfind(b"\0") + 1
    for begin, until in _parts(data, end):
        dropped.append(_open_part(stream[:until], begin, found))
    batches = {kind: _joined(parts) for kind, parts in found.items()}
    frame_n = sum(len(batch.at) for same in batches.values() for batch in same)
    rest = np.concatenate(dropped)
    text = rest[:, 2] == 1
    return Opened(batches, frame_n, rest[~text, :2], rest[text, :2], len(data) - end)


def _parts(data: bytes, end: int) -> Iterator[tuple[int, int]]:
    """Cut a log behind zeros, so that what is only needed meanwhile stays small."""
    begin = 0
    while begin < end:
        until = data.rfind(b"\0", begin, begin + _PART_BYTES) + 1 or data.find(b"\0", begin) + 1
        yield begin, until
        begin = until


def _open_part(stream: Bytes2, begin: int, found: dict[int, list[Batch]]) -> Places:
    """Open what stands from `begin` on into `found`; give what is no frame: offset, size, whether it is text."""
    ends = np.flatnonzero(stream[begin:] == 0) + begin
    starts = np.concatenate([[begin], ends[:-1] + 1])
    sizes = ends - starts
    fitting = (sizes >= _LEAST_BYTES) & (sizes <= WIRE_BYTES)
    left = sizes > 0
    for size in np.flatnonzero(np.bincount(sizes[fitting])).tolist():
        of_size = np.flatnonzero(sizes == size)
        for batch in _open_size(stream, starts[of_size], size):
            left[np.searchsorted(starts, batch.at)] = False
            for kind, part in _by_type(batch):
                found.setdefault(kind, []).append(part)
    return _judged(stream, starts[left], sizes[left])


def _judged(stream: Bytes2, starts: Places, sizes: Places) -> Places:
    """Give offset, size and 1 for text or 0 of pieces that are no frame: the rule of `framing.is_text`."""
    if not len(starts):
        return np.empty((0, 3), np.int64)
    begin = starts[0]
    edges = np.stack([starts, starts + sizes], axis=1).ravel() - begin
    strange_n = np.add.reduceat(_STRANGE[stream[begin:]], edges, dtype=np.int64)[::2]
    return np.stack([starts, sizes, strange_n * 10 <= sizes], axis=1)


def _open_size(stream: Bytes2, starts: Places, size: int) -> Iterator[Batch]:
    """Give the whole frames among the pieces of one size on the wire, closing zero not counted."""
    windows = sliding_window_view(stream, size + 1)
    for at in range(0, len(starts), _TOGETHER_N):
        some = starts[at : at + _TOGETHER_N]
        pieces = windows[some]
        whole = _unstuff(pieces)
        crcs = np.fromiter(map(zlib.crc32, _rows(pieces[:, 1:-1])), np.uint32, len(pieces))
        whole &= crcs == CRC_RESIDUE
        frames = pieces[:, 1 : -1 - CRC_BYTES]
        yield Batch(some, frames) if whole.all() else Batch(some[whole], frames[whole])


def _unstuff(pieces: Bytes2) -> NDArray[np.bool_]:
    """Undo COBS in place in rows (n, size + 1) that end in their closing zero; say which chains end there.

    A code byte says how far it is to the next one and stands for a zero. The closing zero leads a chain nowhere else,
    so one that has come to its end waits there for the others.
    """
    n, width = pieces.shape
    flat = pieces.reshape(-1)
    at = np.arange(0, n * width, width)
    end = at + (width - 1)
    whole = np.ones(n, np.bool_)
    while (step := flat.take(at)).any():
        flat[at] = 0
        at += step
        beyond = at > end
        if beyond.any():
            whole &= ~beyond
            np.minimum(at, end, out=at)
    return whole


def _rows(matrix: Bytes2) -> list[bytes]:
    """Give the rows of a matrix, whose bytes in a row stand side by side, as bytes."""
    rows: list[bytes] = matrix.view(f"V{matrix.shape[1]}")[:, 0].tolist()
    return rows


def _by_type(batch: Batch) -> Iterator[tuple[int, Batch]]:
    kinds = batch.frames[:, 0]
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        of_kind = kinds == kind
        yield kind, batch if of_kind.all() else batch.some(of_kind)


def _joined(parts: list[Batch]) -> list[Batch]:
    """Join batches of one length, and put each in the order of the log."""
    sizes: dict[int, list[Batch]] = {}
    for part in parts:
        sizes.setdefault(part.frames.shape[1], []).append(part)
    return [
        Batch(np.concatenate([p.at for p in same]), np.concatenate([p.frames for p in same])) for same in sizes.values()
    ]
