"""`fetch`: sessions from the insoles' stores into session folders."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from retrosole import show, wire
from retrosole.collector import Collector, Wanted
from retrosole.commands.store import booted_at, listed
from retrosole.device import Insole
from retrosole.errors import DamagedDataError, UsageError
from retrosole.live.bars import clock_text
from retrosole.session.writer import check_subject
from retrosole.shelf import (
    KeptSide,
    NewSide,
    begin_of,
    chains,
    check_writable,
    kept_sides,
    length_s,
    make_folder,
    overlap_s,
    place_of,
)
from retrosole.walk import INTERRUPTED_EXIT, connect_feet, ending_on_signals, ready

_LOOK_S = 0.2
_PAGES_PER_S = 20.0  # of one foot, at 115200 baud
_LONG_S = 10.0
_TOGETHER_S = 2.0  # at least: the insoles tell their time to the second


@dataclass(frozen=True)
class FetchOptions:
    """Say which sessions to fetch and where to keep them; `numbers` empty: those that nobody has collected."""

    numbers: tuple[int, ...] = ()
    fetches_all: bool = False
    root: Path = Path("sessions")
    subject: str = "anonymous"


def fetch(port_names: tuple[str, ...], side: str | None, options: FetchOptions) -> int:
    """Fetch sessions from the connected insoles; give the exit code.

    Raises UsageError for a session that no insole holds, and as connecting, fetching and the disk do.
    """
    check_subject(options.subject)
    with contextlib.ExitStack() as stack:
        insoles = connect_feet(port_names, side)
        for insole in insoles.values():
            stack.callback(insole.close)
        held = listed(insoles, "nothing is fetched from it")
        _check_numbers(options.numbers, held, insoles, options.root)
        chosen = {name: _chosen(name, entries, options) for name, entries in held.items()}
        if not any(chosen.values()):
            return 0
        check_writable(options.root)
        for name, entries in chosen.items():
            chosen[name] = _ended(insoles[name], entries)
        return _collect(insoles, _placed(insoles, chosen, options))


def _chosen(side: str, entries: list[wire.StoredFrame], options: FetchOptions) -> list[wire.StoredFrame]:
    """Give the sessions of an insole to fetch."""
    if options.numbers:
        return [entry for entry in entries if entry.session in options.numbers]
    if options.fetches_all:
        chosen = entries
    else:
        chosen = [entry for entry in entries if entry.kept != wire.Kept.COLLECTED]
    if not entries:
        show.announce(f"{side}: holds no session")
    elif not chosen:
        one = "its one session is" if len(entries) == 1 else f"all {len(entries)} sessions are"
        show.announce(f"{side}: nothing to fetch, {one} collected (--all: once more)")
    return chosen


def _ended(insole: Insole, entries: list[wire.StoredFrame]) -> list[wire.StoredFrame]:
    """End what runs on an insole that something is to be fetched from; give the entries as they are then."""
    if not (entries and insole.identity.running):
        return entries
    for line in ready(insole):
        show.say(line)
    numbers = {entry.session for entry in entries}
    return [entry for entry in insole.stored() if entry.session in numbers]


def _check_numbers(
    numbers: tuple[int, ...], held: dict[str, list[wire.StoredFrame]], insoles: dict[str, Insole], root: Path
) -> None:
    there = {entry.session for entries in held.values() for entry in entries}
    absent = [number for number in dict.fromkeys(numbers) if number not in there]
    if not absent:
        return
    texts, unknown = [], []
    for number in absent:
        folder = _folder_of(number, insoles, root)
        if folder is None:
            unknown.append(str(number))
        else:
            texts.append(f"no insole holds session {number}; it is in {folder} already")
    if unknown:
        named = f"session{'s' * (len(unknown) > 1)} {', '.join(unknown)}"
        texts.append(f"no insole holds {named}: `retrosole sessions` lists those they hold")
    raise UsageError("; ".join(texts))


def _folder_of(number: int, insoles: dict[str, Insole], root: Path) -> Path | None:
    """Give the newest folder that has a session of this number of one of these insoles."""
    for insole in insoles.values():
        for kept in kept_sides(root, insole.identity.device_id):
            if number in kept.sessions or number in {name.session for name in kept.names}:
                return kept.folder
    return None


# ------------------------------------------------------------------------------------------------------------- places


def _placed(
    insoles: dict[str, Insole], entries: dict[str, list[wire.StoredFrame]], options: FetchOptions
) -> dict[str, list[Wanted]]:
    """Give each session its folder: the one that has a part of it already, or a new one for both feet."""
    wanted: dict[str, list[Wanted]] = {side: [] for side in insoles}
    new: dict[str, list[NewSide]] = {side: [] for side in insoles}
    for side, chosen in entries.items():
        if not chosen:
            continue
        insole = insoles[side]
        boot_at = booted_at(insole)
        kept = kept_sides(options.root, insole.identity.device_id)
        for chain in chains(chosen):
            place = _place(chain, kept, insole, boot_at)
            if place is not None:
                wanted[side] += [Wanted(entry, place.folder, place.side) for entry in chain]
            else:
                start = begin_of(chain, insole.identity.boot, boot_at)
                new[side].append(NewSide(insole.identity, insole.port, chain, start))
    for group in _groups(new):
        folder = make_folder(options.root, options.subject, group)
        show.say(f"new folder {folder} for {_numbers_of(group)}")
        for side, one in group.items():
            wanted[side] += [Wanted(entry, folder, side) for entry in one.entries]
    return wanted


def _numbers_of(group: dict[str, NewSide]) -> str:
    return ", ".join(f"{side} session {entry.session}" for side, one in group.items() for entry in one.entries)


def _place(chain: list[wire.StoredFrame], kept: list[KeptSide], insole: Insole, boot_at: datetime) -> KeptSide | None:
    """Give the folder that holds a part of any of these sessions."""
    for k, entry in enumerate(chain):
        place = place_of(entry, begin_of(chain[k:], insole.identity.boot, boot_at), kept)
        if place is not None:
            return place
    return None


def _groups(new: dict[str, list[NewSide]]) -> Iterator[dict[str, NewSide]]:
    """Give what goes into one new folder: two feet that walked at the same time, or one."""
    sides = list(new)
    rest = list(new[sides[1]]) if len(sides) > 1 else []
    for one in new[sides[0]]:
        other = max(rest, key=partial(overlap_s, one), default=None)
        if other is None or overlap_s(one, other) < _TOGETHER_S:
            yield {sides[0]: one}
        else:
            rest.remove(other)
            yield {sides[0]: one, sides[1]: other}
    yield from ({sides[1]: one} for one in rest)


# ------------------------------------------------------------------------------------------------------------ collect


class _Stop:
    """End fetching cleanly; once more makes no difference."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def request_end(self) -> None:
        self.event.set()

    leave = request_end


