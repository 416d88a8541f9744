"""Settings of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: it goes by the clock on the wall, and says more about what else the machine does than about the code.
settings.register_profile("retrosole", deadline=None, print_blob=True)
settings.load_profile("retrosole")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, in which no insole is found but the test's own; give where virtual insoles register."""
    folder = tmp_path / "runtime" / "retrosole"
    folder.parent.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    return folder
