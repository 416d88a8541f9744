"""How long the report of a session takes, as a person waits for it: from the command to the page on the disk."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench_process import Broken, command

from retrosole.report import chromium
from retrosole.twin.gait_model import generate

sys.path.append(str(Path(__file__).resolve().parent / "host"))  # sessions are made as for the tests
from walked import CHANNELS, save_walk


@dataclass(frozen=True)
class Reported:
    """Hold seconds on the wall and of the processor, each the median of some runs, and how large the page is.

    `pdf_s` is what the page and its PDF take together, on the wall; None where there is no Chromium.
    """

    minutes: int
    stride_n: int
    wall_s: float
    cpu_s: float
    page_bytes: int
    pdf_s: float | None


def measure(minutes: int, times: int, folder: Path) -> Reported:
    """Make the session of a backward walk with two feet, and its report, some times."""
    session = save_walk(folder / "reported", generate("backward", CHANNELS, 60.0 * minutes, 3))
    page = folder / "report.html"
    words = command("report", str(session.path), "--out", str(page))
    runs = [_run(words, folder) for _ in range(times)]
    pdf_s = _run([*words, "--pdf"], folder)[0] if chromium.find() else None
    size = page.stat().st_size
    return Reported(minutes, len(session.strides), median(w for w, _ in runs), median(c for _, c in runs), size, pdf_s)


def _run(words: list[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end; give its seconds on the wall and of the processor."""
    begin_s, before_s = time.monotonic(), _children_s()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    wall_s = time.monotonic() - begin_s
    if done.returncode:
        raise Broken(f"retrosole report ended with {done.returncode}: {done.stderr[-300:]}")
    return wall_s, _children_s() - before_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
