"""Open a session folder, or one bare log; write its strides beside what is kept, never over it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.errors import DamagedDataError, UsageError
from retrosole.framing import POSSIBLE
from retrosole.gait.strides import COLUMNS, Stride, write_csv
from retrosole.session.align import align
from retrosole.session.losses import Losses, duration_s, span_s, untaken_s
from retrosole.session.sensors import Sensor, sensors_of, standing_counts
from retrosole.session.sidelog import Known, SideLog
from retrosole.session.writer import FORMAT, FORMAT_VERSION, word

SIDES = ("left", "right")
MAX_LOG_BYTES = 1 << 30  # two days of 8 channels at 500 Hz
MAX_INFO_BYTES = 1 << 22
_KEPT_ENDINGS = (".frames", ".json")  # of the files of a session


class Session:
    """Hold a recorded session. `info` is session.json, empty for a bare log.

    `alignment` says whether the times of all feet are on one clock, and how well; where they are not, each foot has its
    own seconds, from its own first sample on.
    """

    def __init__(self, path: Path, info: dict[str, Any], logs: dict[str, SideLog]) -> None:
        self.path = path
        self.info = info
        self.logs = logs
        self.alignment = align(logs)

    @property
    def sides(self) -> tuple[str, ...]:
        """Give "left" and/or "right"; "unset" for a bare log of an insole that was never told its foot."""
        return tuple(self.logs)

    def rate_hz(self, side: str) -> int:
        """Give the samples per second of a side."""
        return self.logs[side].rate_hz

    def samples(self, side: str) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        """Give index (n,) and counts (n, channel_n); samples that are missing are left out of both.

        A single channel that was not read is 4095.
        """
        return self.logs[side].samples

    def times_s(self, side: str) -> NDArray[np.float64]:
        """Give when each sample was due (n,), in seconds since the session's first one; see `alignment`."""
        return self.logs[side].times_s()

    @cached_property
    def strides(self) -> list[Stride]:
        """Give the strides of both feet by time of initial contact."""
        rows = [stride for log in self.logs.values() for stride in log.strides()]
        return sorted(rows, key=lambda s: (s.initial_contact_s, s.side))

    def frames(self, side: str, kind: type[Any]) -> list[Any]:
        """Give all frames of one class (as wire.StrideFrame) of a side, as the device sent them, each once."""
        return self.logs[side].frames(kind)

    def marks(self, side: str) -> list[tuple[float, int]]:
        """Give every mark of a side, (seconds, number), as they were set."""
        log = self.logs[side]
        segments = {segment.session: segment for segment in log.segments}
        marks = log.frames(wire.MarkFrame)
        at_s = [segments[mark.session].seconds(np.array([mark.index]), log.rate_hz)[0] for mark in marks]
        return [(float(second), int(mark.code)) for second, mark in zip(at_s, marks, strict=True)]

    @property
    def heard(self) -> tuple[str, ...]:
        """Give the sides of which anything was received but who they are."""
        frames = {side: [f for s in log.segments for f in s.frames.values()] for side, log in self.logs.items()}
        return tuple(side for side, found in frames.items() if any(map(len, found)))

    @property
    def apart_text(self) -> str:
        """Say why times of left and right cannot be compared; empty where they can, or where there are no two."""
        if len(self.heard) < 2 or self.alignment.is_aligned:
            return ""
        return self.alignment.text or "not on one clock: samples of both feet are needed for that"

    @property
    def duration_s(self) -> float:
        """Give the time from the first sample to the last of any foot; where no clock is common, of the longer one.

        Where no sample came it is the end of the last stride.
        """
        longest_s = max(duration_s(log) for log in self.logs.values())
        spans_s = [ends_s for log in self.logs.values() if (ends_s := span_s(log))]
        if not spans_s:
            return max([longest_s, *(stride.last_seen_s for stride in self.strides)])
        if not self.alignment.is_aligned:
            return longest_s
        return max(longest_s, max(end_s for _, end_s in spans_s) - min(begin_s for begin_s, _ in spans_s))

    def sensors(self, side: str) -> tuple[Sensor, ...]:
        """Give what the insole said of its channels, in their order; nothing when that did not come through."""
        return sensors_of(self.logs[side])

    def standing_counts(self, side: str) -> float | None:
        """Give the counts that stand for 100 % of the wearer's standing load, None when not calibrated."""
        return standing_counts(self.logs[side])

    def untaken_s(self, side: str, longer_than_s: float = 0.0) -> NDArray[np.float64]:
        """Give the times (k, 2), from and to, in which the insole of a side took no samples, in order.

        Holes that are not longer than said are passed by, resets are not.
        """
        return untaken_s(self.logs[side], longer_than_s)

    @property
    def losses(self) -> dict[str, Losses]:
        """Give what is missing, per side."""
        return {side: log.losses for side, log in self.logs.items()}


def open_session(path: str | Path) -> Session:
    """Open a session folder, its session.json, or one bare .frames log.

    Raises UsageError when there is nothing at `path`, DamagedDataError when it is empty or something else.
    """
    path = Path(path)
    if path.name == "session.json" and path.is_file():
        path = path.parent
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise UsageError(f"there is no {path}: name a session folder or a .frames log")
    log = SideLog("unset", _read(path, MAX_LOG_BYTES), str(path))
    if not log.frame_n:
        raise DamagedDataError(f"{path} has no frame in it: expected a .frames log of a session")
    log.side = path.stem if path.stem in SIDES else word(wire.Side, log.identity.foot) if log.identity else "unset"
    return Session(path, {}, {log.side: log})


