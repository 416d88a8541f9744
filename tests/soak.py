"""Long counts: a tenth in `make test`, in full with RETROSOLE_SOAK=1 (`make soak`)."""

from __future__ import annotations

import os

import pytest

IN_FULL = os.environ.get("RETROSOLE_SOAK") == "1"
only_in_full = pytest.mark.skipif(not IN_FULL, reason="takes minutes: make soak")
