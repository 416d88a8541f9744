"""A page that watches, without a browser: takes every picture of the live view and says that it was drawn."""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench_process import Broken, Terminal
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_ADDRESS = re.compile(rb"http://(127\.0\.0\.1:\d+)/([\w-]+)/")


@dataclass
class Seen:
    """Count what came: pictures, their bytes, and how late they were, in ms, as the program says."""

    picture_n: int = 0
    bytes_n: int = 0
    delays_ms: list[int] = field(default_factory=list)

    @property
    def delay_ms(self) -> float:
        """Give the median delay from the sample to the page."""
        return statistics.median(self.delays_ms)


@contextlib.contextmanager
def watching(terminal: Terminal) -> Iterator[Seen]:
    """Watch the page whose address is on a terminal, while the block lasts."""
    found = _ADDRESS.search(terminal.drawn)
    if found is None:
        raise Broken(f"no address of a page: {terminal.drawn[-500:]!r}")
    host, token = (part.decode() for part in found.groups())
    seen = Seen()
    with connect(f"ws://{host}/{token}/stream", origin=f"http://{host}", compression=None, proxy=None) as stream:  # type: ignore[arg-type]
        thread = threading.Thread(target=_watch, args=(stream, seen))
        thread.start()
        try:
            yield seen
        finally:
            stream.close()
            thread.join()


def _watch(stream: ClientConnection, seen: Seen) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            words = stream.recv()
            message = json.loads(words)
            if "delay_ms" in message:
                seen.delays_ms.append(message["delay_ms"])
            if "n" in message:
                seen.picture_n += 1
                seen.bytes_n += len(words)
                stream.send(json.dumps({"drawn": message["n"]}))
