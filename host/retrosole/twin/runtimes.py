"""Find an interpreter that runs the firmware: MicroPython if there is one, else CPython."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrosole.errors import UsageError
from retrosole.twin import debian, recipes

OLDEST = (1, 24)
CHOICES = ("auto", "micropython", "unix32", "unix64", "unpacked", "rv32", "cpython")
QEMU = "qemu-system-riscv32"

# Same answer on every Python; sys.maxsize tells the width of an object pointer.
_PROBE = (
    "import sys; i = sys.implementation; "
    "print(i.name, '%d.%d.%d' % tuple(i.version[:3]), 64 if sys.maxsize > 2**31 else 32)"
)
_PROBE_LIMIT_S = 20


@dataclass(frozen=True)
class Runtime:
    """One interpreter: `[*argv, script, *args]` runs a script; for "rv32" see `rv32.start`."""

    kind: str
    version: str
    argv: tuple[str, ...]
    bits: int

    @property
    def is_micropython(self) -> bool:
        """Tell whether this is MicroPython."""
        return self.kind != "cpython"

    def describe(self) -> str:
        """Return one line such as "MicroPython 1.25.0 (unix, 32-bit)"."""
        if not self.is_micropython:
            return f"CPython {self.version} ({self.bits}-bit)"
        where = {"rv32": "RISC-V machine in qemu", "unpacked": "unix, Debian's package"}.get(self.kind, "unix")
        return f"MicroPython {self.version} ({where}, {self.bits}-bit)"


@dataclass(frozen=True)
class Probe:
    """What an interpreter says about itself."""

    implementation: str
    version: str
    bits: int


def parse_version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version text: "1.25.0-preview" gives (1, 25, 0).

    Raises:
        ValueError: it does not begin with a number.
    """
    numbers: list[int] = []
    for part in text.strip().lstrip("v").split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits:
            numbers.append(int(digits))
        if digits != part:
            break
    if not numbers:
        raise ValueError(f"not a version: {text!r}")
    return tuple(numbers)


def parse_probe(text: str) -> Probe | None:
    """Read an interpreter's answer, such as "micropython 1.25.0 32"; None when it is another."""
    words = text.split()
    if len(words) != 3 or words[2] not in {"32", "64"}:
        return None
    return Probe(words[0], words[1], int(words[2]))


def probe(argv: Sequence[str]) -> Probe | None:
    """Ask an interpreter what it is by running it; None when it does not answer."""
    try:
        done = subprocess.run(
            [*argv, "-c", _PROBE],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_PROBE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_probe(done.stdout) if done.returncode == 0 else None


def heap_option(bits: int) -> tuple[str, str]:
    """Return the option that gives unix MicroPython about the heap of an ESP32."""
    size_kb = recipes.HEAP_64BIT_KB if bits == 64 else recipes.HEAP_32BIT_KB
    return ("-X", f"heapsize={size_kb}k")


def find(choice: str = "auto") -> Runtime:
    """Return the interpreter that a choice names.

    Args:
        choice: "auto" (`$MICROPYTHON`, else an installed MicroPython 1.24 or newer, else one
            obtained before, else CPython), "micropython" (the same without CPython), one kind of
            `CHOICES`, or the path of an executable.

    Raises:
        UsageError: what was asked for is not here, or is not a MicroPython this firmware runs on.
    """
    if choice in _FINDERS:
        return _FINDERS[choice]()
    return _given(choice, "The interpreter")


def _auto() -> Runtime:
    return _real() or _cpython()


def _micropython() -> Runtime:
    found = _real()
    if found is None:
        raise UsageError(f"No MicroPython 1.24 or newer is on this machine: {_hint()}")
    return found


def _real() -> Runtime | None:
    given = os.environ.get("MICROPYTHON")
    if given:
        return _given(given, "$MICROPYTHON")
    for candidate in (_installed, lambda: _built("unix32"), lambda: _built("unix64"), _unpacked):
        found = candidate()
        if found is not None:
            return found
    return None


def _cpython() -> Runtime:
    version = ".".join(str(number) for number in sys.version_info[:3])
    return Runtime("cpython", version, (sys.executable,), 64 if sys.maxsize > 2**31 else 32)


def _given(path: str, who: str) -> Runtime:
    program = shutil.which(os.path.expanduser(path))
    if program is None:
        raise UsageError(
            f"{who} {path!r} is not a program that can be run: expected a path or one of {', '.join(CHOICES)}"
        )
    answer = probe([program])
    if answer is None:
        raise UsageError(f"{who} {path!r} does not answer as a Python: give the path of MicroPython's unix port")
    if answer.implementation == "cpython":
        return Runtime("cpython", answer.version, (program,), answer.bits)
    if parse_version(answer.version) < OLDEST:
        raise UsageError(f"{who} {path!r} is MicroPython {answer.version}; expected 1.24 or newer: {_hint()}")
    return Runtime("given", answer.version, (program, *heap_option(answer.bits)), answer.bits)


def _installed() -> Runtime | None:
    program = shutil.which("micropython")
    answer = probe([program]) if program else None
    if program is None or answer is None or answer.implementation != "micropython":
        return None
    if parse_version(answer.version) < OLDEST:
        return None
    return Runtime("installed", answer.version, (program, *heap_option(answer.bits)), answer.bits)


def _built(kind: str) -> Runtime | None:
    program = recipes.result_path(kind)
    if not recipes.is_current(kind):
        return None
    answer = probe([str(program)])
    if answer is None:
        return None
    return Runtime(kind, answer.version, (str(program), *heap_option(answer.bits)), answer.bits)


def unpacked_argv(root: Path) -> tuple[str, ...] | None:
    """Return how to run an unpacked Debian package's MicroPython: with its own libraries."""
    loaders = sorted((*root.glob("usr/lib*/ld-linux*.so.*"), *root.glob("lib*/ld-linux*.so.*")))
    if not loaders or not (root / "usr" / "bin" / "micropython").is_file():
        return None
    libraries = ":".join(str(path) for path in (*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*")))
    return (str(loaders[0]), "--library-path", libraries, str(root / "usr" / "bin" / "micropython"))


def _unpacked() -> Runtime | None:
    argv = unpacked_argv(recipes.cache_dir() / "unpacked")
    answer = probe(argv) if argv else None
    if argv is None or answer is None:
        return None
    return Runtime("unpacked", answer.version, (*argv, *heap_option(answer.bits)), answer.bits)


def _rv32() -> Runtime | None:
    if not recipes.is_current("rv32") or not shutil.which(QEMU):
        return None
    return Runtime("rv32", recipes.stamp("rv32").get("version", recipes.UPSTREAM_VERSION), (), 32)


def _required(kind: str, search: Callable[[], Runtime | None]) -> Callable[[], Runtime]:
    def require() -> Runtime:
        found = search()
        if found is None:
            raise UsageError(f"The MicroPython runtime {kind!r} is not in {recipes.cache_dir()}: {_hint(kind)}")
        return found

    return require


def _hint(kind: str = "") -> str:
    if kind and debian.distribution():
        return f"get it with: python -m retrosole.twin.build_runtimes {kind}"
    return debian.install_hint()


_FINDERS: dict[str, Callable[[], Runtime]] = {
    "auto": _auto,
    "micropython": _micropython,
    "cpython": _cpython,
    "unix32": _required("unix32", lambda: _built("unix32")),
    "unix64": _required("unix64", lambda: _built("unix64")),
    "unpacked": _required("unpacked", _unpacked),
    "rv32": _required("rv32", _rv32),
}
