"""Everything that is looked at on this computer, and the ports it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from serial.tools import list_ports

from retrosole.doctor import disk, permissions, versions
from retrosole.doctor.finding import Finding, Section, ok, warn
from retrosole.doctor.system import System, usb_ports
from retrosole.ports import Candidate
from retrosole.transport import users_of


def look(system: System, candidates: list[Candidate], named: tuple[str, ...], sessions: Path) -> Section:
    """Look at the packages, the permissions and the disk; `sessions` is where sessions are kept."""
    return Section("This computer", tuple(_findings(system, candidates, named, sessions)))


def _findings(system: System, candidates: list[Candidate], named: tuple[str, ...], sessions: Path) -> Iterator[Finding]:
    yield versions.python()
    yield from versions.libraries()
    yield from versions.tools()
    esptool = versions.esptool_runs()
    if esptool is not None:
        yield esptool
    yield versions.micropython(system.platform)
    yield from permissions.findings(system, usb_ports(candidates), named)
    yield disk.room(sessions)
    yield disk.writable(sessions)


def ports(candidates: list[Candidate]) -> Section:
    """List the ports, who has one open, and those that are left alone."""
    return Section("Ports", tuple(_port_findings(candidates)))


def _port_findings(candidates: list[Candidate]) -> Iterator[Finding]:
    for one in candidates:
        users = [] if one.kind == "virtual" else users_of(one.port)  # a virtual insole itself has its port open
        if users:
            yield warn(one.port, f"{one.description}, open in {', '.join(users)}", "close that first")
        else:
            yield ok(one.port, one.description)
    named = {one.port for one in candidates}
    others = sorted(info.device for info in list_ports.comports() if info.device not in named)
    if others:
        yield ok("not opened", f"{', '.join(others)}: no USB id of an ESP32 board", "if it is one, name it with --port")
    if not candidates:
        yield ok("none", "no port may be an insole, and no virtual insole runs")
