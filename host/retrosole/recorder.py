"""Record one or two feet and tell whoever watches, in one process: a port has one reader.

One thread runs `Recorder.run` and is the only one to touch the insoles; only the stops at the end are sent by a thread
per foot, so that both end at the same moment. A port that goes away is opened again in the
background, so that the other foot is not kept waiting.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from retrosole import wire
from retrosole.device import Event, Insole, LinkLost
from retrosole.errors import NoDeviceError, PortError, ProtocolError, RetrosoleError, StorageError
from retrosole.framing import CRC_BYTES, cobs_encode
from retrosole.ports import Link, open_link
from retrosole.session.writer import SessionWriter, site_names

RETRY_EVERY_S = 0.5
RETRY_FOR_S = 30.0
_RETRY_ANSWER_S = 1.5
_LISTEN_S = 0.03  # per foot and turn: two feet are looked at about sixteen times a second when nothing comes
_BATCH_N = 64  # frames taken from one foot before the other has its turn
_LINK_ERRORS = (PortError, NoDeviceError, ProtocolError)


@dataclass
class Foot:
    """Follow one foot through a recording. `link` is "connected" or says what is wrong.

    Bit k of `out_bits` says that the insole leaves channel k out of its decisions.
    """

    side: str
    insole: Insole
    session: int = 0
    stride_n: int = 0
    link: str = "connected"
    out_bits: int = 0
    gone_s: float | None = None  # on the host's steady clock
    reopening: Reopening | None = field(default=None, repr=False)

    @property
    def sample_n(self) -> int:
        """Give the samples received."""
        return self.insole.ledger.sample_n

    @property
    def lost_sample_n(self) -> int:
        """Give the samples that did not arrive or were never taken."""
        return self.insole.ledger.lost_sample_n + self.insole.ledger.hole_n

    @property
    def lost_frame_n(self) -> int:
        """Give the frames of any type that did not arrive."""
        return sum(count.lost_n for count in self.insole.ledger.frames.values())

    def gone_for_s(self) -> float:
        """Give for how long the port has been away, 0 while it is there."""
        return 0.0 if self.gone_s is None else time.monotonic() - self.gone_s


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


class Reopening:
    """Try to open a port again every half second, in a thread of its own, until it answers or time is up."""

    def __init__(self, port: str) -> None:
        self.link: Link | None = None
        self._port = port
        self._until_s = time.monotonic() + RETRY_FOR_S
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reopen {port}", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Say whether it has the port, or has given up."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._cancelled.wait(RETRY_EVERY_S) and time.monotonic() < self._until_s:
            try:
                self.link = open_link(self._port, _RETRY_ANSWER_S)
            except RetrosoleError:
                continue  # still away, or not yet itself: the next try tells
            return

    def cancel(self) -> None:
        """Stop trying, and let go of the port."""
        self._cancelled.set()
        self._thread.join()
        if self.link is not None:
            self.link.transport.close()


class Recorder:
    """Run one session on one or two insoles, to its end however it comes.

    `writer` keeps what is received; without it nothing is kept. `request_end` may be called from anywhere.
    """

    def __init__(self, insoles: Mapping[str, Insole], watcher: Watcher, writer: SessionWriter | None = None) -> None:
        self.feet = [Foot(side, insole) for side, insole in insoles.items()]
        self._watcher = watcher
        self._writer = writer
        self._end = threading.Event()
        self._failure: RetrosoleError | None = None
        self._given_up: list[str] = []  # a line for each foot that is gone for good
        self._keeping = threading.Lock()  # at the end both feet hand over what they still send

    def request_end(self) -> None:
        """Have `run` come to a clean end."""
        self._end.set()

    def run(self, seconds: float | None = None, note: str | None = None) -> None:
        """Start the insoles, take what they send, stop them, close the files.

        Raises PortError when a port goes away and stays away, StorageError when the disk refuses, and what a refused
        start raises. Everything received until then is in the files.
        """
        try:
            self._begin(note)
            begin_s = now_s = time.monotonic()
            while not self._over(now_s - begin_s, seconds):
                for foot in self.feet:
                    self._attend(foot)
                now_s = time.monotonic()
                self._keep()
                self._tell(self._watcher.tick, now_s - begin_s)
        finally:
            self._finish()
        if self._failure is not None:
            raise self._failure
        if self._given_up:
            kept = "" if self._writer is None else "; the recording ends here, what was received is kept"
            raise PortError("; ".join(self._given_up) + kept)

    def _over(self, elapsed_s: float, seconds: float | None) -> bool:
        if self._failure is not None or self._given_up or self._end.is_set():
            return True
        return seconds is not None and elapsed_s >= seconds

    # A terminal that is closed, or a full disk behind stdout, must not end what is being recorded. Without a recording
    # there is nothing but the watching, and an error ends it.
    def _tell(self, told: Callable[..., None], *values: Any) -> None:
        try:
            told(*values)
        except OSError:
            self._watcher = Watcher()
            if self._writer is None:
                raise

    # ---- beginning

    def _begin(self, note: str | None) -> None:
        for foot in self.feet:
            self._attach(foot)
            foot.insole.hello()  # into the log, so that it says by itself how it is to be read
        if self._writer is not None and note:
            self._writer.note(note)
        for foot in self.feet:
            foot.session = foot.insole.start()
        self._tell(self._watcher.begin, self.feet)

    def _attach(self, foot: Foot) -> None:
        if self._writer is not None:
            self._writer.connect(foot.side, foot.insole.port)
            foot.insole.sink = lambda data, _received_s: self._keep(foot.side, data)

    # Called from inside the insole's reading, which a full disk must not tear apart: the loop looks at `_failure`.
    def _keep(self, side: str | None = None, data: bytes = b"") -> None:
        if self._writer is None or isinstance(self._failure, StorageError):
            return
        with self._keeping:
            try:
                if side is None:
                    self._writer.tick()
                else:
                    self._writer.append(side, data)
            except StorageError as error:
                self._failure = error

    # ---- while it runs

    def _attend(self, foot: Foot) -> None:
        if foot.reopening is not None:
            if foot.reopening.over:
                self._conclude_reopening(foot, foot.reopening)
            elif all(other.reopening for other in self.feet):
                time.sleep(_LISTEN_S)
            return
        for taken_n, event in enumerate(foot.insole.events(_LISTEN_S)):
            if isinstance(event, LinkLost):
                self._lose(foot, event)
                return
            self._take(foot, event)
            self._notice_reset(foot, event)
            if taken_n >= _BATCH_N:
                return

    def _take(self, foot: Foot, event: Event) -> None:
        if isinstance(event, wire.StrideFrame):
            foot.stride_n += 1
        if isinstance(event, wire.StatusFrame) and event.running:
            self._notice_left_out(foot, event.channel_out_bits)
        self._tell(self._watcher.frame, foot, event)

    def _notice_left_out(self, foot: Foot, out_bits: int) -> None:
        names = site_names(foot.insole.identity, out_bits & ~foot.out_bits)
        if names:
            self._say(f"{foot.side}: left out of the decisions: {', '.join(names)} (dead or stuck: check the sensor)")
        foot.out_bits = out_bits

    def _say(self, text: str) -> None:
        self._tell(self._watcher.say, text)

    # A bridge keeps its port while the insole behind it is reset, so nothing else tells. A status from before the start
    # may still come after it, but never after a sample.
    def _notice_reset(self, foot: Foot, event: Event) -> None:
        if isinstance(event, wire.StatusFrame) and not event.running and foot.sample_n:
            why = f"the insole on {foot.insole.port} no longer samples; it was reset, or stopped by its button"
            self._give_up(foot, why)

    def _lose(self, foot: Foot, lost: LinkLost) -> None:
        if self._writer is not None:
            self._guarded_disconnect(foot, lost.reason)
        foot.insole.close()
        foot.link, foot.gone_s = "gone, trying again", time.monotonic()
        foot.reopening = Reopening(foot.insole.port)
        self._say(f"{foot.side}: gone, trying again for {RETRY_FOR_S:.0f} s ({lost.text})")

    def _guarded_disconnect(self, foot: Foot, reason: wire.DisconnectReason) -> None:
        if self._writer is None or isinstance(self._failure, StorageError):
            return
        try:
            self._writer.disconnect(foot.side, reason)
        except StorageError as error:
            self._failure = error

    def _conclude_reopening(self, foot: Foot, reopening: Reopening) -> None:
        link, foot.reopening = reopening.link, None
        why = self._unfit(foot, link)
        if link is None or why:
            foot.link = "gone"
            if link is not None:
                link.transport.close()
            self._give_up(foot, why)
            return
        self._resume(foot, link)
        foot.link, foot.gone_s = "connected", None
        self._say(f"{foot.side}: {foot.insole.port} is back, the session goes on")

    def _unfit(self, foot: Foot, link: Link | None) -> str:
        """Say why a session cannot go on with what answered on the port; empty when it can."""
        port = foot.insole.port
        if link is None:
            return f"port {port} did not come back within {RETRY_FOR_S:.0f} s: check the cable"
        if link.identity.device_id != foot.insole.identity.device_id:
            return f"another insole answers on {port} now: plug the first one in again"
        if not link.identity.running or link.identity.session != foot.session:
            return f"the insole on {port} was switched off meanwhile and its session is over: check its power"
        return ""

    def _give_up(self, foot: Foot, why: str) -> None:
        self._given_up.append(f"{foot.side}: {why}")

    def _resume(self, foot: Foot, link: Link) -> None:
        """Go on with a reopened port: what came while it was greeted is kept and counted like everything else."""
        ledger = foot.insole.ledger
        foot.insole = Insole(link)
        waiting = list(foot.insole.events(0.0))
        foot.insole.ledger = ledger
        self._attach_resumed(foot, link)
        for event in waiting:
            if isinstance(event, LinkLost):
                self._lose(foot, event)
            elif ledger.add(event):
                self._take(foot, event)

    def _attach_resumed(self, foot: Foot, link: Link) -> None:
        if self._writer is None:
            return
        self._writer.connect(foot.side, foot.insole.port)
        for frame, _ in link.pending:
            crc = zlib.crc32(frame).to_bytes(CRC_BYTES, "little")
            self._keep(foot.side, cobs_encode(frame + crc) + b"\0")
        foot.insole.sink = lambda data, _received_s: self._keep(foot.side, data)

    # ---- ending

    def _finish(self) -> None:
        connected = [foot for foot in self.feet if foot.reopening is None]
        with ThreadPoolExecutor(max_workers=len(self.feet)) as pool:
            for why in pool.map(self._stop, connected):
                if why:
                    self._say(why)
        for foot in self.feet:
            if foot.reopening is None:
                self._close(foot)
                continue
            foot.reopening.cancel()
            if self._given_up:
                self._given_up.append(f"{foot.side}: port {foot.insole.port} is gone as well")
        self._tell(self._watcher.end)
        if self._writer is not None:
            self._writer.close()

    def _stop(self, foot: Foot) -> str:
        """End the session on an insole; say what went wrong, nothing when all is well."""
        if foot.session and foot.link == "connected":
            try:
                foot.insole.stop()
            except _LINK_ERRORS as error:
                return f"{foot.side}: the end was not confirmed ({error})"
        return ""

    def _close(self, foot: Foot) -> None:
        if foot.session and foot.link == "connected":
            for event in foot.insole.events(0.0):
                if not isinstance(event, LinkLost):
                    self._take(foot, event)
            self._guarded_disconnect(foot, wire.DisconnectReason.CLOSED)
        foot.insole.close()
