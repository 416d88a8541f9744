"""`ports` and `info`."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import serial.tools.list_ports

from retrosole import ports, show, wire
from retrosole.device import Insole
from retrosole.errors import NoDeviceError, RetrosoleError
from retrosole.ports import Candidate
from retrosole.session.writer import word
from retrosole.walk import connect_feet

_STATUS_WAIT_S = 1.6  # it comes once a second


def list_ports() -> int:
    """Print what may be an insole and what it answers; give the exit code.

    Raises NoDeviceError when there is nothing to ask.
    """
    candidates = ports.list_candidates()
    others = _others(candidates)
    if not candidates:
        also = f" ({', '.join(others)} not opened: no USB id of an ESP32 board; try --port)" if others else ""
        raise NoDeviceError(
            f"no port may be an insole, and no virtual insole runs{also}: plug one in, or start `retrosole sim`"
        )
    with ThreadPoolExecutor(max_workers=len(candidates)) as pool:
        answers = list(pool.map(_answer, candidates))
    rows = [(c.port, c.description, str(answer)) for c, answer in zip(candidates, answers, strict=True)]
    show.table(("port", "what it is", "who answers"), rows)
    if others:
        print(f"Not opened, because they have no USB id of an ESP32 board: {', '.join(others)}")
    answered = any(isinstance(answer, str) for answer in answers)
    return 0 if answered else NoDeviceError.exit_code


def _others(candidates: list[Candidate]) -> list[str]:
    named = {candidate.port for candidate in candidates}
    return sorted(port.device for port in serial.tools.list_ports.comports() if port.device not in named)


def _answer(candidate: Candidate) -> str | RetrosoleError:
    try:
        who = ports.confirm(candidate)
    except RetrosoleError as error:
        return error
    version = ".".join(map(str, who.firmware_version))
    return f"{ports.side_name(who)}, {word(wire.Board, who.board)}, firmware {version}"


def print_info(port_names: tuple[str, ...]) -> None:
    """Print identity and status of one insole, or of a left and a right one."""
    with contextlib.ExitStack() as stack:
        for insole in connect_feet(port_names, needs_side=False).values():
            stack.callback(insole.close)
            for line in show.identity_lines(insole, _status(insole)):
                print(line)
            show.channel_table(insole)


def _status(insole: Insole) -> wire.StatusFrame | None:
    insole.clock_query()
    end_s = time.monotonic() + _STATUS_WAIT_S
    for event in insole.events(_STATUS_WAIT_S):
        if isinstance(event, wire.StatusFrame):
            return event
        if time.monotonic() > end_s:  # it answers, and says nothing of how it is
            break
    return None
