# The store of sessions on a small flash chip: what is kept is given back, what is collected makes room, and the rest is
# left alone. tests/core/test_power_cuts.py cuts its power.
import random

import micropython
from insole import wire
from insole.frame import records_per_frame
from suite import _store as kit
from suite._taker import uncobs

SECTORS = 4


def fresh(sector_n=SECTORS):
    chip = kit.Chip(sector_n)
    memory = kit.Memory()
    store = kit.Store(chip, memory)
    kit.settle(store)
    return chip, memory, store


# The frames of a page as the line carries it, each with its CRC.
def frames(page):
    return [uncobs(part) for part in page.split(b"\0") if part]


def kinds(page):
    return bytes([frame[0] for frame in frames(page)])


HEAD = bytes([wire.SESSION_HEAD, wire.IDENTITY])
SAMPLES = bytes([wire.SAMPLES])


def test_a_session_is_given_back_frame_by_frame():
    chip, memory, store = fresh()
    assert store.page_n == store.ready_n == 64 and store.used_n == 0
    kit.record(store, 5, 7)
    pages = kit.fetched(store, 5)
    assert [kinds(page) for page in pages[:8]] == [HEAD] + [SAMPLES] * 7
    assert kinds(pages[8]) == bytes([wire.PLACE, wire.STRIDE, wire.STRIDE, wire.SESSION_END])
    for seq in range(7):
        assert frames(pages[1 + seq])[0][:-4] == kit.samples(5, seq)[:-4]
    assert frames(pages[8])[2][:-4] == kit.stride(5, 1)[:-4]
    assert store.last and len(pages) == store.used_n == 9 and store.ready_n == 55
    assert kit.fetched(kit.Store(chip, memory), 5) == pages, "and after a reset"


def test_what_is_told_of_a_session():
    _, _, store = fresh()
    assert kit.begin(store, 9, 3, continues=8, boot=41)
    for seq in range(3):
        kit.keep(store, kit.samples(9, seq, 3))
    for ended in (False, True):
        if ended:
            assert kit.end(store, 9, 100, wire.ENDED_BUTTON)
        assert store.find(wire.WHICH_OLDEST, 0)
        entry = store.entry
        assert (entry.session, entry.continues, entry.boot, entry.uptime_s) == (9, 8, 41, 1041)
        assert (entry.clock_us, entry.rate_hz, entry.begun) == (77, 200, wire.BEGUN_HOST)
        assert entry.next_index == (100 if ended else 3 * records_per_frame(3))
        assert entry.page_n == (5 if ended else 4)
        assert entry.kept == (wire.KEPT_UNCOLLECTED if ended else wire.KEPT_RUNNING)
        assert entry.ended == (wire.ENDED_BUTTON if ended else wire.STORED_ENDED_INVALID)
    assert not store.find(wire.WHICH_NEXT, 9)


def test_a_device_without_a_store():
    store = kit.Store(None, kit.Memory())
    assert (store.page_n, store.used_n, store.ready_n, store.bad_n) == (0, 0, 0, 0)
    assert not kit.begin(store, 1)
    kit.keep(store, kit.samples(1, 0))
    assert store.missed_n == 0, "no loss: there was never a promise"
    assert not kit.end(store, 1, 26)
    assert not store.turn(True) and not store.collect(1) and not store.wipe()
    assert kit.listed(store) == kit.fetched(store, 1) == []


def test_sessions_are_told_apart_where_their_numbers_wrap():
    chip, memory, store = fresh()
    numbers = [65533, 65534, 65535, 0, 1]
    for number in numbers:
        kit.record(store, number, 2)
    for again in (False, True):
        if again:
            store = kit.Store(chip, memory)
        assert kit.listed(store) == numbers
        assert (store.oldest, store.newest, store.unended) == (65533, 1, -1)
        for number in numbers:
            for page in kit.fetched(store, number):
                assert frames(page)[0][1:3] == bytes([number & 255, number >> 8])
        assert not store.seek(2, 0, kit.FOREVER) and not store.seek(65532, 0, kit.FOREVER)


def test_a_number_that_is_not_newer_is_refused():
    _, _, store = fresh()
    kit.record(store, 7, 1)
    assert not kit.begin(store, 7) and not kit.begin(store, 6) and not kit.begin(store, 40000)
    kit.record(store, 8, 1)


# Records 26 a frame: page k of the session holds 26 * (k - 1) and on, but for the small one.
def test_a_range_of_samples():
    _, _, store = fresh()
    kit.record(store, 1, 2)
    kit.record(store, 2, 20)
    kit.record(store, 3, 2)
    whole = kit.fetched(store, 2)
    small = [k for k in range(len(whole)) if kinds(whole[k])[0] == wire.PLACE]
    assert small == [19, 22]
    for first, end, begin, behind in (
        (1, 26, 1, 2), (25, 26, 1, 2), (26, 27, 2, 3), (27, 53, 2, 4), (51, 52, 2, 3), (0, 1, 0, 2), (0, 27, 0, 3),
        (467, 468, 18, 19), (468, 470, 19, 21), (500, 600, 21, 23), (519, kit.FOREVER, 21, 23), (700, 800, 22, 23),
    ):  # fmt: skip
        assert kit.fetched(store, 2, first, end) == whole[begin:behind], (first, end)
        assert store.last == (behind == 23), (first, end)
    assert kit.fetched(store, 2, 60, 20) == []


