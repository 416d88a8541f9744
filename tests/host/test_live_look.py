"""The live view by looking: the picture that Textual exports, read back cell by cell, by size and theme."""

from __future__ import annotations

import asyncio
import html
import re
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live.state import FootState, LiveState

pytest.importorskip("textual", reason="the live view needs the extra with Textual")

from retrosole.live.app import LiveApp

RATE_HZ = 200
SIX = (["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"], ["forefoot"] * 4 + ["heel"] * 2)
TWO = (["met1", "heel_center"], ["forefoot", "heel"])
EIGHT = (
    ["toes", "hallux", "met1", "met3", "met5", "midfoot_lateral", "heel_medial", "heel_lateral"],
    ["toes", *["forefoot"] * 4, "midfoot", "heel", "heel"],
)
SIZES = [(80, 24), (120, 40), (200, 60)]
BACKGROUND = {False: "#121212", True: "#ffffff"}
_CELL_PX, _ROW_PX = 12.2, 24.4
_TEXT = re.compile(
    r'<text class="[^"]+" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="[^"]+line-\d+\)">([^<]*)</text>'
)
_RECT = re.compile(r'<rect fill="(#\w{6})" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="24.65"')


class Picture:
    """What an exported picture shows: rows of text, and the background of every cell."""

    def __init__(self, svg: str, size: tuple[int, int]) -> None:
        cells = [[" "] * size[0] for _ in range(size[1])]
        for x, y, text in _TEXT.findall(svg):
            words = html.unescape(text).replace("\xa0", " ")
            row, column = round((float(y) - 18.5) / _ROW_PX), round(float(x) / _CELL_PX)
            cells[row][column : column + len(words)] = words
        self.rows = ["".join(row[: size[0]]) for row in cells]
        self.behind: dict[tuple[int, int], str] = {}
        for colour, x, y, width in _RECT.findall(svg):
            row, column = round((float(y) - 1.5) / _ROW_PX), round(float(x) / _CELL_PX)
            for at in range(column, column + round(float(width) / _CELL_PX)):
                self.behind[row, at] = colour

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    def find(self, words: str) -> Iterator[tuple[int, int]]:
        for number, row in enumerate(self.rows):
            at = row.find(words)
            if at >= 0:
                yield number, at


def look(state: LiveState, size: tuple[int, int], **options: bool) -> Picture:
    async def run() -> str:
        app = LiveApp(state, **options)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            app.update_picture()
            await pilot.pause()
            return app.export_screenshot()

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        picture = Picture(asyncio.run(run()), size)
    assert "nan" not in picture.text and "inf" not in picture.text
    return picture


def walked(side: str, order: str = "forefoot_first", layout: tuple[list[str], list[str]] = SIX) -> FootState:
    """Twelve strides of a second; the zone that is first on presses 0.15 s earlier and leaves 0.15 s earlier."""
    foot = FootState(side, *layout, RATE_HZ)
    foot.link = "connected"
    second = "heel_first" if order == "forefoot_first" else "forefoot_first"
    counts = np.full((12 * RATE_HZ, len(foot.zones)), 100, dtype=np.uint16)
    is_heel = np.array([zone == "heel" for zone in foot.zones])
    for k in range(12):
        late = is_heel if order == "forefoot_first" else ~is_heel
        counts[k * RATE_HZ + 20 : k * RATE_HZ + 110, ~late] = 2100
        counts[k * RATE_HZ + 50 : k * RATE_HZ + 140, late] = 2100
        start_s = k + 0.1
        on_s = {"forefoot_on_s": start_s, "heel_on_s": start_s + 0.15} if order == "forefoot_first" else {}
        foot.push_stride(
            Stride(
                side, k, start_s, **on_s, final_contact_s=start_s + 0.6, contact_order=order, lift_order=second,
                direction="backward", confidence=0.9,
            )
        )  # fmt: skip
    foot.push_samples(0, counts)
    return foot


