"""What the detector makes of each front end: walks of the gait model, whose truth is known, through its curve.

The sensors are those of the virtual insole (spread, creep, lag on unloading, drift, noise); only the way from load to
count differs. Nobody walked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from retrosole.gait.reference import Reference
from retrosole.gait.score import figures, score
from retrosole.twin.boards import board_channels
from retrosole.twin.detect import detect_source
from retrosole.twin.front_end import REALISTIC, FrontEnd
from retrosole.twin.gait_model import generate

_CHANNELS = board_channels("esp32_devkitc")
_GAITS = ("backward", "heel_first_backward", "forward", "mixed")
_WALK_S = 120.0
_SEED = 7
_TOLERANCE_MS = 100.0
_RATE_HZ = 200
FRONT_ENDS: dict[str, FrontEnd] = {
    "straight line": replace(REALISTIC, curvature=0.0),
    "virtual insole": REALISTIC,
    "divider": replace(REALISTIC, circuit="divider", curvature=0.0),
    "amplifier": replace(REALISTIC, circuit="amplifier", curvature=0.0),
}
_FIGURES = (
    "all_wrong_percent",
    "initial_contact_bias_ms",
    "initial_contact_median_abs_ms",
    "initial_contact_95_abs_ms",
    "final_contact_bias_ms",
    "final_contact_median_abs_ms",
    "final_contact_95_abs_ms",
    "order_right_percent",
    "direction_right_percent",
)


def detect() -> dict[str, Any]:
    """Score all walks of the gait model through each front end."""
    return {name: _scored(front_end) for name, front_end in FRONT_ENDS.items()}


def _scored(front_end: FrontEnd) -> dict[str, float]:
    total = None
    for gait in _GAITS:
        source = generate(gait, _CHANNELS, _WALK_S, _SEED, front_end=front_end)
        found = detect_source(source, _RATE_HZ)
        references = [Reference(stride) for stride in source.truth]
        tally = score(references, found.strides, found.contacts, tolerance_ms=_TOLERANCE_MS)
        total = tally if total is None else total + tally
    assert total is not None
    worked_out = figures(total)
    return {"strides": total.ok_n, **{name: round(worked_out[name], 2) for name in _FIGURES}}
