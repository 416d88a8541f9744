"""Where device sessions are kept on the disk: found by device and name, or given a new folder."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retrosole import wire
from retrosole.errors import DamagedDataError, StorageError
from retrosole.framing import cobs_decode, open_frame, parse, pieces
from retrosole.ledger import Ledger
from retrosole.session.reader import read_info, read_log
from retrosole.session.writer import LogFile, SessionWriter, check_subject, default_folder, session_info

SIDES = ("left", "right")
_HEAD_TYPES = (
    wire.SessionHeadFrame.TYPE,
    wire.IdentityFrame.TYPE,
    wire.ConnectFrame.TYPE,
    wire.DisconnectFrame.TYPE,
    wire.HostClockFrame.TYPE,
)
_AGREE_S = 60.0  # the host's calendar may be set, and an insole's clock drifts, but by no more than this


@dataclass(frozen=True)
class Name:
    """Name a session for good: its numbers begin again after a full erase, its time does not as well."""

    boot: int
    session: int
    uptime_s: int
    clock_us: int


def name_of(told: wire.StoredFrame | wire.SessionHeadFrame) -> Name:
    """Give the name of the session that a head, or the store's list, tells of."""
    return Name(told.boot, told.session, told.uptime_s, told.clock_us)


@dataclass
class KeptSide:
    """Say what a folder holds of one foot: which device, which of its starts, which of its sessions.

    `names` are of what is known for good. `begun` are boot and session where only those are known, from an identity
    or session.json; `boots` and `sessions` stand for themselves. `span` is when the log, or the first session of a
    folder that was fetched, was begun and ended.
    """

    folder: Path
    side: str
    device_id: str
    boots: set[int]
    sessions: set[int] = field(default_factory=set)
    begun: set[tuple[int, int]] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)
    span: tuple[datetime, datetime] | None = None

    def holds(self, entry: wire.StoredFrame, began: datetime | None = None) -> bool:
        """Say whether a session of this device is the one that is kept here, whole or in part.

        Where nothing here has its name, the numbers must be the same, and `began` must be of this folder's time.
        """
        named = {name for name in self.names if name.session == entry.session}
        if named:
            return named == {name_of(entry)}
        numbers = (entry.boot, entry.session)
        if numbers not in self.begun and not (entry.session in self.sessions and entry.boot in self.boots):
            return False
        if self.span is None or began is None:
            return False
        early_s, late_s = (self.span[0] - began).total_seconds(), (began - self.span[1]).total_seconds()
        return max(early_s, late_s) <= _AGREE_S


def kept_sides(root: Path, device_id: bytes) -> list[KeptSide]:
    """Find what the folders under `root` hold of a device, the newest first; what cannot be read is passed over."""
    found = []
    for path in sorted(root.glob("*/session.json"), reverse=True):
        try:
            info = read_info(path.parent)
        except DamagedDataError:
            continue  # not ours, or torn
        sides = info.get("sides")
        if not isinstance(sides, dict):
            continue
        for side in SIDES:
            told = sides.get(side)
            if isinstance(told, dict) and told.get("device_id") == device_id.hex():
                found.append(_kept_side(path.parent, side, told, info))
    return found


def place_of(entry: wire.StoredFrame, began: datetime | None, kept: Iterable[KeptSide]) -> KeptSide | None:
    """Give what holds a session already: the one that has its name, else the newest that may; None when none does."""
    kept = list(kept)
    named = (one for one in kept if name_of(entry) in one.names and one.holds(entry, began))
    return next(named, None) or next((one for one in kept if one.holds(entry, began)), None)


def _kept_side(folder: Path, side: str, told: Mapping[str, Any], info: Mapping[str, Any]) -> KeptSide:
    boot, session = told.get("boot"), told.get("session")
    kept = KeptSide(folder, side, str(told["device_id"]), {boot} if isinstance(boot, int) else set())
    numbers = told.get("device_sessions")
    if isinstance(numbers, list) and isinstance(boot, int):
        kept.begun |= {(boot, number) for number in numbers if isinstance(number, int)}
    kept.names |= set(_told_names(told.get("device_heads")))
    try:
        _read_heads(kept, read_log(folder / f"{side}.frames"))
    except DamagedDataError:
        pass  # it was never begun, or is nothing to go on with
    else:
        if not (kept.sessions or kept.begun or kept.names) and isinstance(boot, int) and isinstance(session, int):
            kept.begun.add((boot, (session + 1) & 0xFFFF))  # killed at once: session.json knows the one before
    if "fetched" in info or kept.span is None:
        started = _date(info.get("started_utc"))
        kept.span = None if started is None else (started, started)
    return kept


