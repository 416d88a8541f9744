"""Everything that is looked at on one insole, in a few seconds: who it is, how it is, its sensors, clock and line."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from retrosole import wire
from retrosole.asking import NoStoreError
from retrosole.device import Insole
from retrosole.doctor import sensors
from retrosole.doctor.clock import clock, listen_to_clock
from retrosole.doctor.finding import Finding, Section, bad, of_error, ok, warn
from retrosole.errors import DamagedDataError, NoDeviceError, RetrosoleError
from retrosole.flashing.pack import source_hash
from retrosole.glance import Counts, counts_of, events_for, glance
from retrosole.live.bars import clock_text
from retrosole.ports import ANSWER_TIMEOUT_S, open_link, side_name
from retrosole.session.writer import site_names, word
from retrosole.shelf import begin_of, length_s
from retrosole.twin.firmware_files import source_files

LEAST_HEAP_BYTES = 16384  # as the firmware's own fault memory_low
EMPTY_MV, LOW_MV = 3300, 3500  # a lithium cell: battery_low, and what is left for the way home
LEAST_READY_S = 60  # of room in the store, when its lamp begins to warn
LOST_PART = 0.01
_STATUS_WAIT_S = 2.5  # it comes once a second


@dataclass
class Seen:
    """Gather what came from an insole while it was looked at."""

    session: int = 0
    was_running: bool = False
    statuses: list[wire.StatusFrame] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    seconds: float = 0.0


def look(port: str, seconds: float) -> tuple[Section, bool]:
    """Look at the insole on a port, its sensors for some seconds; give what was found, and whether one answered.

    Starts a session when none runs, and gives its room in the store free again.
    """
    try:
        link = open_link(port, ANSWER_TIMEOUT_S)
    except RetrosoleError as error:
        return Section(port, (of_error("answer", error),)), False
    with Insole(link) as insole:
        title = f"{side_name(link.identity).capitalize()} insole at {port}"
        findings: list[Finding] = []
        try:
            for one in _findings(insole, seconds):
                findings.append(one)
        except RetrosoleError as error:  # it went away, or does not answer any more
            findings.append(of_error("line", error))
        return Section(title, tuple(findings)), True


def _findings(insole: Insole, seconds: float) -> Iterator[Finding]:
    yield from _who(insole)
    exchanges = listen_to_clock(insole)
    for _ in events_for(insole, _STATUS_WAIT_S):
        if insole.status is not None:
            break
    if insole.status is None:
        yield bad("status", "it tells nothing of its health", "restart it, or `retrosole update`", NoDeviceError)
        return
    yield from _health(insole, insole.status)
    yield _store(insole, insole.status)
    seen = _watch(insole, seconds)
    if seen.statuses:
        yield memory(max(one.heap_free_bytes for one in seen.statuses))
    yield from _sensors(insole, seen)
    yield clock(exchanges)
    yield _line(insole, seen)


# ------------------------------------------------------------------------------------------------- who and how it is


def _who(insole: Insole) -> Iterator[Finding]:
    who = insole.identity
    found = f"{word(wire.Board, who.board)}, {who.channel_n} channels at {who.rate_hz} Hz, id {who.device_id.hex()}"
    if insole.side == "unset":
        yield warn("foot", "it does not know which foot it is for", "retrosole setup --side left, or right")
    yield ok("board", found)
    yield calibration(who)
    yield protocol(who)
    yield firmware(bytes(who.firmware_version), bytes(who.source))


def calibration(who: wire.IdentityFrame) -> Finding:
    """Tell whether the wearer's load has been measured: without it steps are told, but loads only in counts."""
    if who.standing[0] == wire.INVALID["identity.standing"]:
        return ok("standing load", "not measured", "retrosole setup --calibrate")
    return ok("standing load", f"measured, {sum(who.standing[: who.channel_n])} counts on all sensors")


def protocol(who: wire.IdentityFrame) -> Finding:
    """Compare protocol versions; an older one, and another major one, was refused before."""
    theirs = f"{who.protocol_major}.{who.protocol_minor}"
    ours = f"{wire.PROTOCOL_MAJOR}.{wire.PROTOCOL_MINOR}"
    if who.protocol_minor > wire.PROTOCOL_MINOR:
        return warn("protocol", f"{theirs}, newer than this program's {ours}", "pip install -U retrosole")
    return ok("protocol", f"{theirs}, as this program's")


@cache
def carried() -> tuple[tuple[int, ...], str] | None:
    """Give version and source, as 16 digits, of the firmware that this program carries; None when it carries none."""
    with contextlib.suppress(RetrosoleError, OSError, KeyError):
        files = source_files()
        text = files["insole/__init__.py"].decode()
        found = re.search(r"^VERSION = \((\d+), (\d+), (\d+)\)", text, re.MULTILINE)
        if found:
            return tuple(int(number) for number in found.groups()), source_hash(files)
    return None


