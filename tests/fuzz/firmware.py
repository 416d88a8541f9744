"""The insole's whole application on the stand-in machine, and a host that sends anything: it goes on and answers.

The firmware's modules keep the console, the time and the storage that they found when first imported, so those stand
there for the import and for nobody else. 0x03 is left out: it always gets a person to the prompt.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any

from retrosole import wire
from retrosole.framing import encode_command
from tests.fuzz import seeds
from tests.fuzz.script import COMMAND, line_of, written

ROOT = Path(__file__).resolve().parents[2]
CTRL_C = b"\x03"
AT_ONCE_BYTES = 200  # less than the console's ring
TURN_N = 15  # by then they are read: 16 bytes a turn
_STAND_INS = {"sys", "time", "select", "micropython"}
_OWN = {"insole", "suite", "boot", "world", "console", "machine", "esp32", "nor", "main"} | _STAND_INS


@cache
def bench() -> Any:
    """Import the application and what drives it."""
    folders = [str(ROOT / "tests" / "core"), *(str(ROOT / "firmware" / part) for part in ("twin/cpython", "twin", ""))]
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] in _OWN}
    for name in set(kept) - _STAND_INS:
        del sys.modules[name]
    sys.path[:0] = folders
    try:
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            return importlib.import_module("suite._bench")
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for name in [name for name in sys.modules if name.split(".")[0] in _OWN]:
            del sys.modules[name]
        sys.modules.update(kept)


def read_as_insole(script: bytes, folder: Path) -> None:
    """Send what a script says to a running insole; then it still says who it is, unless it was asked to leave."""
    with chdir(folder):
        _send(bench().Bench(), line_of(script).replace(CTRL_C, b"\x04"))


def _send(insole: Any, data: bytes) -> None:
    for at in range(0, len(data), AT_ONCE_BYTES):
        insole.feed(data[at : at + AT_ONCE_BYTES])
        for _ in range(TURN_N):
            insole.turn()
        insole.forget()
    insole.let_a_second_pass()
    if not insole.app.leaving:
        insole.feed(b"\0")
        assert insole.ask(wire.HelloFrame.TYPE)[0] == wire.IdentityFrame.TYPE
        assert 0 <= insole.app.link.reader.bad_n <= data.count(0) + 2
    insole.app.shut()


def insole_seeds() -> Iterator[bytes]:
    """Give what hosts send."""
    for data in seeds.vectors("commands"):
        yield written([(0, data)])
    walk = (wire.SetFrame(1, wire.Setting.RATE_HZ, 100), wire.TareFrame(2), wire.StartFrame(3), wire.MarkerFrame(4, 9))
    yield written([(0, encode_command(one)) for one in (*walk, wire.ClockQueryFrame(5), wire.StopFrame(6))])
    yield written([(COMMAND, bytes((kind, 1, 0, 0, 0, 0, 0))) for kind in range(0x40, 0x4E)])
