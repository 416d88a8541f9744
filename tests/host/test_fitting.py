"""Fitting an insole: settings in words, what it refuses, and when a load is steady."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pty_insole import PtyInsole, identity, insole_maker

from retrosole import wire
from retrosole.device import connect
from retrosole.errors import UsageError
from retrosole.fitting import choices
from retrosole.fitting.standing import STEADY_S, Stillness
from retrosole.flashing.chips import CHIPS
from retrosole.flashing.found import Found
from retrosole.twin.boards import board_channels, board_names
from retrosole.twin.gait_model import generate

RATE_HZ = 200


@pytest.fixture
def make() -> Iterator[Callable[..., PtyInsole]]:
    yield from insole_maker()


def test_every_setting_of_the_wire_can_be_said_in_words() -> None:
    said = {*choices.WORDS, "rate_hz", "rate_alone_hz", "zones"}
    assert said == {setting.name.lower() for setting in wire.Setting}
    for setting, words in choices.WORDS.items():
        assert set(words.values()) == set(wire.SETTING_CHOICES[setting])


def test_every_board_has_its_chip() -> None:
    boards = [board for chip in CHIPS for board in chip.boards]
    assert sorted([*boards, wire.Board.UNKNOWN]) == sorted(wire.Board)
    assert {board.name.lower() for board in boards} == set(board_names())


@pytest.mark.parametrize(("board", "known"), [(wire.Board.INSOLE_S3, 3), (wire.Board.UNKNOWN, None), (77, None)])
def test_what_is_flashed_anew_stays_the_board_it_was_set_to_be(board: int, known: int | None) -> None:
    assert Found("", identity=identity(board=board)).settings.get("board") == known


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("forefoot,heel", 0b0100),
        ("Toes, forefoot ,HEEL", 0b01_00_11),
        ("default", -1),
        ("heel,midfoot,forefoot", 0b1001),
    ],
)
def test_zones_are_two_bits_each(text: str, bits: int) -> None:
    assert choices.zone_bits(text, text.count(",") + 1) == bits


@pytest.mark.parametrize("text", ["", "forefoot", "forefoot,heel,", "unused,heel,forefoot", "0,1"])
def test_zones_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        choices.zone_bits(text, 2)


def test_a_board_of_another_chip_is_refused_in_words(make: Callable[..., PtyInsole]) -> None:
    there = make()
    there.results[wire.SetFrame.TYPE] = wire.Result.OUT_OF_RANGE
    with (
        connect(there.port) as insole,
        pytest.raises(UsageError, match="does not take the board esp32_c3: choose that"),
    ):
        list(choices.apply(insole, {"board": wire.Board.ESP32_C3}))


def test_what_was_changed_before_a_refusal_is_told(make: Callable[..., PtyInsole]) -> None:
    there = make()
    with connect(there.port) as insole:
        changes = choices.apply(insole, {"cue": 1, "board": wire.Board.ESP32_C3})
        assert next(changes).line() == "  cue              off -> on"
        there.results[wire.SetFrame.TYPE] = wire.Result.OUT_OF_RANGE
        with pytest.raises(UsageError):
            next(changes)


def test_settings_read_as_a_person_says_them() -> None:
    who = identity(foot=wire.Side.UNSET, target_order=wire.Order.HEEL_FIRST, cue=1)
    names = ("side", "target_order", "cue", "rate_hz", "rate_alone_hz", "board", "zones")
    assert [choices.current(who, name) for name in names] == [
        "unset",
        "heel first",
        "on",
        "200 Hz",
        "",
        "esp32_devkitc",
        "forefoot,forefoot,forefoot,forefoot,heel,heel",
    ]


# ------------------------------------------------------------------------------------------------------------ standing


def seconds_to_steady(counts: np.ndarray, baseline: float) -> float | None:
    stillness = Stillness(RATE_HZ)
    for at in range(0, len(counts) - 26, 26):
        stillness.add(counts[at : at + 26])
        if stillness.steady_s(baseline) >= STEADY_S:
            return (at + 26) / RATE_HZ
    return None


def model(gait: str, seed: int) -> np.ndarray:
    return generate(gait, board_channels("esp32_devkitc"), 30, seed, sides=("left",)).counts["left"][::5]


@pytest.mark.parametrize("seed", range(8))
def test_standing_is_steady_and_shifting_weight_is_not(seed: int) -> None:
    steady_s = seconds_to_steady(model("standing", seed), 180)
    assert steady_s is not None and steady_s < 6
    assert seconds_to_steady(model("weight_shift", seed), 180) is None
    assert seconds_to_steady(model("backward", seed)[RATE_HZ * 3 :], 180) is None


def test_a_foot_in_the_air_is_steady_within_its_noise() -> None:
    noise = np.random.default_rng(1).normal(30, 2.5, (RATE_HZ * 5, 6))
    assert seconds_to_steady(noise.clip(0).astype(np.uint16), 0) == pytest.approx(STEADY_S, abs=0.2)


def test_what_is_taken_is_the_mean_of_the_steady_time() -> None:
    stillness = Stillness(RATE_HZ)
    for level in [2000] * 8 + [100] * 20:
        stillness.add(np.full((26, 6), level, np.uint16))
    assert stillness.steady_s(0) >= STEADY_S
    assert stillness.mean == pytest.approx(np.full(6, 100))
