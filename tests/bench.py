"""Measure what the host costs and how late it is, on virtual insoles: `make bench`, or with --quick.

Every figure stands beside a reference loop measured in the same run: on another computer, or on a busy one, compare
the ratios. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import signal
import statistics
import sys
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import bench_batch
import bench_cost
import bench_decode
import bench_export
import bench_line
import bench_page
import bench_report
import numpy as np
from bench_process import LONGEST_S, Broken, Terminal, command, on_terminal, virtual_pair, work_folder
from numpy.typing import NDArray

from retrosole import show

_LOOP_N = 200_000
_CRC_BYTES = 1 << 22
_WORDS = {"record": ("record",), "live": ("live",), "page": ("live", "--web")}
_AIMS = {
    ("record", 1): "5", ("record", 2): "5", ("live", 1): "15", ("live", 2): "22", ("page", 1): "15", ("page", 2): "22",
}  # fmt: skip
_BEGUN = {"record": b"recording ", "live": b"strides ", "page": b"live at "}
_WORKING = {
    "record": re.compile(rb"[1-9]\d* stride"),
    "live": re.compile(rb"strides (?:\x1b\[[0-9;]*m)*[1-9]"),
    "page": re.compile(rb"[1-9]\d* stride"),
}


@dataclass(frozen=True)
class Plan:
    """Say how long to measure: processor time after a warm-up, then the line, then decoding, then many sessions."""

    warm_s: float = 4.0
    window_s: float = 3.0
    window_n: int = 5
    line_s: float = 25.0
    log_minutes: int = 60
    decode_times: int = 7
    report_minutes: int = 15
    report_times: int = 5
    session_n: int = 200
    round_n: int = 3


_QUICK = Plan(
    2.0, 1.0, 3, line_s=10.0, log_minutes=10, decode_times=3, report_minutes=3, report_times=1, session_n=40, round_n=1
)


@dataclass
class Reference:
    """Two fixed pieces of work, measured again and again between everything else."""

    loop_s: list[float] = field(default_factory=list)
    crc_s: list[float] = field(default_factory=list)
    _buffer: bytes = field(default=bytes(range(256)) * (_CRC_BYTES // 256), repr=False)

    def measure(self) -> None:
        """Do both once more."""
        self.loop_s.append(bench_decode.median_s(_loop, 3))
        self.crc_s.append(bench_decode.median_s(lambda: zlib.crc32(self._buffer), 5))

    @property
    def loop(self) -> float:
        """Give the processor seconds of one loop."""
        return statistics.median(self.loop_s)

    @property
    def crc(self) -> float:
        """Give the processor seconds of one checksum over 4 MiB."""
        return statistics.median(self.crc_s)


def _loop() -> int:
    total = 0
    for i in range(_LOOP_N):
        total = (total + i * i) & 0xFFFFFF
    return total


# ---------------------------------------------------------------------------------------------------- processor time


@dataclass(frozen=True)
class Measured:
    """Hold processor seconds per second in each window, and what a page was sent meanwhile."""

    shares: list[float]
    seen: bench_page.Seen | None = None


def measure_cpu(name: str, ports: list[str], plan: Plan, reference: Reference, folder: Path) -> Measured:
    """Run `record` or a live view on a terminal, and measure it in windows after the warm-up.

    The page is watched by something that is no browser, outside of the process that is measured.
    """
    words = [*_WORDS[name], "--seconds", str(LONGEST_S), *(word for port in ports for word in ("--port", port))]
    if name == "record":
        words += ["--out", str(folder / "sessions")]
    with on_terminal(command(*words), folder) as terminal, contextlib.ExitStack() as stack:
        terminal.wait_for(_BEGUN[name])
        seen = stack.enter_context(bench_page.watching(terminal)) if name == "page" else None
        time.sleep(plan.warm_s)
        shares = []
        for _ in range(plan.window_n):
            shares.append(_window(terminal, plan.window_s))
            reference.measure()
        if terminal.process.poll() is not None or not _WORKING[name].search(terminal.drawn):
            raise Broken(f"retrosole {name} ended by itself, or showed no stride: {terminal.drawn[-500:]!r}")
        if seen is not None:
            _check_page(seen, plan)
        if name == "live":
            terminal.type(b"q")
            terminal.process.wait(10)
    return Measured(shares, seen)


def _check_page(seen: bench_page.Seen, plan: Plan) -> None:
    """Raise Broken when the page was not drawn about as often as it should."""
    least_n = 8 * (plan.warm_s + plan.window_n * plan.window_s)
    if seen.picture_n < least_n:
        raise Broken(f"the page had {seen.picture_n} pictures, expected {least_n:.0f} and more")


def _window(terminal: Terminal, seconds: float) -> float:
    begin_s, begin_cpu_s = time.monotonic(), terminal.cpu_s()
    time.sleep(seconds)
    return (terminal.cpu_s() - begin_cpu_s) / (time.monotonic() - begin_s)


# ------------------------------------------------------------------------------------------------------------- table

_HEADINGS = ("what", "median", "unit", "spread", "beside the reference", "aim")
_RIGHT = (1, 3)
Row = tuple[str, str, str, str, str, str]


def cpu_row(name: str, foot_n: int, shares: list[float], reference: Reference) -> Row:
    """Write one command's processor time."""
    share = statistics.median(shares)
    beside = f"{share / reference.loop:.2f} loops per second"
    what = f"{name}, {'one foot' if foot_n == 1 else 'two feet'}"
    spread = f"± {100 * bench_decode.spread(shares):.1f}"
    return what, f"{100 * share:.1f}", "% of a core", spread, beside, _AIMS[name, foot_n]


