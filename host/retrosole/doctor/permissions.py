"""May this user open the ports, and does anything on this computer take them away: Linux, macOS and Windows.

The texts for macOS and Windows follow the makers' documentation and have been run on Linux only.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from pathlib import Path

from retrosole.doctor.finding import Finding, bad, ok, warn
from retrosole.doctor.system import System, read
from retrosole.errors import PortError
from retrosole.ports import KNOWN_USB

PORT_GROUPS = ("dialout", "uucp")  # Debian, Fedora and their kin; Arch, Gentoo and theirs
RULES_PATH = "/etc/udev/rules.d/60-retrosole.rules"  # before 73-seat-late.rules, which acts on the uaccess tag
INSTALL_RULES = (
    f"retrosole doctor --udev | sudo tee {RULES_PATH} && sudo udevadm control --reload-rules && sudo udevadm trigger"
)
_RULE_FOLDERS = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
# Bridges on ESP32 boards that have been taken for braille displays
_TAKEN_BY_BRLTTY = ((0x1A86, 0x7523), (0x10C4, 0xEA60), (0x0403, 0x6001))
_MODULES = {0x1A86: "ch341", 0x10C4: "cp210x", 0x0403: "ftdi_sio", 0x303A: "cdc_acm"}


def udev_rules() -> str:
    """Give rules that let whoever sits at the computer open the ports of ESP32 boards, and keep ModemManager off."""
    lines = ["# Retrosole: whoever is logged in here may open ESP32 boards, and ModemManager leaves them alone"]
    for vendor, product, name in KNOWN_USB:
        which = f'ATTRS{{idVendor}}=="{vendor:04x}"' + (f', ATTRS{{idProduct}}=="{product:04x}"' if product else "")
        then = 'ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"'
        lines += [f'SUBSYSTEM=="tty", {which}, MODE="0660", TAG+="uaccess", {then}  # {name}']
    text = "\n".join(line.partition("  # ")[0] for line in lines)  # udev takes no comment behind a rule
    return f"{text}\n"


def findings(system: System, ports: list[str], named: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Look at what this platform needs; `ports` are those of ESP32 boards on USB, `named` those that were asked for."""
    if system.is_linux:
        yield permission(system, ports)
        yield from missing_drivers(system)
        yield from braille(system)
        yield from modem_manager(system)
    elif system.platform == "darwin":
        yield _macos(ports)
        yield from (_call_out(port) for port in named if port.startswith("/dev/tty."))
    elif system.platform == "win32":
        yield _windows(ports)
    else:
        yield warn("permissions", f"nothing is known of {system.platform}", "try, and open the port with --port")


# ------------------------------------------------------------------------------------------------------------- linux


def permission(system: System, ports: list[str]) -> Finding:
    """Look whether this user may open the ports that are there, or else those that will be."""
    name = "permissions"
    closed = [port for port in ports if not system.may_open(port)]
    if closed:
        group = _owner(system, closed[0])
        return bad(name, f"you may not open {', '.join(closed)}", _join(group), PortError)
    if ports:
        return ok(name, f"you may open {', '.join(ports)}")
    if os.geteuid() == 0 and system.root == Path("/"):
        return ok(name, "root may open every port")
    return _membership(_groups(system), _user(), set(os.getgroups()))


def _membership(groups: dict[str, tuple[int, set[str]]], user: str, mine: set[int]) -> Finding:
    """Judge by the groups that own ports here, each with its number and its members."""
    name = "permissions"
    if not groups:
        return warn(name, f"there is no group {' or '.join(PORT_GROUPS)}", f"give access by a rule:\n{INSTALL_RULES}")
    for group, (number, members) in groups.items():
        if number in mine:
            return ok(name, f"you are in the group {group}, which owns ports")
        if user in members:
            return warn(name, f"you are in the group {group}, but not since this login", "log out, and in again")
    group = next(iter(groups))
    return warn(name, f"you are not in the group {group}, which owns ports", _join(group))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in some containers
        return ""


def _join(group: str) -> str:
    return f"sudo usermod -aG {group} $USER\nthen log out and in again; or give access by a rule:\n{INSTALL_RULES}"


