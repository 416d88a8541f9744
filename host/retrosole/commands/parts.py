"""What the commands have in common: kinds of arguments, options that several take, how help is laid out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from retrosole.errors import UsageError

if TYPE_CHECKING:
    from retrosole.gait.energy import Effort
    from retrosole.walk import Look

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_CODES = """\b
Exit codes:
  0    done
  1    a bug in retrosole
  2    it cannot be done as asked
  3    no insole, or too many to choose from
  4    a port cannot be opened, or went away
  5    the insole speaks otherwise, or refused
  6    damaged data
  7    the disk refused
  130  ended by Ctrl-C or a signal; what was received is kept"""


class _Path(click.Path):
    """Take a path, but not an empty one, which would stand for the folder one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty, expected a file or a folder", param, ctx)
        return super().convert(value, param, ctx)


class _TablePath(_Path):
    """Take the path of a table to write; `tables/` is a folder, and no file where it is not there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).endswith(os.sep) and not os.path.isdir(value):
            self.fail(f"the folder {value} does not exist: make it, or name a file", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)
TABLE_PATH = _TablePath(path_type=Path)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """List the commands in the order of use; let a reader that has seen enough (`| head`) end them without a word."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            from retrosole.show import forget

            forget(sys.stdout)
            raise click.exceptions.Exit(0) from None


def examples(*lines: str) -> str:
    """Lay out examples below the help of a command."""
    return "\b\n" + "\n".join(["Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def give_csv(write: Callable[[TextIO], int], csv_path: str, columns: Sequence[str], rows: str) -> None:
    """Write a table to a file and say how many rows it has, or to standard output for "-".

    Raises UsageError for a file that is something else, StorageError where the disk refuses.
    """
    from retrosole import show
    from retrosole.errors import StorageError
    from retrosole.session.reader import save_table

    if csv_path == "-":
        write(sys.stdout)
        return
    try:
        row_n = save_table(write, csv_path, columns)
    except OSError as error:
        raise StorageError(f"cannot write {csv_path} ({error.strerror}): choose another file") from error
    show.say(f"{row_n} {rows} in {csv_path}")


def port_option(command: Command) -> Command:
    """Let a command take the ports of one foot or two."""
    text = "Device or pyserial URL; twice for two feet. Not needed when one insole answers, or a left and a right one."
    return click.option("--port", "ports", multiple=True, metavar="PORT", help=text)(command)


def _speed(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    from retrosole.gait.energy import speed_mps

    return None if text is None else speed_mps(text)


def effort_options(command: Command) -> Command:
    """Let a command take what an estimate of the energy needs; none of it is kept."""
    options = (
        click.option("--mass", "mass_kg", type=float, metavar="KG", help="Body mass, for an estimate of the energy."),
        click.option("--speed", "speed_mps", callback=_speed, metavar="SPEED", help="With --mass: 3.5mph or 5.6km/h."),
        click.option("--uphill", "is_uphill", is_flag=True, help="With --mass: it went up 5 %."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def take_effort(options: dict[str, Any]) -> Effort | None:
    """Take out of options what an estimate of the energy needs; None where nobody asks for one.

    Raises UsageError when only half of it is there.
    """
    from retrosole.gait.energy import Effort

    mass_kg, speed, is_uphill = (options.pop(name, None) for name in ("mass_kg", "speed_mps", "is_uphill"))
    if mass_kg is None and speed is None and not is_uphill:
        return None
    if mass_kg is None or speed is None:
        raise UsageError("an estimate of the energy needs both: --mass 70 --speed 5.6km/h")
    return Effort(mass_kg, speed, bool(is_uphill))


def walk_options(command: Command) -> Command:
    """Let a command take what `live` and `record` have in common."""
    options = (
        port_option,
        click.option("--seconds", type=float, metavar="S", help="End after this long, not only with Ctrl-C or q."),
        click.option("--subject", metavar="CODE", help="Code of the person, never a name.  [default: anonymous]"),
        click.option("--note", metavar="TEXT", help="Words to keep with the session."),
        click.option("--rate", "rate_hz", type=int, metavar="HZ", help="Samples per second; the insole keeps it."),
        click.option("--side", type=click.Choice(["left", "right"]), help="Tell an insole its foot; it remembers."),
        click.option(
            "--lsl",
            type=click.Choice(["computer", "network"]),
            is_flag=False,
            flag_value="computer",
            metavar="[network]",
            help="Stream samples and strides to the Lab Streaming Layer, found on this computer only, or with network "
            "by all around; it knows no password.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def look_options(command: Command) -> Command:
    """Let a command take how the live view looks."""
    pace = "Pace that the plan allows; above it the view says so."
    traces = "Traces that move, or that stand still while they are renewed (a third of the bytes; auto: over SSH)."
    options = (
        click.option("--pace", type=click.FloatRange(20, 300), metavar="STEPS/MIN", help=pace),
        click.option(
            "--theme",
            type=click.Choice(["auto", "dark", "light"]),
            default="auto",
            help="Colours; auto asks the terminal.",
        ),
        click.option("--traces", type=click.Choice(["auto", "scroll", "sweep"]), default="auto", help=traces),
        click.option("--web", is_flag=True, default=None, help="A page in a browser instead, on 127.0.0.1 only."),
        click.option("--open", "opens_page", is_flag=True, default=None, help="Open the page in your browser."),
        click.option("--web-port", type=click.IntRange(0, 65535), metavar="N", help="Its port; otherwise any."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def take_look(options: dict[str, Any]) -> Look:
    """Take out of options, those left out not among them, how the live view is to look.

    Raises UsageError for a page that cannot be.
    """
    from retrosole.walk import Look

    is_web = options.pop("web", False)
    for name, flag in (("opens_page", "--open"), ("web_port", "--web-port")):
        if name in options and not is_web:
            raise UsageError(f"{flag} is for the page: add --web")
    names = ("theme", "traces", "opens_page", "web_port")
    chosen = {name: options.pop(name) for name in names if name in options}
    return Look(options.pop("pace", None), is_web=is_web, **chosen)
