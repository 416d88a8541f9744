"""Stream what insoles send to the Lab Streaming Layer as it comes: a stream of samples a foot, and one of markers.

Time stamps are when samples were due, by the insole's clock, put on the clock of the Lab Streaming Layer: an answered
clock query tells the insole's time to half of what question and answer took, and the quickest of the last two minutes
count. Corrections come in small steps, so that samples stay in order and evenly apart.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from retrosole import __version__, show, wire
from retrosole.clock import ClockTracker, clock_difference_us
from retrosole.device import Event, Insole
from retrosole.errors import UsageError
from retrosole.export.columns import channel_names
from retrosole.export.markers import contact_marker, mark_marker, stride_marker
from retrosole.foot import Foot, Watcher
from retrosole.samples import missing_records, unpack12
from retrosole.session.sidelog import to_stride
from retrosole.session.writer import word

NOT_READ = -1
_STEP_S = 0.0002  # by how much the time of a frame is corrected at most: 26 samples at 200 Hz take 0.13 s
_JUMP_S = 0.05  # from here on it is another clock, as after a reset
_PROBE_N = 9
_QUIET = "[log]\nlevel = -2\n"  # nothing but errors on the terminal
_COMPUTER = f"{_QUIET}[multicast]\nResolveScope = machine\nListenAddress = 127.0.0.1\n[ports]\nIPv6 = disable\n"
_CONFIGS = (Path("lsl_api.cfg"), Path("~/lsl_api/lsl_api.cfg"), Path("/etc/lsl_api/lsl_api.cfg"))
_REACH = {
    "computer": "on this computer, not announced in the network (its port is open there: LSL knows no password)",
    "network": "to everyone in the network who looks for it",
}


class Streamer(Watcher):
    """Stream to the Lab Streaming Layer, and hand everything on to another watcher.

    The streams are there from the beginning, so that a recorder can be told to take them before anyone walks.
    """

    def __init__(self, insoles: Mapping[str, Insole], watcher: Watcher, reach: str = "computer") -> None:
        """Open the streams. Raises UsageError when the library cannot be used."""
        self._watcher = watcher
        self._lsl = _library(reach)
        self._feet = {side: _FootStream(self._lsl, side, insole) for side, insole in insoles.items()}
        self._markers = _marker_outlet(self._lsl, insoles)
        show.say(f"LSL: {', '.join(['retrosole-' + side for side in insoles])}, retrosole-markers: {_REACH[reach]}")

    def begin(self, feet: list[Foot]) -> None:
        """Hand on."""
        self._watcher.begin(feet)

    def frame(self, foot: Foot, frame: Event) -> None:
        """Stream samples, contacts, strides and marks."""
        stream = self._feet[foot.side]
        if isinstance(frame, wire.SamplesFrame):
            stream.push(foot.insole, frame)
        elif isinstance(frame, wire.ContactFrame | wire.StrideFrame | wire.MarkFrame):
            self._mark(stream, foot, frame)
        self._watcher.frame(foot, frame)

    def _mark(self, stream: _FootStream, foot: Foot, frame: Event) -> None:
        start_s = stream.start_s(frame.session)
        if start_s is None:
            return
        rate_hz = foot.insole.identity.rate_hz
        if isinstance(frame, wire.StrideFrame):
            at_s, text = stride_marker(vars(to_stride(frame, foot.side, rate_hz)), start_s)
        elif isinstance(frame, wire.ContactFrame):
            index = frame.initial_contact_idx + frame.initial_contact_frac / 256
            at_s = start_s + index / rate_hz
            text = contact_marker(foot.side, word(wire.Order, frame.contact_order), at_s)
        else:
            at_s, text = start_s + frame.index / rate_hz, mark_marker(foot.side, frame.code)
        self._markers.push_sample([text], at_s)

    def say(self, text: str) -> None:
        """Hand on."""
        self._watcher.say(text)

    def tick(self, elapsed_s: float) -> None:
        """Hand on."""
        self._watcher.tick(elapsed_s)

    def end(self) -> None:
        """Say what was streamed; the streams close with the program."""
        for side, stream in self._feet.items():
            early = f", {stream.early_n} before its clock was known left out" if stream.early_n else ""
            self._watcher.say(f"LSL: {side} {stream.pushed_n} samples{early}; what was fetched is in the session only")
        self._watcher.end()


class _FootStream:
    """Stream the samples of one foot."""

    def __init__(self, lsl: Any, side: str, insole: Insole) -> None:
        self.pushed_n = self.early_n = 0
        self._lsl = lsl
        self._clock_s = _clock_offset_s(lsl)
        self._session: int | None = None
        self._start_s: float | None = None  # the time of sample 0, by the newest samples
        self._offset_s: float | None = None  # the stream's clock less the insole's
        self._outlet = lsl.StreamOutlet(_samples_info(lsl, side, insole))

    def start_s(self, session: int) -> float | None:
        """Give the stream's time of sample 0 of a session, as the newest samples tell it; None before any."""
        return self._start_s if session == self._session else None

    def push(self, insole: Insole, frame: wire.SamplesFrame) -> None:
        """Stream a frame of samples; those that were never taken are left out."""
        rate_hz = insole.identity.rate_hz
        counts = unpack12(frame.records, insole.identity.channel_n)
        taken = np.flatnonzero(~missing_records(counts))
        first_s = self._first_s(insole.clock, frame)
        if first_s is None:
            self.early_n += len(taken)
            return
        self._session, self._start_s = frame.session, first_s - frame.first_index / rate_hz
        values = np.empty((len(taken), 1 + counts.shape[1]), np.int32)
        values[:, 0] = frame.first_index + taken
        values[:, 1:] = counts[taken]
        values[:, 1:][counts[taken] == wire.MISSING_COUNT] = NOT_READ
        if len(taken):
            self._outlet.push_chunk(values, (first_s + taken / rate_hz).tolist())
            self.pushed_n += len(taken)

    def _first_s(self, clock: ClockTracker, frame: wire.SamplesFrame) -> float | None:
        """Give the stream's time of a frame's first sample, corrected by a small step towards what is known now."""
        best = clock.best()
        if best is None:
            return None
        device_us = best.device_us + clock_difference_us(frame.clock_us, best.device_us)
        wanted_s = clock.to_host_s(device_us) + self._clock_s - device_us / 1e6
        if self._offset_s is None or abs(wanted_s - self._offset_s) > _JUMP_S:
            self._offset_s = wanted_s
        else:
            self._offset_s += min(max(wanted_s - self._offset_s, -_STEP_S), _STEP_S)
        return device_us / 1e6 + self._offset_s


