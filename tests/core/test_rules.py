"""Who may import whom, and that the firmware keeps to its habits. Checked over the syntax tree, so nothing is run."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines import FIRMWARE, ROOT

INSOLE = FIRMWARE / "insole"
HOST = ROOT / "host" / "retrosole"
TWINS = ("sense", "tune", "verdict", "step", "stance")  # their plain ones are written by firmware/make_plain.py
NATIVE = {"hot", *TWINS}
CORE = {"ring", "frame", "fixed", "pressure", "channels", "gait", "wire", "flash", "catalog", "store"}
CORE |= NATIVE | {f"{name}_plain" for name in NATIVE}
CORE_OUTSIDE = {"micropython", "array", "struct"}
SHELL_OUTSIDE = CORE_OUTSIDE | {"machine", "esp32", "time", "select", "sys", "gc", "os", "json"}


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


# It stays when the version changes, so it may know nothing of one.
def test_the_launcher_imports_nothing_of_the_insole() -> None:
    for module, level in imports(FIRMWARE / "launch.py"):
        assert not level and module in SHELL_OUTSIDE | {"vfs"}, f"launch.py imports {module}"
    assert list(imports(FIRMWARE / "main.py")) == [("launch", 0)]


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.stem)
def test_only_fixed_picks_the_kernels(path: Path) -> None:
    if path.stem == "fixed" or path.stem.removesuffix("_plain") in TWINS:  # each twin has its own kind's
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module != "fixed":
            named = {node.module, *(alias.name for alias in node.names)}
            assert not NATIVE & named and not any(f"{name}_plain" in named for name in NATIVE), (
                f"{path.name}: {ast.unparse(node)}"
            )


@pytest.mark.parametrize("path", [p for p in modules() if p.stem not in NATIVE], ids=lambda p: p.stem)
def test_viper_only_in_the_native_three_and_no_annotations(path: Path) -> None:
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
        if path.parent.name == "report":  # it takes what was analysed and planned, and draws for no screen
            assert not module.startswith(("retrosole.live", "retrosole.coach")), f"{path.name} imports {module}"
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


# --- the words of the native kernels


def words() -> dict[str, dict[str, int]]:
    """Give the public constants of the maps by the heading they stand under."""
    found: dict[str, dict[str, int]] = {}
    for name in TWINS:
        section = found.setdefault(f"{name}.py", {})
        for line in (INSOLE / f"{name}.py").read_text(encoding="utf-8").splitlines():
            if line.startswith("# --- "):
                section = found.setdefault(line.removeprefix("# --- "), {})
            elif " = const(" in line and not line.startswith("_"):
                word, _, value = line.partition(" = const(")
                section[word] = int(value.partition(")")[0])
    return {heading: section for heading, section in found.items() if section}


WALK, STRIDE, CONTACT = (
    "state: of the walk",
    "state: of a stride, the numbers of its frame in their order",
    "state: of a contact, the numbers of its frame in their order",
)
ARRAYS = "state: where the arrays are, for native code; behind the words of stance"
FOOT, ZONE, CHANNEL = "state: of the foot", "state: of one zone", "state: of one channel"
RING, QUEUE, EVENTS, PLACES = "ring: words of `marks`", "queue: words of `marks`", "events", "tune.py"
ASIDE = "frames put aside: words of `marks`"
TUNE = "more words of a zone, behind those of sense: TUNE_AT + TUNE_WORDS * zone"


def areas(heading: str) -> dict[str, int]:
    """Give the words that are places or lengths of areas, not single words."""
    found = words()[heading]
    return {name: found[name] for name in found if name.endswith(("_AT", "_WORDS")) and name not in NOT_AREAS}


NOT_AREAS = ("SMOOTH_AT", "PACK_AT")
OTHERS = {"times", "said", "counts", EVENTS}


def singles(heading: str) -> list[int]:
    return sorted(place for name, place in words()[heading].items() if name not in areas(heading))


def test_the_kernels_words_are_all_read() -> None:
    maps = {RING, QUEUE, ASIDE, FOOT, ZONE, CHANNEL, PLACES, TUNE, WALK, STRIDE, CONTACT, ARRAYS}
    assert set(words()) == maps | OTHERS


def test_no_two_words_have_one_name() -> None:
    names = [
        target.id
        for name in TWINS
        for node in ast.parse((INSOLE / f"{name}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    ]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    assert len(names) == sum(len(section) for section in words().values())


@pytest.mark.parametrize("area", [RING, QUEUE, FOOT, ZONE, CHANNEL, TUNE])
def test_words_of_an_area_do_not_overlap(area: str) -> None:
    assert len(singles(area)) >= 3
    assert singles(area) == list(range(len(singles(area)))), "each its own, none left over"


def test_areas_adjoin() -> None:
    at = areas(FOOT)
    assert len(singles(FOOT)) <= at["ZONE_AT"]
    assert len(singles(ZONE)) <= at["ZONE_WORDS"]
    assert len(singles(CHANNEL)) <= at["CHANNEL_WORDS"]
    assert at["CHANNEL_AT"] == at["ZONE_AT"] + 3 * at["ZONE_WORDS"]
    assert at["STATE_WORDS"] == at["CHANNEL_AT"] + 8 * at["CHANNEL_WORDS"]
    more = areas(TUNE)
    assert more["TUNE_AT"] == at["STATE_WORDS"]
    assert len(singles(TUNE)) <= more["TUNE_WORDS"]
    assert more["TUNED_WORDS"] == more["TUNE_AT"] + 3 * more["TUNE_WORDS"]
    begins = [at["ZONE_AT"] + zone * at["ZONE_WORDS"] for zone in range(3)]
    begins.append(more["TUNE_AT"] + 2 * more["TUNE_WORDS"])
    assert [words()[PLACES][name] for name in ("FOREFOOT", "HEEL", "FOOT", "FOOT_TUNE")] == begins


# Behind them one word each, and before the numbers of a frame room for its kind, session and number.
def test_the_last_words_adjoin() -> None:
    arrays, walk = singles(ARRAYS), singles(WALK)
    stride_at, contact_at = areas(STRIDE)["STRIDE_AT"], areas(CONTACT)["CONTACT_AT"]
    buffer_at, longest = areas(FOOT)["BUFFER_AT"], 8  # of the running means: 20 ms at 500 Hz, as a power of two
    assert walk == list(range(areas(TUNE)["TUNED_WORDS"], stride_at))
    assert singles(STRIDE) == list(range(stride_at + 3, contact_at))
    assert singles(CONTACT) == list(range(contact_at + 3, arrays[0]))
    assert arrays == list(range(arrays[0], buffer_at))
    assert areas(CONTACT)["ALL_WORDS"] == buffer_at + 3 * 2 * longest


# A store farther than this from its pointer spoils the register in which the ESP32's native code keeps where names are.
def test_no_word_that_has_a_name_lies_beyond_255() -> None:
    assert max(singles(ARRAYS) + singles(WALK) + singles(STRIDE) + singles(CONTACT)) <= 255
    assert areas(TUNE)["TUNED_WORDS"] <= 255


def test_events_are_distinct_bits_and_leave_room_for_three_zones() -> None:
    bits = 0
    for name, bit in words()[EVENTS].items():
        spread = bit * (7 if name in ("CONTACT", "LIFT", "TOUCH", "SURGED") else 1)
        assert bit & (bit - 1) == 0 and not bits & spread, name
        bits |= spread
    assert bits < 1 << 30


# The map's words are repeated in each module that uses them: as make_plain.py says, and as nobody else says.
def test_what_make_plain_writes_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_plain", FIRMWARE / "make_plain.py")
    assert spec and spec.loader
    make_plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_plain)
    outputs = make_plain.outputs()
    assert {INSOLE / f"{name}_plain.py" for name in TWINS} < set(outputs)
    for path, text in outputs.items():
        assert path.read_text(encoding="utf-8") == text, f"run make generate: {path.name}"
    assert make_plain.main(["--check"]) == 0


def test_the_repeated_words_have_the_values_of_the_map() -> None:
    known = {name: value for section in words().values() for name, value in section.items()}
    for line in (INSOLE / "wire.py").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" = ")
        if value.removeprefix("-").isdigit() and name not in known:
            known[name] = int(value)
    repeated = 0
    for path in modules():
        _, _, block = path.read_text(encoding="utf-8").partition("# WORDS of the maps")
        for line in block.partition("# end of WORDS")[0].splitlines()[1:]:
            name, _, value = line.removeprefix("_").partition(" = const(")
            assert known[name] == int(value.rstrip(")")), f"{path.name}: {line}"
            repeated += 1
    assert repeated > 20
