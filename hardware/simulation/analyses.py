"""What ngspice is asked: transfer, parts, supply and temperature, corner, noise, settling, battery."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardware.simulation import spice
from retrosole.twin import circuit
from retrosole.twin.chance import generator, normal, uniform
from retrosole.twin.circuit import NOMINAL, Part, tables

Floats = NDArray[np.float64]

CANDIDATES = ("divider_10k", "divider_2k7", "divider_1k", "divider", "amplifier_200mv", "amplifier")
CHOSEN = ("divider", "amplifier")
SENSORS = ("fsr_402", "fsr_402_second", "velostat")
# A pad of 12.7 mm under 200 to 500 kPa, as under the heel and the ball of a walking foot, feels 25 to 63 N.
FOOT_N = (25.0, 63.0)
FORCES_N = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 40.0, 63.0, 80.0, 100.0)
# Fine where the sensor begins, and on to 200 N, where nobody has measured one.
FINE_N = tuple([round(0.02 * k, 2) for k in range(50)] + [round(0.5 * k, 1) for k in range(2, 401)])
PART_N = 500
_SIDE_BY_SIDE_N = 50  # parts in one deck
_SEED = 41
_SUPPLIES_V = (3.0, 3.2, 3.3, 3.4)
_TEMPERATURES_C = (0, 25, 45)
_SHOE_C = 40
_WET_OHM = 100e3


def kind(front_end: str) -> str:
    """Give divider or amplifier."""
    name: str = tables("front_ends")[front_end]["kind"]
    return name


def converter(front_end: str) -> str:
    """Give the converter a front end is read by."""
    name: str = tables("front_ends")[front_end]["converter"]
    return name


def sweep(
    front_end: str,
    sensor: str,
    forces_n: Sequence[float],
    parts: Sequence[Part] = (NOMINAL,),
    supply_v: float | None = None,
    temperature_c: int = 25,
) -> Floats:
    """Give the pin's volts of each part at each force, (force, part)."""
    if len(parts) > _SIDE_BY_SIDE_N:
        pieces = [parts[k : k + _SIDE_BY_SIDE_N] for k in range(0, len(parts), _SIDE_BY_SIDE_N)]
        return np.hstack([sweep(front_end, sensor, forces_n, piece, supply_v, temperature_c) for piece in pieces])
    volts = tables("front_ends")["supply"]["volts"] if supply_v is None else supply_v
    # ngspice sweeps in even steps: it counts, and the force is the point of that number.
    ramp = ", ".join(f"{k}, {force!r}" for k, force in enumerate(forces_n))
    lines = [f".temp {temperature_c}", ".options tnom=25", *spice.sensor(sensor)]
    lines += ["Vindex index 0 0", f"Bforce force 0 V = pwl(v(index), {ramp})"]
    for k, part in enumerate(parts):
        # A supply of its own for each part: its error is one of the part's.
        lines.append(f"Vdd{k} vdd{k} 0 {volts * part.supply_gain!r}")
        lines += [line.replace(" vdd ", f" vdd{k} ") for line in spice.wired(front_end, sensor, str(k), part)]
    found = spice.run(lines, [f"dc Vindex 0 {len(forces_n) - 1} 1"], [f"v(p{k})" for k in range(len(parts))])
    return np.column_stack([found[f"v(p{k})"] for k in range(len(parts))])


def read(front_end: str, volts: Floats, parts: Sequence[Part] = (NOMINAL,)) -> Floats:
    """Turn the volts of parts, (force, part), into mean counts."""
    name = converter(front_end)
    return np.column_stack([circuit.counts(name, volts[:, k], part) for k, part in enumerate(parts)])


def transfer(front_end: str, sensor: str) -> dict[str, Any]:
    """Give the transfer of nominal parts, and what follows from it."""
    fine = np.array(FINE_N)
    fine_counts = read(front_end, sweep(front_end, sensor, FINE_N))[:, 0]
    volts = sweep(front_end, sensor, FORCES_N)
    counts = read(front_end, volts)[:, 0]
    model = circuit.transfer(front_end, sensor, np.array(FORCES_N))
    walked = np.linspace(0.0, FOOT_N[1], 127)
    walked_counts = np.interp(walked, fine, fine_counts)
    off = np.polyval(np.polyfit(walked, walked_counts, 1), walked) - walked_counts
    return {
        "force_n": list(FORCES_N),
        "volts": digits(volts[:, 0], 5),
        "counts": digits(counts, 1),
        "unloaded_counts": digit(counts[0], 1),
        "first_count_n": digit(_crossing(fine, fine_counts, fine_counts[0] + 1.0), 2),
        "counts_per_n": {str(f): digit(_slope(fine, fine_counts, f), 1) for f in (1.0, 10.0, 25.0, 63.0, 100.0)},
        "foot_counts": digit(float(np.ptp(np.interp(FOOT_N, fine, fine_counts))), 0),
        "saturation_n": digit(_crossing(fine, fine_counts, circuit.MAX_COUNTS), 1),
        "bend_percent": digit(100 * float(np.abs(off).max() / np.ptp(walked_counts)), 1),
        "sensor_ma_at_foot": digit(float(_sensor_ma(front_end, sensor, np.array([FOOT_N[1]]))[0]), 2),
        "limit_ma_at_n": digit(_crossing(fine, _sensor_ma(front_end, sensor, fine), limit_ma(sensor)), 1),
        "model_error_counts": digit(float(np.abs(counts - model).max()), 2),
    }


