"""A new version of the firmware over the running one's prompt; the old one returns unless the new one is well.

Nothing but the firmware is touched: no session, no setting, no calibration, no MicroPython.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from retrosole import ports, wire
from retrosole.asking import NoTrialError
from retrosole.device import Insole
from retrosole.errors import NoDeviceError, ProtocolError, RetrosoleError, UsageError
from retrosole.flashing import slots
from retrosole.flashing.comeback import Comeback
from retrosole.flashing.pack import Pack, packed
from retrosole.flashing.repl import Repl

HEALTHY_WITHIN_S = 30.0
_BACK_WITHIN_S = 20.0  # after that: what it takes the old version to be back
_STATUS_S = 4.0  # it comes once a second
_QUIET_S = 0.5
_KEEP_WITH = (1, 2)  # the protocol's version that has trials
_UNWELL: dict[int, str] = {wire.Fault.MEMORY_LOW: "it is short of memory"}  # looked at as it starts on trial
_VIRTUAL = b"V"  # as the id of a virtual insole begins, and that of no chip
_SAYS_NO_SOURCE = bytes([wire.INVALID["identity.source"]]) * 8


class RolledBackError(ProtocolError):
    """Say that the new version did not do, and that the insole runs the old one, or will by itself."""


@dataclass(frozen=True)
class Found:
    """Describe a port to update: what answered on it, None when it is to be found out at the prompt."""

    port: str
    identity: wire.IdentityFrame | None

    @property
    def source(self) -> str | None:
        """Give the source hash of what runs, None when nobody knows."""
        if self.identity is None or self.identity.source == _SAYS_NO_SOURCE:
            return None
        return self.identity.source.hex()


@dataclass(frozen=True)
class Updated:
    """Say what an update has done: versions as "0.1.0 (SOURCE)"; nothing when they are the same already."""

    port: str
    before: str
    after: str
    is_changed: bool


class Watcher(Protocol):
    """Be told how far an update is."""

    def step(self, text: str) -> None:
        """Take what is done next."""

    def progress(self, done_n: int, of_n: int) -> None:
        """Take how many bytes are written."""


def update(
    port: str | None, watcher: Watcher, *, is_forced: bool = False, provide: Callable[[str], Pack] = packed
) -> Updated:
    """Bring the insole at `port`, or the only one there is, to this program's version of the firmware.

    `provide` gives the pack for an architecture. Interrupted at any moment, also by an exception from `watcher`, the
    insole starts with the old version or the new one. Raises RolledBackError when the new one did not do, UsageError
    when it cannot be done as asked (a session runs, no launcher, no room, a newer version without `is_forced`),
    PortError, NoDeviceError, ProtocolError and DamagedDataError, each saying what to do.
    """
    found = find(port)
    _check_may(found)
    before = _words_of(found.identity)
    if _is_there_already(found, provide) and not is_forced:
        return Updated(found.port, before, before, False)
    watcher.step("stopping the firmware")
    with Repl(found.port) as repl:
        root = slots.look(repl)
        pack = _fitting(root, found, provide, is_forced)
        current = root.current(found.source)
        letter = "a" if current == "b" else "b"
        slots.check_fit(root, letter, pack, found.port)
        before = before or _words(root.slots[current or letter])
        watcher.step(f"writing {pack.version} ({pack.source})")
        slots.write(repl, root, letter, pack, lambda n: watcher.progress(n, len(pack.content)))
        slots.switch(repl, letter, current or letter)
        watcher.step("starting it")
        comeback = Comeback(found.port, repl.reset())
    _wait_and_keep(comeback, found, pack, before, watcher)
    return Updated(found.port, before, f"{pack.version} ({pack.source})", True)


# ------------------------------------------------------------------------------------------------- who is to be updated


def find(port: str | None) -> Found:
    """Find who is to be updated: at `port`, whatever answers; else the only insole, or the only board there is.

    Raises PortError when it cannot be opened, NoDeviceError when there is none or more than one.
    """
    if port is not None:
        return _asked(port)
    names = [candidate.port for candidate in ports.list_candidates() if candidate.kind == "usb"]
    with ThreadPoolExecutor(max_workers=max(len(names), 1)) as pool:
        answers = list(pool.map(_tried, names))
    boards = [one for one in answers if isinstance(one, Found)]
    chosen = [one for one in boards if one.identity is not None] or boards
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        listed = ", ".join(_named(one) for one in chosen)
        raise NoDeviceError(f"{len(chosen)} boards may be meant ({listed}): choose one with --port")
    errors = [one for one in answers if isinstance(one, RetrosoleError)]
    if errors:
        raise errors[0]
    raise NoDeviceError("no port has a known USB id: plug the insole in, or name its port with --port")


def _tried(port: str) -> Found | RetrosoleError:
    try:
        return _asked(port)
    except RetrosoleError as error:
        return error


def _asked(port: str) -> Found:
    try:
        link = ports.greet(port)
    except (ProtocolError, NoDeviceError):  # another version, a prompt, a dead link: its prompt will tell
        return Found(port, None)
    link.transport.close()
    return Found(port, link.identity)


def _named(found: Found) -> str:
    return f"{ports.side_name(found.identity)} at {found.port}" if found.identity else found.port


def _check_may(found: Found) -> None:
    """Raise UsageError while a session runs, and for a virtual insole."""
    who = found.identity
    if who is not None and who.device_id.startswith(_VIRTUAL) and found.source is None:
        raise UsageError(
            f"{found.port} is a virtual insole, which always runs this program's firmware: name the port of a real one"
        )
    if who is not None and who.running:
        raise UsageError(
            f"the insole on {found.port} runs session {who.session}: end it with its button, or with "
            "`retrosole fetch`, which keeps it"
        )


def _is_there_already(found: Found, provide: Callable[[str], Pack]) -> bool:
    """Say whether this very version runs for good; one that is still on trial, and answers, is told to stay."""
    who = found.identity
    if who is None or not _has_trials(who) or found.source is None:
        return False
    try:
        with Insole(ports.greet(found.port)) as insole:
            insole.keep()
    except NoTrialError:
        pass  # the usual case
    return found.source == provide("rv32imc" if who.board == wire.Board.ESP32_C3 else "xtensawin").source


def _has_trials(who: wire.IdentityFrame) -> bool:
    return (who.protocol_major, who.protocol_minor) >= _KEEP_WITH and who.protocol_major == wire.PROTOCOL_MAJOR


def _fitting(root: slots.Root, found: Found, provide: Callable[[str], Pack], is_forced: bool) -> Pack:
    """Give the pack for this device. Raises UsageError for one that there is none for, or that is newer than ours."""
    if root.architecture is None:
        raise UsageError(f"the chip on {found.port} is none this firmware is for: expected ESP32, ESP32-S3 or ESP32-C3")
    pack = provide(root.architecture)
    who = found.identity
    if who is not None and not is_forced and _numbers(pack.version) < tuple(who.firmware_version):
        raise UsageError(
            f"the insole on {found.port} has the newer firmware {_words_of(who)}, this program {pack.version}: "
            "update this program, or go back to the older one with --force"
        )
    return pack


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split("."))


def _words_of(who: wire.IdentityFrame | None) -> str:
    if who is None:
        return ""
    version = ".".join(map(str, who.firmware_version))
    return version if who.source == _SAYS_NO_SOURCE else f"{version} ({who.source.hex()})"


def _words(slot: slots.Slot) -> str:
    return f"{slot.version} ({slot.source})" if slot.source else "none that runs"


# ------------------------------------------------------------------------------------------------------- is it well


def _wait_and_keep(comeback: Comeback, found: Found, pack: Pack, before: str, watcher: Watcher) -> None:
    """Wait for the new version, see that it is well, and tell it to stay. Raises RolledBackError when it is not."""
    begin_s = time.monotonic()
    try:
        who = comeback.wait(begin_s + HEALTHY_WITHIN_S)
        if who is not None and who.source.hex() == pack.source:
            watcher.step("looking whether it is well")
            _keep(Insole(comeback.link(who)), before)
            return
        if who is None:
            watcher.step("it does not answer: waiting for the version before")
            who = comeback.wait(begin_s + HEALTHY_WITHIN_S + _BACK_WITHIN_S)
        raise _rolled_back(found, pack, who, before, comeback.why())
    finally:
        comeback.close()


def _keep(insole: Insole, before: str) -> None:
    with insole:
        status = _status(insole)
        why = "it tells no status" if status is None else _UNWELL.get(status.first_fault, "")
        if why:
            raise RolledBackError(
                f"the new version is not well on {insole.port} ({why}): within {HEALTHY_WITHIN_S:g} s the insole "
                f"goes back to {before} by itself"
            )
        insole.keep()


def _status(insole: Insole) -> wire.StatusFrame | None:
    insole.clock_query()
    end_s = time.monotonic() + _STATUS_S
    while insole.status is None and time.monotonic() < end_s:
        for _ in insole.events(_QUIET_S):
            if insole.status is not None or time.monotonic() > end_s:
                break
    return insole.status


def _rolled_back(
    found: Found, pack: Pack, who: wire.IdentityFrame | None, before: str, why: str
) -> RetrosoleError:
    new = f"the new version {pack.version} ({pack.source}) did not start on {found.port}"
    reason = f" ({why})" if why else " (it gave no reason)"
    if who is None:
        return NoDeviceError(
            f"{new}{reason}, and nothing answers: reset the insole, which starts {before}, "
            "or write everything anew with `retrosole flash`"
        )
    return RolledBackError(f"{new}{reason}: the insole runs {_words_of(who)} as before; please report it")
