"""Settings of all tests."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from retrosole.twin import walk
from tests.browser import Tab, TabMaker, chromium
from tests.soak import IN_FULL

# No deadline: it goes by the clock on the wall, and says more about what else the machine does than about the code.
settings.register_profile("retrosole", deadline=None, print_blob=True)
settings.load_profile("retrosole")

# Twenty minutes of walking take each virtual insole a second to make. A shorter walk is the beginning of a longer one.
if not IN_FULL:
    walk._ENDLESS_S = 300.0

WORKER_N = 5  # as the Makefile says


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, in which no insole is found but the test's own; give where virtual insoles register."""
    folder = tmp_path / "runtime" / "retrosole"
    folder.parent.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    return folder


_LOOP: list[Any] = []  # through which the browser is spoken to


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a process."""
    with chromium() as running:
        _LOOP[:] = [asyncio._get_running_loop()]
        asyncio._set_running_loop(None)
        yield running
        asyncio._set_running_loop(_LOOP[0])


@pytest.fixture(autouse=True)
def _loop_of_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the browser's event loop count as running in its tests only: other tests run loops of their own."""
    if "browser" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("browser")
    asyncio._set_running_loop(_LOOP[0])
    yield
    asyncio._set_running_loop(None)


@pytest.fixture
def tab(browser: Any) -> Iterator[TabMaker]:
    """Give what opens a page: tab(url, size, scheme)."""
    opened: list[Tab] = []

    def open_tab(*values: Any, **options: Any) -> Tab:
        opened.append(Tab(browser, *values, **options))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count as slow what opens a browser, and deal slow tests out.

    Each worker begins with a part of the tests in a row. Were the slow ones in one of them, the others would stand idle
    at the end.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    items[:] = [item for k in range(WORKER_N) for item in (*_part(quick, k), *_part(slow, k))]


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what stays to the end, a million objects of tests and modules.

    It would look at all of them again whenever a test has it look, and the firmware on CPython does so each second.
    """
    gc.collect()
    gc.freeze()


def _part(items: list[pytest.Item], k: int) -> list[pytest.Item]:
    return items[len(items) * k // WORKER_N : len(items) * (k + 1) // WORKER_N]


def pytest_sessionfinish() -> None:
    """Let go of what was kept: some libraries complain at the end about what was never cleared away."""
    gc.unfreeze()
