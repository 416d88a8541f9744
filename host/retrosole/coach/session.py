"""A guided session from the first question to the last word: what `retrosole coach` and `test-3m` have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrosole import show
from retrosole.coach.keys import ENTER, Keys, open_keys
from retrosole.coach.screen import Screen
from retrosole.coach.step import Done, Step
from retrosole.coach.watcher import CoachWatcher
from retrosole.device import Insole
from retrosole.errors import UsageError
from retrosole.plan.loader import load_safety
from retrosole.plan.model import Part, Question, Stage
from retrosole.recorder import Recorder
from retrosole.walk import RecordOptions, check, ending_on_signals, open_writer, ready

DONE_SHARE = 0.8  # of the time of a walk that is asked for in minutes: ours; who ends it earlier does the stage again


@dataclass(frozen=True)
class Led:
    """Say how a guided session ended: where it is kept (None when it did not begin), what was done, and how it felt."""

    folder: Path | None
    done: tuple[Done, ...] = ()
    is_interrupted: bool = False
    stop_word: str = ""


def steps_of(stage: Stage, sides: Sequence[str]) -> list[Step]:
    """Lay out a stage as steps. Touches of a foot that is not in `sides` are done without being counted."""
    return [step for number, part in enumerate(stage.parts, 1) for step in _steps(number, part, sides)]


def _steps(number: int, part: Part, sides: Sequence[str]) -> list[Step]:
    is_counted = part.kind != "touch" or part.side in sides
    say = part.say if is_counted else f"{part.say} I cannot count this foot; press Enter when you are done."
    steps = []
    for go in range(1, part.repeat + 1):
        if go > 1 and part.rest_s:
            steps.append(Step("rest", f"Rest for {part.rest_s:.0f} seconds.", part.rest_s, number, go - 1))
        touches = part.touches if is_counted else 0
        seconds = part.most_s if part.kind == "touch" else part.seconds
        least_s = 0.0 if part.metres or part.kind != "walk" else DONE_SHARE * seconds  # a way has an end of its own
        steps.append(Step(part.kind, say, seconds, number, go, part.repeat, touches, part.side, least_s=least_s))
    return steps


def lead(
    insoles: Mapping[str, Insole],
    steps: Sequence[Step],
    options: RecordOptions,
    opening: str,
    intro: Sequence[str],
    support: str,
    supervised: bool = False,
    *,
    asks: bool = True,
) -> Led:
    """Ask the safety questions, then record and lead through `steps`. The insoles are closed at the end.

    `opening` is the note that the log begins with, `intro` what is said first, `support` which questions are asked.
    Raises UsageError when nobody can answer the questions, and as `Recorder.run`; what was received is kept.
    """
    with contextlib.ExitStack() as stack:
        for insole in insoles.values():
            stack.callback(insole.close)
        check(options)
        screen = Screen()
        for line in intro:
            screen.say(line)
        keys = stack.enter_context(open_keys())
        if not questions_passed(screen, keys, support, supervised):
            return Led(None)
        for insole in insoles.values():
            for line in ready(insole, options.rate_hz):
                show.say(f"{line}; `retrosole fetch` gets what it has")
        return _record(insoles, steps, options, opening, keys, screen, asks)


def _record(
    insoles: Mapping[str, Insole],
    steps: Sequence[Step],
    options: RecordOptions,
    opening: str,
    keys: Keys,
    screen: Screen,
    asks: bool,
) -> Led:
    _say_how(screen, insoles)
    writer = open_writer(insoles, options)
    watcher = CoachWatcher(steps, load_safety().stops, opening, keys, screen, asks=asks)
    recorder = Recorder(insoles, watcher, writer)
    watcher.write_note, watcher.request_end = recorder.note, recorder.request_end
    with ending_on_signals(recorder) as signals:
        recorder.run(options.seconds, options.note)
    guide = watcher.guide
    word = guide.stopped.word if guide.stopped else ""
    return Led(None if writer is None else writer.folder, tuple(guide.done), bool(signals), word)


def _say_how(screen: Screen, insoles: Mapping[str, Insole]) -> None:
    stops = ", ".join(f"{stop.key} for {stop.word}" for stop in load_safety().stops)
    screen.say(f"At any time you may end it with a key: {stops}. Ctrl-C ends it, too. Everything is kept.")
    screen.say("Enter goes on to the next thing.")
    if len(insoles) == 1:
        screen.say(f"I see one foot only, the {next(iter(insoles))} one: its steps are what I count.")
    screen.say("")


def questions_passed(screen: Screen, keys: Keys, support: str, supervised: bool) -> bool:
    """Ask what has to be asked before anybody walks; say whether the session may begin, and why not.

    Raises UsageError when no answer can come.
    """
    screen.say("First a few questions; answer y or n.")
    for question in load_safety().questions:
        if question.is_for(support, supervised) and not _is_passed(screen, keys, question):
            screen.say(question.otherwise)
            screen.say("Nothing was recorded.")
            return False
    screen.say("")
    return True


def _is_passed(screen: Screen, keys: Keys, question: Question) -> bool:
    if _answer(screen, keys, question.ask) == question.go_on:
        return True
    return bool(question.unless) and _answer(screen, keys, question.unless) == "yes"


def _answer(screen: Screen, keys: Keys, ask: str) -> str:
    screen.say(ask)
    while (key := keys.wait()) is not None:
        if key in "yn":
            screen.say("  yes" if key == "y" else "  no")
            return "yes" if key == "y" else "no"
        if key != ENTER:  # typed behind each answer, by habit
            screen.say("  Please answer y for yes or n for no; Ctrl-C leaves.")
    raise UsageError(
        "the safety questions were not answered: run this in a terminal, or pipe a line with y or n for each of them"
    )
