"""Figures of load: how much through stance on which part of the foot, and where its centre went."""

from __future__ import annotations

import numpy as np

from retrosole.gait.foot_shape import PLACES, outline
from retrosole.gait.pressure import COUNTS, POINT_N, Pressure
from retrosole.report.facts import Facts
from retrosole.report.figure import columns, figure, legend, without
from retrosole.report.markup import Safe, joined, number, paragraph, tag
from retrosole.report.plot import HALF, Floats, Plot, line_path, round_up, svg, ticks
from retrosole.report.words import TITLES, counted

_PATHS_N = 30  # single steps that are drawn behind the mean
_EVERY = 4  # of 101 points, for single steps
_FOOT_WIDTH, _FOOT_LENGTH = 120.0, 270.0
_LABELS_APART = 15.0


def curves(facts: Facts) -> dict[str, Pressure]:
    """Give the feet whose loads are known."""
    return {side: found for side, found in facts.pressures.items() if found is not None}


def why_without(facts: Facts, side: str) -> str:
    """Say why nothing is known of a foot's loads."""
    whose = TITLES[side]
    if not facts.analysis.usable_n[side]:
        return f"{whose}: no step stands for the walk, so there are no loads to draw."
    if not facts.sensors[side]:
        return f"{whose}: the recording does not say where the sensors are, so loads are not drawn."
    if all(sensor.is_left_out or sensor.site not in PLACES for sensor in facts.sensors[side]):
        return f"{whose}: no sensor could be used, so loads are not drawn."
    return f"{whose}: no step has all its samples, so loads are not drawn."


# ----------------------------------------------------------------------------------------------- load through stance


def load_figures(facts: Facts) -> Safe:
    """Draw the load of toes and heel through stance, mean and spread, for each foot."""
    found = curves(facts)
    missing = [without(why_without(facts, side)) for side in facts.analysis.sides if side not in found]
    if not found:
        return joined(missing)
    tops = {side: _top(one) for side, one in found.items()}
    if len({one.unit for one in found.values()}) == 1 and COUNTS not in {one.unit for one in found.values()}:
        tops = dict.fromkeys(tops, max(tops.values()))  # on one scale, since both are of the wearer's own standing load
    drawn = [figure(_load_plot(one, tops[side]), _load_caption(one), title=TITLES[side]) for side, one in found.items()]
    entries = (
        ("line forefoot", "toes and ball"),
        ("line heel", "heel"),
        ("line total", "whole foot"),
        ("bar band", "± 1 standard deviation"),
    )
    return joined(legend(*entries), columns(drawn), _unit_note(found), missing)


def _top(found: Pressure) -> float:
    tops = [one.mean + np.nan_to_num(one.sd) for one in (found.total, *found.zones.values())]
    return round_up(float(np.nanmax(np.concatenate(tops))))


def _load_plot(found: Pressure, top: float) -> Safe:
    plot = Plot(HALF, 200, (0.0, 100.0), (0.0, top), (46, 20, 12, 38))
    plot.y_axis(ticks(0.0, top, 6), title=found.unit)
    xs = np.linspace(0.0, 100.0, POINT_N)
    shapes = (("total", found.total), ("heel", found.zones["heel"]), ("forefoot", found.zones["forefoot"]))
    for class_, one in shapes:
        plot.band(xs, np.maximum(one.mean - one.sd, 0.0), one.mean + one.sd, class_)
    for class_, one in shapes:
        plot.line(xs, one.mean, class_)
    plot.x_axis([0, 25, 50, 75, 100], title="% of stance, from first to last contact")
    return plot.done(f"{TITLES[found.side]}: load through stance on toes, heel and the whole foot")


def _load_caption(found: Pressure) -> str:
    told = " and ".join(_most_text(found, zone, name) for zone, name in _ZONE_WORDS)
    spread = "" if found.stance_n > 1 else " One step has no spread."
    left_out = f" Not counted: {', '.join(found.left_out)}." if found.left_out else ""
    of = "Mean of" if found.stance_n > 1 else "Of"
    return f"{of} {counted(found.stance_n, 'step')}: {told}.{spread}{left_out}"


def _most_text(found: Pressure, zone: str, name: str) -> str:
    mean = found.zones[zone].mean
    peak = float(np.nanmax(mean))
    if peak <= 0.0:
        return f"{name} without any load"
    unit = " counts" if found.unit == COUNTS else " % of standing load"
    return f"{name} most at {int(np.nanargmax(mean))} % of stance ({peak:,.0f}{unit})"


_ZONE_WORDS = (("forefoot", "toes and ball"), ("heel", "heel"))


def _unit_note(found: dict[str, Pressure]) -> Safe:
    if any(one.unit == COUNTS for one in found.values()):
        text = (
            "Counts are the sensors' own numbers: they show when and in which part the foot is loaded, but not how "
            "heavily, and the heights of left and right are not to be compared. After a calibration in standing, loads "
            "are told in percent of the wearer's own standing load."
        )
    else:
        text = "100 % is what the same sensors read when the wearer stood on this foot at calibration."
    return paragraph(text, class_="note")


