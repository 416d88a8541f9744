"""The schematic has the values that were simulated, and the channels that the firmware tells a host of."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrosole import wire
from retrosole.twin import circuit
from retrosole.twin.boards import board_channels
from retrosole.twin.runtimes import find
from tests.chain.test_detect import identity
from tests.hardware.netlist import Netlist, committed, in_units
from tests.hardware.test_board import PINS, gpio_net

NET = committed()
FRONT_ENDS = circuit.tables("front_ends")
CHOSEN = FRONT_ENDS[FRONT_ENDS["chosen"]["board"]]


def simulated() -> dict[str, float]:
    """Give the value of each part that was simulated, by its reference, in ohms and farads."""
    channel = {
        "R{}01": CHOSEN["series_ohm"],
        "R{}02": CHOSEN["feedback_ohm"],
        "R{}03": CHOSEN["pin_ohm"],
        "C{}01": CHOSEN["feedback_nf"] * 1e-9,
        "C{}02": CHOSEN["pin_nf"] * 1e-9,
    }
    values = {name.format(k): value for k in range(1, 9) for name, value in channel.items()}
    values |= dict(zip(("R20", "R21"), CHOSEN["reference_ohm"], strict=True))
    battery = FRONT_ENDS["battery"]
    return (
        values | dict(zip(("R7", "R8"), battery["resistor_ohm"], strict=True)) | {"C4": battery["capacitor_nf"] * 1e-9}
    )


def differing(net: Netlist) -> list[str]:
    """Name the parts whose value is not the one that was simulated."""
    return [name for name, value in simulated().items() if in_units(net.values[name]) != pytest.approx(value, rel=1e-6)]


def test_every_value_is_the_one_that_was_simulated() -> None:
    assert len(simulated()) == 8 * 5 + 2 + 3
    assert not differing(NET)
    assert sum(value.startswith("MCP6004") for value in NET.values.values()) == 2
    assert FRONT_ENDS["op_amp"]["name"].startswith("MCP6004")
    assert NET.values["U6"].startswith("TLV755") and FRONT_ENDS["supply"]["volts"] == 3.3


@pytest.mark.parametrize("name", ["R102", "C802", "R21", "R8"])
def test_a_value_that_drifts_is_found(name: str) -> None:
    net = Netlist({**NET.values, name: "3.3k" if name[0] == "R" else "33n"}, NET.net_of, NET.pins_of, NET.functions)
    assert differing(net) == [name]


@pytest.mark.slow
def test_the_firmware_tells_a_host_the_channels_of_the_schematic(tmp_path: Path) -> None:
    """The identity of a virtual insole that runs the board's file: number, order, zones, sites, full scale."""
    who = identity(tmp_path, find("cpython"), board_channels("insole_s3"), "insole_s3")
    nets = [gpio_net(pin) for pin in PINS["ADC_PINS"]]
    assert (who.board, who.channel_n) == (wire.Board.INSOLE_S3, len(nets))
    assert nets == [f"/CH{k}_{wire.Site(site).name}" for k, site in enumerate(who.sites)]
    assert [wire.Zone(zone).name.lower() for zone in who.zones] == [zone for zone, _ in board_channels("insole_s3")]
    assert who.full_scale == circuit.MAX_COUNTS
