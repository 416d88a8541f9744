"""Parquet: a table of samples for each foot, strides and events, with units and definitions in the files themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrosole.errors import UsageError
from retrosole.export.columns import (
    EVENT_COLUMNS,
    GAITMAP_COLUMNS,
    SAMPLE_COLUMNS,
    Column,
    as_dictionary,
    channel_columns,
    stride_columns,
)
from retrosole.export.content import MISSING, Event, FootSamples, about, events, foot_samples, session_name
from retrosole.export.place import DICTIONARY, is_own_folder, open_new, write_folder, write_json
from retrosole.export.rows import Tell
from retrosole.gait.analysis import Analysis
from retrosole.gait.table import as_gaitmap
from retrosole.session.reader import Session

IS_FOLDER = True
ENDING = "-parquet"
METADATA_KEY = b"retrosole"
_ROWS_PER_GROUP = 1 << 20


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write the tables of a session into a folder. Raises UsageError without pyarrow, and as `place.write_folder`."""
    pyarrow()
    is_own = is_own_folder(session_name(session), "parquet")
    write_folder(path, is_own, lambda folder: _fill(session, analysis, folder, tell))


def pyarrow() -> Any:
    """Give the module. Raises UsageError when it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'retrosole[tables]'") from error
    return pyarrow


def _fill(session: Session, analysis: Analysis, folder: Path, tell: Tell) -> None:
    tables: dict[str, tuple[Sequence[Column], dict[str, Any]]] = {}
    for foot in (foot_samples(session, side) for side in session.sides):
        columns: list[Column] = [*SAMPLE_COLUMNS, *channel_columns(foot.sensors, foot.counts.shape[1])]
        tables[f"samples_{foot.side}.parquet"] = columns, _samples(foot, columns)
    tables["strides.parquet"] = stride_columns(), analysis.table
    tables["events.parquet"] = EVENT_COLUMNS, _events(events(session))
    for side in session.sides:
        found = as_gaitmap(analysis.table, session.rate_hz(side)).get(side)
        none = {column.name: np.empty(0, "i8" if column.name == "s_id" else "f8") for column in GAITMAP_COLUMNS}
        tables[f"strides_gaitmap_{side}.parquet"] = GAITMAP_COLUMNS, found or none
    said = about(session, analysis, "parquet")
    for k, (name, (described, values)) in enumerate(tables.items()):
        _write(folder / name, described, values, said)
        tell((k + 1) / len(tables))
    told = {name: as_dictionary(described) for name, (described, _) in tables.items()}
    write_json(folder, DICTIONARY, {**said, "files": told})


def _samples(foot: FootSamples, columns: Sequence[Column]) -> dict[str, Any]:
    pa = pyarrow()
    names = [column.name for column in columns]
    counts = [np.ascontiguousarray(foot.counts[:, k]) for k in range(foot.counts.shape[1])]
    channels = [pa.array(column, mask=column == MISSING) for column in counts]
    return dict(zip(names, [foot.index, foot.time_s, *channels], strict=True))


def _events(found: list[Event]) -> dict[str, Any]:
    pa = pyarrow()
    return {
        "time_s": pa.array([None if math.isnan(e.time_s) else e.time_s for e in found], pa.float64()),
        "side": pa.array([e.side for e in found], pa.string()),
        "kind": pa.array([e.kind for e in found], pa.string()),
        "code": pa.array([e.code for e in found], pa.int64()),
        "text": pa.array([e.text for e in found], pa.string()),
    }


def _write(path: Path, columns: Sequence[Column], values: dict[str, Any], said: dict[str, Any]) -> None:
    pa = pyarrow()
    arrays = [_array(values[column.name]) for column in columns]
    fields = [
        pa.field(column.name, array.type, metadata={"unit": column.unit, "definition": column.definition})
        for column, array in zip(columns, arrays, strict=True)
    ]
    schema = pa.schema(fields, metadata={METADATA_KEY: json.dumps(said, allow_nan=False)})
    numbers = [f.name for f in fields if not (pa.types.is_string(f.type) or pa.types.is_boolean(f.type))]
    with open_new(path) as out:
        pa.parquet.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            out,
            compression="zstd",
            use_dictionary=False,
            use_byte_stream_split=numbers,
            row_group_size=_ROWS_PER_GROUP,
        )


def _array(values: Any) -> Any:
    """Give an Arrow array; what is not known is null, not a number that is none."""
    pa = pyarrow()
    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind == "U":
        return pa.array(values.tolist(), pa.string())
    return pa.array(values, from_pandas=True)
