"""What can be typed to make an insole and look after it: `flash`, `setup`, `update` and `doctor`."""

from __future__ import annotations

from typing import Any

import click

from retrosole.commands.parts import PATH, examples, port_option

# As in `line`, everything else is imported by the command that needs it.


@click.command(
    short_help="Make an insole of an ESP32 board, over USB.",
    epilog=examples(
        "retrosole flash",
        "retrosole flash --port /dev/ttyUSB0 --side left",
        "retrosole flash --micropython ESP32_GENERIC-20250415-v1.25.0.bin --dry-run",
    ),
)
@click.option(
    "--port", metavar="PORT", help="Device or pyserial URL. Not needed when one port has the USB id of an ESP32 board."
)
@click.option("--micropython", type=PATH, metavar="FILE", help="A MicroPython image for this chip.")
@click.option(
    "--version", default="1.25.0", show_default=True, metavar="V", help="MicroPython to fetch without FILE; or newest."
)
@click.option("--side", type=click.Choice(["left", "right"]), help="Which foot it is for; it remembers.")
@click.option("--erase", "erases", is_flag=True, help="Erase its sessions, settings and calibration, too.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Look, verify and say what would be written; write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option("--out", type=PATH, metavar="DIR", help="Keep the record of what was flashed in DIR.")
@click.option("--no-stub", is_flag=True, help="Work with the chip's ROM alone: slower, for boards where it fails.")
@click.option(
    "--baud",
    "baudrate",
    type=click.IntRange(9600, 2_000_000),
    default=460800,
    show_default=True,
    help="Speed of writing.",
)
@click.option("--site", default="https://micropython.org", metavar="URL", help="A mirror of micropython.org.")
def flash(port: str | None, is_sure: bool, no_stub: bool, **options: Any) -> int:
    """Make an insole of an ESP32, ESP32-S3 or ESP32-C3 board: MicroPython, the firmware and its settings in one go.

    Says what is on the board, fetches MicroPython (1.24 or newer; kept for the next time), verifies it, writes,
    compares what it reads back, starts the insole and prints who answers. An insole's sessions, settings and
    calibration stay; where they cannot stay, its sessions are fetched first into sessions/. Files of your own beside
    the firmware do not stay. A board that is no insole is erased after asking. Interrupted at any point the same
    command goes on: the chip's own loader cannot be lost.
    """
    from retrosole.commands.flash import flash as run
    from retrosole.flashing.flash import FlashOptions

    return run(port, FlashOptions(has_stub=not no_stub, **options), is_sure)


@click.command(
    short_help="Fit an insole to its wearer.",
    epilog=examples(
        "retrosole setup",
        "retrosole setup --side left --cue on --target forefoot_first",
        "retrosole setup --port /dev/ttyUSB0 --calibrate",
    ),
)
@click.option("--port", metavar="PORT", help="Device or pyserial URL. Needed when more than one insole answers.")
@click.option("--side", type=click.Choice(["left", "right"]), help="Which foot it is for.")
@click.option(
    "--target", type=click.Choice(["forefoot_first", "heel_first"]), help="What should touch the ground first."
)
@click.option("--cue", type=click.Choice(["on", "off"]), help="Buzz when another part touches first.")
@click.option("--rate", "rate_hz", type=int, metavar="HZ", help="Samples per second with a computer.")
@click.option("--rate-alone", "rate_alone_hz", type=int, metavar="HZ", help="Samples per second without one.")
@click.option(
    "--board",
    type=click.Choice(["esp32_devkitc", "esp32_s3", "esp32_c3", "insole_s3", "default"]),
    help="The board it is built on, from its next start; default: the plain one of its chip.",
)
@click.option(
    "--zones",
    metavar="LIST",
    help="Zone of each channel, from its next start: forefoot,forefoot,heel,... (also midfoot, toes), or default.",
)
@click.option("--calibrate", is_flag=True, help="Be guided through measuring the load of standing.")
def setup(port: str | None, **options: Any) -> None:
    """Fit an insole to its wearer: which foot, what to aim for, the cue, its sensors, the load of standing.

    Without options it asks, step by step; with options it changes just these. Either way it shows what the insole says
    it is now. The load of standing is measured on the wearer: lift the foot, stand on it, lift it again; each step
    waits until the load is steady. Everything is kept in the insole. It refuses while a session runs. Two insoles are
    set up one after the other: choose one with --port.

    Ctrl-C ends the questions; what was answered by then is kept, and said.
    """
    from retrosole.commands.setup import SetupOptions
    from retrosole.commands.setup import setup as run

    run(port, SetupOptions(**options))


@click.command(
    short_help="Bring the firmware of an insole to this program's version.",
    epilog=examples("retrosole update", "retrosole update --port /dev/ttyUSB0"),
)
@port_option
@click.option("--force", "is_forced", is_flag=True, help="Write it also when the insole has it, or a newer one.")
def update(ports: tuple[str, ...], is_forced: bool) -> None:
    """Bring the firmware of an insole to this program's version.

    Sessions, settings and calibration stay. The new version is written beside the old one, which returns by itself
    unless the new one answers and is well within 30 s. Interrupted at any moment, the insole still starts.
    """
    from retrosole.commands import update as command

    command.run(ports, is_forced)


@click.command(
    short_help="Look for what is wrong: computer, ports, insoles.",
    epilog=examples("retrosole doctor", "retrosole doctor --port /dev/ttyUSB0 --seconds 20", "retrosole doctor --json"),
)
@click.option("--port", "ports", multiple=True, metavar="PORT", help="Device or pyserial URL; may be repeated.")
@click.option("--seconds", type=float, default=4.0, show_default=True, metavar="S", help="Look at sensors this long.")
@click.option("--json", "is_json", is_flag=True, help="Print it for programs.")
@click.option("--udev", "is_udev", is_flag=True, help="Only print rules for Linux, for /etc/udev/rules.d.")
def doctor(ports: tuple[str, ...], seconds: float, is_json: bool, is_udev: bool) -> int | None:
    """Look at this computer, its ports and every insole that answers; one line each: ok, or what to do.

    Stand still on the insole meanwhile: only a loaded sensor can show that it lives. For that a session is run for
    some seconds, unless one runs already, and is not kept. Ports without the USB id of an ESP32 board are opened only
    when named. The texts for macOS and Windows have been run on Linux only.

    The exit code is 0 when nothing has to be put right (warnings may be there), else that of the first of these that
    is found: 2 a package is missing, too old or known to be broken; 7 the disk; 4 a port cannot be opened, or went
    away; 5 an insole speaks another protocol; 3 no insole answers; 6 a sensor, the battery or the line is not well.
    """
    from retrosole.commands import doctor as command

    if is_udev:
        command.print_udev_rules()
        return None
    return command.doctor(ports, seconds, is_json)
