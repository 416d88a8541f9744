"""The bill of materials is complete: whoever orders by it has every part of the netlist, and a second source."""

from __future__ import annotations

import re

import pytest

from tests.hardware.netlist import bill, committed

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
    for column in ("Value", "MPN", "Manufacturer", "Alternative", "Description"):
        assert line[column].strip(), column
    assert line["Price class"] in PRICE_CLASSES
    assert int(line["Quantity"]) == len(references(line))
    assert line["Package"] or set(references(line)) <= OUTSIDE


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
