"""Sensors between foot and detector: the ideal ones of the detect command, or modelled rough ones.

Rough, in this order: gain of each sensor even within +-30 %; lag on unloading, a first-order low-pass while the load
falls; creep, 5 % more for every tenfold time since the start (from 1 s); saturation at 70 % of the range; an offset of
20 to 200 counts, which drifts; noise of 1 % of the range rms; 12 bits. Worse than a carefully built insole.

The lag is homogeneous, so it is worked out once at 1000 Hz for loads of any gain; all else is done at the detector's
own rate. Only seeded, exact chance (`twin.chance`): the same name is the same sensor, in every condition.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrosole.twin.chance import generator, noise, uniform
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import IDEAL, MAX_COUNTS, MISSING_COUNTS
from tests.evaluation.conditions import Condition

GAIN_SPREAD = 0.30
OFFSET_COUNTS = (20.0, 200.0)
NOISE_COUNTS = 0.01 * 4095
CREEP_PER_DECADE = 0.05
SATURATION = 0.70
DRIFT_COUNTS = 5.0  # standard deviation of each step of the offset's walk
DRIFT_STEP_S = 10.0
LAGS_MS = (15, 25)

# A fault is there from the start in one foot and comes while walking in the other.
FAULT_AT_S = {"left": 0.0, "right": 20.0}
BURST_N = (2, 8)

Loads = NDArray[np.float64]


@dataclass(frozen=True)
class Walked:
    """Hold the loads of one walk in counts of ideal sensors without offset, (n, channel_n) per foot at 1000 Hz.

    `lagged` are those of sensors with a lag on unloading, by time constant; `hole` is True where there is no sample.
    """

    name: str
    channels: tuple[Channel, ...]
    loads: dict[str, Loads]
    lagged: dict[int, dict[str, Loads]]
    hole: dict[str, NDArray[np.bool_]]


def walked(name: str, source: Source) -> Walked:
    """Take loads from a source that was made with ideal sensors, no offset."""
    hole = {side: counts[:, 0] == MISSING_COUNTS for side, counts in source.counts.items()}
    loads = {side: np.where(hole[side][:, None], 0.0, counts) for side, counts in source.counts.items()}
    return Walked(name, source.channels, loads, lagged(loads), hole)


def lagged(loads: dict[str, Loads]) -> dict[int, dict[str, Loads]]:
    """Lag falling loads by each of LAGS_MS: y[n] = x[n] if x[n] >= y[n-1], else y[n-1] + (x[n] - y[n-1]) * a.

    As 0 < a < 1, that is the larger one of the two.
    """
    sides = list(loads)
    together = np.hstack([loads[side] for side in sides for _ in LAGS_MS])
    tau_ms = np.concatenate([np.full(loads[side].shape[1], lag) for side in sides for lag in LAGS_MS])
    part = 1.0 - np.exp(-1000.0 / SOURCE_RATE_HZ / tau_ms)
    out = np.empty_like(together)
    last, step = np.zeros(len(part)), np.empty(len(part))
    for x, y in zip(together, out, strict=True):
        np.subtract(x, last, out=step)
        np.multiply(step, part, out=step)
        np.add(step, last, out=step)
        np.maximum(x, step, out=y)
        last = y
    blocks = iter(np.hsplit(out, len(sides) * len(LAGS_MS)))
    by_side = {side: {lag: next(blocks) for lag in LAGS_MS} for side in sides}
    return {lag: {side: by_side[side][lag] for side in sides} for lag in LAGS_MS}


def sense(walk: Walked, condition: Condition) -> Source:
    """Turn the loads of a walk into what the detector gets; each sample stands until the next."""
    every = SOURCE_RATE_HZ // condition.rate_hz
    counts = {}
    for k, (side, loads) in enumerate(sorted(walk.loads.items())):
        seed = (zlib.crc32(walk.name.encode()), k)
        rough_loads = walk.lagged[condition.lag_ms][side] if condition.rough else loads
        x = rough_loads[::every] * condition.scale
        taken = _rough(x, condition.rate_hz, seed) if condition.rough else _ideal(x)
        if condition.fault:
            _break_one(taken, walk.channels, condition, side, seed)
        taken[walk.hole[side][::every]] = MISSING_COUNTS
        if condition.missing:
            taken[_missing(len(taken), condition.missing, seed)] = MISSING_COUNTS
        counts[side] = np.repeat(taken, every, axis=0)[: len(loads)]
    return Source(counts, walk.channels)


def _ideal(x: Loads) -> NDArray[np.uint16]:
    offset = IDEAL.offset_counts
    return _digits(np.minimum(x / MAX_COUNTS, 1.0) * (MAX_COUNTS - offset) + offset)


def _rough(x: Loads, rate_hz: int, seed: tuple[int, int]) -> NDArray[np.uint16]:
    n, channel_n = x.shape
    t_s = np.arange(n) / rate_hz
    creep = 1.0 + CREEP_PER_DECADE * np.log10(np.maximum(t_s, 1.0))
    out = np.empty((n, channel_n))
    for c in range(channel_n):
        rng = generator(*seed, c)
        gain = uniform(rng, 1.0 - GAIN_SPREAD, 1.0 + GAIN_SPREAD)
        offset = uniform(rng, *OFFSET_COUNTS)
        reading = np.minimum(x[:, c] * (gain / MAX_COUNTS) * creep, SATURATION)
        out[:, c] = reading * (MAX_COUNTS - offset) + offset
        out[:, c] += _drift(t_s, generator(*seed, c, 1))
        out[:, c] += NOISE_COUNTS * noise(generator(*seed, c, 2), n)
    return _digits(out)


def _drift(t_s: Loads, rng: np.random.PCG64) -> Loads:
    """Let the offset walk at random from 0, by DRIFT_COUNTS every DRIFT_STEP_S."""
    step_n = int(t_s[-1] / DRIFT_STEP_S) + 2
    levels = np.concatenate([[0.0], np.cumsum(DRIFT_COUNTS * noise(rng, step_n))])
    walk: Loads = np.interp(t_s, DRIFT_STEP_S * np.arange(step_n + 1), levels)
    return walk


def _digits(counts: Loads) -> NDArray[np.uint16]:
    clipped: NDArray[np.uint16] = np.clip(np.rint(counts), 0, MAX_COUNTS).astype(np.uint16)
    return clipped


def _break_one(
    counts: NDArray[np.uint16], channels: tuple[Channel, ...], condition: Condition, side: str, seed: tuple[int, int]
) -> None:
    """Break one voting sensor: dead reads nothing but what it reads unloaded, stuck one value for ever."""
    rng = generator(*seed, 100)
    voting = [c for c, (zone, _) in enumerate(channels) if zone != "midfoot"]
    c = voting[int(uniform(rng, 0, len(voting)))]
    stuck_at = round(uniform(rng, 300, 3000))
    since = round(FAULT_AT_S[side] * condition.rate_hz)
    if condition.fault == "stuck":
        counts[since:, c] = stuck_at
    else:
        unloaded = np.zeros((len(counts), len(channels)))
        dead = _rough(unloaded, condition.rate_hz, seed) if condition.rough else _ideal(unloaded)
        counts[since:, c] = dead[since:, c]


def _missing(n: int, part: float, seed: tuple[int, int]) -> NDArray[np.bool_]:
    """Lose samples at random: half of them one by one, half in bursts."""
    rng = generator(*seed, 101)
    draws = (np.asarray(rng.random_raw(n)) >> np.uint64(11)).astype(np.float64) / 2.0**53
    mean_burst_n = (BURST_N[0] + BURST_N[1]) / 2
    gone: NDArray[np.bool_] = draws < part / 2
    starts = np.flatnonzero((draws >= 0.5) & (draws < 0.5 + part / 2 / mean_burst_n))
    for start in starts.tolist():
        gone[start : start + int(uniform(rng, BURST_N[0], BURST_N[1] + 1))] = True
    return gone
