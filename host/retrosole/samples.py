"""Packed 12-bit records to arrays of counts and back, all records of a log at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.framing import CRC_BYTES

MISSING = wire.MISSING_COUNT
HEAD_BYTES: int = wire.DTYPES[wire.SamplesFrame.TYPE].itemsize  # type byte to clock_us


def record_bytes(channel_n: int) -> int:
    """Give the bytes of one record: 12 bits per channel, padded to whole bytes."""
    return (channel_n * 12 + 7) // 8


def records_per_frame(channel_n: int) -> int:
    """Give the records that every samples frame of a session holds."""
    return (wire.FRAME_BYTES - HEAD_BYTES - CRC_BYTES) // record_bytes(channel_n)


def unpack12(records: bytes | NDArray[Any], channel_n: int) -> NDArray[np.uint16]:
    """Unpack records of 12-bit counts, packed big-endian.

    Takes any number of whole records; gives counts of shape (k, channel_n), 4095 where there is no sample.
    Raises ValueError when the bytes are not a whole number of records.
    """
    raw = np.frombuffer(records, np.uint8) if isinstance(records, bytes) else np.ravel(records)
    size = record_bytes(channel_n)
    if raw.size % size:
        raise ValueError(f"{raw.size} bytes are not whole records of {size} bytes ({channel_n} channels)")
    record_n = raw.size // size
    if channel_n % 2:  # an odd count ends in the middle of a three-byte pair
        raw = np.pad(raw.reshape(-1, size), ((0, 0), (0, 1)))
    raw = np.ascontiguousarray(raw).ravel()
    pair_n = raw.size // 3
    counts = np.empty((pair_n, 2), np.uint16)
    if pair_n:  # both counts of a pair are in one of its two overlapping big-endian words
        np.right_shift(np.ndarray((pair_n,), ">u2", raw, 0, (3,)), 4, out=counts[:, 0])
        np.bitwise_and(np.ndarray((pair_n,), ">u2", raw, 1, (3,)), 0xFFF, out=counts[:, 1])
    return counts.reshape(record_n, channel_n + channel_n % 2)[:, :channel_n]


def pack12(counts: NDArray[Any]) -> bytes:
    """Pack counts of shape (k, channel_n), each 0 to 4095, as the wire does: the inverse of `unpack12`.

    Raises ValueError for a count beyond 12 bits.
    """
    counts = np.asarray(counts)
    if counts.size and (counts.min() < 0 or counts.max() > MISSING):
        raise ValueError(f"counts must be 0 to {MISSING}, got {counts.min()} to {counts.max()}")
    record_n, channel_n = counts.shape
    even = np.zeros((record_n, channel_n + channel_n % 2), np.uint16)
    even[:, :channel_n] = counts
    first, second = even[:, 0::2], even[:, 1::2]
    triples = np.stack([first >> 4, (first & 0xF) << 4 | second >> 8, second & 0xFF], axis=-1)
    rows = triples.astype(np.uint8).reshape(record_n, -1)
    return rows[:, : record_bytes(channel_n)].tobytes()


def missing_records(counts: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Say for each record of (k, channel_n) counts whether it is a sample that was never taken."""
    missing = np.asarray(counts[:, 0] == MISSING)
    at = missing.nonzero()[0]  # few, so that only they are looked at in full
    missing[at] = np.all(counts[at] == MISSING, axis=1)
    return missing
