"""A BIDS motion data set: each foot a tracking system, sensors as MISC channels; sessions are added to what is there.

Specification: Brain Imaging Data Structure, https://bids-specification.readthedocs.io, motion, 1.11
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import __version__
from retrosole.errors import DamagedDataError, UsageError
from retrosole.export.columns import stride_columns
from retrosole.export.content import (
    COUNTS_TEXT,
    MISSING,
    FootSamples,
    about,
    events,
    foot_samples,
    safe,
    session_name,
    subject_code,
)
from retrosole.export.place import Own, check_name, disk, open_new, read_about, write_folder, write_json
from retrosole.export.rows import Tell, count_cells, second_cells, write_rows
from retrosole.gait.analysis import Analysis
from retrosole.gait.table import Table
from retrosole.session.reader import Session

IS_FOLDER = True
ENDING = "-bids"
BIDS_VERSION = "1.11.1"
TASK = "walk"
NOT_THERE = "n/a"
_MOST_FILLED_S = 2 * 3600.0  # a pause behind which a row for every sample period is no longer sensible
_ABOUT = "RetrosoleExport"
_NAME = "Walks recorded with Retrosole insoles"
_STRIDE_COLUMNS = ("side", "stride", "contact_order", "lift_order", "direction", "confidence", "is_usable", "left_out")


@dataclass(frozen=True)
class Part:
    """Hold what shares a time line: some feet, and what their files are called."""

    stem: str
    acquisition: str  # "" or "_acq-left"
    sides: tuple[str, ...]

    def file(self, ending: str, side: str = "") -> str:
        """Give the name of a file of all feet of the part, or of one."""
        return f"{self.stem}{f'_tracksys-{side}' if side else ''}{self.acquisition}_{ending}"


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write a session into a data set, new or with other sessions. Raises UsageError for one that it cannot hold."""
    feet = {side: foot for side in session.sides if len((foot := foot_samples(session, side)).index)}
    if not feet:
        raise UsageError("there are no samples in this session, and a BIDS data set needs some")
    for foot in feet.values():
        _check_pauses(foot)
    _check_data_set(path)
    subject, number = subject_label(session), session_label(session)
    _check_subject(path, subject, session)
    said = about(session, analysis, "bids")
    folder = path / f"sub-{subject}" / f"ses-{number}"
    parts = _parts(f"sub-{subject}_ses-{number}_task-{TASK}", session, tuple(feet))
    write_folder(
        folder, _is_own(session_name(session)), lambda to: _fill(session, analysis, to, feet, parts, said, tell)
    )
    with disk(path):
        _add_to_data_set(path, subject, safe(subject_code(session)))


def subject_label(session: Session) -> str:
    """Give the code of the person as BIDS has it: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", subject_code(session)) or "anonymous"


def session_label(session: Session) -> str:
    """Give when a session began, as in 20261121T101530; without that the letters and digits of its name."""
    told = session.info.get("started")
    found = re.match(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", told) if isinstance(told, str) else None
    if found:
        return "{}{}{}T{}{}{}".format(*found.groups())
    return re.sub(r"[^A-Za-z0-9]", "", session_name(session)) or "1"


def _check_pauses(foot: FootSamples) -> None:
    """Raise where a row for every sample period would be mostly rows of nothing, or of more than one sample."""
    if np.any(np.diff(foot.index) <= 0):
        raise DamagedDataError(f"the {foot.side} log has sample numbers that do not rise: see `retrosole check`")
    row_n = int(foot.index[-1] - foot.index[0]) + 1
    if row_n - len(foot.index) > max(len(foot.index), _MOST_FILLED_S * foot.rate_hz):
        hours = (row_n - len(foot.index)) / foot.rate_hz / 3600
        raise UsageError(
            f"the {foot.side} log has {hours:.1f} h without samples, and a BIDS file has a row for every sample "
            "period: export to csv or parquet instead"
        )


def _parts(stem: str, session: Session, sides: tuple[str, ...]) -> list[Part]:
    """Give one part for feet on one clock, else one for each: events of both could not be in one file."""
    if not session.apart_text:
        return [Part(stem, "", sides)]
    return [Part(stem, f"_acq-{side}", (side,)) for side in sides]


# ------------------------------------------------------------------------------------------------------- the session


def _fill(
    session: Session,
    analysis: Analysis,
    folder: Path,
    feet: dict[str, FootSamples],
    parts: list[Part],
    said: dict[str, Any],
    tell: Tell,
) -> None:
    motion = folder / "motion"
    os.mkdir(motion, 0o700)
    scans: list[list[str]] = []
    done_n, all_n = 0, sum(len(foot.index) for foot in feet.values())
    for part in parts:
        for side in part.sides:
            name = part.file("motion.tsv", side)
            for row_n in _write_motion(motion / name, feet[side]):
                tell(min((done_n + row_n) / all_n, 1.0))
            done_n += len(feet[side].index)
            _write_tsv(motion / part.file("channels.tsv", side), _channel_rows(feet[side]))
            write_json(motion, part.file("motion.json", side), _sidecar(feet[side], said))
            scans.append([f"motion/{name}", _acquired(said, side)])
        _write_tsv(motion / part.file("events.tsv"), _event_rows(session, analysis.table, part.sides))
        write_json(motion, part.file("events.json"), _event_meanings())
    _write_tsv(folder / f"{parts[0].stem.split('_task-')[0]}_scans.tsv", [["filename", "acq_time"], *scans])


def grid(foot: FootSamples) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give the time of every sample period from the first sample to the last, and the row of each sample."""
    row = foot.index - foot.index[0]
    every = np.arange(int(row[-1]) + 1)
    return np.interp(every, row, foot.time_s), row


