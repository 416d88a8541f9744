# The whole application on the stand-in machine: driven turn by turn in virtual time, asked and read as by a host. One
# at a time: the firmware's modules keep the console, the time and the storage that they found when first imported.
import gc
import sys
from array import array
from struct import pack

import boot
from world import MASK, ticks_diff, world

if hasattr(gc, "threshold"):
    gc.threshold(4096)  # as main does: what importing leaves behind would lie in pieces all over a small heap
CONSOLE = boot.install({"speed": 0, "state": "nvs.json"})

# The line's queue is the largest block. A small machine's heap, in pieces after a few imports, has none like it: so it
# is made first, and once.
ROOM = bytearray(4096 + 256)

from insole import gait, ring  # noqa: E402
from insole.fixed import sense, stance  # noqa: E402

ring.bytearray = lambda n: ROOM if n == len(ROOM) else bytearray(n)
QUEUE = ring.ByteQueue(4096)
make_queue = ring.ByteQueue


def the_same_queue(capacity):
    if capacity != 4096:
        return make_queue(capacity)
    QUEUE.marks[sense.QUEUE_USED] = QUEUE.marks[sense.QUEUE_TAIL] = 0
    return QUEUE


# The same for the samples' ring, by its number of channels.
RINGS = {}
make_ring = ring.SampleRing


def the_same_ring(channel_n, slot_n):
    if slot_n != 64:
        return make_ring(channel_n, slot_n)
    if channel_n not in RINGS:
        RINGS[channel_n] = make_ring(channel_n, slot_n)
    kept = RINGS[channel_n]
    for k in range(len(kept.marks)):
        kept.marks[k] = 0
    kept.marks[sense.SLOT_N] = slot_n
    kept.full_n = 0
    return kept


for channel_n in (5, 6, 8):
    the_same_ring(channel_n, 64)
ASIDE = ring.Aside(6)


def the_same_places(most):
    ASIDE.marks[sense.ASIDE_N] = ASIDE.marks[sense.ASIDE_MISSED] = ASIDE.marks[sense.ASIDE_FIRST] = 0
    return ASIDE


# And for the detector's words, and what they are made from: an application has one detector at a time.
ZEROS = bytes(4 * stance.ALL_WORDS)
WORDS = array("i", ZEROS)


def the_same_bytes(n):
    return ZEROS if n == len(ZEROS) else bytes(n)


def the_same_words(code, content):
    if len(content) != 4 * stance.ALL_WORDS:
        return array(code, content)
    for k in range(stance.ALL_WORDS):
        WORDS[k] = 0
    return WORDS


ring.ByteQueue = the_same_queue
ring.SampleRing = the_same_ring
ring.Aside = the_same_places
gait.array = the_same_words
gait.bytes = the_same_bytes
import insole.app  # noqa: E402 - only now: it takes time, sys and select as they are when imported
from esp32 import NVS, Partition  # noqa: E402
from insole import lamp, wire  # noqa: E402, F401
from insole.board import Board, sessions  # noqa: E402
from insole.faults import Faults  # noqa: E402
from insole.link import Link  # noqa: E402
from insole.memory import Memory  # noqa: E402
from insole.store import Store  # noqa: E402
from machine import ADC  # noqa: E402
from suite._taker import uncobs  # noqa: E402

APP = insole.app
if hasattr(gc, "threshold"):
    gc.threshold(-1)
CHANNEL_N = (6, 8, 5, 8)  # by board
MOTOR = ("pwm25", "pwm21", "pwm7", "pwm21")
# On the RV32 machine memory of its own is the flash: the files there are in the heap's way.
ON_RV32 = sys.platform == "qemu"
STORE_AT = 0x87E00000
STORE_PLACE = {"store_addr": STORE_AT} if ON_RV32 else {"store": "store.bin"}
ANSWERS = {wire.HELLO: wire.IDENTITY, wire.CLOCK_QUERY: wire.CLOCK}  # the rest: reply
PERIOD = 240  # samples of a stride of `backward` at 200 Hz


