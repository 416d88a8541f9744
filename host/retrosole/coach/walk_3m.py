"""The timed 3-metre backward walk: its steps, and its times out of a kept session.

A time is from the first foot leaving the ground to the last foot touching it, within the marks of a try. The insole's
strides do not tell when a foot that stood long is lifted, so the samples do: a foot is on the ground while its load is
above a tenth of its own range within the try (two thresholds, interpolated between samples).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.coach.step import Step
from retrosole.plan.model import Walk3m
from retrosole.plan.notes import STOPPED, TRY_BEGINS, TRY_ENDS
from retrosole.session.reader import Session

LEVEL = 0.10  # of the range
UPPER_LEVEL = 0.15  # it has to be passed for a contact to count
LEAST_RANGE_COUNTS = 500  # all channels together; less and the foot was not lifted, or hardly loaded
_SMOOTH_S = 0.025  # noise is not the lowest load
LEAST_SWING_S = 0.08
_LATE_S = 0.5  # by which the mark of an end may come early, against that of the beginning

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Timed:
    """Hold a try: its number, its time in seconds (None with the reason in `text`), and how often a foot touched down.

    `sides` are the feet that were seen; with one alone, the other one's first or last step may be missing.
    """

    number: int
    seconds: float | None
    contact_n: int
    sides: tuple[str, ...]
    text: str = ""


def steps_of(test: Walk3m) -> list[Step]:
    """Lay out the test as steps."""
    steps = []
    for number in range(1, test.tries + 1):
        steps.append(Step("try", test.say, test.most_s, number, number, test.tries, still_s=test.still_s))
        if number < test.tries:
            say = f"Walk forward to the first line again, and rest. {test.rest_s:.0f} seconds."
            steps.append(Step("rest", say, test.rest_s, number))
    return steps


def time_tries(session: Session, test: Walk3m) -> list[Timed]:
    """Give the tries that are marked in a session, in order. One that was stopped or never over has no time."""
    marks = {side: _marks(session, side) for side in session.sides}
    found = []
    for number in range(1, test.tries + 1):
        begun = {side: at for side, at in marks.items() if TRY_BEGINS + number in at}
        if begun:
            found.append(_time(session, number, begun, test.most_s))
    return found


def _marks(session: Session, side: str) -> dict[int, float]:
    """Give when each mark was set first, in the session's seconds, by its code."""
    return {code: at_s for at_s, code in reversed(session.marks(side))}


def _time(session: Session, number: int, marks: dict[str, dict[int, float]], most_s: float) -> Timed:
    both = {side: (at[TRY_BEGINS + number], at.get(TRY_ENDS + number, -1.0)) for side, at in marks.items()}
    spans = {side: span for side, span in both.items() if span[1] > span[0]}
    if not spans:
        return Timed(number, None, 0, (), "its end was not marked: it was broken off, or the insole was gone")
    if any(begin_s <= marks[side].get(STOPPED, -1.0) <= end_s for side, (begin_s, end_s) in spans.items()):
        return Timed(number, None, 0, tuple(spans), "it was stopped before its end")
    if any(end_s - begin_s > most_s - _LATE_S for begin_s, end_s in spans.values()):
        return Timed(number, None, 0, tuple(spans), f"nobody had come to a stand after {most_s:.0f} s")
    events = {side: found for side, span in spans.items() if (found := _events(session, side, span))}
    return _timed(session, number, events)


def _timed(session: Session, number: int, events: dict[str, tuple[Floats, Floats]]) -> Timed:
    if not events:
        return Timed(number, None, 0, (), "no foot was seen leaving the ground and coming down again")
    if len(events) > 1 and not session.alignment.is_aligned:
        return Timed(number, None, 0, tuple(events), f"the feet are not on one clock ({session.alignment.text})")
    first_s = min(float(lifts[0]) for lifts, _ in events.values())
    last_s = max(float(contacts[-1]) for _, contacts in events.values())
    contact_n = sum(len(contacts) for _, contacts in events.values())
    return Timed(number, last_s - first_s, contact_n, tuple(events))


