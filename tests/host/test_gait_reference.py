"""Stance, stride, cadence and double support against reference events of real walking, computed here by plain numpy.

The reference was made by another method, without the detector's haste, and this file reads its tables on its own:
nothing of retrosole.gait is used on its side. `pytest -s tests/host/test_gait_reference.py` prints how far apart they
are, over all walks that were tested.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from walked import save_walk

from retrosole.gait.analysis import Analysis, analyse
from tests.evaluation.recordings import ideal_source, recording_of
from tests.evaluation.subjects import GAITPDB, QUICK

Floats = NDArray[np.float64]
SIDES = ("left", "right")
WITHIN_S = 0.15  # a contact and its reference
# Told less true: of the median stride, of 19 in 20 strides, of the means that a person reads. The means are not of the
# very same strides: which are atypical, the reference decides by a rule of its own.
LIMITS = {
    "stance_s": (0.009, 0.020, 0.028),
    "stride_time_s": (0.0005, 0.010, 0.020),
    "cadence_steps_min": (0.03, 1.0, 1.3),
    "double_support_s": (0.018, 0.035, 0.028),
}
OF_MEAN = "mean of a foot, "
Walked = Callable[[str, str], tuple[Analysis, float]]
Figures = dict[tuple[str, str], list[Floats]]  # by kinematics and parameter


@dataclass(frozen=True)
class Events:
    """Contacts of one foot, seconds on the recording's clock; `ok` says which the reference itself trusts."""

    start_s: Floats
    end_s: Floats
    ok: NDArray[np.bool_]


def read(path: Path) -> dict[str, Events]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    out = {}
    for side in SIDES:
        own = [row for row in rows if row["foot"] == side[0].upper()]
        start, end = (np.array([float(r[c] or "nan") for r in own]) for c in ("initial_contact_s", "foot_off_s"))
        out[side] = Events(start, end, np.array([row["flag"] == "ok" for row in own]))
    return out


def computed(own: Events, other: Events) -> dict[str, Floats]:
    stride = np.append(np.diff(own.start_s), np.nan)
    overlap = np.minimum(own.end_s[:, None], other.end_s) - np.maximum(own.start_s[:, None], other.start_s)
    return {
        "stance_s": own.end_s - own.start_s,
        "stride_time_s": stride,
        "cadence_steps_min": 120.0 / stride,
        "double_support_s": np.nansum(np.maximum(overlap, 0.0), axis=1),
    }


def recordings() -> Path:
    folder = os.environ.get("RETROSOLE_RECORDINGS")
    if not folder:
        pytest.skip("NO RECORDINGS, NOT TESTED: set RETROSOLE_RECORDINGS to their folder")
    return Path(folder)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """Give the analysis of a recording and the clock of its first sample, in seconds; each is analysed once."""
    made: dict[tuple[str, str], tuple[Analysis, float]] = {}

    def walk(name: str, kinematics: str) -> tuple[Analysis, float]:
        if (name, kinematics) not in made:
            recording = recording_of(recordings(), name, kinematics)
            session = save_walk(tmp_path_factory.mktemp(name), ideal_source(recording))
            made[name, kinematics] = analyse(session), recording.start_s
        return made[name, kinematics]

    return walk


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """Collect what is told less true, and print it at the end."""
    found: Figures = defaultdict(list)
    yield found
    for (kinematics, name), errors in found.items():
        error = np.concatenate(errors)
        middle, far = np.median(error), np.percentile(np.abs(error), 95)
        print(f"\n{kinematics:9}{name:36} median {middle:+.4f}, 95 % within {far:.4f}, n {len(error)}", end="")


def check(walked: Walked, figures: Figures, name: str, kinematics: str) -> None:
    events = f"reference_reversed/{name}_reversed" if kinematics == "reversed" else f"reference/{name}"
    reference = read(recordings() / f"{events}_events.csv")
    analysis, start_s = walked(name, kinematics)
    assert analysis.direction == ("backward" if kinematics == "reversed" else "forward")
    for side, other in (SIDES, SIDES[::-1]):
        true = computed(reference[side], reference[other])
        for parameter, errors in errors_of_foot(analysis, side, reference[side], true, start_s).items():
            figures[kinematics, parameter].append(errors)


def errors_of_foot(
    analysis: Analysis, side: str, events: Events, true: dict[str, Floats], start_s: float
) -> dict[str, Floats]:
    table = analysis.table
    rows = np.flatnonzero((table["side"] == side) & table["is_usable"])
    told_s = table["initial_contact_s"][rows] + start_s
    every = events.start_s[np.isfinite(events.start_s)]
    is_true = np.min(np.abs(told_s[:, None] - every), axis=1) < WITHIN_S
    assert np.all(is_true), "every usable stride was really walked"
    ok = np.flatnonzero(events.ok)
    nearest = np.argmin(np.abs(told_s[:, None] - events.start_s[ok]), axis=1)
    near = np.abs(told_s - events.start_s[ok][nearest]) < WITHIN_S
    assert np.sum(near) > 0.8 * len(ok), "most strides that the reference calls ok are summarised"
    even = events.ok & np.append(events.ok[1:], False)
    out = {}
    for name, (median, far, mean) in LIMITS.items():
        error = table[name][rows[near]] - true[name][ok[nearest[near]]]
        error = error[np.isfinite(error)]
        assert len(error) > 0.9 * np.sum(near), name
        assert abs(np.median(error)) <= median, f"{side} {name}"
        assert np.percentile(np.abs(error), 95) <= far, f"{side} {name}"
        told = (analysis.feet[side] | analysis.both)[name].mean
        assert told == pytest.approx(float(np.nanmean(true[name][even])), abs=mean), f"{side} {name}"
        out |= {name: error, OF_MEAN + name: np.array([told - np.nanmean(true[name][even])])}
    return out


@pytest.mark.parametrize("kinematics", ["forward", "reversed"])
@pytest.mark.parametrize("name", QUICK)
def test_agrees_with_the_reference_events(walked: Walked, figures: Figures, name: str, kinematics: str) -> None:
    check(walked, figures, name, kinematics)


@pytest.mark.slow
@pytest.mark.parametrize("kinematics", ["forward", "reversed"])
@pytest.mark.parametrize("name", [name for name in GAITPDB if name not in QUICK])
def test_agrees_with_the_reference_events_of_everybody(
    walked: Walked, figures: Figures, name: str, kinematics: str
) -> None:
    check(walked, figures, name, kinematics)


@pytest.mark.slow
def test_what_is_left_out_is_what_the_reference_calls_atypical(walked: Walked) -> None:
    """Hold what retrosole.gait.typical says of its rule."""
    left_out = {"ok": [0, 0], "atypical": [0, 0]}
    for name in GAITPDB:
        analysis, start_s = walked(name, "forward")
        table = analysis.table
        with (recordings() / f"reference/{name}_events.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["flag"] in left_out and row["initial_contact_s"]]
        for row in rows:
            own = table["side"] == ("left" if row["foot"] == "L" else "right")
            away_s = np.abs(table["initial_contact_s"] + start_s - float(row["initial_contact_s"]))
            nearest = int(np.argmin(np.where(own, away_s, np.inf)))
            if away_s[nearest] < WITHIN_S:
                left_out[row["flag"]][0] += not table["is_usable"][nearest]
                left_out[row["flag"]][1] += 1
    shares = {flag: 100.0 * n / of for flag, (n, of) in left_out.items()}
    print(shares, left_out)
    assert left_out["ok"][1] > 4000 and left_out["atypical"][1] > 250
    assert shares["ok"] < 7 and shares["atypical"] > 88
