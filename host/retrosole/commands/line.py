"""What can be typed: the commands with their options and help. They parse and call, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from retrosole import __version__
from retrosole.commands.batch import batch, study
from retrosole.commands.care import doctor, flash, setup, update
from retrosole.commands.export import export
from retrosole.commands.gait import gait
from retrosole.commands.held import erase, fetch, stored_sessions
from retrosole.commands.pages import report, trend
from retrosole.commands.parts import (
    EXIT_CODES,
    PATH,
    SETTINGS,
    TABLE_PATH,
    Commands,
    examples,
    look_options,
    port_option,
    take_look,
    walk_options,
)
from retrosole.commands.practice import coach, plan, timed_walk
from retrosole.errors import UsageError

# Everything else is imported by the command that needs it: numpy and construct take longer than most commands.

_GAITS = (  # as in the gait model, which is too heavy to be loaded for the help
    "backward, forward, heel_first_backward, tiptoe, stairs_down, turning, stumbling, mixed, standing, "
    "weight_shift, shuffling, sitting"
)

_FRONT_ENDS = ("ideal", "realistic", "divider", "amplifier")
_FRONT_END_WORDS = (
    "ideal, a straight line; realistic, with the spread, noise, drift, creep and lag of good sensors; divider and "
    "amplifier, such sensors with the curve of an FSR 402 in those circuits (hardware/simulation)."
)


@click.group(cls=Commands, invoke_without_command=True, context_settings=SETTINGS, epilog=EXIT_CODES)
@click.version_option(__version__, message="retrosole %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """See, record and understand walking with retrosole insoles, real or virtual.

    Begin with `retrosole sim` in one terminal and `retrosole live` in another.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


# ------------------------------------------------------------------------------------------------------------ devices


@cli.command(short_help="List the ports that may be insoles, and who answers.", epilog=examples("retrosole ports"))
def ports() -> int:
    """List the ports that may be insoles, and what answers on them.

    Only ports with the USB ids of ESP32 boards, and virtual insoles, are opened.
    """
    from retrosole.commands import devices

    return devices.list_ports()


@cli.command(
    short_help="Say who an insole is and how it is.",
    epilog=examples("retrosole info", "retrosole info --port /dev/ttyUSB0"),
)
@port_option
def info(ports: tuple[str, ...]) -> None:
    """Say who an insole is and how it is: board, firmware, channels, battery, faults."""
    from retrosole.commands import devices

    devices.print_info(ports)


for _command in (flash, setup, update, doctor):
    cli.add_command(_command)


