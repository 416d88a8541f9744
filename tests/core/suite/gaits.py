# The detector on stances whose truth is known: ramps of load under each zone, at every rate, for every row of the
# table of readings. Loads are counts; times are samples at 200 Hz unless a test says otherwise.
from array import array
from struct import unpack_from

from insole import wire
from insole.fixed import NEVER_Q8
from insole.frame import put_stride
from insole.gait import NOTHING, STRIDE, TOUCHED, Detector

ZONES = (0, 0, 0, 0, 1, 1)
FOREFOOT = (1000, 900, 800, 700)
HEEL = (1200, 1100)
BASE = (30, 25, 40, 35, 20, 45)


# Load of one zone, 0 to 1000 permille, that rises from `on` and is gone at `off`, in `ramp` samples each.
def shape(t, on, off, ramp):
    if t <= on or t >= off:
        return 0
    if t < on + ramp:
        return (t - on) * 1000 // ramp
    if t > off - ramp:
        return (off - t) * 1000 // ramp
    return 1000


class Walk:
    def __init__(self, rate_hz=200, dead=-1, stuck=-1):
        self.detector = Detector(ZONES, rate_hz)
        self.rate_hz = rate_hz
        self.index = 0
        self.counts = array("H", BASE)
        self.said = []
        self.dead = dead
        self.stuck = stuck

    def sample(self, forefoot_permille, heel_permille):
        for k in range(4):
            self.counts[k] = BASE[k] + FOREFOOT[k] * forefoot_permille // 1000
        for k in range(2):
            self.counts[4 + k] = BASE[4 + k] + HEEL[k] * heel_permille // 1000
        if self.dead >= 0:
            self.counts[self.dead] = 3
        if self.stuck >= 0:
            self.counts[self.stuck] = 2000
        said = self.detector.step(self.index, self.counts)
        self.index += 1
        if said != NOTHING:
            self.said.append((said, self.index - 1))
        if said == STRIDE:
            self.keep()
        return said

    # Events of the stride just decided, in q8 since sample 0; the detector's own are good only until its next step.
    def keep(self):
        d = self.detector
        begin = d.origin << 8
        self.forefoot_on, self.heel_on = begin + d.forefoot_on_q8, begin + d.heel_on_q8
        self.forefoot_off, self.heel_off = begin + d.forefoot_off_q8, begin + d.heel_off_q8
        self.initial, self.final = begin + d.initial_q8, begin + d.final_q8

    def air(self, n):
        for _ in range(n):
            self.sample(0, 0)

    # One stance; times relative to its start, which is returned. Ends 120 samples after the last event.
    def stance(self, forefoot, heel, ramp=12):
        start = self.index
        length = max(forefoot[1], heel[1]) + 120
        for t in range(length):
            self.sample(shape(t, forefoot[0], forefoot[1], ramp), shape(t, heel[0], heel[1], ramp))
        return start

    def strides(self):
        return len([said for said, _ in self.said if said == STRIDE])


