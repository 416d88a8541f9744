"""The way from a bare board to an insole. Nothing is written before all that is to be written is there and verified.

The bootloader is erased first and written last: as long as anything else is missing the chip starts nothing, and its
own loader, which is not in flash, takes the same command again. A partition that already lies where it shall lie and
holds an insole's own (`nvs`: settings and calibration; `sessions`) is not touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from retrosole import wire
from retrosole.device import Insole
from retrosole.errors import DamagedDataError, NoDeviceError, ProtocolError, RetrosoleError, UsageError
from retrosole.flashing import release as releases
from retrosole.flashing.chips import ANY_BUTTONS, CHIPS
from retrosole.flashing.esptool import FAST_BAUDRATE, Detected, EspTool, can_reset
from retrosole.flashing.found import Found, await_insole, choose_port, look
from retrosole.flashing.pack import Pack, device_files, packed
from retrosole.flashing.partitions import TABLE_AT, TABLE_BYTES, Partition, partitions_for, read_table
from retrosole.flashing.plan import Part, Plan, describe, kept_partitions, make_plan
from retrosole.flashing.record import (
    Settings,
    forget_settings,
    records_folder,
    save_settings,
    saved_settings,
    write_record,
)
from retrosole.ports import native_number

TESTED_VERSION = "1.25.0"  # of MicroPython: the one that this project's tests run
NEWEST = "newest"
_SECTOR_BYTES = 4096
_START_S = 30.0
_BUTTON_S = 120.0  # for a person to press one


@dataclass(frozen=True)
class FlashOptions:
    """Say what to flash and how; `micropython` None gets the version from `site`."""

    micropython: Path | None = None
    version: str = TESTED_VERSION
    side: str | None = None
    erases: bool = False
    is_dry: bool = False
    out: Path | None = None
    has_stub: bool = True
    baudrate: int = FAST_BAUDRATE
    site: str = releases.SITE


class Screen(Protocol):
    """What the flow needs of a person and of whoever shows it."""

    def say(self, text: str) -> None:
        """Print a line."""

    def agrees(self, question: str) -> bool:
        """Ask; raise UsageError when nobody can be asked."""

    def follow(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show how far a step is; what is given is told the bytes done."""

    def fetch(self, port: str) -> bool:
        """Collect the sessions of the insole on a port; say whether all of them are on the disk now."""


@dataclass(frozen=True)
class _Before:
    """What is in the flash of a board before."""

    is_blank: bool
    table: bytes
    parts: tuple[Partition, ...] = field(default=())

    @property
    def has_sessions(self) -> bool:
        return any(part.label == "sessions" for part in self.parts)


@dataclass(frozen=True)
class _Job:
    """What is to be written to which board."""

    board: Detected
    release: releases.Release
    pack: Pack
    plan: Plan
    number: str | None


def flash(port: str | None, options: FlashOptions, screen: Screen) -> Insole | None:
    """Flash a board until an insole answers; give it, to be closed, None after a dry run or a no.

    Raises UsageError for what cannot be done as asked, NoDeviceError without a board or a loader that answers,
    PortError when the port cannot be used or goes away, DamagedDataError for a damaged image or flash, ProtocolError
    when what answers at the end is not what was flashed.
    """
    name = choose_port(port)
    if options.micropython is None and options.version != NEWEST:
        releases.check_version(options.version)
    if options.micropython is not None and not options.micropython.is_file():
        raise UsageError(f"there is no file {options.micropython}: name a MicroPython image for --micropython")
    with screen.follow("looking who answers", 0):
        found = look(name)
    screen.say(f"{name}: {found.text}")
    if found.runs is not None and not options.erases:
        raise UsageError(
            f"the insole on {name} runs session {found.runs}: end it with its button, or with `retrosole fetch`, which "
            "keeps it; or say --erase"
        )
    tool = EspTool(name, has_stub=options.has_stub, baudrate=options.baudrate)
    job = _left_in_peace(tool, lambda: _prepare(tool, found, options, screen))
    if job is None:
        screen.say("nothing was written (--dry-run)")
        return None
    try:
        _write(tool, job.plan, screen)
    except KeyboardInterrupt:
        screen.say("left off; the board starts nothing until this command has run to its end: run it again")
        raise
    return _finish(tool.port, screen, options, job)


def _left_in_peace(tool: EspTool, prepare: Callable[[], _Job | None]) -> _Job | None:
    """Let the board run again what it ran, when nothing is to be written or something is wrong before that."""
    job = None
    try:
        job = prepare()
    finally:
        if job is None and tool.chip is not None:
            with contextlib.suppress(RetrosoleError):  # a loader that answers no more has been told of, or is no loss
                tool.leave()
    return job


