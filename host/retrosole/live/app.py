"""The live view on a terminal: the only module that imports Textual.

The rows come from `panel`; here they are compared with those on the screen, and only rows that
changed are drawn again. Runs in the main thread; a feeder thread fills the state meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from retrosole.live.palette import BACKGROUND, TEXT
from retrosole.live.panel import foot_rows, footer_row, header_row
from retrosole.live.rows import Row
from retrosole.live.state import FootState, LiveState


@lru_cache(maxsize=256)
def _style(style: str) -> Style:
    text = style or TEXT
    return Style.parse(text if " on " in text else f"{text} on {BACKGROUND}")


def _strip(row: Row, width: int) -> Strip:
    segments = [Segment(text, _style(style)) for text, style in row]
    return Strip(segments).adjust_cell_length(width, _style(""))


class RowsWidget(Widget):
    """Show rows of spans, and draw again only those that changed."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: list[Row] = []

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows."""
        old, self._rows = self._rows, list(rows)
        if len(old) != len(self._rows):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, (a, b) in enumerate(zip(old, self._rows, strict=True)) if a != b]
        if changed:
            self.refresh(*[Region(0, y, width, 1) for y in changed])

    def render_line(self, y: int) -> Strip:
        """Give Textual one line of the widget."""
        row = self._rows[y] if y < len(self._rows) else ()
        return _strip(row, self.size.width)


class FootPanel(RowsWidget):
    """Show one foot."""

    def __init__(self, foot: FootState, map_at_left: bool) -> None:
        super().__init__(id=f"foot-{foot.side}")
        self.foot = foot
        self._map_at_left = map_at_left
        self._stamp: object = None
        self._view = foot.snapshot()

    def follow(self) -> None:
        """Take the foot as it is now, if anything changed since the last time."""
        stamp = self.foot.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._view = self.foot.snapshot()
            self._lay_out()

    def on_resize(self) -> None:
        """Lay the same moment out anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.show(foot_rows(self._view, *self.size, self._map_at_left))


class LiveApp(App[None]):
    """Show a `LiveState` until the user quits or the state says that it is finished.

    `on_quit` is called once, in this thread, when the user asks to quit and before the screen
    closes; it isn't called when the view closes because `state.finished` was set. `fps` is the
    highest rate of pictures. `interrupted` says afterwards whether it was left with Ctrl-C.
    """

    CSS = f"""
    Screen {{ background: {BACKGROUND}; }}
    Horizontal {{ height: 1fr; }}
    #header, #footer {{ height: 1; }}
    FootPanel {{ width: 1fr; height: 100%; }}
    FootPanel.hidden {{ display: none; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q", "leave", "quit", priority=True),
        Binding("ctrl+c", "interrupt", "interrupt", priority=True),
        Binding("space", "pause", "pause the picture"),
        Binding("1", "only(0)", "first foot"),
        Binding("2", "only(1)", "second foot"),
        Binding("b", "both", "both feet"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, state: LiveState, on_quit: Callable[[], None] | None = None, fps: float = 10.0
    ) -> None:
        super().__init__()
        self.state = state
        self.paused = False
        self.interrupted = False
        self._on_quit = on_quit
        self._fps = fps

    def compose(self) -> ComposeResult:
        """Make the widgets: header, feet, footer."""
        yield RowsWidget(id="header")
        with Horizontal():
            for foot in self.state.feet:
                yield FootPanel(foot, map_at_left=len(self.state.feet) > 1 and foot.side == "right")
        yield RowsWidget(id="footer")

    def on_mount(self) -> None:
        """Start the clock of the pictures."""
        self._panels = list(self.query(FootPanel))
        self._header = self.query_one("#header", RowsWidget)
        self._footer = self.query_one("#footer", RowsWidget)
        self.set_interval(1 / self._fps, self.update_picture)
        self.call_after_refresh(self.update_picture)

    def update_picture(self) -> None:
        """Bring the screen up to date; while paused only the header and the footer."""
        if self.state.finished:
            self.exit()
            return
        self._header.show([header_row(self.state, self._header.size.width, self.paused)])
        self._footer.show([footer_row(self.state, self._footer.size.width)])
        for panel in self._panels:
            if panel.display and not self.paused:
                panel.follow()

    def action_leave(self) -> None:
        """Tell the caller, then close the screen."""
        if self._on_quit is not None:
            on_quit, self._on_quit = self._on_quit, None
            on_quit()
        self.exit()

    def action_interrupt(self) -> None:
        """Leave as with Ctrl-C anywhere else: the terminal sends it as a key here, not as a signal."""
        self.interrupted = True
        self.action_leave()

    def action_pause(self) -> None:
        """Hold the picture, or let it go on; what is recorded is not touched."""
        self.paused = not self.paused
        self.update_picture()

    def action_only(self, number: int) -> None:
        """Show one foot alone."""
        if number < len(self._panels):
            self._choose([self._panels[number]])

    def action_both(self) -> None:
        """Show all feet."""
        self._choose(self._panels)

    def _choose(self, chosen: Sequence[FootPanel]) -> None:
        for panel in self._panels:
            panel.set_class(panel not in chosen, "hidden")
        self.update_picture()
