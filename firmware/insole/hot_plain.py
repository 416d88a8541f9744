# The kernels of `hot` in plain Python: the readable reference, and what runs where native code cannot be loaded.
# On a 32-bit MicroPython the CRC functions allocate here (32-bit values are not small ints); those of `hot` do not.


def crc_table(table):
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0xEDB88320 if c & 1 else c >> 1
        table[i] = c


def _crc(buf, n, table):
    c = 0xFFFFFFFF
    for i in range(n):
        c = (c >> 8) ^ table[(c ^ buf[i]) & 0xFF]
    return c


def crc_holds(buf, n, table):
    return 1 if _crc(buf, n, table) == 0xDEBB20E3 else 0


def seal(src, n, table, out):
    crc = _crc(src, n - 4, table) ^ 0xFFFFFFFF
    for i in range(4):
        src[n - 4 + i] = crc >> 8 * i & 0xFF
    code_at = 0
    at = 1
    for i in range(n):
        if src[i]:
            out[at] = src[i]
        else:
            out[code_at] = at - code_at
            code_at = at
        at += 1
    out[code_at] = at - code_at
    out[at] = 0
    return at + 1


def pack12(counts, n, buf, at):
    for k in range(0, n, 2):
        a = counts[k]
        b = counts[k + 1] if k + 1 < n else 0
        buf[at] = a >> 4
        buf[at + 1] = ((a & 15) << 4) | (b >> 8)
        if k + 1 < n:
            buf[at + 2] = b & 0xFF
        at += 3


def copy(src, src_at, out, out_at, n):
    for i in range(n):
        out[out_at + i] = src[src_at + i]


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