def _slope(fine: Floats, counts: Floats, force_n: float) -> float:
    above, below = np.interp([force_n + 0.5, force_n - 0.5], fine, counts)
    return float(above - below)


def _crossing(fine: Floats, counts: Floats, level: float) -> float:
    """Give the force at which counts reach a level, infinity beyond the sweep."""
    reached = np.flatnonzero(counts >= level - 1e-9)
    if not len(reached):
        return math.inf
    k = int(reached[0])
    if k == 0:
        return 0.0
    part = (level - counts[k - 1]) / max(counts[k] - counts[k - 1], 1e-12)
    return float(fine[k - 1] + part * (fine[k] - fine[k - 1]))


def _sensor_ma(front_end: str, sensor: str, force_n: Floats) -> Floats:
    one = tables("front_ends")
    conductance_us = circuit.conductance_us(sensor, force_n)
    siemens = conductance_us * 1e-6
    supply_v = float(one["supply"]["volts"])
    if kind(front_end) == "divider":
        divided: Floats = 1000 * (supply_v - circuit.volts(front_end, conductance_us)) * siemens
        return divided
    upper, lower = one[front_end]["reference_ohm"]
    series_ohm = float(one[front_end]["series_ohm"])
    held: Floats = 1000 * supply_v * float(lower / (upper + lower)) * siemens / (1 + series_ohm * siemens)
    return held


def limit_ma(sensor: str) -> float:
    """Give the current that the maker says not to exceed, of a sensor pressed on all its area."""
    one = tables("sensors")[sensor]
    return float(one["current_ma_per_cm2"]) * math.pi / 4 * (float(one["pad_mm"]) / 10) ** 2


def parts_of(front_end: str, sensor: str, tolerance: float, n: int = PART_N) -> list[Part]:
    """Draw parts: sensor, resistors of a tolerance, supply, amplifier and converter; always the same ones."""
    one, many = tables("front_ends"), tables("sensors")[sensor]
    adc = tables("converters")[converter(front_end)]
    sd = tolerance * one["resistors"]["sd_of_tolerance"]
    drawn = []
    for k in range(n):
        rng = generator(_SEED, k)
        drawn.append(
            Part(
                sensor_gain=max(0.1, 1 + many["part_sd"] * normal(rng)),
                resistor_gain=1 + sd * normal(rng),
                # Two resistors make the reference; the small one's error counts in full, and so does the large one's.
                reference_gain=1 + sd * math.sqrt(2) * normal(rng),
                supply_gain=1 + one["supply"]["tolerance"] * uniform(rng, -1, 1),
                offset_mv=one["op_amp"]["offset_mv"] / 3 * normal(rng) if kind(front_end) == "amplifier" else 0.0,
                converter_gain=1 + adc["gain_sd"] * normal(rng),
            )
        )
    return drawn


def monte_carlo(front_end: str, sensor: str, tolerance: float) -> dict[str, Any]:
    """Give the counts of many parts at each force: least, 0.5 %, median, 99.5 %, most; and how many saturate."""
    parts = parts_of(front_end, sensor, tolerance)
    volts = sweep(front_end, sensor, FORCES_N, parts)
    counts = read(front_end, volts, parts)
    conductance = circuit.conductance_us(sensor, np.array(FORCES_N))
    model = np.column_stack([circuit.volts(front_end, conductance, part) for part in parts])
    model_counts = read(front_end, model, parts)
    at_foot, at_most = FORCES_N.index(FOOT_N[1]), len(FORCES_N) - 1
    return {
        "part_n": len(parts),
        "force_n": list(FORCES_N),
        **{f"p{q:g}": digits(np.percentile(counts, q, axis=1), 1) for q in (0.0, 0.5, 50.0, 99.5, 100.0)},
        "saturated_at_63_n_percent": digit(100 * float((counts[at_foot] >= circuit.MAX_COUNTS).mean()), 1),
        "saturated_at_100_n_percent": digit(100 * float((counts[at_most] >= circuit.MAX_COUNTS).mean()), 1),
        "spread_at_25_n_percent": digit(100 * float(counts[8].std() / counts[8].mean()), 1),
        "model_error_mv": digit(1000 * float(np.abs(volts - model).max()), 2),
        "model_error_counts": digit(float(np.abs(counts - model_counts).max()), 2),
    }


