"""The pump between one virtual insole's console and the port that the host opens.

One thread per foot. It behaves like a USB-serial adapter: with nobody there the device's bytes are gone, and the
device never notices. It can also be a bad cable or battery: damage bytes, lose the port or the power for a while.
"""

from __future__ import annotations

import os
import random
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from retrosole.errors import RetrosoleError
from retrosole.twin.child import RESET_EXIT, Child
from retrosole.twin.damage import Damage
from retrosole.twin.outlets import Outlet
from retrosole.twin.registry import Entry
from retrosole.wire import SamplesFrame

BUFFER_BYTES = 65536
_READ_BYTES = 65536
_RESTART_S = 0.3
# Between the end of its output and its exit code.
_POLITE_S = 1.0
# An adapter's buffer is now and then emptied much later, when the computer is busy with something else.
_LONG_HOLD_EVERY = 50
_LONG_HOLD_TIMES = 6
# A pseudo-terminal does not say that it was opened, so without a user we look a hundred times a second.
_LOOK_MS = 10
# The longest wait otherwise: how late a hang-up of TCP or an ending is noticed at worst.
_IDLE_MS = 200


@dataclass(frozen=True)
class Pause:
    """Be without the port, or without power, `at_s` after the first samples frame, for `for_s` s (real time both)."""

    at_s: float
    for_s: float


@dataclass
class Traffic:
    """What one relay has moved, in bytes."""

    to_host_n: int = 0
    from_host_n: int = 0
    # Sent by the device while nobody had the port open, or while it was unplugged.
    unheard_n: int = 0
    # Thrown away, chunk by chunk, because the host had the port open and did not read.
    overflow_n: int = 0