def firmware(version: bytes, source: bytes) -> Finding:
    """Compare an insole's firmware with that which this program carries; `source` as in its identity."""
    is_known = source != bytes([wire.INVALID["identity.source"]]) * len(source)
    theirs, ours = tuple(version), carried()
    text = f"{_dotted(theirs)}, {f'source {source.hex()}' if is_known else 'from loose files'}"
    if ours is None:
        return ok("firmware", text)
    if theirs > ours[0]:
        return warn("firmware", f"{text}, newer than this program's {_dotted(ours[0])}", "pip install -U retrosole")
    if theirs < ours[0]:
        return warn("firmware", f"{text}, this program carries {_dotted(ours[0])}", "retrosole update")
    if is_known and source.hex() != ours[1]:
        return warn("firmware", f"{text}, this program carries another, {ours[1]}", "retrosole update")
    return ok("firmware", text)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _health(insole: Insole, status: wire.StatusFrame) -> Iterator[Finding]:
    yield battery(status.battery_mv)
    names = site_names(insole.identity, status.channel_out_bits)
    if names:
        found = f"left out of the decisions: {', '.join(names)}"
        yield bad("left out", found, "they stood still while others moved: look at their wires", DamagedDataError)
    if status.fault_n:
        first = word(wire.Fault, status.first_fault).replace("_", " ")
        found = f"{status.fault_n} since it was started, {clock_text(status.uptime_s)} ago; the first: {first}"
        yield warn("faults", found, "see below; starting it anew forgets them")
    else:
        yield ok("faults", f"none since it was started, {clock_text(status.uptime_s)} ago")


def battery(battery_mv: int) -> Finding:
    """Judge the battery."""
    if battery_mv == wire.INVALID["status.battery_mv"]:
        return ok("battery", "not measured on this board")
    found = f"{battery_mv / 1000:.2f} V"
    if battery_mv < EMPTY_MV:
        return bad("battery", f"{found}, nearly empty", "charge it before walking", DamagedDataError)
    return warn("battery", f"{found}, low", "charge it soon") if battery_mv < LOW_MV else ok("battery", found)


def memory(heap_free_bytes: int) -> Finding:
    """Judge the memory free in a session, before which the firmware collects what is no longer used."""
    found = f"{heap_free_bytes // 1024} kB free"
    if heap_free_bytes < LEAST_HEAP_BYTES:
        return warn("memory", found, "start it anew; if it stays so low, `retrosole update`")
    return ok("memory", found)


def _store(insole: Insole, status: wire.StatusFrame) -> Finding:
    name = "store"
    try:
        entries = insole.stored()
    except NoStoreError as error:
        return warn(name, str(error), "`retrosole flash` makes room for one; until then only what is streamed is kept")
    waiting = [one for one in entries if one.kept == wire.Kept.UNCOLLECTED]
    used = f"{100 * status.store_used_n / max(status.store_page_n, 1):.0f} % used"
    if waiting:
        began = begin_of([waiting[0]], insole.identity.boot, _booted_at(status))
        when = "of an unknown date" if began is None else f"of {began.astimezone():%Y-%m-%d %H:%M}"
        long = clock_text(sum(length_s(one) for one in waiting))
        used += f"; {len(waiting)} not collected ({long}), the oldest {when}"
    if status.store_ready_s < LEAST_READY_S and not status.running:
        return warn(name, f"{used}; room for {status.store_ready_s} s", "retrosole fetch, which makes room")
    ready = f"room for {status.store_ready_s // 60} min"
    return ok(name, f"{used}; {ready}", "retrosole fetch" if waiting else "")


def _booted_at(status: wire.StatusFrame) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=status.uptime_s)


# -------------------------------------------------------------------------------------------------- a few seconds


def _watch(insole: Insole, seconds: float) -> Seen:
    seen = Seen(was_running=bool(insole.identity.running), session=insole.identity.session)
    with contextlib.ExitStack() as stack:
        if not seen.was_running:
            seen.session = stack.enter_context(glance(insole))
        begin_s = time.monotonic()
        for event in events_for(insole, seconds):
            counts = counts_of(event, insole.identity.channel_n)
            if counts is not None:
                seen.counts.append(counts)
            elif isinstance(event, wire.StatusFrame):
                seen.statuses.append(event)
        seen.seconds = time.monotonic() - begin_s
    return seen


def _sensors(insole: Insole, seen: Seen) -> Iterator[Finding]:
    who = insole.identity
    counts = np.concatenate(seen.counts) if seen.counts else np.empty((0, who.channel_n), np.uint16)
    names = [word(wire.Site, site).replace("_", " ") for site in who.sites[: who.channel_n]]
    if seen.was_running:
        yield ok("session", f"{seen.session} is running, it was only listened to")
    else:
        yield ok("session", f"{seen.session} was run for {seen.seconds:.0f} s to look at the sensors, and is not kept")
    yield from sensors.judge(counts, who.full_scale, names)


def _line(insole: Insole, seen: Seen) -> Finding:
    ledger = insole.ledger
    lost_n, never_n = ledger.lost_sample_n, ledger.hole_n
    dropped_n = 0 if not seen.statuses or seen.was_running else seen.statuses[-1].frame_dropped_n
    total_n = max(ledger.sample_n + lost_n + never_n, 1)
    found = f"{ledger.sample_n} samples"
    problems = [f"{lost_n} lost on the way"] if lost_n else []
    problems += [f"{never_n} never taken"] if never_n else []
    problems += [f"{dropped_n} frames dropped by the insole"] if dropped_n else []
    problems += [f"{insole.damaged_n} frames damaged"] if insole.damaged_n else []
    if not problems:
        return ok("line", f"{found}, none lost")
    text = f"{found}, {', '.join(problems)}"
    todo = "try another cable or USB port; while it records, the store fills such gaps"
    if (lost_n + never_n) / total_n > LOST_PART:
        return bad("line", text, todo, DamagedDataError)
    return warn("line", text, todo)
