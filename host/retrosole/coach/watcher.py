"""The coach in the recorder's thread: hands frames and keys to the guide, and does what the guide wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retrosole import wire
from retrosole.coach.guide import Guide
from retrosole.coach.keys import Keys
from retrosole.coach.screen import Screen
from retrosole.coach.step import Step
from retrosole.coach.touches import TouchCounter, counter_of
from retrosole.device import Event
from retrosole.errors import NoDeviceError, PortError, ProtocolError
from retrosole.foot import CONNECTED, Foot, Phase, Watcher
from retrosole.plan.model import Stop
from retrosole.plan.notes import write_note
from retrosole.samples import unpack12
from retrosole.session.writer import word


class CoachWatcher(Watcher):
    """Lead through a session that is being recorded.

    `note` writes into the log, `request_end` ends the recording; both are the recorder's, set before it runs.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        stops: Sequence[Stop],
        opening: str,
        keys: Keys,
        screen: Screen,
        *,
        asks: bool = True,
    ) -> None:
        self.guide = Guide(steps, stops, self, opening, asks=asks)
        self.write_note: Callable[[str], None] = lambda text: None
        self.request_end: Callable[[], None] = lambda: None
        self._keys = keys
        self._screen = screen
        self._feet: list[Foot] = []
        self._counters: dict[str, TouchCounter] = {}
        self._sessions: dict[str, int] = {}
        self._now_s = 0.0

    # ---- the recorder's

    def begin(self, feet: list[Foot]) -> None:
        """Begin; sampling has begun."""
        self._feet = feet
        for foot in feet:
            self._counters[foot.side] = counter_of(foot.insole.identity)
            self._sessions[foot.side] = foot.session
        self._keys.forget()  # the rest of an answer, as of a "yes", must not stop or hurry what only begins
        self.guide.begin(0.0)

    def frame(self, foot: Foot, frame: Event) -> None:
        """Hand on what a foot did."""
        if isinstance(frame, wire.StrideFrame):
            self.guide.stride(word(wire.Order, frame.contact_order), self._now_s)
        elif isinstance(frame, wire.ContactFrame):
            self.guide.contact(self._now_s)
            self._count(foot, frame)
        elif isinstance(frame, wire.SamplesFrame):
            self._count(foot, frame)

    def say(self, text: str) -> None:
        """Print what the recorder has to say."""
        self._screen.say(text)

    def tick(self, elapsed_s: float) -> None:
        """Take the keys and the time."""
        self._now_s = elapsed_s
        if self._feet and all(foot.phase is not Phase.RUNNING for foot in self._feet):
            self.guide.interrupt(elapsed_s)  # ended from outside; what is still fetched is none of the guide's business
        while (key := self._keys.poll()) is not None:
            self.guide.key(key, elapsed_s)
        if not self._keys.is_open:
            self.guide.no_keys()
        self.guide.away_n = sum(foot.link != CONNECTED for foot in self._feet)
        self.guide.is_blind = self.guide.away_n == len(self._feet)
        self.guide.tick(elapsed_s)
        self._screen.status(self.guide.status(elapsed_s))
        if self.guide.is_over:
            self.request_end()

    def end(self) -> None:
        """Note what was done, also when the end came from outside."""
        self.guide.interrupt(self._now_s)
        self._screen.end()

    # ---- the guide's hands

    def signal(self) -> None:
        """Make a sound."""
        self._screen.signal()

    def note(self, text: str) -> None:
        """Write a note into the log of each foot."""
        self.write_note(text)

    def mark(self, code: int) -> None:
        """Set a mark among the samples of each foot that can be reached; where it cannot, the log says so."""
        for foot in self._feet:
            if foot.phase is not Phase.RUNNING:
                continue
            try:
                if foot.link != CONNECTED:
                    raise NoDeviceError(f"the {foot.side} insole is gone")
                foot.insole.marker(code)
            except (PortError, NoDeviceError, ProtocolError):
                self.note(write_note("unmarked", side=foot.side, code=code))

    # ---- the drill

    def _count(self, foot: Foot, frame: wire.SamplesFrame | wire.ContactFrame) -> None:
        counter = self._counters[foot.side]
        if foot.session != self._sessions[foot.side]:
            self._sessions[foot.side] = foot.session
            counter.restart()
        before_n = len(counter.landings)
        if isinstance(frame, wire.SamplesFrame):
            counter.samples(frame.first_index, unpack12(frame.records, foot.insole.identity.channel_n))
        else:
            counter.contact(frame)
        for landing in counter.landings[before_n:]:
            self.guide.landing(foot.side, landing, self._now_s)
