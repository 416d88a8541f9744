"""XDF 1.0, as the Lab Streaming Layer's recorder writes it: a stream of samples for each foot, and one of markers.

Time stamps are the session's seconds. Clock offsets lead from them to the clock of the host, which is that of the Lab
Streaming Layer there: a reader that applies them (pyxdf does by itself) puts the session beside what was recorded with
that layer on the same computer. Both feet have the same offsets, so that their common clock stays as it is.

Specification: https://github.com/sccn/xdf/wiki/Specifications
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from retrosole.errors import DamagedDataError
from retrosole.export.content import MISSING, FootSamples, about, events, foot_samples, session_name
from retrosole.export.markers import mark_marker, note_marker, stride_marker
from retrosole.export.place import Own, write_file
from retrosole.export.rows import Tell
from retrosole.export.xml_text import Element
from retrosole.gait.analysis import Analysis
from retrosole.session.hostclock import HostClock, host_clock
from retrosole.session.reader import Session

IS_FOLDER = False
ENDING = ".xdf"
MAGIC = b"XDF:"
FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY, STREAM_FOOTER = range(1, 7)
BOUNDARY_UUID = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
_CHUNK_S = 10.0  # a boundary about as often, as the specification asks for
_OFFSET_EVERY_S = 5.0
_MOST_OFFSETS = 10_000  # a log with impossible times must not fill the disk
_OWN_BYTES = 4096
_MOST_INDEX = (1 << 31) - 1
_MARKER_NOTE = "JSON. stride: at its initial contact; mark, note: when it was set"


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write a session as one file. Raises as `place.write_file`."""
    write_file(path, _is_own(session_name(session)), lambda out: _fill(session, analysis, out, tell))


def _fill(session: Session, analysis: Analysis, out: BinaryIO, tell: Tell) -> None:
    said = about(session, analysis, "xdf")
    out.write(MAGIC)
    _chunk(out, FILE_HEADER, _file_header(said))
    feet = [foot_samples(session, side) for side in session.sides]
    clock = None if session.apart_text else _common_clock(session)
    ids = range(1, len(feet) + 1)
    for number, foot in zip(ids, feet, strict=True):
        _chunk(out, STREAM_HEADER, struct.pack("<I", number) + _samples_header(foot, said))
    marker_id = len(feet) + 1
    _chunk(out, STREAM_HEADER, struct.pack("<I", marker_id) + _marker_header(said))
    for k, (number, foot) in enumerate(zip(ids, feet, strict=True)):
        _write_stream(out, number, foot.time_s, _packed(foot), clock)
        tell((k + 1) / (len(feet) + 1))
    markers = _markers(session, analysis)
    times_s = np.array([time_s for time_s, _ in markers])
    _write_stream(out, marker_id, times_s, _packed_texts(markers), clock)
    tell(1.0)


def _common_clock(session: Session) -> HostClock | None:
    return next((clock for side in session.sides if (clock := host_clock(session, side))), None)


# ------------------------------------------------------------------------------------------------------------ streams


def _write_stream(
    out: BinaryIO,
    number: int,
    times_s: NDArray[np.float64],
    packed: list[bytes] | NDArray[np.void],
    clock: HostClock | None,
) -> None:
    """Write samples in parts of ten seconds, a boundary behind each, clock offsets, and the footer."""
    head = struct.pack("<I", number)
    offsets = _offsets(times_s, clock)
    for at_s, offset_s in offsets:
        _chunk(out, CLOCK_OFFSET, head + struct.pack("<dd", at_s, offset_s))
    order_s = np.maximum.accumulate(times_s)
    cuts = np.flatnonzero(np.diff(np.floor(order_s / _CHUNK_S))) + 1 if len(times_s) else np.empty(0, np.int64)
    edges = [0, *cuts.tolist(), len(times_s)] if len(times_s) else []
    for begin, end in pairwise(edges):
        part = packed[begin:end]
        body = part.tobytes() if isinstance(part, np.ndarray) else b"".join(part)
        _chunk(out, SAMPLES, head + _length(end - begin) + body)
        _chunk(out, BOUNDARY, BOUNDARY_UUID)
    _chunk(out, STREAM_FOOTER, head + _footer(times_s, offsets))


def _offsets(times_s: NDArray[np.float64], clock: HostClock | None) -> list[tuple[float, float]]:
    if clock is None or not len(times_s):
        return []
    begin_s, end_s = float(times_s.min()), float(times_s.max())
    n = min(max(2, int((end_s - begin_s) / _OFFSET_EVERY_S) + 1), _MOST_OFFSETS)
    return [(at_s, clock.offset_s(at_s)) for at_s in np.linspace(begin_s, end_s, n).tolist()]


def _packed(foot: FootSamples) -> NDArray[np.void]:
    """Give samples as they stand in a chunk: 8, the time stamp, the values; a channel that was not read is -1."""
    channel_n = foot.counts.shape[1]
    if len(foot.index) and int(foot.index[-1]) > _MOST_INDEX:
        got = f"the {foot.side} log has sample number {foot.index[-1]}, expected at most {_MOST_INDEX}"
        raise DamagedDataError(f"{got}: it is damaged, see `retrosole check`")
    dtype = np.dtype([("size", "u1"), ("time_s", "<f8"), ("sample", "<i4"), ("counts", "<i4", (channel_n,))])
    packed = np.zeros(len(foot.index), dtype)
    packed["size"], packed["time_s"], packed["sample"] = 8, foot.time_s, foot.index
    packed["counts"] = np.where(foot.counts == MISSING, -1, foot.counts.astype(np.int32))
    return packed


