"""Who walks on the virtual insole."""

from __future__ import annotations

from dataclasses import dataclass

from retrosole.errors import UsageError

GRAVITY_MPS2 = 9.81


@dataclass(frozen=True)
class Person:
    """Describe the walker.

    `speed_mps` None is the usual speed of the gait; at another one the stride time goes with the
    root of the speed (step length and cadence change by the same factor). `asymmetry` is signed,
    (left - right) / mean of the stance times. `variability_cv` is the standard deviation of the
    stride time over its mean; shapes and loads vary along with it.
    """

    weight_kg: float = 70.0
    speed_mps: float | None = None
    asymmetry: float = 0.0
    variability_cv: float = 0.03

    def __post_init__(self) -> None:
        """Check the bounds; raises UsageError."""
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name} is {value:g}, expected {least:g} to {most:g}")

    @property
    def weight_n(self) -> float:
        """Give the body weight in newton."""
        return self.weight_kg * GRAVITY_MPS2


_BOUNDS = (
    ("weight_kg", 20, 250),
    ("speed_mps", 0.1, 3),
    ("asymmetry", -0.4, 0.4),
    ("variability_cv", 0, 0.2),
)
