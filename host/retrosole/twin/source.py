"""Make what the virtual insole walks on: from a recording, or from the gait model."""

from __future__ import annotations

from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source, write, write_truth
from retrosole.twin.gait_model import generate as from_model
from retrosole.twin.resample import from_recording

__all__ = [
    "SOURCE_RATE_HZ",
    "Channel",
    "Source",
    "from_model",
    "from_recording",
    "write",
    "write_truth",
]
