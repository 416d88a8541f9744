"""What esptool can see of each chip: its registers, as the Technical Reference Manuals name them.

Numbers only, and only those that esptool 5 reads or writes when it detects a chip and its flash. Every other register
reads as zero and takes what is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_CRYSTAL_HZ = 40_000_000
_ROM_BAUDRATE = 115200


@dataclass(frozen=True)
class EspChip:
    """Describe a chip; SPI addresses are those of the controller that the flash hangs on."""

    name: str
    chip_id: int | None  # as GET_SECURITY_INFO tells it; None: the chip does not know that command
    spi_base: int
    spi_usr: int
    spi_usr2: int
    spi_miso_bits: int
    spi_w0: int
    stub_texts: tuple[range, ...]  # where a stub's code may be put
    bootloader_at: int
    registers: dict[int, int] = field(default_factory=dict)


ESP32 = EspChip(
    "ESP32",
    None,
    0x3FF42000,
    0x1C,
    0x24,
    0x2C,
    0x80,
    (range(0x40080000, 0x400C0000),),
    0x1000,
    registers={
        0x40001000: 0x00F01D83,  # a word in ROM that differs from chip to chip
        0x3FF40014: _CRYSTAL_HZ // _ROM_BAUDRATE,  # divider of the UART
        0x3FF5A004: 0x33445566,  # eFuse: MAC, and its first two bytes below
        0x3FF5A008: 0x1122,
        0x3FF5A00C: 1 << 9 | 1 << 15,  # eFuse: ESP32-D0WD, revision bit 0
        0x3FF5A010: 128,  # eFuse: frequency of the 8 MHz clock, in units of the calibration below
        0x3FF5A014: 1 << 20,  # eFuse: revision bit 1
        0x3FF6607C: 1 << 31,  # revision bit 2: v3
        0x3FF5F06C: _CRYSTAL_HZ * 40 // (15625 * 128) << 7,  # calibration: gives the crystal's frequency
    },
)
_MAC_S3, _MAC_C3 = 0x60007044, 0x60008844
ESP32_S3 = EspChip(
    "ESP32-S3",
    9,
    0x60002000,
    0x18,
    0x20,
    0x28,
    0x58,
    (range(0x40370000, 0x403E0000),),
    0x0,
    {_MAC_S3: 0x33445577, _MAC_S3 + 4: 0x1122, 0x60000014: _CRYSTAL_HZ // _ROM_BAUDRATE},
)
ESP32_C3 = EspChip(
    "ESP32-C3",
    5,
    0x60002000,
    0x18,
    0x20,
    0x28,
    0x58,
    (range(0x4037C000, 0x403E0000),),
    0x0,
    {_MAC_C3: 0x33445588, _MAC_C3 + 4: 0x1122, 0x60000014: _CRYSTAL_HZ // _ROM_BAUDRATE},
)
ESP32_C6 = EspChip(  # esptool knows it, and no insole is made of it
    "ESP32-C6", 13, 0x60003000, 0x18, 0x20, 0x28, 0x58, (range(0x40800000, 0x40880000),), 0x0
)
CHIPS = {chip.name: chip for chip in (ESP32, ESP32_S3, ESP32_C3)}
