"""What is done to a recording before the detector sees it."""

from __future__ import annotations

from dataclasses import dataclass

KINEMATICS = ("forward", "reversed", "exchanged")
TRUE_DIRECTION = {"forward": "forward", "reversed": "backward", "exchanged": "backward"}


@dataclass(frozen=True)
class Condition:
    """Describe sensors, person and faults.

    `rough` puts the modelled rough sensors between foot and detector, `lag_ms` is their time constant on unloading.
    `scale` multiplies the loads, `fault` is "", dead or stuck (one sensor of each foot). `must` names the column of
    must-lines that holds, "" for none; `binds` is False where the line is only a mark: more than was asked for.
    """

    name: str
    rough: bool = False
    lag_ms: int = 15
    scale: float = 1.0
    fault: str = ""
    missing: float = 0.0
    rate_hz: int = 200
    must: str = "rough"
    binds: bool = True


MAIN = (Condition("clean", must="clean"), Condition("rough", rough=True))
LIGHT, HEAVY = 0.4, 2.0
MISSING = 0.05
MORE = (
    Condition("light", scale=LIGHT),
    Condition("heavy", scale=HEAVY),
    Condition("dead sensor", fault="dead"),
    Condition("stuck sensor", fault="stuck"),
    Condition("5 % missing", missing=MISSING),
    Condition("50 Hz", rate_hz=50, binds=False),
    Condition("500 Hz", rate_hz=500, binds=False),
    Condition("rough, lag 25 ms", rough=True, lag_ms=25, binds=False),
    Condition("rough, light", rough=True, scale=LIGHT, binds=False),
    Condition("rough, heavy", rough=True, scale=HEAVY, binds=False),
    Condition("rough, dead sensor", rough=True, fault="dead", binds=False),
    Condition("rough, stuck sensor", rough=True, fault="stuck", binds=False),
    Condition("rough, 5 % missing", rough=True, missing=MISSING, binds=False),
)
ALL = MAIN + MORE
