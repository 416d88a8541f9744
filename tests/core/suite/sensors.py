# Sensors that are dead, stuck, at their top, silent for a sample or drifting: who votes and what is said.
from insole import wire
from insole.fixed import sense, stance
from insole.gait import NOTHING, TOUCHED, Detector
from suite._walk import ALIKE_N, BASE, Walk, shape
from suite._words import Words


def test_drift_is_followed_while_unloaded():
    walk = Walk()
    walk.air(60)
    for k in range(40):
        walk.base = [30 + 3 * k] * 6
        walk.stance((0, 110), (20, 140))
    assert walk.strides() == 40


def test_dead_sensor_is_left_out_and_said():
    walk = Walk(dead=1)
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
        assert walk.words.direction == wire.DIRECTION_BACKWARD
    assert walk.detector.channels.out_bits == 0b10
    assert walk.detector.channels.dead_bits == 0b10
    assert walk.words.reasons & wire.REASON_SENSOR_LEFT_OUT


def test_stuck_sensor_is_left_out_and_taken_back():
    walk = Walk(stuck=4)
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
    assert walk.detector.channels.out_bits == 0b10000
    assert walk.detector.channels.dead_bits == 0
    walk.stuck = -1
    for _ in range(2):
        walk.stance((0, 110), (20, 140))
    assert walk.detector.channels.out_bits == 0


