"""`flash`: from a bare board to an insole. What a person sees and is asked; the work is in retrosole.flashing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from retrosole import show
from retrosole.commands.fetch import FetchOptions
from retrosole.commands.fetch import fetch as fetch_sessions
from retrosole.errors import UsageError
from retrosole.flashing.flash import FlashOptions
from retrosole.flashing.flash import flash as run
from retrosole.flashing.found import await_insole

_SESSIONS = Path("sessions")
_START_S = 30.0


class _Terminal:
    """Show the steps as bars where something can be drawn, else as lines; ask where somebody sits."""

    def __init__(self, is_sure: bool) -> None:
        self._is_sure = is_sure

    def say(self, text: str) -> None:
        show.say(text)

    def agrees(self, question: str) -> bool:
        if self._is_sure:
            show.say(f"{question} Yes (--yes).")
            return True
        if not sys.stdin.isatty():
            raise UsageError(f"{question} Nobody can be asked: add --yes")
        return click.confirm(question, err=True)

    @contextmanager
    def follow(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        begin_s = time.monotonic()
        if not show.can_draw():
            yield lambda _: None
            show.say(f"{title}: done in {time.monotonic() - begin_s:.0f} s")
            return
        columns = (
            TextColumn("{task.description:<26}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns) as progress:
            task = progress.add_task(title, total=total or None)
            yield lambda done: progress.update(task, completed=done)
            progress.update(task, total=total or 1, completed=total or 1)

    def fetch(self, port: str) -> bool:
        """Wait for the insole to start again and collect what nobody has collected."""
        show.say(f"its sessions are fetched first, into {_SESSIONS}")
        await_insole(port, _START_S).close()
        return fetch_sessions((port,), None, FetchOptions(root=_SESSIONS)) == 0


def flash(port: str | None, options: FlashOptions, is_sure: bool) -> int:
    """Flash a board and print who answers then; give the exit code. Raises as `retrosole.flashing.flash.flash` does."""
    insole = run(port, options, _Terminal(is_sure))
    if insole is None:
        return 0
    try:
        for line in show.identity_lines(insole, None):
            print(line)
        if insole.side == "unset":
            show.say("it does not know its foot yet: `retrosole setup` tells it")
    finally:
        insole.close()
    return 0
