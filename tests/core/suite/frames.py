# Frames as bytes: the golden vectors shared with the host, the samples packer with its holes, the command reader.
import json
import random
from array import array
from struct import unpack_from

from insole import wire
from insole.fixed import NEVER_Q8, sense, stance
from insole.frame import CommandReader, SamplesPacker, put_contact, put_stride, record_bytes, records_per_frame
from insole.ring import ByteQueue, SampleRing
from suite._taker import Taker, uncobs


def unhex(text):
    return bytes(int(text[k : k + 2], 16) for k in range(0, len(text), 2))


def vectors():
    for path in ("vectors.json", "protocol/vectors.json"):
        try:
            with open(path) as file:
                return json.load(file)
        except OSError:
            pass
    raise OSError("vectors.json is not there")


# What goes over the wire for a frame raw[0:n].
def wired(raw, n):
    queue = ByteQueue(n + 2)
    out = bytearray(n + 2)
    assert queue.put(raw, n, 0)
    assert queue.take(out, n + 3) == n + 2
    return out


def feed(reader, data):
    return [byte for byte in data if reader.feed(byte)]


def test_good_vectors_are_sealed_to_the_same_bytes():
    good = vectors()["good"]
    assert len(good) > 10
    for vector in good:
        frame = unhex(vector["frame_hex"])
        assert wired(bytearray(frame[:-4]) + bytearray(4), len(frame)) == unhex(vector["wire_hex"]), vector["name"]


def test_command_vectors_are_read():
    commands = vectors()["commands"]
    assert len(commands) > 5
    reader = CommandReader()
    for vector in commands:
        whole = feed(reader, unhex(vector["wire_hex"]))
        frame = unhex(vector["frame_hex"])
        assert len(whole) == 1, vector["name"]
        assert reader.command_n == len(frame) - 4
        assert reader.command[: reader.command_n] == frame[:-4], vector["name"]
    assert reader.bad_n == 0


def test_damaged_commands_are_counted_and_the_next_is_read():
    text = unhex(vectors()["commands"][0]["wire_hex"])
    inside = text.strip(b"\x00")
    changed = inside.replace(inside[:2], b"00")
    for damage in (inside[:-1], inside[1:], inside + b"0", b"zz" + inside, changed, inside * 20):
        reader = CommandReader()
        assert not feed(reader, b"\x00" + damage + b"\x00"), damage
        assert reader.bad_n == 1, damage
        assert feed(reader, text), "a damaged command must not spoil the next"


def test_silence_is_no_command():
    reader = CommandReader()
    assert not feed(reader, b"\x00\x00\x00")
    assert reader.bad_n == 0


def unpack(record, n):
    bits = int.from_bytes(record, "big") >> (len(record) * 8 - 12 * n)
    return [(bits >> 12 * (n - 1 - k)) & 0xFFF for k in range(n)]


SEQS = []  # of the frames looked at


# The records of a sealed frame, as (first_index, list of samples).
def samples_of(sealed, channel_n):
    raw = uncobs(sealed[:-1])
    assert raw[0] == wire.SAMPLES
    session, seq, first, clock_us = unpack_from("<HIII", raw, 1)
    assert session == 3 and clock_us == first * 5000, "the clock of the first record"
    SEQS.append(seq)
    size = record_bytes(channel_n)
    body = raw[15:-4]
    return first, [unpack(body[k : k + size], channel_n) for k in range(0, len(body), size)]


def test_record_sizes():
    assert [record_bytes(n) for n in range(2, 9)] == [3, 5, 6, 8, 9, 11, 12]
    assert records_per_frame(6) == 26
    for n in range(2, 9):
        assert wire.SAMPLES_BYTES + records_per_frame(n) * record_bytes(n) <= wire.FRAME_BYTES


# The frames that samples with these indices make, on the way the application takes them.
def pack(channel_n, indices):
    ring = SampleRing(channel_n, 7)
    packer = SamplesPacker(ring)
    packer.begin(3)
    state = Taker(ring).state
    state[sense.NEXT_INDEX] = -1
    follow = sense.bind(ring.marks, ring.counts, packer.raw, state)
    frames = []
    for index in indices:
        at = ring.offset()
        for k in range(channel_n):
            ring.counts[at + k] = (index + k) & 0xFFF
        ring.commit(index, index * 5000)
        events = follow(state)
        while events:
            n = 0
            if events == sense.HOLE:
                n = packer.hole(ring.index)
                state[sense.NEXT_INDEX] = ring.index
            else:
                assert events == sense.FULL
                n = packer.seal()
            if n:
                frames.append(samples_of(wired(packer.raw, n), channel_n))
            events = follow(state)
    n = packer.flush()
    if n:
        frames.append(samples_of(wired(packer.raw, n), channel_n))
    return frames


