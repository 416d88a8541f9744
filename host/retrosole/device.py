"""An insole on an open port: commands with their answers, frames as they come, the clock, and what was lost.

Use an Insole from one thread only. Nothing runs in the background but the reader of the port: whoever iterates
or calls a command also keeps the clock queries going, without which the device stops streaming after 3 s.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, TypeAlias

from retrosole import ports, wire
from retrosole.clock import ClockTracker, clock_difference_us
from retrosole.errors import NoDeviceError, PortError, ProtocolError, UsageError
from retrosole.framing import Message, encode_command, parse
from retrosole.ledger import Ledger
from retrosole.transport import Chunk, PortGone

COMMAND_TIMEOUT_S = 2.0
SETTLE_TIMEOUT_S = 5.0  # tare and calibrate average first
SILENT_AFTER_S = 5.0  # this long without a byte although the clock was asked for
_QUERY_EVERY_S = wire.CLOCK_QUERY_MS / 1000
_QUERY_EVERY_DEVICE_US = 800_000  # a virtual insole may run many times faster than the host's clock
_PUMP_S = 0.05
_QUIET_S = 0.15  # after a stop: a frame takes 22 ms on the line, so by then no more is coming

REFUSALS = {
    wire.Result.UNKNOWN_COMMAND: "it does not know this command; its firmware may be older than this program",
    wire.Result.UNKNOWN_SETTING: "it does not know this setting; its firmware may be older than this program",
    wire.Result.OUT_OF_RANGE: "the value is out of range",
    wire.Result.BUSY: "a session is running; stop it first",
    wire.Result.NOT_RUNNING: "no session is running; start one first",
    wire.Result.NO_LOAD: "there is too little load on it; stand on this foot and try again",
    wire.Result.NOT_TARED: "it does not know its unloaded counts; lift the foot, tare, then calibrate",
    wire.Result.MALFORMED: "the command arrived malformed; try again",
}


@dataclass(frozen=True)
class LinkLost:
    """Say that the insole is no longer there: its port went away, or nothing came for five seconds."""

    reason: wire.DisconnectReason
    text: str


Event: TypeAlias = Any  # one of wire.FRAME_CLASSES' values | framing.UnknownFrame | LinkLost
Sink: TypeAlias = Callable[[bytes, float], None]


def connect(port: str | None = None, *, side: str | None = None, timeout_s: float = 3.0) -> Insole:
    """Open an insole: at `port` (a device or any pyserial URL), or the only one that answers.

    Raises PortError, NoDeviceError or ProtocolError, each saying what to do.
    """
    return Insole(ports.find_insole(port, side, timeout_s))


class Insole:
    """Speak with one insole.

    Set `sink` to be given every received chunk of bytes, with its host time, before it is taken apart; the first
    call brings the beginning of a frame that is just coming, so that a log begins with a whole one.
    """

    def __init__(self, link: ports.Link) -> None:
        self.identity = link.identity
        self.clock = ClockTracker()
        self.ledger = Ledger(link.identity.channel_n)
        self.status: wire.StatusFrame | None = None
        self._sink: Sink | None = None
        self._transport = link.transport
        self._splitter = link.splitter
        self._damaged_before_n = link.splitter.damaged_n  # torn while opening: no loss of ours
        self._events: deque[Event] = deque()
        self._replies: dict[int, wire.ReplyFrame] = {}
        self._tag = 0
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
            who = self.hello()  # the command may have come through and only its answer been lost
            came = who.running and who.session != before
            session = who.session if came else self._command(wire.StartFrame).value
        self._started = True
        self._events = deque(e for e in self._events if not hasattr(e, "seq") or e.session == session)
        if self.ledger.session != session:
            self.ledger.begin(session)
        self.clock_query()
        return session

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

    def set(self, name: str, value: int) -> int:
        """Change a setting; give the value now in force. Raises UsageError for a name that does not exist."""
        try:
            setting = wire.Setting[name.upper()]
        except KeyError:
            raise UsageError(f"no setting is called {name!r}: there are {', '.join(wire.SETTING_CHOICES)}") from None
        choices = ", ".join(map(str, wire.SETTING_CHOICES[name.lower()]))
        if not -(2**31) <= value < 2**31:
            raise UsageError(f"{name} cannot be {value}: choose from {choices}")
        reply = self._command(
            wire.SetFrame,
            retry=True,
            note=f"{name} {value}: choose from {choices}",
            setting=int(setting),
            value=value,
        )
        return int(reply.value)

    def tare(self) -> None:
        """Take the present counts as unloaded: the foot must be in the air."""
        self._command(wire.TareFrame, timeout_s=SETTLE_TIMEOUT_S, retry=True)

    def calibrate(self) -> None:
        """Take the present load as standing on this foot."""
        self._command(wire.CalibrateFrame, timeout_s=SETTLE_TIMEOUT_S, retry=True)

    def marker(self, code: int) -> None:
        """Set a mark, 0 to 65535, at the present sample."""
        if not 0 <= code <= 0xFFFF:
            raise UsageError(f"a marker is a number from 0 to 65535, got {code}")
        self._command(wire.MarkerFrame, code=code)

    def leave(self) -> None:
        """End the firmware and hand the line to MicroPython's prompt; nothing else can be asked afterwards."""
        self._command(wire.LeaveFrame)
        self._started = False

    def hello(self) -> wire.IdentityFrame:
        """Ask the insole again who it is. Raises NoDeviceError when it does not answer."""
        for _ in range(2):
            before = self.identity
            self._send(wire.HelloFrame(self._next_tag()))
            if self._pump_until(partial(self._is_renewed, before), COMMAND_TIMEOUT_S):
                return self.identity
        raise NoDeviceError(f"the insole on {self.port} no longer answers: check its power and cable")

    def clock_query(self) -> None:
        """Ask for the clock without waiting; the answer goes into `clock` and keeps the device streaming."""
        tag = self._next_tag()
        if len(self._queries) > 64:
            self._queries.clear()  # answers that will not come any more
        self._queries[tag] = self._query_s = time.monotonic()
        self._query_device_us = self._newest_us
        self._send(wire.ClockQueryFrame(tag))

    def _command(
        self,
        kind: Any,
        *,
        timeout_s: float = COMMAND_TIMEOUT_S,
        retry: bool = False,
        note: str = "",
        **values: int,
    ) -> wire.ReplyFrame:
        """Send a command and wait for its answer; `retry` once when doing it twice does no harm."""
        name = _command_name(kind)
        for _ in range(2 if retry else 1):
            tag = self._next_tag()
            self._replies.clear()
            self._send(kind(tag=tag, **values))
            if self._pump_until(partial(self._answered, tag, kind.TYPE), timeout_s):
                return self._accept(self._replies.pop(tag), name, note)
        raise NoDeviceError(f"the insole on {self.port} did not answer {name} within {timeout_s:g} s: check its cable")

    def _is_renewed(self, before: wire.IdentityFrame) -> bool:
        return self.identity is not before

    def _answered(self, tag: int, command: int) -> bool:
        return tag in self._replies and self._replies[tag].command == command

    def _accept(self, reply: wire.ReplyFrame, name: str, note: str) -> wire.ReplyFrame:
        if reply.result == wire.Result.OK:
            return reply
        try:
            reason = REFUSALS[wire.Result(reply.result)]
        except (ValueError, KeyError):
            reason = f"reason {reply.result}, which this program does not know"
        raise ProtocolError(f"the insole on {self.port} refused {name}{f' {note}' if note else ''} ({reason})")

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
        self._heard_s = chunk.received_s
        if self._sink is not None:
            self._sink(chunk.data, chunk.received_s)
        for frame in self._splitter.feed(chunk.data):
            self._take(parse(frame), chunk.received_s)
        return True

    def _keep_asking(self, now_s: float) -> None:
        if now_s - self._query_s > _QUERY_EVERY_S or self._device_moved_on():
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
        if isinstance(message, wire.IdentityFrame):
            if message.running and message.session not in (
                self.identity.session,
                self.ledger.session,
            ):
                self.ledger.begin(message.session)  # started by its button
            self.identity = message
            self.ledger.channel_n = message.channel_n
        elif isinstance(message, wire.ClockFrame):
            sent_s = self._queries.pop(message.tag, None)
            if sent_s is not None:
                self.clock.add(sent_s, received_s, message)
        elif isinstance(message, wire.ReplyFrame):
            self._take_reply(message)
        elif isinstance(message, wire.StatusFrame):
            self.status = message
        elif isinstance(message, wire.SamplesFrame):
            self._newest_us = message.clock_us
        if self.ledger.add(message):
            self._events.append(message)

    def _take_reply(self, reply: wire.ReplyFrame) -> None:
        self._replies[reply.tag] = reply
        started = reply.command == wire.StartFrame.TYPE and reply.result == wire.Result.OK
        if started and reply.value != self.ledger.session:
            self.ledger.begin(reply.value)  # here, not in start(): samples may follow in the same chunk

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

    def _next_tag(self) -> int:
        self._tag = self._tag % 255 + 1
        return self._tag

    # ---- closing

    def close(self) -> None:
        """Stop the session if it was started here, and let go of the port; calling it again does nothing."""
        if self._closed:
            return
        try:
            if self._started and self._lost is None:
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


def _command_name(kind: Any) -> str:
    return str(kind.__name__.removesuffix("Frame").lower())
