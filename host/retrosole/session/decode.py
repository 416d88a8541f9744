"""Any frame log as readable text, one line per frame: for people who look at bytes."""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

from retrosole import wire
from retrosole.errors import DamagedDataError, UsageError
from retrosole.framing import (
    WIRE_BYTES,
    DamagedFrame,
    UnknownFrame,
    cobs_decode,
    is_text,
    open_frame,
    parse,
)
from retrosole.session.reader import SIDES

_READ_BYTES = 1 << 16
_HELD_BYTES = 1 << 17  # without a zero
_SHOWN_BYTES = 24

# Fields whose numbers have words
_WORDS: dict[str, type[enum.IntEnum]] = {
    "foot": wire.Side,
    "board": wire.Board,
    "contact_order": wire.Order,
    "lift_order": wire.Order,
    "target_order": wire.Order,
    "walking": wire.Direction,
    "result": wire.Result,
    "setting": wire.Setting,
    "first_fault": wire.Fault,
    "zones": wire.Zone,
    "sites": wire.Site,
}


def decode_file(path: Path) -> Iterator[str]:
    """Give a line for every frame of a log: its offset in the file, its name and its fields, damage included.

    The logs of a session folder come one after the other, each below a line with its path. Raises UsageError when
    there is nothing at `path`, DamagedDataError when it is empty or has no frame at all.
    """
    if not path.is_dir():
        if not (yield from _log_lines(path)):
            raise _no_frame(path)
        return
    logs = [log for side in SIDES if (log := path / f"{side}.frames").is_file()]
    if not logs:
        raise DamagedDataError(f"{path} holds no session: expected left.frames or right.frames in it")
    foreign = []
    for log in logs:
        yield f"{log}:"
        if not (yield from _log_lines(log)) and log.stat().st_size:
            foreign.append(log)  # the other foot is still worth reading
    if foreign:
        raise _no_frame(foreign[0])


def _no_frame(path: Path) -> DamagedDataError:
    return DamagedDataError(f"{path} has no frame in it: expected a log such as left.frames of a session folder")


def _log_lines(path: Path) -> Generator[str, None, int]:
    """Give the lines of one log; return how many of them are whole frames."""
    frame_n = 0
    try:
        with open(path, "rb") as file:
            for offset, piece, whole in _file_pieces(file):
                frame = open_frame(piece) if whole else None
                frame_n += frame is not None
                yield f"{offset:>9}  {_damage_line(piece, whole) if frame is None else frame_line(frame)}"
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror}): name a session folder, or a log in it such as left.frames; "
            "`retrosole record` makes them under sessions/"
        ) from error
    return frame_n


def frame_line(frame: bytes) -> str:
    """Give name and fields of a frame (type and payload, without CRC) in one line."""
    message = parse(frame)
    if isinstance(message, UnknownFrame):
        return f"unknown type 0x{message.type:02X}, {len(message.payload)} bytes: {_hex(message.payload)}"
    name = _frame_name(message.type if isinstance(message, DamagedFrame) else message.TYPE)
    if isinstance(message, DamagedFrame):
        return f"{name} too short or not readable: {_hex(message.payload)}"
    values = (f"{f.name}={_value(name, f.name, getattr(message, f.name))}" for f in fields(message))
    return f"{name} {' '.join(values)}"


def _file_pieces(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Give (offset, bytes, ended by a zero) of what stands between zeros, reading bit by bit."""
    at, held = 0, b""
    while data := file.read(_READ_BYTES):
        *done, rest = (held + data).split(b"\0")
        for piece in done:
            if piece:
                yield at, piece, True
            at += len(piece) + 1
        held = rest
        if len(held) > _HELD_BYTES:  # far too long for a frame: it need not be kept to its end
            yield at, held, True
            at += len(held)
            held = b""
    if held:
        yield at, held, False


def _damage_line(piece: bytes, whole: bool) -> str:
    if is_text(piece):
        text = " ".join(piece.decode("ascii", "replace").split())
        return f"text {text[:200]!r}"
    if not whole:
        return f"torn: {len(piece)} bytes without an end: {_hex(piece)}"
    if len(piece) > WIRE_BYTES:
        why = "too long"
    elif cobs_decode(piece) is None:
        why = "bad COBS"
    else:
        why = "bad CRC"
    return f"damaged ({why}): {len(piece)} bytes: {_hex(piece)}"


def _frame_name(kind: int) -> str:
    name = wire.FRAME_CLASSES[kind].__name__.removesuffix("Frame")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _value(message: str, name: str, value: Any) -> str:
    if name == "reasons":
        return _flags(value)
    if (message, name) == ("reply", "command") and value in wire.FRAME_CLASSES:
        return _frame_name(value)
    if isinstance(value, bytes) and name in _WORDS:
        return "[" + ",".join(_word(_WORDS[name], one) for one in value) + "]"
    if isinstance(value, bytes):
        return f"{len(value)}B:{_hex(value)}"
    if isinstance(value, tuple):
        return "[" + ",".join("-" if v == wire.INVALID.get(f"{message}.{name}") else str(v) for v in value) + "]"
    if isinstance(value, str):
        return repr(value)
    words: Any = wire.DisconnectReason if (message, name) == ("disconnect", "reason") else _WORDS.get(name)
    if words is not None:
        return _word(words, value)
    return "-" if value == wire.INVALID.get(f"{message}.{name}") else str(value)


def _word(words: type[enum.IntEnum], value: int) -> str:
    """Give the name of a number; the number itself when only a newer protocol has a name for it."""
    return words(value).name.lower() if value in set(words) else str(value)


def _flags(value: int) -> str:
    """Join the names of all bits that are set, "none" when there is none."""
    names = [bit.name.lower() for bit in wire.Reason if bit & value and bit.name]
    rest = value & ~sum(wire.Reason)
    return "+".join([*names, *([f"0x{rest:04x}"] if rest else [])]) or "none"


def _hex(data: bytes) -> str:
    return data[:_SHOWN_BYTES].hex() + ("..." if len(data) > _SHOWN_BYTES else "")
