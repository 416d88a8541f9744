"""Who is on a port: before it is flashed, and afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from retrosole import wire
from retrosole.asking import NoStoreError
from retrosole.device import Insole
from retrosole.errors import NoDeviceError, PortError, RetrosoleError
from retrosole.ports import Candidate, TextError, VersionError, list_candidates, open_link, port_now, side_name

_ANSWER_S = 3.0
_OPEN_AGAIN_S = 0.5
_START_S = 10.0  # MicroPython and the insole start within three; the first time settings are taken in
_UNKNOWN_COUNT = wire.INVALID["identity.baseline"]


@dataclass(frozen=True)
class Found:
    """Say who answers on a port; `text` is for a person. `uncollected` are sessions that are only there.

    While a session `runs` it is not looked for them.
    """

    text: str
    is_insole: bool = False
    identity: wire.IdentityFrame | None = None
    uncollected: tuple[wire.StoredFrame, ...] = ()
    runs: int | None = None

    @property
    def sessions(self) -> str:
        """Say how many sessions are only there."""
        if self.runs is not None:
            return f"session {self.runs}, which runs, and all others"
        n = len(self.uncollected)
        return "1 uncollected session" if n == 1 else f"{n or 'no'} uncollected sessions"

    @property
    def settings(self) -> dict[str, int | list[int]]:
        """Give what it knows of itself and its wearer, as `device_files` takes it."""
        who = self.identity
        if who is None:
            return {}
        zones = sum((zone & 3) << 2 * k for k, zone in enumerate(who.zones[: who.channel_n]))
        known: dict[str, int | list[int]] = {"cue": who.cue, "target_order": who.target_order, "zones": zones}
        if who.board in list(wire.Board) and who.board != wire.Board.UNKNOWN:
            known["board"] = who.board
        if who.foot in list(wire.Side) and side_name(who) != "unset":
            known["side"] = who.foot
        for name, counts in (("baseline", who.baseline), ("standing", who.standing)):
            if counts[0] != _UNKNOWN_COUNT:
                known[name] = list(counts[: who.channel_n])
        return known


def choose_port(port: str | None) -> str:
    """Give the port to flash: the one that is named, or the only one that may be a board.

    Raises NoDeviceError when there is none or more than one.
    """
    if port is not None:
        return port
    boards = [one for one in list_candidates() if one.kind == "usb"]
    if len(boards) == 1:
        return boards[0].port
    if not boards:
        raise NoDeviceError(
            "no port has the USB id of an ESP32 board: plug the board in with a cable that carries data, or name its "
            "port with --port; `retrosole ports` shows what is there"
        )
    raise NoDeviceError(f"{len(boards)} ports may be a board ({_names(boards)}): choose one with --port")


def _names(candidates: list[Candidate]) -> str:
    return ", ".join(f"{one.port}, {one.description}" for one in candidates)


def look(port: str) -> Found:
    """Ask who is on a port, and change nothing there. Raises PortError when it cannot be opened."""
    try:
        link = open_link(port, _ANSWER_S)
    except PortError:
        raise
    except VersionError as error:
        return Found(f"an insole of another version ({error})", is_insole=True)
    except TextError as error:
        return Found(f"no insole, but a program that answers with text ({error.shown})")
    except NoDeviceError:
        return Found("nothing that answers: a new board, one in its loader, or one without a program")
    insole = Insole(link)
    try:
        if insole.identity.running:
            runs = insole.identity.session
            return Found(f"{_words(insole)}, session {runs} runs", True, insole.identity, (), runs)
        entries = _stored(insole)
    finally:
        insole.close()
    uncollected = tuple(entry for entry in entries if entry.kept != wire.Kept.COLLECTED)
    found = Found(_words(insole), True, insole.identity, uncollected)
    return replace(found, text=f"{found.text}, {found.sessions}")


def _stored(insole: Insole) -> list[wire.StoredFrame]:
    try:
        return insole.stored()
    except NoStoreError:
        return []


def _words(insole: Insole) -> str:
    who = insole.identity
    version = ".".join(map(str, who.firmware_version))
    calibrated = "calibrated" if who.standing[0] != _UNKNOWN_COUNT else "not calibrated"
    return f"an insole: {insole.side}, device {who.device_id.hex()}, firmware {version}, {calibrated}"


def await_insole(port: str, wait_s: float, number: str | None = None) -> Insole:
    """Wait for an insole to say who it is, while it starts and its port comes back; give it, to be closed.

    `number` is that of a chip with USB of its own, whose port may come back under another name. Raises what opening the
    port or asking last raised, when none has answered within `wait_s`.
    """
    end_s = time.monotonic() + wait_s
    while True:
        try:
            return Insole(open_link(port_now(port, number), min(_START_S, max(end_s - time.monotonic(), 1.0))))
        except VersionError:
            raise
        except RetrosoleError:
            if time.monotonic() >= end_s:
                raise
            time.sleep(_OPEN_AGAIN_S)
