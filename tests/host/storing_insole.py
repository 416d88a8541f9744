"""A small insole with a store, behind ptys that come and go: what the firmware promises the host, in a few lines.

It runs on the host's clock, `speed` times as fast; a line of 11.5 bytes per ms lies between, and a queue of 4 kB that
drops what does not fit. Whatever it samples or decides goes into the store first.
"""

from __future__ import annotations

import json
import os
import pty
import random
import select
import threading
import time
import tty
import zlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.framing import encode, parse
from retrosole.samples import records_per_frame

SLOT_N = records_per_frame(6)
RATE_HZ = 200
STRIDE_EVERY_N = 220
SMALL_PAGE_N = 5
QUEUE_BYTES = 4096
LINE_BYTES_S = 11_500
HOST_TIMEOUT_S = 3.0


@dataclass
class Stored:
    """Hold a session as the store does: pages with their place among the samples."""

    session: int
    continues: int
    boot: int
    uptime_s: int
    clock_us: int
    begun: int
    head: bytes
    pages: list[tuple[int, bytes]] = field(default_factory=list)
    small: list[bytes] = field(default_factory=list)
    seq: int = 0
    next_index: int = 0
    stride_n: int = 0
    mark_n: int = 0
    unstored_n: int = 0
    ended: int = 255
    kept: int = wire.Kept.RUNNING

    def keep_small(self, frame: bytes) -> None:
        self.small.append(frame)
        if len(self.small) == SMALL_PAGE_N:
            self.flush()

    def flush(self) -> None:
        if self.small:
            place = encode(wire.PlaceFrame(self.session, self.seq * SLOT_N))
            self.pages.append((self.seq * SLOT_N, place + b"".join(self.small)))
            self.small = []


