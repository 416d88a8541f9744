# The ring of pages that the session store writes, on the flash partition of its own. It knows keys, not sessions; used
# by `store` alone. It imports nothing of the chip: whoever makes it hands over the partition and what survives a reset.
#
# A partition is sectors of 4096 bytes, which are erased as a whole, each of 16 pages, which are written once. The ring
# is written in order, page after page and round again:
#   data    used_n pages from `tail`, which is the first page of a sector, to before `head`; keys never decrease
#   gap     the rest; of it the first ready_n pages were looked at since boot and are blank. Only those are written
# A page that a power cut tore, or that has rotted, has no key and stays where it is, as a part of the data. In the gap
# such a page is what an erase left that was cut short: its sector is erased, again.
# The key of a page is (session, index), from its first frame. Sessions are 16 bits in serial arithmetic: of two, the
# newer one is less than half way round from the older.
# Two numbers are kept beside, in `memory`. `store_at` is a sector; the ends of the ring are found from it by halving.
# It is that of the newest page when it was written, and is written anew before that sector is erased: so where it is
# blank the ring is empty and begins there. `store_gone` is a session: it and all older ones may be erased. Nothing is
# ever erased that holds a readable page of a newer one, wherever the ends were thought to be.
# Reading and writing do not allocate.
from micropython import const

from . import wire
from .fixed import is_blank, unstuff

_PAGE_BYTES = const(256)
_SECTOR_PAGES = const(16)
_SECTOR_COUNT = const(4)  # ioctl
_ERASE = const(6)
_LARGEST_INDEX = const(0x3FFFFFFF)


# How far session b is behind a, -32768 to 32767.
def newer_by(a, b):
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


# The little-endian 32 bits at frame[at], as a small int: what is larger becomes the largest.
def number(frame, at):
    if frame[at + 3] & 0xC0:
        return _LARGEST_INDEX
    return frame[at] | frame[at + 1] << 8 | frame[at + 2] << 16 | frame[at + 3] << 24