def _open_folder(folder: Path) -> Session:
    info = read_info(folder)
    paths = {side: folder / f"{side}.frames" for side in SIDES if (folder / f"{side}.frames").is_file()}
    if not paths:
        raise DamagedDataError(f"{folder} holds no session: expected left.frames or right.frames in it")
    logs = {side: _open_side(side, path, info) for side, path in paths.items()}
    if not any(log.frame_n for log in logs.values()):
        raise DamagedDataError(f"{folder} holds an empty session: not one whole frame was written")
    for log in logs.values():
        if not (log.frame_n or log.is_empty):
            raise DamagedDataError(f"{log.name} has no frame in it, so it is no log: move it away to read the other")
    # a foot that never sent anything is shown as such, if session.json says what it would have sent
    logs = {side: log for side, log in logs.items() if log.frame_n or log.is_known}
    return Session(folder, info, logs)


def _open_side(side: str, path: Path, info: dict[str, Any]) -> SideLog:
    try:
        told = info["sides"][side]
        known = Known(int(told["rate_hz"]), int(told["channel_n"]), int(told["session"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        known = None  # the log's own identity frames say the same
    if known is not None and not all(low <= getattr(known, name) <= high for name, (low, high) in POSSIBLE.items()):
        known = None
    return SideLog(side, read_log(path), str(path), known)


def read_info(folder: Path) -> dict[str, Any]:
    """Give what a folder's session.json holds, nothing where there is none. Raises DamagedDataError."""
    path = folder / "session.json"
    if not path.exists():
        return {}  # the logs say everything that is needed to read them
    try:
        info = json.loads(_read(_inside(path), MAX_INFO_BYTES))
    except (ValueError, RecursionError) as error:
        raise DamagedDataError(
            f"{path} is not readable as JSON ({error}): move it away to read the logs alone"
        ) from error
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise DamagedDataError(f'{path} is not a session of this program: expected "format": "{FORMAT}"')
    if info.get("format_version") != FORMAT_VERSION:
        version = f"{info.get('format_version')!r:.40}"
        raise DamagedDataError(f"{path} has format version {version}, this program reads {FORMAT_VERSION}: update it")
    return info


def read_log(path: Path) -> bytes:
    """Give the bytes of a session folder's log, up to 1 GiB. Raises DamagedDataError."""
    return _read(_inside(path), MAX_LOG_BYTES)


def _inside(path: Path) -> Path:
    """Give a file of a session folder back. Raises DamagedDataError when it is a link that leads out of the folder."""
    if path.resolve().parent != path.parent.resolve():
        raise DamagedDataError(f"{path} is a link to another folder, so it is not read: copy the file here instead")
    return path


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # 0 for a pipe
            data = file.read(most_bytes + 1) if size <= most_bytes else b""
    except OSError as error:
        raise DamagedDataError(f"cannot read {path} ({error.strerror})") from error
    if max(size, len(data)) > most_bytes:
        raise DamagedDataError(
            f"{path} has more than {most_bytes >> 20} MiB, no session has as much: is it the right file?"
        )
    return data


# ------------------------------------------------------------------------------------------------ write beside it


def save_strides(strides: Iterable[Stride], path: str | Path) -> int:
    """Write strides as CSV to a file, as `save_table` does; returns the number of rows."""
    return save_table(lambda out: write_csv(strides, out), path, COLUMNS)


def save_table(write: Callable[[TextIO], int], path: str | Path, columns: Sequence[str]) -> int:
    """Let a table of these columns be written to a file, which appears whole or not at all; returns what `write` does.

    Only an earlier table with the same columns is ever replaced, and none in a session folder. Raises UsageError when
    something else is in the way, OSError when the disk refuses.
    """
    path = Path(path)
    check_table_place(path, columns)
    if _keeps_nothing(path):
        with open(path, "w", encoding="utf-8", newline="") as out:
            return write(out)
    target = Path(os.path.realpath(path))  # a link stays one
    half = target.with_name(f".strides-{os.getpid()}.part")
    try:
        with open(half, "w", encoding="utf-8", newline="") as out:
            row_n = write(out)
        os.replace(half, target)
    finally:
        half.unlink(missing_ok=True)
    return row_n


def check_table_place(path: Path, columns: Sequence[str] = COLUMNS) -> None:
    """Raise as `save_table` would for what is in the way at `path`; nothing is written."""
    if not _keeps_nothing(path):
        _refuse_to_replace(path, Path(os.path.realpath(path)), columns)


def _keeps_nothing(path: Path) -> bool:
    return path.is_fifo() or path.is_char_device()


def _refuse_to_replace(path: Path, target: Path, columns: Sequence[str]) -> None:
    if target.suffix.lower() in _KEPT_ENDINGS:
        raise UsageError(f"{path} is the name of a session's own file, not of a table: choose another, such as out.csv")
    if not target.exists():
        return
    if any((target.parent / f"{side}.frames").exists() for side in SIDES):
        raise UsageError(f"{path} exists, in a session folder, where nothing is replaced: choose another file")
    header = ",".join(columns).encode() + b"\n"
    with open(target, "r+b") as file:  # + since what is write-protected is to stay, too
        if file.readline(len(header)) != header:
            raise UsageError(f"{path} exists and is no stride table, so it is not replaced: choose another file")
