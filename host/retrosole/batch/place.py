"""Put a table where it belongs: whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, readable by their owner only. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def put(target: Path, data: bytes) -> None:
    """Write a file, readable by its owner only, that appears whole or not at all. Raises OSError.

    Its half-written name is its own, since a cluster may have two workers make one table at the same time. It is not
    forced onto the disk: after a power cut it may be empty, which counts as not made.
    """
    make_folder(target.parent)
    half = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        try:
            _write_all(fd, data)
        finally:
            os.close(fd)
        os.replace(half, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