# ------------------------------------------------------------------------------------------------ centre of pressure


def path_figures(facts: Facts) -> Safe:
    """Draw the way of the centre of pressure over each foot: the mean, single steps behind it, and the spread."""
    found = curves(facts)
    if not found:
        return joined([without(why_without(facts, side)) for side in facts.analysis.sides])
    drawn = [figure(_path_drawing(one), _path_caption(one), title=TITLES[side]) for side, one in found.items()]
    entries = (
        ("line path", "mean"),
        ("dots path", "0, 25, 50, 75 and 100 % of stance"),
        ("line single", f"single steps, up to {_PATHS_N}"),
    )
    note = "Both feet are seen from above. The foot that is drawn is not yours: it shows the way, not millimetres."
    return joined(legend(*entries), columns(drawn), paragraph(note, class_="note"))


def _path_drawing(found: Pressure) -> Safe:
    is_left = found.side == "left"
    margin_x = (HALF - _FOOT_WIDTH) / 2

    def place(points: Floats) -> tuple[list[float], list[float]]:
        across = 1.0 - points[:, 0] if is_left else points[:, 0]
        return (margin_x + _FOOT_WIDTH * across).tolist(), (6.0 + _FOOT_LENGTH * points[:, 1]).tolist()

    parts = [tag("path", d=f"{line_path(*place(outline(8)))}Z", class_="outline")]
    parts += [tag("path", d=line_path(*place(one)), class_="line single") for one in _single(found)]
    parts.append(tag("path", d=line_path(*place(found.path.mean)), class_="line path"))
    parts += _marks(*place(found.path.mean))
    toes, heel = ("toes", 22.0), ("heel", _FOOT_LENGTH - 8.0)
    parts += [
        tag("text", word, x=margin_x - 8, y=y, text_anchor="end", class_="axis-title") for word, y in (toes, heel)
    ]
    label = f"{TITLES[found.side]}: way of the centre of pressure over the foot, seen from above"
    return svg(HALF, _FOOT_LENGTH + 12, label, parts, "foot-map")


def _single(found: Pressure) -> Floats:
    take = np.linspace(0, found.stance_n - 1, min(found.stance_n, _PATHS_N)).astype(np.int64)
    return found.paths[np.unique(take), ::_EVERY]


def _marks(xs: list[float], ys: list[float]) -> list[Safe]:
    """Mark the beginning, quarters and end of the mean way; the words stand beside it, apart from each other."""
    there = [k for k in range(POINT_N) if np.isfinite(xs[k]) and np.isfinite(ys[k])]
    if not there:
        return []
    parts: list[Safe] = []
    taken: list[float] = []
    for percent, word in ((there[0], "begins"), (25, ""), (50, "half"), (75, ""), (there[-1], "ends")):
        if percent not in there:
            continue
        x, y = xs[percent], ys[percent]
        parts.append(tag("path", d=f"M{number(x)} {number(y)}h0", class_="dots path"))
        if word:
            y = _free(y, taken)
            taken.append(y)
            at = (HALF + _FOOT_WIDTH) / 2 + 14
            parts.append(tag("line", x1=x + 5, y1=ys[percent], x2=at - 3, y2=y, class_="pointer"))
            parts.append(tag("text", word, x=at, y=y + 4))
    return parts


def _free(y: float, taken: list[float]) -> float:
    """Give a height near `y` that is not taken by other words."""
    for step in range(12):
        for at in (y + step * _LABELS_APART / 2, y - step * _LABELS_APART / 2):
            if 8 <= at <= _FOOT_LENGTH and all(abs(at - other) >= _LABELS_APART for other in taken):
                return at
    return y


def _path_caption(found: Pressure) -> str:
    ys = found.path.mean[:, 1]
    known = ys[np.isfinite(ys)]
    if not len(known):
        return "The foot was loaded too little to tell where."
    begins, ends = (_part_of_foot(float(y)) for y in (known[0], known[-1]))
    way = f"begins under the {begins} and ends under the {ends}" if begins != ends else f"stays under the {begins}"
    mean = "mean way" if found.stance_n > 1 else "way"
    return f"The {mean} of {counted(found.stance_n, 'step')} {way}{_path_spread(found.path.sd)}."


def _path_spread(sds: Floats) -> str:
    known = sds[np.all(np.isfinite(sds), axis=1)]
    if not len(known):
        return ""
    across, along = (100.0 * known.mean(axis=0)).tolist()
    return f"; from step to step it varies by {along:.0f} % of the foot's length and {across:.0f} % of its width"


def _part_of_foot(y: float) -> str:
    return "toes and ball" if y < 0.45 else "heel" if y > 0.7 else "middle of the foot"
