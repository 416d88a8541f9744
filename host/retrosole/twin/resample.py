"""Bring a recording to an insole's channels, counts and clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import DamagedDataError, UsageError
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import (
    IDEAL,
    MISSING_COUNTS,
    SENSOR_FULL_SCALE,
    ZONE_FULL_SCALE_N,
    FrontEnd,
    to_counts,
)
from retrosole.twin.sensor_map import sensor_weights, sensors_covered, sensors_in_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrosole.session.recording import Recording, SideRecording

# Bridged by a straight line; a longer hole is missing data and stays so.
MAX_BRIDGE_S = 0.1
# Where a recording does not say its unit, its own high loads are put here in the range.
_UNKNOWN_PEAK_AT = 0.65
_COUNTS_FRONT_END = FrontEnd(offset_counts=0.0)
_SIDE_SEED = {"left": 0, "right": 1}


def from_recording(
    recording: Recording,
    channels: Sequence[Channel],
    front_end: FrontEnd | None = None,
    seed: int = 0,
    full_scale: float | None = None,
) -> Source:
    """Resample a recording to counts of an insole with these channels.

    Record 0 is the first row of the recording, on one axis for both sides; straight lines join
    the samples, holes above 0.1 s become missing records. Sensors go to channels by zone
    (`sensor_map`). Without a front end the ideal one is taken, and none at all if the recording
    is in counts. `full_scale` is the load on one sensor, in the recording's unit, at which its
    counts end; without it that of the unit is taken (`front_end`). Raises DamagedDataError if the
    recording lacks what the channels need, UsageError without channels.
    """
    counts = counts_at(SOURCE_RATE_HZ, recording, channels, front_end, seed, full_scale)
    return Source(counts, tuple(channels))


def counts_at(
    rate_hz: int,
    recording: Recording,
    channels: Sequence[Channel],
    front_end: FrontEnd | None = None,
    seed: int = 0,
    full_scale: float | None = None,
) -> dict[str, NDArray[np.uint16]]:
    """Give every `SOURCE_RATE_HZ / rate_hz`-th record of `from_recording`, for each side.

    `rate_hz` divides SOURCE_RATE_HZ. Records in between are not made where no other record depends on them.
    """
    if not channels:
        raise UsageError("an insole without channels, expected 2 to 8 of them")
    sides = {}
    for name, side in recording.sides.items():
        try:
            sides[name] = _side_loads(side, channels, recording.start_s)
        except DamagedDataError as error:
            raise DamagedDataError(f"{name}: {error}") from error
    last = int(np.floor(recording.duration_s * SOURCE_RATE_HZ + 1e-6))
    every = SOURCE_RATE_HZ // rate_hz
    counts = {}
    for name, loads in sides.items():
        unit = recording.sides[name].unit
        ranges = _full_scales(unit, loads, sides, full_scale)
        chosen = front_end or (_COUNTS_FRONT_END if unit == "counts" else IDEAL)
        made_every = every if _is_momentary(chosen) else 1
        at_s = np.arange(0, last + 1, made_every) / SOURCE_RATE_HZ
        made = _side_counts(loads, at_s, ranges, chosen, (seed, _SIDE_SEED[name]))
        counts[name] = made[:: every // made_every]
    return counts


def _is_momentary(front_end: FrontEnd) -> bool:
    """Say whether each count depends on the load of that moment alone."""
    return not (front_end.unload_lag_ms or front_end.creep or front_end.drift_counts or front_end.noise_counts)


@dataclass(frozen=True)
class _SideLoads:
    """Hold each channel's load at the recording's own times.

    `sensors_covered` and `sensors_in_zone` give, by channel, what its range is to be reckoned with.
    """

    time_s: NDArray[np.float64]
    columns: list[NDArray[np.float64]]
    sensors_covered: list[float]
    sensors_in_zone: list[int]


def _side_loads(side: SideRecording, channels: Sequence[Channel], start_s: float) -> _SideLoads:
    # A sensor without any sample is left out, as if it were not there.
    zones = [zone if np.isfinite(side.pressure[:, k]).any() else "" for k, zone in enumerate(side.zones)]
    weights = sensor_weights(zones, side.across, channels)
    time_s = side.time_s - start_s
    used = np.flatnonzero(weights.any(axis=0)).tolist()
    bridged = np.column_stack([_bridge(time_s, side.pressure[:, k]) for k in used])
    whole = ~np.isnan(bridged).any(axis=1)
    if not whole.any():
        raise DamagedDataError("no row with a sample of every sensor, expected at least one")
    columns = []
    for row in weights[:, used]:
        # No matrix product: its order of adding depends on the machine.
        load = np.zeros(int(whole.sum()))
        for k in np.flatnonzero(row).tolist():
            load += row[k] * bridged[whole, k]
        columns.append(load)
    return _SideLoads(
        time_s[whole],
        columns,
        sensors_covered(weights, channels),
        sensors_in_zone(zones, channels),
    )


def _bridge(time_s: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill short holes of one sensor, so that sensors read in turn still make whole rows."""
    seen = ~np.isnan(column)
    if seen.all():
        return column
    return _line(column[seen], *_places(time_s[seen], time_s))