def pair(order: str = "forefoot_first") -> LiveState:
    return LiveState([walked("left", order), walked("right", order)], elapsed_s=12.0)


@pytest.mark.parametrize("is_light", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sides", [("left",), ("left", "right")])
def test_a_walk(size: tuple[int, int], sides: tuple[str, ...], is_light: bool) -> None:
    state = LiveState([walked(side) for side in sides], elapsed_s=12.0)
    picture = look(state, size, is_light=is_light)
    assert "0:00:12" in picture.rows[0] and "toe first 100 %" in picture.rows[0]
    assert f"strides {12 * len(sides)}" in picture.rows[0] and "120 steps/min" in picture.rows[0]
    for number, side in enumerate(sides):
        assert picture.rows[1].index(side.upper()) == 1 + number * size[0] // 2
    assert picture.rows[-1].startswith(" q quit  space pause")
    stride = "fore heel back  600  150" if size[0] // len(sides) < 57 else "forefoot heel      backward   600   150"
    assert picture.text.count(stride) >= 4 * len(sides)
    assert len(list(picture.find("stance  "))) == 1
    seen = set(picture.behind.values())
    assert BACKGROUND[is_light] in seen and BACKGROUND[not is_light] not in seen


@pytest.mark.parametrize("size", SIZES)
def test_stances_are_shaded_by_what_touched_first(size: tuple[int, int]) -> None:
    for order, shade in (("forefoot_first", "#0d2740"), ("heel_first", "#463f38"), ("unknown", "#2a2a2a")):
        picture = look(LiveState([walked("left", order)]), size)
        row, left = next(picture.find("now"))
        bars = [at for at in range(left + 3) if picture.rows[row - 1][at] == "━"]
        assert len(bars) > 12
        for at in bars:
            assert picture.behind[row - 2, at] == shade
        others = {picture.behind[row - 2, at] for at in range(min(bars), max(bars)) if at not in bars}
        assert others == {BACKGROUND[False]}


def test_the_centre_of_pressure_runs_from_the_forefoot_to_the_heel() -> None:
    for stop_s, place in ((11.2, "upper"), (11.62, "lower")):
        whole = walked("left")
        foot = FootState("left", *SIX, RATE_HZ)
        foot.link = "connected"
        counts = whole.window()
        foot.push_samples(400, counts[: round((stop_s - 2) * RATE_HZ)].astype(np.uint16))
        picture = look(LiveState([foot]), (120, 40))
        found = [(row, at) for row, at in picture.find("●") if row > 1]
        assert len(found) == 1
        toes = next(row for row in range(2, 40) if "⠉⠉⠉" in picture.rows[row])
        assert (found[0][0] - toes < 8) is (place == "upper")


@pytest.mark.parametrize("is_light", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_hint_is_big_and_says_why(size: tuple[int, int], is_light: bool) -> None:
    before, picture = look(pair(), size, is_light=is_light), look(pair("heel_first"), size, is_light=is_light)
    row, at = next(picture.find("heel first in 5 of 5 recent steps, left, and 5 of 5, right"))
    colour = "#875f00" if is_light else "#ffd787"
    band = [y for y in range(size[1]) if picture.behind.get((y, 1)) == colour]
    assert row in band and band == list(range(band[0], size[1] - 1))
    assert len(band) == (4 if size[1] < 36 else 9)
    letters = "".join(picture.rows[y] for y in band if y != row)
    assert letters.count("█") > 30
    assert abs((at + 60 // 2) - size[0] // 2) <= 2  # in the middle
    assert picture.rows[1] == before.rows[1]
    tips = [[n for n, text in enumerate(shown.rows) if "⠉⠉⠉" in text] for shown in (before, picture)]
    assert tips[0] and tips[0] == tips[1]  # the feet stay where they were
    assert colour not in before.behind.values()


def test_pace_above_the_plan() -> None:
    state = pair()
    state.pace_limit_steps_min = 100.0
    picture = look(state, (80, 24))
    assert "120 steps/min, the plan says up to 100" in picture.rows[22]
    state.pace_limit_steps_min = 130.0
    assert "the plan says" not in look(state, (80, 24)).text


@pytest.mark.parametrize("size", SIZES)
def test_no_data_yet(size: tuple[int, int]) -> None:
    feet = [FootState(side, *SIX, RATE_HZ) for side in ("left", "right")]
    picture = look(LiveState(feet), size)
    assert picture.text.count("no stride yet") == 2 and "-- %" in picture.text
    assert "toe first --" in picture.rows[0] and "-- steps/min" in picture.rows[0] and "delay --" in picture.rows[0]


@pytest.mark.parametrize("size", SIZES)
def test_a_foot_lost(size: tuple[int, int]) -> None:
    state = pair("heel_first")
    state.feet[1].link = "gone, looking for it"
    state.feet[1].lost_sample_n = 1234
    picture = look(state, size)
    half = size[0] // 2
    assert picture.rows[1].index("○ gone, looking for it") > half
    assert "right is gone: this was before" in picture.text and "left is gone" not in picture.text
    width = {80: 15, 120: 18, 200: 45}[size[0]]
    assert sum(row[half : half + width].count("--") for row in picture.rows[2 : size[1] // 2]) == len(SIX[0])
    assert "heel first in 5 of 5 recent steps, left" in picture.text and ", right" not in picture.text


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 6)])
@pytest.mark.parametrize("layout", [TWO, EIGHT, SIX])
@pytest.mark.parametrize("sweeps", [False, True])
def test_odd_walks(size: tuple[int, int], layout: tuple[list[str], list[str]], sweeps: bool) -> None:
    """Nothing known, all unknown, large gaps, and ten minutes of standing: no crash, no nan, no warning."""
    unknown = FootState("left", *layout, RATE_HZ)
    for k in range(20):
        unknown.push_stride(Stride("left", k, float(k)))
    gaps = walked("right", layout=layout)
    gaps.push_samples(4000, np.full((10, len(layout[0])), 4095, dtype=np.uint16))
    gaps.push_samples(400_000, np.full((26, len(layout[0])), 300, dtype=np.uint16))
    standing = FootState("left", *layout, RATE_HZ)
    standing.push_contact("forefoot_first", 1.0)
    for k in range(0, 600, 10):
        standing.push_samples(k * RATE_HZ, np.full((2000, len(layout[0])), 1500 + k, dtype=np.uint16))
    for foot in (unknown, gaps, standing):
        foot.link = "connected"
    for feet in ([unknown, gaps], [standing, gaps], [standing]):
        picture = look(LiveState(feet), size, sweeps=sweeps)
        assert len(picture.rows) == size[1]


def test_sweeping_traces_stand_still() -> None:
    """Half a second later most of the cells are as they were; scrolling, most are not."""
    changed_n = {}
    for sweeps in (False, True):
        foot = walked("left")
        before = look(LiveState([foot]), (120, 40), sweeps=sweeps)
        foot.push_samples(12 * RATE_HZ, np.full((120, 6), 100, dtype=np.uint16))
        after = look(LiveState([foot]), (120, 40), sweeps=sweeps)
        rows = range(3, 30)
        pairs = [(before.rows[y][x], after.rows[y][x]) for y in rows for x in range(16, 70)]
        changed_n[sweeps] = sum(a != b for a, b in pairs)
        assert "▲" in after.text if sweeps else "-5 s" in after.text or "-4 s" in after.text
    assert changed_n[True] < changed_n[False] / 4


def test_a_mark_is_on_the_time_axis() -> None:
    foot = walked("left")
    foot.push_flag(7, 11.0)
    picture = look(LiveState([foot]), (120, 40))
    row, at = next(picture.find("▼7"))
    assert picture.rows[row].index("now") - at in range(3, 9)
