"""What is plugged where: kit, half-size breadboard of 30 rows, sensors, resistors, and if wanted a LED and a motor.

Places are written as people read them: `J2-3` a pin of the kit, `j5` a hole, `-R7` and `+L7` holes of the rails beside
row 7. Everything follows from the firmware's pins; `nets` says what is joined, for tests to hold against the circuit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.pins import Pins

KIT: dict[str, Any] = tomllib.loads((Path(__file__).parent / "devkitc_v4.toml").read_text(encoding="utf-8"))
ROWS = range(1, 31)
RAIL_ROWS = [row for row in ROWS if row % 6]  # a rail of such a board has five times five holes
RESISTOR_OHM = 470  # of each sensor, and of the LED and the motor's transistor, so that one bag is enough
BLACK, RED = "#222222", "#c81e1e"
COLOURS = ("#e08a00", "#3a9bdc", "#008a5e", "#7a4fb5", "#8c564b", "#d0669c")
_FIRST_ROW, _ROW_STEP = 2, 3
_HOLE = re.compile(r"([a-j])(\d+)")


@dataclass(frozen=True)
class Part:
    """Hold a wire or a part: where its ends are, and of which colour it is drawn."""

    kind: str  # jumper, link, resistor, sensor, led, transistor, diode, motor
    name: str
    ends: tuple[str, ...]
    colour: str = BLACK
    is_optional: bool = False


def pin_named(name: str, header: str = "J2") -> str:
    """Give the place of the first pin with this print on a header."""
    return f"{header}-{KIT[header].index(name) + 1}"


def pin_of_gpio(number: int) -> str:
    """Give the place of a GPIO."""
    for header in ("J2", "J3"):
        for k, name in enumerate(KIT[header]):
            if KIT["gpio"].get(name, int(name) if name.isdigit() else None) == number:
                return f"{header}-{k + 1}"
    raise ValueError(f"the kit has no pin for GPIO {number}")


def printed(pin: str) -> str:
    """Give what is printed beside a pin."""
    header, number = pin.split("-")
    return str(KIT[header][int(number) - 1])


def sensor_row(channel: int) -> int:
    """Give the row of a channel on the breadboard."""
    return _FIRST_ROW + _ROW_STEP * channel


def parts(pins: Pins) -> list[Part]:
    """List everything there is to plug, in the order of plugging."""
    return [
        Part("jumper", "3.3 V", (pin_named("3V3"), "+L1"), RED),
        Part("jumper", "ground", (pin_named("GND"), "-R25"), BLACK),
        *(part for k in range(len(pins.sites)) for part in _channel(pins, k)),
        *_led(pins),
        *_motor(pins),
    ]


def _channel(pins: Pins, k: int) -> list[Part]:
    row, colour = sensor_row(k), COLOURS[k]
    return [
        Part("jumper", f"channel {k}", (pin_of_gpio(pins.adc[k]), f"j{row}"), colour),
        Part("resistor", f"{RESISTOR_OHM}", (f"h{row}", f"-R{row + 2}"), colour),
        Part("sensor", pins.sites[k], (f"f{row}", f"+L{row + 2}"), colour),
    ]


def _led(pins: Pins) -> list[Part]:
    found = [
        Part("jumper", "LED", (pin_of_gpio(pins.led), "j28"), "#5b8c00"),
        Part("resistor", f"{RESISTOR_OHM}", ("i29", "-R29"), "#5b8c00"),
        Part("led", "LED: long leg in h28", ("h28", "h29"), "#5b8c00"),
    ]
    return [Part(one.kind, one.name, one.ends, one.colour, True) for one in found]


def _motor(pins: Pins) -> list[Part]:
    found = [
        Part("jumper", "motor", (pin_of_gpio(pins.motor), "j20"), "#0b6e6e"),
        Part("resistor", f"{RESISTOR_OHM}", ("h20", "h23"), "#0b6e6e"),
        Part("transistor", "BC337", ("g24", "g23", "g22"), BLACK),  # collector, base, emitter
        Part("link", "emitter to ground", ("i22", "-R22"), BLACK),
        Part("diode", "1N4148: ring in h27", ("h24", "h27"), BLACK),  # anode, cathode
        Part("jumper", "5 V", (pin_named("5V"), "j27"), "#b0127b"),
        Part("motor", "vibration motor", ("f24", "f27"), "#0b6e6e"),
    ]
    return [Part(one.kind, one.name, one.ends, one.colour, True) for one in found]


def strip(place: str) -> str:
    """Give the strip of metal that a place is on: holes a to e of a row are one, f to j are another, a rail is one."""
    hole = _HOLE.fullmatch(place)
    if hole is None:
        return place[:2] if place[0] in "+-" else place
    return f"{'a-e' if hole[1] in 'abcde' else 'f-j'} {hole[2]}"


def nets(wired: Iterable[Part]) -> dict[str, str]:
    """Give the net of every strip and pin in use, named by one of its members: wires join, parts do not."""
    wired = list(wired)
    net = {strip(end): strip(end) for part in wired for end in part.ends}
    for part in wired:
        if part.kind in ("jumper", "link"):
            kept, gone = (net[strip(end)] for end in part.ends)
            net = {member: kept if name == gone else name for member, name in net.items()}
    return net


def table(pins: Pins) -> str:
    """Write what each channel is plugged to, for people."""
    rows = [
        "| | sensor | GPIO | on the kit | jumper to | sensor's wires | resistor |",
        "|---|---|---|---|---|---|---|",
    ]
    for k, site in enumerate(pins.sites):
        jumper, resistor, sensor = _channel(pins, k)
        pin = jumper.ends[0]
        rows.append(
            f"| {k} | {site.replace('_', ' ')} | {pins.adc[k]} | {pin}, `{printed(pin)}` | {jumper.ends[1]} "
            f"| {sensor.ends[0]} and {sensor.ends[1]} | {resistor.ends[0]} to {resistor.ends[1]} |"
        )
    return "\n".join(rows)


_LEGS = {
    "transistor": ("collector", "base", "emitter"),
    "diode": ("plain end", "black ring"),
    "led": ("long leg", "short leg"),
}
_CALLED = {"link": "4 cm of wire", "transistor": "BC337", "diode": "1N4148", "led": "LED", "motor": "motor"}


def options_table(pins: Pins) -> str:
    """Write what LED and motor are plugged to, for people."""
    rows = ["| for the | what | where |", "|---|---|---|"]
    for purpose, plugged in (("LED", _led(pins)), ("motor", _motor(pins))):
        rows += [f"| {purpose} | {_called(part)} | {_plugged(part)} |" for part in plugged]
    return "\n".join(rows)


def _called(part: Part) -> str:
    return _CALLED.get(part.kind, f"resistor {RESISTOR_OHM} ohm" if part.kind == "resistor" else part.kind)


def _plugged(part: Part) -> str:
    ends = [f"{end}, `{printed(end)}`" if end.startswith("J") else end for end in part.ends]
    legs = _LEGS.get(part.kind)
    if legs is None:
        return f"{ends[0]} to {ends[1]}"
    return ", ".join(f"{leg} {end}" for leg, end in zip(legs, ends, strict=True))
