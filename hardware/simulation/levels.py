"""Would other levels help? `RETROSOLE_RECORDINGS=DIR python -m hardware.simulation.levels` writes levels.json.

Every third of the recorded walks of `recorded`, through the straight line and both chosen front ends, with the detector
as it is and with what might take back what a curve costs: levels at a higher fraction of the peak, readings expanded
by a power, readings put straight by the nominal curve. The firmware stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware.simulation.analyses import CHOSEN
from hardware.simulation.recorded import FIGURES, RATE_HZ, STRAIGHT, main, through
from retrosole.gait.score import Tally, figures, score, total
from retrosole.twin import circuit
from retrosole.twin.core import core
from retrosole.twin.detect import detect_source
from retrosole.twin.feed import Source
from retrosole.twin.front_end import MISSING_COUNTS
from tests.evaluation.conditions import KINEMATICS
from tests.evaluation.recordings import TOLERANCE_MS, on_clock, reference_of, walk_of
from tests.evaluation.subjects import GAITPDB

LEVELS = Path(__file__).parent / "levels.json"
FRONT_ENDS = (STRAIGHT, *CHOSEN)
AS_IT_IS = "as it is"
FRACTIONS = {"levels at 8 %": 0.08, "levels at 12 %": 0.12}  # of the peak, where a contact is said to happen
POWERS = {"readings to the power of 1.5": 1.5}
KNOWN = "the curve known and undone"
REMEDIES = (AS_IT_IS, *FRACTIONS, *POWERS, KNOWN)
_PERMILLES = ("_LOW_PERMILLE", "_RELEASE_PERMILLE", "_HIGH_PERMILLE")


@contextmanager
def levels_at(fraction: float | None) -> Iterator[None]:
    """Let the detector work at another fraction of the peak, lift and confirmation in proportion."""
    tune = _tune()
    usual = {name: getattr(tune, name) for name in _PERMILLES}
    factor = 1.0 if fraction is None else 1000 * fraction / usual["_LOW_PERMILLE"]
    try:
        for name, permille in usual.items():
            setattr(tune, name, round(permille * factor))
        yield
    finally:
        for name, permille in usual.items():
            setattr(tune, name, permille)


def _tune() -> ModuleType:
    core()
    return sys.modules["insole.tune_plain"]


def remedied(source: Source, front_end: str, remedy: str) -> Source:
    """Turn the counts of a front end into those that a remedy would hand to the detector."""
    if remedy in POWERS:
        at = np.arange(circuit.MAX_COUNTS + 1) / circuit.MAX_COUNTS
        table = circuit.MAX_COUNTS * at ** POWERS[remedy]
    elif remedy == KNOWN and front_end != STRAIGHT:
        table = _straightened(front_end)
    else:
        return source
    whole = np.append(np.rint(table), MISSING_COUNTS).astype(np.uint16)
    return replace(source, counts={side: whole[counts] for side, counts in source.counts.items()})


def _straightened(front_end: str) -> NDArray[np.float64]:
    """Give for each count the one that a straight line would have given; below the first count of a load, 0."""
    force_n = np.linspace(0.0, circuit.PAD_FULL_SCALE_N, 10001)
    counts = circuit.transfer(front_end, circuit.SENSOR, force_n)
    force_n, counts = force_n[np.diff(counts, append=np.inf) > 0], counts[np.diff(counts, append=np.inf) > 0]
    force: NDArray[np.float64] = np.interp(np.arange(circuit.MAX_COUNTS + 1), counts, force_n - force_n[0])
    return force * (circuit.MAX_COUNTS / circuit.PAD_FULL_SCALE_N)


def tallies(job: tuple[Path, str, str]) -> dict[tuple[str, bool, str], Tally]:
    """Score one recording as one kind of walk through all front ends with all remedies."""
    folder, name, kinematics = job
    walk, start_s = walk_of(folder, name, kinematics)
    references = reference_of(folder, name, kinematics)
    out = {}
    for rough in (False, True):
        for front_end in FRONT_ENDS:
            source = through(front_end, walk, rough)
            for remedy in REMEDIES:
                with levels_at(FRACTIONS.get(remedy)):
                    found = on_clock(detect_source(remedied(source, front_end, remedy), RATE_HZ), start_s)
                tally = score(references, found.strides, found.contacts, tolerance_ms=TOLERANCE_MS)
                out[front_end, rough, remedy] = tally
    return out


def run(folder: Path, names: tuple[str, ...] = GAITPDB[::3]) -> dict[str, Any]:
    """Score recordings; gives figures by condition, front end and remedy."""
    jobs = [(folder, name, kinematics) for name in names for kinematics in KINEMATICS]
    with get_context("spawn").Pool(2) as pool:
        scored = list(pool.imap_unordered(tallies, jobs, chunksize=1))

    def of(front_end: str, rough: bool, remedy: str) -> dict[str, float]:
        tallied = [one[front_end, rough, remedy] for one in scored]
        found = figures(total(tallied)) | {"stance_sd_ms": _spread_of(tallied)}
        return {name: round(found[name], 2) for name in (*FIGURES, "stance_mean_bias_ms", "stance_sd_ms")}

    stances = total(one[STRAIGHT, False, AS_IT_IS] for one in scored).ok_n
    return {"recordings": len(names), "stances": stances} | {
        condition: {f: {r: of(f, rough, r) for r in REMEDIES} for f in FRONT_ENDS}
        for condition, rough in (("clean", False), ("rough", True))
    }


def _spread_of(tallied: list[Tally]) -> float:
    """Give the standard deviation of the errors of stance times within a recording, of all recordings together."""
    errors = [one.stance_error_ms for one in tallied]
    return float(np.sqrt(np.average([np.var(e, ddof=1) for e in errors], weights=[len(e) - 1 for e in errors])))


if __name__ == "__main__":
    sys.exit(main(run, LEVELS))
