"""Which stage of a plan one is at, what comes next, and why. Pure: takes what was practised, reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from retrosole.plan.history import Practice
from retrosole.plan.model import Plan, Stage

LONG_BREAK_DAYS = 21  # this project's own choice, as is going back one stage after it


@dataclass(frozen=True)
class Position:
    """Say which stage the last session was of (0: there was none) and which comes next, from 1, with the reasons.

    `is_over` says that the last stage has been passed.
    """

    at: int
    following: int
    why: tuple[str, ...]
    is_over: bool = False


def position(plan: Plan, practices: Sequence[Practice], today: date) -> Position:
    """Find out where somebody is in a plan, from the guided sessions of any plan, in order of time."""
    mine = [one for one in practices if one.plan == plan.id and plan.number_of(one.stage)]
    hurt = _hurt(practices)
    if not mine:
        why = _after_hurt(1, hurt)[1] if hurt else []
        return Position(0, 1, ("No guided session of this plan is kept yet, so it begins at the beginning.", *why))
    last = mine[-1]
    at = plan.number_of(last.stage) or 1
    here = list(takewhile(lambda one: one.stage == last.stage, reversed(mine)))  # the newest first
    if hurt:
        following, why, is_over = _after_hurt(at, hurt)
    else:
        following, why, is_over = _next(plan, at, here, today)
    return Position(at, following, (*why, *_too_often(plan, mine, today)), is_over)


def _next(plan: Plan, at: int, here: list[Practice], today: date) -> tuple[int, list[str], bool]:
    stage, last = plan.stages[at - 1], here[0]
    if today - last.day > timedelta(days=LONG_BREAK_DAYS):
        back = max(1, at - 1)
        where = "one stage back" if back < at else "the same stage"
        away = f"The last session was {(today - last.day).days} days ago"
        return back, [f"{away}: after so long, {where} is a good start."], False
    good = [one for one in takewhile(lambda one: not one.is_bad, here) if one.is_good]
    days = len({one.day for one in good})
    if len(good) >= stage.sessions and days >= stage.days:
        told = f"{_goods(len(good))} in a row at this stage, on {_days(days)}: done, without pain or dizziness."
        if at == len(plan.stages):
            return at, [told, "That was the last stage of this plan."], True
        return at + 1, [told], False
    return at, [*_what_was_missing(last), _how_far(stage, len(good), days)], False


def _hurt(practices: Sequence[Practice]) -> list[str]:
    """Give the words for pain or dizziness of the newest sessions, of any plan, up to one that was done without."""
    telling = (one for one in reversed(practices) if one.hurt or one.is_done)
    return [one.hurt for one in takewhile(lambda one: one.hurt, telling)]


def _after_hurt(at: int, hurt: list[str]) -> tuple[int, list[str], bool]:
    rest = "Go on only when it has gone. If it stays or comes again, ask a professional before you go on."
    if len(hurt) > 1:
        back = max(1, at - 1)
        where = "one stage back" if back < at else "the same stage, and less of it"
        return back, [f"The last {len(hurt)} sessions had pain or dizziness: {where}.", rest], False
    return at, [f"In the last session there was {hurt[0]}: no step further.", rest], False


def _what_was_missing(last: Practice) -> list[str]:
    if last.stop:
        return ["The last session was stopped early."]
    if not last.is_done:
        return ["The last session was not finished."]
    return ["The last session did not feel steady."] if last.steady == "no" else []


def _how_far(stage: Stage, good_n: int, days: int) -> str:
    wanted = f"{stage.sessions} in a row on {_days(stage.days)} or more"
    return f"{_goods(good_n)} in a row at this stage so far, on {_days(days)}; the plan asks for {wanted}."


def _too_often(plan: Plan, mine: Sequence[Practice], today: date) -> list[str]:
    recent_n = sum(one.is_done and timedelta(0) <= today - one.day < timedelta(days=7) for one in mine)
    low, high = plan.sessions_per_week
    if recent_n < high:
        return []
    often = f"{low}" if low == high else f"{low} to {high}"
    return [f"{recent_n} sessions in the last seven days; the plan has {often} a week. Days without are part of it."]


def _goods(n: int) -> str:
    return "1 good session" if n == 1 else f"{n or 'No'} good sessions"


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"
