"""Reads the board's netlist and bill of materials, as KiCad wrote them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[2] / "hardware" / "board" / "out"
_TOKEN = re.compile(r'[()]|"(?:[^"\\]|\\.)*"|[^\s()"]+')
_SIZES = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}


@dataclass(frozen=True)
class Netlist:
    """Hold values by reference, nets by (reference, pin), pins by net, and what KiCad calls each pin."""

    values: dict[str, str]
    net_of: dict[tuple[str, str], str]
    pins_of: dict[str, frozenset[tuple[str, str]]]
    functions: dict[tuple[str, str], str]

    def net(self, reference: str, function: str) -> str:
        """Give the net of the only pin of a part that is called so."""
        (pin,) = (pin for pin, name in self.functions.items() if pin[0] == reference and name == function)
        return self.net_of[pin]

    def parts_between(self, one: str, other: str) -> list[str]:
        """Name the parts that have pins on both nets."""
        sides = [{reference for reference, _ in self.pins_of[net]} for net in (one, other)]
        return sorted(sides[0] & sides[1])


def read_netlist(text: str) -> Netlist:
    """Read KiCad's own format."""
    export = parse(text)
    values = {_text(part, "ref"): _text(part, "value") for part in _all(_one(export, "components"), "comp")}
    net_of, pins_of, functions = {}, {}, {}
    for net in _all(_one(export, "nets"), "net"):
        pins = {(_text(node, "ref"), _text(node, "pin")): node for node in _all(net, "node")}
        pins_of[_text(net, "name")] = frozenset(pins)
        for pin, node in pins.items():
            net_of[pin] = _text(net, "name")
            if _all(node, "pinfunction"):
                functions[pin] = _text(node, "pinfunction")
    return Netlist(values, net_of, pins_of, functions)


def committed() -> Netlist:
    """Read the netlist of the checkout."""
    return read_netlist((OUT / "netlist.net").read_text(encoding="utf-8"))


def bill() -> list[dict[str, str]]:
    """Read the bill of materials of the checkout."""
    return list(csv.DictReader((OUT / "bom.csv").read_text(encoding="utf-8").splitlines()))


def in_units(value: str) -> float:
    """Give the ohms or farads of a value such as 5.1k or 47n."""
    return float(value[:-1]) * _SIZES[value[-1]] if value[-1] in _SIZES else float(value)


def parse(text: str) -> list[Any]:
    """Read an S-expression into lists of strings."""
    stack: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token.strip('"'))
    assert len(stack) == 1 and len(stack[0]) == 1, "brackets do not match"
    return stack[0][0]


def _all(node: list[Any], name: str) -> list[list[Any]]:
    return [child for child in node if isinstance(child, list) and child[0] == name]


def _one(node: list[Any], name: str) -> list[Any]:
    (found,) = _all(node, name)
    return found


def _text(node: list[Any], name: str) -> str:
    return str(_one(node, name)[1])