def _told_names(told: object) -> Iterator[Name]:
    for one in told if isinstance(told, list) else []:
        if isinstance(one, list) and len(one) == 4 and all(isinstance(number, int) for number in one):
            yield Name(*one)


def _date(text: object) -> datetime | None:
    try:
        date = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return date if date is not None and date.tzinfo is not None else None


def _read_heads(kept: KeptSide, data: bytes) -> None:
    for _, piece in pieces(data):
        kind = piece[1] if len(piece) > 1 and piece[0] > 1 else 0
        if kind == wire.SamplesFrame.TYPE:
            raw = cobs_decode(piece)
            session = int.from_bytes(raw[1:3], "little") if raw else -1
            if session not in kept.sessions and open_frame(piece) is not None:
                kept.sessions.add(session)
        elif kind in _HEAD_TYPES and (frame := open_frame(piece)) is not None:
            _read_head(kept, parse(frame))


def _read_head(kept: KeptSide, message: Any) -> None:
    if isinstance(message, wire.SessionHeadFrame):
        kept.names.add(name_of(message))
    elif isinstance(message, wire.IdentityFrame):
        kept.boots.add(message.boot)
        if message.running:
            kept.begun.add((message.boot, message.session))
    elif hasattr(message, "unix_us"):
        try:
            at = datetime.fromtimestamp(message.unix_us / 1e6, UTC)
        except (ValueError, OverflowError, OSError):
            return  # no date that there is
        kept.span = (at, at) if kept.span is None else (min(kept.span[0], at), max(kept.span[1], at))


def check_same(path: Path, entry: wire.StoredFrame, channel_n: int) -> None:
    """See that what a log holds of a session can be of the one that the insole lists under this number.

    Raises StorageError when its head or its end says otherwise, or when it cannot be read.
    """
    kept = KeptSide(path.parent, path.stem, "", set())
    try:
        _read_heads(kept, path.read_bytes())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot read {path} ({error.strerror}): check its permissions") from error
    others = {name for name in kept.names if name.session == entry.session} - {name_of(entry)}
    ledger = read_ledgers(path, channel_n).get(entry.session)
    end = None if ledger is None else ledger.end
    if others or (end is not None and _contradicts(end, entry)):
        raise StorageError(
            f"{path} holds another session {entry.session} than the insole, which keeps its own: "
            "fetch it into another folder with --out"
        )


def _contradicts(end: wire.SessionEndFrame, entry: wire.StoredFrame) -> bool:
    if entry.ended not in list(wire.Ended):
        return end.next_index < entry.next_index  # the store lacks the end, so it may lack more
    return (end.next_index, end.ended) != (entry.next_index, entry.ended)


def read_ledgers(path: Path, channel_n: int) -> dict[int, Ledger]:
    """Count what a log holds, by device session; an absent log holds nothing. Raises StorageError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"cannot read {path} ({error.strerror}): check its permissions") from error
    ledgers: dict[int, Ledger] = {}
    for offset, piece in pieces(data):
        frame = open_frame(piece) if offset + len(piece) < len(data) else None
        if frame is None:
            continue
        message = parse(frame)
        if hasattr(message, "seq") or isinstance(message, wire.SessionHeadFrame | wire.SessionEndFrame):
            ledger = ledgers.get(message.session)
            if ledger is None:
                ledger = ledgers[message.session] = Ledger(channel_n)
                ledger.begin(message.session)
            ledger.add(message)
    return ledgers


# --------------------------------------------------------------------------------------------------------- new ones


@dataclass
class NewSide:
    """Say what a new folder is to hold of one foot; the first of the entries names it."""

    identity: wire.IdentityFrame
    port: str
    entries: list[wire.StoredFrame]
    start: datetime | None  # None: the device was started anew since, so that nobody knows

    @property
    def span(self) -> tuple[datetime, float] | None:
        """Give when it began and how many seconds it lasted, where that is known."""
        return None if self.start is None else (self.start, sum(length_s(entry) for entry in self.entries))


def overlap_s(one: NewSide, other: NewSide) -> float:
    """Give for how long two feet walked at the same time, 0 where that is not known."""
    if one.span is None or other.span is None:
        return 0.0
    (begin, long_s), (other_begin, other_long_s) = one.span, other.span
    apart_s = (other_begin - begin).total_seconds()
    return max(min(long_s, apart_s + other_long_s) - max(apart_s, 0.0), 0.0)


def check_writable(root: Path) -> None:
    """See that folders can be made under `root`, which is made when it is not there. Raises StorageError."""
    try:
        make_root(root)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise StorageError(f"cannot write to {root} ({error.strerror}): choose another folder with --out") from error


def make_root(root: Path) -> None:
    """Make a folder and those above it that are missing, their entries put on the disk. Raises OSError."""
    if root.is_dir():
        return
    make_root(root.parent)
    root.mkdir(mode=0o700, exist_ok=True)
    sync_entries(root.parent)


def sync_entries(folder: Path) -> None:
    """Have a folder's own entries put on the disk. Raises OSError."""
    if sys.platform == "win32":
        return  # it cannot be opened there, and needs not be
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Have a folder's own entries, and its entry in the one above, put on the disk. Raises StorageError."""
    for path in (folder, folder.parent):
        try:
            sync_entries(path)
        except OSError as error:
            raise StorageError(f"cannot put {path} on the disk ({error.strerror}): check the disk") from error


