"""What a person sees: tables, and the watchers that turn a recording into lines, a progress line or the live view.

On a terminal progress is one line, drawn by rich; anywhere else there are plain lines, which can be searched.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import click
from rich.progress import Progress, SpinnerColumn, TextColumn

from retrosole import wire
from retrosole.clock import WRAP_US, clock_difference_us
from retrosole.device import Event, Insole
from retrosole.gait.strides import Stride
from retrosole.live.bars import clock_text
from retrosole.live.lines import format_stride
from retrosole.live.state import FootState, LiveState
from retrosole.recorder import Foot, Watcher
from retrosole.samples import unpack12
from retrosole.session.sidelog import to_stride
from retrosole.session.writer import site_names, word

LINE_EVERY_S = 10.0
_DELAY_MAX_S = 10.0


def is_terminal() -> bool:
    """Say whether a person sits at both ends, so that something can be drawn and keys can be read."""
    return sys.stdin.isatty() and can_draw()


def can_draw() -> bool:
    """Say whether stdout is a terminal that knows more than lines, as one in an editor does not."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print a line for the person, apart from what a program may read on stdout."""
    _print_if_possible(text, sys.stderr)


def announce(text: str) -> None:
    """Print lines on stdout; that nobody takes them any more, as after `| head -1`, must not end a recording."""
    _print_if_possible(text, sys.stdout)


