"""The build guide's numbers, commands and links are those of the circuits, the program and the files."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

from hardware.pins import read_pins
from hardware.wiring.plan import RESISTOR_OHM, parts, sensor_row
from retrosole.commands.line import cli
from retrosole.doctor.sensors import HALF_NOISY_PART, judge
from tests.hardware.netlist import committed, in_units

HARDWARE = Path(__file__).resolve().parents[2] / "hardware"
GUIDE = (HARDWARE / "BUILD.md").read_text(encoding="utf-8")
PAGES = [HARDWARE / "BUILD.md", HARDWARE / "README.md", HARDWARE / "sheet" / "README.md"]
NET = committed()
WIRED = parts(read_pins("esp32_devkitc"))
# An FSR 402's conductance at some loads, read off its maker's curve: kg, uS
CURVE = ((0.1, 166.7), (0.5, 500.0), (1.0, 800.0), (2.0, 1333.0), (4.0, 2222.0))
# An ESP32's converter at its widest range: ESP-IDF, ADC line fitting, at the middle of its parts
OFFSET_MV, MV_PER_COUNT = 142, 1100 * 196602 / 65536 / 4096


def rows(first: str) -> list[list[str]]:
    """Give the cells of the table rows whose first cell begins so."""
    lines = [line.strip("| ").split(" | ") for line in GUIDE.splitlines() if line.startswith("|")]
    return [cells for cells in lines if cells[0].startswith(first)]


def test_it_says_first_that_nothing_was_built_and_that_it_is_no_medical_device() -> None:
    assert GUIDE.index("Nothing of this was built yet") < GUIDE.index("## ")
    assert "**Not a medical device.**" in GUIDE and "never charge while it is worn" in GUIDE.lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("#"):
            heads = {re.sub(r"[^a-z0-9 -]", "", head.lower()) for head in re.findall(r"^#+ (.*)", text, re.M)}
            assert link[1:] in {head.replace(" ", "-") for head in heads}, link
        elif not link.startswith("http"):
            assert (page.parent / link).exists(), link


def typed() -> list[str]:
    return [line.strip()[2:] for line in GUIDE.splitlines() if line.strip().startswith("$ ")]


@pytest.mark.parametrize("command", sorted(set(typed())))
def test_commands_are_the_programs(command: str) -> None:
    name, *words = shlex.split(command)
    assert name == "retrosole"
    found = cli.get_command(click.Context(cli), words[0])
    assert found is not None
    found.make_context(words[0], words[1:], resilient_parsing=False)


def test_what_it_names_of_the_program_is_there() -> None:
    for name in re.findall(r"`retrosole ([a-z]+)", GUIDE):
        assert name in cli.list_commands(click.Context(cli)), name


def test_a_broken_wire_looks_as_shown() -> None:
    counts = np.full((400, 6), 800, dtype=np.uint16) + np.arange(400, dtype=np.uint16)[:, None] % 5
    counts[:, 4] = 0
    found = list(judge(counts, 4094, [f"{site}" for site in ("a", "b", "c", "d", "heel medial", "e")]))
    (bad,) = [one for one in found if one.level == "bad"]
    assert f"  BAD   {bad.name:<16} {bad.found}: ..." in GUIDE
    assert any(f"  warn  {one.name:<16} {one.found.split(',')[0]}, ..." in GUIDE for one in found)
    assert f"up to {HALF_NOISY_PART * 4094:.0f} counts pass" in GUIDE


def test_the_parts_are_as_many_as_are_plugged() -> None:
    def wanted(kind: str) -> tuple[int, int]:
        of_kind = [part for part in WIRED if part.kind == kind]
        return sum(not part.is_optional for part in of_kind), len(of_kind)

    (resistors,) = [cells for cells in rows("") if cells[1:] and cells[1].startswith("resistor")]
    assert (int(resistors[0]), int(re.findall(r"; (\d+) with", resistors[1])[0])) == wanted("resistor")
    assert f"resistor {RESISTOR_OHM} ohm" in resistors[1]
    (jumpers,) = [cells for cells in rows("") if cells[1:] and cells[1].startswith("jumper wires")]
    assert (int(jumpers[0]), int(re.findall(r"; (\d+) with", jumpers[1])[0])) == wanted("jumper")
    (sensors,) = [cells for cells in rows("") if cells[1:] and cells[1].startswith("force-sensing")]
    assert int(sensors[0]) == wanted("sensor")[0]


def test_supply_and_ground_are_said_as_they_are_drawn() -> None:
    supply, ground = (part for part in WIRED if part.name in ("3.3 V", "ground"))
    assert f"left rail +, row {supply.ends[1][2:]}" in GUIDE and f"right rail -, row {ground.ends[1][2:]}" in GUIDE
    assert f"rows {', '.join(str(sensor_row(k)) for k in range(6))} and rail -" in GUIDE


def test_a_pads_volts_and_counts_follow_from_its_curve() -> None:
    for kg, conductance_us in CURVE:
        (cells,) = rows(f"{kg:g} kg")
        ohm = 1e6 / conductance_us
        volt = 3.3 * RESISTOR_OHM / (RESISTOR_OHM + ohm)
        said = [float(cell.split()[0]) for cell in cells[1:]]
        assert said == pytest.approx([ohm, volt, (1000 * volt - OFFSET_MV) / MV_PER_COUNT], rel=0.01, abs=0.005)


def test_the_curve_is_the_one_that_was_simulated() -> None:
    sensors = HARDWARE / "simulation" / "parts" / "sensors.toml"
    if not sensors.is_file():
        pytest.skip("hardware/simulation is not here")
    curve = tomllib.loads(sensors.read_text(encoding="utf-8"))["fsr_402"]
    for kg, conductance_us in CURVE:
        k = curve["conductance_us"].index(conductance_us)
        assert curve["force_n"][k] == pytest.approx(9.81 * kg, rel=0.01)


def test_every_test_point_is_measured_and_called_as_on_the_board() -> None:
    points = {name: value for name, value in NET.values.items() if name.startswith("TP") and value != "GND"}
    said = dict(cells[0].split(" ", 1) for cells in rows("TP"))
    assert said == points
    (ground,) = [name for name, value in NET.values.items() if name.startswith("TP") and value == "GND"]
    assert f"Black lead on {ground}" in GUIDE


def test_the_boards_voltages_follow_from_its_resistors() -> None:
    upper, lower, series, feedback = (in_units(NET.values[name]) for name in ("R20", "R21", "R101", "R102"))
    reference_mv = 3300 * lower / (upper + lower)
    (cells,) = rows("TP9")
    low, high = (float(part) for part in re.findall(r"[\d.]+", cells[2]))
    assert low < reference_mv < high
    (unloaded,) = [cells for cells in rows("nothing") if "mV" in cells[1]]
    assert [float(part) for part in re.findall(r"[\d.]+", unloaded[1])][:2] == pytest.approx(
        [reference_mv - 4.5, reference_mv + 4.5], abs=1
    )
    for kilohm in (1, 10):
        (cells,) = [cells for cells in rows(f"{kilohm} kilohm") if len(cells) == 2]
        volt = reference_mv / 1000 * (1 + feedback / (series + 1000 * kilohm))
        assert float(cells[1].split()[0]) == pytest.approx(volt, abs=0.005)
    for k, site in enumerate(read_pins("insole_s3").sites):
        assert f"/S{k}_{site.upper()}" in NET.net_of["J4", str(k + 2)]
        assert f"CH{k}_{site.upper()}" in NET.net_of[f"C{k + 1}02", "1"] + NET.net_of[f"C{k + 1}02", "2"]


def test_the_charging_current_is_the_resistors() -> None:
    (resistor,) = [part for part in NET.parts_between(NET.net("U2", "PROG"), "GND") if part != "U2"]
    assert f"{1e6 / in_units(NET.values[resistor]):.0f} mA" in GUIDE
