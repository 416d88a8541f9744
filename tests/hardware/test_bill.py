"""The bill of materials is complete: whoever orders by it has every part of the netlist, and a second source."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.hardware.netlist import bill, committed, in_units

SHEET = Path(__file__).resolve().parents[2] / "hardware" / "sheet" / "sheet.toml"
LINES = bill()
OUTSIDE = {"BT1", "M1", *(f"RS{k}" for k in range(1, 9))}  # the cell, the motor, the sensors: not on the board
PRICE_CLASSES = {"A", "B", "C", "D"}


def references(line: dict[str, str]) -> list[str]:
    """Give the references of a line, ranges spelled out."""
    names = []
    for part in line["References"].split(","):
        first, _, last = part.partition("-")
        letters = re.sub(r"\d", "", first)
        low, high = (int(re.sub(r"\D", "", end)) for end in (first, last or first))
        names += [f"{letters}{k}" for k in range(low, high + 1)]
    return names


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["References"][:20])
def test_each_line_can_be_ordered(line: dict[str, str]) -> None:
    for column, text in line.items():
        assert text.strip(), column
    assert line["Price class"] in PRICE_CLASSES
    assert int(line["Quantity"]) == len(references(line))
    assert (":" in line["Package"]) != (set(references(line)) <= OUTSIDE), "a footprint, unless it is not on the board"
    assert f"{line['Manufacturer']} {line['MPN']}" != line["Alternative"], "the same once more is no second source"


def test_the_sensor_is_the_one_that_the_sheet_is_drawn_for() -> None:
    (line,) = [line for line in LINES if references(line)[0].startswith("RS")]
    drawn = SHEET.read_text(encoding="utf-8")
    assert f"{line['Manufacturer'].split()[0]} {line['Value']}, {line['MPN']}" in drawn
    assert line["Package"] == f"foil, {tomllib.loads(drawn)['sensor']['length_mm']:g} mm long"


def ohms(code: str) -> float:
    """Read a resistor's value as makers write it: 5K1, 22R0, 470K."""
    sizes = {"R": 1.0, "K": 1e3, "M": 1e6}
    (letter,) = [one for one in code if one in sizes]
    return float(code.replace(letter, ".").rstrip(".")) * sizes[letter]


def picofarads(code: str) -> int:
    """Read a capacitor's value as makers write it: 104 is 10 and four noughts."""
    return int(code[:2]) * 10 ** int(code[2])


RESISTORS = {"MPN": r"RC0603FR-07(\w+)L$", "Alternative": r"Vishay CRCW0603(\w{4})FKEA$"}
CAPACITORS = {"MPN": r"CL(10|21)[AB](\d{3})[KM]", "Alternative": r"Murata GRM(188|21B)R[67]1[ACEH](\d{3})[KM]"}
SIZES = {"10": "C_0603_1608Metric", "188": "C_0603_1608Metric", "21": "C_0805_2012Metric", "21B": "C_0805_2012Metric"}


@pytest.mark.parametrize(
    "line", [line for line in LINES if re.match(r"R\d", line["References"])], ids=lambda line: line["Value"]
)
def test_a_resistors_part_numbers_say_its_value_and_size(line: dict[str, str]) -> None:
    for column, form in RESISTORS.items():
        found = re.match(form, line[column])
        assert found is not None, line[column]
        assert ohms(found[1]) == pytest.approx(in_units(line["Value"]))
    assert line["Package"] == "Resistor_SMD:R_0603_1608Metric"


@pytest.mark.parametrize(
    "line", [line for line in LINES if re.match(r"C\d", line["References"])], ids=lambda line: line["Value"]
)
def test_a_capacitors_part_numbers_say_its_value_and_size(line: dict[str, str]) -> None:
    for column, form in CAPACITORS.items():
        found = re.match(form, line[column])
        assert found is not None, line[column]
        assert picofarads(found[2]) == pytest.approx(1e12 * in_units(line["Value"]))
        assert line["Package"] == f"Capacitor_SMD:{SIZES[found[1]]}"


def test_every_part_of_the_netlist_is_on_one_line_and_nothing_else() -> None:
    named = [reference for line in LINES for reference in references(line)]
    assert len(set(named)) == len(named)
    fitted = {reference for reference in committed().values if not reference.startswith("TP")}
    assert set(named) == fitted | OUTSIDE


def test_one_part_number_is_one_line_unless_its_name_on_the_board_differs() -> None:
    numbers = [line["MPN"] for line in LINES if not line["References"].startswith("SW")]
    assert len(set(numbers)) == len(numbers)


def test_values_on_a_line_are_those_of_the_netlist() -> None:
    values = committed().values
    for line in LINES:
        for reference in references(line):
            assert reference in OUTSIDE or values[reference] == line["Value"]
