# The native kernels for bytes; those for samples are sense and tune. Called through `fixed`; `hot_plain` is the
# readable twin and the reference in the tests. Never called with more than 256 bytes or 8 channels, so no call outlasts
# a quarter of a sample period. Nothing here allocates. Pointers are not checked: callers own the bounds stated per
# function.
#
# Native code keeps two variables in registers, its first two arguments: the busiest ones have those places, and serve
# for one thing after the other. A number stands left of an operator where it may, which saves a move.
from array import array

import micropython
from micropython import const

# WORDS of the maps, written by firmware/make_plain.py
_PACK_AT = const(3)
_PACK_LEFT = const(4)
_PACK_NEW = const(5)
_PACK_SEQ = const(6)
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

_SEQ_AT = const(3)  # in a samples frame, behind type and session
_TABLE = array("I", bytes(1024))


@micropython.viper
def crc_table(table: ptr32):
    for i in range(256):
        c = uint(i)
        for _ in range(8):
            if c & 1:
                c = (c >> 1) ^ uint(0xEDB88320)
            else:
                c = c >> 1
        table[i] = int(c)


crc_table(_TABLE)


# 1 when buf[0:n] ends in its own CRC-32, else 0.
@micropython.viper
def crc_holds(buf: ptr8, n: int) -> int:
    table = ptr32(_TABLE)
    c = uint(0 - 1)
    for i in range(n):
        c = (c >> 8) ^ uint(table[int(c ^ uint(buf[i])) & 0xFF])
    if c == uint(0xDEBB20E3):
        return 1
    return 0


# Seals a frame into a queue. The frame is raw[0:n], 4 <= n <= 254, and raw begins at a word, as every buffer does. The
# CRC-32 of all but its last four bytes goes into those, little-endian; the COBS of the whole, and the closing zero,
# behind what waits in `queue`. Returns how many bytes, or 0 when fewer than `spare` would be left free: then nothing
# has been done. `marks` are the queue's words; behind its size are 256 bytes for a frame that runs over its end, and
# what comes to lie there is moved to its front.
@micropython.viper
def seal(c: uint, at: ptr8, marks: ptr32, queue: ptr8, spare: int) -> int:
    n = int(c) + 2
    raw = at
    used = marks[_QUEUE_USED]
    size = marks[_QUEUE_SIZE]
    if size - used - n < spare:
        return 0
    marks[_QUEUE_USED] = used + n
    head = marks[_QUEUE_TAIL] + used
    if head >= size:
        head -= size

    # the CRC: four bytes at a time, the rest one by one
    table = ptr32(_TABLE)
    end = int(raw) + n - 6
    words_end = end & (0 - 4)
    c = uint(0 - 1)
    while int(at) != words_end:
        c = c ^ uint(ptr32(at)[0])
        c = uint(table[255 & c]) ^ (c >> 8)
        c = uint(table[255 & c]) ^ (c >> 8)
        c = uint(table[255 & c]) ^ (c >> 8)
        c = uint(table[255 & c]) ^ (c >> 8)
        at = ptr8(int(at) + 4)
    while int(at) != end:
        c = c ^ uint(at[0])
        c = uint(table[255 & c]) ^ (c >> 8)
        at = ptr8(int(at) + 1)
    c = uint(0 - 1) ^ c
    at[0] = int(c)
    at[1] = int(c >> 8)
    at[2] = int(c >> 16)
    at[3] = int(c >> 24)

    # the COBS: the bytes as they are, behind one for a number; then each zero gets the way to the next. Of four bytes
    # one look tells whether there is a zero among them.
    src = ptr32(raw)
    at = ptr8(int(queue) + head)
    code = at
    end = int(at) + n - 2
    high_bits = 0x01010101
    high_bits = high_bits << 7  # which is no small number
    words_end = int(at) + ((n - 2) & (0 - 4))
    while int(at) != words_end:
        c = uint(src[0])
        src = ptr32(int(src) + 4)
        if (int(c) - 0x01010101) & ((0 - 1) ^ int(c)) & high_bits:  # ~c would change c itself on x86
            stop = int(at) + 4
            while int(at) != stop:
                at = ptr8(int(at) + 1)
                at[0] = int(c)
                c = c >> 8
                if not at[0]:
                    code[0] = int(at) - int(code)
                    code = at
        else:
            at[1] = int(c)
            at[2] = int(c >> 8)
            at[3] = int(c >> 16)
            at = ptr8(int(at) + 4)
            at[0] = int(c >> 24)
    while int(at) != end:
        at = ptr8(int(at) + 1)
        at[0] = ptr8(src)[0]
        src = ptr32(int(src) + 1)
        if not at[0]:
            code[0] = int(at) - int(code)
            code = at
    at = ptr8(int(at) + 1)
    code[0] = int(at) - int(code)
    at[0] = 0

    # over the end
    end = int(at) + 1
    at = ptr8(int(queue) + size)
    while int(at) < end:
        queue[0] = at[0]
        queue = ptr8(int(queue) + 1)
        at = ptr8(int(at) + 1)
    return n


