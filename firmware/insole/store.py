# The sessions in the device's flash: kept while they run, listed, read again, and erased when a host has them. Called
# by the app from the main loop. `keep`, `end`, `turn(False)` and `read_next` allocate nothing.
#
# What a page holds are frames as the line carries them, the rest all ones:
#   the first of a session   session_head and identity; its last byte becomes 0 when a host has collected the session
#   a samples page           one samples frame
#   a small page             `place`, then strides, marks and session_end, as many as fit
# A small page gets the place of the samples frame that is being filled when it is written, so that keys never decrease
# (see flash). A page is written at once; one that a power cut tears is the last of its session. The last page that is
# ready is kept for session_end, and one more while small frames wait.
# Nothing is erased but by turn(True), which the app calls while no samples are taken: at most one sector a call, about
# 45 ms, 400 ms on an old chip. First the gap is looked at, then sectors of collected sessions go, from the oldest on.
from array import array
from struct import pack_into

from micropython import const

from . import wire
from .catalog import Catalog
from .fixed import seal
from .flash import FlashRing, newer_by, number
from .frame import records_per_frame

# WORDS of the maps, written by firmware/make_plain.py
_QUEUE_USED = const(0)
# end of WORDS

_PAGE_BYTES = const(256)
_SECTOR_PAGES = const(16)
_SMALL_AT = const(13)  # behind `place`, as it stands on the line
_COLLECTED_AT = const(255)
_CHANNEL_N_AT = const(19)  # in session_head
_BLANK = b"\xff" * 256
_COLLECTED = b"\0"


# Frames put together for a page: it is to `seal` what a queue is.
class Page:
    def __init__(self):
        self.bytes = bytearray(_PAGE_BYTES)
        self._marks = array("i", [0, 0, _PAGE_BYTES])

    # All blank; the next frame goes to `at`.
    def clear(self, at):
        pack_into("256s", self.bytes, 0, _BLANK)
        self._marks[_QUEUE_USED] = at

    # The frame raw[0:n], 4 bytes of it for its CRC, behind those before; False when it does not fit.
    def add(self, raw, n):
        return bool(seal(n, raw, self._marks, self.bytes, 0))

    # Where room was left for it.
    def add_first(self, raw, n):
        self._marks[_QUEUE_USED] = 0
        seal(n, raw, self._marks, self.bytes, 0)


# What stands for the partition of a device that has none: no page of it is ever ready.
class Nothing:
    def ioctl(self, op, argument):
        return 0


