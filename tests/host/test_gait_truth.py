"""Every parameter against the truth of the gait model, within the resolution that it states.

`pytest -s tests/host/test_gait_truth.py` prints how far each is off, over all walks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from walk_truth import USUAL, Floats, calibrated, true_counts, true_loads, true_times
from walked import CHANNELS, save_walk

from retrosole.gait.analysis import Analysis, analyse
from retrosole.gait.match import match
from retrosole.gait.table import BY_NAME, PARAMETERS
from retrosole.twin.front_end import IDEAL, REALISTIC, FrontEnd
from retrosole.twin.gait_model import SIDES, generate
from retrosole.twin.person import Person

GAITS = ("backward", "forward", "heel_first_backward")
SEED = 5
DURATION_S = 60.0
WALKERS = {
    "usual": USUAL,
    "slow and heavy": Person(weight_kg=100, speed_mps=0.4, variability_cv=0.05),
    "light and uneven": Person(weight_kg=45, variability_cv=0.08),
}
# Forward, the resolutions are of the usual speed.
CASES = [(gait, who) for who in WALKERS for gait in GAITS if (gait, who) != ("forward", "slow and heavy")]
# Ideal sensors have no spread and no bend, so that what is left is the method's own.
WITH_IDEAL = {"forefoot_share_percent": 0.4, "peak_percent": 1.8, "impulse_percent_s": 0.6}
# No sensor but these has a load of its own: toes are the front of the foot, the midfoot is neither front nor heel.
EIGHT = (*CHANNELS, ("toes", "toes"), ("midfoot", "midfoot_lateral"))
NONE_HAS = {
    *(("heel_lowering_s", gait) for gait in ("forward", "heel_first_backward")),
    ("rollover_s", "heel_first_backward"),
}


@dataclass(frozen=True)
class Compared:
    """An analysed walk, and told less true for every usable stride of both feet, by parameter."""

    analysis: Analysis
    errors: dict[str, Floats]
    true_n: int


Comparer = Callable[[str, str], Compared]


def compare(
    folder: Path,
    gait: str,
    front_end: FrontEnd,
    person: Person = USUAL,
    channels: tuple[tuple[str, str], ...] = CHANNELS,
) -> Compared:
    source = generate(gait, channels, DURATION_S, SEED, front_end=front_end, person=person)
    analysis = analyse(save_walk(folder, source, calibrated(front_end, SEED, person, channels)))
    table, errors = analysis.table, {}
    for side in SIDES:
        true = true_times(source.truth, side) | true_loads(gait, source, SEED, side, person) | true_counts(source, side)
        rows = np.flatnonzero((table["side"] == side) & table["is_usable"])
        pairs = match(true["initial_contact_s"].tolist(), table["initial_contact_s"][rows].tolist(), 100.0)
        assert len(pairs) == len(rows), "a usable stride that was never walked"
        for name in BY_NAME.keys() & true.keys():
            off = [table[name][rows[j]] - true[name][i] for i, j in pairs]
            errors[name] = np.concatenate([errors.get(name, np.empty(0)), off])
    return Compared(analysis, errors, len(source.truth))


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Comparer:
    """Give what came of a gait of a walker, walked once."""
    made: dict[tuple[str, str], Compared] = {}

    def walk(gait: str, who: str) -> Compared:
        if (gait, who) not in made:
            made[gait, who] = compare(tmp_path_factory.mktemp(gait), gait, REALISTIC, WALKERS[who])
        return made[gait, who]

    return walk


@pytest.mark.parametrize(("gait", "who"), CASES)
def test_19_of_20_strides_are_within_the_stated_resolution(walks: Comparer, gait: str, who: str) -> None:
    errors = walks(gait, who).errors
    assert errors.keys() == BY_NAME.keys(), "the model has the truth of each"
    wrong = []
    for parameter in PARAMETERS:
        error = errors[parameter.name]
        told = error[np.isfinite(error)]
        if (parameter.name, gait) in NONE_HAS:
            assert not len(told), f"{parameter.name}: these do not touch forefoot first, or do not roll"
            continue
        assert len(told) == len(error) > 50, f"{parameter.name}: the model knows it of every usable stride"
        far = float(np.percentile(np.abs(told), 95))
        if not far <= parameter.resolution:
            wrong.append((parameter.name, far))
    assert not wrong


def test_no_resolution_is_wider_than_it_has_to_be(walks: Comparer) -> None:
    print(f"\n{len(CASES)} walks: median error from and to, 19 of 20 strides within (worst walk), resolution, strides")
    for parameter in PARAMETERS:
        every = [walks(*case).errors[parameter.name] for case in CASES]
        known = [errors for errors in every if np.isfinite(errors).all()]
        middle = [float(np.median(errors)) for errors in known]
        far = max(float(np.percentile(np.abs(errors), 95)) for errors in known)
        low, high, n = min(middle), max(middle), sum(len(errors) for errors in known)
        print(f"{parameter.name:27}{low:+9.4f}{high:+9.4f}{far:9.4f}{parameter.resolution:8g}{n:5} {parameter.unit}")
        assert far > 0.5 * parameter.resolution, f"{parameter.name} {far}"


@pytest.mark.parametrize("gait", GAITS)
def test_means_are_those_of_the_strides(walks: Comparer, gait: str) -> None:
    analysis = walks(gait, "usual").analysis
    doubles = analysis.table["double_support_s"][analysis.table["is_usable"]].tolist()
    assert len(doubles) < analysis.shares["both"].stride_n, "not all are usable"
    both = analysis.both["double_support_s"]
    assert (both.n, both.mean) == (len(doubles), pytest.approx(sum(doubles) / len(doubles)))
    for side in SIDES:
        own = [k for k, s in enumerate(analysis.table["side"]) if s == side and analysis.table["is_usable"][k]]
        stance = [float(analysis.table["stance_s"][k]) for k in own]
        told = analysis.feet[side]["stance_s"]
        mean = sum(stance) / len(stance)
        sd = (sum((s - mean) ** 2 for s in stance) / (len(stance) - 1)) ** 0.5
        assert (told.n, told.mean, told.sd) == (len(own), pytest.approx(mean), pytest.approx(sd))
        assert told.cv_percent == pytest.approx(100 * sd / mean)
        assert told.median == pytest.approx(sorted(stance)[len(stance) // 2], abs=0.005)


@pytest.mark.parametrize(("gait", "who"), CASES)
def test_most_of_an_even_walk_is_summarised_and_all_of_it_counted(walks: Comparer, gait: str, who: str) -> None:
    walk = walks(gait, who)
    both = walk.analysis.shares["both"]
    assert walk.true_n - 2 <= both.stride_n <= walk.true_n, "but for one of each foot that was told behind the end"
    assert sum(walk.analysis.usable_n.values()) >= 0.85 * walk.true_n
    assert both.toe_first_percent == (100.0 if gait == "backward" else 0.0)
    assert both.backward_percent == (0.0 if gait == "forward" else 100.0)
    assert both.unknown_percent == 0.0


@pytest.mark.parametrize(("gait", "channels"), [*((gait, CHANNELS) for gait in GAITS), ("backward", EIGHT)])
def test_loads_agree_closely_with_ideal_sensors(
    tmp_path: Path, gait: str, channels: tuple[tuple[str, str], ...]
) -> None:
    errors = compare(tmp_path, gait, IDEAL, channels=channels).errors
    checked = 0
    for name, error in errors.items():
        within = next((w for ending, w in WITH_IDEAL.items() if name.endswith(ending)), None)
        if within is not None:
            assert np.percentile(np.abs(error), 95) <= within, name
            checked += 1
    assert checked == 5


def test_an_uneven_walker_is_told_so(tmp_path: Path) -> None:
    person = Person(asymmetry=0.10, variability_cv=0.02)
    walk = compare(tmp_path, "backward", REALISTIC, person)
    asymmetry = walk.analysis.asymmetry
    assert asymmetry["stance_s"] == pytest.approx(10.0, abs=1.5), "(left - right) / mean, as the model has it"
    assert asymmetry["swing_s"] < -5
    assert asymmetry["stride_time_s"] == pytest.approx(0.0, abs=0.5)
    for side in SIDES:
        cv = walk.analysis.feet[side]["stride_time_s"].cv_percent
        assert cv is not None and cv == pytest.approx(2.0, abs=0.6)
        steady = walk.analysis.steadiness[side]
        assert steady.early.n == steady.late.n and steady.late.cv_percent == pytest.approx(2.0, abs=1.0)
