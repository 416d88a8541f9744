"""Every count and volt that the firmware takes for granted, each with its stated error, held against the simulation.

The constants are read from the firmware's own text; what the front ends really give comes from results.json. A line
keeps its word when the whole simulated range, over parts with 5 % resistors, lies within the stated one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrosole import wire
from retrosole.doctor import insole as doctor
from retrosole.doctor import sensors
from retrosole.twin.circuit import PAD_FULL_SCALE_N, tables
from retrosole.twin.front_end import IDEAL, MAX_COUNTS

_FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "insole"
_WORST = "5 %"
# A foot at rest presses no pad harder than some tens of kilopascals: 5 N on 12.7 mm.
_STANDING_N = 5.0
_SENSOR_N = 6


@dataclass(frozen=True)
class Line:
    """Hold one assumption: what the firmware says and where, of which front end, the stated and the simulated range."""

    words: str
    where: str
    front_end: str
    unit: str
    stated: tuple[float, float]
    simulated: tuple[float, float]

    @property
    def is_kept(self) -> bool:
        """Say whether the simulated range lies within the stated one."""
        return self.stated[0] <= self.simulated[0] and self.simulated[1] <= self.stated[1]


def constant(module: str, name: str) -> int:
    """Read a constant of the firmware from its text; raises KeyError when it is not there."""
    text = (_FIRMWARE / f"{module}.py").read_text(encoding="utf-8")
    found = re.search(rf"^{name} = const\((\d+)\)", text, re.MULTILINE)
    if found is None:
        raise KeyError(f"{module}.{name}")
    return int(found[1])


def lines(results: Mapping[str, Any]) -> Iterator[Line]:
    """Give all lines, front end by front end, and the battery's."""
    for front_end in ("divider", "amplifier"):
        yield from of_front_end(front_end, results)
    yield from _of_battery(results)


def of_front_end(name: str, results: Mapping[str, Any]) -> Iterator[Line]:
    """Give the lines of one front end."""
    parts, transfer = results["parts"][name][_WORST], results["transfer"][name]["fsr_402"]
    inl = tables("converters")[tables("front_ends")[name]["converter"]]["inl_counts"]

    def at(force_n: float) -> tuple[float, float]:
        k = parts["force_n"].index(force_n)
        return parts["p0"][k], parts["p100"][k]

    free = (max(at(0.0)[0] - inl, 0.0), at(0.0)[1] + inl if at(0.0)[1] else 0.0)
    dead = constant("tune", "_DEAD_BELOW")
    yield Line(
        "an open sensor reads next to nothing", "tune._DEAD_BELOW, doctor NOTHING_COUNTS", name, "counts",
        (0, min(dead, sensors.NOTHING_COUNTS) - 1), free,
    )  # fmt: skip
    yield Line(
        f"the virtual insole's unloaded reading, {IDEAL.offset_counts:g}, is off by 30 at most", "front_end.IDEAL",
        name, "counts", (IDEAL.offset_counts - 30, IDEAL.offset_counts + 30), free,
    )  # fmt: skip
    drift = [row["counts"][0] for row in results["corners"][name]]
    yield Line(
        "supply and temperature move the unloaded reading by less than what proves a baseline wrong",
        "tune.DROP_COUNTS", name, "counts", (0, constant("tune", "DROP_COUNTS") - 1), (0, max(drift) - min(drift)),
    )  # fmt: skip
    noise = [row["reading_counts"] for row in results["noise"][name]]
    yield Line(
        "a still sensor's reading scatters by 2 counts, the converter's own noise", "sense._STILL_COUNTS", name,
        "counts", (0, constant("sense", "_STILL_COUNTS") / 2.5 + 0.1), (min(noise), max(noise)),
    )  # fmt: skip
    yield Line(
        "no sensor reaches the largest count under 100 N", "wire.LARGEST_COUNT, identity full_scale", name, "counts",
        (0, wire.LARGEST_COUNT - 1), at(100.0),
    )  # fmt: skip
    yield Line(
        "on a foot that stands some sensor reads this much: 5 N on one", "doctor LOADED_COUNTS", name, "counts",
        (sensors.LOADED_COUNTS, MAX_COUNTS), at(_STANDING_N),
    )  # fmt: skip
    standing = tuple(_SENSOR_N * (at(_STANDING_N)[k] - free[1 - k]) for k in (0, 1))
    yield Line(
        "standing is more than an empty shoe: 5 N on each of six, above baseline", "pressure._LEAST_STANDING", name,
        "counts", (constant("pressure", "_LEAST_STANDING"), _SENSOR_N * MAX_COUNTS), (standing[0], standing[1]),
    )  # fmt: skip
    first = _first_counts()
    yield Line(
        "a finger or a lace is no first step: 2 N on one sensor, above baseline", "gait._GUESSED_LOAD, step", name,
        "counts", (0, first), (at(2.0)[0] - free[1], at(2.0)[1] - free[0]),
    )  # fmt: skip
    yield Line(
        "a first step is one: 25 N on two sensors, above baseline", "gait._GUESSED_LOAD, step", name, "counts",
        (first, 2 * MAX_COUNTS), (2 * (at(25.0)[0] - free[1]), 2 * (at(25.0)[1] - free[0])),
    )  # fmt: skip
    model = MAX_COUNTS / PAD_FULL_SCALE_N
    slopes = [(at(force)[k] - free[1 - k]) / force for force in (25.0, 63.0) for k in (0, 1)]
    yield Line(
        f"a load means {model:.0f} counts/N of a pad (10 of a zone), under 25 to 63 N within a factor of 3",
        "tune._LEAST_PEAK, gait._GUESSED_PEAK", name, "counts/N", (model / 3, model * 3), (min(slopes), max(slopes)),
    )  # fmt: skip
    yield Line(
        "what is noise to doctor is not the circuit's", "doctor HALF_NOISY_PART", name, "counts",
        (0, sensors.HALF_NOISY_PART * MAX_COUNTS), (min(noise), max(noise)),
    )  # fmt: skip
    yield _standing_load(name, results, transfer)


def _standing_load(name: str, results: Mapping[str, Any], transfer: Mapping[str, Any]) -> Line:
    nominal = transfer["counts"][transfer["force_n"].index(25.0)]
    others = [row["counts"][2] / nominal - 1 for row in results["corners"][name] if row["supply_v"] >= 3.2]
    return Line(
        "the standing load of calibrate holds at another temperature (0 to 45 C) and supply (3.2 to 3.4 V)",
        "pressure.standing", name, "%", (-5, 5), (100 * min(others), 100 * max(others)),
    )  # fmt: skip


def _first_counts() -> float:
    return constant("gait", "_GUESSED_LOAD") * constant("step", "_LEAST_FIRST_PERCENT") / 100


def _of_battery(results: Mapping[str, Any]) -> Iterator[Line]:
    stated = 170.0
    worst = [row["worst_mv"] for row in results["battery"]["rows"]]
    yield Line(
        "battery_mv is twice the pin's voltage, off by 170 mV at most", "board.battery_mv", "battery", "mV",
        (-stated, stated), (-max(worst), max(worst)),
    )  # fmt: skip
    low = constant("health", "_LEAST_BATTERY_MV")
    yield Line(
        "a cell called nearly empty has between 3.1 and 3.5 V", "health._LEAST_BATTERY_MV, doctor EMPTY_MV", "battery",
        "mV", (3100, 3500), (min(low, doctor.EMPTY_MV) - max(worst), max(low, doctor.EMPTY_MV) + max(worst)),
    )  # fmt: skip
