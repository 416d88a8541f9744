"""The firmware's core on CPython: the same files that run on the insole, imported here and nowhere else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from retrosole import wire
from retrosole.twin.firmware_files import firmware_folder


@dataclass(frozen=True)
class Core:
    """Hold the firmware's modules that need no hardware."""

    gait: ModuleType
    frame: ModuleType
    wire: ModuleType


@cache
def core() -> Core:
    """Import the firmware's core. Raises UsageError when its files are not here."""
    folder = firmware_folder()
    # The stand-in `micropython` and the package `insole` are found there; main.py and the like must not be, later.
    paths = [str(folder / "twin" / "cpython"), str(folder)]
    sys.path[:0] = paths
    try:
        modules = (importlib.import_module(f"insole.{name}") for name in ("gait", "frame", "wire"))
        return Core(*modules)
    finally:
        for path in paths:
            sys.path.remove(path)


class Reenactment:
    """Do with samples what the insole does with them: see `_take_samples` in firmware/insole/app.py.

    `zones` and `baseline` (65535: not set) are one per channel, as in an identity frame.
    """

    def __init__(self, session: int, zones: Sequence[int], rate_hz: int, baseline: Sequence[int]) -> None:
        self._core = core()
        self._session = session
        self._detector: Any = self._core.gait.Detector(tuple(zones), rate_hz)
        self._raw = bytearray(wire.FRAME_BYTES)
        self._stride_n = self._contact_n = 0
        for channel, count in enumerate(baseline):
            if count != wire.INVALID["identity.baseline"]:
                self._detector.channels.set_baseline(channel, count)

    def step(self, index: int, counts: Sequence[int]) -> bytes | None:
        """Take one sample; give the contact (not cued) or stride frame it leads to, type and payload without CRC."""
        said = self._detector.step(index, counts)
        if said == self._core.gait.TOUCHED:
            frame_n = self._core.frame.put_contact(self._raw, self._session, self._contact_n, self._detector, 0)
            self._contact_n += 1
        elif said == self._core.gait.STRIDE:
            frame_n = self._core.frame.put_stride(self._raw, self._session, self._stride_n, self._detector)
            self._stride_n += 1
        else:
            return None
        return bytes(self._raw[: frame_n - 4])
