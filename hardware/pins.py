"""The pins and sites of a board, read from the firmware's own file without importing the device's modules."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

_BOARDS = Path(__file__).resolve().parents[1] / "firmware" / "insole" / "boards"


@dataclass(frozen=True)
class Pins:
    """Hold GPIO numbers; `sites` and `adc` go by channel."""

    sites: tuple[str, ...]
    adc: tuple[int, ...]
    button: int
    led: int
    motor: int


def read_pins(board: str) -> Pins:
    """Read `firmware/insole/boards/BOARD.py`."""
    tree = ast.parse((_BOARDS / f"{board}.py").read_text(encoding="utf-8"))
    values = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    sites = tuple(name.attr.removeprefix("SITE_").lower() for name in values["SITES"].elts)  # type: ignore[attr-defined]
    adc = tuple(ast.literal_eval(values["ADC_PINS"]))
    button, led, motor = (int(ast.literal_eval(values[f"{name}_PIN"])) for name in ("BUTTON", "LED", "MOTOR"))
    return Pins(sites, adc, button, led, motor)
