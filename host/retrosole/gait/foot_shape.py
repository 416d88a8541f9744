"""Where the sensors sit under a foot, and its outline: what maps of the foot and the centre of pressure have in common.

Of a right foot seen from above: x from the big-toe side (0) to the little-toe side (1), y from the toes (0) to the heel
(1); a left foot is its mirror image. The outline is stylised: shorter and wider than a foot, so that three sensors fit
across the ball of the foot. Places are those of the sensor map, not measured on anybody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SITES = {
    "hallux": (0.24, 0.12),
    "toes": (0.55, 0.13),
    "met1": (0.19, 0.31),
    "met3": (0.50, 0.31),
    "met5": (0.81, 0.40),
    "midfoot_medial": (0.36, 0.60),
    "midfoot_lateral": (0.67, 0.60),
    "heel_medial": (0.36, 0.85),
    "heel_lateral": (0.66, 0.85),
}
# With these, which a map has no room to draw apart, every place that an insole can name
PLACES = {**SITES, "met2": (0.34, 0.30), "met4": (0.66, 0.35), "heel_center": (0.51, 0.86)}
_CORNERS = (
    (0.22, 0.00), (0.06, 0.07), (0.02, 0.22), (0.02, 0.38), (0.10, 0.52), (0.17, 0.66),
    (0.16, 0.80), (0.21, 0.93), (0.36, 0.995), (0.66, 0.995), (0.82, 0.93), (0.88, 0.78),
    (0.92, 0.62), (0.98, 0.46), (0.98, 0.32), (0.90, 0.19), (0.74, 0.07), (0.52, 0.00),
    (0.36, 0.005),
)  # fmt: skip


def outline(step_n: int = 40) -> NDArray[np.float64]:
    """Give the closed outline (n, 2) as a smooth curve, with `step_n` points between two corners."""
    corners = np.array(_CORNERS)
    p0, p1, p2, p3 = (np.roll(corners, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t = np.linspace(0, 1, step_n, endpoint=False)[:, None]
    curve = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3
    return np.asarray(curve / 2).reshape(-1, 2)  # Catmull-Rom
