"""The computer that is looked at: its kind, and where its files are, so that each kind can be looked at anywhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrosole.ports import Candidate


@dataclass(frozen=True)
class System:
    """Name the platform, as `sys.platform` does, and the folder that stands for `/`."""

    platform: str = sys.platform
    root: Path = Path("/")

    @property
    def is_linux(self) -> bool:
        """Say whether this is Linux."""
        return self.platform.startswith("linux")

    def processes(self) -> set[str]:
        """Give the names of the running processes, where /proc tells them."""
        return {text for path in self.root.glob("proc/[0-9]*/comm") if (text := read(path))}

    def usb_devices(self) -> Iterator[tuple[Path, int, int]]:
        """Give the folder, vendor and product of each USB device that Linux sees."""
        for folder in sorted(self.root.glob("sys/bus/usb/devices/*")):
            vendor, product = read(folder / "idVendor"), read(folder / "idProduct")
            if vendor and product:
                yield folder, int(vendor, 16), int(product, 16)

    def may_open(self, port: str) -> bool:
        """Say whether this user may read and write a device node."""
        return os.access(self.root / port.lstrip("/"), os.R_OK | os.W_OK)


def read(path: Path) -> str:
    """Give the text of a small file, empty when it cannot be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def usb_ports(candidates: list[Candidate]) -> list[str]:
    """Give the devices among the candidates that sit on USB."""
    return [one.port for one in candidates if one.kind == "usb"]
