"""What an export takes from a session: the samples of each foot, marks and notes, and what is to be said of it all."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import __version__, wire
from retrosole.export.columns import channel_names
from retrosole.gait.analysis import Analysis
from retrosole.session.hostclock import HostClock, host_clock
from retrosole.session.kept import code_of
from retrosole.session.reader import Session
from retrosole.session.sensors import Sensor
from retrosole.session.summary import sample_text

FORMAT = "retrosole-export"
FORMAT_VERSION = 1
MISSING = wire.MISSING_COUNT
_SAME_NOTE_S = 1.0  # a note is written into the log of each foot, one after the other
_FORMULA = ("=", "+", "-", "@")  # what spreadsheets take for the beginning of one
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")

MISSING_TEXT = (
    "A sample that the insole never took, or that did not arrive, has no row; its number is left out of `sample`. "
    "A channel that was not read is empty."
)
COUNTS_TEXT = "Loads are counts of the sensors: no newtons, no pascals, and not to be compared with another insole's."


@dataclass(frozen=True)
class FootSamples:
    """Hold the samples of one foot that are there: `index` and `time_s` are (n,), `counts` is (n, channel_n).

    4095 in `counts` is a channel that was not read.
    """

    side: str
    rate_hz: int
    index: NDArray[np.int64]
    time_s: NDArray[np.float64]
    counts: NDArray[np.uint16]
    names: tuple[str, ...]
    sensors: tuple[Sensor, ...]


@dataclass(frozen=True)
class Event:
    """Hold a mark or a note; `time_s` is nan where nobody knows, `code` None for a note."""

    time_s: float
    side: str
    kind: str
    code: int | None
    text: str


def session_name(session: Session) -> str:
    """Give the name of a session's folder, or of a bare log."""
    path = Path(os.path.abspath(session.path))
    return plain(path.stem if path.suffix == ".frames" else path.name) or "session"


def subject_code(session: Session) -> str:
    """Give the subject code, "" where there is none: what is no code may be a name, and an export is handed on."""
    return code_of(session.info.get("subject")) or ""


def foot_samples(session: Session, side: str) -> FootSamples:
    """Give the samples of a foot."""
    index, counts = session.samples(side)
    sensors = _sensors(session, side)
    names = tuple(channel_names([sensor.site for sensor in sensors], counts.shape[1]))
    return FootSamples(side, session.rate_hz(side), index, session.times_s(side), counts, names, sensors)


def _sensors(session: Session, side: str) -> tuple[Sensor, ...]:
    """Give what the insole said of its channels; nothing where that was of another number of them."""
    sensors = session.sensors(side)
    return sensors if len(sensors) == session.logs[side].channel_n else ()


def clock_text(session: Session) -> str:
    """Say what the seconds of a session are."""
    if session.apart_text:
        text = "Each foot's second 0 is its own first sample: times of left and right cannot be compared."
        return f"{session.apart_text}. {text}"
    if not session.alignment.is_aligned:
        return "Seconds are sample periods of the insole, from its first sample on."
    return f"Seconds of the host's clock since the first sample of any foot; {session.alignment.text}."


# ------------------------------------------------------------------------------------------------------------ events


def events(session: Session) -> list[Event]:
    """Give marks and notes by time; those whose time nobody knows come last, in their order."""
    found = [Event(at_s, side, "mark", code, "") for side in session.sides for at_s, code in session.marks(side)]
    found += _notes(session)
    return sorted(found, key=lambda event: float("inf") if np.isnan(event.time_s) else event.time_s)


def _notes(session: Session) -> list[Event]:
    clocks = {side: host_clock(session, side) for side in session.sides}
    told: list[tuple[float, str, str]] = sorted(
        (note.unix_us / 1e6, note.text, side)
        for side, log in session.logs.items()
        for note in log.frames(wire.NoteFrame)
    )
    notes: list[tuple[float, str, str]] = []
    for unix_s, text, side in told:
        near = (k for k, note in enumerate(notes) if unix_s - note[0] < _SAME_NOTE_S)
        twin = next((k for k in near if notes[k][1] == text and notes[k][2] not in (side, "both")), None)
        if twin is None or session.apart_text:
            notes.append((unix_s, text, side))
        else:
            notes[twin] = (notes[twin][0], text, "both")
    return [Event(_note_s(unix_s, side, clocks), side, "note", None, text) for unix_s, text, side in notes]


def _note_s(unix_s: float, side: str, clocks: dict[str, HostClock | None]) -> float:
    for clock in clocks.values() if side == "both" else (clocks[side],):
        seconds = None if clock is None else clock.seconds_at(unix_s)
        if seconds is not None:
            return seconds
    return float("nan")


def plain(text: object) -> str:
    """Give words on one line: control characters, tabs, line breaks and what is no character become a space."""
    return _CONTROLS.sub(" ", text if isinstance(text, str) else "").strip()


def safe(text: object) -> str:
    """Give words as a spreadsheet may read them: on one line, and never a formula."""
    words = plain(text)
    return f"'{words}" if words.startswith(_FORMULA) else words


# ------------------------------------------------------------------------------------------------ what is said of it


def about(session: Session, analysis: Analysis, made: str) -> dict[str, Any]:
    """Give what every export says of its session, as JSON takes it; `made` names the export's own format."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made": made,
        "session": session_name(session),
        "subject": subject_code(session),
        "started": plain(session.info.get("started")) or None,
        "clock": clock_text(session),
        "clock_sigma_s": _finite(session.alignment.sigma_s),
        "missing": MISSING_TEXT,
        "counts": COUNTS_TEXT,
        "summarised_direction": analysis.direction,
        "feet": {side: _foot(session, side) for side in session.sides},
        "software": {"retrosole": __version__, "python": platform.python_version()},
        "recorded_with": _plain_values(session.info.get("software")),
        "protocol": {
            "major": wire.PROTOCOL_MAJOR,
            "minor": wire.PROTOCOL_MINOR,
            "fingerprint": f"0x{wire.FINGERPRINT:08X}",
        },
    }


def _foot(session: Session, side: str) -> dict[str, Any]:
    who = session.logs[side].identity
    clock = host_clock(session, side)
    sensors = _sensors(session, side)
    names = channel_names([sensor.site for sensor in sensors], session.logs[side].channel_n)
    losses = session.losses[side]
    told = [asdict(sensor) for sensor in sensors] or [{} for _ in names]
    return {
        "rate_hz": session.rate_hz(side),
        "device_id": None if who is None else who.device_id.hex(),
        "firmware": None if who is None else ".".join(map(str, who.firmware_version)),
        "channels": [{"name": name, **more} for name, more in zip(names, told, strict=True)],
        "standing_counts": session.standing_counts(side),
        "host_steady_s_at_0": None if clock is None else clock.steady_s,
        "unix_s_at_0": None if clock is None else clock.unix_s,
        "samples": sample_text(losses, session.rate_hz(side)),
        "losses": {name: value for name, value in asdict(losses).items() if isinstance(value, int)},
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _plain_values(values: object) -> dict[str, str]:
    return {plain(k): plain(v) for k, v in values.items()} if isinstance(values, dict) else {}
