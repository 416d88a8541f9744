"""`retrosole gait` on sessions as they come: empty, one foot, three strides, nothing known, standing, large gaps."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from walk_truth import calibrated
from walked import CHANNELS, Options, save_walk

from retrosole.cli import run
from retrosole.gait.analysis import analyse
from retrosole.gait.pressure import pressure
from retrosole.gait.table import BY_NAME, EXTENDED_COLUMNS
from retrosole.session.align import Alignment
from retrosole.session.reader import Session, open_session
from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate

pytestmark = pytest.mark.filterwarnings("error")

# How a person would read a number that is none
_NO_NUMBER = re.compile(r"\b([Nn][Aa][Nn]|None|inf|null|array|np\.)\b")


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give what the command prints of a session, once as text, and checked as JSON and as CSV on the way."""

    def tell(session: Session, *options: str) -> str:
        path = str(session.path)
        assert run(["gait", path, *options]) == 0
        text, error = capsys.readouterr()
        assert not error and not _NO_NUMBER.search(text), text
        assert run(["gait", path, "--json", *options]) == 0
        json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        assert run(["gait", path, "--csv", str(tmp_path / "out.csv"), *options]) == 0
        table = (tmp_path / "out.csv").read_text(encoding="utf-8")
        assert table.splitlines()[0] == ",".join(EXTENDED_COLUMNS) and "nan" not in table
        assert f"{len(session.strides)} strides in" in capsys.readouterr().err
        analysis = analyse(session)
        assert all(pressure(session, analysis, side) is None or analysis.usable_n[side] for side in analysis.sides)
        return text

    return tell


def walk(folder: Path, seconds: float, options: Options | None = None, gait: str = "backward", **more: Any) -> Session:
    return save_walk(folder / "S", generate(gait, CHANNELS, seconds, 3, **more), options or Options())


def test_two_feet(tmp_path: Path, told: Callable[..., str]) -> None:
    text = told(walk(tmp_path, 40.0))
    assert re.search(r"^Stance time +left +\d+ +7\d\d +\d+ +\d\.\d +7\d\d  ms$", text, re.MULTILINE)
    assert re.search(r"^ +right +\d+ +7\d\d", text, re.MULTILINE)
    assert re.search(r"^Double support +both +\d+ +2\d\d ", text, re.MULTILINE)
    assert "walked backward" in text and "forefoot first 100 % of" in text
    assert "both feet: feet on one clock within" in text and "none missing" in text
    assert "4 first or last of a walk" in text and "above 0 the left is more" in text
    assert "loads in sensor counts, to compare strides of one insole: not calibrated: left, right" in text


def test_a_calibrated_insole_tells_loads_in_percent_of_standing(tmp_path: Path, told: Callable[..., str]) -> None:
    source = generate("backward", CHANNELS, 30.0, 3, front_end=IDEAL)
    text = told(save_walk(tmp_path / "S", source, calibrated(IDEAL, 3)))
    row = r"^(?:Forefoot peak|Heel peak)? +(?:left|right) +\d+ +(\d+) .*% of standing$"
    peaks = re.findall(row, text, re.MULTILINE)
    assert len(peaks) == 4 and all(30 < float(peak) < 150 for peak in peaks), text
    assert "counts" not in text and "not calibrated" not in text


def test_a_turn_within_a_walk_is_left_out(tmp_path: Path) -> None:
    parts = [generate(gait, CHANNELS, s, 3) for gait, s in (("backward", 30.0), ("turning", 6.0), ("backward", 30.0))]
    counts = {side: np.concatenate([part.counts[side] for part in parts]) for side in parts[0].counts}
    table = analyse(save_walk(tmp_path / "S", replace(parts[0], counts=counts))).table
    in_turn = (table["initial_contact_s"] > 31.0) & (table["initial_contact_s"] < 36.5)
    assert np.sum(in_turn) >= 6 and np.mean(table["is_usable"][in_turn]) < 0.15
    assert np.mean(table["is_usable"][~in_turn]) > 0.8


def test_feet_whose_clocks_were_not_asked_are_not_put_together(tmp_path: Path, told: Callable[..., str]) -> None:
    session = walk(tmp_path, 30.0, Options(asks=False))
    text = told(session)
    assert "Double support" not in text and "both feet: not on one clock" in text
    assert "asymmetry of stance time" in text, "durations need no common clock"
    assert [r.side for r in analyse(session).runs] == ["left", "right"] and "runs of direction" not in text


