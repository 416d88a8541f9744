"""An estimate of the energy that walking takes: kcal = MET x kg x h.

The METs are those of the 2011 Compendium of Physical Activities (Ainsworth et al., Med Sci Sports Exerc 43 (2011)
1575), of walking at 3.5 mph: backward on the level 6.0 (code 17320), backward up 5 % 8.0 (17325), forward on the level
4.3 (17200). They hold near that speed only, which is fast for walking backward: at another one nothing is said. Insoles
do not tell the speed: it is the walker's to enter, from the treadmill or from the length of the course. What comes out
is an estimate of a usual adult, and is to be called so.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from retrosole.errors import UsageError

MPH_MPS = 0.44704  # metres per second in a mile per hour
HOLDS_MPH = (3.0, 4.0)  # around 3.5: half a mile per hour is how far apart the Compendium lists walking speeds
_HOURS_PER_S = 1.0 / 3600.0
_LEAST_KG, _MOST_KG = 20.0, 250.0
_UNITS_MPS = {"km/h": 1 / 3.6, "mph": MPH_MPS, "m/s": 1.0}


@dataclass(frozen=True)
class Activity:
    """Hold one entry of the Compendium."""

    name: str
    code: str
    met: float


ACTIVITIES = {
    "forward": Activity("walking forward, level", "17200", 4.3),
    "backward": Activity("walking backward, level", "17320", 6.0),
    "backward_uphill": Activity("walking backward, up 5 %", "17325", 8.0),
}


@dataclass(frozen=True)
class Effort:
    """Hold what only the walker knows: body mass in kg, speed in metres per second, and whether it went up 5 %.

    Raises UsageError for a body mass that cannot be.
    """

    mass_kg: float
    speed_mps: float
    is_uphill: bool = False

    def __post_init__(self) -> None:
        check_mass(self.mass_kg)


@dataclass(frozen=True)
class Estimate:
    """Hold an estimate in kilocalories, with the words to say it in; `kcal` is None where nothing can be said."""

    kcal: float | None
    text: str


def check_mass(mass_kg: float) -> None:
    """Raise UsageError for a body mass that no walker has."""
    if not _LEAST_KG <= mass_kg <= _MOST_KG:
        raise UsageError(f"a body mass of {mass_kg:g} kg cannot be: expected {_LEAST_KG:g} to {_MOST_KG:g}")


def energy_kcal(met: float, mass_kg: float, duration_s: float) -> float:
    """Give MET x kg x h in kilocalories. Raises UsageError for what no walker is."""
    check_mass(mass_kg)
    if not (math.isfinite(met) and met > 0):
        raise UsageError(f"{met:g} MET cannot be: expected a number above 0, such as 6.0")
    if not (math.isfinite(duration_s) and duration_s >= 0):
        raise UsageError(f"a duration of {duration_s:g} s cannot be: expected 0 or more")
    return met * mass_kg * duration_s * _HOURS_PER_S


def estimate(activity: str, mass_kg: float, duration_s: float, speed_mps: float) -> Estimate:
    """Estimate the energy of walking at a speed that the walker entered, in metres per second.

    `activity` is one of ACTIVITIES. Raises UsageError for another, or for what no walker is.
    """
    if activity not in ACTIVITIES:
        raise UsageError(f"no energy is known of {activity!r}: expected one of {', '.join(ACTIVITIES)}")
    entry = ACTIVITIES[activity]
    kcal = energy_kcal(entry.met, mass_kg, duration_s)
    mph = speed_mps / MPH_MPS
    if not HOLDS_MPH[0] <= mph <= HOLDS_MPH[1]:
        return Estimate(None, f"no estimate: the figures hold near 3.5 mph (5.6 km/h), not at {mph:.1f} mph")
    text = f"about {whole(kcal)} kcal, an estimate: {entry.met:g} MET ({entry.name}, {entry.code}) x kg x h"
    return Estimate(kcal, text)


def estimate_walk(effort: Effort, direction: str, walked_s: float) -> Estimate:
    """Estimate the energy of walking in a direction, "backward" or "forward", for some seconds, pauses left out."""
    if effort.is_uphill and direction == "forward":
        return Estimate(None, "no estimate: no figure is known of walking forward up 5 %")
    if direction not in ACTIVITIES or walked_s <= 0:
        return Estimate(None, "no estimate: no walking was seen whose direction is known")
    activity = "backward_uphill" if effort.is_uphill else direction
    found = estimate(activity, effort.mass_kg, walked_s, effort.speed_mps)
    if found.kcal is None:
        return found
    return Estimate(found.kcal, f"{found.text}, of {int(walked_s) // 60}:{int(walked_s) % 60:02d} min walked")


def speed_mps(text: str) -> float:
    """Read a speed with its unit, as 5.6km/h, 3.5mph or 1.5m/s. Raises UsageError for any other text."""
    found = re.fullmatch(rf"\s*(\d+(?:[.,]\d+)?)\s*({'|'.join(_UNITS_MPS)})\s*", text.lower())
    if not found or not (speed := float(found[1].replace(",", ".")) * _UNITS_MPS[found[2]]):
        raise UsageError(f"{text!r} is no speed: write it with its unit, as 5.6km/h, 3.5mph or 1.5m/s")
    return speed


def whole(kcal: float) -> int:
    """Round to whole kilocalories, halves up."""
    return math.floor(kcal + 0.5)