def _events(session: Session, side: str, span: tuple[float, float]) -> tuple[Floats, Floats] | None:
    times_s = session.times_s(side)
    _, counts = session.samples(side)
    here = (times_s >= span[0]) & (times_s < span[1])
    rows = counts[here].astype(np.float64)
    rows[rows >= wire.MISSING_COUNT] = np.nan
    with np.errstate(invalid="ignore"):
        total = np.nansum(rows, axis=1)
    return lifts_and_contacts(times_s[here], total, session.rate_hz(side))


def lifts_and_contacts(times_s: Floats, total: Floats, rate_hz: float) -> tuple[Floats, Floats] | None:
    """Give when a foot left the ground and when it came down, from its load (counts); None when it did not do both."""
    width = max(1, round(_SMOOTH_S * rate_hz))
    if len(total) < 4 * width:
        return None
    smooth = np.convolve(total, np.ones(width) / width, mode="valid")
    low, high = float(smooth.min()), float(smooth.max())
    if high - low < LEAST_RANGE_COUNTS:
        return None
    level, upper = low + LEVEL * (high - low), low + UPPER_LEVEL * (high - low)
    lifts, contacts = [], []
    is_down = bool(total[0] >= level)
    for k in range(1, len(total)):
        if is_down and total[k] < level:
            lifts.append(_crossing(times_s, total, k, level))
            is_down = False
        elif not is_down and total[k] >= upper:
            begin = int(np.flatnonzero(total[: k + 1] < level)[-1]) + 1  # where it last rose through the lower level
            at_s = _crossing(times_s, total, begin, level)
            if lifts and at_s - lifts[-1] < LEAST_SWING_S:
                lifts.pop()  # no more than a flutter
            else:
                contacts.append(at_s)
            is_down = True
    if not lifts or not contacts or contacts[-1] <= lifts[0]:
        return None
    return np.array(lifts), np.array(contacts)


def _crossing(times_s: Floats, total: Floats, k: int, level: float) -> float:
    step = float(total[k] - total[k - 1])
    part = (level - float(total[k - 1])) / step if step else 1.0
    return float(times_s[k - 1] + part * (times_s[k] - times_s[k - 1]))


def result_lines(test: Walk3m, tries: list[Timed]) -> list[str]:
    """Say the times, and quote the published cut-offs without judging."""
    if not tries:
        return [f"{test.title}: no try was marked in this session, so there is nothing to time"]
    lines = [test.title]
    for one in tries:
        if one.seconds is None:
            lines.append(f"  try {one.number}: no time, since {one.text}")
        else:
            lines.append(f"  try {one.number}: {one.seconds:.1f} s, a foot came down {_times(one.contact_n)}")
    seconds = [one.seconds for one in tries if one.seconds is not None]
    if len(seconds) > 1:
        mean_s = sum(seconds) / len(seconds)
        lines.append(f"  mean of {len(seconds)}: {mean_s:.1f} s, from {min(seconds):.1f} to {max(seconds):.1f} s")
    if any(one.seconds is not None and len(one.sides) == 1 for one in tries):
        lines.append("  One foot only was seen: when the other one began or ended the walk, its step is missing here.")
    return [*lines, test.timed, *_cut_off_lines(test)]


def _cut_off_lines(test: Walk3m) -> list[str]:
    from retrosole.plan.loader import load_sources
    from retrosole.plan.words import source_text

    lines = ["Published, for comparison:"]
    for cut in test.cut_offs:
        lines.append(f"  - {cut.seconds:g} s, from {cut.n} {cut.who}: {cut.says}.")
        lines += [f"    {source_text(load_sources()[one])}" for one in cut.sources]
    return [*lines, test.note]


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
