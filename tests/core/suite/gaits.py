# The detector on stances whose truth is known: at every rate, for every row of the table of readings. Times are
# samples at 200 Hz unless a test says otherwise.
from struct import unpack_from

from insole import wire
from insole.frame import put_stride
from insole.gait import TOUCHED
from suite._walk import ALIKE_N, FOREFOOT, HEEL, READINGS, Walk


def test_every_row_of_the_table_of_readings():
    for name in READINGS:
        forefoot, heel, contact_order, lift_order, direction = READINGS[name]
        untold = ALIKE_N if name == "flat and flat" else 0
        walk = Walk()
        walk.air(60)
        for _ in range(untold):
            walk.stance(forefoot, heel)
        assert walk.strides() == 0, name
        for _ in range(4):
            walk.stance(forefoot, heel)
            got = (walk.words.contact_order, walk.words.lift_order, walk.words.direction)
            assert got == (contact_order, lift_order, direction), (name, got)
        assert walk.strides() == 4, name


def test_direction_counts_from_the_first_stride_on():
    walk = Walk()
    walk.air(30)
    walk.stance((0, 110), (20, 140))
    assert walk.words.direction == wire.DIRECTION_BACKWARD
    assert walk.words.confidence > 50


def test_opposed_evidence_is_said():
    walk = Walk()
    walk.air(30)
    walk.stance((0, 110), (20, 140))
    before = walk.strides()
    walk.stance((0, 140), (20, 100))
    assert walk.strides() == before + 1
    assert walk.words.reasons & wire.REASON_CONFLICT
    assert walk.words.reasons & wire.REASON_CONTACT_BACKWARD
    assert walk.words.reasons & wire.REASON_LIFT_FORWARD


