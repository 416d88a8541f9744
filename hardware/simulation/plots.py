"""The pictures of README.md, as SVG that comes out the same each time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from hardware.simulation import analyses
from retrosole.twin import circuit
from retrosole.twin.circuit import tables

matplotlib.use("svg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    "divider_10k": "#999999",
    "divider_2k7": "#c9a227",
    "divider_1k": "#e3a5b0",
    "divider": "#c2571a",
    "divider_filtered": "#e09a6a",
    "amplifier_200mv": "#7fb2e5",
    "amplifier": "#1f5fa8",
}
_FOOT = "25 to 63 N: a 12.7 mm pad under a walking foot"


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Draw all pictures into a folder."""
    plt.rcParams.update({"svg.hashsalt": "retrosole", "svg.fonttype": "none", "font.size": 9})
    _save(_inputs(), folder / "inputs.svg")
    _save(_transfer(results), folder / "transfer.svg")
    _save(_response(), folder / "response.svg")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _inputs() -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for key, colour in (("fsr_402", "#333333"), ("fsr_402_second", "#aaaaaa"), ("velostat", "#8a5fb0")):
        one = tables("sensors")[key]
        left.plot(one["force_n"][1:], one["conductance_us"][1:], "o-", color=colour, ms=3, lw=1, label=one["name"])
    left.set(xscale="log", yscale="log", xlabel="force on the sensor, N", ylabel="conductance, µS", title="sensors")
    left.legend(fontsize=7)
    for key, colour in (("esp32", "#c2571a"), ("esp32_s3", "#1f5fa8"), ("esp32_c3", "#2a8c3c")):
        counts, mv = circuit.converter_mv(key)
        right.plot(mv, counts, color=colour, lw=1, label=tables("converters")[key]["name"])
    right.set(xlabel="voltage at the pin, mV", ylabel="counts", title="converters at 11 or 12 dB", xlim=(0, 3300))
    right.legend(fontsize=7)
    return figure


def _transfer(results: Mapping[str, Any]) -> Figure:
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
    for panel, scale in zip(panels, ("linear", "log"), strict=True):
        _foot(panel)
        force = np.linspace(0, 100, 501) if scale == "linear" else np.geomspace(0.1, 100, 301)
        for name in analyses.CANDIDATES:
            chosen = name in analyses.CHOSEN
            title = tables("front_ends")[name]["title"]
            counts = circuit.transfer(name, "fsr_402", force)
            panel.plot(force, counts, color=_COLOURS[name], lw=1.8 if chosen else 0.9, label=title)
            found = results["transfer"][name]["fsr_402"]
            panel.plot(found["force_n"], found["counts"], ".", color=_COLOURS[name], ms=4)
            if chosen:
                parts = results["parts"][name]["5 %"]
                low, high = parts["p0.5"], parts["p99.5"]
                panel.fill_between(parts["force_n"], low, high, color=_COLOURS[name], alpha=0.15, lw=0)
        panel.axhline(circuit.MAX_COUNTS, color="#d01010", lw=0.7, label=f"{circuit.MAX_COUNTS}, the largest count")
        panel.set(xlabel="force on an FSR 402, N", xscale=scale)
    panels[1].set_xlim(0.1, 100)
    panels[0].set_xlim(0, 100)
    panels[0].set(ylabel="counts", ylim=(-60, 4250))
    shown = panels[0].get_legend_handles_labels()
    figure.legend(*shown, loc="outside lower center", ncols=2, fontsize=7, frameon=False)
    figure.suptitle("lines: formulas of the virtual insole; dots: ngspice; shaded: 99 % of parts", fontsize=9)
    return figure


def _foot(panel: Axes) -> None:
    panel.axvspan(*analyses.FOOT_N, color="#2a8c3c", alpha=0.08, lw=0, label=_FOOT)


def _response() -> Figure:
    figure, panel = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for name in ("divider", "divider_filtered", "amplifier"):
        hz, gain, _ = analyses.bode(name, "fsr_402", 25.0)
        shown = hz <= 1e5
        title = tables("front_ends")[name]["title"]
        panel.plot(hz[shown], 20 * np.log10(gain[shown]), color=_COLOURS[name], label=title)
    panel.axhline(-3.01, color="#999999", lw=0.7, ls=":")
    panel.text(1.1, -2.7, "-3 dB", fontsize=6.5)
    for rate_hz in (100, 200, 500):
        panel.axvline(rate_hz / 2, color="#999999", lw=0.5)
        panel.text(rate_hz / 2, -38, f" half of {rate_hz} Hz", fontsize=6.5, rotation=90, va="bottom")
    panel.set(xscale="log", xlabel="frequency of the load, Hz", ylabel="dB", ylim=(-40, 2), xlim=(1, 1e4))
    panel.legend(fontsize=7, loc="lower left")
    return figure