def _print_if_possible(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:
        forget(stream)


def forget(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: at exit Python would try to write it again, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print a table; the columns numbered in `right` are set flush right.

    Never folded or cut, so that a path can be copied and a line be searched.
    """
    cells = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(headings))]
    for number, row in enumerate(cells):
        parts = (c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        click.secho("  ".join(parts).rstrip(), bold=number == 0)


# ------------------------------------------------------------------------------------------------------------ tables


def stride_table(strides: Sequence[Stride]) -> None:
    """Print strides as a table for people; the CSV has all columns."""
    if not strides:
        print("no strides")
        return
    headings = ("time s", "side", "no.", "first contact", "first off", "walking", "sure %", "stance ms")
    table(headings, (_stride_cells(stride) for stride in strides), right=(0, 2, 6, 7))


def _stride_cells(stride: Stride) -> tuple[str, ...]:
    return (
        f"{stride.initial_contact_s:.2f}",
        stride.side,
        str(stride.stride),
        _words(stride.contact_order),
        _words(stride.lift_order),
        stride.direction,
        f"{100 * stride.confidence:.0f}",
        "--" if stride.stance_s != stride.stance_s else f"{1000 * stride.stance_s:.0f}",
    )


def _source(who: wire.IdentityFrame) -> str:
    """Say which source the firmware was built of."""
    unknown = bytes([wire.INVALID["identity.source"]]) * len(who.source)
    return "from loose files" if who.source == unknown else f"source {who.source.hex()}"


def identity_lines(insole: Insole, status: wire.StatusFrame | None) -> list[str]:
    """Say in words who an insole is and how it is."""
    who = insole.identity
    version = ".".join(map(str, who.firmware_version))
    state = f"session {who.session} is running" if who.running else "idle"
    lines = [
        f"{insole.side} insole at {insole.port}",
        f"  device    {who.device_id.hex()}, started {_times(who.boot)}, {state}",
        f"  board     {word(wire.Board, who.board)}, firmware {version} ({_source(who)}), "
        f"protocol {who.protocol_major}.{who.protocol_minor}",
        f"  samples   {who.channel_n} channels at {who.rate_hz} Hz, counts up to {who.full_scale}",
        f"  cue       {'on' if who.cue else 'off'}, target {_words(word(wire.Order, who.target_order))}",
    ]
    if status is not None:
        lines += _status_lines(status, insole)
    return lines


def _status_lines(status: wire.StatusFrame, insole: Insole) -> list[str]:
    battery = "not measured" if status.battery_mv == wire.INVALID["status.battery_mv"] else f"{status.battery_mv} mV"
    fault = "none"
    if status.fault_n:
        fault = f"{_words(word(wire.Fault, status.first_fault))} first, {status.fault_n} since it started"
    return [
        f"  health    battery {battery}, {status.heap_free_bytes // 1024} kB memory free, up {status.uptime_s} s",
        f"  faults    {fault}",
        f"  sensors   {_left_out_text(insole, status) or 'none left out'}",
    ]


def _left_out_text(insole: Insole, status: wire.StatusFrame) -> str:
    names = site_names(insole.identity, status.channel_out_bits)
    return f"left out of the decisions: {', '.join(names)}" if names else ""


def channel_table(insole: Insole) -> None:
    """Print where each channel sits and what it was calibrated to."""
    who = insole.identity
    rows = []
    for k in range(min(who.channel_n, wire.CHANNEL_N)):
        zone, site = word(wire.Zone, who.zones[k]), _words(word(wire.Site, who.sites[k]))
        unloaded, standing = _count(who.baseline[k], "baseline"), _count(who.standing[k], "standing")
        rows.append((f"  {k}", zone, site, unloaded, standing))
    table(("  no.", "zone", "site", "unloaded", "standing"), rows, right=(3, 4))


def _count(value: int, name: str) -> str:
    return "not set" if value == wire.INVALID[f"identity.{name}"] else str(value)


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _words(name: str) -> str:
    return name.replace("_", " ")


# ---------------------------------------------------------------------------------------------------------- watchers


class LinePrinter(Watcher):
    """Print one line per stride."""

    def begin(self, feet: list[Foot]) -> None:
        """Say whom the lines will be about."""
        say("; ".join(f"{foot.side} insole at {foot.insole.port}" for foot in feet))

    def frame(self, foot: Foot, frame: Event) -> None:
        """Print a stride."""
        if isinstance(frame, wire.StrideFrame):
            print(format_stride(to_stride(frame, foot.side, foot.insole.identity.rate_hz)), flush=True)

    def say(self, text: str) -> None:
        """Print what happened."""
        say(text)


def progress_text(elapsed_s: float, feet: Sequence[Foot], seconds: float | None = None) -> str:
    """Write how far a recording is: time, strides of each foot, samples lost, sensors left out.

    At most 80 characters while both feet are there and well. While one is gone nobody knows what it loses.
    """
    parts = [clock_text(elapsed_s) if seconds is None else f"{clock_text(elapsed_s)} of {clock_text(seconds)}"]
    parts += [_foot_text(foot) for foot in feet]
    lost_n = sum(foot.lost_sample_n for foot in feet)
    if all(foot.link == "connected" for foot in feet):
        parts.append(f"lost {lost_n} samples")
    elif lost_n:
        parts.append(f"lost at least {lost_n} samples")
    return "   ".join(parts)


def _foot_text(foot: Foot) -> str:
    if foot.link != "connected":
        return f"{foot.side} gone for {foot.gone_for_s():.0f} s"
    strides = "1 stride" if foot.stride_n == 1 else f"{foot.stride_n} strides"
    out_n = foot.out_bits.bit_count()
    left_out = f" without {out_n} sensor{'' if out_n == 1 else 's'}" if out_n else ""
    return f"{foot.side} {strides}{left_out}"


class PlainProgress(Watcher):
    """Print a line every ten seconds."""

    def __init__(self) -> None:
        self._feet: list[Foot] = []
        self._next_s = LINE_EVERY_S

    def begin(self, feet: list[Foot]) -> None:
        """Remember whom to ask."""
        self._feet = feet

    def say(self, text: str) -> None:
        """Print what happened."""
        say(text)

    def tick(self, elapsed_s: float) -> None:
        """Print when it is time."""
        if elapsed_s >= self._next_s:
            self._next_s += LINE_EVERY_S
            print(progress_text(elapsed_s, self._feet), flush=True)


class ProgressLine(Watcher):
    """Keep one line of progress on the terminal."""

    def __init__(self, seconds: float | None) -> None:
        columns = (SpinnerColumn(finished_text="●"), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, auto_refresh=False)
        self._task = self._progress.add_task("", total=None)
        self._seconds = seconds
        self._feet: list[Foot] = []
        self._drawn_s = 0.0

    def begin(self, feet: list[Foot]) -> None:
        """Show the line."""
        self._feet = feet
        self._progress.start()

    def say(self, text: str) -> None:
        """Print what happened above the line."""
        self._progress.console.print(text, highlight=False, markup=False)

    def tick(self, elapsed_s: float) -> None:
        """Draw anew four times a second."""
        if elapsed_s - self._drawn_s >= 0.25:
            self._draw(elapsed_s)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._feet:
            self._draw(self._drawn_s)
            self._progress.stop()

    def _draw(self, elapsed_s: float) -> None:
        self._drawn_s = elapsed_s
        self._progress.update(self._task, description=progress_text(elapsed_s, self._feet, self._seconds))
        self._progress.refresh()


class LiveFeeder(Watcher):
    """Fill the state that the live view shows; runs in the recorder's thread while the view has the main one."""

    def __init__(self, insoles: Mapping[str, Insole], folder: Path | None) -> None:
        self.state = LiveState([_foot_state(side, i) for side, i in insoles.items()])
        self.state.recording = None if folder is None else str(folder)
        self._states = {foot.side: foot for foot in self.state.feet}
        self._feet: list[Foot] = []
        self._sessions: dict[str, int] = {}
        self.said: list[str] = []

    def begin(self, feet: list[Foot]) -> None:
        """Remember whom to ask; what was shown of another session is over."""
        self._feet = feet
        for foot in feet:
            self._states[foot.side].begin()
            self._sessions[foot.side] = foot.session

    def frame(self, foot: Foot, frame: Event) -> None:
        """Hand a frame on to the foot's state; after a reset the insole counts its samples from 0 again."""
        if self._sessions.setdefault(foot.side, foot.session) != foot.session:
            self._sessions[foot.side] = foot.session
            self._states[foot.side].restart()
        show = _SHOWN.get(type(frame))
        if show is not None:
            show(self._states[foot.side], foot, frame)

    def say(self, text: str) -> None:
        """Show it in the footer, and keep it for the time after the view has closed."""
        self.state.tell(text)
        self.said.append(text)

    def tick(self, elapsed_s: float) -> None:
        """Bring the counters up to date."""
        self.state.elapsed_s = elapsed_s
        for foot in self._feet:
            shown = self._states[foot.side]
            shown.link = foot.link
            shown.received_n = foot.sample_n
            shown.lost_sample_n = foot.lost_sample_n
            shown.lost_frame_n = foot.lost_frame_n


def _foot_state(side: str, insole: Insole) -> FootState:
    who = insole.identity
    names = [word(wire.Site, site) for site in who.sites[: who.channel_n]]
    zones = [word(wire.Zone, zone) for zone in who.zones[: who.channel_n]]
    state = FootState(side, names, zones, who.rate_hz)
    state.cue_on = bool(who.cue)
    state.target_order = word(wire.Order, who.target_order)
    return state


def _show_samples(state: FootState, foot: Foot, frame: wire.SamplesFrame) -> None:
    counts = unpack12(frame.records, foot.insole.identity.channel_n)
    state.push_samples(frame.first_index, counts)
    state.sampled_s = _sampled_s(foot.insole, frame.clock_us, len(counts))


def _sampled_s(insole: Insole, first_us: int, sample_n: int) -> float:
    """Give the host's steady time when the last of some samples was due; `nan` where that cannot be right, as when a
    virtual insole walks faster than time.
    """
    exchange = insole.clock.best()
    if exchange is None:
        return math.nan
    last_us = exchange.device_us + clock_difference_us(first_us, exchange.device_us % WRAP_US)
    sampled_s = last_us / 1e6 + exchange.offset_s + (sample_n - 1) / insole.identity.rate_hz
    return sampled_s if 0 <= time.monotonic() - sampled_s < _DELAY_MAX_S else math.nan


def _show_identity(state: FootState, foot: Foot, _frame: wire.IdentityFrame) -> None:
    who = foot.insole.identity  # the frame may be out of the store, and of another time
    state.cue_on = bool(who.cue)
    state.target_order = word(wire.Order, who.target_order)


def _show_mark(state: FootState, foot: Foot, frame: wire.MarkFrame) -> None:
    state.push_flag(frame.code, frame.index / foot.insole.identity.rate_hz)


def _show_stride(state: FootState, foot: Foot, frame: wire.StrideFrame) -> None:
    state.push_stride(to_stride(frame, foot.side, foot.insole.identity.rate_hz))


def _show_contact(state: FootState, foot: Foot, frame: wire.ContactFrame) -> None:
    contact_s = (frame.initial_contact_idx + frame.initial_contact_frac / 256) / foot.insole.identity.rate_hz
    state.push_contact(word(wire.Order, frame.contact_order), contact_s)


def _show_status(state: FootState, foot: Foot, frame: wire.StatusFrame) -> None:
    state.battery_mv = None if frame.battery_mv == wire.INVALID["status.battery_mv"] else frame.battery_mv
    name = word(wire.Fault, frame.first_fault) if frame.fault_n else ""
    out = ", ".join(site_names(foot.insole.identity, frame.channel_out_bits))
    parts = (f"{out} left out" if out else "", _FAULTS.get(name, _words(name)))
    state.fault = "; ".join(filter(None, parts)) or None


_FAULTS = {  # for a person who walks: shorter than the name, or plainer
    "channel_dead": "a sensor is dead",
    "channel_stuck": "a sensor is stuck",
    "channel_saturated": "a sensor is at its top",
    "channel_drifting": "a sensor drifts",
    "samples_lost": "samples were lost",
    "samples_late": "samples came late",
    "queue_full": "sending was held up",
    "command_damaged": "a command came damaged",
    "memory_low": "its memory is nearly full",
    "battery_low": "its battery is nearly empty",
    "crashed": "its program crashed",
    "store_full": "its store is full",
    "store_damaged": "its store is damaged",
}

_SHOWN: dict[type[Event], Callable[[FootState, Foot, Event], None]] = {
    wire.SamplesFrame: _show_samples,
    wire.StrideFrame: _show_stride,
    wire.ContactFrame: _show_contact,
    wire.StatusFrame: _show_status,
    wire.IdentityFrame: _show_identity,
    wire.MarkFrame: _show_mark,
}
