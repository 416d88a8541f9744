# Fixed point and the choice of kernels. Imported by every core module that counts; nothing else picks hot or hot_plain.
#
# Formats: _q8 is a time in 1/256 sample, kept below 2^30 (4 million samples) by whoever holds it; _permille is 0 to
# 1000 and may exceed it. Divisions round toward minus infinity, as // does; only crossing() rounds to the nearest.
# Everything stays within 31 bits: small ints on the device, so nothing here allocates.
try:
    from .hot import cobs_put, copy, crc_holds, crc_put, crc_table, pack12

    NATIVE = True
except (SyntaxError, AttributeError, ImportError, ValueError):  # no viper (CPython, wasm) or a foreign .mpy
    from .hot_plain import cobs_put, copy, crc_holds, crc_put, crc_table, pack12

    NATIVE = False

NEVER_Q8 = 0x1FFFFFFF  # an event not seen; half of the small ints, so that differences with it stay small


# Time in q8 at which a line from (now_q8 - step_q8, before) to (now_q8, after) meets level; before != after.
# |level - before| <= 32768 and step_q8 <= 16384 (64 samples): the product stays below 2^29.
def crossing_q8(now_q8, step_q8, before, after, level):
    span = after - before
    part = (level - before) * step_q8
    if span < 0:
        span = -span
        part = -part
    return now_q8 - step_q8 + (part + (span >> 1)) // span


def clamp(value, low, high):
    if value < low:
        return low
    return high if value > high else value


# part of whole in permille; 0 when the whole is nothing. part <= 2^20.
def permille(part, whole):
    return part * 1000 // whole if whole > 0 else 0
