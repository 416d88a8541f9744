# What the ring of pages holds, session by session: found, described, and read again. Used by `store` alone; it changes
# nothing. `read_next` allocates nothing. How pages are made up stands at the head of `store`.
from micropython import const

from . import wire
from .fixed import is_blank, unstuff
from .flash import newer_by, number
from .frame import records_per_frame

_PAGE_BYTES = const(256)
_SMALL_AT = const(13)  # the frames behind `place`
_COLLECTED_AT = const(255)
_BOOT_AT = const(5)  # in session_head
_UPTIME_AT = const(9)
_CLOCK_AT = const(13)
_RATE_AT = const(17)
_CHANNEL_N_AT = const(19)
_BEGUN_AT = const(20)
_NEXT_INDEX_AT = const(3)  # in session_end
_ENDED_AT = const(27)


# What `stored` tells of a session. Where its first page cannot be read, the rate is 0, as all that stood there.
class Entry:
    def __init__(self):
        self.kept = 0
        self.clear(0)

    def clear(self, session):
        self.session = self.continues = session
        self.boot = self.uptime_s = self.clock_us = self.rate_hz = self.begun = 0
        self.next_index = self.page_n = self.record_n = 0
        self.ended = wire.STORED_ENDED_INVALID

    def take_head(self, frame):
        self.continues = frame[3] | frame[4] << 8
        self.boot = number(frame, _BOOT_AT)
        self.uptime_s = number(frame, _UPTIME_AT)
        self.clock_us = number(frame, _CLOCK_AT)
        self.rate_hz = frame[_RATE_AT] | frame[_RATE_AT + 1] << 8
        self.record_n = records_per_frame(frame[_CHANNEL_N_AT] or 1)  # whatever the flash held before
        self.begun = frame[_BEGUN_AT]


