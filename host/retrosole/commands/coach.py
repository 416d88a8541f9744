"""`coach` and `test-3m`: guided sessions, and what is said when they are over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from retrosole.coach import walk_3m
from retrosole.coach.session import Led, lead, steps_of
from retrosole.coach.step import seen_text
from retrosole.commands.plan import print_lines
from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.energy import Effort, estimate_walk
from retrosole.plan.history import read_history
from retrosole.plan.loader import load_plan, load_safety, load_walk_3m
from retrosole.plan.model import Plan, Walk3m
from retrosole.plan.notes import write_note
from retrosole.plan.stages import position
from retrosole.plan.words import load_text, part_text, position_lines
from retrosole.session.reader import open_session
from retrosole.walk import INTERRUPTED_EXIT, RecordOptions, check, connect_feet


@dataclass(frozen=True)
class CoachOptions:
    """Say which plan and stage (from 1; None: by what is kept), and how the session is kept."""

    plan: str
    stage: int | None
    root: Path
    subject: str
    note: str | None = None
    effort: Effort | None = None


def coach(ports: tuple[str, ...], side: str | None, options: CoachOptions) -> int:
    """Lead through a stage of a plan; give the exit code. Raises as `lead`, and for a plan that cannot be used."""
    plan = load_plan(options.plan)
    number, why = _stage(plan, options)
    stage = plan.stages[number - 1]
    recording = RecordOptions(root=options.root, subject=options.subject, note=options.note)
    check(recording)
    insoles = connect_feet(ports, side)
    head = f"{plan.title}. Stage {number} of {len(plan.stages)}: {stage.title}."
    parts = "; ".join(part_text(part) for part in stage.parts)
    intro = [head, *why, *stage.do, f"Today: {parts}; {load_text(stage.load)}.", load_safety().promise, ""]
    opening = write_note("begin", plan=plan.id, stage=stage.id)
    led = lead(insoles, steps_of(stage, list(insoles)), recording, opening, intro, stage.load.support, plan.supervised)
    if led.folder is not None:
        print_lines(["", *_closing_lines(led, options.effort), *_next_lines(plan, options)])
    return INTERRUPTED_EXIT if led.is_interrupted else 0


def _stage(plan: Plan, options: CoachOptions) -> tuple[int, list[str]]:
    """Give the number of the stage to do, and why it is that one."""
    if options.stage is not None and not 1 <= options.stage <= len(plan.stages):
        raise UsageError(f"{plan.id} has stages 1 to {len(plan.stages)}, got {options.stage}: see `retrosole plan`")
    if not options.root.is_dir():
        following, why = 1, []
    else:
        where = position(plan, read_history(options.root, options.subject).practices, date.today())
        following, why = where.following, list(where.why)
    if options.stage is None or options.stage == following:
        return following, why
    return options.stage, [*why, _chosen(options.stage, following)]


def _chosen(stage: int, following: int) -> str:
    text = f"Stage {stage} was chosen; by the sessions kept here, stage {following} comes next."
    return text + (" A later stage is for somebody who knows the ones before it." if stage > following else "")


def _closing_lines(led: Led, effort: Effort | None) -> list[str]:
    lines = [f"  {seen_text(one)}" for one in led.done if one.step.is_practice]
    if not lines:
        lines = ["  Nothing was practised yet."]
    if effort is not None:
        walked_s = sum(one.seconds for one in led.done if one.step.kind == "walk" and one.stride_n)
        lines.append(f"  Energy: {estimate_walk(effort, 'backward', walked_s).text}.")
    return ["What was done:", *lines, f"It is kept in {led.folder}, readable for you only."]


def _next_lines(plan: Plan, options: CoachOptions) -> list[str]:
    history = read_history(options.root, options.subject)
    return position_lines(plan, position(plan, history.practices, date.today()))


def timed_walk(ports: tuple[str, ...], side: str | None, root: Path, subject: str, note: str | None) -> int:
    """Lead through the timed 3-metre backward walk and print its times; give the exit code. Raises as `lead`."""
    test = load_walk_3m()
    recording = RecordOptions(root=root, subject=subject, note=note)
    check(recording)
    insoles = connect_feet(ports, side)
    intro = [f"{test.title}, {test.tries} times.", *test.prepare, load_safety().promise, ""]
    opening = write_note("begin", test="3m")
    led = lead(insoles, walk_3m.steps_of(test), recording, opening, intro, test.support, asks=False)
    if led.folder is not None:
        _print_times(test, led.folder)
    return INTERRUPTED_EXIT if led.is_interrupted else 0


def print_kept(folder: Path) -> None:
    """Print the times of a test that is kept. Raises as `open_session`."""
    test = load_walk_3m()
    print_lines(walk_3m.result_lines(test, walk_3m.time_tries(open_session(folder), test)))


def _print_times(test: Walk3m, folder: Path) -> None:
    try:
        tries = walk_3m.time_tries(open_session(folder), test)
    except DamagedDataError:
        print_lines([f"{folder}: nothing was received, so there is nothing to time"])
        return
    print_lines(
        ["", *walk_3m.result_lines(test, tries), f"Kept in {folder}; retrosole test-3m --session times it again."]
    )
