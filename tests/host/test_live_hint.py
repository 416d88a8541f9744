"""The hint of the live views: when it comes, when it goes, and that it never comes of what is unknown."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pytest

from retrosole.gait.strides import Stride
from retrosole.live.hint import OrderState, choose_hint, order_state, pace_excess
from retrosole.live.pace import QUIET_S, cadence_steps_min, recent_stride_times_s, stride_time_s

ORDERS = {"f": "forefoot_first", "h": "heel_first", "t": "together", "?": "unknown"}


def walked(letters: str, stride_s: float = 1.2, *, direction: str = "backward", first_s: float = 0.0) -> list[Stride]:
    """Walk one stride for each letter: forefoot, heel, together, ? unknown."""
    return [
        Stride("left", k, first_s + k * stride_s, contact_order=ORDERS[c], direction=direction)
        for k, c in enumerate(letters)
    ]


@dataclass
class Foot:
    strides: list[Stride]
    side: str = "left"
    target_order: str = "forefoot_first"
    is_connected: bool = True
    later_s: float = 0.5

    @property
    def now_s(self) -> float:
        return (self.strides[-1].initial_contact_s if self.strides else 0.0) + self.later_s


@pytest.mark.parametrize(
    ("letters", "due"),
    [
        ("", False),
        ("hh", False),
        ("hhh", True),
        ("fhfhf", False),
        ("fhfhfh", True),  # three of the last five
        ("hhhf", True),  # one good step is not enough
        ("hhhff", False),
        ("hhhfhf", True),
        ("hhhffhh", False),  # it takes three again
        ("hhhffhhh", True),
        ("????????", False),
        ("tttttttt", False),
        ("h?h?t?h", True),  # unknown ones neither count nor clear
        ("hhh????", True),
        ("hhhf?f", False),
    ],
)
def test_when_a_missed_order_is_said(letters: str, due: bool) -> None:
    assert order_state(walked(letters), "forefoot_first").is_due is due
    mirrored = letters.translate(str.maketrans("fh", "hf"))
    assert order_state(walked(mirrored), "heel_first").is_due is due


def test_it_is_calm() -> None:
    """Whatever the steps, it stays for two of them at least, and takes five from one coming to the next."""
    for letters in itertools.product("fh", repeat=9):
        due = [order_state(walked("".join(letters[:n])), "forefoot_first").is_due for n in range(10)]
        came = [n for n in range(1, 10) if due[n] and not due[n - 1]]
        went = [n for n in range(1, 10) if due[n - 1] and not due[n]]
        assert all(b - a >= 5 for a, b in itertools.pairwise(came))
        assert all(w - max(c for c in came if c < w) >= 2 for w in went)


def test_steps_forward_and_targets_that_are_no_order_are_not_judged() -> None:
    assert order_state(walked("hhhhh", direction="forward"), "forefoot_first") == OrderState()
    assert order_state(walked("hhhhh"), "unknown") == OrderState()
    assert order_state(walked("hhhhh", direction="unknown"), "forefoot_first").is_due


def test_a_pause_and_a_restart_begin_anew() -> None:
    before = walked("hh")
    assert not order_state(before + walked("h", first_s=1.2 + QUIET_S + 0.1), "forefoot_first").is_due
    assert not order_state([*walked("hh", first_s=60), *walked("h")], "forefoot_first").is_due


def test_the_words_for_one_foot_and_for_two() -> None:
    left, right = Foot(walked("hfhhh")), Foot(walked("hhhhh"), "right")
    hint = choose_hint([left])
    assert hint is not None and (hint.kind, hint.level, hint.words) == ("order", "notice", "Forefoot first")
    assert hint.detail == "heel first in 4 of 5 recent steps, left" and hint.sides == ("left",)
    hint = choose_hint([left, right])
    assert hint is not None and hint.level == "warning" and hint.sides == ("left", "right")
    assert hint.detail == "heel first in 4 of 5 recent steps, left, and 5 of 5, right"
    other = Foot(walked("fff"), target_order="heel_first")
    hint = choose_hint([other])
    assert hint is not None and hint.words == "Heel first" and hint.detail.startswith("forefoot first in 3")


@pytest.mark.parametrize("letters", ["", "f", "ffffff", "??????"])
def test_nothing_to_say(letters: str) -> None:
    assert choose_hint([Foot(walked(letters))], 150) is None
    assert choose_hint([], 150) is None


def test_who_stands_or_is_gone_is_left_in_peace() -> None:
    assert choose_hint([Foot(walked("hhhhh"), later_s=QUIET_S + 0.1)]) is None
    assert choose_hint([Foot(walked("hhhhh"), is_connected=False)]) is None
    assert choose_hint([Foot(walked("hhhhh"), later_s=-30)]) is None  # the insole was reset since


def test_pace_above_the_plan_is_said_before_the_order() -> None:
    foot = Foot(walked("hhhhh", 1.0))  # 120 steps/min
    hint = choose_hint([foot], 110)
    assert hint is not None and (hint.kind, hint.words, hint.level) == ("pace", "Slower", "notice")
    assert hint.detail == "120 steps/min, the plan says up to 110"
    hint = choose_hint([foot], 100)
    assert hint is not None and hint.level == "warning"
    hint = choose_hint([foot], 118)  # within what strides vary
    assert hint is not None and hint.kind == "order"
    hint = choose_hint([foot])
    assert hint is not None and hint.kind == "order"


def test_pace_goes_when_the_limit_is_kept() -> None:
    quick, slower = walked("ffffff", 1.0), walked("ffffffff", 1.1, first_s=6.1)
    strides = quick + [Stride("left", 6 + k, s.initial_contact_s) for k, s in enumerate(slower)]
    due = [pace_excess(strides[:n], 110) > 0 for n in range(len(strides) + 1)]
    assert due == [False] * 4 + [True] * 5 + [False] * 6
    assert pace_excess(walked("fff", 0.5), 110) == 0  # two quick steps are no pace


def test_cadence() -> None:
    assert cadence_steps_min(walked("ffff", 1.2), 4.0) == pytest.approx(100)
    assert math.isnan(cadence_steps_min(walked("ffff", 1.2), 3.6 + QUIET_S + 1))
    assert math.isnan(cadence_steps_min(walked("f"), 0.5)) and math.isnan(cadence_steps_min([], 0.5))
    assert recent_stride_times_s([*walked("ff"), Stride("left", 2, 30.0)]) == []  # a pause


def test_stride_time_over_lost_strides() -> None:
    first = Stride("left", 3, 10.0)
    assert stride_time_s(first, Stride("left", 4, 11.2)) == pytest.approx(1.2)
    assert stride_time_s(first, Stride("left", 6, 13.6)) == pytest.approx(1.2)
    assert math.isnan(stride_time_s(first, Stride("left", 7, 14.8)))
    assert math.isnan(stride_time_s(first, Stride("left", 0, 11.0)))
    assert math.isnan(stride_time_s(first, Stride("left", 4, 15.1)))
