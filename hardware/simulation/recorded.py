"""Recorded walks through each front end: `RETROSOLE_RECORDINGS=DIR python -m hardware.simulation.recorded`.

The 24 walks of the detector's evaluation, forward and as its two surrogates of walking backward, with its reference
events. `clean`: the curve and the noise of the converter; `rough`: sensors of even +-30 %, 15 ms of lag and 5 % of
creep per decade before it. Takes some minutes on two cores and writes recorded.json.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware.simulation import analyses
from retrosole.errors import RetrosoleError, UsageError
from retrosole.gait.score import Tally, figures, score, total
from retrosole.twin import circuit
from retrosole.twin.chance import generator, noise, uniform
from retrosole.twin.detect import detect_source
from retrosole.twin.feed import SOURCE_RATE_HZ, Source
from retrosole.twin.front_end import IDEAL, MISSING_COUNTS
from tests.evaluation.conditions import KINEMATICS
from tests.evaluation.recordings import TOLERANCE_MS, on_clock, reference_of, walk_of
from tests.evaluation.sensors import CREEP_PER_DECADE, GAIN_SPREAD, LAGS_MS, Walked
from tests.evaluation.subjects import GAITPDB

RECORDED = Path(__file__).parent / "recorded.json"
STRAIGHT = "straight line"
FRONT_ENDS = (STRAIGHT, *[name for name in analyses.CANDIDATES if name != "amplifier_200mv"])
FIGURES = (
    "all_wrong_percent",
    "initial_contact_bias_ms",
    "initial_contact_95_abs_ms",
    "final_contact_bias_ms",
    "final_contact_95_abs_ms",
    "order_right_percent",
    "direction_right_percent",
    "direction_wrong_percent",
)
RATE_HZ = 200
_NOISE_COUNTS = 2.0


def through(front_end: str, walk: Walked, rough: bool) -> Source:
    """Turn the loads of a walk into counts of a front end; each sample stands until the next."""
    every = SOURCE_RATE_HZ // RATE_HZ
    counts = {}
    for k, (side, loads) in enumerate(sorted(walk.loads.items())):
        seed = (zlib.crc32(walk.name.encode()), k)
        x = (walk.lagged[LAGS_MS[0]][side] if rough else loads)[::every]
        taken = np.column_stack([_counts(front_end, x[:, c], (*seed, c), rough) for c in range(x.shape[1])])
        taken[walk.hole[side][::every]] = MISSING_COUNTS
        counts[side] = np.repeat(taken, every, axis=0)[: len(loads)]
    return Source(counts, walk.channels)


def _counts(front_end: str, x: NDArray[np.float64], seed: tuple[int, ...], rough: bool) -> NDArray[np.uint16]:
    part = x / circuit.MAX_COUNTS
    if rough:
        t_s = np.arange(len(x)) / RATE_HZ
        part = part * uniform(generator(*seed), 1 - GAIN_SPREAD, 1 + GAIN_SPREAD)
        part = part * (1 + CREEP_PER_DECADE * np.log10(np.maximum(t_s, 1.0)))
    if front_end == STRAIGHT:
        counts = np.minimum(part, 1.0) * (circuit.MAX_COUNTS - IDEAL.offset_counts) + IDEAL.offset_counts
    else:
        counts = circuit.transfer(front_end, circuit.SENSOR, part * circuit.PAD_FULL_SCALE_N)
    counts = counts + _NOISE_COUNTS * noise(generator(*seed, 2), len(x))
    clipped: NDArray[np.uint16] = np.clip(np.rint(counts), 0, circuit.MAX_COUNTS).astype(np.uint16)
    return clipped


def tallies(job: tuple[Path, str, str]) -> dict[tuple[str, bool], Tally]:
    """Score one recording as one kind of walk through all front ends."""
    folder, name, kinematics = job
    walk, start_s = walk_of(folder, name, kinematics)
    references = reference_of(folder, name, kinematics)
    out = {}
    for rough in (False, True):
        for front_end in FRONT_ENDS:
            found = on_clock(detect_source(through(front_end, walk, rough), RATE_HZ), start_s)
            out[front_end, rough] = score(references, found.strides, found.contacts, tolerance_ms=TOLERANCE_MS)
    return out


def run(folder: Path, names: tuple[str, ...] = GAITPDB) -> dict[str, Any]:
    """Score recordings; gives figures by condition and front end."""
    jobs = [(folder, name, kinematics) for name in names for kinematics in KINEMATICS]
    with get_context("spawn").Pool(2) as pool:
        scored = list(pool.imap_unordered(tallies, jobs, chunksize=1))
    results: dict[str, Any] = {"recordings": len(names)}
    for condition, rough in (("clean", False), ("rough", True)):
        pooled = {front_end: figures(total(one[front_end, rough] for one in scored)) for front_end in FRONT_ENDS}
        results["stances"] = int(pooled[STRAIGHT]["ok_n"])
        results[condition] = {
            front_end: {name: round(found[name], 2) for name in FIGURES} for front_end, found in pooled.items()
        }
    return results


def main(run: Callable[[Path], dict[str, Any]], results: Path) -> int:
    """Score the recordings of RETROSOLE_RECORDINGS and write the results; give the exit code."""
    try:
        named = os.environ.get("RETROSOLE_RECORDINGS")
        if not named:
            raise UsageError("NO RECORDINGS: set RETROSOLE_RECORDINGS to their folder")
        results.write_text(json.dumps(run(Path(named)), indent=1) + "\n", encoding="utf-8")
    except RetrosoleError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(run, RECORDED))
