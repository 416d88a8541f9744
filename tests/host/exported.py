"""Sessions to export, of every kind, and each format read back by its own reader into the same shape."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import moticon_opengo.txt_export as opengo
import numpy as np
import pyarrow.parquet
import pyxdf
from pty_insole import identity
from walked import CHANNELS, Options, save_walk

from retrosole import wire
from retrosole.framing import encode
from retrosole.session.reader import Session, open_session
from retrosole.session.recording import load_recording
from retrosole.twin.gait_model import generate

# What a person may type, or somebody else's session.json hold
HOSTILE = '=HYPERLINK("x")\tb\nc\r"d",\'e\'\u2028<&>\x00ä'
WEIRD_SUBJECT = "-P.07_x"  # a good code, and to a spreadsheet the beginning of a formula
UNIX_US = 1_790_000_000_000_000
HOST_US = 5_000_000_000  # the host's steady clock at second 0, as `walked` has it

# Seconds as text have six decimals
WITHIN_S = 0.6e-6


def walk(folder: Path, seconds: float = 12.0, sides: tuple[str, ...] = ("left", "right"), **options: Any) -> Session:
    """Give a session of a backward walk; for a while one channel is not read."""
    source = generate("backward", CHANNELS, seconds, 3)
    counts = {side: source.counts[side].copy() for side in sides}
    for side in sides:
        counts[side][3000:3500, 2] = wire.MISSING_COUNT
    return save_walk(folder, replace(source, counts=counts), Options(**options))


def gappy(folder: Path) -> Session:
    """Give one with holes, and with frames lost on the way."""
    return walk(folder, holes=((3.0, 3.3), (5.0, 5.005)), lost=((7.0, 7.6),))


def hostile(folder: Path) -> Session:
    """Give one whose words are as bad as they come, with marks and with the host's time of day."""
    session = walk(folder)
    for side in session.sides:
        path = folder / f"{side}.frames"
        data = encode(wire.HostClockFrame(UNIX_US, HOST_US, 0)) + path.read_bytes()
        data += encode(wire.MarkFrame(1, 0, 400, 7))
        data += encode(wire.NoteFrame(UNIX_US + 4_000_000 + (side == "right"), HOSTILE))
        path.write_bytes(data + encode(wire.NoteFrame(UNIX_US + 5_000_000 + (side == "right"), "plain words")))
    info = {"format": "retrosole session", "format_version": 1, "subject": WEIRD_SUBJECT}
    info["started"] = "2026-11-21T10:15:30.000+01:00"
    (folder / "session.json").write_text(json.dumps(info), encoding="utf-8")
    return open_session(folder)


def nothing(folder: Path) -> Session:
    """Give one in which nobody took a sample."""
    folder.mkdir()
    for side in ("left", "right"):
        (folder / f"{side}.frames").write_bytes(encode(identity(foot=wire.Side[side.upper()])))
    return open_session(folder)


KINDS: dict[str, Callable[[Path], Session]] = {
    "both": walk,
    "one": lambda folder: walk(folder, sides=("left",)),
    "gappy": gappy,
    "apart": lambda folder: walk(folder, asks=False),
    "hostile": hostile,
    "nothing": nothing,
}

# --------------------------------------------------------------------------------------------------------------- read


@dataclass
class Foot:
    """Hold what was read back: `counts` is -1 where a channel was not read."""

    index: Any
    time_s: Any
    counts: Any


def expected(session: Session, side: str) -> Foot:
    index, counts = session.samples(side)
    told = counts.astype(np.int64)
    return Foot(index, session.times_s(side), np.where(told == wire.MISSING_COUNT, -1, told))


