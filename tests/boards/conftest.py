"""What tests of boards have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machines import need


@pytest.fixture
def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Need the emulated machine, and find no insole but those of the test."""
    need("rv32")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
