"""`detect`: the strides of a recording that any insole made, as the firmware's detector sees them.

Neither rich nor pyserial is loaded here: loading them would take as long as finding the strides of two minutes.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from retrosole.errors import DamagedDataError, StorageError, UsageError
from retrosole.gait.strides import Stride, write_csv
from retrosole.session.reader import check_table_place, save_strides
from retrosole.session.recording import Recording, load_recording, read_recording
from retrosole.twin.detect import Detection, Progress, channels_for, check_rate, detect_feet, end_held
from retrosole.twin.feed import Channel
from retrosole.twin.front_end import MAX_COUNTS, MISSING_COUNTS, for_recordings
from retrosole.twin.resample import counts_at, from_recording

if TYPE_CHECKING:
    from io import BufferedReader

    from numpy.typing import NDArray

    from retrosole.twin.runtimes import Runtime

HERE = "cpython"
_PIPE = Path("-")  # standard input or output
_STDIN_WORDS = "standard input"
_TIMES = tuple(field.name for field in fields(Stride) if field.name.endswith("_s"))
_MANY_AT_TOP = 0.01  # of the samples; a foot is on the ground in about 60 of 100
_FEW_COUNTS = 120  # of one channel: the least peak of a foot is 128 counts
_SHOW_AFTER_S = 1.0


@dataclass(frozen=True)
class DetectOptions:
    """Options of `retrosole detect`, as typed."""

    rate_hz: int = 200
    full_scale: float | None = None
    front_end: str = "ideal"
    interpreter: str = HERE


def detect(recordings: Sequence[Path], outs: Sequence[Path], options: DetectOptions) -> None:
    """Write the stride table of each recording: to `outs` one by one, or all into the one folder it names.

    `-` is standard input or output. Raises a RetrosoleError at the first thing that cannot be done; tables already
    written stay.
    """
    check_rate(options.rate_hz)
    if options.full_scale is not None and not 0 < options.full_scale < math.inf:
        raise UsageError(f"--full-scale must be above 0, got {options.full_scale:g}: give the load of one sensor")
    runtime = _runtime(options.interpreter)
    if recordings.count(_PIPE) > 1:
        raise UsageError("- is given twice, and standard input can be read once: name files")
    targets = _targets(recordings, outs)
    for number, (path, out) in enumerate(zip(recordings, targets, strict=True), start=1):
        name = _STDIN_WORDS if path == _PIPE else path.name
        name = name if len(recordings) == 1 else f"{name} ({number} of {len(recordings)})"
        _detect_one(path, out, options, runtime, name)


def _runtime(interpreter: str) -> Runtime | None:
    """Find what runs the virtual insole; None: no insole, its detector runs in this process."""
    if interpreter == HERE:
        return None
    from retrosole.twin.runtimes import find

    return find(interpreter)


# -------------------------------------------------------------------------------------------------------- where to


def _targets(recordings: Sequence[Path], outs: Sequence[Path]) -> list[Path]:
    if len(outs) == 1 and outs[0] != _PIPE and (os.path.isdir(outs[0]) or len(recordings) > 1):
        targets = [_folder(outs[0]) / f"{_stem(path)}_events.csv" for path in recordings]
    elif len(outs) == len(recordings):
        targets = list(outs)
    else:
        raise UsageError(f"{len(recordings)} recordings need one folder or as many files for --out, got {len(outs)}")
    doubled = [target for target, n in Counter(targets).items() if n > 1]
    if doubled:
        raise UsageError(f"{doubled[0]} would be written twice: give each recording an --out of its own")
    for target in targets:
        if target != _PIPE:
            _check_target(target, recordings)
    return targets


def _check_target(target: Path, recordings: Sequence[Path]) -> None:
    """Refuse before the work what cannot be written after it."""
    if os.path.isdir(target):  # Path.is_dir raises for a name that is too long
        raise UsageError(f"{target} is a folder: name a file in it with --out")
    if not os.path.isdir(target.parent):
        raise UsageError(f"the folder of {target} does not exist: make it, or choose another --out")
    if any(_is_same_file(target, path) for path in recordings):
        raise UsageError(f"{target} is the recording itself, which is not replaced: choose another --out")
    try:
        check_table_place(target)
    except OSError as error:
        raise _cannot_write(target, error) from error


def _is_same_file(target: Path, path: Path) -> bool:
    with contextlib.suppress(OSError):  # one of them is not there: said elsewhere
        return target.samefile(path)
    return False


def _folder(path: Path) -> Path:
    if not os.path.isdir(path):
        raise UsageError(f"{path} is no folder, and several recordings need one: make it, or give each its own --out")
    return path


def _stem(path: Path) -> str:
    if path == _PIPE:
        return "stdin"
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name


def _save(strides: Sequence[Stride], out: Path) -> str:
    """Write the table whole or not at all; say where it is."""
    if out == _PIPE:
        write_csv(strides, sys.stdout)
        return "on standard output"
    try:
        save_strides(strides, out)
    except OSError as error:
        raise _cannot_write(out, error) from error
    return f"in {out}"


def _cannot_write(out: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write {out} ({error.strerror}): choose another file")


# --------------------------------------------------------------------------------------------------------- one file


def _detect_one(path: Path, out: Path, options: DetectOptions, runtime: Runtime | None, name: str) -> None:
    begin_s = time.monotonic()
    recording = _from_stdin() if path == _PIPE else load_recording(path)
    try:
        channels = channels_for(recording)
        with _Meter(name) as meter:
            counts, detection = _run(end_held(recording), channels, options, runtime, meter.show)
    except DamagedDataError as error:
        raise DamagedDataError(f"{_STDIN_WORDS if path == _PIPE else path}: {error}") from error
    strides = [_moved(stride, recording.start_s) for stride in detection.strides]
    where = _save(strides, out)
    took_s = time.monotonic() - begin_s
    for side in recording.sides:
        _say(f"{side}: {_sum_up([stride for stride in strides if stride.side == side])}")
        _hint(side, recording, counts[side])
    speed = f"{recording.duration_s:.0f} s in {took_s:.2f} s, {recording.duration_s / took_s:.0f} times real time"
    _say(f"{name}: {len(strides)} strides {where}; {speed}")


def _from_stdin() -> Recording:
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError("- is standard input, and no recording comes from there: pipe one in, or name a file")
    try:
        return read_recording(cast("BufferedReader", sys.stdin.buffer), _STDIN_WORDS)
    except OSError as error:
        raise UsageError(f"cannot read {_STDIN_WORDS}: {error.strerror or error}; pipe a recording in") from error


def _run(
    recording: Recording,
    channels: tuple[Channel, ...],
    options: DetectOptions,
    runtime: Runtime | None,
    progress: Progress,
) -> tuple[dict[str, NDArray[np.uint16]], Detection]:
    front_end = for_recordings(options.front_end)
    if runtime is not None:
        from retrosole.twin.detect_virtual import detect_virtual

        source = from_recording(recording, channels, front_end, full_scale=options.full_scale)
        return source.counts, detect_virtual(source, options.rate_hz, runtime, progress)
    counts = counts_at(options.rate_hz, recording, channels, front_end, full_scale=options.full_scale)
    return counts, detect_feet(counts, channels, options.rate_hz, progress)


def _moved(stride: Stride, by_s: float) -> Stride:
    return replace(stride, **{name: getattr(stride, name) + by_s for name in _TIMES})


# ------------------------------------------------------------------------------------------------------ what to say


def _sum_up(strides: Sequence[Stride]) -> str:
    if not strides:
        return "no stride"
    parts = [f"{len(strides)} strides"] if len(strides) > 1 else ["1 stride"]
    parts.append(_tally([stride.direction for stride in strides]))
    parts.append("contact " + _tally([stride.contact_order for stride in strides]))
    parts.append("lift " + _tally([stride.lift_order for stride in strides]))
    return "; ".join(parts)


def _tally(words: Sequence[str]) -> str:
    return ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in Counter(words).most_common())


def _hint(side: str, recording: Recording, counts: NDArray[np.uint16]) -> None:
    """Say it when the range does not fit the loads, as far as that can be seen."""
    taken = counts[counts[:, 0] != MISSING_COUNTS]
    share = float((taken >= MAX_COUNTS).any(axis=1).mean()) if len(taken) else 0.0
    if share > _MANY_AT_TOP:
        foot = recording.sides[side]
        most = float(np.nanmax(foot.pressure))
        unit = "" if foot.unit == "unknown" else f" {foot.unit}"
        _say(
            f"{side}: {100 * share:.0f} % of the samples are at the top of the range, where peaks are cut off; "
            f"the largest load is {most:.4g}{unit}: try --full-scale {_rounded_up(most):g}"
        )
    elif len(taken) and int(np.ptp(taken, axis=0).max()) < _FEW_COUNTS:
        used = 100 * int(np.ptp(taken, axis=0).max()) / MAX_COUNTS
        _say(f"{side}: the loads use {used:.1f} % of the range: too little for a step; give a smaller --full-scale")


def _rounded_up(value: float) -> float:
    """Round up to two digits."""
    digit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(math.ceil(value / digit) * digit)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens; the table is what counts
        print(text, file=sys.stderr, flush=True)


class _Meter:
    """Show on a terminal how much of a recording is done, when it takes a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next_s = time.monotonic() + _SHOW_AFTER_S
        self._drawn = False
        self._wanted = sys.stderr.isatty()

    def __enter__(self) -> _Meter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._drawn:
            self._write("\r\x1b[K")

    def show(self, share: float) -> None:
        """Draw anew five times a second."""
        if self._wanted and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + 0.2
            self._drawn = True
            self._write(f"\r{self._name}: {100 * share:.0f} %\x1b[K")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
