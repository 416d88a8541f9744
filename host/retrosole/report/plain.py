"""The walk in a few sentences for the person who walked, and the figures that everybody asks for first."""

from __future__ import annotations

from collections.abc import Iterator

from retrosole.gait.parameters import BY_NAME
from retrosole.gait.statistics import Shares, Statistic
from retrosole.report.facts import Facts
from retrosole.report.markup import Safe, joined, tag
from retrosole.report.ways import that_went, told_shares, told_together, went_several_ways
from retrosole.report.words import NBSP, both_words, counted, duration, of_hundred

_LEAST_TOLD_N = 3  # strides of a foot, to speak of how it walked
_EQUAL_PERCENT = 2.0  # a difference between the feet that is told as none
_APART_POINTS = 5.0  # of two feet's shares that are told apart
_FIRST = {
    "forefoot_first": "The toes touched the ground first",
    "heel_first": "The heel touched the ground first",
    "together": "Toes and heel touched the ground together",
}
PROMISE = (
    "These are measurements of shoes on the ground, not a diagnosis. "
    "What they mean for you is best talked over with the person who treats you."
)


def in_short(facts: Facts) -> list[str]:
    """Say in plain words how the walk was, in one or two paragraphs."""
    if not facts.stride_n:
        return [" ".join([*_no_steps(facts), *_missing(facts)])]
    first = [_steps(facts), *_way(facts), *_toes(facts), *_heel(facts)]
    second = [*_pace(facts), *_symmetry(facts), *_steadiness(facts), *_few(facts), *_missing(facts)]
    return [" ".join(first), " ".join(second)]


def _no_steps(facts: Facts) -> Iterator[str]:
    if facts.analysis.duration_s <= 0:
        yield "The session ended before the first sample, so no steps were seen."
        return
    yield f"The insoles saw no steps in {duration(facts.analysis.duration_s)}."
    yield "Standing, sitting and swaying from foot to foot are not counted as steps."


def _steps(facts: Facts) -> str:
    by_side = {side: one.stride_n for side, one in facts.analysis.shares.items() if side != "both"}
    length = duration(facts.analysis.duration_s)
    if len(by_side) == 1:
        side, n = next(iter(by_side.items()))
        return f"In {length} the insole of {_the(side)} saw {counted(n, 'step')} of this foot."
    seen = f"In {length} the insoles saw {counted(facts.stride_n, 'step')}"
    walked = {side: n for side, n in by_side.items() if n}
    if len(walked) > 1:
        return f"{seen}: {' and '.join(f'{n:,} of {_the(side)}' for side, n in walked.items())}."
    silent = [side for side in by_side if not (by_side[side] or facts.analysis.losses[side].expected_n)]
    more = "".join(f"; the {side} insole sent nothing" for side in silent)
    return f"{seen}, {'all ' if facts.stride_n > 1 else ''}of {_the(next(iter(walked)))}{more}."


def _the(side: str) -> str:
    return "the foot" if side == "unset" else f"the {side} foot"


def _whole(facts: Facts) -> Shares:
    found = facts.analysis.shares
    return found["both"] if "both" in found else next(iter(found.values()))


def _way(facts: Facts) -> Iterator[str]:
    ways = _whole(facts).direction
    known = {way: n for way, n in ways.items() if way != "unknown"}
    unknown_n = ways.get("unknown", 0)
    if not known:
        yield "Which way they went is unclear." if unknown_n > 1 else "Which way it went is unclear."
        return
    if len(known) == 1 and not unknown_n:
        yield f"{'All of them' if facts.stride_n > 1 else 'It'} went {next(iter(known))}."
        return
    told = both_words(f"{n:,} went {way}" for way, n in known.items())
    more = f"; for {unknown_n:,} it is unclear" if unknown_n else ""
    yield f"{told[0].upper()}{told[1:]}{more}."


def _toes(facts: Facts) -> Iterator[str]:
    """Tell what mostly touched first."""
    found, which = told_together(facts.analysis), that_went(facts.analysis)
    order = next((word for word in found.contact_order if word != "unknown"), None)  # the most frequent one
    if order is None:
        yield f"Whether toes or heel touched the ground first is unclear{f' of the steps{which}' if which else ''}."
        return
    unknown_n = found.stride_n - found.decided_n
    left = f"; for {counted(unknown_n, 'step')} that is unclear" if unknown_n else ""
    step = "clear step" if unknown_n else "step"
    often = f" {of_hundred(_percent(found, order), step)}" if found.stride_n > 1 else ""
    yield f"{_FIRST[order]}{often}{which}{_apart(told_shares(facts.analysis), order)}{left}."


def _percent(found: Shares, order: str) -> float:
    """Give the share of an order among the contacts that are clear."""
    return 100.0 * found.contact_order.get(order, 0) / found.decided_n


def _apart(of_feet: dict[str, Shares], order: str) -> str:
    known = {side: _percent(one, order) for side, one in of_feet.items() if one.decided_n}
    if len(known) < 2 or max(known.values()) - min(known.values()) <= _APART_POINTS:
        return ""
    return f" ({', '.join(f'{side} foot {percent:.0f}' for side, percent in known.items())} of 100)"


def _heel(facts: Facts) -> Iterator[str]:
    lowering = _of_feet(facts, "heel_lowering_s")
    if lowering:
        yield f"After the toes, the heel came down {_per_foot(lowering)} later."


