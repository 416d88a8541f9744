# The native kernels for bytes; those for samples are sense and tune. Called through `fixed`; `hot_plain` is the
# readable twin and the reference in the tests. Never called with more than 256 bytes or 8 channels, so no call outlasts
# a quarter of a sample period. Nothing here allocates. Pointers are not checked: callers own the bounds stated per
# function.
import micropython


# table: 256 words of 4 bytes
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


# 1 when buf[0:n] ends in its own CRC-32, else 0.
@micropython.viper
def crc_holds(buf: ptr8, n: int, table: ptr32) -> int:
    c = uint(0xFFFFFFFF)
    for i in range(n):
        c = (c >> 8) ^ uint(table[int(c ^ uint(buf[i])) & 0xFF])
    if c == uint(0xDEBB20E3):
        return 1
    return 0


# Closes a frame: writes the CRC-32 of src[0:n-4] at src[n-4:n], little-endian, and the COBS of src[0:n], n <= 254, with
# the closing zero into out[0:n+2]; returns n + 2. One pass over the bytes; `code` points to where their number goes.
@micropython.viper
def seal(src: ptr8, n: int, table: ptr32, out: ptr8) -> int:
    c = 0 - 1
    put = out
    code = out
    end = int(src) + n
    crc_at = end - 4
    while int(src) != end:
        if int(src) == crc_at:
            c = c ^ (0 - 1)
            src[0] = c
            src[1] = c >> 8
            src[2] = c >> 16
            src[3] = c >> 24
        b = src[0]
        src = ptr8(int(src) + 1)
        put = ptr8(int(put) + 1)
        c = ((c >> 8) & 0xFFFFFF) ^ table[(c ^ b) & 0xFF]
        if b:
            put[0] = b
        else:
            code[0] = int(put) - int(code)
            code = put
    put = ptr8(int(put) + 1)
    code[0] = int(put) - int(code)
    put[0] = 0
    return n + 2


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


# n bytes from src[src_at:] to out[out_at:].
@micropython.viper
def copy(src: ptr8, src_at: int, out: ptr8, out_at: int, n: int):
    take = ptr8(int(src) + src_at)
    put = ptr8(int(out) + out_at)
    end = int(take) + n
    while int(take) != end:
        put[0] = take[0]
        take = ptr8(int(take) + 1)
        put = ptr8(int(put) + 1)


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
