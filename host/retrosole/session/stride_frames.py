"""Read the stride frames of a device session at once: the same frames as `framing.parse` gives, sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.session.bulk import Batch
from retrosole.session.segments import Sequence

_DTYPE = wire.DTYPES[wire.StrideFrame.TYPE]
_FIELDS = tuple(name for name in _DTYPE.names or () if name not in ("type", "crc"))
_READ = np.dtype([field for field in _DTYPE.descr if field[0] != "crc"])


def stride_frames(sequence: Sequence) -> list[wire.StrideFrame]:
    """Give the stride frames of a sequence in the order of its numbers."""
    found: list[tuple[int, wire.StrideFrame]] = []
    for which, batch in sequence.batches():
        rows = zip(*(column.tolist() for column in _columns(batch)), strict=True)
        found += [(k, wire.StrideFrame(*values)) for k, values in zip(which.tolist(), rows, strict=True)]
    return [frame for _, frame in sorted(found, key=lambda pair: pair[0])]


def _columns(batch: Batch) -> list[NDArray[Any]]:
    fields = batch.fields(_READ)
    return [_signed24(fields[name]) if _READ[name].kind == "V" else fields[name] for name in _FIELDS]


def _signed24(column: NDArray[np.void]) -> NDArray[np.int32]:
    """Give the numbers of a field of three bytes, little end first."""
    low, middle, high = np.ascontiguousarray(column).view(np.uint8).reshape(-1, 3).astype(np.int32).T
    return np.asarray(low + (middle << 8) + ((high ^ 0x80) - 0x80 << 16), np.int32)
