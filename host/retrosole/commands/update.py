"""`update`: a new version of the firmware, with a line or a bar of how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from retrosole import show
from retrosole.flashing.update import Updated, update


class _Bar:
    """Show steps and the bytes written: a bar on a terminal, lines anywhere else."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def step(self, text: str) -> None:
        """Say what is done next."""
        if self._progress is not None and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        show.say(text)

    def progress(self, done_n: int, of_n: int) -> None:
        """Draw how far it is."""
        if self._progress is None:
            return
        if self._task is None:
            self._task = self._progress.add_task("writing", total=of_n)
        self._progress.update(self._task, completed=done_n)
        self._progress.refresh()


def run(port_names: tuple[str, ...], is_forced: bool) -> None:
    """Update the insoles on these ports, one after the other; without any the only one there is."""
    for port in port_names or (None,):
        try:
            with _shown() as bar:
                done = update(port, bar, is_forced=is_forced)
        except KeyboardInterrupt:
            show.say("nothing is lost: the insole starts with the version it had or with the new one; update it again")
            raise
        print(_words(done))


def _words(done: Updated) -> str:
    if not done.is_changed:
        return f"{done.port}: has this program's version {done.before} already (--force writes it again)"
    return f"{done.port}: {done.before} -> {done.after}"


@contextlib.contextmanager
def _shown() -> Iterator[_Bar]:
    if not show.can_draw():
        yield _Bar(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total} bytes"))
    with Progress(*columns, transient=True, auto_refresh=False) as progress:
        yield _Bar(progress)
