"""The gait model: the truth of each gait, what its forces add up to, and that it repeats."""

from __future__ import annotations

import csv
import hashlib
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from retrosole.errors import StorageError, UsageError
from retrosole.gait.strides import Stride
from retrosole.twin.front_end import IDEAL, REALISTIC, FrontEnd, to_counts
from retrosole.twin.gait_model import GAITS, SIDES, generate, walk_loads
from retrosole.twin.gait_plan import STAND_S, WALKS
from retrosole.twin.gait_shapes import channel_loads
from retrosole.twin.gait_still import STILLS
from retrosole.twin.person import Person
from retrosole.twin.source import Source, write, write_truth

CHANNELS = (
    ("forefoot", "hallux"),
    ("forefoot", "met1"),
    ("forefoot", "met3"),
    ("forefoot", "met5"),
    ("heel", "heel_medial"),
    ("heel", "heel_lateral"),
)
DURATION_S = 40.0
USUAL = Person()
# A fixed run, so that a change of the model or of its chance does not go by unnoticed. A
# deliberate change replaces this number.
GOLDEN_SHA256 = "b5aa4dd7d5b89cbebab509134006b50a08cd4fc4da9e88e18299df98ba8b3776"


def strides_of(gait: str, seed: int = 1, person: Person = USUAL) -> tuple[Stride, ...]:
    return walk_loads(gait, round(DURATION_S * 1000), seed, person)[1]


def of_side(strides: tuple[Stride, ...], side: str) -> list[Stride]:
    return [row for row in strides if row.side == side]


