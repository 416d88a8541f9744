"""The stand-in modules offer nothing that the ESP32 stubs (1.24) do not: name by name, parameter by parameter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.machines import FIRMWARE, ROOT

STUBS = ROOT / ".cache" / "esp32-stubs"
OWN = {"Timer.call"}  # how the stand-in's own clock runs a callback; the firmware never calls it
UNTYPED = {"machine.ADC.atten", "machine.ADC.read"}  # the stubs say only (*args, **kwargs)

Functions = dict[str, list[ast.FunctionDef]]


def functions(path: Path) -> Functions:
    """Give every public function and method of a module by its dotted name, overloads together."""
    found: Functions = {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    found.setdefault(f"{node.name}.{inner.name}", []).append(inner)
    return {name: nodes for name, nodes in found.items() if not hidden(name)}


def hidden(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last.startswith("_") and last != "__init__"


def parameters(node: ast.FunctionDef) -> set[str]:
    arguments = node.args
    return {a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]} - {"self"}


def positional_n(node: ast.FunctionDef) -> int:
    return len([a for a in [*node.args.posonlyargs, *node.args.args] if a.arg != "self"])


def constants(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                target = inner.targets[0] if isinstance(inner, ast.Assign) else getattr(inner, "target", None)
                if isinstance(target, ast.Name) and not target.id.startswith("_"):
                    found[f"{node.name}.{target.id}"] = ast.unparse(inner.value) if inner.value else None  # type: ignore[attr-defined]
    return found


def need_stubs(module: str) -> Path:
    path = STUBS / f"{module}.pyi"
    if not path.exists():
        pytest.fail("the ESP32 stubs are not there: run make check, which fetches them")
    return path


def pairs() -> list[tuple[str, str]]:
    return [
        (module, name)
        for module in ("machine", "esp32")
        for name in functions(FIRMWARE / "twin" / f"{module}.py")
        if name not in OWN and not name.startswith("World")
    ]


@pytest.mark.parametrize(("module", "name"), pairs())
def test_every_function_is_in_the_stubs(module: str, name: str) -> None:
    stub = functions(need_stubs(module))
    assert name in stub, f"{module}.{name} is not in the ESP32 stubs"
    if f"{module}.{name}" in UNTYPED:
        return
    allowed = set().union(*(parameters(node) for node in stub[name]))
    most = max(positional_n(node) for node in stub[name])
    for node in functions(FIRMWARE / "twin" / f"{module}.py")[name]:
        assert parameters(node) - {"args", "kwargs"} <= allowed, (name, parameters(node), allowed)
        assert positional_n(node) <= most, f"{name} takes more positional arguments than the stubs allow"


def test_constants_are_in_the_stubs_with_their_values() -> None:
    stub = constants(need_stubs("machine"))
    ours = constants(FIRMWARE / "twin" / "machine.py")
    assert len(ours) >= 5
    for name, value in ours.items():
        assert name in stub, f"{name} is not in the ESP32 stubs"
        assert stub[name] in (value, "...", None), f"{name} is {value}, the stubs say {stub[name]}"
