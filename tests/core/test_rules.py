"""Who may import whom, and that the firmware keeps to its habits. Checked over the syntax tree, so nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines import FIRMWARE, ROOT

INSOLE = FIRMWARE / "insole"
HOST = ROOT / "host" / "retrosole"
CORE = {"ring", "frame", "fixed", "pressure", "smooth", "channels", "zone", "gait", "wire", "hot", "hot_plain"}
CORE_OUTSIDE = {"micropython", "array", "struct"}
SHELL_OUTSIDE = CORE_OUTSIDE | {"machine", "esp32", "time", "select", "sys", "gc"}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Give what a file imports: (dotted name, level of the relative import)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.module, node.level
            else:
                yield from ((alias.name, node.level) for alias in node.names)


def modules() -> list[Path]:
    return sorted(INSOLE.rglob("*.py"))


def shell() -> set[str]:
    return {path.stem for path in INSOLE.glob("*.py")} - CORE - {"__init__"}


@pytest.mark.parametrize("name", sorted(CORE))
def test_core_imports_core_only(name: str) -> None:
    for module, level in imports(INSOLE / f"{name}.py"):
        allowed = CORE if level else CORE_OUTSIDE
        assert module in allowed, f"insole/{name}.py imports {module}"


@pytest.mark.parametrize("path", [p for p in modules() if p.stem not in CORE], ids=lambda p: p.stem)
def test_shell_imports_core_and_shell(path: Path) -> None:
    for module, level in imports(path):
        allowed = CORE | shell() | {"VERSION"} if level else SHELL_OUTSIDE
        assert module in allowed, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_only_fixed_picks_the_kernels(path: Path) -> None:
    if path.stem != "fixed":
        assert not {"hot", "hot_plain"} & {module for module, _ in imports(path)}


@pytest.mark.parametrize("path", [p for p in modules() if p.stem != "hot"], ids=lambda p: p.stem)
def test_viper_only_in_hot_and_no_annotations(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert not any("viper" in ast.unparse(d) or "native" in ast.unparse(d) for d in node.decorator_list)
            assert node.returns is None
            assert not any(a.annotation for a in node.args.args)


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_every_firmware_file_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_pins_stand_in_board_files_only() -> None:
    for path in modules():
        if path.parent.name != "boards":
            text = path.read_text(encoding="utf-8")
            assert "_PIN =" not in text and "_PINS =" not in text, path.name


def host_modules() -> list[Path]:
    return sorted(HOST.rglob("*.py"))


@pytest.mark.parametrize("path", host_modules(), ids=lambda p: str(p.relative_to(HOST)))
def test_host_rules(path: Path) -> None:
    in_twin = path.relative_to(HOST).parts[0] == "twin"
    for module, _ in imports(path):
        first = module.split(".")[0]
        assert first not in {"insole", "boot", "world"} or in_twin, f"{path.name} imports the firmware"
        if path.relative_to(HOST).parts[0] not in ("__main__.py", "cli.py", "commands"):
            assert not module.startswith(("retrosole.cli", "retrosole.commands")), f"{path.name} imports cli"
        if path.name != "app.py" and path.parent.name != "live":
            assert first != "textual", f"{path.name} imports textual"


def graph() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in host_modules():
        name = ".".join(("retrosole", *path.relative_to(HOST).with_suffix("").parts)).removesuffix(".__init__")
        top = ast.parse(path.read_text(encoding="utf-8")).body
        found[name] = {
            target
            for node in top
            if isinstance(node, ast.Import | ast.ImportFrom)
            for target in targets(node)
            if target.startswith("retrosole")
        }
    return found


def targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def test_no_circles() -> None:
    edges = graph()
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, "imports go in a circle: " + " -> ".join((*path, name))
        if name in done or name not in edges:
            return
        for target in sorted(edges[name] & edges.keys()):
            if target != name:
                visit(target, (*path, name))
        done.add(name)

    for name in edges:
        visit(name, ())
