"""The whole way on a board that is really there: `make test-board PORT=...`. Whatever the board held is erased.

It runs the commands that a person would, in order, and stops at the first that does not do what it says. Nothing on the
board's pins is needed: sensors may be missing, and the doctor may say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PORT = os.environ.get("RETROSOLE_BOARD", "")
IMAGE = os.environ.get("RETROSOLE_BOARD_MICROPYTHON", "")
WELL, SENSORS_MISSING = 0, 6  # exit codes of the doctor
RECORD_S = 10
BREAK_OFF_S = (1.0, 3.0, 6.0, 10.0)
BACK_S = 40.0  # to start, and for a trial that nobody keeps to end


@pytest.fixture(autouse=True)
def board() -> None:
    if not PORT:
        pytest.fail("name the board: make test-board PORT=/dev/ttyUSB0")


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "retrosole", *map(str, words)]


def run(*words: str | Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run a command of the program, showing it and what it says."""
    print(f"\n$ retrosole {' '.join(map(str, words))}", flush=True)
    done = subprocess.run(command(*words), stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    assert done.returncode in codes, f"exit code {done.returncode}"
    return done.stdout


def flash(*words: str | Path) -> str:
    image = ("--micropython", IMAGE) if IMAGE else ()
    return run("flash", "--port", PORT, "--yes", *image, *words)


def info() -> str:
    return run("info", "--port", PORT)


def firmware() -> str:
    """Give the line in which the insole says its version and source."""
    return next(line for line in info().splitlines() if "firmware" in line)


def test_from_whatever_it_is_to_an_insole() -> None:
    flash("--erase", "--side", "left")
    assert "left insole" in info()


def test_it_samples_and_its_store_keeps_it(tmp_path: Path) -> None:
    run("record", "--port", PORT, "--seconds", str(RECORD_S), "--out", tmp_path)
    (session,) = tmp_path.iterdir()
    assert "complete" in run("check", session)


def test_an_update_is_kept() -> None:
    before = firmware()
    run("update", "--port", PORT, "--force")
    assert firmware() == before


@pytest.mark.parametrize("after_s", BREAK_OFF_S)
def test_an_update_that_is_broken_off_leaves_an_insole(after_s: float) -> None:
    before = firmware()
    print(f"\n$ retrosole update --force, killed after {after_s:g} s", flush=True)
    update = subprocess.Popen(command("update", "--port", PORT, "--force"))
    time.sleep(after_s)
    update.kill()
    update.wait()
    time.sleep(BACK_S)
    run("update", "--port", PORT, "--force")
    assert firmware() == before


def test_the_doctor_looks_at_it() -> None:
    run("doctor", "--port", PORT, codes=(WELL, SENSORS_MISSING))


def test_settings_outlive_another_flash() -> None:
    run("setup", "--port", PORT, "--side", "right", "--cue", "on")
    flash()
    told = info()
    assert "right insole" in told and "cue       on" in told
    run("setup", "--port", PORT, "--side", "left", "--cue", "off")
