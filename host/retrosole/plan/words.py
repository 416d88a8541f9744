"""A plan as a person reads it: lines of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from retrosole.plan.loader import load_contradictions, load_safety, load_sources, source_ids
from retrosole.plan.model import Load, Part, Plan, Safety, Source, Stage
from retrosole.plan.stages import Position

_SUPPORT = {"hold": "holding on", "spotter": "with help within reach", "free": "free"}
_PACE = {"very_slow": "very slowly", "slow": "slowly", "usual": "at the pace that comes by itself", "brisk": "briskly"}
_READ = {"whole": "", "abstract": " (its abstract was read)", "summary": " (a summary was read)"}
_WHOSE = "When to go on and when not yet is in this project's own words; the sources give the order and the amounts."
_KM_PER_MILE = 1.609344


def plan_lines(plan: Plan) -> list[str]:
    """Give a whole plan: what it is, its stages, safety, where sources disagree, and the sources."""
    order = _all_sources(plan)
    lines = [f"{plan.title}  ({plan.id})", "", plan.about, f"For: {plan.for_whom}", f"How often: {per_week(plan)}."]
    lines += [_WHOSE, ""]
    for number, stage in enumerate(plan.stages, 1):
        lines += [*stage_lines(plan, number, stage), f"  From: {_numbers(order, stage.sources)}", ""]
    lines += [*safety_lines(load_safety(), order), "", *contradiction_lines(order), "", "Sources"]
    known = {**load_sources(), **plan.known}
    return [*lines, *(f"  [{n}] {source_text(known[one])}" for n, one in enumerate(order, 1))]


def _all_sources(plan: Plan) -> list[str]:
    """Give the sources of a plan, of the safety texts and of the contradictions, each once."""
    safety = load_safety()
    said = [one for saying in (*safety.rules, *safety.ask_first) for one in saying.sources]
    seen = [one for point in load_contradictions() for view in point.views for one in view.sources]
    return list(dict.fromkeys([*source_ids(plan), *said, *seen]))


def per_week(plan: Plan) -> str:
    """Say how often a plan is practised."""
    low, high = plan.sessions_per_week
    text = f"{low} times a week" if low == high else f"{low} to {high} times a week"
    text = "once a week" if (low, high) == (1, 1) else text
    weeks = f", for {plan.weeks} weeks" if plan.weeks else ""
    return text + weeks + (", with a professional present" if plan.supervised else "")


def stage_lines(plan: Plan, number: int, stage: Stage) -> list[str]:
    """Give one stage: what is done, what is new in it, when to go on and when not yet."""
    lines = [f"Stage {number} of {len(plan.stages)}: {stage.title}"]
    lines += [f"  {line}" for line in stage.do]
    lines.append(f"  Session: {'; '.join(part_text(part) for part in stage.parts)}.")
    lines.append(f"  How: {load_text(stage.load)}.")
    if stage.changes:
        lines.append(f"  The one thing that is new: {stage.changes}.")
    asked = f"{stage.sessions} good sessions in a row" if stage.sessions > 1 else "1 good session"
    days = f" on {stage.days} days" if stage.days > 1 else ""
    if number < len(plan.stages):
        lines.append(f"  Go on after {asked}{days}, when: {' '.join(stage.move_on)}")
    else:
        lines.append(f"  After {asked}{days}: {' '.join(stage.move_on)}")
    lines.append(f"  Not yet, when: {' '.join(stage.not_yet)}")
    if stage.ours:
        lines.append(f"  Not from the sources: {stage.ours}")
    return lines


def part_text(part: Part) -> str:
    """Say in a few words what a part is."""
    what = {"walk": "walk backward", "rest": "rest", "warm_up": "warm up", "cool_down": "cool down"}
    if part.kind == "touch":
        text = f"{part.touches} toe touches, {part.side} foot"
    else:
        text = f"{what[part.kind]} {seconds_text(part.seconds)}"
    if part.metres:
        text += f" (or {part.metres[0]:g} to {part.metres[1]:g} m)"
    if part.repeat > 1:
        text += f", {part.repeat} times"
        text += f" with {seconds_text(part.rest_s)} of rest between" if part.rest_s else ""
    return text


def seconds_text(seconds: float) -> str:
    """Give a length of time in words: 30 s, 2 min, 90 s."""
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"


def load_text(load: Load) -> str:
    """Say how hard a stage is."""
    words = ["on a treadmill" if load.place == "treadmill" else "on the ground", _SUPPORT[load.support]]
    if load.pace:
        words.append(_PACE[load.pace])
    if load.speed_mph:
        words.append(f"{load.speed_mph:g} mph ({load.speed_mph * _KM_PER_MILE:.1f} km/h)")
    if load.incline_percent:
        words.append(f"{load.incline_percent:g} % uphill")
    if load.resistance != "none":
        words.append(f"{load.resistance} resistance")
    return ", ".join(words)


def safety_lines(safety: Safety, order: Sequence[str] = ()) -> list[str]:
    """Give the rules, who asks a professional first, and that nothing here is advice; `order` numbers the sources."""
    said = (*safety.rules, *safety.ask_first)
    lines = [f"  - {one.say} {_numbers(order, one.sources)}".rstrip() for one in said]
    return ["Safety", *lines, f"  {safety.promise}"]


def contradiction_lines(order: Sequence[str]) -> list[str]:
    """Give what the sources disagree about; `order` numbers the sources."""
    lines = ["Where the sources do not agree"]
    for point in load_contradictions():
        lines.append(f"  {point.topic}")
        lines += [f"    - {view.say} {_numbers(order, view.sources)}" for view in point.views]
        lines.append(f"    Here: {point.ours}")
    return lines


def position_lines(plan: Plan, where: Position) -> list[str]:
    """Say where somebody is in a plan, and why."""
    stage = plan.stages[where.following - 1]
    lines = list(where.why)
    if where.is_over:
        return [*lines, f"You are through the plan. Stay with stage {where.following}, or choose another plan."]
    same = " again" if where.following == where.at else ""
    return [*lines, f"Next: stage {where.following} of {len(plan.stages)}{same}: {stage.title}."]


def source_text(source: Source) -> str:
    """Give a source with how much of it was read, and where it is."""
    where = f" {source.where}" if source.where else ""
    return f"{source.title}.{where}{_READ[source.read]}"


def _numbers(order: Sequence[str], ids: Sequence[str]) -> str:
    return " ".join(f"[{order.index(one) + 1}]" for one in ids if one in order)
