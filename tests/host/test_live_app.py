"""The live view in Textual, without a terminal."""

import ast
import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from retrosole.errors import StorageError
from retrosole.gait.strides import Stride
from retrosole.live import state as state_module
from retrosole.live.state import FootState, LiveState

pytest.importorskip("textual", reason="the live view needs the extra with Textual")

from textual.pilot import Pilot

from retrosole.live.app import FootPanel, LiveApp, RowsWidget
from retrosole.live.picture import save_svg

NAMES = ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"]
ZONES = ["forefoot"] * 4 + ["heel"] * 2
SIZES = [(80, 24), (120, 40)]

Steps = Callable[[LiveApp, Pilot[None]], Awaitable[None]]


def make_state(*sides: str) -> LiveState:
    feet = [FootState(side, NAMES, ZONES, 200.0) for side in sides]
    for foot in feet:
        foot.link = "connected"
    return LiveState(feet)


def push(foot: FootState, first: int, level: int) -> None:
    foot.push_samples(first, np.full((26, 6), level, dtype=np.uint16))


def drive(state: LiveState, size: tuple[int, int], steps: Steps) -> LiveApp:
    async def run() -> LiveApp:
        app = LiveApp(state, fps=50)
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            await steps(app, pilot)
        return app

    return asyncio.run(run())


async def settled(app: LiveApp, pilot: Pilot[None]) -> None:
    """Draw now instead of waiting for the clock, and let Textual finish."""
    await pilot.pause()
    app.update_picture()
    await pilot.pause()


async def until(pilot: Pilot[None], condition: Callable[[], object], timeout_s: float = 10) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited too long"
        await pilot.pause(0.02)


def screen(app: LiveApp) -> str:
    """Read what stands on the screen, out of the exported picture."""
    svg = ElementTree.fromstring(app.export_screenshot())
    texts = [e.text or "" for e in svg.iter() if e.tag.endswith("text")]
    return "\n".join(texts).replace("\xa0", " ")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sides", [("left",), ("right",), ("left", "right")])
def test_empty_missing_and_full_data_are_shown(
    size: tuple[int, int], sides: tuple[str, ...]
) -> None:
    state = make_state(*sides)

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        assert "no stride yet" in screen(app)
        for foot in state.feet:
            push(foot, 0, 4095)
        await settled(app, pilot)
        assert "-- %" in screen(app)
        for foot in state.feet:
            push(foot, 26, 100)
            push(foot, 52, 2100)
        await settled(app, pilot)
        assert "100 %" in screen(app)
        for side in sides:
            assert side.upper() in screen(app)

    drive(state, size, steps)


@pytest.mark.parametrize("size", SIZES)
def test_loss_and_link_reach_the_screen_by_themselves(size: tuple[int, int]) -> None:
    state = make_state("left")

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        assert "connected" in screen(app)
        state.feet[0].lost_sample_n = 26
        state.feet[0].link = "lost, retrying"
        await until(pilot, lambda: "lost 26 samples" in screen(app))
        assert "lost, retrying" in screen(app)

    drive(state, size, steps)


def test_one_two_and_both() -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        async def shown_after(key: str) -> list[str]:
            await pilot.press(key)
            await settled(app, pilot)
            panels = [panel for panel in app.query(FootPanel) if panel.display]
            for panel in panels:
                assert panel.size.width == 120 // len(panels)
                assert panel.foot.side.upper() in screen(app)
            return [panel.foot.side for panel in panels]

        assert await shown_after("1") == ["left"]
        assert "RIGHT" not in screen(app)
        assert await shown_after("2") == ["right"]
        assert await shown_after("b") == ["left", "right"]

    drive(make_state("left", "right"), (120, 40), steps)


def test_second_foot_of_one_is_no_key() -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        assert [panel.display for panel in app.query(FootPanel)] == [True]

    drive(make_state("left"), (80, 24), steps)


def panel_text(app: LiveApp) -> str:
    panel = app.query_one(FootPanel)
    return "\n".join(panel.render_line(y).text for y in range(panel.size.height))


def test_space_holds_the_picture_but_not_the_data() -> None:
    state = make_state("left")
    foot = state.feet[0]

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        push(foot, 0, 100)
        await settled(app, pilot)
        await pilot.press("space")
        held = panel_text(app)
        push(foot, 26, 2100)
        await settled(app, pilot)
        assert panel_text(app) == held and "PAUSED" in screen(app)
        assert foot.snapshot().end_idx == 52
        await pilot.press("space")
        await settled(app, pilot)
        assert "PAUSED" not in screen(app)
        assert panel_text(app).count("100 %") == 1 + len(NAMES)

    drive(state, (80, 24), steps)