def make_folder(root: Path, subject: str, sides: Mapping[str, NewSide]) -> Path:
    """Make the folder for sessions that were never recorded here, with its session.json.

    Raises StorageError when the disk refuses, UsageError for a bad subject code.
    """
    first = min(sides.values(), key=lambda one: one.start or datetime.max.replace(tzinfo=UTC))
    folder = _free(_name(root, check_subject(subject), first))
    identities = {side: _of_its_time(one) for side, one in sides.items()}
    info = session_info(identities, subject, {side: one.port for side, one in sides.items()}, {}, {})
    info["fetched"] = info["started"]
    info["started"] = None if first.start is None else first.start.isoformat(timespec="seconds")
    info["started_utc"] = None if first.start is None else first.start.astimezone(UTC).isoformat(timespec="seconds")
    for side, one in sides.items():
        info["sides"][side]["device_sessions"] = [entry.session for entry in one.entries]
        info["sides"][side]["device_heads"] = [list(astuple(name_of(entry))) for entry in one.entries]
    try:
        make_root(root)
        folder.mkdir(mode=0o700)
        try:
            _write_new(folder / "session.json", (json.dumps(info, indent=1) + "\n").encode())
        except OSError:
            folder.rmdir()
            raise
    except OSError as error:
        raise StorageError(f"cannot write to {folder} ({error.strerror}): choose another folder with --out") from error
    return folder


def _name(root: Path, subject: str, first: NewSide) -> Path:
    if first.start is not None:
        return default_folder(root, subject, first.start.astimezone())
    entry = first.entries[0]
    return root / f"undated-{first.identity.device_id.hex()[:12]}-{entry.boot}-{entry.session}_{subject}"


def _free(folder: Path) -> Path:
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _of_its_time(one: NewSide) -> wire.IdentityFrame:
    entry = one.entries[0]
    return replace(one.identity, boot=entry.boot, session=entry.session, rate_hz=entry.rate_hz, running=0)


def _write_new(path: Path, data: bytes) -> None:
    half = path.with_suffix(".part")
    fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


class LogAdder(SessionWriter):
    """Add to one side's log of a folder that is there; its session.json stays as it is."""

    def __init__(self, folder: Path, side: str, identity: wire.IdentityFrame) -> None:
        """Open the log, or begin it. Raises StorageError."""
        super().__init__(folder, {side: identity})

    def _create(self, info: dict[str, Any], identities: Mapping[str, wire.IdentityFrame]) -> None:
        for side in identities:
            self._logs[side] = _opened_log(self.folder / f"{side}.frames")


def _opened_log(path: Path) -> LogFile:
    """Open a log to add to it: a frame that a killed program left torn is ended by a zero."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    fd = os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0), 0o600)
    size = os.lseek(fd, 0, os.SEEK_END)
    log = LogFile(path, fd)
    if size:
        os.lseek(fd, size - 1, os.SEEK_SET)
        if os.read(fd, 1) != b"\0":
            log.held += b"\0"
    return log


def chains(entries: Iterable[wire.StoredFrame]) -> list[list[wire.StoredFrame]]:
    """Give the sessions that belong together: each with those that went on with it after a reset."""
    found: list[list[wire.StoredFrame]] = []
    by_session: dict[int, list[wire.StoredFrame]] = {}
    for entry in entries:
        chain = by_session.get(entry.continues) if entry.continues != entry.session else None
        if chain is None:
            chain = []
            found.append(chain)
        chain.append(entry)
        by_session[entry.session] = chain
    return found


def length_s(entry: wire.StoredFrame) -> float:
    """Give how long a stored session is."""
    return entry.next_index / max(entry.rate_hz, 1)


def begin_of(chain: list[wire.StoredFrame], boot: int, boot_at: datetime) -> datetime | None:
    """Give when the first of these sessions began, `boot_at` being when the device was started for the `boot`th time.

    None when all are of earlier starts: the device's clock tells nothing of those.
    """
    before_s = 0.0
    for entry in chain:
        if entry.boot == boot:
            return boot_at + timedelta(seconds=entry.uptime_s - before_s)
        before_s += length_s(entry)
    return None
