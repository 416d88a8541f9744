"""The sessions that are kept in a folder, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrosole.errors import DamagedDataError, RetrosoleError, UsageError
from retrosole.session.reader import SIDES, read_info
from retrosole.session.writer import check_subject

NO_CODE = "no usable code"
ANONYMOUS = "anonymous"  # what `retrosole record` writes when nobody says a code
_FILES = ("session.json", *(f"{side}.frames" for side in SIDES))
_SHOWN_N = 8


@dataclass
class Kept:
    """Hold the session folders in a folder with their subject codes, and those of which that cannot be told."""

    subjects: dict[Path, str] = field(default_factory=dict)
    unread: list[tuple[Path, RetrosoleError]] = field(default_factory=list)

    @property
    def names(self) -> str:
        """Give the codes of all subjects, as a person reads them."""
        found = sorted(set(self.subjects.values()))
        more = f" and {len(found) - _SHOWN_N} more" if len(found) > _SHOWN_N else ""
        return f"{', '.join(found[:_SHOWN_N])}{more}"

    def of(self, subject: str) -> Iterable[Path]:
        """Give the session folders of a subject, by name."""
        return (folder for folder, who in self.subjects.items() if who == subject)


def kept_in(root: Path) -> Kept:
    """Look at the session folders in a folder. Raises UsageError when there is no such folder."""
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}: name the one that sessions are kept in")
    try:
        folders = sorted(root.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read {root} ({error.strerror}): name the folder that sessions are kept in") from error
    found = Kept()
    for folder in folders:
        if any((folder / name).is_file() for name in _FILES):
            try:
                found.subjects[folder] = _whose(folder)
            except DamagedDataError as error:
                found.unread.append((folder, error))
    return found


def _whose(folder: Path) -> str:
    if not (folder / "session.json").exists():
        raise DamagedDataError(f"{folder} has no session.json, so nobody knows whose session it is")
    code = subject_of(read_info(folder))
    if code == NO_CODE:
        raise DamagedDataError(f"{folder} has a subject that is no code, so nobody knows whose session it is")
    return code


def only_subject(root: Path, kept: Kept) -> str:
    """Give the code of the one person whose sessions these are; without any it is nobody's in particular.

    Raises UsageError where they are of several.
    """
    codes = set(kept.subjects.values())
    if len(codes) > 1:
        raise UsageError(f"{root} holds sessions of several people ({kept.names}): choose one with --subject")
    return next(iter(codes), ANONYMOUS)


def subject_of(info: dict[str, Any]) -> str:
    """Give the subject code that session.json has; what is no code is not told, since it may be a name."""
    return code_of(info.get("subject", ANONYMOUS)) or NO_CODE


def code_of(value: object) -> str | None:
    """Give a value back that is a subject code, None for anything else."""
    try:
        return check_subject(value) if isinstance(value, str) else None
    except UsageError:
        return None