def delay_row(what: str, delays_s: NDArray[np.float64], reference: Reference) -> Row:
    """Write one delay: median, and the 95th percentile as its spread."""
    median_s, late_s = np.percentile(delays_s, [50, 95])
    beside = f"{median_s / reference.loop:.1f} loops"
    return f"{what}, {len(delays_s)} of them", f"{1000 * median_s:.0f}", "ms", f"p95 {1000 * late_s:.0f}", beside, ""


def page_row(foot_n: int, seen: bench_page.Seen, reference: Reference) -> Row:
    """Write how late a page is, from the newest sample to the answer that its picture is drawn."""
    what = f"newest sample to a page, {'one foot' if foot_n == 1 else 'two feet'}"
    bytes_n = seen.bytes_n / seen.picture_n
    beside = f"{seen.delay_ms / 1000 / reference.loop:.1f} loops"
    return what, f"{seen.delay_ms:.0f}", "ms", f"{bytes_n:.0f} bytes each", beside, ""


def line_rows(line: bench_line.Line, reference: Reference) -> list[Row]:
    """Write what the line carries and how late things arrive."""
    packed = line.identity.channel_n * 1.5
    return [
        ("wire, samples frames alone", f"{line.samples_bytes:.2f}", "bytes per sample", "", f"{packed:g} packed", ""),
        ("wire, everything from the insole", f"{line.all_bytes:.2f}", "bytes per sample", "", "", ""),
        ("wire, everything to the insole", f"{line.host_bytes:.2f}", "bytes per sample", "", "", ""),
        ("live to its terminal", f"{line.picture_bytes_s / 1000:.0f}", "kB per second", "", "", ""),
        delay_row("samples to host", line.sample_to_host_s, reference),
        delay_row("contacts to host", line.contact_to_host_s, reference),
        delay_row("strides to host", line.stride_to_host_s, reference),
        delay_row("strides to screen", line.stride_to_screen_s, reference),
    ]


def decode_rows(decoded: bench_decode.Decoded) -> list[Row]:
    """Write how fast logs are read."""
    rows: list[Row] = []
    for what, seconds in (("read a stored log", decoded.stored_s), ("the same live, in small pieces", decoded.live_s)):
        million_per_s = decoded.sample_n / seconds / 1e6
        beside = f"{seconds / decoded.crc_s:.0f} x crc32 of its bytes"
        rows.append((what, f"{million_per_s:.2f}", "million samples per s", "", beside, ""))
    times = decoded.stored_s / decoded.crc_each_s
    faster = decoded.construct_s / decoded.stored_s
    hour = f"a stored log of {decoded.sample_n / bench_decode.RATE_HZ / 60:.0f} min to counts"
    rows.append(
        (hour, f"{1000 * decoded.stored_s:.1f}", "ms", "", f"{times:.1f} x a crc32 call per frame", "at most 6")
    )
    rows.append(
        ("construct, compiled, the same", f"{decoded.construct_s:.1f}", "s", "", f"{faster:.0f} x as long", "60")
    )
    return rows


