"""Ctrl-C reaches the REPL of the RV32 machine while the firmware runs, with the real mpremote; then it starts again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import retrosole
from retrosole import wire
from retrosole.device import Insole
from retrosole.errors import ProtocolError
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.machines import need

pytestmark = pytest.mark.slow  # seconds each, on ports: not in make check


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def mpremote(port: str, *words: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", str(Path(port).resolve()), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# A reset, which this machine has none of by itself, leaves nothing of the program in memory. A new start must not find
# it there: the small heap has no room for both.
FORGET = "import gc, sys; [sys.modules.pop(n) for n in list(sys.modules) if n[:6] in ('insole', 'main')]; gc.collect()"


# On a busy computer the machine is still at its prompt when it is first asked.
def connect_again(port: str) -> Insole:
    for _ in range(4):
        try:
            return retrosole.connect(port, timeout_s=10)
        except ProtocolError as error:
            said = error
    raise said


def first_samples(insole: Insole) -> wire.SamplesFrame:
    insole.start()
    for frame in insole:
        if isinstance(frame, wire.SamplesFrame):
            return frame
    raise AssertionError("no samples came")


def test_mpremote_breaks_in_and_the_firmware_starts_again() -> None:
    need("rv32")
    with virtual_insoles(SimOptions(feet="left", interpreter="rv32")) as insoles:
        port = insoles.ports["left"]
        with retrosole.connect(port, timeout_s=10) as insole:
            boot = insole.identity.boot
            first_samples(insole)
        said = mpremote(port, "exec", "import sys; print(sys.implementation.name, 6 * 7)")
        assert said.split() == ["micropython", "42"]
        assert "main.mpy" in mpremote(port, "resume", "ls")
        mpremote(port, "resume", "exec", "--no-follow", f"{FORGET}; import _start")
        with connect_again(port) as insole:
            assert insole.identity.boot == boot + 1
            assert first_samples(insole).first_index == 0


def test_ctrl_c_in_the_middle_of_a_session_ends_at_a_prompt() -> None:
    need("rv32")
    with virtual_insoles(SimOptions(feet="left", interpreter="rv32")) as insoles:
        port = insoles.ports["left"]
        insole = retrosole.connect(port, timeout_s=10)
        first_samples(insole)
        insole._transport.close()  # as a killed program leaves it: the session still runs
        assert mpremote(port, "exec", "print('prompt')").strip() == "prompt"
