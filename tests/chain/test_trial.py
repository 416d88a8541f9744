"""A version on trial, over the line: the firmware out of its pack on the RV32 machine, and a host that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import retrosole
from retrosole.asking import BusyError, NoTrialError
from retrosole.device import Insole
from retrosole.flashing import pack
from retrosole.twin import launch
from retrosole.twin.firmware_files import compiled_device_files
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.machines import need

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@contextmanager
def run_from_pack(monkeypatch: pytest.MonkeyPatch, now: bytes) -> Iterator[Insole]:
    """Connect to a virtual insole that starts as a flashed board does, out of one of two packs."""
    need("rv32")
    made = pack.built("rv32imc")
    twin = {
        name: content
        for name, content in compiled_device_files("rv32imc").items()
        if not name.startswith("insole/") and name not in ("main.mpy", "launch.mpy")
    }
    files = {**twin, **pack.device_files(made, {}), "b.zip": made.content, "now": now}
    monkeypatch.setattr(launch, "compiled_device_files", lambda architecture: files)
    with (
        virtual_insoles(SimOptions(feet="left", interpreter="rv32")) as insoles,
        retrosole.connect(insoles.ports["left"], timeout_s=10) as insole,
    ):
        assert insole.identity.source.hex() == made.source
        yield insole


def test_a_host_keeps_the_version_on_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_from_pack(monkeypatch, b"b a") as insole:
        insole.start()
        with pytest.raises(BusyError, match="refused keep"):
            insole.keep()
        insole.stop()
        insole.keep()
        insole.keep()


def test_what_was_kept_before_has_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_from_pack(monkeypatch, b"b") as insole, pytest.raises(NoTrialError, match="not on trial"):
        insole.keep()
