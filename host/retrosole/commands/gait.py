"""`gait`: the parameters of a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrosole.commands.parts import PATH, effort_options, examples, give_csv, take_effort

if TYPE_CHECKING:
    from retrosole.gait.analysis import Analysis
    from retrosole.gait.energy import Effort
    from retrosole.session.reader import Session

_SESSION = "sessions/2026-11-21T10-15-30_P07"


@click.command(
    short_help="Give the gait parameters of a session.",
    epilog=examples(
        f"retrosole gait {_SESSION}",
        f"retrosole gait {_SESSION} --csv gait.csv",
        f"retrosole gait {_SESSION} --mass 63.5 --speed 3.5mph",
    ),
)
@click.argument("session", type=PATH)
@click.option("--csv", "csv_path", metavar="OUT", help="Write every stride with its parameters; - is standard output.")
@click.option("--json", "is_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--direction",
    type=click.Choice(["backward", "forward"]),
    help="Summarise the strides that went this way.  [default: the way of most strides]",
)
@effort_options
def gait(session: Path, csv_path: str | None, is_json: bool, direction: str | None, **effort: object) -> None:
    """Give the gait parameters of a session: mean and spread for each foot, what was left out, and why.

    Turns, stumbles, first and last strides and those beside a gap are left out of the numbers, not of the table. Times
    are in ms; loads in percent of the load of standing once an insole was calibrated, in sensor counts before. What
    needs both feet, as double support, is told where they are on one clock.

    With --mass and --speed, a line estimates the energy that the walking took; its figures hold near 3.5 mph only, and
    at another speed nothing is said.

    In the CSV an empty cell is not known; columns ending in _s are seconds, those before final_contact_s since the
    session's first sample; is_usable is yes or no, and left_out says why.
    """
    from retrosole.errors import UsageError

    if csv_path is not None and is_json:
        raise UsageError("--csv and --json exclude each other: run the command twice")
    wanted = take_effort(effort)
    if wanted is not None and (csv_path is not None or is_json):
        raise UsageError("the estimate of the energy is for the text: leave --csv and --json out")
    run(session, csv_path, is_json, direction, wanted)


def run(
    session: Path, csv_path: str | None, is_json: bool, direction: str | None, effort: Effort | None = None
) -> None:
    """Print an analysis as text or JSON, or write its table."""
    from retrosole.gait.analysis import analyse
    from retrosole.gait.energy import estimate_walk
    from retrosole.gait.statistics import walked_s
    from retrosole.gait.table import EXTENDED_COLUMNS, write_table
    from retrosole.gait.words import as_json
    from retrosole.session.reader import open_session

    opened = open_session(session)
    analysis = analyse(opened, direction)
    if csv_path is not None:
        give_csv(lambda out: write_table(analysis.table, out), csv_path, EXTENDED_COLUMNS, "strides")
    elif is_json:
        print(json.dumps(as_json(analysis), indent=1, allow_nan=False))
    else:
        print_text(opened, analysis)
        if effort is not None:
            found = estimate_walk(effort, analysis.direction, walked_s(analysis.runs, analysis.direction))
            print(f"energy: {found.text}")


def print_text(session: Session, analysis: Analysis) -> None:
    """Print an analysis for a person."""
    from retrosole import show
    from retrosole.gait import words
    from retrosole.session.check import clock_text
    from retrosole.session.summary import sample_text

    rows = list(words.statistic_rows(analysis))
    if rows:
        show.table(words.HEADINGS, rows, right=words.RIGHT)
        print()
    for lines in (words.left_out_lines, words.share_lines, words.more_lines):
        for line in lines(analysis):
            print(line)
    print(f"session: {clock_text(analysis.duration_s)} long")
    for side, losses in analysis.losses.items():
        print(f"{side}: {sample_text(losses, session.rate_hz(side))}")
