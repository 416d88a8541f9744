"""When which foot touches the ground: the steps of a gait, one after the other, on one clock.

The feet take turns. A foot stays until the other one has been down for the time of double
support, so stance = step time + double support. Stance 62 to 66 % of the stride backward, 60 to
62 % forward; cadence backward about as forward; double support longer backward (Laufer 2005;
Winter 1989; Lee 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from retrosole.twin.chance import generator, normal, shuffled, spread, uniform
from retrosole.twin.gait_shapes import KINDS, Contact

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from retrosole.twin.person import Person

# Every walk begins with standing on both feet; then the right foot swings first.
STAND_S = 1.0
FIRST_SWING_S = 0.45
_SLOW_STEPS_N = 4
# However irregular the walk, a foot leaves the ground before it comes down again.
_SHORTEST_STEP_S = 0.16
_SHORTEST_SWING_S = 0.12
_HURRIED_DOUBLE_S = 0.04


@dataclass(frozen=True)
class Walk:
    """Describe a gait made of steps, and what kinds of contact it has.

    `stride_s` is the usual stride time, at `speed_mps`. `duty` is the part of it that is stance,
    from the first to the last trace of load (about 0.03 more than by the 5 % level of the true
    events). `kinds` come in blocks: each block has every kind as often as said, in random order,
    for each foot on its own. The first `plain_n` contacts of a foot are of the first kind, and
    the first steps take `slow_start` times as long. `irregular_cv` is added to the person's own
    variability. Every `stumble_every` steps or so there is a stumble.
    """

    stride_s: float
    duty: float
    speed_mps: float
    kinds: tuple[tuple[str, int], ...]
    plain_n: int = 0
    slow_start: float = 1.1
    irregular_cv: float = 0.0
    stumble_every: int = 0


WALKS = {
    "backward": Walk(1.15, 0.67, 0.8, (("backward", 1),)),
    "forward": Walk(1.08, 0.64, 1.2, (("forward", 1),)),
    "heel_first_backward": Walk(1.3, 0.68, 0.6, (("heel_first_backward", 1),)),
    "tiptoe": Walk(1.05, 0.64, 0.9, (("tiptoe", 1),)),
    "stairs_down": Walk(1.15, 0.63, 0.55, (("stairs_touch", 3), ("stairs_forefoot", 2))),
    "turning": Walk(0.95, 0.63, 0.4, (("turn_flat", 2), ("turn_pivot", 2), ("turn_heel", 1)), irregular_cv=0.15),
    "stumbling": Walk(1.15, 0.67, 0.8, (("backward", 1),), stumble_every=7),
    "mixed": Walk(
        1.2,
        0.67,
        0.7,
        (("backward", 5), ("heel_first_backward", 1), ("forward", 1)),
        plain_n=2,
        slow_start=1.3,
    ),
}


@dataclass(frozen=True)
class _Step:
    side: str
    start_s: float
    double_s: float
    stumbles: bool


def plan(walk: Walk, person: Person, until_s: float, seed: int) -> list[Contact]:
    """Plan the contacts that begin before `until_s`, in order of time.

    A longer plan begins with the shorter one.
    """
    rng = generator(seed, 10)
    kinds = {side: _kinds(walk, seed, k) for k, side in enumerate(("left", "right"))}
    contacts = []
    steps = _steps(walk, person, seed)
    step = next(steps)
    while step.start_s < until_s:
        following = next(steps)
        contacts.append(_contact(step, following, next(kinds[step.side]), person, rng))
        step = following
    return contacts


def double_support_s(walk: Walk, person: Person) -> float:
    """Give the mean time for which both feet are down after a contact, in seconds."""
    return (2.0 * walk.duty - 1.0) * step_time_s(walk, person)


def step_time_s(walk: Walk, person: Person) -> float:
    """Give the mean time from one contact to the next of the other foot, in seconds."""
    speed_mps = person.speed_mps or walk.speed_mps
    return walk.stride_s / 2 * math.sqrt(walk.speed_mps / speed_mps)


def _steps(walk: Walk, person: Person, seed: int) -> Iterator[_Step]:
    rng = generator(seed, 11)
    mean_s = step_time_s(walk, person)
    mean_double_s = double_support_s(walk, person)
    # Of the two steps in a stride, each varies by the root of two more than the stride does.
    cv = (person.variability_cv + walk.irregular_cv) * math.sqrt(2.0)
    start_s, side = STAND_S + FIRST_SWING_S, "right"
    stumble_at, hurried = walk.stumble_every, False
    for k in count():
        step_s = spread(rng, mean_s, cv) * (walk.slow_start if k < _SLOW_STEPS_N else 1.0)
        lean = walk.duty * person.asymmetry
        step_s = max(_SHORTEST_STEP_S, step_s * (1.0 + lean if side == "left" else 1.0 - lean))
        stumbles = walk.stumble_every > 0 and k == stumble_at
        if stumbles:
            # The other foot has only just left the ground, and comes down again at once.
            step_s = spread(rng, 0.18, 0.1)
            stumble_at = k + round(walk.stumble_every * uniform(rng, 0.6, 1.4))
        double_s = min(spread(rng, mean_double_s, 0.08), step_s - _SHORTEST_SWING_S)
        # The foot that stumbled is given up as soon as the other one is down.
        yield _Step(side, start_s, _HURRIED_DOUBLE_S if hurried else double_s, stumbles)
        hurried = stumbles
        start_s += step_s
        side = "left" if side == "right" else "right"


def _kinds(walk: Walk, seed: int, side_idx: int) -> Iterator[str]:
    rng = generator(seed, 12, side_idx)
    yield from [walk.kinds[0][0]] * walk.plain_n
    block = [name for name, n in walk.kinds for _ in range(n)]
    while True:
        yield from shuffled(rng, block)


def _contact(step: _Step, following: _Step, name: str, person: Person, rng: np.random.PCG64) -> Contact:
    stance_s = following.start_s + following.double_s - step.start_s
    name = "stumble" if step.stumbles else name
    kind = KINDS[name]
    # A person who varies more in time also varies more in shape; 3 % is the usual.
    wide = person.variability_cv / 0.03
    size = spread(rng, 0.6 if step.stumbles else 1.0, 0.03 * wide)
    land_s = spread(rng, kind.land_s, min(0.5, kind.land_cv * wide))
    lead_s = spread(rng, kind.lead_s, min(0.5, 0.25 * wide))
    heel_shift = 0.05 * wide * normal(rng)
    lean = 0.08 * wide * normal(rng)
    lead_s = min(lead_s, 0.4 * stance_s)
    flanks_s = (step.double_s, following.double_s)
    return Contact(step.side, step.start_s, stance_s, *flanks_s, name, size, land_s, lead_s, heel_shift, lean)
