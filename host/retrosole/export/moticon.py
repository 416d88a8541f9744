"""Text as Moticon's OpenGo exports it, for programs that read that. Counts stay counts: the titles say so.

The sixteen sensors of that insole are numbered from heel to toes; ours stand in the columns of those that lie nearest,
all others are empty, and so is everything that this insole does not measure: acceleration, angular rate, force, centre
of pressure. Steps are told: 11 and 21 at initial contact of the left and right foot, 15 and 25 at final contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from retrosole.errors import UsageError
from retrosole.export.content import MISSING, FootSamples, about, foot_samples, session_name
from retrosole.export.place import Own, write_file
from retrosole.export.rows import Cells, Tell, count_cells, second_cells, write_rows
from retrosole.gait.analysis import Analysis
from retrosole.session.reader import SIDES, Session

Seconds = NDArray[np.float64]
Rows = NDArray[np.int64]

IS_FOLDER = False
ENDING = "-moticon.txt"
SENSOR_N = 16
_MARK = "# Recording type: retrosole export, counts, session "
_OWN_BYTES = 1 << 16
_EMPTY_TITLES = (
    "acceleration X[g]",
    "acceleration Y[g]",
    "acceleration Z[g]",
    "angular X[dps]",
    "angular Y[dps]",
    "angular Z[dps]",
    "total force[N]",
    "center of pressure X[-0.5...+0.5]",
    "center of pressure Y[-0.5...+0.5]",
)
# The sensors of that insole nearest to a place: 1 to 4 heel, 5 to 8 midfoot (odd medial, even lateral), 9 to 13
# forefoot and 14 to 16 toes (medial to lateral), as the importer has them. The first that is still free is taken.
_NEAREST = {
    "heel_medial": (1, 3),
    "heel_lateral": (2, 4),
    "heel_center": (3, 4, 1, 2),
    "midfoot_medial": (7, 5),
    "midfoot_lateral": (8, 6),
    "met1": (9,),
    "met2": (10,),
    "met3": (11,),
    "met4": (12,),
    "met5": (13,),
    "hallux": (14,),
    "toes": (15, 16),
}
_ANY = {"heel": range(1, 5), "midfoot": range(5, 9), "forefoot": range(9, 14), "toes": range(14, 17)}
_STEP_CODES = {"left": (11, 15), "right": (21, 25)}


def export(session: Session, analysis: Analysis, path: Path, tell: Tell) -> None:
    """Write a session as text. Raises UsageError for one that the format cannot hold, and as `place.write_file`."""
    feet = {side: foot for side in session.sides if len((foot := foot_samples(session, side)).index)}
    _check(session, feet)
    write_file(path, _is_own(session_name(session)), lambda out: _fill(session, analysis, feet, out, tell))


def _check(session: Session, feet: dict[str, FootSamples]) -> None:
    if set(feet) - set(SIDES):
        raise UsageError("this log does not say which foot it is of, and a Moticon text has a left and a right one")
    if sum(len(foot.index) for foot in feet.values()) < 2:
        raise UsageError("there are no samples in this session, and a Moticon text has nothing else")
    if session.apart_text:
        raise UsageError(
            f"{session.apart_text}; a Moticon text has one time for both feet: "
            "export one with --side left or right"
        )
    for foot in feet.values():
        if not foot.sensors:
            raise UsageError(f"the {foot.side} log does not say where its sensors are, so that they have no columns")


def sensor_numbers(foot: FootSamples) -> list[int]:
    """Give the number of the column of each channel, 1 to 16. Raises UsageError when a place is taken twice."""
    free = set(range(1, SENSOR_N + 1))
    found: list[int] = []
    for sensor in foot.sensors:
        wanted = [*_NEAREST.get(sensor.site, ()), *_ANY.get(sensor.zone, ())]
        number = next((k for k in wanted if k in free), None)
        if number is None:
            raise UsageError(f"the {foot.side} insole has more sensors at its {sensor.zone} than a Moticon text")
        free.discard(number)
        found.append(number)
    heel = [k for k, number in enumerate(found) if number in _ANY["heel"]]
    if heel and 1 in free:  # programs take the first column of a foot to see whether there is a sample
        found[heel[0]] = 1
    return found


def rows_of(times_s: Mapping[str, Seconds], tolerance_s: float) -> tuple[Seconds, dict[str, Rows]]:
    """Put the samples of two feet on rows: times (n,) that rise, and for each foot the row of every sample.

    A sample of the right foot shares the row, and the time, of the left one that is nearest, when that is within
    `tolerance_s` and no other is nearer; all others have rows of their own. No sample is left out or doubled.
    """
    left, right = (times_s.get(side, np.empty(0)) for side in SIDES)
    near = _partners(left, right, tolerance_s)
    alone = right[near < 0]
    all_s = np.concatenate([left, alone])
    order = np.argsort(all_s, kind="stable")
    row = np.empty(len(all_s), np.int64)
    row[order] = np.arange(len(all_s))
    right_row = np.empty(len(right), np.int64)
    right_row[near >= 0] = row[near[near >= 0]]
    right_row[near < 0] = row[len(left) :]
    return all_s[order], {"left": row[: len(left)], "right": right_row}


def nearest(times_s: Seconds, at_s: Seconds) -> Rows:
    """Give for each of some moments which of rising times, one at least, is nearest; of two the earlier."""
    later = np.minimum(np.searchsorted(times_s, at_s), len(times_s) - 1)
    before = np.maximum(later - 1, 0)
    return np.asarray(np.where(at_s - times_s[before] <= times_s[later] - at_s, before, later))


def _partners(left: Seconds, right: Seconds, tolerance_s: float) -> Rows:
    """Give for each sample of the right foot the left one that it stands beside, -1 for none."""
    if not len(left) or not len(right):
        return np.full(len(right), -1, np.int64)
    near = nearest(left, right)
    apart_s = np.abs(right - left[near])
    order = np.lexsort((apart_s, near))
    is_nearest = np.ones(len(order), np.bool_)
    is_nearest[1:] = np.diff(near[order]) != 0
    paired = np.zeros(len(right), np.bool_)
    paired[order[is_nearest]] = True
    return np.where(paired & (apart_s <= tolerance_s), near, -1)


# ------------------------------------------------------------------------------------------------------------ writing


def _fill(session: Session, analysis: Analysis, feet: dict[str, FootSamples], out: BinaryIO, tell: Tell) -> None:
    tolerance_s = 0.5 / max(foot.rate_hz for foot in feet.values())
    times_s, rows = rows_of({side: foot.time_s for side, foot in feet.items()}, tolerance_s)
    said = about(session, analysis, "moticon")
    lines = list(_head(said, feet, times_s, tolerance_s if len(feet) > 1 else 0.0))
    titles = [f"{side} {title}" for side in SIDES for title in _titles()]
    lines.append("# " + "\t".join(["time", *titles, "right steps[]", "left steps[]"]))
    out.write(("\n".join(lines) + "\n").encode())
    cells = [second_cells(times_s)]
    for side in SIDES:
        cells += _foot_cells(feet.get(side), rows[side], len(times_s))
    for side in reversed(SIDES):
        cells.append(_step_cells(analysis, side, times_s, rows[side]))
    for row_n in write_rows(out, cells, len(times_s), "\t"):
        tell(row_n / len(times_s))


def _titles() -> Iterator[str]:
    yield from (f"pressure {k}[counts]" for k in range(1, SENSOR_N + 1))
    yield from _EMPTY_TITLES


def _head(said: dict[str, Any], feet: dict[str, FootSamples], times_s: Seconds, shift_s: float) -> Iterator[str]:
    started = _started(said)
    if started is not None:
        yield f"# Start time: {started:%d.%m.%Y %H:%M:%S}.{started.microsecond // 1000:03d}"
    minutes, seconds = divmod(float(times_s[-1] - times_s[0]), 60)
    yield f"# Duration: {int(minutes):02d}:{seconds:06.3f}"
    yield "# Sensor insoles: " + ", ".join(
        f"{side.capitalize()} {said['feet'][side]['device_id'] or 'unknown'}" for side in feet
    )
    yield f"{_MARK}{said['session']}"
    yield f"# Name: {said['subject'] or said['session']}"
    yield f"# Notes: {' '.join(_notes(said, feet, shift_s))}"
    yield "# Tag: retrosole"


def _notes(said: dict[str, Any], feet: dict[str, FootSamples], shift_s: float) -> Iterator[str]:
    yield "Made by Retrosole. COUNTS of other sensors than Moticon's, NOT N/cm2 and no force."
    for side, foot in feet.items():
        places = ", ".join(f"{k} {name}" for k, name in zip(sensor_numbers(foot), foot.names, strict=True))
        yield f"Columns of the {side} foot: {places}."
    yield "All others are empty: not measured."
    if shift_s:
        yield f"Samples of the right foot stand beside left ones, up to {1000 * shift_s:g} ms off their own time."
    yield said["clock"]
    yield "Steps are initial and final contact of the foot, whichever part touched."
    for side, foot_said in said["feet"].items():
        yield f"{side.capitalize()}: {foot_said['samples']}."


def _started(said: dict[str, Any]) -> datetime | None:
    """Give the time of day of second 0, in the zone in which it was recorded, as far as that is known."""
    try:
        told = datetime.fromisoformat(said["started"])
    except (TypeError, ValueError):
        told = None
    unix_s = next((foot["unix_s_at_0"] for foot in said["feet"].values() if foot["unix_s_at_0"] is not None), None)
    if unix_s is None:
        return told
    try:
        return datetime.fromtimestamp(unix_s, None if told is None else told.tzinfo)
    except (OverflowError, OSError, ValueError):
        return told


def _foot_cells(foot: FootSamples | None, row: Rows, row_n: int) -> list[Cells]:
    empty: list[Cells] = [_no_cells] * (SENSOR_N + len(_EMPTY_TITLES))
    if foot is None:
        return empty
    for k, number in enumerate(sensor_numbers(foot)):
        column = np.full(row_n, MISSING, np.uint16)
        column[row] = foot.counts[:, k]
        empty[number - 1] = count_cells(column, "", MISSING)
    return empty


def _no_cells(part: slice) -> Sequence[str]:
    return [""] * (part.stop - part.start)


def _step_cells(analysis: Analysis, side: str, times_s: Seconds, row: Rows) -> Cells:
    """Give the cells of the steps: a code on the row of the foot's sample that is nearest to the event."""
    cells = [""] * len(times_s)
    table = analysis.table
    whole = (table["side"] == side) & np.isfinite(table["final_contact_s"]) & np.isfinite(table["initial_contact_s"])
    own_s = times_s[row]
    for code, name in zip(_STEP_CODES[side], ("initial_contact_s", "final_contact_s"), strict=True):
        for k in nearest(own_s, table[name][whole]).tolist() if len(row) else []:
            cells[int(row[k])] = str(code)
    return lambda part: cells[part]


def _is_own(session: str) -> Own:
    mark = f"{_MARK}{session}\n".encode()

    def is_own(path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return mark in file.read(_OWN_BYTES)
        except OSError:
            return False

    return is_own