# by name: forefoot (on, off), heel (on, off), contact order, lift order, direction
READINGS = {
    "forward": ((15, 140), (0, 110), wire.ORDER_HEEL_FIRST, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "backward": ((0, 110), (20, 140), wire.ORDER_FOREFOOT_FIRST, wire.ORDER_FOREFOOT_FIRST, wire.DIRECTION_BACKWARD),
    "forefoot runner": ((0, 140), (20, 100), wire.ORDER_FOREFOOT_FIRST, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "heel-first backward": (
        (20, 100),
        (0, 140),
        wire.ORDER_HEEL_FIRST,
        wire.ORDER_FOREFOOT_FIRST,
        wire.DIRECTION_BACKWARD,
    ),
    "flat, lifting forward": ((0, 140), (0, 100), wire.ORDER_TOGETHER, wire.ORDER_HEEL_FIRST, wire.DIRECTION_FORWARD),
    "flat and flat": ((0, 120), (0, 120), wire.ORDER_TOGETHER, wire.ORDER_TOGETHER, wire.DIRECTION_UNKNOWN),
}


def test_every_row_of_the_table_of_readings():
    for name in READINGS:
        forefoot, heel, contact_order, lift_order, direction = READINGS[name]
        walk = Walk()
        walk.air(60)
        for _ in range(4):
            walk.stance(forefoot, heel)
            got = (walk.detector.contact_order, walk.detector.lift_order, walk.detector.walking)
            assert got == (contact_order, lift_order, direction), (name, got)
        assert walk.strides() == 4, name


def test_direction_counts_from_the_first_stride_on():
    walk = Walk()
    walk.air(30)
    walk.stance((0, 110), (20, 140))
    assert walk.detector.walking == wire.DIRECTION_BACKWARD
    assert walk.detector.confidence > 50


def test_opposed_evidence_is_said():
    walk = Walk()
    walk.air(30)
    walk.stance((0, 140), (20, 100))
    assert walk.detector.reasons & wire.REASON_CONFLICT
    assert walk.detector.reasons & wire.REASON_CONTACT_BACKWARD
    assert walk.detector.reasons & wire.REASON_LIFT_FORWARD


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
    assert 10 <= walk.said[0][1] - start <= 14, "within 70 ms of the first zone's first load"


def test_one_zone_alone_is_counted_and_not_guessed():
    walk = Walk()
    walk.air(60)
    walk.stance((0, 120), (0, 0))
    assert walk.strides() == 1
    d = walk.detector
    assert (d.contact_order, d.lift_order) == (wire.ORDER_FOREFOOT_FIRST, wire.ORDER_UNKNOWN)
    assert (d.walking, d.confidence) == (wire.DIRECTION_UNKNOWN, 0)
    assert d.reasons & wire.REASON_FOREFOOT_ONLY
    assert d.heel_on_q8 == d.heel_off_q8 == NEVER_Q8


def test_standing_and_shifting_weight_are_no_strides():
    walk = Walk()
    walk.air(60)
    for t in range(12000):
        sway = 500 + (t % 400 - 200 if t % 800 < 400 else 200 - t % 400)
        walk.sample(min(t * 20, sway), min(t * 20, 1000 - sway))
    walk.air(100)
    assert walk.strides() == 0
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1, "walking is found again after standing"


def test_a_session_that_begins_loaded_finds_the_first_real_stride():
    walk = Walk()
    for _ in range(300):
        walk.sample(600, 600)
    for t in range(40):
        walk.sample(600 + t * 10, 600)
    walk.air(100)
    assert walk.strides() == 0, "what rose above an unproven baseline was no contact"
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    assert walk.detector.walking == wire.DIRECTION_BACKWARD


def test_a_brush_is_no_stride():
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for t in range(200):
        walk.sample(shape(t, 20, 36, 4) // 5, 0)
    assert walk.strides() == before


def test_lighter_wearer_is_found_again():
    walk = Walk()
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
    walk.air(16000)
    before = walk.strides()
    for _ in range(3):
        for t in range(260):
            walk.sample(shape(t, 0, 110, 12) // 5, shape(t, 20, 140, 12) // 5)
    assert walk.strides() - before == 3


def test_drift_is_followed_while_unloaded():
    walk = Walk()
    walk.air(60)
    for k in range(40):
        for c in range(6):
            walk.counts[c] = 0
        globals()["BASE"] = tuple(30 + 3 * k for _ in range(6))
        walk.stance((0, 110), (20, 140))
    globals()["BASE"] = (30, 25, 40, 35, 20, 45)
    assert walk.strides() == 40


def test_dead_sensor_is_left_out_and_said():
    walk = Walk(dead=1)
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
        assert walk.detector.walking == wire.DIRECTION_BACKWARD
    assert walk.detector.channels.out_bits == 0b10
    assert walk.detector.channels.dead_bits == 0b10
    assert walk.detector.reasons & wire.REASON_SENSOR_LEFT_OUT


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
    for t in range(260):
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    walk.detector.channels.end_stride(0)
    for _ in range(100):
        walk.counts[0] = 4094
        walk.detector.channels.step(walk.counts, False, 0, [0, 0, 0, 0])
    walk.detector.channels.end_stride(100)
    assert walk.detector.channels.saturated_bits == 1


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
    assert walk.detector.walking == wire.DIRECTION_BACKWARD


def test_a_hole_in_the_indices_does_not_shift_time():
    walk = Walk()
    walk.air(60)
    walk.stance((0, 110), (20, 140))
    walk.index += 5000
    walk.air(10)
    start = walk.stance((0, 110), (20, 140))
    assert abs((walk.initial >> 8) - start) <= 1


def test_loads_are_sums_over_the_zone():
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    d = walk.detector
    assert abs(d.forefoot_peak - sum(FOREFOOT)) <= 60, d.forefoot_peak  # baselines settle within a few counts each
    assert abs(d.heel_peak - sum(HEEL)) <= 30, d.heel_peak
    expected = sum(FOREFOOT) * (110 - 12)
    assert abs(d.forefoot_sum - expected) <= expected // 20


def test_the_first_contact_after_standing_counts():
    walk = Walk()
    for _ in range(300):
        walk.sample(600, 600)
    walk.air(80)
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1


def walk_over_a_hole(forefoot, heel):
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
    for t in range(60):
        walk.sample(shape(t, *forefoot, 12), shape(t, *heel, 12))
    walk.index += 65
    for t in range(125, 360):
        walk.sample(shape(t, *forefoot, 12), shape(t, *heel, 12))
    assert walk.strides() == 3, "a stride that spans the hole"
    for _ in range(3):
        walk.stance((0, 110), (20, 140))
        assert walk.detector.walking == wire.DIRECTION_BACKWARD
    assert walk.strides() == 6


def test_a_hole_inside_a_stance_costs_that_stride_and_no_other():
    walk_over_a_hole((0, 110), (20, 140))


def test_what_is_left_of_a_stance_after_a_hole_is_no_stride():
    walk_over_a_hole((0, 210), (20, 240))


class BlindWalk(Walk):
    def sample(self, forefoot_permille, heel_permille):
        return Walk.sample(self, 0, heel_permille)


def test_without_any_forefoot_sensor_no_order_is_told():
    walk = BlindWalk()
    walk.air(60)
    for _ in range(6):
        walk.stance((0, 110), (20, 140))
    d = walk.detector
    assert d.channels.out_bits == 0b1111
    assert walk.strides() >= 5
    walk.said.clear()
    for t in range(200):
        walk.sample(0, shape(t, 20, 140, 12))
        if walk.said and walk.said[-1][0] == TOUCHED:
            assert d.contact_order == wire.ORDER_UNKNOWN, "told by the heel alone"
    assert walk.said[0][0] == TOUCHED
    walk.stance((0, 110), (20, 140))
    assert d.contact_order == wire.ORDER_UNKNOWN
    assert (d.walking, d.confidence) == (wire.DIRECTION_UNKNOWN, 0)
    assert d.reasons & wire.REASON_SENSOR_LEFT_OUT


# A shoe laced tightly: 8 % of the peak, between the levels, lies on both zones for half a second before the foot lands.
def test_a_preload_does_not_date_the_contact_back():
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    for _ in range(100):
        walk.sample(80, 80)
    start = walk.index
    for t in range(260):
        walk.sample(max(80 if t < 100 else 0, shape(t, 0, 110, 12)), max(80 if t < 100 else 0, shape(t, 20, 140, 12)))
    assert walk.strides() == 5
    assert abs((walk.initial >> 8) - start) <= 4, (walk.initial >> 8, start)


def test_a_foot_loaded_at_the_first_sample_gives_no_stride_before_it():
    walk = Walk()
    for k in range(6):
        walk.detector.channels.set_baseline(k, BASE[k])
    for t in range(60, 260):
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    assert walk.strides() == 0, "a stride whose contact nobody saw"
    start = walk.stance((0, 110), (20, 140))
    assert walk.strides() == 1
    assert abs((walk.initial >> 8) - start) <= 3 and walk.detector.walking == wire.DIRECTION_BACKWARD


def strides_after_walking(length, permille):
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((0, 110), (20, 140))
    before = walk.strides()
    for t in range(length + 200):
        load = shape(t, 20, 20 + length, 4) * permille // 1000
        walk.sample(load, load)
    found = walk.strides() - before
    walk.stance((0, 110), (20, 140))
    assert walk.strides() == before + found + 1, "the next one counts"
    return found


def test_too_light_or_too_short_is_no_stride():
    assert strides_after_walking(40, 200) == 0, "200 ms at a fifth of the load"
    assert strides_after_walking(20, 1000) == 0, "100 ms at full load"
    assert strides_after_walking(40, 1000) == 1, "200 ms at full load: running"


# Loads of a triangle with its top at `top`, between 0 and 120: only the peak, and with it the shift, tells.
def triangle(t, top):
    if t <= 0 or t >= 120:
        return 0
    return t * 1000 // top if t < top else (120 - t) * 1000 // (120 - top)


def peaks(forefoot_top, heel_top):
    walk = Walk()
    walk.air(60)
    for _ in range(3):
        for t in range(240):
            walk.sample(triangle(t, forefoot_top), triangle(t, heel_top))
    assert walk.strides() == 3
    return walk.detector.reasons


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
            reasons = walk.detector.reasons
            assert not reasons & other
            assert bool(reasons & before) == (k > 0), (name, k, reasons)
            assert abs(walk.detector.history) == min(k + 1, 3)
        confidence = walk.detector.confidence
        fresh = Walk()
        fresh.air(60)
        fresh.stance(*READINGS[name][:2])
        assert confidence > fresh.detector.confidence, "three strides alike are worth more than one"


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
    d = walk.detector
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