def leads_ms(strides: tuple[Stride, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Give heel minus forefoot, on and off, in ms."""
    on = [row.heel_on_s - row.forefoot_on_s for row in strides]
    off = [row.heel_off_s - row.forefoot_off_s for row in strides]
    return 1000 * np.array(on), 1000 * np.array(off)


@pytest.mark.parametrize("gait", GAITS)
def test_truth_follows_its_definition(gait: str) -> None:
    """Find the events again in the true loads, by another way: samples above the level."""
    loads, truth = walk_loads(gait, round(DURATION_S * 1000), 3, USUAL)
    for row in truth:
        load = loads[row.side]
        a, b = math.floor(row.initial_contact_s * 1000), math.ceil(row.final_contact_s * 1000)
        for zone, on_s, off_s in (
            (load.front(), row.forefoot_on_s, row.forefoot_off_s),
            (load.heel(), row.heel_on_s, row.heel_off_s),
        ):
            if math.isnan(on_s):
                assert math.isnan(off_s)
                assert zone[a : b + 1].max() < 0.05
                continue
            assert zone[math.floor(on_s * 1000)] <= zone[math.floor(on_s * 1000) + 1]
            assert zone[math.floor(off_s * 1000)] >= zone[math.floor(off_s * 1000) + 1]
            # 5 % of a peak of 0.3 to 1.1 body weights.
            assert 0.01 < np.interp(on_s, np.arange(len(zone)) / 1000, zone) < 0.06
            assert 0.01 < np.interp(off_s, np.arange(len(zone)) / 1000, zone) < 0.06
        assert load.total[a - 5] < 0.06
        assert load.total[b + 5] < 0.06
        assert load.total[a + 3 : b - 3].min() > 0.0


@pytest.mark.parametrize("gait", sorted(WALKS))
def test_strides_are_ordered_and_whole(gait: str) -> None:
    truth = strides_of(gait)
    assert len(truth) > 40
    assert [row.initial_contact_s for row in truth] == sorted(row.initial_contact_s for row in truth)
    for side in SIDES:
        rows = of_side(truth, side)
        assert [row.stride for row in rows] == list(range(len(rows)))
        assert rows[0].initial_contact_s > STAND_S  # standing has no number
        for row, following in pairwise(rows):
            assert row.initial_contact_s < row.final_contact_s < following.initial_contact_s
        for row in rows:
            assert row.final_contact_s < DURATION_S
            assert row.initial_contact_s == np.nanmin([row.forefoot_on_s, row.heel_on_s])
            assert row.final_contact_s == np.nanmax([row.forefoot_off_s, row.heel_off_s])


@pytest.mark.parametrize("speed_mps", [0.1, 3.0])
def test_extreme_people_still_lift_their_feet(speed_mps: float) -> None:
    person = Person(speed_mps=speed_mps, asymmetry=-0.4, variability_cv=0.2)
    for gait in sorted(WALKS):
        for side in SIDES:
            rows = of_side(strides_of(gait, 2, person), side)
            for row, following in pairwise(rows):
                assert row.initial_contact_s + 0.1 < row.final_contact_s
                assert row.final_contact_s + 0.1 < following.initial_contact_s


def orders(strides: tuple[Stride, ...]) -> set[tuple[str, str, str]]:
    return {(row.contact_order, row.lift_order, row.direction) for row in strides}


def test_backward_lands_on_the_forefoot_and_leaves_with_the_heel() -> None:
    truth = strides_of("backward")
    assert orders(truth) == {("forefoot_first", "forefoot_first", "backward")}
    on_ms, off_ms = leads_ms(truth)
    assert on_ms.min() > 40
    assert on_ms.max() < 220
    assert 60 < np.median(on_ms) < 120
    assert off_ms.min() > 40
    assert off_ms.max() < 250


def test_forward_lands_on_the_heel_and_leaves_with_the_forefoot() -> None:
    truth = strides_of("forward")
    assert orders(truth) == {("heel_first", "heel_first", "forward")}
    on_ms, off_ms = leads_ms(truth)
    # As in the recordings: 20 to 190 ms, median 75, and about 0.2 s at the end.
    assert on_ms.min() > -190
    assert on_ms.max() < -20
    assert -100 < np.median(on_ms) < -55
    assert off_ms.min() > -300
    assert -250 < np.median(off_ms) < -150


def test_heel_first_backward_lands_and_leaves_with_the_heel() -> None:
    truth = strides_of("heel_first_backward")
    assert orders(truth) == {("heel_first", "forefoot_first", "backward")}


def test_tiptoe_never_loads_the_heel() -> None:
    loads, truth = walk_loads("tiptoe", 20_000, 1, USUAL)
    assert orders(truth) == {("forefoot_first", "heel_first", "forward")}
    assert all(math.isnan(row.heel_on_s) and math.isnan(row.heel_off_s) for row in truth)
    assert loads["left"].heel()[2000:].max() == 0.0


def test_stairs_down_touch_the_heel_sometimes_and_leave_with_the_forefoot() -> None:
    truth = strides_of("stairs_down")
    assert orders(truth) == {("forefoot_first", "heel_first", "forward")}
    silent = [math.isnan(row.heel_on_s) for row in truth]
    assert 0.3 < np.mean(silent) < 0.5


def test_turning_has_odd_contacts_of_unknown_direction() -> None:
    truth = strides_of("turning")
    assert {row.direction for row in truth} == {"unknown"}
    assert len({(row.contact_order, row.lift_order) for row in truth}) >= 3
    assert min(row.stance_s for row in truth) < 0.45
    stance = [row.stance_s for row in truth]
    assert np.std(stance) / np.mean(stance) > 0.1


def test_stumbling_has_very_short_stances_and_at_once_the_other_foot() -> None:
    truth = strides_of("stumbling")
    short = [k for k, row in enumerate(truth) if row.stance_s < 0.3]
    assert 5 <= len(short) <= 20
    for k in short[:-1]:
        row, following = truth[k], truth[k + 1]
        assert following.side != row.side
        assert 0.08 < row.stance_s < 0.25
        assert following.initial_contact_s < row.final_contact_s + 0.03
    assert all(row.stance_s > 0.5 for k, row in enumerate(truth) if k not in short)


def test_mixed_is_mostly_backward_from_the_first_minute_on() -> None:
    truth = strides_of("mixed")
    seen = [(row.contact_order, row.direction) for row in truth]
    assert 0.6 < seen.count(("forefoot_first", "backward")) / len(seen) < 0.8
    assert 0.08 < seen.count(("heel_first", "backward")) / len(seen) < 0.22
    assert 0.08 < seen.count(("heel_first", "forward")) / len(seen) < 0.22
    assert {row.direction for row in truth[:4]} == {"backward"}
    # A demonstration of 15 s shows all three.
    early = {name for name, row in zip(seen, truth, strict=True) if row.final_contact_s < 15}
    assert len(early) == 3


@pytest.mark.parametrize("gait", sorted(STILLS))
def test_standing_shifting_and_shuffling_have_no_strides_and_never_unload(gait: str) -> None:
    loads, truth = walk_loads(gait, 60_000, 5, USUAL)
    assert truth == ()
    carried = STILLS[gait].carried
    both = loads["left"].total + loads["right"].total
    np.testing.assert_allclose(both, carried, atol=1e-9)
    for load in loads.values():
        assert load.total.min() > 0.1 * carried
        for zone in (load.heel(), load.front()):
            # Far above the level at which any contact would count as released.
            assert zone.min() > 0.12 * zone.max()


def test_weight_shift_is_slow_and_shuffling_is_not() -> None:
    for gait, least_hz, most_hz in (("weight_shift", 0.2, 0.5), ("shuffling", 0.9, 1.5)):
        left = walk_loads(gait, 60_000, 5, USUAL)[0]["left"].total
        rises = np.flatnonzero((left[1:] > 0.5) & (left[:-1] <= 0.5))
        assert least_hz < len(rises) / 60 < most_hz


@pytest.mark.parametrize("gait", ["backward", "forward", "heel_first_backward", "tiptoe", "mixed"])
def test_both_feet_carry_about_the_body_weight(gait: str) -> None:
    loads, truth = walk_loads(gait, 30_000, 2, USUAL)
    both = loads["left"].total + loads["right"].total
    assert both[:29_000].min() > 0.75
    assert both[:29_000].max() < 1.35
    for row in truth:
        middle = round(500 * (row.initial_contact_s + row.final_contact_s))
        load = loads[row.side]
        assert 0.75 < load.total[middle] < 1.2
        parts = load.heel()[middle] + load.front()[middle] + load.midfoot()[middle]
        assert parts == pytest.approx(load.total[middle])


def test_stance_and_double_support_are_as_published() -> None:
    for gait, least, most in (("backward", 0.62, 0.66), ("forward", 0.60, 0.63)):
        truth = strides_of(gait)
        left, right = of_side(truth, "left")[4:], of_side(truth, "right")[4:]
        stride_s = np.diff([row.initial_contact_s for row in left])
        duty = np.median([row.stance_s for row in left[:-1]] / stride_s)
        assert least <= duty <= most
        first = left[0].initial_contact_s
        other = min(row.final_contact_s for row in right if row.final_contact_s > first)
        assert 0.05 < other - first < 0.25


def test_person_changes_what_it_says() -> None:
    def stance_s(person: Person, side: str) -> float:
        return float(np.mean([row.stance_s for row in of_side(strides_of("backward", 1, person), side)]))

    def stride_cv(person: Person) -> float:
        starts = [row.initial_contact_s for row in of_side(strides_of("backward", 1, person), "left")]
        return float(np.std(np.diff(starts[3:])) / np.mean(np.diff(starts[3:])))

    usual, slow = Person(variability_cv=0.0), Person(variability_cv=0.0, speed_mps=0.2)
    # Half the cadence at a quarter of the usual 0.8 m/s.
    assert stance_s(slow, "left") == pytest.approx(2 * stance_s(usual, "left"), rel=0.05)
    limp = Person(variability_cv=0.0, asymmetry=0.2)
    left_s, right_s = stance_s(limp, "left"), stance_s(limp, "right")
    assert 2 * (left_s - right_s) / (left_s + right_s) == pytest.approx(0.2, abs=0.02)
    assert stride_cv(usual) < 0.01 < 0.02 < stride_cv(Person(variability_cv=0.04)) < 0.07
    light = generate("backward", CHANNELS, 5.0, person=Person(weight_kg=40), front_end=IDEAL)
    heavy = generate("backward", CHANNELS, 5.0, person=Person(weight_kg=80), front_end=IDEAL)
    ratio = (heavy.counts["left"].max() - 30) / (light.counts["left"].max() - 30)
    assert ratio == pytest.approx(2, abs=0.05)


def test_sites_load_in_their_order() -> None:
    loads, truth = walk_loads("backward", 20_000, 1, USUAL)
    row = of_side(truth, "left")[3]
    a, b = round(row.initial_contact_s * 1000), round(row.final_contact_s * 1000)
    sites = dict(zip([site for _, site in CHANNELS], channel_loads(loads["left"], CHANNELS), strict=True))
    early = a + 60
    assert sites["met5"][early] > 2 * sites["hallux"][early]
    front = loads["left"].front()[a:b]
    heel = loads["left"].heel()[a:b]
    assert front.argmax() < 0.4 * (b - a) < 0.6 * (b - a) < heel.argmax()
    # All of the forefoot's load is on its channels.
    np.testing.assert_allclose(sum(sites[s] for s in ("hallux", "met1", "met3", "met5"))[a:b], front)


@pytest.mark.parametrize(
    "channels",
    [
        (("forefoot", "ball"), ("heel", "heel")),
        (("toes", "hallux"), ("forefoot", "met1"), ("midfoot", "arch"), ("heel", "heel")),
        (*CHANNELS, ("midfoot", "midfoot_lateral"), ("toes", "toes_lateral")),
    ],
)
def test_other_layouts_work_and_leave_the_truth_alone(
    channels: tuple[tuple[str, str], ...],
) -> None:
    source = generate("backward", channels, 10.0, seed=1)
    assert source.counts["left"].shape == (10_000, len(channels))
    assert source.truth == generate("backward", CHANNELS, 10.0, seed=1).truth
    peaks = source.counts["left"].max(axis=0)
    assert (peaks > 200).all()
    assert (peaks <= 4094).all()


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    one, two = (generate("mixed", CHANNELS, 20.0, seed=7) for _ in range(2))
    assert one.truth == two.truth
    for side in SIDES:
        assert one.counts[side].tobytes() == two.counts[side].tobytes()
    assert generate("mixed", CHANNELS, 20.0, seed=8).counts["left"].tobytes() != one.counts["left"].tobytes()
    assert one.counts["left"].tobytes() != one.counts["right"].tobytes()


def test_golden_run() -> None:
    source = generate("mixed", CHANNELS, 12.0, seed=1)
    digest = hashlib.sha256(b"".join(source.counts[side].astype("<u2").tobytes() for side in SIDES))
    assert digest.hexdigest() == GOLDEN_SHA256


@pytest.mark.parametrize("gait", GAITS)
def test_longer_run_begins_with_the_shorter_and_one_foot_is_that_of_two(gait: str) -> None:
    long, short = generate(gait, CHANNELS, 25.0, seed=4), generate(gait, CHANNELS, 12.345, seed=4)
    assert short.counts["left"].shape == (12_345, 6)
    for side in SIDES:
        np.testing.assert_array_equal(long.counts[side][:12_345], short.counts[side])
    assert short.truth == tuple(row for row in long.truth if row.final_contact_s < 12.345)
    alone = generate(gait, CHANNELS, 12.345, seed=4, sides=("right",))
    assert list(alone.counts) == ["right"]
    np.testing.assert_array_equal(alone.counts["right"], short.counts["right"])
    assert alone.truth == tuple(row for row in short.truth if row.side == "right")


def test_walk_begins_standing_and_swings_to_the_offset() -> None:
    source = generate("backward", CHANNELS, 10.0, seed=1, front_end=IDEAL)
    left, right = source.counts["left"], source.counts["right"]
    assert (left[:800] > 200).all()
    assert (right[:700] > 200).all()
    for side, counts in source.counts.items():
        rows = of_side(source.truth, side)
        for row, following in pairwise(rows):
            a = math.ceil(row.final_contact_s * 1000) + 40
            b = math.floor(following.initial_contact_s * 1000) - 40
            assert (counts[a:b] == 30).all()


def test_heavy_person_stays_in_range() -> None:
    source = generate("backward", CHANNELS, 20.0, person=Person(weight_kg=110), front_end=IDEAL)
    assert (source.counts["left"] == 4094).mean() == 0.0


def test_every_effect_of_the_front_end_shows() -> None:
    load = np.concatenate([np.zeros(500), np.full(4000, 300.0), np.zeros(1500)])
    ideal = to_counts(load, 750.0, IDEAL, (1, 2)).astype(int)
    assert set(ideal[:500]) == {30}
    assert set(ideal[500:4500]) == {round(30 + 4064 * 0.4)}

    def counts(front_end: FrontEnd, seed: int = 1) -> np.ndarray:
        return to_counts(load, 750.0, front_end, (seed, 2)).astype(int)

    gains = [counts(FrontEnd(gain_spread=0.06), seed)[1000] / ideal[1000] for seed in range(40)]
    assert 0.03 < np.std(gains) < 0.1
    offsets = [counts(FrontEnd(offset_spread_counts=10), seed)[0] for seed in range(40)]
    assert 5 < np.std(offsets) < 15
    assert 1.5 < np.std(counts(FrontEnd(noise_counts=2))[1000:4000]) < 2.5
    creeping = counts(FrontEnd(creep=0.2, creep_tau_s=2))
    assert creeping[4400] > creeping[600] + 100
    lagging = counts(FrontEnd(unload_lag_ms=20))
    assert lagging[500] == ideal[500]
    assert 30 + 0.3 * 1626 < lagging[4520] < 30 + 0.45 * 1626
    assert lagging[4700] == 30
    assert counts(FrontEnd(curvature=1))[1000] == pytest.approx(30 + 4064 * 0.4 * 2 / 1.4, abs=1)
    assert counts(FrontEnd(saturation=0.2)).max() == round(30 + 4064 * 0.2)
    drifting = to_counts(np.zeros(300_000), 750.0, FrontEnd(drift_counts=3, offset_counts=300), (1, 2))
    assert 4 < np.ptp(drifting.astype(int)) < 100
    assert to_counts(np.array([-1e5, 1e5]), 750.0, REALISTIC, (1, 2)).tolist() == [0, 4094]


def test_ten_minutes_of_two_feet_take_seconds(tmp_path: Path) -> None:
    source = generate("backward", CHANNELS, 600.0, seed=1)
    assert source.duration_s == 600.0
    assert len(source.truth) > 900
    paths = write(source, tmp_path / "walk")
    assert paths["right"].stat().st_size == 600_000 * 6 * 2
    raw = np.fromfile(paths["right"], dtype="<u2").reshape(-1, 6)
    np.testing.assert_array_equal(raw, source.counts["right"])


def test_truth_is_written_as_the_stride_table(tmp_path: Path) -> None:
    source = generate("backward", CHANNELS, 10.0, seed=1)
    assert write_truth(source, tmp_path / "truth.csv") == len(source.truth)
    with (tmp_path / "truth.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["side"] == "right"
    assert rows[1]["side"] == "left"
    assert float(rows[0]["initial_contact_s"]) == pytest.approx(source.truth[0].initial_contact_s, abs=1e-4)
    assert rows[0]["detected_s"] == ""
    assert rows[0]["direction"] == "backward"


def test_disk_that_refuses_is_a_storage_error(tmp_path: Path) -> None:
    source = Source({"left": np.zeros((2, 1), dtype=np.uint16)}, (("heel", "heel"),))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="free space, or choose another folder"):
        write(source, tmp_path / "file")
    with pytest.raises(StorageError, match="cannot write the true strides"):
        write_truth(source, tmp_path / "file" / "truth.csv")


def test_impossible_requests_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="gait 'moonwalk', expected one of backward, forward"):
        generate("moonwalk", CHANNELS, 10.0)
    for duration_s in (0.0, -1.0, 1e9, math.nan):
        with pytest.raises(UsageError, match=r"expected 0\.1 to 3600"):
            generate("backward", CHANNELS, duration_s)
    with pytest.raises(UsageError, match="side 'middle', expected left or right"):
        generate("backward", CHANNELS, 1.0, sides=("middle",))
    with pytest.raises(UsageError, match="zone 'knee', expected one of forefoot"):
        generate("backward", (("knee", "x"),), 1.0)
    with pytest.raises(UsageError, match="no channels or no sides"):
        generate("backward", (), 1.0)
    with pytest.raises(UsageError, match="seed -1, expected 0 or more"):
        generate("backward", CHANNELS, 1.0, seed=-1)
    with pytest.raises(UsageError, match="weight_kg is 5, expected 20 to 250"):
        Person(weight_kg=5)
    with pytest.raises(UsageError, match=r"speed_mps is 0, expected 0\.1 to 3"):
        Person(speed_mps=0.0)
    with pytest.raises(UsageError, match="front end: noise_counts is -1, expected 0 to 200"):
        FrontEnd(noise_counts=-1)
