"""Damage on the line, on purpose: bytes that vanish, bytes with one bit flipped, bytes that arrive twice.

The same seed damages the same bytes, however the stream is cut into chunks. Every damage is counted, so that a
test can compare with what the host's ledger says was lost.
"""

from __future__ import annotations

import numpy as np

from retrosole.errors import UsageError


class Damage:
    """A damaging line. Probabilities are per byte; at most one damage hits a byte."""

    def __init__(
        self,
        *,
        drop: float = 0.0,
        flip: float = 0.0,
        double: float = 0.0,
        seed: int | tuple[int, ...] = 0,
    ) -> None:
        """Prepare the line; raise UsageError when a probability, or their sum, is outside 0 to 1."""
        check_probabilities(drop=drop, flip=flip, double=double)
        self._until_dropped = drop
        self._until_flipped = drop + flip
        self._until_doubled = drop + flip + double
        where, which_bit = np.random.SeedSequence(seed).spawn(2)
        self._where = np.random.Generator(np.random.PCG64(where))
        # A generator of its own: which bytes are hit does not depend on how many bits were flipped before.
        self._which_bit = np.random.Generator(np.random.PCG64(which_bit))
        self.byte_n = 0
        self.dropped_n = 0
        self.flipped_n = 0
        self.doubled_n = 0

    @property
    def damage_n(self) -> int:
        """Count all damages so far."""
        return self.dropped_n + self.flipped_n + self.doubled_n

    def apply(self, data: bytes) -> bytes:
        """Return what arrives of `data`, and count what was done to it."""
        self.byte_n += len(data)
        if not data or self._until_doubled == 0.0:
            return data
        dice = self._where.random(len(data))
        hit = np.flatnonzero(dice < self._until_doubled)
        if not len(hit):
            return data
        return self._damaged(data, hit, dice[hit])

    def _damaged(self, data: bytes, hit: np.ndarray, dice: np.ndarray) -> bytes:
        values = np.frombuffer(data, np.uint8).copy()
        repeats = np.ones(len(values), np.intp)
        dropped = dice < self._until_dropped
        doubled = dice >= self._until_flipped
        flipped = ~dropped & ~doubled
        repeats[hit[dropped]] = 0
        repeats[hit[doubled]] = 2
        bits = self._which_bit.integers(0, 8, int(flipped.sum()))
        values[hit[flipped]] ^= (1 << bits).astype(np.uint8)
        self.dropped_n += int(dropped.sum())
        self.flipped_n += int(flipped.sum())
        self.doubled_n += int(doubled.sum())
        return np.repeat(values, repeats).tobytes()


def check_probabilities(*, drop: float, flip: float, double: float) -> None:
    """Raise UsageError unless each probability and their sum lie in 0 to 1."""
    for name, value in (("drop", drop), ("flip", flip), ("double", double)):
        if not 0.0 <= value <= 1.0:
            raise UsageError(f"{name} is a probability per byte from 0 to 1, got {value:g}: try 0.001")
    if drop + flip + double > 1.0:
        raise UsageError(f"drop, flip and double together are {drop + flip + double:g} per byte, at most 1 is possible")
