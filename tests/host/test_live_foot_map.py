"""The foot with its sensors."""

import math

import pytest

from retrosole.live.foot_map import LARGE, SMALL, Spot, draw_foot
from retrosole.live.palette import load_colours
from retrosole.live.rows import row_width, to_text

SPOTS = [
    Spot("hallux", "forefoot", 0.31),
    Spot("met1", "forefoot", 0.82),
    Spot("met3", "forefoot", 1.0),
    Spot("met5", "forefoot", 0.05),
    Spot("heel_medial", "heel", 0.0),
    Spot("heel_lateral", "heel", math.nan),
]
EVERY_SITE = [
    *("hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"),
    *("midfoot_lateral", "midfoot_medial", "toes"),
]

LARGE_LEFT = """
     ⣀⡴⠒⠉⠉⠉⠉⠉⠉⠑⠦⡀
   ⣠⠞⠁      ▄▄▄ ⠹⡄
  ⡴⠃       ▐31 ▌ ⡇
 ⡼⠁         ▀▀▀  ⡇
⢰⠃      ▄▄▄  ▄▄▄ ⢳
⡼  ▄▄▄ ▐100▌▐82 ▌⡼
⣇ ▐ 5 ▌ ▀▀▀  ▀▀▀ ⡇
⢸  ▀▀▀          ⡼
⠘⡆             ⢰⠃
 ⢣            ⢀⡏
 ⢸            ⢸
 ⠈⡇           ⢸
  ⣇  ▄▄▄  ▄▄▄ ⢸
  ⢸ ▐-- ▌▐ 0 ▌⢸
  ⠈⣆ ▀▀▀  ▀▀▀ ⡏
   ⠈⠳⢤⣀⣀⣀⣀⣀⣠⠴⠋
"""
SMALL_RIGHT = """
⢀⡴⠚⠉⠉⠉⠉⠉⠙⠲⢤⡀
⢸  31      ⠈⢣⡀
⡜            ⠹⡄
⢧ 82  100     ⢳
⠘⣆          5 ⡜
 ⠸⡄          ⢰⠃
  ⢹          ⡞
  ⢸         ⢀⠇
  ⢸⡀  0  -- ⣸
   ⠳⢤⣀⣀⣀⣀⣀⡠⠴⠃
"""


def numbers(line: str) -> list[str]:
    return "".join(c if c.isdigit() or c == "-" else " " for c in line).split()


def test_pictures() -> None:
    for golden, side, size in ((LARGE_LEFT, "left", LARGE), (SMALL_RIGHT, "right", SMALL)):
        assert [row.rstrip() for row in to_text(draw_foot(side, SPOTS, size))] == golden.split(
            "\n"
        )[1:-1]


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_right_is_the_mirror_of_left_in_numbers(size: tuple[int, int]) -> None:
    left, right = to_text(draw_foot("left", SPOTS, size)), to_text(draw_foot("right", SPOTS, size))
    assert len(left) == len(right) == size[1]
    for a, b in zip(left, right, strict=True):
        assert len(a) == len(b) == size[0]
        assert numbers(a) == numbers(b)[::-1]


def test_big_toe_points_to_the_other_foot() -> None:
    for side, expected in (("left", ["5", "100", "82"]), ("right", ["82", "100", "5"])):
        text = " ".join(to_text(draw_foot(side, SPOTS, (30, 22))))
        places = [text.index(number) % 31 for number in expected]
        assert places == sorted(places)


@pytest.mark.parametrize("site", EVERY_SITE)
@pytest.mark.parametrize("size", [LARGE, SMALL])
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_site_shows_its_number_inside_the_map(
    site: str, size: tuple[int, int], side: str
) -> None:
    rows = draw_foot(side, [Spot(site, "heel", 0.47)], size)
    assert len(rows) == size[1]
    assert sum(numbers(line) == ["47"] for line in to_text(rows)) == 1


def test_no_disc_hides_another() -> None:
    spots = [Spot(site, "forefoot", 0.10 + i / 100) for i, site in enumerate(EVERY_SITE)]
    seen = [number for line in to_text(draw_foot("left", spots)) for number in numbers(line)]
    assert sorted(seen) == [str(10 + i) for i in range(len(EVERY_SITE))]


def test_unknown_site_is_listed_below() -> None:
    rows = draw_foot("left", [Spot("arch_sensor", "midfoot", 0.5)], SMALL)
    assert len(rows) == SMALL[1] + 1
    assert to_text(rows)[-1] == "arch sens 50 %"[:9] + "  50 %"
    assert row_width(rows[-1]) == SMALL[0]


def test_missing_load_is_not_zero() -> None:
    text = "".join(to_text(draw_foot("left", [Spot("met1", "forefoot", math.nan)])))
    assert "--" in text and "0" not in text


@pytest.mark.parametrize("zone", ["forefoot", "heel", "midfoot", "toes", "elsewhere"])
def test_fuller_is_lighter(zone: str) -> None:
    loads = [i / 20 for i in range(21)]
    lightness = []
    for load in loads:
        disc, _ = load_colours(zone, load)
        red, green, blue = (int(disc[i : i + 2], 16) for i in (1, 3, 5))
        lightness.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    assert lightness == sorted(lightness)
    assert len(set(lightness)) >= 5


@pytest.mark.parametrize("zone", ["forefoot", "heel", "midfoot", "toes", "elsewhere"])
def test_disc_colours_are_in_the_256_colour_table(zone: str) -> None:
    levels = {0, 0x5F, 0x87, 0xAF, 0xD7, 0xFF}
    greys = {8 + 10 * i for i in range(24)}
    for load in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts = [int(load_colours(zone, load)[0][i : i + 2], 16) for i in (1, 3, 5)]
        assert set(parts) <= levels or (len(set(parts)) == 1 and parts[0] in greys)
