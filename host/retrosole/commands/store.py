"""`sessions` and `erase`: what the insoles hold, and how to be rid of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import click

from retrosole import show, wire
from retrosole.asking import NoStoreError
from retrosole.device import Insole, LinkLost
from retrosole.errors import NoDeviceError, PortError, UsageError
from retrosole.live.bars import clock_text
from retrosole.session.writer import word
from retrosole.shelf import begin_of, length_s
from retrosole.walk import connect_feet

_ANSWER_S = 2.5  # for a clock and a status, which comes once a second
_ERASE_QUIET_S = 15.0  # without any progress
_LOOK_S = 0.2
_SECTOR_PAGES = 16
_HEADINGS = ("side", "no.", "began", "length", "pages", "kept", "ended")


def print_sessions(port_names: tuple[str, ...]) -> None:
    """Print what the insoles hold, one session a line, and how much room is left."""
    with contextlib.ExitStack() as stack:
        rows: list[tuple[str, ...]] = []
        lines: list[str] = []
        for side, insole in connect_feet(port_names, needs_side=False).items():
            stack.callback(insole.close)
            try:
                entries = insole.stored()
            except NoStoreError as error:
                lines.append(f"{side}: {error}")
                continue
            boot_at = booted_at(insole)
            rows += [(side, *_cells(insole, entry, boot_at)) for entry in entries]
            lines += [f"{side}: {text}" for text in _room_lines(insole, entries)]
        if rows:
            show.table(_HEADINGS, rows, right=(1, 3, 4))
        for line in lines:
            print(line)


def _cells(insole: Insole, entry: wire.StoredFrame, boot_at: datetime) -> tuple[str, ...]:
    began = begin_of([entry], insole.identity.boot, boot_at)
    return (
        str(entry.session),
        "date unknown" if began is None else f"{began.astimezone():%Y-%m-%d %H:%M:%S}",
        clock_text(length_s(entry)),
        str(entry.page_n),
        word(wire.Kept, entry.kept),
        _ended(entry),
    )


def _ended(entry: wire.StoredFrame) -> str:
    if entry.kept == wire.Kept.RUNNING:
        return ""
    words = {wire.Ended.HOST: "by a host", wire.Ended.BUTTON: "by its button", wire.Ended.FORSAKEN: "by itself"}
    ended = "cut short" if entry.ended not in list(wire.Ended) else words[wire.Ended(entry.ended)]
    return ended if entry.continues == entry.session else f"{ended}, goes on with {entry.continues}"


def _room_lines(insole: Insole, entries: list[wire.StoredFrame]) -> Iterator[str]:
    if not entries:
        yield "holds no session"
    status = insole.status
    if status is None or not status.store_page_n:
        return
    ready = f"{status.store_ready_s / 60:.0f} minutes" if status.store_ready_s >= 120 else f"{status.store_ready_s} s"
    if status.store_ready_s == wire.INVALID.get("status.store_ready_s", 0xFFFF):
        ready = "18 hours or more"
    waiting_n = status.store_page_n - status.store_used_n - status.store_ready_n
    more = f"; {waiting_n} pages are still being erased" if waiting_n > 2 * _SECTOR_PAGES else ""
    if not (status.store_ready_n and status.store_ready_s):
        yield f"the store is full: `retrosole fetch` collects what it holds, which makes room{more}"
        return
    used = f"{100 * status.store_used_n / status.store_page_n:.0f} % of its store used"
    yield f"{used}, room for {ready} at {insole.identity.rate_hz} Hz{more}"


def booted_at(insole: Insole) -> datetime:
    """Give when the insole was started, by the host's calendar, to the second; its status is asked for as well.

    Raises NoDeviceError when it does not answer.
    """
    answered: list[wire.ClockFrame] = []
    keep = insole.on_exchange
    insole.on_exchange = lambda _sent_s, _received_s, answer: answered.append(answer)
    try:
        insole.clock_query()
        end_s = time.monotonic() + _ANSWER_S
        while time.monotonic() < end_s and not (answered and insole.status):
            for _ in insole.events(0.1):
                if time.monotonic() > end_s:
                    break
    finally:
        insole.on_exchange = keep
    if not answered:
        raise NoDeviceError(f"the insole on {insole.port} does not tell its clock: check its cable")
    return datetime.now(UTC) - timedelta(seconds=answered[-1].uptime_s)


def listed(insoles: Mapping[str, Insole], then: str) -> dict[str, list[wire.StoredFrame]]:
    """List what each store holds; an insole without one does not keep the other from it, `then` goes into its line.

    Raises NoStoreError when none has a store, and as `Insole.stored` does.
    """
    held: dict[str, list[wire.StoredFrame]] = {}
    without: list[NoStoreError] = []
    for side, insole in insoles.items():
        try:
            held[side] = insole.stored()
        except NoStoreError as error:
            without.append(error)
    if not held:
        raise without[0]
    for refused in without:
        show.say(f"{refused}; {then}")
    return held


# ------------------------------------------------------------------------------------------------------------ erase


def erase(port_names: tuple[str, ...], is_sure: bool) -> None:
    """Erase the stores, after asking; say what goes, and how far it is.

    Raises UsageError while a session runs or when nobody can be asked, NoStoreError when there is no store at all,
    PortError when an insole goes away meanwhile.
    """
    with contextlib.ExitStack() as stack:
        insoles = connect_feet(port_names, needs_side=False)
        for insole in insoles.values():
            stack.callback(insole.close)
        held = {
            side: entries
            for side, entries in listed(insoles, "there is nothing to erase").items()
            if _is_to_erase(side, entries)
        }
        for side in held:
            _check_idle(side, insoles[side])
        if not held:
            return
        if not (is_sure or _agrees(held)):
            show.say("nothing was erased")
            return
        for side in held:
            insoles[side].erase()
        _follow([_Erasing(side, insoles[side]) for side in held])


def _is_to_erase(side: str, entries: list[wire.StoredFrame]) -> bool:
    if not entries:
        show.announce(f"{side}: holds no session")
    return bool(entries)


def _check_idle(side: str, insole: Insole) -> None:
    if insole.identity.running:
        raise UsageError(
            f"the {side} insole runs session {insole.identity.session}: end it with its button, or with "
            "`retrosole fetch`, which keeps it"
        )


def _agrees(held: dict[str, list[wire.StoredFrame]]) -> bool:
    for side, entries in held.items():
        lost = [entry for entry in entries if entry.kept != wire.Kept.COLLECTED]
        long_s = sum(length_s(entry) for entry in lost)
        long = f"{long_s:.0f} s" if long_s < 120 else f"{long_s / 60:.1f} minutes"
        sessions = "session" if len(lost) == 1 else "sessions"
        collected_n = len(entries) - len(lost)
        show.say(f"{side}: {len(lost)} {sessions} that nobody has collected ({long}), {collected_n} collected")
    if not sys.stdin.isatty():
        raise UsageError("erasing needs a yes: add --yes")
    return click.confirm("Erase all of it?", err=True)


@dataclass
class _Erasing:
    """Follow how far one insole's erasing is."""

    side: str
    insole: Insole
    said_n: int = 0
    best_n: int = -1
    since_s: float = field(default_factory=time.monotonic)
    is_over: bool = False
    is_gone: bool = False

    def look(self) -> None:
        """Take what the insole says now."""
        for event in self.insole.events(_LOOK_S):
            if isinstance(event, LinkLost):
                self.is_over = self.is_gone = True
                return
            if isinstance(event, wire.StatusFrame):
                self._take(event)
                break
        if not self.is_over and time.monotonic() - self.since_s > _ERASE_QUIET_S:
            self.is_over = True
            show.announce(f"{self.side}: still being erased; the insole goes on by itself while it is idle")

    def _take(self, status: wire.StatusFrame) -> None:
        if status.store_ready_n > self.best_n:
            self.best_n, self.since_s = status.store_ready_n, time.monotonic()
        if not status.store_used_n and status.store_ready_n >= status.store_page_n - 2 * _SECTOR_PAGES:
            self.is_over = True
            show.announce(f"{self.side}: erased")
            return
        tenth = 10 * status.store_ready_n // max(status.store_page_n, 1)
        if tenth > self.said_n:
            self.said_n = tenth
            show.say(f"{self.side}: {10 * tenth} % ready")


def _follow(feet: list[_Erasing]) -> None:
    """Show how far the erasing is until all is ready. Raises PortError for those that went away, at the end."""
    while not all(one.is_over for one in feet):
        for one in feet:
            if not one.is_over:
                one.look()
    gone = [f"{one.side}: gone while it was being erased; run `retrosole erase` again" for one in feet if one.is_gone]
    if gone:
        raise PortError("; ".join(gone))
