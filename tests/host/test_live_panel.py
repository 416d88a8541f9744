"""The layout of the live view: rows of exactly the right size, with the right words in them."""

import math

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live import foot_map
from retrosole.live.bars import clock_text, footer_row, header_row, hint_rows
from retrosole.live.hint import Hint
from retrosole.live.palette import DIM, TEXT, zone_colour
from retrosole.live.panel import foot_rows
from retrosole.live.rows import beside, fit, plain, row_width, spread, to_text
from retrosole.live.state import FootState, LiveState, both_cadence_steps_min

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
    order, lift = ("heel_first", "forefoot_first") if number == 9 else ("forefoot_first", "heel_first")
    direction = "forward" if number == 9 else "backward"
    return Stride(
        "left", number, start_s, final_contact_s=start_s + 0.5,
        contact_order=order, direction=direction, confidence=0.9, lift_order=lift,
        forefoot_on_s=start_s, heel_on_s=start_s + 0.12,
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
    assert lines[1].startswith(" first on first off walking stance lower")
    assert lines[2].startswith("                                ms    ms")
    assert lines[3].startswith(" forefoot heel      backward   500   120")
    assert lines[4].startswith(" heel     forefoot  forward    500    --")


def test_strides_have_numbers_where_there_is_room_and_short_words_where_there_is_not() -> None:
    wide = text_of(walked_foot(), 120, 38).splitlines()
    assert any(line.rstrip().endswith("  10  forefoot heel      backward   500   120") for line in wide)
    lines = text_of(walked_foot(), 40, 22).splitlines()
    assert lines[1].startswith(" on   off  walk   ms  low")
    assert lines[2].startswith(" fore heel back  500  120")
    assert lines[3].startswith(" heel fore forw  500   --")


def test_unknown_stride_is_a_question_mark() -> None:
    foot = empty_foot()
    foot.push_stride(Stride("left", 1, 1.0))
    assert " ?        ?         ?           --    --" in text_of(foot, 60, 38)


def test_a_direction_that_is_not_sure_is_dim() -> None:
    foot = empty_foot()
    for confidence in (0.9, 0.4):
        foot.push_stride(Stride("left", 1, 1.0, direction="backward", confidence=confidence))
    styles = [style for row in foot_rows(foot.snapshot(), 60, 38) for text, style in row if "backward" in text]
    assert styles == [DIM, TEXT]


def test_contact_shows_only_while_the_foot_presses() -> None:
    foot = walked_foot()
    foot.push_contact("heel_first", 10.0)
    assert "on the ground" not in text_of(foot, 60, 38)
    foot.push_samples(2000, np.full((30, 6), 2000, dtype=np.uint16))
    text = text_of(foot, 60, 38)
    assert " heel     on the ground" in text and "╍" in text
    foot.push_samples(2030, np.full((600, 6), 2000, dtype=np.uint16))  # more than 3 s: no step any more
    for width in (60, 40):
        text = text_of(foot, width, 38)
        assert " standing " in text and "on the ground" not in text and "╍" in text


def test_every_channel_has_name_value_and_the_colour_of_its_zone() -> None:
    rows = foot_rows(walked_foot().snapshot(), 60, 38)
    for name, zone in zip(NAMES, ZONES, strict=True):
        words = name.replace("_", " ")
        row = next(row for row in rows if row[1][0].startswith(words))
        assert row[1][1] == zone_colour(zone)
        assert {style.partition(" on ")[0] for _, style in row[2:-1]} == {zone_colour(zone)}
    assert "load over 10 s, 100 % = recent peak" in "\n".join(to_text(rows))


def test_pulses_are_where_the_strides_are() -> None:
    lines = text_of(walked_foot(), 120, 38).splitlines()
    stance = next(line for line in lines if "stance   " in line and "·" in line)
    trace = lines[lines.index(stance) - 2]  # middle of the last trace
    start = stance.index("·")
    in_stance = [i for i, c in enumerate(stance[start : start + 60], start) if c == "━"]
    pressed = [i for i in in_stance if trace[i] != " "]
    assert len(in_stance) > 20 and len(pressed) >= 0.9 * len(in_stance)


def test_foot_map_appears_when_there_is_room() -> None:
    foot = walked_foot()
    assert "▀▀▀" in text_of(foot, 60, 38)
    assert "▀▀▀" in text_of(foot, 120, 38)
    assert not has_map(39, 22)


def test_zones_are_drawn_where_channels_do_not_fit_and_those_that_do_not_fit_are_counted() -> None:
    text = text_of(walked_foot(), 40, 16)
    assert "forefoot" in text and "hallux" not in text and "make the window higher" not in text
    zones = ["toes", "forefoot", "midfoot", "heel"]
    foot = FootState("right", [f"place_{i}" for i in range(4)], zones, 200.0)
    assert "2 more: make the window higher" in text_of(foot, 40, 10)


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


def test_of_a_long_fault_the_beginning_is_told() -> None:
    foot = walked_foot()
    foot.fault = "heel medial left out; a sensor is dead"
    assert f" {foot.fault} " in to_text(foot_rows(foot.snapshot(), 40, 22))
    foot.fault = "met1, heel medial left out; a sensor is dead"
    assert f" {foot.fault[:37]}… " in to_text(foot_rows(foot.snapshot(), 40, 22))


def header(state: LiveState, width: int, *, paused: bool = False, delay_s: float = math.nan) -> str:
    views = [foot.snapshot() for foot in state.feet]
    text = to_text([header_row(state, views, width, paused, delay_s)])[0]
    assert len(text) == width
    return text


def test_header_tells_time_strides_shares_pace_delay_and_folder() -> None:
    state = LiveState([walked_foot()], elapsed_s=63.9, recording="sessions/S07")
    assert header(state, 140, delay_s=0.087) == (
        " retrosole   0:01:03   strides 10   toe first 90 %   120 steps/min   backward 90 %   delay 87 ms"
        + " " * 19 + "● recording sessions/S07 "
    )  # fmt: skip
    assert header(state, 80, delay_s=0.087) == (
        " 0:01:03  strides 10  toe first 90 %  120 steps/min  delay 87 ms    ● recording "
    )
    narrow = header(state, 80, paused=True, delay_s=0.087)
    assert "PAUSED" in narrow and "toe first 90 %" in narrow and narrow.endswith("● recording ")
    assert header(state, 40) == " 0:01:03   toe first 90 %   ● recording "
    assert header(state, 12).startswith(" 0:01:03")


def test_header_without_strides_or_recording() -> None:
    text = header(LiveState([empty_foot()]), 80)
    assert text == " 0:00:00   strides 0   toe first --   -- steps/min   delay --     not recording "


def test_a_long_folder_name_keeps_its_end() -> None:
    text = header(LiveState([], recording="a" * 200 + "/S07"), 120)
    assert text.endswith("aaa/S07 ") and "● recording …aaa" in text


def footer(state: LiveState, width: int, message: str = "", has_controls: bool = True) -> str:
    text = to_text([footer_row(state, width, message, has_controls)])[0]
    assert len(text) == width
    return text


def test_footer_names_the_keys() -> None:
    pair = LiveState([empty_foot("left"), empty_foot("right")])
    keys = " q quit  space pause  m mark  t tare  r record  1 left  2 right  b both"
    assert footer(pair, 80).rstrip() == keys
    assert footer(pair, 120, "mark 3 set").startswith(keys)
    assert footer(LiveState([empty_foot()]), 80).rstrip() == " q quit  space pause  m mark  t tare  r record"
    assert footer(pair, 80, has_controls=False).rstrip() == " q quit  space pause  1 left  2 right  b both"
    pair.recording = "sessions/S07"
    assert "r stop " in footer(pair, 80)
    assert footer(pair, 60).rstrip() == " q quit  space pause  m mark  t tare  r stop"
    assert footer(pair, 40).rstrip() == " q quit"


def test_what_the_traces_are_is_not_cut_in_a_word() -> None:
    def heading(width: int) -> str:
        return next(line for line in text_of(walked_foot(), width, 16).splitlines() if "peak" in line or "load" in line)

    assert heading(40).strip() == "load over 10 s, 100 % = recent peak"
    assert heading(30).strip() == "100 % = recent peak"
    assert heading(20).strip() == "load over 10 s"


def test_a_hint_that_is_cut_says_what_to_do_alone() -> None:
    hint = Hint("pace", "notice", "Slower", "101 steps/min, the plan says up to 90", ())
    assert to_text(hint_rows(hint, 60, 12)) == [f"{f'{hint.words}: {hint.detail}':^60}"]
    assert to_text(hint_rows(hint, 40, 12)) == [f"{'Slower':^40}"]


def test_a_message_hides_the_keys_when_there_is_no_room_for_both() -> None:
    pair = LiveState([empty_foot("left"), empty_foot("right")])
    assert footer(pair, 120, "mark 3 set").endswith("mark 3 set ")
    message = "right: gone, looking for it (unplugged)"
    text = footer(pair, 80, message)
    assert text.startswith(" q quit  ") and text.endswith(message + " ") and "tare" not in text


@pytest.mark.parametrize("width", [80, 100, 114, 120])
@pytest.mark.parametrize("height", [22, 18])
def test_a_pair_has_its_maps_from_eighty_columns_on(width: int, height: int) -> None:
    assert has_map(width // 2, height)  # 18 rows: below them stands a hint


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
    foot.lost_frame_n = 3
    assert "lost 3 frames " in to_text(foot_rows(foot.snapshot(), 40, 22))[0], "what is lost, not what is not"
    foot.link = "lost, retrying"
    assert "○ lost, retrying" in to_text(foot_rows(foot.snapshot(), 40, 22))[0]


@pytest.mark.parametrize("sweeps", [False, True])
def test_of_an_insole_that_is_gone_nothing_is_told_as_of_now(sweeps: bool) -> None:
    foot = walked_foot()
    foot.push_samples(2000, np.full((40, 6), 2100, np.uint16))
    foot.push_contact("forefoot_first", 10.05)
    for link, of_now in (("connected", True), ("gone, looking for it", False)):
        foot.link = link
        text = "\n".join(to_text(foot_rows(foot.snapshot(), 60, 38, sweeps=sweeps)))
        assert ("on the ground" in text, "100 %" in text.partition("recent peak")[2]) == (of_now, of_now)
        assert (" now" in text or "now " in text) is of_now
        assert math.isnan(both_cadence_steps_min([foot.snapshot()])) is not of_now


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
