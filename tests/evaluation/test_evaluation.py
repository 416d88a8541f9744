"""The evaluation room itself, and a short walk through it: a detector that got worse must not pass `make test`."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrosole.gait.reference import Reference
from retrosole.gait.score import Tally, figures, score, total
from retrosole.gait.strides import Stride
from retrosole.session.recording import Recording, SideRecording
from retrosole.twin.feed import Source
from retrosole.twin.front_end import MAX_COUNTS, MISSING_COUNTS
from tests.evaluation import __main__ as command
from tests.evaluation import model
from tests.evaluation.conditions import ALL, KINEMATICS, MAIN, MISSING, Condition
from tests.evaluation.gate import broken_musts
from tests.evaluation.handling import handling
from tests.evaluation.head import FAILS, GAITPDB_NOTICE, MOTICON_NOTICE, NO_RECORDINGS, SURROGATES
from tests.evaluation.musts import MUSTS
from tests.evaluation.recordings import _heel_for_forefoot, _played_backward, reference_of, tallies, walk_of
from tests.evaluation.run import Results, jobs
from tests.evaluation.sensors import FAULT_AT_S, NOISE_COUNTS, Walked, lagged, sense, walked
from tests.evaluation.subjects import GAITPDB, HELD_OUT, MOTICON, QUICK, TUNING
from tests.evaluation.tables import as_json, markdown

pytestmark = pytest.mark.slow

CHANNELS = (("forefoot", "met1"), ("midfoot", "unused"), ("heel", "heel_medial"))
ROUGH = MAIN[1]
N = 60_000


def made_walk(n: int = N, high: float = 2000.0) -> Walked:
    """Load and unload three sensors of both feet once a second."""
    wave = high * np.maximum(0.0, np.sin(2 * np.pi * np.arange(n) / 1000.0))
    counts = np.rint(np.column_stack([wave] * len(CHANNELS))).astype(np.uint16)
    return walked("made", Source({"left": counts, "right": counts.copy()}, CHANNELS))


# --- subjects


def test_halves_are_every_second_name_of_each_group() -> None:
    assert len(TUNING) == len(HELD_OUT) == 12
    assert not set(TUNING) & set(HELD_OUT)
    for group in ("GaCo", "GaPt", "JuCo", "JuPt"):
        names = [name for name in GAITPDB if name.startswith(group)]
        assert [name for name in TUNING if name.startswith(group)] == names[::2]
        assert [name for name in HELD_OUT if name.startswith(group)] == names[1::2]
    assert len(set(QUICK) & set(TUNING)) == len(set(QUICK) & set(HELD_OUT)) == 2


# --- sensors


def test_lag_follows_a_rise_at_once_and_a_fall_with_its_time_constant() -> None:
    x = np.zeros((400, 2))
    x[100:200, 0] = 1000.0
    y = lagged({"left": x})[15]["left"]
    assert (y[:200, 0] == x[:200, 0]).all()
    assert y[199 + 15, 0] == pytest.approx(1000 / math.e, rel=0.001)
    assert (y[:, 1] == 0).all()
    slower = lagged({"left": x})[25]["left"]
    assert slower[199 + 25, 0] == pytest.approx(1000 / math.e, rel=0.001)


def test_lag_is_the_first_order_low_pass_that_the_text_says() -> None:
    x = np.abs(np.cumsum(np.random.default_rng(3).normal(size=(500, 3)), axis=0))
    a = 1 - math.exp(-1 / 15)
    y = np.zeros(3)
    got = lagged({"left": x, "right": 2 * x})
    for k, row in enumerate(x):
        y = np.where(row >= y, row, y + (row - y) * a)
        np.testing.assert_allclose(got[15]["left"][k], y)
        np.testing.assert_allclose(got[15]["right"][k], 2 * y)


def test_clean_sensors_are_those_of_the_detect_command() -> None:
    walk = made_walk()
    counts = sense(walk, MAIN[0]).counts["left"]
    expected = np.rint(walk.loads["left"] / MAX_COUNTS * (MAX_COUNTS - 30) + 30)
    np.testing.assert_array_equal(counts[::5], expected[::5])
    assert (counts[1:5] == counts[0]).all(), "a sample stands until the next"


def test_light_and_heavy_persons_are_scaled_before_the_sensors() -> None:
    walk = made_walk(high=3000.0)
    light, heavy = (sense(walk, c).counts["left"].max() for c in ALL if c.name in ("light", "heavy"))
    assert light == round(0.4 * 3000 / MAX_COUNTS * (MAX_COUNTS - 30) + 30)
    assert heavy == MAX_COUNTS


def test_rough_sensors_saturate_are_noisy_and_the_same_every_time() -> None:
    walk = made_walk(high=4000.0)
    counts = sense(walk, ROUGH).counts
    np.testing.assert_array_equal(counts["left"], sense(walk, ROUGH).counts["left"])
    assert (counts["left"] != counts["right"]).any()
    assert (sense(replace(walk, name="other"), ROUGH).counts["left"] != counts["left"]).any()
    top = np.percentile(counts["left"], 99, axis=0)
    assert (top < 0.70 * MAX_COUNTS + 200 + 3 * NOISE_COUNTS).all()
    resting = counts["left"][600:990:5].astype(float)
    assert resting.std(axis=0) == pytest.approx(NOISE_COUNTS, rel=0.25)
    assert (resting.mean(axis=0) > 15).all()
    assert (resting.mean(axis=0) < 215).all()


@pytest.mark.parametrize("fault", ["dead", "stuck"])
def test_one_voting_sensor_of_each_foot_breaks(fault: str) -> None:
    walk = made_walk()
    whole = sense(walk, Condition("whole")).counts
    broken = sense(walk, Condition(fault, fault=fault)).counts
    for side in ("left", "right"):
        differ = np.flatnonzero((whole[side] != broken[side]).any(axis=0))
        assert len(differ) == 1
        assert CHANNELS[int(differ[0])][0] != "midfoot"
        since = round(1000 * FAULT_AT_S[side])
        assert (whole[side][:since] == broken[side][:since]).all()
        left_over = set(broken[side][since:, differ[0]].tolist())
        assert len(left_over) == 1
        assert (left_over == {30}) == (fault == "dead")


@pytest.mark.parametrize("rate_hz", [50, 200, 500])
def test_missing_samples_are_as_many_as_said_single_and_in_bursts(rate_hz: int) -> None:
    walk = made_walk(300_000)
    counts = sense(walk, Condition("missing", missing=MISSING, rate_hz=rate_hz)).counts["left"]
    gone = (counts[:: 1000 // rate_hz] == MISSING_COUNTS).all(axis=1)
    assert gone.mean() == pytest.approx(MISSING, rel=0.15)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone, [0]])))
    lengths = edges[1::2] - edges[::2]
    assert (lengths == 1).sum() > 0.5 * (lengths > 1).sum()
    assert (lengths >= 4).sum() > 0.05 * len(lengths)


def test_holes_of_the_recording_stay_holes() -> None:
    counts = np.zeros((1000, 3), dtype=np.uint16)
    counts[300:500] = MISSING_COUNTS
    got = sense(walked("made", Source({"left": counts}, CHANNELS)), ROUGH).counts["left"]
    assert ((got == MISSING_COUNTS).all(axis=1) == (counts == MISSING_COUNTS).all(axis=1)).all()


# --- surrogates


def test_surrogates_mirror_time_and_exchange_zones() -> None:
    time_s = np.array([2.0, 2.01, 2.03])
    pressure = np.arange(12.0).reshape(3, 4)
    side = SideRecording(time_s, pressure, tuple("1234"), ("heel", "midfoot", "forefoot", "toes"), (0.5,) * 4, "N")
    recording = Recording("gaitpdb", {"left": side})
    mirrored = _played_backward(recording).sides["left"]
    assert mirrored.time_s.tolist() == pytest.approx([2.0, 2.02, 2.03])
    assert mirrored.pressure.tolist() == pressure[::-1].tolist()
    swapped = _heel_for_forefoot(recording).sides["left"]
    assert swapped.zones == ("forefoot", "midfoot", "heel", "heel")
    assert swapped.pressure is pressure


# --- gait model


def test_handling_is_hands_and_no_step() -> None:
    forces = handling(model.CHANNELS, 60_000, 1)
    for force in forces.values():
        assert force.shape == (60_000, 6)
        assert force.min() >= 0
        assert 5 < force.sum(axis=1).max() < 250
    again = handling(model.CHANNELS, 60_000, 1)
    np.testing.assert_array_equal(again["left"], forces["left"])


def test_confusion_has_missed_and_false_stances() -> None:
    def at(t_s: float, direction: str) -> Stride:
        return Stride("left", 0, t_s, direction=direction)

    truth = (at(1.0, "backward"), at(2.0, "backward"))
    counted = model._confusion(truth, (at(1.05, "forward"), at(4.0, "unknown")))
    assert counted == {("backward", "forward"): 1, ("backward", "no stride"): 1, ("no stride", "unknown"): 1}


# --- lines and tables


def perfect(n: int = 100, **changes: float) -> Tally:
    """Score n stances that are found exactly, but for `changes` of each detected one."""
    truth = [
        Stride("left", k, 2.0 * k, 2.0 * k + 0.1, 2.0 * k, 2.0 * k + 0.7, 2.0 * k + 0.5, 2.0 * k + 0.7)
        for k in range(n)
    ]
    truth = [replace(s, contact_order="heel_first", direction="forward", detected_s=s.final_contact_s) for s in truth]
    told = [replace(s, **{name: getattr(s, name) + by for name, by in changes.items()}) for s in truth]
    return score([Reference(s) for s in truth], told, tolerance_ms=150.0)


def test_lines_are_kept_on_the_line_and_broken_beyond() -> None:
    by_figure = {must.figure: must for must in MUSTS}
    most = by_figure["initial_contact_95_abs_ms"]
    assert not most.fails(25.0, "clean")
    assert most.fails(25.01, "clean")
    assert not most.fails(25.01, "rough")
    least = by_figure["direction_right_percent"]
    assert not least.fails(99.7, "clean")
    assert least.fails(99.69, "clean")
    within = by_figure["stance_mean_bias_ms"]
    assert not within.fails(-5.0, "clean")
    assert within.fails(-5.1, "clean")
    assert within.fails(math.nan, "clean"), "nothing measured is not kept"
    assert not within.fails(99.0, ""), "no line holds there"


def results(tally: Tally, condition: str = "clean") -> Results:
    # Two decisions in time: with none the line of the cue would be broken.
    told = Tally(second_ms=np.array([1.0, 2.0]), provisional_n=2)
    return Results(of_recordings={(name, k, condition): tally + told for name in GAITPDB for k in KINEMATICS})


def test_the_gate_opens_for_a_perfect_detector_and_names_what_is_broken() -> None:
    assert broken_musts(results(perfect())) == []
    late = broken_musts(results(perfect(initial_contact_s=0.007)))
    assert [line for line in late if line.startswith("clean, forward: initial contact, median absolute 7.0 ms")]
    assert not [line for line in late if "order" in line]
    assert broken_musts(results(perfect(initial_contact_s=0.007), "light")) == []
    assert broken_musts(results(perfect(initial_contact_s=0.05), "light")) != []
    assert broken_musts(results(perfect(initial_contact_s=0.05), "50 Hz")) == [], "no line binds there"


def test_the_gate_closes_for_strides_told_in_a_confuser_and_for_a_breakdown() -> None:
    standing = results(perfect())
    standing.confused["fresh insole", "standing", "clean"] = Counter({"forward": 2})
    assert broken_musts(standing) == ["gait model, standing, fresh insole, clean: 2 strides, must 0"]
    shuffling = results(perfect())
    shuffling.confused["fresh insole", "shuffling", "clean"] = Counter({"forward": 2})
    assert broken_musts(shuffling) == []
    broken = results(perfect())
    broken.of_walks["backward", "clean"] = Tally(remarks=((0.0, "detector broke down: ValueError: x"),))
    assert len(broken_musts(broken)) == 1


def test_tables_mark_what_breaks_and_carry_the_notices() -> None:
    text = markdown(results(perfect(initial_contact_s=0.03)), [("a.png", "a walk")])
    assert f"**30.0 {FAILS}**" in text
    assert f"({FAILS})" in text.split("## Both halves apart")[1]
    assert GAITPDB_NOTICE in text
    assert MOTICON_NOTICE in text
    assert "surrogates" in text
    assert FAILS not in markdown(results(perfect()), []).split("## The must-lines")[1].split("## Every event")[0]
    data = json.loads(json.dumps(as_json(results(perfect())), allow_nan=False))
    assert data["recordings"]["tuning"]["forward"]["clean"]["ok_n"] == 1200
    assert data["recordings"]["all"]["forward"]["rough"] == {}


def test_the_results_say_whose_recordings_were_there() -> None:
    whole = markdown(results(perfect()), [])
    assert "; 24 trials of 24 people, 12 of them with Parkinson's disease" in whole
    assert MOTICON_NOTICE not in whole.split("## The must-lines")[0], "none of theirs was there"
    some = Results(of_recordings={(name, "forward", "clean"): perfect() for name in QUICK})
    some.of_recordings[MOTICON[0], "forward", "clean"] = perfect()
    text = markdown(some, [])
    assert "; 4 trials of 4 people, 2 of them with Parkinson's disease" in text
    assert MOTICON_NOTICE + " 1 recording of one person." in text
    assert as_json(some)["notices"] == [GAITPDB_NOTICE, MOTICON_NOTICE]


def test_without_recordings_the_results_say_so_and_nothing_of_them() -> None:
    alone = Results(of_walks={("backward", "clean"): perfect()}, confusion={("backward", "clean"): Counter()})
    text = markdown(alone, [])
    assert NO_RECORDINGS in text
    for words in ("24", "trials", SURROGATES, GAITPDB_NOTICE, MOTICON_NOTICE, "must-lines\n"):
        assert words not in text, words
    data = as_json(alone)
    assert (data["notices"], data["surrogates"]) == ([], NO_RECORDINGS)


def test_a_subject_of_whom_nothing_was_found_is_the_worst() -> None:
    broken = results(perfect())
    for kinematics in KINEMATICS:
        broken.of_recordings[GAITPDB[3], kinematics, "clean"] = Tally(ok_n=50, missed_n=50)
    rows = markdown(broken, []).split("## The worst subject")[1].split("\n## ")[0].split("\n")
    (initial,) = [row for row in rows if row.startswith("| initial contact, median")]
    (wrong,) = [row for row in rows if row.startswith("| missed")]
    assert f"| - {GAITPDB[3]} |" in initial
    assert f"| 100.00 {GAITPDB[3]} |" in wrong


def test_the_results_say_over_how_many_stances_each_line_goes() -> None:
    turn = Reference(Stride("left", 0, 500.0, 500.1, 500.0, 500.7, 500.5, 500.7, direction="forward"), "atypical")
    told = replace(turn.stride, direction="backward", contact_order="heel_first")
    tally = perfect() + score([turn], [told], tolerance_ms=150.0)
    text = markdown(results(tally), []).split("## Over how many stances")[1].split("\n## ")[0]
    rows = {cells[1]: cells[2] for line in text.split("\n") if (cells := [c.strip() for c in line.split("|")])[2:]}
    assert rows["of these, found: events and direction"] == "2400"
    assert rows["told: all stances that the detector reported"] == "2424"
    assert rows["of all told, direction wrong, %"] == "0.99"
    assert rows["stances of the reference that are not scored (turns, stops, ends)"] == "24"


def test_without_recordings_the_run_says_that_their_lines_were_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETROSOLE_RECORDINGS", raising=False)
    monkeypatch.setattr("sys.argv", ["evaluation"])
    monkeypatch.setattr(command, "run", lambda _: Results())
    assert command.main() == 0
    out, error = capsys.readouterr()
    assert "NO RECORDINGS: none of their must-lines was checked" in out
    assert "RETROSOLE_RECORDINGS is not set: only the gait model is run" in error
    assert NO_RECORDINGS in (tmp_path / "build" / "evaluation" / "results.md").read_text()


def test_the_legend_of_a_picture_names_every_colour() -> None:
    pytest.importorskip("matplotlib", reason="SKIPPED: no matplotlib, pictures are not tested")
    from matplotlib import pyplot as plt

    from tests.evaluation import pictures

    ok = Stride("left", 0, 1.0, 1.1, 1.0, 1.7, 1.5, 1.7, direction="forward")
    late = replace(ok, initial_contact_s=3.0, final_contact_s=3.7, direction="unknown")
    figure, axis = plt.subplots()
    pictures._draw_references(axis, [Reference(ok), Reference(late, "atypical")], (0.0, 4.0), 1.0)
    pictures._draw_strides(axis, [ok, late], (0.0, 4.0), 1.0, "forward")
    bands = {line.get_color() for line in axis.lines if line.get_linewidth() == 2.5 and len(line.get_xdata())}
    named = {line.get_color() for line in axis.get_legend_handles_labels()[0]}
    plt.close(figure)
    assert len(bands) == 4
    assert bands == named


# --- recordings of people


def recordings() -> Path:
    folder = os.environ.get("RETROSOLE_RECORDINGS")
    if not folder:
        pytest.skip("SKIPPED: the detector is not scored on recordings, RETROSOLE_RECORDINGS is not set")
    return Path(folder)


def test_every_recording_has_its_job() -> None:
    folder = recordings()
    todo = jobs(folder, quick=False)
    assert len([job for job in todo if job.kind == "recording"]) == 3 * (len(GAITPDB) + 4)
    assert {job.kind for job in jobs(None, quick=False)} == {"walk", *model.STARTS}


@pytest.mark.parametrize("kinematics", KINEMATICS)
@pytest.mark.parametrize("name", ["JuPt07_01", "230927_102137"])
def test_events_of_the_reference_lie_where_the_loads_rise(name: str, kinematics: str) -> None:
    # Before a contact nearly nothing, after it something: for the surrogates too, so that times and zones are theirs.
    walk, start_s = walk_of(recordings(), name, kinematics)
    references = [r.stride for r in reference_of(recordings(), name, kinematics) if r.is_ok]
    for zone, members in (("heel", ("heel",)), ("forefoot", ("forefoot", "toes"))):
        columns = [k for k, (of, _) in enumerate(walk.channels) if of in members]
        ratios = []
        for truth in references:
            load = walk.loads[truth.side][:, columns].sum(axis=1)
            on = round((getattr(truth, f"{zone}_on_s") - start_s) * 1000)
            off = round((getattr(truth, f"{zone}_off_s") - start_s) * 1000)
            if on < 100 or off + 120 > len(load):
                continue
            inside, outside = (
                load[on:off].mean(),
                max(load[on - 100 : on - 40].mean(), load[off + 60 : off + 120].mean()),
            )
            ratios.append(outside / inside)
        assert np.median(ratios) < 0.08, zone


# Far beyond the must-lines: what a working detector does on any day.
LOOSE = {
    "all_wrong_percent": 3.0,
    "initial_contact_median_abs_ms": 12.0,
    "initial_contact_95_abs_ms": 45.0,
    "final_contact_median_abs_ms": 30.0,
    "final_contact_95_abs_ms": 55.0,
    "heel_on_median_abs_ms": 20.0,
    "forefoot_on_median_abs_ms": 20.0,
    "direction_wrong_percent": 2.0,
}
LOOSE_LEAST = {"order_right_percent": 98.0, "direction_right_percent": 97.0}


@pytest.mark.parametrize("kinematics", KINEMATICS)
def test_a_detector_that_got_much_worse_does_not_pass(kinematics: str) -> None:
    scored = [dict(tallies(recordings(), name, kinematics, MAIN)) for name in ("JuCo01_01", "JuPt07_01")]
    for condition in MAIN:
        tally = total(by_condition[condition.name] for by_condition in scored)
        found = figures(tally)
        assert found["ok_n"] == 79 + 93
        for figure, bound in LOOSE.items():
            assert found[figure] <= bound, (condition.name, figure, tally.remarks[:5])
        for figure, bound in LOOSE_LEAST.items():
            assert found[figure] >= bound, (condition.name, figure, tally.remarks[:5])
        assert abs(found["stance_bias_ms"]) <= 30, condition.name