@cli.command(
    short_help="Run virtual insoles behind serial ports.",
    epilog=examples(
        "retrosole sim",
        "retrosole sim --gait backward --feet left --truth truth.csv",
        "retrosole sim --source walk.txt --drop 0.001 --unplug 20:3",
        "retrosole sim --gait backward --front-end ideal",
        "retrosole sim --tcp 127.0.0.1:7000      then: retrosole live --port socket://127.0.0.1:7000",
    ),
)
@click.option("--source", default="model", show_default=True, help="model, or a recording: gaitpdb, Moticon, CSV.")
@click.option("--gait", default="mixed", show_default=True, help=f"How the model walks: {_GAITS}.")
@click.option(
    "--feet", type=click.Choice(["left", "right", "both"]), default="both", show_default=True, help="Insoles to run."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed walks the same strides.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Times real time; 0: as fast as it goes.")
@click.option("--duration", "duration_s", type=float, metavar="S", help="End after S seconds; otherwise with Ctrl-C.")
@click.option("--drop", type=float, default=0.0, metavar="P", help="Lose each byte on the line with probability P.")
@click.option("--flip", type=float, default=0.0, metavar="P", help="Flip a bit of each byte with probability P.")
@click.option("--double", type=float, default=0.0, metavar="P", help="Repeat each byte with probability P.")
@click.option("--jitter", type=float, default=0.0, metavar="MS", help="Hold bytes back for up to MS ms, both ways.")
@click.option("--skew", type=float, default=0.0, metavar="PPM", help="Let the right insole's clock run fast by PPM.")
@click.option("--unplug", multiple=True, metavar="AT:S", help="Take the port away at AT s for S s; may be repeated.")
@click.option("--unpower", multiple=True, metavar="AT:S", help="Take its power away at AT s for S s; may be repeated.")
@click.option("--dead", multiple=True, metavar="CH", help="Cut a channel's wire: [left:]NUMBER or [left:]heel_medial.")
@click.option("--stuck", multiple=True, metavar="CH", help="Freeze a channel; named as for --dead.")
@click.option("--truth", type=TABLE_PATH, metavar="CSV", help="Write the true strides of the source.")
@click.option("--link", type=PATH, metavar="PATH", help="Path of the port; for two PATH-left and -right.")
@click.option("--tcp", metavar="HOST:PORT", help="TCP instead of a serial port; the second foot on the next port.")
@click.option("--interpreter", default="auto", show_default=True, metavar="NAME|PATH", help="What runs the firmware.")
@click.option("--board", default="esp32_devkitc", show_default=True, help="The board it pretends to be.")
@click.option(
    "--front-end",
    type=click.Choice(["board", *_FRONT_ENDS]),
    default="board",
    show_default=True,
    help=f"What makes counts of a load: {_FRONT_END_WORDS} board: what the board is built with, the amplifier on "
    "insole_s3, the divider on kits; a recording is then read by the ideal one.",
)
def sim(**options: Any) -> int:
    """Run virtual insoles: the real firmware behind serial ports, fed by a gait model or a recording.

    The first line printed is `left PATH right PATH`; open a path like any serial port.
    """
    from retrosole.twin.sim import SimOptions, run_sim

    return run_sim(SimOptions(**options))


# --------------------------------------------------------------------------------------------------------------- walk


@cli.command(
    short_help="Show pressure and strides as they happen.",
    epilog=examples("retrosole live", "retrosole live --record sessions --pace 90", "retrosole live --web"),
)
@walk_options
@look_options
@click.option("--record", "root", type=PATH, metavar="DIR", help="Keep the session under DIR.")
def live(ports: tuple[str, ...], side: str | None, **options: Any) -> int:
    """Show pressure and strides as they happen; q quits, the other keys are named below the picture.

    Without a terminal it prints one line per stride. Sampling begins and ends with the view. --web serves a page that
    can be read from a treadmill, to browsers on this computer only: whoever knows its address can see and press.
    """
    for name in ("note", "subject"):
        if options["root"] is None and options[name] is not None:
            raise UsageError(f"--{name} is kept with a session, and nothing is recorded: add --record DIR")
    return _walk(ports, side, "live", options)


@cli.command(
    epilog=examples(
        "retrosole record --seconds 60",
        "retrosole record --subject P07 --note 'treadmill, 2 km/h' --live",
        "retrosole record --port /dev/ttyUSB0 --port /dev/ttyUSB1 --out study",
    )
)
@walk_options
@click.option(
    "--out", "root", type=PATH, default="sessions", show_default=True, metavar="DIR", help="Keep it under DIR."
)
@click.option("--live", "is_live", is_flag=True, help="Show the live view meanwhile.")
def record(ports: tuple[str, ...], side: str | None, is_live: bool, **options: Any) -> int:
    """Record one foot or two into a session folder.

    Ctrl-C ends it cleanly: what the line lost is fetched from the insole's store (a second Ctrl-C leaves it there for
    `retrosole fetch`), everything is kept, the summary is printed, the exit code is 130 (0 when it ends by --seconds
    or by q). An insole that goes away is looked for, under any port name, until the recording is ended.
    """
    return _walk(ports, side, "live" if is_live else "progress", options)


def _walk(ports: tuple[str, ...], side: str | None, view: str, options: dict[str, Any]) -> int:
    from retrosole.walk import INTERRUPTED_EXIT, RecordOptions, check, connect_feet, walk

    given = {name: value for name, value in options.items() if value is not None}
    if "note" in given:  # where the system's encoding is not UTF-8, Python hands on bytes that it could not read
        given["note"] = given["note"].encode(errors="surrogateescape").decode(errors="replace")
    look = take_look(given)
    wanted = RecordOptions(**given)
    check(wanted)
    walked = walk(connect_feet(ports, side), wanted, view, look)
    return INTERRUPTED_EXIT if walked.interrupted else 0


@cli.command(short_help="Walk backward on a virtual pair, from start to summary.", epilog=examples("retrosole demo"))
@click.option(
    "--seconds",
    type=float,
    metavar="S",
    help="End after this long; otherwise with q, or after 15 s without a terminal.",
)
@click.option("--interpreter", default="auto", show_default=True, metavar="NAME|PATH", help="What runs the firmware.")
def demo(seconds: float | None, interpreter: str) -> int:
    """Walk backward on a virtual pair: see it live, record it, read the summary."""
    from retrosole.demo import run_demo

    return run_demo(seconds, interpreter)


for _command in (plan, coach, timed_walk, stored_sessions, fetch, erase):
    cli.add_command(_command)


# ----------------------------------------------------------------------------------------------------------- sessions

_session = click.argument("session", type=PATH)


@cli.command(short_help="Sum up a session.", epilog=examples("retrosole summary sessions/2026-11-21T10-15-30_P07"))
@_session
def summary(session: Path) -> None:
    """Sum up a session: strides of each kind, cadence, and everything that was lost."""
    from retrosole.commands import sessions

    sessions.print_summary(session)


@cli.command(
    short_help="Verify a session: every gap with its cause.",
    epilog=examples(
        "retrosole check sessions/2026-11-21T10-15-30_P07",
        "retrosole check sessions/2026-11-21T10-15-30_P07 --json | jq .complete",
    ),
)
@_session
@click.option("--json", "is_json", is_flag=True, help="Print it for programs.")
def check(session: Path, is_json: bool) -> int:
    """Verify every frame of a session, and report every gap with its cause, when it was and how long.

    The exit code is 0 when everything that the insoles took is here, 6 when something is missing. Samples that an
    insole never took, and what a reset took from its memory, are told and count as nobody's loss; so do contact
    frames, which are provisional. A gap that the insole may still hold is filled by `retrosole fetch`.
    """
    from retrosole.commands import sessions

    return sessions.check(session, is_json)


@cli.command(epilog=examples("retrosole strides sessions/2026-11-21T10-15-30_P07 --csv strides.csv"))
@_session
@click.option("--csv", "csv_path", metavar="FILE", help="Write all columns as CSV; - is standard output.")
def strides(session: Path, csv_path: str | None) -> None:
    """List every stride of a session.

    In the CSV, columns ending in _s are seconds since the session's first sample; where the logs have no clock
    queries, since the first one of that same foot (the two start a fraction of a second apart). stride counts from
    0, confidence is 0 to 1, *_peak is in counts above the unloaded baseline, *_impulse in count-seconds; an empty
    cell is an event that was not seen.
    """
    from retrosole.commands import sessions

    sessions.print_strides(session, csv_path)


for _command in (gait, report, trend, export, batch, study):
    cli.add_command(_command)


@cli.command(
    short_help="Print every frame of a log as text.",
    epilog=examples("retrosole decode sessions/2026-11-21T10-15-30_P07/left.frames | less"),
)
@click.argument("file", type=PATH)
def decode(file: Path) -> None:
    """Print every frame of a log as a line of text, damage included; of a session folder, every log in it."""
    from retrosole.session.decode import decode_file

    for line in decode_file(file):
        print(line)


@cli.command(
    short_help="Run the firmware's detector over a session again.",
    epilog=examples("retrosole replay sessions/2026-11-21T10-15-30_P07"),
)
@_session
def replay(session: Path) -> int:
    """Run the firmware's detector again over a session's samples.

    Says whether the strides and contacts are bit by bit those that the insole sent; the exit code is 6 if not.
    """
    from retrosole.commands import sessions

    return sessions.replay(session)


# --------------------------------------------------------------------------------------------------------- recordings


@cli.command(
    short_help="Find the strides in a recording of another insole.",
    epilog=examples(
        "retrosole detect GaCo01_01.txt --out events.csv",
        "zcat walk.csv.gz | retrosole detect - --full-scale 800 --out - | head",
        "retrosole detect recordings/*.txt.gz --out tables --front-end realistic",
    ),
)
@click.argument("recordings", nargs=-1, required=True, type=PATH, metavar="RECORDING...")
@click.option(
    "--out",
    "outs",
    multiple=True,
    required=True,
    type=TABLE_PATH,
    metavar="PATH",
    help="CSV to write, - for standard output; or a folder that is there, for NAME_events.csv; or once for each.",
)
@click.option("--rate", "rate_hz", type=int, default=200, show_default=True, metavar="HZ", help="Samples per second.")
@click.option("--full-scale", type=float, metavar="LOAD", help="Load on one sensor at which its counts end; see above.")
@click.option(
    "--front-end",
    type=click.Choice(_FRONT_ENDS),
    default="ideal",
    show_default=True,
    help=f"What makes counts of a load: {_FRONT_END_WORDS}",
)
@click.option(
    "--interpreter",
    default="cpython",
    show_default=True,
    metavar="NAME|PATH",
    help="micropython: through a virtual insole on real MicroPython; the same table, slower.",
)
def detect(recordings: tuple[Path, ...], outs: tuple[Path, ...], **options: Any) -> None:
    """Find the strides in a recording with the firmware's own detector.

    A recording (- is standard input) is a gaitpdb text, a Moticon OpenGo text export or a pressure CSV, plain or
    gzipped; its content says which. A pressure CSV has a header such as time_s,left_heel_a,left_forefoot_b: seconds,
    and by column left or right, then heel, midfoot, forefoot or toes, then a name; commas, decimal points, and above
    it a line # unit: N (or N/cm2, kPa, counts).

    It is sampled as an insole of eight channels would, to 12-bit counts. They end at a load on one sensor of
    30 N/cm2, 300 kPa or 4094 counts; for forces at 1500 N divided by the sensors of its zone; where the unit is
    unknown, high loads are put at two thirds of the range. --full-scale overrides that, in the recording's unit.

    One row per stance, by time. Columns ending in _s are seconds on the recording's own time axis, detected_s is when
    the insole says it; confidence is 0 to 1, an empty cell is an event that was not seen. Initial and final contact
    are those of the whole foot, against its own level: they lie a few milliseconds inside those of its parts. *_peak is
    in counts above the unloaded baseline, summed over the channels of a part (eight are shared out by the recording's
    sensors), *_impulse in count-seconds: to compare steps of one recording, not recordings.

    With several recordings the first that cannot be read ends it; tables already written stay.
    """
    from retrosole.commands.detect import DetectOptions
    from retrosole.commands.detect import detect as run

    run(recordings, outs, DetectOptions(**options))
