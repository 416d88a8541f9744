"""`retrosole live --web` on virtual insoles, as a person starts it, seen in real Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrosole.session.reader import open_session
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.browser import TabMaker

PHONE = (390, 844)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


class Live:
    """A running `retrosole live --web`, its address, and what it printed."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-u", "-m", "retrosole", "live", "--web", *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._came = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        assert self._came.wait(60), self.lines
        (self.url,) = re.findall(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", "\n".join(self.lines))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("live at "):
                self._came.set()
        self._came.set()

    def ended(self) -> int:
        """Wait for the end; give the exit code."""
        code = self.process.wait(60)
        self._thread.join()
        return code


@contextlib.contextmanager
def live(*words: str, feet: str = "both", gait: str = "mixed", **more: object) -> Iterator[Live]:
    with virtual_insoles(SimOptions(feet=feet, gait=gait, **more)) as virtual:  # type: ignore[arg-type]
        ports = [word for port in virtual.ports.values() for word in ("--port", port)]
        running = Live(*ports, *words)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGCONT)
                running.process.kill()
            running.ended()


def test_a_walk_is_seen_as_it_happens(tab: TabMaker) -> None:
    with live(gait="heel_first_backward") as running:
        page = tab(running.url)
        page.until("document.querySelectorAll('.sensor').length === 12")
        for side in ("left", "right"):
            foot = f'.foot[data-side="{side}"]'
            page.until(f"Number(document.querySelector('{foot} .sensor.heel').dataset.load) > 30")
            page.until(f"document.querySelector('{foot} .order').textContent === 'heel first'")
        before = int(page.text("tbody tr td"))
        page.until(f"Number(document.querySelector('tbody td').textContent) >= {before + 2}")
        page.until("document.querySelector('#hint strong').textContent === 'Forefoot first'")
        page.until("Number(document.getElementById('cadence').textContent) > 60")
        assert page.text("#toe_first") == "0"
        page.until("/^delay \\d+ ms$/.test(document.getElementById('delay').textContent)")
        assert int(page.text("#delay").split()[1]) > 0
        assert page.wrong == []
        assert all(url.startswith((running.url, running.url.replace("http", "ws"), "data:")) for url in page.asked)
        running.process.send_signal(signal.SIGINT)
        page.until("document.getElementById('stale').textContent.startsWith('The walk has ended.')")
        assert running.ended() == 130
    strides = [line for line in running.lines if " heel_first " in line]
    assert len(strides) >= 6, "without a terminal there is a line per stride"
    assert not any("Traceback" in line or "retrosole:" in line for line in running.lines)


def test_two_presses_of_quit_end_a_recording_cleanly(tab: TabMaker, tmp_path: Path) -> None:
    with live("--record", "kept", feet="left") as running:
        page = tab(running.url, PHONE)
        page.until("document.querySelectorAll('tbody tr').length >= 2")
        page.until("document.getElementById('recording').textContent.startsWith('● recording kept')")
        page.page.keyboard.press("q")
        page.page.keyboard.press("q")
        page.until("document.getElementById('stale').textContent.startsWith('The walk has ended.')")
        assert running.ended() == 0
    (folder,) = (tmp_path / "kept").iterdir()
    assert len(open_session(folder).strides) >= 2


def test_buttons_mark_tare_and_record(tab: TabMaker, tmp_path: Path) -> None:
    with live(feet="left") as running:
        page = tab(running.url)
        page.until("document.querySelectorAll('tbody tr').length >= 1")
        page.until("Number(document.querySelector('.sensor.heel').dataset.load) > 40")
        page.page.keyboard.press("r")
        page.until("document.getElementById('recording').textContent.startsWith('● recording sessions')")
        assert page.text("#record") == "stop"
        page.until("document.querySelectorAll('tbody tr').length >= 2")
        page.page.keyboard.press("m")
        page.until("document.getElementById('message').textContent === 'mark 1 set'")
        page.page.keyboard.press("r")
        page.until("document.getElementById('message').textContent.startsWith('kept in sessions')")
        page.until("document.getElementById('recording').textContent === 'not recording'")
        page.until("document.querySelectorAll('tbody tr').length >= 1")
        for _ in range(20):  # the foot is on the ground most of the time
            page.page.keyboard.press("t")
            assert "feet in the air?" in page.text("footer")
            page.until("Math.max(...[...document.querySelectorAll('.sensor')].map(one => one.dataset.load)) > 40")
            page.page.keyboard.press("t")
            page.page.wait_for_timeout(300)
            if "load" in page.text("#message"):
                break
        assert page.text("#message") == "not tared: there is load on the left foot; lift it first"
        running.process.send_signal(signal.SIGINT)
        assert running.ended() == 130
    (folder,) = (tmp_path / "sessions").iterdir()
    session = open_session(folder)
    assert len(session.strides) >= 2
    assert (folder / "left.frames").stat().st_mode & 0o077 == 0


def test_silence_of_the_program_is_seen_and_so_is_its_return(tab: TabMaker) -> None:
    with live(feet="right") as running:
        page = tab(running.url, PHONE, "dark")
        page.until("document.querySelectorAll('tbody tr').length >= 1")
        running.process.send_signal(signal.SIGSTOP)
        page.until("document.getElementById('stale').textContent.startsWith('This picture is old: nothing comes')")
        assert page.page.locator("#stale").is_visible()
        running.process.send_signal(signal.SIGCONT)
        page.until("document.getElementById('stale').hidden")
        stride_n = int(page.text("tbody td"))
        page.until(f"Number(document.querySelector('tbody td').textContent) > {stride_n}")
        os.kill(running.process.pid, signal.SIGKILL)
        page.until("document.getElementById('stale').textContent.includes('start it again')")


def test_an_insole_that_goes_away_is_seen(tab: TabMaker) -> None:
    with live(feet="left", unplug=("4:3",)) as running:
        page = tab(running.url)
        page.until("document.querySelector('.foot.away .link')?.textContent === 'gone, looking for it'")
        assert "looking for it" in page.text("#message")
        page.until("document.querySelector('.foot:not(.away) .link')?.textContent === 'connected'")
        page.until("document.getElementById('message').textContent.includes('is back')")
