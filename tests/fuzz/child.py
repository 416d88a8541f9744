"""Search one reader with coverage guidance: `python -m tests.fuzz.child READER FOLDER [libFuzzer options]`.

Each finding that has an origin of its own is kept as a file, and the search goes on; a hang or a memory limit ends it.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["retrosole", "insole"]):
    from tests.fuzz.guard import INPUT_BYTES, keep_rules
    from tests.fuzz.readers import READERS, Reader

    READERS[sys.argv[1]].prepare()

atheris.enabled_hooks.add("str")  # not "RegEx": its patterns lack what tokenize, behind traceback, asks of them
_FINDINGS_N = 20  # then it is enough for one run


class Search:
    """Try inputs on one reader and keep what it stumbles over."""

    def __init__(self, reader: Reader, kept: Path, folder: Path) -> None:
        self._reader = reader
        self._kept = kept
        self._folder = folder
        self._found: set[str] = set()

    def try_one(self, data: bytes) -> None:
        """Try one input."""
        data = data[:INPUT_BYTES]
        try:
            keep_rules(self._folder, lambda: self._reader.read(data, self._folder))
        except Exception as error:
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        last = traceback.extract_tb(error.__traceback__)[-2:]
        origin = "\n".join(f"{at.filename}:{at.name}:{at.lineno}" for at in last)
        name = hashlib.sha256(f"{type(error).__name__} {origin}".encode()).hexdigest()[:10]
        path = self._kept / f"found-{name}"
        if name not in self._found:
            self._found.add(name)
            path.write_bytes(data)
            path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        elif len(data) < path.stat().st_size:
            path.write_bytes(data)  # the smallest says most
        if len(self._found) >= _FINDINGS_N:
            sys.exit(1)


def main() -> None:
    """Run the search."""
    name, kept = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        search = Search(READERS[name], kept, Path(folder))
        for seed in READERS[name].seeds():
            search.try_one(seed)
        atheris.Setup([sys.argv[0], *sys.argv[3:]], search.try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
