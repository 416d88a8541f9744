"""What was done against the plan, as the notes of a guided session tell it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from retrosole import wire
from retrosole.plan.history import Practice, practice_of
from retrosole.plan.loader import load_plan, plan_ids
from retrosole.plan.model import Part, Plan, Stage
from retrosole.plan.notes import CoachNote, read_note
from retrosole.plan.words import load_text, part_text, seconds_text
from retrosole.report.markup import foreign

if TYPE_CHECKING:
    from retrosole.session.reader import Session

_SHOWN_NOTES = 20
_KINDS = {
    "walk": "walking backward",
    "touch": "toe touches",
    "rest": "rest",
    "warm_up": "warming up",
    "cool_down": "cooling down",
    "try": "3 metres backward",
}
_BRIEFLY = {"touch": "touches", "warm_up": "warm-up", "cool_down": "cool-down"}


@dataclass(frozen=True)
class Guided:
    """Hold what the notes of a session say. `practice` is None when it was not guided by a plan.

    `plan` and `stage` are None where the plan is not one of this program's own. `notes` are those of the coach,
    `others` what people wrote. `is_timed_walk`: it was the timed 3-metre walk.
    """

    practice: Practice | None = None
    plan: Plan | None = None
    stage: Stage | None = None
    notes: tuple[CoachNote, ...] = ()
    others: tuple[str, ...] = ()
    is_timed_walk: bool = False


def read_guided(session: Session) -> Guided:
    """Read the notes of a session: those of the coach from one foot, people's own from both."""
    texts = {side: [frame.text for frame in session.frames(side, wire.NoteFrame)] for side in session.sides}
    told = [[note for text in of_side if (note := read_note(text))] for of_side in texts.values()]
    notes = max(told, key=len, default=[])
    others = dict.fromkeys(foreign(t) for of_side in texts.values() for t in of_side if read_note(t) is None and t)
    practice = practice_of(notes, date.min)
    plan = own_plans().get(practice.plan) if practice else None
    stages = [] if plan is None or practice is None else [one for one in plan.stages if one.id == practice.stage]
    return Guided(
        practice=practice,
        plan=plan,
        stage=stages[0] if stages else None,
        notes=tuple(notes),
        others=tuple(others)[:_SHOWN_NOTES],
        is_timed_walk=any(note.kind == "begin" and note.get("test") == "3m" for note in notes),
    )


@cache
def own_plans() -> dict[str, Plan]:
    """Give the plans that come with this program, by id."""
    return {name: load_plan(name) for name in plan_ids()}


# ------------------------------------------------------------------------------------------------------------ words


def guided_lines(guided: Guided) -> Iterator[str]:
    """Say what was to be done, and how it ended."""
    practice = guided.practice
    if practice is None:
        return
    if guided.plan is None or guided.stage is None:
        yield f"Plan “{practice.plan}”, stage “{practice.stage}”: a plan of one's own, so only what was done is told."
    else:
        number, n = guided.plan.number_of(guided.stage.id), len(guided.plan.stages)
        yield f"{guided.plan.title}, stage {number} of {n}: {guided.stage.title} ({load_text(guided.stage.load)})."
    yield _ending(practice)
    yield _felt(practice)


def _ending(practice: Practice) -> str:
    if practice.is_done:
        return "Every part was done."
    if practice.stop:
        return f"It was ended early with the key for {practice.stop}."
    return "It was ended before every part was done."


def _felt(practice: Practice) -> str:
    asked = (("Pain", practice.pain), ("dizziness", practice.dizzy), ("steady", practice.steady))
    told = [f"{name}: {word}" for name, word in asked if word in ("yes", "no")]
    return f"Said afterwards: {', '.join(told)}." if told else "How it felt was not answered."


def part_names(guided: Guided) -> list[str]:
    """Give a word for each part, in the order in which they were begun."""
    return [_BRIEFLY.get(note.get("kind"), note.get("kind")) for note in guided.notes if note.kind == "part"]


def part_rows(guided: Guided) -> Iterator[tuple[str, str]]:
    """Give for each part of the plan what was planned and what was done; without the plan, what was done alone."""
    done = [note for note in guided.notes if note.kind == "done"]
    if guided.stage is None:
        for note in done:
            yield _KINDS.get(note.get("kind"), note.get("kind")), _done_text([note], None)
        return
    for number, part in enumerate(guided.stage.parts, 1):
        mine = [note for note in done if note.get("number") == str(number) and note.get("kind") == part.kind]
        yield part_text(part), _done_text(mine, part)


def _done_text(notes: Sequence[CoachNote], part: Part | None) -> str:
    if not notes:
        return "not done"
    told = []
    if part is not None and part.repeat > 1:
        told.append(f"{len(notes)} of {part.repeat} times")
    if seconds := _sum(notes, "seconds"):
        told.append(seconds_text(round(seconds)))
    if any(note.get("touches") for note in notes):
        wanted = f" of {part.touches}" if part is not None and part.touches else ""
        told.append(f"{_sum(notes, 'touches'):.0f}{wanted} touches counted")
    if any(note.get("strides") for note in notes):
        told.append(f"{_sum(notes, 'strides'):.0f} steps seen, {_sum(notes, 'forefoot_first'):.0f} of them toes first")
    return ", ".join(told) or "done"


def _sum(notes: Sequence[CoachNote], name: str) -> float:
    return sum(_value(note.get(name)) for note in notes)


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and 0 <= value < 1e6 else 0.0
