# The stand-in console: sys.stdin, sys.stdout and select as the firmware sees them, over the process's own.
#
# In: bytes wait in a ring of 260; more is lost, as in the ESP32's. Ctrl-C raises KeyboardInterrupt.
# Out: a UART with a FIFO of 128 bytes emptied at 11.52 bytes/ms. Writing more than fits waits in steps of 10 ms, whole
# RTOS ticks, during which no callback runs. It never notices whether anybody reads.
import select as real_select
import sys as real_sys

import micropython
from world import CPYTHON, ticks_add, ticks_diff, world

POLLIN = real_select.POLLIN if hasattr(real_select, "POLLIN") else 1
_RING_BYTES = 260
_FIFO_BYTES = 128
_TICK_US = 10000
_BYTE_US = 87
_CTRL_C = 3


class Console:
    def __init__(self):
        self._in = open(0, "rb", buffering=0) if CPYTHON else real_sys.stdin.buffer
        self._out = open(1, "wb", buffering=0, closefd=False) if CPYTHON else real_sys.stdout.buffer
        self._poll = real_select.poll()
        self._poll.register(0 if CPYTHON else real_sys.stdin, POLLIN)
        self._one = bytearray(1)
        self._ring = bytearray(_RING_BYTES)
        self._head = self._used = 0
        self.lost_n = 0
        self._fifo = 0
        self._drained_us = 0
        self._event = (self, POLLIN)
        self._events = [self._event]
        self._no_events = []
        self.buffer = self  # sys.stdin.buffer and sys.stdout.buffer

    # --- input

    # Move what has arrived into the ring; True when something had.
    def gather(self):
        any_byte = False
        while self._arrived(0):
            if not self._in.readinto(self._one):
                raise SystemExit(0)  # the other end of the line is gone for good
            any_byte = True
            self._keep(self._one[0])
        if any_byte:
            world.heard_host()
        return any_byte

    # Wait up to timeout_ms of real time for input; True when some came.
    def wait(self, timeout_ms):
        return self._arrived(timeout_ms) and self.gather()

    # The same without taking it: to whom it is said shows later. False at once when some has been left there.
    def rest(self, timeout_ms):
        if self._arrived(0):
            return False
        self._arrived(timeout_ms)
        return True

    def _arrived(self, timeout_ms):
        return bool(self._poll.poll(timeout_ms))

    def _keep(self, byte):
        if byte == _CTRL_C:
            self._used = 0
            raise KeyboardInterrupt
        if self._used == _RING_BYTES:
            self.lost_n += 1
            return
        self._ring[(self._head + self._used) % _RING_BYTES] = byte
        self._used += 1

    def readinto(self, out):
        while not self._used:
            self.wait(1000)
        out[0] = self._ring[self._head]
        self._head = (self._head + 1) % _RING_BYTES
        self._used -= 1
        return 1

    # --- select.poll

    def register(self, stream, flags):
        pass

    # On a machine with a REPL behind the line, bytes are taken only when the firmware asks: what comes after it has
    # ended is the REPL's.
    def ipoll(self, timeout):
        if not self._used and not world.virtual:
            self.gather()
        return self._events if self._used else self._no_events

    # --- output

    def write(self, data):
        n = len(data)
        world.talks = True
        self._drain()
        while self._fifo + n > _FIFO_BYTES and self._fifo:
            world.block(_TICK_US)
            self._drain()
        self._fifo += n
        self._out.write(data)

    def _drain(self):
        now_us = world.ticks_us()
        n = ticks_diff(now_us, self._drained_us) // _BYTE_US
        # Negative: the clock has gone half round since, and the FIFO is long empty.
        self._fifo = max(self._fifo - n, 0) if n >= 0 else 0
        self._drained_us = now_us


class Select:
    POLLIN = POLLIN

    def __init__(self, console):
        self._console = console

    def poll(self):
        return self._console


# `sys` with the console in it; everything else is the real one's.
class Sys:
    def __init__(self, console):
        self.stdin = self.stdout = console

    def __getattr__(self, name):
        if name == "print_exception" and CPYTHON:
            return _print_exception
        return getattr(real_sys, name)


def _print_exception(error):
    import traceback

    traceback.print_exception(error, file=real_sys.stdout)


class Time:
    def __init__(self):
        self.ticks_us = world.ticks_us
        self.ticks_ms = world.ticks_ms
        self.ticks_diff = ticks_diff
        self.ticks_add = ticks_add


# The desktop builds keep room for emergency exceptions by themselves and lack the call.
class MicroPython:
    def alloc_emergency_exception_buf(self, size):
        pass

    def __getattr__(self, name):
        return getattr(micropython, name)


# Make a console, and put the stand-ins that are part of MicroPython itself where the firmware imports them.
def put_in_place():
    console = Console()
    world.input = console
    real_sys.modules["time"] = Time()
    real_sys.modules["select"] = Select(console)
    real_sys.modules["sys"] = Sys(console)
    if not hasattr(micropython, "alloc_emergency_exception_buf"):
        real_sys.modules["micropython"] = MicroPython()
    return console
