"""An insole that was reset: wait until it says who it is, under the port's name, and hear what it says meanwhile."""

from __future__ import annotations

import re
import time
from collections import deque

from retrosole import wire
from retrosole.errors import PortError
from retrosole.framing import Splitter, encode_command, parse
from retrosole.ports import Link, native_number, port_now
from retrosole.transport import Chunk, PortGone, Transport

_ASK_EVERY_S = 0.25
_OPEN_EVERY_S = 0.25
_READ_S = 0.05
_SAID_CHARS = 4000
_ERROR = re.compile(r"^[A-Za-z_.]*(Error|Exception|Exit|Interrupt)\b.*")
_OURS = "retrosole: "


class Comeback:
    """Listen on a port that may come and go; `transport` is the open one. Close it, unless its link was taken."""

    def __init__(self, port: str, transport: Transport | None = None) -> None:
        self.said = ""  # all text so far
        self._port = port
        self._number = native_number(port)
        self._transport = transport
        self._splitter = Splitter()
        self._ask_s = self._open_s = 0.0
        self._tag = 0

    def wait(self, until_s: float) -> wire.IdentityFrame | None:
        """Give the next identity, None when none comes before `until_s` of time.monotonic()."""
        while time.monotonic() < until_s:
            if self._transport is None:
                self._open()
                continue
            identity = self._turn(self._transport)
            if identity is not None:
                return identity
        return None

    def link(self, identity: wire.IdentityFrame) -> Link:
        """Hand the open port on. Raises PortError when it is not open."""
        transport, self._transport = self._transport, None
        if transport is None:
            raise PortError(f"port {self._port} went away: plug the insole in again")
        return Link(transport, self._splitter, identity, deque())

    def close(self) -> None:
        """Let go of the port."""
        if self._transport is not None:
            self._hear_no_more()

    def why(self) -> str:
        """Give the reason that the insole itself gave for not staying in the version it was to start, else nothing."""
        lines = [line.strip() for line in self.said.replace("\0", "\n").splitlines() if line.strip()]
        ours = [line.removeprefix(_OURS) for line in lines if line.startswith(_OURS)]
        errors = [line for line in lines if _ERROR.match(line)]
        words = [line for line in ours if line != "crashed"][:1] or errors[-1:] or ours[:1]
        if "crashed" in ours and errors:
            words = [f"it crashed: {errors[-1]}"]
        return words[0] if words else ""

    def _open(self) -> None:
        time.sleep(max(self._open_s - time.monotonic(), 0))
        self._open_s = time.monotonic() + _OPEN_EVERY_S
        try:
            self._transport = Transport(port_now(self._port, self._number))
        except PortError:  # native USB is away for a second or two after a reset
            return
        self._splitter = Splitter()

    def _turn(self, transport: Transport) -> wire.IdentityFrame | None:
        if time.monotonic() >= self._ask_s:
            self._ask_s = time.monotonic() + _ASK_EVERY_S
            self._tag = (self._tag + 1) % 256
            try:
                transport.write(b"\0\0" + encode_command(wire.HelloFrame(self._tag)))
            except PortError:
                self._hear_no_more()
                return None
        chunk = transport.read(_READ_S)
        if isinstance(chunk, PortGone):
            self._hear_no_more()
        return self._heard(chunk) if isinstance(chunk, Chunk) else None

    def _heard(self, chunk: Chunk) -> wire.IdentityFrame | None:
        self.said = (self.said + chunk.data.decode("ascii", "replace"))[-_SAID_CHARS:]
        for message in map(parse, self._splitter.feed(chunk.data)):
            if isinstance(message, wire.IdentityFrame):
                return message
        return None

    def _hear_no_more(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
