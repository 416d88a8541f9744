"""What can be typed for pages to read: `report`, `trend`."""

from __future__ import annotations

from pathlib import Path

import click

from retrosole.commands.parts import PATH, effort_options, examples, take_effort

_SESSION = "sessions/2026-11-21T10-15-30_P07"
_PDF = click.option("--pdf", "is_pdf", is_flag=True, help="Make a PDF, too; needs Chromium or Chrome.")
_DIRECTION = click.option(
    "--direction",
    type=click.Choice(["backward", "forward"]),
    help="Summarise the strides that went this way.  [default: the way of most strides]",
)


@click.command(
    short_help="Make a page about a session, to read and to print.",
    epilog=examples(f"retrosole report {_SESSION}", f"retrosole report {_SESSION} --pdf --out walk.html"),
)
@click.argument("session", type=PATH)
@click.option("--out", type=PATH, metavar="FILE", help="The page to write, *.html.  [default: report-SESSION.html]")
@_PDF
@_DIRECTION
@effort_options
def report(session: Path, out: Path | None, is_pdf: bool, direction: str | None, **effort: object) -> None:
    """Make a page about a session: what was done, in plain words first, then figures, and all numbers behind them.

    The page is one file that needs no network and no script, reads on a phone and prints on A4. It carries the subject
    code, no name, is readable by you only, and is sent nowhere. An earlier report is replaced, nothing else is.

    With --mass and --speed it has an estimate of the energy that the walking took; its figures hold near 3.5 mph only,
    and at another speed it says that there is none.
    """
    from retrosole.commands.report import ReportOptions, make_report

    make_report(session, ReportOptions(out, is_pdf, direction, take_effort(effort)))


@click.command(
    short_help="Make a page about all sessions of a person.",
    epilog=examples("retrosole trend sessions", "retrosole trend sessions --subject P07 --pdf"),
)
@click.argument("root", type=PATH, metavar="DIR")
@click.option("--subject", metavar="CODE", help="Whose sessions, when DIR has those of several people.")
@click.option("--out", type=PATH, metavar="FILE", help="The page to write, *.html.  [default: trend-SUBJECT.html]")
@_PDF
@_DIRECTION
def trend(root: Path, subject: str | None, out: Path | None, is_pdf: bool, direction: str | None) -> None:
    """Make a page about all sessions of a person in DIR: a line for each, and how the main figures went over the dates.

    The page is made as by `report`. Sessions that went mostly another way are listed, and not drawn.
    """
    from retrosole.commands.report import make_trend

    make_trend(root, subject, out, is_pdf, direction)
