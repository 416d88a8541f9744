"""One foot of a recording: its insole, what of its sessions is here, and who is told about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from retrosole.device import Event, Insole
from retrosole.gathering import Filler, Gathering
from retrosole.ledger import Ledger

CONNECTED = "connected"


class Phase(Enum):
    """Say how far a foot's part of a recording is."""

    RUNNING = "running"
    ENDING = "ending"  # stopped or to be stopped; what is missing is being fetched
    DONE = "done"


@dataclass
class Foot:
    """Follow one foot through a recording. `link` is "connected" or says what is wrong.

    Bit k of `out_bits` says that the insole leaves channel k out of its decisions. `session` is the device's number of
    the session that runs; after a reset that is another one, and `gatherings` has those before it as well.
    """

    side: str
    insole: Insole
    session: int = 0
    stride_n: int = 0
    link: str = CONNECTED
    out_bits: int = 0
    gone_s: float | None = None  # on the host's steady clock
    phase: Phase = Phase.RUNNING
    has_store: bool = True
    gatherings: list[Gathering] = field(default_factory=list, repr=False)
    filler: Filler = field(default_factory=Filler, repr=False)
    _newest_seq: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    @property
    def sample_n(self) -> int:
        """Give the samples received."""
        return sum(ledger.sample_n for ledger in self._ledgers())

    @property
    def lost_sample_n(self) -> int:
        """Give the samples that did not arrive, or not yet, or were never taken."""
        return sum(ledger.lost_sample_n + ledger.hole_n for ledger in self._ledgers())

    @property
    def lost_frame_n(self) -> int:
        """Give the frames of any type that did not arrive."""
        return sum(count.lost_n for ledger in self._ledgers() for count in ledger.frames.values())

    @property
    def missing_page_n(self) -> int:
        """Give about how many pages of the store have still to be fetched."""
        return sum(gathering.missing_page_n for gathering in self.gatherings)

    def gone_for_s(self) -> float:
        """Give for how long the port has been away, 0 while it is there."""
        return 0.0 if self.gone_s is None else time.monotonic() - self.gone_s

    def begin_session(self, session: int) -> None:
        """Know that the insole's ledger now counts this session; those before it are over."""
        for gathering in self.gatherings:
            gathering.finish()
            self.insole.others[gathering.session] = gathering.ledger
        self.session = session
        self.gatherings.append(Gathering(self.insole.ledger))

    def is_news(self, frame: Event) -> bool:
        """Say whether a frame is of now, not one that was fetched later; what is not numbered always is."""
        seq = getattr(frame, "seq", None)
        if seq is None:
            return True
        key = frame.session, frame.TYPE
        if seq < self._newest_seq.get(key, 0):
            return False
        self._newest_seq[key] = seq + 1
        return bool(frame.session == self.session)

    def _ledgers(self) -> Iterator[Ledger]:
        if not self.gatherings:
            yield self.insole.ledger
        yield from (gathering.ledger for gathering in self.gatherings)


class Watcher:
    """Be told what happens in a recording, in the recorder's thread; this one ignores it."""

    def begin(self, feet: list[Foot]) -> None:
        """Take the feet, whose counters stay up to date; sampling begins now."""

    def frame(self, foot: Foot, frame: Event) -> None:
        """Take a frame of a foot; its counters are already up to date."""

    def say(self, text: str) -> None:
        """Take a line for the person: the link went away, came back, and the like."""

    def tick(self, elapsed_s: float) -> None:
        """Take the time since the beginning; called many times a second."""

    def end(self) -> None:
        """Know that the last frame has come; files are closed afterwards."""
