"""Record one or two feet and tell whoever watches, in one process: a port has one reader.

One thread runs `Recorder.run` and is the only one to touch the insoles; only the stops at the end are sent by a thread
per foot, so that both end at the same moment. An insole that goes away is looked for in the background under any port
name, so that the other foot is not kept waiting; what it took meanwhile is fetched from its store beside the live data.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from retrosole import wire
from retrosole.device import FILLING_QUERY_S, QUERY_EVERY_S, Event, Insole, LinkLost
from retrosole.errors import NoDeviceError, PortError, ProtocolError, RetrosoleError, StorageError
from retrosole.foot import CONNECTED, Foot, Phase, Watcher
from retrosole.framing import CRC_BYTES, cobs_encode
from retrosole.ports import Link
from retrosole.reset import after_reset
from retrosole.seeker import Seeker
from retrosole.session.writer import SessionWriter, site_names
from retrosole.shelf import read_ledgers, sync_folder

__all__ = ["Foot", "Recorder", "Watcher"]

GONE_WAIT_S = 10.0  # at the end, for an insole that is away: a plug that is being put back in
_LISTEN_S = 0.03  # per foot and turn: two feet are looked at about sixteen times a second when nothing comes
_BATCH_N = 64  # frames taken from one foot before the other has its turn
_BATCH_S = 0.2
_LINK_ERRORS = (PortError, NoDeviceError, ProtocolError)
_FETCH_HINT = "`retrosole fetch` gets it"


class Recorder:
    """Run one session on one or two insoles, to its end however it comes.

    `writer` keeps what is received; without it nothing is kept. `ask`, `request_end`, `hand_over` and `leave` may be
    called from anywhere.
    """

    def __init__(self, insoles: Mapping[str, Insole], watcher: Watcher, writer: SessionWriter | None = None) -> None:
        self.feet = [Foot(side, insole) for side, insole in insoles.items()]
        self._watcher = watcher
        self._writer = writer
        self._end = threading.Event()
        self._left = threading.Event()
        self._handed_over = threading.Event()
        self._asked: deque[Callable[[Foot], None]] = deque()
        self._failure: RetrosoleError | None = None
        self._given_up: list[str] = []  # a line for each foot that is gone at the end
        self._keeping = threading.Lock()  # at the end both feet hand over what they still send
        self._seeker = Seeker(lambda: {foot.insole.port for foot in self.feet if foot.link == CONNECTED})

    def request_end(self) -> None:
        """Have `run` come to a clean end: the insoles are stopped, what is missing is fetched."""
        self._end.set()

    def hand_over(self) -> None:
        """As `request_end`, but the insoles stay open, for another recorder of `feet`."""
        self._handed_over.set()
        self._end.set()

    def ask(self, command: Callable[[Foot], None]) -> None:
        """Have a command given to the insole of each foot that is there; a refusal is told to the watcher."""
        self._asked.append(command)

    def leave(self) -> None:
        """Have `run` end without fetching what is missing; the insoles keep it."""
        self._end.set()
        self._left.set()

    def note(self, text: str) -> None:
        """Write some words into the log of each foot; only for a watcher, while it is being told something."""
        self._guarded(lambda writer: writer.note(text))

    def run(self, seconds: float | None = None, note: str | None = None) -> None:
        """Start the insoles, take what they send, stop them, fetch what is missing, close the files.

        Raises PortError when an insole is away at the end, StorageError when the disk refuses, and what a refused
        start raises. Everything received until then is in the files.
        """
        elapsed_s = 0.0
        try:
            self._begin(note)
            begin_s = time.monotonic()
            while not self._over(elapsed_s, seconds):
                self._turn(elapsed_s)
                elapsed_s = time.monotonic() - begin_s
        finally:
            try:
                self._complete(elapsed_s)
            finally:
                self._close()
        if self._failure is not None:
            raise self._failure
        if self._given_up:
            raise PortError("; ".join(self._given_up))

    def _over(self, elapsed_s: float, seconds: float | None) -> bool:
        if self._failure is not None or self._end.is_set():
            return True
        if all(foot.phase is not Phase.RUNNING for foot in self.feet):
            return True
        return seconds is not None and elapsed_s >= seconds

    def _turn(self, elapsed_s: float) -> None:
        while self._asked:
            self._command(self._asked.popleft())
        for foot in self.feet:
            self._attend(foot)
        self._keep()
        self._tell(self._watcher.tick, elapsed_s)

    def _command(self, command: Callable[[Foot], None]) -> None:
        for foot in self.feet:
            if foot.phase is Phase.RUNNING and foot.link == CONNECTED:
                try:
                    command(foot)
                except RetrosoleError as error:
                    self._say(f"{foot.side}: {error}")

    # A terminal that is closed, or a full disk behind stdout, must not end what is being recorded. Without a recording
    # there is nothing but the watching, and an error ends it.
    def _tell(self, told: Callable[..., None], *values: object) -> None:
        try:
            told(*values)
        except OSError:
            self._watcher = Watcher()
            if self._writer is None:
                raise

    def _say(self, text: str) -> None:
        self._tell(self._watcher.say, text)

    # ---- beginning

    def _begin(self, note: str | None) -> None:
        for foot in self.feet:
            self._attach(foot)
            foot.insole.hello()  # into the log, so that it says by itself how it is to be read
        if self._writer is not None and note:
            self._writer.note(note)
        for foot in self.feet:
            foot.begin_session(foot.insole.start())
        self._guarded(lambda writer: writer.flush())  # whoever finds the log knows from now on which session it is of
        self._tell(self._watcher.begin, self.feet)

    def _attach(self, foot: Foot, before: Sequence[bytes] = ()) -> None:
        """Keep what the insole sends from now on; `before` came already, ahead of the frame that is just coming."""
        self._guarded(lambda writer: writer.connect(foot.side, foot.insole.port))
        for frame in before:
            crc = zlib.crc32(frame).to_bytes(CRC_BYTES, "little")
            self._keep(foot.side, cobs_encode(frame + crc) + b"\0")
        if self._writer is not None:
            foot.insole.sink = lambda data, _received_s: self._keep(foot.side, data)
            foot.insole.on_exchange = partial(self._note_exchange, foot)

    # ---- keeping

    # Called from inside the insole's reading, which a full disk must not tear apart: the loop looks at `_failure`.
    def _keep(self, side: str | None = None, data: bytes = b"") -> None:
        if side is None:
            self._guarded(lambda writer: writer.tick())
        else:
            self._guarded(lambda writer: writer.append(side, data))

    def _note_exchange(self, foot: Foot, sent_s: float, received_s: float, clock: wire.ClockFrame) -> None:
        boot = foot.insole.identity.boot
        self._guarded(lambda writer: writer.exchange(foot.side, sent_s, received_s, clock, boot))

    def _guarded(self, write: Callable[[SessionWriter], None]) -> None:
        if self._writer is None or isinstance(self._failure, StorageError):
            return
        with self._keeping:
            try:
                write(self._writer)
            except StorageError as error:
                self._failure = error

    # ---- while it runs

    def _attend(self, foot: Foot) -> None:
        if foot.phase is Phase.DONE:
            return
        if foot.link != CONNECTED:
            link = self._seeker.take(foot.insole.identity.device_id)
            if link is not None:
                self._come_back(foot, link)
            elif all(other.link != CONNECTED or other.phase is Phase.DONE for other in self.feet):
                time.sleep(_LISTEN_S)
            return
        try:
            self._listen(foot)
            if foot.link == CONNECTED:
                self._fill(foot)
        except _LINK_ERRORS:
            return  # a question was not answered; when the line is dead, that comes as an event

    def _listen(self, foot: Foot) -> None:
        end_s = time.monotonic() + _BATCH_S
        for taken_n, event in enumerate(foot.insole.events(_LISTEN_S)):
            if isinstance(event, LinkLost):
                self._lose(foot, event)
                return
            self._take(foot, event)
            self._notice_change(foot, event)
            if taken_n >= _BATCH_N or isinstance(event, wire.FetchedFrame) or time.monotonic() > end_s:
                return

    def _take(self, foot: Foot, event: Event) -> None:
        if isinstance(event, wire.StrideFrame):
            foot.stride_n += 1
        if isinstance(event, wire.StatusFrame) and event.running:
            self._notice_left_out(foot, event.channel_out_bits)
        if foot.is_news(event):
            self._tell(self._watcher.frame, foot, event)

    def _notice_left_out(self, foot: Foot, out_bits: int) -> None:
        names = site_names(foot.insole.identity, out_bits & ~foot.out_bits)
        if names:
            self._say(f"{foot.side}: left out of the decisions: {', '.join(names)} (dead or stuck: check the sensor)")
        foot.out_bits = out_bits

    # A bridge keeps its port while the insole behind it is reset, so nothing else tells. A status from before the start
    # may still come after it, but never after a sample.
    def _notice_change(self, foot: Foot, event: Event) -> None:
        if foot.phase is not Phase.RUNNING:
            return
        is_other = foot.insole.ledger.session != foot.session
        if isinstance(event, wire.StatusFrame) and foot.insole.ledger.sample_n:
            is_other = is_other or not event.running or event.session != foot.session
        if is_other:
            self._reconsider(foot)

    def _reconsider(self, foot: Foot) -> None:
        """Find out what became of a foot's session, and go on with it."""
        text = after_reset(foot)
        if text:
            self._say(f"{foot.side}: {text}")

    # ---- away and back

    def _lose(self, foot: Foot, lost: LinkLost) -> None:
        self._guarded(lambda writer: writer.disconnect(foot.side, lost.reason))
        foot.insole.close()
        foot.link, foot.gone_s = "gone, looking for it", time.monotonic()
        self._seeker.seek(foot.insole.identity.device_id, foot.insole.port)
        self._say(f"{foot.side}: gone, looking for it ({lost.text})")

    def _come_back(self, foot: Foot, link: Link) -> None:
        """Go on with an insole that was found: what came while it was greeted is kept and counted as all else."""
        before = foot.insole
        foot.insole = Insole(link, before.ledger)
        foot.insole.others = before.others
        foot.filler.forget()
        self._attach(foot, [frame for frame, _ in link.pending])
        foot.link, foot.gone_s = CONNECTED, None
        who = link.identity
        try:
            if foot.phase is Phase.ENDING:
                self._stop(foot)
            elif who.running and who.session == foot.session:
                self._say(f"{foot.side}: {foot.insole.port} is back, the session goes on")
            else:
                self._reconsider(foot)
        except _LINK_ERRORS:
            return  # gone again, or silent: it is asked again when it says something

    def _fill(self, foot: Foot) -> None:
        """Fetch what is missing; when that is all, and the foot's part is over, say that it is kept."""
        is_filling = self._writer is not None and foot.filler.turn(foot.insole, foot.gatherings)
        foot.insole.query_every_s = FILLING_QUERY_S if is_filling else QUERY_EVERY_S
        if is_filling:
            return
        if foot.phase is Phase.ENDING and self._is_on_disk(foot):
            self._confirm(foot)
            foot.phase = Phase.DONE

    def _is_on_disk(self, foot: Foot) -> bool:
        """Read the log again; what is not in it, although it came, is to be fetched as if it had not come."""
        if self._writer is None:
            return True
        self._guarded(_sync)
        kept = read_ledgers(self._writer.folder / f"{foot.side}.frames", foot.insole.identity.channel_n)
        return all(gathering.holds(kept.get(gathering.session)) for gathering in foot.gatherings)

    def _confirm(self, foot: Foot) -> None:
        """Tell the insole that it may erase what is on the disk."""
        if self._failure is not None:
            return
        missing_n = sum(gathering.missing_frame_n for gathering in foot.gatherings)
        if missing_n and self._writer is not None and not foot.filler.has_no_store:
            frames = "1 frame" if missing_n == 1 else f"{missing_n} frames"
            self._say(f"{foot.side}: {frames} could not be had from its store")
        for gathering in foot.gatherings:
            # What was only shown is not wanted: it may make room, and can be fetched until then.
            if not foot.filler.has_no_store and (self._writer is None or gathering.is_whole):
                try:
                    foot.insole.collected(gathering.session)
                except ProtocolError:
                    continue  # it does not hold it, or no longer

    # ---- ending

    def _complete(self, elapsed_s: float) -> None:
        """Stop the insoles at the same moment, then fetch what is missing, unless that is not wanted."""
        running = [foot for foot in self.feet if foot.phase is Phase.RUNNING]
        with ThreadPoolExecutor(max_workers=len(self.feet)) as pool:
            for why in pool.map(self._stop, [foot for foot in running if foot.link == CONNECTED]):
                if why:
                    self._say(why)
        for foot in running:
            foot.phase = Phase.ENDING if foot.session else Phase.DONE
            for gathering in foot.gatherings:
                gathering.finish()
        self._say_what_is_left()
        gone_until_s = time.monotonic() + GONE_WAIT_S
        while self._failure is None and not self._left.is_set():
            waited_for = [foot for foot in self.feet if foot.phase is Phase.ENDING]
            if all(foot.link != CONNECTED for foot in waited_for) and time.monotonic() > gone_until_s:
                return  # also when there are none
            if not waited_for:
                return
            self._turn(elapsed_s)

    def _say_what_is_left(self) -> None:
        for foot in self.feet:
            if foot.phase is not Phase.ENDING or self._failure is not None or self._writer is None:
                continue
            if foot.link != CONNECTED:
                self._say(f"{foot.side}: waiting {GONE_WAIT_S:.0f} s for it to come back; Ctrl-C does not wait")
            elif foot.missing_page_n > 1 and not foot.filler.has_no_store:
                what = f"fetching {foot.missing_page_n} pages from its store"
                self._say(f"{foot.side}: {what}; Ctrl-C leaves them to `retrosole fetch`")

    def _stop(self, foot: Foot) -> str:
        """End the session on an insole; say what went wrong, nothing when all is well."""
        if foot.session and foot.link == CONNECTED:
            try:
                foot.insole.stop()
            except _LINK_ERRORS as error:
                return f"{foot.side}: the end was not confirmed ({error})"
        return ""

    def _close(self) -> None:
        self._seeker.close()
        for foot in self.feet:
            if foot.phase is Phase.ENDING and self._failure is None:
                self._give_up(foot)
            if foot.link == CONNECTED:
                self._close_foot(foot)
        self._tell(self._watcher.end)
        if self._writer is not None:
            self._writer.close()

    def _give_up(self, foot: Foot) -> None:
        what = "check the cable" if self._writer is None else f"what it took meanwhile is in its store: {_FETCH_HINT}"
        if foot.link != CONNECTED:
            port = foot.insole.port
            gone = f"port {port} is gone"
            if self._seeker.has_stranger(port):
                gone = f"another insole answers on {port} now"
            self._given_up.append(f"{foot.side}: {gone}, what was received is kept; {what}")
        elif foot.missing_page_n:
            self._say(f"{foot.side}: {foot.missing_page_n} pages are still in its store: {_FETCH_HINT}")

    def _close_foot(self, foot: Foot) -> None:
        if foot.session:
            for event in foot.insole.events(0.0):
                if not isinstance(event, LinkLost):
                    self._take(foot, event)
            self._guarded(lambda writer: writer.disconnect(foot.side, wire.DisconnectReason.CLOSED))
        foot.insole.sink = foot.insole.on_exchange = None
        if not self._handed_over.is_set():
            foot.insole.close()


def _sync(writer: SessionWriter) -> None:
    writer.sync()
    sync_folder(writer.folder)