def _groups(system: System) -> dict[str, tuple[int, set[str]]]:
    found = {}
    for line in read(system.root / "etc/group").splitlines():
        name, _, number, members = (*line.split(":"), "", "", "")[:4]
        if name in PORT_GROUPS and number.isdigit():
            found[name] = (int(number), set(filter(None, members.split(","))))
    return found


def _owner(system: System, port: str) -> str:
    try:
        name = (system.root / port.lstrip("/")).group()
    except (OSError, KeyError):
        name = ""
    return name if name in PORT_GROUPS else next(iter(_groups(system)), PORT_GROUPS[0])


def missing_drivers(system: System) -> Iterator[Finding]:
    """Look for a board on USB of which no port has come: its driver is not there, or something else took it."""
    for folder, vendor, product in system.usb_devices():
        known = any(vendor == v and p in (None, product) for v, p, _ in KNOWN_USB)
        if known and not [*folder.glob("*/tty*"), *folder.glob("*/tty/tty*")]:
            found = f"USB {vendor:04x}:{product:04x} is plugged in, but has no port"
            todo = f"sudo modprobe {_MODULES[vendor]}\nthen plug it in again; `sudo dmesg | tail` tells of it"
            if _brltty_rules(system, vendor, product):
                todo = "brltty has taken it, see below"
            yield warn("USB driver", found, todo)


def braille(system: System) -> Iterator[Finding]:
    """Look for brltty, which takes the bridge chips of many boards for braille displays, as on Ubuntu 22.04."""
    taken: dict[Path, list[str]] = {}
    for vendor, product in _TAKEN_BY_BRLTTY:
        for path in _brltty_rules(system, vendor, product):
            taken.setdefault(path, []).append(f"{vendor:04x}:{product:04x}")
    for path, ids in taken.items():
        mask = f"sudo ln -s /dev/null /etc/udev/rules.d/{path.name} && sudo udevadm control --reload-rules"
        todo = f"sudo apt remove brltty\nor, if you read braille on this computer:\n{mask}"
        yield warn("brltty", f"it takes boards with the bridge {' or '.join(ids)} for braille displays", todo)


def _brltty_rules(system: System, vendor: int, product: int) -> list[Path]:
    """Give the rule files of brltty that are in force and name a device; one under /etc replaces its namesakes."""
    wanted = re.compile(rf"^[^#\n]*{vendor:04x}/0*{product:x}/", re.IGNORECASE | re.MULTILINE)
    seen: dict[str, Path] = {}
    for folder in _RULE_FOLDERS:
        for path in sorted((system.root / folder).glob("*brltty*.rules")):
            seen.setdefault(path.name, path)
    return [path for path in seen.values() if wanted.search(read(path))]


def modem_manager(system: System) -> Iterator[Finding]:
    """Look for ModemManager, which may talk to a port that has just been plugged in."""
    if "ModemManager" not in system.processes() or (system.root / RULES_PATH.lstrip("/")).exists():
        return
    found = "it runs, and may keep a board busy for some seconds after it is plugged in"
    yield ok("ModemManager", found, f"to keep it off:\n{INSTALL_RULES}")


# ----------------------------------------------------------------------------------------------- macOS and Windows


def _macos(ports: list[str]) -> Finding:
    if ports:
        return ok("USB driver", f"there is one: {', '.join(ports)}")
    found = "no port of an ESP32 board; macOS 11 and newer usually brings the drivers"
    todo = (
        "if one is plugged in and `ls /dev/cu.*` does not show it: try a cable that carries data, then install the "
        "driver of the bridge chip (Silicon Labs CP210x, WCH CH34x) and allow it in System Settings, Privacy & Security"
    )
    return ok("USB driver", found, todo)


def _call_out(port: str) -> Finding:
    named = port.replace("/dev/tty.", "/dev/cu.", 1)
    return warn("port name", f"{port} waits for a carrier that no board sends", f"use --port {named}")


def _windows(ports: list[str]) -> Finding:
    if ports:
        return ok("USB driver", f"there is one: {', '.join(ports)}")
    todo = (
        "if one is plugged in: open Device Manager, `Ports (COM & LPT)` should show it; if it is under `Other devices` "
        "with a yellow mark, install the driver of the bridge chip (Silicon Labs CP210x, WCH CH340); if it is nowhere, "
        "try a cable that carries data"
    )
    return ok("USB driver", "no port of an ESP32 board", todo)
