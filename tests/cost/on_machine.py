# Runs on the emulated machine: the whole application over a walk that lies in memory, each sample counted by itself.
# The application is the insole's own; only the filling of the ring is done here, and not counted. What it allocates in
# all that time is told as well. `told` is made by measure.py: which kernel, how many samples, where everything lies.
# ruff: noqa: F821, E402 - the assembler's names and the native types; and the firmware comes behind them
import gc
from binascii import hexlify

import micropython
import uctypes
from told import (
    ALONE_AT,
    C_SPENT_AT,
    CHANNEL_N,
    COSTS_AT,
    KERNEL,
    KINDS_AT,
    SAMPLE_N,
    SENT_AT,
    SENT_BYTES,
    WALK_AT,
)


@micropython.asm_rv32
def instret():
    csrrs(a0, zero, 0xC02)
    slli(a0, a0, 2)
    srli(a0, a0, 2)


@micropython.asm_rv32
def in_c(a0):
    li(a4, C_ADDRESS)
    jalr(zero, a4, 0)  # which returns to our caller


@micropython.viper
def put(walk: ptr16, first: int, counts: ptr16, at: int, n: int):
    for k in range(n):
        counts[at + k] = walk[first + k]


@micropython.viper
def store(words: ptr32, at: int, value: int):
    words[at] = value


@micropython.viper
def load(words: ptr32, at: int) -> int:
    return words[at]


@micropython.viper
def nothing(state: ptr32) -> int:
    return 0


MASK = 0x3FFFFFFF

from insole import fixed
from insole.fixed import sense, stance
from suite._bench import APP, Bench, world


class InC:
    pass


def bind_c(marks, counts, frame, state):
    sense.keep_addresses(marks, counts, frame, state)
    return in_c


if KERNEL == "c":
    c = InC()
    for name in dir(sense):
        setattr(c, name, getattr(sense, name))
    c.bind = bind_c
    APP.sense = c
elif (KERNEL == "viper") != fixed.NATIVE:
    raise ValueError("not the kernel that was asked for")

bench = Bench(0)
app = bench.app
walk = uctypes.bytearray_at(WALK_AT, SAMPLE_N * CHANNEL_N * 2)
costs = uctypes.bytearray_at(COSTS_AT, SAMPLE_N * 4)
kinds = uctypes.bytearray_at(KINDS_AT, SAMPLE_N * 4)
alone = uctypes.bytearray_at(ALONE_AT, SAMPLE_N * 4)
sent = uctypes.bytearray_at(SENT_AT, SENT_BYTES)
spent = uctypes.bytearray_at(C_SPENT_AT, 4)
out = bytearray(120)
loaded = (
    sense.ZONE_AT + sense.LOADED,
    sense.ZONE_AT + sense.ZONE_WORDS + sense.LOADED,
    sense.ZONE_AT + 2 * sense.ZONE_WORDS + sense.LOADED,
)


def loaded_bits(state):
    return state[loaded[0]] | state[loaded[1]] << 1 | state[loaded[2]] << 2


def begin():
    app.start_session(0)
    app.sampler.stop()
    world.timers.clear()
    app.ring.clear()
    app.link.host_listens = True


def overhead():
    least = MASK
    for _ in range(20):
        a = instret()
        b = instret()
        least = min(least, (b - a) & MASK)
    return least


def empty_call(state):
    least = MASK
    for _ in range(20):
        a = instret()
        nothing(state)
        b = instret()
        least = min(least, (b - a) & MASK)
    return least


# Bits: 0-2 a zone was confirmed, 3-5 a zone lifted, 6 frame, 7 contact told, 8 stride told, 9 house, 10 rebase,
# 11 gait was heard, 12-15 what was due
def the_whole_path():
    ring = app.ring
    detector = app._detector
    state = detector.state
    queue = app.link._queue
    own = overhead()
    sent_n = 0
    allocated = gc.mem_alloc()
    for k in range(SAMPLE_N):
        put(walk, k * CHANNEL_N, ring.counts, ring.offset(), CHANNEL_N)
        ring.commit(k, k * 5000)
        was = loaded_bits(state)
        seq = ring.marks[sense.PACK_SEQ]
        contact_n = app._contact_n
        stride_n = app.stride_n
        house_q8 = state[stance.HOUSE_Q8]
        origin = state[stance.ORIGIN]
        due = state[stance.DUE]
        alarm_q8 = state[sense.ALARM_Q8]
        a = instret()
        events = app._follow(app._state)  # as in turn()
        if events:
            app._happened(events)
        b = instret()
        store(costs, k, ((b - a) & MASK) - own)
        now = loaded_bits(state)
        kind = now & ~was | (was & ~now) << 3
        if ring.marks[sense.PACK_SEQ] != seq:
            kind |= 1 << 6
            if KERNEL == "plain":  # its checksum leaves 32-bit numbers behind
                gc.collect()
        if app._contact_n != contact_n:
            kind |= 1 << 7
        if app.stride_n != stride_n:
            kind |= 1 << 8
        if state[stance.HOUSE_Q8] != house_q8 and not kind & 63:
            kind |= 1 << 9
        if state[stance.ORIGIN] != origin:
            kind |= 1 << 10
        if state[sense.ALARM_Q8] != alarm_q8:
            kind |= 1 << 11
        kind |= due << 12
        store(kinds, k, kind)
        while queue.marks[sense.QUEUE_USED]:
            n = queue.take(out, 120)
            for i in range(n):
                sent[sent_n + i] = out[i]
            sent_n += n
    return sent_n, gc.mem_alloc() - allocated


# The kernel alone: the call of `follow` that takes the sample. In C the function has counted itself.
def the_kernel_alone():
    ring = app.ring
    detector = app._detector
    state = detector.state
    packer = app._packer
    queue = app.link._queue
    counts = ring.counts
    follow = app._follow
    own = overhead()
    for k in range(SAMPLE_N):
        put(walk, k * CHANNEL_N, counts, ring.offset(), CHANNEL_N)
        ring.commit(k, k * 5000)
        a = instret()
        events = follow(state)
        b = instret()
        store(alone, k, load(spent, 0) if KERNEL == "c" else ((b - a) & MASK) - own)
        while events:
            if events & sense.HOLE:
                app._detector.hole(ring)
                a = instret()
                events = follow(state)
                b = instret()
                store(alone, k, load(spent, 0) if KERNEL == "c" else ((b - a) & MASK) - own)
                continue
            if events & sense.FULL:
                app._send_samples(packer.seal())
                if KERNEL == "plain":
                    gc.collect()
            if events != sense.FULL:
                app._hear(state, events)
            events = follow(state)
        queue.marks[sense.QUEUE_USED] = 0


def tell(name, words, n):
    for at in range(0, n, 512):
        print(name, hexlify(words[at : min(at + 512, n)]).decode())


begin()
gc.collect()
gc.disable()
sent_n, allocated = the_whole_path()
strides, contacts = app.stride_n, app._contact_n
gc.enable()
begin()
gc.collect()
gc.disable()
the_kernel_alone()
call = 0 if KERNEL == "c" else empty_call(app._state) - overhead()
print("figures", strides, contacts, allocated, call)
gc.enable()
tell("costs", costs, SAMPLE_N * 4)
tell("kinds", kinds, SAMPLE_N * 4)
tell("alone", alone, SAMPLE_N * 4)
tell("sent", sent, sent_n)
