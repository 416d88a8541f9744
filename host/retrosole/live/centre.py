"""Where the load of a foot is: the centre of pressure and the way it went. Pure."""

from __future__ import annotations

import numpy as np

from retrosole.gait.foot_shape import PLACES
from retrosole.live.braille import Floats
from retrosole.live.state import FootView

TRAIL_S = 1.2  # a whole stance, while it is being made and for a moment after it
TRAIL_POINT_N = 32
_LOADED_SHARE = 0.06  # of all sensors' recent peaks together: below it there is nothing to have a centre


def centre_trail(view: FootView, trail_s: float = TRAIL_S, point_n: int = TRAIL_POINT_N) -> Floats:
    """Give where the centre of pressure was, (point_n, 2) as x and y of a right foot from 0 to 1, the newest last.

    `nan` where too little load was on the foot, or no sample came. It is the centre of the sensors' counts above their
    baselines, nearer to the more sensitive one of two sensors; sensors whose place is unknown do not count.
    """
    points: Floats = np.full((point_n, 2), np.nan)
    placed = [k for k, name in enumerate(view.channel_names) if name in PLACES]
    sample_n = min(len(view.counts), max(point_n, round(trail_s * view.rate_hz)))
    if not placed or not sample_n:
        return points
    above: Floats = np.clip(view.counts[-sample_n:, placed] - view.baseline[placed], 0, None)
    above = _averaged(above, point_n)
    load = above.sum(axis=1)
    enough = load > _LOADED_SHARE * np.nansum((view.peak - view.baseline)[placed])  # nan compares false
    sites = np.array([PLACES[view.channel_names[k]] for k in placed])
    points[enough] = above[enough] @ sites / load[enough, None]
    return points


def _averaged(values: Floats, point_n: int) -> Floats:
    """Average (n, ch) over `point_n` parts of equal length, leaving `nan` out; a sensor without any counts as unloaded
    unless all are without.
    """
    edges = np.arange(point_n + 1) * len(values) // point_n
    parts = np.minimum(edges[:-1], len(values) - 1)
    seen = ~np.isnan(values)
    seen_n = np.add.reduceat(seen, parts, axis=0, dtype=np.intp)
    means: Floats = np.add.reduceat(np.where(seen, values, 0.0), parts, axis=0) / np.maximum(seen_n, 1)
    means[~seen_n.any(axis=1)] = np.nan
    return means
