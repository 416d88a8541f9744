# Two queues between one producer and one consumer, made once, never growing, allocating nothing.
#
# SampleRing: the timer callback fills slots (offset(), then commit), `sense.follow` takes them. One slot stays empty,
# so each side writes only its own counter and no lock is needed. Full: the newest sample is dropped and counted; the
# index that travels with each sample still advances, so a loss never shifts time. Its counters and stamps are one array
# of words, `marks`, which native code reads; the map is in sense.
# ByteQueue: whole frames in, bytes out. A frame that does not fit is refused as a whole.
from array import array

from micropython import const

from .fixed import copy

# WORDS of the maps, written by firmware/make_plain.py
_HEAD = const(0)
_TAIL = const(1)
_SLOT_N = const(2)
_STAMPS = const(8)
# end of WORDS


class SampleRing:
    def __init__(self, channel_n, slot_n):
        self.channel_n = channel_n
        self.slot_n = slot_n
        self.counts = array("H", bytes(2 * channel_n * slot_n))  # a list of zeros would need the room twice
        self.marks = array("i", bytes(4 * (_STAMPS + 2 * slot_n)))
        self.marks[_SLOT_N] = slot_n
        self.full_n = 0

    def clear(self):
        self.marks[_TAIL] = self.marks[_HEAD]
        self.full_n = 0

    # Offset into counts of the slot to fill, or -1 when full.
    def offset(self):
        head = self.marks[_HEAD]
        following = head + 1
        if following == self.slot_n:
            following = 0
        if following == self.marks[_TAIL]:
            self.full_n += 1
            return -1
        return head * self.channel_n

    def commit(self, index, clock_us):
        marks = self.marks
        head = marks[_HEAD]
        at = _STAMPS + 2 * head
        marks[at] = index
        marks[at + 1] = clock_us
        head += 1
        marks[_HEAD] = 0 if head == self.slot_n else head

    # Of the sample that is taken next, where there is one: its index, and where its counts begin.
    @property
    def index(self):
        return self.marks[_STAMPS + 2 * self.marks[_TAIL]]

    @property
    def first(self):
        return self.marks[_TAIL] * self.channel_n

    def __len__(self):
        return (self.marks[_HEAD] - self.marks[_TAIL]) % self.slot_n


class ByteQueue:
    def __init__(self, capacity):
        self._buf = bytearray(capacity)
        self._capacity = capacity
        self._tail = 0
        self.used = 0

    def put(self, src, n):
        if n > self._capacity - self.used:
            return False
        head = self._tail + self.used
        if head >= self._capacity:
            head -= self._capacity
        first = self._capacity - head
        if n <= first:
            copy(src, 0, self._buf, head, n)
        else:
            copy(src, 0, self._buf, head, first)
            copy(src, first, self._buf, 0, n - first)
        self.used += n
        return True

    # Move up to n bytes to out; returns how many.
    def take(self, out, n):
        if n > self.used:
            n = self.used
        first = self._capacity - self._tail
        if n <= first:
            copy(self._buf, self._tail, out, 0, n)
        else:
            copy(self._buf, self._tail, out, 0, first)
            copy(self._buf, 0, out, first, n - first)
        self._tail += n
        if self._tail >= self._capacity:
            self._tail -= self._capacity
        self.used -= n
        return n
