# The two queues: nothing lost without a count, order and index kept, across many turns around the end.
import random

from insole.ring import ByteQueue, SampleRing
from suite._taker import Taker


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


def test_bytes_keep_their_order_around_the_end():
    random.seed(11)
    queue = ByteQueue(64)
    out = bytearray(64)
    put, got = bytearray(), bytearray()
    for turn in range(400):
        frame = bytearray((turn + k) & 0xFF for k in range(random.randint(1, 30)))
        before = queue.used
        if queue.put(frame, len(frame)):
            put.extend(frame)
        else:
            assert before + len(frame) > 64
            assert queue.used == before, "a frame that does not fit leaves nothing behind"
        n = queue.take(out, random.randint(0, 25))
        got.extend(out[:n])
    n = queue.take(out, 64)
    got.extend(out[:n])
    assert got == put
    assert queue.used == 0


def test_queue_fills_to_the_last_byte():
    queue = ByteQueue(8)
    assert queue.put(b"12345678", 8)
    assert not queue.put(b"9", 1)
    out = bytearray(8)
    assert queue.take(out, 100) == 8
    assert out == b"12345678"
