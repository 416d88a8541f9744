"""Seeded chance that is the same on every machine.

Only raw PCG64 words and exact arithmetic: library sines, logarithms and samplers may round or
change differently from one machine or version to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def generator(*seed: int) -> np.random.PCG64:
    """Make a stream of random words from one or more numbers.

    Other numbers give an independent stream. Raises UsageError for a negative number.
    """
    if min(seed) < 0:
        raise UsageError(f"seed {min(seed)}, expected 0 or more")
    return np.random.PCG64(list(seed))


def uniform(rng: np.random.PCG64, low: float = 0.0, high: float = 1.0) -> float:
    """Draw evenly from [low, high)."""
    return low + (high - low) * ((int(rng.random_raw()) >> 11) / 2**53)


def normal(rng: np.random.PCG64) -> float:
    """Draw from a standard normal distribution, cut at 3 sigma (sum of twelve even draws)."""
    total = -6.0
    for _ in range(12):
        total += uniform(rng)
    return max(-3.0, min(3.0, total))


def spread(rng: np.random.PCG64, median: float, cv: float) -> float:
    """Draw a positive number with a long upper tail: nearly lognormal with this median and spread.

    (1 + z/8)^8 stands for exp(z), which libraries round differently.
    """
    base = 1.0 + cv * normal(rng) / 8.0
    square = base * base
    return median * (square * square) * (square * square)


def shuffled(rng: np.random.PCG64, items: list[str]) -> list[str]:
    """Put the items in random order."""
    keys = [uniform(rng) for _ in items]
    return [items[k] for k in sorted(range(len(items)), key=lambda k: keys[k])]


def noise(rng: np.random.PCG64, n: int) -> NDArray[np.float64]:
    """Draw n numbers, nearly normal with unit variance: sums of four random bytes."""
    words = np.asarray(rng.random_raw((n + 1) // 2)).astype("<u8")
    four = words.view(np.uint8).reshape(-1, 4)[:n].astype(np.int16)
    # Four bytes have a mean of 510 and a standard deviation of 147.8.
    centred: NDArray[np.float64] = (four[:, 0] + four[:, 1] + four[:, 2] + four[:, 3] - 510) / 147.8
    return centred


def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rise from 0 at x = 0 to 1 at x = 1 without corners, flat outside."""
    y = np.minimum(np.maximum(x, 0.0), 1.0)
    return y * y * (3.0 - 2.0 * y)


def wander(rng: np.random.PCG64, n: int, knot_n: int) -> NDArray[np.float64]:
    """Wander smoothly between random levels in [-1, 1), a new one every `knot_n` samples, (n,)."""
    levels = np.array([uniform(rng, -1.0, 1.0) for _ in range(n // knot_n + 2)])
    part = smooth(np.arange(knot_n) / knot_n)
    lines = levels[:-1, None] + (levels[1:] - levels[:-1])[:, None] * part
    line: NDArray[np.float64] = lines.reshape(-1)[:n]
    return line
