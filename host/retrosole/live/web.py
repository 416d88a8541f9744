"""The live view as a page on 127.0.0.1: the only module that imports websockets.

A thread of its own serves page and stream over one port; the recorder knows nothing of it. Ten times a second one
message is made for all browsers (see `retrosole.live.feed`). A browser says which message it has drawn; one that is
behind is skipped, never waited for, and gets the whole picture again when it has caught up. What is asked for on the
page goes to `Controls`, nothing else comes in.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import statistics
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from retrosole.errors import UsageError
from retrosole.live.feed import Feed
from retrosole.live.gate import Gate, read_page
from retrosole.live.state import LiveState

FPS = 10.0
_STILL_S = 0.5  # so often something is sent though nothing changed: silence means that the stream is cut
_IN_FLIGHT_N = 10  # messages sent and not drawn; with more a browser is behind
_CLIENT_N = 16
_HEARD_BYTES = 128  # of the longest thing that a page says
_DELAY_EVERY_S = 1.0
_CLOSE_S = 1.0


class Controls(Protocol):
    """Be what the buttons of the page do; called in the server's thread, must return at once."""

    def ask(self, what: str) -> None:
        """Do what a button says, one of `retrosole.live.feed.BUTTONS`."""


class _Client:
    """Follow one browser: what it was sent, what it has drawn, and how late that was."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.needs_whole = True
        self.delays_s: deque[float] = deque(maxlen=round(FPS))
        self.said_s = 0.0
        self._sent: deque[tuple[int, float]] = deque()  # number, and when its newest sample was due

    @property
    def is_behind(self) -> bool:
        """Say whether too much is under way to send more."""
        return len(self._sent) >= _IN_FLIGHT_N

    def note_sent(self, number: int, sampled_s: float) -> None:
        """Know that a message is under way."""
        self._sent.append((number, sampled_s))

    def note_drawn(self, number: int, now_s: float) -> None:
        """Know that a message, and with it those before, is on the screen."""
        sampled_s = None
        while self._sent and self._sent[0][0] <= number:
            sampled_s = self._sent.popleft()[1]
        if sampled_s is not None and sampled_s == sampled_s:
            self.delays_s.append(now_s - sampled_s)


class WebView:
    """Serve the page of a `LiveState` while the block lasts; `url` is where.

    `port` 0 takes any free one. Raises UsageError when the port cannot be had. Leaving the block raises what went wrong
    in the server meanwhile, if anything did; `failure` has it earlier.
    """

    def __init__(self, state: LiveState, controls: Controls, port: int = 0) -> None:
        self.failure: BaseException | None = None
        self._feed = Feed(state)
        self._controls = controls
        self._socket = _listen(port)
        self.gate = Gate(self._socket.getsockname()[1], read_page())
        self._clients: set[_Client] = set()
        self._over = threading.Event()
        self._sent_s = 0.0
        self._thread = threading.Thread(target=self._run, name="web")

    @property
    def url(self) -> str:
        """Give the address of the page."""
        return self.gate.url

    def __enter__(self) -> WebView:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()
        if self.failure is not None and error is None:
            raise self.failure

    # ---- in the server's thread from here on

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.failure = error

    async def _serve(self) -> None:
        async with serve(
            self._attend,
            sock=self._socket,
            process_request=self._judge,
            compression=None,
            max_size=_HEARD_BYTES,
            server_header=None,
            open_timeout=5,
            close_timeout=_CLOSE_S,
            logger=_silent(),
        ):
            await self._draw()

    async def _draw(self) -> None:
        """Send pictures until it is over, then say so."""
        next_s = time.monotonic()
        while not self._over.is_set() and self.failure is None:
            self._tick(time.monotonic())
            next_s = max(next_s + 1 / FPS, time.monotonic())
            await asyncio.sleep(next_s - time.monotonic())
        broadcast([client.connection for client in self._clients], json.dumps({"end": True}))

    def _tick(self, now_s: float) -> None:
        if not self._clients:
            return
        news = self._feed.advance(now_s, is_due=now_s - self._sent_s >= _STILL_S)
        if news is not None:
            self._sent_s = now_s
        for client in self._clients:
            self._bring(client, news, now_s)

    def _bring(self, client: _Client, news: str | None, now_s: float) -> None:
        """Send one browser what is new, everything when it missed something, nothing while it is behind."""
        if client.is_behind:
            client.needs_whole = True
            return
        text = self._feed.whole() if client.needs_whole else news
        if text is None:
            return
        broadcast([client.connection], text)
        client.needs_whole = False
        client.note_sent(self._feed.number, self._feed.sampled_s)
        if client.delays_s and now_s - client.said_s >= _DELAY_EVERY_S:
            client.said_s = now_s
            delay_ms = round(1000 * statistics.median(client.delays_s))
            broadcast([client.connection], json.dumps({"delay_ms": delay_ms}))

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        method = getattr(request, "method", "GET")  # an older websockets lets no other come this far
        answer = self.gate.judge(method, request.path, headers.get_all("Host"), headers.get_all("Origin"))
        if answer.is_stream:
            return None if len(self._clients) < _CLIENT_N else connection.respond(503, "too many pages are open\n")
        fields = Headers([*answer.headers, ("Content-Length", str(len(answer.body)))])
        return Response(answer.status.value, answer.status.phrase, fields, answer.body)

    async def _attend(self, connection: ServerConnection) -> None:
        client = _Client(connection)
        self._clients.add(client)
        try:
            async for words in connection:
                if not self._hear(client, words):
                    await connection.close(CloseCode.POLICY_VIOLATION, "not understood")
        except ConnectionClosed:
            return  # a page that is closed in whatever way is gone, and that is all
        except Exception as error:
            self.failure = error
        finally:
            self._clients.discard(client)

    def _hear(self, client: _Client, words: str | bytes) -> bool:
        """Take what a page says; False when it is nothing that a page says."""
        try:
            said: Any = json.loads(words)
        except ValueError:
            return False
        match said:
            case {"drawn": int(number)}:
                client.note_drawn(number, time.monotonic())
            case {"ask": str(what)} if what in self._feed.buttons:
                self._controls.ask(what)
            case _:
                return False
        return True


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UsageError(f"the page cannot be served on port {port} ({why}): choose another with --web-port") from error


def _silent() -> logging.Logger:
    """Give a logger that says nothing: what strangers send to an open port is no news for the person who walks."""
    logger = logging.getLogger("retrosole.web")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
