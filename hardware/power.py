"""Power budget and battery life: `python -m hardware.power` writes the tables of POWER.md from power.toml.

Whatever the firmware decides is read from it: the LED's pattern, the motor's strength, how full a page is. What sensors
and front ends draw while walking comes from the gait model through the circuits of hardware/simulation.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrosole.samples import records_per_frame
from retrosole.twin import circuit
from retrosole.twin.boards import board_channels
from retrosole.twin.front_end import ZONE_FULL_SCALE_N
from retrosole.twin.gait_model import walk_loads
from retrosole.twin.gait_shapes import channel_loads
from retrosole.twin.person import Person

HERE = Path(__file__).parent
PAGE = HERE / "POWER.md"
_FIRMWARE = HERE.parent / "firmware" / "insole"
_BEGIN, _END = "<!-- {}: from make hardware -->\n", "<!-- end of {} -->"

Range = tuple[float, float, float]
_WALK_N = 30_000
_WALKER = Person()


@dataclass(frozen=True)
class Way:
    """Name one way to build: chip, front end, what else is on it, and the firmware's board with its channels."""

    title: str
    chip: str
    front_end: str
    extra: str
    board: str

    @property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """Give zone and site of each channel, from the firmware's board file."""
        return board_channels(self.board)


# The board has the eight channels of the ESP32-S3 kit.
WAYS = (
    Way("board", "esp32_s3", "amplifier", "board", "esp32_s3"),
    Way("weekend kit", "esp32", "divider", "devkit", "esp32_devkitc"),
)


def data() -> dict[str, Any]:
    """Read power.toml."""
    return tomllib.loads((HERE / "power.toml").read_text(encoding="utf-8"))


def constant(module: str, name: str) -> int:
    """Read a constant of the firmware from its text; raises KeyError when it is not there."""
    text = (_FIRMWARE / f"{module}.py").read_text(encoding="utf-8")
    found = re.search(rf"^{name} = const\((\w+)\)", text, re.MULTILINE)
    if found is None:
        raise KeyError(f"{module}.{name}")
    return int(found[1], 0)


def led_ma() -> float:
    """Give the LED's mean current in a session: the steps of its pattern that are lit, of 16."""
    return float(data()["led"]["ma"]) * constant("lamp", "SAMPLING").bit_count() / 16


def motor_ma() -> float:
    """Give the motor's mean current while walking with the cue on."""
    one = data()["motor"]
    part = one["cues_per_minute"] / 60 * constant("cue", "_BUZZ_US") / 1e6
    return float(one["ma"] * part) * constant("cue", "_STRENGTH_U16") / 65536


def store_ma(rate_hz: int, channel_n: int) -> float:
    """Give the mean current of writing pages at a rate."""
    one = data()["flash"]
    return float(one["ma"] * one["page_ms"]) / 1000 * rate_hz / records_per_frame(channel_n)


def front_end_ma(way: Way, person: Person = _WALKER) -> float:
    """Give what amplifiers, reference and sensors draw on average while walking backward."""
    channels = way.channels
    loads, _ = walk_loads("backward", _WALK_N, 1, person)
    zones = [zone for zone, _ in channels]
    total = 0.0
    for zone, load in zip(zones, channel_loads(loads["left"], channels), strict=True):
        force_n = load * person.weight_n * zones.count(zone) / ZONE_FULL_SCALE_N * circuit.PAD_FULL_SCALE_N
        total += float(np.mean(_sensor_ma(way.front_end, circuit.conductance_us(circuit.SENSOR, force_n) * 1e-6)))
    return total + _unloaded_ma(way)


def _sensor_ma(front_end: str, siemens: circuit.Floats) -> circuit.Floats:
    parts = circuit.tables("front_ends")
    one, across_v = parts[front_end], float(parts["supply"]["volts"])
    series_ohm = float(one["resistor_ohm"] if one["kind"] == "divider" else one["series_ohm"])
    if one["kind"] != "divider":
        upper, lower = one["reference_ohm"]
        across_v *= float(lower / (upper + lower))
    return 1000 * across_v * siemens / (1 + series_ohm * siemens)


def budget(way: Way) -> dict[str, Range]:
    """Give the current of each state at the cell, low, usual and high."""
    one = data()
    chip, extra = one["chip"][way.chip], one["extra"][way.extra]
    rest = [sum(pair) for pair in zip(chip["ma"], extra["ma"], strict=True)]
    front = front_end_ma(way)
    n = len(way.channels)
    idle_front = _unloaded_ma(way)
    states = {
        "on, no session (the firmware does not sleep)": idle_front,
        "sampling at 100 Hz, storing": front + led_ma() + store_ma(100, n),
        "sampling at 200 Hz, storing": front + led_ma() + store_ma(200, n),
        "sampling at 200 Hz, storing, cue on": front + led_ma() + store_ma(200, n) + motor_ma(),
    }
    found: dict[str, Range] = {name: (rest[0] + ma, rest[1] + ma, rest[2] + ma) for name, ma in states.items()}
    asleep = chip["light_sleep_ma"] + extra["ma"][1] + idle_front
    found["light sleep, which the firmware does not use"] = (asleep, asleep, asleep)
    return found


