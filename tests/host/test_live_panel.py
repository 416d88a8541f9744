"""The layout of the live view: rows of exactly the right size, with the right words in them."""

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live import foot_map
from retrosole.live.palette import zone_colour
from retrosole.live.panel import clock_text, foot_rows, footer_row, header_row
from retrosole.live.rows import beside, fit, plain, row_width, spread, to_text
from retrosole.live.state import FootState, LiveState

NAMES = ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"]
ZONES = ["forefoot"] * 4 + ["heel"] * 2
SIZES = [
    (40, 22),
    (60, 38),
    (80, 22),
    (120, 38),
    (85, 43),
    (200, 60),
    (30, 8),
    (12, 3),
    (1, 1),
    (40, 12),
]


def empty_foot(side: str = "left") -> FootState:
    foot = FootState(side, NAMES, ZONES, 200.0)
    foot.link = "connected"
    return foot


def walked_foot(side: str = "left") -> FootState:
    """Ten seconds with a pulse on every channel each second, and one stride for each."""
    foot = empty_foot(side)
    counts = np.full((2000, 6), 100, dtype=np.uint16)
    for second in range(10):
        counts[200 * second + 20 : 200 * second + 120] = 2100
        foot.push_stride(stride(second + 1, second + 0.1))
    foot.push_samples(0, counts)
    return foot


def stride(number: int, start_s: float) -> Stride:
    order, direction = ("heel_first", "forward") if number == 9 else ("forefoot_first", "backward")
    return Stride(
        "left", number, start_s, final_contact_s=start_s + 0.5,
        contact_order=order, direction=direction, confidence=0.9,
    )  # fmt: skip


def text_of(foot: FootState, width: int, height: int) -> str:
    return "\n".join(to_text(foot_rows(foot.snapshot(), width, height)))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("map_at_left", [False, True])
def test_every_size_is_filled_exactly(width: int, height: int, map_at_left: bool) -> None:
    missing = empty_foot()
    missing.push_samples(0, np.full((2500, 6), 4095, dtype=np.uint16))
    missing.fault = "channel met3 is stuck"
    for foot in (empty_foot(), walked_foot(), missing):
        rows = foot_rows(foot.snapshot(), width, height, map_at_left)
        assert [row_width(row) for row in rows] == [width] * height


@pytest.mark.parametrize("channel_n", [1, 2, 8])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_other_numbers_of_channels(channel_n: int, width: int, height: int) -> None:
    foot = FootState("right", [f"place_{i}" for i in range(channel_n)], ["toes"] * channel_n, 500.0)
    foot.push_samples(0, np.full((30, channel_n), 7, dtype=np.uint16))
    rows = foot_rows(foot.snapshot(), width, height)
    assert [row_width(row) for row in rows] == [width] * height


def test_strides_in_words_and_units() -> None:
    lines = text_of(walked_foot(), 60, 38).splitlines()
    assert lines[1].startswith(" no. first contact  walking  stance sure")
    assert lines[2].startswith("                                 ms    %")
    assert lines[3].startswith("  10 forefoot first backward    500   90")
    assert lines[4].startswith("   9 heel first     forward     500   90")


def test_unknown_stride_is_a_question_mark() -> None:
    foot = empty_foot()
    foot.push_stride(Stride("left", 1, 1.0))
    assert "   1 ?              ?            --    0" in text_of(foot, 60, 38)


def test_contact_shows_only_while_the_foot_presses() -> None:
    foot = walked_foot()
    foot.push_contact("heel_first", 10.0)
    assert "on the ground" not in text_of(foot, 60, 38)
    foot.push_samples(2000, np.full((30, 6), 2000, dtype=np.uint16))
    text = text_of(foot, 60, 38)
    assert "   · heel first     on the ground" in text and "╍" in text


def test_every_channel_has_name_value_and_the_colour_of_its_zone() -> None:
    rows = foot_rows(walked_foot().snapshot(), 60, 38)
    for name, zone in zip(NAMES, ZONES, strict=True):
        words = name.replace("_", " ")
        row = next(row for row in rows if row[1][0].startswith(words))
        assert row[1][1] == row[2][1] == zone_colour(zone)
    assert "load over 10 s, 100 % = recent peak" in "\n".join(to_text(rows))


def test_pulses_are_where_the_strides_are() -> None:
    lines = text_of(walked_foot(), 120, 38).splitlines()
    stance = next(line for line in lines if "stance   " in line and "·" in line)
    trace = lines[lines.index(stance) - 2]  # middle of the last trace
    start = stance.index("·")
    in_stance = [i for i, c in enumerate(stance[start : start + 60], start) if c == "━"]
    pressed = [i for i in in_stance if trace[i] != "\u2800"]
    assert len(in_stance) > 20 and len(pressed) >= 0.9 * len(in_stance)


def test_foot_map_appears_when_there_is_room() -> None:
    foot = walked_foot()
    assert "▀▀▀" in text_of(foot, 60, 38)
    assert "▀▀▀" in text_of(foot, 120, 38)
    assert "▀▀▀" not in text_of(foot, 40, 22)


def test_channels_that_do_not_fit_are_counted() -> None:
    assert "more: make the window higher" in text_of(walked_foot(), 40, 11)


