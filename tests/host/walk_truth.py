"""What is true of a walk of the gait model, by plain numpy from its true strides and loads: nothing of retrosole.gait.

Events: each zone at 5 % of its typical peak, the foot from the first zone on to the last one off. Loads: in percent of
what forefoot and heel carry together when the person stands on this foot alone, 55 % of it on the heel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from walked import CHANNELS, Options

from retrosole.gait.strides import Stride
from retrosole.twin.feed import SOURCE_RATE_HZ, Source
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
    zones = _zone_sums(channel_loads(load, CHANNELS))
    whole = sum(float(zone[0]) for zone in _zone_sums(channel_loads(STANDING, CHANNELS)).values())
    out: dict[str, list[float]] = {}
    for stride in (s for s in source.truth if s.side == side):
        first, last = (round(t * SOURCE_RATE_HZ) for t in (stride.initial_contact_s, stride.final_contact_s))
        impulses = {name: float(zone[first:last].sum()) / SOURCE_RATE_HZ for name, zone in zones.items()}
        for name, zone in zones.items():
            out.setdefault(f"{name}_peak_percent", []).append(100 * float(zone[first:last].max()) / whole)
            out.setdefault(f"{name}_impulse_percent_s", []).append(100 * impulses[name] / whole)
        out.setdefault("forefoot_share_percent", []).append(100 * impulses["forefoot"] / sum(impulses.values()))
    return {name: np.array(values) for name, values in out.items()}


def _zone_sums(loads: list[Floats]) -> dict[str, Floats]:
    """Add up the sensors of each zone as their counts add up: a zone's sensors share its range."""
    zones = [zone for zone, _ in CHANNELS]
    return {
        name: sum(load for load, zone in zip(loads, zones, strict=True) if zone == name) * zones.count(name)
        for name in ("forefoot", "heel")
    }


def calibrated(front_end: FrontEnd, seed: int, person: Person = USUAL) -> Options:
    """Give what the calibration of both insoles would have told: standing on that foot alone, above the unloaded."""
    standing = {}
    zones = [zone for zone, _ in CHANNELS]
    for side_idx, side in enumerate(SIDES):
        told = []
        for k, load in enumerate(channel_loads(STANDING, CHANNELS)):
            full_scale_n = ZONE_FULL_SCALE_N / zones.count(zones[k])
            force_n = np.concatenate([np.zeros(1000), load * person.weight_n])
            counts = to_counts(force_n, full_scale_n, front_end, (seed, 30, side_idx, k)).astype(float)
            told.append(round(float(counts[1500:2500].mean() - counts[:1000].mean())))
        standing[side] = tuple(told)
    return Options(standing=standing)
