"""Colours of the live view, one hue for each zone of the foot.

All are colours of the xterm 256 table, so a terminal with 256 colours shows the same picture as one
with 16 million. Hues follow Okabe and Ito (blue, orange, green, purple: apart for colour-blind
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

_ZONE = {"forefoot": "#5fafff", "heel": "#ffaf5f", "midfoot": "#5faf87", "toes": "#d787d7"}
_EMPTY = "#303030"
_RAMP = {
    "forefoot": (_EMPTY, "#005f87", "#0087d7", "#5fafff", "#87d7ff", "#d7ffff"),
    "heel": (_EMPTY, "#875f00", "#af8700", "#ffaf5f", "#ffd787", "#ffffd7"),
    "midfoot": (_EMPTY, "#005f5f", "#008787", "#5faf87", "#87d7af", "#d7ffd7"),
    "toes": (_EMPTY, "#5f5f87", "#af5faf", "#d787d7", "#ffafff", "#ffd7ff"),
}
_DARK_STEP_N = 2  # ramp steps that need light digits
_ORDER_ZONE = {"forefoot_first": "forefoot", "heel_first": "heel"}
_ORDER_WORDS = {
    "forefoot_first": "forefoot first",
    "heel_first": "heel first",
    "together": "together",
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
