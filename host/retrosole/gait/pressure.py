"""How the foot was loaded: load through stance, and the path of the centre of pressure over the foot.

Each usable stance is brought to 101 points, 0 to 100 % of it, before means and spreads are taken over the stances. A
stance in which more than one sample in a row is missing is left out; over a single one the line goes straight. Of a
walk of hours 3000 stances are taken, spread evenly. The unloaded counts of each sensor are those of the swings around
it (the middle half), so that what drifts slowly falls out.

The centre of pressure is the mean place of the sensors, weighted by their counts: (sum of counts x place) / (sum of
counts), as in Winter, Biomechanics and Motor Control of Human Movement, chapter 5, for force plates. With six sensors
that are not calibrated against each other it shows the way the load takes, not millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.foot_shape import PLACES
from retrosole.gait.table import Floats, Rows, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrosole.gait.analysis import Analysis
    from retrosole.session.reader import Session
    from retrosole.session.sensors import Sensor

POINT_N = 101  # 0 to 100 % of stance
ZONES = ("forefoot", "heel")
COUNTS = "counts"
PERCENT = "% of standing load"
_LEAST_LOAD = 0.05  # of a stance's peak: below, the foot touches too lightly to say where
_MISSING = 4095
_MOST_N = 3000  # stances that curves are made of: an hour's; of more, as many spread evenly
_MOST_APART = 2.5  # sample periods between two samples of a stance
_RESTS = (0.25, 0.75)  # the part of a swing in which the foot is unloaded


@dataclass(frozen=True)
class Curve:
    """Hold the mean over stances at each percent of stance, and its standard deviation, both (101,).

    `sd` is nan where fewer than two stances have a value, both are where too few have one; loads have one everywhere.
    """

    mean: Floats
    sd: Floats


@dataclass(frozen=True)
class Pressure:
    """Hold how one foot was loaded. `rows` are the stances' rows in the extended table, (n,).

    Loads are in `unit`: percent of what all used sensors read in standing when the insole is calibrated (in the stride
    table of what forefoot and heel read, so that with sensors at the midfoot the percents differ), counts otherwise.
    `total` is of all used sensors, `zones` has "forefoot", with the toes, and "heel". `paths` (n, 101, 2) is the centre
    of pressure, x 0 (medial) to 1 (lateral), y 0 (toes) to 1 (heel) as in `foot_shape`, nan where the foot is loaded
    too little; `path` is its mean over stances, where half of them have one, and the standard deviation, each Curve's
    arrays (101, 2). `left_out` names sensors that do not count: dead or stuck, or at a place that is not known.
    """

    side: str
    unit: str
    rows: Rows
    total: Curve
    zones: dict[str, Curve]
    paths: Floats
    path: Curve
    left_out: tuple[str, ...]

    @property
    def stance_n(self) -> int:
        """Give how many stances the curves are of."""
        return len(self.rows)


def pressure(session: Session, analysis: Analysis, side: str) -> Pressure | None:
    """Say how a foot was loaded, over the usable strides of an analysis of the same session.

    None where the log does not say what its sensors are, or where no usable stance has all its samples.
    """
    sensors = session.sensors(side)
    used = [k for k, sensor in enumerate(sensors) if not sensor.is_left_out and sensor.site in PLACES]
    if not used:
        return None
    times_s, counts = session.times_s(side), session.samples(side)[1]
    rows = _whole_rows(analysis.table, side, times_s, 1.0 / session.rate_hz(side))
    if not len(rows):
        return None
    loads = _loads(analysis.table, rows, times_s, counts[:, used])
    scale, unit = _scale([sensors[k] for k in used])
    places = np.array([PLACES[sensors[k].site] for k in used])
    paths = _paths(loads, places)
    zones = {zone: loads[:, :, [sensors[k].part == zone for k in used]].sum(axis=2) * scale for zone in ZONES}
    return Pressure(
        side=side,
        unit=unit,
        rows=rows,
        total=_curve(loads.sum(axis=2) * scale),
        zones={zone: _curve(values) for zone, values in zones.items()},
        paths=paths,
        path=_curve(paths, least_n=(len(paths) + 1) // 2),
        left_out=tuple(s.site.replace("_", " ") for k, s in enumerate(sensors) if k not in used),
    )


def _whole_rows(table: Table, side: str, times_s: Floats, period_s: float) -> Rows:
    """Give the usable strides of a foot between whose contacts, and in the swing behind, samples are there."""
    rows = np.flatnonzero((table["side"] == side) & table["is_usable"] & np.isfinite(table["stride_time_s"]))
    if len(times_s) < 2:
        return rows[:0]
    start_s, end_s = table["initial_contact_s"][rows], table["final_contact_s"][rows]
    first, last = np.searchsorted(times_s, start_s, side="right"), np.searchsorted(times_s, end_s)
    is_hole = np.diff(times_s) > _MOST_APART * period_s
    hole_n = np.concatenate([[0], np.cumsum(is_hole)])
    inside = (first > 0) & (last < len(times_s))
    low, high = np.maximum(first - 1, 0), np.minimum(last, len(times_s) - 1)
    rest_s = _rest_s(table, rows)
    rest_n = np.searchsorted(times_s, rest_s[:, 1]) - np.searchsorted(times_s, rest_s[:, 0])
    whole = rows[inside & (hole_n[high] == hole_n[low]) & (rest_n > 0)]
    return np.asarray(
        whole if len(whole) <= _MOST_N else whole[np.linspace(0, len(whole) - 1, _MOST_N).astype(np.int64)]
    )


def _rest_s(table: Table, rows: Rows) -> Floats:
    """Give the middle of the swing behind each stride, (n, 2) from and to."""
    end_s, swing_s = table["final_contact_s"][rows], table["swing_s"][rows]
    return np.stack([end_s + part * swing_s for part in _RESTS], axis=1)


def _loads(table: Table, rows: Rows, times_s: Floats, counts: NDArray[np.uint16]) -> Floats:
    """Give the counts above the unloaded ones at 0 to 100 % of each stance, (n, 101, sensor_n), none below 0."""
    start_s, stance_s = table["initial_contact_s"][rows], table["stance_s"][rows]
    at_s = start_s[:, None] + stance_s[:, None] * np.linspace(0.0, 1.0, POINT_N)
    rest_s = _rest_s(table, rows)
    out = np.zeros((len(rows), POINT_N, counts.shape[1]))
    for k in range(counts.shape[1]):
        known = counts[:, k] != _MISSING
        if known.any():
            t_s, values = times_s[known], counts[known, k].astype(np.float64)
            out[:, :, k] = np.interp(at_s, t_s, values) - _resting(t_s, values, rest_s)[:, None]
    return np.maximum(out, 0.0)


def _resting(times_s: Floats, values: Floats, rest_s: Floats) -> Floats:
    """Give the unloaded counts of a sensor for each stride: the median over five rests of the mean in each."""
    edges = np.searchsorted(times_s, rest_s)
    total = np.concatenate([[0.0], np.cumsum(values)])
    n = edges[:, 1] - edges[:, 0]
    mean = (total[edges[:, 1]] - total[edges[:, 0]]) / np.maximum(n, 1)
    mean = np.where(n > 0, mean, float(values.min()))
    padded = np.pad(mean, 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))


def _scale(sensors: Sequence[Sensor]) -> tuple[float, str]:
    standing = [sensor.standing for sensor in sensors if sensor.standing is not None]
    if len(standing) < len(sensors) or not sum(standing):
        return 1.0, COUNTS
    return 100.0 / sum(standing), PERCENT


def _paths(loads: Floats, places: Floats) -> Floats:
    total = loads.sum(axis=2)
    is_loaded = total > np.maximum(_LEAST_LOAD * total.max(axis=1, keepdims=True), 0.0)
    moments = loads @ places
    out = np.full(moments.shape, math.nan)
    np.divide(moments, total[:, :, None], out=out, where=is_loaded[:, :, None])
    return out


def _curve(values: Floats, least_n: int = 1) -> Curve:
    """Give mean and standard deviation over the first axis, of the values that are there, nan where too few are."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = np.where(n >= least_n, filled.sum(axis=0) / np.maximum(n, 1), math.nan)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
    return Curve(mean, np.where(n >= max(least_n, 2), np.sqrt(squares / np.maximum(n - 1, 1)), math.nan))