class Keys:
    """Note what the keys ask for."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def mark(self) -> None:
        self.calls.append("mark")

    def tare(self, sides: Sequence[str]) -> None:
        self.calls.append(list(sides))

    def toggle_recording(self) -> None:
        self.calls.append("record")


def with_keys(state: LiveState, steps: Steps) -> list[object]:
    keys = Keys()

    async def run() -> None:
        app = LiveApp(state, fps=50, controls=keys)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(app, pilot)
            await steps(app, pilot)

    asyncio.run(run())
    return keys.calls


def test_keys_mark_and_record() -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        assert "m mark" in footer(app) and "r record" in footer(app)
        await pilot.press("m", "r", "m")

    assert with_keys(make_state("left"), steps) == ["mark", "record", "mark"]


def footer(app: LiveApp) -> str:
    return app.query_one("#footer", RowsWidget).render_line(0).text


def test_tare_asks_first_and_refuses_a_foot_that_is_loaded() -> None:
    state = make_state("left", "right")
    for foot in state.feet:
        push(foot, 0, 100)
        push(foot, 26, 2100)

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await pilot.press("t")
        await settled(app, pilot)
        assert "tare left and right: sit, both feet in the air, then press t again" in footer(app)
        await pilot.press("t")
        await settled(app, pilot)
        assert "not tared: load on the left and the right foot; lift, then press t" in footer(app)
        await pilot.press("1")  # another choice of feet: it asks again
        push(state.feet[0], 52, 100)
        await pilot.press("t")
        assert state.message == "tare left: sit, the foot in the air, then press t again"
        await pilot.press("t", "t")

    assert with_keys(state, steps) == [["left"]]


def test_without_controls_the_keys_do_nothing_and_are_not_named() -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await pilot.press("m", "t", "r")
        assert "mark" not in footer(app) and app.state.message == ""

    drive(make_state("left"), (80, 24), steps)


def test_delay_is_the_age_of_the_newest_sample_when_drawn() -> None:
    state = make_state("left")

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        assert "delay --" in screen(app).replace("\n", " ").replace("  ", " ")
        end_s = time.monotonic() + 10
        first = 0
        while "delay 2" not in header(app):
            assert time.monotonic() < end_s, header(app)
            push(state.feet[0], first, 100)
            state.feet[0].sampled_s = time.monotonic() - 0.2
            first += 26
            await pilot.pause(0.05)

    drive(state, (80, 24), steps)


def header(app: LiveApp) -> str:
    return app.query_one("#header", RowsWidget).render_line(0).text


def test_a_foot_that_is_not_shown_is_followed_and_drawn_when_it_is() -> None:
    state = make_state("left", "right")

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await pilot.press("1")
        state.feet[1].push_stride(Stride("right", 0, 1.0, contact_order="heel_first"))
        await settled(app, pilot)
        assert "strides 1" in header(app) and "toe first 0 %" in header(app)
        await pilot.press("2")
        await settled(app, pilot)
        panel = next(panel for panel in app.query(FootPanel) if panel.display)
        assert any("heel" in panel.render_line(y).text for y in range(panel.size.height))

    drive(state, (80, 24), steps)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_quitting_tells_the_caller_once(key: str) -> None:
    calls: list[str] = []
    apps: list[LiveApp] = []

    async def run() -> None:
        app = LiveApp(make_state("left"), on_quit=lambda: calls.append(key))
        apps.append(app)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(key)
            app.action_leave()  # a second key before the screen has closed
        assert not app.is_running

    asyncio.run(run())
    assert calls == [key]
    assert apps[0].interrupted == (key == "ctrl+c")


def test_a_finished_state_closes_the_view_without_telling() -> None:
    calls: list[str] = []
    state = make_state("left")

    async def run() -> None:
        app = LiveApp(state, on_quit=lambda: calls.append("quit"))
        threading.Timer(0.1, lambda: setattr(state, "finished", True)).start()
        task = asyncio.create_task(app.run_async(headless=True, size=(80, 24)))
        done, _ = await asyncio.wait({task}, timeout=10)
        assert done  # a cancelled app returns like one that has finished, so wait_for can't tell

    asyncio.run(run())
    assert calls == []


def test_the_feet_of_a_pair_stand_side_by_side() -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await settled(app, pilot)
        left, right = (panel.render_line(3).text for panel in app.query(FootPanel))
        assert left.index("▐") > 40 and right.rindex("▌") < 20

    drive(make_state("left", "right"), (120, 40), steps)


@pytest.mark.parametrize("size", [(40, 10), (200, 60), (10, 3), (80, 24)])
def test_resize_lays_out_anew(size: tuple[int, int]) -> None:
    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        await pilot.press("space")  # a new size must be drawn even while paused
        await pilot.resize_terminal(*size)
        await settled(app, pilot)
        for panel in app.query(FootPanel):
            assert panel.size.height == size[1] - 2
            for y in range(panel.size.height):
                assert panel.render_line(y).cell_length == panel.size.width
                assert sum(len(text) for text, _ in panel._rows[y]) == panel.size.width

    drive(make_state("left", "right"), (120, 40), steps)


def test_only_changed_rows_are_drawn_again() -> None:
    state = make_state("left")

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        panel = app.query_one(FootPanel)
        drawn: list[int] = []
        render_line = panel.render_line
        panel.render_line = lambda y: (drawn.append(y), render_line(y))[1]  # type: ignore[method-assign]
        await settled(app, pilot)
        assert drawn == []
        state.feet[0].battery_mv = 3900
        await until(pilot, lambda: drawn)
        assert set(drawn) == {0}

    drive(state, (120, 40), steps)


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    state = make_state("left")

    async def steps(app: LiveApp, pilot: Pilot[None]) -> None:
        push(state.feet[0], 0, 2000)
        await settled(app, pilot)
        svg = app.export_screenshot()
        colours = dict(re.findall(r"\.(\S+-r\d+) \{ fill: #(\w{6})", svg))
        words = re.findall(r'<text class="([^"]+)"[^>]*>[^<]*\w[^<]*</text>', svg)
        seen = {colours[name] for name in words if name in colours}
        assert len(seen) > 4
        assert all(colour[:2] == colour[2:4] == colour[4:] for colour in seen)

    drive(state, (80, 24), steps)


@pytest.mark.parametrize("size", SIZES)
def test_picture_is_one_file_that_needs_nothing_else(tmp_path: Path, size: tuple[int, int]) -> None:
    state = make_state("left", "right")
    push(state.feet[0], 0, 100)
    push(state.feet[0], 26, 2100)
    path = tmp_path / "live.svg"
    save_svg(state, path, size)
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    words = " ".join(e.text or "" for e in root.iter() if e.tag.endswith("text"))
    assert "strides" in words and ("lateral" in words or "forefoot" in words)
    assert "@font-face" not in text and "url(http" not in text
    assert not any("\u2800" <= c <= "\u28ff" for c in text)
    assert 'stroke-linecap="round"' in text


def test_picture_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write the picture .*: No such file"):
        save_svg(make_state("left"), tmp_path / "none" / "live.svg", (80, 24))


def test_only_the_app_and_its_driver_import_textual() -> None:
    folder = Path(state_module.__file__).parent
    users = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] in ("textual", "rich") for name in names):
                users.add(path.name)
    assert users == {"app.py", "terse.py"}


CHILD = """
from retrosole.live.app import LiveApp
from retrosole.live.state import FootState, LiveState
foot = FootState("left", ["met1"], ["forefoot"], 200.0)
LiveApp(LiveState([foot]), on_quit=lambda: print("told")).run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")
def test_on_a_pseudo_terminal_q_gives_the_terminal_back() -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    host = str(Path(state_module.__file__).parents[2])
    env = dict(os.environ, PYTHONPATH=host, TERM="xterm-256color", LINES="24", COLUMNS="80")
    command = [sys.executable, "-c", CHILD]
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    try:
        output = read_until(master, b"LEFT")
        os.write(master, b"q")
        output += read_until(master, b"")
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()
        os.close(master)
    assert b"Traceback" not in output
    assert b"\x1b[?1049l" in output


def read_until(master: int, wanted: bytes) -> bytes:
    """Read until `wanted` was seen, or, when it is empty, until the other side has closed."""
    output = b""
    while not wanted or wanted not in output:
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux says that the other side is closed
            part = b""
        if not part:
            break
        output += part
    return output
