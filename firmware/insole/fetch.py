# Sends pages of the store again, when a host asks: frame by frame, as they went out the first time, one page a turn and
# only into a queue with room, so that what is being sampled goes first. The host tells them by session and number;
# `fetched` says when all that was asked for has been sent. What cannot be read is left out and counted.
# Called from the main loop; turn() allocates nothing.
from struct import pack_into

from micropython import const

from . import wire
from .fixed import unstuff

_PAGE_BYTES = const(256)
_STUFFING_BYTES = const(2)


class Fetcher:
    def __init__(self, store, link, raw):
        self._store = store
        self._link = link
        self._raw = raw
        self._page = bytearray(_PAGE_BYTES)
        self._tag = self._session = self._page_n = self._bad_n = 0
        self.active = False

    # Samples `first` to end - 1 of a session; False when there is no such session.
    def begin(self, tag, session, first, end):
        self.active = self._store.seek(session, first, end)
        self._tag = tag
        self._session = session
        self._page_n = self._bad_n = 0
        return self.active

    def stop(self):
        self.active = False

    def turn(self):
        if not self._link.host_listens:
            self.active = False
        elif self._link.queue_bytes < _PAGE_BYTES:
            n = self._store.read_next(self._page)
            if n > 0:
                self._send(n)
            elif n < 0:
                self._bad_n += 1
            else:
                self._finish()

    def _send(self, n):
        at = bad_n = 0
        while at < n:
            frame_n = unstuff(self._page, at, self._raw)
            if frame_n:
                self._link.send_data(self._raw, frame_n)
                at += frame_n + _STUFFING_BYTES
            else:
                bad_n = 1
                while self._page[at]:  # the last frame holds, so there is a zero
                    at += 1
                at += 1
        self._page_n += 1
        self._bad_n += bad_n

    def _finish(self):
        self.active = False
        last = 1 if self._store.last else 0
        pack_into(
            wire.FETCHED_FORMAT, self._raw, 0, wire.FETCHED, self._tag, self._session, self._page_n, self._bad_n, last
        )
        self._link.send_reply(self._raw, wire.FETCHED_BYTES)
