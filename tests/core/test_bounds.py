"""Every number of the detector, also within an expression, stays a small int of 32-bit MicroPython; on CPython.

The core is loaded once more with each operation wrapped in a check. Beyond 31 bits the device would allocate.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import random
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from tests.machines import FIRMWARE

INSOLE = FIRMWARE / "insole"
SMALL = 1 << 30
PACKAGE = "bounded_insole"
CHECKED = {"sense_plain", "tune_plain", "stance_plain", "step_plain", "verdict_plain"}
CHECKED |= {"gait", "channels", "frame", "ring", "fixed"}

Fill = Callable[[int, Sequence[int]], None]


def small(value: object) -> object:
    """Return the value, if the device can hold it in a word."""
    if isinstance(value, int):
        assert -SMALL <= value < SMALL, value
    return value


class Wrap(ast.NodeTransformer):
    """Put the result of each operation through `small`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return wrapped(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        total = wrapped(ast.BinOp(left=read, op=node.op, right=node.value))
        return ast.copy_location(ast.Assign(targets=[node.target], value=total), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return wrapped(node) if isinstance(node.op, ast.USub) else node


def wrapped(node: ast.expr) -> ast.expr:
    return ast.Call(func=ast.Name(id="_small", ctx=ast.Load()), args=[node], keywords=[])


class Loader(importlib.abc.Loader):
    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2]
        path = INSOLE / ("__init__.py" if name == PACKAGE else f"{name}.py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if name in CHECKED:
            tree = ast.fix_missing_locations(Wrap().visit(tree))
        module.__dict__["_small"] = small
        exec(compile(tree, str(path), "exec"), module.__dict__)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] != PACKAGE:
            return None
        return importlib.util.spec_from_loader(name, Loader(), is_package=name == PACKAGE)


@pytest.fixture(scope="module")
def core() -> Iterator[ModuleType]:
    """Give the checked `gait`; its siblings are attributes of its package."""
    finder = Finder()
    sys.meta_path.insert(0, finder)
    sys.path[:0] = [str(FIRMWARE / "twin" / "cpython")]
    try:
        for name in ("frame", "gait"):
            importlib.import_module(f"{PACKAGE}.{name}")
        yield sys.modules[PACKAGE]
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


class Foot:
    """A detector that is given samples, and every word of its state held to its bounds."""

    def __init__(
        self, core: ModuleType, rate_hz: int = 500, tare: int | None = None, zones: tuple[int, ...] = ()
    ) -> None:
        self.core = core
        self.detector = core.gait.Detector(zones or (0, 0, 0, 3, 1, 1, 1, 2), rate_hz)
        if tare is not None:
            for k in range(8):
                self.detector.channels.set_baseline(k, tare)
        self.index = 0
        self.counts = array("H", [0] * 8)
        self.stride_n = self.contact_n = 0
        self.raw = bytearray(255)

    def take(self, n: int, fill: Fill, step: int = 1) -> None:
        """Take n samples, k counted from 0, each `step` after the one before it."""
        for k in range(n):
            fill(k, self.counts)
            said = self.detector.step(self.index, self.counts)
            self.index += step
            if said == self.core.gait.STRIDE:
                self.core.frame.put_stride(self.raw, 1, self.stride_n, self.detector)
                self.stride_n += 1
            elif said == self.core.gait.TOUCHED:
                self.core.frame.put_contact(self.raw, 1, self.contact_n, self.detector, 0)
                self.contact_n += 1
            self.look()

    def look(self) -> None:
        if not max(self.detector.state) < SMALL > -min(self.detector.state):
            raise AssertionError([(k, word) for k, word in enumerate(self.detector.state) if not -SMALL < word < SMALL])
        for value in vars(self.detector).values():
            small(value)


# Sways by 32 counts: a sensor that stands still is stuck.
def flat(count: int) -> Fill:
    def fill(k: int, counts: Sequence[int]) -> None:
        sway = abs(k % 64 - 32) if 60 < count < 4090 else 0
        counts[:] = array("H", [count + sway] * 8)  # type: ignore[index]

    return fill


def toggling(low: int, high: int, every: int) -> Fill:
    def fill(k: int, counts: Sequence[int]) -> None:
        counts[:] = array("H", [high if k // every & 1 else low] * 8)  # type: ignore[index]

    return fill


def test_the_check_notices_a_number_that_is_too_large(core: ModuleType) -> None:
    with pytest.raises(AssertionError):
        core.verdict_plain.count(array("i", [SMALL - 1] * 400), SMALL - 1)
    foot = Foot(core)
    foot.take(9, flat(30))
    foot.detector.state[core.sense_plain.NOW_Q8] = SMALL - 1
    with pytest.raises(AssertionError):
        foot.take(1, flat(30))


@pytest.mark.parametrize("rate_hz", [50, 200, 500])
@pytest.mark.parametrize("tare", [None, 0, 4094])
def test_all_channels_from_end_to_end(core: ModuleType, rate_hz: int, tare: int | None) -> None:
    foot = Foot(core, rate_hz, tare)
    foot.take(120, flat(0))
    for every in (1, 2, 5, 40):
        foot.take(200, toggling(0, 4094, every))


# 63 samples are missing before each: the longest step that is still timed.
@pytest.mark.parametrize("tare", [0, 4094])
def test_all_channels_from_end_to_end_over_the_longest_holes(core: ModuleType, tare: int) -> None:
    for every in (1, 3, 11):
        foot = Foot(core, 500, tare)
        foot.take(30, flat(tare))
        foot.take(400, toggling(0, 4094, every), step=64)


@pytest.mark.parametrize("step", [1, 64])
def test_the_longest_stance_of_the_heaviest_foot(core: ModuleType, step: int) -> None:
    foot = Foot(core, 500, tare=0)
    for load, n in ((4094, 1480), (4094, 1600), (4090, 1499)):
        foot.take(200, flat(0))
        foot.take(n // step, flat(load), step)
    foot.take(200, flat(0))
    if step == 1:
        assert foot.contact_n >= 3


# A light foot that suddenly weighs all there is: sums are kept in the shift of the light one.
def test_a_heavy_stance_after_light_ones(core: ModuleType) -> None:
    foot = Foot(core, 500, tare=0)
    for _ in range(4):
        foot.take(250, flat(0))
        foot.take(250, flat(60))
    foot.take(250, flat(0))
    foot.take(1490, lambda k, counts: flat(60 if k < 40 else 4094)(k, counts))
    foot.take(300, flat(0))


def test_hours_without_a_stride(core: ModuleType) -> None:
    for loaded in (0, 3000):
        foot = Foot(core, 500, tare=0)
        foot.take(400, flat(0))
        foot.take(1700, flat(loaded))
        for _ in range(3000):
            foot.detector.state[core.sense_plain.NOW_Q8] += 4096 << 8
            said = core.stance_plain.keep_house(foot.detector.state)
            if said:
                foot.detector.do(said)
            foot.look()
        assert foot.detector.origin > 3000 * 4096
        assert foot.detector.state[core.stance_plain.STANDING] == (loaded > 0)
        foot.take(3500, flat(loaded))
        foot.take(400, flat(0))


def test_a_session_that_begins_near_the_last_index(core: ModuleType) -> None:
    foot = Foot(core, 500)
    foot.index = SMALL - 4000
    foot.take(3900, toggling(30, 900, 160))
    assert foot.contact_n > 5


def test_whatever_comes(core: ModuleType) -> None:
    random.seed(9)
    for rate_hz in (50, 200, 500):
        foot = Foot(core, rate_hz, random.choice((None, 0, 2000)))
        for _ in range(12):
            high = random.choice((200, 1500, 4094))
            every = random.choice((1, 7, 60, 170))
            foot.take(random.randint(20, 250), toggling(0, high, every), random.choice((1, 1, 1, 2, 64, 300)))
            foot.take(60, lambda _k, counts: counts.__setitem__(random.randrange(8), random.randrange(4096)))  # type: ignore[attr-defined]