class Catalog:
    def __init__(self, ring):
        self._ring = ring
        self.entry = Entry()
        self.begin = self.behind = 0  # places of the session located last
        self.last = True
        self._at = self._left_n = self._wanted = 0  # what read_next reads

    # --- finding

    # Looks at pages from this place on until one has a key; its place, used_n when none has.
    def keyed(self, place):
        ring = self._ring
        while place < ring.used_n and not ring.look(ring.page_at(place)):
            place += 1
        return place

    # The place where the sessions from this one on begin: a head; where that is not readable, behind the one before.
    def start_of(self, session):
        place = self._ring.search(session, 0)
        keyed = self.keyed(place)
        return keyed if keyed == self._ring.used_n or self._ring.kind == wire.SESSION_HEAD else place

    # True when this session is stored: then it is from place `begin` to before `behind`. One that is partly erased is
    # not: pages of it without its head, though it may be erased.
    def locate(self, session):
        ring = self._ring
        self.behind = self.start_of((session + 1) & 0xFFFF)
        self.begin = self.start_of(session)
        if self.begin >= self.behind:
            return False
        self.keyed(self.begin)
        return ring.kind == wire.SESSION_HEAD or ring.is_after_gone(session)

    # The oldest session, -1 when there is none.
    def oldest(self):
        return self._from(0)

    # The first one after this, -1 when there is none.
    def following(self, session):
        found = self._from(self._ring.search((session + 1) & 0xFFFF, 0))
        return found if found >= 0 and newer_by(found, session) > 0 else -1

    def _from(self, place):
        ring = self._ring
        place = self.keyed(place)
        while place < ring.used_n:
            if ring.kind == wire.SESSION_HEAD or ring.is_after_gone(ring.session):
                return ring.session
            place = self.keyed(max(place + 1, ring.search((ring.session + 1) & 0xFFFF, 0)))
        return -1

    # The newest one, -1 when there is none; then its last page that can be read is the one looked at.
    def newest(self):
        return self._ring.session if self._last_keyed(0, self._ring.used_n) else -1

    # The page of a session's head, -1 where that cannot be read.
    def head_page(self, session):
        ring = self._ring
        if self.locate(session) and ring.look(ring.page_at(self.begin)) and ring.kind == wire.SESSION_HEAD:
            return ring.page_at(self.begin)
        return -1

    def is_collected(self, session):
        if not self._ring.is_after_gone(session):
            return True
        return self.head_page(session) >= 0 and self._ring.page[_COLLECTED_AT] == 0

    # --- describing

    # Puts into `entry` what there is to say of a session; False when it is not stored.
    def enter(self, session):
        ring = self._ring
        entry = self.entry
        entry.clear(session)
        entry.kept = wire.KEPT_COLLECTED if self.is_collected(session) else wire.KEPT_UNCOLLECTED
        if not self.locate(session):
            return False
        if ring.look(ring.page_at(self.begin)) and ring.kind == wire.SESSION_HEAD:
            entry.take_head(ring.frame)
        entry.page_n = self.behind - self.begin
        if self._last_keyed(self.begin, self.behind):
            entry.next_index = ring.index + (entry.record_n if ring.kind == wire.SAMPLES else 0)
            if self.ends():
                entry.next_index = number(ring.frame, _NEXT_INDEX_AT)
                entry.ended = ring.frame[_ENDED_AT]
        return True

    # Whether the page looked at last has a session_end, which then is in the ring's frame.
    def ends(self):
        ring = self._ring
        at = _SMALL_AT
        while ring.kind == wire.PLACE and at < _PAGE_BYTES and ring.page[at] != 0xFF:
            if unstuff(ring.page, at, ring.frame) and ring.frame[0] == wire.SESSION_END:
                return True
            at = ring.behind_zero(ring.page, at)
        return False

    # Looks at pages from before `behind` back to `begin`, until one has a key; False when none has.
    def _last_keyed(self, begin, behind):
        ring = self._ring
        while behind > begin:
            behind -= 1
            if ring.look(ring.page_at(behind)):
                return True
        return False

    # --- reading

    # Prepare reading the pages of a session that hold samples first to end - 1, with all between; first 0: from its
    # first page on. False when it is not stored. `last` says that nothing of it lies behind them.
    def seek(self, session, first, end):
        ring = self._ring
        self._left_n = 0
        if not self.locate(session):
            return False
        place = self.begin
        if first > 0:
            place = max(place, ring.search(session, first))
            if place == self.behind or not ring.look(ring.page_at(place)) or ring.index != first:
                place = max(self.begin, place - 1)  # the page before holds it
        until = ring.search(session, end)
        if self.keyed(until) >= self.behind:
            until = self.behind
        self.last = until == self.behind
        self._at = ring.page_at(place)
        self._left_n = max(0, until - place)
        self._wanted = session
        return True

    def stop(self):
        self._left_n = 0

    # The next of these pages into buf, 256 bytes: how many of them are frames; 0: there are no more; -1: it cannot be
    # read, or is not of this session any more.
    def read_next(self, buf):
        if not self._left_n:
            return 0
        ring = self._ring
        ring.read(self._at, buf)
        self._left_n -= 1
        self._at += 1
        if self._at == ring.page_n:
            self._at = 0
        n = self._frames_bytes(buf)
        if n < 0 and not is_blank(buf, _PAGE_BYTES):  # blank: a collected session, erased meanwhile
            ring.bad_n += 1
        return n

    # To the end of the last frame that holds, when one of them is of the session that is wanted.
    def _frames_bytes(self, page):
        frame = self._ring.frame
        whole = -1
        own = False
        at = 0
        while at == 0 or (at < _PAGE_BYTES - 1 and page[at] != 0xFF):
            n = unstuff(page, at, frame)
            if n:
                at += n + 2
                whole = at
                own = own or (frame[0] <= wire.PLACE and frame[1] | frame[2] << 8 == self._wanted)
            else:
                at = self._ring.behind_zero(page, at)
        return whole if own else -1
