"""Which ports may be insoles, and who answers on them.

Only ports with known USB ids, and virtual insoles that registered, are ever opened unasked: opening a port resets
many boards, and it may be a stranger's.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
from serial.tools import list_ports

from retrosole import wire
from retrosole.errors import NoDeviceError, PortError, ProtocolError, RetrosoleError
from retrosole.framing import DamagedFrame, Splitter, encode_command, parse
from retrosole.transport import Chunk, PortGone, Transport

_ESPRESSIF = 0x303A
# USB vendor id, product id (None: any): bridges and chips found on ESP32 boards
KNOWN_USB: tuple[tuple[int, int | None, str], ...] = (
    (_ESPRESSIF, None, "Espressif"),
    (0x10C4, 0xEA60, "Silicon Labs CP210x"),
    (0x1A86, None, "WCH"),
    (0x0403, 0x6001, "FTDI"),
    (0x0403, 0x6010, "FTDI"),
    (0x0403, 0x6015, "FTDI"),
)
ANSWER_TIMEOUT_S = 3.0  # a board that was reset by being opened boots for one to two seconds
_ASK_EVERY_S = 0.25
_PROMPT_SETTLE_S = 0.75  # text may be a boot log with an insole to follow, but nothing follows a prompt
_PROMPT = ">>>"
_SHOWN_TEXT_CHARS = 40
_UPDATE = "`retrosole update` brings its firmware to this program's version"


@dataclass(frozen=True)
class Candidate:
    """Describe a port that may be an insole. `side` is what a virtual insole registered, else None."""

    port: str
    kind: str  # "usb" | "virtual"
    description: str
    serial_number: str | None = None
    side: str | None = None


@dataclass(eq=False)
class Link:
    """Hold an open port on which an insole has answered; `pending` are frames that came besides its identity."""

    transport: Transport
    splitter: Splitter
    identity: wire.IdentityFrame
    pending: deque[tuple[bytes, float]] = field(default_factory=deque)


class TextError(ProtocolError):
    """Say that what answers is text; `shown` is its end."""

    def __init__(self, message: str, shown: str) -> None:
        super().__init__(message)
        self.shown = shown


class VersionError(ProtocolError):
    """Say that an insole answers, and that it and this program are of versions that do not go together."""


# ------------------------------------------------------------------------------------------------- which there are


def registry_dir() -> Path:
    """Give the folder in which running virtual insoles register, one JSON file each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR a folder of this user under /tmp does as well
        return Path(platformdirs.user_runtime_path("retrosole"))


def list_candidates() -> list[Candidate]:
    """List serial ports with known USB ids, then running virtual insoles; opens nothing."""
    usb = [c for info in list_ports.comports() if (c := _usb_candidate(info)) is not None]
    return sorted(usb, key=lambda c: c.port) + _virtual_candidates()


def native_number(port: str) -> str | None:
    """Give the serial number of the chip whose own USB is behind a port, in letters and digits; None for all others.

    What a bridge says of itself is no name: many say "0001".
    """
    names = (info.serial_number for info in list_ports.comports() if info.device == port and info.vid == _ESPRESSIF)
    return next((_letters(name) for name in names if name), None)


def port_now(port: str, number: str | None) -> str:
    """Give what the port of the chip with this number is called now: after a reset that may be another name."""
    chips = [info for info in list_ports.comports() if info.vid == _ESPRESSIF and info.serial_number]
    names = [info.device for info in chips if _letters(info.serial_number) == number]
    return port if port in names or not names else str(names[0])


def _letters(serial_number: str) -> str:
    return "".join(filter(str.isalnum, serial_number)).upper()  # loader and program spell it differently


def _usb_candidate(info: Any) -> Candidate | None:
    for vendor, product, name in KNOWN_USB:
        if info.vid == vendor and product in (None, info.pid):
            return Candidate(info.device, "usb", f"{name} {info.vid:04X}:{info.pid:04X}", info.serial_number)
    return None


