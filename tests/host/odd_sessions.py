"""Sessions as they also come: empty, one foot, few strides, nothing known, standing, gaps, damaged, half written.

Most are made of one short walk by changing frames of its logs, since the detector takes most of a test's time.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from made_logs import START, end, save, walk_samples
from pty_insole import OLDER, identity, stride_frame
from report_sessions import add, describe, guided_notes
from walked import CHANNELS, Options, save_walk

from retrosole import wire
from retrosole.framing import cobs_encode, encode, open_frame, parse
from retrosole.plan.loader import load_plan
from retrosole.plan.notes import TRY_BEGINS, TRY_ENDS, write_note
from retrosole.session.writer import SessionWriter
from retrosole.twin.feed import Source
from retrosole.twin.gait_model import generate

Change = Callable[[Any], Any]
SECONDS = 20.0
SIDES = ("left", "right")
UNKNOWN = {"contact_order": wire.Order.UNKNOWN, "lift_order": wire.Order.UNKNOWN, "walking": wire.Direction.UNKNOWN}
_NEVER = dict.fromkeys(("forefoot_on", "heel_on", "forefoot_off", "heel_off"), wire.NOT_SEEN)
_NO_LOAD = dict.fromkeys(("forefoot_peak", "heel_peak", "forefoot_impulse", "heel_impulse"), 0)


def model(gait: str = "backward", seconds: float = SECONDS, **more: Any) -> Source:
    return generate(gait, CHANNELS, seconds, 3, **more)


def one_after_the_other(*parts: Source) -> Source:
    """Give one source of several."""
    counts = {side: np.concatenate([part.counts[side] for part in parts]) for side in parts[0].counts}
    return replace(parts[0], counts=counts)


def rewrite(data: bytes, kind: type[Any], change: Change) -> bytes:
    """Change every frame of a class in a log; one of which nothing is given is left out."""
    out = []
    for piece in data.split(b"\0"):
        body = open_frame(piece) if piece else None
        if body is not None and body[0] == kind.TYPE:
            changed = change(parse(body))
            if changed is not None:
                out.append(encode(changed))
        elif piece:
            out.append(piece + b"\0")
    return b"".join(out)


class Maker:
    """Make sessions below `root`, out of one walk of two feet where that will do."""

    def __init__(self, root: Path) -> None:
        self._walk = root / ".made"
        save_walk(self._walk, model())
        describe(self._walk)

    def copy(self, folder: Path, sides: Iterable[str] = SIDES) -> Path:
        """Give a copy of the walk, or of one foot of it."""
        folder.mkdir(parents=True)
        for name in ("session.json", *(f"{side}.frames" for side in sides)):
            shutil.copy(self._walk / name, folder / name)
        return folder

    def changed(self, folder: Path, kind: type[Any], change: Change, sides: Iterable[str] = SIDES) -> Path:
        """Give a copy of the walk in whose logs of `sides` every frame of a class is changed."""
        self.copy(folder)
        for side in sides:
            log = folder / f"{side}.frames"
            log.write_bytes(rewrite(log.read_bytes(), kind, change))
        return folder


# ---- nothing


def empty(_: Maker, folder: Path) -> Path:
    return describe(save(folder, b""))


def no_session(_: Maker, folder: Path) -> Path:
    folder.mkdir()
    (folder / "letter.txt").write_text("dear diary\n")
    return folder


def no_log(_: Maker, folder: Path) -> Path:
    return save(folder, b"dear diary\n")


def not_there(_: Maker, folder: Path) -> Path:
    return folder


def damaged_info(make: Maker, folder: Path) -> Path:
    (make.copy(folder) / "session.json").write_text('{"format": ')
    return folder


def unstarted(_: Maker, folder: Path) -> Path:
    for side in SIDES:
        save(folder, encode(identity(foot=wire.Side[side.upper()])), f"{side}.frames")
    return describe(folder)


def begun(_: Maker, folder: Path) -> Path:
    return describe(save(folder, START))


# ---- little


def one_foot(make: Maker, folder: Path) -> Path:
    return make.copy(folder, ("right",))


def silent_foot(make: Maker, folder: Path) -> Path:
    """Give one whose right foot was to be recorded, and sent nothing."""
    SessionWriter(folder, {side: identity(foot=wire.Side[side.upper()]) for side in SIDES}).close()
    shutil.copy(make.copy(folder.with_name(f".{folder.name}")) / "left.frames", folder / "left.frames")
    return folder


def _few(make: Maker, folder: Path, n: int) -> Path:
    make.changed(folder, wire.StrideFrame, lambda frame: frame if frame.seq < n else None, ("left",))
    (folder / "right.frames").unlink()
    return folder


def three_strides(make: Maker, folder: Path) -> Path:
    return _few(make, folder, 3)


def one_stride(make: Maker, folder: Path) -> Path:
    return _few(make, folder, 1)


def standing(_: Maker, folder: Path) -> Path:
    """Give ten minutes of standing, of one foot."""
    minute = model("standing", 60.0, sides=("left",))
    save_walk(folder, one_after_the_other(*[minute] * 10))
    return describe(folder)


# ---- not known


def nothing_known(_: Maker, folder: Path) -> Path:
    """Give strides of which nothing is known but when, and no samples."""
    frames = [stride_frame(5, k, 240 * k, **UNKNOWN, **_NEVER, **_NO_LOAD) for k in range(12)]
    return describe(save(folder, START + b"".join(map(encode, frames))))


def no_end_seen(_: Maker, folder: Path) -> Path:
    """Give strides whose final contact was not seen."""
    frames = [stride_frame(5, k, 240 * k, final_contact=wire.NOT_SEEN) for k in range(12)]
    return describe(save(folder, START + b"".join([*walk_samples(40), *map(encode, frames)]) + end(40, stride_n=12)))


def all_unknown(make: Maker, folder: Path) -> Path:
    return make.changed(folder, wire.StrideFrame, lambda frame: replace(frame, **UNKNOWN))


def order_unknown(make: Maker, folder: Path) -> Path:
    return make.changed(folder, wire.StrideFrame, lambda frame: replace(frame, contact_order=wire.Order.UNKNOWN))


def direction_unknown(make: Maker, folder: Path) -> Path:
    return make.changed(folder, wire.StrideFrame, lambda frame: replace(frame, walking=wire.Direction.UNKNOWN))


def no_common_clock(make: Maker, folder: Path) -> Path:
    return make.changed(folder, wire.ExchangeFrame, lambda _: None)


def no_info(make: Maker, folder: Path) -> Path:
    (make.copy(folder) / "session.json").unlink()
    return folder


def no_loads(make: Maker, folder: Path) -> Path:
    return make.changed(folder, wire.StrideFrame, lambda frame: replace(frame, **_NO_LOAD))


# ---- in pieces


def large_gaps(_: Maker, folder: Path) -> Path:
    save_walk(folder, model(seconds=40.0), Options(holes=((8.0, 16.0),), lost=((24.0, 32.0),)))
    return describe(folder)


def strides_alone(make: Maker, folder: Path) -> Path:
    """Give one of which not a single sample came through."""
    return make.changed(folder, wire.SamplesFrame, lambda _: None)


def samples_alone(make: Maker, folder: Path) -> Path:
    """Give one of which not a single stride came through."""
    return make.changed(folder, wire.StrideFrame, lambda _: None)


def being_recorded(make: Maker, folder: Path) -> Path:
    for log in make.copy(folder).glob("*.frames"):
        data = log.read_bytes()
        log.write_bytes(data[: len(data) * 3 // 5])
    return folder


def stop_and_turn(_: Maker, folder: Path) -> Path:
    parts = (("backward", 12.0), ("standing", 5.0), ("turning", 5.0), ("forward", 10.0))
    save_walk(folder, one_after_the_other(*(model(gait, s) for gait, s in parts)))
    return describe(folder)


# ---- said beside it


def one_calibrated(make: Maker, folder: Path) -> Path:
    standing_counts = (900, 700, 700, 500, 900, 900, 65535, 65535)
    return make.changed(folder, wire.IdentityFrame, lambda who: replace(who, standing=standing_counts), ("left",))


def marks_and_notes(make: Maker, folder: Path) -> Path:
    notes = ["treadmill, 2 km/h", "\x1b[31mred\x1b[0m <b>bold</b> \u2028 \x07"]
    return add(make.copy(folder), notes, [(3.0, 1), (9.0, 2)])


def guided(make: Maker, folder: Path) -> Path:
    return add(make.copy(folder), guided_notes(load_plan("first-steps").stages[0], stop="pain"))


def timed(make: Maker, folder: Path) -> Path:
    note = write_note("begin", test="3m")
    return add(make.copy(folder), [note], [(2.0, TRY_BEGINS + 1), (10.0, TRY_ENDS + 1), (12.0, TRY_BEGINS + 2)])


def odd_subject(make: Maker, folder: Path) -> Path:
    return describe(make.copy(folder), subject="../Jo <b>\x1b[31m\nÄ", started="yesterday", software=7, sides=[])


def no_subject(make: Maker, folder: Path) -> Path:
    return describe(make.copy(folder), subject=None, started=None, settings=None)


def older_protocol(_: Maker, folder: Path) -> Path:
    older = cobs_encode(OLDER + zlib.crc32(OLDER).to_bytes(4, "little")) + b"\0"
    strides = [encode(stride_frame(5, k, 220 * k + 10)) for k in range(4)]
    return describe(save(folder, older + b"".join([*walk_samples(40), *strides]) + end(40, stride_n=4)))


def stripped_info(make: Maker, folder: Path) -> Path:
    """Give one whose session.json holds what every one holds, and nothing else."""
    info = json.loads((make.copy(folder) / "session.json").read_text())
    kept = {name: info[name] for name in ("format", "format_version")}
    (folder / "session.json").write_text(json.dumps(kept))
    return folder


Kind = Callable[[Maker, Path], Path]
REFUSED: tuple[Kind, ...] = (empty, no_session, no_log, not_there, damaged_info)
READ: tuple[Kind, ...] = (
    unstarted, begun, one_foot, silent_foot, three_strides, one_stride, standing, nothing_known, no_end_seen,
    all_unknown, order_unknown, direction_unknown, no_common_clock, no_info, no_loads, large_gaps, strides_alone,
    samples_alone, being_recorded, stop_and_turn, one_calibrated, marks_and_notes, guided, timed, odd_subject,
    no_subject, older_protocol, stripped_info,
)  # fmt: skip
