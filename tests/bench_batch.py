"""Measure many sessions: `retrosole batch` in processes against the same command in one, in the same run.

The sessions are copies of one of half an hour of one foot: 200 of them are 700 MB, read from the page cache. Whole
commands are timed, start-up included, in turn. What two processes gain at all on this computer at this moment is measured beside
them, by a plain loop: a gain can hardly be more, and on a busy computer it may be nothing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bench_decode
from bench_process import Broken, command

from retrosole import wire

JOBS = 2
MINUTES = 30
AIM_PER_S, AIM_GAIN = 10.0, 1.6
_LOOP = "t = 0\nfor i in range(6_000_000): t = (t + i * i) & 0xFFFFFF"
_LONGEST_S = 600.0

Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Many:
    """Hold seconds of each round for `session_n` sessions: in one process, in `JOBS`, and of loops in one and two."""

    session_n: int
    stride_n: int
    serial_s: list[float]
    parallel_s: list[float]
    loop_s: list[float]
    loops_s: list[float]
    load: float

    @property
    def gain(self) -> float:
        """Give how many times as fast `JOBS` processes are."""
        return statistics.median(self.serial_s) / statistics.median(self.parallel_s)

    @property
    def possible(self) -> float:
        """Give how many times as fast two loops are that have a process each."""
        return 2 * statistics.median(self.loop_s) / statistics.median(self.loops_s)


def measure(identity: wire.IdentityFrame, session_n: int, round_n: int, folder: Path) -> Many:
    """Make sessions and go through them, in turn in one process and in several."""
    data, _ = bench_decode.made_log(identity, MINUTES)
    sessions = folder / "many"
    for k in range(session_n):
        (sessions / f"s{k:03}").mkdir(parents=True)
        (sessions / f"s{k:03}" / "left.frames").write_bytes(data)
    found: dict[str, list[float]] = {"serial": [], "parallel": [], "loop": [], "loops": []}
    stride_n = 0
    for _ in range(round_n):
        for name, job_n in (("serial", 1), ("parallel", JOBS)):
            seconds, stride_n = _batch(sessions, folder / "tables", job_n, session_n)
            found[name].append(seconds)
        found["loop"].append(_timed(lambda: _loops(1)))
        found["loops"].append(_timed(lambda: _loops(JOBS)))
    shutil.rmtree(sessions)
    load = os.getloadavg()[0]
    return Many(session_n, stride_n, found["serial"], found["parallel"], found["loop"], found["loops"], load)


def _batch(sessions: Path, tables: Path, job_n: int, session_n: int) -> tuple[float, int]:
    """Give the seconds that it takes to make all tables anew, and the strides in them."""
    words = command("batch", str(sessions), "--out", str(tables), "--jobs", str(job_n), "--force")
    begin_s = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    seconds = time.monotonic() - begin_s
    if done.returncode or f" {session_n} tables made (" not in done.stdout:
        raise Broken(f"retrosole batch failed: {done.stdout}{done.stderr[-500:]}")
    return seconds, int(done.stdout.split("(")[1].split()[0])


def _loops(n: int) -> None:
    for process in [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(n)]:
        process.wait()


def _timed(work: Callable[[], None]) -> float:
    begin_s = time.monotonic()
    work()
    return time.monotonic() - begin_s


def rows(many: Many) -> list[Row]:
    """Write what was measured."""
    both = (many.serial_s, many.parallel_s)
    per_s = [many.session_n / statistics.median(s) for s in both]
    spreads = [f"{many.session_n / max(s):.1f} to {many.session_n / min(s):.1f}" for s in both]
    beside = f"{many.gain:.2f} x the serial loop; two plain loops {many.possible:.2f} x one"
    what = f"batch, {many.session_n} sessions of {MINUTES} min, one foot"
    return [
        (f"{what}, 1 process", f"{per_s[0]:.1f}", "sessions per s", spreads[0], f"load {many.load:.1f}", ""),
        (f"the same, {JOBS} processes", f"{per_s[1]:.1f}", "sessions per s", spreads[1], beside, f"{AIM_PER_S:.0f}"),
    ]


def verdict(many: Many) -> str:
    """Say whether what is asked for was reached."""
    word = "ok" if many.gain >= AIM_GAIN else "MISSED"
    return f"{JOBS} processes / serial loop {many.gain:.2f} (at least {AIM_GAIN}): {word}"


def main() -> None:
    """Measure this alone, and print it."""
    from retrosole.device import connect
    from retrosole.twin.sim import SimOptions, virtual_insoles

    with tempfile.TemporaryDirectory() as folder:
        with virtual_insoles(SimOptions(gait="standing", seed=1)) as insoles, connect(insoles.ports["left"]) as insole:
            identity = insole.identity
        many = measure(identity, int(sys.argv[1]) if len(sys.argv) > 1 else 200, 3, Path(folder))
    for row in rows(many):
        print("  ".join(row))
    print(verdict(many))
    print(many)


if __name__ == "__main__":
    main()
