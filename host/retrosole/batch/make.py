"""Make the table of one session: the same function in this process, in a pool's and on a cluster's workers.

Nothing is raised for a session's sake: what went wrong comes back in a line, with the exit code of its kind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from retrosole import __version__
from retrosole.batch.find import state_of
from retrosole.errors import DamagedDataError, RetrosoleError, StorageError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)  # the next table would not be taken, either


@dataclass(frozen=True)
class Task:
    """Say which session's table to make: `session` is its name, `folder` and `target` are absolute paths.

    `version` is that of the program that asks, `direction` the way whose strides are summarised (None: of most).
    """

    session: str
    folder: str
    target: str
    byte_n: int
    direction: str | None = None
    version: str = __version__


@dataclass(frozen=True)
class Outcome:
    """Hold what became of a task: strides in the table, or the reason why there is none, with its exit code.

    `is_full`: nothing more can be written. `trace` is for the makers of this program, when they ask for it.
    """

    session: str
    stride_n: int = 0
    failure: str = ""
    exit_code: int = 0
    is_full: bool = False
    trace: str = ""


def make_tables(tasks: Sequence[Task]) -> list[Outcome]:
    """Make some tables, one after the other, as long as there is room for them."""
    done: list[Outcome] = []
    for task in tasks:
        done.append(make_table(task))
        if done[-1].is_full:
            break
    return done


def make_table(task: Task) -> Outcome:
    """Make the table of a session; what goes wrong is told in the outcome."""
    try:
        return Outcome(task.session, _make(task))
    except RetrosoleError as error:
        is_full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL
        return Outcome(task.session, 0, str(error), error.exit_code, is_full and isinstance(error, StorageError))
    except MemoryError:
        return Outcome(task.session, 0, "it takes more memory than there is: try fewer --jobs", UsageError.exit_code)
    except Exception as error:
        return _bug(task, error)


def _bug(task: Task, error: Exception) -> Outcome:
    import traceback

    words = " ".join(str(error).split())
    text = f"this is a bug ({type(error).__name__}: {words}): RETROSOLE_DEBUG=1 shows where; please report it"
    trace = "".join(traceback.format_exception(error)) if os.environ.get("RETROSOLE_DEBUG") else ""
    return Outcome(task.session, 0, text, RetrosoleError.exit_code, trace=trace)


def _make(task: Task) -> int:
    from retrosole.batch.parquet import about, to_bytes
    from retrosole.gait.analysis import analyse
    from retrosole.session.reader import open_session

    _check_version(task)
    folder, target = Path(task.folder), Path(task.target)
    try:
        state = state_of(folder)  # before reading: what is written meanwhile makes the table an old one
        session = open_session(folder)
        analysis = analyse(session, task.direction)
    except OSError as error:
        raise DamagedDataError(f"cannot read {folder} ({error.strerror or error})") from error
    told = about(session, analysis, task.session, state, task.direction)
    try:
        _check_replaceable(target, told["started"])
        _put(target, to_bytes(analysis, told))
    except OSError as error:
        raise StorageError(f"cannot write {target} ({error.strerror or error})") from error
    return len(analysis.table["side"])


def _put(target: Path, data: bytes) -> None:
    from retrosole.batch.place import put

    put(target, data)


def _check_version(task: Task) -> None:
    if task.version != __version__:
        raise UsageError(f"the worker {_other_version(task.version)}")


def _other_version(version: str) -> str:
    return f"has retrosole {__version__}, this program is {version}: install the same on both"


def worker_fault(version: str, root: str, tables: str) -> str:
    """Say what keeps a worker on another computer from its work, nothing when it can do it."""
    if version != __version__:
        return _other_version(version)
    if find_spec("pyarrow") is None:
        return "has no pyarrow: pip install 'retrosole[tables]' there"
    if not os.path.isdir(root):
        return f"does not see {root}: workers need the same folders under the same names"
    if not (os.path.isdir(tables) and os.access(tables, os.W_OK | os.X_OK)):
        return f"cannot write to {tables}: workers need the same folders under the same names"
    return ""


def _check_replaceable(target: Path, started: str | None) -> None:
    """Raise UsageError when what stands at a table's place is not an earlier table of the same session."""
    from retrosole.batch.parquet import is_torn, read_about

    if not target.exists():
        return
    try:
        before = read_about(target)
    except DamagedDataError:
        if is_torn(target):
            return
        before = None
    if before is None:
        raise UsageError(f"{target} exists and is no table of this program, so it is not replaced: move it away")
    if None not in (before["started"], started) and before["started"] != started:
        raise UsageError(
            f"{target} is the table of another session (started {before['started']}), so it is not replaced: "
            "give this folder an --out of its own"
        )
