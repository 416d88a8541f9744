"""Versions of the firmware to update between: the real one with one change each, some of which break it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import cache

from retrosole import wire
from retrosole.flashing import pack
from retrosole.flashing.pack import Pack
from retrosole.twin import firmware_files
from tests.boards.machine import vfs_image

ARCHITECTURE = "rv32imc"
MINOR = wire.PROTOCOL_MINOR
SETTINGS = {"side": 1, "board": 2, "cue": 1}

_RUN = "    def run(self, watchdog):\n"
_IMPORT = "import gc\n"
# A module; what stands there ("": the end of the file), and what stands there instead.
CHANGES: dict[str, tuple[str, str, str]] = {
    "old": ("insole/lamp.py", "", "# the old one\n"),
    "new": ("insole/lamp.py", "", "# the new one\n"),
    "later": ("insole/__init__.py", "VERSION = (0, 1, 0)", "VERSION = (0, 2, 0)"),
    "of protocol 1.1": ("insole/wire.py", f"PROTOCOL_MINOR = {MINOR}", "PROTOCOL_MINOR = 1"),
    f"of protocol 2.{MINOR}": ("insole/wire.py", "PROTOCOL_MAJOR = 1", "PROTOCOL_MAJOR = 2"),
    "crashes at import": ("insole/start.py", _IMPORT, _IMPORT + "raise ValueError('made to fail')\n"),
    "crashes at once": ("insole/app.py", _RUN, _RUN + "        1 // 0\n"),
    "hangs at import": ("insole/start.py", _IMPORT, _IMPORT + "while True:\n    pass\n"),
    "hangs": ("insole/app.py", _RUN, _RUN + "        while True:\n            pass\n"),
    "short of memory": (
        "insole/app.py",
        "            self._health.begin(self.board)",
        "            import gc\n\n            gc.collect()\n            self.held = None\n"
        "            while gc.mem_free() > 15000:\n                self.held = self.held, bytearray(48)\n"
        "            self._health.begin(self.board)",
    ),
    "deaf": ("insole/app.py", "        if self.link.receive():\n", "        if False:\n"),
}


@cache
def version(name: str) -> Pack:
    """Give a version by its name in `CHANGES`."""
    sources = firmware_files.source_files()
    module, before, after = CHANGES[name]
    text = sources[module].decode()
    assert before in text, f"{module} no longer says {before!r}"
    sources[module] = (text.replace(before, after, 1) if before else text + after).encode()
    source = pack.source_hash(sources)
    stamp = f"SOURCE = {bytes.fromhex(source)!r}\n".encode()
    changed = firmware_files.compiled({module: sources[module], "insole/built.py": stamp}, ARCHITECTURE)
    number = "0.2.0" if "0, 2, 0" in after else "0.1.0"
    comment = f"retrosole {number} {source} {ARCHITECTURE}"
    return pack.read_pack(pack._zipped({**_modules(), **changed}, comment), name)


@cache
def _modules() -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack.built(ARCHITECTURE).content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def flashed(name: str, **more: bytes) -> bytes:
    """Give the file system of a board that was flashed with a version; `more` are files beside it."""
    return vfs_image({**pack.device_files(version(name), SETTINGS), **more})


def quick_trials() -> bytes:
    """Give a launcher whose trials last 4 s instead of 30, for tests that wait for their end."""
    text = firmware_files.source_files()["launch.py"].decode()
    for before, after in (("const(30)", "const(4)"), ("const(30000)", "const(4000)")):
        assert before in text
        text = text.replace(before, after, 1)
    return firmware_files.compiled({"launch.py": text.encode()})["launch.mpy"]
