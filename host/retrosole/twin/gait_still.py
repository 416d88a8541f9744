"""Gaits in which the feet never leave the ground: nothing in them is a stride."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.twin.chance import generator, smooth, spread, uniform, wander
from retrosole.twin.gait_shapes import Load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrosole.twin.person import Person


@dataclass(frozen=True)
class Still:
    """Describe how the weight moves between the feet while both stay down.

    `carried`: part of the body weight on both feet together. `swing`: how far the share of the
    left foot goes from one half, 0 for quiet standing. `half_s`: shortest and longest time from
    one side to the other. `heel_share` and `heel_sway`: where the load lies along the foot and
    how far that moves.
    """

    carried: float = 1.0
    swing: float = 0.0
    half_s: tuple[float, float] = (1.0, 2.5)
    heel_share: float = 0.58
    heel_sway: float = 0.06


STILLS = {
    "standing": Still(),
    # 0.2 to 0.5 Hz; the lighter foot keeps 15 % of the body weight or more.
    "weight_shift": Still(swing=0.34),
    # Half steps of 0.35 to 0.55 s without lifting: 20 % of the body weight stay on the lighter
    # foot.
    "shuffling": Still(swing=0.29, half_s=(0.35, 0.55), heel_share=0.5, heel_sway=0.1),
    "sitting": Still(carried=0.3, heel_share=0.5, heel_sway=0.15),
}
_SWAY = 0.04


def still_loads(still: Still, person: Person, n: int, seed: int) -> dict[str, Load]:
    """Load both feet for n milliseconds; the sum is what the feet carry together."""
    left_share = _left_share(still, person, n, seed)
    loads = {}
    for k, (side, share) in enumerate((("left", left_share), ("right", 1.0 - left_share))):
        sway = wander(generator(seed, 21, k), n, 1300)
        heel_share = still.heel_share + still.heel_sway * sway
        lateral = 0.1 * wander(generator(seed, 22, k), n, 1700)
        loads[side] = Load(still.carried * share, heel_share, lateral)
    return loads


def _left_share(still: Still, person: Person, n: int, seed: int) -> NDArray[np.float64]:
    sway = _SWAY * wander(generator(seed, 20), n, 900)
    lean = 0.5 * (1.0 + 0.5 * person.asymmetry)
    return lean + still.swing * _to_and_fro(still.half_s, n, seed) + sway


def _to_and_fro(half_s: tuple[float, float], n: int, seed: int) -> NDArray[np.float64]:
    """Go smoothly between -1 and 1 and back, each way in another time, (n,)."""
    rng = generator(seed, 23)
    out = np.zeros(n)
    start, level = 0, 0.0
    while start < n:
        length = round(1000.0 * uniform(rng, *half_s))
        target = (-1.0 if level > 0 else 1.0) * min(1.0, spread(rng, 0.9, 0.1))
        stop = min(start + length, n)
        out[start:stop] = level + (target - level) * smooth(np.arange(stop - start) / length)
        start, level = start + length, target
    return out
