"""What stands between a load and a count: sensor, front end and converter, as formulas of their parts.

The values and where they come from stand in hardware/simulation/parts; the same circuits run there in
ngspice, and a test holds the two together. Straight lines between the points of a table, adding,
multiplying, dividing and comparing only: the same counts on every machine.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole.errors import UsageError

Floats = NDArray[np.float64]

MAX_COUNTS = 4094
NAMES = ("divider", "amplifier")  # of the front ends one builds; the others in the table were compared with them
SENSOR = "fsr_402"
# A load at the end of the gait model's range, as a pad feels it: 12.7 mm of a foot whose zones carry 1500 N. A walker
# of 70 kg reaches half of it, which is what 200 to 500 kPa make on such a pad (25 to 63 N).
PAD_FULL_SCALE_N = 100.0


@dataclass(frozen=True)
class Part:
    """Say how one part differs from its nominal self; the default is the nominal one."""

    sensor_gain: float = 1.0
    resistor_gain: float = 1.0  # the divider's, or the feedback resistor
    reference_gain: float = 1.0
    supply_gain: float = 1.0
    offset_mv: float = 0.0  # of the amplifier
    converter_gain: float = 1.0  # counts for the same voltage


NOMINAL = Part()


@cache
def tables(name: str) -> dict[str, Any]:
    """Read one file of hardware/simulation/parts: sensors, converters or front_ends.

    Raises UsageError when neither the checkout nor the package has it.
    """
    here = Path(__file__).resolve()
    checkout, packed = here.parents[3] / "hardware" / "simulation" / "parts", here.parents[1] / "_hardware"
    folder = next((one for one in (checkout, packed) if (one / f"{name}.toml").is_file()), None)
    if folder is None:
        raise UsageError(
            f"the values of the front ends are neither in {checkout} nor in {packed}: "
            "run from a checkout, or install the package again"
        )
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def conductance_us(sensor: str, force_n: Floats) -> Floats:
    """Give the conductance in microsiemens of a sensor under forces in newtons; negative ones are none."""
    one = tables("sensors")[sensor]
    force, conductance = np.array(one["force_n"]), np.array(one["conductance_us"])
    slope = (conductance[-1] - conductance[-2]) / (force[-1] - force[-2])
    beyond = np.maximum(force_n - force[-1], 0.0) * slope
    whole: Floats = np.interp(np.maximum(force_n, 0.0), force, conductance) + beyond
    return whole


def volts(front_end: str, conductance_us: Floats, part: Part = NOMINAL) -> Floats:
    """Give the voltage at the converter's pin for conductances in microsiemens."""
    one = tables("front_ends")
    supply_v = one["supply"]["volts"] * part.supply_gain
    circuit = one[front_end]
    siemens = conductance_us * part.sensor_gain * 1e-6
    if circuit["kind"] == "divider":
        ratio = siemens * circuit["resistor_ohm"] * part.resistor_gain
        divided: Floats = supply_v * ratio / (1.0 + ratio)
        return divided
    upper_ohm, lower_ohm = circuit["reference_ohm"]
    reference_v = supply_v * lower_ohm / (upper_ohm + lower_ohm) * part.reference_gain + part.offset_mv / 1000.0
    gain = circuit["feedback_ohm"] * part.resistor_gain * siemens / (1.0 + circuit["series_ohm"] * siemens)
    swing_v = one["op_amp"]["swing_mv"] / 1000.0
    amplified: Floats = np.clip(reference_v * (1.0 + gain), swing_v, supply_v - swing_v)
    return amplified


@cache
def converter_mv(converter: str) -> tuple[Floats, Floats]:
    """Give counts and the voltages in mV for which a nominal converter gives them, both rising."""
    one = tables("converters")[converter]
    counts = np.arange(0.0, 4096.0)
    if one["kind"] == "curve":
        line = counts * (one["line_mv"] / one["line_count"])
        error = np.zeros_like(line)
        for factor in reversed(one["curve"]):
            error = error * line + factor
        return counts, line - error
    line = counts * (one["reference_mv"] * one["scale"] / 4096 / 65536) + one["offset_mv"]
    between = (one["reference_mv"] - 1000.0) / 200.0
    low, high = np.array(one["table_1000_mv"]), np.array(one["table_1200_mv"])
    at = one["table_first"] + one["table_step"] * np.arange(len(low))
    bent = np.interp(counts, at, low + (high - low) * between)
    blend = np.clip((counts - one["table_first"]) / one["table_step"], 0.0, 1.0)
    return counts, line + (bent - line) * blend


def counts(converter: str, pin_v: Floats, part: Part = NOMINAL) -> Floats:
    """Give the mean reading for voltages at the pin, not rounded, 0 to 4094."""
    at, mv = converter_mv(converter)
    reading = np.interp(pin_v * (1000.0 * part.converter_gain), mv, at)
    clipped: Floats = np.minimum(reading, MAX_COUNTS)
    return clipped


def transfer(front_end: str, sensor: str, force_n: Floats, part: Part = NOMINAL) -> Floats:
    """Give the mean reading of a sensor under forces in newtons, not rounded, 0 to 4094."""
    converter = tables("front_ends")[front_end]["converter"]
    return counts(converter, volts(front_end, conductance_us(sensor, force_n), part), part)
