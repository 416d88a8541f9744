"""Power cuts at any byte of any operation of the device's store, over random histories: nothing acknowledged is lost.

A thousand in `make soak`, a tenth of them in `make test`. The seed is in the test's name.
"""

from __future__ import annotations

import random
import sys
import zlib
from typing import Any

import pytest

from tests.machines import CORE_FOLDER, FIRMWARE
from tests.soak import IN_FULL

sys.path[:0] = [str(FIRMWARE / "twin" / "cpython"), str(FIRMWARE), str(FIRMWARE / "twin"), str(CORE_FOLDER)]

from insole import wire  # noqa: E402
from insole.flash import FlashRing  # noqa: E402
from insole.frame import records_per_frame  # noqa: E402
from insole.store import Store  # noqa: E402
from suite import _store as kit  # noqa: E402
from suite._taker import uncobs  # noqa: E402

BOOT_READS = 200  # fewer than this many pages are read at boot
PAGES = 16  # of a sector
RESIDUE = 0x2144DF1C  # what CRC-32 gives of a frame with its own


class PowerCut(BaseException):
    """The machine is without power."""


class Memory(kit.Memory):
    """What survives a reset; power may go before and behind each write of it."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    def set(self, key: str, value: int) -> None:
        self.life.may_fail()
        super().set(key, value)
        self.life.may_fail()


class Chip(kit.Chip):
    """A chip that knows what was acknowledged where, and lets nobody erase what must stay."""

    def __init__(self, life: Life, sector_n: int) -> None:
        super().__init__(sector_n)
        self.life = life
        self.nor.fail = self.fail
        self.held: dict[int, tuple[int, bytes]] = {}  # page: session, content
        self.rotten: set[int] = set()

    def fail(self) -> None:
        raise PowerCut

    def writeblocks(self, block_num: int, buf: bytes, offset: int) -> None:
        page = block_num * PAGES + offset // 256
        super().writeblocks(block_num, buf, offset)
        if len(buf) == 256:
            assert page not in self.held, "a page was written twice"
            self.held[page] = (self.life.session, bytes(buf))
            self.life.pages[self.life.session].append(page)

    def ioctl(self, op: int, arg: int) -> int:
        pages = range(arg * PAGES, (arg + 1) * PAGES)
        if op == 6:
            self.life.erases_left -= 1
            if self.life.erases_left == 0:
                self.nor.cut_at = self.nor.byte_n + self.life.chance.randint(1, 4096)
            for page in pages:
                session = self.held.get(page, (-1, b""))[0]
                assert session in self.life.may_go or session < 0 or page in self.rotten, f"{session} was erased"
            for page in pages:
                session = self.held.pop(page, (-1, b""))[0]
                if session >= 0:  # which may go, or its page had rotted
                    self.life.pages[session].remove(page)
                    self.life.headless.add(session)
            self.rotten -= set(pages)
        return int(super().ioctl(op, arg))


class Life:
    """A device's life: sessions, hosts, resets, power cuts; and what must be in its store."""

    def __init__(self, sector_n: int, seed: int, longest: int = 60) -> None:
        self.chance = random.Random(seed)
        random.seed(seed)
        self.longest = longest
        self.session = -1
        self.pages: dict[int, list[int]] = {}
        self.channel_n: dict[int, int] = {}
        self.ended: set[int] = set()
        self.headless: set[int] = set()  # their first page may be gone
        self.may_go: set[int] = set()
        self.wiped = False
        self.cut_n = self.most_reads = self.boot_n = 0
        self.armed = False
        self.erases_left = -1
        self.chip = Chip(self, sector_n)
        self.memory = Memory(self)
        self.memory.kept["session"] = self.chance.choice((0, 40000, 65530))
        self.new_store()  # the first boot of all: everything is looked at
        kit.settle(self.store)

    def new_store(self) -> None:
        self.chip.read_n = 0
        self.store = Store(self.chip, self.memory)

    def may_fail(self) -> None:
        if self.armed and self.chance.random() < 0.02:
            raise PowerCut

    # --- what happens

    def run(self, cuts: int) -> None:
        """Live through so many power cuts."""
        while self.cut_n < cuts:
            self.arm()
            try:
                for _ in range(40):
                    self.chance.choices(self.deeds(), (30, 20, 25, 5, 1, 3, 4))[0]()
            except PowerCut:
                self.cut_n += 1
            self.armed = False
            self.boot()
            self.check()

    def arm(self) -> None:
        """Let power fail some bytes from now, or in one of the next erases."""
        self.armed = True
        self.erases_left = self.chance.choice((-1, -1, 1, 2, 6))
        within = self.chance.choice((300, 5000, 60000, 400000))
        self.chip.nor.cut_at = self.chip.nor.byte_n + self.chance.randint(1, within)

    def deeds(self) -> list[Any]:
        return [self.record, self.collect, self.idle, self.collect_all, self.wipe, self.rot, self.reboot]

    def boot(self) -> None:
        """Start again; the application would read the number of its last session from the memory."""
        self.chip.nor.cut_at = 0
        self.new_store()
        self.boot_n += 1
        self.most_reads = max(self.most_reads, self.chip.read_n)
        assert self.chip.read_n < BOOT_READS, self.chip.read_n

    def reboot(self) -> None:
        armed, cut_at = self.armed, self.chip.nor.cut_at
        ring = self.store._ring
        ends, sure = (ring.tail, ring.used_n), not self.store.wiping and not self.chip.rotten
        self.boot()
        ring = self.store._ring
        assert not sure or ends == (ring.tail, ring.used_n), "the ends are found again"
        self.armed, self.chip.nor.cut_at = armed, cut_at

    def idle(self) -> None:
        for _ in range(self.chance.choice((1, 5, 1000))):
            if not self.store.turn(True):
                break

    def next_number(self) -> int:
        counted = self.memory.get("session", 0)
        ahead = self.store.used_n and (self.store.newest - counted) & 0xFFFF < 0x8000
        number = ((self.store.newest if ahead else counted) + 1) & 0xFFFF
        self.memory.set("session", number)
        return number

    def record(self) -> None:
        """Begin a session and end it, or leave it to a reset; also one that goes on with the one before."""
        chance, store = self.chance, self.store
        number = self.next_number()
        channel_n = chance.randint(2, 8)
        self.session = number
        self.pages[number] = []
        self.channel_n[number] = channel_n
        self.may_go.discard(number)
        self.headless.discard(number)
        ready_n = store.ready_n
        continues = store.unended if store.unended >= 0 else number
        if not kit.begin(store, number, channel_n, continues, self.boot_n):
            assert ready_n < 2
            self.session = -1
            return
        frame_n = chance.choice((0, 1, chance.randint(0, 30), chance.randint(0, self.longest)))
        seq = strides = 0
        for seq in range(frame_n):
            kit.keep(store, kit.samples(number, seq, channel_n, number))
            for _ in range(chance.choice((0, 0, 0, 1, 2))):
                kit.keep(store, kit.stride(number, strides))
                strides += 1
            assert not store.turn(False)
        if chance.random() < 0.8:
            assert kit.end(store, number, frame_n * records_per_frame(channel_n)), "its page was kept free"
            self.ended.add(number)
        else:
            self.reboot()
        self.session = -1

    def collect(self) -> None:
        """Collect a session, mostly the oldest that is left."""
        left = [s for s in kit.listed(self.store) if s not in self.may_go]
        if left:
            self.collect_one(left[0] if self.chance.random() < 0.7 else self.chance.choice(left))

    def collect_one(self, session: int) -> None:
        self.may_go.add(session)  # once it was begun to be marked nobody knows
        if not self.store.collect(session):
            assert self.has_rotten_head(session), "can only be marked when all before it are"
            self.may_go.discard(session)

    def collect_all(self) -> None:
        """Collect everything: then all but the sector that is being written becomes ready."""
        for session in kit.listed(self.store):
            self.collect_one(session)
        kit.settle(self.store)
        assert self.store.used_n < PAGES
        assert self.store.ready_n == self.store.page_n - self.store.used_n

    def wipe(self) -> None:
        self.may_go.update(self.pages)
        assert self.store.wipe()
        assert self.store.wiping and kit.listed(self.store) == []
        self.idle()

    def rot(self) -> None:
        page = self.chance.randrange(self.store.page_n)
        self.chip.rotten.add(page)
        self.chip.nor.rot(page * 256 + self.chance.randrange(256), self.chance.randrange(8))

    # --- what must be

    def has_rotten_head(self, session: int) -> bool:
        """Tell whether a session's first page may be unreadable: rotten, or begun and not acknowledged."""
        pages = self.pages[session]
        return not pages or session in self.headless or pages[0] in self.chip.rotten

    def check(self) -> None:
        """Every acknowledged page is there unless it may go; sessions are told apart; entries are right."""
        for page, (session, content) in self.chip.held.items():
            if session not in self.may_go and page not in self.chip.rotten:
                kit_read = bytearray(256)
                self.chip.nor.read(page * 256, kit_read)
                assert kit_read[:255] == content[:255], f"page {page} of session {session} has changed"
        sessions = kit.listed(self.store)
        assert len(set(sessions)) == len(sessions)
        there = {session for session, _ in self.chip.held.values() if session not in self.may_go}
        sound = {s for s in there if any(page not in self.chip.rotten for page in self.pages[s])}
        assert sound <= set(sessions), f"{sound - set(sessions)} not listed"
        for session in sessions:
            self.check_session(session)

    def check_session(self, session: int) -> None:
        assert session in self.pages, "a session that never was"
        store = self.store
        assert store.find(wire.WHICH_NEXT, (session - 1) & 0xFFFF)
        entry = store.entry
        assert entry.session == session
        got = kit.fetched(store, session)
        assert store.last
        assert len(got) == entry.page_n
        whole = [page for page in got if page is not None]
        known = [self.chip.held[page][1].rstrip(b"\xff") for page in self.pages[session]]
        for page in whole:
            owner = opened(page)[1]
            assert owner == session, f"a page of {owner} among those of {session}"
        if session in self.may_go:
            return
        self.check_range(session, got)
        rotten = {self.chip.held[p][1].rstrip(b"\xff") for p in self.pages[session] if p in self.chip.rotten}
        assert entry.kept == wire.KEPT_UNCOLLECTED
        mine = [page for page in whole if page in known]
        assert mine == [page for page in known if page in mine], "in order"
        assert set(known) - set(whole) <= rotten, "a page that was acknowledged is not read back"
        assert len(whole) <= len(known) + 1, "at most one that was whole, and not acknowledged"
        if not self.has_rotten_head(session):
            assert (entry.rate_hz, entry.record_n) == (200, records_per_frame(self.channel_n[session]))
            last_rotten = self.pages[session][-1] in self.chip.rotten
            if session in self.ended and not last_rotten:
                assert entry.ended == wire.ENDED_HOST

    def check_range(self, session: int, pages: list[bytes | None]) -> None:
        """Compare what a fetch of some samples gives with the pages that hold them."""
        record_n = records_per_frame(self.channel_n[session])
        first = self.chance.randint(0, record_n * len(pages))
        end = first + self.chance.randint(1, 200)
        got = kit.fetched(self.store, session, first, end)
        assert not got or any(got == pages[k : k + len(got)] for k in range(len(pages))), "all between"
        for page in pages:
            kind, _, index = opened(page) if page else (0, 0, 0)
            if kind == wire.SAMPLES and index < end and index + record_n > first:
                assert page in got, f"{first} to {end} of {session}, not {index}"
        assert len([p for p in got if p and opened(p)[0] == wire.SAMPLES]) <= (end - first) // record_n + 3


