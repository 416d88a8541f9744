"""`export`: a session in the forms that other programs read."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrosole.commands.parts import PATH, examples

if TYPE_CHECKING:
    from retrosole.session.reader import Session

_SESSION = "sessions/2026-11-21T10-15-30_P07"
FORMATS = ("csv", "parquet", "npz", "moticon", "bids", "xdf")
_MODULES = {"csv": "csv_files"}


@click.command(
    short_help="Write a session for other programs.",
    epilog=examples(
        f"retrosole export {_SESSION} --to csv",
        f"retrosole export {_SESSION} --to parquet --out tables/P07",
        f"retrosole export {_SESSION} --to bids --out study",
    ),
)
@click.argument("session", type=PATH)
@click.option("--to", "form", type=click.Choice(FORMATS), required=True, help="The format; see above.")
@click.option(
    "--out", type=PATH, metavar="PATH", help="The file or folder to write.  [default: in exports/, by the session]"
)
@click.option("--side", type=click.Choice(["left", "right", "both"]), default="both", show_default=True, help="Feet.")
def export(session: Path, form: str, out: Path | None, side: str) -> None:
    """Write a session for other programs: samples, strides, marks and notes, with what was lost.

    \b
    csv      a folder: samples of each foot, strides, events; units and
             definitions in dictionary.json
    parquet  the same tables, small and quick to read
             (pip install 'retrosole[tables]')
    npz      one file for numpy
    moticon  one text, as Moticon OpenGo exports it; read by programs for that
    bids     a data set of the Brain Imaging Data Structure (motion); further
             sessions go into the same folder
    xdf      one file, as recorded from the Lab Streaming Layer

    Loads are counts of the sensors in every format, never N or kPa, and the Moticon text says [counts] where that
    program has N/cm2; its columns for what this insole does not measure are empty. A sample that is missing has no row
    (in bids a row of n/a); a channel that was not read is empty, null, n/a, 4095 (npz) or -1 (xdf).

    What is written is readable by you only. An earlier export of the same session is replaced, nothing else is.
    """
    run(session, form, out, side)


def run(path: Path, form: str, out: Path | None, side: str) -> None:
    """Export a session; say what was written and what is missing in it."""
    from importlib import import_module

    from retrosole import show
    from retrosole.export.content import session_name
    from retrosole.gait.analysis import analyse
    from retrosole.session.reader import open_session
    from retrosole.session.summary import sample_text

    module = import_module(f"retrosole.export.{_MODULES.get(form, form)}")
    opened = of_side(open_session(path), side)
    if out is None:
        out = Path("exports") / ("bids" if form == "bids" else f"{session_name(opened)}{module.ENDING}")
    with progress(f"writing {out}") as tell:
        module.export(opened, analyse(opened), out, tell)
    for name, losses in opened.losses.items():
        show.say(f"{name}: {sample_text(losses, opened.rate_hz(name))}")
    if opened.apart_text:
        show.say(f"TIMES OF LEFT AND RIGHT CANNOT BE COMPARED: {opened.apart_text}")
    show.say(f"written to {out}; counts, no forces")


def of_side(session: Session, side: str) -> Session:
    """Give a session with one foot of it only. Raises UsageError when that was not recorded."""
    from retrosole.errors import UsageError
    from retrosole.session.reader import Session as Opened

    if side == "both":
        return session
    if side not in session.logs:
        raise UsageError(f"there is no {side} foot in this session, only {' and '.join(session.sides)}")
    one = Opened(session.path, session.info, {side: session.logs[side]})
    if not one.alignment.is_aligned:
        one.alignment = session.alignment  # its times stay where both feet put them
    return one


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[float], None]]:
    """Show on a terminal how far something is, and nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=1.0)
        yield lambda share: bar.update(task, completed=share)
