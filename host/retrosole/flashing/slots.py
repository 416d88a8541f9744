"""The two places for versions in a device's file system, seen and changed over its prompt.

`now` names the pack that runs. A new one is written into the other place, its hash taken by the device, and only then
`now` is replaced, in one step, by "NEW OLD": that is a trial, see firmware/launch.py. Nothing here leaves the device
without a version to run, at whatever byte it is interrupted; and when the host is gone, its watchdog starts that.
"""

from __future__ import annotations

import binascii
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from retrosole.errors import DamagedDataError, UsageError
from retrosole.flashing.pack import Pack
from retrosole.flashing.repl import DeviceCodeError, Repl

LETTERS = ("a", "b")
_FLASH_ONCE = "write everything once with `retrosole flash`"
_CHUNK_BYTES = 3072  # 4096 characters on the line: small enough for any heap, and quick
_SPARE_BLOCKS = 3  # `now`, and what the file system itself needs to change anything
_ARCHITECTURES = {10: "xtensawin", 11: "rv32imc"}  # MicroPython, tools/mpy-tool.py: the codes of native architectures
_ARCH_SHIFT, _ARCH_MASK, _SUB_SHIFT, _BYTE = 10, 0x0F, 8, 0xFF  # above may be flags of the chip (mpyfiles.rst)
_COMMENT_WORDS = 4

_LOOK = """
import os, sys, launch
def tail(name):
    try:
        launch.Pack(name)
        whole = True
    except (OSError, ValueError):
        whole = False
    try:
        with open(name, "rb") as file:
            n = file.seek(0, 2)
            file.seek(max(n - 128, 0))
            return whole, n, file.read(128)
    except OSError:
        return None
room = os.statvfs("/")
print(repr((launch.read_now(), tail("/a.zip"), tail("/b.zip"), room[0], room[3], sys.implementation._mpy)))
"""
_FILES = "import os\nprint(repr([entry[0] for entry in os.ilistdir('/')]))"
_GUARD = "from machine import WDT\nk = WDT(timeout=30000).feed"  # so long may one step take, or the host be asleep
_OPEN = "from binascii import a2b_base64 as d\nf = open({name!r}, 'wb')\nw = f.write"
_HASH = """
import binascii, hashlib
h = hashlib.sha256()
b = bytearray(512)
m = memoryview(b)
with open({name!r}, "rb") as f:
    n = f.readinto(b)
    while n:
        h.update(m[:n])
        n = f.readinto(b)
print(binascii.hexlify(h.digest()).decode())
"""
_SWITCH = """
import os
with open("/now.new", "w") as f:
    f.write({words!r})
os.rename("/now.new", "/now")
"""


@dataclass(frozen=True)
class Slot:
    """Describe one place: whether a whole pack is in it, its bytes, and what the pack says it is."""

    is_whole: bool = False
    byte_n: int = 0
    version: str = ""
    source: str = ""


@dataclass(frozen=True)
class Root:
    """Describe what a device has: its places by letter, the letters in `now`, free blocks, and what runs on it."""

    slots: dict[str, Slot]
    now: tuple[str, ...]
    block_bytes: int
    free_block_n: int
    mpy: int

    @property
    def architecture(self) -> str | None:
        """Give the architecture packs need here; None for one that there is none for."""
        return _ARCHITECTURES.get(self.mpy >> _ARCH_SHIFT & _ARCH_MASK)

    def current(self, running_source: str | None) -> str | None:
        """Give the letter to return to: that of the version which answered, else of the one that is started, if any."""
        order = [*self.now[-1:], *LETTERS]
        whole = [letter for letter in order if self.slots[letter].is_whole]
        for letter in whole:
            if running_source is not None and self.slots[letter].source == running_source:
                return letter
        return whole[0] if whole else None


