"""The sessions that pictures are of, made as for the tests of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

from retrosole import wire
from retrosole.framing import encode
from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate
from tests.machines import ROOT

sys.path.append(str(ROOT / "tests" / "host"))
from report_sessions import MADE, describe, page_of, walk
from walk_truth import calibrated
from walked import CHANNELS, RATE_HZ, SESSION, save_walk

__all__ = ["MADE", "calibrated_walk", "describe", "page_of", "walk"]

_SEED = 3


def calibrated_walk(folder: Path, seconds: float, gait: str) -> Path:
    """Save a walk, from its beginning to its end, on sensors without faults that know the load of standing."""
    session = save_walk(folder, generate(gait, CHANNELS, seconds, _SEED, front_end=IDEAL), calibrated(IDEAL, _SEED))
    for side in session.sides:
        frame_n = len(session.frames(side, wire.SamplesFrame))
        stride_n = sum(stride.side == side for stride in session.strides)
        end = wire.SessionEndFrame(SESSION, round(seconds * RATE_HZ), frame_n, stride_n, 0, 0, 0, wire.Ended.HOST)
        with (folder / f"{side}.frames").open("ab") as log:
            log.write(encode(end))
    return describe(folder)
