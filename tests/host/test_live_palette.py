"""Both themes can be read."""

from __future__ import annotations

import pytest
from rich.color import Color, ColorSystem

from retrosole.live import palette
from retrosole.live.palette import BACKGROUND, HINT, load_colours, order_shade, themed, zone_colour

ZONES = ["forefoot", "heel", "midfoot", "toes"]
ORDERS = ["forefoot_first", "heel_first", "together", "unknown"]
WORDS = [palette.TEXT, palette.DIM, palette.STRONG, palette.GOOD, palette.WARN, palette.BAD, palette.OTHER_WAY]


def brightness(colour: str) -> float:
    """Give the relative luminance of WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: str, is_light: bool) -> float:
    words = themed(style, is_light).split()
    colours = [word for word in words if word.startswith("#")]
    one, other = sorted(brightness(colour) for colour in colours)
    return (other + 0.05) / (one + 0.05)


@pytest.mark.parametrize("is_light", [False, True])
def test_words_stand_out_from_the_background_and_the_bars(is_light: bool) -> None:
    for style in [*WORDS, *map(zone_colour, ZONES)]:
        for behind in (BACKGROUND, palette.BAR):
            assert contrast(f"{style} on {behind}", is_light) > 3.5, (style, behind)
    for style in HINT.values():
        assert contrast(style, is_light) > 4.5


@pytest.mark.parametrize("is_light", [False, True])
def test_loads_can_be_read_and_grow_in_one_direction(is_light: bool) -> None:
    for zone in [*ZONES, "elsewhere"]:
        discs = []
        for load in range(0, 101, 5):
            disc, digit = load_colours(zone, load / 100)
            assert contrast(f"{digit} on {disc}", is_light) > 3.0, (zone, load)
            discs.append(brightness(themed(disc, is_light)))
        assert discs == sorted(discs, reverse=is_light)


@pytest.mark.parametrize("is_light", [False, True])
def test_traces_stand_out_from_the_shade_of_their_stance(is_light: bool) -> None:
    shades = {themed(order_shade(order), is_light) for order in ORDERS}
    assert len(shades) == 3
    for order in ORDERS:
        for zone in ZONES:
            assert contrast(f"{zone_colour(zone)} on {order_shade(order)}", is_light) > 3.0, (order, zone)


def test_a_light_terminal_gets_no_colour_of_the_dark_theme_by_accident() -> None:
    dark = [*WORDS, *HINT.values(), palette.CENTRE, palette.CENTRE_DIGIT, palette.TRAIL, palette.TRAIL_OLD]
    dark += [palette.FAINT, palette.OUTLINE, BACKGROUND, palette.BAR]
    dark += [*map(order_shade, ORDERS), *map(zone_colour, ZONES)]
    loads = [(zone, load / 20) for zone in [*ZONES, "else"] for load in range(21)]
    dark += [colour for zone, load in loads for colour in load_colours(zone, load)]
    unmapped = {word for style in dark for word in style.split() if word.startswith("#")} - set(palette._LIGHT)
    assert unmapped == set()


@pytest.mark.parametrize("is_light", [False, True])
def test_no_stance_is_red_in_256_colours_either(is_light: bool) -> None:
    """Heel first is an order, not an alarm."""
    shades = []
    for order in ORDERS:
        colour = Color.parse(themed(order_shade(order), is_light)).downgrade(ColorSystem.EIGHT_BIT)
        red, green, blue = colour.get_truecolor()
        assert red - max(green, blue) < 0x50, (order, colour)
        shades.append(colour.number)
    assert len(set(shades)) == 3
