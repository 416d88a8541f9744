"""The questions that are put to a person at a terminal, and what is drawn there meanwhile."""

from __future__ import annotations

import sys
import textwrap

import click

from retrosole import wire
from retrosole.fitting.choices import WORDS, ZONES, current, zone_bits, zone_words
from retrosole.fitting.standing import STEADY_S
from retrosole.session.writer import word

_BAR_CHARS = 30
_WIDTH = 78
_QUESTIONS = (
    ("side", "Which foot is this insole for?"),
    ("target_order", "Walking backward, what should touch the ground first?"),
    ("cue", "Should it buzz when another part touches first?"),
)


def questions() -> tuple[tuple[str, str], ...]:
    """Give the settings that are asked for, each with its question."""
    return _QUESTIONS


def ask_word(who: wire.IdentityFrame, setting: str, question: str) -> int | None:
    """Ask for a setting; give its value, None when it stays. Raises click.Abort on Ctrl-C."""
    words = {name.removesuffix("_first"): value for name, value in WORDS[setting].items()}
    now = current(who, setting).removesuffix(" first")
    kind = click.Choice(list(words), case_sensitive=False)
    answer = click.prompt(question, type=kind, default=now if now in words else None)
    return None if answer == now else words[answer]


def ask_zones(who: wire.IdentityFrame) -> int | None:
    """Ask whether the sensors are where the insole has them; give the zones' value, None when they stay."""
    click.echo("Its sensors, in the order of their wires:")
    for k in range(who.channel_n):
        site = word(wire.Site, who.sites[k]).replace("_", " ")
        click.echo(f"  {k}  {word(wire.Zone, who.zones[k]):<9} {'' if site == 'unused' else site}".rstrip())
    if click.confirm("Are they there?", default=True):
        return None
    kind = click.Choice(list(ZONES), case_sensitive=False)
    zones = [click.prompt(f"Sensor {k} is under the", type=kind) for k in range(who.channel_n)]
    text = ",".join(zones)
    return None if text == zone_words(who) else zone_bits(text, who.channel_n)


class TerminalGuide:
    """Guide a person through the measurement of the standing load, at a terminal."""

    def __init__(self) -> None:
        self._is_drawn = False

    def ask(self, text: str) -> None:
        """Say what to do, and wait for Enter. Raises click.Abort on Ctrl-C."""
        self._clear()
        click.echo()
        click.echo(_folded(text))
        click.prompt("", default="", show_default=False, prompt_suffix="> ")

    def show(self, load: float, steady_s: float) -> None:
        """Draw the load as a bar, and for how long it has been steady."""
        full = round(load * _BAR_CHARS)
        text = f"steady {steady_s:.1f} of {STEADY_S:.0f} s" if steady_s >= 0.5 else "moving"
        self._draw(f"  load [{'#' * full}{' ' * (_BAR_CHARS - full)}]  {text}")
        if steady_s >= STEADY_S:
            self._clear()
            click.echo("  steady, taken")

    def say(self, text: str) -> None:
        """Say something."""
        self._clear()
        click.echo(_folded(text))

    def _draw(self, line: str) -> None:
        sys.stdout.write(f"\r{line:<{_WIDTH}}")
        sys.stdout.flush()
        self._is_drawn = True

    def _clear(self) -> None:
        if self._is_drawn:
            sys.stdout.write(f"\r{'':<{_WIDTH}}\r")
            self._is_drawn = False


def _folded(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_on_hyphens=False)
