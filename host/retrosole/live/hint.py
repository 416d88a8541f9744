"""At most one hint for the person who walks: the pace is above the plan's, or the target order is missed.

Pure: it follows from the strides alone, so every view of the same walk says the same. It is calm: it comes when three
of the last five steps missed the target, goes when two good ones follow, and never comes of what is unknown. A foot
down flat ("together") and a step walked forward are neither good nor missed; the insole's own cue skips the former,
too. It is not about the past: eight seconds without a contact, and it is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrosole.gait.strides import Stride
from retrosole.live.pace import (
    OF_LAST_N,
    QUIET_S,
    cadence_steps_min,
    is_walking,
    recent_stride_times_s,
    to_cadence_steps_min,
)

MISSED_N = 3  # of the last OF_LAST_N steps that could be judged
GOOD_N = 2  # in a row, and the hint goes
PACE_ENTER = 1.03  # times the limit: strides vary by so much in a steady walk
PACE_MUCH = 1.15
_PACE_TIME_N = 3  # stride times: a first quick step or two is no pace
_JUDGED = ("forefoot_first", "heel_first")
_DO = {"forefoot_first": "Forefoot first", "heel_first": "Heel first"}
_MISSED = {"forefoot_first": "heel first", "heel_first": "forefoot first"}  # by the target


class Walker(Protocol):
    """Be what a hint needs to know of one foot; `now_s` is on the strides' own clock."""

    @property
    def side(self) -> str: ...
    @property
    def strides(self) -> Sequence[Stride]: ...
    @property
    def target_order(self) -> str: ...
    @property
    def now_s(self) -> float: ...
    @property
    def is_connected(self) -> bool: ...


@dataclass(frozen=True)
class Hint:
    """Hold a hint: `kind` is "order" or "pace", `level` "notice" or "warning" (every step missed, or the pace more than
    15 % above the plan; it stays a warning until it goes).

    `words` is what to do, to be shown big, `detail` why, and `sides` the feet it is about.
    """

    kind: str
    level: str
    words: str
    detail: str
    sides: tuple[str, ...]


@dataclass(frozen=True)
class OrderState:
    """Say how one foot does: whether a hint is due, how strong, and how many of the last judged steps were missed."""

    is_due: bool = False
    is_strong: bool = False
    missed_n: int = 0
    judged_n: int = 0


def order_state(strides: Sequence[Stride], target_order: str) -> OrderState:
    """Follow the strides of one foot since the last pause. A target that is no order is never missed."""
    if target_order not in _JUDGED:
        return OrderState()
    recent: deque[bool] = deque(maxlen=OF_LAST_N)  # True is missed
    is_due = is_strong = False
    for number, stride in enumerate(strides):
        if number and not 0 <= stride.initial_contact_s - strides[number - 1].initial_contact_s <= QUIET_S:
            recent.clear()
            is_due = is_strong = False
        if stride.contact_order not in _JUDGED or stride.direction == "forward":
            continue
        recent.append(stride.contact_order != target_order)
        if is_due and not any(list(recent)[-GOOD_N:]):
            is_due = is_strong = False
            recent.clear()  # it takes as much as before to come back
        is_due = is_due or sum(recent) >= MISSED_N
        is_strong = is_strong or (is_due and sum(recent) == OF_LAST_N)
    return OrderState(is_due, is_strong, sum(recent), len(recent))


def pace_excess(strides: Sequence[Stride], limit_steps_min: float) -> float:
    """Give by how many times the pace of one foot is above the limit; 0 when no hint is due.

    It is due above 1.03 times the limit and until the limit is kept again.
    """
    excess = 0.0
    for end in range(1, len(strides) + 1):
        times_s = recent_stride_times_s(strides[max(0, end - OF_LAST_N - 1) : end])
        ratio = to_cadence_steps_min(times_s) / limit_steps_min if len(times_s) >= _PACE_TIME_N else 0.0
        if ratio <= 1.0:
            excess = 0.0
        elif excess or ratio > PACE_ENTER:
            excess = max(excess, ratio)
    return excess


def choose_hint(feet: Sequence[Walker], limit_steps_min: float | None = None) -> Hint | None:
    """Give what is to be said now, None when all is well or nothing is known.

    Pace goes before order: it is the one that makes people fall.
    """
    walking = [foot for foot in feet if foot.is_connected and is_walking(foot.strides, foot.now_s)]
    return _pace_hint(walking, limit_steps_min) or _order_hint(walking)


def _pace_hint(feet: Sequence[Walker], limit_steps_min: float | None) -> Hint | None:
    if limit_steps_min is None:
        return None
    excess = {foot.side: pace_excess(foot.strides, limit_steps_min) for foot in feet}
    due = [foot for foot in feet if excess[foot.side]]
    if not due:
        return None
    level = "warning" if max(excess.values()) > PACE_MUCH else "notice"
    pace = max(cadence_steps_min(foot.strides, foot.now_s) for foot in due)
    detail = f"{pace:.0f} steps/min, the plan says up to {limit_steps_min:.0f}"
    return Hint("pace", level, "Slower", detail, tuple(foot.side for foot in due))


def _order_hint(feet: Sequence[Walker]) -> Hint | None:
    states = {foot.side: order_state(foot.strides, foot.target_order) for foot in feet}
    due = [foot for foot in feet if states[foot.side].is_due]
    if not due:
        return None
    target = due[0].target_order
    due = [foot for foot in due if foot.target_order == target]  # two feet with two targets: one hint at a time
    level = "warning" if any(states[foot.side].is_strong for foot in due) else "notice"
    counts = [states[foot.side] for foot in due]
    detail = f"{_MISSED[target]} in {counts[0].missed_n} of {counts[0].judged_n} recent steps, {due[0].side}"
    if len(due) > 1:
        detail += f", and {counts[1].missed_n} of {counts[1].judged_n}, {due[1].side}"
    return Hint("order", level, _DO[target], detail, tuple(foot.side for foot in due))
