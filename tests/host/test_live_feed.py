"""What a page is told: everything once, then only what changed, each sample column once."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live.feed import Feed
from retrosole.live.state import MESSAGE_S, FootState, LiveState

NAMES, ZONES = ["met1", "heel_medial"], ["forefoot", "heel"]


def make_foot(side: str = "left", rate_hz: float = 200.0) -> FootState:
    foot = FootState(side, NAMES, ZONES, rate_hz)
    foot.link = "connected"
    return foot


def push(foot: FootState, first: int, values: list[int]) -> None:
    foot.push_samples(first, np.array([values, values], np.uint16).T)


def advance(feed: Feed, now_s: float = 0.0) -> dict[str, Any]:
    text = feed.advance(now_s)
    return {} if text is None else json.loads(text, parse_constant=pytest.fail)


def whole(feed: Feed) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(feed.whole(), parse_constant=pytest.fail)
    return message


def test_what_did_not_change_is_not_said_again() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    assert advance(feed)["n"] == 1
    assert advance(feed) == {}
    assert json.loads(feed.advance(0.0, is_due=True) or "") == {"n": 2}
    foot.battery_mv = 3700
    assert advance(feed) == {"n": 3, "feet": [{"battery": "3.70 V"}]}


def test_a_column_is_the_highest_of_20_ms_and_comes_once_when_it_is_complete() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    push(foot, 0, [10, 20, 30, 25, 40, 41])
    news = advance(feed)["feet"][0]
    assert (news["first"], news["columns"]) == (0, [[30, 30]])
    push(foot, 6, [7, 4095, 4095, 4095, 4095, 4095, 50])
    news = advance(feed)["feet"][0]
    assert (news["first"], news["columns"]) == (1, [[41, 41], [-1, -1]])


@pytest.mark.parametrize(("rate_hz", "per_column"), [(100.0, 2), (200.0, 4), (500.0, 10)])
def test_columns_of_every_rate_join_without_a_gap(rate_hz: float, per_column: int) -> None:
    foot = make_foot(rate_hz=rate_hz)
    feed = Feed(LiveState([foot]))
    advance(feed)
    rng = np.random.default_rng(5)
    values = rng.integers(0, 4000, 12 * int(rate_hz))
    got: list[int] = []
    at = 0
    while at < len(values):
        n = int(rng.integers(1, 60))
        push(foot, at, values[at : at + n].tolist())
        at += n
        news = advance(feed).get("feet", [{}])[0]
        if "columns" in news:
            assert news["first"] == len(got)
            got += [column[0] for column in news["columns"]]
    end = len(values) // per_column
    assert got == values[: end * per_column].reshape(-1, per_column).max(axis=1).tolist()
    everything = whole(feed)["feet"][0]
    assert everything["columns"] == [[v, v] for v in got[-everything["column_n"] :]]
    assert everything["column_n"] * everything["column_s"] == pytest.approx(10.0)


def test_after_a_long_silence_there_is_no_more_than_a_window() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    push(foot, 0, [5] * 8)
    advance(feed)
    push(foot, 50_000, [9] * 8)
    news = advance(feed)["feet"][0]
    assert len(news["columns"]) == 500 and news["first"] == 50_008 // 4 - 500
    assert news["columns"][-2:] == [[9, 9]] * 2 and news["columns"][0] == [-1, -1]


def test_an_insole_that_begins_anew_is_told_whole() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    push(foot, 0, [5] * 400)
    foot.push_stride(Stride("left", 0, 0.1, final_contact_s=0.7))
    advance(feed)
    foot.restart()
    push(foot, 0, [9] * 8)
    news = advance(feed)["feet"][0]
    assert news["restart"] and news["columns"] == [[9, 9]] * 2 and news["first"] == 0
    assert news["stances"] == [] and len(news["strides"]) == 1
    foot.begin()
    news = advance(feed)["feet"][0]
    assert news["restart"] and news["columns"] == [] and news["strides"] == []


def test_each_stride_comes_once_and_as_a_person_reads_it() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    advance(feed)
    first = Stride("left", 3, 1.0, 1.0, 1.1, 1.5, 1.6, 1.62, "forefoot_first", "forefoot_first", "backward", 0.9)
    foot.push_stride(first)
    assert advance(feed)["feet"][0]["strides"] == [
        {"no": 3, "order": "forefoot_first", "words": "forefoot first", "lift": "forefoot first",
         "direction": "backward", "stance": "620", "lowering": "100"}
    ]  # fmt: skip
    foot.push_stride(Stride("left", 4, 2.0))
    (row,) = advance(feed)["feet"][0]["strides"]
    assert (row["words"], row["lift"], row["direction"]) == ("unknown", "unknown", "unknown")
    assert (row["stance"], row["lowering"]) == ("--", "--")
    for number in range(5, 100):
        foot.push_stride(Stride("left", number, float(number)))
    assert [row["no"] for row in advance(feed)["feet"][0]["strides"]] == list(range(76, 100))


def test_share_and_cadence_are_of_both_feet() -> None:
    feet = [make_foot("left"), make_foot("right")]
    feed = Feed(LiveState(feet))
    news = advance(feed)
    assert (news["toe_first"], news["decided_n"], news["cadence"]) == ("--", 0, "--")
    for number in range(4):
        feet[0].push_stride(Stride("left", number, 1.0 * number, contact_order="forefoot_first"))
        feet[1].push_stride(Stride("right", number, 1.2 * number, contact_order=("unknown", "heel_first")[number % 2]))
    for foot in feet:
        push(foot, 0, [5] * 800)
    news = advance(feed)
    assert (news["toe_first"], news["decided_n"]) == ("67", 6)
    assert news["cadence"] == "110"  # 120 and 100


def test_the_left_foot_is_the_mirrored_right_one() -> None:
    feet = [make_foot("left"), make_foot("right")]
    feed = Feed(LiveState(feet))
    for foot in feet:
        push(foot, 0, [100] * 400)
        foot.push_samples(400, np.tile(np.array([[4000, 1000]], np.uint16), (200, 1)))
    advance(feed)
    left, right = whole(feed)["feet"]
    for what in ("places", "outline"):
        assert np.allclose([[1 - x, y] for x, y in left[what]], right[what], atol=0.0011)
    (x, y), (mirrored_x, mirrored_y) = right["trail"][-1], left["trail"][-1]
    assert abs(1000 - mirrored_x - x) <= 1 and mirrored_y == y
    assert abs(y - 1000 * (0.31 * 3900 + 0.85 * 900) / 4800) < 10


def test_silence_of_an_insole_is_counted() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    push(foot, 0, [5] * 8)
    assert advance(feed, 100.0)["feet"][0]["quiet"] == 0
    assert advance(feed, 101.0) == {}
    news = advance(feed, 103.5)["feet"][0]
    assert news == {"quiet": 3, "loads": [-1, -1], "trail": []}, "what it shows is no longer so"
    push(foot, 8, [5] * 8)
    assert advance(feed, 104.0)["feet"][0]["quiet"] == 0


def test_a_foot_that_is_gone_shows_no_load_and_no_loss() -> None:
    foot = make_foot()
    feed = Feed(LiveState([foot]))
    push(foot, 0, [100] * 400)
    push(foot, 400, [900] * 100)
    foot.push_contact("heel_first", 2.0)
    foot.lost_sample_n = 7
    news = advance(feed, 1.0)["feet"][0]
    assert news["loads"] == [100, 100] and news["contact"] == [2.0, "heel_first", "heel first"]
    assert news["lost"] == "lost 7 samples, 0 frames"
    foot.link = "gone, looking for it"
    news = advance(feed, 1.1)["feet"][0]
    assert (news["loads"], news["trail"], news["contact"], news["lost"]) == ([-1, -1], [], None, "")


def test_the_time_of_the_newest_sample_is_known_only_when_one_came() -> None:
    feet = [make_foot("left"), make_foot("right")]
    feed = Feed(LiveState(feet))
    advance(feed)
    assert math.isnan(feed.sampled_s)
    feet[0].sampled_s, feet[1].sampled_s = 7.0, 5.0
    for foot in feet:
        push(foot, 0, [5] * 8)
    advance(feed)
    assert feed.sampled_s == 7.0
    feet[1].sampled_s = 7.1
    push(feet[1], 8, [5] * 8)
    advance(feed)
    assert feed.sampled_s == 7.1, "only the right foot brought some"
    feet[0].battery_mv = 3000
    advance(feed)
    assert math.isnan(feed.sampled_s), "no sample came with this one"


def test_what_an_insole_says_of_itself_is_plain_text() -> None:
    foot = FootState("left", ["a\x1b[2J", "日本"], ZONES, 200.0)
    foot.fault = "\u202eevil\n"
    feed = Feed(LiveState([foot], message="a\nb"))
    advance(feed)
    message = whole(feed)
    assert message["feet"][0]["names"] == ["a?[2J", "??"]
    assert message["feet"][0]["fault"] == "?evil?" and message["message"] == "a?b"
    advance(feed, MESSAGE_S)
    assert whole(feed)["message"] == "", "what was said long ago is no news"
