"""The insole's session store on a flash that holds anything: it starts, lists, reads, tidies up and goes on.

On a new device with not one frame on its flash, only what was there before, it must also find again what it then keeps,
and become all blank when wiped. Frames that no store wrote in this order may cost it that, but nothing more.

Input: a byte each for where the ring was last seen and what may be erased, then a script of what the flash holds, in
which a frame is put behind the one before, and a command ends the page.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from retrosole import wire
from retrosole.framing import CRC_BYTES, CRC_RESIDUE, Splitter, cobs_decode, cobs_encode, open_frame, pack
from retrosole.twin.core import core
from tests.fuzz import seeds
from tests.fuzz.script import COMMAND, FRAME, RAW, parts, sealed, written

core()
store_module: Any = importlib.import_module("insole.store")
plain: Any = importlib.import_module("insole.hot_plain")

SECTOR_N = 6
PAGE_BYTES, SECTOR_PAGES = 256, 16
PAGE_N = SECTOR_N * SECTOR_PAGES
BLANK = b"\xff"
ABSENT = 0xFF  # in the two bytes at the front: never set
NEVER_SET = bytes((ABSENT, ABSENT))
READ_N = 12 * PAGE_N  # pages; what any one request may read at most
WHO = pack(next(seeds.identities()))[:-CRC_BYTES]


def quick_unstuff(page: bytearray, at: int, out: bytearray) -> int:
    """Do what the firmware's kernel does, a hundred times sooner; `read_page` compares the two."""
    end = page.find(0, at)
    frame = cobs_decode(bytes(page[at:end])) if end > at else None
    if frame is None or zlib.crc32(frame) != CRC_RESIDUE:
        return 0
    out[: len(frame)] = frame
    return len(frame)


def quick_is_blank(page: bytearray, n: int) -> int:
    """Likewise."""
    return int(page[:n] == BLANK * n)


for name in ("flash", "catalog"):
    kernels: Any = importlib.import_module(f"insole.{name}")
    kernels.unstuff, kernels.is_blank = quick_unstuff, quick_is_blank


def read_page(data: bytes, _folder: Path) -> None:
    """One page, opened at any place by the firmware's plain kernel and by the quick one; no frame is another's."""
    page = bytearray(content_of(data)[:PAGE_BYTES].ljust(PAGE_BYTES, BLANK))
    assert plain.is_blank(page, PAGE_BYTES) == quick_is_blank(page, PAGE_BYTES)
    places = [0, *(at + 1 for at, byte in enumerate(page[:-1]) if byte == 0)][:20]
    for at in [*places, *range(1, PAGE_BYTES, 37)]:
        out, quick_out = bytearray(PAGE_BYTES), bytearray(PAGE_BYTES)
        n = plain.unstuff(page, at, out)
        assert n == quick_unstuff(page, at, quick_out) and out[:n] == quick_out[:n]
        if n > CRC_BYTES:
            assert open_frame(bytes(page[at : page.index(0, at)])) == bytes(out[: n - CRC_BYTES])


