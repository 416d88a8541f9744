"""How the firmware is started: on an interpreter of this machine, or on the emulated RV32 machine."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

from retrosole import wire
from retrosole.errors import UsageError
from retrosole.twin.boards import board_channels, zone_bits
from retrosole.twin.child import Process, launcher
from retrosole.twin.firmware_files import compiled_device_files, firmware_folder
from retrosole.twin.registry import runtime_path
from retrosole.twin.runtimes import Runtime
from retrosole.twin.sim_options import SIDES, SimOptions
from retrosole.twin.walk import Walk

# The sessions' partition of a board with 4 MiB of flash, erased; and the word of twin/nor.py that says so.
BLANK_STORE = b"\xff" * 1792 * 1024 + b"NOR1"


def prepare(runtime: Runtime, walk: Walk, options: SimOptions, side: str, log: Path) -> Callable[[], Process]:
    """Return a function that starts the firmware of one foot; raise UsageError for what the runtime cannot do."""
    settings: dict[str, int | str] = {
        "channels": len(walk.channels),
        "side": side,
        "board": int(wire.Board[options.board.upper()]),
        "device_id": device_id(options.seed, side),
    }
    if [zone for zone, _ in walk.channels] != [zone for zone, _ in board_channels(options.board)]:
        settings["zones"] = zone_bits(walk.channels)
    if runtime.kind == "rv32":
        return _on_rv32(settings, walk.samples[side].read_bytes(), options.speed)
    settings |= {
        "samples": str(walk.samples[side]),
        "speed": f"{options.speed:g}",
        "clock_ppm": round(options.skew) if side == "right" else 0,
        "state": str(log.with_suffix(".json")),
        "store": str(log.with_suffix(".store")),  # the sessions' flash
        "trace": str(log.with_suffix(".trace")),  # what the motor and the LED did, and when
    }
    argv = [*runtime.argv, str(firmware_folder() / "twin" / "boot.py")]
    return launcher([*argv, *(f"{key}={value}" for key, value in settings.items())], log, log.parent)


def device_id(seed: int, side: str) -> str:
    """Return the id of a virtual insole, 8 bytes in hexadecimal: the same foot, seed and user are the same device."""
    # 0x56 is "V": no chip's own id begins so. By the folder where it registers: a pseudo-terminal's number is soon used
    # again, maybe by another user, and whoever waits for an insole to come back must not take that one for it.
    user = zlib.crc32(str(runtime_path()).encode()) & 0xFFFF
    return f"56{SIDES.index(side):02x}{user:04x}{seed & 0xFFFFFFFF:08x}"


def _on_rv32(settings: dict[str, int | str], samples: bytes, speed: float) -> Callable[[], Process]:
    from retrosole.twin import rv32

    if speed != 1.0:
        raise UsageError(f"the RV32 machine runs in real time, got speed {speed:g}: leave --speed out")
    store_at = rv32.BLOBS_END - 2 * 2**20
    settings |= {"samples_addr": rv32.BLOBS_START, "samples_bytes": len(samples), "store_addr": store_at}
    statement = f"import boot\nboot.run({settings!r})"
    files = compiled_device_files("rv32imc")
    # A reset is a soft reset there: the machine keeps running, and its memory keeps the state file.
    return lambda: rv32.start(files, [(rv32.BLOBS_START, samples), (store_at, BLANK_STORE)], statement=statement)
