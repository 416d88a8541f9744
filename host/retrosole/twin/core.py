"""The firmware's core on CPython: the same files that run on the insole, imported here and nowhere else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.twin.firmware_files import firmware_folder


@dataclass(frozen=True)
class Core:
    """Hold the firmware's modules that need no hardware."""

    gait: ModuleType
    frame: ModuleType
    sense: ModuleType
    stance: ModuleType


@cache
def core() -> Core:
    """Import the firmware's core. Raises UsageError when its files are not here."""
    folder = firmware_folder()
    # The stand-in `micropython` and the package `insole` are found there; main.py and the like must not be, later.
    paths = [str(folder / "twin" / "cpython"), str(folder)]
    sys.path[:0] = paths
    try:
        names = ("gait", "frame", "sense_plain", "stance_plain")
        return Core(*(importlib.import_module(f"insole.{name}") for name in names))
    finally:
        for path in paths:
            sys.path.remove(path)


class Reenactment:
    """Do with samples what the insole does with them: see `_happened` in firmware/insole/app.py.

    `zones`, `baseline` and `standing` (65535: not set) are one per channel, as in an identity frame. Where `compiled`
    is wanted and numba is there, `run` is many times faster, after a second.
    """

    def __init__(
        self,
        session: int,
        zones: Sequence[int],
        rate_hz: int,
        baseline: Sequence[int],
        standing: Sequence[int] = (),
        compiled: bool = False,
    ) -> None:
        self._core = core()
        self._session = session
        self._kernel = kernel(compiled)
        words = self._kernel.buffer(np.zeros(self._core.stance.ALL_WORDS, np.int32))
        self._detector: Any = self._core.gait.Detector(tuple(zones), rate_hz, words)
        self._raw = bytearray(wire.FRAME_BYTES)
        self._stride_n = self._contact_n = 0
        for channel, count in enumerate(baseline):
            if count != wire.INVALID["identity.baseline"]:
                self._detector.channels.set_baseline(channel, count)
        if standing and standing[0] != wire.INVALID["identity.standing"]:
            self._detector.set_standing(sum(standing))

    def step(self, index: int, counts: Sequence[int]) -> bytes | None:
        """Take one sample; give the contact (not cued) or stride frame it leads to, type and payload without CRC."""
        return self._frame(self._detector.step(index, counts))

    def end(self) -> bytes | None:
        """Give the frame that waits for the next sample when a session ends, if one does."""
        return self._frame(self._detector.hear(0))

    def run(self, index: NDArray[np.int32], counts: NDArray[np.uint16]) -> list[bytes]:
        """Take many samples, indices (n,) and counts (n, channel_n); give the frames as `step` does, in order."""
        ring = _Ring(self._core.sense, index, counts, self._kernel)
        words = [self._kernel.view(words) for words in (ring.marks, ring.counts, ring.frame, self._detector.state)]
        frames = []
        while events := int(self._kernel.follow(*words)):
            if events & self._core.sense.HOLE:
                self._detector.hole(ring)
            elif frame := self._frame(self._detector.hear(events)):
                frames.append(frame)
        return frames

    def _frame(self, said: int) -> bytes | None:
        if said == self._core.gait.TOUCHED:
            frame_n = self._core.frame.put_contact(self._raw, self._session, self._contact_n, self._detector, 0)
            self._contact_n += 1
        elif said == self._core.gait.STRIDE:
            frame_n = self._core.frame.put_stride(self._raw, self._session, self._stride_n, self._detector)
            self._stride_n += 1
        else:
            return None
        return bytes(self._raw[: frame_n - 4])


class _Ring:
    """Hold samples as the insole's ring does: all at once, and no frames are wanted of them."""

    def __init__(
        self, sense: ModuleType, index: NDArray[np.int32], counts: NDArray[np.uint16], kernel: _Kernel
    ) -> None:
        sample_n = len(counts)
        self._channel_n = int(counts.shape[1])
        marks = np.zeros(sense.STAMPS + 2 * sample_n, np.int32)
        marks[sense.HEAD] = sample_n
        marks[sense.SLOT_N] = sample_n + 1
        marks[sense.STAMPS :: 2] = index
        self.marks = kernel.buffer(marks)
        self.counts = kernel.buffer(counts.astype(np.uint16).reshape(-1))
        self.frame = kernel.buffer(np.zeros(1, np.uint8))
        self._sense = sense

    @property
    def first(self) -> int:
        return int(self.marks[self._sense.TAIL]) * self._channel_n

    @property
    def index(self) -> int:
        tail: int = self.marks[self._sense.TAIL]
        index: int = self.marks[self._sense.STAMPS + 2 * tail]
        return index


class _Kernel:
    """Hold the firmware's per-sample kernel, compiled by numba if wanted and there: the same integers, far sooner."""

    def __init__(self, compiled: bool) -> None:
        self.follow: Callable[..., int] = core().sense.follow
        self._is_compiled = False
        if not compiled:
            return
        try:
            from numba import njit
        except ImportError:
            return
        self._is_compiled = True
        try:
            self.follow = njit(cache=True)(self.follow)
        except RuntimeError:  # no folder to keep it in
            self.follow = njit(self.follow)

    def buffer(self, words: NDArray[Any]) -> Any:
        """Keep words where Python counts with numbers of its own: numpy's would overflow where the insole's do not."""
        return words.data if self._is_compiled else words.tolist()  # a list is the quickest to read

    def view(self, buffer: Any) -> Any:
        """Give the same words in the form in which the kernel is quick."""
        return np.asarray(buffer) if self._is_compiled else buffer


@cache
def kernel(compiled: bool) -> _Kernel:
    """Give the per-sample kernel; importing numba takes a quarter of a second, compiling one more, once."""
    return _Kernel(compiled)
