"""`summary`, `check`, `strides` and `replay`."""

from __future__ import annotations

import json
from pathlib import Path

from retrosole import show
from retrosole.commands.parts import give_csv
from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.strides import COLUMNS, write_csv
from retrosole.session.check import as_json, check_session, format_check
from retrosole.session.reader import SIDES, open_session
from retrosole.session.summary import format_summary, summarise

_FILES = ("session.json", *(f"{side}.frames" for side in SIDES))


def print_summary(path: Path) -> None:
    """Print a session's summary."""
    for line in format_summary(summarise(open_session(path))):
        print(line)


def check(path: Path, is_json: bool) -> int:
    """Print every gap of a session and whether it is complete; give the exit code.

    Raises UsageError when nothing of a session is in the folder: that is no damage, which has its own exit code.
    """
    if path.is_dir() and not any((path / name).exists() for name in _FILES):
        raise UsageError(f"{path} holds no session: name a session folder or a .frames log")
    found = check_session(open_session(path))
    if is_json:
        print(json.dumps(as_json(found), indent=1))
    else:
        for line in format_check(found):
            print(line)
    return 0 if found.is_complete else DamagedDataError.exit_code


def print_strides(path: Path, csv_path: str | None) -> None:
    """Print a session's strides as a table, or write them as CSV to a file or, for "-", to stdout.

    Columns ending in _s are seconds since the session's first sample; where the logs have no clock queries, since the
    first one of that same foot (the two start a fraction of a second apart). stride counts from 0, confidence is 0 to
    1, *_peak is in counts above the unloaded baseline, *_impulse in count-seconds. An empty cell is an event that was
    not seen.
    """
    strides = open_session(path).strides
    if csv_path is None:
        show.stride_table(strides)
    else:
        give_csv(lambda out: write_csv(strides, out), csv_path, COLUMNS, "strides")


def replay(path: Path) -> int:
    """Print whether the firmware's detector finds again what the insole sent; give the exit code."""
    from retrosole.twin.replay import replay_session

    results = replay_session(open_session(path))
    for result in results:
        for line in result.lines():
            print(line)
    return 0 if all(result.identical for result in results) else DamagedDataError.exit_code
