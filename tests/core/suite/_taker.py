# Takes samples out of a ring as the firmware does, one by one, and looks at them: with no detector behind it, and with
# frames wanted, because what `sense.follow` packs is what it took.
from array import array

from insole.fixed import NEVER_Q8, sense, stance

RECORD_AT = 4


class Taker:
    def __init__(self, ring):
        self.ring = ring
        self.clock_us = 0  # of the sample taken last
        self.frame = bytearray(RECORD_AT + 12)
        self.state = state = array("i", [0] * stance.ALL_WORDS)
        self._follow = sense.bind(ring.marks, ring.counts, self.frame, state)
        state[sense.CHANNEL_N] = ring.channel_n
        state[sense.STANCE_N] = -1
        state[sense.SMOOTH_N] = 1
        state[sense.REST_N] = state[sense.ALARM_Q8] = NEVER_Q8
        for zone in range(3):
            at = sense.ZONE_AT + zone * sense.ZONE_WORDS
            for level in (sense.LOW, sense.HIGH, sense.RELEASE, sense.QUICK, sense.SURGE):
                state[at + level] = 1 << 20

    # Index, clock_us and counts of the next sample; None when there is none. Holes are passed over.
    def take(self):
        ring = self.ring
        if not len(ring):
            return None
        index = self.state[sense.NEXT_INDEX] = ring.index
        marks = ring.marks
        marks[sense.PACK_AT] = RECORD_AT
        marks[sense.PACK_LEFT] = marks[sense.PACK_NEW] = 1
        left_n = len(ring)
        said = self._follow(self.state)
        assert said == sense.FULL, said
        assert len(ring) == left_n - 1
        assert marks[sense.PACK_INDEX] == index
        self.clock_us = marks[sense.PACK_CLOCK_US]
        return index, self.clock_us, unpack(self.frame, RECORD_AT, ring.channel_n)

    def indices(self):
        found = []
        while True:
            taken = self.take()
            if taken is None:
                return found
            found.append(taken[0])


# n counts of 12 bits, big-endian, from `at` on.
def unpack(buf, at, n):
    found = []
    for k in range(n):
        nibble = 3 * k
        word = buf[at + nibble // 2] << 8 | buf[at + nibble // 2 + 1]
        found.append(word & 0xFFF if nibble & 1 else word >> 4)
    return found


def uncobs(wired):
    out = bytearray()
    at = 0
    while at < len(wired):
        code = wired[at]
        out.extend(wired[at + 1 : at + code])
        at += code
        if code < 255 and at < len(wired):
            out.append(0)
    return bytes(out)
