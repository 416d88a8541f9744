"""The insole board's schematic is what the firmware takes it for: pins, channels, battery, what the chip asks for."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from retrosole import wire
from retrosole.twin.boards import board_channels
from tests.hardware.netlist import OUT, committed, in_units

BOARDS = Path(__file__).resolve().parents[2] / "firmware" / "insole" / "boards"
NET = committed()
MODULE, FLEX = "U7", "J4"
STRAPS = {0, 3, 45, 46}  # read by an ESP32-S3 at reset
ADC1 = range(1, 11)  # GPIO 1 to 10 of an ESP32-S3; ADC2 cannot be used while Wi-Fi runs
ON_THE_FLASH = range(26, 33)  # inside the module
USB = {19: "/USB_D-", 20: "/USB_D+"}


def firmware_pins() -> dict[str, Any]:
    """Read the numbers of the firmware's board file, without importing the device's modules."""
    tree = ast.parse((BOARDS / "insole_s3.py").read_text(encoding="utf-8"))
    values = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.endswith(("_PIN", "_PINS", "_PARTS")):
                values[name] = ast.literal_eval(node.value)
    return values


PINS = firmware_pins()


def gpio_net(number: int) -> str:
    """Give the net of a GPIO; the two of the USB have names of their own on the module."""
    name = {19: "USB_D-", 20: "USB_D+"}.get(number, f"IO{number}")
    return NET.net(MODULE, name)


def channel_nets() -> list[str]:
    return [f"/CH{k}_{site.upper()}" for k, (_, site) in enumerate(board_channels("insole_s3"))]


def test_channels_are_in_the_firmwares_order_at_the_firmwares_pins() -> None:
    assert [gpio_net(pin) for pin in PINS["ADC_PINS"]] == channel_nets()


@pytest.mark.parametrize("k", range(8))
def test_each_channel_leads_from_its_contact_of_the_flex_to_its_pin(k: int) -> None:
    """Contact, 100 ohm, - input; output, 1 kohm, pin; Rf and Cf between; + input at the reference."""
    pin_net = gpio_net(PINS["ADC_PINS"][k])
    contact_net = NET.net_of[FLEX, str(k + 2)]
    site = board_channels("insole_s3")[k][1].upper()
    assert contact_net.endswith(f"/S{k}_{site}")
    amplifier, plus, minus, out = ("U4" if k < 4 else "U5", *((3, 2, 1), (5, 6, 7), (10, 9, 8), (12, 13, 14))[k % 4])
    nets = [NET.net_of[amplifier, str(pin)] for pin in (plus, minus, out)]
    assert nets[0].endswith("/VREF")
    assert NET.parts_between(contact_net, nets[1]) == [f"R{k + 1}01"]
    assert NET.parts_between(nets[1], nets[2]) == [f"C{k + 1}01", f"R{k + 1}02", amplifier]
    assert NET.parts_between(nets[2], pin_net) == [f"R{k + 1}03"]
    assert NET.parts_between(pin_net, "GND") == [f"C{k + 1}02", MODULE]


def test_all_channels_have_the_same_values() -> None:
    for name in ("R{}01", "R{}02", "R{}03", "C{}01", "C{}02"):
        assert len({NET.values[name.format(k)] for k in range(1, 9)}) == 1


def test_every_contact_of_the_flex_has_its_protection_and_the_outer_ones_are_ground() -> None:
    assert {NET.net_of[FLEX, pin] for pin in ("1", "10", "MP")} == {"GND"}
    for k in range(8):
        pins = NET.pins_of[NET.net_of[FLEX, str(k + 2)]]
        assert sorted(reference for reference, _ in pins) == sorted([FLEX, f"R{k + 1}01", f"D{5 + k // 4}"])


def test_the_battery_is_divided_as_the_firmware_takes_it() -> None:
    net = gpio_net(PINS["BATTERY_PIN"])
    (upper,) = NET.parts_between("+BATT", net)
    (lower,) = [part for part in NET.parts_between(net, "GND") if part.startswith("R")]
    ohms = [in_units(NET.values[part]) for part in (upper, lower)]
    assert sum(ohms) / ohms[1] == PINS["BATTERY_PARTS"]
    assert 4.2 / PINS["BATTERY_PARTS"] < 3.1, "what the converter reads at its widest range"


def test_button_led_and_motor_are_at_the_firmwares_pins() -> None:
    button, led, motor = (gpio_net(PINS[f"{name}_PIN"]) for name in ("BUTTON", "LED", "MOTOR"))
    assert NET.parts_between(button, "GND") == ["SW3", MODULE] and NET.parts_between(button, "+3V3") == ["R13", MODULE]
    (resistor,) = {reference for reference, _ in NET.pins_of[led]} - {MODULE}
    assert NET.parts_between(NET.net("D4", "A"), led) == [resistor] and NET.net("D4", "K") == "GND", "lit when high"
    (resistor,) = {reference for reference, _ in NET.pins_of[motor]} - {MODULE}
    assert NET.parts_between(NET.net("Q3", "G"), motor) == [resistor] and NET.net("Q3", "S") == "GND"
    assert NET.net("Q3", "D") == NET.net_of["J3", "2"] and NET.net_of["J3", "1"] == "VSYS"
    assert (NET.net("D3", "K"), NET.net("D3", "A")) == ("VSYS", NET.net("Q3", "D")), "the motor's flyback"


def test_what_is_measured_is_on_the_first_converter() -> None:
    measured = [*PINS["ADC_PINS"], PINS["BATTERY_PIN"]]
    assert set(measured) <= set(ADC1) and len(set(measured)) == len(measured)


def test_no_pin_serves_two_and_none_is_the_modules_own() -> None:
    used = [*PINS["ADC_PINS"], *(PINS[f"{name}_PIN"] for name in ("BATTERY", "BUTTON", "LED", "MOTOR")), *USB]
    assert len(set(used)) == len(used)
    assert not set(used) & set(ON_THE_FLASH)


def test_pins_read_at_reset_start_the_chip() -> None:
    """GPIO 0 is high unless the button is pressed, 45 and 46 stay low by themselves.

    GPIO 3 is a channel: it chooses between two debuggers, and only after a fuse was blown for it.
    """
    for number in STRAPS - {0, 3}:
        assert gpio_net(number).startswith("unconnected-")
    button = gpio_net(0)
    assert not [part for part in NET.parts_between(button, "GND") if part.startswith("C")], "would hold it low at reset"
    assert in_units(NET.values["R13"]) <= 10e3


def test_reset_waits_for_the_supply() -> None:
    enable = NET.net(MODULE, "EN")
    (pull_up,) = [part for part in NET.parts_between(enable, "+3V3") if part != MODULE]
    (capacitor,) = [part for part in NET.parts_between(enable, "GND") if part.startswith("C")]
    assert in_units(NET.values[pull_up]) * in_units(NET.values[capacitor]) == pytest.approx(10e-3)


def test_usb_is_the_chips_own_and_asks_for_five_volts() -> None:
    for number, net in USB.items():
        assert gpio_net(number) == net
    for contact in ("CC1", "CC2"):
        (resistor,) = [part for part in NET.parts_between(NET.net("J1", contact), "GND") if part != "J1"]
        assert NET.values[resistor] == "5.1k"


def test_behind_the_plug_is_no_more_than_usb_allows() -> None:
    farads = [
        in_units(NET.values[part])
        for net in ("VBUS", "VSYS")
        for part in NET.parts_between(net, "GND")
        if part.startswith("C")
    ]
    assert 1e-6 < sum(farads) <= 10.6e-6, "10 uF, and their tolerance"


def test_the_cell_is_charged_gently_and_alone() -> None:
    (resistor,) = [part for part in NET.parts_between(NET.net("U2", "PROG"), "GND") if part != "U2"]
    assert 1000 / in_units(NET.values[resistor]) < 0.5 * 0.5, "amperes, for half its capacity of 500 mAh in an hour"
    assert {NET.net("Q2", name) for name in "GDS"} == {"VBUS", "+BATT", "VSYS"}
    assert (NET.net("D1", "A"), NET.net("D1", "K")) == ("VBUS", "VSYS")


def test_the_cell_is_back_within_milliseconds_when_usb_goes() -> None:
    """The gate of Q2 is VBUS, which holds what its capacitors hold until R11 has emptied them."""
    farads = [in_units(NET.values[part]) for part in NET.parts_between("VBUS", "GND") if part.startswith("C")]
    (resistor,) = [part for part in NET.parts_between("VBUS", "GND") if part.startswith("R")]
    assert in_units(NET.values[resistor]) * sum(farads) < 6e-3, "less than a sample at 100 Hz"
    assert 5.0**2 / in_units(NET.values[resistor]) < 0.05, "watts, half of what such a resistor bears"


def test_a_cell_plugged_in_the_wrong_way_round_is_not_connected() -> None:
    """Q4's own diode leads from the cell; its gate is at the cell's other contact."""
    cell = NET.net_of["J2", "1"]
    assert {NET.net("Q4", name) for name in "DS"} == {cell, "+BATT"} and NET.net("Q4", "D") == cell
    assert NET.net("Q4", "G") == NET.net_of["J2", "2"]
    assert {part for part, _ in NET.pins_of[cell]} == {"J2", "Q4"}, "nothing gets round it"


def test_the_cell_is_behind_its_protection() -> None:
    assert NET.net_of["J2", "2"] == NET.net("U3", "GND") != "GND"
    assert {NET.net_of["Q1", pin] for pin in "23"} == {NET.net_of["J2", "2"]}
    assert {NET.net_of["Q1", pin] for pin in "67"} == {"GND"}
    assert (NET.net("U3", "OD"), NET.net("U3", "OC")) == (NET.net("Q1", "G1"), NET.net("Q1", "G2"))


def test_the_board_has_a_number_in_the_protocol() -> None:
    channels = board_channels("insole_s3")
    assert wire.Board.INSOLE_S3 in wire.SETTING_CHOICES["board"]
    assert len(channels) == len(PINS["ADC_PINS"]) == 8
    assert {"forefoot", "heel"} <= {zone for zone, _ in channels}


def test_the_rules_check_found_nothing() -> None:
    report = json.loads((OUT / "erc.json").read_text(encoding="utf-8"))
    assert report == {"sheets": 12, "violations": []}
    rules = json.loads((OUT.parent / "insole.kicad_pro").read_text(encoding="utf-8")).get("erc", {})
    assert not rules.get("erc_exclusions") and "ignore" not in rules.get("rule_severities", {}).values()
