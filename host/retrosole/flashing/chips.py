"""The chips that an insole can be made of, and what differs between them."""

from __future__ import annotations

from dataclasses import dataclass

from retrosole import wire


@dataclass(frozen=True)
class Chip:
    """Describe one chip; `buttons` says how to get its board into the chip's own loader by hand."""

    name: str  # as esptool says it
    image_id: int  # in the header of its images
    bootloader_at: int  # in flash, bytes
    architecture: str  # of native code in .mpy files
    boards: tuple[wire.Board, ...]  # the plain kit first
    micropython_board: str  # as micropython.org names its builds
    buttons: str


_HOLD = "hold the button BOOT{pin}, press {reset} and let go of it, then let go of BOOT"

CHIPS = (
    Chip(
        "ESP32",
        0,
        0x1000,
        "xtensawin",
        (wire.Board.ESP32_DEVKITC,),
        "ESP32_GENERIC",
        _HOLD.format(pin="", reset="EN"),
    ),
    Chip(
        "ESP32-S3",
        9,
        0x0,
        "xtensawin",
        (wire.Board.ESP32_S3, wire.Board.INSOLE_S3),
        "ESP32_GENERIC_S3",
        _HOLD.format(pin="", reset="RST"),
    ),
    Chip(
        "ESP32-C3",
        5,
        0x0,
        "rv32imc",
        (wire.Board.ESP32_C3,),
        "ESP32_GENERIC_C3",
        _HOLD.format(pin="", reset="RST"),
    ),
)
ANY_BUTTONS = _HOLD.format(pin=" (IO0 on some boards, BO or 9 on small ones)", reset="EN (or RST)")


def chip_named(name: str) -> Chip | None:
    """Give the chip that esptool calls so, None when no insole is made of it."""
    return next((chip for chip in CHIPS if chip.name == name), None)


def image_chip_name(image_id: int) -> str:
    """Give the name of the chip that an image's header is for."""
    return next((chip.name for chip in CHIPS if chip.image_id == image_id), f"chip number {image_id}")