def _prepare(tool: EspTool, found: Found, options: FlashOptions, screen: Screen) -> _Job | None:
    """Find out what there is, get and verify what is to be written, and ask; None when it is only to be looked at."""
    board = _detect(tool, found, screen)
    partitions_for(board.flash_bytes)  # too small: said before anything else is asked or fetched
    screen.say(f"{board.description}, {board.flash_bytes // 2**20} MiB of flash, MAC {board.mac}")
    with screen.follow("reading what it holds", 0):
        before = _read_before(tool)
    release = _release(options, board)
    _say_release(screen, release)
    kept = kept_partitions(before.parts, board.flash_bytes, before.has_sessions or found.is_insole, options.erases)
    pack = packed(board.chip.architecture)
    carried = _carried(screen, found, options, board, kept)
    if carried:
        kept = tuple(part for part in kept if part.label != "nvs")
    files = device_files(pack, _plain_board(board, kept) | carried | _asked(options))
    plan = make_plan(board, release.micropython, files, before.table, kept)
    _say_plan(screen, plan, pack)
    if options.is_dry:
        return None
    _see_that_nothing_is_lost(screen, tool, found, before, plan, options)
    if carried:
        path = save_settings(options.out or records_folder(), board, carried)
        screen.say(f"its settings and calibration are in {path}, too, until it runs again")
    return _Job(board, release, pack, plan, native_number(tool.port))


def _detect(tool: EspTool, found: Found, screen: Screen) -> Detected:
    """Find out the chip; where an insole runs and no line can reset it, a person has to."""
    if not found.is_insole or can_reset(tool.port):
        with screen.follow("asking the chip", 0):
            return tool.detect()
    code = None if found.identity is None else found.identity.board
    buttons = next((chip.buttons for chip in CHIPS if code in chip.boards), ANY_BUTTONS)
    screen.say(f"this port has no lines that reset the board: now {buttons}")
    return tool.detect(waits=True)


def _read_before(tool: EspTool) -> _Before:
    begin = tool.read(0, TABLE_AT + TABLE_BYTES)
    table = begin[TABLE_AT:]
    try:
        parts = read_table(table, "the partition table")
    except DamagedDataError:
        parts = ()
    return _Before(begin.count(0xFF) == len(begin), table, parts)


def _release(options: FlashOptions, board: Detected) -> releases.Release:
    if options.micropython is not None:
        return releases.from_file(options.micropython, board.chip)
    version = None if options.version == NEWEST else options.version
    return releases.from_site(board.chip, version, options.site)


def _carried(
    screen: Screen, found: Found, options: FlashOptions, board: Detected, kept: tuple[Partition, ...]
) -> Settings:
    """Give what an insole knows that cannot stay where it is; after a time that was broken off, what was saved then."""
    if options.erases:
        return {}
    if found.settings:
        return {} if any(part.label == "nvs" for part in kept) else dict(found.settings)
    saved, path = saved_settings(options.out or records_folder(), board)
    if saved:
        screen.say(f"its settings and calibration are those in {path}: the last time was broken off")
    return saved


def _plain_board(board: Detected, kept: tuple[Partition, ...]) -> Settings:
    """Give what it is taken for where its own memory does not stay and nobody knows better: its chip's plain kit."""
    return {} if any(part.label == "nvs" for part in kept) else {"board": int(board.chip.boards[0])}


def _asked(options: FlashOptions) -> Settings:
    return {} if options.side is None else {"side": int(wire.Side[options.side.upper()])}


def _say_release(screen: Screen, release: releases.Release) -> None:
    micropython = release.micropython
    version = micropython.version or "of unknown version"
    screen.say(f"MicroPython {version} from {release.origin}")
    screen.say(f"  SHA-256 {micropython.sha256}; its images are whole (checksums and appended hashes)")


def _say_plan(screen: Screen, plan: Plan, pack: Pack) -> None:
    screen.say(describe(pack))
    rows = [(part.at, len(part.content), part.title) for part in plan.parts]
    rows += [(one.at, one.size, f"{one.label}: erased") for one in plan.erased]
    rows += [(one.at, one.size, f"{one.label}: kept as it is") for one in plan.kept]
    for at, n, what in sorted(rows):
        screen.say(f"  0x{at:06X}  {n:>8} bytes  {what}")


# ---------------------------------------------------------------------------------------------- nothing without asking


def _see_that_nothing_is_lost(
    screen: Screen, tool: EspTool, found: Found, before: _Before, plan: Plan, options: FlashOptions
) -> None:
    """Save what would be lost, or ask. Raises UsageError when it can be neither, or the answer is no."""
    loses_sessions = any(part.label == "sessions" for part in plan.erased)
    if before.is_blank or not loses_sessions:
        return
    if found.is_insole and not options.erases:
        _collect(screen, tool, found)
    elif before.has_sessions and not options.erases:
        raise UsageError(
            "this board keeps sessions at another place than this version does, and no insole answers that they could "
            "be fetched from: start it and run `retrosole fetch`, or say --erase to lose them"
        )
    elif options.erases:
        lost = f"{found.sessions}, its settings and its calibration" if found.is_insole else "all that is on this board"
        _ask(screen, f"--erase: {lost} will be gone. Go on?")
    else:
        labels = ", ".join(part.label for part in before.parts) or "no partition table that can be read"
        _ask(screen, f"This board is not an insole ({labels}); all that is on it will be erased. Go on?")