def report_rows(reported: bench_report.Reported, reference: Reference) -> list[Row]:
    """Write how long one waits for a report."""
    what = f"report of {reported.minutes} min, two feet, {reported.stride_n} strides"
    size = f"{reported.page_bytes / 1000:.0f} kB"
    took = (("", reported.wall_s, "5"), (", processor time", reported.cpu_s, ""))
    rows: list[Row] = [
        (f"{what}{name}", f"{seconds:.2f}", "s", size, f"{seconds / reference.loop:.0f} loops", aim)
        for name, seconds, aim in took
    ]
    if reported.pdf_s is not None:
        rows.append(("the same with its PDF, by Chromium", f"{reported.pdf_s:.1f}", "s", "", "", ""))
    return rows


def print_reference(reference: Reference) -> None:
    """Say what the figures stand beside."""
    loop_ms, crc_ms = 1000 * reference.loop, 1000 * reference.crc
    lowest_ms, highest_ms = 1000 * min(reference.loop_s), 1000 * max(reference.loop_s)
    print(f"Reference, in the same run, median of {len(reference.loop_s)}:")
    print(f"  one loop = {_LOOP_N} integer steps in Python: {loop_ms:.1f} ms ({lowest_ms:.1f} to {highest_ms:.1f})")
    print(f"  zlib.crc32 of 4 MiB: {crc_ms:.2f} ms ({_CRC_BYTES / crc_ms / 1e6:.1f} GB/s)\n")


def print_table(rows: list[Row], line: bench_line.Line) -> None:
    """Print all figures."""
    show.table(_HEADINGS, rows, right=_RIGHT)
    print("\nProcessor time: the command's process alone, user and system, after start-up, on a terminal of 120 x 40.")
    print("Delays begin when the deciding sample is due; samples wait for their frame to fill, up to 130 ms, and the")
    print(f"screen is drawn ten times a second. The two clocks are related to {1000 * line.uncertain_s:.1f} ms.")


# --------------------------------------------------------------------------------------------------------------- run


def run(plan: Plan) -> None:
    """Measure everything and print it."""
    reference = Reference()
    rows: list[Row] = []
    with work_folder() as folder, virtual_pair(folder) as (ports, runtime):
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; load before: {load}.")
        print(f"Insoles: a virtual pair, 6 channels at 200 Hz, on {runtime}, in processes of their own.")
        print("Absolute times are of this machine at this moment: compare the ratios.\n", flush=True)
        by_name = {}
        for name in _WORDS:
            for foot_n in (1, 2):
                by_name[name, foot_n] = measure_cpu(name, list(ports.values())[:foot_n], plan, reference, folder)
        line = bench_line.run_live(ports, plan.line_s, folder)
        reference.measure()
        decoded = bench_decode.measure(line.identity, plan.log_minutes, plan.decode_times, folder)
        reference.measure()
        reported = bench_report.measure(plan.report_minutes, plan.report_times, folder)
        reference.measure()
        exported = bench_export.measure(line.identity, plan.log_minutes // 2, folder)
    with work_folder() as folder:  # when the insoles are gone, which would take what is measured
        many = bench_batch.measure(line.identity, plan.session_n, plan.round_n, folder)
    rows += [cpu_row(name, foot_n, one.shares, reference) for (name, foot_n), one in by_name.items()]
    rows += [page_row(foot_n, one.seen, reference) for (_, foot_n), one in by_name.items() if one.seen is not None]
    print_reference(reference)
    more = [*line_rows(line, reference), *decode_rows(decoded), *report_rows(reported, reference)]
    print_table([*rows, *more, *bench_export.rows(exported, reference.loop), *bench_batch.rows(many)], line)
    print(bench_batch.verdict(many))
    print()
    bench_cost.run()


def main() -> int:
    """Parse, measure, print; 1 when there was nothing to measure."""
    parser = argparse.ArgumentParser(description="Measure what the host costs and how late it is, on virtual insoles.")
    parser.add_argument("--quick", action="store_true", help="shorter, and less exact")
    arguments = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("the benchmark reads another process's processor time, which this program can do on Linux only")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are ended, too
    try:
        run(_QUICK if arguments.quick else Plan())
    except Broken as error:
        print(f"broken: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
