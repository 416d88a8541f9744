"""Run a walk through virtual insoles as fast as they go, and read what they say: the same as `detect`, the long way.

The insole is the firmware itself on its interpreter, with as many channels as an insole has at most and the roles that
the walk's channels have. It is spoken to over its console, as over a serial port. Every sample it sends is compared
with the walk, so that what it says is about that walk and no other.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.errors import ProtocolError, UsageError
from retrosole.framing import Splitter, encode_command, parse
from retrosole.samples import missing_records, unpack12
from retrosole.twin import launch
from retrosole.twin.boards import zone_numbers
from retrosole.twin.child import Child
from retrosole.twin.detect import Detection, Progress, check_rate, decided_idx, from_frames, merged
from retrosole.twin.feed import SOURCE_RATE_HZ, Source, write
from retrosole.twin.runtimes import Runtime
from retrosole.twin.sim_options import SimOptions
from retrosole.twin.virtual import signals_as_exit, work_folder
from retrosole.twin.walk import Walk

BOARD = "esp32_s3"  # the one with eight channels
_LONGEST_HOLE_S = 7.0  # the insole's watchdog bites after eight seconds without a sample
_ASK_EVERY_S = 0.8  # of the insole's time: it waits for a host that it has not heard for two
_QUIET_S = 0.05
_PATIENCE_S = 20.0
_READ_BYTES = 65536
_TOLD = (wire.StrideFrame.TYPE, wire.ContactFrame.TYPE)


def detect_virtual(source: Source, rate_hz: int, runtime: Runtime, progress: Progress = lambda _: None) -> Detection:
    """Walk the feet of a source through virtual insoles on `runtime`; times are seconds since record 0.

    Raises as `virtual_frames`.
    """
    frames = virtual_frames(source, rate_hz, runtime, progress)
    return merged(from_frames(side, bodies, rate_hz) for side, bodies in frames.items())


def virtual_frames(
    source: Source, rate_hz: int, runtime: Runtime, progress: Progress = lambda _: None
) -> dict[str, list[bytes]]:
    """Give the contact and stride frames of each foot's insole, each type and payload without CRC.

    `progress` is called with the share done, 0 to 1. Raises UsageError for a rate that the firmware does not offer or
    a hole that no insole survives, ProtocolError when an insole does something else than it was asked for.
    """
    if sys.platform == "win32":
        raise UsageError("virtual insoles run on Linux and macOS only: leave --interpreter out")
    check_rate(rate_hz)
    every = SOURCE_RATE_HZ // rate_hz
    trimmed = {side: _without_tail(counts, every) for side, counts in source.counts.items()}
    source = replace(source, counts={side: counts for side, counts in trimmed.items() if len(counts)})
    walks = {side: counts[::every] for side, counts in source.counts.items()}
    for side, counts in walks.items():
        _check_holes(side, counts, rate_hz)
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_as_exit())
        folder = work_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        paths = write(source, folder)
        feet = []
        for side, counts in walks.items():
            child = _child(runtime, source, paths, side)
            feet.append(_Foot(side, counts, zone_numbers(source.channels), rate_hz, child))
            stack.callback(feet[-1].end)
        _pump(feet, progress)
        return {foot.side: foot.frames() for foot in feet}


def _without_tail(counts: NDArray[np.uint16], every: int) -> NDArray[np.uint16]:
    """Cut behind the last sample that an insole takes: it goes on taking the walk's last record."""
    taken = np.flatnonzero(~missing_records(counts[::every]))
    return counts[: int(taken[-1]) * every + 1 if len(taken) else 0]


def _check_holes(side: str, counts: NDArray[np.uint16], rate_hz: int) -> None:
    taken = np.concatenate([[-1], np.flatnonzero(~missing_records(counts))])
    hole_n = np.diff(taken) - 1
    if len(hole_n) and hole_n.max() > _LONGEST_HOLE_S * rate_hz:
        at = int(hole_n.argmax())
        raise UsageError(
            f"{side}: {hole_n[at] / rate_hz:.1f} s are missing from {(taken[at] + 1) / rate_hz:.1f} s on, and an "
            f"insole starts anew after {_LONGEST_HOLE_S:.0f} s without a sample: leave --interpreter out"
        )


def _child(runtime: Runtime, source: Source, paths: dict[str, Path], side: str) -> Child:
    options = SimOptions(board=BOARD, speed=1.0 if runtime.kind == "rv32" else 0.0)
    walk = Walk(paths, source.channels, source.duration_s, "")
    log = paths[side].with_suffix(".log")
    return Child(launch.prepare(runtime, walk, options, side, log), log)


def _pump(feet: list[_Foot], progress: Progress) -> None:
    for foot in feet:
        foot.begin()
    walking = list(feet)
    while walking:
        ready, _, _ = select.select([foot.output for foot in walking], [], [], _QUIET_S)
        for foot in walking:
            if foot.output in ready:
                foot.read()
            else:
                foot.nudge()
        walking = [foot for foot in walking if not foot.done]
        progress(min(foot.share for foot in feet))


