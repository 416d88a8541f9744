"""Who wears a virtual insole: what its sensors read is a file, rewritten while it runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from retrosole.twin.virtual import VirtualInsoles

AIR = (30, 32, 28, 31, 35, 33)
STANDING = (500, 700, 600, 400, 900, 800)  # above it


def feel(insoles: VirtualInsoles, counts: ArrayLike) -> None:
    """Let the left foot's six sensors read this from now on, and noise: counts (6,), or (n, 6) at 1 kHz."""
    path = insoles.walk.samples["left"]
    n = path.stat().st_size // 12
    read = counts + np.random.default_rng(1).normal(0, 2.5, (n, 6))
    with path.open("r+b") as file:
        file.write(read.clip(0, 4094).astype("<u2").tobytes())


def put_foot(insoles: VirtualInsoles, load: float, restless: float = 0.0) -> None:
    """Let the sensors read this part of the standing load from now on, swaying once a second."""
    n = insoles.walk.samples["left"].stat().st_size // 12
    sway = 1 + restless * np.sin(np.arange(n) / 1000 * 2 * np.pi)[:, None]
    feel(insoles, np.array(AIR) + load * sway * np.array(STANDING))
