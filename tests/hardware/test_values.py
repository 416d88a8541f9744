"""The schematic has the values that were simulated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retrosole.twin import circuit

NETLIST = Path(__file__).resolve().parents[2] / "hardware" / "board" / "out" / "netlist.net"
UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "u": 1e-6, "n": 1e-9, "p": 1e-12}


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """Read the value of each component by its reference."""
    if not NETLIST.is_file():
        pytest.skip(f"NO SCHEMATIC, ITS VALUES NOT CHECKED: {NETLIST}")
    found = re.findall(r'\(comp \(ref "([^"]+)"\)\s*\(value "([^"]*)"\)', NETLIST.read_text(encoding="utf-8"))
    assert found
    return dict(found)


def number(text: str) -> float:
    match = re.match(r"([0-9.]+)([kMunp]?)", text)
    assert match is not None, text
    return float(match[1]) * UNITS[match[2]]


def test_every_channel_is_the_amplifier_that_was_simulated(values: dict[str, str]) -> None:
    one = circuit.tables("front_ends")[circuit.tables("front_ends")["chosen"]["board"]]
    for channel in range(1, 9):
        has = {
            place: number(values[f"{place[0]}{channel}{place[1:]}"]) for place in ("R01", "R02", "R03", "C01", "C02")
        }
        assert has == pytest.approx(
            {
                "R01": one["series_ohm"],
                "R02": one["feedback_ohm"],
                "R03": one["pin_ohm"],
                "C01": one["feedback_nf"] * 1e-9,
                "C02": one["pin_nf"] * 1e-9,
            }
        )
    assert sum(value.startswith("MCP6004") for value in values.values()) == 2
    assert [number(values[name]) for name in ("R20", "R21")] == one["reference_ohm"]


def test_the_battery_is_divided_as_was_simulated(values: dict[str, str]) -> None:
    assert [number(values[name]) for name in ("R7", "R8")] == circuit.tables("front_ends")["battery"]["resistor_ohm"]