def _line(
    values: NDArray[np.float64],
    hole: NDArray[np.bool_],
    before: NDArray[np.intp],
    part: NDArray[np.float64],
) -> NDArray[np.float64]:
    after = np.minimum(before + 1, len(values) - 1)
    line: NDArray[np.float64] = values[before] + (values[after] - values[before]) * part
    line[hole] = np.nan
    return line


def _places(
    time_s: NDArray[np.float64], at_s: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.float64]]:
    """Find whether each time is in a hole, the sample before it, and the way to the next (0-1)."""
    before = np.searchsorted(time_s, at_s + 1e-9, side="right") - 1
    outside = before < 0
    before = np.maximum(before, 0)
    after = np.minimum(before + 1, len(time_s) - 1)
    gap_s = time_s[after] - time_s[before]
    ahead_s = at_s - time_s[before]
    # The last sample holds for no longer than half a millisecond.
    outside |= (gap_s == 0) & (ahead_s > 0.0005)
    outside |= (gap_s > MAX_BRIDGE_S) & (ahead_s > 1e-9)
    part = np.where(gap_s > 0, ahead_s / np.where(gap_s > 0, gap_s, 1.0), 0.0)
    return outside, before, np.clip(part, 0.0, 1.0)


def _full_scales(unit: str, loads: _SideLoads, sides: dict[str, _SideLoads], full_scale: float | None) -> list[float]:
    covered = loads.sensors_covered
    if full_scale is not None:
        return [full_scale * c for c in covered]
    if unit == "N":
        # A zone without sensors has nothing to scale.
        zone_n = [max(1, n) for n in loads.sensors_in_zone]
        return [ZONE_FULL_SCALE_N * c / n for c, n in zip(covered, zone_n, strict=True)]
    if unit in SENSOR_FULL_SCALE:
        return [SENSOR_FULL_SCALE[unit] * c for c in covered]
    highs = [float(np.percentile(load, 99)) for side in sides.values() for load in side.columns]
    return [max(highs) / _UNKNOWN_PEAK_AT if max(highs) > 0 else 1.0] * len(loads.columns)


def _side_counts(
    loads: _SideLoads,
    at_s: NDArray[np.float64],
    ranges: list[float],
    front_end: FrontEnd,
    seed: tuple[int, int],
) -> NDArray[np.uint16]:
    hole, before, part = _places(loads.time_s, at_s)
    counts = np.empty((len(at_s), len(ranges)), dtype=np.uint16)
    for k, (column, full_scale) in enumerate(zip(loads.columns, ranges, strict=True)):
        load = _line(column, hole, before, part)
        load[hole] = 0.0
        counts[:, k] = to_counts(load, full_scale, front_end, (*seed, k))
    counts[hole] = MISSING_COUNTS
    return counts
