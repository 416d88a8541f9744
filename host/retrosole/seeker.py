"""Find insoles that went away: by device id, under whatever port name they come back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from retrosole.errors import PortError, RetrosoleError
from retrosole.ports import ANSWER_TIMEOUT_S, Link, list_candidates, open_link

LOOK_EVERY_S = 0.25
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
_ASK_STRANGER_N = 3  # times: a port that says nothing may be a stranger's, and opening it may reset his board


@dataclass
class _Wanted:
    port: str
    wait_s: float = FIRST_WAIT_S
    due_s: float = field(default_factory=lambda: time.monotonic() + FIRST_WAIT_S)


class Seeker:
    """Look for insoles in a thread of its own, until each is found or no longer sought.

    The port an insole had is tried first, then the others that may be an insole's: at once when ports come or go, else
    after 0.25 s and ever longer, up to 5 s. `in_use` names ports that are not to be touched.
    """

    def __init__(self, in_use: Callable[[], set[str]]) -> None:
        self._in_use = in_use
        self._wanted: dict[bytes, _Wanted] = {}
        self._found: dict[bytes, Link] = {}
        self._silent_n: dict[str, int] = {}  # by port: what is no insole of ours, while it is there
        self._strangers: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def seek(self, device_id: bytes, port: str) -> None:
        """Begin to look for an insole that was on `port`."""
        with self._lock:
            self._wanted[device_id] = _Wanted(port)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="seek insoles", daemon=True)
            self._thread.start()

    def take(self, device_id: bytes) -> Link | None:
        """Give the open link of an insole that was found; it is sought no longer."""
        with self._lock:
            return self._found.pop(device_id, None)

    def has_stranger(self, port: str) -> bool:
        """Say whether another insole than those sought was found on a port."""
        return port in self._strangers

    def close(self) -> None:
        """Look no longer, and let go of what was found; calling it again does nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for link in self._found.values():
            link.transport.close()
        self._found.clear()

    # ---- in the thread

    def _run(self) -> None:
        seen: list[str] = []
        while not self._stop.wait(LOOK_EVERY_S):
            with self._lock:
                wanted = dict(self._wanted)
            if not wanted:
                continue
            ports = _ports_there(wanted)
            is_new = not set(ports) <= set(seen)
            seen = ports
            self._silent_n = {port: n for port, n in self._silent_n.items() if port in ports}
            now_s = time.monotonic()
            due = [one for one in wanted.values() if is_new or now_s >= one.due_s]
            if due:
                self._try_all(wanted, ports)
                for one in due:
                    one.wait_s = FIRST_WAIT_S if is_new else min(2 * one.wait_s, LONGEST_WAIT_S)
                    one.due_s = time.monotonic() + one.wait_s

    def _try_all(self, wanted: dict[bytes, _Wanted], ports: list[str]) -> None:
        last_known = [one.port for one in wanted.values()]
        others = [port for port in ports if port not in last_known and self._silent_n.get(port, 0) < _ASK_STRANGER_N]
        for port in [*dict.fromkeys(last_known), *others]:
            with self._lock:
                is_wanted = bool(self._wanted)
            if self._stop.is_set() or not is_wanted:
                return
            if os.path.realpath(port) not in {os.path.realpath(used) for used in self._in_use()}:
                self._try(port)

    def _try(self, port: str) -> None:
        try:
            link = open_link(port, ANSWER_TIMEOUT_S)
        except PortError:
            return  # not there, or not ours to open
        except RetrosoleError:
            self._silent_n[port] = self._silent_n.get(port, 0) + 1
            return
        if not self._keep(link):
            link.transport.close()
            self._silent_n[port] = _ASK_STRANGER_N
            self._strangers.add(port)

    def _keep(self, link: Link) -> bool:
        with self._lock:
            if link.identity.device_id not in self._wanted or self._stop.is_set():
                return False
            del self._wanted[link.identity.device_id]
            self._found[link.identity.device_id] = link
            return True


def _ports_there(wanted: dict[bytes, _Wanted]) -> list[str]:
    """Give the ports that may be an insole's and those that the wanted ones had, if they are there."""
    named = [one.port for one in wanted.values() if os.path.exists(one.port)]
    return list(dict.fromkeys([*named, *(candidate.port for candidate in list_candidates())]))
