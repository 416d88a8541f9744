"""Where an export goes: it appears whole or not at all, readable by its owner, and takes the place of nothing else.

Only an earlier export of the same session, in the same format, is replaced, and nothing at all in a session's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from retrosole.errors import StorageError, UsageError
from retrosole.session.reader import SIDES

DICTIONARY = "dictionary.json"
MOST_ABOUT_BYTES = 1 << 20
_KEPT_ENDINGS = (".frames", ".json")  # of the files of a session
Own = Callable[[Path], bool]


def check_place(path: Path, is_own: Own) -> None:
    """Raise UsageError when something is at `path` that an export must not replace; nothing is written."""
    check_name(path)
    target = Path(os.path.realpath(path))
    if not os.path.lexists(target):
        return
    if _is_session(target) or _is_session(target.parent):
        raise UsageError(f"{path} exists, in a session folder, where nothing is replaced: choose another place")
    if target.is_dir() and not any(target.iterdir()):
        return
    if not is_own(target):
        raise UsageError(f"{path} exists and is no export of this session in this format: choose another with --out")


def check_name(path: Path) -> None:
    """Raise UsageError for the name of a file of a session."""
    if Path(os.path.realpath(path)).suffix.lower() in _KEPT_ENDINGS:
        raise UsageError(f"{path} is the name of a session's own file, not of an export: choose another")


def _is_session(folder: Path) -> bool:
    return any((folder / f"{side}.frames").exists() for side in SIDES) or (folder / "session.json").exists()


def write_file(path: Path, is_own: Own, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a file. Raises UsageError for what is in the way, StorageError when the disk refuses."""
    check_place(path, is_own)
    target = Path(os.path.realpath(path))  # a link stays one
    if target.is_dir():
        raise UsageError(f"{path} is a folder, and this export is one file: name a file in it")
    half = target.with_name(f".{target.name}-{os.getpid()}.part")
    with disk(path):
        make_folder(target.parent)
        try:
            with open_new(half) as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(half, target)
        finally:
            half.unlink(missing_ok=True)


def write_folder(path: Path, is_own: Own, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder, as `write_file` does a file."""
    check_place(path, is_own)
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise UsageError(f"{path} is a file, and this export is a folder: choose another with --out")
    half = target.with_name(f".{target.name}-{os.getpid()}.part")
    old = target.with_name(f".{target.name}-{os.getpid()}.old")
    with disk(path):
        make_folder(target.parent)
        os.mkdir(half, 0o700)
        try:
            write(half)
            if target.exists():
                os.rename(target, old)
            os.rename(half, target)
        finally:
            if old.exists() and not target.exists():
                os.rename(old, target)
            for rest in (half, old):
                shutil.rmtree(rest, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for their owner only; those that are there stay as they are."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def open_new(path: Path) -> BinaryIO:
    """Open a file that is not there yet, for its owner only."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "w+b")


@contextlib.contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path} ({error.strerror or error}): choose another place, or free some space"
        ) from error


def is_own_folder(session: str, made: str) -> Own:
    """Give what tells an earlier export of a session that is a folder: by its dictionary, with nothing beside it."""

    def is_own(folder: Path) -> bool:
        about = read_about(folder / DICTIONARY)
        files = about.get("files")
        if about.get("session") != session or about.get("made") != made or not isinstance(files, dict):
            return False
        return {entry.name for entry in folder.iterdir()} <= {DICTIONARY, *files}

    return is_own


def read_about(path: Path) -> dict[str, object]:
    """Give what a JSON file of an export says, nothing when it is something else."""
    with contextlib.suppress(OSError, ValueError, RecursionError), path.open("rb") as file:
        about = json.loads(file.read(MOST_ABOUT_BYTES))
        return about if isinstance(about, dict) else {}
    return {}


def write_json(folder: Path, name: str, values: object) -> None:
    """Write a JSON file that is not there yet into a folder."""
    with open_new(folder / name) as out:
        out.write((json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
