"""What the virtual insole's analogue inputs read: counts at 1000 Hz, and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrosole.errors import StorageError
from retrosole.gait.strides import Stride
from retrosole.session.reader import save_strides

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

# Two to ten times faster than any sampling rate on offer, so that averaging several reads means
# something.
SOURCE_RATE_HZ = 1000

Channel = tuple[str, str]
"""Zone (forefoot | heel | midfoot | toes) and site (hallux, met1, heel_medial ...) of a channel."""


@dataclass(frozen=True)
class Source:
    """Hold one walk of one foot or two.

    `counts` maps the side to (n, channel_n) uint16 at SOURCE_RATE_HZ, 0 to 4094, or 4095 in
    every channel of a record in which there is no sample. n is the same on both sides and record
    0 is time 0 of both. `truth` has the strides that were really walked, sorted by time (none
    for a recording).
    """

    counts: dict[str, NDArray[np.uint16]]
    channels: tuple[Channel, ...]
    truth: tuple[Stride, ...] = ()

    @property
    def duration_s(self) -> float:
        """Give the length in seconds."""
        return max(len(side) for side in self.counts.values()) / SOURCE_RATE_HZ


def write(source: Source, folder: Path) -> dict[str, Path]:
    """Write `SIDE.u16` for each side: raw little-endian counts, record after record, no header.

    Returns the path of each side. Raises StorageError if the disk refuses.
    """
    paths = {}
    for side, counts in source.counts.items():
        path = folder / f"{side}.u16"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            counts.astype("<u2").tofile(path)
        except OSError as error:
            raise StorageError(
                f"cannot write {counts.nbytes} bytes to {path}: {error.strerror or error};"
                " free space, or choose another folder"
            ) from error
        paths[side] = path
    return paths


def write_truth(source: Source, path: Path) -> int:
    """Write the true strides as CSV; returns their number.

    Raises UsageError if something else than an earlier table is at `path`, StorageError if the disk refuses.
    """
    try:
        return save_strides(source.truth, path)
    except OSError as error:
        raise StorageError(
            f"cannot write the true strides to {path}: {error.strerror or error}; choose another path"
        ) from error
