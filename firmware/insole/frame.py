# Frames, both ways. Coder seals what stands in `raw` (CRC, COBS, closing zero) into `wire`; SamplesPacker gathers
# records until a frame is full; CommandReader turns the hexadecimal a host writes between zeros into a command.
# Called from the main loop only. After construction nothing allocates.
from array import array
from struct import calcsize, pack_into

from . import wire
from .fixed import NEVER_Q8, cobs_put, crc_holds, crc_put, crc_table, pack12

_HEAD_BYTES = wire.SAMPLES_BYTES - 4


_TABLE = array("I", [0] * 256)
crc_table(_TABLE)


def record_bytes(channel_n):
    return (channel_n * 12 + 7) // 8


def records_per_frame(channel_n):
    return (wire.FRAME_BYTES - wire.SAMPLES_BYTES) // record_bytes(channel_n)


class Coder:
    def __init__(self):
        self.raw = bytearray(wire.FRAME_BYTES)
        self.wire = bytearray(wire.FRAME_BYTES + 2)

    # Close the frame whose first n bytes, CRC included, are in raw; returns the bytes now in wire.
    def seal(self, n):
        crc_put(self.raw, n - 4, _TABLE)
        return cobs_put(self.raw, n, self.wire)


class SamplesPacker:
    def __init__(self, channel_n):
        self._coder = Coder()
        self.wire = self._coder.wire
        self._channel_n = channel_n
        self._record_bytes = record_bytes(channel_n)
        self._record_n = records_per_frame(channel_n)
        self._missing = array("H", [wire.MISSING_COUNT] * channel_n)
        self.begin(0)

    def begin(self, session):
        self._session = session
        self._seq = 0
        self._first = 0
        self._filled = 0
        self._clock_us = 0

    # Add sample `index`; returns the bytes of a frame completed by it, else 0. A hole before it is filled with missing
    # records, or, when it reaches past this frame, by closing the frame and beginning the next at `index`.
    def add(self, index, clock_us, counts):
        wire_n = 0
        if self._filled:
            if index - self._first >= self._record_n:
                wire_n = self.flush()
            else:
                self._fill(index - self._first)
        if not self._filled:
            self._first = index
            self._clock_us = clock_us
        pack12(counts, self._channel_n, self._coder.raw, _HEAD_BYTES + self._filled * self._record_bytes)
        self._filled += 1
        return self._seal() if self._filled == self._record_n else wire_n

    # Close a frame that is not full; returns its bytes, 0 when there is nothing.
    def flush(self):
        if not self._filled:
            return 0
        self._fill(self._record_n)
        return self._seal()

    def _fill(self, upto):
        while self._filled < upto:
            pack12(self._missing, self._channel_n, self._coder.raw, _HEAD_BYTES + self._filled * self._record_bytes)
            self._filled += 1

    def _seal(self):
        raw = self._coder.raw
        pack_into(wire.SAMPLES_FORMAT, raw, 0, wire.SAMPLES, self._session, self._seq, self._first, self._clock_us)
        self._seq += 1
        self._filled = 0
        return self._coder.seal(wire.SAMPLES_BYTES + self._record_n * self._record_bytes)


# The two frames a detector fills, here because they are bytes: when, relative to its origin, becomes index and rest.


def put_contact(raw, session, seq, gait, cued):
    at_q8 = gait.initial_q8
    pack_into(
        wire.CONTACT_FORMAT, raw, 0, wire.CONTACT, session, seq, gait.origin + (at_q8 >> 8), at_q8 & 0xFF,
        gait.contact_order, min(gait.delay_n, 255), cued,
    )  # fmt: skip
    return wire.CONTACT_BYTES


def put_stride(raw, session, seq, gait):
    at_q8 = gait.initial_q8
    rate_hz = gait.rate_hz
    pack_into(wire.STRIDE_FORMAT, raw, 0, wire.STRIDE, session, seq, gait.origin + (at_q8 >> 8), at_q8 & 0xFF,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, gait.contact_order, gait.lift_order, gait.walking, gait.confidence,
        gait.reasons, min(gait.delay_n, 255), min(gait.forefoot_peak, 0xFFFF), min(gait.heel_peak, 0xFFFF),
        min(gait.forefoot_sum * 4 // rate_hz, 0xFFFF), min(gait.heel_sum * 4 // rate_hz, 0xFFFF),
    )  # fmt: skip
    _put_i24(raw, _EVENTS_AT, gait.forefoot_on_q8, at_q8)
    _put_i24(raw, _EVENTS_AT + 3, gait.heel_on_q8, at_q8)
    _put_i24(raw, _EVENTS_AT + 6, gait.forefoot_off_q8, at_q8)
    _put_i24(raw, _EVENTS_AT + 9, gait.heel_off_q8, at_q8)
    _put_i24(raw, _EVENTS_AT + 12, gait.final_q8, at_q8)
    return wire.STRIDE_BYTES


_EVENTS_AT = calcsize("<BHIIB")


def _put_i24(raw, at, event_q8, base_q8):
    value = wire.STRIDE_FOREFOOT_ON_INVALID if event_q8 == NEVER_Q8 else event_q8 - base_q8
    pack_into("<Hb", raw, at, value & 0xFFFF, value >> 16)


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
        whole = n >= 5 and not self._digit_n & 1 and not self._spoilt and crc_holds(self.command, n, _TABLE)
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
