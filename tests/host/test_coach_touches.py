"""Toe touches are counted, and steps are not: on made feet, on virtual walks, with samples missing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from made_feet import RATE_HZ, STANDING_N, Down, foot, touches
from numpy.typing import NDArray
from pty_insole import identity

from retrosole import wire
from retrosole.coach.touches import Landing, TouchCounter, counter_of
from retrosole.twin.boards import board_channels
from retrosole.twin.gait_model import generate

FRAME_N = 26
COUNTS_PER_N = 10.0
Counts = NDArray[np.uint16]


def counts_of(downs: list[Down], seconds: float = 20.0, noise_counts: float = 20.0) -> Counts:
    """Give counts of four forefoot and two heel channels with an offset each, as the firmware samples them."""
    forefoot, heel = foot(downs, seconds)
    rng = np.random.default_rng(5)
    columns = [forefoot / 4] * 4 + [heel / 2] * 2
    rows = np.stack(columns, axis=1) * COUNTS_PER_N + [40, 90, 10, 60, 120, 30]
    return np.clip(rows + rng.normal(0, noise_counts, rows.shape), 0, 4094).astype(np.uint16)


def fed(counts: Counts, holes: tuple[slice, ...] = (), lost: tuple[int, ...] = ()) -> TouchCounter:
    """Feed counts as frames; `holes` were never taken, frames numbered in `lost` never came."""
    counter = counter_of(identity(rate_hz=RATE_HZ))
    counts = counts.copy()
    for hole in holes:
        counts[hole] = wire.MISSING_COUNT
    for number, first in enumerate(range(0, len(counts), FRAME_N)):
        if number not in lost:
            counter.samples(first, counts[first : first + FRAME_N])
    return counter


def contact(index: int, order: wire.Order = wire.Order.FOREFOOT_FIRST) -> wire.ContactFrame:
    return wire.ContactFrame(5, 0, index, 0, order, 3, 0)


@pytest.mark.parametrize("n", [0, 1, 10])
@pytest.mark.parametrize("load_n", [30.0, 70.0, 150.0])
def test_each_touch_is_counted_once(n: int, load_n: float) -> None:
    counter = fed(counts_of(touches(3.0, n, 30.0, load_n)))
    assert counter.landings == [Landing.TOES] * n
    assert counter.n == n


def test_a_heel_lowered_behind_the_toes_is_a_touch_too() -> None:
    rolled = [Down(-1, 3), *(Down(4 + 2 * k, 5 + 2 * k, 60, 50, lag_s=0.2) for k in range(3)), Down(11, 30)]
    assert fed(counts_of(rolled)).landings == [Landing.ROLLED] * 3


def test_heel_first_flat_and_standing_are_not_touches() -> None:
    heel = [Down(-1, 3), Down(4, 5, 0, 80), Down(6, 7, 40, 60), Down(8, 15.5, 80, 0), Down(17, 30)]
    counter = fed(counts_of(heel, 24))
    assert counter.landings == [Landing.HEEL, Landing.HEEL, Landing.STOOD]
    assert counter.n == 0


def test_the_weight_on_it_is_a_step() -> None:
    stepped = [Down(-1, 3), Down(4, 5, STANDING_N, 0), Down(6, 7, 60, 0), Down(9, 30)]
    assert fed(counts_of(stepped)).landings == [Landing.STEP, Landing.TOES]


def test_a_knock_is_nothing() -> None:
    assert fed(counts_of([Down(-1, 3), Down(4, 4.06, 90, 0), Down(6, 30)])).landings == []


def test_nothing_is_counted_before_the_foot_was_lifted() -> None:
    rng = np.random.default_rng(3)
    swaying = counts_of([Down(-1, 60)], 30).astype(float)
    swaying += 60 * np.sin(np.arange(len(swaying)) / 150)[:, None] + rng.normal(0, 10, swaying.shape)
    assert fed(np.clip(swaying, 0, 4094).astype(np.uint16)).landings == []


GAITS = ("backward", "forward", "heel_first_backward", "tiptoe", "mixed")


@pytest.mark.parametrize("gait", GAITS)
def test_steps_of_virtual_walks_are_steps(gait: str) -> None:
    source = generate(gait, board_channels("esp32_devkitc"), 40.0, seed=4)
    for side, counts in source.counts.items():
        walked = sum(row.side == side for row in source.truth)
        counter = fed(counts[:: 1000 // RATE_HZ])
        assert counter.n == 0
        assert abs(Counter(counter.landings)[Landing.STEP] - walked) <= 1, "all of them are seen, as steps"
        assert walked > 25


@pytest.mark.parametrize("gait", ["standing", "weight_shift", "shuffling", "sitting"])
def test_feet_that_stay_down_touch_nothing(gait: str) -> None:
    source = generate(gait, board_channels("esp32_devkitc"), 60.0, seed=4)
    for counts in source.counts.values():
        assert fed(counts[:: 1000 // RATE_HZ]).n == 0


# --- contact frames


def test_contact_frames_of_what_the_samples_tell_do_not_count_twice() -> None:
    counts = counts_of(touches(3.0, 3, 30.0))
    counter = counter_of(identity(rate_hz=RATE_HZ))
    for first in range(0, len(counts), FRAME_N):
        for k in range(3):
            index = round((3.5 + 1.2 * k) * RATE_HZ)
            if first <= index < first + FRAME_N:
                counter.contact(contact(index))  # before its samples, as on the wire
        counter.samples(first, counts[first : first + FRAME_N])
    assert counter.n == 3


def test_where_samples_are_missing_contact_frames_count() -> None:
    counts = counts_of(touches(3.0, 3, 30.0))
    at = round(4.7 * RATE_HZ)  # the second touch
    lost = tuple(range((at - 30) // FRAME_N, (at + 110) // FRAME_N + 1))
    assert fed(counts, lost=lost).n == 2
    for order, n in ((wire.Order.FOREFOOT_FIRST, 3), (wire.Order.HEEL_FIRST, 2)):
        counter = counter_of(identity(rate_hz=RATE_HZ))
        for number, first in enumerate(range(0, len(counts), FRAME_N)):
            if number == lost[0]:
                counter.contact(contact(at, order))
            if number not in lost:
                counter.samples(first, counts[first : first + FRAME_N])
        assert counter.n == n


def test_holes_in_the_samples_are_gaps_too() -> None:
    counts = counts_of(touches(3.0, 3, 30.0))
    at = round(4.7 * RATE_HZ)
    counter = fed(counts, holes=(slice(at - 20, at + 110),))
    assert counter.n == 2
    counter.contact(contact(at + 5))
    assert counter.n == 3


def test_a_touch_torn_by_a_hole_is_not_guessed() -> None:
    counts = counts_of(touches(3.0, 1, 30.0))
    middle = round(3.7 * RATE_HZ)
    assert fed(counts, holes=(slice(middle, middle + 2),)).n <= 1


def test_frames_from_the_store_come_too_late_to_be_told() -> None:
    counts = counts_of(touches(3.0, 2, 30.0))
    counter = fed(counts)
    counter.samples(0, counts[:FRAME_N])
    assert counter.n == 2


def test_after_a_reset_it_goes_on() -> None:
    counts = counts_of(touches(3.0, 2, 30.0))
    counter = fed(counts)
    counter.restart()
    for first in range(0, len(counts), FRAME_N):
        counter.samples(first, counts[first : first + FRAME_N])
    assert counter.n == 4


def test_zones_are_those_of_the_insole() -> None:
    zones = bytes([wire.Zone.HEEL, wire.Zone.MIDFOOT, wire.Zone.TOES, wire.Zone.FOREFOOT]) + bytes([255] * 4)
    counter = counter_of(identity(zones=zones, channel_n=4))
    assert (counter.forefoot, counter.heel) == ((2, 3), (0,))
