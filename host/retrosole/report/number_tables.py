"""Numbers behind the figures: means and spreads, left against right, what was left out, what is missing, versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrosole.gait.parameters import BY_NAME, PARAMETERS, Parameter
from retrosole.gait.pressure import COUNTS
from retrosole.gait.statistics import LEAST_COMPARED_N, Statistic
from retrosole.gait.words import WHY
from retrosole.report.facts import Facts
from retrosole.report.figure import columns, figure, without
from retrosole.report.markup import Safe, foreign, joined, paragraph, table, tag
from retrosole.report.plot import HALF, Plot, round_up, ticks
from retrosole.report.ways import that_went
from retrosole.report.words import NBSP, ORDERS, TITLES, both_words, clock, counted, share, signed
from retrosole.session.check import SideCheck
from retrosole.session.gaps import Gap
from retrosole.session.sensors import Sensor
from retrosole.session.summary import other_loss_text

_COMPARED = (  # times of one stride of both feet are equal by themselves; these need not be
    "stance_s",
    "swing_s",
    "heel_lowering_s",
    "rollover_s",
    "forefoot_peak_percent",
    "heel_peak_percent",
    "forefoot_impulse_percent_s",
    "heel_impulse_percent_s",
)
_SHOWN_GAPS = 12
Teller = Callable[[Facts, str], str]

# ------------------------------------------------------------------------------------------------------ all numbers


def statistic_table(facts: Facts) -> Safe:
    """Give every parameter: for each foot how many steps, mean and spread, variation, median."""
    groups: list[list[tuple[str, ...]]] = []
    for parameter in PARAMETERS:
        of_feet = {side: feet.get(parameter.name) for side, feet in facts.analysis.feet.items()}
        found = {side: one for side, one in of_feet.items() if one is not None}
        if parameter.name in facts.analysis.both:
            found["both"] = facts.analysis.both[parameter.name]
        if found:
            head = (f"{parameter.title}, {parameter.shown_unit}",)
            groups.append([head, *(_statistic_row(parameter, side, one) for side, one in found.items())])
    if not groups:
        return without("No step stands for the walk, so there are no means and spreads.")
    half = len(groups) - len(groups) // 2
    return columns([_statistic_part(part) for part in (groups[:half], groups[half:]) if part])


def _statistic_part(groups: list[list[tuple[str, ...]]]) -> Safe:
    rows = [row for group in groups for row in group]
    return table(("", "n", "mean ± SD", "CV %", "median"), rows, right=(1, 2, 3, 4))


def _statistic_row(parameter: Parameter, side: str, found: Statistic) -> tuple[str, ...]:
    cv = "–" if found.cv_percent is None else f"{found.cv_percent:.1f}"
    sd = "" if found.sd is None else f" ± {parameter.shown(found.sd)}"
    foot = "foot" if side == "unset" else side
    return foot, f"{found.n:,}", f"{parameter.shown(found.mean)}{sd}", cv, parameter.shown(found.median)


def definitions(facts: Facts) -> Safe:
    """Say what every parameter is that the report has numbers of."""
    there = {name for feet in facts.analysis.feet.values() for name in feet} | set(facts.analysis.both)
    entries = [tag("div", tag("dt", p.title, _near(p)), tag("dd", p.definition)) for p in PARAMETERS if p.name in there]
    note = "Behind ±: how near single steps come to the truth of the gait model, 19 of 20 of them."
    words = paragraph("Toes: the forefoot, toes and ball. A step: one stance of one foot. Median: half are above it.")
    return joined(words, tag("dl", *entries), paragraph(note, class_="note") if entries else None)


def _near(parameter: Parameter) -> Safe | None:
    if parameter.resolution is None or parameter.is_count:  # counts of the model's insole are not those of this one
        return None
    value = parameter.resolution * parameter.shown_factor
    decimals = 0 if value == round(value) else 2 if value < 1 else 1
    return tag("small", f" ±{NBSP}{value:.{decimals}f}{NBSP}{parameter.shown_unit}")


# -------------------------------------------------------------------------------------------------- left and right


def symmetry(facts: Facts) -> Safe:
    """Show how much more the left foot has than the right one, and what both feet do together."""
    analysis = facts.analysis
    if len(analysis.sides) < 2:
        return without("Only one foot was recorded, so left and right cannot be compared.")
    found = {name: analysis.asymmetry[name] for name in _COMPARED if name in analysis.asymmetry}
    if not found:
        text = f"There are too few steps to compare left and right: it takes {LEAST_COMPARED_N} of each foot."
        return joined(without(text), _both_feet(facts))
    drawing = figure(_symmetry_plot(found), _symmetry_caption(facts, found), class_="single")
    return joined(drawing, _both_feet(facts))


def _symmetry_plot(found: dict[str, float]) -> Safe:
    reach = max(round_up(max(abs(value) for value in found.values()) * 1.05, 4), 10.0)
    height = 26.0 * len(found) + 58
    plot = Plot(HALF, height, (-reach, reach), (float(len(found)), 0.0), (128, 20, 46, 38))
    plot.vertical(0.0, 0.0, float(len(found)), "axis")
    plot.text(plot.x(0) - 8, 12, "right is more", anchor="end", class_="axis-title")
    plot.text(plot.x(0) + 8, 12, "left is more", class_="axis-title")
    for k, (name, percent) in enumerate(found.items()):
        plot.text(2, plot.y(k + 0.5) + 4, BY_NAME[name].title)
        plot.bar(0.0, percent, k + 0.2, k + 0.8, "difference")
        plot.text(HALF - 2, plot.y(k + 0.5) + 4, f"{signed(percent)}{NBSP}%", anchor="end")
    plot.x_axis(ticks(-reach, reach, 5), lambda value: signed(value).removesuffix(".0"), "% of the mean of both")
    told = both_words(f"{BY_NAME[name].title} {signed(percent)} %" for name, percent in found.items())
    return plot.done(f"Left against right: {told}", "series")


def _symmetry_caption(facts: Facts, found: dict[str, float]) -> str:
    n = {side: max(feet[name].n for name in found if name in feet) for side, feet in facts.analysis.feet.items()}
    of = both_words(f"{side} {counted(k, 'step')}" for side, k in n.items())
    return f"100 × (left − right) / mean of both, of the means ({of}). Zero is equal. No value here is right or wrong."


def _both_feet(facts: Facts) -> Safe:
    found = facts.analysis.both.get("double_support_s")
    if facts.analysis.both_sigma_s is None:
        return paragraph(f"What needs both feet together is not told: {facts.analysis.both_text}.", class_="note")
    if found is None:
        return paragraph(
            f"Both feet: {facts.analysis.both_text}. No step shows how long both feet were down.", class_="note"
        )
    shown = BY_NAME["double_support_s"].shown
    sd = "" if found.sd is None else f" ± {shown(found.sd)}"
    text = (
        f"Both feet were on the ground together for {shown(found.mean)}{sd}{NBSP}ms of each stance (n = {found.n:,})."
    )
    return paragraph(f"{text} {facts.analysis.both_text[:1].upper()}{facts.analysis.both_text[1:]}.", class_="note")


# -------------------------------------------------------------------------------------------------------- left out


def left_out(facts: Facts) -> Safe:
    """Say which steps the numbers are of, what was left out, and why."""
    analysis = facts.analysis
    if not facts.stride_n:
        return without("No steps were seen, so none was left out.")
    way = "" if analysis.direction == "unknown" else f", walked {analysis.direction},"
    text = f"{facts.usable_n:,} of {counted(facts.stride_n, 'step')}{way} stand for the walk in means and spreads. "
    if not analysis.left_out:
        return paragraph(f"{text}Nothing was left out.")
    rows = [(reason, share(n, facts.stride_n), WHY.get(reason, "")) for reason, n in analysis.left_out.items()]
    more = "Counts of what touched first and of directions are of all steps, the toe-first share is of all"
    more = f"{more}{that_went(analysis) or ' of them'}."
    return joined(paragraph(text, more), table(("Left out", "Steps", "Because"), rows, right=(1,)))


# ---------------------------------------------------------------------------------------------------------- quality


def quality(facts: Facts) -> Safe:
    """Say whether the recording is whole, what is missing where and why, and what the insoles did not trust."""
    check = facts.check
    verdict = check.verdict
    rows = [_sample_cells(one) for one in check.sides.values()]
    head = ("", "samples", "missing", "rate", "not counted")
    outs = {side: _out_text(facts.sensors[side]) for side in check.sides}
    rows = [(*cells, outs[side]) for cells, side in zip(rows, check.sides, strict=True)]
    lines = [
        f"{TITLES[side]}: {text}" for side, losses in facts.analysis.losses.items() if (text := other_loss_text(losses))
    ]
    lines += [f"Clocks: {check.alignment}"] if check.alignment else []
    first = paragraph(_with_commands(f"{verdict[:1].upper()}{verdict[1:]}."))
    items = tag("ul", *(tag("li", line) for line in lines)) if lines else None
    return joined(first, table(head, rows, right=(1, 2, 3)), items, gap_table(facts))


def _with_commands(text: str) -> Safe:
    """Write what stands between two ` as something to type."""
    return joined(tag("code", piece) if k % 2 else piece for k, piece in enumerate(text.split("`")))


