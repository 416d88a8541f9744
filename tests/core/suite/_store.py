# A store on a flash chip of its own, and frames for it.
import sys
from struct import pack_into

import nor
from insole import wire
from insole.frame import record_bytes, records_per_frame
from insole.store import Store  # noqa: F401 - for those who use this

FOREVER = 0x3FFFFFFF
IDENTITY = bytearray(wire.IDENTITY_BYTES)
IDENTITY[0] = wire.IDENTITY
BUF = bytearray(256)


# What survives a reset. A power cut may come before or behind each write, never within.
class Memory:
    def __init__(self):
        self.kept = {}

    def get(self, key, default):
        return self.kept.get(key, default)

    def set(self, key, value):
        self.kept[key] = value


# Blank flash of n bytes: one at a time where there is little memory, and on the RV32 machine beside its heap.
def blank(n):
    if sys.implementation.name == "cpython":
        return nor.InMemory(bytearray(b"\xff" * n), n)
    if n not in ROOMS:
        ROOMS[n] = nor.InMemory(room(n), n)
    ROOMS[n].blank(0, n)
    return ROOMS[n]


ROOMS = {}


def room(n):
    if sys.platform in ("linux", "darwin"):
        return bytearray(n)
    import uctypes

    return uctypes.bytearray_at(0x84000000, n)


# The chip as an esp32.Partition, which counts what is read.
class Chip:
    def __init__(self, sector_n):
        self.nor = nor.Nor(blank(sector_n * nor.SECTOR_BYTES))
        self.read_n = 0

    def readblocks(self, block_num, buf, offset=0):
        self.read_n += 1
        self.nor.read(block_num * nor.SECTOR_BYTES + offset, buf)

    def writeblocks(self, block_num, buf, offset):
        self.nor.program(block_num * nor.SECTOR_BYTES + offset, buf)

    def ioctl(self, op, arg):
        if op == 6:
            self.nor.erase(arg)
        return self.nor.sector_n


def head(session, channel_n=6, continues=-1, boot=3):
    raw = bytearray(wire.SESSION_HEAD_BYTES)
    continues = session if continues < 0 else continues
    fields = (session, continues, boot, 1000 + boot, 77, 200, channel_n, wire.BEGUN_HOST)
    pack_into(wire.SESSION_HEAD_FORMAT, raw, 0, wire.SESSION_HEAD, *fields)
    return raw


def begin(store, session, channel_n=6, continues=-1, boot=3):
    raw = head(session, channel_n, continues, boot)
    return store.begin(session, raw, len(raw), IDENTITY, len(IDENTITY))


def samples(session, seq, channel_n=6, fill=0):
    record_n = records_per_frame(channel_n)
    raw = bytearray(wire.SAMPLES_BYTES + record_n * record_bytes(channel_n))
    pack_into("<BHIII", raw, 0, wire.SAMPLES, session, seq, seq * record_n, 99)
    for k in range(15, len(raw) - 4):
        raw[k] = (fill + k * seq) & 0xFF
    return raw


def stride(session, seq):
    raw = bytearray(wire.STRIDE_BYTES)
    pack_into("<BHI", raw, 0, wire.STRIDE, session, seq)
    return raw


def mark(session, seq, index):
    raw = bytearray(wire.MARK_BYTES)
    pack_into(wire.MARK_FORMAT, raw, 0, wire.MARK, session, seq, index, 5)
    return raw


def session_end(session, next_index, ended=wire.ENDED_HOST):
    raw = bytearray(wire.SESSION_END_BYTES)
    pack_into(wire.SESSION_END_FORMAT, raw, 0, wire.SESSION_END, session, next_index, 0, 0, 0, 0, 0, ended)
    return raw


def keep(store, raw):
    store.keep(raw, len(raw))


def end(store, session, next_index, ended=wire.ENDED_HOST):
    raw = session_end(session, next_index, ended)
    return store.end(raw, len(raw))


def settle(store):
    n = 0
    while store.turn(True):
        n += 1
    return n


# A whole session of so many samples frames, with a stride after every third one.
def record(store, session, frame_n, channel_n=6, ended=True):
    assert begin(store, session, channel_n)
    for seq in range(frame_n):
        keep(store, samples(session, seq, channel_n))
        if seq % 3 == 2:
            keep(store, stride(session, seq // 3))
    if ended:
        assert end(store, session, frame_n * records_per_frame(channel_n))


# The numbers of the sessions in the store.
def listed(store):
    found = []
    more = store.find(wire.WHICH_OLDEST, 0)
    while more:
        found.append(store.entry.session)
        more = store.find(wire.WHICH_NEXT, store.entry.session)
    return found


# What the store gives of a session, page by page; None for one that cannot be read.
def fetched(store, session, first=0, end=FOREVER):
    pages = []
    if not store.seek(session, first, end):
        return pages
    while True:
        n = store.read_next(BUF)
        if not n:
            return pages
        pages.append(bytes(BUF[:n]) if n > 0 else None)
