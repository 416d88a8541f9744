"""What goes to the terminal: replayed on a small terminal of our own it gives the picture, in few bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from retrosole.live import state as state_module

pytest.importorskip("textual", reason="the live view needs the extra with Textual")

CHILD = """
import json, sys
import numpy as np
from retrosole.gait.strides import Stride
from retrosole.live.app import LiveApp, RowsWidget
from retrosole.live.state import FootState, LiveState

zones = ["forefoot"] * 4 + ["heel"] * 2
foot = FootState("left", ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"], zones, 200.0)
foot.link = "connected"
wave = (1000 + 900 * np.sin(np.arange(9000)[:, None] / 40 + np.arange(6))).astype(np.uint16)
foot.push_samples(0, wave[:2000])
state = LiveState([foot])

class App(LiveApp):
    step_n = 0

    def on_ready(self):
        self.set_interval(0.03, self.step)

    def step(self):
        k = self.step_n
        self.step_n += 1
        if k < 40:
            foot.push_samples(2000 + 20 * k, wave[2000 + 20 * k : 2020 + 20 * k])
            if k % 5 == 0:
                order = "heel_first" if k > 10 else "forefoot_first"
                foot.push_stride(Stride("left", k // 5, k / 10 + 9, final_contact_s=k / 10 + 9.5, contact_order=order))
            self.update_picture()
        elif k == 42:
            rows = [" "] * self.size.height
            for widget in self.query(RowsWidget):
                for y in range(widget.size.height):
                    rows[widget.region.y + y] = widget.render_line(y).text
            open(sys.argv[1], "w").write(json.dumps(rows))
            sys.stdout.flush()
            self.exit()

app = App(state, fps=0.001, sweeps=sys.argv[2] == "sweep")
app.run()
"""


class Screen:
    """A terminal that knows how to place text, and nothing else that matters here."""

    _PART = re.compile(r"\x1b\[([?\d;<>=$]*)([a-zA-Z])|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>c78]|([^\x1b]+)")

    def __init__(self, width: int, height: int) -> None:
        self.cells = [[" "] * width for _ in range(height)]
        self.at = (0, 0)

    def feed(self, text: str) -> None:
        for match in self._PART.finditer(text):
            if match[3]:
                self._write(match[3])
            elif match[2] == "H":
                row, column = (match[1] or "1;1").split(";")
                self.at = int(row) - 1, int(column) - 1
            elif match[2] == "J":
                self.cells = [[" "] * len(row) for row in self.cells]

    def _write(self, text: str) -> None:
        row, column = self.at
        for char in text:
            if char == "\n":
                row, column = row + 1, 0
            elif char.isprintable():
                if row < len(self.cells) and column < len(self.cells[0]):
                    self.cells[row][column] = char
                column += 1
        self.at = row, column


def run(tmp_path: Path, traces: str) -> tuple[list[str], bytes]:
    """Give the rows as the view has them at last, and all that it wrote until then."""
    pty, fcntl, struct, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "struct", "termios"))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    unwanted = ("COLUMNS", "LINES", "NO_COLOR")
    env = {name: value for name, value in os.environ.items() if name not in unwanted}
    env |= {
        "PYTHONPATH": str(Path(state_module.__file__).parents[2]), "TERM": "xterm-256color", "COLORTERM": "truecolor"
    }  # fmt: skip
    out = tmp_path / "rows.json"
    command = [sys.executable, "-c", CHILD, str(out), traces]
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    drawn = b""
    try:
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not part:
                break
            drawn += part
        assert child.wait(10) == 0, drawn[-2000:]
    finally:
        child.kill()
        child.wait()
        os.close(master)
    return json.loads(out.read_text()), drawn


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")
def test_the_terminal_shows_what_the_view_has_and_sweeping_needs_fewer_bytes(tmp_path: Path) -> None:
    byte_n = {}
    for traces in ("scroll", "sweep"):
        rows, drawn = run(tmp_path, traces)
        end = drawn.rindex(b"\x1b[?1049l")
        screen = Screen(120, 40)
        screen.feed(drawn[drawn.index(b"\x1b[?1049h") : end].decode())
        assert ["".join(row).rstrip() for row in screen.cells] == [row.rstrip() for row in rows]
        assert any("█" in row for row in rows)  # a hint came up meanwhile, and moved the feet's lower edge
        byte_n[traces] = end
    assert byte_n["sweep"] < 0.7 * byte_n["scroll"]
