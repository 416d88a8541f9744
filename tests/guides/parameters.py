"""The page of definitions, docs/parameters.md: made from `retrosole.gait.parameters`, by `make generate`."""

from __future__ import annotations

from retrosole.gait.parameters import PARAMETERS, Parameter
from tests.machines import ROOT

PAGE = ROOT / "docs" / "parameters.md"
_HEAD = """# Gait parameters

What each number is: title, column, unit, resolution, definition, and where the definition is from. Made from the
program's own definitions (`make generate`); not edited by hand. The columns stand in the tables of `gait --csv`,
`batch` and `export`, one row a stride. Empty (null, nan) is *not known*. What the other columns are, events and orders,
stands in `dictionary.json` of an export.

*± is the resolution*: of 20 strides of the gait model, walked with realistic sensors, 19 agree with its truth within
that. Part of it is systematic and stays in a mean: a stance comes out shorter than the model counts it. That is a
model's truth: nobody has walked backward on it with a force plate.

*Stance is told some 20 ms long, swing as much short*, when recorded walks go through the curve of a real kind of
sensor (an FSR 402 at either front end, computed; no insole was built): contact 8 ms early, lift 8 to 9 ms late in the
median, 30 ms late with sensors that lag as well. Compare strides of one insole with each other, and not its times with
those of another instrument ([figures](../hardware/simulation/README.md#what-the-detector-makes-of-it)).

"""
_TAIL = """
Needs both feet on one clock: {both}. In percent of the own standing load, so only of a calibrated insole: {relative}.
In sensor counts, to compare strides of one insole and nothing else: {counts}.
"""


def page() -> str:
    """Write the page."""
    rows = "".join(f"- {_told(parameter)}\n" for parameter in PARAMETERS)
    tail = _TAIL.format(both=_names("needs_both"), relative=_names("is_relative"), counts=_names("is_count"))
    return _HEAD + rows + tail


def _told(one: Parameter) -> str:
    resolution = "" if one.resolution is None else f", ± {one.resolution * one.shown_factor:g} {one.shown_unit}"
    return f"**{one.title}**: `{one.name}`, {one.unit}{resolution}. {one.definition} *{one.source}.*"


def _names(kind: str) -> str:
    return ", ".join(f"`{one.name}`" for one in PARAMETERS if getattr(one, kind))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
