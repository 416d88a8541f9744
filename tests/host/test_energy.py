"""The energy estimate: the golden figures, and that it says nothing where it knows nothing."""

from __future__ import annotations

import pytest

from retrosole.errors import UsageError
from retrosole.gait.energy import ACTIVITIES, MPH_MPS, Effort, energy_kcal, estimate, estimate_walk, speed_mps, whole

TEN_MINUTES_S = 600.0
AT_MPS = 3.5 * MPH_MPS


@pytest.mark.parametrize(("activity", "kcal"), [("forward", 46), ("backward", 64), ("backward_uphill", 85)])
def test_golden(activity: str, kcal: int) -> None:
    said = estimate(activity, 63.5, TEN_MINUTES_S, AT_MPS)
    assert said.kcal is not None and whole(said.kcal) == kcal
    assert said.text.startswith(f"about {kcal} kcal, an estimate") and ACTIVITIES[activity].code in said.text


@pytest.mark.parametrize("mph", [0.5, 1.0, 2.9, 4.1])
def test_at_another_speed_nothing_is_said(mph: float) -> None:
    said = estimate("backward", 63.5, TEN_MINUTES_S, mph * MPH_MPS)
    assert said.kcal is None and "no estimate" in said.text and f"{mph:.1f} mph" in said.text


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


@pytest.mark.parametrize(("text", "mps"), [("3.6km/h", 1.0), ("3,6 KM/H", 1.0), ("3.5mph", AT_MPS), ("1.5 m/s", 1.5)])
def test_a_speed_has_its_unit(text: str, mps: float) -> None:
    assert speed_mps(text) == pytest.approx(mps)


@pytest.mark.parametrize("text", ["3.5", "fast", "0mph", "-2km/h", "nankm/h", ""])
def test_no_speed(text: str) -> None:
    with pytest.raises(UsageError, match="with its unit"):
        speed_mps(text)


def test_what_a_walk_took_in_a_line() -> None:
    effort = Effort(63.5, AT_MPS)
    assert estimate_walk(effort, "backward", TEN_MINUTES_S).text.startswith("about 64 kcal, an estimate")
    assert estimate_walk(effort, "backward", 605.0).text.endswith("of 10:05 min walked")
    assert estimate_walk(Effort(63.5, AT_MPS, is_uphill=True), "backward", TEN_MINUTES_S).text.startswith(
        "about 85 kcal"
    )
    assert "not at 1.0 mph" in estimate_walk(Effort(63.5, MPH_MPS), "backward", TEN_MINUTES_S).text


@pytest.mark.parametrize(
    ("direction", "walked_s", "is_uphill"),
    [("unknown", 60.0, False), ("backward", 0.0, False), ("forward", 60.0, True)],
)
def test_where_nothing_is_known_nothing_is_said(direction: str, walked_s: float, is_uphill: bool) -> None:
    found = estimate_walk(Effort(63.5, AT_MPS, is_uphill), direction, walked_s)
    assert found.kcal is None and found.text.startswith("no estimate: no ")


def test_a_mass_that_cannot_be_is_refused_before_anything_is_done() -> None:
    with pytest.raises(UsageError, match="body mass of 6350 kg cannot be"):
        Effort(6350.0, AT_MPS)
