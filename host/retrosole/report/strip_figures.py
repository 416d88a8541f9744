"""The session at a glance: which way was walked when, what was missing, and what the plan had."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrosole.gait.statistics import Run
from retrosole.report.facts import Facts, Span
from retrosole.report.figure import figure, legend, over_both_columns, without
from retrosole.report.markup import Safe, joined, table
from retrosole.report.plot import WIDE, Plot, time_label, time_ticks
from retrosole.report.words import DIRECTIONS, TITLES, clock, counted, duration

_ROW = 26.0
_SHOWN_RUNS = 10
_SHOWN_GAPS = 400
_ROOM = 7.0  # units of a drawing that a letter takes
WAYS = {"backward": "backward", "forward": "forward", "unknown": "unknown"}


@dataclass
class Row:
    """Hold one row of the strip: (from, to, class, words) each, in seconds."""

    title: str
    spans: list[tuple[float, float, str, str]] = field(default_factory=list)


def rows(facts: Facts) -> list[Row]:
    """Give the rows of the strip."""
    out = [_way_row(facts, side) for side in dict.fromkeys(run.side for run in facts.analysis.runs)]
    if facts.parts:
        out.append(Row("guided", [(s.start_s, s.end_s, "part", s.name) for s in facts.parts]))
    return out + [_sample_row(facts, side) for side in facts.analysis.sides]


def _way_row(facts: Facts, side: str) -> Row:
    mine = [run for run in facts.analysis.runs if run.side == side]
    return Row("way" if side == "both" else f"way, {side}", [_span_of(run) for run in mine])


def _span_of(run: Run) -> tuple[float, float, str, str]:
    return (
        run.start_s,
        max(run.end_s, run.start_s),
        WAYS.get(run.direction, "unknown"),
        DIRECTIONS.get(run.direction, ""),
    )


def gaps_of(facts: Facts, side: str) -> list[Span]:
    """Give the times of which samples of a foot are missing, whatever the cause."""
    check = facts.check.sides.get(side)
    gaps = [gap for gap in check.gaps if gap.what == "sample" and gap.length_s > 0] if check else []
    longest = sorted(gaps, key=lambda gap: -gap.length_s)[:_SHOWN_GAPS]
    return sorted((Span(g.at_s, g.at_s + g.length_s, g.cause) for g in longest), key=lambda span: span.start_s)


def _sample_row(facts: Facts, side: str) -> Row:
    row = Row(f"samples, {side}" if side != "unset" else "samples")
    duration_s = facts.analysis.duration_s
    if facts.analysis.losses[side].received_n:
        row.spans.append((0.0, duration_s, "there", ""))
    row.spans += [(max(g.start_s, 0.0), min(g.end_s, duration_s), "gone", "") for g in gaps_of(facts, side)]
    return row


def strip_figure(facts: Facts) -> Safe:
    """Draw the session at a glance."""
    duration_s = facts.analysis.duration_s
    if duration_s <= 0:
        return without("The session ended before the first sample, so there is nothing to draw.")
    found = rows(facts)
    drawing = over_both_columns(lambda width: _strip(facts, found, width))
    used = {class_ for row in found for _, _, class_, _ in row.spans}
    words = (
        ("backward", "walked backward"),
        ("forward", "walked forward"),
        ("unknown", "direction unclear"),
        ("part", "part of the guided session"),
        ("there", "recorded"),
        ("gone", "missing"),
    )
    entries = [(f"bar {class_}", text) for class_, text in words if class_ in used]
    return figure(joined(legend(*entries), drawing), _strip_caption(facts), title="The session at a glance")


def _strip(facts: Facts, found: list[Row], width: int) -> Safe:
    duration_s = facts.analysis.duration_s
    left = 94
    marks_room = 16 if facts.marks else 0
    height = _ROW * len(found) + marks_room + 44
    # rows are counted from the top, so that the axis ends where others begin
    plot = Plot(width, height, (0.0, duration_s), (float(len(found)), 0.0), (left, 6 + marks_room, 12, 38))
    for k, row in enumerate(found):
        plot.text(2, plot.y(k + 0.5) + 4, row.title)
        for begin_s, end_s, class_, words in row.spans:
            plot.bar(begin_s, end_s, k + 0.12, k + 0.88, class_, words or None)
            room = plot.x(end_s) - plot.x(begin_s)
            if words and room > _ROOM * len(words) + 6:
                middle = (plot.x(begin_s) + plot.x(end_s)) / 2
                plot.text(middle, plot.y(k + 0.5) + 4, words, anchor="middle", class_=f"in-{class_}")
    for at_s, code in facts.marks[:40]:
        at = min(max(at_s, 0.0), duration_s)
        plot.vertical(at, 0.0, float(len(found)), "mark")
        plot.text(plot.x(at), 12, f"▾{code}", anchor="middle", class_="mark-word")
    most = 8 if width == WIDE else 4
    plot.x_axis(time_ticks(duration_s, most), lambda s: time_label(s, duration_s), "time of the session")
    return plot.done("What happened when: direction of walking and missing samples", "strip")


def _strip_caption(facts: Facts) -> str:
    told = []
    runs = facts.analysis.runs
    if not runs:
        told.append("No steps were seen.")
    for side in dict.fromkeys(run.side for run in runs):
        mine = [run for run in runs if run.side == side]
        longest = max(mine, key=lambda run: run.end_s - run.start_s)
        whose = "" if side == "both" else f"{TITLES[side]}: "
        walked = f"{len(mine)} stretches of walking, the longest" if len(mine) > 1 else "one stretch of walking,"
        walked = walked if whose else f"{walked[0].upper()}{walked[1:]}"
        told.append(
            f"{whose}{walked} {duration(longest.end_s - longest.start_s)} "
            f"({DIRECTIONS[longest.direction]}, {counted(longest.stride_n, 'step')})."
        )
    if facts.marks:
        told.append("▾ is a mark that was set during the session, with its number.")
    if facts.is_apart:
        told.append("The feet are not on one clock: each counts from its own first sample.")
    return " ".join(told)


def run_table(facts: Facts) -> Safe:
    """List the stretches of walking one way, of many the longest ones."""
    runs = facts.analysis.runs
    if not runs:
        return Safe("")
    longest = sorted(runs, key=lambda run: run.start_s - run.end_s)[:_SHOWN_RUNS]
    is_both = {run.side for run in runs} == {"both"}
    head = ("From", *(() if is_both else ("Foot",)), "Length", "Way", "Steps", "Unclear")
    cells = [
        (
            clock(r.start_s),
            *(() if is_both else (r.side,)),
            duration(r.end_s - r.start_s),
            DIRECTIONS[r.direction],
            f"{r.stride_n:,}",
            f"{r.unknown_n:,}",
        )
        for r in sorted(longest, key=lambda run: (run.start_s, run.side))
    ]
    more_n = len(runs) - len(cells)
    caption = f"The {len(cells)} longest; {more_n} more are not listed." if more_n else None
    n = len(head)
    return table(head, cells, right=(n - 2, n - 1), caption=caption)
