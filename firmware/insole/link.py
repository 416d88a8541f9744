# The line to the host: the console's bytes in, queued frames out. Called from the main loop only; allocates nothing.
#
# Writing more than the UART's 128-byte FIFO holds would wait in steps of 10 ms with no callback served, and POLLOUT
# is always true. So at most 120 bytes go out per turn, and the next not before the line has had time to send them
# (8N1 at 115200 baud: 86.8 us a byte). A native USB port is quicker; the pace is the same and enough for 8 channels at
# 500 Hz. The UART cannot tell whether anybody reads: frames go out only while a host keeps asking for the clock.
# Replies may use the whole queue, data leaves a reserve for them; what does not fit is dropped as a whole and counted.
import select
import sys
from time import ticks_add, ticks_diff, ticks_us

from machine import idle
from micropython import const

from . import wire
from .fixed import seal
from .frame import CommandReader
from .ring import ByteQueue

# WORDS of the maps, written by firmware/make_plain.py
_QUEUE_USED = const(0)
# end of WORDS

_CHUNK_BYTES = const(120)
_BYTE_US = const(87)
_QUEUE_BYTES = const(4096)  # 1.6 s of 6 channels at 200 Hz, one erase of a bad flash sector
_RESERVE_BYTES = const(512)
_TURN_BYTES = const(16)  # input taken per turn, so that a noisy line cannot hold the loop
_DRAIN_US = const(1000000)
_REST_US = const(150000)  # a host that is in the middle of something asks again within this time


class Link:
    def __init__(self):
        self.reader = CommandReader()
        self.dropped_n = 0
        self.host_listens = False
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)
        self._queue = ByteQueue(_QUEUE_BYTES)
        self._waiting = self._queue.marks
        self._bytes = self._queue.bytes
        self._chunk = bytearray(_CHUNK_BYTES)
        whole = memoryview(self._chunk)
        self._views = [whole[:n] for n in range(_CHUNK_BYTES + 1)]  # slicing later would allocate
        self._busy = False  # the line is still sending; a stamp alone would mean the opposite after 2^29 us
        self._free_us = 0
        self._heard_us = ticks_us()

    @property
    def queue_bytes(self):
        return self._waiting[_QUEUE_USED]

    def heard(self):
        self._heard_us = ticks_us()
        self.host_listens = True

    # Nothing to send, and no host is just asking: time for what makes a host wait.
    def rests(self):
        if not self.host_listens:
            return True
        return not self._waiting[_QUEUE_USED] and ticks_diff(ticks_us(), self._heard_us) > _REST_US

    # A frame raw[0:n] with room for its CRC, sealed into the queue.
    def send_data(self, raw, n):
        if not seal(n, raw, self._waiting, self._bytes, _RESERVE_BYTES):  # as the queue's put() does, at less cost
            self.dropped_n += 1

    def send_reply(self, raw, n):
        if not self._queue.put(raw, n, 0):
            self.dropped_n += 1

    # True when a whole command has arrived; it is in reader.command.
    def receive(self):
        for _ in range(_TURN_BYTES):
            if not self._readable():
                return False
            if self._in.readinto(self._byte) and self.reader.feed(self._byte[0]):
                return True
        return False

    def pump(self):
        now_us = ticks_us()
        if self.host_listens and ticks_diff(now_us, self._heard_us) > wire.HOST_TIMEOUT_MS * 1000:
            self.host_listens = False
        if self._busy and ticks_diff(now_us, self._free_us) >= 0:
            self._busy = False
        if self._busy or not self.host_listens or not self._waiting[_QUEUE_USED]:
            return
        n = self._queue.take(self._chunk, _CHUNK_BYTES)
        self._out.write(self._views[n])
        self._free_us = ticks_add(ticks_us(), n * _BYTE_US)
        self._busy = True

    # Send what waits before the firmware ends, for at most a second. Waits: never while sampling.
    def drain(self):
        since_us = ticks_us()
        while self.host_listens and self.queue_bytes and ticks_diff(ticks_us(), since_us) < _DRAIN_US:
            self.pump()
            idle()

    def _readable(self):
        for _, flags in self._poll.ipoll(0):
            if flags & select.POLLIN:
                return True
        return False
