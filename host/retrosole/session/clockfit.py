"""Relate the clocks of insoles to one host clock, all at once, and say how well.

An exchange brackets the insole's reading between the host's sending and receiving. What it took longer than the
quickest one (its excess) was spent in some queue on the way there or back, so the middle is wrong by at most half of
it: quick exchanges count much and slow ones next to nothing, and how the excess is shared out between both ways is
fitted along. Robust weighted least squares with priors (ridge); times in ms, frequencies in ppm.

Whatever the clocks did, a reading was taken between sending and receiving. Where the fitted line is outside, the clock
did not run evenly (a virtual insole on a busy computer): there the line is bent just as far as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRIFT_PPM = 100.0  # 1 sigma of what is believed of a crystal beforehand; good ones are within 20
BEND_PPM = 1.0  # 1 sigma of how much its frequency changes in 1000 s, as it warms up
_OFFSET_MS = 1e7  # nothing is believed of offsets
_SHARE = 0.6  # 1 sigma of how unevenly the excess is shared out, from -1 (all on the way there) to 1 (all back)
_FLOOR_MS = 0.02  # no exchange is trusted beyond that
_GROSS_MS = 1000.0  # off the median by that and 500 ppm: written down beside another host clock
_GROSS_PPM = 500.0
_ROBUST_N = 6  # rounds of weighting down what lies far out
_FAR = 4.0  # sigmas from which an exchange counts nothing (Tukey's biweight)
_PER_CLOCK = 4  # offset, drift, bend, share


@dataclass(frozen=True)
class Exchanges:
    """Hold the answered queries of one clock, all (n,): insole time, the host's middle and delay, in seconds.

    `epoch` says which run of the host's clock each belongs to, from 0 on; between runs it jumped by an unknown time.
    """

    device_s: Array
    host_s: Array
    delay_s: Array
    epoch: NDArray[np.int64]

    @property
    def least_s(self) -> float:
        """Give the shortest delay: how it was shared out between both ways cannot be known."""
        return float(self.delay_s.min())

    def some(self, which: NDArray[np.bool_]) -> Exchanges:
        """Give a part of them."""
        return Exchanges(self.device_s[which], self.host_s[which], self.delay_s[which], self.epoch[which])


@dataclass(frozen=True)
class Bend:
    """Hold how far a fitted line has to be bent, in ms at insole times, to pass between all sendings and receivings."""

    device_s: Array
    bend_ms: Array

    def at_ms(self, device_s: Array) -> Array:
        """Give the bend at other times."""
        return np.interp(device_s, self.device_s, self.bend_ms)

    @property
    def steps_s(self) -> Array:
        """Give by how much it changes from one exchange to the next: nobody knows how, in between."""
        return np.abs(np.diff(self.bend_ms)) / 1e3 if len(self.bend_ms) > 1 else np.zeros(1)


@dataclass(frozen=True)
class Fit:
    """Hold what came of it: common time = insole time + `base_s` + a polynomial; parameters of all clocks together."""

    base_s: Array  # (clocks,)
    center_s: Array  # (clocks,): insole time where each polynomial has its origin
    values: Array
    covariance: Array
    bends: tuple[Bend, ...]

    def common_s(self, clock: int, device_s: Array) -> Array:
        """Give the common time of insole times."""
        offset_ms = self._rows(clock, device_s) @ self.values + self.bends[clock].at_ms(device_s)
        return np.asarray(device_s + self.base_s[clock] + offset_ms / 1e3)

    def sigma_s(self, clock: int, device_s: Array, other: int, common_s: Array) -> Array:
        """Give 1 sigma of what two clocks are apart at these times of the one, which are these common times."""
        rows = self._rows(clock, device_s) - self._rows(other, common_s - self.base_s[other])
        return np.asarray(np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0)) / 1e3)

    def _rows(self, clock: int, device_s: Array) -> Array:
        rows = np.zeros((len(device_s), len(self.values)))
        at = _PER_CLOCK * clock
        rows[:, at : at + 3] = _powers(device_s - self.center_s[clock])
        return rows


def _powers(seconds: Array) -> Array:
    ks = seconds / 1e3
    return np.stack([np.ones_like(ks), ks, ks * ks / 2], axis=1)


def fit_clocks(clocks: list[Exchanges]) -> Fit:
    """Fit all clocks, and the jumps of the host's, together. Each clock needs one exchange at least."""
    base_s = np.array([float(np.median(c.host_s - c.device_s)) for c in clocks])
    clocks = [_without_gross(c) for c in clocks]
    center_s = np.array([float(c.device_s.mean()) for c in clocks])
    epoch_n = 1 + max(int(c.epoch.max()) for c in clocks)
    size = _PER_CLOCK * len(clocks) + epoch_n - 1
    rows, y, sigma = [], [], []
    for k, clock in enumerate(clocks):
        part = np.zeros((len(clock.host_s), size))
        excess_ms = (clock.delay_s - clock.least_s) * 1e3
        at = _PER_CLOCK * k
        part[:, at : at + 3] = _powers(clock.device_s - center_s[k])
        part[:, at + 3] = excess_ms / 2
        later = np.flatnonzero(clock.epoch > 0)
        part[later, _PER_CLOCK * len(clocks) + clock.epoch[later] - 1] = -1
        rows.append(part)
        y.append((clock.host_s - clock.device_s - base_s[k]) * 1e3)
        sigma.append(np.hypot(_floor_ms(excess_ms), excess_ms / 2))
    prior = np.concatenate([np.tile([_OFFSET_MS, DRIFT_PPM, BEND_PPM, _SHARE], len(clocks)), np.full(epoch_n - 1, 1e7)])
    values, covariance = _robust(np.concatenate(rows), np.concatenate(y), np.concatenate(sigma), prior)
    evenly = _without_shares(rows, len(clocks))
    bends = [_bend(clock, part, of_clock, values) for clock, part, of_clock in zip(clocks, evenly, y, strict=True)]
    return Fit(base_s, center_s, values, covariance, tuple(bends))