def _library(reach: str) -> Any:
    """Give the library, configured before its first use. Raises UsageError when it cannot be used."""
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError) as error:
        raise UsageError(f"the Lab Streaming Layer cannot be used ({error}): pip install 'retrosole[lsl]'") from error
    if reach == "computer":
        pylsl.set_config_content(_COMPUTER)
    elif "LSLAPICFG" not in os.environ and not any(path.expanduser().exists() for path in _CONFIGS):
        pylsl.set_config_content(_QUIET)
    return pylsl


def _clock_offset_s(lsl: Any) -> float:
    """Give the stream's clock less time.monotonic; they are the same clock on Linux."""
    offsets: list[float] = []
    for _ in range(_PROBE_N):
        before_s = time.monotonic()
        clock_s = lsl.local_clock()
        offsets.append(clock_s - (before_s + time.monotonic()) / 2)
    return statistics.median(offsets)


def _samples_info(lsl: Any, side: str, insole: Insole) -> Any:
    who = insole.identity
    name, source = f"retrosole-{side}", f"retrosole-{who.device_id.hex()}"
    info = lsl.StreamInfo(name, "Pressure", 1 + who.channel_n, who.rate_hz, lsl.cf_int32, source)
    desc = info.desc()
    desc.append_child_value("manufacturer", "Retrosole")
    desc.append_child_value("counts", "raw counts of the sensors, no force; -1: this channel was not read")
    desc.append_child_value("software", f"retrosole {__version__}")
    sync = desc.append_child("synchronization")
    sync.append_child_value("time_source", "the insole's clock, put on the local clock by clock queries")
    sync.append_child_value("can_drop_samples", "true")
    channels = desc.append_child("channels")
    sites = [word(wire.Site, site) for site in who.sites[: who.channel_n]]
    _channel(channels, "sample", "1", "Counter", "")
    for k, label in enumerate(channel_names(sites, who.channel_n)):
        _channel(channels, label, "counts", "Pressure", word(wire.Zone, who.zones[k]))
    return info


def _channel(channels: Any, label: str, unit: str, kind: str, zone: str) -> None:
    channel = channels.append_child("channel")
    for name, value in (("label", label), ("unit", unit), ("type", kind), ("zone", zone)):
        if value:
            channel.append_child_value(name, value)


def _marker_outlet(lsl: Any, insoles: Mapping[str, Insole]) -> Any:
    source = "-".join(["retrosole-markers", *(insole.identity.device_id.hex() for insole in insoles.values())])
    info = lsl.StreamInfo("retrosole-markers", "Markers", 1, lsl.IRREGULAR_RATE, lsl.cf_string, source)
    text = "JSON. contact: provisional, at initial contact; stride: final, at its initial contact; mark"
    info.desc().append_child_value("content", text)
    return lsl.StreamOutlet(info)
