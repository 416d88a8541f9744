"""The firmware's plain kernel and the C one, call by call on the same words: every event, time and byte must agree."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole.twin.core import core

from . import reference, walks

_ROOM_N = 64
_NAMES = {"CONTACT": 7, "LIFT": 7, "TOUCH": 7, "SURGED": 7, "ALARM": 1, "FULL": 1, "HOLE": 1}


class Pair:
    """A detector that the plain kernel drives; before each of its calls the C one answers on a copy."""

    def __init__(self, in_c: reference.Follow, zones: tuple[int, ...], rate_hz: int) -> None:
        """Begin a session with no baselines known."""
        firmware = core()
        self.sense: Any = firmware.sense
        self.ring = firmware.gait.SampleRing(len(zones), _ROOM_N)
        self.packer = firmware.frame.SamplesPacker(self.ring)
        self.detector = firmware.gait.Detector(zones, rate_hz)
        self.seen: Counter[str] = Counter()
        self._in_c = in_c

    def walk(self, index: NDArray[np.int32], counts: walks.Counts) -> None:
        """Take a walk, index (n,) and counts (n, channels). Raises AssertionError at the first difference."""
        for at, (k, row) in enumerate(zip(index.tolist(), counts.tolist(), strict=True)):
            first = self.ring.offset()
            self.ring.counts[first : first + len(row)] = array("H", row)
            self.ring.commit(k, k * 5000 & 0x3FFFFFFF)
            if at % 7 == 0 or at % 50 > 40:  # one by one, and several that have waited
                self._take()
        self._take()

    def _take(self) -> None:
        while events := self._follow():
            self._count(events)
            if events & self.sense.HOLE:
                self.packer.hole(self.ring.index)
                self.detector.hole(self.ring)
                continue
            if events & self.sense.FULL:
                self.packer.seal()
            if events != self.sense.FULL:
                self.detector.hear(events)

    def _follow(self) -> int:
        ring, state, frame = self.ring, self.detector.state, self.packer.raw
        marks_c, state_c = np.array(ring.marks, np.int32), np.array(state, np.int32)
        frame_c = np.frombuffer(bytes(frame), np.uint8).copy()
        events_c = self._in_c(marks_c, np.array(ring.counts, np.uint16), frame_c, state_c)
        events = int(self.sense.follow(ring.marks, ring.counts, frame, state))
        where = f"sample {ring.marks[self.sense.TAIL]} of the ring, index {state[self.sense.NEXT_INDEX]}"
        assert events_c == events, f"{where}: events {events_c:#x} in C, {events:#x} in the firmware"
        assert state_c.tolist() == list(state), f"{where}: {_differing(state_c, state)}"
        assert marks_c.tolist() == list(ring.marks), f"{where}: {_differing(marks_c, ring.marks)}"
        assert frame_c.tobytes() == bytes(frame), f"{where}: the frame"
        return events

    def _count(self, events: int) -> None:
        for name, wide in _NAMES.items():
            if events & getattr(self.sense, name) * wide:
                self.seen[name] += 1


def _differing(in_c: NDArray[np.int32], words: Any) -> str:
    pairs = enumerate(zip(in_c.tolist(), words, strict=True))
    return ", ".join(f"word {k}: {c} in C, {own}" for k, (c, own) in pairs if c != own)
