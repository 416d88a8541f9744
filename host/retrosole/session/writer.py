"""Write a session folder: `session.json` first, then every byte of each side as it comes.

The log of a side is exactly what was received, with host-made frames put in between whole frames only. It is handed
to the system every second and to the disk every five, so that a killed program loses a second and nothing needs repair.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from retrosole import __version__, wire
from retrosole.errors import StorageError, UsageError
from retrosole.framing import Message, encode

FORMAT = "retrosole session"
FORMAT_VERSION = 1
FLUSH_EVERY_S = 1.0
SYNC_EVERY_S = 5.0
HOST_CLOCK_EVERY_S = 1.0
_TEXT_BYTES = wire.FRAME_BYTES - 13  # a note: type, time and CRC take the rest


def default_folder(root: Path, subject: str = "anonymous", start: datetime | None = None) -> Path:
    """Give the folder that a session starting now gets: `root/2026-11-21T10-15-30_subject`."""
    start = start or datetime.now().astimezone()
    return root / f"{start:%Y-%m-%dT%H-%M-%S}_{check_subject(subject)}"


def check_subject(subject: str) -> str:
    """Give a subject code back. Raises UsageError unless it is 1 to 40 letters, digits, '-', '_' or '.'."""
    if not 1 <= len(subject) <= 40 or not all((c.isalnum() and c.isascii()) or c in "-_." for c in subject):
        raise UsageError(
            f"subject code {subject!r} is not usable: take 1 to 40 letters, digits, '-', '_' or '.', and no name"
        )
    return subject


@dataclass
class LogFile:
    """Hold one side's open file and what is not in it yet."""

    path: Path
    fd: int
    held: bytearray = field(default_factory=bytearray)
    waiting: bytearray = field(default_factory=bytearray)  # host frames, until the frame now coming is whole
    at_boundary: bool = True
    received_bytes: int = 0
    written_bytes: int = 0


