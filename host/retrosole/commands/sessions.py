"""`summary`, `strides` and `replay`."""

from __future__ import annotations

import sys
from pathlib import Path

from retrosole import show
from retrosole.errors import DamagedDataError, StorageError
from retrosole.gait.strides import write_csv
from retrosole.session.reader import open_session
from retrosole.session.summary import format_summary, summarise


def print_summary(path: Path) -> None:
    """Print a session's summary."""
    for line in format_summary(summarise(open_session(path))):
        print(line)


def print_strides(path: Path, csv_path: str | None) -> None:
    """Print a session's strides as a table, or write them as CSV to a file or, for "-", to stdout."""
    strides = open_session(path).strides
    if csv_path is None:
        show.stride_table(strides)
    elif csv_path == "-":
        write_csv(strides, sys.stdout)
    else:
        try:
            with open(csv_path, "w", encoding="utf-8", newline="") as out:
                stride_n = write_csv(strides, out)
        except OSError as error:
            raise StorageError(f"cannot write {csv_path} ({error.strerror}): choose another file") from error
        show.say(f"{stride_n} strides in {csv_path}")


def replay(path: Path) -> int:
    """Print whether the firmware's detector finds again what the insole sent; give the exit code."""
    from retrosole.twin.replay import replay_session

    results = replay_session(open_session(path))
    for result in results:
        for line in result.lines():
            print(line)
    return 0 if all(result.identical for result in results) else DamagedDataError.exit_code