def opened(page: bytes) -> tuple[int, int, int]:
    """Give kind, session and, of samples, the first index, of a page's first frame that holds and says them."""
    for part in page.split(b"\0"):
        frame = uncobs(part) if part else b""
        if len(frame) > 6 and zlib.crc32(frame) == RESIDUE and frame[0] <= wire.PLACE:
            return frame[0], frame[1] | frame[2] << 8, int.from_bytes(frame[7:11], "little")
    raise AssertionError("no frame of a session in a page")


# Sectors, lives, cuts of each in full, longest session in frames: a thousand cuts in all.
LIVES = [(4, 4, 60, 30), (5, 4, 50, 60), (9, 4, 50, 120), (24, 3, 60, 300), (448, 2, 90, 4000)]
CASES = [(n, seed, cuts, longest) for n, lives, cuts, longest in LIVES for seed in range(lives)]


@pytest.mark.slow
@pytest.mark.parametrize(("sector_n", "seed", "cuts", "longest"), CASES)
def test_nothing_acknowledged_is_lost(sector_n: int, seed: int, cuts: int, longest: int) -> None:
    life = Life(sector_n, seed, longest)
    life.run(cuts if IN_FULL else cuts // 10)
    print(f"{sector_n} sectors: {life.cut_n} cuts, {life.boot_n} boots, at most {life.most_reads} pages read")


# --- the test itself: it notices a store that is broken


def names_nothing(self: FlashRing, sector: int) -> None:
    """Forget to say where the newest page is."""


def erases_what_is_named(self: FlashRing, sector: int) -> bool:
    """Erase the sector that the ends are found from, without naming another."""
    if self.blocked_by(sector) >= 0:
        return False
    self._partition.ioctl(6, sector)
    return True


def trusts_what_looks_blank(self: FlashRing) -> None:
    """Take the gap for blank, though nobody has looked since boot."""
    find_ends(self)
    self.ready_n = self.page_n - self.used_n


def erases_one_more(self: FlashRing) -> bool:
    """Erase the sector behind the one that may go, too."""
    done = erase_tail(self)
    if done and self.used_n >= PAGES:
        self._partition.ioctl(6, self.tail // PAGES)
    return bool(done)


def blocked_by_nothing(self: FlashRing, sector: int) -> int:
    """Take every session for collected."""
    return -1


def ready_for_all(self: FlashRing, session: int) -> bool:
    """Forget which sessions were let go."""
    return False


find_ends = FlashRing._find_ends
erase_tail = FlashRing.erase_tail
BROKEN = [
    ("_name", names_nothing),
    ("_erase", erases_what_is_named),
    ("_find_ends", trusts_what_looks_blank),
    ("erase_tail", erases_one_more),
    ("blocked_by", blocked_by_nothing),
    ("is_after_gone", ready_for_all),
]


@pytest.mark.parametrize(("name", "broken"), BROKEN, ids=[broken.__name__ for _, broken in BROKEN])
def test_a_broken_store_is_noticed(name: str, broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlashRing, name, broken)
    with pytest.raises(AssertionError):
        live_many_lives()


def live_many_lives() -> None:
    for seed in range(40):
        Life((6, 9, 250)[seed % 3], seed, 100).run(3)
