# Two queues between one producer and one consumer, made once, never growing, allocating nothing.
#
# SampleRing: the timer callback fills slots (offset(), then commit), the main loop pops them. One slot stays empty, so
# each side writes only its own counter and no lock is needed. Full: the newest sample is dropped and counted; the index
# that travels with each sample still advances, so a loss never shifts time.
# ByteQueue: whole frames in, bytes out. A frame that does not fit is refused as a whole.
from array import array

from .fixed import copy


class SampleRing:
    def __init__(self, channel_n, slot_n):
        self.channel_n = channel_n
        self.slot_n = slot_n
        self.counts = array("H", [0] * (channel_n * slot_n))
        self._index = array("i", [0] * slot_n)
        self._clock_us = array("i", [0] * slot_n)
        self._head = 0  # next to fill; the producer's
        self._tail = 0  # next to pop; the consumer's
        self.full_n = 0
        self.index = 0  # of the sample popped last
        self.clock_us = 0

    def clear(self):
        self._tail = self._head
        self.full_n = 0

    # Offset into counts of the slot to fill, or -1 when full.
    def offset(self):
        following = self._head + 1
        if following == self.slot_n:
            following = 0
        if following == self._tail:
            self.full_n += 1
            return -1
        return self._head * self.channel_n

    def commit(self, index, clock_us):
        head = self._head
        self._index[head] = index
        self._clock_us[head] = clock_us
        head += 1
        self._head = 0 if head == self.slot_n else head

    # Copy the oldest sample to out and its index and clock to attributes; False when there is none.
    def pop(self, out):
        tail = self._tail
        if tail == self._head:
            return False
        at = tail * self.channel_n
        counts = self.counts
        for k in range(self.channel_n):
            out[k] = counts[at + k]
        self.index = self._index[tail]
        self.clock_us = self._clock_us[tail]
        tail += 1
        self._tail = 0 if tail == self.slot_n else tail
        return True

    def __len__(self):
        return (self._head - self._tail) % self.slot_n


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
