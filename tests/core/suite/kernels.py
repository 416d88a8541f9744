# The native kernels against their plain twin, over random and edge input. Where no native code loads (CPython) both are
# the plain ones; then only the reference values are checked.
import random
import sys
from array import array

from insole import fixed, hot_plain

SEED = 20261121


def kernels():
    random.seed(SEED)
    return fixed


def test_native_code_runs_where_it_can():
    native = sys.implementation.name == "micropython"
    assert native == fixed.NATIVE, "the other tests here would compare plain to plain"


def table_of(room):
    table = array("I", [0] * 256)
    room.crc_table(table)
    return table


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


def test_crc_tables_agree_and_hold_known_values():
    native, plain = table_of(kernels()), table_of(hot_plain)
    assert native == plain
    assert plain[1] == 0x77073096
    assert plain[255] == 0x2D02EF8D


def sealed(room, frame, table):
    src = bytearray(frame)
    out = bytearray(len(src) + 4)
    assert room.seal(src, len(src), table, out) == len(src) + 2
    assert out[-2:] == b"\0\0", "wrote past the end"
    return src, out[:-2]


def test_crc_of_the_check_string():
    for room in (kernels(), hot_plain):
        src, _ = sealed(room, b"123456789....", table_of(room))
        assert src[:9] == b"123456789" and src[9:] == b"\x26\x39\xf4\xcb", src
        assert room.crc_holds(src, 13, table_of(room)) == 1


def test_sealing_agrees_and_every_flip_is_noticed():
    room = kernels()
    table = table_of(room)
    for frame in edge_frames():
        frame = frame[:250] + bytearray(4)
        n = len(frame)
        native, native_wire = sealed(room, frame, table)
        plain, plain_wire = sealed(hot_plain, frame, table)
        assert native == plain and native[: n - 4] == frame[: n - 4]
        assert native_wire == plain_wire
        assert room.crc_holds(native, n, table) == hot_plain.crc_holds(native, n, table) == 1
        native[random.randint(0, n - 1)] ^= 1 << random.randint(0, 7)
        assert room.crc_holds(native, n, table) == hot_plain.crc_holds(native, n, table) == 0


def uncobs(wired):
    out = bytearray()
    at = 0
    while at < len(wired):
        code = wired[at]
        out.extend(wired[at + 1 : at + code])
        at += code
        if at < len(wired):
            out.append(0)
    return out


def test_a_sealed_frame_has_one_zero_and_is_what_was_sealed():
    room = kernels()
    table = table_of(room)
    for frame in edge_frames():
        src, wired = sealed(room, frame[:250] + bytearray(4), table)
        assert all(wired[k] for k in range(len(wired) - 1)), wired
        assert wired[-1] == 0
        assert uncobs(wired[:-1]) == src


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


def test_copy_agrees():
    room = kernels()
    for _ in range(40):
        src = random_bytes(60)
        native, plain = bytearray(80), bytearray(80)
        src_at, out_at, n = random.randint(0, 20), random.randint(0, 40), random.randint(0, 40)
        room.copy(src, src_at, native, out_at, n)
        hot_plain.copy(src, src_at, plain, out_at, n)
        assert native == plain
        assert native[out_at : out_at + n] == src[src_at : src_at + n]
