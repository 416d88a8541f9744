"""The gait model, whose truth is known: all walks, and what must not be taken for one."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.match import match
from retrosole.gait.reference import Reference
from retrosole.gait.score import Tally, score
from retrosole.gait.strides import Stride
from retrosole.twin.detect import detect_source
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import MAX_COUNTS, ZONE_FULL_SCALE_N, FrontEnd
from retrosole.twin.gait_model import generate
from retrosole.twin.gait_plan import WALKS
from retrosole.twin.gait_still import STILLS
from tests.evaluation.conditions import Condition
from tests.evaluation.handling import Forces, handling
from tests.evaluation.recordings import BROKE_DOWN, TOLERANCE_MS, broken_down
from tests.evaluation.sensors import sense, walked

# The usual insole of six sensors.
CHANNELS: tuple[Channel, ...] = (
    ("forefoot", "hallux"),
    ("forefoot", "met1"),
    ("forefoot", "met3"),
    ("forefoot", "met5"),
    ("heel", "heel_medial"),
    ("heel", "heel_lateral"),
)
WALK_S = 300.0
CONFUSER_S = 600.0
# Before a confuser: the detector has learnt how heavy its wearer is.
LEAD_IN_S = 60.0
# Where the walk is cut off and the confuser begins, what is on the foot belongs to neither.
_JOIN_S = 1.0
SEED = 7
HANDLING = "shoe_handling"
CONFUSERS = (*STILLS, HANDLING)
# Shuffling must not be a stride either, but is not among the must-lines.
BINDING_CONFUSERS = ("standing", "sitting", "weight_shift", HANDLING)
STARTS = ("fresh insole", "after a walk")
NO_STRIDE = "no stride"

_NO_OFFSET = FrontEnd(offset_counts=0.0)


def jobs() -> list[tuple[str, str]]:
    """List what there is to do: the kind (walk or how a confuser starts) and the gait."""
    return [("walk", gait) for gait in WALKS] + [(start, name) for start in STARTS for name in CONFUSERS]


def score_walk(gait: str, condition: Condition) -> tuple[Tally, Counter[tuple[str, str]]]:
    """Score both feet of one gait; gives the tally and the confusion (true direction, detected direction).

    True `no stride` is a false stance, detected `no stride` a missed one.
    """
    source = generate(gait, CHANNELS, WALK_S, SEED, front_end=_NO_OFFSET)
    references = tuple(Reference(stride) for stride in source.truth)
    try:
        found = detect_source(sense(walked(gait, source), condition), condition.rate_hz)
    except Exception as error:  # of the detector under test: a finding like any other, shown and counted
        return broken_down(references, error), _confusion(source.truth, ())
    tally = score(references, found.strides, found.contacts, tolerance_ms=TOLERANCE_MS)
    return tally, _confusion(source.truth, found.strides)


def _confusion(truth: tuple[Stride, ...], strides: tuple[Stride, ...]) -> Counter[tuple[str, str]]:
    confusion: Counter[tuple[str, str]] = Counter()
    for side in ("left", "right"):
        true = [s for s in truth if s.side == side]
        told = [s for s in strides if s.side == side]
        pairs = match([s.initial_contact_s for s in true], [s.initial_contact_s for s in told], TOLERANCE_MS)
        confusion.update((true[i].direction, told[j].direction) for i, j in pairs)
        confusion.update((s.direction, NO_STRIDE) for i, s in enumerate(true) if i not in {i for i, _ in pairs})
        confusion.update((NO_STRIDE, s.direction) for j, s in enumerate(told) if j not in {j for _, j in pairs})
    return confusion


def count_confused(name: str, start: str, condition: Condition) -> Counter[str]:
    """Count the strides by direction that are told in ten minutes of something that has none."""
    source, begin_s = confuser_source(name), 0.0
    if start != STARTS[0]:
        walk = generate("backward", CHANNELS, LEAD_IN_S, SEED, front_end=_NO_OFFSET)
        both = {side: np.vstack([walk.counts[side], source.counts[side]]) for side in walk.counts}
        source, begin_s = Source(both, CHANNELS), LEAD_IN_S + _JOIN_S
    try:
        found = detect_source(sense(walked(name, source), condition), condition.rate_hz)
    except Exception as error:  # as above
        return Counter({f"{BROKE_DOWN}: {type(error).__name__}: {error}": 1})
    return Counter(s.direction for s in found.strides if s.initial_contact_s >= begin_s)


def confuser_source(name: str) -> Source:
    """Make ten minutes of a confuser, in counts of ideal sensors without offset."""
    if name != HANDLING:
        return generate(name, CHANNELS, CONFUSER_S, SEED, front_end=_NO_OFFSET)
    forces = handling(CHANNELS, round(CONFUSER_S * SOURCE_RATE_HZ), SEED)
    return Source({side: _counts(force) for side, force in forces.items()}, CHANNELS)


def _counts(force_n: Forces) -> NDArray[np.uint16]:
    zones = [zone for zone, _ in CHANNELS]
    full_scale_n = np.array([ZONE_FULL_SCALE_N / zones.count(zone) for zone in zones])
    counts = np.rint(force_n / full_scale_n * MAX_COUNTS)
    clipped: NDArray[np.uint16] = np.clip(counts, 0, MAX_COUNTS).astype(np.uint16)
    return clipped
