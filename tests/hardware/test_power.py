"""The power budget: up to date, and what it says of the firmware is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardware import power
from hardware.power import CUED, IDLE, LIGHT_SLEEP, SAMPLING, STORING, STORING_SLOW
from retrosole.twin import circuit
from tests.hardware.netlist import committed, in_units

BOARD, KIT = power.WAYS
FIRMWARE = Path(power.HERE).parent / "firmware"
# On the cell's side of the switch, and takes nothing: opened transistors, the switch, a diode across the motor, the
# way to the divider and to the protection, which are counted themselves.
TAKES_NOTHING = {"Q2", "Q4", "SW1", "D3", "R9", "J2", "J3", "TP2", "TP3"}


def test_the_page_is_up_to_date() -> None:
    page = power.PAGE.read_text(encoding="utf-8")
    assert power.written(page) == page, "make hardware"
    assert "**not measured**" in page


def test_the_firmware_does_not_sleep_nor_change_its_clock() -> None:
    for path in [*FIRMWARE.glob("*.py"), *(FIRMWARE / "insole").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"lightsleep|deepsleep|machine\.freq|\bfreq\(", text), f"{path.name}: POWER.md is wrong"


def test_what_follows_from_the_firmware() -> None:
    assert power.led_ma() == pytest.approx(1.3 / 16)  # one blink of a sixteenth
    assert power.led_ma("FULL") == pytest.approx(3 * 1.3 / 16)
    assert power.motor_ma() == pytest.approx(75 * 45000 / 65536 * 5 / 60 * 0.15)
    assert power.store_ma(100, 8) == pytest.approx(20 * 0.8e-3 * 100 / power.records_per_frame(8))
    with pytest.raises(KeyError, match=r"cue\._NEVER"):
        power.constant("cue", "_NEVER")


def test_the_chip_is_nearly_all_of_it() -> None:
    for way in power.WAYS:
        states = power.budget(way)
        assert all(low <= usual <= high for low, usual, high in states.values())
        assert states[IDLE][1] < states[STORING_SLOW][1] < states[STORING][1] < states[CUED][1] < 1.2 * states[IDLE][1]
        assert states[LIGHT_SLEEP][1] < 0.3 * states[IDLE][1] < states[SAMPLING][1]
        assert 38 < states[STORING_SLOW][1] < 70
    assert power.front_end_ma(BOARD) < 1.5
    assert 3 < power.front_end_ma(KIT) < 10
    # Eight amplifiers of 0.1 mA and a reference of 33 uA draw that unloaded; sensors little more.
    assert power.front_end_ma(BOARD) > 0.8 + 0.033


def test_days_are_added_up_right() -> None:
    states = power.budget(BOARD)
    use = power.USES[0]
    usual = states[STORING_SLOW][1] * 0.25 + states[IDLE][1] * 5 / 60 + 0.015 * (24 - 0.25 - 5 / 60)
    off_ua = (10.0, 15.0, 30.0)
    assert power.day_mah(use, states, off_ua)[1] == pytest.approx(usual)
    assert 20 < 500 * 0.85 / usual < 35
    clinic = power.day_mah(power.USES[2], states, off_ua)
    assert clinic[0] < 500 * 0.85 < clinic[2], "POWER.md says that 500 mAh are not enough for certain"
    assert clinic[2] < 1000 * 0.85


def test_a_day_has_a_row_for_each_state_that_was_asked_for() -> None:
    page = power.PAGE.read_text(encoding="utf-8")
    for state in ("sampling at 200 Hz", "storing", "streaming to a host", "sleeping", "switched off"):
        assert re.search(rf"^\|[^|]*{state}", page, re.M), state
    for use in ("15 minutes a day", "clinic day of 8 hours"):
        assert re.search(rf"^\| {use}[^|]*\| \d+ mAh", page, re.M), use


def test_what_hangs_on_the_cell_is_all_of_the_schematic_and_as_it_is_there() -> None:
    net, parts = committed(), power.data()["on_the_cell"]
    assert {name: net.values[name] for name in parts} == {name: part["value"] for name, part in parts.items()}
    there = {part for name in ("/Power/CELL+", "+BATT", "VSYS", net.net("U3", "VCC")) for part, _ in net.pins_of[name]}
    (upper,) = net.parts_between("+BATT", "/VBAT_SENSE")
    assert {part for part in there if not part.startswith("C")} == {*parts, *TAKES_NOTHING, upper}
    assert net.net("SW1", "C") == "GND" and net.net("SW1", "B") == net.net("U6", "EN"), "off is the regulator's off"


def test_resistors_are_those_of_the_schematic() -> None:
    net = committed()
    divider = [in_units(net.values[name]) for name in ("R7", "R8")]
    assert divider == circuit.tables("front_ends")["battery"]["resistor_ohm"]
    assert power.divider_ua(is_on=True)[1] == pytest.approx(4.2e6 / sum(divider))
    assert power.divider_ua(is_on=False)[1] == pytest.approx(3.8e6 / divider[0])
    assert power.data()["led"]["series_ohm"] == in_units(net.values["R16"])


def test_switched_off_it_is_microamperes() -> None:
    low, usual, high = power.board_ua(is_on=False)
    assert low < usual < high
    assert 10 < usual < 20 and high < 30, "the README says some 15"
