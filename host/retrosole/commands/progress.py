"""How far many sessions are: a bar on a terminal, a line every ten seconds anywhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from retrosole import show
from retrosole.batch.make import Outcome
from retrosole.batch.run import Work
from retrosole.batch.stop import Stop

_STOPPING = "ending: what is under way is finished, Ctrl-C again leaves it"

Watch = Callable[[Outcome], None]


@contextlib.contextmanager
def progress(work: Work, stop: Stop) -> Iterator[Watch]:
    """Show how far the work is, on standard error; give what hears of each outcome."""
    if not work.tasks:
        yield lambda _: None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(work, stop) as watch:
            yield watch
    else:
        yield _Lines(len(work.tasks))


@contextlib.contextmanager
def _bar(work: Work, stop: Stop) -> Iterator[Watch]:
    """Draw a bar: its length goes by bytes of logs, since sessions are of all lengths."""
    byte_n = {task.session: max(task.byte_n, 1) for task in work.tasks}
    columns = (BarColumn(), TextColumn("{task.fields[words]}", markup=False), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sum(byte_n.values()), words="")
        count = _Count(len(work.tasks))

        def hear(outcome: Outcome) -> None:
            count.add(outcome)
            bar.update(task, advance=byte_n[outcome.session], words=_STOPPING if stop.is_set else count.text)

        bar.update(task, words=count.text)
        yield hear


class _Count:
    """Count what is done."""

    def __init__(self, task_n: int) -> None:
        self._task_n = task_n
        self._done_n = self._failed_n = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self._done_n += 1
        self._failed_n += bool(outcome.failure)

    @property
    def text(self) -> str:
        """Say it."""
        failed = f", {self._failed_n} failed" if self._failed_n else ""
        return f"{self._done_n} of {self._task_n}{failed}"


class _Lines:
    """Say it every ten seconds."""

    def __init__(self, task_n: int) -> None:
        self._count = _Count(task_n)
        self._next_s = time.monotonic() + show.LINE_EVERY_S

    def __call__(self, outcome: Outcome) -> None:
        self._count.add(outcome)
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + show.LINE_EVERY_S
            show.say(self._count.text)
