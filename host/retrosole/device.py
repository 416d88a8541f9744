"""An insole on an open port: commands with their answers, frames as they come, the clock, and what was lost.

Use an Insole from one thread only. Nothing runs in the background but the reader of the port: whoever iterates
or calls a command also keeps the clock queries going, without which the device stops streaming after 3 s.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, TypeAlias

from retrosole import ports, wire
from retrosole.asking import (
    COMMAND_TIMEOUT_S,
    REPEAT_N,
    WHOLE_SESSION,
    Asker,
    BusyError,
    Fetching,
)
from retrosole.clock import ClockTracker, clock_difference_us
from retrosole.errors import NoDeviceError, PortError, ProtocolError
from retrosole.framing import Message, encode_command, parse
from retrosole.ledger import Ledger
from retrosole.transport import Chunk, PortGone

SILENT_AFTER_S = 5.0  # this long without a byte although the clock was asked for
QUERY_EVERY_S = wire.CLOCK_QUERY_MS / 1000
FILLING_QUERY_S = 0.25  # while pages are fetched: they put two feet on one clock afterwards
_QUERY_EVERY_DEVICE_US = 800_000  # a virtual insole may run many times faster than the host's clock
_PUMP_S = 0.05
_QUIET_S = 0.15  # after a stop: a frame takes 22 ms on the line, so by then no more is coming


@dataclass(frozen=True)
class LinkLost:
    """Say that the insole is no longer there: its port went away, or nothing came for five seconds."""

    reason: wire.DisconnectReason
    text: str


Event: TypeAlias = Any  # one of wire.FRAME_CLASSES' values | framing.UnknownFrame | LinkLost
Sink: TypeAlias = Callable[[bytes, float], None]
OnExchange: TypeAlias = Callable[[float, float, wire.ClockFrame], None]


def connect(port: str | None = None, *, side: str | None = None, timeout_s: float = 3.0) -> Insole:
    """Open an insole: at `port` (a device or any pyserial URL), or the only one that answers.

    Raises PortError, NoDeviceError or ProtocolError, each saying what to do.
    """
    return Insole(ports.find_insole(port, side, timeout_s))


class Insole(Asker):
    """Speak with one insole.

    Set `sink` to be given every received chunk of bytes, with its host time, before it is taken apart; the first
    call brings the beginning of a frame that is just coming, so that a log begins with a whole one. Set `on_exchange`
    to be given every answered clock query: host seconds of sending and receiving, and the answer.
    `ledger` counts the running session, and `others` those besides it whose frames are wanted as well.
    """

    def __init__(self, link: ports.Link, ledger: Ledger | None = None) -> None:
        """Take over an open link; with the `ledger` of a session that goes on, what came already is counted in it."""
        super().__init__()
        self.identity = link.identity
        self.clock = ClockTracker()
        self.ledger = Ledger(link.identity.channel_n) if ledger is None else ledger
        self.others: dict[int, Ledger] = {}
        self.on_exchange: OnExchange | None = None
        self.query_every_s = QUERY_EVERY_S
        self.status: wire.StatusFrame | None = None
        self._sink: Sink | None = None
        self._transport = link.transport
        self._splitter = link.splitter
        self._damaged_before_n = link.splitter.damaged_n  # torn while opening: no loss of ours
        self._events: deque[Event] = deque()
        self._head: wire.SessionHeadFrame | None = None  # that came last
        self._queries: dict[int, float] = {}  # tag to host time of sending
        self._query_s = 0.0
        self._query_device_us: int | None = None  # the device's clock when it was last asked for
        self._newest_us: int | None = None  # the same as last seen in a samples frame
        self._heard_s = self._pumped_s = time.monotonic()
        self._lost: LinkLost | None = None
        self._started = False
        self._closed = False
        for frame, received_s in link.pending:
            self._take(parse(frame), received_s)

    @property
    def port(self) -> str:
        """Give the name of the port."""
        return self._transport.port

    @property
    def side(self) -> str:
        """Give "left", "right" or "unset"."""
        return ports.side_name(self.identity)

    @property
    def damaged_n(self) -> int:
        """Give how many pieces of the line were no good frame since the insole was opened."""
        return self._splitter.damaged_n - self._damaged_before_n + self.ledger.damaged_n

    @property
    def sink(self) -> Sink | None:
        """Give who is given the received bytes."""
        return self._sink

    @sink.setter
    def sink(self, sink: Sink | None) -> None:
        self._sink = sink
        if sink is not None and self._splitter.held:
            sink(self._splitter.held, time.monotonic())

    # ---- commands

    def start(self) -> int:
        """Begin a session; give its number. Raises ProtocolError when refused, as when one runs already."""
        self.clock_query()
        before = self.identity.session
        try:
            session = self._command(wire.StartFrame).value
        except NoDeviceError:
            session = self._start_again(before)
        self._started = True
        self._events = deque(e for e in self._events if not hasattr(e, "seq") or e.session == session)
        if self.ledger.session != session:
            self.follow(session)
        self.clock_query()
        return session

    def _start_again(self, before: int) -> int:
        """Begin a session after a command without an answer, which may have come through, or may still come."""
        who = self.hello()
        if not who.running or who.session == before:
            try:
                return self._command(wire.StartFrame).value
            except BusyError:
                who = self.hello()
                if not who.running or who.session == before:
                    raise
        return who.session

    def stop(self) -> None:
        """End the session; what the device still holds arrives before this returns.

        Raises ProtocolError when none runs.
        """
        try:
            self._command(wire.StopFrame)
        except NoDeviceError:
            if self.hello().running:
                self._command(wire.StopFrame)
        self._started = False
        end_s = time.monotonic() + COMMAND_TIMEOUT_S
        while time.monotonic() < end_s and self._pump(_QUIET_S):
            pass

    def leave(self) -> None:
        """End the firmware and hand the line to MicroPython's prompt; nothing else can be asked afterwards."""
        self._command(wire.LeaveFrame)
        self._started = False

    def clock_query(self) -> None:
        """Ask for the clock without waiting; the answer goes into `clock` and keeps the device streaming."""
        tag = self._next_tag()
        if len(self._queries) > 64:
            self._queries.clear()  # answers that will not come any more
        self._queries[tag] = self._query_s = time.monotonic()
        self._query_device_us = self._newest_us
        self._send(wire.ClockQueryFrame(tag))

    # ---- frames

    def __iter__(self) -> Iterator[Event]:
        """Give frames as they come, until the insole is closed. Raises PortError when it is lost."""
        for event in self.events():
            if isinstance(event, LinkLost):
                raise PortError(event.text)
            yield event

    def events(self, timeout_s: float | None = None) -> Iterator[Event]:
        """Give frames and, once and last, LinkLost; end early when nothing comes for `timeout_s`."""
        quiet_s = time.monotonic()
        while not self._closed:
            if self._events:
                event = self._events.popleft()
                yield event
                if isinstance(event, LinkLost):
                    return
                quiet_s = time.monotonic()
                continue
            if self._lost is not None:
                return
            left_s = _PUMP_S if timeout_s is None else quiet_s + timeout_s - time.monotonic()
            if left_s < 0:
                return
            self._pump(min(left_s, _PUMP_S))

    def fetch(self, session: int, first_idx: int = 0, end_idx: int = WHOLE_SESSION) -> Iterator[Event]:
        """Have the pages that hold samples first_idx to end_idx - 1 sent again; give frames as they come.

        `fetched` is the last, once every page has come; lost ones are asked for again, what came is not given twice.
        Raises NoStoreError, NoSessionError, or NoDeviceError when they cannot be had, PortError when it is lost.
        """
        usual_s, self.query_every_s = self.query_every_s, min(self.query_every_s, FILLING_QUERY_S)
        try:
            for _ in range(REPEAT_N):
                under_way = self.begin_fetch(session, first_idx, end_idx)
                yield from self._fetched(under_way)
                if under_way.is_whole:
                    yield under_way.fetched
                    return
        finally:
            self.query_every_s = usual_s
        raise NoDeviceError(
            f"the insole on {self.port} did not send session {session} whole in {REPEAT_N} attempts: check its cable"
        )

    def _fetched(self, under_way: Fetching) -> Iterator[Event]:
        while not (under_way.over or under_way.is_lost):
            for event in self.events(_PUMP_S):
                if isinstance(event, LinkLost):
                    raise PortError(event.text)
                if event is under_way.fetched:
                    break
                yield event
        if under_way.refusal is not None:
            raise self._refused(under_way.refusal, "fetch")

    def _pump_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        end_s = time.monotonic() + timeout_s
        while not done():
            if self._lost is not None:
                raise PortError(self._lost.text)
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            self._pump(min(left_s, _PUMP_S))
        return True

    def _pump(self, timeout_s: float) -> bool:
        """Read one chunk, sort what is in it, ask for the clock when that is due; say whether anything came."""
        begin_s = time.monotonic()
        if begin_s - self._pumped_s > 1.0:
            self._heard_s = begin_s  # nobody asked meanwhile, so silence says nothing
        came = self._read(timeout_s)
        now_s = self._pumped_s = time.monotonic()
        if self._lost is None:
            self._keep_asking(now_s)
        return came

    def _read(self, timeout_s: float) -> bool:
        chunk = self._transport.read(timeout_s)
        if isinstance(chunk, PortGone):
            self._lose(wire.DisconnectReason.UNPLUGGED, chunk.text)
        if not isinstance(chunk, Chunk):
            return False
        self._heard_s = max(self._heard_s, chunk.received_s)  # it may have waited here while nobody asked
        if self._sink is not None:
            self._sink(chunk.data, chunk.received_s)
        for frame in self._splitter.feed(chunk.data):
            self._take(parse(frame), chunk.received_s)
        return True

    def _keep_asking(self, now_s: float) -> None:
        if now_s - self._query_s > self.query_every_s or self._device_moved_on():
            self.clock_query()
        if now_s - self._heard_s > SILENT_AFTER_S:
            text = f"the insole on {self.port} has sent nothing for {SILENT_AFTER_S:g} s: check its power and cable"
            self._lose(wire.DisconnectReason.SILENT, text)

    def _device_moved_on(self) -> bool:
        at_query_us, newest_us = self._query_device_us, self._newest_us
        if newest_us is None:
            return False
        return at_query_us is None or clock_difference_us(newest_us, at_query_us) > _QUERY_EVERY_DEVICE_US

    def _take(self, message: Message, received_s: float) -> None:
        """Keep a frame's news; hand it on unless it is a repetition or damaged."""
        if self.fetching is not None:
            self.fetching.take(message)
        keep = self._KEEPERS.get(type(message))
        if keep is not None:
            keep(self, message, received_s)
        ledger = self.others.get(getattr(message, "session", -1), self.ledger)
        if ledger.add(message):
            self._events.append(message)

    def _take_identity(self, who: wire.IdentityFrame, _received_s: float) -> None:
        if self.fetching is not None and (not self.fetching.over or _is_older(who, self.identity)):
            return  # out of the store: how it was when that session began
        if who.running and who.session not in (self.identity.session, self.ledger.session):
            self.follow(who.session)  # started by its button
        if who.boot != self.identity.boot:  # another count of its clock, so it is asked for that at once
            self.clock, self._query_s = ClockTracker(), 0.0
        self.identity = who
        self.ledger.channel_n = who.channel_n

    def _take_clock(self, answer: wire.ClockFrame, received_s: float) -> None:
        sent_s = self._queries.pop(answer.tag, None)
        if sent_s is not None:
            self.clock.add(sent_s, received_s, answer)
            if self.on_exchange is not None:
                self.on_exchange(sent_s, received_s, answer)

    def _take_reply(self, reply: wire.ReplyFrame, _received_s: float) -> None:
        self._replies[reply.tag] = reply
        started = reply.command == wire.StartFrame.TYPE and reply.result == wire.Result.OK
        if started and reply.value != self.ledger.session:
            self.follow(reply.value)  # here, not in start(): samples may follow in the same chunk

    def _take_head(self, head: wire.SessionHeadFrame, _received_s: float) -> None:
        self._head = head
        if head.session != head.continues == self.ledger.session:
            self.follow(head.session)  # it was reset; samples may follow in the same chunk

    def _take_stored(self, entry: wire.StoredFrame, _received_s: float) -> None:
        self._stored[entry.tag] = entry

    def _take_status(self, status: wire.StatusFrame, _received_s: float) -> None:
        self.status = status

    def _take_samples(self, samples: wire.SamplesFrame, _received_s: float) -> None:
        if samples.session == self.ledger.session and samples.first_index >= self.ledger.next_idx:
            self._newest_us = samples.clock_us

    _KEEPERS: ClassVar[dict[type, Callable[..., None]]] = {
        wire.IdentityFrame: _take_identity,
        wire.ClockFrame: _take_clock,
        wire.ReplyFrame: _take_reply,
        wire.SessionHeadFrame: _take_head,
        wire.StoredFrame: _take_stored,
        wire.StatusFrame: _take_status,
        wire.SamplesFrame: _take_samples,
    }

    def follow(self, session: int) -> None:
        """Count a session that runs, from its first frame on, in a new ledger; the one before stays as it is."""
        before = self.ledger
        self.ledger = Ledger(before.channel_n, damaged_n=before.damaged_n, unknown_n=before.unknown_n)
        self.ledger.begin(session)
        if self._head is not None and self._head.session == session:
            self.ledger.head = self._head  # it came before the answer to the start

    def _send(self, message: Message) -> None:
        """Write a command; a port that is gone becomes an event, so that what came before can still be read."""
        try:
            self._transport.write(encode_command(message))
        except PortError as error:
            while self._read(_PUMP_S):
                pass
            self._lose(wire.DisconnectReason.UNPLUGGED, str(error))

    def _lose(self, reason: wire.DisconnectReason, text: str) -> None:
        if self._lost is None:
            self._lost = LinkLost(reason, text)
            self._events.append(self._lost)

    # ---- closing

    def close(self, *, keep_running: bool = False) -> None:
        """Stop the session if it was started here, and let go of the port; calling it again does nothing.

        With `keep_running` it goes on, into the insole's store, until its button, a host or five idle minutes end it.
        """
        if self._closed:
            return
        try:
            if self._started and self._lost is None and not keep_running:
                self.stop()
        except (PortError, NoDeviceError, ProtocolError):
            pass  # it is being left anyway, and the port must be let go of
        finally:
            self._closed = True
            self._transport.close()

    def __enter__(self) -> Insole:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _is_older(one: wire.IdentityFrame, other: wire.IdentityFrame) -> bool:
    """Say whether an identity is of an earlier start or session; session numbers wrap at 2^16."""
    return one.boot < other.boot or (one.session - other.session) & 0xFFFF >= 0x8000
