# Frames as bytes: the golden vectors shared with the host, the samples packer with its holes, the command reader.
import json
from array import array
from struct import unpack_from

from insole import wire
from insole.frame import Coder, CommandReader, SamplesPacker, record_bytes, records_per_frame


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


def feed(reader, data):
    return [byte for byte in data if reader.feed(byte)]


def test_good_vectors_are_sealed_to_the_same_bytes():
    good = vectors()["good"]
    assert len(good) > 10
    for vector in good:
        frame = unhex(vector["frame_hex"])
        coder = Coder()
        for k in range(len(frame) - 4):
            coder.raw[k] = frame[k]
        n = coder.seal(len(frame))
        assert coder.wire[:n] == unhex(vector["wire_hex"]), vector["name"]


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


# The records of a frame in `wire`, as (first_index, list of samples); the frame's own COBS is undone here.
def samples_of(wired, n, channel_n):
    raw = bytearray()
    at = 0
    while at < n - 1:
        code = wired[at]
        raw.extend(wired[at + 1 : at + code])
        at += code
        if code < 255 and at < n - 1:
            raw.append(0)
    first = unpack_from("<I", raw, 7)[0]
    size = record_bytes(channel_n)
    body = raw[15:-4]
    return first, [unpack(body[k : k + size], channel_n) for k in range(0, len(body), size)]


def test_record_sizes():
    assert [record_bytes(n) for n in range(2, 9)] == [3, 5, 6, 8, 9, 11, 12]
    assert records_per_frame(6) == 26
    for n in range(2, 9):
        assert wire.SAMPLES_BYTES + records_per_frame(n) * record_bytes(n) <= wire.FRAME_BYTES


def pack(channel_n, indices):
    packer = SamplesPacker(channel_n)
    packer.begin(3)
    frames = []
    for index in indices:
        counts = array("H", [(index + k) & 0xFFF for k in range(channel_n)])
        n = packer.add(index, 0, counts)
        if n:
            frames.append(samples_of(packer.wire, n, channel_n))
    n = packer.flush()
    if n:
        frames.append(samples_of(packer.wire, n, channel_n))
    return frames


def check_frames(channel_n, indices):
    frames = pack(channel_n, indices)
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


def test_holes_inside_and_across_frames():
    check_frames(6, [0, 1, 5, 6, 25, 26, 27])
    check_frames(6, [0, 25, 26])
    check_frames(6, [0, 26])
    check_frames(6, [7, 33, 34, 500, 501])
    check_frames(5, list(range(10)) + list(range(300, 340)))


def test_nothing_to_flush():
    packer = SamplesPacker(6)
    packer.begin(1)
    assert packer.flush() == 0
