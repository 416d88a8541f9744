"""The live view as a page in a browser: the recorders have this thread, the server has one of its own beside them."""

from __future__ import annotations

import importlib.util
import os
import sys
import webbrowser
from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrosole import show
from retrosole.device import Event, Insole
from retrosole.errors import UsageError
from retrosole.foot import Foot, Watcher
from retrosole.viewing import Viewing

if TYPE_CHECKING:
    from retrosole.walk import Look, RecordOptions


class PageViewing(Viewing):
    """Serve the page until the person ends it; on the terminal a progress line, or one line per stride where there is
    none. Raises UsageError when the port cannot be had, or the package that serves is not there.
    """

    def __init__(self, insoles: Mapping[str, Insole], options: RecordOptions, look: Look) -> None:
        if importlib.util.find_spec("websockets") is None:
            raise UsageError("the page needs the package websockets: pip install 'retrosole[web]'")
        self._is_well = True
        self._seconds = options.seconds
        super().__init__(insoles, options, look)

    def run(self) -> bool:
        """Serve it to its end. Raises as `Recorder.run`, and afterwards what went wrong in the server."""
        with self._web:
            show.announce(f"live at {self._web.url}")
            if self._look.opens_page and not _open_browser(self._web.gate.url_once()):
                show.say("no browser was found here: open the address above in one on this computer")
            self._record()
            if self._failure is not None:
                raise self._failure
        return False

    def ask(self, what: str) -> None:
        """Do what a button of the page says; called in the server's thread."""
        does = {"mark": self.mark, "tare": self._tare_all, "record": self.toggle_recording, "quit": self.request_end}
        does[what]()

    def _tare_all(self) -> None:
        feet = self._feeder.state.feet
        loaded = [foot.side for foot in feet if not foot.is_in_the_air]
        if loaded:
            where = " and the ".join(loaded)
            self._tell(f"not tared: there is load on the {where} foot; lift it first")
        else:
            self.tare([foot.side for foot in feet])

    def check_page(self) -> str:
        """Give a line for the person when the server has just failed, else nothing."""
        if not self._is_well or self._web.failure is None:
            return ""
        self._is_well = False
        return "the page has stopped, everything else goes on; end it to see why"

    def _watched_by(self, feeder: show.LiveFeeder) -> Watcher:
        from retrosole.live.web import WebView

        self._web: WebView = WebView(feeder.state, self, self._look.web_port)
        beside = show.ProgressLine(self._seconds) if show.can_draw() else show.LinePrinter()
        return _Together(self, feeder, beside)


class _Together(Watcher):
    """Tell the feeder and what is on the terminal beside it; have a look at the server now and then."""

    def __init__(self, viewing: PageViewing, *told: Watcher) -> None:
        self._viewing = viewing
        self._told = told

    def begin(self, feet: list[Foot]) -> None:
        """Hand on the feet."""
        for one in self._told:
            one.begin(feet)

    def frame(self, foot: Foot, frame: Event) -> None:
        """Hand on a frame."""
        for one in self._told:
            one.frame(foot, frame)

    def say(self, text: str) -> None:
        """Hand on a line."""
        for one in self._told:
            one.say(text)

    def tick(self, elapsed_s: float) -> None:
        """Hand on the time."""
        for one in self._told:
            one.tick(elapsed_s)
        wrong = self._viewing.check_page()
        if wrong:
            self.say(wrong)

    def end(self) -> None:
        """Hand on the end."""
        for one in self._told:
            one.end()


def _open_browser(url: str) -> bool:
    """Open the user's browser; on a screen only, since a browser of text would take the terminal and show nothing."""
    has_screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(has_screen) and webbrowser.open(url)
