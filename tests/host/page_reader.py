"""What a page does with messages, for tests without a browser: connects as it would, takes them in, answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from websockets.sync.client import ClientConnection, connect

from retrosole.live.gate import STREAM
from retrosole.live.web import WebView

WAIT_S = 20.0


def opened(web: WebView, **options: Any) -> ClientConnection:
    """Open the stream as the page itself does."""
    url = web.url.replace("http:", "ws:") + STREAM
    options.setdefault("origin", web.url.removesuffix(f"/{web.gate.token}/"))
    return connect(url, proxy=None, compression=None, **options)


class Reader:
    """Merge what comes, as model.js does, and say what was drawn."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.model: dict[str, Any] = {}
        self.whole_n = 0
        self.delay_ms: int | None = None
        self.has_ended = False

    def read(self, draws: bool = True) -> dict[str, Any]:
        """Take one message; give it."""
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=WAIT_S))
        self.delay_ms = message.get("delay_ms", self.delay_ms)
        self.has_ended = self.has_ended or "end" in message
        if "n" in message:
            self._take(message)
            if draws:
                self.connection.send(json.dumps({"drawn": message["n"]}))
        return message

    def until(self, condition: Callable[[], object]) -> None:
        """Read until something holds."""
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"waited too long; {self.model}"
            self.read()

    def _take(self, message: dict[str, Any]) -> None:
        feet = message.pop("feet", [])
        if message.get("whole"):
            self.whole_n += 1
            self.model["feet"] = [{"columns": [], "strides": []} for _ in feet]
        self.model.update(message)
        for foot, news in zip(self.model["feet"], feet or [{}] * len(self.model["feet"]), strict=True):
            foot["columns"] += news.pop("columns", [])
            foot["strides"] += news.pop("strides", [])
            foot.update(news)