def test_times_are_crossings_of_five_percent_at_every_rate():
    for rate_hz in (50, 100, 125, 200, 250, 500):
        walk = Walk(rate_hz)
        ramp = 80 * rate_hz // 1000
        lift, heel, end = (t * rate_hz // 1000 for t in (600, 120, 760))
        walk.air(rate_hz // 2)
        for _ in range(3):
            start = walk.stance((0, lift), (heel, end), ramp)
        five_percent = ramp * 256 // 20
        begin = start << 8
        # A third of a sample, levels that differ by 2 % of the ramp, and a millisecond of smoothing around its corners
        tolerance = 256 // 3 + ramp * 256 // 50 + rate_hz * 256 // 1000
        for got, expected in (
            (walk.forefoot_on, begin + five_percent),
            (walk.heel_on, begin + (heel << 8) + five_percent),
            (walk.forefoot_off, begin + (lift << 8) - five_percent),
            (walk.heel_off, begin + (end << 8) - five_percent),
        ):
            assert abs(got - expected) <= tolerance, (rate_hz, got, expected, tolerance)
        # The foot's own five percent are more counts than the zone's: a little later on, a little earlier off.
        little = 256 + ramp * 256 // 12
        assert 0 <= walk.initial - walk.forefoot_on <= little, (rate_hz, walk.initial - walk.forefoot_on)
        assert 0 <= walk.heel_off - walk.final <= little, (rate_hz, walk.heel_off - walk.final)


def test_provisional_order_comes_with_the_second_zone_or_after_60_ms():
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (6, 140))
    walk.said.clear()
    start = walk.stance((0, 110), (6, 140))
    assert walk.said[0][0] == TOUCHED
    assert walk.said[0][1] - start <= 6 + 5, "within 25 ms of the second zone's first load"
    walk.said.clear()
    start = walk.stance((0, 110), (60, 140))
    assert walk.said[0][0] == TOUCHED
    assert 7 <= walk.said[0][1] - start <= 11, "within 55 ms of the first zone's first load"


def test_one_zone_alone_is_counted_and_not_guessed():
    walk = Walk()
    walk.air(60)
    for _ in range(ALIKE_N + 1):
        assert walk.strides() == 0
        walk.stance((0, 120), (0, 0))
    assert walk.strides() == 1
    d = walk.words
    assert (d.contact_order, d.lift_order) == (wire.ORDER_FOREFOOT_FIRST, wire.ORDER_UNKNOWN)
    assert (d.direction, d.confidence) == (wire.DIRECTION_UNKNOWN, 0)
    assert d.reasons & wire.REASON_FOREFOOT_ONLY
    assert d.told_heel_on_q8 == d.told_heel_off_q8 == wire.STRIDE_HEEL_ON_INVALID


def test_loads_are_sums_over_the_zone():
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    d = walk.words
    assert abs(d.forefoot_peak - sum(FOREFOOT)) <= 60, d.forefoot_peak  # baselines settle within a few counts each
    assert abs(d.heel_peak - sum(HEEL)) <= 30, d.heel_peak
    expected = sum(FOREFOOT) * (110 - 12) * 4 // 200  # counts times 250 ms
    assert abs(d.forefoot_sum - expected) <= expected // 20


# Loads of a triangle with its top at `top`, between 0 and 120: only the peak, and with it the shift, tells.
def triangle(t, top):
    if t <= 0 or t >= 120:
        return 0
    return t * 1000 // top if t < top else (120 - t) * 1000 // (120 - top)


def peaks(forefoot_top, heel_top):
    walk = Walk()
    walk.air(60)
    for _ in range(ALIKE_N + 3):
        for t in range(240):
            walk.sample(triangle(t, forefoot_top), triangle(t, heel_top))
    assert walk.strides() == 3
    return walk.words.reasons


def test_the_zone_with_the_earlier_peak_is_in_front():
    reasons = peaks(30, 90)
    assert reasons & wire.REASON_PEAK_BACKWARD and not reasons & wire.REASON_PEAK_FORWARD
    assert reasons & wire.REASON_SHIFT_BACKWARD and not reasons & wire.REASON_SHIFT_FORWARD
    reasons = peaks(90, 30)
    assert reasons & wire.REASON_PEAK_FORWARD and not reasons & wire.REASON_PEAK_BACKWARD
    assert reasons & wire.REASON_SHIFT_FORWARD and not reasons & wire.REASON_SHIFT_BACKWARD


def test_history_speaks_for_more_of_the_same():
    for name, before, other in (
        ("forward", wire.REASON_HISTORY_FORWARD, wire.REASON_HISTORY_BACKWARD),
        ("backward", wire.REASON_HISTORY_BACKWARD, wire.REASON_HISTORY_FORWARD),
    ):
        walk = Walk()
        walk.air(60)
        for k in range(5):
            walk.stance(*READINGS[name][:2])
            reasons = walk.words.reasons
            assert not reasons & other
            assert bool(reasons & before) == (k > 0), (name, k, reasons)
            assert abs(walk.words.history) == min(k + 1, 3)
        confidence = walk.words.confidence
        fresh = Walk()
        fresh.air(60)
        fresh.stance(*READINGS[name][:2])
        assert confidence > fresh.words.confidence, "three strides alike are worth more than one"


class FramedWalk(Walk):
    def keep(self):
        Walk.keep(self)
        raw = bytearray(wire.FRAME_BYTES)
        assert put_stride(raw, 0x0201, 0x06050403, self.detector) == 46
        self.frame = bytes(raw[:46])


# Event times are held to what the detector found, not to numbers: the tests of crossings do that.
def test_the_stride_frame_says_what_the_detector_found():
    walk = FramedWalk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    frame = walk.frame
    assert frame[:7] == b"\x02\x01\x02\x03\x04\x05\x06", frame
    d = walk.words
    initial_q8 = walk.initial
    assert unpack_from("<IB", frame, 7) == (initial_q8 >> 8, initial_q8 & 255)
    for at, event in ((12, walk.forefoot_on), (15, walk.heel_on), (18, walk.forefoot_off), (21, walk.heel_off)):
        low, high = unpack_from("<Hb", frame, at)
        assert high * 65536 + low == event - initial_q8, at
    low, high = unpack_from("<Hb", frame, 24)
    assert high * 65536 + low == walk.final - initial_q8
    assert tuple(frame[27:30]) == (wire.ORDER_FOREFOOT_FIRST, wire.ORDER_FOREFOOT_FIRST, wire.DIRECTION_BACKWARD)
    assert frame[30] == d.confidence and frame[33] == d.delay_n
    assert 8 <= frame[33] <= 16, "confirmed 40 to 80 ms after the last load"
    reasons = unpack_from("<H", frame, 31)[0]
    expected = wire.REASON_CONTACT_BACKWARD | wire.REASON_LIFT_BACKWARD | wire.REASON_SHIFT_BACKWARD
    assert reasons & expected == expected
    forefoot_peak, heel_peak, forefoot_load, heel_load = unpack_from("<HHHH", frame, 34)
    assert abs(forefoot_peak - sum(FOREFOOT)) <= 60 and abs(heel_peak - sum(HEEL)) <= 30
    # Sums are in counts times 250 ms.
    assert abs(forefoot_load - sum(FOREFOOT) * 98 * 4 // 200) <= forefoot_load // 20
    assert abs(heel_load - sum(HEEL) * 108 * 4 // 200) <= heel_load // 20