def corners(front_end: str, sensor: str) -> list[dict[str, Any]]:
    """Give the counts unloaded and under a foot at other supplies and temperatures; the converter stays as it is."""
    rows = []
    for supply_v in _SUPPLIES_V:
        for temperature_c in _TEMPERATURES_C:
            part = Part(offset_mv=_offset_drift_mv(temperature_c))
            volts = sweep(front_end, sensor, (0.0, 1.0, *FOOT_N), (part,), supply_v, temperature_c)
            counts = read(front_end, volts)[:, 0]
            rows.append({"supply_v": supply_v, "temperature_c": temperature_c, "counts": digits(counts, 1)})
    return rows


def _offset_drift_mv(temperature_c: float) -> float:
    return float(tables("front_ends")["op_amp"]["offset_uv_per_k"]) * (temperature_c - 25) / 1000


def sensor_effects(front_end: str, sensor: str) -> list[dict[str, Any]]:
    """Give the counts under 0, 1, 25 and 63 N of one nominal sensor, and of what its own weaknesses make of it."""
    one = tables("sensors")[sensor]
    warm = 1 / (1 + one["hot_85c"] * (_SHOE_C - 25) / (85 - 25))
    gains = {
        "nominal": 1.0,
        "part of +6 %": 1 + one["part_sd"],
        "unloading (hysteresis)": 1 + one["hysteresis"],
        "after 15 minutes of load (drift)": 1 + one["drift_per_decade"] * math.log10(15 * 60),
        f"at {_SHOE_C} °C": warm,
        "soaked (95 % humidity)": 1 / (1 + one["humid_85c"]),
    }
    volts = sweep(front_end, sensor, (0.0, 1.0, *FOOT_N), [Part(sensor_gain=gain) for gain in gains.values()])
    rows = [{"what": what, "counts": digits(read(front_end, volts[:, [k]])[:, 0], 1)} for k, what in enumerate(gains)]
    # Moisture between the traces conducts beside the sensor.
    wet = circuit.conductance_us(sensor, np.array([0.0, 1.0, *FOOT_N])) + 1e6 / _WET_OHM
    counts = circuit.counts(converter(front_end), circuit.volts(front_end, wet))
    return [*rows, {"what": f"{_WET_OHM / 1000:g} kΩ of sweat across it", "counts": digits(counts, 1)}]


def response(front_end: str, sensor: str, force_n: float) -> dict[str, Any]:
    """Give the -3 dB corner of the pin for a change of load, what is left at some frequencies, and the delay."""
    hz, gain, phase = bode(front_end, sensor, force_n)
    below = np.flatnonzero(gain < 0.5**0.5)
    corner_hz = float(hz[below[0]]) if len(below) else math.inf
    if len(below):
        k = int(below[0])
        corner_hz = float(np.interp(0.5**0.5, [gain[k], gain[k - 1]], [hz[k], hz[k - 1]]))
    delay_s = (phase[0] - phase[20]) / (2 * math.pi * (hz[20] - hz[0]))
    return {
        "force_n": force_n,
        "corner_hz": digit(corner_hz, 0),
        "peak_percent": digit(100 * float(gain.max() - 1), 2),
        "delay_ms": digit(1000 * float(delay_s), 2),
        "left_percent": {str(f): digit(100 * float(np.interp(f, hz, gain)), 1) for f in (20, 50, 100, 250, 1000)},
    }


def bode(front_end: str, sensor: str, force_n: float) -> tuple[Floats, Floats, Floats]:
    """Give frequencies, what is left there of a small change of load, and its phase in radians."""
    conductance = float(circuit.conductance_us(sensor, np.array([force_n]))[0])
    lines = ["Vdd vdd 0 3.3", *spice.resisted(front_end, conductance)]
    found = spice.run(lines, ["ac dec 50 0.1 10meg"], ["mag(v(p1))", "ph(v(p1))"])
    gain = found["mag(v(p1))"]
    return found["scale"], gain / gain[0], np.unwrap(found["ph(v(p1))"])


def noise(front_end: str, sensor: str, force_n: float) -> dict[str, float]:
    """Give the noise at the pin up to 1 MHz in microvolts rms, and the reading's in counts with the converter's."""
    conductance = float(circuit.conductance_us(sensor, np.array([force_n]))[0])
    lines = ["Vdd vdd 0 3.3", *spice.resisted(front_end, conductance)]
    found = spice.run(lines, ["noise v(p1) Iin dec 20 0.1 1meg", "setplot noise2"], ["onoise_total"])
    rms_v = float(found["onoise_total"][-1])
    name = converter(front_end)
    volts = float(circuit.volts(front_end, np.array([conductance]))[0])
    around = circuit.counts(name, np.array([volts - 0.005, volts + 0.005]))
    analogue = rms_v * float(around[1] - around[0]) / 0.010
    own = tables("converters")[name]["noise_counts"]
    return {
        "force_n": force_n,
        "pin_uv": digit(1e6 * rms_v, 1),
        "analogue_counts": digit(analogue, 3),
        "reading_counts": digit(math.hypot(analogue, own), 2),
    }


