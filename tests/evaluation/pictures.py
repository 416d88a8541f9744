"""Pictures of a few steps: zone loads as the detector gets them, reference events and what was detected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from numpy.typing import NDArray

from retrosole.gait.reference import Reference
from retrosole.gait.strides import Stride
from retrosole.twin.detect import detect_source
from retrosole.twin.feed import SOURCE_RATE_HZ, Source
from retrosole.twin.front_end import MISSING_COUNTS
from tests.evaluation.conditions import MAIN, TRUE_DIRECTION, Condition
from tests.evaluation.head import GAITPDB_NOTICE, MOTICON_NOTICE
from tests.evaluation.recordings import BROKE_DOWN, on_clock, recording_of, reference_of, walk_of
from tests.evaluation.sensors import sense

matplotlib.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FOREFOOT, _HEEL = "#c2571a", "#1f5fa8"
_ZONES = {"forefoot": (_FOREFOOT, ("forefoot", "toes")), "heel": (_HEEL, ("heel",))}
_RIGHT, _WRONG = "#2a8c3c", "#d01010"
_SCORED, _NOT_SCORED = "black", "#aaaaaa"
_WINDOW_S, _MARGIN_S = 4.0, 0.2


@dataclass(frozen=True)
class Picture:
    """Describe one picture: whose walk, as what, which foot, from when."""

    file: str
    name: str
    kinematics: str
    side: str
    start_s: float
    words: str

    @property
    def caption(self) -> str:
        """Say what is to be seen."""
        surrogate = "" if self.kinematics == "forward" else " (surrogate, nobody walked backward)"
        return f"{self.name}, {self.side} foot, {self.kinematics}{surrogate}: {self.words}"


PICTURES = (
    Picture("forward.png", "GaCo03_01", "forward", "left", 60.0, "a usual walk"),
    Picture("reversed.png", "JuPt13_01", "reversed", "left", 60.0, "a slow walk"),
    Picture("exchanged.png", "GaPt20_01", "exchanged", "right", 40.0, "a slow walk"),
    Picture("flat.png", "JuPt17_01", "forward", "left", 40.0, "landing nearly flat"),
    Picture("moticon.png", "230927_102137", "forward", "left", 6.0, "another make of insole"),
)


def draw(folder: Path, out: Path) -> list[tuple[str, str]]:
    """Draw all pictures into a folder; gives file names and captions."""
    out.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        _draw_one(folder, picture, out / picture.file)
    return [(picture.file, picture.caption) for picture in PICTURES]


def _draw_one(folder: Path, picture: Picture, path: Path) -> None:
    walk, start_s = walk_of(folder, picture.name, picture.kinematics)
    references = reference_of(folder, picture.name, picture.kinematics)
    source = recording_of(folder, picture.name, picture.kinematics).source
    figure, axes = plt.subplots(2, 1, figsize=(10, 5.8), sharex=True, layout="constrained")
    for axis, condition in zip(axes, MAIN, strict=True):
        _draw_panel(axis, picture, sense(walk, condition), condition, start_s, references)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", fontsize=7, ncols=3, frameon=False)
    axes[-1].set_xlabel("time on the clock of the recording, s")
    axes[0].set_title(picture.caption, fontsize=10)
    notice = GAITPDB_NOTICE if source == "gaitpdb" else MOTICON_NOTICE
    figure.supxlabel(notice.replace("*", ""), fontsize=6, color="#555555")
    # No name of a version in it: the same picture is the same file.
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _draw_panel(
    axis: Axes,
    picture: Picture,
    source: Source,
    condition: Condition,
    start_s: float,
    references: tuple[Reference, ...],
) -> None:
    ends_s = (picture.start_s, picture.start_s + _WINDOW_S)
    counts = source.counts[picture.side]
    at_s = start_s + np.arange(len(counts)) / SOURCE_RATE_HZ
    shown = (at_s >= ends_s[0]) & (at_s < ends_s[1])
    top = 0.0
    for zone, (colour, members) in _ZONES.items():
        load = _zone_load(source, picture.side, members)[shown][::5]
        axis.plot(at_s[shown][::5], load, color=colour, linewidth=0.9, label=zone)
        top = max(top, float(load.max()))
    axis.set_ylim(-0.06 * top, 1.42 * top)
    axis.set_xlim(*ends_s)
    axis.set_ylabel(f"{condition.name}\ncounts, summed", fontsize=8)
    _draw_references(axis, [r for r in references if r.stride.side == picture.side], ends_s, top)
    try:
        found = on_clock(detect_source(source, condition.rate_hz), start_s)
    except Exception as error:  # of the detector under test: shown, and counted in the tables
        axis.text(ends_s[0], 1.2 * top, f" {BROKE_DOWN}: {error}", fontsize=8, color=_WRONG)
        return
    _draw_strides(axis, [s for s in found.strides if s.side == picture.side], ends_s, top, picture.kinematics)


def _zone_load(source: Source, side: str, members: tuple[str, ...]) -> NDArray[np.float64]:
    columns = [k for k, (zone, _) in enumerate(source.channels) if zone in members]
    counts = source.counts[side][:, columns].astype(np.float64)
    counts[counts == MISSING_COUNTS] = np.nan
    load: NDArray[np.float64] = (counts - np.nanpercentile(counts, 5, axis=0)).sum(axis=1)
    return load


def _draw_references(axis: Axes, references: list[Reference], ends_s: tuple[float, float], top: float) -> None:
    """Draw a black band for each reference stance, grey where it is not scored, and long ticks for its zone events."""
    for reference in references:
        start_s, end_s = (min(max(t, ends_s[0]), ends_s[1]) for t in reference.span_s)
        colour = _SCORED if reference.is_ok else _NOT_SCORED
        axis.plot([start_s, end_s], [1.08 * top] * 2, color=colour, linewidth=2.5, solid_capstyle="butt")
        for zone, (zone_colour, _) in _ZONES.items():
            for what in ("on", "off"):
                at_s = getattr(reference.stride, f"{zone}_{what}_s")
                axis.plot([at_s, at_s], [0.0, 1.08 * top], color=zone_colour, linewidth=0.6, linestyle=":")
    axis.plot([], [], color=_SCORED, linewidth=2.5, label="reference stance (dotted: its zone events)")
    axis.plot([], [], color=_NOT_SCORED, linewidth=2.5, label="the same, not scored (turn, stop, end)")


def _draw_strides(axis: Axes, strides: list[Stride], ends_s: tuple[float, float], top: float, kinematics: str) -> None:
    """Draw a green band for each detected stance (red if the direction is wrong), and triangles for its zone events."""
    for stride in strides:
        if stride.final_contact_s < ends_s[0] or stride.initial_contact_s > ends_s[1]:
            continue
        colour = _RIGHT if stride.direction == TRUE_DIRECTION[kinematics] else _WRONG
        span_s = (stride.initial_contact_s, stride.final_contact_s)
        axis.plot(span_s, [1.16 * top] * 2, color=colour, linewidth=2.5, solid_capstyle="butt")
        for zone, (zone_colour, _) in _ZONES.items():
            for what, marker in (("on", "^"), ("off", "v")):
                at_s = getattr(stride, f"{zone}_{what}_s")
                axis.plot([at_s], [0.0], marker=marker, color=zone_colour, markersize=5, clip_on=True)
        middle_s = sum(span_s) / 2
        if ends_s[0] + _MARGIN_S < middle_s < ends_s[1] - _MARGIN_S:
            order = stride.contact_order.replace("_", " ")
            axis.text(middle_s, 1.2 * top, f"{order}\n{stride.direction}", fontsize=6.5, ha="center", va="bottom")
        if not math.isnan(stride.detected_s) and ends_s[0] < stride.detected_s < ends_s[1]:
            axis.plot([stride.detected_s], [1.16 * top], marker="|", color=colour, markersize=9)
    label = "detected stance (triangles: its zone events; bar: told)"
    axis.plot([], [], color=_RIGHT, linewidth=2.5, label=label)
    axis.plot([], [], color=_WRONG, linewidth=2.5, label="the same, direction wrong or unknown")
