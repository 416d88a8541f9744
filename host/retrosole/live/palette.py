"""Colours of the live view, one hue for each zone of the foot.

Everything is written in the colours of the dark theme; `themed` gives what stands for a style on a light terminal.

All but the shades of stances are colours of the xterm 256 table, so a terminal with 256 colours shows the same picture
as one with 16 million. Hues follow Okabe and Ito (blue, orange, green, purple: apart for colour-blind
people); a load is shown by lightness within the hue of its zone, which every eye and every grey
screen can order.
"""

from __future__ import annotations

import math

TEXT = "#d0d0d0"
DIM = "#808080"
FAINT = "#4e4e4e"
STRONG = "bold #ffffff"
GOOD = "#87d787"
WARN = "bold #ffd75f"
OTHER_WAY = "#d7d787"
BAD = "bold #ff8787"
BACKGROUND = "#121212"
BAR = "#262626"
OUTLINE = "#767676"
CENTRE = "bold #ffffff"  # the centre of pressure, and below its trail
TRAIL = "#bcbcbc"
TRAIL_OLD = "#8a8a8a"
CENTRE_DIGIT = "bold #000000 on #ffffff"
HINT = {"notice": "#ffd787 on #3a3a3a", "warning": "#000000 on #ffd787"}

_ZONE = {"forefoot": "#5fafff", "heel": "#ffaf5f", "midfoot": "#5faf87", "toes": "#d787d7"}
_EMPTY = "#303030"
_RAMP = {
    "forefoot": (_EMPTY, "#005f87", "#0087d7", "#5fafff", "#87d7ff", "#d7ffff"),
    "heel": (_EMPTY, "#875f00", "#af8700", "#ffaf5f", "#ffd787", "#ffffd7"),
    "midfoot": (_EMPTY, "#005f5f", "#008787", "#5faf87", "#87d7af", "#d7ffd7"),
    "toes": (_EMPTY, "#5f5f87", "#af5faf", "#d787d7", "#ffafff", "#ffd7ff"),
}
_SHADE = {"forefoot_first": "#0d2740", "heel_first": "#463f38"}  # in 256 colours blue and grey; a brown is red
_SHADE_OTHER = "#2a2a2a"
_LIGHT = {  # by the colour that it stands for on a light terminal
    BACKGROUND: "#ffffff", BAR: "#e4e4e4", TEXT: "#303030", DIM: "#6c6c6c", FAINT: "#b2b2b2", OUTLINE: "#767676",
    "#ffffff": "#000000", "#000000": "#ffffff", "#bcbcbc": "#585858", "#8a8a8a": "#949494",
    "#87d787": "#008700", "#ffd75f": "#af5f00", "#d7d787": "#5f5f00", "#ff8787": "#d70000", "#3a3a3a": "#ffffd7",
    "#303030": "#e4e4e4", "#9e9e9e": "#585858", "#c6c6c6": "#303030",
    "#eeeeee": "#080808",
    "#005f87": "#afd7ff", "#0087d7": "#0087d7", "#5fafff": "#005fd7", "#87d7ff": "#0000af", "#d7ffff": "#00005f",
    "#875f00": "#ffd7af", "#af8700": "#d75f00", "#ffaf5f": "#af5f00", "#ffd787": "#875f00", "#ffffd7": "#5f0000",
    "#005f5f": "#afd7af", "#008787": "#008787", "#5faf87": "#00875f", "#87d7af": "#005f5f", "#d7ffd7": "#005f00",
    "#5f5f87": "#ffd7ff", "#af5faf": "#af5faf", "#d787d7": "#af00af", "#ffafff": "#870087", "#ffd7ff": "#5f005f",
    "#0d2740": "#d7e7ff", "#463f38": "#ffe7c0", "#2a2a2a": "#eeeeee",
}  # fmt: skip
_DARK_STEP_N = 2  # ramp steps that need light digits
_ORDER_ZONE = {"forefoot_first": "forefoot", "heel_first": "heel"}
_ORDER_WORDS = {
    "forefoot_first": "forefoot first",
    "heel_first": "heel first",
    "together": "together",
    "standing": "standing",
}


def zone_colour(zone: str) -> str:
    """Give the hue of a zone; an unknown zone is grey."""
    return _ZONE.get(zone, TEXT)


def order_words(order: str) -> str:
    """Say a contact order in words; `unknown` is "?"."""
    return _ORDER_WORDS.get(order, "?")


def order_colour(order: str) -> str:
    """Give the hue of the zone that touched first; grey for together and unknown."""
    return zone_colour(_ORDER_ZONE.get(order, ""))


def load_colours(zone: str, load: float) -> tuple[str, str]:
    """Give (disc, digit) colours for a load of 0 to 1; `nan` is an empty disc."""
    if math.isnan(load):
        return _EMPTY, DIM
    ramp = _RAMP.get(zone, (_EMPTY, "#4e4e4e", "#767676", "#9e9e9e", "#c6c6c6", "#eeeeee"))
    step = min(len(ramp) - 1, max(0, round(load * (len(ramp) - 1))))
    return ramp[step], "#ffffff" if step < _DARK_STEP_N else "#000000"


def percent(load: float) -> str:
    """Write a load of 0 to 1 as whole percent without the sign; a missing one is "--"."""
    return "--" if math.isnan(load) else f"{100 * load:.0f}"


def order_shade(order: str) -> str:
    """Give the background of a stance by what touched first; grey for together and unknown."""
    return _SHADE.get(order, _SHADE_OTHER)


def themed(style: str, is_light: bool) -> str:
    """Give a style as it is written for a dark terminal, or what stands for it on a light one."""
    return " ".join(_LIGHT.get(word, word) for word in style.split()) if is_light else style
