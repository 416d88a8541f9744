"""The notes that a guided session leaves in its log, as words: written by the coach, read again for the stages.

A note is `coach: KIND name=value ...`, so that a person can read it in `retrosole decode` and a program can, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEAD = "coach: "
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")

# Marks among the samples: 0x4300 + one of these; the number of a try is added to TRY_BEGINS and TRY_ENDS.
MARK_BASE = 0x4300
PART_BEGINS = MARK_BASE + 1
PART_ENDS = MARK_BASE + 2
STOPPED = MARK_BASE + 3
TRY_BEGINS = MARK_BASE + 0x10
TRY_ENDS = MARK_BASE + 0x20


@dataclass(frozen=True)
class CoachNote:
    """Hold a note of the coach: begin, part, done, stop, felt or end, with its values by name."""

    kind: str
    values: dict[str, str]

    def get(self, name: str) -> str:
        """Give a value, "" when it is not there."""
        return self.values.get(name, "")


def write_note(kind: str, /, **values: object) -> str:
    """Give the text of a note. Raises ValueError for a value that could not be read again."""
    words = {name: str(value) for name, value in values.items()}
    for name, word in words.items():
        if not _WORD.fullmatch(word):
            raise ValueError(f"{name}={word!r} cannot stand in a note")
    return " ".join([f"{_HEAD}{kind}", *(f"{name}={word}" for name, word in words.items())])


def read_note(text: str) -> CoachNote | None:
    """Give what a note of the coach says, None for a note of somebody else."""
    if not text.startswith(_HEAD):
        return None
    kind, *parts = text.removeprefix(_HEAD).split(" ")
    pairs = [part.partition("=") for part in parts]
    if not _WORD.fullmatch(kind) or not all(sign and _WORD.fullmatch(value) for _, sign, value in pairs):
        return None
    return CoachNote(kind, {name: value for name, _, value in pairs})