def test_loss_is_shown_and_coloured_at_every_width() -> None:
    foot = walked_foot()
    foot.lost_sample_n, foot.lost_frame_n = 26, 1
    for width in (40, 60, 80, 120):
        row = foot_rows(foot.snapshot(), width, 22)[0]
        text, style = next(span for span in row if "lost" in span[0])
        assert text.startswith("lost 26 samples")
        assert "#ffd75f" in style
    assert "lost 26 samples, 1 frame " in text_of(foot, 120, 22)


def test_link_battery_cue_and_fault_are_shown() -> None:
    foot = walked_foot()
    foot.link, foot.battery_mv, foot.cue_on, foot.fault = "lost, retrying", 3912, True, "met3 stuck"
    text = text_of(foot, 120, 38)
    assert "○ lost, retrying" in text and "3.91 V" in text and "cue on" in text
    assert "insole says: met3 stuck" in text


@pytest.mark.parametrize(("width", "height"), [(40, 22), (60, 38), (80, 22), (120, 38)])
def test_a_fault_is_red_and_moves_nothing(width: int, height: int) -> None:
    foot = walked_foot()
    before = foot_rows(foot.snapshot(), width, height)
    foot.fault = "met3 is stuck"
    after = foot_rows(foot.snapshot(), width, height)
    changed = [row for old, row in zip(before, after, strict=True) if old != row]
    assert len(changed) == 1
    text, style = next(span for span in changed[0] if "insole says" in span[0])
    assert text == "insole says: met3 is stuck" and "#ff8787" in style


def test_header_tells_time_strides_share_and_folder() -> None:
    state = LiveState([walked_foot()], elapsed_s=63.9, recording="sessions/S07")
    text = to_text([header_row(state, 120, paused=False)])[0]
    assert "time 0:01:03" in text and "strides 10" in text and "backward 90 %" in text
    assert text.endswith("● recording sessions/S07 ") and len(text) == 120
    assert "PAUSED" in to_text([header_row(state, 80, paused=True)])[0]


def test_header_without_strides_or_recording() -> None:
    text = to_text([header_row(LiveState([empty_foot()]), 80, paused=False)])[0]
    assert "backward --" in text and text.endswith("not recording ")


def test_a_long_folder_name_keeps_its_end() -> None:
    state = LiveState([], recording="a" * 200 + "/S07")
    text = to_text([header_row(state, 80, paused=False)])[0]
    assert len(text) == 80 and text.endswith("/S07 ")


def test_footer_names_the_feet_only_for_a_pair() -> None:
    pair = LiveState([empty_foot("left"), empty_foot("right")], message="marker 3 set")
    text = to_text([footer_row(pair, 120)])[0]
    assert "1 left" in text and "2 right" in text and text.endswith("marker 3 set ")
    assert "both" not in to_text([footer_row(LiveState([empty_foot()]), 120)])[0]


@pytest.mark.parametrize(("width", "hinted"), [(79, False), (80, True), (113, True), (114, False)])
def test_a_pair_without_room_for_its_maps_says_how_to_see_one(width: int, hinted: bool) -> None:
    pair = LiveState([walked_foot("left"), walked_foot("right")])
    text = to_text([footer_row(pair, width)])[0]
    assert len(text) == width
    assert ("1 or 2 shows one foot with its map   b both" in text) is hinted
    assert has_map(width // 2, 36) is (width == 114)
    assert has_map(width, 22) or width < 80
    pair.message = "marker 3 set"
    text = to_text([footer_row(pair, width)])[0]
    assert "1 left" in text and "marker" in text


def has_map(width: int, height: int) -> bool:
    text = text_of(walked_foot(), width, height)
    tips = [to_text(foot_map.draw_foot("left", [], size))[0].strip() for size in (foot_map.LARGE, foot_map.SMALL)]
    return any(tip in text for tip in tips)


@pytest.mark.parametrize("battery_mv", [None, 3912])
def test_no_loss_has_its_unit_at_forty_columns_too(battery_mv: int | None) -> None:
    foot = walked_foot("right")
    foot.battery_mv = battery_mv
    text = to_text(foot_rows(foot.snapshot(), 40, 22))[0]
    assert text.startswith(" RIGHT  ● ") and "lost 0 samples " in text
    assert ("3.91 V" in text) is (battery_mv is not None)
    foot.link = "lost, retrying"
    assert "○ lost, retrying" in to_text(foot_rows(foot.snapshot(), 40, 22))[0]


def test_text_from_outside_cannot_move_the_cursor() -> None:
    assert plain("met1\x1b[2J\n\u202e界é") == "met1?[2J???é"


def test_row_helpers() -> None:
    assert to_text([fit((("abc", ""), ("def", "red")), 5)]) == ["abcde"]
    assert fit((("ab", "red"),), 4) == (("ab", "red"), ("  ", ""))
    assert to_text([spread((("ab", ""),), (("c", ""),), 5)]) == ["ab  c"]
    assert to_text([spread((("abcd", ""),), (("e", ""),), 5)]) == ["abcd "]
    assert to_text(beside([(("a", ""),)], [(("b", ""),), (("c", ""),)], 3)) == ["a   b", "    c"]


@pytest.mark.parametrize(
    ("elapsed_s", "text"), [(0, "0:00:00"), (59.99, "0:00:59"), (3661, "1:01:01")]
)
def test_clock(elapsed_s: float, text: str) -> None:
    assert clock_text(elapsed_s) == text