def _collect(insoles: dict[str, Insole], wanted: dict[str, list[Wanted]]) -> int:
    stop = _Stop()
    collectors = [Collector(insoles[side], ones, stop.event) for side, ones in wanted.items() if ones]
    torn: list[Wanted] = []
    lacking: list[Wanted] = []  # never in the store

    def done(one: Wanted) -> None:
        show.announce(_line(one))
        if not one.is_kept:
            torn.append(one)
        elif one.missing_n:
            lacking.append(one)

    with ending_on_signals(stop) as signals, ThreadPoolExecutor(max_workers=len(collectors)) as pool:
        running = [pool.submit(collector.run, done) for collector in collectors]
        _announce_long(wanted)
        _show_progress(running, [one for ones in wanted.values() for one in ones])
        failures = [error for future in running if (error := future.exception()) is not None]
    for failure in failures[1:]:
        show.say(str(failure))
    if failures:
        raise failures[0]
    if signals:
        show.say("left off; what came is kept, the same command goes on with it")
        return INTERRUPTED_EXIT
    if torn:
        text = f"incomplete because of noise on the line: {_numbers(torn)}"
        raise DamagedDataError(f"{text}; run the same command again to complete it")
    if lacking:
        raise DamagedDataError(f"kept as far as it was stored: {_numbers(lacking)}; there is no more to fetch of it")
    return 0


def _numbers(wanted: list[Wanted]) -> str:
    return ", ".join(f"{one.side} session {one.entry.session}" for one in wanted)


def _line(one: Wanted) -> str:
    text = f"{one.side}: session {one.entry.session}, {clock_text(length_s(one.entry))}, in {one.folder}: {_state(one)}"
    if one.is_said or not one.is_kept:
        return text
    return f"{text}; the insole walks again and keeps it as uncollected until the next fetch"


def _state(one: Wanted) -> str:
    frames = "1 frame" if one.missing_n == 1 else f"{one.missing_n} frames"
    if not one.is_kept:
        return f"{frames} still missing"
    if not one.missing_n:
        return "complete"
    if one.missing_s < 1.0:
        return f"not in its store: {frames}"
    whole_s = length_s(one.entry)
    kept = f"{clock_text(max(whole_s - one.missing_s, 0.0))} of {clock_text(whole_s)} kept"
    why = "the rest was never stored: the store was full" if one.was_full else "the rest is not in its store"
    return f"{kept}; {why}"


def _announce_long(wanted: dict[str, list[Wanted]]) -> None:
    """Where nothing can be drawn, say once what will take long."""
    about_s = max(sum(one.entry.page_n for one in ones) for ones in wanted.values()) / _PAGES_PER_S
    if about_s >= _LONG_S and not show.can_draw():
        minutes = max(sum(length_s(one.entry) for one in ones) for ones in wanted.values()) / 60
        show.say(
            f"fetching {minutes:.0f} {'minute' if round(minutes) == 1 else 'minutes'} of walking, about {about_s:.0f} s"
        )


def _show_progress(running: list[Future[None]], wanted: list[Wanted]) -> None:
    if not show.can_draw():
        wait(running)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} pages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("fetching", total=_total_n(wanted))
        while wait(running, _LOOK_S).not_done:
            left_n = sum(one.left_n if one.page_n else one.entry.page_n for one in wanted if not one.is_kept)
            total_n = _total_n(wanted)
            progress.update(task, total=total_n, completed=max(total_n - left_n, 0))


def _total_n(wanted: list[Wanted]) -> int:
    return sum(one.page_n or one.entry.page_n for one in wanted)