def settling(front_end: str, sensor: str) -> dict[str, float]:
    """Give how far a sampling capacitor is from the pin's voltage when the sample ends.

    It comes from another channel: that one at the top of the range and this one nearly unloaded, and the reverse.
    """
    sampling = tables("converters")["sampling"]
    worst = 0.0
    for before_v, force_n in ((3.1, 0.5), (0.0, FOOT_N[1])):
        conductance = float(circuit.conductance_us(sensor, np.array([force_n]))[0])
        lines = [
            "Vdd vdd 0 3.3",
            *spice.resisted(front_end, conductance),
            f"Rsw p1 cs {sampling['switch_ohm']}",
            f"Cs cs 0 {sampling['capacitor_pf']}p",
            # Held at the other channel's voltage until 10 us, then let go.
            "Sw cs hold ctl 0 holder",
            f"Vhold hold 0 {before_v}",
            "Vctl ctl 0 pulse(1 0 10u 1n 1n 1 2)",
            ".model holder sw vt=0.5 vh=0.1 ron=1 roff=1e15",
        ]
        # Before the switch closes nothing must flow through it: the pin is cut off by a switch of its own.
        lines[lines.index(f"Rsw p1 cs {sampling['switch_ohm']}")] = "Sin p1 in nctl 0 holder"
        lines += [f"Rsw in cs {sampling['switch_ohm']}", "Vnctl nctl 0 pulse(0 1 10u 1n 1n 1 2)"]
        end_us = 10 + sampling["time_us"]
        found = spice.run(lines, [f"tran 5n {end_us}u 0 5n"], ["v(cs)"])
        settled_v = float(circuit.volts(front_end, np.array([conductance]))[0])
        name = converter(front_end)
        reading, right = circuit.counts(name, np.array([found["v(cs)"][-1], settled_v]))
        worst = max(worst, abs(float(reading - right)))
    leak_v = sampling["leakage_na"] * 1e-9 * source_ohm(front_end)
    return {
        "source_ohm": digit(source_ohm(front_end), 0),
        "error_counts": digit(worst, 2),
        "leakage_counts": digit(leak_v * 1000 / 0.8, 2),
    }


def source_ohm(front_end: str) -> float:
    """Give the resistance that drives the pin, of an unloaded sensor: the largest there is."""
    one = tables("front_ends")[front_end]
    return float(one.get("pin_ohm", 0.0) + (one["resistor_ohm"] if one["kind"] == "divider" else 0.0))


def battery() -> dict[str, Any]:
    """Give the error of battery_mv, twice the pin's: from resistors, leakage and the calibrated converter."""
    one = tables("front_ends")["battery"]
    sampling, adc = tables("converters")["sampling"], tables("converters")[one["converter"]]
    upper, lower = one["resistor_ohm"]
    rows = []
    for battery_v in (3.3, 3.5, 3.7, 4.2):
        found = {}
        for key, (up, low, leak_na) in {
            "nominal": (1.0, 1.0, 0.0),
            "low": (1.01, 0.99, sampling["leakage_na"]),
            "high": (0.99, 1.01, -sampling["leakage_na"]),
        }.items():
            lines = [f"Vbat bat 0 {battery_v}", f"Rup bat pin {upper * up!r}", f"Rlow pin 0 {lower * low!r}"]
            lines += [f"Ileak pin 0 {leak_na}n"]
            pin_v = float(spice.run(lines, ["op"], ["v(pin)"])["v(pin)"][-1])
            found[key] = 2000 * pin_v
        worst = max(abs(value - found["nominal"]) for value in found.values())
        rows.append(
            {
                "battery_mv": round(1000 * battery_v),
                "divider_mv": [digit(found["low"] - found["nominal"], 1), digit(found["high"] - found["nominal"], 1)],
                "converter_mv": 2 * adc["calibrated_error_mv"],
                "worst_mv": digit(worst + 2 * adc["calibrated_error_mv"], 0),
            }
        )
    return {"drain_ua": digit(4.2 / (upper + lower) * 1e6, 1), "rows": rows}


def digit(value: float, places: int) -> float:
    """Round for the file; infinity becomes -1, which no quantity here can be."""
    return -1 if math.isinf(value) else round(float(value), places) + 0.0


def digits(values: Floats, places: int) -> list[float]:
    """Round all of them."""
    return [digit(v, places) for v in values]
