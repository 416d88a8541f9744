"""Power budget and battery life: `python -m hardware.power [--check]` writes the tables of POWER.md from power.toml.

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

from hardware.generated import between_marks, write_or_check
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

Range = tuple[float, float, float]
_WALK_N = 30_000
_WALKER = Person()


@dataclass(frozen=True)
class Way:
    """Name one way to build: chip, front end, and the firmware's board with its channels."""

    title: str
    chip: str
    front_end: str
    board: str

    @property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """Give zone and site of each channel, from the firmware's board file."""
        return board_channels(self.board)


WAYS = (
    Way("board", "esp32_s3", "amplifier", "insole_s3"),
    Way("weekend kit", "esp32", "divider", "esp32_devkitc"),
)

# What an insole does, as the table calls it.
IDLE = "on, no session"
SAMPLING = "sampling at 200 Hz, the store full"
STORING_SLOW = "sampling at 100 Hz, storing"
STORING = "sampling at 200 Hz, storing"
CUED = "sampling at 200 Hz, storing, cue on"
LIGHT_SLEEP = "sleeping (light sleep): **the firmware does not**"


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


def led_lit_ma() -> float:
    """Give the LED's current while lit."""
    one = data()["led"]
    return float(1000 * (one["supply_v"] - one["forward_v"]) / one["series_ohm"])


def led_ma(pattern: str = "SAMPLING") -> float:
    """Give the LED's mean current with a pattern of the firmware: the steps that are lit, of 16."""
    return led_lit_ma() * constant("lamp", pattern).bit_count() / 16


def divider_ua(is_on: bool) -> Range:
    """Give what the battery's divider takes from a full cell; switched off, the module's pin pulls its middle down."""
    one = data()["divider"]
    upper, lower = circuit.tables("front_ends")["battery"]["resistor_ohm"]
    through_both = 1e6 * one["cell_v"] / (upper + lower)
    if is_on:
        return through_both, through_both, through_both
    return through_both, 1e6 * (one["cell_v"] - one["pin_off_v"]) / upper, 1e6 * one["cell_v"] / upper


def board_ua(is_on: bool) -> Range:
    """Give what hangs on the board's cell beside the module, switched on or off."""
    parts = [part["on_ua" if is_on else "off_ua"] for part in data()["on_the_cell"].values()]
    return _sum([divider_ua(is_on), *parts])


def _sum(ranges: list[Range]) -> Range:
    low, usual, high = (sum(values) for values in zip(*ranges, strict=True))
    return low, usual, high


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
    """Give the current of each state at the cell in mA, low, usual and high."""
    extra, idle, front = _extra_ma(way), _unloaded_ma(way), front_end_ma(way)
    n = len(way.channels)
    states = {
        IDLE: idle,
        SAMPLING: front + led_ma("FULL"),
        STORING_SLOW: front + led_ma() + store_ma(100, n),
        STORING: front + led_ma() + store_ma(200, n),
        CUED: front + led_ma() + store_ma(200, n) + motor_ma(),
    }
    chip = data()["chip"][way.chip]
    found = {name: _sum([chip["ma"], extra, (ma, ma, ma)]) for name, ma in states.items()}
    asleep = chip["light_sleep_ma"] + idle
    found[LIGHT_SLEEP] = _sum([extra, (asleep, asleep, asleep)])
    return found


def _extra_ma(way: Way) -> Range:
    if way.board == "insole_s3":
        low, usual, high = (ua / 1000 for ua in board_ua(is_on=True))
    else:
        low, usual, high = data()["extra"]["devkit"]["ma"]
    return low, usual, high


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
    Use("15 minutes a day, 5 more switched on", STORING_SLOW, 0.25, 5 / 60),
    Use("the same with the cue", CUED, 0.25, 5 / 60),
    Use("clinic day of 8 hours, 3 of them in sessions", STORING, 3.0, 5.0),
    Use("left on, no session", IDLE, 0.0, 24.0),
)


def day_mah(use: Use, states: dict[str, Range], off_ua: Range) -> Range:
    """Give the charge of a day in mAh: low, usual, high."""
    session, idle, off_h = states[use.session], states[IDLE], 24 - use.session_h - use.on_h
    low, usual, high = (session[k] * use.session_h + idle[k] * use.on_h + off_ua[k] / 1000 * off_h for k in range(3))
    return low, usual, high


def written(page: str) -> str:
    """Give POWER.md with its tables written anew."""
    for name, table in (
        ("currents", _currents()),
        ("life", _life()),
        ("cell", _on_the_cell()),
        ("sources", _sources()),
    ):
        page = between_marks(page, name, table)
    return page


def _rows(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _range(values: Range, places: int) -> str:
    low, usual, high = (f"{value:.{places}f}" for value in values)
    return usual if low == high else f"**{usual}** ({low} to {high})"


def _currents() -> str:
    found = [budget(way) for way in WAYS]
    rows = [[state, *[_range(one[state], 1) for one in found]] for state in found[0]]
    rows.insert(-1, ["streaming to a host, with or without storing", "0: USB feeds it, and charges", "as without"])
    low, usual, high = board_ua(is_on=False)
    rows.append(["switched off", _range((low / 1000, usual / 1000, high / 1000), 3), "unplugged"])
    rows.append(["of it front ends and sensors, walking", *[f"{front_end_ma(way):.1f}" for way in WAYS]])
    return _rows(["mA", *[way.title for way in WAYS]], rows)


def _life() -> str:
    one = data()
    states, off_ua = budget(WAYS[0]), board_ua(is_on=False)
    rows = []
    for use in USES:
        day = day_mah(use, states, off_ua)
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


def _on_the_cell() -> str:
    parts = data()["on_the_cell"]
    rows = [
        [
            f"{part['title']} {name}, {part['value']}",
            *[_slashed(part[key]) for key in ("on_ua", "off_ua")],
            part["source"],
        ]
        for name, part in parts.items()
    ]
    whence = "computed for a full cell; off: the middle is pulled down by the module's pin, which has no supply"
    rows.append(["battery divider R7, R8", *[_slashed(divider_ua(is_on)) for is_on in (True, False)], whence])
    rows.append(["together", *[_range(board_ua(is_on), 0) for is_on in (True, False)], ""])
    return _rows(["uA", "switched on", "switched off", "from"], rows)


def _slashed(values: Range) -> str:
    return " / ".join(f"{value:.3g}" for value in values)


def _sources() -> str:
    one = data()
    rows = [
        [part["title"], _slashed(part["ma"]), part["source"]]
        for part in (*one["chip"].values(), one["extra"]["devkit"])
    ]
    rows.append(["LED, while lit", f"{led_lit_ma():g}", one["led"]["source"]])
    rows.append(["vibration motor", f"{one['motor']['ma']:g}", one["motor"]["source"]])
    rows.append(["writing a page of flash", f"{one['flash']['ma']:g}", "assumed; for 0.8 ms (ESP32-S3 data sheet 2.2)"])
    return _rows(["", "mA", "from"], rows)


def made() -> dict[Path, bytes]:
    """Make POWER.md."""
    return {PAGE: written(PAGE.read_text(encoding="utf-8")).encode()}


if __name__ == "__main__":
    sys.exit(write_or_check(made(), "Write the tables of the power budget.", sys.argv[1:]))
