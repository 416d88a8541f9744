"""Load recordings of in-shoe pressure: the format is found out by content, never by file name."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from retrosole.errors import DamagedDataError, UsageError
from retrosole.session.importers import gaitpdb, moticon, pressure_csv
from retrosole.session.importers.common import SIDES, ZONES, Recording, SideRecording
from retrosole.session.importers.pressure_csv import write_pressure_csv
from retrosole.session.importers.table import first_row, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from pathlib import Path

__all__ = ["SIDES", "ZONES", "Recording", "SideRecording", "load_recording", "read_recording", "write_pressure_csv"]

# Unpacked: at 100 Hz about an hour of the wordiest format (Moticon, 370 bytes a row), three of
# gaitpdb. Loading takes up to about eight times as much memory.
MAX_TEXT_BYTES = 128 * 1024 * 1024
MAX_LINES = 2_000_000

_CHUNK_BYTES = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_IMPORTERS: tuple[tuple[Callable[[str], bool], Callable[[str], Recording]], ...] = (
    (moticon.recognises, moticon.read),
    (pressure_csv.recognises, pressure_csv.read),
    (gaitpdb.recognises, gaitpdb.read),
)


def load_recording(path: Path) -> Recording:
    """Load a recording in any known format, plain or gzipped.

    Raises UsageError if the file cannot be opened, DamagedDataError if its content is not a whole
    recording of a known format.
    """
    try:
        with open(path, "rb") as file:
            return read_recording(file, str(path))
    except OSError as error:
        raise UsageError(
            f"cannot open the recording {path}: {error.strerror or error}; check the path and its permissions"
        ) from error


def read_recording(file: BufferedReader, name: str) -> Recording:
    """Read a recording in any known format, plain or gzipped, from a file or a pipe that is open.

    Raises DamagedDataError, beginning with `name`, if it is not a whole recording of a known format.
    """
    try:
        text = _text(_read(file))
        for recognises, read in _IMPORTERS:
            if recognises(text):
                return read(text)
        raise DamagedDataError(pressure_csv.misplaced_header(text) or _foreign(text))
    except DamagedDataError as error:
        raise DamagedDataError(f"{name}: {error}") from error


def _foreign(text: str) -> str:
    number, line = first_row(text)
    got = f"line {number}: {shown(line)} is of no known format" if line else "nothing but comments"
    return (
        f"{got}; expected 19 numbers (PhysioNet gaitpdb), a '# time' header (Moticon OpenGo text export) or a"
        f" '{pressure_csv.EXAMPLE}' header (pressure CSV)"
    )


def _text(raw: bytes) -> str:
    """Decode, with lines that end in a line feed and none of blanks at the end."""
    if not raw.strip():
        raise DamagedDataError("the file is empty, expected a recording")
    if raw.startswith(_UTF16_MARKS):
        raise DamagedDataError("line 1: the text is UTF-16, expected UTF-8; save it again as CSV UTF-8")
    if b"\0" in raw:
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise DamagedDataError(f"line {line}: binary data, expected a recording as text")
    raw = raw.replace(b"\r\n", b"\n")
    if b"\n" not in raw:  # as spreadsheets of old end their lines
        raw = raw.replace(b"\r", b"\n")
    if raw.count(b"\n") > MAX_LINES:
        raise DamagedDataError(f"more than {MAX_LINES} lines, expected fewer; cut the recording into parts")
    text = raw.decode("utf-8-sig", errors="replace")
    while (end := text.rfind("\n")) >= 0 and not text[end:].strip():  # not rstrip: a row may end in empty cells
        text = text[:end]
    return text


def _read(file: BufferedReader) -> bytes:
    # Looked at, not read: a pipe cannot be rewound.
    return _read_packed(file) if file.peek(2).startswith(b"\x1f\x8b") else _read_plain(file)


def _read_plain(file: BufferedReader) -> bytes:
    raw = file.read(MAX_TEXT_BYTES + 1)
    _check_size(len(raw))
    return raw


def _read_packed(file: BufferedReader) -> bytes:
    # In chunks, so that a small file that unpacks to gigabytes is refused before it fills the
    # memory.
    chunks: list[bytes] = []
    size = 0
    try:
        with gzip.open(file, "rb") as unpacked:
            while chunk := unpacked.read(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                _check_size(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedDataError(
            f"the gzip data is torn after {size} unpacked bytes ({error}); fetch the file again"
        ) from error
    return b"".join(chunks)


def _check_size(size: int) -> None:
    if size > MAX_TEXT_BYTES:
        raise DamagedDataError(
            f"more than {MAX_TEXT_BYTES // 2**20} MiB of text, expected less; cut the recording into parts"
        )
