# The two queues: nothing lost without a count, order and index kept, across many turns around the end.
import random

from insole.ring import ByteQueue, SampleRing
from suite._taker import Taker, uncobs


def push(ring, index):
    at = ring.offset()
    if at < 0:
        return False
    for k in range(ring.channel_n):
        ring.counts[at + k] = (index * 7 + k) & 0xFFF
    ring.commit(index, index * 5000)
    return True


def test_samples_come_out_in_order_with_their_index():
    ring = SampleRing(3, 5)
    taker = Taker(ring)
    for index in range(40):
        assert push(ring, index)
        assert len(ring) == 1
        assert taker.take() == (index, index * 5000, [(index * 7 + k) & 0xFFF for k in range(3)])
    assert taker.take() is None


def test_full_ring_drops_the_newest_and_counts_it():
    ring = SampleRing(1, 4)
    taker = Taker(ring)
    pushed = [push(ring, index) for index in range(6)]
    assert pushed == [True, True, True, False, False, False]
    assert ring.full_n == 3
    assert taker.indices() == [0, 1, 2]
    assert push(ring, 6)
    assert taker.indices() == [6], "the index goes on over a loss"


def test_clear_empties():
    ring = SampleRing(1, 4)
    for index in range(5):
        push(ring, index)
    ring.clear()
    assert (len(ring), ring.full_n) == (0, 0)
    assert Taker(ring).take() is None


def test_random_traffic_is_accounted_for():
    random.seed(7)
    ring = SampleRing(2, 8)
    taker = Taker(ring)
    sent = taken = 0
    for index in range(2000):
        sent += push(ring, index)
        while random.random() < 0.45 and taker.take():
            taken += 1
    taken += len(taker.indices())
    assert taken == sent
    assert sent + ring.full_n == 2000
    assert ring.full_n > 0, "this traffic must overflow sometimes, or nothing was tested"


# The frames of a sequence of bytes, each still with its CRC.
def frames_of(wired):
    assert not wired or wired[-1] == 0
    return [uncobs(frame) for frame in bytes(wired).split(b"\0")[:-1]]


def test_frames_keep_their_order_around_the_end():
    random.seed(11)
    queue = ByteQueue(64)
    out = bytearray(64)
    put, got = [], bytearray()
    refused_n = 0
    for turn in range(200):
        frame = bytearray((turn + k) % 5 for k in range(random.randint(5, 30)))
        before = len(queue)
        spare = random.randint(0, 10)
        if queue.put(frame, len(frame), spare):
            put.append(bytes(frame))
            assert len(queue) == before + len(frame) + 2 <= 64 - spare
        else:
            refused_n += 1
            assert before + len(frame) + 2 > 64 - spare
            assert len(queue) == before, "a frame that does not fit leaves nothing behind"
        n = queue.take(out, random.randint(0, 25))
        got.extend(out[:n])
    n = queue.take(out, 64)
    got.extend(out[:n])
    assert frames_of(got) == put
    assert len(queue) == 0
    assert refused_n > 15 and len(put) > 60


def test_queue_fills_to_the_last_byte():
    queue = ByteQueue(16)
    assert queue.put(bytearray(b"12345678901234"), 14, 0)
    assert not queue.put(bytearray(b"1234"), 4, 0)
    out = bytearray(16)
    assert queue.take(out, 100) == 16
    assert out[:11] == b"\x0f1234567890"
