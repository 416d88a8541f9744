"""The flash chip of a test board: erasing sets a sector's bits, programming only clears bits."""

from __future__ import annotations

SECTOR_BYTES = 4096
_BLANK = b"\xff" * SECTOR_BYTES


class NorFlash:
    """Hold `n` bytes, blank at first or as `content` says; `touched` are the sectors changed since it was made."""

    def __init__(self, n: int, content: bytes = b"") -> None:
        self.memory = bytearray(content) + b"\xff" * (n - len(content))
        self.touched: set[int] = set()
        self.programmed_n = 0

    @property
    def n(self) -> int:
        return len(self.memory)

    def erase(self, at: int, n: int) -> None:
        """Erase every sector that holds any of these bytes."""
        for sector in range(at // SECTOR_BYTES, (at + n + SECTOR_BYTES - 1) // SECTOR_BYTES):
            self.memory[sector * SECTOR_BYTES : (sector + 1) * SECTOR_BYTES] = _BLANK
            self.touched.add(sector)

    def program(self, at: int, data: bytes) -> None:
        """Clear the bits that `data` has clear; bits that were clear stay so."""
        old = int.from_bytes(self.memory[at : at + len(data)], "little")
        new = old & int.from_bytes(data, "little")
        self.memory[at : at + len(data)] = new.to_bytes(len(data), "little")
        self.touched.update(range(at // SECTOR_BYTES, (at + len(data) - 1) // SECTOR_BYTES + 1))
        self.programmed_n += len(data)

    def read(self, at: int, n: int) -> bytes:
        return bytes(self.memory[at : at + n])
