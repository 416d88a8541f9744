"""The damaging line: the same seed, the same damage; and every damage counted."""

from __future__ import annotations

import pytest

from retrosole.errors import UsageError
from retrosole.twin.damage import Damage

_DATA = bytes(range(256)) * 80


def test_without_damage_every_byte_arrives() -> None:
    line = Damage()
    assert line.apply(_DATA) == _DATA
    assert (line.byte_n, line.damage_n) == (len(_DATA), 0)


def test_certain_drop_leaves_nothing_and_certain_double_leaves_two_of_each() -> None:
    gone, twice = Damage(drop=1.0), Damage(double=1.0)
    assert gone.apply(b"abc") == b""
    assert twice.apply(b"abc") == b"aabbcc"
    assert (gone.dropped_n, twice.doubled_n) == (3, 3)


def test_a_flip_changes_exactly_one_bit_of_each_byte_it_hits() -> None:
    line = Damage(flip=0.05, seed=3)
    arrived = line.apply(_DATA)
    changes = [(a ^ b).bit_count() for a, b in zip(_DATA, arrived, strict=True)]
    assert set(changes) == {0, 1}
    assert sum(changes) == line.flipped_n


def test_counts_explain_the_length_of_what_arrived() -> None:
    line = Damage(drop=0.02, flip=0.01, double=0.03, seed=7)
    arrived = line.apply(_DATA)
    assert len(arrived) == len(_DATA) - line.dropped_n + line.doubled_n
    # 20480 bytes: expected 410, 205 and 614, each within five standard deviations
    assert abs(line.dropped_n - 410) < 100
    assert abs(line.flipped_n - 205) < 72
    assert abs(line.doubled_n - 614) < 122


def test_cutting_the_stream_elsewhere_does_not_change_the_damage() -> None:
    whole = Damage(drop=0.02, flip=0.05, double=0.03, seed=(1, 0))
    cut = Damage(drop=0.02, flip=0.05, double=0.03, seed=(1, 0))
    pieces = b"".join(cut.apply(_DATA[at : at + 37]) for at in range(0, len(_DATA), 37))
    assert whole.apply(_DATA) == pieces
    assert whole.damage_n == cut.damage_n


def test_another_seed_damages_other_bytes() -> None:
    assert Damage(flip=0.01, seed=1).apply(_DATA) != Damage(flip=0.01, seed=2).apply(_DATA)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"drop": -0.1}, "drop is a probability per byte from 0 to 1, got -0.1: try 0.001"),
        ({"flip": 1.5}, "flip is a probability per byte from 0 to 1, got 1.5: try 0.001"),
        (
            {"double": float("nan")},
            "double is a probability per byte from 0 to 1, got nan: try 0.001",
        ),
        (
            {"drop": 0.7, "flip": 0.7},
            "drop, flip and double together are 1.4 per byte, at most 1 is possible",
        ),
    ],
)
def test_impossible_probabilities_are_refused(given: dict[str, float], text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Damage(**given)  # type: ignore[arg-type]
    assert str(refusal.value) == text
