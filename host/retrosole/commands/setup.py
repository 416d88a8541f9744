"""`setup`: fit an insole to its wearer, by options or by questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import click

from retrosole import ports, show, wire
from retrosole.device import Insole
from retrosole.errors import UsageError
from retrosole.fitting import choices, dialogue
from retrosole.fitting.choices import Change
from retrosole.fitting.standing import Calibration
from retrosole.session.writer import word

_NO_TERMINAL = (
    "setup asks questions and there is no terminal to ask them on: say what to change, as in --side left --cue on"
)


@dataclass(frozen=True)
class SetupOptions:
    """Hold what was asked for on the command line; None: leave it as it is."""

    side: str | None = None
    target: str | None = None
    cue: str | None = None
    rate_hz: int | None = None
    rate_alone_hz: int | None = None
    board: str | None = None
    zones: str | None = None
    calibrate: bool = False

    @property
    def asks(self) -> bool:
        """Say whether nothing was asked for, so that questions have to be put."""
        return self == SetupOptions()


def setup(port: str | None, options: SetupOptions) -> None:
    """Change what the options say, or ask for everything, on one insole, and show what was and what is.

    Raises UsageError for what cannot be, or without a terminal where one is needed, BusyError while a session runs, and
    as `retrosole.ports.find_insole` does.
    """
    if (options.asks or options.calibrate) and not show.is_terminal():
        raise UsageError(_NO_TERMINAL if options.asks else "--calibrate guides a person and needs a terminal")
    check(options)
    with Insole(ports.find_insole(port)) as insole:
        choices.refuse_running(insole)
        before = insole.identity
        print(f"{insole.side.capitalize()} insole at {insole.port}")
        changes: list[Change] = []
        with _saying_what_holds(insole, changes):
            if options.asks:
                _ask(insole, changes)
            else:
                _apply(insole, _wanted(options, insole), changes)
            if options.calibrate:
                _calibrate(insole)
        _show(insole, before)
        if any(change.setting in choices.NEXT_START for change in changes):
            show.announce("Switch the insole off and on: what changed of its board and zones counts from then on.")


def check(options: SetupOptions) -> None:
    """Raise UsageError for rates that no insole has, before any port is opened."""
    for name, value in (("rate_hz", options.rate_hz), ("rate_alone_hz", options.rate_alone_hz)):
        known = wire.SETTING_CHOICES[name]
        if value is not None and value not in known:
            raise UsageError(f"the rate cannot be {value} Hz: choose from {', '.join(map(str, known))}")


def _wanted(options: SetupOptions, insole: Insole) -> dict[str, int]:
    """Give the settings to change, the board before the zones, which are counted by its channels."""
    given = {"side": options.side, "board": options.board, "target_order": options.target, "cue": options.cue}
    wanted = {name: choices.WORDS[name][text] for name, text in given.items() if text is not None}
    rates = {"rate_hz": options.rate_hz, "rate_alone_hz": options.rate_alone_hz}
    wanted |= {name: value for name, value in rates.items() if value is not None}
    if options.zones is not None:
        if options.board is not None and options.board != choices.current(insole.identity, "board"):
            raise UsageError("another board has other channels: set the board, switch it off and on, then set --zones")
        wanted["zones"] = choices.zone_bits(options.zones, insole.identity.channel_n)
    return wanted


def _apply(insole: Insole, wanted: Mapping[str, int], changes: list[Change]) -> None:
    for change in choices.apply(insole, wanted):
        changes.append(change)
        print(change.line(), flush=True)


@contextmanager
def _saying_what_holds(insole: Insole, changes: list[Change]) -> Iterator[None]:
    """When it is left in the middle, say what has been changed by then."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        names = [f"{change.setting.replace('_', ' ')} {change.after}" for change in changes]
        kept = ", ".join(names) or "nothing"
        show.announce(f"\nStopped. Changed so far, and kept: {kept}. Everything else is as it was before.")
        raise


def _ask(insole: Insole, changes: list[Change]) -> None:
    show.announce("Enter keeps what stands in brackets. Ctrl-C ends, and keeps what was\nanswered by then.\n")
    for setting, question in dialogue.questions():
        value = dialogue.ask_word(insole.identity, setting, question)
        if value is not None:
            _apply(insole, {setting: value}, changes)
    zones = dialogue.ask_zones(insole.identity)
    if zones is not None:
        _apply(insole, {"zones": zones}, changes)
    if click.confirm("Measure the load of standing now? It takes a minute, with the shoe on.", default=True):
        _calibrate(insole)


def _calibrate(insole: Insole) -> None:
    measuring = Calibration(insole, dialogue.TerminalGuide())
    try:
        measuring.run()
    except (KeyboardInterrupt, click.Abort):
        took = [text for text, is_new in (("unloaded", measuring.tared), ("standing", measuring.calibrated)) if is_new]
        left = f"new {' and '.join(took)} counts hold, measure again" if took else "the counts of before hold"
        show.announce(f"\nThe measurement was not finished: {left}.")
        raise


def _show(insole: Insole, before: wire.IdentityFrame) -> None:
    """Show back what the insole says it is now, and what it was."""
    now = insole.hello()
    print(f"\nWhat the {insole.side} insole says it is now:")
    for setting in ("side", "target_order", "cue", "rate_hz", "board"):
        print(Change(setting, choices.current(before, setting), choices.current(now, setting)).line().split(",")[0])
    rows = [_row(before, now, k) for k in range(now.channel_n)]
    show.table(("  no.", "zone", "site", "unloaded", "standing"), rows)
    if now.standing[0] == wire.INVALID["identity.standing"]:
        print("The load of standing has not been measured: `retrosole setup --calibrate` guides through it.")


def _row(before: wire.IdentityFrame, now: wire.IdentityFrame, k: int) -> tuple[str, ...]:
    site = word(wire.Site, now.sites[k]).replace("_", " ")
    cells = [f"  {k}", word(wire.Zone, now.zones[k]), site]
    for name in ("baseline", "standing"):
        old, new = getattr(before, name)[k], getattr(now, name)[k]
        cells.append(_count(new) if old == new else f"{_count(old)} -> {_count(new)}")
    return tuple(cells)


def _count(value: int) -> str:
    return "not set" if value == wire.INVALID["identity.baseline"] else str(value)
