"""The report of one session as a page: one file with its style in it, without scripts, asking nothing of a network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from retrosole import __version__
from retrosole.report.facts import Facts
from retrosole.report.figure import without
from retrosole.report.guided import guided_lines, part_rows
from retrosole.report.load_figures import load_figures, path_figures
from retrosole.report.markup import Safe, bullets, joined, paragraph, table, tag
from retrosole.report.number_tables import definitions, left_out, quality, settings_table, statistic_table, symmetry
from retrosole.report.order_figures import order_table, order_words, toe_first_figure
from retrosole.report.plain import PROMISE, in_short, tiles
from retrosole.report.strip_figures import run_table, strip_figure
from retrosole.report.time_figures import contact_figures, spread_figures, steadiness_figures
from retrosole.report.words import TITLES, both_words, day, day_and_time, duration
from retrosole.session.kept import NO_CODE

GENERATOR = "retrosole report"
# Nothing but the style and drawings of the page itself: a browser would refuse anything else, even if it stood here.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PRIVATE = (
    "This page is one file that asks nothing of a network and was sent nowhere. It is about health: it carries a code "
    "instead of a name, and was written readable for its owner only. Think before you hand it on."
)
_NO_DEVICE = "Retrosole is no medical device."


def report_page(facts: Facts, made: datetime) -> str:
    """Give the report of a session as HTML. `made` is when."""
    subject = facts.subject
    sides = both_words(TITLES[side].lower() for side in facts.analysis.sides)
    length = duration(facts.analysis.duration_s) if facts.analysis.duration_s > 0 else "nothing"
    about = [day_and_time(facts.started), f"{length} recorded", sides]
    head = page_head("Walking report", subject, about)
    sections = _sections(facts) if facts.stride_n else _without_steps(facts)
    foot = page_foot(f"Made {day_and_time(made)} by retrosole {__version__}.")
    title = f"Retrosole report {subject}, {day(facts.started)}"
    return document(title, subject, joined(head, sections, foot))


def _sections(facts: Facts) -> list[Safe]:
    return [
        section("In short", _in_short(facts)),
        section("What was done", done(facts)),
        section("Toes or heel first", toe_first_figure(facts), paragraph(order_words(facts)), order_table(facts)),
        section("When the foot touches and leaves the ground", contact_figures(facts)),
        section("How times are spread", spread_figures(facts, ("stance_s", "heel_lowering_s"))),
        section("Load through stance", load_figures(facts)),
        section("Where the load goes over the foot", path_figures(facts)),
        section("Left and right", symmetry(facts)),
        section("Steadiness, early and late", steadiness_figures(facts)),
        section("All numbers", statistic_table(facts), _legend_of_numbers() if facts.usable_n else None),
        section("What was left out, and why", left_out(facts)),
        *_technical(facts),
        section("What the words mean", definitions(facts)),
    ]


def _without_steps(facts: Facts) -> list[Safe]:
    text = (
        "As no steps were seen, there is nothing to say of toes or heel first, of times, loads, symmetry or "
        "steadiness, and no means or spreads are given."
    )
    return [
        section("In short", _in_short(facts)),
        section("What was done", done(facts)),
        section("Figures and numbers", without(text)),
        *_technical(facts),
    ]


def _technical(facts: Facts) -> list[Safe]:
    return [
        section("Gaps and quality", quality(facts)),
        section("Versions and settings", settings_table(facts, f"retrosole {__version__}")),
    ]


def _in_short(facts: Facts) -> Safe:
    text = joined([paragraph(line, class_="short") for line in in_short(facts)])
    energy = paragraph(f"Energy: {facts.energy.text}.") if facts.energy else None
    return joined(text, tiles(facts) if facts.stride_n else None, energy, paragraph(PROMISE, class_="note"))


def done(facts: Facts) -> Safe:
    """Say what was done, against the plan where there was one, and what people noted."""
    guided = facts.guided
    if guided.practice is not None:
        rows = list(part_rows(guided))
        first = joined([paragraph(line) for line in guided_lines(guided)])
        parts = table(("Planned" if guided.stage else "Part", "Done"), rows) if rows else None
    elif guided.is_timed_walk:
        first, parts = paragraph("A timed 3-metre backward walk."), bullets(facts.timed_lines)
    else:
        first, parts = paragraph("No plan was followed: this session was recorded without guidance."), None
    notes = joined(paragraph("Noted:"), bullets(guided.others)) if guided.others else None
    return joined(first, parts, strip_figure(facts), _stretches(facts), notes)


def _stretches(facts: Facts) -> Safe | None:
    """List the stretches of walking, where a foot has more than one."""
    sides = [run.side for run in facts.analysis.runs]
    return joined(tag("h4", "Stretches of walking"), run_table(facts)) if len(set(sides)) < len(sides) else None


def _legend_of_numbers() -> Safe:
    return paragraph(
        "n: steps that stand for the walk. SD: standard deviation. CV: SD in percent of the mean. "
        "– : one step, or a value that has no such spread.",
        class_="note",
    )


# --------------------------------------------------------------------------------------------------- of every page


def section(title: str, *children: object) -> Safe:
    """Give a section with its heading."""
    return tag("section", tag("h2", title), *children)


def page_head(title: str, subject: str, about: Sequence[str]) -> Safe:
    """Give the top of a page: what it is, of whom, and the facts about it."""
    items = [tag("li", line) for line in about if line]
    who = subject if subject != NO_CODE else "without a usable code"
    return tag("header", tag("h1", title), tag("p", "Subject ", tag("b", who), class_="who"), tag("ul", *items))


def page_foot(text: str) -> Safe:
    """Give the bottom of a page."""
    return tag("footer", paragraph(f"{text} {_NO_DEVICE} {_PRIVATE}"))


def document(title: str, subject: str, body: Safe) -> str:
    """Give a whole page."""
    running = "" if subject == NO_CODE else f'@page {{ @bottom-left {{ content: "{title}"; }} }}\n'
    head = joined(
        tag("meta", charset="utf-8"),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", Safe(_style() + running)),
    )
    return f'<!doctype html>\n<html lang="en">{tag("head", head)}{tag("body", tag("main", body))}</html>\n'


@cache
def _style() -> str:
    return files("retrosole.report").joinpath("style.css").read_text(encoding="utf-8")