def _packed_texts(markers: Iterable[tuple[float, str]]) -> list[bytes]:
    rows = []
    for time_s, text in markers:
        raw = text.encode()
        rows.append(struct.pack("<Bd", 8, time_s) + _length(len(raw)) + raw)
    return rows


def _markers(session: Session, analysis: Analysis) -> list[tuple[float, str]]:
    """Give the markers by time; a note whose time nobody knows stands at 0 and says so."""
    table = analysis.table
    rows = zip(*(table[name].tolist() for name in table), strict=True)
    found = [stride_marker(dict(zip(table, row, strict=True))) for row in rows]
    for event in events(session):
        is_timed = bool(np.isfinite(event.time_s))
        is_mark = event.kind == "mark"
        text = mark_marker(event.side, event.code) if is_mark else note_marker(event.side, event.text, is_timed)
        found.append((event.time_s if is_timed else 0.0, text))
    return sorted(found, key=lambda marker: marker[0])


# ------------------------------------------------------------------------------------------------------------ headers


def _file_header(said: dict[str, Any]) -> bytes:
    info = Element("info")
    info.add("version", "1.0")
    if said["started"]:
        info.add("datetime", said["started"])
    mine = info.add("retrosole")
    for name in ("format", "made", "session", "subject", "clock", "missing", "counts"):
        mine.add(name, said[name])
    mine.add("version", said["software"]["retrosole"])
    return _xml(info)


def _samples_header(foot: FootSamples, said: dict[str, Any]) -> bytes:
    told = said["feet"][foot.side]
    info = _stream_info(f"retrosole-{foot.side}", "Pressure", 1 + foot.counts.shape[1], foot.rate_hz, "int32")
    info.add("source_id", f"retrosole-{told['device_id'] or foot.side}")
    desc = info.add("desc")
    desc.add("manufacturer", "Retrosole")
    channels = desc.add("channels")
    _channel(channels, "sample", "1", "Counter", "number of the sample; a jump is a gap")
    for name, sensor in zip(foot.names, foot.sensors or [None] * len(foot.names), strict=True):
        zone = "" if sensor is None else sensor.zone
        _channel(channels, name, "counts", "Pressure", "raw counts, no force; -1: not read", zone)
    told_n = desc.add("losses")
    told_n.add("text", told["samples"])
    for name, value in told["losses"].items():
        told_n.add(name, value)
    _add_synchronization(desc, said)
    return _xml(info)


def _marker_header(said: dict[str, Any]) -> bytes:
    info = _stream_info("retrosole-markers", "Markers", 1, 0, "string")
    info.add("source_id", f"retrosole-markers-{said['session']}")
    desc = info.add("desc")
    desc.add("content", _MARKER_NOTE)
    _add_synchronization(desc, said)
    return _xml(info)


def _stream_info(name: str, kind: str, channel_n: int, rate_hz: int, channel_format: str) -> Element:
    info = Element("info")
    for tag, text in (
        ("name", name),
        ("type", kind),
        ("channel_count", channel_n),
        ("nominal_srate", rate_hz),
        ("channel_format", channel_format),
        ("created_at", 0),
    ):
        info.add(tag, text)
    return info


def _channel(channels: Element, label: str, unit: str, kind: str, text: str, zone: str = "") -> None:
    channel = channels.add("channel")
    for tag, value in (("label", label), ("unit", unit), ("type", kind), ("description", text), ("zone", zone)):
        if value:
            channel.add(tag, value)


def _add_synchronization(desc: Element, said: dict[str, Any]) -> None:
    synchronization = desc.add("synchronization")
    synchronization.add("time_source", said["clock"])
    if said["clock_sigma_s"] is not None:
        synchronization.add("offset_rms", f"{said['clock_sigma_s']:.6f}")
    synchronization.add("can_drop_samples", "true")


def _footer(times_s: NDArray[np.float64], offsets: list[tuple[float, float]]) -> bytes:
    info = Element("info")
    if len(times_s):
        info.add("first_timestamp", repr(float(times_s[0])))
        info.add("last_timestamp", repr(float(times_s[-1])))
    info.add("sample_count", len(times_s))
    found = info.add("clock_offsets")
    for at_s, value_s in offsets:
        offset = found.add("offset")
        offset.add("time", repr(at_s))
        offset.add("value", repr(value_s))
    return _xml(info)


# ------------------------------------------------------------------------------------------------------------- chunks


def _xml(info: Element) -> bytes:
    return f'<?xml version="1.0"?>{info}'.encode()


def _length(n: int) -> bytes:
    """Give a length as it stands in a file: how many bytes it takes, then the number."""
    if n < 1 << 8:
        return struct.pack("<BB", 1, n)
    return struct.pack("<BI", 4, n) if n < 1 << 32 else struct.pack("<BQ", 8, n)


def _chunk(out: BinaryIO, tag: int, content: bytes) -> None:
    out.write(_length(len(content) + 2) + struct.pack("<H", tag) + content)


def _is_own(session: str) -> Own:
    mark = str(Element("session", session)).encode()

    def is_own(path: Path) -> bool:
        try:
            with path.open("rb") as file:
                head = file.read(_OWN_BYTES)
        except OSError:
            return False
        return head.startswith(MAGIC) and b"<retrosole>" in head and mark in head

    return is_own
