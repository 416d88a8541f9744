"""`doctor`: what is well and what is not, and what to do about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from retrosole import ports, show
from retrosole.doctor import computer, insole
from retrosole.doctor.finding import BAD, WARN, Section, as_json, bad, exit_code, lines, verdict
from retrosole.doctor.permissions import udev_rules
from retrosole.doctor.system import System
from retrosole.errors import NoDeviceError, UsageError
from retrosole.ports import Candidate

_LEAST_S, _MOST_S = 1.0, 100.0
_UNFOLDED = 10_000  # characters: what goes into a file or a pipe is a line each
_SESSIONS = Path("sessions")  # where `record` keeps them unless told otherwise
_PLUG_IN = (
    "switch it on and plug it in, with a cable that carries data; name its port with --port if it is not one of "
    "those above; or start `retrosole sim` to try without one"
)


def print_udev_rules() -> None:
    """Print the udev rules that Linux needs where nobody is in the group that owns the ports."""
    print(udev_rules(), end="")


def doctor(port_names: tuple[str, ...], seconds: float, is_json: bool) -> int:
    """Look at this computer and at every insole that answers, and print what was found; give the exit code.

    Only the ports named are opened, or else those with the USB ids of ESP32 boards and virtual insoles.
    Raises UsageError for a time that cannot be waited.
    """
    if not _LEAST_S <= seconds <= _MOST_S:
        raise UsageError(f"--seconds is {_LEAST_S:g} to {_MOST_S:g}, got {seconds:g}: try --seconds 4")
    sections: list[Section] = []
    width = shutil.get_terminal_size().columns if show.can_draw() else _UNFOLDED

    def tell(section: Section) -> None:
        sections.append(section)
        if not is_json:
            show.announce("\n".join([*([""] if len(sections) > 1 else []), *lines(section, width)]))

    candidates = _candidates(port_names)
    tell(computer.look(System(), candidates, port_names, _SESSIONS))
    tell(computer.ports(candidates))
    _look_at_insoles(candidates, seconds, tell, is_named=bool(port_names))
    if is_json:
        print(json.dumps(as_json(sections), indent=1))
    else:
        show.announce(f"\n{verdict(sections)}")
    return exit_code(sections)


def _candidates(port_names: tuple[str, ...]) -> list[Candidate]:
    found = ports.list_candidates()
    if not port_names:
        return found
    known = {one.port: one for one in found}
    return [known.get(port, Candidate(port, "named", "named with --port")) for port in dict.fromkeys(port_names)]


def _look_at_insoles(
    candidates: list[Candidate], seconds: float, tell: Callable[[Section], None], is_named: bool
) -> None:
    """Look at each in turn; a board that is no insole is told, and is no fault where an insole answers."""
    silent: list[Section] = []
    answered_n = 0
    for one in candidates:
        if show.can_draw():
            show.say(f"\nlooking at {one.port}, for about {seconds + 3:.0f} s ...")
        section, answered = insole.look(one.port, seconds)
        answered_n += answered
        if answered:
            tell(section)
        else:
            silent.append(section)
    for section in silent:
        tell(_softened(section) if answered_n and not is_named else section)
    if not candidates:
        tell(Section("Insoles", (bad("none", "no insole answers", _PLUG_IN, NoDeviceError),)))


def _softened(section: Section) -> Section:
    findings = (replace(one, level=WARN, exit_code=0) if one.level == BAD else one for one in section.findings)
    return Section(section.title, tuple(findings))