def _virtual_candidates() -> list[Candidate]:
    found: dict[str, Candidate] = {}  # by port: a stale entry may name the port of a later insole
    for path in sorted(registry_dir().glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            pid, side, port = int(entry["pid"]), str(entry["side"]), str(entry["port"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # half written, or not ours
        if _runs(pid):
            found[port] = Candidate(port, "virtual", f"virtual insole, {side}", None, side)
    return list(found.values())


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # os.kill(pid, 0) would send Ctrl-C there
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return pid > 0


# ------------------------------------------------------------------------------------------------------ who answers


def open_link(port: str, timeout_s: float = ANSWER_TIMEOUT_S) -> Link:
    """Open a port and wait for an insole to say who it is.

    Raises PortError when the port cannot be opened or goes away, ProtocolError when what answers is text or
    another protocol version, NoDeviceError when nothing that makes sense comes within `timeout_s`.
    """
    link = greet(port, timeout_s)
    try:
        check_version(link.identity, port)
    except ProtocolError:
        link.transport.close()
        raise
    return link


def greet(port: str, timeout_s: float = ANSWER_TIMEOUT_S) -> Link:
    """Do as `open_link`, but take an insole of any version whose identity can be read."""
    transport = Transport(port)
    try:
        return _greet(transport, timeout_s)
    except BaseException:
        transport.close()
        raise


def _greet(transport: Transport, timeout_s: float) -> Link:
    splitter = Splitter()
    pending: deque[tuple[bytes, float]] = deque()
    begin_s = now_s = time.monotonic()
    ask_s, tag = begin_s, 0
    while now_s < begin_s + timeout_s:
        if now_s >= ask_s:
            tag = (tag + 1) % 256
            # zeros first: opening may have lost or torn what came before
            transport.write(b"\0\0" + encode_command(wire.HelloFrame(tag)))
            ask_s = now_s + _ASK_EVERY_S
        identity = _hear(transport, splitter, pending, min(ask_s - now_s, 0.1))
        if identity is not None:
            return Link(transport, splitter, identity, pending)
        now_s = time.monotonic()
        if now_s > begin_s + _PROMPT_SETTLE_S and splitter.text.rstrip().endswith(_PROMPT):
            break
    raise _no_answer(transport.port, splitter, timeout_s)


def _hear(
    transport: Transport, splitter: Splitter, pending: deque[tuple[bytes, float]], timeout_s: float
) -> wire.IdentityFrame | None:
    chunk = transport.read(timeout_s)
    if isinstance(chunk, PortGone):
        raise PortError(chunk.text)
    identity = None
    if isinstance(chunk, Chunk):
        for frame in splitter.feed(chunk.data):
            message = parse(frame)
            if isinstance(message, wire.IdentityFrame):
                identity = message
            elif isinstance(message, DamagedFrame) and message.type == wire.IdentityFrame.TYPE:
                raise _foreign_version(message, transport.port)
            else:
                pending.append((frame, chunk.received_s))
    return identity


def _no_answer(port: str, splitter: Splitter, timeout_s: float) -> RetrosoleError:
    text = splitter.text
    if text.strip():
        shown = ascii(text.strip()[-_SHOWN_TEXT_CHARS:].strip())
        return TextError(
            f"{port} answers with text, not frames ({shown}): a MicroPython prompt or another program? "
            "Restart the insole, or flash it with `retrosole flash`",
            shown,
        )
    if splitter.frame_n or splitter.damaged_n:
        return NoDeviceError(
            f"{port} sends bytes but gave no identity within {timeout_s:g} s "
            f"({splitter.frame_n} good frames, {splitter.damaged_n} damaged): is it an insole, at 115200 baud?"
        )
    return NoDeviceError(
        f"nothing answered on {port} within {timeout_s:g} s: is the insole switched on and its firmware flashed?"
    )


def check_version(identity: wire.IdentityFrame, port: str) -> None:
    """Raise VersionError, with both versions, unless this program can read that insole (PROTOCOL.md, "Versions")."""
    theirs, ours = (
        (identity.protocol_major, identity.protocol_minor),
        (wire.PROTOCOL_MAJOR, wire.PROTOCOL_MINOR),
    )
    versions = f"{port} speaks protocol {theirs[0]}.{theirs[1]}, this program {ours[0]}.{ours[1]}"
    if theirs[0] != ours[0]:
        newer = theirs[0] > ours[0]
        raise VersionError(f"{versions}: {_remedy(newer)}")
    if theirs[1] < ours[1]:
        raise VersionError(f"{versions}: {_remedy(False)}")
    if theirs == ours and identity.fingerprint != wire.FINGERPRINT:
        raise VersionError(
            f"{versions}, but their specifications differ (0x{identity.fingerprint:08X}, here "
            f"0x{wire.FINGERPRINT:08X}): {_UPDATE}"
        )


def _remedy(theirs_newer: bool) -> str:
    if theirs_newer:
        return "update this program and the firmware to the same version"
    return _UPDATE


def _foreign_version(message: DamagedFrame, port: str) -> RetrosoleError:
    """Read the version, which comes first in every version, from an identity that is too short for this one."""
    ours = (wire.PROTOCOL_MAJOR, wire.PROTOCOL_MINOR)
    theirs = tuple(message.payload[:2])
    if len(theirs) < 2 or theirs == ours:
        return VersionError(
            f"{port} sent an identity of {len(message.payload)} bytes, too short for protocol {ours[0]}.{ours[1]}: "
            f"{_remedy(False)}"
        )
    return VersionError(
        f"{port} speaks protocol {theirs[0]}.{theirs[1]}, this program {ours[0]}.{ours[1]}: {_remedy(theirs > ours)}"
    )


def confirm(candidate: Candidate, timeout_s: float = ANSWER_TIMEOUT_S) -> wire.IdentityFrame:
    """Ask a candidate who it is, and let go of the port again. Raises as `open_link` does."""
    link = open_link(candidate.port, timeout_s)
    link.transport.close()
    return link.identity


# ---------------------------------------------------------------------------------------------------- find the one


def find_insole(port: str | None = None, side: str | None = None, timeout_s: float = ANSWER_TIMEOUT_S) -> Link:
    """Open the insole at `port`, or the only one that answers; `side` ("left" or "right") leaves out the others.

    Raises NoDeviceError when none or several answer, and as `open_link` does for a port that was named.
    """
    if port is not None:
        return open_link(port, timeout_s)
    candidates = list_candidates()
    with ThreadPoolExecutor(max_workers=max(len(candidates), 1)) as pool:
        answers = list(pool.map(lambda c: _try(c, timeout_s), candidates))
    links = [a for a in answers if isinstance(a, Link)]
    fitting = [link for link in links if side is None or side_name(link.identity) == side]
    for link in links:
        if link not in fitting or len(fitting) > 1:
            link.transport.close()
    if len(fitting) == 1:
        return fitting[0]
    raise _several(fitting, side) if fitting else _none(candidates, answers, side)


def _try(candidate: Candidate, timeout_s: float) -> Link | RetrosoleError:
    try:
        return open_link(candidate.port, timeout_s)
    except RetrosoleError as error:
        return error


def side_name(identity: wire.IdentityFrame) -> str:
    """Give "left", "right" or "unset"."""
    try:
        return wire.Side(identity.foot).name.lower()
    except ValueError:
        return "unset"


def _several(links: list[Link], side: str | None) -> NoDeviceError:
    names = ", ".join(f"{side_name(link.identity)} at {link.transport.port}" for link in links)
    which = f" {side}" if side else ""
    return NoDeviceError(f"{len(links)}{which} insoles answer ({names}): choose one with --port")


def _none(candidates: list[Candidate], answers: list[Link | RetrosoleError], side: str | None) -> RetrosoleError:
    errors = [a for a in answers if isinstance(a, RetrosoleError)]
    if len(candidates) == 1 and errors:
        return errors[0]  # says more than a list of one
    if errors and all(type(error) is PortError for error in errors) and len(errors) == len(answers):
        return PortError("; ".join(map(str, errors)))
    wanted = f"no {side} insole answers" if side else "no insole answers"
    if not candidates:
        looked = "no port has a known USB id and no virtual insole runs"
    else:
        looked = "looked at " + ", ".join(_outcome(c, a) for c, a in zip(candidates, answers, strict=True))
    return NoDeviceError(
        f"{wanted} ({looked}): plug it in, name its port with --port, or start `retrosole sim` in another terminal"
    )


def _outcome(candidate: Candidate, answer: Link | RetrosoleError) -> str:
    if isinstance(answer, Link):
        return f"{candidate.port} ({side_name(answer.identity)})"
    words = {
        PortError: "cannot be opened",
        ProtocolError: "speaks otherwise",
        NoDeviceError: "silent",
    }
    word = next((word for kind, word in words.items() if isinstance(answer, kind)), "failed")
    return f"{candidate.port} ({word})"