def test_feet_on_clocks_that_may_be_far_apart_are_not_put_together(tmp_path: Path) -> None:
    session = walk(tmp_path, 20.0)
    told = {}
    for worst_s in (0.049, 0.051):
        session.alignment = Alignment(True, "feet on one clock", sigma_s=worst_s / 3, worst_s=worst_s)
        analysis = analyse(session)
        assert analysis.both_text == "feet on one clock"
        told[worst_s] = set(analysis.both), analysis.both_sigma_s
        assert np.isfinite(analysis.table["double_support_s"]).any() == bool(analysis.both)
    assert told == {0.049: ({"double_support_s", "double_support_percent"}, 0.049 / 3), 0.051: (set(), None)}


def test_one_foot_only(tmp_path: Path, told: Callable[..., str]) -> None:
    session = walk(tmp_path, 30.0, sides=("right",))
    text = told(session)
    assert "Double support" not in text and "asymmetry" not in text and "both feet" not in text
    analysis = analyse(session)
    assert (analysis.both, analysis.both_text, analysis.both_sigma_s) == ({}, "only one foot was recorded", None)
    assert list(analysis.shares) == ["right"]


def test_large_gaps(tmp_path: Path, told: Callable[..., str]) -> None:
    session = walk(tmp_path, 90.0, Options(holes=((20.0, 32.0),), lost=((50.0, 70.0),)))
    text = told(session)
    assert "beside a gap" in text and re.search(r"missing \(\d+\.\d+%\): \d+ lost on the way, \d+ never taken", text)
    analysis = analyse(session)
    for side in analysis.sides:
        found = analysis.feet[side]
        assert found["stride_time_s"].mean == pytest.approx(1.15, abs=0.02) and found["stride_time_s"].n < 45
        assert np.nanmax(analysis.table["stride_time_s"]) < 3.0, "none is told across a gap"
        curves = pressure(session, analysis, side)
        assert curves is not None and 20 < curves.stance_n <= analysis.usable_n[side]
    assert len(analysis.runs) == 3


def test_the_strides_around_a_moment_without_samples_are_left_out(tmp_path: Path) -> None:
    analysis = analyse(walk(tmp_path, 40.0, Options(holes=((20.0, 20.1),))))
    table = analysis.table
    beside = table["left_out"] == "beside a gap"
    assert 2 <= np.sum(beside) <= 4 and set(table["side"][beside]) == {"left", "right"}
    assert np.all(np.abs(table["initial_contact_s"][beside] - 20.05) < 1.3)
    over = (table["initial_contact_s"] < 20.05) & (table["initial_contact_s"] > 20.05 - 1.1)
    assert np.sum(over) >= 1 and np.all(np.isnan(table["stride_time_s"][over])), "none is told over it"


def test_single_samples_that_were_not_taken_leave_no_stride_out(tmp_path: Path) -> None:
    """They move an event by less than what "together" means; a controller misses some now and then."""
    holes = tuple((at_s, at_s + 0.005) for at_s in np.arange(5.0, 28.0, 0.7).tolist())
    some = analyse(walk(tmp_path, 30.0, Options(holes=holes)))
    assert some.losses["left"].hole_n == len(holes)
    whole = analyse(walk(tmp_path / "whole", 30.0))
    assert some.usable_n == whole.usable_n and some.left_out == whole.left_out
    for side, found in some.feet.items():
        assert found["stride_time_s"].mean == pytest.approx(whole.feet[side]["stride_time_s"].mean, abs=0.001)


def test_lost_samples_alone_leave_no_stride_out(tmp_path: Path) -> None:
    """The insole saw them: only the pressure curves of those stances are missing."""
    session = walk(tmp_path, 40.0)
    whole = analyse(session)
    log = session.path / "left.frames"
    pieces = log.read_bytes().split(b"\0")
    sizes = [len(piece) for piece in pieces]
    kept = [p for k, p in enumerate(pieces) if not (sizes[k] > 250 and 100 < k < 130)]
    log.write_bytes(b"\0".join(kept))
    less = analyse(open_session(session.path))
    assert less.losses["left"].lost_line_n > 200
    assert less.usable_n == whole.usable_n
    curves = pressure(open_session(session.path), less, "left")
    assert curves is not None and 0 < curves.stance_n < less.usable_n["left"]


