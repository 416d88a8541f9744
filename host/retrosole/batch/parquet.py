"""Stride tables as Parquet: columns, what is told of the session beside them, reading that back.

One file holds the strides of one session: `SESSION_COLUMNS`, the same in every row, then those of the extended stride
table. What is not known is null, never nan, which would count as a number in sums. Doubles are byte-stream-split and
compressed with zstd: half the size of what is usual, and any reader of Parquet takes it. The file's own metadata has
under `retrosole` as JSON what the table was made of and by, and the session's analysis (as `retrosole gait --json`,
less the runs), so that a session without strides is not lost and a summary need not read the rows.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from retrosole import __version__
from retrosole.errors import DamagedDataError
from retrosole.gait.strides import COLUMNS
from retrosole.gait.table import BY_NAME, EXTENDED_COLUMNS
from retrosole.gait.words import as_json
from retrosole.session.kept import code_of

if TYPE_CHECKING:
    from retrosole.batch.find import State
    from retrosole.gait.analysis import Analysis
    from retrosole.session.reader import Session

FORMAT = "retrosole strides"
FORMAT_VERSION = 1
KEY = b"retrosole"
SESSION_COLUMNS = ("subject", "session", "started", "retrosole_version", "recorder_version", "firmware_version")

_TEXTS = ("side", "contact_order", "lift_order", "direction", "left_out")
_LONGEST_TEXT = 100  # codes and versions are shorter; whatever stands there, it is repeated in every row
_STEPPED = ["confidence"]  # in whole percents
_BEGINNING = b"PAR1"  # of every Parquet file
_UNITS = {name: "s since the session's first sample" for name in COLUMNS if name.endswith("_s")} | {
    "forefoot_impulse": "counts s",
    "heel_impulse": "counts s",
    "forefoot_peak": "counts",
    "heel_peak": "counts",
    "confidence": "0 to 1",
}


@cache
def schema() -> pa.Schema:
    """Give the columns with their types; where a column has a unit, its field says it under `unit`."""
    told = [(name, pa.timestamp("ms", "UTC") if name == "started" else pa.string()) for name in SESSION_COLUMNS]
    return pa.schema([*(pa.field(*one) for one in told), *(_field(name) for name in EXTENDED_COLUMNS)])


def _field(name: str) -> pa.Field:
    unit = BY_NAME[name].unit if name in BY_NAME else _UNITS.get(name)
    kind = pa.string() if name in _TEXTS else {"stride": pa.int32(), "is_usable": pa.bool_()}.get(name, pa.float64())
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


@cache
def _few() -> list[str]:
    """Name the columns in which few values come again and again."""
    return [field.name for field in schema() if field.type not in (pa.float64(), pa.bool_(), pa.int32())] + _STEPPED


@cache
def _many() -> list[str]:
    """Name the columns of numbers that hardly come twice."""
    return [field.name for field in schema() if field.type == pa.float64() and field.name not in _STEPPED]


# ----------------------------------------------------------------------------------------------------------- about


def about(session: Session, analysis: Analysis, name: str, state: State, direction: str | None) -> dict[str, Any]:
    """Give what is told of a session beside its strides; `state` is that of its files before they were read."""
    software = session.info.get("software")
    told = as_json(analysis)
    del told["runs"]  # of many short ways more than all else, and the strides say the same
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "retrosole_version": __version__,
        "made_of": [list(one) for one in state],
        "direction_asked": direction,
        "session": _writable(name),
        "subject": code_of(session.info.get("subject")),
        "started": analysis.started,
        "recorder_version": _text_or_none(software.get("retrosole")) if isinstance(software, dict) else None,
        "firmware_versions": {side: _firmware(session, side) for side in session.sides},
        "analysis": told,
    }


def _firmware(session: Session, side: str) -> str | None:
    who = session.logs[side].identity
    return None if who is None else ".".join(map(str, who.firmware_version))


def _text_or_none(value: object) -> str | None:
    return _writable(value[:_LONGEST_TEXT]) if isinstance(value, str) else None


def _writable(text: str) -> str:
    """Give a text as UTF-8 can hold it: the name of a folder may be any bytes."""
    return text.encode(errors="replace").decode()


# ----------------------------------------------------------------------------------------------------------- write


def to_bytes(analysis: Analysis, told: dict[str, Any]) -> bytes:
    """Give the Parquet file of a session's strides."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, schema(), compression="zstd", use_dictionary=_few(), use_byte_stream_split=_many()
    ) as writer:
        writer.write_table(_arrow(analysis, told))
        writer.add_key_value_metadata({KEY.decode(): json.dumps(told, allow_nan=False)})
    return bytes(sink.getvalue())


def _arrow(analysis: Analysis, told: dict[str, Any]) -> pa.Table:
    table = analysis.table
    row_n = len(table["side"])
    same = {name: told.get(name) for name in SESSION_COLUMNS} | {"started": instant(told["started"])}
    columns = [pa.repeat(pa.scalar(same[field.name], field.type), row_n) for field in list(schema())[:-_STRIDE_N]]
    firmware = told["firmware_versions"]
    columns[-1] = pa.array([firmware.get(side) for side in table["side"].tolist()], pa.string())
    columns += [pa.array(table[f.name], f.type, from_pandas=True) for f in list(schema())[-_STRIDE_N:]]
    return pa.Table.from_arrays(columns, schema=schema())


_STRIDE_N = len(EXTENDED_COLUMNS)


def instant(started: str | None) -> datetime | None:
    """Give the moment that an ISO text with a time zone names, None for anything else."""
    try:
        moment = datetime.fromisoformat(started or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


# ------------------------------------------------------------------------------------------------------------ read


def read_about(path: Path) -> dict[str, Any] | None:
    """Give what a table tells of its session; None when it is Parquet of another make.

    Raises DamagedDataError when it cannot be read.
    """
    try:
        pairs = pq.read_metadata(path).metadata or {}
        told = json.loads(pairs[KEY]) if KEY in pairs else None
    except (OSError, ValueError) as error:  # of which pyarrow's own are
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is torn, or no Parquet"
        raise DamagedDataError(f"cannot read {path} ({reason})") from error
    return told if isinstance(told, dict) and told.get("format") == FORMAT else None


def is_torn(path: Path) -> bool:
    """Say whether a file that is no readable table began as one, or is empty, as after a power cut."""
    with open(path, "rb") as file:
        return file.read(len(_BEGINNING)) in (b"", _BEGINNING)
