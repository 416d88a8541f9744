"""What goes over the line, and how long it takes from the sensor to the screen: a tap between insole and live view.

The tap passes bytes on at once and notes each frame and clock query as it goes by. Clock queries with their answers
relate the device's clock to this machine's; the answer waits behind whatever is being sent, so the quickest of a few
neighbouring exchanges counts, and half its delay is how wrong the relation may be.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import threading
import time
import tty
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import serial
from bench_process import LONGEST_S, Broken, Terminal, command, on_terminal
from numpy.typing import NDArray

from retrosole import wire
from retrosole.clock import Exchange, Unwrapper
from retrosole.framing import CRC_BYTES, Splitter, parse
from retrosole.samples import missing_records, unpack12

_NEIGHBOUR_N = 5  # exchanges among which the quickest counts
_COUNT = re.compile(rb"strides (?:\x1b\[[0-9;]*m)*(\d+)")


class Tap:
    """Stand between an insole's port and `port`, which is opened instead; keep what passes, with its time."""

    def __init__(self, insole_port: str) -> None:
        self.frames: list[tuple[float, Any]] = []
        self.byte_n: Counter[str] = Counter()  # by name of frame; "host" is what the host sends
        self.exchanges: list[Exchange] = []
        self._clock = Unwrapper()
        self._queries: dict[int, float] = {}
        self._held = b""
        self._splitter = Splitter()
        self._serial = serial.Serial(insole_port, timeout=0, exclusive=True)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the insole."""
        self._over.set()
        self._thread.join()
        self._serial.close()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        device = self._serial.fileno()
        while not self._over.is_set():
            for ready in select.select([device, self._master], [], [], 0.1)[0]:
                data, now_s = os.read(ready, 65536), time.monotonic()
                os.write(self._master if ready == device else device, data)
                if ready == device:
                    self._from_device(data, now_s)
                else:
                    self._from_host(data, now_s)

    def _from_device(self, data: bytes, now_s: float) -> None:
        for frame in self._splitter.feed(data):
            message = parse(frame)
            self.byte_n[type(message).__name__] += len(frame) + CRC_BYTES + 2  # COBS adds one, and the closing zero
            self.frames.append((now_s, message))
            if isinstance(message, wire.ClockFrame) and message.tag in self._queries:
                device_us = self._clock.unwrap(message.clock_us, message.uptime_s)
                self.exchanges.append(Exchange(self._queries.pop(message.tag), now_s, device_us))

    def _from_host(self, data: bytes, now_s: float) -> None:
        self.byte_n["host"] += len(data)
        *pieces, self._held = (self._held + data).split(b"\0")
        for piece in filter(None, pieces):
            command_frame = parse(bytes.fromhex(piece.decode())[:-CRC_BYTES])
            if isinstance(command_frame, wire.ClockQueryFrame):
                self._queries[command_frame.tag] = now_s


@dataclass(frozen=True)
class Line:
    """What a run over taps showed: times in seconds from a sample's due moment, bytes per sample of one foot."""

    sample_to_host_s: NDArray[np.float64]
    contact_to_host_s: NDArray[np.float64]
    stride_to_host_s: NDArray[np.float64]
    stride_to_screen_s: NDArray[np.float64]
    uncertain_s: float
    samples_bytes: float
    all_bytes: float
    host_bytes: float
    picture_bytes_s: float
    identity: wire.IdentityFrame


@contextlib.contextmanager
def taps(ports: dict[str, str]) -> Iterator[list[Tap]]:
    """Tap each port while the block lasts."""
    with contextlib.ExitStack() as stack:
        made = []
        for port in ports.values():
            made.append(Tap(port))
            stack.callback(made[-1].close)
        yield made


def run_live(ports: dict[str, str], seconds: float, folder: Path) -> Line:
    """Watch a pair with `retrosole live` through taps for so long; raise Broken when nothing is to be seen."""
    with taps(ports) as tapped:
        words = [word for tap in tapped for word in ("--port", tap.port)]
        with on_terminal(command("live", "--seconds", str(LONGEST_S), *words), folder) as terminal:
            terminal.wait_for(b"strides ")
            begin_n, begin_s = len(terminal.drawn), time.monotonic()
            time.sleep(seconds)
            picture_bytes_s = (len(terminal.drawn) - begin_n) / (time.monotonic() - begin_s)
            terminal.type(b"q")
            terminal.process.wait(10)
            return _evaluate(tapped, terminal, picture_bytes_s)