def _sample_cells(one: SideCheck) -> tuple[str, ...]:
    if not one.expected_n:
        return TITLES[one.side], "none", "–", f"{one.rate_hz}{NBSP}Hz"
    missing_n = one.expected_n - one.received_n
    return TITLES[one.side], f"{one.received_n:,}", share(missing_n, one.expected_n), f"{one.rate_hz}{NBSP}Hz"


def _out_text(sensors: tuple[Sensor, ...]) -> str:
    out = [sensor.site.replace("_", " ") for sensor in sensors if sensor.is_left_out]
    return f"{', '.join(out)} (dead or stuck sensor)" if out else "–"


def gap_table(facts: Facts) -> Safe:
    """List the longest gaps with their causes."""
    found = [(side, gap) for side, one in facts.check.sides.items() for gap in one.gaps]
    if not found:
        return Safe("")
    longest = sorted(found, key=lambda pair: (-pair[1].length_s, -pair[1].n))[:_SHOWN_GAPS]
    rows = [_gap_cells(side, gap) for side, gap in sorted(longest, key=lambda pair: pair[1].at_s)]
    more_n = len(found) - len(rows) + sum(one.unlisted_n for one in facts.check.sides.values())
    caption = f"The {len(rows)} longest gaps; {more_n:,} more are not listed here." if more_n else "Every gap."
    return table(("At", "Foot", "Length", "What", "Why"), rows, right=(2,), caption=caption)