def test_collected_sessions_make_room_and_the_others_stay():
    chip, memory, store = fresh()
    for number in (1, 2, 3):
        kit.record(store, number, 14)  # 16 pages, the strides among them
    assert store.used_n == 48
    assert store.collect(2) and store.collect(2)
    assert kit.settle(store) == 0, "the oldest stands before it"
    assert store.collect(1)
    store.find(wire.WHICH_OLDEST, 0)
    assert (store.entry.session, store.entry.kept) == (1, wire.KEPT_COLLECTED)
    assert kit.settle(store)
    assert (store.used_n, store.ready_n, store.oldest) == (16, 48, 3)
    assert chip.nor.erase_n == 2
    assert kit.listed(kit.Store(chip, memory)) == [3]
    assert not store.collect(1) and not store.collect(4)


def test_a_running_session_is_not_collected_and_nothing_is_erased_meanwhile():
    chip, _, store = fresh()
    kit.record(store, 1, 14)
    assert store.collect(1)
    assert kit.begin(store, 2)
    assert not store.turn(True) and not store.turn(False) and not store.collect(2) and not store.wipe()
    assert chip.nor.erase_n == 0
    assert kit.end(store, 2, 0)
    assert not store.turn(False)
    assert store.turn(True)


def test_when_it_is_full_frames_are_counted_and_the_end_is_written():
    chip, memory, store = fresh()
    assert kit.begin(store, 1)
    for seq in range(70):
        kit.keep(store, kit.samples(1, seq))
        kit.keep(store, kit.stride(1, seq))
    pages = store.used_n
    assert pages == 63 and store.missed_n > 20
    assert kit.end(store, 1, 70 * 26)
    assert (store.used_n, store.ready_n) == (64, 0)
    stored = b"".join([kinds(page) for page in kit.fetched(store, 1)])
    there = stored.count(SAMPLES) + stored.count(bytes([wire.STRIDE]))
    assert there + store.missed_n == 140
    assert stored[-1] == wire.SESSION_END
    assert not kit.begin(store, 2)
    kit.keep(store, kit.samples(2, 0))
    kit.keep(store, kit.mark(2, 0, 3))
    assert store.missed_n == 2
    store = kit.Store(chip, memory)
    assert (store.used_n, store.newest, store.unended) == (64, 1, -1)
    assert store.collect(1)
    kit.settle(store)
    assert (store.used_n, store.ready_n) == (0, 64)
    kit.record(store, 2, 3)


def test_a_session_that_was_cut_short():
    chip, memory, store = fresh()
    kit.record(store, 3, 5, ended=False)
    assert store.unended == 3
    store = kit.Store(chip, memory)
    assert (store.unended, store.newest, store.running) == (3, 3, False)
    assert store.ready_n == 0, "nothing that was not looked at since"
    kit.settle(store)
    assert kit.begin(store, 4, continues=3)
    assert kit.end(store, 4, 0)
    assert kit.Store(chip, memory).unended == -1


def test_wiping_forgets_at_once_and_erases_in_the_background():
    for frame_n in (3, 30, 55):
        chip, memory, store = fresh()
        kit.record(store, 1, frame_n)
        assert store.wipe() and store.wiping
        assert kit.listed(store) == [] and store.used_n == 0 and not store.seek(1, 0, 9)
        assert store.turn(True)
        store = kit.Store(chip, memory)  # a reset on the way
        for number in kit.listed(store):
            assert store.find(wire.WHICH_NEXT, number - 1) and store.entry.kept == wire.KEPT_COLLECTED
        kit.settle(store)
        assert not store.wiping and store.unended == -1
        assert store.wipe()
        kit.settle(store)
        assert store.ready_n == 64
        kit.record(store, 2, 40)


def test_what_a_torn_erase_leaves_is_erased_before_it_is_written():
    random.seed(4)
    chip, memory, store = fresh()
    page = bytearray(random.getrandbits(8) for _ in range(256))
    for place in (20, 37, 63):
        chip.nor.program(place * 256, page)
    store = kit.Store(chip, memory)
    kit.settle(store)
    assert store.ready_n == 64 and chip.nor.erase_n == 3
    kit.record(store, 1, 40)
    assert len(kit.fetched(store, 1)) == store.used_n and store.bad_n == 0


def test_a_page_that_has_rotted_is_left_out():
    chip, memory, store = fresh()
    kit.record(store, 1, 20)
    chip.nor.rot(5 * 256 + 30, 3)
    pages = kit.fetched(store, 1)
    assert pages[5] is None and None not in pages[:5] + pages[6:] and store.bad_n == 1
    assert kit.listed(kit.Store(chip, memory)) == [1]


# Nothing but the chip, which is not part of it, may allocate.
class Locked(kit.Chip):
    locked = False

    def readblocks(self, block_num, buf, offset=0):
        self.unlock()
        kit.Chip.readblocks(self, block_num, buf, offset)
        self.lock()

    def writeblocks(self, block_num, buf, offset):
        self.unlock()
        kit.Chip.writeblocks(self, block_num, buf, offset)
        self.lock()

    def lock(self):
        if self.locked:
            micropython.heap_lock()

    def unlock(self):
        if self.locked:
            micropython.heap_unlock()


def test_a_session_allocates_nothing():
    chip = Locked(SECTORS)
    store = kit.Store(chip, kit.Memory())
    kit.settle(store)
    kit.begin(store, 1)
    frames = [kit.samples(1, 0), kit.stride(1, 0), kit.mark(1, 0, 5), kit.session_end(1, 90)]
    n = 0
    chip.locked = True
    chip.lock()
    for _ in range(60):
        store.keep(frames[0], len(frames[0]))
        store.keep(frames[1], len(frames[1]))
        store.keep(frames[2], len(frames[2]))
        store.turn(False)
    store.end(frames[3], len(frames[3]))
    store.seek(1, 0, 0x3FFFFFFF)
    while store.read_next(kit.BUF):
        n += 1
    chip.unlock()
    chip.locked = False
    assert n == store.used_n == 64 and store.missed_n > 10
