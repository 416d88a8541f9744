"""Find what is to do for many sessions, and do it: here, in processes, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from retrosole import __version__
from retrosole.batch.find import FILES, Found, find_sessions
from retrosole.batch.make import Outcome, Task
from retrosole.batch.place import make_folder
from retrosole.batch.stop import Stop
from retrosole.errors import DamagedDataError, RetrosoleError, StorageError, UsageError

_CHUNK_BYTES = 2 << 20  # short sessions go together, so that handing them out does not cost more than they do
_CHUNK_N = 16

Chunk = tuple[Task, ...]
Runner = Callable[[Iterable[Chunk], Stop], Iterator[Outcome]]


@dataclass(frozen=True)
class Work:
    """Hold what there is to do: the longest sessions first, so that no long one is left for the end.

    `failed` has what cannot even be searched, `up_to_date_n` are left as they are, `link_n` were not followed.
    """

    tasks: tuple[Task, ...]
    up_to_date_n: int
    failed: tuple[Outcome, ...]
    link_n: int

    @property
    def session_n(self) -> int:
        """Give the sessions that were found."""
        return len(self.tasks) + self.up_to_date_n


@dataclass
class Result:
    """Hold what was done so far."""

    made_n: int = 0
    stride_n: int = 0
    failed: list[Outcome] = field(default_factory=list)
    is_full: bool = False

    def add(self, outcome: Outcome) -> None:
        """Count what became of a task."""
        self.is_full |= outcome.is_full
        if outcome.failure:
            self.failed.append(outcome)
        else:
            self.made_n += 1
            self.stride_n += outcome.stride_n

    @property
    def exit_code(self) -> int:
        """Give 0, or the code of the worst: 1 a bug, 7 the disk refused, 6 anything else."""
        codes = {outcome.exit_code for outcome in self.failed}
        worst = [code for code in (RetrosoleError.exit_code, StorageError.exit_code) if code in codes]
        return worst[0] if worst else DamagedDataError.exit_code if codes else 0


def plan(root: Path, tables: Path, direction: str | None = None, is_forced: bool = False) -> Work:
    """Find the sessions below `root` whose table in `tables` is not of their files as they are, by this version.

    Makes the folder of the tables. Raises UsageError where it cannot be one or nothing is found, StorageError.
    """
    _check_place(tables)
    found = find_sessions(root, tables)
    if not found.sessions and not found.unreadable:
        raise UsageError(f"{root} has no session in it: name the folder that `retrosole record --out` keeps them under")
    _prepare(tables)
    tasks = []
    for session in sorted(found.sessions, key=lambda session: -session.byte_n):
        task = _task(session, tables, direction)
        if is_forced or not _is_up_to_date(Path(task.target), session, direction):
            tasks.append(task)
    failed = tuple(Outcome(name, 0, text, DamagedDataError.exit_code) for name, text in found.unreadable)
    return Work(tuple(tasks), len(found.sessions) - len(tasks), failed, found.link_n)


def _check_place(tables: Path) -> None:
    for path in (tables, *tables.parents):
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file: name a folder for the tables")
    if any((tables / name).exists() for name in FILES):
        raise UsageError(f"{tables} is a session folder, in which nothing else is kept: choose another --out")


def _prepare(tables: Path) -> None:
    try:
        make_folder(tables)
    except OSError as error:
        raise StorageError(f"cannot make the folder {tables} ({error.strerror}): choose another --out") from error
    if not os.access(tables, os.W_OK | os.X_OK):
        raise StorageError(f"cannot write to {tables} (Permission denied): choose another --out")


def _task(session: Found, tables: Path, direction: str | None) -> Task:
    target = tables.resolve() / f"{session.name}.parquet"
    return Task(session.name, str(session.folder), str(target), session.byte_n, direction)


def _is_up_to_date(target: Path, session: Found, direction: str | None) -> bool:
    """Say whether a table is of just these files, made by this version.

    It is not enough that it is newer: a session that was written to while it was read has an older table.
    """
    from retrosole.batch.parquet import FORMAT_VERSION, read_about

    try:
        told = read_about(target) if target.exists() else None
    except (DamagedDataError, OSError):
        return False  # so that it is made anew, or what is in the way is told
    if told is None:
        return False
    made_of = [list(one) for one in session.state]
    wanted = (FORMAT_VERSION, __version__, direction, made_of)
    return (told["format_version"], told["retrosole_version"], told["direction_asked"], told["made_of"]) == wanted


def run(work: Work, runner: Runner, stop: Stop, on_outcome: Callable[[Outcome], None]) -> Result:
    """Make all tables; sessions that fail are counted, a full disk ends it. `on_outcome` hears of each."""
    result = Result(failed=list(work.failed))
    for outcome in runner(chunks(work.tasks), stop):
        result.add(outcome)
        on_outcome(outcome)
        stop.is_set |= result.is_full
    return result


def chunks(tasks: Iterable[Task]) -> Iterator[Chunk]:
    """Put tasks together that are handed out together."""
    waiting: list[Task] = []
    byte_n = 0
    for task in tasks:
        if waiting and (byte_n + task.byte_n > _CHUNK_BYTES or len(waiting) == _CHUNK_N):
            yield tuple(waiting)
            waiting, byte_n = [], 0
        waiting.append(task)
        byte_n += task.byte_n
    if waiting:
        yield tuple(waiting)