def _pace(facts: Facts) -> Iterator[str]:
    cadence, stance = _of_feet(facts, "cadence_steps_min"), _of_feet(facts, "stance_s")
    if cadence:
        mean = sum(one.mean * one.n for one in cadence.values()) / sum(one.n for one in cadence.values())
        start = f"Walking {facts.analysis.direction}, the" if went_several_ways(facts.analysis) else "The"
        yield f"{start} pace was about {mean:.0f} steps a minute."
    if stance:
        whose = "Each time, a foot" if len(stance) > 1 else f"Each time, {_the(next(iter(stance)))}"
        yield f"{whose} stayed on the ground for {_per_foot(stance)}."


def _of_feet(facts: Facts, name: str) -> dict[str, Statistic]:
    found = {side: feet[name] for side, feet in facts.analysis.feet.items() if name in feet}
    return {side: one for side, one in found.items() if one.n >= _LEAST_TOLD_N}


def _per_foot(found: dict[str, Statistic]) -> str:
    """Give a time in seconds, once where both feet agree to a hundredth."""
    values = {side: f"{one.mean:.2f}{NBSP}s" for side, one in found.items()}
    if len(set(values.values())) > 1:
        return both_words(f"{value} ({side})" for side, value in values.items())
    return next(iter(values.values()))


def _symmetry(facts: Facts) -> Iterator[str]:
    percent = facts.analysis.asymmetry.get("stance_s")
    if percent is None:
        return
    if abs(percent) < _EQUAL_PERCENT:
        yield f"Both feet stayed on the ground about equally long (less than {_EQUAL_PERCENT:.0f}{NBSP}% apart)."
        return
    longer, shorter = ("left", "right") if percent > 0 else ("right", "left")
    yield f"The {longer} foot stayed on the ground {abs(percent):.0f}{NBSP}% longer than the {shorter} one."


def _steadiness(facts: Facts) -> Iterator[str]:
    every = facts.analysis.steadiness.values()
    early = [one.early.cv_percent for one in every if one.early.cv_percent is not None]
    late = [one.late.cv_percent for one in every if one.late.cv_percent is not None]
    if early and late:
        thirds = f"{_range(early)} in the first third of the walk, {_range(late)} in the last"
        yield f"From step to step the time varied by {thirds}."


def _range(percents: list[float]) -> str:
    low, high = f"{min(percents):.1f}", f"{max(percents):.1f}"
    return f"{low}{NBSP}%" if low == high else f"{low} to {high}{NBSP}%"


def _few(facts: Facts) -> Iterator[str]:
    if facts.usable_n < 2 * _LEAST_TOLD_N:
        steps = counted(facts.usable_n, "step")
        yield (
            f"Only {steps} can stand for the walk, so means and spreads say little."
            if facts.usable_n
            else ("No step can stand for the walk, so there are no means; why is told below.")
        )


def _missing(facts: Facts) -> Iterator[str]:
    losses = facts.analysis.losses.values()
    expected_n, received_n = sum(one.expected_n for one in losses), sum(one.received_n for one in losses)
    if not expected_n:
        if facts.stride_n:
            yield "No samples came, so what needs them is not told."
    elif missing_n := expected_n - received_n:
        percent = 100 * missing_n / expected_n
        text = f"{percent:.0f}{NBSP}%" if percent >= 1 else f"less than 1{NBSP}%"
        yield f"Of the recording {text} is missing; where steps were touched by that, they are left out."
    elif facts.check.is_complete:
        yield "Nothing is missing from the recording."
    else:
        yield "Part of the recording is missing: what and why is told below, under gaps and quality."


# ------------------------------------------------------------------------------------------------------------ tiles


def tiles(facts: Facts) -> Safe:
    """Give the figures asked for first, each with how many steps it is of."""
    parts = [_tile("Steps", {"": f"{facts.stride_n:,}"}, f"{facts.usable_n:,} stand for the walk")]
    of_feet = told_shares(facts.analysis)
    toes = {side: f"{p:.0f}{NBSP}%" for side, one in of_feet.items() if (p := one.toe_first_percent) is not None}
    if toes:
        decided_n, n = (sum(getattr(one, of) for one in of_feet.values()) for of in ("decided_n", "stride_n"))
        below = f"{_clear_text(decided_n, n)}{that_went(facts.analysis)}"
        parts.append(_tile("Toes first", toes, below))
    for name, title in (
        ("cadence_steps_min", "Steps a minute"),
        ("stance_s", "Stance"),
        ("heel_lowering_s", "Heel lowering"),
    ):
        found = {side: feet[name] for side, feet in facts.analysis.feet.items() if name in feet}
        if found:
            parts.append(
                _tile(title, {side: _value(name, one) for side, one in found.items()}, _n_text(found))
            )
    return tag("div", *parts, class_="tiles")


def _value(name: str, found: Statistic) -> str:
    parameter = BY_NAME[name]
    unit = "" if name == "cadence_steps_min" else f"{NBSP}{parameter.shown_unit}"
    return f"{parameter.shown(found.mean)}{unit}"


def _clear_text(n: int, of_n: int) -> str:
    return f"of all {n:,}" if n == of_n else f"of {n:,}; {of_n - n:,} unclear"


def _n_text(found: dict[str, Statistic]) -> str:
    n = sum(one.n for one in found.values())
    return f"{'mean of' if n > 1 else 'of'} {counted(n, 'step')}"


def _tile(title: str, values: dict[str, str], below: str) -> Safe:
    def side(name: str) -> Safe | None:
        return tag("small", f"{name} ") if name in ("left", "right") else None

    lines = [tag("b", joined(side(name), value)) for name, value in values.items()]
    return tag("div", tag("span", title, class_="what"), *lines, tag("span", below, class_="below"), class_="tile")
