# Queues between one producer and one consumer, made once, never growing, allocating nothing.
#
# SampleRing: the timer callback fills slots (offset(), then commit), `sense.follow` takes them. One slot stays empty,
# so each side writes only its own counter and no lock is needed. Full: the newest sample is dropped and counted; the
# index that travels with each sample still advances, so a loss never shifts time. Its counters and stamps are one array
# of words, `marks`, which native code reads; the map is in sense.
# Aside: a few frames as they were put together, between the loop's two tasks that send and store them.
# ByteQueue: frames in, bytes out. A frame is sealed (CRC, COBS, closing zero) straight into it; one that does not fit
# is refused as a whole. Its words are `marks`, too.
from array import array

from micropython import const

from .fixed import put_aside, seal, take

# WORDS of the maps, written by firmware/make_plain.py
_HEAD = const(0)
_TAIL = const(1)
_SLOT_N = const(2)
_STAMPS = const(9)
_QUEUE_USED = const(0)
_ASIDE_N = const(0)
_ASIDE_MOST = const(1)
_ASIDE_MISSED = const(2)
_ASIDE_FIRST = const(3)
_ASIDE_BYTES = const(4)
# end of WORDS

_PLACE_BYTES = const(256)
_OVER_BYTES = const(256)  # a sealed frame that runs over the end


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


class Aside:
    def __init__(self, most):
        self.marks = array("i", [0, most] + [0] * (_ASIDE_BYTES - 2 + most))
        self.bytes = bytearray(_PLACE_BYTES * most)
        whole = memoryview(self.bytes)
        self._places = [whole[_PLACE_BYTES * k : _PLACE_BYTES * (k + 1)] for k in range(most)]

    def put(self, raw, n):
        put_aside(raw, n, self.marks, self.bytes)

    # The first frame, where there is one: its bytes, and how many.
    @property
    def frame(self):
        return self._places[self.marks[_ASIDE_FIRST]]

    @property
    def frame_n(self):
        return self.marks[_ASIDE_BYTES + self.marks[_ASIDE_FIRST]]

    def drop(self):
        marks = self.marks
        marks[_ASIDE_N] -= 1
        following = marks[_ASIDE_FIRST] + 1
        marks[_ASIDE_FIRST] = 0 if following == marks[_ASIDE_MOST] else following

    # How many found no place since this was asked last.
    def missed(self):
        n = self.marks[_ASIDE_MISSED]
        self.marks[_ASIDE_MISSED] = 0
        return n

    def __len__(self):
        return self.marks[_ASIDE_N]


class ByteQueue:
    def __init__(self, capacity):
        self.bytes = bytearray(capacity + _OVER_BYTES)
        self.marks = array("i", [0, 0, capacity])

    # Seal the frame raw[0:n], its last four bytes kept free for the CRC; False when it would not leave `spare` bytes.
    def put(self, raw, n, spare):
        return seal(n, raw, self.marks, self.bytes, spare)

    # Move up to n bytes to out; returns how many.
    def take(self, out, n):
        return take(self.bytes, out, self.marks, n)

    def __len__(self):
        return self.marks[_QUEUE_USED]