# Counts of sample k of a backward walk on board 0: forefoot from 0 to 110, heel from 20 to 140 of each stride.
def backward(k, counts):
    t = k % PERIOD
    for c in range(4):
        counts[c] = 30 + ramp(t, 20, 130) * 8
    for c in range(4, 6):
        counts[c] = 30 + ramp(t, 40, 160) * 9


def ramp(t, on, off):
    return max(0, min(t - on, off - t, 12)) * 10


# What a host writes: kind, tag and what else the command has, sealed, as hexadecimal between zeros.
def command(kind, more=b"", tag=1):
    return sealed(bytes([kind, tag]) + more)


def sealed(text):
    frame = bytearray(text) + bytearray(4)
    assert make_queue(len(frame) + 2).put(frame, len(frame), 0)
    return b"\0" + "".join("%02x" % byte for byte in frame).encode() + b"\0"


def u16(frame, at):
    return frame[at] | frame[at + 1] << 8


def u32(frame, at):
    return u16(frame, at) | u16(frame, at + 2) << 16


def i32(frame, at):
    value = u32(frame, at)
    return value - (1 << 32) if value >> 31 else value


# The line's other end: whole frames into `frames`, and how many bytes went over it.
class Sink:
    def __init__(self, frames):
        self.n = 0
        self.keeps = True  # a test that looks at no frame has the memory to itself
        self._frames = frames
        self._begun = bytearray()

    def write(self, data):
        self.n += len(data)
        for byte in data if self.keeps else b"":
            if byte:
                self._begun.append(byte)
            elif self._begun:
                self._frames.append(uncobs(self._begun))
                self._begun = bytearray()


class Watchdog:
    def feed(self):
        pass


def nobody_types(timeout_ms=0):
    return False


