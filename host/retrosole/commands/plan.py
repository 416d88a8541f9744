"""`plan`: list the plans, show one, and say at which stage somebody is."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from retrosole import show
from retrosole.errors import UsageError
from retrosole.plan.history import History, read_history
from retrosole.plan.loader import load_plan, load_safety, plan_ids
from retrosole.plan.model import Plan
from retrosole.plan.stages import position
from retrosole.plan.words import plan_lines, position_lines
from retrosole.session.writer import check_subject

_WIDTH = 100


def run(name: str | None, root: Path | None, subject: str | None) -> None:
    """Print the plans, one plan, or where `subject` is in one or all, by the sessions kept under `root`."""
    if subject is not None and root is None:
        raise UsageError("--subject chooses among kept sessions: add --sessions DIR")
    if root is None:
        if name is None:
            _list()
        else:
            print_lines(plan_lines(load_plan(name)))
        return
    plans = [load_plan(one) for one in ([name] if name else plan_ids())]
    _print_positions(plans, read_history(root, check_subject(subject) if subject else None), chosen=name is not None)


def _list() -> None:
    plans = [load_plan(name) for name in plan_ids()]
    for plan in plans:
        stages = "1 stage" if len(plan.stages) == 1 else f"{len(plan.stages)} stages"
        print_lines([f"{plan.id}: {plan.title} ({stages})", f"  {plan.about}", f"  For: {plan.for_whom}", ""])
    print_lines([load_safety().promise, "Show one: retrosole plan first-steps. Begin: retrosole coach."])


def _print_positions(plans: list[Plan], history: History, chosen: bool) -> None:
    for line in history.unread:
        show.say(f"LEFT OUT: {line}")
    begun = {one.plan for one in history.practices}
    shown = plans if chosen else [plan for plan in plans if plan.id in begun]
    if not shown:
        print_lines([f"{history.subject}: no guided session is kept yet. Begin with: retrosole coach"])
    for plan in shown:
        where = position(plan, history.practices, date.today())
        n = sum(one.plan == plan.id for one in history.practices)
        print_lines([f"{history.subject}: {plan.title} ({plan.id}), {_sessions(n)}", *position_lines(plan, where), ""])
    if history.other_n:
        verb = "it does" if history.other_n == 1 else "they do"
        print_lines([f"{_sessions(history.other_n)} more without guidance: {verb} not count for a stage."])


def _sessions(n: int) -> str:
    return "1 session" if n == 1 else f"{n or 'no'} sessions"


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, folded at words to the width of the terminal and at most 100; indents stay."""
    width = min(_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else _WIDTH
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        hanging = indent + ("  " if line.lstrip().startswith(("- ", "[")) else "")
        folded = textwrap.wrap(line, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
        print("\n".join(folded))
