"""Do all of it on both cores, and gather the figures."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from retrosole.gait.score import Tally, total
from tests.evaluation import conditions, model
from tests.evaluation.conditions import KINEMATICS, Condition
from tests.evaluation.recordings import BROKE_DOWN, path_of, tallies
from tests.evaluation.subjects import GAITPDB, HELD_OUT, MOTICON, QUICK, TUNING

PROCESS_N = 2
HALVES = {"all": GAITPDB, "tuning": TUNING, "held out": HELD_OUT}


@dataclass
class Results:
    """Hold every tally: of recordings by (name, kinematics, condition), of the gait model by (gait, condition).

    `confusion` is by (gait, condition), `confused` by (start, confuser, condition): strides told where there are none.
    """

    of_recordings: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    of_walks: dict[tuple[str, str], Tally] = field(default_factory=dict)
    confusion: dict[tuple[str, str], Counter[tuple[str, str]]] = field(default_factory=dict)
    confused: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)

    def pooled(self, kinematics: str, condition: str, names: Iterable[str]) -> Tally:
        """Add up some recordings, those that were run."""
        keys = [(name, kinematics, condition) for name in names]
        return total(self.of_recordings[key] for key in keys if key in self.of_recordings)

    def remarks(self) -> list[str]:
        """List everything that went wrong, a line each, for people to look at."""
        lines = []
        for (name, kinematics, condition), tally in sorted(self.of_recordings.items()):
            lines += [f"{name}\t{kinematics}\t{condition}\t{at_s:.2f}\t{what}" for at_s, what in tally.remarks]
        for (gait, condition), tally in sorted(self.of_walks.items()):
            lines += [f"gait model\t{gait}\t{condition}\t{at_s:.2f}\t{what}" for at_s, what in tally.remarks]
        for (start, name, condition), told in sorted(self.confused.items()):
            lines += [f"gait model\t{name}\t{condition}, {start}\t\t{what}: {n}" for what, n in sorted(told.items())]
        return lines

    def breakdowns(self) -> list[str]:
        """List the runs in which the detector broke down."""
        return [line for line in self.remarks() if BROKE_DOWN in line]


@dataclass(frozen=True)
class Job:
    """Describe what one process does at a time: a recording as one kind of walk, or one run of the gait model."""

    kind: str
    name: str
    kinematics: str = ""
    conditions: tuple[Condition, ...] = ()
    folder: Path = Path()


def jobs(folder: Path | None, quick: bool) -> list[Job]:
    """List what there is to do, the longest first; without a folder of recordings only the gait model."""
    out: list[Job] = []
    if folder:
        names = QUICK if quick else GAITPDB
        chosen = conditions.MAIN if quick else conditions.ALL
        by_size = sorted(names, key=lambda name: -path_of(folder, name).stat().st_size)
        out += [Job("recording", name, k, chosen, folder) for name in by_size for k in KINEMATICS]
        out += [Job("recording", name, k, conditions.MAIN, folder) for name in MOTICON for k in KINEMATICS]
    if not quick:
        out += [Job(kind, name, conditions=conditions.MAIN) for kind, name in model.jobs()]
    return out


def _do(job: Job) -> tuple[Job, list[tuple[str, Tally, Counter[tuple[str, str]], Counter[str]]]]:
    if job.kind == "recording":
        scored = tallies(job.folder, job.name, job.kinematics, job.conditions)
        return job, [(name, tally, Counter(), Counter()) for name, tally in scored]
    if job.kind == "walk":
        return job, [(c.name, *model.score_walk(job.name, c), Counter()) for c in job.conditions]
    return job, [(c.name, Tally(), Counter(), model.count_confused(job.name, job.kind, c)) for c in job.conditions]


def run(todo: list[Job]) -> Results:
    """Do all jobs on PROCESS_N processes, with progress on stderr."""
    results = Results()
    with get_context("spawn").Pool(PROCESS_N, _prepare) as pool:
        for k, (job, outcomes) in enumerate(pool.imap_unordered(_do, todo, chunksize=1), start=1):
            print(f"{k:3d} of {len(todo)}  {job.name} {job.kinematics or job.kind}", file=sys.stderr, flush=True)
            for condition, tally, confusion, confused in outcomes:
                _keep(results, job, condition, tally, confusion, confused)
    return results


def _prepare() -> None:
    """Leave Ctrl-C to the process that began it all; where numba is loaded the detector's kernel is compiled."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if find_spec("numba"):
        import_module("numba")


def _keep(
    results: Results,
    job: Job,
    condition: str,
    tally: Tally,
    confusion: Counter[tuple[str, str]],
    confused: Counter[str],
) -> None:
    if job.kind == "recording":
        results.of_recordings[job.name, job.kinematics, condition] = tally
    elif job.kind == "walk":
        results.of_walks[job.name, condition] = tally
        results.confusion[job.name, condition] = confusion
    else:
        results.confused[job.kind, job.name, condition] = confused