def _write_motion(path: Path, foot: FootSamples) -> Iterator[int]:
    times_s, row = grid(foot)
    cells = [second_cells(times_s)]
    for k in range(foot.counts.shape[1]):
        column = np.full(len(times_s), MISSING, np.uint16)
        column[row] = foot.counts[:, k]
        cells.append(count_cells(column, NOT_THERE, MISSING))
    with open_new(path) as out:
        yield from write_rows(out, cells, len(times_s), "\t")


def _channel_rows(foot: FootSamples) -> Iterator[list[str]]:
    yield [
        "name",
        "component",
        "type",
        "tracked_point",
        "units",
        "placement",
        "sampling_frequency",
        "status",
        "status_description",
        "description",
    ]
    rate, text = str(foot.rate_hz), "When the sample was due, in seconds after acq_time in the scans file"
    yield ["latency", NOT_THERE, "LATENCY", NOT_THERE, "s", NOT_THERE, rate, "good", NOT_THERE, text]
    for k, name in enumerate(foot.names):
        sensor = foot.sensors[k] if foot.sensors else None
        is_bad = sensor is not None and sensor.is_left_out
        why = "dead or stuck, for a part of the session or all" if is_bad else NOT_THERE
        where = f"under the {foot.side} foot, {name.replace('_', ' ')}"
        zone = "" if sensor is None else f"; zone {sensor.zone}"
        text = f"Pressure sensor, raw counts of 0 to 4094, no force{zone}"
        status = "bad" if is_bad else "good"
        yield [name, NOT_THERE, "MISC", f"{foot.side}_{name}", "arbitrary", where, rate, status, why, text]


def _sidecar(foot: FootSamples, said: dict[str, Any]) -> dict[str, Any]:
    told = said["feet"][foot.side]
    span_s = float(foot.time_s[-1] - foot.time_s[0])
    row_n = int(foot.index[-1] - foot.index[0])
    return {
        "TaskName": TASK,
        "TaskDescription": "Walking with pressure insoles; direction and order of contact are in the events.",
        "SamplingFrequency": foot.rate_hz,
        "SamplingFrequencyEffective": round(row_n / span_s, 6) if span_s > 0 and row_n else NOT_THERE,
        "TrackingSystemName": f"Retrosole insole, {foot.side} foot",
        "Manufacturer": "Retrosole",
        "ManufacturersModelName": "Retrosole insole",
        "DeviceSerialNumber": told["device_id"] or NOT_THERE,
        "SoftwareVersions": f"firmware {told['firmware'] or 'unknown'}, retrosole {__version__}",
        "MissingValues": NOT_THERE,
        "MotionChannelCount": 1 + len(foot.names),
        "TrackedPointsCount": len(foot.names),
        "LATENCYChannelCount": 1,
        "MiscChannelCount": len(foot.names),
        **{f"{kind}ChannelCount": 0 for kind in ("ACCEL", "ANGACCEL", "GYRO", "JNTANG", "MAGN", "ORNT", "POS", "VEL")},
        "SubjectArtefactDescription": NOT_THERE,
        _ABOUT: {**said, "missing": f"Every sample period has a row; {NOT_THERE} where there is no sample."},
    }


def _acquired(said: dict[str, Any], side: str) -> str:
    """Give when a foot's second 0 was, in UTC; of feet on one clock it is the same."""
    clocks = [said["feet"][side], *said["feet"].values()]
    unix_s = next((foot["unix_s_at_0"] for foot in clocks if foot["unix_s_at_0"] is not None), None)
    try:
        if unix_s is None:
            return f"{datetime.fromisoformat(said['started'] or '').astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    except (OverflowError, OSError, ValueError):
        return NOT_THERE


def _event_rows(session: Session, table: Table, sides: tuple[str, ...]) -> Iterator[list[str]]:
    yield ["onset", "duration", "trial_type", "value", *_STRIDE_COLUMNS, "text"]
    rows: list[tuple[float, list[str]]] = []
    for k in np.flatnonzero(np.isin(table["side"], sides)).tolist():
        at_s = float(table["initial_contact_s"][k])
        told = [_cell(table[name][k].item()) for name in _STRIDE_COLUMNS]
        rows.append((at_s, [f"{at_s:.6f}", _cell(float(table["stance_s"][k])), "stride", NOT_THERE, *told, NOT_THERE]))
    for event in events(session):
        if event.side in (*sides, "both") and math.isfinite(event.time_s):
            code = NOT_THERE if event.code is None else str(event.code)
            told = [event.side, *[NOT_THERE] * (len(_STRIDE_COLUMNS) - 1), safe(event.text) or NOT_THERE]
            rows.append((event.time_s, [f"{event.time_s:.6f}", "0", event.kind, code, *told]))
    yield from (cells for _, cells in sorted(rows, key=lambda row: row[0]))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}" if math.isfinite(value) else NOT_THERE
    return str(value) or NOT_THERE


