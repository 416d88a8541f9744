"""Load through stance and the path of the centre of pressure, against the loads that the gait model put on the foot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from walk_truth import calibrated
from walked import CHANNELS, Options, save_walk

from retrosole import wire
from retrosole.framing import encode
from retrosole.gait.analysis import analyse
from retrosole.gait.foot_shape import PLACES, SITES, outline
from retrosole.gait.pressure import COUNTS, PERCENT, POINT_N, Pressure, pressure
from retrosole.session.reader import open_session
from retrosole.twin.feed import SOURCE_RATE_HZ, Source
from retrosole.twin.front_end import IDEAL
from retrosole.twin.gait_model import generate

pytestmark = pytest.mark.filterwarnings("error")

SEED = 4


def analysed(folder: Path, gait: str, options: Options | None = None) -> tuple[Source, Pressure]:
    source = generate(gait, CHANNELS, 40.0, SEED, front_end=IDEAL)
    session = save_walk(folder, source, options or calibrated(IDEAL, SEED))
    found = pressure(session, analyse(session), "left")
    assert found is not None
    return source, found


def true_curve(source: Source) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Give the mean over the walk of the summed counts above 30 (the model's offset), by percent of stance."""
    total = source.counts["left"].astype(float).sum(axis=1) - 30.0 * len(CHANNELS)
    curves = []
    for stride in (s for s in source.truth if s.side == "left"):
        at_s = np.linspace(stride.initial_contact_s, stride.final_contact_s, POINT_N)
        curves.append(np.interp(at_s * SOURCE_RATE_HZ, np.arange(len(total)), total))
    return np.asarray(np.mean(curves[1:-1], axis=0))


@pytest.mark.parametrize("gait", ["backward", "forward"])
def test_the_load_is_that_of_the_model(tmp_path: Path, gait: str) -> None:
    source, found = analysed(tmp_path, gait)
    standing = sum(calibrated(IDEAL, SEED).standing["left"])
    true = 100.0 * true_curve(source) / standing
    assert found.unit == PERCENT and found.stance_n > 25 and found.total.mean.shape == (POINT_N,)
    # The ends of a stance are steep, and the insole's lie some milliseconds inside.
    assert np.max(np.abs(found.total.mean - true)[5:-5]) < 0.06 * true.max()
    assert found.total.mean == pytest.approx(found.zones["forefoot"].mean + found.zones["heel"].mean)
    assert np.all(found.total.sd > 0) and np.max(found.total.sd) < 0.3 * true.max()


def test_the_path_goes_from_toe_to_heel_backward_and_the_other_way_forward(tmp_path: Path) -> None:
    for gait, sign in (("backward", 1), ("forward", -1)):
        _, found = analysed(tmp_path / gait, gait)
        y = found.path.mean[2:-2, 1]
        assert sign * (y[-1] - y[0]) > 0.45
        assert np.mean(sign * np.diff(y) > -0.005) > 0.95, "without turning back"
        assert found.paths.shape == (found.stance_n, POINT_N, 2)
        inside = found.path.mean[np.isfinite(found.path.mean[:, 0])]
        assert inside.min() > 0 and inside.max() < 1


def test_a_single_loaded_sensor_is_where_the_pressure_is(tmp_path: Path) -> None:
    source = generate("backward", CHANNELS, 20.0, SEED, front_end=IDEAL)
    sites = [site for _, site in CHANNELS]
    for site in ("hallux", "heel_lateral"):
        alone = source.counts["left"].copy()
        alone[:, [k for k, name in enumerate(sites) if name != site]] = 30
        session = save_walk(tmp_path / "both", source)
        analysis = analyse(session)
        only = save_walk(tmp_path / site, replace(source, counts={"left": alone}))
        found = pressure(only, replace(analysis, sides=("left",)), "left")
        assert found is not None
        known = found.paths[np.isfinite(found.paths[:, :, 0])]
        assert known == pytest.approx(np.tile(PLACES[site], (len(known), 1)))


def test_uncalibrated_is_counts_and_a_drifting_offset_falls_out(tmp_path: Path) -> None:
    source = generate("backward", CHANNELS, 60.0, SEED, front_end=IDEAL, sides=("left",))
    even = save_walk(tmp_path / "even", source)
    drift = np.linspace(0, 300, len(source.counts["left"])).astype(np.uint16)[:, None]
    rising = replace(source, counts={"left": np.minimum(source.counts["left"] + drift, 4094).astype(np.uint16)})
    found = [pressure(s, analyse(s), "left") for s in (even, save_walk(tmp_path / "rising", rising))]
    assert found[0] is not None and found[1] is not None and found[0].unit == COUNTS
    assert np.max(np.abs(found[0].total.mean - found[1].total.mean)) < 0.03 * found[0].total.mean.max()


