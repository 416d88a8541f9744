"""What an insole can be asked: every command with its answer, its patience, and what a refusal means."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from retrosole import wire
from retrosole.errors import NoDeviceError, ProtocolError, UsageError
from retrosole.framing import Message

COMMAND_TIMEOUT_S = 2.0
SETTLE_TIMEOUT_S = 5.0  # tare and calibrate average first
FETCH_QUIET_S = 2.5  # without a page for this long, a fetch has been lost on the way
REPEAT_N = 3  # questions that do no harm when asked twice are asked this often
WHOLE_SESSION = 0xFFFFFFFF  # as the end of a fetch: up to the last page
_ERASE_SURE = 0x5EED

REFUSALS: dict[int, str] = {
    wire.Result.UNKNOWN_COMMAND: "it does not know this command; its firmware may be older than this program",
    wire.Result.UNKNOWN_SETTING: "it does not know this setting; its firmware may be older than this program",
    wire.Result.OUT_OF_RANGE: "the value is out of range",
    wire.Result.BUSY: "a session is running; stop it first",
    wire.Result.NOT_RUNNING: "no session is running; start one first",
    wire.Result.NO_LOAD: "there is too little load on it; stand on this foot and try again",
    wire.Result.NOT_TARED: "it does not know its unloaded counts; lift the foot, tare, then calibrate",
    wire.Result.MALFORMED: "the command arrived malformed; try again",
    wire.Result.NO_SESSION: "it holds no such session; `retrosole sessions` lists those it holds",
    wire.Result.NO_STORE: "it has no store for sessions",
    wire.Result.NO_TRIAL: "the firmware that runs is not on trial: it was kept, or the one before is back",
}


class NoStoreError(ProtocolError):
    """Say that an insole keeps no sessions: its flash has no place for them, or its firmware is older than that."""


class NoSessionError(ProtocolError):
    """Say that an insole does not hold a session, or no longer."""


class BusyError(ProtocolError):
    """Say that an insole cannot do it while a session runs."""


class NoLoadError(ProtocolError):
    """Say that an insole feels too little load to take it for somebody who stands."""


class NoTrialError(ProtocolError):
    """Say that the firmware that runs is not on trial: there is nothing to keep."""


_KINDS: dict[int, type[ProtocolError]] = {
    wire.Result.NO_SESSION: NoSessionError,
    wire.Result.BUSY: BusyError,
    wire.Result.NO_LOAD: NoLoadError,
    wire.Result.NO_TRIAL: NoTrialError,
}


@dataclass
class Fetching:
    """Follow one fetch: the pages that came, and how it ended: with `fetched`, or with a refusal."""

    tag: int
    session: int
    end_idx: int
    page_n: int = 0
    heard_s: float = field(default_factory=time.monotonic)
    fetched: wire.FetchedFrame | None = None
    refusal: int | None = None

    @property
    def over(self) -> bool:
        """Say whether it has ended."""
        return self.fetched is not None or self.refusal is not None

    @property
    def is_lost(self) -> bool:
        """Say whether it has come to nothing: no page and no end for a while."""
        return not self.over and time.monotonic() - self.heard_s > FETCH_QUIET_S

    @property
    def is_whole(self) -> bool:
        """Say whether every page that was sent has come."""
        return self.fetched is not None and self.page_n >= self.fetched.page_n

    def take(self, message: Message) -> None:
        """Take what comes meanwhile: a page begins with one of three frames."""
        if isinstance(message, wire.FetchedFrame) and message.tag == self.tag:
            self.fetched = message
        elif isinstance(message, wire.ReplyFrame):
            if (message.tag, message.command) == (self.tag, wire.FetchFrame.TYPE) and message.result != wire.Result.OK:
                self.refusal = message.result
        elif self._begins_page(message):
            self.page_n += 1
            self.heard_s = time.monotonic()

    def _begins_page(self, message: Message) -> bool:
        if isinstance(message, wire.SamplesFrame):
            return message.session == self.session and message.first_index < self.end_idx
        return isinstance(message, wire.PlaceFrame | wire.SessionHeadFrame) and message.session == self.session


class Asker(ABC):
    """Ask an insole things; whoever inherits sends, reads, and sorts what comes into what is kept here."""

    identity: wire.IdentityFrame

    def __init__(self) -> None:
        self.fetching: Fetching | None = None
        self._replies: dict[int, wire.ReplyFrame] = {}
        self._stored: dict[int, wire.StoredFrame] = {}
        self._tag = 0

    @property
    @abstractmethod
    def port(self) -> str:
        """Give the name of the port."""

    @abstractmethod
    def clock_query(self) -> None:
        """Ask for the clock without waiting; the answer goes into `clock` and keeps the device streaming."""

    @abstractmethod
    def _send(self, message: Message) -> None: ...

    @abstractmethod
    def _pump_until(self, done: Callable[[], bool], timeout_s: float) -> bool: ...

    # ---- settings

    def set(self, name: str, value: int) -> int:
        """Change a setting; give the value now in force. Raises UsageError for a name that does not exist."""
        try:
            setting = wire.Setting[name.upper()]
        except KeyError:
            raise UsageError(f"no setting is called {name!r}: there are {', '.join(_SETTINGS)}") from None
        choices = _choices(name.lower())
        if not -(2**31) <= value < 2**31:
            raise UsageError(f"{name} cannot be {value}: {choices}")
        reply = self._command(
            wire.SetFrame,
            retry=True,
            note=f"{name} {value}: {choices}",
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

    def hello(self) -> wire.IdentityFrame:
        """Ask the insole again who it is. Raises NoDeviceError when it does not answer."""
        self.fetching = None  # stored identities come with it, which are of their time
        for _ in range(2):
            before = self.identity
            self._send(wire.HelloFrame(self._next_tag()))
            if self._pump_until(partial(self._is_renewed, before), COMMAND_TIMEOUT_S):
                return self.identity
        raise NoDeviceError(f"the insole on {self.port} no longer answers: check its power and cable")

    def keep(self) -> None:
        """Have the firmware stay that runs on trial. Within 30 s of its start: then the version before comes back.

        Raises NoTrialError when none is on trial, BusyError while a session runs.
        """
        self._command(wire.KeepFrame, timeout_s=SETTLE_TIMEOUT_S, retry=True)

    # ---- the store

    def stored(self) -> list[wire.StoredFrame]:
        """List the sessions in the insole's store, the oldest first.

        Raises NoStoreError when it has none to hold any, NoDeviceError when it does not answer.
        """
        found: list[wire.StoredFrame] = []
        entry = self._ask_stored(wire.Which.OLDEST, 0)
        seen: set[int] = set()
        while entry is not None and entry.session not in seen:
            seen.add(entry.session)
            found.append(entry)
            entry = self._ask_stored(wire.Which.NEXT, entry.session)
        return found

    def stored_session(self, session: int) -> wire.StoredFrame | None:
        """Give what the store holds of one session, None when it holds nothing of it. Raises as `stored` does."""
        entry = self._ask_stored(wire.Which.NEXT, (session - 1) & 0xFFFF)
        return entry if entry is not None and entry.session == session else None

    def begin_fetch(self, session: int, first_idx: int, end_idx: int = WHOLE_SESSION) -> Fetching:
        """Have the pages that hold samples first_idx to end_idx - 1 sent again, without waiting for them.

        What they hold comes like everything else; the Fetching, also in `fetching`, says when it is over.
        """
        tag = self._next_tag()
        self.fetching = Fetching(tag, session, end_idx)
        self._send(wire.FetchFrame(tag, session, first_idx, end_idx))
        return self.fetching

    def collected(self, session: int) -> None:
        """Say that a session is kept here, so that the insole may erase it when it needs the room.

        Raises NoSessionError when it does not hold it, ProtocolError while it runs.
        """
        self._command(wire.CollectedFrame, retry=True, session=session)

    def erase(self) -> None:
        """Have the whole store erased, collected or not; it goes on in the background, `status` tells how far it is.

        Raises ProtocolError while a session runs.
        """
        self._command(wire.EraseFrame, retry=True, sure=_ERASE_SURE)

    def _ask_stored(self, which: wire.Which, session: int) -> wire.StoredFrame | None:
        for _ in range(REPEAT_N):
            tag = self._next_tag()
            self._replies.clear()
            self._stored.clear()
            self._send(wire.ListFrame(tag, int(which), session))
            if self._pump_until(lambda tag=tag: tag in self._stored or tag in self._replies, COMMAND_TIMEOUT_S):  # type: ignore[misc]
                if tag in self._stored:
                    return self._stored.pop(tag)
                reply = self._replies.pop(tag)
                if reply.result == wire.Result.NO_SESSION:
                    return None
                raise self._refused(reply.result, "list")
        raise self._unanswered("list", COMMAND_TIMEOUT_S)

    # ---- inside

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
                reply = self._replies.pop(tag)
                if reply.result != wire.Result.OK:
                    raise self._refused(reply.result, name, note)
                return reply
        raise self._unanswered(name, timeout_s)

    def _is_renewed(self, before: wire.IdentityFrame) -> bool:
        return self.identity is not before

    def _answered(self, tag: int, command: int) -> bool:
        return tag in self._replies and self._replies[tag].command == command

    def _unanswered(self, name: str, timeout_s: float) -> NoDeviceError:
        return NoDeviceError(f"the insole on {self.port} did not answer {name} within {timeout_s:g} s: check its cable")

    def _refused(self, result: int, name: str, note: str = "") -> ProtocolError:
        is_store = name in ("list", "fetch", "collected", "erase")
        if is_store and result in (wire.Result.NO_STORE, wire.Result.UNKNOWN_COMMAND):
            why = "its flash has no room for one" if result == wire.Result.NO_STORE else "its firmware is too old"
            return NoStoreError(f"the insole on {self.port} has no store for sessions ({why})")
        reason = REFUSALS.get(result, f"reason {result}, which this program does not know")
        kind = _KINDS.get(result, ProtocolError)
        return kind(f"the insole on {self.port} refused {name}{f' {note}' if note else ''} ({reason})")

    def _next_tag(self) -> int:
        self._tag = self._tag % 255 + 1
        return self._tag


_SETTINGS = [setting.name.lower() for setting in wire.Setting]


def _choices(name: str) -> str:
    if name in wire.SETTING_RANGES:
        lowest, highest = wire.SETTING_RANGES[name]
        return f"from {lowest} to {highest}"
    return f"choose from {', '.join(map(str, wire.SETTING_CHOICES[name]))}"


def _command_name(kind: Any) -> str:
    return str(kind.__name__.removesuffix("Frame").lower())
