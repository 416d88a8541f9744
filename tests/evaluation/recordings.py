"""Recordings of people, as they are and as surrogates for backward walking, through all conditions.

Nobody has walked backward here. `reversed` is the forward recording played backward, `exchanged` has the signals of
heel and forefoot exchanged: surrogates, each wrong in another way (what loads in a moment unloads slowly; the lead of
one zone is that of forward walking).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrosole.gait.reference import Reference, exchanged, read_reference
from retrosole.gait.score import EVENTS, Tally, score
from retrosole.session.recording import Recording, load_recording
from retrosole.twin.detect import Detection, channels_for, detect_source, end_held
from retrosole.twin.feed import Source
from retrosole.twin.front_end import FrontEnd
from retrosole.twin.source import from_recording
from tests.evaluation.conditions import TRUE_DIRECTION, Condition
from tests.evaluation.sensors import Walked, sense, walked

TOLERANCE_MS = 150.0
BROKE_DOWN = "detector broke down"
_NO_OFFSET = FrontEnd(offset_counts=0.0)
_EXCHANGED_ZONE = {"heel": "forefoot", "forefoot": "heel", "toes": "heel"}


def path_of(folder: Path, name: str) -> Path:
    """Give where a recording lies."""
    return folder / ("gaitpdb" if name[:2] in ("Ga", "Ju") else "moticon") / f"{name}.txt.gz"


def files_of(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Give a recording, its reference events and those of the recording played backward."""
    reversed_events = folder / "reference_reversed" / f"{name}_reversed_events.csv"
    return path_of(folder, name), folder / "reference" / f"{name}_events.csv", reversed_events


def recording_of(folder: Path, name: str, kinematics: str) -> Recording:
    """Load a recording, as it is or as one of the surrogates."""
    recording = _both_feet(load_recording(path_of(folder, name)))
    if kinematics == "reversed":
        return _played_backward(recording)
    if kinematics == "exchanged":
        return _heel_for_forefoot(recording)
    return recording


def reference_of(folder: Path, name: str, kinematics: str) -> tuple[Reference, ...]:
    """Read the reference events of a recording or of a surrogate made from it."""
    direction = TRUE_DIRECTION[kinematics]
    _, forward, backward = files_of(folder, name)
    references = read_reference(backward if kinematics == "reversed" else forward, direction)
    return exchanged(references, direction) if kinematics == "exchanged" else references


def _both_feet(recording: Recording) -> Recording:
    """Cut off the ends at which one foot has no sample yet or no longer, as the reference does."""
    seen = [np.isfinite(side.pressure).all(axis=1) for side in recording.sides.values()]
    first, last = np.flatnonzero(np.logical_and.reduce(seen))[[0, -1]]
    cut = slice(int(first), int(last) + 1)
    sides = {
        name: replace(side, time_s=side.time_s[cut], pressure=side.pressure[cut])
        for name, side in recording.sides.items()
    }
    return replace(recording, sides=sides)


def _played_backward(recording: Recording) -> Recording:
    """Mirror the time: t' = first + last - t."""
    ends_s = recording.start_s + (recording.start_s + recording.duration_s)
    sides = {
        name: replace(side, time_s=(ends_s - side.time_s)[::-1], pressure=side.pressure[::-1])
        for name, side in recording.sides.items()
    }
    return replace(recording, sides=sides)


def _heel_for_forefoot(recording: Recording) -> Recording:
    sides = {
        name: replace(side, zones=tuple(_EXCHANGED_ZONE.get(zone, zone) for zone in side.zones))
        for name, side in recording.sides.items()
    }
    return replace(recording, sides=sides)


def ideal_source(recording: Recording) -> Source:
    """Give the counts of ideal sensors without an offset, as the detect command makes them."""
    return from_recording(end_held(recording), channels_for(recording), _NO_OFFSET)


def on_clock(detection: Detection, start_s: float) -> Detection:
    """Move a detection from seconds since record 0 to the clock of the recording."""
    times = [f"{event}_s" for event in (*EVENTS, "detected")]
    strides = tuple(replace(s, **{t: getattr(s, t) + start_s for t in times}) for s in detection.strides)
    contacts = tuple(
        replace(c, contact_s=c.contact_s + start_s, announced_s=c.announced_s + start_s) for c in detection.contacts
    )
    return Detection(strides, contacts)


def walk_of(folder: Path, name: str, kinematics: str) -> tuple[Walked, float]:
    """Load a recording as loads of ideal sensors; gives them and the clock of their first record, in seconds."""
    recording = recording_of(folder, name, kinematics)
    return walked(name, ideal_source(recording)), recording.start_s


def tallies(folder: Path, name: str, kinematics: str, conditions: tuple[Condition, ...]) -> Iterator[tuple[str, Tally]]:
    """Score one recording, or one surrogate, in each condition; gives the name of the condition and the tally."""
    walk, start_s = walk_of(folder, name, kinematics)
    references = reference_of(folder, name, kinematics)
    for condition in conditions:
        try:
            found = on_clock(detect_source(sense(walk, condition), condition.rate_hz), start_s)
        except Exception as error:  # of the detector under test: a finding like any other, shown and counted
            yield condition.name, broken_down(references, error)
            continue
        yield condition.name, score(references, found.strides, found.contacts, tolerance_ms=TOLERANCE_MS)


def broken_down(references: tuple[Reference, ...], error: Exception) -> Tally:
    """Count everything as missed: the detector broke down on this walk."""
    ok_n = sum(r.is_ok for r in references)
    return Tally(ok_n=ok_n, missed_n=ok_n, remarks=((0.0, f"{BROKE_DOWN}: {type(error).__name__}: {error}"),))