def _without_shares(rows: list[Array], clock_n: int) -> list[Array]:
    """Give the rows of the times alone."""
    kept = np.ones(rows[0].shape[1])
    kept[_PER_CLOCK - 1 : _PER_CLOCK * clock_n : _PER_CLOCK] = 0
    return [part * kept for part in rows]


def _bend(clock: Exchanges, rows: Array, y: Array, values: Array) -> Bend:
    off_ms = y - rows @ values
    beyond_ms = np.maximum(np.abs(off_ms) - clock.delay_s * 1e3 / 2, 0)
    quick = np.flatnonzero(clock.delay_s <= 2 * np.median(clock.delay_s))  # the others say next to nothing
    order = quick[np.argsort(clock.device_s[quick], kind="stable")]
    return Bend(clock.device_s[order], (np.sign(off_ms) * beyond_ms)[order])


def _floor_ms(excess_ms: Array) -> float:
    """Give how far the quickest exchanges are to be trusted: half the excess of the quickest few."""
    few = min(len(excess_ms) - 1, max(7, int(np.sqrt(len(excess_ms)))))
    return max(_FLOOR_MS, float(np.partition(excess_ms, few)[few]) / 2)


def _without_gross(clock: Exchanges) -> Exchanges:
    """Leave out, in each run of the host's clock, what cannot be this clock's."""
    keep = np.ones(len(clock.host_s), np.bool_)
    for epoch in np.unique(clock.epoch):
        of_epoch = clock.epoch == epoch
        apart_s = clock.host_s - clock.device_s
        at_s = clock.device_s - np.median(clock.device_s[of_epoch])
        off_s = np.abs(apart_s - np.median(apart_s[of_epoch]))
        keep &= ~of_epoch | (off_s <= _GROSS_MS / 1e3 + _GROSS_PPM * 1e-6 * np.abs(at_s) + clock.delay_s / 2)
    return clock.some(keep) if keep.any() else clock


def _robust(rows: Array, y: Array, sigma: Array, prior: Array) -> tuple[Array, Array]:
    """Solve, weighting down what lies far out, with the spread that is really there."""
    believed = np.diag(1 / prior**2)
    weight, spread = np.ones_like(y), 1.0
    for _ in range(_ROBUST_N):
        w = weight / (sigma * spread) ** 2
        covariance = np.linalg.inv(rows.T @ (rows * w[:, None]) + believed)
        values = covariance @ (rows.T @ (w * y))
        off = np.abs(y - rows @ values) / sigma
        spread = max(0.3, 1.48 * float(np.median(off)))
        weight = np.maximum(1 - (off / (_FAR * max(spread, 1.0))) ** 2, 0) ** 2
        if not weight.any():
            weight[:] = 1
    return values, np.asarray(covariance, np.float64)