class Store:
    # partition: an esp32.Partition, None: this device has no store. Then nothing is kept, and that is no loss that
    # counts. memory: get(key, default) and set(key, value), over a reset.
    def __init__(self, partition, memory):
        self.running = False  # a session that is stored
        self.missed_n = 0  # frames of this session that found no room
        self.newest = self.oldest = 0
        self.unended = -1  # the newest session, when it was cut short
        self.wiping = False
        self._session = self._index = self._record_n = 0
        self._waiting_n = 0  # small frames, for more of them
        self._stuck = False  # nothing may be erased, until something changes
        self._ring = FlashRing(partition or Nothing(), memory)
        self._catalog = Catalog(self._ring)
        self.entry = self._catalog.entry
        self.page_n = self._ring.page_n
        self._page = Page()
        self._small = Page()
        self._place = bytearray(wire.PLACE_BYTES)
        self._look_around()

    def _look_around(self):
        catalog = self._catalog
        newest = catalog.newest()
        if newest >= 0:
            self.newest = newest
            if not catalog.ends() and not catalog.is_collected(newest):
                self.unended = newest
        self._find_oldest()

    def _find_oldest(self):
        oldest = self._catalog.oldest()
        self.oldest = oldest if oldest >= 0 else self.newest

    @property
    def used_n(self):
        return self._ring.used_n

    @property
    def ready_n(self):
        return self._ring.ready_n

    # Pages since boot that could not be written, or not be read when they were wanted.
    @property
    def bad_n(self):
        return self._ring.bad_n

    # --- a session, as it runs

    # Its first page, from the frames raw[0:n] and identity[0:m]; no samples are taken yet. False when it is not stored:
    # there is no room, or its number is not newer than what is there.
    def begin(self, session, raw, n, identity, m):
        ring = self._ring
        self.missed_n = self._waiting_n = self._index = 0
        self.running = False
        if ring.ready_n < 2 or (ring.used_n and newer_by(session, self.newest) <= 0):
            return False
        if not ring.is_after_gone(session):  # the numbers have begun anew
            ring.let_go((session - 1) & 0xFFFF)
        page = self._page
        page.clear(0)
        page.add(raw, n)
        page.add(identity, m)
        if not ring.append(page.bytes):
            return False
        ring.name_newest()
        if ring.used_n == 1:
            self.oldest = session
        self._session = self.newest = self.unended = session
        self._record_n = records_per_frame(raw[_CHANNEL_N_AT])
        self.running = True
        self._stuck = False
        return True

    # A samples, stride or mark frame raw[0:n], 4 bytes of it for its CRC; others are not stored. A samples frame, and a
    # small one that does not fit the page that waits, writes a page: about a millisecond.
    def keep(self, raw, n):
        if raw[0] == wire.SAMPLES:
            kept = self.running and self._keep_samples(raw, n)
        elif raw[0] == wire.STRIDE or raw[0] == wire.MARK:
            kept = self.running and self._keep_small(raw, n)
        else:
            return
        if not kept and self.page_n:
            self.missed_n += 1

    def _keep_samples(self, raw, n):
        if self._ring.ready_n <= (2 if self._waiting_n else 1):
            return False
        page = self._page
        page.clear(0)
        page.add(raw, n)
        self._index = number(raw, 7) + self._record_n
        return self._ring.append(page.bytes)

    def _keep_small(self, raw, n):
        if not self._waiting_n or not self._small.add(raw, n):
            self._write_small()
            if self._ring.ready_n < 2:
                return False
            self._small.clear(_SMALL_AT)
            self._small.add(raw, n)
        self._waiting_n += 1
        return True

    # True when there was nothing to write, too.
    def _write_small(self):
        n = self._waiting_n
        self._waiting_n = 0
        if not n:
            return True
        pack_into(wire.PLACE_FORMAT, self._place, 0, wire.PLACE, self._session, self._index)
        self._small.add_first(self._place, wire.PLACE_BYTES)
        if self._ring.append(self._small.bytes):
            return True
        self.missed_n += n
        return False

    # The session_end frame raw[0:n], behind the small frames that wait. True when it is written.
    def end(self, raw, n):
        if not self.running:
            return False
        if not self._waiting_n or not self._small.add(raw, n):
            self._write_small()
            self._small.clear(_SMALL_AT)
            self._small.add(raw, n)
        self._waiting_n += 1
        self.running = False
        if not self._write_small():
            return False
        self.unended = -1
        return True

    # --- the work between sessions

    # A step of it, at most one erase; nothing unless idle, nor while a session is stored. True when there was one.
    def turn(self, idle):
        may_erase = idle and not self.running
        if self._ring.check(may_erase):
            return may_erase
        if not may_erase:
            return False
        self.wiping = False
        if self._stuck:
            return False
        self._stuck = not self._free_tail()
        return not self._stuck

    # False when the oldest sector holds what no host has collected.
    def _free_tail(self):
        ring = self._ring
        if ring.used_n < _SECTOR_PAGES:
            return False
        session = ring.blocked_by(ring.tail // _SECTOR_PAGES)
        if session >= 0:
            if not self._catalog.is_collected(session):
                return False
            ring.let_go(session)
        elif not ring.erase_tail():
            return False
        else:
            self._find_oldest()
        return True

    # Mark a session as collected: it may be erased. False when it is not stored, or runs, or cannot be marked yet.
    def collect(self, session):
        if self._runs(session) or not self._catalog.locate(session):
            return False
        self._stuck = False
        if self._catalog.is_collected(session):
            return True
        page = self._catalog.head_page(session)
        if page >= 0:
            return self._ring.overwrite(page, _COLLECTED, _COLLECTED_AT)
        return self._collect_without_head(session)

    # Stored, and not collected yet, but its first page cannot be read.
    def is_headless(self, session):
        catalog = self._catalog
        return catalog.locate(session) and not catalog.is_collected(session) and catalog.head_page(session) < 0

    # There is no place for its mark, so only once all before it are collected.
    def _collect_without_head(self, session):
        catalog = self._catalog
        before = catalog.oldest()
        while before >= 0 and newer_by(before, session) < 0:
            if not catalog.is_collected(before):
                return False
            before = catalog.following(before)
        self._ring.let_go(session)
        return True

    # Forget everything: all that is stored counts as collected, and turn(True) erases it. False while a session is
    # stored.
    def wipe(self):
        if self.running or not self.page_n:
            return False
        if self._ring.used_n:
            self._ring.let_go(self.newest)
        self._ring.drop_all()
        self._catalog.stop()
        self.oldest = self.newest
        self.unended = -1
        self.wiping = True
        self._stuck = False
        return True

    # --- what is stored

    # The oldest session, or the first after the given one, into `entry`; False when there is none.
    def find(self, which, session):
        catalog = self._catalog
        found = catalog.oldest() if which == wire.WHICH_OLDEST else catalog.following(session)
        if found < 0 or not catalog.enter(found):
            return False
        if self._runs(found):
            self.entry.kept = wire.KEPT_RUNNING
        return True

    # Prepare reading the pages of a session that hold samples first to end - 1, with all between; first 0: from its
    # first page on. False when it is not stored.
    def seek(self, session, first, end):
        return self._catalog.seek(session, first, end)

    # The next of these pages into buf, 256 bytes: how many of them are frames; 0: there are no more; -1: it cannot be
    # read.
    def read_next(self, buf):
        return self._catalog.read_next(buf)

    # Nothing of the session lies behind what was sought.
    @property
    def last(self):
        return self._catalog.last

    def _runs(self, session):
        return self.running and session == self._session
