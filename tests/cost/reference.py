"""The C reference: built for the emulated machine as an image to call, and for this computer as a library."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from retrosole.errors import UsageError
from retrosole.twin.core import core

HERE = Path(__file__).parent
CROSS = "riscv64-unknown-elf-"
# As the machine's interpreter is built (retrosole.twin.recipes), but for speed.
FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-O2")
RV32_FLAGS = ("-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-ffreestanding", "-nostdlib", "-static")
Follow = Callable[..., int]


def host_compiler() -> str | None:
    """Return this computer's C compiler, None when there is none."""
    return shutil.which("gcc") or shutil.which("cc")


def image(folder: Path, at: int, spent_at: int) -> bytes:
    """Build the code that lies at address `at`; its first instruction is the entry. Raises UsageError without GCC."""
    compiler, objcopy = (shutil.which(CROSS + tool) for tool in ("gcc", "objcopy"))
    if not compiler or not objcopy:
        raise UsageError("the C reference needs gcc-riscv64-unknown-elf: apt-get install gcc-riscv64-unknown-elf")
    linked, raw = folder / "follow.elf", folder / "follow.bin"
    script = folder / "follow.ld"
    parts = "*(.text.entry) *(.text*) *(.rodata*) *(.data*) *(.bss*)"
    script.write_text(f"SECTIONS {{ . = {at:#x}; .all : {{ {parts} }} }}")
    command = [compiler, *FLAGS, *RV32_FLAGS, f"-DSPENT_AT={spent_at:#x}u", *_places()]
    command += ["-T", str(script), "-Wl,-e,entry", "-o", str(linked)]
    _run([*command, str(HERE / "entry.c"), str(HERE / "follow.c"), "-lgcc"])
    _run([objcopy, "-O", "binary", str(linked), str(raw)])
    return raw.read_bytes()


def _places() -> list[str]:
    """Say which words tell where the arrays are."""
    sense = core().sense
    return [f"-D{name}={getattr(sense, name)}" for name in ("MARKS_ADDRESS", "COUNTS_ADDRESS", "FRAME_ADDRESS")]


def library(folder: Path, compiler: str) -> Follow:
    """Build `follow` for this computer; it takes numpy arrays where the firmware's takes its own."""
    built = folder / "follow.so"
    checks = ("-fsanitize=undefined", "-fno-sanitize=shift", "-fsanitize-undefined-trap-on-error")
    _run([compiler, *FLAGS, *checks, "-shared", "-fPIC", "-o", str(built), str(HERE / "follow.c")])
    function = ctypes.CDLL(str(built)).follow
    arrays = (np.int32, np.uint16, np.uint8, np.int32)
    function.argtypes = [np.ctypeslib.ndpointer(kind, flags="C") for kind in arrays]
    function.restype = ctypes.c_int
    return function  # type: ignore[no-any-return]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UsageError(f"the C reference does not compile: {(done.stderr.strip() or '?').splitlines()[0]}")
