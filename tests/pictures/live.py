"""The live view, in the terminal and as a page: a real run of a virtual pair, at 25 s of its walk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from retrosole import wire
from retrosole.device import Event, Insole
from retrosole.live import feed
from retrosole.live.picture import save_svg
from retrosole.live.state import LiveState
from retrosole.live.web import WebView
from retrosole.ports import open_link
from retrosole.recorder import Foot, Recorder
from retrosole.show import LiveFeeder
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.pictures.screenshot import opened, save

AT_S = 25.0
RATE_HZ = 200
SIZE = (120, 40)
DESK, PHONE = (1280, 800), (390, 844)
_IS_DRAWN = """() => document.querySelectorAll('.sensor').length === 12
    && document.querySelectorAll('tbody tr').length > 2"""
SPEED = 8.0
SEED = 1


class UntilMoment(LiveFeeder):
    """Show what is known at one moment of the walk, however quick either foot is: the next run draws the same."""

    def __init__(self, insoles: Mapping[str, Insole], at_s: float) -> None:
        super().__init__(insoles, None)
        self.recorder: Recorder | None = None
        self._end_idx = round(at_s * RATE_HZ)
        self._reached: set[str] = set()

    def frame(self, foot: Foot, frame: Event) -> None:
        """Hand on what happened before the moment; end when both feet are past it."""
        at_idx = decided_idx(frame)
        if at_idx <= self._end_idx:
            super().frame(foot, frame)
        elif isinstance(frame, wire.SamplesFrame):
            self._reached.add(foot.side)
            if self.recorder is not None and len(self._reached) == len(self._feet):
                self.recorder.request_end()

    def tick(self, elapsed_s: float) -> None:
        """Count in seconds of the walk."""
        super().tick(AT_S)


def decided_idx(frame: Event) -> int:
    """Give the sample after which a frame was sent; 0 for those that have none."""
    if isinstance(frame, wire.SamplesFrame):
        return int(frame.first_index)
    if isinstance(frame, wire.StrideFrame):
        return int(frame.initial_contact_idx + frame.final_contact // 256 + frame.delay)
    if isinstance(frame, wire.ContactFrame):
        return int(frame.initial_contact_idx + frame.delay)
    return 0


def walked() -> LiveState:
    """Walk, and give what the live view knows then."""
    options = SimOptions(gait="mixed", seed=SEED, speed=SPEED, duration_s=AT_S / SPEED + 2)
    with virtual_insoles(options) as virtual:
        insoles = {side: Insole(open_link(port)) for side, port in virtual.ports.items()}
        watcher = UntilMoment(insoles, AT_S)
        watcher.recorder = Recorder(insoles, watcher)
        watcher.recorder.run(seconds=60)
    for foot in watcher.state.feet:
        assert foot.stride_counts[0] and not foot.lost_sample_n, f"no picture of {foot.side}: {foot.stride_counts}"
    return watcher.state


def draw_terminal(state: LiveState, out: Path) -> None:
    """Draw the view in the terminal."""
    save_svg(state, out / "live.svg", SIZE)


class _NoButtons:
    def ask(self, what: str) -> None:
        """Do nothing."""


def draw_page(state: LiveState, browser: Any, out: Path) -> None:
    """Draw the page, on the screen of a treadmill and on a phone."""
    with mock.patch.object(feed, "_QUIET_S", 1e6), WebView(state, _NoButtons()) as web:
        for name, size in (("page.png", DESK), ("page-phone.png", PHONE)):
            with opened(browser, web.url, size) as page:
                page.wait_for_function(_IS_DRAWN)
                save(page.screenshot(), out / name)
