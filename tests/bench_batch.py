"""Measure many sessions: `retrosole batch` in processes against the same command in one, in the same run.

The sessions are copies of one of half an hour of one foot: 200 of them are 700 MB, read from the page cache. Whole
commands are timed, start-up included, in turn. What two processes gain at all on this computer at this moment is
measured beside them, by a plain loop: a gain can hardly be more, and on a busy computer it may be nothing. Processor
time is that of the command and all its workers: what it grows by is what working in parallel costs.
"""

from __future__ import annotations

import contextlib
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
import psutil
from bench_process import Broken, command, ended

from retrosole import wire

JOBS = 2
MINUTES = 30
AIM_PER_S, AIM_GAIN = 10.0, 1.6
_LOOP = "t = 0\nfor i in range(6_000_000): t = (t + i * i) & 0xFFFFFF"
_LONGEST_S = 600.0
_POLL_S = 0.1

Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Many:
    """Hold seconds of each round for `session_n` sessions: in one process, in `JOBS`, and of loops in one and two.

    `serial_cpu_s` and `parallel_cpu_s` are processor seconds.
    """

    session_n: int
    stride_n: int
    serial_s: list[float]
    parallel_s: list[float]
    serial_cpu_s: list[float]
    parallel_cpu_s: list[float]
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
    found: dict[str, list[float]] = {}
    stride_n = 0
    for _ in range(round_n):
        for name, job_n in (("serial", 1), ("parallel", JOBS)):
            seconds, cpu_s, stride_n = _batch(sessions, folder / "tables", job_n, session_n)
            found.setdefault(f"{name}_s", []).append(seconds)
            found.setdefault(f"{name}_cpu_s", []).append(cpu_s)
        found.setdefault("loop_s", []).append(_timed(lambda: _loops(1)))
        found.setdefault("loops_s", []).append(_timed(lambda: _loops(JOBS)))
    shutil.rmtree(sessions)
    return Many(session_n, stride_n, load=os.getloadavg()[0], **found)


def _batch(sessions: Path, tables: Path, job_n: int, session_n: int) -> tuple[float, float, int]:
    """Make all tables anew; give the seconds that it takes, its processor seconds, and the strides in them."""
    words = command("batch", str(sessions), "--out", str(tables), "--jobs", str(job_n), "--force")
    begin_s = time.monotonic()
    cpu_s: dict[int, float] = {}
    with ended(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)) as process:
        while process.poll() is None:
            if time.monotonic() - begin_s > _LONGEST_S:
                raise Broken(f"retrosole batch took longer than {_LONGEST_S:.0f} s")
            _add_cpu(process.pid, cpu_s)
            time.sleep(_POLL_S)
        seconds = time.monotonic() - begin_s
        out = process.stdout.read().decode() if process.stdout else ""
    if process.returncode or f" {session_n} tables made (" not in out:
        raise Broken(f"retrosole batch failed: {out}")
    return seconds, sum(cpu_s.values()), int(out.split("(")[1].split()[0])


def _add_cpu(pid: int, cpu_s: dict[int, float]) -> None:
    """Note the processor seconds so far of a process and all below it; those that ended keep what was noted."""
    with contextlib.suppress(psutil.NoSuchProcess):
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                cpu_s[process.pid] = times.user + times.system


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
    cpu_ms = [1000 * statistics.median(s) / many.session_n for s in (many.serial_cpu_s, many.parallel_cpu_s)]
    what = f"batch, {many.session_n} sessions of {MINUTES} min, one foot"
    return [
        (f"{what}, 1 process", f"{per_s[0]:.1f}", "sessions per s", spreads[0], f"load {many.load:.1f}", ""),
        ("processor time of a session, 1 process", f"{cpu_ms[0]:.1f}", "ms", "", f"{cpu_ms[1]:.1f} in {JOBS}", ""),
        (f"the same, {JOBS} processes", f"{per_s[1]:.1f}", "sessions per s", spreads[1], beside, f"{AIM_PER_S:.0f}"),
    ]


def verdict(many: Many) -> str:
    """Say whether what is asked for was reached."""
    word = "ok" if many.gain >= AIM_GAIN else f"MISSED, while two plain loops gained {many.possible:.2f}"
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
