# What the store stands on: the kernels that look at its pages, against their plain twin, and the model of its flash.
import random
import sys
from array import array

import nor
from insole import fixed, hot_plain

SEED = 20261122


def random_bytes(n):
    return bytearray(random.getrandbits(8) for _ in range(n))


# A frame as it stands in a page, sealed, and its bytes with the CRC.
def sealed(frame, at=0):
    raw = bytearray(frame) + bytearray(4)
    page = bytearray(b"\xff" * 512)
    marks = array("i", [at, 0, 256])
    assert fixed.seal(len(raw), raw, marks, page, 0)
    return page[:256], raw


def opened(room, page, at):
    out = bytearray(256)
    n = room.unstuff(page, at, out)
    return out[:n]


def frames():
    for n in (0, 1, 2, 249, 250):
        yield bytearray(n)
        yield bytearray(b"\xff" * n)
        yield bytearray(b"\x01" * n)
    for _ in range(40):
        yield random_bytes(random.randint(0, 250))
        yield bytearray(random.getrandbits(1) for _ in range(random.randint(0, 250)))


def test_what_was_sealed_is_opened():
    random.seed(SEED)
    for frame in frames():
        at = random.randint(0, 256 - len(frame) - 6)
        page, raw = sealed(frame, at)
        assert opened(fixed, page, at) == opened(hot_plain, page, at) == raw, (at, frame)


def test_a_damaged_frame_is_not_opened():
    random.seed(SEED)
    for frame in frames():
        page, raw = sealed(frame)
        for _ in range(3):
            damaged = bytearray(page)
            damaged[random.randint(0, len(raw))] ^= 1 << random.randint(0, 7)
            assert opened(fixed, damaged, 0) == opened(hot_plain, damaged, 0) == b""
        cut = bytearray(page)
        for k in range(random.randint(0, len(raw)), 256):
            cut[k] = 0xFF
        assert opened(fixed, cut, 0) == opened(hot_plain, cut, 0) == b""


def test_no_bytes_lead_out_of_the_page():
    random.seed(SEED)
    for fill in (0, 1, 2, 0x7F, 0xFE, 0xFF, None):
        for at in (0, 1, 100, 254, 255):
            page = random_bytes(256) if fill is None else bytearray([fill] * 256)
            native, plain = bytearray(b"\xa5" * 260), bytearray(b"\xa5" * 260)
            assert fixed.unstuff(page, at, native) == hot_plain.unstuff(page, at, plain) == 0
            assert native == plain and native[256:] == b"\xa5" * 4


def test_blank_is_all_ones():
    for room in (fixed, hot_plain):
        page = bytearray(b"\xff" * 256)
        assert room.is_blank(page, 256) == 1
        for at in (0, 1, 2, 3, 100, 255):
            for bit in (0, 7):
                page[at] ^= 1 << bit
                assert room.is_blank(page, 256) == 0, (at, bit)
                page[at] = 0xFF


# --- the chip


def chip(rest=None):
    return nor.Nor(nor.InMemory(bytearray(b"\xff" * 8192), 8192), rest)


def content(flash, at, n):
    out = bytearray(n)
    flash.read(at, out)
    return out


def test_programming_only_clears_bits_and_erasing_sets_a_whole_sector():
    passed = []
    flash = chip(passed.append)
    flash.program(4096 + 10, b"\xf0\x0f")
    flash.program(4096 + 10, b"\x3c\xff")
    assert content(flash, 4096 + 9, 4) == b"\xff\x30\x0f\xff"
    flash.program(4095, b"\x00\x00")
    flash.erase(1)
    assert content(flash, 4094, 4) == b"\xff\x00\xff\xff"
    assert content(flash, 4096, 4096) == b"\xff" * 4096
    assert [us for us in passed if us != flash.read_us] == [1000, 1000, 1000, 45000]
    assert passed.count(flash.read_us) >= 1


def test_an_old_chip_is_slow_now_and_then():
    passed = []
    flash = chip(passed.append)
    flash.slow_every = 3
    for _ in range(6):
        flash.erase(0)
    assert passed == [45000, 45000, 400000] * 2


# How the machine ends when it does this.
def ends_with(do, *arguments):
    code = None
    try:
        do(*arguments)
    except SystemExit as end:
        code = end.args[0]
    return code


def test_power_fails_at_the_byte_that_was_said():
    random.seed(SEED)
    for cut_at in (1, 2, 255, 256, 257, 300, 511, 512):
        flash = chip()
        flash.cut_at = cut_at
        data = bytes(512)
        assert ends_with(flash.program, 0, data) == 3
        got = content(flash, 0, 512)
        assert got[: cut_at - 1] == bytes(cut_at - 1)
        assert got[cut_at:] == b"\xff" * (512 - cut_at), "nothing behind it"
    flash = chip()
    flash.cut_at = 513
    flash.program(0, data)
    assert content(flash, 0, 513) == data + b"\xff"


def test_an_erase_that_is_cut_short_leaves_anything_in_its_sector_and_nothing_elsewhere():
    random.seed(SEED)
    kinds = set()
    for _ in range(12):
        flash = chip()
        flash.program(0, bytes(8192))
        flash.cut_at = 8192 + 2000
        assert ends_with(flash.erase, 1) == 3
        assert content(flash, 0, 4096) == bytes(4096)
        kinds.add(bytes(content(flash, 4096, 16)) + bytes(content(flash, 8176, 16)))
    assert len(kinds) > 4


def test_the_stand_in_partition():
    from esp32 import Partition
    from world import world

    kept = world.settings
    try:
        world.settings = {}
        assert Partition.find(Partition.TYPE_DATA, label="sessions") == []
        world.settings = where()
        assert Partition.find(Partition.TYPE_DATA, label="vfs") == [] == Partition.find()
        part = Partition.find(Partition.TYPE_DATA, label="sessions")[0]
        assert (part.ioctl(4, 0), part.ioctl(5, 0)) == (3, 4096)
        assert part.ioctl(6, 2) == 0
        part.writeblocks(2, b"\x12\x34", 100)
        buf = bytearray(4)
        part.readblocks(2, buf, 99)
        assert buf == b"\xff\x12\x34\xff"
        Partition._of.clear()
        again = Partition.find(Partition.TYPE_DATA, 0xFF, label="sessions")[0]
        again.readblocks(2, buf, 99)
        assert buf == b"\xff\x12\x34\xff", "what was written stays"
    finally:
        world.settings = kept
        Partition._of.clear()


# A file; or memory that is zero at first, where the only file system is in memory, too.
def where():
    if sys.platform in ("linux", "darwin"):
        return {"store": "chips.flash", "store_kb": 12}
    return {"store_addr": 0x84000000, "store_kb": 12}
