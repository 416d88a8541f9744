"""CSV: a table of samples for each foot, strides, events, and a data dictionary beside them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from retrosole.export.columns import (
    EVENT_COLUMNS,
    GAITMAP_COLUMNS,
    SAMPLE_COLUMNS,
    Column,
    as_dictionary,
    channel_columns,
    stride_columns,
)
from retrosole.export.content import MISSING, Event, FootSamples, about, events, foot_samples, safe, session_name
from retrosole.export.place import DICTIONARY, is_own_folder, open_new, write_folder, write_json
from retrosole.export.rows import Tell, count_cells, number_cells, second_cells, write_rows
from retrosole.gait.analysis import Analysis
from retrosole.gait.table import as_gaitmap, write_table
from retrosole.session.reader import Session

IS_FOLDER = True
ENDING = "-csv"
_CELLS = (
    "UTF-8, a header line, commas, decimal points. Words that a person wrote are on one line, and begin with an "
    "apostrophe where a spreadsheet would take them for a formula."
)


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write the tables of a session into a folder. Raises as `place.write_folder`."""
    is_own = is_own_folder(session_name(session), "csv")
    write_folder(path, is_own, lambda folder: _fill(session, analysis, folder, tell))


def _fill(session: Session, analysis: Analysis, folder: Path, tell: Tell) -> None:
    files: dict[str, Any] = {}
    feet = [foot_samples(session, side) for side in session.sides]
    done_n, all_n = 0, max(sum(len(foot.index) for foot in feet), 1)
    for foot in feet:
        name = f"samples_{foot.side}.csv"
        files[name] = [*SAMPLE_COLUMNS, *channel_columns(foot.sensors, foot.counts.shape[1])]
        for row_n in _write_samples(folder / name, foot, files[name]):
            tell((done_n + row_n) / all_n)
        done_n += len(foot.index)
    files["strides.csv"] = stride_columns()
    text = io.StringIO()
    write_table(analysis.table, text)
    _write_text(folder / "strides.csv", text)
    files["events.csv"] = EVENT_COLUMNS
    _write_table(folder / "events.csv", EVENT_COLUMNS, map(_event_row, events(session)))
    for side in session.sides:
        name = f"strides_gaitmap_{side}.csv"
        files[name] = GAITMAP_COLUMNS
        _write_table(folder / name, GAITMAP_COLUMNS, _gaitmap_rows(session, analysis, side))
    told = {name: as_dictionary(columns) for name, columns in files.items()}
    write_json(folder, DICTIONARY, {**about(session, analysis, "csv"), "cells": _CELLS, "files": told})


def _write_samples(path: Path, foot: FootSamples, columns: list[Column]) -> Iterator[int]:
    with open_new(path) as out:
        out.write((",".join(column.name for column in columns) + "\n").encode())
        cells = [number_cells(foot.index), second_cells(foot.time_s)]
        cells += [count_cells(foot.counts[:, k], "", MISSING) for k in range(foot.counts.shape[1])]
        yield from write_rows(out, cells, len(foot.index), ",")


def _write_table(path: Path, columns: Iterable[Column], rows: Iterable[Iterable[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(rows)
    _write_text(path, text)


def _write_text(path: Path, text: io.StringIO) -> None:
    with open_new(path) as out:
        out.write(text.getvalue().encode())


def _event_row(event: Event) -> list[str]:
    time_s = "" if math.isnan(event.time_s) else f"{event.time_s:.6f}"
    return [time_s, event.side, event.kind, "" if event.code is None else str(event.code), safe(event.text)]


def _gaitmap_rows(session: Session, analysis: Analysis, side: str) -> Iterator[list[str]]:
    found = as_gaitmap(analysis.table, session.rate_hz(side)).get(side)
    if found is None:
        return
    for row in zip(*(np.asarray(found[column.name]).tolist() for column in GAITMAP_COLUMNS), strict=True):
        yield [str(row[0]), *(f"{value:.3f}" for value in row[1:])]
