"""Virtual insoles as one thing to enter and leave: source, firmware, ports, and everything tidied up after."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from retrosole.errors import PortError, RetrosoleError, StorageError, UsageError
from retrosole.twin import launch, registry
from retrosole.twin.child import Child
from retrosole.twin.damage import Damage
from retrosole.twin.outlets import Outlet, PtyOutlet, TcpOutlet
from retrosole.twin.relay import Relay
from retrosole.twin.runtimes import Runtime, find
from retrosole.twin.sim_options import SIDES, SimOptions, check, links, parse_pauses, parse_tcp
from retrosole.twin.walk import Walk, prepare_walk

_POLL_S = 0.05
_FOLDER_PREFIX = "retrosole-sim-"


@dataclass
class VirtualInsoles:
    """Running virtual insoles: `ports` maps the side to what a serial program opens.

    `folder` holds the samples, state and log of each foot, and goes with them.
    """

    runtime: Runtime
    walk: Walk
    folder: Path
    relays: dict[str, Relay] = field(default_factory=dict)

    @property
    def ports(self) -> dict[str, str]:
        """The port of each foot: a path, or a socket:// URL."""
        return {side: relay.port for side, relay in self.relays.items()}

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every foot's firmware has ended by itself; return False when the time is over first.

        Raises what went wrong with a foot.
        """
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self.check()
            if all(relay.ended.is_set() for relay in self.relays.values()):
                return True
            if until_s is not None and time.monotonic() >= until_s:
                return False
            time.sleep(_POLL_S if until_s is None else max(0.0, min(_POLL_S, until_s - time.monotonic())))

    def check(self) -> None:
        """Raise what went wrong with a foot, if anything did."""
        for side, relay in self.relays.items():
            if isinstance(relay.error, RetrosoleError):
                raise relay.error
            if relay.error is not None:
                raise RetrosoleError(f"the {side} virtual insole's port failed: {relay.error}") from relay.error


@contextlib.contextmanager
def virtual_insoles(options: SimOptions) -> Iterator[VirtualInsoles]:
    """Run virtual insoles while the block lasts; tidy up however it is left.

    Raises a RetrosoleError when an option is impossible or the interpreter, source or port cannot be had.
    """
    if sys.platform == "win32":
        raise UsageError(
            "the virtual insole runs on Linux and macOS only: start it in WSL or a container with "
            "--tcp 0.0.0.0:7000, and open socket://HOST:7000 here"
        )
    check(options)
    runtime = find(options.interpreter)
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_as_exit())
        folder = work_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        walk = prepare_walk(options, folder)
        insoles = VirtualInsoles(runtime, walk, folder)
        stack.callback(_stop_all, insoles)
        _open_all(insoles, options)
        for relay in insoles.relays.values():
            relay.start()
        yield insoles


def work_folder() -> Path:
    """Make a folder for this run, and remove those of runs that were killed: they are some 30 MB each."""
    for left_over in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        pid_text = left_over.name.removeprefix(_FOLDER_PREFIX).partition("-")[0]
        if pid_text.isdigit() and not registry.is_running(int(pid_text)):
            shutil.rmtree(left_over, ignore_errors=True)  # another user's stays
    try:
        return Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
    except OSError as error:
        raise StorageError(
            f"cannot make a folder for temporary files ({error.strerror}): free some space, or set TMPDIR"
        ) from error


def _open_all(insoles: VirtualInsoles, options: SimOptions) -> None:
    given = links(options)
    address = parse_tcp(options.tcp, len(options.sides))
    for number, side in enumerate(options.sides):
        entry = registry.claim(side)
        outlet: Outlet
        if address is not None:
            host, tcp_port = address
            outlet = TcpOutlet(host, tcp_port + number if tcp_port else 0)
        else:
            outlet = PtyOutlet(given.get(side) or registry.link_beside(entry))
            _check_free(outlet.port)
        relay = Relay(
            _child(insoles, options, side),
            outlet,
            entry=entry,
            damage=Damage(
                drop=options.drop,
                flip=options.flip,
                double=options.double,
                seed=(options.seed, SIDES.index(side)),
            ),
            unplug=parse_pauses(options.unplug, "unplug"),
            unpower=parse_pauses(options.unpower, "unpower"),
            jitter_s=options.jitter / 1000,
            holds_back=options.speed != 1.0,
            name=side,
        )
        insoles.relays[side] = relay
        relay.open()


def _check_free(port: str) -> None:
    pid = registry.holder_of(port)
    if pid is not None:
        raise PortError(
            f"{port} belongs to the virtual insole of process {pid}: end that one, or choose another --link"
        )


def _child(insoles: VirtualInsoles, options: SimOptions, side: str) -> Child:
    log = insoles.folder / f"{side}.log"
    return Child(launch.prepare(insoles.runtime, insoles.walk, options, side, log), log)


def _stop_all(insoles: VirtualInsoles) -> None:
    with _ignoring_interrupts():
        for relay in insoles.relays.values():
            relay.stop()


@contextlib.contextmanager
def signals_as_exit() -> Iterator[None]:
    """Turn the signals that would end us on the spot into an ordinary way out, so that everything is tidied up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[signal.Signals, Any] = {
        number: _leave for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL
    }
    before: dict[signal.Signals, Any] = dict.fromkeys(handlers, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a script's `sim &` is begun so, and yet to be ended by it
        handlers[signal.SIGINT] = signal.default_int_handler
        before[signal.SIGINT] = signal.SIG_IGN
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Keep a second Ctrl-C from stopping the tidying up half-way; it takes about a second at most."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