def _unloaded_ma(way: Way) -> float:
    parts = circuit.tables("front_ends")
    if parts[way.front_end]["kind"] != "amplifier":
        return 0.0
    upper, lower = parts[way.front_end]["reference_ohm"]
    amplifiers_ma = len(way.channels) * float(parts["op_amp"]["supply_ua"]) / 1000
    return amplifiers_ma + 1000 * float(parts["supply"]["volts"] / (upper + lower))


@dataclass(frozen=True)
class Use:
    """Describe a day: hours in a session, hours switched on without one."""

    title: str
    session: str
    session_h: float
    on_h: float


USES = (
    Use("15 minutes a day, 5 more switched on", "sampling at 100 Hz, storing", 0.25, 5 / 60),
    Use("the same with the cue", "sampling at 200 Hz, storing, cue on", 0.25, 5 / 60),
    Use("clinic day of 8 hours, 3 of them in sessions", "sampling at 200 Hz, storing", 3.0, 5.0),
    Use("left on, no session", "on, no session (the firmware does not sleep)", 0.0, 24.0),
)


def day_mah(use: Use, states: dict[str, Range], off_ma: float) -> Range:
    """Give the charge of a day in mAh: low, usual, high."""
    off_h = 24 - use.session_h - use.on_h
    idle = states["on, no session (the firmware does not sleep)"]
    low, usual, high = (states[use.session][k] * use.session_h + idle[k] * use.on_h + off_ma * off_h for k in range(3))
    return low, usual, high


def written(page: str) -> str:
    """Give POWER.md with its tables written anew."""
    for name, table in (("currents", _currents()), ("life", _life()), ("sources", _sources())):
        begin, end = _BEGIN.format(name), _END.format(name)
        before, rest = page.split(begin)
        page = f"{before}{begin}{table}\n{end}{rest.split(end, 1)[1]}"
    return page


def _rows(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _range(values: Range, places: int) -> str:
    low, usual, high = (f"{value:.{places}f}" for value in values)
    return usual if low == high else f"**{usual}** ({low} to {high})"


def _currents() -> str:
    found = [budget(way) for way in WAYS]
    rows = [[state, *[_range(one[state], 1) for one in found]] for state in found[0]]
    rows.append(["of it front ends and sensors, walking", *[f"{front_end_ma(way):.1f}" for way in WAYS]])
    return _rows(["mA", *[way.title for way in WAYS]], rows)


def _life() -> str:
    one = data()
    states, off_ma = budget(WAYS[0]), one["extra"]["board"]["off_ma"]
    rows = []
    for use in USES:
        day = day_mah(use, states, off_ma)
        row = [use.title, f"{day[1]:.0f} mAh"]
        for mah in (one["cell"]["mah"], one["cell"]["larger_mah"]):
            days = tuple(mah * one["cell"]["usable"] / value for value in day)
            row.append(_lasts((days[2], days[1], days[0]), use))
        rows.append(row)
    sizes = [f"{one['cell'][key]:.0f} mAh" for key in ("mah", "larger_mah")]
    return _rows(["a day of", "takes", *sizes], rows)


def _lasts(days: Range, use: Use) -> str:
    """Write how long a cell lasts: days, or the hours of a day that takes more than one charge."""
    low, usual, high = days
    hours = use.session_h + use.on_h
    if usual >= 2:
        return f"**{usual:.0f} days** ({low:.0f} to {high:.0f})"
    return f"**{usual * hours:.1f} h** ({low * hours:.1f} to {high * hours:.1f})"


def _sources() -> str:
    one = data()
    rows = []
    for group in ("chip", "extra"):
        for part in one[group].values():
            rows.append([part["title"], " / ".join(f"{ma:g}" for ma in part["ma"]), part["source"]])
    rows.append(["LED, while lit", f"{one['led']['ma']:g}", one["led"]["source"]])
    rows.append(["vibration motor", f"{one['motor']['ma']:g}", one["motor"]["source"]])
    rows.append(["writing a page of flash", f"{one['flash']['ma']:g}", "assumed; for 0.8 ms (ESP32-S3 data sheet 2.2)"])
    return _rows(["", "mA", "from"], rows)


def main() -> int:
    """Write POWER.md; give the exit code."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