# A samples frame whose records are all in `put`: its number and its first record's index and clock into its head, and
# the words for the next frame, which takes record_n. Returns the frame's bytes, room for the CRC among them.
@micropython.viper
def put_head(marks: ptr32, put: ptr8, record_n: int) -> int:
    begin = int(put)
    put = ptr8(begin + _SEQ_AT)
    k = _PACK_SEQ
    while k <= _PACK_CLOCK_US:
        value = marks[k]
        put[0] = value
        put[1] = value >> 8
        put[2] = value >> 16
        put[3] = value >> 24
        put = ptr8(int(put) + 4)
        k += 1
    n = marks[_PACK_AT] + 4
    marks[_PACK_AT] = int(put) - begin
    marks[_PACK_LEFT] = record_n
    marks[_PACK_NEW] = 1
    marks[_PACK_SEQ] = marks[_PACK_SEQ] + 1
    return n


# Opens the frame that begins at page[at], of a page of 256 bytes: the COBS taken off it into out, which has room for as
# many. Returns its bytes with the CRC, or 0 when none begins there: no closing zero where there must be one, or a CRC
# that does not hold. Then something may have been written to out.
@micropython.viper
def unstuff(page: ptr8, at: int, out: ptr8) -> int:
    table = ptr32(_TABLE)
    c = uint(0 - 1)
    n = 0
    begin = at
    code = page[at]
    while code:
        if at != begin:
            out[n] = 0
            n += 1
            c = (c >> 8) ^ uint(table[int(c) & 0xFF])
        stop = at + code
        if stop > 255:
            return 0
        at += 1
        while at < stop:
            byte = page[at]
            if byte == 0:
                return 0
            out[n] = byte
            n += 1
            c = (c >> 8) ^ uint(table[int(c ^ uint(byte)) & 0xFF])
            at += 1
        code = page[at]
    if c == uint(0xDEBB20E3):
        return n
    return 0


# 1 when buf[0:n] is as erased flash, all ones; buf begins at a word, and n is a multiple of 4.
@micropython.viper
def is_blank(buf: ptr32, n: int) -> int:
    k = 0
    words_n = n >> 2
    while k < words_n:
        if buf[k] + 1:
            return 0
        k += 1
    return 1


# One record of n 12-bit counts, packed big-endian into buf from `at` on; an odd n is padded with four zero bits.
@micropython.viper
def pack12(counts: ptr16, n: int, buf: ptr8, at: int):
    k = 0
    while k < n:
        a = counts[k]
        b = 0
        if k + 1 < n:
            b = counts[k + 1]
        buf[at] = a >> 4
        buf[at + 1] = ((a & 15) << 4) | (b >> 8)
        if k + 1 < n:
            buf[at + 2] = b & 0xFF
        at += 3
        k += 2


# Puts the frame raw[0:n], n up to 254, into the next of the places for frames, 256 bytes each; counts it where there is
# none left. Copied by words, so up to three bytes behind the frame come with it.
@micropython.viper
def put_aside(raw: ptr32, n: int, marks: ptr32, places: ptr32):
    at = marks[_ASIDE_N]
    if at == marks[_ASIDE_MOST]:
        marks[_ASIDE_MISSED] = marks[_ASIDE_MISSED] + 1
        return
    marks[_ASIDE_N] = at + 1
    at += marks[_ASIDE_FIRST]
    if at >= marks[_ASIDE_MOST]:
        at -= marks[_ASIDE_MOST]
    marks[_ASIDE_BYTES + at] = n
    places = ptr32(int(places) + (at << 8))
    end = int(raw) + n
    while int(raw) < end:
        places[0] = raw[0]
        raw = ptr32(int(raw) + 4)
        places = ptr32(int(places) + 4)


# Takes up to n bytes out of a queue to out; returns how many.
@micropython.viper
def take(at: ptr8, out: ptr8, marks: ptr32, n: int) -> int:
    queue = at
    used = marks[_QUEUE_USED]
    if n > used:
        n = used
    marks[_QUEUE_USED] = used - n
    at = ptr8(int(queue) + marks[_QUEUE_TAIL])
    over = int(queue) + marks[_QUEUE_SIZE]
    end = int(out) + n
    at_last = over - 4
    out_last = end - 4
    while int(out) != end:
        out[0] = at[0]
        if int(out) <= out_last and int(at) <= at_last:
            out[1] = at[1]
            out[2] = at[2]
            out[3] = at[3]
            out = ptr8(int(out) + 4)
            at = ptr8(int(at) + 4)
        else:
            out = ptr8(int(out) + 1)
            at = ptr8(int(at) + 1)
        if int(at) == over:
            at = queue
    marks[_QUEUE_TAIL] = int(at) - int(queue)
    return n


# Numbers from words[at:], little-endian, each of as many bytes, 1 to 4, as `sizes` says. What is too large becomes the
# largest there is room for; 3 bytes have a sign, and their lowest number, which says that there is none, only for
# itself; a number of 4 bytes below nothing is nothing.
@micropython.viper
def put_numbers(words: ptr32, at: int, sizes, out: ptr8):
    size_of = ptr8(sizes)
    n = int(len(sizes))  # noqa: RUF046 - native code needs it
    k = 0
    while k < n:
        value = words[at + k]
        size = size_of[k]
        k += 1
        if size == 3:
            if value > 0x7FFFFF:
                value = 0x7FFFFF
            elif value < 0 - 0x800000:
                value = 1 - 0x800000
        elif value < 0:
            value = 0
        elif size == 1 and value > 0xFF:
            value = 0xFF
        elif size == 2 and value > 0xFFFF:
            value = 0xFFFF
        while size:
            out[0] = value
            out = ptr8(int(out) + 1)
            value = value >> 8
            size -= 1