class FlashRing:
    def __init__(self, partition, memory):
        self._partition = partition
        self._memory = memory
        self.sector_n = partition.ioctl(_SECTOR_COUNT, 0)
        self.page_n = self.sector_n * _SECTOR_PAGES
        self.page = bytearray(_PAGE_BYTES)  # the page looked at last
        self.frame = bytearray(_PAGE_BYTES)  # the frame opened last, and its bytes
        self.frame_n = 0
        self.kind = self.session = self.index = 0  # of the page looked at last, where it has a key
        self.tail = self.used_n = self.ready_n = self.bad_n = 0
        self.gone = memory.get("store_gone", -1)
        self._hint = memory.get("store_at", -1)
        self._searched = False  # all of it, since boot
        self._rubbish_ahead = False  # the next sector of the gap was seen not to be blank
        if self.sector_n:
            self._find_ends()

    # Of a place in the data, counted from its tail, the page.
    def page_at(self, place):
        page = self.tail + place
        return page - self.page_n if page >= self.page_n else page

    @property
    def head(self):
        return self.page_at(self.used_n)

    def is_after_gone(self, session):
        return self.gone < 0 or newer_by(session, self.gone) > 0

    # --- reading

    def read(self, page, into):
        self._partition.readblocks(page // _SECTOR_PAGES, into, page % _SECTOR_PAGES * _PAGE_BYTES)

    # True when the page has a key: then kind, session and index are its, and its first frame is in `frame`.
    def look(self, page):
        self.read(page, self.page)
        self.frame_n = unstuff(self.page, 0, self.frame)
        if not self.frame_n:
            return False
        frame = self.frame
        self.kind = frame[0]
        if self.kind == wire.SAMPLES:
            self.index = number(frame, 7)
        elif self.kind == wire.PLACE:
            self.index = number(frame, 3)
        elif self.kind == wire.SESSION_HEAD:
            self.index = 0
        else:
            return False
        self.session = frame[1] | frame[2] << 8
        return True

    # Whether the key of the page looked at last is before this one.
    def is_before(self, session, index):
        by = newer_by(self.session, session)
        return by < 0 or (by == 0 and self.index < index)

    # The first place in the data from which on no key is before this one; used_n when there is none.
    def search(self, session, index):
        low = 0
        high = self.used_n
        while low < high:
            middle = (low + high) >> 1
            place = middle
            while place < high and not self.look(self.page_at(place)):
                place += 1
            if place < high and self.is_before(session, index):
                low = place + 1
            else:
                high = middle
        return low

    # --- writing

    # Write a page behind the data; False when none is ready, or the flash refused.
    def append(self, content):
        if not self.ready_n:
            return False
        page = self.head
        self.used_n += 1
        self.ready_n -= 1
        return self._program(page, content, 0)

    # Clear bytes of a page that is written.
    def overwrite(self, page, content, at):
        return self._program(page, content, at)

    def _program(self, page, content, at):
        try:
            self._partition.writeblocks(page // _SECTOR_PAGES, content, page % _SECTOR_PAGES * _PAGE_BYTES + at)
        except OSError:
            self.bad_n += 1
            return False
        return True

    # Remember where the newest page is.
    def name_newest(self):
        self._name((self.page_at(self.used_n - 1) if self.used_n else self.head) // _SECTOR_PAGES)

    def _name(self, sector):
        if self._hint != sector:
            self._hint = sector
            self._memory.set("store_at", sector)

    # From now on this session and all older ones may be erased.
    def let_go(self, session):
        self.gone = session
        self._memory.set("store_gone", session)

    # --- erasing, one sector at a time. Never while sampling: it stops everything for tens of milliseconds.

    # Look at the rest of the next sector of the gap; erase it unless it is blank. False when all has been seen.
    def check(self, may_erase):
        if self.ready_n >= self.page_n - self.used_n or (self._rubbish_ahead and not may_erase):
            return False
        self._rubbish_ahead = False
        page = self.page_at(self.used_n + self.ready_n)
        first = page % _SECTOR_PAGES
        blank = self._last_written(page // _SECTOR_PAGES, first) + 1
        if first:  # behind data in the same sector: what is not blank counts as that
            self.used_n += blank - first
        elif blank and not may_erase:
            self._rubbish_ahead = True
            return False
        elif blank and not self._erase(page // _SECTOR_PAGES):
            return self._search_all()
        self.ready_n += _SECTOR_PAGES - (blank if first else 0)
        return True

    # Erase the data's first sector. False when there is no whole one, or something in it may not be erased.
    def erase_tail(self):
        all_ready = self.ready_n == self.page_n - self.used_n
        if self.used_n < _SECTOR_PAGES or not self._erase(self.tail // _SECTOR_PAGES):
            return False
        self.tail = self.page_at(_SECTOR_PAGES)
        self.used_n -= _SECTOR_PAGES
        if all_ready:
            self.ready_n += _SECTOR_PAGES
        return True

    # All that is stored becomes gap; the ring begins anew in a sector of its own.
    def drop_all(self):
        fresh = self._sector_behind(self.head)
        rest_n = -self.head % _SECTOR_PAGES
        free = self.page_n - self.used_n - rest_n > 0
        if not free:  # what is there goes first, and the newest page last
            self.name_newest()
        self.tail = fresh * _SECTOR_PAGES
        self.used_n = self.ready_n = 0
        if free:
            self._name(fresh)

    # The oldest session with a page in this sector that may not be erased, -1 when there is none.
    def blocked_by(self, sector):
        for page in range(sector * _SECTOR_PAGES, (sector + 1) * _SECTOR_PAGES):
            session = self._owner(page)
            if session >= 0 and self.is_after_gone(session):
                return session
        return -1

    # The session of a page, even where only a frame in its middle can be read; -1 when there is none.
    def _owner(self, page):
        if self.look(page):
            return self.session
        at = 0
        while at < _PAGE_BYTES - 4 and not is_blank(self.page, _PAGE_BYTES):
            if unstuff(self.page, at, self.frame) and self.frame[0] <= wire.PLACE:
                return self.frame[1] | self.frame[2] << 8
            at = self.behind_zero(self.page, at)
        return -1

    # Where the next frame of a page may begin.
    def behind_zero(self, page, at):
        while at < _PAGE_BYTES and page[at]:
            at += 1
        return at + 1

    def _erase(self, sector):
        if self.blocked_by(sector) >= 0:
            return False
        if sector == self._hint and sector != self.head // _SECTOR_PAGES:
            last = self.page_at(self.used_n - 1) // _SECTOR_PAGES if self.used_n else sector
            self._name(last if last != sector else self.head // _SECTOR_PAGES)
        try:
            self._partition.ioctl(_ERASE, sector)
        except OSError:
            self.bad_n += 1
            return False
        return True

    # --- finding the ends

    def _find_ends(self):
        head = self._head_from(self._hint)
        if head < 0:
            self._search_all()
        else:
            self._find_tail(head, False)

    # Look at every sector. False when that has been done since boot, and so would change nothing.
    def _search_all(self):
        if self._searched:
            return False
        self._searched = True
        self._find_tail(self._head_anywhere(), True)
        self.name_newest()
        return True

    # Where the data ends, from a sector with the newest page of some time past; -1 when that makes no sense.
    def _head_from(self, sector):
        if not 0 <= sector < self.sector_n:
            return -1
        if not self._has_key(sector):  # the ring was empty
            return sector * _SECTOR_PAGES
        session, index = self.session, self.index
        low = 0
        high = self.sector_n
        while high - low > 1:
            middle = (low + high) >> 1
            if self._has_key(self._behind(sector, middle)) and not self.is_before(session, index):
                low = middle
            else:
                high = middle
        return self._end_of(self._behind(sector, low))

    def _head_anywhere(self):
        newest = -1
        session = index = 0
        for sector in range(self.sector_n):
            if self._has_key(sector) and (newest < 0 or not self.is_before(session, index)):
                newest = sector
                session = self.session
                index = self.index
        return self._end_of(newest) if newest >= 0 else 0

    # Behind the head comes the gap, then the tail: the first sector with a key, sought one by one or by halving.
    def _find_tail(self, head, one_by_one):
        gap = self._sector_behind(head)
        low = 0
        high = self.sector_n - (1 if head % _SECTOR_PAGES else 0)
        end = high
        while low < high:
            middle = low if one_by_one else (low + high) >> 1
            if self._has_key(self._behind(gap, middle)):
                high = middle
            else:
                low = middle + 1
        self.ready_n = 0
        if low < end:
            self.tail = self._behind(gap, low) * _SECTOR_PAGES
            self.used_n = (head - self.tail) % self.page_n or self.page_n
        else:
            self.tail = head // _SECTOR_PAGES * _SECTOR_PAGES
            self.used_n = head - self.tail

    # Whether a page of this sector has a key; then it is that of the first. Data never begin with a blank page.
    def _has_key(self, sector):
        first = sector * _SECTOR_PAGES
        for page in range(first, first + _SECTOR_PAGES):
            if self.look(page):
                return True
            if page == first and is_blank(self.page, _PAGE_BYTES):
                return False
        return False

    # The last page of a sector that is not blank, `first` - 1 when all from `first` on are.
    def _last_written(self, sector, first):
        for at in range(_SECTOR_PAGES - 1, first - 1, -1):
            self.read(sector * _SECTOR_PAGES + at, self.page)
            if not is_blank(self.page, _PAGE_BYTES):
                return at
        return first - 1

    def _end_of(self, sector):
        return (sector * _SECTOR_PAGES + self._last_written(sector, 0) + 1) % self.page_n

    def _behind(self, sector, by):
        return (sector + by) % self.sector_n

    # The first sector that has nothing before this page.
    def _sector_behind(self, page):
        return (page + _SECTOR_PAGES - 1) // _SECTOR_PAGES % self.sector_n