def look(repl: Repl) -> Root:
    """Look at what a device has; from here on its watchdog starts it when nothing comes for half a minute.

    Raises UsageError when it was not flashed with a launcher, and as `Repl.run` does.
    """
    names = repl.value(_FILES)
    lacking = [name for name in ("main.py", "launch.mpy", "now") if name not in names]
    if lacking:
        raise UsageError(
            f"MicroPython runs on {repl.port}, but there is no {' and no '.join(lacking)}: {_FLASH_ONCE}, "
            "then it can be updated"
        )
    repl.run(_GUARD)
    try:
        now, a, b, block_bytes, free_block_n, mpy = repl.value(_LOOK)
    except DeviceCodeError as error:
        raise UsageError(
            f"the launcher on {repl.port} is not ours, or damaged ({error.error}): {_FLASH_ONCE}"
        ) from error
    slots = {letter: _slot(found) for letter, found in zip(LETTERS, (a, b), strict=True)}
    return Root(slots, tuple(now or ()), block_bytes, free_block_n, mpy)


def _slot(found: tuple[bool, int, bytes] | None) -> Slot:
    if found is None:
        return Slot()
    is_whole, byte_n, tail = found
    words = tail.rpartition(b"PK\5\6")[2][18:].decode("ascii", "replace").split()
    if not is_whole or len(words) != _COMMENT_WORDS:
        return Slot(is_whole, byte_n)
    return Slot(True, byte_n, words[1], words[2])


def check_fit(root: Root, letter: str, pack: Pack, port: str) -> None:
    """Raise UsageError when the pack is for another MicroPython than the device's, or there is too little room."""
    for flags, version in _native_kinds(pack):
        if (flags, version) != (root.mpy >> _SUB_SHIFT & _BYTE, root.mpy & _BYTE):
            raise UsageError(
                f"MicroPython on {port} cannot run this firmware (it takes bytecode {root.mpy & _BYTE}."
                f"{root.mpy >> _SUB_SHIFT & 3}, this is {version}.{flags & 3}): {_FLASH_ONCE}, which renews MicroPython"
            )
    needed_n = -(-len(pack.content) // root.block_bytes) + _SPARE_BLOCKS
    has_n = root.free_block_n + root.slots[letter].byte_n // root.block_bytes
    if has_n < needed_n:
        needed_kb, has_kb = (n * root.block_bytes // 1024 for n in (needed_n, has_n))
        raise UsageError(
            f"the file system on {port} has too little room (the new version needs {needed_kb} kB, {has_kb} are free): "
            f"remove {needed_kb - has_kb} kB of files of your own with mpremote, or {_FLASH_ONCE}"
        )


def _native_kinds(pack: Pack) -> set[tuple[int, int]]:
    """Give (flags, version) of the native modules in a pack: MicroPython, py/persistentcode.h."""
    with zipfile.ZipFile(io.BytesIO(pack.content)) as archive:
        heads = [archive.read(name)[:4] for name in archive.namelist()]
    return {(head[2], head[1]) for head in heads if head[:1] == b"M" and head[2]}


def write(repl: Repl, root: Root, letter: str, pack: Pack, progress: Callable[[int], None]) -> None:
    """Write a pack into a place that is not in use, and have the device take its hash; `look` comes before.

    Raises DamagedDataError when it is not what was sent, and as `Repl.run` does.
    """
    name = f"/{letter}.zip"
    repl.run("k()")
    (other,) = set(LETTERS) - {letter}
    if root.now[-1:] == (letter,) and root.slots[other].is_whole:  # else it would run without a trial once it is whole
        switch(repl, other)
    if root.slots[letter].byte_n:  # first: the file system has no room for three
        repl.run(f"import os\nos.remove({name!r})")
    repl.run(_OPEN.format(name=name))
    for at in range(0, len(pack.content), _CHUNK_BYTES):
        chunk = pack.content[at : at + _CHUNK_BYTES]
        repl.run(f"k();w(d({binascii.b2a_base64(chunk, newline=False)!r}))")
        progress(at + len(chunk))
    repl.run("f.close();k()")
    got = repl.run(_HASH.format(name=name)).strip()
    if got != pack.sha256:
        raise DamagedDataError(
            f"what was written to {repl.port} is damaged (SHA-256 {got[:16]}..., expected {pack.sha256[:16]}...): "
            "the version before stays; try again, with a shorter or better cable"
        )


def switch(repl: Repl, letter: str, back_to: str = "") -> None:
    """Have the next start run the pack in a place: try it, and return to `back_to` unless a host says `keep`."""
    repl.run(_SWITCH.format(words=f"{letter} {back_to}".strip()))