def test_saturated_sensor_is_said():
    walk = Walk()
    walk.air(60)
    for top, at_top_n, bits in ((4094, 150, 1), (4094, 110, 0), (4093, 150, 0), (4095, 150, 0), (4094, 150, 1)):
        start = walk.index
        for t in range(260):
            walk.load(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
            if t < at_top_n:
                walk.counts[0] = top
            walk.take()
        assert walk.index == start + 260
        assert walk.detector.channels.saturated_bits == bits, (top, at_top_n)


def test_missing_counts_are_bridged():
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    for t in range(260):
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
        if t % 10 == 5:  # every tenth sample is followed by one that was never taken
            for k in range(6):
                walk.counts[k] = wire.MISSING_COUNT
            said = walk.detector.step(walk.index, walk.counts)
            walk.index += 1
            if said != NOTHING:
                walk.said.append((said, walk.index))
    assert walk.strides() == 4
    assert walk.words.direction == wire.DIRECTION_BACKWARD


class BlindWalk(Walk):
    def sample(self, forefoot_permille, heel_permille):
        return Walk.sample(self, 0, heel_permille)


def test_without_any_forefoot_sensor_no_order_is_told():
    walk = BlindWalk()
    walk.air(60)
    for _ in range(8):
        walk.stance((0, 110), (20, 140))
    d = walk.words
    assert walk.detector.channels.out_bits == 0b1111
    assert walk.strides() == 8 - ALIKE_N
    walk.said.clear()
    for t in range(200):
        walk.sample(0, shape(t, 20, 140, 12))
        if walk.said and walk.said[-1][0] == TOUCHED:
            assert d.touch_order == wire.ORDER_UNKNOWN, "told by the heel alone"
    assert walk.said[0][0] == TOUCHED
    walk.stance((0, 110), (20, 140))
    assert d.contact_order == wire.ORDER_UNKNOWN
    assert (d.direction, d.confidence) == (wire.DIRECTION_UNKNOWN, 0)
    assert d.reasons & wire.REASON_SENSOR_LEFT_OUT


class FaultyWalk(Walk):
    faulty = {}  # channel: the count that it reads

    def take(self):
        for k in self.faulty:
            self.counts[k] = self.faulty[k]
        return Walk.take(self)


def told(walk, n):
    before = walk.strides()
    for _ in range(n):
        walk.stance((0, 110), (20, 140))
    return walk.strides() - before


def test_a_sensor_that_sticks_under_load_does_not_hold_the_foot_down():
    for channel, count in ((0, 900), (4, 1000), (5, 600)):
        walk = FaultyWalk()
        walk.air(60)
        assert told(walk, 4) == 4
        walk.faulty = {channel: count}
        assert told(walk, 4) >= 3, "one may be lost until it is found"
        assert walk.detector.channels.out_bits == 1 << channel
        assert told(walk, 4) == 4
        assert walk.words.direction == wire.DIRECTION_BACKWARD
        walk.faulty = {}
        told(walk, 2)
        assert walk.detector.channels.out_bits == 0, "it moves again"
        assert told(walk, 3) == 3


def test_a_dead_sensor_that_comes_back_votes_again():
    walk = FaultyWalk()
    walk.faulty = {2: 1}
    walk.air(60)
    told(walk, 6)
    assert walk.detector.channels.out_bits == walk.detector.channels.dead_bits == 0b100
    walk.faulty = {}
    assert told(walk, 3) == 3
    assert walk.detector.channels.out_bits == walk.detector.channels.dead_bits == 0
    assert not walk.words.reasons & wire.REASON_SENSOR_LEFT_OUT


def test_sensors_that_are_all_still_are_none_of_them_faulty():
    walk = Walk()
    for _ in range(4000):
        walk.air(1)
    assert walk.detector.channels.out_bits == 0
    assert told(walk, 5) == 5 and walk.detector.channels.out_bits == 0


# A foot that lands and then stands as still as a stone: nothing on it has changed since, so nobody is stuck.
def test_a_foot_that_stands_still_has_no_stuck_sensors():
    for rate_hz in (50, 200, 500):
        for landing in (4000, 50000):  # permille in a second
            walk = Walk(rate_hz)
            walk.air(rate_hz * 7 // 10)
            for t in range(rate_hz * 4):
                load = min(t * landing // rate_hz, 1000)
                walk.sample(load, load)
                assert walk.detector.channels.out_bits == 0, (rate_hz, landing, t)
            assert walk.strides() == 0


# The session begins on a foot that stands: what it carries is taken for nothing. Then it leans onto one sensor, and
# what that one gains the others lose. They carry less than nothing, which is no foot in the air.
def test_a_foot_that_stood_from_the_start_and_leans_has_no_stuck_sensor():
    for lean in (12, 60, 110):
        walk = Walk()
        for t in range(600):
            walk.load(400, 400)
            part = max(0, min(t - 200, 40)) * lean // 40
            for k in range(4):
                walk.counts[k] -= part // 5
            walk.counts[4] += part
            walk.counts[5] -= part // 5
            walk.take()
            assert walk.detector.channels.out_bits == 0, (lean, t)
        assert walk.strides() == 0


# At the top of its range a sensor stands still and is none the worse for it.
def test_a_sensor_at_its_top_is_not_stuck():
    walk = Walk()
    walk.air(60)
    for _ in range(6):
        for t in range(260):
            walk.load(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
            if 4 < t < 106:
                walk.counts[1] = 4094
            walk.take()
        assert walk.detector.channels.out_bits == 0
    assert walk.strides() == 6


def test_one_odd_still_stride_is_no_proof():
    walk = FaultyWalk()
    walk.air(60)
    told(walk, 3)
    for _ in range(4):
        walk.faulty = {3: 40}
        told(walk, 2)
        assert walk.detector.channels.out_bits == 0
        walk.faulty = {}
        told(walk, 2)


def test_missing_counts_of_one_sensor_hold_its_last_reading():
    walk = FaultyWalk()
    walk.air(60)
    told(walk, 3)
    start = walk.index
    for t in range(260):
        walk.faulty = {k: wire.MISSING_COUNT for k in range(6) if (t + k) % 3}
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    assert walk.strides() == 4
    assert abs((walk.initial >> 8) - start) <= 2
    assert walk.detector.channels.saturated_bits == 0, "missing is not the top"


def test_a_stride_in_which_any_channel_stood_still_is_looked_at():
    for k in range(8):
        words = Words(Detector((0, 0, 0, 0, 1, 1, 1, 1), 200))
        words.stride_n = 100
        assert stance.learn_all(words.state) == stance.NOTHING
        for word, bits in (("judged", 1 << k), ("judged", 1 << k + 16), ("drift_bits", 1 << k), ("out_bits", 1 << k)):
            setattr(words, word, bits)
            assert stance.learn_all(words.state) == stance.STOOD, "in the last stride"
            words.judged = words.drift_bits = words.out_bits = 0
        at = sense.CHANNEL_AT + k * sense.CHANNEL_WORDS
        words.state[at + sense.BASE_Q8] = 0
        for before, said in ((80 + (4 << 16), stance.NOTHING), (81 + (4 << 16), stance.STOOD), (0, stance.STOOD)):
            words.state[at + sense.BASE_BEFORE] = before
            assert stance.learn_all(words.state) == said, "a baseline moved far, or did in the last stride"
        Words(words, sense.CHANNEL_AT + k * sense.CHANNEL_WORDS).still_n = 100
        assert stance.learn_all(words.state) == stance.STOOD, "in this one"


# Left out in the middle of a stride, it has moved in that one.
def test_a_stuck_sensor_stays_out_for_the_rest_of_its_stride():
    for k in range(6):
        channels = Detector((0, 0, 0, 0, 1, 1), 200).channels
        channels.leave_out(1 << k)
        channels.end_stride(0)
        assert channels.out_bits == 1 << k
        channels.end_stride(0)
        assert channels.out_bits == 0


# Left out after five strides in which the baseline ran away, taken back after five calm ones.
def test_a_drifting_sensor_does_not_vote_until_it_stays():
    for k in range(6):
        detector = Detector((0, 0, 0, 0, 1, 1), 200)
        words = Words(detector)
        words.stride_n = 100
        channel = Words(detector, sense.CHANNEL_AT + k * sense.CHANNEL_WORDS)
        channel.base_q8 = base = 2000 << 8
        channel.base_before = 2000
        drifts, left_out = "111101111100001000001", "000000111111111100000"
        for n in range(len(drifts)):
            base += (81 << 8) * int(drifts[n]) * (-1 if n & 1 else 1)
            channel.base_q8 = base
            said = stance.learn_all(words.state)
            assert said in (stance.NOTHING, stance.STOOD)
            if said == stance.STOOD:
                detector.channels.end_stride(words.judged)
            assert detector.channels.left_out_bits == detector.channels.drifting_bits == int(left_out[n]) << k, (k, n)


def test_drift_is_found_in_a_walk():
    walk = Walk()
    walk.air(60)
    for k in range(12):
        walk.base = [base + (90 * k if c == 2 else 0) for c, base in enumerate(BASE)]
        walk.stance((0, 110), (20, 140))
    assert walk.detector.channels.left_out_bits == walk.detector.channels.drifting_bits == 0b100
    assert walk.words.reasons & wire.REASON_SENSOR_LEFT_OUT and walk.words.direction == wire.DIRECTION_BACKWARD
    for _ in range(8):
        walk.stance((0, 110), (20, 140))
    assert walk.detector.channels.left_out_bits == 0


# A sensor at its top votes where no better one does.
def test_a_saturated_sensor_does_not_vote_beside_a_good_one():
    detector = Detector((0, 0, 0, 0, 1, 1), 200)
    words = Words(detector)
    for saturated, left_out, blind in (
        (0b000001, 0b000001, 0),
        (0b001110, 0b001110, 0),
        (0b001111, 0b000000, 0),
        (0b110000, 0b000000, 0),
        (0b010011, 0b010011, 0),
        (0, 0, 0),
    ):
        words.judged = saturated << 16
        detector.channels.end_stride(words.judged)
        assert (detector.channels.left_out_bits, words.blind) == (left_out, blind), saturated
    detector.channels.leave_out(0b100000)
    words.judged = 0b010000 << 16 | 0b100000
    detector.channels.end_stride(words.judged)
    assert (detector.channels.left_out_bits, words.blind) == (0b100000, 0), "the last of its zone"
