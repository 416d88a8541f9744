# Frames, both ways. What goes out is put together here without its CRC; `ring.ByteQueue` seals it. SamplesPacker
# gathers records until a frame is full; CommandReader turns the hexadecimal a host writes between zeros into a command.
# Called from the main loop only. After construction nothing allocates.
from array import array
from struct import pack_into

from micropython import const

from . import wire
from .fixed import crc_holds, pack12, put_head, put_numbers

# WORDS of the maps, written by firmware/make_plain.py
_PACK_AT = const(3)
_PACK_LEFT = const(4)
_PACK_NEW = const(5)
_PACK_SEQ = const(6)
_PACK_INDEX = const(7)
_STRIDE_AT = const(225)
_CONTACT_AT = const(245)
_CUED = const(252)
_STRIDE_BYTES = const(46)
_CONTACT_BYTES = const(19)
# end of WORDS


def record_bytes(channel_n):
    return (channel_n * 12 + 7) // 8


def records_per_frame(channel_n):
    return (wire.FRAME_BYTES - wire.SAMPLES_BYTES) // record_bytes(channel_n)


# The samples frames, whose records `sense.follow` packs into `raw`: fills the holes in them, and writes their heads.
class SamplesPacker:
    def __init__(self, ring):
        self.raw = bytearray(wire.FRAME_BYTES)
        self._marks = ring.marks
        self._channel_n = ring.channel_n
        self._record_bytes = record_bytes(ring.channel_n)
        self._record_n = records_per_frame(ring.channel_n)
        self._missing = array("H", [wire.MISSING_COUNT] * ring.channel_n)
        self.begin(0)

    def begin(self, session):
        pack_into(wire.SAMPLES_FORMAT, self.raw, 0, wire.SAMPLES, session, 0, 0, 0)
        self._marks[_PACK_SEQ] = -1  # so that the next one is the first
        self.seal()

    # Frames of this session so far.
    @property
    def frame_n(self):
        return self._marks[_PACK_SEQ]

    # The next sample has this index and is not the expected one. Missing records go before it, or, when it lies past
    # this frame, the frame is closed. Returns the bytes of a closed frame, else 0.
    def hole(self, index):
        marks = self._marks
        if marks[_PACK_NEW]:
            return 0
        at_n = index - marks[_PACK_INDEX]
        if 0 <= at_n < self._record_n:
            self._fill(self._record_n - at_n)
            return 0
        return self.flush()

    # Close a frame that is not full; returns its bytes, 0 when there is nothing.
    def flush(self):
        if self._marks[_PACK_NEW]:
            return 0
        self._fill(0)
        return self.seal()

    def _fill(self, left_n):
        marks = self._marks
        while marks[_PACK_LEFT] > left_n:
            pack12(self._missing, self._channel_n, self.raw, marks[_PACK_AT])
            marks[_PACK_AT] += self._record_bytes
            marks[_PACK_LEFT] -= 1

    # Close the full frame; returns its bytes.
    def seal(self):
        return put_head(self._marks, self.raw, self._record_n)


# The two frames a detector fills, here because they are bytes: its numbers already stand in their order.


# The sizes of a frame's numbers, in bytes; the wire's 24 bits are written as 16 and 8.
def _sizes(format):
    return bytes([_SIZE_OF[letter] for letter in format[1:].replace("Hb", "3")])


_SIZE_OF = {"B": 1, "H": 2, "3": 3, "I": 4}
_CONTACT_SIZES = _sizes(wire.CONTACT_FORMAT)
_STRIDE_SIZES = _sizes(wire.STRIDE_FORMAT)


def put_contact(raw, session, seq, gait, cued):
    state = gait.state
    state[_CONTACT_AT] = wire.CONTACT
    state[_CONTACT_AT + 1] = session
    state[_CONTACT_AT + 2] = seq
    state[_CUED] = cued
    put_numbers(state, _CONTACT_AT, _CONTACT_SIZES, raw)
    return _CONTACT_BYTES


def put_stride(raw, session, seq, gait):
    state = gait.state
    state[_STRIDE_AT] = wire.STRIDE
    state[_STRIDE_AT + 1] = session
    state[_STRIDE_AT + 2] = seq
    put_numbers(state, _STRIDE_AT, _STRIDE_SIZES, raw)
    return _STRIDE_BYTES


# After `feed` returned True, `command` holds the frame's bytes without CRC and `command_n` how many.
class CommandReader:
    def __init__(self):
        self.command = bytearray(wire.COMMAND_BYTES // 2)
        self.command_n = 0
        self.bad_n = 0
        self._digit_n = 0
        self._spoilt = False

    def feed(self, byte):
        if byte == 0:
            return self._end()
        digit = _digit(byte)
        if digit < 0 or self._digit_n >= wire.COMMAND_BYTES:
            self._spoilt = True
            return False
        at = self._digit_n >> 1
        if self._digit_n & 1:
            self.command[at] |= digit
        else:
            self.command[at] = digit << 4
        self._digit_n += 1
        return False

    def _end(self):
        n = self._digit_n >> 1
        whole = n >= 5 and not self._digit_n & 1 and not self._spoilt and crc_holds(self.command, n)
        if not whole and (self._digit_n or self._spoilt):
            self.bad_n += 1
        self._digit_n = 0
        self._spoilt = False
        self.command_n = n - 4
        return bool(whole)


def _digit(byte):
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 32
    return byte - 87 if 97 <= byte <= 102 else -1
