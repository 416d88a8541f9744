"""Collect sessions from an insole's store into logs on the disk, and only then say so to the insole.

One Collector an insole, in a thread of its own when there are two. What is on the disk already is not asked for again,
so whatever ends it, the next one goes on where this one stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from retrosole import wire
from retrosole.asking import BusyError, NoSessionError
from retrosole.device import FILLING_QUERY_S, Insole, LinkLost
from retrosole.errors import NoDeviceError, PortError
from retrosole.gathering import Filler, Gathering
from retrosole.ledger import Ledger
from retrosole.session.writer import SessionWriter
from retrosole.shelf import LogAdder, check_same, read_ledgers, sync_folder

_WINDOW_PAGES = 64
_LISTEN_S = 0.05
_EXCHANGE_N = 10  # at least: the quickest of them tell the time
_TIME_S = 2.0  # at most, to get so many
_QUIET_N = 4  # windows in a row without an answer


@dataclass
class Wanted:
    """Name a stored session and the log it goes into; the counters tell how far it is."""

    entry: wire.StoredFrame
    folder: Path
    side: str
    page_n: int = 0  # that were to be fetched; 0 until that is known
    left_n: int = 0
    missing_n: int = 0  # frames that could not be had
    missing_s: float = 0.0  # of samples, the same
    was_full: bool = False  # the insole says that it had no room for some
    is_kept: bool = False  # on the disk, as whole as the store has it
    is_said: bool = False  # to the insole, so that it may be erased there

    @property
    def log(self) -> Path:
        """Give the path of the log."""
        return self.folder / f"{self.side}.frames"


class Collector:
    """Fetch the wanted sessions of one insole, in their order."""

    def __init__(self, insole: Insole, wanted: list[Wanted], stop: threading.Event) -> None:
        self.insole = insole
        self.wanted = wanted
        self._stop = stop
        self._exchange_n = 0  # in the log that is being written

    def run(self, done: Callable[[Wanted], None]) -> None:
        """Fetch them all, calling `done` for each; end early when it is to stop.

        Raises PortError or NoDeviceError when the insole is lost, StorageError when the disk refuses or when a log
        holds another session of the same number.
        """
        self.insole.query_every_s = FILLING_QUERY_S
        for one in self.wanted:
            if self._stop.is_set():
                return
            with LogAdder(one.folder, one.side, self.insole.identity) as writer:
                check_same(one.log, one.entry, self.insole.identity.channel_n)
                gathering = self._fetch(one, writer)
                writer.sync()
            sync_folder(one.folder)
            if not self._stop.is_set():
                self._verify(one, gathering)
                done(one)

    def _fetch(self, one: Wanted, writer: SessionWriter) -> Gathering:
        ledger = read_ledgers(one.log, self.insole.identity.channel_n).get(one.entry.session)
        if ledger is None:
            ledger = Ledger(self.insole.identity.channel_n)
            ledger.begin(one.entry.session)
        gathering = Gathering(ledger, True, one.entry.next_index, window_pages=_WINDOW_PAGES)
        writer.connect(one.side, self.insole.port)
        self.insole.others[one.entry.session] = ledger
        self.insole.sink = lambda data, _received_s: writer.append(one.side, data)
        self.insole.on_exchange = partial(self._note_exchange, one.side, writer)
        self._exchange_n = 0
        try:
            self._gather(one, gathering, writer)
            self._ask_the_time(one, writer)
        finally:
            self.insole.sink = self.insole.on_exchange = None
            del self.insole.others[one.entry.session]
        writer.disconnect(one.side, wire.DisconnectReason.CLOSED)
        return gathering

    def _note_exchange(
        self, side: str, writer: SessionWriter, sent_s: float, received_s: float, clock: wire.ClockFrame
    ) -> None:
        self._exchange_n += 1
        writer.exchange(side, sent_s, received_s, clock, self.insole.identity.boot)

    def _gather(self, one: Wanted, gathering: Gathering, writer: SessionWriter) -> None:
        filler = Filler()
        one.page_n = one.left_n = gathering.missing_page_n
        while filler.turn(self.insole, [gathering]) and not self._stop.is_set():
            self._listen(one, writer)
            one.left_n = gathering.missing_page_n
            if filler.quiet_n >= _QUIET_N:
                text = f"the insole on {self.insole.port} no longer sends session {one.entry.session}"
                raise NoDeviceError(f"{text}: check its cable; what came is kept, the same command goes on with it")

    def _ask_the_time(self, one: Wanted, writer: SessionWriter) -> None:
        """See that there are enough answered clock queries, where they tell when the session was."""
        if one.entry.boot != self.insole.identity.boot:
            return
        end_s = time.monotonic() + _TIME_S
        self.insole.query_every_s = _TIME_S / (2 * _EXCHANGE_N)
        while self._exchange_n < _EXCHANGE_N and time.monotonic() < end_s and not self._stop.is_set():
            self._listen(one, writer)
        self.insole.query_every_s = FILLING_QUERY_S

    def _listen(self, one: Wanted, writer: SessionWriter) -> None:
        for event in self.insole.events(_LISTEN_S):
            if isinstance(event, LinkLost):
                writer.disconnect(one.side, event.reason)
                raise PortError(f"{event.text}; what came is kept, the same command goes on with it")
            if isinstance(event, wire.FetchedFrame) or self._stop.is_set():
                break
        writer.tick()

    def _verify(self, one: Wanted, gathering: Gathering) -> None:
        """Read the log again from the disk; when it has all that came, the insole may forget it."""
        check_same(one.log, one.entry, self.insole.identity.channel_n)
        on_disk = read_ledgers(one.log, self.insole.identity.channel_n).get(one.entry.session)
        one.is_kept = gathering.is_whole and gathering.holds(on_disk)
        one.missing_n = gathering.missing_frame_n
        one.missing_s = gathering.missing_page_n * gathering.slot_n / max(one.entry.rate_hz, 1)
        one.was_full = gathering.ledger.end is not None and gathering.ledger.end.unstored_n > 0
        if one.is_kept:
            one.is_said = self._say_collected(one.entry.session)

    def _say_collected(self, session: int) -> bool:
        """Say that a session is kept here; False when the insole walks again and cannot note it now."""
        try:
            self.insole.collected(session)
        except NoSessionError:
            return True  # it was erased meanwhile
        except BusyError:
            return False
        return True
