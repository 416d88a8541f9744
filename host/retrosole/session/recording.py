"""Load recordings of in-shoe pressure: the format is found out by content, never by file name."""

from __future__ import annotations

import gzip
import zlib
from itertools import islice
from typing import TYPE_CHECKING

from retrosole.errors import DamagedDataError, UsageError
from retrosole.session.importers import gaitpdb, moticon, pressure_csv
from retrosole.session.importers.common import SIDES, ZONES, Recording, SideRecording
from retrosole.session.importers.pressure_csv import write_pressure_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["SIDES", "ZONES", "Recording", "SideRecording", "load_recording", "write_pressure_csv"]

# Unpacked: at 100 Hz about an hour of the wordiest format (Moticon, 370 bytes a row), three of
# gaitpdb. Loading takes up to about eight times as much memory.
MAX_TEXT_BYTES = 128 * 1024 * 1024
MAX_LINES = 2_000_000

_CHUNK_BYTES = 1 << 20

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
    text = _read_text(path)
    try:
        for recognises, read in _IMPORTERS:
            if recognises(text):
                return read(text)
    except DamagedDataError as error:
        raise DamagedDataError(f"{path}: {error}") from error
    raise DamagedDataError(
        f"{path}: the first line is {_first_line(text)!r}, of no known format; expected 19 numbers"
        " (PhysioNet gaitpdb), a '# time' header (Moticon OpenGo text export) or a 'time_s' header"
        " (pressure CSV)"
    )


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        raw = _read_packed(path) if packed else _read_plain(path)
    except OSError as error:
        raise UsageError(
            f"cannot open the recording {path}: {error.strerror or error}; check the path and its permissions"
        ) from error
    if not raw.strip():
        raise DamagedDataError(f"{path}: the file is empty, expected a recording")
    if b"\0" in raw:
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise DamagedDataError(f"{path}: line {line}: binary data, expected a recording as text")
    if raw.count(b"\n") > MAX_LINES:
        raise DamagedDataError(f"{path}: more than {MAX_LINES} lines, expected fewer; cut the recording into parts")
    return raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").rstrip("\n")


def _read_plain(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MAX_TEXT_BYTES + 1)
    _check_size(path, len(raw))
    return raw


def _read_packed(path: Path) -> bytes:
    # In chunks, so that a small file that unpacks to gigabytes is refused before it fills the
    # memory.
    chunks: list[bytes] = []
    size = 0
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                chunks.append(chunk)
                size += len(chunk)
                _check_size(path, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedDataError(
            f"{path}: the gzip data is torn after {size} unpacked bytes ({error}); fetch the file again"
        ) from error
    return b"".join(chunks)


def _check_size(path: Path, size: int) -> None:
    if size > MAX_TEXT_BYTES:
        raise DamagedDataError(
            f"{path}: more than {MAX_TEXT_BYTES // 2**20} MiB of text, expected less; cut the recording into parts"
        )


def _first_line(text: str) -> str:
    line = next(islice((row for row in text.split("\n", 20) if row.strip()), 1), "")
    return line if len(line) <= 40 else line[:40] + "..."
