"""What can be typed about the sessions that the insoles hold: `sessions`, `fetch`, `erase`."""

from __future__ import annotations

from typing import Any

import click

from retrosole.commands.parts import PATH, examples, port_option


@click.command(
    "sessions",
    short_help="List the sessions that the insoles hold.",
    epilog=examples("retrosole sessions", "retrosole sessions --port /dev/ttyUSB0"),
)
@port_option
def stored_sessions(ports: tuple[str, ...]) -> None:
    """List the sessions in the insoles' own stores, and how much room is left there.

    An insole counts its sessions over its life. Their date is known while it has not been started anew since.
    """
    from retrosole.commands import store

    store.print_sessions(ports)


def _session_number(text: str) -> int:
    if text.isdecimal() and int(text) <= 0xFFFF:
        return int(text)
    raise click.BadParameter(f"{text}: a session number is 0 to 65535, as `retrosole sessions` lists them")


@click.command(
    short_help="Fetch sessions from the insoles' stores.",
    epilog=examples(
        "retrosole fetch",
        "retrosole fetch 12 13 --out study --subject P07",
        "retrosole fetch --all --port /dev/ttyUSB0",
    ),
)
@click.argument("numbers", nargs=-1, type=_session_number, metavar="[SESSION]...")
@port_option
@click.option(
    "--all",
    "fetches_all",
    is_flag=True,
    help="Also those collected before, while the insole has not erased them yet (usually seconds).",
)
@click.option("--side", type=click.Choice(["left", "right"]), help="Tell an insole its foot; it remembers.")
@click.option(
    "--out", "root", type=PATH, default="sessions", show_default=True, metavar="DIR", help="Keep them under DIR."
)
@click.option("--subject", metavar="CODE", default="anonymous", show_default=True, help="Code for new folders.")
def fetch(ports: tuple[str, ...], side: str | None, **options: Any) -> int:
    """Fetch what the insoles hold and nobody has collected, or the SESSIONs named by number.

    Run it where you recorded, with the same --out; connect both feet. A recording under DIR that was interrupted is
    completed; everything else gets a folder of its own, two feet that walked at the same time one together. What is
    there already is not fetched again: after Ctrl-C, a pulled plug or a crash the same command goes on. A session that
    still runs is ended. Only when a session is on the disk is the insole told that it may erase it, which it does while
    it is idle.
    """
    from retrosole.commands.fetch import FetchOptions
    from retrosole.commands.fetch import fetch as run

    return run(ports, side, FetchOptions(**options))


@click.command(
    short_help="Erase the insoles' stores.", epilog=examples("retrosole erase", "retrosole erase --port COM5 --yes")
)
@port_option
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
def erase(ports: tuple[str, ...], is_sure: bool) -> None:
    """Erase everything that the insoles hold, collected or not.

    Says what would go and asks. Not needed to make room: an insole erases by itself what has been collected.
    """
    from retrosole.commands import store

    store.erase(ports, is_sure)
