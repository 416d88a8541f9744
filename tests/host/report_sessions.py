"""Sessions for the tests of the pages: walks with notes and marks, session.json beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from walked import CHANNELS, RATE_HZ, SESSION, Options, save_walk

from retrosole import wire
from retrosole.framing import encode
from retrosole.plan.model import Stage
from retrosole.plan.notes import PART_BEGINS, PART_ENDS, write_note
from retrosole.report.facts import gather
from retrosole.report.page import report_page
from retrosole.session.reader import Session, open_session
from retrosole.session.writer import FORMAT, FORMAT_VERSION
from retrosole.twin.gait_model import generate

MADE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
STARTED = "2026-11-21T10:15:30.000+01:00"


def walk(folder: Path, seconds: float, gait: str = "backward", options: Options | None = None, **more: Any) -> Path:
    """Save a walk of the gait model with its session.json."""
    save_walk(folder, generate(gait, CHANNELS, seconds, 3, **more), options or Options())
    return describe(folder)


def describe(folder: Path, **changes: Any) -> Path:
    """Write session.json beside the logs."""
    info = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "subject": "P07",
        "started": STARTED,
        "software": {"retrosole": "0.1.0", "python": "3.11.7"},
        "settings": {"rate_hz": 200},
        "sides": {},
    }
    (folder / "session.json").write_text(json.dumps({**info, **changes}), encoding="utf-8")
    return folder


def add(folder: Path, notes: Iterable[str] = (), marks: Iterable[tuple[float, int]] = ()) -> Path:
    """Add notes and marks (seconds, number) to every log of a session."""
    frames = [encode(wire.NoteFrame(1_795_000_000_000_000, note)) for note in notes]
    for seq, (at_s, code) in enumerate(marks):
        frames.append(encode(wire.MarkFrame(SESSION, seq, round(at_s * RATE_HZ), code)))
    for log in folder.glob("*.frames"):
        with log.open("ab") as file:
            file.write(b"".join(frames))
    return folder


def guided_notes(stage: Stage | None = None, *, stop: str = "") -> list[str]:
    """Give the notes of a guided session at a stage of the first plan; of one's own plan without a stage.

    Every part is done in 31.5 s each time; when it was stopped, the last time of the last part is missing.
    """
    goes = [("walk", 1, 1, {})] if stage is None else list(_goes(stage))
    begin = {"plan": "first-steps", "stage": stage.id} if stage else {"plan": "mine", "stage": "s1"}
    notes = [write_note("begin", **begin)]
    for kind, number, go, values in goes[:-1] if stop else goes:
        notes.append(write_note("part", number=number, kind=kind, go=go))
        notes.append(write_note("done", number=number, kind=kind, go=go, seconds="31.5", **values))
    if stop:
        notes.append(write_note("stop", word=stop))
    notes.append(write_note("felt", pain="no", dizzy="no", steady="yes"))
    return [*notes, write_note("end", done="no" if stop else "yes")]


def _goes(stage: Stage) -> Iterator[tuple[str, int, int, dict[str, object]]]:
    for number, part in enumerate(stage.parts, 1):
        for go in range(1, part.repeat + 1):
            touches: dict[str, object] = {"side": part.side, "touches": part.touches}
            yield part.kind, number, go, touches if part.kind == "touch" else {"strides": 20, "forefoot_first": 18}


PARTS = [(5.0, PART_BEGINS), (12.0, PART_ENDS), (15.0, PART_BEGINS), (35.0, PART_ENDS)]


def page_of(session: Session | Path, **more: Any) -> str:
    """Give the report of a session."""
    return report_page(gather(open_session(session) if isinstance(session, Path) else session, **more), MADE)
