"""`live --web` in this process, on a small insole behind a pty: what the terminal says, and how it ends."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pty_insole import PtyInsole
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from retrosole import cli, show
from retrosole.live.feed import Feed
from retrosole.live.web import WebView


@pytest.fixture
def insole(registry: Path) -> Iterator[PtyInsole]:
    insole = PtyInsole()
    yield insole
    insole.vanish()


def run(*arguments: str) -> int:
    return cli.run(["live", "--web", *arguments])


def test_the_address_comes_first_then_the_strides(insole: PtyInsole, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--port", insole.port, "--seconds", "0.3") == 0
    out, error = capfd.readouterr()
    assert re.fullmatch(r"live at http://127\.0\.0\.1:\d+/[\w-]{32}/", out.splitlines()[0])
    assert error == f"left insole at {insole.port}\n"


def test_the_browser_is_opened_with_an_address_that_works_once(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(opened.append(url)) or True)
    assert run("--port", insole.port, "--seconds", "0.3", "--open") == 0
    own = capfd.readouterr().out.split()[2]
    (url,) = opened
    assert url.startswith(own.rsplit("/", 2)[0]) and own.split("/")[3] not in url


def test_without_a_screen_no_browser_is_opened(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("opened"))
    assert run("--port", insole.port, "--seconds", "0.3", "--open") == 0
    assert "no browser was found here: open the address above in one on this computer" in capfd.readouterr().err


def test_a_taken_port_is_refused_and_nothing_is_left_behind(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], registry: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert run("--port", insole.port, "--web-port", str(taken), "--record", "kept") == 2
    assert f"cannot be served on port {taken} (Address already in use): choose another" in capfd.readouterr().err
    assert not (registry.parent.parent / "kept").exists()


def test_without_the_package_it_says_what_to_install(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run("--port", insole.port) == 2
    assert capfd.readouterr().err == "retrosole: the page needs the package websockets: pip install 'retrosole[web]'\n"


def test_a_fault_of_the_page_ends_no_walk_and_is_told(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_values: Any, **_more: Any) -> str:
        raise ZeroDivisionError("no picture")

    monkeypatch.setattr(Feed, "advance", broken)
    enter = WebView.__enter__

    def entered(self: WebView) -> WebView:
        threading.Thread(target=_open_the_page, args=(self,)).start()
        return enter(self)

    monkeypatch.setattr(WebView, "__enter__", entered)
    begin_s = time.monotonic()
    assert run("--port", insole.port, "--seconds", "2") == 1
    assert time.monotonic() - begin_s >= 2
    error = capfd.readouterr().err
    assert "the page has stopped, everything else goes on; end it to see why\n" in error
    assert "this is a bug (ZeroDivisionError: no picture)" in error and "Traceback" not in error


def _open_the_page(web: WebView) -> None:
    host = web.gate.hosts[0]
    url = f"ws://{host}/{web.gate.token}/stream"
    with contextlib.suppress(ConnectionClosed), connect(url, origin=f"http://{host}", proxy=None) as stream:  # type: ignore[arg-type]
        stream.recv(timeout=20)


def test_a_progress_line_is_kept_on_a_terminal(
    insole: PtyInsole, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "can_draw", lambda: True)
    assert run("--port", insole.port, "--seconds", "0.5") == 0
    out = capfd.readouterr().out
    assert out.startswith("live at http://") and "0:00:00 of 0:00:00   left 0 strides" in out
