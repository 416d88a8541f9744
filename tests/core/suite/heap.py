# Nothing is allocated per sample and per frame: every step of a walk with the heap locked, first the core's parts, then
# the whole application on the stand-in machine, timer callback included. Only on MicroPython: CPython has no such heap.
from array import array

import micropython
from insole import wire
from insole.fixed import sense
from insole.frame import CommandReader, SamplesPacker, put_contact, put_stride
from insole.gait import NOTHING, STRIDE, TOUCHED, Detector
from insole.ring import ByteQueue, SampleRing
from suite._bench import APP, CONSOLE, MOTOR, PERIOD, Bench, backward, command, ramp
from world import world

ZONES = (0, 0, 0, 0, 1, 1)


def test_the_lock_notices_an_allocation():
    micropython.heap_lock()
    failed = False
    try:
        bytearray(10)
    except MemoryError:
        failed = True
    micropython.heap_unlock()
    assert failed, "this suite would pass whatever the firmware did"


def test_ring_packer_detector_and_frames():
    detector = Detector(ZONES, 200)
    raw = bytearray(wire.FRAME_BYTES)
    queue = ByteQueue(1024)
    ring = SampleRing(6, 8)
    packer = SamplesPacker(ring)
    follow = sense.bind(ring.marks, ring.counts, packer.raw, detector.state)
    counts = array("H", [0] * 6)
    out = bytearray(120)
    strides = contacts = frames = holes = 0
    events = said = n = at = 0
    micropython.heap_lock()
    for k in range(14 * PERIOD):
        backward(k, counts)
        if k % 37 == 5 or 11 * PERIOD < k < 11 * PERIOD + 100:
            continue  # a sample that is missing, and a long hole
        at = ring.offset()
        for c in range(6):
            ring.counts[at + c] = counts[c]
        ring.commit(k, k * 5000 & 0x3FFFFFFF)
        events = follow(detector.state)
        while events:
            n = 0
            said = NOTHING
            if events & sense.HOLE:
                n = packer.hole(ring.index)
                detector.hole(ring)
                holes += 1
            else:
                if events & sense.FULL:
                    n = packer.seal()
                said = detector.hear(events)
            if n:
                queue.put(packer.raw, n, 0)
                frames += 1
            if said == TOUCHED:
                queue.put(raw, put_contact(raw, 1, contacts, detector, 0), 0)
                contacts += 1
            elif said == STRIDE:
                queue.put(raw, put_stride(raw, 1, strides, detector), 0)
                strides += 1
            events = follow(detector.state)
        queue.take(out, 120)
    micropython.heap_unlock()
    assert strides >= 10, strides
    assert contacts >= 10, contacts
    assert frames > 100, frames
    assert holes > 80, holes
    assert len(ring) == 0


def test_command_reader():
    reader = CommandReader()
    text = command(wire.CLOCK_QUERY)
    n = 0
    micropython.heap_lock()
    for k in range(len(text)):
        n += reader.feed(text[k])
    micropython.heap_unlock()
    assert n == 1


def test_the_last_indices_before_small_ints_end():
    detector = Detector(ZONES, 500)
    counts = array("H", [0] * 6)
    index = 0x3FFFFFFF - 3000
    strides = 0
    micropython.heap_lock()
    for k in range(2900):
        backward(k, counts)
        if detector.step(index + k, counts) == STRIDE:
            strides += 1
    micropython.heap_unlock()
    assert strides >= 10


# Counts what goes out, and allocates nothing.
class Sink:
    def __init__(self):
        self.n = 0
        self.frames = 0

    def write(self, data):
        self.n += len(data)
        for k in range(len(data)):
            if data[k] == 0:
                self.frames += 1


# The heap is locked while the application turns. The stand-in may allocate while it lets time pass; the callbacks
# inside it may not (world.lock_heap).
class LockedBench(Bench):
    def __init__(self, board):
        self.locked = False
        Bench.__init__(self, board)
        self.query = command(wire.CLOCK_QUERY)
        self.start()  # which may allocate: it makes the detector
        self.sink = CONSOLE._out = Sink()
        self.walk = foot_of(self.app.board.zones)
        APP.idle = self.idle
        world.lock_heap = True

    def lock(self):
        self.locked = True
        micropython.heap_lock()

    def unlock(self):
        self.locked = False
        micropython.heap_unlock()

    def trace(self, what, value):
        if not self.locked:
            Bench.trace(self, what, value)
            return
        self.unlock()
        Bench.trace(self, what, value)
        self.lock()

    def idle(self):
        self.unlock()
        if world._quiet_us > 500000:
            world.heard_host()
            self.feed(self.query)
        world.idle()
        self.lock()

    def turns(self, n):
        try:
            for _ in range(n):
                self.locked_turn()
        finally:
            APP.idle = world.idle
            world.lock_heap = False

    def locked_turn(self):
        self.lock()
        try:
            self.app.turn()
        finally:
            self.unlock()


# A backward walk for a board's zones: what is not the heel moves with the forefoot.
def foot_of(zones):
    def fill_channels(k, counts):
        t = k % PERIOD
        for c in range(len(zones)):
            if zones[c] == wire.ZONE_HEEL:
                counts[c] = 30 + ramp(t, 40, 160) * 9
            else:
                counts[c] = 30 + ramp(t, 20, 130) * 8

    return fill_channels


def the_whole_application(board, turn_n):
    bench = LockedBench(board)
    app = bench.app
    app.cue.wanted = True
    app.cue.target_order = wire.ORDER_HEEL_FIRST  # so that it fires on each of these forefoot-first contacts
    bench.turns(turn_n)
    stride_n = turn_n // 1000  # a turn is 2 ms, a stride 1.2 s
    assert len([what for what, _, _ in bench.traced if what == MOTOR[board]]) >= 2 * stride_n, "the cue went on and off"
    assert app.sampler.next_index > turn_n // 4, app.sampler.next_index
    assert app.sampler.lost_n == 0
    assert app.stride_n >= stride_n, app.stride_n
    assert app._contact_n >= stride_n
    assert app.link.dropped_n == 0
    assert bench.sink.frames > turn_n // 80
    assert app.uptime_s >= turn_n // 800, "the status of each second was among it"


def test_the_whole_application_for_thirty_seconds():
    the_whole_application(0, 16000)


def test_the_whole_application_with_eight_channels():
    the_whole_application(1, 6000)


def test_the_whole_application_with_five_channels():
    the_whole_application(2, 6000)
