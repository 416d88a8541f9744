"""What pages are made of: escaping, tables, axes, numbers and words; against what a file may say."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrosole.report.markup import Safe, foreign, joined, number, paragraph, table, tag
from retrosole.report.plot import Plot, line_path, round_up, ticks, time_label, time_ticks
from retrosole.report.words import clock, duration, of_hundred, share, signed


class Reader(HTMLParser):
    """Collect tags, attributes and text as a browser would read them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=40))
def test_whatever_a_text_is_it_stays_text(text: str) -> None:
    read = Reader(paragraph(text, class_=text))
    assert [name for name, _ in read.tags] == ["p"] and read.tags[0][1] == {"class": text} and read.text == text


def test_markup_is_not_escaped_twice() -> None:
    inner = tag("b", "<i>")
    assert joined(inner, [None, "&"]) == "<b>&lt;i&gt;</b>&amp;"
    assert tag("p", inner) == "<p><b>&lt;i&gt;</b></p>" and isinstance(tag("p"), Safe)


def test_nothing_else_than_text_and_markup_stands_in_a_page() -> None:
    with pytest.raises(TypeError, match="float cannot stand in a page"):
        paragraph(math.nan)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\u202eevil\n", "\ufffd[31mred\ufffdevil\ufffd"),
        ("x" * 300, "x" * 200 + "…"),
        (["a", 1], "['a', 1]"),
    ],
)
def test_what_a_file_says_is_one_harmless_line(value: object, shown: str) -> None:
    assert foreign(value) == shown


def test_a_table_names_its_rows_and_groups() -> None:
    read = Reader(table(("", "n"), [("Stance",), ("left", "3")], right=(1,), caption="All."))
    scopes = [attributes.get("scope") for name, attributes in read.tags if name == "th"]
    assert scopes == ["col", "col", "rowgroup", "row"] and ("td", {"class": "n"}) in read.tags


@pytest.mark.parametrize(("value", "text"), [(0.04, "0"), (-0.04, "0"), (12.0, "12"), (-1.26, "-1.3")])
def test_numbers_of_drawings_are_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_drawn(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        number(value)
    assert line_path([0.0, value, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]) == "M0 0M2 2L3 3"
    assert line_path([value], [0.0]) == ""


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_few_and_inside(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert len(found) <= most and all(low - 1e-6 * span <= v <= low + span * (1 + 1e-6) for v in found)
    steps = np.diff(found)
    assert len(steps) == 0 or float(f"{steps[0]:.0e}"[0]) in (1, 2, 5)


def test_an_axis_from_zero_holds_its_value() -> None:
    assert round_up(0.0) == 1.0 and round_up(93.2) == 100.0 and round_up(101.0) == 150.0


@given(st.floats(0.01, 1e6), st.integers(3, 9))
def test_ticks_of_time_are_few(duration_s: float, most: int) -> None:
    found = time_ticks(duration_s, most)
    assert found[0] == 0.0 and found[-1] <= duration_s * (1 + 1e-9) and len(found) <= most


@pytest.mark.parametrize(("seconds", "of_s", "text"), [(5, 30, "5 s"), (65, 300, "1:05"), (3700, 7200, "1:01:40")])
def test_times_on_an_axis(seconds: float, of_s: float, text: str) -> None:
    assert time_label(seconds, of_s) == text


def test_a_band_is_drawn_where_it_is_known_only() -> None:
    plot = Plot(100, 100, (0.0, 4.0), (0.0, 1.0))
    low = np.array([0.1, 0.1, np.nan, 0.1, 0.1])
    plot.band(np.arange(5.0), low, low + 0.2, "heel")
    assert len(plot.parts) == 2 and "nan" not in "".join(plot.parts)
    plot.dots(np.array([1.0, np.nan]), np.array([0.5, 0.5]), "left")
    assert plot.parts[-1].count("h0") == 1


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (duration(59.96), "60.0 s" if round(59.96) < 60 else "1 min 00 s"),
        (duration(12.34), "12.3 s"),
        (duration(902), "15 min 02 s"),
        (duration(3725), "1 h 02 min"),
        (clock(149.96), "2:30.0"),
        (of_hundred(100.0), "in every step"),
        (of_hundred(99.9), "in 99 of 100 steps"),
        (of_hundred(0.1), "in 1 of 100 steps"),
        (of_hundred(0.0), "in no step"),
        (share(1, 195), "1 (0.5 %)"),
        (share(0, 0), "0"),
        (share(195, 195), "195 (100 %)"),
        (signed(-0.04), "0.0"),
        (signed(-1.26), "\N{MINUS SIGN}1.3"),
    ],
)
def test_words(told: str, text: str) -> None:
    assert told.replace("\N{NO-BREAK SPACE}", " ") == text
