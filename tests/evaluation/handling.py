"""Handling of a shoe: hands on the sensors, a foot pushed in, laces. Nothing in it is a stride.

Forces in newton, per channel. Hands: one to three sensors pressed with 5 to 40 N, or the whole sole bent; a foot pushed
in by somebody who sits: the forefoot slides, the heel is worked in with 60 to 200 N; laces load the whole foot with
10 to 40 N; the seated foot rests.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retrosole.twin.chance import generator, smooth, uniform, wander
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel

Forces = NDArray[np.float64]


def handling(channels: tuple[Channel, ...], n: int, seed: int) -> dict[str, Forces]:
    """Handle both shoes for n milliseconds, one after the other's manner; (n, channel_n) each, in newton."""
    return {side: _one_shoe(channels, n, (seed, k)) for k, side in enumerate(("left", "right"))}


def _one_shoe(channels: tuple[Channel, ...], n: int, seed: tuple[int, int]) -> Forces:
    rng = generator(*seed)
    force = np.zeros((n, len(channels)))
    at, k = 500, 0
    while at < n:
        episode = _EPISODES[int(uniform(rng, 0, len(_EPISODES)))](channels, rng, (*seed, k))
        episode = episode[: n - at]
        force[at : at + len(episode)] += episode
        at += len(episode) + round(1000 * uniform(rng, 0.2, 2.5))
        k += 1
    return force


def _pressed(length_s: float, rise_s: float) -> Forces:
    """Rise, hold and fall within a time, 0 to 1, (n,)."""
    t_s = np.arange(round(length_s * SOURCE_RATE_HZ)) / SOURCE_RATE_HZ
    return smooth(t_s / rise_s) * smooth((length_s - t_s) / rise_s)


def _fingers(channels: tuple[Channel, ...], rng: np.random.PCG64, seed: tuple[int, ...]) -> Forces:
    press = _pressed(uniform(rng, 0.1, 1.5), uniform(rng, 0.03, 0.2))
    out = np.zeros((len(press), len(channels)))
    first, width = int(uniform(rng, 0, len(channels))), int(uniform(rng, 1, 4))
    for c in range(first, min(first + width, len(channels))):
        out[:, c] = uniform(rng, 5, 40) * press
    return out


def _bending(channels: tuple[Channel, ...], rng: np.random.PCG64, seed: tuple[int, ...]) -> Forces:
    press = _pressed(uniform(rng, 0.5, 2.0), 0.2)
    waves = [1.0 + 0.5 * wander(generator(*seed, c), len(press), 250) for c in range(len(channels))]
    return np.column_stack([uniform(rng, 5, 30) * press * wave for wave in waves])


def _foot_pushed_in(channels: tuple[Channel, ...], rng: np.random.PCG64, seed: tuple[int, ...]) -> Forces:
    """Slide the forefoot in, then work the heel down, one to three times."""
    parts = [_on_zones(channels, ("forefoot", "toes"), uniform(rng, 20, 80), _pressed(uniform(rng, 0.3, 1.0), 0.1))]
    for _ in range(int(uniform(rng, 1, 4))):
        parts.append(np.zeros((round(1000 * uniform(rng, 0.1, 0.4)), len(channels))))
        push = _pressed(uniform(rng, 0.2, 0.6), 0.08)
        part = _on_zones(channels, ("heel",), uniform(rng, 60, 200), push)
        parts.append(part + _on_zones(channels, ("forefoot", "toes"), uniform(rng, 0, 40), push))
    return np.vstack(parts)


def _laces(channels: tuple[Channel, ...], rng: np.random.PCG64, seed: tuple[int, ...]) -> Forces:
    press = _pressed(uniform(rng, 2.0, 5.0), 0.3)
    pull = press * (1.0 + 0.6 * wander(generator(*seed, 0), len(press), 300))
    return np.column_stack([pull * uniform(rng, 10, 40) / len(channels) for _ in channels])


def _resting(channels: tuple[Channel, ...], rng: np.random.PCG64, seed: tuple[int, ...]) -> Forces:
    press = _pressed(uniform(rng, 2.0, 6.0), 0.3)
    heel_share = 0.5 + 0.2 * wander(generator(*seed, 0), len(press), 900)
    force = uniform(rng, 50, 100)
    front = _on_zones(channels, ("forefoot", "toes"), force, press * (1.0 - heel_share))
    return front + _on_zones(channels, ("heel",), force, press * heel_share)


def _on_zones(channels: tuple[Channel, ...], zones: tuple[str, ...], force_n: float, shape: Forces) -> Forces:
    """Share a force out evenly among the channels of some zones."""
    chosen = np.array([zone in zones for zone, _ in channels], dtype=np.float64)
    return np.outer(shape, chosen * (force_n / chosen.sum()))


_EPISODES: tuple[Callable[[tuple[Channel, ...], np.random.PCG64, tuple[int, ...]], Forces], ...] = (
    _fingers,
    _fingers,
    _bending,
    _foot_pushed_in,
    _laces,
    _resting,
)
