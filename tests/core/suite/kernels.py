# The native kernels against their plain twin, over random and edge input. Where no native code loads (CPython) both are
# the plain ones; then only the reference values are checked.
import random
import sys
from array import array
from struct import calcsize, pack

from insole import fixed, hot_plain
from insole.fixed import sense
from suite._taker import uncobs

SEED = 20261121


def kernels():
    random.seed(SEED)
    return fixed


# Its addresses are words of 32 bits.
def test_native_code_runs_where_it_can():
    native = sys.implementation.name == "micropython" and calcsize("P") == 4
    assert native == fixed.NATIVE, "the other tests here would compare plain to plain"


def random_bytes(n):
    return bytearray(random.getrandbits(8) for _ in range(n))


def edge_frames():
    yield bytearray(0)
    for n in (1, 2, 253, 254):
        yield bytearray(n)
        yield bytearray(b"\xff" * n)
        yield bytearray(b"\x01" * (n - 1) + b"\x00")
        yield bytearray(b"\x00" + b"\x01" * (n - 1))
    for _ in range(60):
        yield random_bytes(random.randint(1, 254))


OVER = 256  # bytes that a queue has behind its size


# A frame sealed into a queue, with something in every byte: the frame with its CRC, the queue's words, its bytes.
def sealed(room, frame, tail=0, used=0, size=300, spare=0):
    raw = bytearray(frame)
    marks = array("i", [used, tail, size])
    queue = bytearray(b"\xa5" * (size + OVER))
    n = room.seal(len(raw), raw, marks, queue, spare)
    assert n in (0, len(raw) + 2)
    return raw, list(marks), queue[:size], n


def test_crc_of_the_check_string():
    for room in (kernels(), hot_plain):
        raw, _, _, _ = sealed(room, b"123456789....")
        assert raw[:9] == b"123456789" and raw[9:] == b"\x26\x39\xf4\xcb", raw
        assert room.crc_holds(raw, 13) == 1


def frames_with_crc():
    for frame in edge_frames():
        yield frame[:250] + bytearray(4)
    for n in range(4, 24):
        yield random_bytes(n)


def test_sealing_agrees_and_every_flip_is_noticed():
    room = kernels()
    for frame in frames_with_crc():
        n = len(frame)
        native = sealed(room, frame)
        assert native == sealed(hot_plain, frame)
        raw = native[0]
        assert raw[: n - 4] == frame[: n - 4]
        assert room.crc_holds(raw, n) == hot_plain.crc_holds(raw, n) == 1
        raw[random.randint(0, n - 1)] ^= 1 << random.randint(0, 7)
        assert room.crc_holds(raw, n) == hot_plain.crc_holds(raw, n) == 0


def test_sealing_agrees_wherever_the_queue_begins_and_leaves_what_waits_there():
    room = kernels()
    for frame in frames_with_crc():
        n = len(frame) + 2
        size = random.randint(n, n + 60)
        tail, used = random.randint(0, size - 1), random.randint(0, size - n)
        _, marks, queue, sealed_n = sealed(room, frame, tail, used, size)
        assert sealed_n == n and marks == [used + n, tail, size]
        assert queue == sealed(hot_plain, frame, tail, used, size)[2]
        for k in range(size - n):
            assert queue[(tail + used + n + k) % size] == 0xA5, "and what is free"


def test_a_frame_that_does_not_fit_changes_nothing():
    for room in (kernels(), hot_plain):
        frame = bytearray(b"\x01" * 20)
        for used, spare in ((79, 0), (100, 0), (0, 79), (40, 39)):
            raw, marks, queue, n = sealed(room, frame, 90, used, 100, spare)
            assert n == 0 and raw == frame and marks == [used, 90, 100] and queue == b"\xa5" * 100
        for used, spare in ((78, 0), (0, 78), (40, 38)):
            assert sealed(room, frame, 90, used, 100, spare)[3] == 22


def test_a_sealed_frame_has_one_zero_and_is_what_was_sealed():
    room = kernels()
    for frame in frames_with_crc():
        raw, _, wired, n = sealed(room, frame)
        assert all(wired[k] for k in range(n - 1)), wired
        assert wired[n - 1] == 0
        assert uncobs(wired[: n - 1]) == raw


def test_taking_agrees():
    room = kernels()
    for _ in range(200):
        size = random.randint(1, 60)
        queue = random_bytes(size + OVER)
        begin = [random.randint(0, size), random.randint(0, size - 1), size]
        n = random.randint(0, 40)
        native, plain = bytearray(44), bytearray(44)
        marks, marks_plain = array("i", begin), array("i", begin)
        taken_n = room.take(queue, native, marks, n)
        assert taken_n == hot_plain.take(queue, plain, marks_plain, n) == min(n, begin[0])
        assert native == plain and marks == marks_plain
        expected = bytearray(queue[(begin[1] + k) % size] for k in range(taken_n))
        assert native == expected + bytearray(44 - taken_n)


def test_the_head_of_a_frame_agrees():
    room = kernels()
    for _ in range(20):
        seq, index, clock_us = (random.getrandbits(29) for _ in range(3))
        marks = array("i", [7] * (sense.STAMPS + 2))
        marks[sense.PACK_SEQ], marks[sense.PACK_INDEX], marks[sense.PACK_CLOCK_US] = seq, index, clock_us
        marks[sense.PACK_AT] = 100
        marks_plain = array("i", marks)
        native, plain = bytearray(b"\xa5" * 20), bytearray(b"\xa5" * 20)
        assert room.put_head(marks, native, 26) == hot_plain.put_head(marks_plain, plain, 26) == 104
        assert native == plain and marks == marks_plain
        assert native == b"\xa5" * 3 + pack("<III", seq, index, clock_us) + b"\xa5" * 5
        assert [marks[k] for k in (sense.PACK_SEQ, sense.PACK_AT, sense.PACK_LEFT)] == [seq + 1, 15, 26]


def test_pack12_agrees_for_every_channel_count():
    room = kernels()
    for n in range(1, 9):
        for fill in (0, 0xFFF, 0x800, None):
            counts = array("H", [random.getrandbits(12) if fill is None else fill for _ in range(n)])
            native, plain = bytearray(20), bytearray(20)
            room.pack12(counts, n, native, 3)
            hot_plain.pack12(counts, n, plain, 3)
            assert native == plain, (n, counts)
            assert not any(native[3 + (n * 12 + 7) // 8 :]), "wrote past the record"


def test_pack12_is_big_endian():
    buf = bytearray(5)
    kernels().pack12(array("H", [0x123, 0x456, 0x789]), 3, buf, 0)
    assert buf == b"\x12\x34\x56\x78\x90", buf
