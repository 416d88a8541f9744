"""Feet made by hand for the tests of the coach: loads in newtons over time, as a pressure CSV for a virtual insole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RATE_HZ = 200
FLANK_S = 0.05
STANDING_N = 350.0


@dataclass(frozen=True)
class Down:
    """Put a foot down: from when to when, with how much under each zone; the heel comes later by `lag_s`."""

    begin_s: float
    end_s: float
    forefoot_n: float = 0.45 * STANDING_N
    heel_n: float = 0.55 * STANDING_N
    lag_s: float = 0.0


def ramp(t_s: Floats, begin_s: float, end_s: float) -> Floats:
    """Rise from 0 to 1 within FLANK_S from `begin_s`, fall to 0 within FLANK_S up to `end_s`."""
    return np.clip((t_s - begin_s) / FLANK_S, 0, 1) * np.clip((end_s - t_s) / FLANK_S, 0, 1)


def foot(downs: Iterable[Down], seconds: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Give forefoot and heel load over time, with a little noise."""
    t_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    forefoot, heel = np.zeros_like(t_s), np.zeros_like(t_s)
    for down in downs:
        forefoot += down.forefoot_n * ramp(t_s, down.begin_s, down.end_s)
        heel += down.heel_n * ramp(t_s, down.begin_s + down.lag_s, down.end_s)
    noise = np.random.default_rng(seed).normal(0, 1.5, (2, len(t_s)))
    return np.maximum(forefoot + noise[0], 0), np.maximum(heel + noise[1], 0)


def write_csv(path: Path, feet: Mapping[str, Sequence[Down]], seconds: float) -> Path:
    """Write a pressure CSV of the feet."""
    columns, titles = [np.arange(round(seconds * RATE_HZ)) / RATE_HZ], ["time_s"]
    for seed, (side, downs) in enumerate(feet.items()):
        forefoot, heel = foot(downs, seconds, seed)
        columns += [forefoot, heel]
        titles += [f"{side}_forefoot_a", f"{side}_heel_a"]
    rows = [",".join(f"{value:.3f}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(["# unit: N", ",".join(titles), *rows]) + "\n", encoding="utf-8")
    return path


def touches(begin_s: float, n: int, end_s: float, load_n: float = 70.0, period_s: float = 1.2) -> list[Down]:
    """Stand until `begin_s`, touch `n` times for 0.4 s, and stand again until `end_s`."""
    downs = [Down(-1.0, begin_s)]
    downs += [Down(begin_s + 0.5 + k * period_s, begin_s + 0.9 + k * period_s, load_n, 0.0) for k in range(n)]
    return [*downs, Down(begin_s + 0.5 + n * period_s, end_s)]


def backward_walk(begin_s: float, step_n: int, until_s: float, step_s: float = 0.6) -> dict[str, list[Down]]:
    """Stand, walk backward `step_n` steps, right foot first, and stand again until `until_s`.

    The right foot leaves the ground at `begin_s`; the last foot comes down at `begin_s + step_n * step_s`.
    """
    feet: dict[str, list[Down]] = {"left": [], "right": []}
    begins = {"left": -1.0, "right": -1.0}
    for k in range(step_n):
        side = ("right", "left")[k % 2]
        up_s, down_s = begin_s + k * step_s, begin_s + (k + 1) * step_s
        feet[side].append(Down(begins[side], up_s + (0.0 if k == 0 else FLANK_S), lag_s=0.06))
        begins[side] = down_s
    for side, since_s in begins.items():
        feet[side].append(Down(since_s, until_s, lag_s=0.06))
    return feet
