"""Compile the firmware for each board's processor into build/: python tests/compile_firmware.py [FOLDER].

ARCHITECTURE.zip    the pack, as it goes onto a board; launch.mpy and main.py beside it are the same for all
ARCHITECTURE/       the same modules loose, for `mpremote cp -r build/ARCHITECTURE/* :`
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from retrosole.flashing import pack
from retrosole.twin.firmware_files import source_files

ROOT = Path(__file__).resolve().parent.parent
BOARDS = {"xtensawin": "ESP32, ESP32-S3", "rv32imc": "ESP32-C3"}


def compile_all(out: Path) -> list[pack.Pack]:
    """Write everything below `out`; give the packs."""
    root = {"main.py": source_files()["main.py"], **pack.launcher()}
    made = [pack.built(architecture) for architecture in pack.ARCHITECTURES]
    for one in made:
        folder = out / one.architecture
        folder.mkdir(parents=True, exist_ok=True)
        (out / f"{one.architecture}.zip").write_bytes(one.content)
        with zipfile.ZipFile(io.BytesIO(one.content)) as archive:
            archive.extractall(folder)
        for name, content in root.items():
            (folder / name).write_bytes(content)
    for name, content in root.items():
        (out / name).write_bytes(content)
    return made


def main(arguments: list[str]) -> None:
    out = Path(arguments[0]) if arguments else ROOT / "build"
    for one in compile_all(out):
        print(
            f"{one.architecture}.zip: {len(one.content)} bytes, version {one.version}, source {one.source}, "
            f"for {BOARDS[one.architecture]}; SHA-256 {one.sha256}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