def _ask(screen: Screen, question: str) -> None:
    if not screen.agrees(question):
        raise UsageError("nothing was written, as you said")


def _collect(screen: Screen, tool: EspTool, found: Found) -> None:
    if found.identity is None:
        _ask(
            screen,
            "An insole of another version is on this board; its sessions cannot be fetched by this program and will be "
            "erased. Go on?",
        )
    elif found.uncollected:
        if not can_reset(tool.port):
            raise UsageError(
                f"this would lose {found.sessions}: reset the insole, run `retrosole fetch --port {tool.port}`, then "
                "this command again; or say --erase"
            )
        tool.leave()
        if not screen.fetch(tool.port):
            raise UsageError(
                "nothing was written, for its sessions are not all here: run `retrosole fetch` again, then this "
                "command; or say --erase to lose them"
            )


# --------------------------------------------------------------------------------------------------------------- write


def _write(tool: EspTool, plan: Plan, screen: Screen) -> None:
    """Erase and write, compare with what is read back, and write the bootloader at the very end."""
    bootloader = next(part for part in plan.parts if part.title == "bootloader")
    parts = [Part("bootloader", bootloader.at, b"\xff" * _SECTOR_BYTES)]
    for partition in plan.erased:  # before the table that says that they are an insole's
        if partition.label == "nvs":
            parts.append(Part("nvs", partition.at, b"\xff" * partition.size))
        else:
            with screen.follow(f"erasing {partition.label}", 0):
                tool.erase(partition.at, partition.size)
    parts += [part for part in plan.parts if part is not bootloader]
    pairs = [(part.at, part.content) for part in parts]
    with _Steps(screen, parts) as steps:
        tool.write(pairs, steps.came_to)
    with screen.follow("reading back", 0):
        tool.verify(pairs)
    with _Steps(screen, [bootloader]) as steps:
        tool.write([(bootloader.at, bootloader.content)], steps.came_to, resets=True)


class _Steps:
    """Turn addresses that esptool has come to into steps that are shown, one part after the other."""

    def __init__(self, screen: Screen, parts: list[Part]) -> None:
        self._screen = screen
        self._parts = parts
        self._shown: AbstractContextManager[Callable[[int], None]] | None = None
        self._part: Part | None = None
        self._update: Callable[[int], None] = lambda _: None

    def __enter__(self) -> _Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind, error, trace)

    def came_to(self, place: int) -> None:
        part = next((one for one in self._parts if one.at < place <= one.at + len(one.content) + 3), None)
        if part is None:
            return
        if part is not self._part:
            self._end()
            self._part = part
            verb = "writing" if part.content.strip(b"\xff") else "erasing"
            self._shown = self._screen.follow(f"{verb} {part.title}", len(part.content))
            self._update = self._shown.__enter__()
        self._update(min(place - part.at, len(part.content)))

    def _end(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        shown, self._shown = self._shown, None
        if shown is not None:
            shown.__exit__(kind, error, trace)


def _finish(port: str, screen: Screen, options: FlashOptions, job: _Job) -> Insole:
    """Wait for the insole, and write down what was flashed, whether it answers or not."""
    folder = options.out or records_folder()
    wait_s = _START_S
    if not can_reset(port):
        reset = "EN" if job.board.chip.name == "ESP32" else "RST"
        screen.say(f"written; now press {reset} on the board, without BOOT")
        wait_s = _BUTTON_S
    try:
        with screen.follow("waiting for the insole", 0):
            insole = await_insole(port, wait_s, job.number)
    except RetrosoleError as error:
        path = _recorded(folder, job, None)
        raise NoDeviceError(
            f"all was written and read back, but no insole answers ({error}): press its reset button and try "
            f"`retrosole info --port {port}`; what was flashed is in {path}"
        ) from error
    who = insole.identity
    try:
        screen.say(f"recorded in {_recorded(folder, job, who)}")
        if who.source.hex() != job.pack.source:
            raise ProtocolError(
                f"the insole runs other firmware (source {who.source.hex()}) than was flashed ({job.pack.source}): "
                "unplug it, plug it in and run the same command again"
            )
        forget_settings(folder, job.board)
    except BaseException:
        insole.close()
        raise
    return insole


def _recorded(folder: Path, job: _Job, who: wire.IdentityFrame | None) -> Path:
    return write_record(folder, job.board, job.release, job.pack, job.plan, who)