def test_the_way_back_can_be_asked_for(tmp_path: Path, told: Callable[..., str]) -> None:
    source = generate("backward", CHANNELS, 30.0, 3)
    back = generate("forward", CHANNELS, 20.0, 3)
    both = {side: np.concatenate([source.counts[side], back.counts[side]]) for side in source.counts}
    session = save_walk(tmp_path / "S", replace(source, counts=both))
    assert "walked backward" in told(session) and "other direction" in told(session)
    forward = told(session, "--direction", "forward")
    assert "walked forward" in forward and "Heel lowering" not in forward
    runs = [(r.side, r.direction) for r in analyse(session).runs]
    assert runs == [("both", "backward"), ("both", "forward")]
    assert "runs of direction: 2, the longest backward with" in forward


def test_the_energy_is_estimated_of_what_was_walked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(walk(tmp_path, 40.0).path)
    assert run(["gait", path, "--mass", "63.5", "--speed", "3.5mph"]) == 0
    said = re.search(
        r"^energy: about (\d) kcal, an estimate: 6 MET .*, of 0:(3\d) min walked$", capsys.readouterr().out, re.M
    )
    assert said and int(said[1]) == round(6.0 * 63.5 * int(said[2]) / 3600)
    for wrong in (["--mass", "63.5"], ["--speed", "3.5mph"], ["--mass", "63.5", "--speed", "3.5"], ["--uphill"]):
        assert run(["gait", path, *wrong]) == 2
    assert run(["gait", path, "--json", "--mass", "63.5", "--speed", "3.5mph"]) == 2


def test_csv_and_json_are_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = walk(tmp_path, 30.0)
    assert run(["gait", str(session.path), "--csv", "-"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert run(["gait", str(session.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    usable = [float(r["stance_s"]) for r in rows if r["side"] == "left" and r["is_usable"] == "yes"]
    told = found["feet"]["left"]["stance_s"]
    assert told["n"] == len(usable) and told["mean"] == pytest.approx(sum(usable) / len(usable), abs=1e-4)
    assert told["unit"] == "s" and found["shares"]["both"]["toe_first_percent"] == 100.0
    assert run(["gait", str(session.path), "--json", "--csv", "x.csv"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_the_json_keeps_its_shape_and_says_its_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it by these names: what is renamed here is renamed in their code."""
    assert run(["gait", str(walk(tmp_path, 40.0).path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        *("started", "duration_s", "direction", "sides", "stride_n", "usable_n", "left_out", "is_calibrated", "feet"),
        *("both", "both_text", "both_sigma_s", "asymmetry_percent", "shares", "runs", "steadiness", "losses"),
    ]
    statistic = ["n", "mean", "sd", "cv_percent", "median"]
    for name, one in [*found["feet"]["left"].items(), *found["both"].items()]:
        assert list(one) == ["unit", *statistic] and one["unit"] == BY_NAME[name].unit
    assert list(found["shares"]) == ["left", "right", "both"]
    assert list(found["shares"]["both"]) == [
        *("stride_n", "contact_order", "lift_order", "direction", "decided_n", "toe_first_percent", "unknown_percent"),
        *("backward_percent", "unknown_direction_percent"),
    ]
    assert list(found["runs"][0]) == ["side", "start_s", "end_s", "direction", "stride_n", "unknown_n"]
    steady = found["steadiness"]["left"]
    assert list(steady) == ["parameter", "unit", "early", "late"] and list(steady["early"]) == statistic
    assert (steady["parameter"], steady["unit"]) == ("stride_time_s", "s")


def test_nothing_but_such_a_table_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = walk(tmp_path, 20.0)
    mine = tmp_path / "mine.csv"
    mine.write_text("dear diary\n")
    assert run(["gait", str(session.path), "--csv", str(mine)]) == 2
    assert "is not replaced" in capsys.readouterr().err and mine.read_text() == "dear diary\n"
    assert run(["gait", str(session.path), "--csv", str(session.path / "left.frames")]) == 2
    assert run(["gait", str(session.path), "--csv", str(tmp_path / "not there" / "x.csv")]) == 7
    assert "choose another file" in capsys.readouterr().err
    out = tmp_path / "out.csv"
    for _ in range(2):
        assert run(["gait", str(session.path), "--csv", str(out)]) == 0


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gait", "--help"]) == 0
    assert "retrosole gait sessions/" in capsys.readouterr().out
