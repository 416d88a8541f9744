"""The braille renderer, against pictures drawn by hand."""

import time

import numpy as np
import pytest

from retrosole.live.braille import column_ranges, draw, draw_ranges, encode, even_edges

BLANK = "\u2800"


def test_ramp_rises_one_dot_a_column() -> None:
    assert draw(np.arange(8.0), 4, 2, 0.0, 7.0) == [BLANK * 2 + "⡠⠊", "⡠⠊" + BLANK * 2]


def test_flat_line_at_each_edge_of_the_scale() -> None:
    assert draw(np.zeros(6), 3, 1, 0.0, 1.0) == ["⣀⣀⣀"]
    assert draw(np.ones(6), 3, 1, 0.0, 1.0) == ["⠉⠉⠉"]


def test_values_beyond_the_scale_stay_at_its_edge() -> None:
    assert draw(np.array([-5.0, 9.0]), 1, 1, 0.0, 1.0) == draw(np.array([0.0, 1.0]), 1, 1, 0.0, 1.0)


def test_jump_is_joined() -> None:
    assert draw(np.array([0.0, 0.0, 3.0, 3.0]), 2, 1, 0.0, 3.0) == ["⣀⠏"]


def test_gap_stays_empty_and_is_not_joined_across() -> None:
    values = np.array([0.0, 0.0, np.nan, np.nan, 3.0, 3.0])
    assert draw(values, 3, 1, 0.0, 3.0) == ["⣀" + BLANK + "⠉"]


@pytest.mark.parametrize("at", [0, 1, 777, 1000, 1998, 1999])
def test_peak_of_one_sample_reaches_the_top_row(at: int) -> None:
    values = np.zeros(2000)
    values[at] = 1.0
    top = draw(values, 20, 3, 0.0, 1.0)[0]
    assert [i for i, c in enumerate(top) if c != BLANK] == [at // 100]


def test_dip_of_one_sample_reaches_the_bottom_row() -> None:
    values = np.ones(2000)
    values[1234] = 0.0
    bottom = draw(values, 20, 3, 0.0, 1.0)[2]
    assert [i for i, c in enumerate(bottom) if c != BLANK] == [12]


def test_missing_samples_in_a_column_do_not_hide_the_others() -> None:
    values = np.full(100, np.nan)
    values[50] = 1.0
    assert draw(values, 5, 1, 0.0, 1.0) == [BLANK * 2 + "⠈" + BLANK * 2]


def test_filled_area() -> None:
    values = np.array([0.0, 1.0, 2.0, 3.0, np.nan, np.nan])
    assert draw_ranges(values, values, 1, 0.0, 3.0, fill=True) == ["⣠⣾" + BLANK]


def test_nothing_to_draw_is_blank() -> None:
    assert draw(np.array([]), 3, 2, 0.0, 1.0) == [BLANK * 3] * 2
    assert draw(np.full(50, np.nan), 3, 2, 0.0, 1.0) == [BLANK * 3] * 2


def test_fewer_samples_than_columns_are_steps() -> None:
    assert draw(np.array([0.0, 3.0]), 2, 1, 0.0, 3.0) == ["⣀⠏"]


def test_all_channels_at_once_as_one_by_one() -> None:
    values = np.random.default_rng(7).normal(size=(6, 500))
    values[:, 100:300] = np.nan
    edges = even_edges(500, 40)
    low, high = column_ranges(values, edges)
    for ch in range(6):
        one_low, one_high = column_ranges(values[ch], edges)
        np.testing.assert_array_equal(low[ch], one_low)
        np.testing.assert_array_equal(high[ch], one_high)


def test_encode_every_dot_once() -> None:
    codes = []
    for column in range(2):
        for row in range(4):
            dots = np.zeros((4, 2), dtype=np.bool_)
            dots[row, column] = True
            codes.append(encode(dots)[0])
    assert "".join(codes) == "⠁⠂⠄⡀⠈⠐⠠⢀"


@pytest.mark.parametrize(("lo", "hi"), [(1.0, 1.0), (2.0, 1.0), (0.0, float("nan"))])
def test_impossible_scale_is_refused(lo: float, hi: float) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        draw(np.zeros(4), 2, 1, lo, hi)


def test_a_frame_of_six_channels_takes_under_two_milliseconds() -> None:
    values = np.random.default_rng(1).normal(size=(6, 2000))
    best_s = 1.0
    for _ in range(20):
        start_s = time.perf_counter()
        for channel in values:
            draw(channel, 80, 3, -3.0, 3.0)
        best_s = min(best_s, time.perf_counter() - start_s)
    assert best_s < 0.002
