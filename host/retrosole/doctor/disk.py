"""The disk that sessions are kept on."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from retrosole.doctor.finding import Finding, bad, ok, warn
from retrosole.errors import StorageError

HOUR_MB = 14  # two feet, 6 channels at 200 Hz: 2 x 1.95 kB/s
LEAST_HOURS = 1
FEW_HOURS = 24


def room(folder: Path) -> Finding:
    """Look at how many hours of walking the disk has room for."""
    name = "disk"
    try:
        free_mb = shutil.disk_usage(existing(folder)).free / 1e6
    except OSError as error:
        return bad(name, f"{folder} cannot be looked at ({error.strerror})", "work in another folder", StorageError)
    hours = free_mb / HOUR_MB
    text = f"{free_mb / 1000:.1f} GB free" if free_mb >= 1000 else f"{free_mb:.0f} MB free"
    found = f"{text}, some {hours:.0f} hours of two feet" if hours < 1000 else text
    if hours < LEAST_HOURS:
        return bad(name, found, "free some space, or record to another disk with --out", StorageError)
    return warn(name, found, "free some space before long") if hours < FEW_HOURS else ok(name, found)


def writable(folder: Path) -> Finding:
    """Look whether sessions can be written under a folder, or the folder be made."""
    name, there = "session folder", existing(folder)
    todo = "work in a folder of your own, or choose one with --out"
    if not there.is_dir():
        return bad(name, f"{there} is no folder", todo, StorageError)
    try:
        if not os.access(there, os.W_OK):
            return bad(name, f"{there} cannot be written to", todo, StorageError)
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return bad(name, f"{there} cannot be written to ({error.strerror})", todo, StorageError)
    return ok(name, f"{folder} can be {'written to' if there == folder else 'made'}")


def existing(folder: Path) -> Path:
    """Give the folder itself, or the nearest above it that is there."""
    whole = folder.absolute()
    return next((one for one in (whole, *whole.parents) if one.exists()), whole) if not folder.exists() else folder
