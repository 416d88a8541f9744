"""A real Chromium for tests: the system's, without a screen. A missing one is said aloud; in CI it fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (  # no first-run pages, no calls home: the machine may have no network
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 30_000


def _missing(text: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"a browser must be there in CI: {text}")
    pytest.skip(f"NO BROWSER, PAGE NOT TESTED: {text}")


@contextmanager
def chromium() -> Iterator[Any]:
    """Run Chromium; skip aloud when there is none, in CI fail."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _missing("install Debian's chromium, or Chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        _missing(f"{error}: pip install playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


class Tab:
    """A page in a browser, and everything that went wrong in it or was asked of the network."""

    def __init__(self, browser: Any, url: str, size: tuple[int, int] = (1440, 900), scheme: str = "light") -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda stream: self.asked.append(stream.url))
        self.page.goto(url)

    def close(self) -> None:
        self.context.close()

    def text(self, selector: str) -> str:
        """Give the text of the first that fits, as a person sees it."""
        return str(self.page.locator(selector).first.inner_text())

    def run(self, script: str, *values: Any) -> Any:
        """Run JavaScript in the page; give what it gives."""
        return self.page.evaluate(script, *values)

    def until(self, script: str) -> None:
        """Wait until an expression holds."""
        self.page.wait_for_function(f"() => {script}")


TabMaker = Callable[..., Tab]
