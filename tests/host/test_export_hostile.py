"""Logs that no insole writes: every export gives one clear line or a file, and never runs away."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from exported import UNIX_US, walk

from retrosole import wire
from retrosole.errors import RetrosoleError
from retrosole.framing import CRC_BYTES, cobs_decode, encode, parse, pieces
from retrosole.gait.analysis import Analysis, analyse
from retrosole.session.reader import Session, open_session

pytestmark = pytest.mark.filterwarnings("error")

MODULES = ("csv_files", "parquet", "npz", "moticon", "bids", "xdf")
EXTREMES = (0, 1, 127, 255, 1 << 15, (1 << 16) - 1, 1 << 24, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1)
WORDS = (
    wire.NoteFrame(1 << 63, "late"),
    wire.NoteFrame(0, "=early"),
    wire.HostClockFrame((1 << 64) - 1, 1, 0),
    wire.HostClockFrame(UNIX_US, 5_000_000_000, 0),
    wire.MarkFrame(1, 0, (1 << 32) - 1, 3),
)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    session = walk(tmp_path_factory.mktemp("logs") / "S", 5.0)
    found = {}
    for side in session.sides:
        decoded = (cobs_decode(piece) for _, piece in pieces((Path(session.path) / f"{side}.frames").read_bytes()))
        found[side] = [parse(frame[:-CRC_BYTES]) for frame in decoded if frame is not None]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_impossible_logs(frames: dict[str, list[Any]], tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    made_n = 0
    for round_no in range(3):
        folder = tmp_path / f"S{round_no}"
        folder.mkdir()
        for side, sound in frames.items():
            (folder / f"{side}.frames").write_bytes(b"".join(map(encode, twisted(sound, dice))))
        try:
            session = open_session(folder)
            analysis = analyse(session)
        except RetrosoleError:
            continue
        made_n += sum(is_made(session, analysis, name, tmp_path / name / "o") for name in MODULES)
    assert made_n >= 3
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 300e6


def is_made(session: Session, analysis: Analysis, name: str, path: Path) -> bool:
    """Say whether an export came about; if not, that was said in one line."""
    try:
        import_module(f"retrosole.export.{name}").export(session, analysis, path, lambda _share: None)
    except RetrosoleError as error:
        if "\n" in str(error):
            pytest.fail(f"more than a line: {error}")
        return False
    return True


def twisted(sound: list[Any], dice: random.Random) -> list[Any]:
    frames = list(sound)
    rare = [k for k, frame in enumerate(frames) if not isinstance(frame, wire.SamplesFrame)]
    for _ in range(dice.choice((1, 3, 10))):
        k = dice.choice(rare) if dice.random() < 0.5 else dice.randrange(len(frames))
        frames[k] = twist(frames[k], dice)
    for word in WORDS:
        if dice.random() < 0.4:
            frames.insert(dice.randrange(len(frames)), word)
    return frames


def twist(frame: Any, dice: random.Random) -> Any:
    """Give a frame with one number as it cannot be, if that number has room for it."""
    names = [field.name for field in fields(frame) if isinstance(getattr(frame, field.name), int)]
    if not names:
        return frame
    name = dice.choice(names)
    value = dice.choice((*EXTREMES, getattr(frame, name) + 1, getattr(frame, name) + (1 << 20)))
    try:
        encode(other := replace(frame, **{name: value}))
    except Exception:  # whatever struct and construct say of a number that does not fit
        return frame
    return other
