"""Find the session folders below a folder, and say in which state their files are.

Links to folders are not followed, so that nothing outside is read and nothing twice; folders whose name begins with a
dot, as those of file systems and of version control, are passed by. Only names and sizes are looked at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from retrosole.errors import UsageError
from retrosole.session.reader import SIDES

FILES = ("session.json", *(f"{side}.frames" for side in SIDES))

State = tuple[tuple[str, int, int], ...]  # of each file of a session: name, size in bytes, time of change in ns


@dataclass(frozen=True)
class Found:
    """Hold a session folder: where it is, its name below the folder that was searched, and the state of its files."""

    folder: Path
    name: str
    state: State

    @property
    def byte_n(self) -> int:
        """Give the bytes of its files."""
        return sum(size for _, size, _ in self.state)


@dataclass
class Search:
    """Hold what was found: sessions by name, (name, text) of folders that cannot be read, links not followed."""

    sessions: list[Found] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    link_n: int = 0


def find_sessions(root: Path, leave_out: Path | None = None) -> Search:
    """Search a folder and all below it; `leave_out`, where tables go, is passed by unless it is `root` itself.

    Raises UsageError when there is no such folder.
    """
    if not root.is_dir():
        what = "is no folder" if root.exists() else "does not exist"
        raise UsageError(f"{root} {what}: name a folder with sessions in it")
    found = Search()
    own = leave_out.resolve() if leave_out is not None else None
    waiting = [(root.resolve(), "")]
    while waiting:
        folder, name = waiting.pop()
        if folder != own or not name:
            waiting += _look_into(folder, name, found)
    found.sessions.sort(key=lambda session: session.name)
    found.unreadable.sort()
    return found


def _look_into(folder: Path, name: str, found: Search) -> list[tuple[Path, str]]:
    """Note what a folder is; give the folders in it."""
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError as error:
        found.unreadable.append((name or folder.name, f"cannot read the folder ({error.strerror})"))
        return []
    if any(entry.name in FILES for entry in listed):
        found.sessions.append(Found(folder, name or folder.name, state_of(folder)))
    folders = [entry for entry in listed if not entry.name.startswith(".") and entry.is_dir()]
    links = [entry for entry in folders if entry.is_symlink()]
    found.link_n += len(links)
    return [(folder / e.name, f"{name}/{e.name}".lstrip("/")) for e in folders if not e.is_symlink()]


def state_of(folder: Path) -> State:
    """Give name, size and time of change of each file of a session; one that cannot be looked at is left out."""
    state = []
    for name in FILES:
        try:
            seen = os.stat(folder / name)
        except OSError:  # not there; or a link to nowhere, which opening the session tells
            continue
        state.append((name, seen.st_size, seen.st_mtime_ns))
    return tuple(state)
