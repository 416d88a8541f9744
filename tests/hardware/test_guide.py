"""The build guide's numbers are those of the circuits, the simulation and the drawings.

That its commands work and print what it shows is tests/guides' business.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardware import power
from hardware.pins import read_pins
from hardware.sheet.plan import page
from hardware.sheet.shape import SIZES, sheet
from hardware.wiring import pads
from hardware.wiring.plan import RESISTOR_OHM, parts, sensor_row
from retrosole.doctor.sensors import HALF_NOISY_PART
from retrosole.twin import circuit
from tests.hardware.netlist import committed, in_units

HARDWARE = Path(__file__).resolve().parents[2] / "hardware"
GUIDE = (HARDWARE / "BUILD.md").read_text(encoding="utf-8")
INDEX = (HARDWARE / "README.md").read_text(encoding="utf-8")
WORDS = " ".join(GUIDE.split())
NET = committed()
WIRED = parts(read_pins("esp32_devkitc"))
SENSOR = circuit.tables("sensors")[circuit.SENSOR]
OTHER = "fsr_402_second"  # another reading of the maker's figure
SUPPLY = circuit.tables("front_ends")["supply"]


def rows(first: str) -> list[list[str]]:
    """Give the cells of the table rows whose first cell begins so."""
    lines = [line.strip("| ").split(" | ") for line in GUIDE.splitlines() if line.startswith("|")]
    return [cells for cells in lines if cells[0].startswith(first)]


def bought(what: str) -> tuple[int, str]:
    """Give how many of a part are bought, and what is said of it."""
    (cells,) = [cells for cells in rows("") if cells[0].isdigit() and cells[1].startswith(what)]
    return int(cells[0]), cells[1]


def numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"[\d.]+\d|\d", text)]


def simulated(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HARDWARE / "simulation" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_it_says_first_that_nothing_was_built_and_that_it_is_no_medical_device() -> None:
    assert GUIDE.index("Nothing of this was built yet") < GUIDE.index("## ")
    assert "**Not a medical device.**" in GUIDE and "never charge while it is worn" in GUIDE.lower()


def test_the_weekend_path_is_complete_on_its_page() -> None:
    """It leads to nothing that has to be read: to its own headings, to the page to print, and to what it shows."""
    path = GUIDE[GUIDE.index("## The weekend path") : GUIDE.index("## The insole board")]
    for link in re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", path):
        assert link.startswith("#") or re.fullmatch(r"sheet/out/eu\d\d\.pdf", link), link
    assert re.findall(r"!\[[^\]]*\]\(([^)]+)\)", path) == ["sheet/out/eu41.svg", "wiring/devkitc.svg"]


def test_doctors_limit_of_noise() -> None:
    assert f"up to {HALF_NOISY_PART * circuit.MAX_COUNTS:.0f} counts pass" in WORDS


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_each_size_is_linked_with_its_paper(size: int) -> None:
    a4, a3 = re.findall(r"((?:\[\d\d\]\(sheet/out/eu\d\d\.pdf\)[,;]? ?)+)on A[43]", WORDS)
    wanted = a4 if page(sheet(size), "left").width == 210 else a3
    assert f"[{size}](sheet/out/eu{size}.pdf)" in wanted


def test_the_parts_are_as_many_as_are_plugged() -> None:
    def wanted(kind: str) -> tuple[int, int]:
        of_kind = [part for part in WIRED if part.kind == kind]
        return sum(not part.is_optional for part in of_kind), len(of_kind)

    for kind, what in (("resistor", f"resistor {RESISTOR_OHM} ohm"), ("jumper", "jumper wires")):
        n, said = bought(what)
        assert (n, int(re.findall(r"; (\d+) with", said)[0])) == wanted(kind)
    assert bought("force-sensing")[0] == wanted("sensor")[0]


def test_supply_and_ground_are_said_as_they_are_drawn() -> None:
    supply, ground = (part for part in WIRED if part.name in ("3.3 V", "ground"))
    assert f"left rail +, row {supply.ends[1][2:]}" in GUIDE and f"right rail -, row {ground.ends[1][2:]}" in GUIDE
    assert f"rows {', '.join(str(sensor_row(k)) for k in range(6))} and rail -" in GUIDE


def test_wires_pins_and_joints_are_two_for_each_sensor() -> None:
    wire_n = 2 * sum(part.kind == "sensor" for part in WIRED)
    n, said = bought("pin of a pin strip")
    assert n == wire_n == 12 and f"; {wire_n + 2} with motor" in said
    assert "Cut twelve wires of 60 cm, for each sensor one of each colour" in WORDS
    (roll,) = rows("8 m")
    assert 0.6 * wire_n <= numbers(roll[0])[0]
    assert "Twenty-four joints" in WORDS, "both ends of each wire"


def test_ohms_before_power_follow_from_the_parts() -> None:
    (rails,) = rows("rail + and rail -")
    assert 1000 * numbers(rails[1])[0] < 1e6 * SENSOR["open_mohm"] / 6
    assert f"{SENSOR['open_mohm']:.0f} megohm" in rails[1]
    (each,) = [cells for cells in rows("each of rows 2") if "rail -" in cells[0]]
    assert each[1] == f"{RESISTOR_OHM} ohm"
    (two,) = rows("one of these rows")
    assert numbers(two[1])[0] == 2 * RESISTOR_OHM
    (pressed,) = rows("each of these rows and rail +")
    assert pads.reading(0.5)[0] < 1000 * numbers(pressed[1])[0] < pads.reading(0.1)[0], "a thumb's press, no touch"


def test_volts_at_first_power_follow_from_the_simulated_parts() -> None:
    (rail,) = rows("rail +")[1:]
    low, high = numbers(rail[1])
    assert low <= SUPPLY["volts"] * (1 - SUPPLY["tolerance"]) < SUPPLY["volts"] * (1 + SUPPLY["tolerance"]) <= high
    (unloaded,) = rows("each row, unloaded")
    assert unloaded[1] == f"{pads.reading(0.0)[1]:.2f} V"
    (pressed,) = rows("each row, pressed")
    low, high = numbers(pressed[1])
    press_n = 9.81 * np.array([0.5, 2.0])
    for sensor in (circuit.SENSOR, OTHER):
        for gain in (1 - SENSOR["part_sd"], 1 + SENSOR["part_sd"]):
            volts = circuit.volts(pads.KIT, circuit.conductance_us(sensor, press_n), circuit.Part(sensor_gain=gain))
            assert low <= volts[0] < volts[1] <= high, (sensor, gain)


def test_a_pads_table_is_as_rough_as_it_says() -> None:
    assert "From 1 kg on take ± 30 %; below it" in WORDS
    for kg in pads.LOADS_KG:
        other = circuit.transfer(pads.KIT, OTHER, np.array([9.81 * kg]))[0]
        part = circuit.transfer(pads.KIT, circuit.SENSOR, np.array([9.81 * kg]), circuit.Part(1 - SENSOR["part_sd"]))[0]
        off = 1 - min(other, part) / pads.reading(kg)[2]
        assert (off < 0.30) == (kg >= 1), kg


def test_the_current_is_the_simulated_one() -> None:
    area_cm2 = np.pi * (SENSOR["pad_mm"] / 20) ** 2
    most_ma = simulated("results")["transfer"][pads.KIT][circuit.SENSOR]["sensor_ma_at_foot"]
    assert f"some {most_ma:.0f} mA" in WORDS
    assert f"more than 1 mA for each square centimetre (here {SENSOR['current_ma_per_cm2'] * area_cm2:.1f} mA)" in WORDS


def test_what_resistors_cost_is_what_recorded_walks_say() -> None:
    clean = simulated("recorded")["clean"]
    one_in = {name: 100 / clean[name]["all_wrong_percent"] for name in ("divider_10k", "divider_2k7", "divider")}
    assert "one stance in sixteen is told wrongly; with 470 ohm one in 500" in WORDS
    assert "2.7 kilohm keeps to that, and tells one stance in 35 wrongly" in WORDS
    assert [round(value) for value in one_in.values()][:2] == [16, 35] and one_in["divider"] > 500


def test_half_a_foot_is_the_end_of_the_range_of_10_kilohm() -> None:
    end_n = simulated("results")["transfer"]["divider_10k"][circuit.SENSOR]["saturation_n"]
    assert "with that, half a foot's weight is the end of the range" in WORDS
    assert end_n == pytest.approx(circuit.PAD_FULL_SCALE_N * 0.63 / 2, rel=0.05), "a walker of 70 kg makes up to 63 N"


def test_the_power_bank_stays_on_for_what_the_kit_takes() -> None:
    idle, storing, *_ = power.budget(power.WAYS[1]).values()
    assert "stays on at 30 mA: this takes some 60 (33 to 77)" in WORDS
    assert idle[0] > 30 and (int(idle[0]), round(storing[1], -1), round(storing[2])) == (33, 60, 77)


def test_what_it_is_for_is_as_good_as_recorded_walks_say() -> None:
    found = [simulated("recorded")[how][pads.KIT] for how in ("clean", "rough")]
    assert "95 % of contacts lie within 25 ms" in WORDS and "told rightly 99.6 times of 100" in WORDS
    assert all(one["initial_contact_95_abs_ms"] < 25 and one["order_right_percent"] > 99.55 for one in found)


def load_off(gain: float) -> float:
    """Give the part by which kilograms are wrong on a pad that answers more strongly than when it was calibrated."""
    force_n = np.linspace(0.0, 100.0, 10001)
    taken = circuit.transfer(pads.KIT, circuit.SENSOR, force_n)
    loads = 9.81 * np.array([kg for kg in pads.LOADS_KG if kg >= 1])
    read = circuit.transfer(pads.KIT, circuit.SENSOR, loads, circuit.Part(sensor_gain=gain))
    return float(np.max(np.interp(read, taken, force_n) / loads - 1))


def test_kilograms_on_a_pad_are_as_good_as_it_says() -> None:
    """What a data sheet calls 10 % of the reading is more of the load: the curve is flat."""
    lag, creep = 1 + SENSOR["hysteresis"], 1 + SENSOR["drift_per_decade"]
    assert "within a sixth, and within a third when everything comes together" in WORDS
    assert load_off(lag) < 1 / 6 < load_off(lag * creep * (1 + SENSOR["repeatability_sd"])) < 1 / 3
    for name, value in (("repeats within", "repeatability_sd"), ("lags", "hysteresis"), ("up to", "drift_per_decade")):
        assert f"{name} {100 * SENSOR[value]:.0f} %" in WORDS
    assert f"{100 * SENSOR['part_sd']:.0f} % from part to part" in WORDS


def test_half_of_the_weight_is_shown_as_two_thirds() -> None:
    assert "the pads of a kit show about two thirds" in WORDS
    assert pads.shown_percent(pads.KIT, 0.5) == pytest.approx(100 * 2 / 3, abs=4)


def test_the_shown_presses_are_those_of_the_curve() -> None:
    shown = re.findall(r"^([\d.]+) kg: (\d+) counts$", GUIDE, re.MULTILINE)
    for kg, counts in shown:
        assert float(counts) == pytest.approx(pads.reading(float(kg))[2], rel=0.02)
    assert [float(kg) for kg, _ in shown] == list(pads.LOADS_KG[1:])


def test_the_index_repeats_the_firmwares_pins() -> None:
    lines = [line.strip("|").split("|") for line in INDEX.splitlines() if line.startswith("|")]
    table = {cells[0].strip().split(" (")[0]: cells[1:] for cells in lines}
    boards = [read_pins(name) for name in ("esp32_devkitc", "esp32_s3", "esp32_c3", "insole_s3")]
    for name in ("button", "led", "motor"):
        row = table[{"led": "LED", "motor": "vibration motor"}.get(name, name)]
        assert [int(cell) for cell in row] == [getattr(board, name) for board in boards]
    assert [int(cell) for cell in table["channels"]] == [len(board.adc) for board in boards]
    told = table["sensors, in channel order"]
    for board, cell in zip(boards[:3], told, strict=False):
        sites = (re.sub(r"met(\d)", r"met \1", site.replace("_", " ")) for site in board.sites)
        assert cell.strip() == ", ".join(f"{site} {gpio}" for site, gpio in zip(sites, board.adc, strict=True))
    assert told[3].strip() == "as the S3 kit" and boards[3].adc == boards[1].adc and boards[3].sites == boards[1].sites


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
