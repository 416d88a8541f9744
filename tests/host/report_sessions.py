"""Sessions for the tests of the pages: walks with notes and marks, session.json beside them, and a page's text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from walked import CHANNELS, RATE_HZ, SESSION, Options, save_walk

from retrosole import wire
from retrosole.framing import encode
from retrosole.plan.notes import PART_BEGINS, PART_ENDS, write_note
from retrosole.report.facts import gather
from retrosole.report.page import report_page
from retrosole.session.reader import Session, open_session
from retrosole.session.writer import FORMAT, FORMAT_VERSION
from retrosole.twin.gait_model import generate

MADE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
STARTED = "2026-11-21T10:15:30.000+01:00"
# How a person would read a number that is none
NO_NUMBER = re.compile(r"(?<![A-Za-z])(nan|NaN|None|inf|null)(?![A-Za-z])|array\(|np\.")
# What a page may say beyond those: "none of this foot" in a reason
_FIGURE = re.compile(r"<svg(?! [^>]*aria-hidden).*?</svg>", re.DOTALL)


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


def guided_notes(*, done: bool = True, stop: str = "", plan: str = "first-steps", stage: str = "") -> list[str]:
    """Give the notes of a guided session: two parts, of which the second is missing unless `done`."""
    notes = [write_note("begin", plan=plan, stage=stage)]
    parts = [("touch", {"side": "left", "touches": 8}), ("walk", {"strides": 40, "forefoot_first": 36})]
    for number, (kind, values) in enumerate(parts[: 2 if done else 1], 1):
        notes.append(write_note("done", number=number, kind=kind, go=1, seconds="31.5", **values))
    if stop:
        notes.append(write_note("stop", word=stop))
    notes.append(write_note("felt", pain="no", dizzy="no", steady="yes"))
    return [*notes, write_note("end", done="yes" if done and not stop else "no")]


PARTS = [(5.0, PART_BEGINS), (12.0, PART_ENDS), (15.0, PART_BEGINS), (35.0, PART_ENDS)]


def page_of(session: Session | Path, **more: Any) -> str:
    """Give the report of a session."""
    return report_page(gather(open_session(session) if isinstance(session, Path) else session, **more), MADE)


def text_of(page: str) -> str:
    """Give what a page says in words, a line for each piece of it; drawings are left out."""
    body = re.sub(r"<svg.*?</svg>", "", page[page.index("<body") :], flags=re.DOTALL)
    body = re.sub(r"</(p|h\d|li|tr|figcaption|figure|div|section|dt|dd|b|ul|span)>", "\n", body)
    body = re.sub(r"</t[dh]>", " | ", body)
    text = html.unescape(re.sub(r"<[^>]+>", "", body)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\n\s*", "\n", text)


def figures_of(page: str) -> list[str]:
    """Give the labels of all drawings but the samples in legends; one that is there for phones, too, counts once."""
    labels = [re.search(r'aria-label="([^"]*)"', drawing) for drawing in _FIGURE.findall(page)]
    return list(dict.fromkeys(html.unescape(label[1]) for label in labels if label))