def _gap_cells(side: str, gap: Gap) -> tuple[str, ...]:
    length = f"{gap.length_s:.2f}{NBSP}s" if gap.length_s else "–"
    what = counted(gap.n, gap.what) if gap.n else f"{gap.what}s, nobody knows how many"
    still = "; the insole may still hold it" if gap.may_be_stored else ""
    return clock(gap.at_s), side, length, what, f"{gap.cause}{still}"


# --------------------------------------------------------------------------------------------- versions and settings


def settings_table(facts: Facts, made_by: str) -> Safe:
    """Tell firmware, source, protocol, rate, channels and calibration of each insole, and the programs."""
    sides = list(facts.identities)
    heads = ("", *(TITLES[side] for side in sides))
    rows = [(title, *(value(facts, side) for side in sides)) for title, value in _SETTINGS]
    programs = ", ".join(f"{name} {version}" for name, version in facts.recorded_with.items()) or "not told"
    asked = ", ".join(f"{name} {value}" for name, value in facts.settings.items())
    lines = [("Session", facts.name), ("Recorded with", programs), ("Report made with", made_by)]
    lines += [("Settings asked for", asked)] if asked else []
    return tag("div", table(("", ""), lines), table(heads, rows), class_="settings")


def _told(facts: Facts, side: str, name: str) -> Any:
    return facts.identities[side].get(name)


def _text(name: str) -> Teller:
    def tell(facts: Facts, side: str) -> str:
        value = _told(facts, side, name)
        return "not told" if value is None else f"{foreign(value, 60)}"

    return tell


def _protocol(facts: Facts, side: str) -> str:
    found = _told(facts, side, "protocol")
    return f"{found['major']}.{found['minor']}, {found['fingerprint']}" if found else "not told"


def _rate(facts: Facts, side: str) -> str:
    return f"{facts.rates_hz[side]}{NBSP}Hz"


def _channels(facts: Facts, side: str) -> str:
    sensors = facts.sensors[side]
    if not sensors:
        return "not told"
    return f"{len(sensors)}: {', '.join(sensor.site.replace('_', ' ') for sensor in sensors)}"


def _tare(facts: Facts, side: str) -> str:
    sensors = facts.sensors[side]
    known = [s.baseline for s in sensors if s.baseline is not None]
    if not known or len(known) < len(sensors):
        return "not done"
    low, high = min(known), max(known)
    return f"done ({low} to {high} counts)" if low < high else f"done ({low} counts)"


def _calibration(facts: Facts, side: str) -> str:
    if not facts.analysis.is_calibrated[side]:
        return "not done: loads in counts"
    total = sum(s.standing or 0 for s in facts.sensors[side])
    return f"done ({total:,} {COUNTS} in standing)"


def _cue(facts: Facts, side: str) -> str:
    if not facts.identities[side]:
        return "not told"
    wanted = ORDERS.get(str(_told(facts, side, "target_order")), "not told")
    return f"{'on' if _told(facts, side, 'cue') else 'off'}, for {wanted}"


_SETTINGS: tuple[tuple[str, Teller], ...] = (
    ("Device", _text("device_id")),
    ("Board", _text("board")),
    ("Firmware", _text("firmware_version")),
    ("Protocol", _protocol),
    ("Rate", _rate),
    ("Channels", _channels),
    ("Largest count", _text("full_scale")),
    ("Tare (unloaded)", _tare),
    ("Calibration (standing)", _calibration),
    ("Cue", _cue),
)
