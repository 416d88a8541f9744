"""The energy estimate: the golden figures, and that it says nothing where it knows nothing."""

from __future__ import annotations

import pytest

from retrosole.errors import UsageError
from retrosole.gait.energy import ACTIVITIES, MPH_MPS, energy_kcal, estimate, whole

TEN_MINUTES_S = 600.0
AT_MPS = 3.5 * MPH_MPS


@pytest.mark.parametrize(("activity", "kcal"), [("forward", 46), ("backward", 64), ("backward_uphill", 85)])
def test_golden(activity: str, kcal: int) -> None:
    told = estimate(activity, 63.5, TEN_MINUTES_S, AT_MPS)
    assert told.kcal is not None and whole(told.kcal) == kcal
    assert told.text.startswith(f"about {kcal} kcal, an estimate") and ACTIVITIES[activity].code in told.text


@pytest.mark.parametrize("mph", [0.5, 1.0, 2.9, 4.1])
def test_at_another_speed_nothing_is_said(mph: float) -> None:
    told = estimate("backward", 63.5, TEN_MINUTES_S, mph * MPH_MPS)
    assert told.kcal is None and "no estimate" in told.text and f"{mph:.1f} mph" in told.text


def test_a_met_of_ones_own() -> None:
    assert energy_kcal(3.0, 80.0, 1800.0) == pytest.approx(120.0)


@pytest.mark.parametrize(
    ("met", "mass_kg", "duration_s"),
    [(6.0, 5.0, 60.0), (0.0, 70.0, 60.0), (6.0, 70.0, -1.0), (float("nan"), 70.0, 1.0)],
)
def test_what_no_walker_is(met: float, mass_kg: float, duration_s: float) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        energy_kcal(met, mass_kg, duration_s)


def test_an_unknown_activity() -> None:
    with pytest.raises(UsageError, match="expected one of forward, backward, backward_uphill"):
        estimate("sideways", 70.0, 60.0, AT_MPS)