def _evaluate(tapped: list[Tap], terminal: Terminal, picture_bytes_s: float) -> Line:
    feet = [_Foot(tap) for tap in tapped]
    strides = sorted(timing for foot in feet for timing in foot.strides)
    sample_n = sum(foot.sample_n for foot in feet)
    sent = sum((tap.byte_n for tap in tapped), Counter())
    host_n = sent.pop("host", 0)
    return Line(
        sample_to_host_s=np.concatenate([foot.sample_delays_s() for foot in feet]),
        contact_to_host_s=np.array([host_s - due_s for foot in feet for host_s, due_s in foot.contacts]),
        stride_to_host_s=np.array([host_s - due_s for host_s, due_s in strides]),
        stride_to_screen_s=_on_screen(strides, terminal),
        uncertain_s=max(foot.uncertain_s for foot in feet),
        samples_bytes=sent["SamplesFrame"] / sample_n,
        all_bytes=sum(sent.values()) / sample_n,
        host_bytes=host_n / sample_n,
        picture_bytes_s=picture_bytes_s,
        identity=feet[0].identity,
    )


class _Foot:
    """One tap's frames, each with the moment, on this machine's clock, of the sample that decided it."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self.identity = next(f for _, f in tap.frames if isinstance(f, wire.IdentityFrame))
        self.samples = [(s, f) for s, f in tap.frames if isinstance(f, wire.SamplesFrame)]
        if not self.samples or not tap.exchanges:
            raise Broken("the live view ran, but no samples or no clock answers came over the line")
        clock = Unwrapper()
        clock.unwrap(tap.exchanges[0].device_us)
        self._zero_us = clock.unwrap(self.samples[0][1].clock_us)  # of sample 0
        counts = unpack12(b"".join(f.records for _, f in self.samples), self.identity.channel_n)
        self.sample_n = int(np.count_nonzero(~missing_records(counts)))

    def due_s(self, index: int, near_s: float) -> float:
        """Give the moment when a sample was due, by the clock exchanges around `near_s`."""
        around = sorted(self._tap.exchanges, key=lambda e: abs(e.received_s - near_s))[:_NEIGHBOUR_N]
        quickest = min(around, key=lambda e: e.delay_s)
        device_us = self._zero_us + index * 1_000_000 // self.identity.rate_hz
        return device_us / 1e6 + quickest.offset_s

    @property
    def uncertain_s(self) -> float:
        """Give how wrong the relation of the clocks may be: half the delay, in the median of the quickest."""
        delays_s = sorted(e.delay_s for e in self._tap.exchanges)
        return delays_s[len(delays_s) // _NEIGHBOUR_N] / 2

    def sample_delays_s(self) -> NDArray[np.float64]:
        """Give how long each sample took, those waiting for their frame to fill included."""
        out = []
        for host_s, frame in self.samples[:-1]:  # the last one is padded
            first_s = host_s - self.due_s(frame.first_index, host_s)
            out.append(first_s - np.arange(self.identity.records_per_frame) / self.identity.rate_hz)
        return np.concatenate(out)

    @property
    def contacts(self) -> list[tuple[float, float]]:
        """Give for each contact when it came and when its deciding sample was due."""
        came = ((s, f) for s, f in self._tap.frames if isinstance(f, wire.ContactFrame))
        return [(s, self.due_s(f.initial_contact_idx + f.delay, s)) for s, f in came]

    @property
    def strides(self) -> list[tuple[float, float]]:
        """Give for each stride when it came and when its deciding sample was due."""
        came = ((s, f) for s, f in self._tap.frames if isinstance(f, wire.StrideFrame))
        return [(s, self.due_s(decided_idx(f), s)) for s, f in came]


def decided_idx(frame: wire.StrideFrame) -> int:
    """Give the sample that decided a stride: `delay` samples after the final contact."""
    return frame.initial_contact_idx + (frame.initial_contact_frac + frame.final_contact) // 256 + frame.delay


def _on_screen(strides: list[tuple[float, float]], terminal: Terminal) -> NDArray[np.float64]:
    """Give, for each stride in the order of coming, how long it took until the header counted it."""
    shown = [(int(match[1]), terminal.time_of(match.end())) for match in _COUNT.finditer(terminal.drawn)]
    delays_s = []
    for number, (_, due_s) in enumerate(strides, 1):
        seen_s = next((time_s for count, time_s in shown if count >= number), None)
        if seen_s is not None:  # the very last ones may come when the view has closed
            delays_s.append(seen_s - due_s)
    if len(delays_s) < 5:
        raise Broken(f"{len(strides)} strides came, but only {len(delays_s)} were seen on the screen")
    return np.array(delays_s)
