# Fixed point and the choice of kernels. Imported by every core module that counts; nothing else
# picks native code or its twin.
#
# Formats: _q8 is a time in 1/256 sample, kept below 2^30 (4 million samples) by whoever holds it; _permille is 0 to
# 1000 and may exceed it. Divisions round toward minus infinity, as // does; a crossing is rounded to the nearest.
# Everything stays within 31 bits: small ints on the device, so nothing here allocates.
from struct import calcsize

try:
    if calcsize("P") > 4:
        raise ValueError("native code keeps addresses in words of 32 bits")
    from . import sense, stance, step, tune, verdict
    from .hot import crc_holds, is_blank, pack12, put_aside, put_head, put_numbers, seal, take, unstuff

    NATIVE = True
except (SyntaxError, AttributeError, ImportError, ValueError):  # no viper (CPython, wasm), a foreign .mpy, 64 bits
    from . import sense_plain as sense
    from . import stance_plain as stance
    from . import step_plain as step
    from . import tune_plain as tune
    from . import verdict_plain as verdict
    from .hot_plain import crc_holds, is_blank, pack12, put_aside, put_head, put_numbers, seal, take, unstuff

    NATIVE = False

NEVER_Q8 = sense.NEVER_Q8
