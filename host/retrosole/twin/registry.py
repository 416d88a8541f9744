"""The list of running virtual insoles: one small JSON file each in the user's runtime folder.

`retrosole ports` reads these files; a file names the process, the side and the port to open. Whoever was killed
leaves a file behind: the next virtual insole to start clears it away.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_runtime_path

from retrosole.errors import StorageError

_lock = threading.Lock()
_held: set[str] = set()


def runtime_path() -> Path:
    """Return where the folder for links and registry files of this user is, or would be."""
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR (containers, macOS) a folder of this user under /tmp does as well.
        warnings.simplefilter("ignore")
        return user_runtime_path("retrosole")


def runtime_folder() -> Path:
    """Return the folder for links and registry files, made for this user alone if missing.

    Raises StorageError when it cannot be made.
    """
    folder = runtime_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {folder} ({error.strerror}): set XDG_RUNTIME_DIR to a folder of your own"
        ) from error
    return folder


@dataclass
class Entry:
    """One registered virtual insole. Its name stays taken while the port is away, until `remove`."""

    path: Path
    pid: int
    side: str

    def write(self, port: str) -> None:
        """Announce the port, so that a reader sees the whole file or none.

        Raises StorageError when the folder refuses it.
        """
        text = json.dumps({"pid": self.pid, "side": self.side, "port": port}) + "\n"
        half = self.path.with_suffix(".new")
        try:
            half.write_text(text, encoding="utf-8")
            os.replace(half, self.path)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise StorageError(f"cannot write {self.path} ({error.strerror}): free some space there") from error

    def withdraw(self) -> None:
        """Take the announcement back and keep the name."""
        self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Take the announcement back and give the name up."""
        self.withdraw()
        with _lock:
            _held.discard(self.path.stem)


def claim(side: str) -> Entry:
    """Choose a free name for one foot of this process, and clear away what dead processes left behind.

    Raises StorageError when the runtime folder cannot be made.
    """
    folder = runtime_folder()
    clear_stale(folder)
    pid = os.getpid()
    with _lock:
        # One process can hold several virtual pairs (tests, notebooks): each name is given once.
        name = next(name for name in _names(side, pid) if name not in _held)
        _held.add(name)
    return Entry(folder / f"{name}.json", pid, side)


def _names(side: str, pid: int) -> Iterator[str]:
    yield f"{side}-{pid}"
    yield from (f"{side}-{pid}-{repeat}" for repeat in itertools.count(2))


def link_beside(entry: Entry) -> Path:
    """Return the default link path of an entry: its file's name without the ending."""
    return entry.path.with_suffix("")


def holder_of(port: str) -> int | None:
    """Return the id of the running process that announces `port`, None when there is none."""
    for path in runtime_folder().glob("*.json"):
        pid = _pid_in(path.stem)
        try:
            announced = json.loads(path.read_text(encoding="utf-8")).get("port")
        except (OSError, ValueError, AttributeError):  # being removed, or not ours
            continue
        if announced == port and pid is not None and is_running(pid):
            return pid
    return None


def clear_stale(folder: Path) -> None:
    """Remove registry files and links in `folder` whose process is gone."""
    for path in list(folder.iterdir()):
        pid = _pid_in(path.stem)
        ours = path.is_symlink() or path.suffix in (".json", ".new")
        if ours and pid is not None and not is_running(pid):
            path.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Say whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pid_in(stem: str) -> int | None:
    parts = stem.split("-")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() and int(parts[1]) > 0 else None