def _event_meanings() -> dict[str, Any]:
    strides = {column.name: column for column in stride_columns()}
    meanings: dict[str, Any] = {
        "onset": {"Description": "Seconds after acq_time in the scans file: a stride's initial contact.", "Units": "s"},
        "duration": {"Description": "Stance time of a stride; 0 for marks and notes.", "Units": "s"},
        "trial_type": {
            "Description": "What it is.",
            "Levels": {
                "stride": "a stance of one foot, as the insole decided it",
                "mark": "a mark set among the samples",
                "note": "words that were written down",
            },
        },
        "value": {"Description": "The number of a mark."},
        "text": {"Description": "The words of a note, on one line."},
    }
    for name in _STRIDE_COLUMNS:
        meanings[name] = {"Description": strides[name].definition.replace("Empty:", f"{NOT_THERE}:")}
    return meanings


def _write_tsv(path: Path, rows: Any) -> None:
    with open_new(path) as out:
        out.write("".join("\t".join(row) + "\n" for row in rows).encode())


# ------------------------------------------------------------------------------------------------------ the data set


def _check_data_set(path: Path) -> None:
    check_name(path)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file, and a BIDS data set is a folder: choose another with --out")
    if path.is_dir() and any(path.iterdir()) and not _is_data_set(path):
        raise UsageError(f"{path} exists and is no data set of this program: choose another with --out")


def _is_data_set(path: Path) -> bool:
    made = read_about(path / "dataset_description.json").get("GeneratedBy")
    return isinstance(made, list) and any(isinstance(one, dict) and one.get("Name") == "retrosole" for one in made)


def _check_subject(path: Path, label: str, session: Session) -> None:
    """Raise when somebody else has this label: P-07 and P07 would be one person."""
    code = safe(subject_code(session))
    for row in _participants(path)[1]:
        if row.get("participant_id") == f"sub-{label}" and row.get("code", code) not in (code or NOT_THERE, NOT_THERE):
            raise UsageError(
                f"sub-{label} is subject {row['code']} in {path}, and this session is of {code}, which BIDS writes "
                "alike: export it into another data set with --out"
            )


def _participants(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        lines = (path / "participants.tsv").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ["participant_id", "code"], []
    except (OSError, ValueError) as error:
        name = path / "participants.tsv"
        raise DamagedDataError(f"{name} cannot be read ({error}): repair it, or move it") from error
    head = lines[0].split("\t") if lines else ["participant_id", "code"]
    return head, [dict(zip(head, line.split("\t"), strict=False)) for line in lines[1:] if line]


def _add_to_data_set(path: Path, subject: str, code: str) -> None:
    """Write what a data set has at its top: what is there already stays, people are added."""
    head, rows = _participants(path)
    if not any(row.get("participant_id") == f"sub-{subject}" for row in rows):
        known = {"participant_id": f"sub-{subject}", "code": code or NOT_THERE}
        rows.append({name: known.get(name, NOT_THERE) for name in head})
        lines = ["\t".join(head), *("\t".join(row.get(name, NOT_THERE) for name in head) for row in rows)]
        _write_text(path / "participants.tsv", "\n".join(lines) + "\n", replaces=True)
    for name, text in _top_files().items():
        if not (path / name).exists():
            _write_text(path / name, text)


def _top_files() -> dict[str, str]:
    description = {
        "Name": _NAME,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "retrosole", "Version": __version__}],
    }
    people = {"code": {"Description": "The subject code as it was given when recording; never a name."}}
    return {
        "participants.json": json.dumps(people, indent=1) + "\n",
        "README": f"{_NAME}.\n\n{COUNTS_TEXT}\nEach foot is a tracking system of its own.\n",
        "dataset_description.json": json.dumps(description, indent=1) + "\n",
    }


def _write_text(path: Path, text: str, replaces: bool = False) -> None:
    half = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        with open_new(half) as out:
            out.write(text.encode())
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def _is_own(session: str) -> Own:
    """Give what tells an earlier export of a session, with nothing else in its folder."""

    def is_own(folder: Path) -> bool:
        files = [path for path in folder.rglob("*") if not path.is_dir()]
        sidecars = [path for path in files if path.name.endswith("_motion.json")]
        said = [read_about(path).get(_ABOUT) for path in sidecars]
        stem = f"{folder.parent.name}_{folder.name}_"
        return (
            bool(said)
            and all(isinstance(one, dict) and one.get("session") == session for one in said)
            and all(path.name.startswith(stem) and path.suffix in (".tsv", ".json") for path in files)
        )

    return is_own
