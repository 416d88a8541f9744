# The kernels of `hot` in plain Python: the readable reference, and what runs where native code cannot be loaded.
# On a 32-bit MicroPython the CRC functions allocate here (32-bit values are not small ints); those of `hot` do not.
from array import array

from micropython import const

# WORDS of the maps, written by firmware/make_plain.py
_PACK_AT = const(3)
_PACK_LEFT = const(4)
_PACK_NEW = const(5)
_PACK_SEQ = const(6)
_PACK_INDEX = const(7)
_PACK_CLOCK_US = const(8)
_QUEUE_USED = const(0)
_QUEUE_TAIL = const(1)
_QUEUE_SIZE = const(2)
_ASIDE_N = const(0)
_ASIDE_MOST = const(1)
_ASIDE_MISSED = const(2)
_ASIDE_FIRST = const(3)
_ASIDE_BYTES = const(4)
# end of WORDS

_SEQ_AT = const(3)


def _crc_of_byte(c):
    for _ in range(8):
        c = (c >> 1) ^ 0xEDB88320 if c & 1 else c >> 1
    return c


_TABLE = array("I", [_crc_of_byte(byte) for byte in range(256)])


def _crc(buf, n):
    c = 0xFFFFFFFF
    for i in range(n):
        c = (c >> 8) ^ _TABLE[(c ^ buf[i]) & 0xFF]
    return c


def crc_holds(buf, n):
    return 1 if _crc(buf, n) == 0xDEBB20E3 else 0


def seal(n, raw, marks, queue, spare):
    used = marks[_QUEUE_USED]
    size = marks[_QUEUE_SIZE]
    if size - used - (n + 2) < spare:
        return 0
    marks[_QUEUE_USED] = used + n + 2
    crc = _crc(raw, n - 4) ^ 0xFFFFFFFF
    for i in range(4):
        raw[n - 4 + i] = crc >> 8 * i & 0xFF
    code_at = marks[_QUEUE_TAIL] + used
    at = code_at + 1
    for i in range(n):
        if raw[i]:
            queue[at % size] = raw[i]
        else:
            queue[code_at % size] = at - code_at
            code_at = at
        at += 1
    queue[code_at % size] = at - code_at
    queue[at % size] = 0
    return n + 2


def unstuff(page, at, out):
    n = 0
    begin = at
    while page[at]:
        if at != begin:
            out[n] = 0
            n += 1
        stop = at + page[at]
        if stop > 255:
            return 0
        at += 1
        while at < stop:
            if not page[at]:
                return 0
            out[n] = page[at]
            n += 1
            at += 1
    return n if crc_holds(out, n) else 0


def is_blank(buf, n):
    for k in range(n):
        if buf[k] != 0xFF:
            return 0
    return 1


def put_aside(raw, n, marks, places):
    at = marks[_ASIDE_N]
    if at == marks[_ASIDE_MOST]:
        marks[_ASIDE_MISSED] += 1
        return
    marks[_ASIDE_N] = at + 1
    at = (marks[_ASIDE_FIRST] + at) % marks[_ASIDE_MOST]
    marks[_ASIDE_BYTES + at] = n
    for k in range(n):
        places[256 * at + k] = raw[k]


def take(queue, out, marks, n):
    n = min(n, marks[_QUEUE_USED])
    at = marks[_QUEUE_TAIL]
    for i in range(n):
        out[i] = queue[(at + i) % marks[_QUEUE_SIZE]]
    marks[_QUEUE_USED] -= n
    marks[_QUEUE_TAIL] = (at + n) % marks[_QUEUE_SIZE]
    return n


def put_head(marks, out, record_n):
    at = _SEQ_AT
    for k in (_PACK_SEQ, _PACK_INDEX, _PACK_CLOCK_US):
        for byte in range(4):
            out[at] = marks[k] >> 8 * byte & 0xFF
            at += 1
    n = marks[_PACK_AT] + 4
    marks[_PACK_AT] = at
    marks[_PACK_LEFT] = record_n
    marks[_PACK_NEW] = 1
    marks[_PACK_SEQ] += 1
    return n


def pack12(counts, n, buf, at):
    for k in range(0, n, 2):
        a = counts[k]
        b = counts[k + 1] if k + 1 < n else 0
        buf[at] = a >> 4
        buf[at + 1] = ((a & 15) << 4) | (b >> 8)
        if k + 1 < n:
            buf[at + 2] = b & 0xFF
        at += 3


def put_numbers(words, at, sizes, out):
    put = 0
    for size in sizes:
        value = words[at]
        at += 1
        if size == 3:
            if value != -0x800000:
                value = max(-0x7FFFFF, min(value, 0x7FFFFF))
        else:
            value = max(0, min(value, (1 << 8 * size) - 1))
        for _ in range(size):
            out[put] = value & 0xFF
            value >>= 8
            put += 1
