"""A guided session in the terminal: the guide and its screen, led by a clock that does not have to be waited for."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.text import Text

from retrosole.coach.guide import Guide
from retrosole.coach.screen import Screen
from retrosole.coach.session import steps_of
from retrosole.gait.strides import Stride
from retrosole.live.picture import self_contained
from retrosole.plan.loader import load_plan, load_safety
from retrosole.session.reader import open_session
from tests.pictures.sessions import walk
from tests.terminal import seen

WIDTH, ROWS = 80, 15
AT_S = 103.0  # in the second go
TICK_S = 0.1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Hands:
    """Say what the guide says on a screen; marks and notes are for the log of a session, which is none here."""

    def __init__(self, screen: Screen) -> None:
        self.say = screen.say
        self.signal = screen.signal

    def mark(self, code: int) -> None:
        """Set no mark."""

    def note(self, text: str) -> None:
        """Write no note."""


@contextlib.contextmanager
def _terminal() -> Iterator[_Terminal]:
    out = _Terminal()
    with mock.patch.dict(os.environ, TERM="xterm", COLUMNS=str(WIDTH), LINES="24"), contextlib.redirect_stdout(out):
        yield out


def told(strides: list[Stride], at_s: float) -> str:
    """Give what stands on the terminal at a moment of the second stage of the first plan.

    Each go walks the same strides, from its beginning on.
    """
    stage = load_plan("first-steps").stages[1]
    with _terminal() as out:
        screen = Screen()
        guide = Guide(steps_of(stage, ("left", "right")), load_safety().stops, _Hands(screen), "")
        guide.begin(0.0)
        begun_s, done_n = 0.0, 0
        for tick in range(round(at_s / TICK_S)):
            now_s = tick * TICK_S
            if len(guide.done) > done_n:
                begun_s, done_n = now_s, len(guide.done)
            for stride in strides:
                if now_s <= begun_s + stride.final_contact_s < now_s + TICK_S:
                    guide.stride(stride.contact_order, now_s)
            guide.tick(now_s)
            screen.status(guide.status(now_s))
    return seen(out.getvalue())


def draw_coach(out: Path, scratch: Path) -> None:
    """Draw the last rows of a guided session as a terminal shows them."""
    strides = open_session(walk(scratch / "coached", 40.0, "mixed")).strides
    rows = told(list(strides), AT_S).splitlines()[-ROWS:]
    console = Console(record=True, width=WIDTH, height=len(rows), file=io.StringIO(), force_terminal=True)
    console.print(Text("\n".join(rows)))
    svg = console.export_svg(title="retrosole coach --subject P07")
    (out / "coach.svg").write_text(self_contained(svg), encoding="utf-8")