def same(found: Foot, session: Session, side: str, within_s: float = 0.0) -> None:
    """Assert that samples are the session's: every one, nothing else, in the right place, at the right time."""
    truth = expected(session, side)
    assert np.array_equal(found.index, truth.index)
    assert np.array_equal(found.counts, truth.counts)
    assert len(found.time_s) == len(truth.time_s)
    assert np.all(np.abs(found.time_s - truth.time_s) <= within_s)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def csv_foot(folder: Path, side: str) -> Foot:
    with (folder / f"samples_{side}.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    table = np.array([[float(cell or -1) for cell in row] for row in rows]).reshape(len(rows), len(head))
    return Foot(table[:, 0].astype(int), table[:, 1], table[:, 2:].astype(int))


def parquet_foot(folder: Path, side: str) -> Foot:
    table = pyarrow.parquet.read_table(folder / f"samples_{side}.parquet")
    channels = [table.column(k).fill_null(65535).to_numpy().astype(int) for k in range(2, table.num_columns)]
    counts = np.where((stacked := np.column_stack(channels)) == 65535, -1, stacked)
    return Foot(table["sample"].to_numpy(), table["time_s"].to_numpy(), counts)


def npz_foot(path: Path, side: str) -> Foot:
    with np.load(path, allow_pickle=False) as arrays:
        told = arrays[f"{side}_counts"].astype(int)
        return Foot(arrays[f"{side}_sample"], arrays[f"{side}_time_s"], np.where(told == wire.MISSING_COUNT, -1, told))


def xdf_streams(path: Path, **how: bool) -> dict[str, Any]:
    streams, _ = pyxdf.load_xdf(str(path), **({"synchronize_clocks": False, "dejitter_timestamps": False} | how))
    return {stream["info"]["name"][0]: stream for stream in streams}


def xdf_foot(path: Path, side: str) -> Foot:
    stream = xdf_streams(path)[f"retrosole-{side}"]
    channel_n = int(stream["info"]["channel_count"][0])
    values = np.asarray(stream["time_series"]).reshape(len(stream["time_stamps"]), channel_n)
    return Foot(values[:, 0], np.asarray(stream["time_stamps"]), values[:, 1:])


def bids_file(folder: Path, side: str, suffix: str) -> Path:
    (path,) = (path for path in folder.rglob(f"*_tracksys-{side}_*") if path.name.endswith(f"_{suffix}"))
    return path


def bids_foot(folder: Path, side: str) -> Foot:
    """Give the samples of a motion file; a row without any is a missing sample."""
    rows = [line.split("\t") for line in bids_file(folder, side, "motion.tsv").read_text().splitlines()]
    table = np.array([[math.nan if cell == "n/a" else float(cell) for cell in row] for row in rows])
    there = ~np.isnan(table[:, 1:]).all(axis=1)
    counts = np.where(np.isnan(table[there, 1:]), -1, table[there, 1:]).astype(int)
    return Foot(np.flatnonzero(there), table[there, 0], counts)


def bids_problems(folder: Path) -> list[dict[str, Any]]:
    """Give the errors that the standard's own validator finds, all rows of all tables read."""
    command = [str(Path(sys.executable).with_name("bids-validator-deno")), str(folder), "--format", "json"]
    done = subprocess.run([*command, "--max-rows", "-1"], capture_output=True, text=True, timeout=120, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


def opengo_sides(path: Path) -> tuple[Any, dict[str, Foot]]:
    """Read with the vendor's own library; rows as they are, nothing filled."""
    measured = opengo.Measurement(str(path), trim=False, fill_method="keep")
    found = {}
    for side, data in measured.side_data.items():
        there = ~np.isnan(data.pressure).all(axis=1)
        counts = np.where(np.isnan(data.pressure[there]), -1, data.pressure[there]).astype(int)
        found[side.name.lower()] = Foot(None, measured.time[there], counts)
    return measured, found


def imported_sides(path: Path) -> dict[str, Foot]:
    """Read with the importer that reads the vendor's files."""
    found = {}
    for side, recording in load_recording(path).sides.items():
        assert recording.unit == "counts"
        there = ~np.isnan(recording.pressure).all(axis=1)
        counts = np.where(np.isnan(recording.pressure[there]), -1, recording.pressure[there]).astype(int)
        found[side] = Foot(None, recording.time_s[there], counts)
    return found
