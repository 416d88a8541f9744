"""The firmware as it goes onto a board: one file per version, an ordinary zip without compression.

A pack holds the insole's modules compiled for one architecture. The same sources give the same bytes, everywhere: names
are sorted, dates fixed, nothing is compressed. Its comment says what it is: "retrosole VERSION SOURCE ARCHITECTURE".
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrosole.errors import DamagedDataError, UsageError
from retrosole.twin import firmware_files

ARCHITECTURES = ("xtensawin", "rv32imc")
SOURCE_BYTES = 8
FIRST_LETTER = "a"  # of the two places for packs in a device's file system

_NAME = "retrosole"
_BUILT = "insole/built.py"
_BUILT_TEXT = "# Written when this pack was built.\nSOURCE = {source!r}\n"
_ROOT = ("main.py", "launch.py")  # outside of packs: they stay when the version changes
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_UNIX = 3
_FILE_MODE = 0o100644 << 16
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, struct.error)


@dataclass(frozen=True)
class Pack:
    """Hold one version of the firmware for one architecture."""

    content: bytes
    sha256: str
    version: str
    source: str
    architecture: str


def packed(architecture: str) -> Pack:
    """Return the firmware for "xtensawin" or "rv32imc": the package's ready-made pack, else compiled from a checkout.

    Raises UsageError for another architecture, or when it can neither be found nor compiled; RetrosoleError when it
    does not compile; DamagedDataError when the ready-made one is not what was built.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(f"there is no firmware for {architecture!r}: choose one of {', '.join(ARCHITECTURES)}")
    ready = ready_made(f"{architecture}.zip")
    if ready is None:
        return built(architecture)
    found = read_pack(ready.read_bytes(), str(ready))
    if found.architecture != architecture:
        raise DamagedDataError(f"{ready} is for {found.architecture}: install the package again")
    return found


def ready_made(name: str) -> Path | None:
    """Return where an installed package has what was built with it; None in a checkout, whose sources may be newer."""
    folder = firmware_files.firmware_folder()
    path = folder / "packs" / name
    return path if folder.name == "_firmware" and path.is_file() else None


def built(architecture: str) -> Pack:
    """Compile the checkout's firmware into a pack. Raises as `packed` does."""
    sources = firmware_files.source_files()
    source = source_hash(sources)
    modules = {name: text for name, text in sources.items() if name not in _ROOT}
    modules[_BUILT] = _BUILT_TEXT.format(source=bytes.fromhex(source)).encode()
    comment = f"{_NAME} {_version(sources)} {source} {architecture}"
    return read_pack(_zipped(firmware_files.compiled(modules, architecture), comment), "the pack just built")


def source_hash(sources: Mapping[str, bytes]) -> str:
    """Return the first 8 bytes of the SHA-256 over names and contents, sorted by name, as 16 hexadecimal digits.

    Of what a pack holds: main.py and the launcher, which no update replaces, are left out.
    """
    digest = hashlib.sha256()
    for name in sorted(name for name in sources if name.startswith("insole/")):
        digest.update(f"{name}\0{len(sources[name])}\0".encode())
        digest.update(sources[name])
    return digest.hexdigest()[: 2 * SOURCE_BYTES]


def read_pack(content: bytes, where: str) -> Pack:
    """Return a pack from its bytes; `where` is what an error calls it.

    Raises DamagedDataError when it is torn, damaged or no pack.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            words = archive.comment.decode("ascii", "replace").split()
            bad = archive.testzip()
    except _UNREADABLE as error:
        raise DamagedDataError(f"{where} is no whole pack ({error}): build or copy it again") from error
    if bad is not None:
        raise DamagedDataError(f"{where} is damaged (in {bad}): build or copy it again")
    if len(words) != 4 or words[0] != _NAME or words[3] not in ARCHITECTURES:
        raise DamagedDataError(f"{where} is a zip, but no pack of this program's firmware: build or copy it again")
    _, version, source, architecture = words
    return Pack(content, hashlib.sha256(content).hexdigest(), version, source, architecture)


def device_files(pack: Pack, settings: Mapping[str, int | list[int]]) -> dict[str, bytes]:
    """Return what the root of a new device's file system holds, by name.

    `settings` go into the chip's memory at the first start: numbers side, board, zones, rate_hz, rate_alone_hz, cue,
    target_order; lists of counts baseline and standing.
    """
    sources = firmware_files.source_files()
    files = {"main.py": sources["main.py"], f"{FIRST_LETTER}.zip": pack.content, "now": FIRST_LETTER.encode()}
    files |= launcher()
    if settings:
        files["settings.json"] = json.dumps(dict(settings), sort_keys=True).encode()
    return files


def launcher() -> dict[str, bytes]:
    """Return the launcher, ready-made or compiled: bytecode, the same for every chip. Raises as `packed` does."""
    ready = ready_made("launch.mpy")
    if ready is not None:
        return {"launch.mpy": ready.read_bytes()}
    return firmware_files.compiled({"launch.py": firmware_files.source_files()["launch.py"]})


def _zipped(files: Mapping[str, bytes], comment: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = comment.encode()
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _FILE_MODE
            archive.writestr(entry, files[name])
    return out.getvalue()


def _version(sources: Mapping[str, bytes]) -> str:
    tree = ast.parse(sources["insole/__init__.py"])
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERSION":
            return ".".join(map(str, ast.literal_eval(node.value)))
    raise UsageError("firmware/insole/__init__.py says no VERSION: get the checkout again")
