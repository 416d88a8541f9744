"""One step of a guided session, what was seen in it, and how that is told. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from retrosole.coach.touches import Landing


@dataclass(frozen=True)
class Step:
    """Hold one go of a part: touch, walk, try, rest, warm_up or cool_down; at most `seconds` of it.

    A touch step ends after `touches`, 0 where nobody counts them; a try when nothing came for `still_s`. `least_s` of
    it must have been done for the session to count as done. `number` counts parts or tries, `go` the repetitions.
    """

    kind: str
    say: str
    seconds: float
    number: int = 1
    go: int = 1
    go_n: int = 1
    touches: int = 0
    side: str = ""
    still_s: float = 0.0
    least_s: float = 0.0

    @property
    def is_practice(self) -> bool:
        """Say whether something is done in it that an insole sees."""
        return self.kind in ("touch", "walk", "try")


@dataclass
class Done:
    """Hold what was seen in a step."""

    step: Step
    seconds: float = 0.0
    touch_n: int = 0
    misses_some: bool = False  # an insole was gone for a part of it
    landings: Counter[Landing] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)

    @property
    def stride_n(self) -> int:
        """Give the strides."""
        return self.orders.total()

    @property
    def is_enough(self) -> bool:
        """Say whether what was asked for was done, as far as an insole can see it."""
        if self.step.kind == "touch":
            return self.touch_n >= self.step.touches
        return not self.step.is_practice or (self.stride_n > 0 and self.seconds >= self.step.least_s)


def seen_text(done: Done) -> str:
    """Say what was seen in a step, as it is: no praise, no blame."""
    gone = " An insole was gone meanwhile; what it would have seen is missing here." if done.misses_some else ""
    return _seen(done) + gone


def _seen(done: Done) -> str:
    if done.step.kind == "touch" and not done.step.touches:
        return "Not counted: this foot has no insole."
    if done.step.kind == "touch":
        side, n, wanted = done.step.side, done.touch_n, done.step.touches
        return f"I counted {n} of {wanted} touches of the {side} foot, in {done.seconds:.0f} seconds."
    if not done.stride_n:
        return f"{done.seconds:.0f} seconds; I saw no steps."
    strides = "1 step" if done.stride_n == 1 else f"{done.stride_n} steps"
    names = (
        ("forefoot_first", "toes first"),
        ("heel_first", "heel first"),
        ("together", "flat"),
        ("unknown", "not to be told"),
    )
    told = ", ".join(f"{done.orders[key]} {name}" for key, name in names if done.orders[key])
    return f"{strides} in {done.seconds:.0f} seconds: {told}."