class SessionWriter:
    """Keep what the insoles of one session send.

    `identities` maps "left" and/or "right" to what the insole said; `settings` and `software` go into session.json.
    Raises UsageError for a folder that already has a session or a bad subject code, StorageError when the disk
    refuses; what was written before stays readable.
    """

    def __init__(
        self,
        folder: Path,
        identities: Mapping[str, wire.IdentityFrame],
        subject: str = "anonymous",
        *,
        ports: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        software: Mapping[str, str] | None = None,
    ) -> None:
        if not identities or not set(identities) <= {"left", "right"}:
            raise UsageError(f"a session has a left and/or a right side, got {sorted(identities) or 'none'}")
        self.folder = folder
        self._logs: dict[str, LogFile] = {}
        self._flush_s = self._sync_s = self._host_clock_s = time.monotonic()
        self._failed: StorageError | None = None
        info = session_info(identities, check_subject(subject), ports or {}, settings or {}, software or {})
        try:
            self._create(info, identities)
        except OSError as error:
            raise self._refused(error) from error

    @property
    def received_bytes(self) -> dict[str, int]:
        """Give the bytes received so far, per side."""
        return {side: log.received_bytes for side, log in self._logs.items()}

    def append(self, side: str, data: bytes) -> None:
        """Keep bytes as they were received; write and sync when that is due. Raises StorageError."""
        log = self._logs[side]
        log.received_bytes += len(data)
        boundary = data.rfind(b"\0") + 1
        if boundary and log.waiting:
            log.held += data[:boundary] + log.waiting + data[boundary:]
            log.waiting.clear()
        else:
            log.held += data
        if data:
            log.at_boundary = data.endswith(b"\0")
        self.tick()

    def connect(self, side: str, port: str) -> None:
        """Note that a port was opened and the insole on it confirmed."""
        self._insert(side, wire.ConnectFrame(_unix_us(), _fitting(port)))
        self._host_clock(side)

    def disconnect(self, side: str, reason: wire.DisconnectReason) -> None:
        """Note that the port went away or was closed; a frame that was just coming is ended by a zero."""
        log = self._logs[side]
        if not log.at_boundary:
            log.held += b"\0" + log.waiting
            log.waiting.clear()
            log.at_boundary = True
        self._host_clock(side)
        self._insert(side, wire.DisconnectFrame(_unix_us(), int(reason)))
        self.flush()

    def note(self, text: str) -> None:
        """Write down some words (up to 241 bytes of them), on every side."""
        for side in self._logs:
            self._insert(side, wire.NoteFrame(_unix_us(), _fitting(text)))

    def exchange(self, side: str, sent_s: float, received_s: float, clock: wire.ClockFrame, boot: int) -> None:
        """Note an answered clock query: the host's steady seconds (time.monotonic) at sending and receiving.

        `boot` is the insole's, from its last identity. What puts two feet on one clock; see `session.align`.
        """
        sent_us, received_us = round(sent_s * 1e6), round(received_s * 1e6)
        self._insert(side, wire.ExchangeFrame(sent_us, received_us, clock.clock_us, clock.uptime_s, boot))

    def tick(self) -> None:
        """Do what is due: the host's clock each second, writing each second, syncing every five. Raises StorageError.

        `append` does this too; call it when nothing comes.
        """
        now_s = time.monotonic()
        if now_s - self._host_clock_s >= HOST_CLOCK_EVERY_S:
            self._host_clock_s = now_s
            for side in self._logs:
                self._host_clock(side)
        if now_s - self._flush_s >= FLUSH_EVERY_S:
            self.flush()
        if now_s - self._sync_s >= SYNC_EVERY_S:
            self.sync()

    def flush(self) -> None:
        """Hand everything received to the system. Raises StorageError."""
        self._flush_s = time.monotonic()
        for log in self._logs.values():
            try:
                self._write(log)
            except OSError as error:
                raise self._refused(error) from error

    def sync(self) -> None:
        """Have everything written put on the disk itself. Raises StorageError."""
        self.flush()
        self._sync_s = time.monotonic()
        for log in self._logs.values():
            try:
                os.fsync(log.fd)
            except OSError as error:
                raise self._refused(error) from error

    def close(self) -> None:
        """Write and sync the rest and close the files; calling it again does nothing. Raises StorageError."""
        logs = self._logs
        try:
            if self._failed is None:
                for log in logs.values():
                    log.held += (b"" if log.at_boundary or not log.waiting else b"\0") + log.waiting
                    log.waiting.clear()
                self.sync()
        finally:
            self._logs = {}
            for log in logs.values():
                os.close(log.fd)

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- inside

    def _create(self, info: dict[str, Any], identities: Mapping[str, wire.IdentityFrame]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = ["session.json", *(f"{side}.frames" for side in ("left", "right"))]
        there = [name for name in names if (self.folder / name).exists()]
        if there:
            raise UsageError(f"{self.folder} already holds a session ({', '.join(there)}): choose another folder")
        fd = _open_new(self.folder / "session.json")
        try:
            _write_all(fd, (json.dumps(info, indent=1) + "\n").encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        for side in identities:
            path = self.folder / f"{side}.frames"
            self._logs[side] = LogFile(path, _open_new(path))

    def _insert(self, side: str, message: Message) -> None:
        log = self._logs[side]
        (log.held if log.at_boundary else log.waiting).extend(encode(message))

    def _host_clock(self, side: str) -> None:
        steady_us = time.monotonic_ns() // 1000
        self._insert(side, wire.HostClockFrame(_unix_us(), steady_us, self._logs[side].received_bytes))

    def _write(self, log: LogFile) -> None:
        if self._failed is not None:
            raise self._failed
        while log.held:
            written_n = os.write(log.fd, log.held)
            del log.held[:written_n]  # at once: what is on disk must not be written twice after an error
            log.written_bytes += written_n

    def _refused(self, error: OSError) -> StorageError:
        written = sum(log.written_bytes for log in self._logs.values())
        self._failed = StorageError(
            f"cannot write to {self.folder} ({error.strerror or error}) after {written} bytes: "
            "free some space or choose another folder; what was written so far is safe"
        )
        return self._failed


def session_info(
    identities: Mapping[str, wire.IdentityFrame],
    subject: str,
    ports: Mapping[str, str],
    settings: Mapping[str, Any],
    software: Mapping[str, str],
) -> dict[str, Any]:
    """Give what session.json holds."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "subject": subject,
        "started": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        "started_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "sides": {side: {"port": ports.get(side), **describe(who)} for side, who in identities.items()},
        "settings": dict(settings),
        "software": {"retrosole": __version__, "python": platform.python_version(), **software},
        "protocol": {
            "major": wire.PROTOCOL_MAJOR,
            "minor": wire.PROTOCOL_MINOR,
            "fingerprint": f"0x{wire.FINGERPRINT:08X}",
        },
        "specification": json.loads(wire.SPEC_JSON),
    }


def describe(identity: wire.IdentityFrame) -> dict[str, Any]:
    """Give an identity in words, as session.json keeps it; null where the device does not know."""
    channels = [
        {
            "zone": word(wire.Zone, identity.zones[k]),
            "site": word(wire.Site, identity.sites[k]),
            "baseline": _valid(identity.baseline[k], "identity.baseline"),
            "standing": _valid(identity.standing[k], "identity.standing"),
        }
        for k in range(min(identity.channel_n, wire.CHANNEL_N))
    ]
    return {
        "device_id": identity.device_id.hex(),
        "boot": identity.boot,
        "session": identity.session,
        "foot": word(wire.Side, identity.foot),
        "board": word(wire.Board, identity.board),
        "firmware_version": ".".join(map(str, identity.firmware_version)),
        "firmware_source": identity.source.hex(),
        "protocol": {
            "major": identity.protocol_major,
            "minor": identity.protocol_minor,
            "fingerprint": f"0x{identity.fingerprint:08X}",
        },
        "rate_hz": identity.rate_hz,
        "channel_n": identity.channel_n,
        "records_per_frame": identity.records_per_frame,
        "full_scale": identity.full_scale,
        "cue": bool(identity.cue),
        "target_order": word(wire.Order, identity.target_order),
        "channels": channels,
    }


def word(words: Any, value: int) -> str:
    """Give the word that an enumeration has for a number, the number itself where it has none."""
    try:
        return str(words(value).name.lower())
    except ValueError:
        return str(value)


def site_names(identity: wire.IdentityFrame, bits: int) -> list[str]:
    """Name the sites of the channels whose bit is set, as a person reads them: "heel medial"."""
    channels = range(min(identity.channel_n, wire.CHANNEL_N))
    return [word(wire.Site, identity.sites[k]).replace("_", " ") for k in channels if bits >> k & 1]


def _valid(value: int, name: str) -> int | None:
    return None if value == wire.INVALID[name] else value


def _fitting(text: str) -> str:
    return text.encode(errors="replace")[:_TEXT_BYTES].decode(errors="ignore")


def _unix_us() -> int:
    return time.time_ns() // 1000


def _open_new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
