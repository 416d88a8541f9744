"""The sessions that pictures are of, made as for the tests of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate
from tests.machines import ROOT

sys.path.append(str(ROOT / "tests" / "host"))
from report_sessions import MADE, describe, page_of, walk
from walk_truth import calibrated
from walked import CHANNELS, save_walk

__all__ = ["MADE", "calibrated_walk", "describe", "page_of", "walk"]

_SEED = 3


def calibrated_walk(folder: Path, seconds: float, gait: str) -> Path:
    """Save a walk on sensors without faults that know the load of standing."""
    save_walk(folder, generate(gait, CHANNELS, seconds, _SEED, front_end=IDEAL), calibrated(IDEAL, _SEED))
    return describe(folder)