class StoringInsole:
    """Sample, store and stream; `unplug`, `plug`, `reset`, `press` are what happens to it."""

    def __init__(self, registry: Path, *, speed: float = 1.0, seed: int = 0, **changes: Any) -> None:
        self.identity = identity(**changes)
        self.sessions: dict[int, Stored] = {}
        self.speed = speed
        self.drop = 0.0  # of frames on the way
        self.is_store_full = False
        self.ready_most_n = 7168  # pages: fewer while it is being erased
        self.refuses: dict[type, int] = {}  # kind of command to result
        self.commands: list[Any] = []
        self.port = ""
        self.name = f"tty-{self.identity.device_id.hex()}"  # of its port, from the next `plug` on
        self._registry = registry
        self._dice = random.Random(seed)
        self._boot_s = self._begin_s = self._heard_s = self._sent_s = time.monotonic()
        self._queue = bytearray()
        self._fetch: list[Any] | None = None
        self._fds: tuple[int, int] | None = None
        self._held = b""
        self._lock = threading.RLock()
        self._stop = False
        self.plug()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> StoringInsole:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop = True
        self._thread.join()
        self.unplug()

    # ---- what happens to it

    def plug(self) -> None:
        with self._lock:
            self._fds = pty.openpty()
            tty.setraw(self._fds[1])
            os.set_blocking(self._fds[0], False)
            # A name of its own, which goes when it goes: the number of a pseudo-terminal is soon another test's.
            link = self._registry.parent / self.name
            link.symlink_to(os.ttyname(self._fds[1]))
            self.port = str(link)
            entry = {"pid": os.getpid(), "side": "left", "port": self.port}
            self._entry.write_text(json.dumps(entry))

    def unplug(self) -> None:
        with self._lock:
            self._entry.unlink(missing_ok=True)
            if self._fds is not None:
                Path(self.port).unlink()
                os.close(self._fds[0])
                os.close(self._fds[1])
            self._fds, self._held = None, b""

    def reset(self, resumes: bool = True) -> None:
        """Begin anew; what was not yet in the store is lost."""
        with self._lock:
            cut = self.sessions.get(self.identity.session) if self.identity.running else None
            self._queue.clear()
            self._fetch = None
            self._boot_s = time.monotonic()
            self.identity = replace(self.identity, boot=self.identity.boot + 1, running=0)
            if cut is not None:
                cut.stride_n -= len(cut.small)
                cut.small, cut.kept = [], wire.Kept.UNCOLLECTED
                if resumes:
                    self._begin(wire.Begun.RESET, cut.session)

    def press(self) -> None:
        with self._lock:
            if self.identity.running:
                self._end(wire.Ended.BUTTON)
            else:
                self._begin(wire.Begun.BUTTON)

    def skip(self, seconds: float) -> None:
        """Let time pass at once: what is due is sampled and stored, and little of it finds room on the line."""
        with self._lock:
            self._begin_s -= seconds / self.speed
            self._boot_s -= seconds / self.speed
            self._sample()

    @property
    def running(self) -> Stored:
        return self.sessions[self.identity.session]

    # ---- inside

    @property
    def _entry(self) -> Path:
        return self._registry / f"{self.identity.device_id.hex()}.json"

    def _uptime_us(self) -> int:
        return round((time.monotonic() - self._boot_s) * self.speed * 1e6)

    def _begin(self, begun: int, continues: int | None = None) -> None:
        session = (self.identity.session + 1) & 0xFFFF
        self.identity = replace(self.identity, session=session, running=1)
        self._begin_s = time.monotonic()
        now_us = self._uptime_us()
        uptime_s, clock_us = now_us // 1_000_000, now_us % (1 << 30)
        before = session if continues is None else continues
        head = wire.SessionHeadFrame(session, before, self.identity.boot, uptime_s, clock_us, RATE_HZ, 6, begun)
        stored = Stored(session, before, self.identity.boot, uptime_s, clock_us, begun, encode(head))
        stored.pages.append((0, stored.head + encode(self.identity)))
        self.sessions[session] = stored
        self._data(stored.head)

    def _end(self, ended: int) -> None:
        stored = self.running
        self._sample()
        taken_n = self._due_n() % SLOT_N
        if taken_n:
            self._samples(taken_n)
        end = wire.SessionEndFrame(
            stored.session, stored.next_index, stored.seq, stored.stride_n, stored.mark_n, 0, stored.unstored_n, ended
        )
        stored.keep_small(encode(end))
        stored.flush()
        stored.ended, stored.kept = ended, wire.Kept.UNCOLLECTED
        self.identity = replace(self.identity, running=0)
        self._data(encode(end))

    def _due_n(self) -> int:
        return int((time.monotonic() - self._begin_s) * self.speed * RATE_HZ)

    def _sample(self) -> None:
        while self.identity.running and (self.running.seq + 1) * SLOT_N <= self._due_n():
            self._samples(None)

    def _samples(self, taken_n: int | None) -> None:
        stored = self.running
        frame = encode(samples_frame(stored.session, stored.seq, RATE_HZ, taken_n))
        if not self.is_store_full:
            stored.pages.append((stored.seq * SLOT_N, frame))
        else:
            stored.unstored_n += 1
        stored.seq += 1
        stored.next_index = stored.seq * SLOT_N - (0 if taken_n is None else SLOT_N - taken_n)
        self._data(frame)
        while (stored.stride_n + 1) * STRIDE_EVERY_N + 150 < stored.seq * SLOT_N:
            stride = encode(stride_frame(stored.session, stored.stride_n, stored.stride_n * STRIDE_EVERY_N))
            stored.stride_n += 1
            stored.keep_small(stride)
            self._data(stride)

    def _data(self, frame: bytes) -> None:
        if len(self._queue) + len(frame) <= QUEUE_BYTES:
            self._put(frame)

    def _put(self, frame: bytes) -> None:
        if not (self.drop and self._dice.random() < self.drop):
            self._queue += frame

    def _run(self) -> None:
        while not self._stop:
            with self._lock:
                self._sample()
                self._feed_fetch()
                self._status()
                self._pump()
            time.sleep(0.002)

    _status_s = 0.0

    def _status(self) -> None:
        now_s = time.monotonic()
        if now_s - self._status_s < 1.0 / self.speed or now_s - self._heard_s > HOST_TIMEOUT_S:
            return
        self._status_s = now_s
        values = {one.name: 0 for one in fields(wire.StatusFrame)}
        stored = self.sessions.get(self.identity.session)
        values |= {"session": self.identity.session, "running": self.identity.running, "store_page_n": 7168}
        values |= {"next_index": stored.next_index if stored else 0, "store_ready_s": 600}
        used_n = sum(len(one.pages) for one in self.sessions.values())
        values |= {"store_used_n": used_n, "store_ready_n": min(7168 - used_n, self.ready_most_n)}
        values |= {"store_ready_s": 0} if self.is_store_full else {}
        self._data(encode(wire.StatusFrame(**values)))

    def _feed_fetch(self) -> None:
        if self._fetch is None or len(self._queue) > 600:
            return
        tag, session, pages, page_n, last = self._fetch
        if pages:
            page = pages.pop(0)
            self._fetch[3] += 1
            for frame in page.split(b"\0")[:-1]:
                self._put(frame + b"\0")
            return
        self._put(encode(wire.FetchedFrame(tag, session, page_n, 0, last)))
        self._fetch = None

    def _pump(self) -> None:
        now_s = time.monotonic()
        elapsed_s, self._sent_s = min(now_s - self._sent_s, 0.1), now_s
        listens = now_s - self._heard_s < HOST_TIMEOUT_S
        if self._fds is None:
            if listens:
                del self._queue[: round(elapsed_s * LINE_BYTES_S * self.speed)]
            return
        if listens and self._queue:
            n = max(round(elapsed_s * LINE_BYTES_S * self.speed), 1)
            try:
                sent_n = os.write(self._fds[0], self._queue[:n])
            except BlockingIOError:
                sent_n = n  # nobody reads: it is lost, and the insole knows nothing of it
            del self._queue[:sent_n]
        if select.select([self._fds[0]], [], [], 0)[0]:
            *pieces, self._held = (self._held + os.read(self._fds[0], 512)).split(b"\0")
            for piece in filter(None, pieces):
                self._hear(piece)

    def _hear(self, piece: bytes) -> None:
        frame = bytes.fromhex(piece.decode())
        assert zlib.crc32(frame) == 0x2144DF1C
        command = parse(frame[:-4])
        self.commands.append(command)
        self._heard_s = time.monotonic()
        result = self.refuses.get(type(command))
        name = type(command).__name__.removesuffix("Frame").lower()
        answer = (result, 0) if result is not None else getattr(self, f"_on_{name}")(command)
        for one in answer if isinstance(answer, list) else [answer]:
            self._put(encode(wire.ReplyFrame(command.tag, command.TYPE, *one) if isinstance(one, tuple) else one))

    def _on_hello(self, command: Any) -> Any:
        return self.identity

    def _on_clockquery(self, command: Any) -> Any:
        now_us = self._uptime_us()
        return wire.ClockFrame(command.tag, now_us % (1 << 30), now_us // 1_000_000, self._due_n())

    def _on_start(self, command: Any) -> Any:
        if self.identity.running:
            return (wire.Result.BUSY, self.identity.session)
        self._begin(wire.Begun.HOST)
        return [(0, self.identity.session), self.identity]

    def _on_stop(self, command: Any) -> Any:
        if not self.identity.running:
            return (wire.Result.NOT_RUNNING, self.identity.session)
        self._end(wire.Ended.HOST)
        return (0, self.identity.session)

    def _on_set(self, command: Any) -> Any:
        return (0, command.value)

    def _on_list(self, command: Any) -> Any:
        after = -1 if command.which == wire.Which.OLDEST else command.session
        found = next((s for number, s in sorted(self.sessions.items()) if number > after), None)
        if found is None:
            return (wire.Result.NO_SESSION, 0)
        return wire.StoredFrame(
            command.tag, found.session, found.continues, found.boot, found.uptime_s, found.clock_us, RATE_HZ,
            found.begun, found.next_index, len(found.pages), found.kept, found.ended,
        )  # fmt: skip

    def _on_fetch(self, command: Any) -> Any:
        stored = self.sessions.get(command.session)
        if stored is None:
            return (wire.Result.NO_SESSION, 0)
        first = max((at for at, _ in stored.pages if at <= command.first), default=0) if command.first else 0
        pages = [page for at, page in stored.pages if first <= at < command.end]
        last = int(not any(at >= command.end for at, _ in stored.pages) and not stored.small)
        self._fetch = [command.tag, command.session, pages, 0, last]
        return []

    def _on_collected(self, command: Any) -> Any:
        stored = self.sessions.get(command.session)
        if stored is None:
            return (wire.Result.NO_SESSION, 0)
        if stored.kept == wire.Kept.RUNNING:
            return (wire.Result.BUSY, 0)
        stored.kept = wire.Kept.COLLECTED
        return (0, 0)

    def _on_erase(self, command: Any) -> Any:
        if self.identity.running:
            return (wire.Result.BUSY, 0)
        assert command.sure == 0x5EED
        self.sessions.clear()
        return (0, 0)
