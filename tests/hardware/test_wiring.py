"""The picture to wire by is the firmware's: traced through the breadboard's metal, it is the circuit that is meant."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from hardware.pins import read_pins
from hardware.wiring.__main__ import GUIDE, PICTURE, made
from hardware.wiring.picture import draw, place
from hardware.wiring.plan import (
    KIT,
    RAIL_ROWS,
    RESISTOR_OHM,
    Part,
    nets,
    options_table,
    parts,
    pin_named,
    pin_of_gpio,
    printed,
    strip,
    table,
)
from retrosole.twin import circuit
from retrosole.twin.boards import board_channels

PINS = read_pins("esp32_devkitc")
PARTS = parts(PINS)
NETS = nets(PARTS)
SVG = "{http://www.w3.org/2000/svg}"


def net(end: str) -> str:
    return NETS[strip(end)]


def ends_on(wanted: str) -> list[tuple[str, int]]:
    """Name what of the parts, wires apart, has an end on a net, and which end."""
    return [
        (part.kind, k)
        for part in PARTS
        if part.kind not in ("jumper", "link")
        for k, end in enumerate(part.ends)
        if net(end) == wanted
    ]


def only(kind: str) -> Part:
    (found,) = [part for part in PARTS if part.kind == kind]
    return found


def other_net(kind: str, here: str) -> str:
    """Give the net at the other end of the only part of a kind that has an end on `here`."""
    (part,) = [part for part in PARTS if part.kind == kind and here in map(net, part.ends)]
    (there,) = [net(end) for end in part.ends if net(end) != here]
    return there


SUPPLY, GROUND, FIVE = (net(pin_named(name)) for name in ("3V3", "GND", "5V"))


def test_what_is_committed_is_what_would_be_written() -> None:
    for path, data in made().items():
        assert path.read_bytes() == data, f"{path.name}: run make hardware"


@pytest.mark.parametrize("k", range(6))
def test_each_channel_is_a_divider_at_the_firmwares_pin(k: int) -> None:
    """3.3 V, sensor, pin, resistor, ground, and nothing else."""
    here = net(pin_of_gpio(PINS.adc[k]))
    assert sorted(kind for kind, _ in ends_on(here)) == ["resistor", "sensor"]
    assert other_net("sensor", here) == SUPPLY and other_net("resistor", here) == GROUND
    (sensor,) = [part for part in PARTS if part.kind == "sensor" and net(part.ends[0]) == here]
    assert sensor.name == board_channels("esp32_devkitc")[k][1]


def test_no_two_nets_are_joined() -> None:
    named = [SUPPLY, GROUND, FIVE, *(net(pin_of_gpio(gpio)) for gpio in (*PINS.adc, PINS.led, PINS.motor))]
    assert len(set(named)) == len(named) == 11
    assert len(PINS.adc) == len(PINS.sites) == 6 and all(32 <= gpio <= 39 for gpio in PINS.adc), "the first converter"


def test_the_motor_is_switched_towards_ground_and_has_its_flyback() -> None:
    collector, base, emitter = map(net, only("transistor").ends)
    assert emitter == GROUND and other_net("resistor", net(pin_of_gpio(PINS.motor))) == base
    assert [net(end) for end in only("diode").ends] == [collector, FIVE], "blocks until the motor is switched off"
    assert {net(end) for end in only("motor").ends} == {collector, FIVE}
    rows = [int(end[1:]) for end in only("transistor").ends]
    assert rows == sorted(rows, reverse=True), "collector, base, emitter from below when the flat side is to the right"


def test_the_led_is_lit_when_the_pin_is_high() -> None:
    """Pin, long leg, short leg, resistor, ground."""
    assert net(only("led").ends[0]) == net(pin_of_gpio(PINS.led))
    assert other_net("resistor", net(only("led").ends[1])) == GROUND


def test_the_button_is_the_kits_own() -> None:
    assert PINS.button == 0 and printed(pin_of_gpio(0)) == "0"
    assert pin_of_gpio(0) not in {end for part in PARTS for end in part.ends}


def test_pins_that_can_only_read_are_only_read() -> None:
    """GPIO 34 to 39 of an ESP32 have no output."""
    assert sum(gpio >= 34 for gpio in PINS.adc) == 4
    assert max(PINS.led, PINS.motor) < 34


def test_only_motor_and_led_may_be_left_out_and_the_rest_stands_without_them() -> None:
    needed = [part for part in PARTS if not part.is_optional]
    counted = {kind: sum(part.kind == kind for part in needed) for kind in {part.kind for part in needed}}
    assert counted == {"jumper": 8, "resistor": 6, "sensor": 6}
    alone = nets(needed)
    assert {strip(end) for part in needed for end in part.ends} == set(alone)
    assert alone[strip(pin_named("GND"))] == alone["-R"] and alone[strip(pin_named("3V3"))] == alone["+L"]


def test_every_end_that_may_be_left_out_is_told_in_words() -> None:
    told = re.findall(r"(?<![\w`])(J\d-\d+|[+-][LR]\d+|[a-j]\d+)", options_table(PINS))
    assert sorted(told) == sorted(end for part in PARTS if part.is_optional for end in part.ends)


def test_no_hole_is_used_twice_and_all_are_on_the_board() -> None:
    ends = [end for part in PARTS for end in part.ends]
    assert len(set(ends)) == len(ends)
    for end in ends:
        assert end.startswith("J") or 1 <= int(re.sub(r"\D", "", end)) <= 30
        assert end[0] not in "+-" or int(end[2:]) in RAIL_ROWS, end


def test_the_breadboard_is_a_half_size_one_of_400_holes() -> None:
    """Thirty rows of ten, and four rails of five times five, which have a gap in each sixth row."""
    root = ElementTree.fromstring(PICTURE.read_text(encoding="utf-8"))
    holes = {(dot.get("cx"), dot.get("cy")) for dot in root.iter(f"{SVG}circle") if dot.get("r") == "3"}
    assert len(holes) == 400 == 30 * 10 + 4 * len(RAIL_ROWS)
    plugged = {place(end) for part in PARTS for end in part.ends if not end.startswith("J")}
    assert plugged <= {(float(x or 0), float(y or 0)) for x, y in holes}


def test_no_wire_runs_over_the_end_of_another_part() -> None:
    """Wires run along their row: over no other end in it, or a reader would take it for plugged there."""
    for part in PARTS:
        start = 0.0 if part.kind in ("sensor", "motor") else place("+R1")[0] + 1
        for end in part.ends if part.kind in ("sensor", "motor", "jumper") else ():
            x, y = place(end)
            if end.startswith("J") or (part.kind == "jumper" and end.startswith("+L")):
                continue
            for other in (other for one in PARTS if one is not part for other in one.ends):
                ox, oy = place(other)
                assert oy != y or not min(start, x) < ox < max(start, x), (part.name, end, other)


def test_wires_from_the_left_header_do_not_cross_each_other() -> None:
    there = [
        (place(part.ends[0])[1], place(part.ends[1])[1])
        for part in PARTS
        if part.kind == "jumper" and part.ends[0].startswith("J2") and not part.ends[1].startswith("+L")
    ]
    assert [low for _, low in sorted(there)] == sorted(low for _, low in there)


def test_the_kits_headers_have_each_pin_once() -> None:
    assert len(KIT["J2"]) == len(KIT["J3"]) == 19
    gpios = [name for header in ("J2", "J3") for name in KIT[header] if name.isdigit() or name in KIT["gpio"]]
    assert len(set(gpios)) == len(gpios) == 32
    assert [pin_of_gpio(gpio) for gpio in PINS.adc] == [f"J2-{k}" for k in range(3, 9)], "Espressif's table of J2"
    with pytest.raises(ValueError, match="no pin for GPIO 20"):
        pin_of_gpio(20)


def test_every_part_is_drawn_where_it_is_plugged() -> None:
    root = ElementTree.fromstring(PICTURE.read_text(encoding="utf-8"))
    drawn = [group for group in root.iter(f"{SVG}g") if group.get("data-ends")]
    assert sorted((group.get("class"), group.get("data-ends")) for group in drawn) == sorted(
        (part.kind, " ".join(part.ends)) for part in PARTS
    )
    for group in drawn:
        if group.get("class") == "transistor":
            continue
        dots = {(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in group.iter(f"{SVG}circle")}
        for end in (group.get("data-ends") or "").split():
            assert place(end) in dots, (group.get("class"), end)


def test_another_pin_or_site_is_another_picture_and_another_table() -> None:
    moved = replace(PINS, adc=(*PINS.adc[:5], 26))
    swapped = replace(PINS, sites=(PINS.sites[1], PINS.sites[0], *PINS.sites[2:]))
    for other in (moved, swapped, replace(PINS, led=4), replace(PINS, motor=26)):
        assert draw(other) != PICTURE.read_bytes()
    assert table(PINS) in GUIDE.read_text(encoding="utf-8")
    assert options_table(PINS) != options_table(replace(PINS, led=4))
    assert table(moved) != table(PINS) != table(swapped)


def test_the_resistor_is_the_one_that_was_simulated() -> None:
    front_ends = circuit.tables("front_ends")
    assert front_ends[front_ends["chosen"]["weekend"]]["resistor_ohm"] == RESISTOR_OHM
