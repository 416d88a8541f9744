# Nothing is allocated per sample and per frame: every step of a walk with the heap locked, first the core's parts, then
# the whole application on the stand-in machine, timer callback included. Only on MicroPython: CPython has no such heap.
from array import array

import boot
import micropython
from insole import wire
from insole.frame import Coder, CommandReader, SamplesPacker, put_contact, put_stride
from insole.gait import STRIDE, TOUCHED, Detector
from insole.ring import ByteQueue, SampleRing
from world import world

ZONES = (0, 0, 0, 0, 1, 1)
PERIOD = 240  # samples of a stride at 200 Hz


# Counts of sample k of a backward walk: forefoot from 0 to 110, heel from 20 to 140 of each stride.
def fill(k, counts):
    t = k % PERIOD
    for c in range(4):
        counts[c] = 30 + ramp(t, 20, 130) * 8
    for c in range(4, 6):
        counts[c] = 30 + ramp(t, 40, 160) * 9


def ramp(t, on, off):
    return max(0, min(t - on, off - t, 12)) * 10


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
    packer = SamplesPacker(6)
    coder = Coder()
    queue = ByteQueue(4096)
    ring = SampleRing(6, 8)
    counts = array("H", [0] * 6)
    out = bytearray(120)
    strides = contacts = frames = 0
    micropython.heap_lock()
    for k in range(12 * PERIOD):
        at = ring.offset()
        fill(k, counts)
        for c in range(6):
            ring.counts[at + c] = counts[c]
        ring.commit(k, k * 5000 & 0x3FFFFFFF)
        ring.pop(counts)
        said = detector.step(ring.index, counts)
        n = packer.add(ring.index, ring.clock_us, counts)
        if n:
            queue.put(packer.wire, n)
            frames += 1
        if said == TOUCHED:
            n = coder.seal(put_contact(coder.raw, 1, contacts, detector, 0))
            queue.put(coder.wire, n)
            contacts += 1
        elif said == STRIDE:
            n = coder.seal(put_stride(coder.raw, 1, strides, detector))
            queue.put(coder.wire, n)
            strides += 1
        queue.take(out, 120)
    micropython.heap_unlock()
    assert strides >= 10, strides
    assert contacts >= 10, contacts
    assert frames > 100, frames


def test_command_reader():
    reader = CommandReader()
    text = clock_query()
    n = 0
    micropython.heap_lock()
    for k in range(len(text)):
        n += reader.feed(text[k])
    micropython.heap_unlock()
    assert n == 1


def test_crossing_two_to_the_thirty_microseconds():
    detector = Detector(ZONES, 500)
    counts = array("H", [0] * 6)
    index = 0x3FFFFFFF - 3000  # the last indices before small ints end
    detector.origin = index
    strides = 0
    micropython.heap_lock()
    for k in range(2900):
        fill(k, counts)
        if detector.step(index + k, counts) == STRIDE:
            strides += 1
    micropython.heap_unlock()
    assert strides >= 10


class Sink:
    def __init__(self):
        self.n = 0
        self.frames = 0

    def write(self, data):
        self.n += len(data)
        for k in range(len(data)):
            if data[k] == 0:
                self.frames += 1


def clock_query():
    return seal_command(wire.CLOCK_QUERY)


def seal_command(kind):
    coder = Coder()
    coder.raw[0] = kind
    coder.raw[1] = 1
    coder.seal(6)
    return b"\0" + "".join("%02x" % byte for byte in coder.raw[:6]).encode() + b"\0"


def nobody_types(timeout_ms=0):
    return False


class Bench:
    def __init__(self, board):
        channel_n = (6, 8, 5)[board]
        self.console = boot.install({"speed": 0, "state": "nvs.json", "board": board, "channels": channel_n})
        import insole.app  # only now: it takes time, sys and select as they are when imported
        from insole.board import Board
        from insole.faults import Faults
        from insole.memory import Memory

        self.sink = Sink()
        self.console._out = self.sink
        self.console.gather = self.console.wait = nobody_types
        memory = Memory()
        self.module = insole.app
        self.app = insole.app.App(Board(memory.get("board", -1)), memory, Faults())
        self.query = clock_query()
        world._record_n = 1
        world._load = self.load
        world.trace = self.trace
        self.traced = []

    def trace(self, what, value):
        micropython.heap_unlock()
        self.traced.append(what)
        micropython.heap_lock()

    def load(self, source_us):
        fill(max(source_us, 0) // 5000, world.record)

    def feed(self, text):
        for byte in text:
            self.console._keep(byte)

    # The stand-in may allocate while it lets time pass; the callbacks inside it may not (world.lock_heap).
    def idle(self):
        micropython.heap_unlock()
        if world._quiet_us > 500000:
            world.heard_host()
            self.feed(self.query)
        world.idle()
        micropython.heap_lock()

    # A start may allocate: it makes the detector.
    def start(self):
        self.feed(seal_command(wire.START))
        self.module.idle = world.idle
        while not self.app.sampler.running:
            self.app.turn()
        self.module.idle = self.idle
        world.lock_heap = True

    def turns(self, n):
        for _ in range(n):
            micropython.heap_lock()
            try:
                self.app.turn()
            finally:
                micropython.heap_unlock()


def test_the_whole_application_for_thirty_seconds():
    bench = Bench(0)
    bench.start()
    app = bench.app
    app.cue.wanted = True
    app.cue.target_order = wire.ORDER_HEEL_FIRST  # so that it fires on each of these forefoot-first contacts
    bench.turns(16000)
    assert bench.traced.count("pwm25") >= 30, "the cue went on and off"
    assert app.sampler.next_index > 4000, app.sampler.next_index
    assert app.sampler.lost_n == 0
    assert app._stride_n >= 15, app._stride_n
    assert app._contact_n >= 15
    assert app.link.dropped_n == 0
    assert bench.sink.frames > 200
    assert app.uptime_s >= 20, "the status of each second was among it"
