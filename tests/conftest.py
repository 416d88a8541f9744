"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# No deadline: it goes by the clock on the wall, and says more about what else the machine does than about the code.
settings.register_profile("retrosole", deadline=None, print_blob=True)
settings.load_profile("retrosole")