def test_a_sensor_that_the_insole_does_not_trust_does_not_count(tmp_path: Path) -> None:
    _, whole = analysed(tmp_path, "backward")
    assert whole.left_out == ()
    values = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
    values.pop("TYPE", None)
    values.update(session=1, running=1, next_index=10, channel_out_bits=1 << 1)
    log = tmp_path / "left.frames"
    log.write_bytes(log.read_bytes() + encode(wire.StatusFrame(**values)))
    session = open_session(tmp_path)
    found = pressure(session, analyse(session), "left")
    assert found is not None and found.left_out == (CHANNELS[1][1].replace("_", " "),)
    assert found.zones["forefoot"].mean.max() < whole.zones["forefoot"].mean.max() * 1.2


def test_toes_count_with_the_forefoot_and_the_midfoot_with_the_whole_only(tmp_path: Path) -> None:
    channels = (*CHANNELS, ("toes", "toes"), ("midfoot", "midfoot_lateral"))
    source = generate("backward", channels, 20.0, SEED, front_end=IDEAL)
    session = save_walk(tmp_path, source, calibrated(IDEAL, SEED, channels=channels))
    analysis = analyse(session)
    found = pressure(session, analysis, "left")
    assert found is not None and found.unit == PERCENT
    alone = found.total.mean - found.zones["forefoot"].mean - found.zones["heel"].mean
    assert alone.min() > -1e-9 and alone.max() > 1.0, "the midfoot"
    all_counts = sum(sensor.standing or 0 for sensor in session.sensors("left"))
    scale = all_counts / (session.standing_counts("left") or 0)
    for zone in ("forefoot", "heel"):  # single peaks come at other moments: their mean is above the mean curve's
        told = analysis.feet["left"][f"{zone}_impulse_percent_s"].mean / analysis.feet["left"]["stance_s"].mean
        assert np.mean(found.zones[zone].mean) * scale == pytest.approx(told, rel=0.02), zone


def test_the_mean_path_is_of_half_of_the_stances_at_least(tmp_path: Path) -> None:
    _, found = analysed(tmp_path, "stairs_down")
    known_n = np.isfinite(found.paths[:, :, 0]).sum(axis=0)
    assert 0 < known_n[0] < found.stance_n / 2 and known_n[1] == found.stance_n, "it touches lightly at first"
    assert np.isnan(found.path.mean[0]).all() and np.isnan(found.path.sd[0]).all()
    assert found.path.mean[1:] == pytest.approx(found.paths[:, 1:].mean(axis=0))
    assert found.path.sd[1:] == pytest.approx(found.paths[:, 1:].std(axis=0, ddof=1))


def test_a_stance_with_a_hole_in_it_is_left_out_and_no_other(tmp_path: Path) -> None:
    source = generate("backward", CHANNELS, 30.0, SEED, front_end=IDEAL)
    session = save_walk(tmp_path, source, Options(lost=((15.0, 15.1),)))
    analysis = analyse(session)
    stances = {}
    for side in analysis.sides:
        found, times_s = pressure(session, analysis, side), session.times_s(side)
        assert found is not None
        at = int(np.argmax(np.diff(times_s)))
        assert times_s[at + 1] - times_s[at] > 0.1
        table = analysis.table
        usable = np.flatnonzero((table["side"] == side) & table["is_usable"])
        over = (table["initial_contact_s"] < times_s[at + 1]) & (table["final_contact_s"] > times_s[at])
        assert found.rows.tolist() == [row for row in usable.tolist() if not over[row]]
        stances[side] = len(usable) - found.stance_n
    assert sum(stances.values()) >= 1


def test_every_place_is_under_the_foot() -> None:
    shape = outline()
    for name, (x, y) in PLACES.items():
        level = shape[np.abs(shape[:, 1] - y) < 0.02, 0]
        assert level.min() < x < level.max(), name
    named = {site.name.lower() for site in wire.Site if site != wire.Site.UNUSED}
    assert set(PLACES) == named and set(SITES) < named
