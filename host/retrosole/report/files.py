"""Where a page may be written: never over or among a session's own files, and readable by its owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from retrosole.errors import StorageError, UsageError
from retrosole.session.reader import SIDES

_MARKS = (b'content="retrosole report"', b"/Title (Retrosole ")  # of pages and of PDFs made here, near their beginning
_HEAD_BYTES = 4096


def check_place(path: Path, ending: str) -> None:
    """Raise UsageError for a place at which no page of this ending may be written; nothing is written."""
    if path.suffix.lower() != ending:
        raise UsageError(f"{path} must end in {ending}: name a file such as report{ending}")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it, or choose another")
    if (folder / "session.json").exists() or any((folder / f"{side}.frames").exists() for side in SIDES):
        raise UsageError(f"{path.parent} is a session folder, which is kept as it is: choose another with --out FILE")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it")
    if os.path.lexists(path) and not _is_ours(path):
        raise UsageError(f"{path} exists and was not made by this program, so it is not replaced: choose another file")


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{path} exists and cannot be read ({error.strerror}): choose another file") from error
    return any(mark in head for mark in _MARKS)


def save(path: Path, data: bytes) -> None:
    """Write a file that its owner alone may read; it appears whole or not at all.

    Raises UsageError as `check_place`, StorageError when the disk refuses.
    """
    check_place(path, path.suffix.lower())
    target = Path(os.path.realpath(path))
    half = None
    try:
        fd, half = tempfile.mkstemp(prefix=".report-", suffix=".part", dir=target.parent)  # 0600
        with open(fd, "wb") as out:
            out.write(data)
        os.replace(half, target)
    except OSError as error:
        if half is not None:
            Path(half).unlink(missing_ok=True)
        raise StorageError(f"cannot write {path} ({error.strerror}): choose another file") from error
