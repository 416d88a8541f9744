"""What is true of a walk of the gait model, by plain numpy from its true strides and loads: nothing of retrosole.gait.

Events: each zone at 5 % of its typical peak, the foot from the first zone on to the last one off. Loads: in percent of
what forefoot and heel carry together when the person stands on this foot alone, 55 % of it on the heel; and in counts,
what the sensors read above what they read in the swings around. The toes count with the forefoot, the midfoot does not.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from walked import CHANNELS, Options

from retrosole.gait.strides import Stride
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import ZONE_FULL_SCALE_N, FrontEnd, to_counts
from retrosole.twin.gait_model import SIDES, walk_loads
from retrosole.twin.gait_shapes import Load, channel_loads
from retrosole.twin.person import Person

Floats = NDArray[np.float64]
USUAL = Person()
STANDING = Load(np.full(2000, 1.0), np.full(2000, 0.55), np.zeros(2000))


def true_times(truth: tuple[Stride, ...], side: str) -> dict[str, Floats]:
    """Give every parameter that follows from times, for each stride of a foot; nan where there is none."""
    own = [s for s in truth if s.side == side]
    other = [s for s in truth if s.side != side]
    start, end = (np.array([getattr(s, f"{e}_contact_s") for s in own]) for e in ("initial", "final"))
    fore_on, heel_on, fore_off, heel_off = (
        np.array([getattr(s, f"{e}_s") for s in own]) for e in ("forefoot_on", "heel_on", "forefoot_off", "heel_off")
    )
    stride = np.append(start[1:] - start[:-1], np.nan)
    toe_first = np.array([s.contact_order == "forefoot_first" for s in own])
    toe_to_heel = toe_first & np.array([s.lift_order == "forefoot_first" for s in own])
    heel_to_toe = np.array([(s.contact_order, s.lift_order) == ("heel_first", "heel_first") for s in own])
    double = np.array([_down_too(s, other) for s in own])
    return {
        "initial_contact_s": start,
        "stance_s": end - start,
        "swing_s": stride - (end - start),
        "stride_time_s": stride,
        "cadence_steps_min": 60.0 / (stride / 2),
        "duty_factor_percent": (end - start) / stride * 100,
        "double_support_s": double,
        "double_support_percent": double / stride * 100,
        "heel_lowering_s": np.where(toe_first, heel_on - fore_on, np.nan),
        "rollover_s": np.select([toe_to_heel, heel_to_toe], [heel_off - fore_on, fore_off - heel_on], np.nan),
        "lift_lead_s": heel_off - fore_off,
    }


def _down_too(stride: Stride, other: list[Stride]) -> float:
    """Add up for how long the other foot was down within a stance."""
    return sum(
        max(0.0, min(stride.final_contact_s, s.final_contact_s) - max(stride.initial_contact_s, s.initial_contact_s))
        for s in other
    )


def true_loads(gait: str, source: Source, seed: int, side: str, person: Person = USUAL) -> dict[str, Floats]:
    """Give what the zones carried in each true stride of a foot, from the loads without any sensor."""
    load = walk_loads(gait, len(source.counts[side]), seed, person)[0][side]
    carried = zone_sums(channel_loads(load, source.channels), source.channels)
    standing = zone_sums(channel_loads(STANDING, source.channels), source.channels)
    whole = sum(float(zone[0]) for zone in standing.values())
    out: dict[str, list[float]] = {}
    for first, last in _spans(source, side):
        impulses = {name: float(zone[first:last].sum()) / SOURCE_RATE_HZ for name, zone in carried.items()}
        for name, zone in carried.items():
            out.setdefault(f"{name}_peak_percent", []).append(100 * float(zone[first:last].max()) / whole)
            out.setdefault(f"{name}_impulse_percent_s", []).append(100 * impulses[name] / whole)
        out.setdefault("forefoot_share_percent", []).append(100 * impulses["forefoot"] / sum(impulses.values()))
    return {name: np.array(values) for name, values in out.items()}


def true_counts(source: Source, side: str) -> dict[str, Floats]:
    """Give what the sensors of the zones read in each true stride of a foot, above the swings before and behind it."""
    spans, counts = _spans(source, side), source.counts[side]
    swings = [(end, start) for (_, end), (start, _) in pairwise(spans)]
    unloaded = [counts[(3 * a + b) // 4 : (a + 3 * b) // 4].mean(axis=0) for a, b in swings]
    zones = [zone for zone, _ in source.channels]
    out: dict[str, list[float]] = {}
    for k, (first, last) in enumerate(spans):
        above = counts[first:last] - np.mean(unloaded[max(k - 1, 0) : k + 1], axis=0)
        for name, members in _MEMBERS.items():
            zone = above[:, [z in members for z in zones]].sum(axis=1)
            out.setdefault(f"{name}_peak", []).append(float(zone.max()))
            out.setdefault(f"{name}_impulse", []).append(float(zone.sum()) / SOURCE_RATE_HZ)
    return {name: np.array(values) for name, values in out.items()}


def _spans(source: Source, side: str) -> list[tuple[int, int]]:
    """Give the first record of each true stance of a foot and the one behind its last."""
    own = [s for s in source.truth if s.side == side]
    return [(round(s.initial_contact_s * SOURCE_RATE_HZ), round(s.final_contact_s * SOURCE_RATE_HZ)) for s in own]


_MEMBERS = {"forefoot": ("forefoot", "toes"), "heel": ("heel",)}


def zone_sums(loads: list[Floats], channels: tuple[Channel, ...]) -> dict[str, Floats]:
    """Add up the sensors of each zone as their counts add up: a zone's sensors share its range."""
    zones = [zone for zone, _ in channels]
    return {
        name: np.sum(
            [load * zones.count(zone) for load, zone in zip(loads, zones, strict=True) if zone in members], axis=0
        )
        for name, members in _MEMBERS.items()
    }


def calibrated(
    front_end: FrontEnd, seed: int, person: Person = USUAL, channels: tuple[Channel, ...] = CHANNELS
) -> Options:
    """Give what the calibration of both insoles would have told: standing on that foot alone, above the unloaded."""
    standing = {}
    zones = [zone for zone, _ in channels]
    for side_idx, side in enumerate(SIDES):
        told = []
        for k, load in enumerate(channel_loads(STANDING, channels)):
            full_scale_n = ZONE_FULL_SCALE_N / zones.count(zones[k])
            force_n = np.concatenate([np.zeros(1000), load * person.weight_n])
            counts = to_counts(force_n, full_scale_n, front_end, (seed, 30, side_idx, k)).astype(float)
            told.append(round(float(counts[1500:2500].mean() - counts[:1000].mean())))
        standing[side] = tuple(told)
    return Options(standing=standing)