class Bench:
    # `remembered` is what the storage holds, by key; None: what the bench before has left there.
    # `store_kb`: how much flash there is for sessions; 0 none.
    def __init__(self, board=0, remembered=(), store_kb=0):
        if store_kb:
            self._make_store_anew(store_kb)
        self._begin(board, remembered, store_kb)

    def _begin(self, board, remembered, store_kb):
        CONSOLE._out = world.trace = world._load = None  # let go of the bench before
        world.timers.clear()
        world._queue.clear()
        gc.collect()
        self._calm_the_world(board)
        if store_kb:
            world.settings["store_kb"] = store_kb
            world.settings.update(STORE_PLACE)
        if remembered is not None:
            with open("nvs.json", "w") as file:
                file.write("{}")
        memory = NVS("insole")
        for key, value in dict(remembered or {}).items():
            memory.set_i32(key, value)
        memory.set_i32("board", board)
        memory.commit()
        self.board = board
        self.frames = []  # that have come since the last question
        self.sink = CONSOLE._out = Sink(self.frames)
        self.traced = []  # (what, value, when in us)
        self.walk = None
        memory = Memory()
        self._store_kb = store_kb
        self.app = APP.App(Board(board), memory, Faults(), Link(), Store(sessions(), memory))

    # Everything begins anew but for what is in flash.
    def reset(self):
        walk, self.app = self.walk, None
        self._begin(self.board, None, self._store_kb)
        self.walk = walk

    def _make_store_anew(self, kb):
        Partition._of.clear()
        if ON_RV32:
            import uctypes

            uctypes.bytearray_at(STORE_AT + kb * 1024, 4)[:] = bytes(4)  # nor's word that it has made it blank
            return
        with open("store.bin", "wb"):
            pass

    def _calm_the_world(self, board):
        world.setup({"speed": 0, "state": "nvs.json", "channels": CHANNEL_N[board]})
        world._open_source(None, 0)
        world._record_n = 1
        world._load = self.load
        world.trace = self.trace
        world.lock_heap = False
        world.timers.clear()
        world._queue.clear()
        world.watchdog_ms = 0
        ADC._pins.clear()
        CONSOLE.gather = CONSOLE.wait = nobody_types
        CONSOLE._head = CONSOLE._used = CONSOLE._fifo = 0

    def trace(self, what, value):
        self.traced.append((what, value, world.now_us))

    # Walks are given at 200 Hz. Without one the converters stay as `put` has left them.
    def load(self, source_us):
        if self.walk:
            self.walk(max(source_us, 0) // 5000, world.record)

    def put(self, *counts):
        for k in range(len(counts)):
            world.record[k] = counts[k]

    def feed(self, text):
        for byte in text:
            CONSOLE._keep(byte)

    # --- time

    def turn(self):
        self.app.turn()

    # Turns until us have passed; with a host that asks for the clock every half second, or in silence.
    def live(self, us, asking=True):
        since_us = asked_us = world.now_us
        while ticks_diff(world.now_us, since_us) < us:
            if asking and ticks_diff(world.now_us, asked_us) >= 500000:
                asked_us = world.now_us
                self.feed(command(wire.CLOCK_QUERY))
            self.turn()

    # A second in which the loop turns only once: quick to run, for when nothing happens.
    def let_a_second_pass(self):
        world.now_us = (world.now_us + 990000) & MASK
        self.turn()

    # Until the store has looked at all its pages, or erased them.
    def let_it_get_ready(self):
        ready_n = -1
        while self.app.store.ready_n != ready_n:
            ready_n = self.app.store.ready_n
            for _ in range(20):
                self.turn()

    def let_the_host_go(self):
        self.live(3500000, asking=False)
        assert not self.app.link.host_listens

    # --- the host's side

    # Frames from a command to the first of one of `last_kinds`, that one included.
    def asked(self, kind, more, last_kinds, for_us=1000000):
        self.forget()
        self.feed(command(kind, more, 7))
        since_us = asked_us = world.now_us
        while ticks_diff(world.now_us, since_us) < for_us:
            if ticks_diff(world.now_us, asked_us) >= 1000000:
                asked_us = world.now_us
                self.feed(command(wire.CLOCK_QUERY))
            self.turn()
            for k in range(len(self.frames)):
                if self.frames[k][0] in last_kinds:
                    return self.frames[: k + 1]
        raise AssertionError("no answer in time")

    # The frame that answers a command, whole; fails after a second.
    def ask(self, kind, more=b"", tag=7):
        return self.answer(command(kind, more, tag), ANSWERS.get(kind, wire.REPLY), tag)

    def answer(self, text, answer_kind, tag):
        self.forget()
        self.feed(text)
        since_us = world.now_us
        while ticks_diff(world.now_us, since_us) < 1000000:
            self.turn()
            for frame in self.frames:
                if frame[0] == answer_kind and (frame[1] == tag or answer_kind == wire.IDENTITY):
                    return frame
        raise AssertionError("no answer within a second")

    # Result and value of a reply.
    def result(self, kind, more=b""):
        frame = self.ask(kind, more)
        assert len(frame) == 12 and frame[1] == 7 and frame[2] == kind, frame
        return frame[3], i32(frame, 4)

    def set(self, setting, value):
        return self.result(wire.SET, pack("<Bi", setting, value))

    def start(self):
        result, value = self.result(wire.START)
        assert result == wire.RESULT_OK
        return value

    # The status of the next second.
    def status(self):
        self.forget()
        self.feed(command(wire.CLOCK_QUERY))
        self.live(1100000)
        return self.frames_of(wire.STATUS)[-1]

    def forget(self):
        del self.frames[:]

    def frames_of(self, kind):
        return [frame for frame in self.frames if frame[0] == kind]

    # As main does, until the application ends by itself.
    def run_out(self):
        self.app.run(Watchdog())
