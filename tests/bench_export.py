"""How long it takes to write a session for other programs: the writing alone, of one that is open and analysed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path

import bench_decode

from retrosole import wire
from retrosole.gait.analysis import analyse
from retrosole.session.reader import Session, open_session

MODULES = {"csv": "csv_files", "parquet": "parquet", "npz": "npz", "moticon": "moticon", "bids": "bids", "xdf": "xdf"}


@dataclass(frozen=True)
class Exported:
    """Hold the processor seconds of each format, and the bytes it wrote."""

    minutes: int
    seconds: dict[str, float]
    byte_n: dict[str, int]


def measure(identity: wire.IdentityFrame, minutes: int, folder: Path) -> Exported:
    """Make a session of two feet and write it in every format."""
    kept = folder / "to-export"
    kept.mkdir()
    for side in ("left", "right"):
        data, _ = bench_decode.made_log(replace(identity, foot=wire.Side[side.upper()]), minutes)
        (kept / f"{side}.frames").write_bytes(data)
    both = open_session(kept)
    one = Session(kept, both.info, {"left": both.logs["left"]})  # without clock queries Moticon takes no more
    seconds, byte_n = {}, {}
    for form, name in MODULES.items():
        module, out = import_module(f"retrosole.export.{name}"), folder / f"exported-{form}"
        session = one if form == "moticon" else both
        analysis = analyse(session)
        write = partial(module.export, session, analysis, out, lambda _share: None)
        seconds[form] = bench_decode.median_s(write, 3)
        byte_n[form] = sum(path.stat().st_size for path in _files(out))
    return Exported(minutes, seconds, byte_n)


def _files(path: Path) -> Iterator[Path]:
    yield from (one for one in (path, *path.rglob("*")) if one.is_file())


def rows(exported: Exported, loop_s: float) -> list[tuple[str, str, str, str, str, str]]:
    """Write how long each format takes."""
    found = []
    for form, seconds in exported.seconds.items():
        feet = "one foot" if form == "moticon" else "two feet"
        what = f"export {exported.minutes} min of {feet} to {form}, {exported.byte_n[form] / 1e6:.1f} MB"
        found.append((what, f"{seconds:.2f}", "s", "", f"{seconds / loop_s:.0f} loops", ""))
    return found