class SessionWatch:
    """Notice the first samples frame in the device's bytes."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._tail = b""
        self.seen = False

    def feed(self, data: bytes) -> bool:
        """Look at the next bytes; return whether a samples frame has begun, now or before."""
        if not self.seen:
            text = self._tail + data
            # A frame begins after 0x00 with the stuffing's code byte, then its type.
            at = text.find(b"\x00")
            while 0 <= at < len(text) - 2 and not self.seen:
                self.seen = text[at + 1] > 1 and text[at + 2] == SamplesFrame.TYPE
                at = text.find(b"\x00", at + 1)
            self._tail = text[-2:]
        return self.seen


class Relay:
    """Pump bytes between one child and one outlet until stopped, or until the firmware ends."""

    def __init__(
        self,
        child: Child,
        outlet: Outlet,
        *,
        entry: Entry | None = None,
        damage: Damage | None = None,
        unplug: Sequence[Pause] = (),
        unpower: Sequence[Pause] = (),
        jitter_s: float = 0.0,
        holds_back: bool = False,
        name: str = "insole",
    ) -> None:
        """Prepare; nothing runs yet.

        Bytes wait for up to `jitter_s` in the adapter, both ways, and now and then for six times as long.

        `holds_back` lets a device that runs faster than real time wait for a slow reader instead of losing bytes.
        """
        self.traffic = Traffic()
        self.damage = damage or Damage()
        self.error: RetrosoleError | OSError | None = None
        self.reset_n = 0
        self.ended = threading.Event()
        self._child = child
        self._outlet = outlet
        self._entry = entry
        self._holds_back = holds_back
        self._name = name
        self._watch = SessionWatch()
        self._unplug = sorted(unplug, key=lambda one: one.at_s)
        self._unpower = sorted(unpower, key=lambda one: one.at_s)
        self._session_at_s: float | None = None
        self._back_at_s: float | None = None
        self._restart_at_s: float | None = None
        self._running = False
        self._to_host = bytearray()
        self._to_child = bytearray()
        self._jitter_s = jitter_s
        self._chance = random.Random(name)
        self._to_host_due_s = self._to_child_due_s = 0.0
        self._stop = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name=f"relay-{name}", daemon=True)

    @property
    def port(self) -> str:
        """The port's name for the host."""
        return self._outlet.port

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid

    def open(self) -> None:
        """Offer the port and announce it; raise a RetrosoleError when that is impossible."""
        self._outlet.open()
        if self._entry is not None:
            self._entry.write(self._outlet.port)

    def start(self) -> None:
        """Start the firmware and the pump; raise RetrosoleError when the interpreter cannot be run."""
        self._child.start()
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """End the firmware, the pump and the port. May be repeated, and called without `start`."""
        self._stop.set()
        if self._thread.is_alive():
            os.write(self._wake_write, b"\0")
            self._thread.join()
        self._child.end()
        self._take_away()
        if self._entry is not None:
            self._entry.remove()
        if self._wake_read >= 0:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_read = self._wake_write = -1

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
        except (RetrosoleError, OSError) as error:
            self.error = error
        finally:
            self._take_away()
            self.ended.set()

    def _turn(self) -> None:
        attached = self._outlet.refresh()
        if not attached:
            self._forget()
        ready = self._wait(attached)
        self._keep_appointments(time.monotonic())
        self._from_host()
        if self._running and self._child.output in ready:
            self._from_child()
        self._flush_to_child()
        self._flush_to_host()

    def _wait(self, attached: bool) -> set[int]:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for descriptor in self._outlet.watched():
            poll.register(descriptor, select.POLLIN)
        output = self._outlet.output()
        now_s = time.monotonic()
        if output is not None and self._to_host and now_s >= self._to_host_due_s:
            poll.register(output, select.POLLIN | select.POLLOUT)
        if self._running:
            if not (self._holds_back and self._to_host):
                poll.register(self._child.output, select.POLLIN)
            if self._to_child and now_s >= self._to_child_due_s:
                poll.register(self._child.input, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll(self._patience_ms(attached))}

    def _patience_ms(self, attached: bool) -> int:
        longest = _IDLE_MS if attached else _LOOK_MS
        now_s = time.monotonic()
        dates_s = [self._back_at_s, self._restart_at_s, self._next_unplug_s(), self._next_unpower_s()]
        dates_s += [self._to_host_due_s] if self._to_host and self._to_host_due_s > now_s else []
        dates_s += [self._to_child_due_s] if self._to_child and self._to_child_due_s > now_s else []
        due_s = [at_s for at_s in dates_s if at_s is not None]
        return min([longest, *(max(0, int((at_s - now_s) * 1000) + 1) for at_s in due_s)])

    def _next_unplug_s(self) -> float | None:
        if self._session_at_s is None or not self._unplug or self._back_at_s is not None:
            return None
        return self._session_at_s + self._unplug[0].at_s

    def _next_unpower_s(self) -> float | None:
        if self._session_at_s is None or not self._unpower or not self._running:
            return None
        return self._session_at_s + self._unpower[0].at_s

    def _keep_appointments(self, now_s: float) -> None:
        unpower_at_s = self._next_unpower_s()
        if unpower_at_s is not None and now_s >= unpower_at_s:
            self._cut_power(now_s + self._unpower.pop(0).for_s)
        unplug_at_s = self._next_unplug_s()
        if unplug_at_s is not None and now_s >= unplug_at_s:
            self._back_at_s = now_s + self._unplug.pop(0).for_s
            self._take_away()
        elif self._back_at_s is not None and now_s >= self._back_at_s:
            self._back_at_s = None
            self.open()
        if self._restart_at_s is not None and now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._child.start()
            self._running = True

    def _cut_power(self, until_s: float) -> None:
        self._child.kill()
        self._running = False
        self._to_child.clear()
        self.reset_n += 1
        self._restart_at_s = until_s

    def _take_away(self) -> None:
        self._outlet.close()
        if self._entry is not None:
            self._entry.withdraw()
        self._forget()

    def _forget(self) -> None:
        """Nobody listens any more: what was under way is lost, like in an unplugged adapter."""
        self.traffic.unheard_n += len(self._to_host)
        self._to_host.clear()

    def _from_host(self) -> None:
        data = self._outlet.read()
        self.traffic.from_host_n += len(data)
        # A device that is off or resetting hears nothing; one that does not read loses what overflows.
        if self._running and len(self._to_child) + len(data) <= BUFFER_BYTES:
            if data and not self._to_child:
                self._to_child_due_s = self._held_until_s()
            self._to_child += data

    def _from_child(self) -> None:
        try:
            data = os.read(self._child.output, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._child_ended()
            return
        if self._watch.feed(data) and self._session_at_s is None:
            self._session_at_s = time.monotonic()
        if not self._outlet.refresh():
            self.traffic.unheard_n += len(data)
        elif self._holds_back or len(self._to_host) + len(data) <= BUFFER_BYTES:
            if not self._to_host:
                self._to_host_due_s = self._held_until_s()
            self._to_host += self.damage.apply(data)
        else:
            self.traffic.overflow_n += len(data)

    def _held_until_s(self) -> float:
        if not self._jitter_s:
            return 0.0
        longest_s = self._jitter_s * (_LONG_HOLD_TIMES if self._chance.randrange(_LONG_HOLD_EVERY) == 0 else 1)
        return time.monotonic() + self._chance.uniform(0.0, longest_s)

    def _child_ended(self) -> None:
        code = self._child.end(_POLITE_S)
        self._running = False
        self._to_child.clear()
        if code == RESET_EXIT:
            self.reset_n += 1
            self._restart_at_s = time.monotonic() + _RESTART_S
            return
        if code != 0:
            words = self._child.last_words() or "it said nothing"
            self.error = RetrosoleError(
                f"the firmware of the {self._name} virtual insole stopped with exit code {code}, expected 0: {words}"
            )
        self._flush_to_host()
        self._stop.set()

    def _flush_to_child(self) -> None:
        if not self._running or not self._to_child or time.monotonic() < self._to_child_due_s:
            return
        try:
            del self._to_child[: os.write(self._child.input, self._to_child)]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it is ending: its output will say so
            self._to_child.clear()

    def _flush_to_host(self) -> None:
        if not self._to_host or time.monotonic() < self._to_host_due_s:
            return
        with memoryview(self._to_host) as view:
            taken_n = self._outlet.write(view)
        del self._to_host[:taken_n]
        self.traffic.to_host_n += taken_n