class Flash:
    """Stand in for esp32.Partition; fail where the real part would spoil data, or where reading goes on and on."""

    def __init__(self, content: bytes) -> None:
        self.bytes = bytearray(content[: PAGE_N * PAGE_BYTES].ljust(PAGE_N * PAGE_BYTES, BLANK))
        self.read_n = 0

    def ioctl(self, op: int, argument: int) -> int:
        """Count the sectors (4) or erase one (6)."""
        if op == 4:
            return SECTOR_N
        assert op == 6 and 0 <= argument < SECTOR_N
        at = argument * SECTOR_PAGES * PAGE_BYTES
        self.bytes[at : at + SECTOR_PAGES * PAGE_BYTES] = BLANK * SECTOR_PAGES * PAGE_BYTES
        return 0

    def readblocks(self, block: int, into: bytearray, offset: int) -> None:
        """Read within one page."""
        at = self._at(block, offset, len(into))
        self.read_n += 1
        assert self.read_n <= READ_N, f"{self.read_n} pages read, {PAGE_N} are there"
        into[:] = self.bytes[at : at + len(into)]

    def writeblocks(self, block: int, content: bytes, offset: int) -> None:
        """Program blank bytes, or clear the mark in a page's last one."""
        at = self._at(block, offset, len(content))
        before = self.bytes[at : at + len(content)]
        is_mark = len(content) == 1 and at % PAGE_BYTES == PAGE_BYTES - 1
        assert is_mark or before == BLANK * len(content), f"page {at // PAGE_BYTES} is programmed, and is not blank"
        self.bytes[at : at + len(content)] = bytes(a & b for a, b in zip(before, content, strict=True))

    def pages(self) -> Iterator[bytearray]:
        """Give every page."""
        return (self.bytes[at : at + PAGE_BYTES] for at in range(0, len(self.bytes), PAGE_BYTES))

    def _at(self, block: int, offset: int, n: int) -> int:
        assert 0 <= block < SECTOR_N and offset >= 0 and offset % PAGE_BYTES + n <= PAGE_BYTES
        return block * SECTOR_PAGES * PAGE_BYTES + offset


class Memory:
    """Stand in for what survives a reset."""

    def __init__(self, hint: int, gone: int) -> None:
        self._values = {"store_at": hint, "store_gone": gone}
        self._values = {key: value for key, value in self._values.items() if value != ABSENT}

    def get(self, key: str, default: int) -> int:
        """Give a number, `default` when it was never set."""
        return self._values.get(key, default)

    def set(self, key: str, value: int) -> None:
        """Keep a number."""
        assert -(2**31) <= value < 2**31
        self._values[key] = value


def content_of(script: bytes) -> bytes:
    """Give what a script makes the flash hold."""
    out = bytearray()
    for kind, body in parts(script):
        if kind == RAW:
            out += body
        elif kind == FRAME and body:
            out += cobs_encode(sealed(body[: wire.FRAME_BYTES - CRC_BYTES])) + b"\0"
        elif kind == COMMAND:
            out += BLANK * (-len(out) % PAGE_BYTES)
    return bytes(out)


def read_store(data: bytes, _folder: Path) -> None:
    """Start on this flash, and ask for everything; then keep a session on it, and find that again after a reset."""
    if len(data) < 2:
        return
    flash, memory = Flash(content_of(data[2:])), Memory(data[0], data[1])
    is_new = data[:2] == NEVER_SET
    is_foreign = is_new and not any(Splitter().feed(bytes(page) + b"\0") for page in flash.pages())
    store = store_module.Store(flash, memory)
    _check_counts(store)
    _list_and_read(store, flash)
    _tidy_up(store, flash)
    _check_counts(store)
    _list_and_read(store, flash)
    kept = _keep_one(store, flash)
    flash.read_n = 0
    again = store_module.Store(flash, memory)
    _list_and_read(again, flash)
    if is_foreign and kept:
        assert _session_frames(again, kept) == list(_frames(kept))
    flash.read_n = 0
    again.wipe()
    _tidy_up(again, flash)
    _check_counts(again)
    if is_foreign:
        assert (again.used_n, again.ready_n) == (0, PAGE_N)
        assert flash.bytes == BLANK * len(flash.bytes)


def _check_counts(store: Any) -> None:
    assert store.page_n == PAGE_N
    assert min(store.used_n, store.ready_n) >= 0 and store.used_n + store.ready_n <= PAGE_N
    assert 0 <= store.newest <= 0xFFFF and 0 <= store.oldest <= 0xFFFF and -1 <= store.unended <= 0xFFFF


def _list_and_read(store: Any, flash: Flash) -> None:
    flash.read_n = 0
    found = store.find(wire.Which.OLDEST, 0)
    listed = []
    while found:
        entry = store.entry
        listed.append(int(entry.session))
        assert len(listed) <= 2 * PAGE_N, "the list has no end"
        flash.read_n = 0
        _read_all(store, entry.session)
        flash.read_n = 0
        found = store.find(wire.Which.NEXT, listed[-1])


