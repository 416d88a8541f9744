"""The live view on a terminal: with `terse` the only module that imports Textual.

The rows come from `panel` and `bars`; here they are compared with those on the screen, and only the cells that changed
are sent again, in the short codes of 256 colours: over SSH every byte counts. Runs in the main thread; a feeder thread
fills the state meanwhile.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import IO, Any, ClassVar, Protocol

from rich.color import Color
from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.driver import Driver
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from retrosole.live.bars import footer_row, header_row, hint_rows
from retrosole.live.hint import Hint
from retrosole.live.palette import BACKGROUND, TEXT, themed
from retrosole.live.panel import foot_rows
from retrosole.live.rows import Row, changed_cells
from retrosole.live.state import FootState, FootView, LiveState, MessageClock
from retrosole.live.terse import TerseUpdate

_TARE_AGAIN_S = 20.0  # the second key press that confirms
_DELAY_EVERY_S = 1.0


class Controls(Protocol):
    """Be what the keys act on; each call returns at once, what came of it is told in `LiveState.message`."""

    def mark(self) -> None:
        """Set a mark on all feet."""

    def tare(self, sides: Sequence[str]) -> None:
        """Take the present counts of these feet as unloaded."""

    def toggle_recording(self) -> None:
        """Begin to keep what comes, or end it."""


@lru_cache(maxsize=512)
def _style(style: str, is_light: bool) -> Style:
    text = style or TEXT
    full = Style.parse(themed(text if " on " in text else f"{text} on {BACKGROUND}", is_light))
    return full + Style(color=_short(full.color), bgcolor=_short(full.bgcolor))


def _short(color: Color | None) -> Color | None:
    """Give the number that a colour of the xterm table has: half as many bytes as its red, green and blue."""
    if color is None or color.triplet is None:
        return color
    parts = tuple(color.triplet)
    if len(set(parts)) == 1 and (parts[0] - 8) % 10 == 0 and 8 <= parts[0] <= 238:
        return Color.from_ansi(232 + (parts[0] - 8) // 10)
    if set(parts) <= set(_LEVELS):
        red, green, blue = (_LEVELS.index(part) for part in parts)
        return Color.from_ansi(16 + 36 * red + 6 * green + blue)
    return color


_LEVELS = (0, 0x5F, 0x87, 0xAF, 0xD7, 0xFF)


class RowsWidget(Widget):
    """Show rows of spans, and draw again only the cells that changed, or the rows when `by_row`."""

    def __init__(self, *, id: str, by_row: bool = False) -> None:
        super().__init__(id=id)
        self._rows: list[Row] = []
        self._by_row = by_row

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows."""
        old, self._rows = self._rows, list(rows)
        if len(old) != len(self._rows):
            self.refresh()
            return
        changed = [
            Region(begin, y, end - begin, 1)
            for y, (a, b) in enumerate(zip(old, self._rows, strict=True))
            if a != b
            for begin, end in ([(0, self.size.width)] if self._by_row else changed_cells(a, b))
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Give Textual one line of the widget."""
        row = self._rows[y] if y < len(self._rows) else ()
        is_light = isinstance(self.app, LiveApp) and self.app.is_light
        segments = [Segment(text, _style(style, is_light)) for text, style in row]
        return Strip(segments).adjust_cell_length(self.size.width, _style("", is_light))


class FootPanel(RowsWidget):
    """Show one foot."""

    def __init__(self, foot: FootState, map_at_left: bool, sweeps: bool) -> None:
        super().__init__(id=f"foot-{foot.side}")
        self._sweeps = sweeps
        self.foot = foot
        self.view = foot.snapshot()
        self._map_at_left = map_at_left
        self._stamp: object = None

    def follow(self) -> bool:
        """Take the foot as it is now; say whether anything changed since the last time."""
        stamp = self.foot.stamp()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.view = self.foot.snapshot()
        if self.display:
            self._lay_out()
        return True

    def appear(self, is_shown: bool) -> None:
        """Be shown, or not."""
        self.set_class(not is_shown, "hidden")
        self._stamp = None

    def on_resize(self) -> None:
        """Lay the same moment out anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.show(foot_rows(self.view, *self.size, self._map_at_left, self._sweeps))


class _Forgiving:
    """Write to a terminal for as long as it is there.

    Textual's writing thread ends with the first error, and then the queue before it fills and holds the program for
    ever: closing the window must not.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, or do nothing when the terminal is gone."""
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Flush, likewise."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """Give the number of the file."""
        return self._file.fileno()


class LiveApp(App[None]):
    """Show a `LiveState` until the user quits or the state says that it is finished.

    `on_quit` is called once, in this thread, when the user asks to quit and before the screen closes; it isn't called
    when the view closes because `state.finished` was set. Without `controls` only the picture can be changed by keys.
    `fps` is the highest rate of pictures; with `sweeps` the traces take far fewer bytes. `interrupted` says afterwards
    whether it was left with Ctrl-C.
    """

    CSS = """
    Horizontal { height: 1fr; }
    #header, #footer { height: 1; }
    #hint { height: 0; }
    FootPanel { width: 1fr; height: 100%; }
    FootPanel.hidden { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q", "leave", "quit", priority=True),
        Binding("ctrl+c", "interrupt", "interrupt", priority=True),
        Binding("space", "pause", "pause the picture"),
        Binding("m", "mark", "set a mark"),
        Binding("t", "tare", "tare"),
        Binding("r", "record", "record or stop recording"),
        Binding("1", "only(0)", "first foot"),
        Binding("2", "only(1)", "second foot"),
        Binding("b", "both", "both feet"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        state: LiveState,
        on_quit: Callable[[], None] | None = None,
        fps: float = 10.0,
        *,
        controls: Controls | None = None,
        is_light: bool = False,
        sweeps: bool = False,
    ) -> None:
        # What NO_COLOR takes away stays in greys only where Textual knows the colours as red, green and blue
        super().__init__(ansi_color=not os.environ.get("NO_COLOR"))
        self.state = state
        self.is_light = is_light
        self.paused = False
        self.interrupted = False
        self._on_quit = on_quit
        self._fps = fps
        self._controls = controls
        self._header = RowsWidget(id="header", by_row=True)  # so that whoever logs the terminal finds it whole
        self._band, self._footer = RowsWidget(id="hint"), RowsWidget(id="footer")
        is_pair = len(state.feet) > 1
        self._panels = [FootPanel(foot, is_pair and foot.side == "right", sweeps) for foot in state.feet]
        self._hint: Hint | None = None
        self._messages = MessageClock()
        self._tare_asked_s = -math.inf
        self._undrawn_s = math.nan  # when the newest sample was due that is about to be drawn
        self._delays_s: deque[float] = deque(maxlen=20)
        self._delay_s, self._delay_told_s = math.nan, 0.0

    def get_driver_class(self) -> type[Driver]:
        """Give Textual's driver, with a terminal that may go away."""
        base: Any = super().get_driver_class()

        def forgiving(driver: Any, *values: Any, **options: Any) -> None:
            base.__init__(driver, *values, **options)
            if hasattr(driver, "_file"):
                driver._file = _Forgiving(driver._file)

        return type(base.__name__, (base,), {"__init__": forgiving})

    def compose(self) -> ComposeResult:
        """Make the widgets: header, feet, hint, footer."""
        yield self._header
        with Horizontal():
            yield from self._panels
        yield self._band
        yield self._footer

    def on_mount(self) -> None:
        """Start the clock of the pictures."""
        self.screen.styles.background = themed(BACKGROUND, self.is_light)
        self.set_interval(1 / self._fps, self.update_picture)
        self.call_after_refresh(self.update_picture)

    def update_picture(self) -> None:
        """Bring the screen up to date; while paused only the header and the footer."""
        if self.state.finished:
            self.exit()
            return
        if not self.paused:
            self._follow_feet()
        views = self._views()
        self._show_header(views)
        self._show_footer()

    def _follow_feet(self) -> None:
        before = [panel.view.sampled_s for panel in self._panels]
        changed = [panel.follow() for panel in self._panels]
        if not any(changed):
            return
        shown = [(panel.view.sampled_s, old) for panel, old in zip(self._panels, before, strict=True) if panel.display]
        self._undrawn_s = max((s for s, old in shown if s != old and not math.isnan(s)), default=math.nan)
        self._show_hint(self.state.hint(self._views()))

    def _views(self) -> list[FootView]:
        return [panel.view for panel in self._panels]

    def _show_hint(self, hint: Hint | None) -> None:
        if hint == self._hint:
            return
        self._hint = hint
        self._lay_out_hint()

    def _lay_out_hint(self) -> None:
        width, height = self.size
        rows = [] if self._hint is None else hint_rows(self._hint, width, height)
        self._band.styles.height = len(rows)
        self._band.show(rows)

    def on_resize(self) -> None:
        """Give the hint letters that fit."""
        self._lay_out_hint()

    def _show_header(self, views: Sequence[FootView]) -> None:
        now_s = time.monotonic()
        if now_s - self._delay_told_s >= _DELAY_EVERY_S:
            self._delay_told_s = now_s
            self._delay_s = sum(self._delays_s) / len(self._delays_s) if self._delays_s else math.nan
            self._delays_s.clear()
        width = self._header.size.width
        self._header.show([header_row(self.state, views, width, self.paused, self._delay_s)])

    def _show_footer(self) -> None:
        message = self._messages.text(self.state, time.monotonic())
        has_controls = self._controls is not None
        self._footer.show([footer_row(self.state, self._footer.size.width, message, has_controls)])

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, TerseUpdate.of(renderable) if isinstance(renderable, ChopsUpdate) else renderable)

    def post_display_hook(self) -> None:
        """Note how old the newest sample was when its picture had been handed to the terminal."""
        if not math.isnan(self._undrawn_s):
            self._delays_s.append(time.monotonic() - self._undrawn_s)
            self._undrawn_s = math.nan

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

    def action_mark(self) -> None:
        """Set a mark on all feet."""
        if self._controls is not None:
            self._controls.mark()

    def action_record(self) -> None:
        """Begin to keep what comes, or end it."""
        if self._controls is not None:
            self._controls.toggle_recording()

    def action_tare(self) -> None:
        """Ask for the shown feet to be in the air; at the second press take their counts as unloaded."""
        if self._controls is None:
            return
        shown = [panel for panel in self._panels if panel.display]
        names = " and ".join(panel.foot.side for panel in shown)
        loaded = [panel.foot.side for panel in shown if not panel.foot.is_in_the_air]
        now_s = time.monotonic()
        if now_s - self._tare_asked_s > _TARE_AGAIN_S:
            self._tare_asked_s = now_s
            self.state.tell(f"tare {names}: sit, {_feet(shown)} in the air, then press t again")
        elif loaded:
            self.state.tell(f"not tared: load on the {' and the '.join(loaded)} foot; lift, then press t")
        else:
            self._tare_asked_s = -math.inf
            self._controls.tare([panel.foot.side for panel in shown])

    def action_only(self, number: int) -> None:
        """Show one foot alone."""
        if number < len(self._panels):
            self._choose([self._panels[number]])

    def action_both(self) -> None:
        """Show all feet."""
        self._choose(self._panels)

    def _choose(self, chosen: Sequence[FootPanel]) -> None:
        self._tare_asked_s = -math.inf
        for panel in self._panels:
            panel.appear(panel in chosen)
        self.update_picture()


def _feet(panels: Sequence[FootPanel]) -> str:
    return "both feet" if len(panels) > 1 else "the foot"
