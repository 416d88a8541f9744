"""Walks to measure and to compare on: one like the recorded ones, made by the gait model, and random ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.twin.boards import board_channels
from retrosole.twin.source import SOURCE_RATE_HZ, from_model

Counts = NDArray[np.uint16]
BOARD = "esp32_devkitc"  # six channels
RATE_HZ = 200
SAMPLE_N = 12_000  # 60 s
_SEED = 3
_TOP = 4094


def backward(sample_n: int = SAMPLE_N, gait: str = "backward") -> Counts:
    """Walk with strides of about 1.15 s on sensors that are noisy and uneven; counts (sample_n, 6) at 200 Hz."""
    channels = board_channels(BOARD)
    seconds = sample_n / RATE_HZ
    source = from_model(gait, channels, seconds, _SEED, sides=("left",))
    return source.counts["left"][:: SOURCE_RATE_HZ // RATE_HZ][:sample_n]


def random_walk(rng: np.random.Generator, channel_n: int, sample_n: int) -> Counts:
    """Walk at random: noise, ramps, steps, a channel at its top, missing counts; (sample_n, channel_n)."""
    loads = np.zeros((sample_n, channel_n))
    for k in range(channel_n):
        at = int(rng.integers(40, 120))
        while at < sample_n:
            on_n, ramp_n = int(rng.integers(5, 150)), int(rng.integers(1, 40))
            height = float(rng.choice([60, 300, 1500, 3000, 6000]))
            shape = np.minimum(np.arange(on_n) + 1, np.arange(on_n)[::-1] + 1) / ramp_n
            loads[at : at + on_n, k] = (height * np.minimum(shape, 1.0))[: sample_n - at]
            at += on_n + int(rng.integers(10, 200))
    noise = rng.normal(0.0, float(rng.choice([0, 3, 40])), loads.shape)
    drift = np.cumsum(rng.normal(0.0, 0.2, loads.shape), axis=0)
    counts = np.clip(rng.integers(0, 200, channel_n) + loads + noise + drift, 0, _TOP).astype(np.uint16)
    counts[rng.random(counts.shape) < float(rng.choice([0.0, 0.05]))] = wire.MISSING_COUNT
    return counts


def with_holes(rng: np.random.Generator, sample_n: int) -> NDArray[np.int32]:
    """Index of each sample where some are missing: single ones, and a few long holes; (sample_n,)."""
    steps = np.where(rng.random(sample_n) < 0.03, rng.integers(2, 7, sample_n), 1)
    steps[rng.random(sample_n) < 0.001] = 90
    return np.cumsum(steps, dtype=np.int32)
