"""NPZ: numpy's own archive, one file, no pickles."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from retrosole.export.columns import as_dictionary, stride_columns
from retrosole.export.content import about, events, foot_samples, session_name
from retrosole.export.place import MOST_ABOUT_BYTES, Own, write_file
from retrosole.export.rows import Tell
from retrosole.gait.analysis import Analysis
from retrosole.session.reader import Session

IS_FOLDER = False
ENDING = ".npz"
_ABOUT = "about.npy"
_ARRAYS = {
    "about": "this text, JSON",
    "SIDE_sample": "(n,) number of each sample on the foot's own count; a jump is a gap",
    "SIDE_time_s": "(n,) when it was due, in seconds; see clock",
    "SIDE_counts": "(n, channels) raw counts, 0 to 4094; 4095: this channel was not read",
    "SIDE_channels": "(channels,) places under the foot",
    "strides_NAME": "(strides,) the columns of the stride table; nan: unknown",
    "events_NAME": "(events,) marks and notes: time_s (nan: unknown), side, kind, code (-1: a note), text",
}


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write a session as one archive, which `numpy.load(path)` reads. Raises as `place.write_file`."""
    write_file(path, _is_own(session_name(session)), lambda out: _fill(session, analysis, out, tell))


def _fill(session: Session, analysis: Analysis, out: BinaryIO, tell: Tell) -> None:
    said = about(session, analysis, "npz")
    said |= {"arrays": _ARRAYS, "strides": as_dictionary(stride_columns())}
    arrays: dict[str, Any] = {"about": np.array(json.dumps(said, allow_nan=False))}
    for side in session.sides:
        foot = foot_samples(session, side)
        arrays[f"{side}_sample"] = foot.index
        arrays[f"{side}_time_s"] = foot.time_s
        arrays[f"{side}_counts"] = foot.counts
        arrays[f"{side}_channels"] = np.array(foot.names, "U32")
    arrays |= {f"strides_{name}": column for name, column in analysis.table.items()}
    arrays |= _events(session)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for k, (name, array) in enumerate(arrays.items()):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
            tell((k + 1) / len(arrays))


def _events(session: Session) -> dict[str, Any]:
    found = events(session)
    return {
        "events_time_s": np.array([event.time_s for event in found], np.float64),
        "events_side": np.array([event.side for event in found], "U8"),
        "events_kind": np.array([event.kind for event in found], "U8"),
        "events_code": np.array([-1 if event.code is None else event.code for event in found], np.int64),
        # a character that is none ends a numpy text, so it is written as what it stands for
        "events_text": np.array([event.text.replace("\0", "\u2400") for event in found], "U"),
    }


def _is_own(session: str) -> Own:
    def is_own(path: Path) -> bool:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(_ABOUT) as member:
                text = member.read(MOST_ABOUT_BYTES)
                array = np.lib.format.read_array(io.BytesIO(text), allow_pickle=False)
                said = json.loads(str(array))
        except (OSError, ValueError, KeyError, EOFError, RecursionError, zipfile.BadZipFile):
            return False
        return isinstance(said, dict) and said.get("session") == session and said.get("made") == "npz"

    return is_own
