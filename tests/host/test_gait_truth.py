"""Every parameter against the truth of the gait model, within the resolution that it states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from walk_truth import USUAL, Floats, calibrated, true_loads, true_times
from walked import CHANNELS, save_walk

from retrosole.gait.analysis import Analysis, analyse
from retrosole.gait.match import match
from retrosole.gait.table import BY_NAME, PARAMETERS
from retrosole.twin.front_end import IDEAL, REALISTIC, FrontEnd
from retrosole.twin.gait_model import SIDES, generate
from retrosole.twin.person import Person

GAITS = ("backward", "forward", "heel_first_backward")
SEED = 5
DURATION_S = 90.0
# Ideal sensors have no spread and no bend, so that what is left is the method's own.
WITH_IDEAL = {"forefoot_share_percent": 0.4, "peak_percent": 1.8, "impulse_percent_s": 0.5}


@dataclass(frozen=True)
class Compared:
    """An analysed walk, and told less true for every usable stride of both feet, by parameter."""

    analysis: Analysis
    errors: dict[str, Floats]
    true_n: int


def compare(folder: Path, gait: str, front_end: FrontEnd, person: Person = USUAL) -> Compared:
    source = generate(gait, CHANNELS, DURATION_S, SEED, front_end=front_end, person=person)
    analysis = analyse(save_walk(folder, source, calibrated(front_end, SEED, person)))
    table, errors = analysis.table, {}
    for side in SIDES:
        true = {**true_times(source.truth, side), **true_loads(gait, source, SEED, side, person)}
        rows = np.flatnonzero((table["side"] == side) & table["is_usable"])
        pairs = match(true["initial_contact_s"].tolist(), table["initial_contact_s"][rows].tolist(), 100.0)
        assert len(pairs) == len(rows), "a usable stride that was never walked"
        for name in BY_NAME.keys() & true.keys():
            off = [table[name][rows[j]] - true[name][i] for i, j in pairs]
            errors[name] = np.concatenate([errors.get(name, np.empty(0)), off])
    return Compared(analysis, errors, len(source.truth))


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compared]:
    return {gait: compare(tmp_path_factory.mktemp(gait), gait, REALISTIC) for gait in GAITS}


NONE_HAS = {
    *(("heel_lowering_s", gait) for gait in ("forward", "heel_first_backward")),
    ("rollover_s", "heel_first_backward"),
}
WITH_TRUTH = [p.name for p in PARAMETERS if not p.is_count]


@pytest.mark.parametrize("gait", GAITS)
@pytest.mark.parametrize("name", WITH_TRUTH)
def test_19_of_20_strides_are_within_the_stated_resolution(walks: dict[str, Compared], gait: str, name: str) -> None:
    resolution = BY_NAME[name].resolution
    assert resolution is not None, "no resolution is stated"
    error = walks[gait].errors[name]
    told = error[np.isfinite(error)]
    if (name, gait) in NONE_HAS:
        assert not len(told), "these strides do not touch forefoot first, or do not roll"
        return
    assert len(told) == len(error), "what the model did is known of every usable stride"
    far = float(np.percentile(np.abs(told), 95))
    assert far <= resolution, f"{far} with n {len(told)}"


@pytest.mark.parametrize("gait", GAITS)
def test_means_are_those_of_the_strides(walks: dict[str, Compared], gait: str) -> None:
    analysis = walks[gait].analysis
    for side in SIDES:
        own = [k for k, s in enumerate(analysis.table["side"]) if s == side and analysis.table["is_usable"][k]]
        stance = [float(analysis.table["stance_s"][k]) for k in own]
        told = analysis.feet[side]["stance_s"]
        mean = sum(stance) / len(stance)
        sd = (sum((s - mean) ** 2 for s in stance) / (len(stance) - 1)) ** 0.5
        assert (told.n, told.mean, told.sd) == (len(own), pytest.approx(mean), pytest.approx(sd))
        assert told.cv_percent == pytest.approx(100 * sd / mean)
        assert told.median == pytest.approx(sorted(stance)[len(stance) // 2], abs=0.005)


@pytest.mark.parametrize("gait", GAITS)
def test_most_of_an_even_walk_is_summarised_and_all_of_it_counted(walks: dict[str, Compared], gait: str) -> None:
    walk = walks[gait]
    both = walk.analysis.shares["both"]
    assert both.stride_n == walk.true_n
    assert sum(walk.analysis.usable_n.values()) >= 0.88 * walk.true_n
    assert both.toe_first_percent == (100.0 if gait == "backward" else 0.0)
    assert both.backward_percent == (0.0 if gait == "forward" else 100.0)
    assert both.unknown_percent == 0.0


@pytest.mark.parametrize("gait", GAITS)
def test_loads_agree_closely_with_ideal_sensors(tmp_path: Path, gait: str) -> None:
    errors = compare(tmp_path, gait, IDEAL).errors
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
