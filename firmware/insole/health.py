# What becomes a fault: looked for once a second, and before a session. A counter that has grown is one fault a second
# at most; a channel is one fault when it is newly left out, and again each second while it sits at the top.
import gc
from array import array

from micropython import const

from . import wire

_LEAST_HEAP_BYTES = const(16384)  # after a collection; less and the next session's buffers may not fit
_LEAST_BATTERY_MV = const(3300)  # a lithium cell below this is nearly empty
_COUNTED = (
    wire.FAULT_SAMPLES_LOST,
    wire.FAULT_SAMPLES_LATE,
    wire.FAULT_QUEUE_FULL,
    wire.FAULT_COMMAND_DAMAGED,
    wire.FAULT_STORE_FULL,
    wire.FAULT_STORE_DAMAGED,
)


class Health:
    def __init__(self, faults):
        self._faults = faults
        self._said = array("i", [0] * len(_COUNTED))
        self._said_bits = 0

    # Before a session. Memory and battery change slowly, and counting free memory takes a millisecond.
    def begin(self, board):
        self._said_bits = 0
        gc.collect()
        if 0 < gc.mem_free() < _LEAST_HEAP_BYTES:
            self._faults.report(wire.FAULT_MEMORY_LOW)
        if board.battery_mv() < _LEAST_BATTERY_MV:
            self._faults.report(wire.FAULT_BATTERY_LOW)

    def look(self, app):
        self._look_at_channels(app.channels)
        link = app.link
        self._watch(0, app.sampler.lost_n)
        self._watch(1, app.sampler.late_n)
        # Nobody has to listen: what a session without a host cannot send is dropped and counted, but no fault.
        if not link.host_listens:
            self._said[2] = link.dropped_n
        self._watch(2, link.dropped_n)
        self._watch(3, link.reader.bad_n)
        self._watch(4, app.store.missed_n)
        self._watch(5, app.store.bad_n)

    def _watch(self, k, n):
        if n > self._said[k]:
            self._faults.report(_COUNTED[k])
        self._said[k] = n

    def _look_at_channels(self, channels):
        bits = channels.out_bits | channels.drifting_bits
        for k in range(channels.n):
            if bits >> k & 1 and not self._said_bits >> k & 1:
                self._faults.report(_fault_of(channels, 1 << k))
        self._said_bits = bits
        if channels.saturated_bits:
            self._faults.report(wire.FAULT_CHANNEL_SATURATED)


def _fault_of(channels, bit):
    if channels.dead_bits & bit:
        return wire.FAULT_CHANNEL_DEAD
    return wire.FAULT_CHANNEL_STUCK if channels.out_bits & bit else wire.FAULT_CHANNEL_DRIFTING
