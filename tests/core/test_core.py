"""The firmware's core, the same tests on CPython and on real 32-bit MicroPython."""

from __future__ import annotations

import importlib
import sys

import pytest

from retrosole.errors import RetrosoleError
from retrosole.twin.runtimes import find
from tests.machines import CORE_FOLDER, FIRMWARE, ROOT, need, run_cpython, run_micropython, run_rv32
from tests.soak import only_in_full

# They need the stand-in modules, some of them in the place of sys and time.
APART = ("application", "chips", "faults", "heap", "keeping", "launching", "running", "stores", "trying")
SUITES = sorted(path.stem for path in (CORE_FOLDER / "suite").glob("[a-z]*.py"))


def cases() -> list[tuple[str, str]]:
    sys.path[:0] = [str(FIRMWARE / "twin" / "cpython"), str(FIRMWARE), str(CORE_FOLDER)]
    found = []
    for suite in SUITES:
        if suite not in APART:
            module = importlib.import_module(f"suite.{suite}")
            found += [(suite, name) for name in dir(module) if name.startswith("test_")]
    return found


@pytest.mark.parametrize(("suite", "name"), cases())
def test_on_cpython(suite: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    getattr(importlib.import_module(f"suite.{suite}"), name)()


def check(output: str) -> None:
    last = output.strip().splitlines()[-1]
    assert last.endswith("passed, 0 failed"), output
    assert not last.startswith("0 "), "no test ran:\n" + output


# `heap` only means something where there is a heap to lock.
@pytest.mark.parametrize("suite", [suite for suite in APART if suite != "heap"])
def test_apart_on_cpython(suite: str) -> None:
    check(run_cpython(suite))


@pytest.mark.parametrize("suite", SUITES)
def test_on_32_bit_micropython(suite: str) -> None:
    check(run_micropython(need("unix32"), suite))


# Debian's MicroPython is one, and its native code would take the detector's addresses for shorter than they are.
@pytest.mark.parametrize("suite", ["kernels", "senses", "gaits"])
def test_on_64_bit_micropython(suite: str) -> None:
    for kind in ("unix64", "unpacked"):
        try:
            runtime = find(kind)
        except RetrosoleError:
            continue
        check(run_micropython(runtime, suite))
        return
    pytest.skip("NO UNIX64, NOT TESTED: python -m retrosole.twin.build_runtimes unix64")


# Each of these runs on the 32-bit desktop build, too, in a tenth of the time. The shell around the core is bytecode,
# the same on both. How the detector decides rests on native code: `kernels`, `senses` and `tunes` hold it to its plain
# twin on this machine; `gaits` and `verdicts` ask for what it finds there, tests/chain for real walks to the last bit.
SHELL = {"application", "faults", "keeping", "launching", "running", "starts", "stores", "trying"}
DECISIONS = {"contacts", "holes", "recovers", "sensors", "stances"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "suite", [pytest.param(suite, marks=only_in_full) if suite in SHELL | DECISIONS else suite for suite in SUITES]
)
def test_on_the_rv32_machine(suite: str) -> None:
    need("rv32")
    check(run_rv32(suite))
