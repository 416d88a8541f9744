"""What can be typed for practising: `plan`, `coach`, `test-3m`."""

from __future__ import annotations

from pathlib import Path

import click

from retrosole.commands.parts import PATH, effort_options, examples, port_option, take_effort


def _readable(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Give words without the bytes that Python could not read, where the system's encoding is not UTF-8."""
    return None if text is None else text.encode(errors="surrogateescape").decode(errors="replace")


_SUBJECT = click.option(
    "--subject", metavar="CODE", default="anonymous", show_default=True, help="Code of the person, never a name."
)
_OUT = click.option(
    "--out", "root", type=PATH, default="sessions", show_default=True, metavar="DIR", help="Keep it under DIR."
)
_NOTE = click.option("--note", metavar="TEXT", callback=_readable, help="Words to keep with the session.")
_SIDE = click.option("--side", type=click.Choice(["left", "right"]), help="Tell an insole its foot; it remembers.")


@click.command(
    short_help="Show plans of practice, and at which stage one is.",
    epilog=examples(
        "retrosole plan",
        "retrosole plan first-steps",
        "retrosole plan --sessions sessions --subject P07",
        "retrosole plan mine.toml",
    ),
)
@click.argument("name", required=False, metavar="[PLAN]")
@click.option("--sessions", "root", type=PATH, metavar="DIR", help="Say at which stage one is, by the sessions in DIR.")
@click.option("--subject", metavar="CODE", help="Whose sessions, when DIR has those of several people.")
def plan(name: str | None, root: Path | None, subject: str | None) -> None:
    """List the plans, or show one: its stages, when to go on and when not yet, safety, and the sources.

    PLAN is one of the list or a file of your own whose name ends in .toml; every field of it is checked, and a stage
    may be harder than the one before it in one way only. With --sessions, which stage the guided sessions kept there
    have led to, and why.
    """
    from retrosole.commands import plan as commands

    commands.run(name, root, subject)


@click.command(
    short_help="Lead through a session of a plan.",
    epilog=examples(
        "retrosole coach --subject P07", "retrosole coach treadmill --stage 2", "retrosole coach mine.toml"
    ),
)
@click.argument("plan_name", default="first-steps", metavar="[PLAN]")
@click.option("--stage", type=int, metavar="N", help="The stage, from 1; else by the sessions kept for this subject.")
@port_option
@_SIDE
@_SUBJECT
@_OUT
@_NOTE
@effort_options
def coach(ports: tuple[str, ...], side: str | None, plan_name: str, **options: object) -> int:
    """Lead through a session: safety questions, what to do and for how long, rests, and what was seen.

    Everything is recorded, as with `record`. Toe touches are counted. A key stops it at once: p notes pain, d
    dizziness, s just stops; Enter goes on to the next thing; Ctrl-C ends it, and all is kept. Without a terminal, keys
    are the first letters of lines on standard input.
    """
    from retrosole.commands.coach import CoachOptions
    from retrosole.commands.coach import coach as run

    effort = take_effort(options)
    return run(ports, side, CoachOptions(plan_name, effort=effort, **options))  # type: ignore[arg-type]


@click.command(
    "test-3m",
    short_help="Time three backward walks of 3 metres.",
    epilog=examples("retrosole test-3m --subject P07", "retrosole test-3m --session sessions/2026-11-21T10-15-30_P07"),
)
@click.option("--session", type=PATH, metavar="DIR", help="Time a test that is kept, instead of doing one.")
@port_option
@_SIDE
@_SUBJECT
@_OUT
@_NOTE
def timed_walk(
    session: Path | None, ports: tuple[str, ...], side: str | None, root: Path, subject: str, note: str | None
) -> int:
    """Lead through the timed 3-metre backward walk, three times, and time it from the first step to the last.

    A try ends when you stand still, or with Enter. The times come at the end, beside published ones with their source
    and how sure they were; nothing here judges.
    """
    from retrosole.commands import coach as commands

    if session is not None:
        commands.print_kept(session)
        return 0
    return commands.timed_walk(ports, side, root, subject, note)
