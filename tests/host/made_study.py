"""Folders of sessions for the tests of many: short walks of some subjects, quickly made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_logs import START, N, end, walk
from pty_insole import identity
from walked import CHANNELS, save_walk

from retrosole import wire
from retrosole.session.writer import SessionWriter, session_info
from retrosole.twin.gait_model import generate

Run = Callable[..., tuple[int, str, str]]


def save_short(folder: Path, subject: str = "P07", frame_n: int = 40) -> Path:
    """Write a session of a few seconds with a few strides, as `record` does."""
    with SessionWriter(folder, {"left": identity(session=5)}, subject) as writer:
        writer.append("left", START + b"".join(walk(frame_n)) + end(frame_n))
    return folder


def save_walked(folder: Path, subject: str, started: str, seed: int, **more: Any) -> Path:
    """Write a session of 30 s of walking backward, or as `more` says for the gait model, detector included."""
    options = {"gait": "backward", "duration_s": 30.0, **more}
    source = generate(options.pop("gait"), CHANNELS, options.pop("duration_s"), seed, **options)
    save_walk(folder, source)
    told = session_info({side: identity(session=1) for side in source.counts}, subject, {}, {}, {})
    (folder / "session.json").write_text(json.dumps({**told, "started": started}), encoding="utf-8")
    return folder


def save_study(root: Path) -> Path:
    """Write the sessions of two subjects: four of walking, one foot alone among them, and one of standing."""
    save_walked(root / "clinic" / "a", "P01", "2026-11-02T10:00:00+01:00", 1)
    save_walked(root / "clinic" / "b", "P01", "2026-11-03T10:00:00+01:00", 2)
    save_walked(root / "home" / "a", "P02", "2026-11-02T11:00:00+01:00", 3)
    save_walked(root / "home" / "b", "P02", "2026-11-04T11:00:00+01:00", 4, sides=("left",))
    save_walked(root / "home" / "still", "P02", "2026-11-05T11:00:00+01:00", 5, gait="standing")
    return root


def copies(folder: Path, root: Path, n: int) -> list[Path]:
    """Copy a session `n` times, as s000 and so on below `root`."""
    return [shutil.copytree(folder, root / f"s{k:03}") for k in range(n)]


def save_long(folder: Path, minutes: float) -> Path:
    """Write a log of one foot that takes some time to read: many samples, a stride every 182."""
    frame_n = round(minutes * 60 * wire_rate_hz() / N)
    return save_short(folder, "P07", frame_n)


def wire_rate_hz() -> int:
    """Give the samples per second of the insole that `identity` speaks of."""
    rate_hz: int = identity().rate_hz
    assert isinstance(identity(), wire.IdentityFrame)
    return rate_hz
