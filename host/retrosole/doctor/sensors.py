"""Are the sensors live: what a few seconds of counts tell of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrosole.doctor.finding import Finding, bad, ok, warn
from retrosole.errors import DamagedDataError

# A divider with an open sensor reads about 0, and so does an unloaded one: the firmware takes less than this, 1.6 % of
# the range, for nothing.
NOTHING_COUNTS = 64
# A foot that stands loads some sensor with a tenth of the range or more: the gait model's 70 kg give 400 counts under
# each of six sensors on two feet.
LOADED_COUNTS = 250
# Of the range, the noise (standard deviation) of rough sensors in the detector's evaluation: up to it the figures hold.
NOISY_PART = 0.01
HALF_NOISY_PART = 0.005
# At the top for this part of the time: more than a step's peak.
SATURATED_SHARE = 0.2
LEAST_SAMPLES = 100
_TOP_PART = 0.995
_TO_SIGMA = 1.4826 / 6**0.5  # of the median of absolute second differences of white noise


@dataclass(frozen=True)
class Reading:
    """Hold what one channel read: the median, the smallest and the largest count, noise as a standard deviation.

    Noise is what is left after a sensor's own movement: it is taken from second differences, in which a load that
    comes or goes over some samples all but vanishes. `top_share` is the part of the samples at the top of the range.
    """

    median: float
    least: int
    most: int
    noise: float
    top_share: float


def measure(counts: NDArray[np.uint16], full_scale: int) -> list[Reading]:
    """Measure each channel of counts (n, channel_n), n at least 3, of a range that ends at `full_scale`."""
    values = counts.astype(np.float64)
    noise = np.median(np.abs(np.diff(values, 2, axis=0)), axis=0) * _TO_SIGMA
    top = (values >= _TOP_PART * full_scale).mean(axis=0)
    return [
        Reading(
            float(np.median(values[:, k])), int(counts[:, k].min()), int(counts[:, k].max()), float(noise[k]), float(t)
        )
        for k, t in enumerate(top)
    ]


def judge(counts: NDArray[np.uint16], full_scale: int, names: Sequence[str]) -> Iterator[Finding]:
    """Say which sensors are dead, stuck, saturated or noisy; `names` says where each channel sits.

    A real converter's reading moves by some counts, so one that never moves is stuck, unless it reads nothing: then it
    is unloaded, or its wire is broken, and only a foot that loads the others tells which. One at the top of its range
    is shorted, or loaded beyond it.
    """
    if len(counts) < LEAST_SAMPLES:
        found = f"only {len(counts)} samples came"
        yield bad("sensors", found, "check the cable, and run this again", DamagedDataError)
        return
    readings = measure(counts, full_scale)
    is_loaded = any(one.most - one.least > 3 and one.most >= LOADED_COUNTS for one in readings)
    broken = [_judge_one(one, full_scale, is_loaded) for one in readings]
    for k, problem in enumerate(broken):
        if problem is not None:
            level, found, todo = problem
            name = f"sensor {k}"
            whole = f"{names[k]} {found}"
            yield warn(name, whole, todo) if level == "warn" else bad(name, whole, todo, DamagedDataError)
    well_n = broken.count(None)
    text = f"{well_n} of {len(readings)} live, noise up to {max(one.noise for one in readings):.0f} counts"
    if not is_loaded:
        yield warn("sensors", f"{text}; nothing loads them", "a broken wire shows only while you stand on it")
    elif well_n == len(readings):
        yield ok("sensors", text)
    else:
        yield warn("sensors", text, "strides are still told while each zone has a sensor that is well")


def _judge_one(one: Reading, full_scale: int, is_loaded: bool) -> tuple[str, str, str] | None:
    """Give level, finding and remedy for a sensor that is not well, None for one that is or may be."""
    if one.top_share >= SATURATED_SHARE:
        found = f"is at the top of its range {100 * one.top_share:.0f} % of the time (saturated)"
        return "bad", found, "look for a wire that touches 3.3 V; a smaller resistor to ground widens the range"
    if one.most < NOTHING_COUNTS:
        if not is_loaded:
            return None
        found = f"reads nothing ({one.most} of {full_scale}) while others are loaded (dead, or no weight on it)"
        return "bad", found, "press on it while `retrosole live` runs; if nothing moves, look at its wires"
    if one.most == one.least:
        return "bad", f"reads {one.most} and never moves (stuck)", "look for a short between its wires or pins"
    part = one.noise / full_scale
    if part > HALF_NOISY_PART:
        found = f"is noisy: {one.noise:.0f} counts, {100 * part:.1f} % of its range"
        level = "bad" if part > NOISY_PART else "warn"
        return level, found, "look for a loose wire; 100 nF from its pin to ground quiets a long one"
    return None