def check_frames(channel_n, indices):
    del SEQS[:]
    frames = pack(channel_n, indices)
    assert SEQS == list(range(len(frames)))
    given = set(indices)
    seen = set()
    for first, records in frames:
        assert len(records) == records_per_frame(channel_n), "one length per session"
        for k, record in enumerate(records):
            index = first + k
            if record == [0xFFF] * channel_n:
                assert index not in given
                continue
            assert record == [(index + c) & 0xFFF for c in range(channel_n)], (index, record)
            assert index not in seen
            seen.add(index)
    assert seen == given, "every sample once"


def test_every_sample_once_whatever_the_channels():
    for channel_n in range(2, 9):
        check_frames(channel_n, range(100))


# An odd number of 12-bit counts leaves half a byte, which is zero.
def test_the_padding_of_a_record_is_zero():
    ring = SampleRing(3, 3)
    packer = SamplesPacker(ring)
    state = Taker(ring).state
    at = ring.offset()
    for k in range(3):
        ring.counts[at + k] = 0xFFE
    ring.commit(0, 0)
    begin = ring.marks[sense.PACK_AT]
    assert sense.bind(ring.marks, ring.counts, packer.raw, state)(state) == 0
    assert packer.raw[begin : begin + 6] == b"\xff\xef\xfe\xff\xe0\x00", "and nothing behind it"
    assert ring.marks[sense.PACK_AT] == begin + 5


def test_holes_inside_and_across_frames():
    check_frames(6, [0, 1, 5, 6, 25, 26, 27])
    check_frames(6, [0, 25, 26])
    check_frames(6, [0, 26])
    check_frames(6, [7, 33, 34, 500, 501])
    check_frames(5, list(range(10)) + list(range(300, 340)))
    check_frames(6, [0, 24, 26, 27])  # the hole is the frame's last record
    check_frames(6, [5, 31, 57])  # each the first of a frame


def test_the_frames_follow_each_other_without_a_break_in_the_samples():
    assert [(first, len(records)) for first, records in pack(6, range(60))] == [(0, 26), (26, 26), (52, 26)]
    assert [first for first, _ in pack(6, [3, 4, 29, 30])] == [3, 29]


def test_an_index_that_went_back_begins_a_new_frame():
    assert [first for first, _ in pack(6, [100, 101, 7, 8])] == [100, 7]


def test_nothing_to_flush():
    packer = SamplesPacker(SampleRing(6, 4))
    packer.begin(1)
    assert packer.flush() == 0
    assert packer.hole(77) == 0, "the first sample of all is no hole"


# What a detector says, for any values.
class Said:
    def __init__(self):
        self.state = array("i", bytes(4 * stance.ALL_WORDS))


def within(value, size):
    return max(0, min(value, (1 << 8 * size) - 1))


def test_no_times_and_loads_are_too_much_for_a_frame():
    random.seed(2)
    words = (-(1 << 28), -257, -1, 0, 1, 255, 256, 0xFFFF, 0x10000, (1 << 23) - 1, 1 << 23, 1 << 28, NEVER_Q8)
    raw = bytearray(wire.FRAME_BYTES)
    for _ in range(300):
        said = Said()
        for k in range(stance.STRIDE_AT, stance.ALL_WORDS):
            said.state[k] = random.choice(words)
        first = within(said.state[stance.TOUCH_INDEX], 4)
        rest = [within(said.state[stance.TOUCH_Q8 + k], 1) for k in range(3)]
        assert put_contact(raw, 1, 2, said, 1) == wire.CONTACT_BYTES
        assert unpack_from("<BHIIBBBB", raw, 0) == (wire.CONTACT, 1, 2, first, rest[0], rest[1], rest[2], 1)
        assert put_stride(raw, 5, 6, said) == wire.STRIDE_BYTES
        first = within(said.state[stance.TOLD_INDEX], 4)
        assert unpack_from("<BHIIB", raw, 0) == (wire.STRIDE, 5, 6, first, within(said.state[stance.TOLD_Q8], 1))
        for k in range(5):
            low, high = unpack_from("<Hb", raw, 12 + 3 * k)
            most = (1 << 23) - 1
            assert high * 65536 + low == max(-most, min(said.state[stance.TOLD_FOREFOOT_ON_Q8 + k], most)), k
        got = unpack_from("<BBBBHBHHHH", raw, 27)
        for k, size in enumerate((1, 1, 1, 1, 2, 1, 2, 2, 2, 2)):
            assert got[k] == within(said.state[stance.CONTACT_ORDER + k], size), k


def test_an_event_not_seen_is_said():
    said = Said()
    raw = bytearray(wire.FRAME_BYTES)
    said.state[stance.TOLD_HEEL_ON_Q8] = wire.STRIDE_HEEL_ON_INVALID
    put_stride(raw, 1, 2, said)
    assert unpack_from("<Hb", raw, 15) == (0, -128)
