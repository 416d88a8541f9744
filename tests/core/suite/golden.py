# The bytes of the frames that one fixed walk leads to: the same on every interpreter and machine, and after every
# change that does not mean to change what the detector finds. When one does, see what moved and why, then write the new
# bytes down here: `python tests/core/suite/golden.py`, from the project's folder, prints them.
if __name__ == "__main__":
    import sys

    for folder in ("firmware/twin/cpython", "firmware", "tests/core"):
        sys.path.insert(0, folder)

from array import array

from insole import wire
from insole.frame import put_contact, put_stride
from insole.gait import STRIDE, TOUCHED, Detector

ZONES = (3, 0, 0, 2, 1, 1)
RATE_HZ = 200
SCALE = (500, 900, 1000, 300, 1200, 1100)


# Backward, forward and on one zone alone, heavy and light, with noise, missing counts, holes short and long, a pause.
def frames():
    detector = Detector(ZONES, RATE_HZ)
    raw = bytearray(wire.FRAME_BYTES)
    counts = array("H", [0] * 6)
    found = []
    seed = 1
    index = 7
    for k in range(4400):
        stride, t = k // 220, k % 220
        ways = (((0, 110), (20, 140)), ((22, 143), (0, 105)), ((0, 120), (0, 120)), ((10, 130), (0, 0)))
        forefoot, heel = ways[stride // 5]
        weight = 1000 - 40 * (stride % 5)
        for c in range(6):
            on, off = heel if ZONES[c] == wire.ZONE_HEEL else forefoot
            seed = (seed * 1103 + 12345) & 0xFFFF
            load = max(0, min(t - on, off - t, 9 + c)) * SCALE[c] // (9 + c) * weight // 1000
            counts[c] = 35 + 3 * c + load + (seed >> 8) % 7
            if (k * 7 + c) % 97 == 0:
                counts[c] = wire.MISSING_COUNT
        index += 1 if k % 83 else 3
        if k == 3000:
            index += 900
        said = detector.step(index, counts)
        if said == TOUCHED:
            found.append(bytes(raw[: put_contact(raw, 9, len(found), detector, 0) - 4]))
        elif said == STRIDE:
            found.append(bytes(raw[: put_stride(raw, 9, len(found), detector) - 4]))
    return found


def hexed(text):
    return "".join("%02x" % byte for byte in text)


# Adler-32 of them all together.
def sum_of(found):
    low, high = 1, 0
    for byte in b"".join(found):
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return "%04x%04x" % (high, low)


FRAME_N = 34
SUM = "6f4eacd2"
FRAMES = {
    0: "03090000000000ea00000079010600",
    1: "02090001000000ea000000742cffffd513007571002a8f00858d000101025055000db90873084b11e811",
    9: "020900090000007104000076651400b8feff7791007369009090000202014caa010b5309f4089f144e10",
    18: "03090012000000d608000083030100",
    20: "03090014000000b809000090030100",
    32: "03090020000000501400009e010700",
}


def test_the_frames_of_a_fixed_walk():
    found = frames()
    for k in FRAMES:
        assert hexed(found[k]) == FRAMES[k], (k, hexed(found[k]))
    assert (len(found), sum_of(found)) == (FRAME_N, SUM), (len(found), sum_of(found))


if __name__ == "__main__":
    found = frames()
    print("FRAME_N =", len(found))
    print('SUM = "%s"' % sum_of(found))
    print("FRAMES = {")
    for k in FRAMES:
        print('    %d: "%s",' % (k, hexed(found[k])))
    print("}")
