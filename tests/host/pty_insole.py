"""A small insole behind a real pty for the host's tests: it reads commands and answers with real frames."""

from __future__ import annotations

import os
import pty
import select
import shutil
import tempfile
import threading
import time
import tty
import weakref
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from retrosole import wire
from retrosole.device import Insole
from retrosole.framing import encode, parse
from retrosole.samples import pack12, records_per_frame

CHANNEL_N = 6
# As protocol 1.1 sent it: 87 bytes, its last field the target order.
OLDER = bytes.fromhex(
    "100101c94ea74a240ac4a1b2c30000110000000500010000000100c800061afe0f000000000101ffff00010305090affff"
    "65006300780057008f005a00ffffffffffffffffffffffffffffffffffffffff0001"
)


def own_id(number: int = 0) -> bytes:
    """Give a device id that no other process has: a pty let go of here may be another's next, and is then looked at."""
    return b"\xaa" + bytes([number]) + os.getpid().to_bytes(4, "big") + bytes(2)


def identity(**changes: Any) -> wire.IdentityFrame:
    unused = bytes([wire.Zone.UNUSED] * 2)
    frame = wire.IdentityFrame(
        protocol_major=wire.PROTOCOL_MAJOR,
        protocol_minor=wire.PROTOCOL_MINOR,
        fingerprint=wire.FINGERPRINT,
        device_id=own_id(),
        boot=3,
        session=4,
        running=0,
        foot=wire.Side.LEFT,
        board=wire.Board.ESP32_DEVKITC,
        firmware_version=bytes((0, 1, 0)),
        rate_hz=200,
        channel_n=CHANNEL_N,
        records_per_frame=records_per_frame(CHANNEL_N),
        full_scale=4094,
        zones=bytes((0, 0, 0, 0, 1, 1)) + unused,
        sites=bytes((0, 1, 3, 5, 9, 10)) + unused,
        baseline=(100,) * CHANNEL_N + (65535,) * 2,
        standing=(65535,) * 8,
        cue=0,
        target_order=wire.Order.FOREFOOT_FIRST,
        source=bytes.fromhex("5ba1d0c3e2f49687"),
    )
    return replace(frame, **changes)


def counts_at(first_index: int, n: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Give counts (n, 6) that say which sample they are."""
    index = np.arange(first_index, first_index + n)[:, None]
    return ((index * 7 + np.arange(CHANNEL_N) * 100) % 4095).astype(np.uint16)


def samples_frame(session: int, seq: int, rate_hz: int = 200, taken_n: int | None = None) -> wire.SamplesFrame:
    """Give samples frame `seq` of a session, only the first `taken_n` records of it taken."""
    n = records_per_frame(CHANNEL_N)
    counts = counts_at(seq * n, n)
    counts[n if taken_n is None else taken_n :] = wire.MISSING_COUNT
    clock_us = seq * n * 1_000_000 // rate_hz % (1 << wire.CLOCK_BITS)
    return wire.SamplesFrame(session, seq, seq * n, clock_us, pack12(counts))


def stride_frame(session: int, seq: int, contact_idx: int, **changes: Any) -> wire.StrideFrame:
    """Give a backward stride of 130 samples."""
    frame = wire.StrideFrame(
        session=session,
        seq=seq,
        initial_contact_idx=contact_idx,
        initial_contact_frac=128,
        forefoot_on=0,
        heel_on=20 * 256,
        forefoot_off=110 * 256,
        heel_off=130 * 256,
        final_contact=130 * 256,
        contact_order=wire.Order.FOREFOOT_FIRST,
        lift_order=wire.Order.FOREFOOT_FIRST,
        walking=wire.Direction.BACKWARD,
        confidence=90,
        reasons=int(wire.Reason.CONTACT_BACKWARD | wire.Reason.LIFT_BACKWARD),
        delay=5,
        forefoot_peak=2000,
        heel_peak=1500,
        forefoot_impulse=3000,
        heel_impulse=2000,
    )
    return replace(frame, **changes)


class PtyInsole:
    """Answer commands on a pty. `answer(command)` may be replaced to misbehave: it gives the bytes to send."""

    def __init__(self, **identity_changes: Any) -> None:
        self.identity = identity(**identity_changes)
        self.commands: list[Any] = []
        kinds = (wire.ListFrame, wire.FetchFrame, wire.CollectedFrame, wire.EraseFrame)
        self.results: dict[int, int] = {kind.TYPE: wire.Result.NO_STORE for kind in kinds}  # refused, by command
        self.answer: Callable[[Any], bytes] = self.usual_answer
        self.greeting = b""  # sent for every piece that comes, instead of anything else
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        # A name of its own, which goes when it goes: the number of a pseudo-terminal is soon another test's.
        folder = tempfile.mkdtemp(prefix="retrosole-tty-")
        self._forget = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.port = os.path.join(folder, "tty")
        os.symlink(os.ttyname(self._slave), self.port)
        self._lock = threading.RLock()
        self._gone = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        with self._lock:
            if not self._gone:
                os.write(self._master, data)

    def vanish(self) -> None:
        """Unplug: both ends of the pty go."""
        with self._lock:
            if not self._gone:
                self._gone = True
                self._forget()
                os.close(self._master)
                os.close(self._slave)

    def usual_answer(self, command: Any) -> bytes:
        result = self.results.get(command.TYPE, 0)
        if isinstance(command, wire.HelloFrame):
            return encode(self.identity)
        if isinstance(command, wire.ClockQueryFrame):
            now_us = time.monotonic_ns() // 1000
            clock = wire.ClockFrame(command.tag, now_us % (1 << 30), now_us // 1_000_000 % (1 << 32), 0)
            return encode(clock)
        value = 0
        if isinstance(command, wire.StartFrame) and not result:
            self.identity = replace(self.identity, running=1, session=self.identity.session + 1)
            value = self.identity.session
        if isinstance(command, wire.StopFrame):
            self.identity = replace(self.identity, running=0)
        if isinstance(command, wire.SetFrame):
            value = command.value
        reply = encode(wire.ReplyFrame(command.tag, command.TYPE, result, value))
        return reply + (encode(self.identity) if isinstance(command, wire.StartFrame) else b"")

    def _run(self) -> None:
        held = b""
        while True:
            with self._lock:  # a descriptor must not be read once it is closed: its number may be another's by then
                if self._gone:
                    return
                ready = select.select([self._master], [], [], 0)[0]
                data = os.read(self._master, 512) if ready else b""
            if not data:
                time.sleep(0.001)
            *pieces, held = (held + data).split(b"\0")
            for piece in filter(None, pieces):
                self._hear(piece)

    def _hear(self, piece: bytes) -> None:
        if self.greeting:
            self.send(self.greeting)
            return
        frame = bytes.fromhex(piece.decode())
        assert zlib.crc32(frame) == 0x2144DF1C
        command = parse(frame[:-4])
        self.commands.append(command)
        self.send(self.answer(command))


def insole_maker() -> Iterator[Callable[..., PtyInsole]]:
    """Give, as the body of a fixture, a function that makes insoles; unplug them all afterwards."""
    made: list[PtyInsole] = []

    def make(**changes: Any) -> PtyInsole:
        made.append(PtyInsole(**changes))
        return made[-1]

    yield make
    for insole in made:
        insole.vanish()


def gather(insole: Insole, kind: Any, timeout_s: float = 0.2) -> list[Any]:
    return [event for event in insole.events(timeout_s) if isinstance(event, kind)]
