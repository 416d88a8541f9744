"""Writes what a program made, or compares it with what is there: one behaviour for all that is generated here."""

from __future__ import annotations

import argparse
from pathlib import Path

from retrosole.errors import RetrosoleError

_ROOT = Path(__file__).resolve().parents[1]


def between_marks(text: str, name: str, table: str) -> str:
    """Return a page with the table between `<!-- NAME: from make hardware -->` and `<!-- end of NAME -->`.

    Raises:
        RetrosoleError: the page has no such marks.
    """
    head, first, rest = text.partition(f"<!-- {name}: from make hardware -->\n")
    _, last, tail = rest.partition(f"<!-- end of {name} -->")
    if not first or not last:
        raise RetrosoleError(f"a page has no marks for the table {name!r}")
    return f"{head}{first}{table}\n{last}{tail}"


def write_or_check(files: dict[Path, bytes], what: str, arguments: list[str]) -> int:
    """Write the files; with --check only compare. Returns the exit code, 1 when a file is not what would be written."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file would change")
    if not parser.parse_args(arguments).check:
        for path, data in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        print(f"hardware: {len(files)} files in {next(iter(files)).parent.relative_to(_ROOT)}")
        return 0
    stale = [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]
    for path in stale:
        print(f"hardware: {path.relative_to(_ROOT)} is not what would be written: run make hardware")
    return 1 if stale else 0
