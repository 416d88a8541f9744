"""An analysis as people and programs read it: lines of a table, and JSON without nan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from retrosole.gait.analysis import Analysis
from retrosole.gait.statistics import STEADY, Shares, Statistic, Steadiness
from retrosole.gait.table import BREAK_S, BY_NAME, GAP_S, PARAMETERS, Parameter
from retrosole.gait.typical import (
    ATYPICAL,
    BESIDE_A_GAP,
    DIRECTION_CHANGES,
    DIRECTION_UNKNOWN,
    FIRST_OR_LAST,
    NOT_WHOLE,
    OTHER_DIRECTION,
)

HEADINGS = ("", "", "n", "mean", "SD", "CV %", "median", "unit")
RIGHT = (2, 3, 4, 5, 6)

WHY = {
    NOT_WHOLE: "its beginning or end was not seen",
    BESIDE_A_GAP: f"a stride beside it is missing, or no sample was taken for {1000 * GAP_S:.0f} ms or at a reset",
    FIRST_OR_LAST: f"it begins or ends a walk: none of this foot within {BREAK_S:.0f} s before or behind it",
    OTHER_DIRECTION: "it did not go the way that is summarised",
    DIRECTION_CHANGES: "the stride before or behind it went another way",
    DIRECTION_UNKNOWN: "no stride of this walk tells which way it went",
    ATYPICAL: "a turn, a stumble or a pause: far from the strides around it in time or load",
}
_ORDER_WORDS = {
    "forefoot_first": "forefoot first",
    "heel_first": "heel first",
    "together": "together",
    "unknown": "unknown",
}


def statistic_rows(analysis: Analysis) -> Iterator[tuple[str, ...]]:
    """Give the cells below `HEADINGS`: for each parameter a row for each foot, then what needs both."""
    for parameter in PARAMETERS:
        title = parameter.title
        for side in analysis.sides:
            found = analysis.feet[side].get(parameter.name)
            if found is not None:
                yield (title, side, *_cells(parameter, found))
                title = ""
        if parameter.name in analysis.both:
            yield (title, "both", *_cells(parameter, analysis.both[parameter.name]))


def _cells(parameter: Parameter, found: Statistic) -> tuple[str, ...]:
    cv = "-" if found.cv_percent is None else f"{found.cv_percent:.1f}"
    values = (parameter.shown(found.mean), parameter.shown(found.sd), cv, parameter.shown(found.median))
    return (str(found.n), *values, parameter.shown_unit)


def share_lines(analysis: Analysis) -> Iterator[str]:
    """Say how the feet touched and left the ground, and which way they went; of all strides."""
    for side in analysis.sides:
        shares = analysis.shares[side]
        if not shares.stride_n:
            yield f"{side}: no strides"
            continue
        yield f"{side}: {_strides(shares.stride_n)}, {_toe_first_text(shares)}"
        yield f"{side}: first on the ground {_words(shares.contact_order)}"
        yield f"{side}: first off the ground {_words(shares.lift_order)}"
        yield f"{side}: direction {_words(shares.direction)}"


def _toe_first_text(shares: Shares) -> str:
    share = shares.toe_first_percent
    if share is None:
        return "forefoot or heel first could not be told of any"
    return f"forefoot first {share:.0f} % of {shares.decided_n} told, {shares.unknown_percent:.0f} % unknown"


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{_ORDER_WORDS.get(word, word)} {n}" for word, n in counts.items())


def left_out_lines(analysis: Analysis) -> Iterator[str]:
    """Say which strides the numbers are of, what was left out, and why."""
    usable_n, stride_n = sum(analysis.usable_n.values()), len(analysis.table["side"])
    if not stride_n:
        yield "no strides, so there is nothing to summarise"
        return
    way = "" if analysis.direction == "unknown" else f", walked {analysis.direction}"
    yield f"summarised: {usable_n} of {_strides(stride_n)}{way}"
    for reason, n in analysis.left_out.items():
        yield f"left out: {n} {reason} ({WHY[reason]})"


def more_lines(analysis: Analysis) -> Iterator[str]:
    """Say what both feet, the beginning and the end of the walk, and the runs of direction are like."""
    for name, percent in analysis.asymmetry.items():
        if name in _TOLD_ASYMMETRIES:
            yield f"asymmetry of {BY_NAME[name].title.lower()}: {_signed(percent)} %"
    if analysis.asymmetry:
        yield "  100 x (left - right) / mean of both: above 0 the left is more"
    for side, steady in analysis.steadiness.items():
        early, late = steady.early.cv_percent, steady.late.cv_percent
        if early is not None and late is not None:
            yield f"{side}: stride time varies by {early:.1f} % in the first third, {late:.1f} % in the last"
    yield from _run_lines(analysis)
    if len(analysis.sides) > 1:
        yield f"both feet: {analysis.both_text}"
    counts = [side for side in analysis.sides if not analysis.is_calibrated[side] and analysis.usable_n[side]]
    if counts:
        yield f"loads in sensor counts, to compare strides of one insole: not calibrated: {', '.join(counts)}"


def _run_lines(analysis: Analysis) -> Iterator[str]:
    for side in dict.fromkeys(run.side for run in analysis.runs):
        ways = [run for run in analysis.runs if run.side == side and run.direction != "unknown"]
        if len(ways) > 1:
            longest = max(ways, key=lambda run: run.stride_n)
            whose = "" if side == "both" else f"{side}: "
            text = f"{whose}runs of direction: {len(ways)}, the longest {longest.direction} with"
            yield f"{text} {_strides(longest.stride_n)}"


_TOLD_ASYMMETRIES = ("stance_s", "swing_s", "heel_lowering_s", "forefoot_peak_percent", "heel_peak_percent")


def _signed(percent: float) -> str:
    text = f"{percent:+.1f}"
    return text if float(text) else text[1:]


def _strides(n: int) -> str:
    return "1 stride" if n == 1 else f"{n} strides"


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Give an analysis without its table as JSON takes it; what is not known is null or not there."""
    return {
        "started": analysis.started,
        "duration_s": analysis.duration_s,
        "direction": analysis.direction,
        "sides": list(analysis.sides),
        "stride_n": len(analysis.table["side"]),
        "usable_n": analysis.usable_n,
        "left_out": analysis.left_out,
        "is_calibrated": analysis.is_calibrated,
        "feet": {side: _all_json(found) for side, found in analysis.feet.items()},
        "both": _all_json(analysis.both),
        "both_text": analysis.both_text,
        "both_sigma_s": analysis.both_sigma_s,
        "asymmetry_percent": analysis.asymmetry,
        "shares": {side: _shares_json(one) for side, one in analysis.shares.items()},
        "runs": [asdict(run) for run in analysis.runs],
        "steadiness": {side: _steadiness_json(steady) for side, steady in analysis.steadiness.items()},
        "losses": {side: asdict(losses) for side, losses in analysis.losses.items()},
    }


def _shares_json(shares: Shares) -> dict[str, Any]:
    names = ("decided_n", "toe_first_percent", "unknown_percent", "backward_percent", "unknown_direction_percent")
    return asdict(shares) | {name: getattr(shares, name) for name in names}


def _steadiness_json(steady: Steadiness) -> dict[str, Any]:
    return {"parameter": STEADY, "unit": BY_NAME[STEADY].unit, **asdict(steady)}


def _all_json(found: dict[str, Statistic]) -> dict[str, Any]:
    return {name: {"unit": BY_NAME[name].unit, **asdict(one)} for name, one in found.items()}