class _Foot:
    """Hold one virtual insole: asked who it is, told the rate, started, listened to until the walk is over."""

    def __init__(
        self, side: str, counts: NDArray[np.uint16], zones: tuple[int, ...], rate_hz: int, child: Child
    ) -> None:
        self.side = side
        self._counts = counts
        self._zones = zones
        self._rate_hz = rate_hz
        self._child = child
        self._splitter = Splitter()
        self._bodies: list[bytes] = []
        self._tag = 0
        self._known = self._started = False
        self._next_idx = 0
        self._ask_idx = 0
        self._asked_s = self._heard_s = time.monotonic()

    @property
    def output(self) -> int:
        """Give the descriptor to wait for."""
        return self._child.output

    @property
    def share(self) -> float:
        """Give how much of the walk is over, 0 to 1."""
        return min(1.0, self._next_idx / len(self._counts))

    @property
    def done(self) -> bool:
        """Say whether everything that was decided on samples of the walk has come.

        A frame that follows from a samples frame's last sample comes behind it: so one more is waited for.
        """
        return self._next_idx > len(self._counts)

    def begin(self) -> None:
        """Start the firmware and ask who it is."""
        self._child.start()
        self._heard_s = time.monotonic()
        self._send(wire.HelloFrame)

    def end(self) -> None:
        """Make sure that the firmware is gone."""
        self._child.end()

    def read(self) -> None:
        """Take what the insole has sent. Raises ProtocolError for what it should not."""
        try:
            data = os.read(self._child.output, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            code, words = self._child.end(_QUIET_S), self._child.last_words() or "it said nothing"
            raise self._error(f"stopped with exit code {code}: {words}")
        self._heard_s = time.monotonic()
        for frame in self._splitter.feed(data):
            if not self.done:
                self._take(frame)

    def nudge(self) -> None:
        """Be heard by an insole that is silent: it may wait for its host, or not have heard the first question."""
        now_s = time.monotonic()
        if now_s - self._heard_s > _PATIENCE_S:
            raise self._error(f"sent nothing for {_PATIENCE_S:.0f} s")
        if self._started and now_s - self._asked_s > _QUIET_S:
            self._send(wire.ClockQueryFrame)
        elif not self._known and now_s - self._asked_s > 0.5:
            self._send(wire.HelloFrame)

    def frames(self) -> list[bytes]:
        """Give what was said about samples of the walk; the insole stands on the last one after it."""
        return [body for body in self._bodies if decided_idx(parse(body)) < len(self._counts)]

    def _take(self, frame: bytes) -> None:
        if frame[0] in _TOLD:
            self._bodies.append(frame)
            return
        message = parse(frame)
        if isinstance(message, wire.SamplesFrame):
            self._take_samples(message)
        elif isinstance(message, wire.IdentityFrame) and not self._known:
            self._meet(message)
        elif isinstance(message, wire.ReplyFrame):
            self._take_reply(message)

    def _meet(self, identity: wire.IdentityFrame) -> None:
        zones = tuple(identity.zones[: identity.channel_n])
        if zones != self._zones:
            raise self._error(f"has its sensors in zones {zones}, expected {self._zones}")
        self._known = True
        self._send(wire.SetFrame, setting=int(wire.Setting.RATE_HZ), value=self._rate_hz)

    def _take_reply(self, reply: wire.ReplyFrame) -> None:
        if reply.result != wire.Result.OK:
            raise self._error(f"refused command {reply.command:#x} for reason {reply.result}")
        if reply.command == wire.SetFrame.TYPE:
            self._send(wire.ClockQueryFrame)  # a host that asks for the clock is sent samples
            self._send(wire.StartFrame)
        self._started = reply.command == wire.StartFrame.TYPE

    def _take_samples(self, frame: wire.SamplesFrame) -> None:
        counts = unpack12(frame.records, self._counts.shape[1])
        first = frame.first_index
        expected = self._counts[first : first + len(counts)]
        skipped = self._counts[self._next_idx : first]
        if not (missing_records(skipped).all() and np.array_equal(counts[: len(expected)], expected)):
            raise self._error(f"took other samples than the walk has at {first / self._rate_hz:.2f} s: it lost some")
        self._next_idx = first + len(counts)
        if self._next_idx >= self._ask_idx:
            self._ask_idx = self._next_idx + int(_ASK_EVERY_S * self._rate_hz)
            self._send(wire.ClockQueryFrame)

    def _send(self, kind: Any, **values: int) -> None:
        self._tag = (self._tag + 1) & 0xFF
        self._asked_s = time.monotonic()
        with contextlib.suppress(BrokenPipeError, BlockingIOError):  # its output will say that it ended
            os.write(self._child.input, encode_command(kind(tag=self._tag, **values)))

    def _error(self, what: str) -> ProtocolError:
        return ProtocolError(f"the {self.side} virtual insole {what}; try again, or leave --interpreter out")