def _read_all(store: Any, session: int) -> list[bytes]:
    store.seek(session, 0, 1 << 30)
    page, pages = bytearray(PAGE_BYTES), []
    while n := store.read_next(page):
        assert -1 <= n <= PAGE_BYTES and len(pages) <= PAGE_N, "the session has no end"
        pages.append(bytes(page[: max(n, 0)]))
    return pages


def _tidy_up(store: Any, flash: Flash) -> None:
    for _ in range(8 * PAGE_N):
        flash.read_n = 0
        if not store.turn(True):
            return
    raise AssertionError("tidying up has no end")


def _keep_one(store: Any, flash: Flash) -> int:
    """Keep a short session, if there is room; give its number, 0 when it was not begun."""
    session = (store.newest + 1) & 0xFFFF
    frames = _frames(session)
    flash.read_n = 0
    if store.ready_n < 8 or not session:
        return 0
    head, who, *rest, end = (bytearray(frame + bytes(CRC_BYTES)) for frame in frames)
    if not store.begin(session, head, len(head), who, len(who)):
        return 0
    for frame in rest:
        store.keep(frame, len(frame))
    assert store.end(end, len(end)) and store.missed_n == 0
    return session


@cache
def _frames(session: int) -> tuple[bytes, ...]:
    """Give the frames of a short session, without their CRC."""
    numbers = {"continues": session, "rate_hz": 200, "channel_n": seeds.CHANNEL_N}
    head = _filled(wire.SessionHeadFrame, session=session, **numbers)
    samples = [cut_open(seeds.samples(session, seq)) for seq in range(2)]
    stride = _filled(wire.StrideFrame, session=session)
    return (head, WHO, *samples, stride, _filled(wire.SessionEndFrame, session=session, next_index=52))


def _filled(kind: Any, **values: int) -> bytes:
    return cut_open(seeds.filled(kind, **values))


def cut_open(data: bytes) -> bytes:
    """Give type and payload of a frame on the wire."""
    frame = open_frame(data[:-1])
    assert frame is not None
    return frame


def _session_frames(store: Any, session: int) -> list[bytes]:
    frames = [frame for page in _read_all(store, session) for frame in Splitter().feed(page)]
    return [frame for frame in frames if frame[0] != wire.PlaceFrame.TYPE]


def page_seeds() -> Iterator[bytes]:
    """Give pages as the store writes them."""
    pages, page = [], []
    for part in _pages(5):
        page.append(part)
        if part[0] == COMMAND:
            pages.append(written(page))
            page = []
    return iter(pages)


def store_seeds() -> Iterator[bytes]:
    """Give flashes: blank, of one session, of several in the middle of the ring, and with a torn page."""
    yield NEVER_SET
    one = _pages(5)
    yield NEVER_SET + written(one)
    yield bytes((0, 4)) + written(one)
    yield NEVER_SET + written([(RAW, bytes(range(1, 200)) * 5)] * 30)
    yield bytes((3, 9)) + written([(RAW, b"\0" * 1000)] * 30)
    many = [part for session in range(40, 52) for part in _pages(session)]
    yield bytes((1, 41)) + written([(RAW, BLANK * 1000)] * 4 + [(COMMAND, b"")] + many)
    yield bytes((2, ABSENT)) + written([*many[:-3], (RAW, bytes(30)), (COMMAND, b"")])


def _pages(session: int) -> list[tuple[int, bytes]]:
    head, who, *samples, stride, end = _frames(session)
    place = _filled(wire.PlaceFrame, session=session, index=52)
    pages = [[head, who], *([one] for one in samples), [place, stride, end]]
    return [part for page in pages for part in [*((FRAME, frame) for frame in page), (COMMAND, b"")]]
