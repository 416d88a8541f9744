"""The sessions of one person that are kept in a folder, as far as the plans are concerned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from retrosole import wire
from retrosole.errors import RetrosoleError
from retrosole.plan.notes import CoachNote, read_note
from retrosole.session.kept import kept_in, only_subject
from retrosole.session.reader import open_session


@dataclass(frozen=True)
class Practice:
    """Hold one guided session: its day, plan and stage by id, and how it went.

    `is_done` says that every part was done; `stop` is the word of the key that ended it, "" when none did. `pain`,
    `dizzy` and `steady` are "yes", "no", or "" where nothing was answered.
    """

    day: date
    plan: str
    stage: str
    is_done: bool = False
    stop: str = ""
    pain: str = ""
    dizzy: str = ""
    steady: str = ""
    folder: str = ""

    @property
    def hurt(self) -> str:
        """Give "pain" or "dizziness" when there was any, else ""."""
        if self.stop == "pain" or self.pain == "yes":
            return "pain"
        return "dizziness" if self.stop == "dizziness" or self.dizzy == "yes" else ""

    @property
    def is_good(self) -> bool:
        """Say whether it counts for moving on."""
        return self.is_done and not self.is_bad

    @property
    def is_bad(self) -> bool:
        """Say whether it breaks a row of good ones; one that was merely not finished does not."""
        return bool(self.hurt) or self.steady == "no"


@dataclass(frozen=True)
class History:
    """Hold the guided sessions of a subject in order, how many others there are, and what could not be read."""

    subject: str
    practices: list[Practice] = field(default_factory=list)
    other_n: int = 0
    unread: list[str] = field(default_factory=list)


def read_history(root: Path, subject: str | None = None) -> History:
    """Read the sessions in a folder; without `subject` they must all be of one person.

    Raises UsageError when there is no such folder, or when `subject` is needed.
    """
    kept = kept_in(root)
    unread = [str(error) for _, error in kept.unread]
    if subject is None:
        subject = only_subject(root, kept)
    history = History(subject, unread=unread)
    other_n = 0
    for folder in kept.of(subject):
        try:
            practice = _read_practice(folder)
        except RetrosoleError as error:
            unread.append(str(error))
            continue
        if practice is None:
            other_n += 1
        else:
            history.practices.append(practice)
    return History(subject, history.practices, other_n, unread)


def _read_practice(folder: Path) -> Practice | None:
    session = open_session(folder)
    for side in session.sides:
        notes = [note for frame in session.frames(side, wire.NoteFrame) if (note := read_note(frame.text))]
        practice = practice_of(notes, _day(session.info.get("started"), folder), str(folder))
        if practice is not None:
            return practice
    return None


def practice_of(notes: Iterable[CoachNote], day: date, folder: str = "") -> Practice | None:
    """Give the guided session that these notes tell of; None when they tell of none."""
    told = {note.kind: note for note in notes}
    begin = told.get("begin")
    if begin is None or not (begin.get("plan") and begin.get("stage")):
        return None
    nothing = CoachNote("", {})
    felt = told.get("felt", nothing)
    return Practice(
        day=day,
        plan=begin.get("plan"),
        stage=begin.get("stage"),
        is_done=told.get("end", nothing).get("done") == "yes",
        stop=told.get("stop", nothing).get("word"),
        pain=felt.get("pain"),
        dizzy=felt.get("dizzy"),
        steady=felt.get("steady"),
        folder=folder,
    )


def _day(started: object, folder: Path) -> date:
    try:
        return datetime.fromisoformat(str(started)).date()
    except ValueError:
        return datetime.fromtimestamp((folder / "session.json").stat().st_mtime).date()
