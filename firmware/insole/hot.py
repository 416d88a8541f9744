# The native kernels, the only viper in the firmware. Called through `fixed`; `hot_plain` is the readable twin and the
# reference in the tests. Never called with more than 256 bytes or 8 channels, so no call outlasts a quarter of a
# sample period. Nothing here allocates. Pointers are not checked: callers own the bounds stated per function.
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


# Writes the CRC-32 of buf[0:n] at buf[n:n+4], little-endian. A CRC as an object would not be a small int.
@micropython.viper
def crc_put(buf: ptr8, n: int, table: ptr32):
    c = uint(0xFFFFFFFF)
    for i in range(n):
        c = (c >> 8) ^ uint(table[int(c ^ uint(buf[i])) & 0xFF])
    c = c ^ uint(0xFFFFFFFF)
    for i in range(4):
        buf[n + i] = int(c) & 0xFF
        c = c >> 8


# 1 when buf[0:n] ends in its own CRC-32, else 0.
@micropython.viper
def crc_holds(buf: ptr8, n: int, table: ptr32) -> int:
    c = uint(0xFFFFFFFF)
    for i in range(n):
        c = (c >> 8) ^ uint(table[int(c ^ uint(buf[i])) & 0xFF])
    if c == uint(0xDEBB20E3):
        return 1
    return 0


# COBS of src[0:n], n <= 254, and the closing zero into out[0:n+2]; returns n + 2.
@micropython.viper
def cobs_put(src: ptr8, n: int, out: ptr8) -> int:
    code_at = 0
    at = 1
    code = 1
    for i in range(n):
        b = src[i]
        if b:
            out[at] = b
            code += 1
        else:
            out[code_at] = code
            code_at = at
            code = 1
        at += 1
    out[code_at] = code
    out[at] = 0
    return at + 1


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
    for i in range(n):
        out[out_at + i] = src[src_at + i]
