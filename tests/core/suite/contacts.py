# The provisional contact, once per stance and soon; and stances that follow each other so closely that the next begins
# before the last is told.
import sys

from insole import wire
from insole.frame import put_contact
from insole.gait import STRIDE, TOUCHED
from suite._walk import Walk, shape

RATES = (50, 100, 125, 200, 250, 500)
if sys.platform == "qemu":
    RATES = (50, 200)  # half a minute less on the emulated machine


# Samples at another rate for times at 200 Hz.
def scaled(rate_hz, *at_200):
    return [n * rate_hz // 200 for n in at_200]


class TouchWalk(Walk):
    def __init__(self, rate_hz=200):
        Walk.__init__(self, rate_hz)
        self.touches = []  # (index when told, first contact in q8 since sample 0, order)
        self.initials = []  # of the strides

    def take(self):
        said = Walk.take(self)
        d = self.words
        if said == TOUCHED:
            self.touches.append((self.index - 1, (d.touch_index << 8) + d.touch_q8, d.touch_order))
            put_contact(bytearray(wire.FRAME_BYTES), 1, 2, self.detector, 0)
        elif said == STRIDE:
            self.initials.append(self.initial)
        return said

    # Backward; heel after the forefoot by `lead`, all in samples of 200 Hz.
    def steps(self, n, swing, lead=20):
        on, off, late, end, ramp, pause = scaled(self.rate_hz, 0, 110, lead, 120 + lead, 12, swing)
        starts = []
        for _ in range(n):
            starts.append(self.index)
            for t in range(end + pause):
                self.sample(shape(t, on, off, ramp), shape(t, late, end, ramp))
        return starts


def test_one_contact_for_each_stance_at_every_rate():
    for rate_hz in RATES:
        walk = TouchWalk(rate_hz)
        walk.air(rate_hz // 2)
        starts = walk.steps(6, 120)
        assert walk.strides() == 6 and len(walk.touches) == 6, rate_hz
        for k in range(6):
            at, first_q8, order = walk.touches[k]
            assert order == wire.ORDER_FOREFOOT_FIRST
            assert abs(first_q8 - (starts[k] << 8)) <= 256 + rate_hz * 256 // 100, "within a sample and 10 ms"
            assert first_q8 >> 8 <= at


# 15 ms after the second zone's contact, or, where only one has loaded, 60 ms after the first's; a ramp of 12 samples
# crosses its level within one.
def test_a_contact_is_told_in_time():
    for lead in (0, 3, 6, 8, 20, 60):
        walk = TouchWalk()
        walk.air(60)
        starts = walk.steps(6, 120, lead)
        for k in range(3, 6):
            delay_n = walk.touches[k][0] - starts[k]
            assert delay_n <= min(lead + 4, 13), (lead, delay_n)
            order = wire.ORDER_TOGETHER if lead < 4 else wire.ORDER_FOREFOOT_FIRST
            assert walk.touches[k][2] == order, lead


def test_a_contact_of_both_is_told_in_time_at_every_rate():
    for rate_hz in RATES:
        walk = TouchWalk(rate_hz)
        walk.air(rate_hz // 2)
        starts = walk.steps(6, 120, 8)
        for k in range(3, 6):
            delay_ms = (walk.touches[k][0] - starts[k]) * 1000 // rate_hz
            assert delay_ms <= 40 + 15 + 1000 // rate_hz, (rate_hz, delay_ms)


def test_its_delay_is_from_the_crossing_to_the_telling():
    walk = TouchWalk()
    walk.air(60)
    walk.steps(4, 120)
    at, first_q8, _ = walk.touches[-1]
    walk.said.clear()
    start = walk.index
    while not walk.said:
        t = walk.index - start
        walk.sample(shape(t, 0, 110, 12), shape(t, 20, 140, 12))
    d = walk.words
    assert d.touch_delay_n == walk.index - 1 - d.touch_index - (1 if d.touch_q8 else 0)
    assert at - (first_q8 >> 8) in (d.touch_delay_n, d.touch_delay_n + 1)


def test_a_short_swing_loses_neither_stride_nor_contact():
    for rate_hz in RATES:
        for swing in (30, 36, 40, 50, 60, 70):
            walk = TouchWalk(rate_hz)
            walk.air(rate_hz // 2)
            starts = walk.steps(8, swing)
            walk.air(rate_hz // 2)
            assert walk.strides() == 8, (rate_hz, swing, walk.strides())
            assert len(walk.touches) == 8, (rate_hz, swing, len(walk.touches))
            for k in range(8):
                assert abs((walk.initials[k] >> 8) - starts[k]) <= 1 + rate_hz // 100, (rate_hz, swing, k)


# A brush in the few samples in which the last stance is still being worked out.
def test_a_brush_right_after_a_stance_is_not_the_stance_again():
    for rate_hz in RATES:
        for gap in range(12):
            walk = TouchWalk(rate_hz)
            walk.air(rate_hz // 2)
            starts = walk.steps(3, 60)
            before = walk.strides()
            off, late, end, ramp, hold = scaled(rate_hz, 110, 20, 140, 12, 10)
            starts.append(walk.index)
            for t in range(end + hold + gap):
                walk.sample(shape(t, 0, off, ramp), shape(t, late, end, ramp))
            for _ in range(max(1, rate_hz // 100)):
                walk.sample(500, 500)
            walk.air(rate_hz * 6 // 10)
            starts += walk.steps(2, 60)
            assert before == 3 and walk.strides() == 6, (rate_hz, gap, before, walk.strides())
            for k in range(6):
                assert abs((walk.initials[k] >> 8) - starts[k]) <= 1 + rate_hz // 100, (rate_hz, gap, k)


# The foot as a whole lifts before the heel does: five percent of more are more. What it does then is the same stance.
def test_the_first_contact_stays_when_the_foot_dips_in_its_stance():
    walk = Walk()
    walk.air(60)
    for _ in range(4):
        walk.stance((20, 140), (0, 110))
    start = walk.index
    for t in range(260):
        heel = 90 if 30 <= t < 50 else shape(t, 0, 110, 12)
        walk.sample(shape(t, 50, 140, 12), heel)
    assert walk.strides() == 5
    assert abs((walk.initial >> 8) - start) <= 1, (walk.initial >> 8, start)
    assert abs((walk.heel_on >> 8) - start) <= 1
    assert abs(walk.final - walk.initial - (138 << 8)) <= 512


def test_noise_in_the_air_makes_no_contact_after_walking():
    walk = TouchWalk()
    walk.air(60)
    walk.steps(4, 120)
    for t in range(3000):
        walk.sample(15 if t % 5 == 0 else 0, 15 if t % 7 == 0 else 0)
    assert len(walk.touches) == 4 and walk.strides() == 4


# A scuff in the swing: told, because nothing else is known yet, and then no stance. The contact after it is told, too.
def test_a_scuff_does_not_hide_the_contact_after_it():
    for rate_hz in RATES:
        for lead in (8, 40):
            walk = TouchWalk(rate_hz)
            walk.air(rate_hz // 2)
            walk.steps(4, 120, lead)
            for _ in range(rate_hz * 8 // 100):
                walk.sample(90, 0)
            walk.air(rate_hz * 15 // 100)
            starts = walk.steps(2, 120, lead)
            assert walk.strides() == 6 and len(walk.touches) == 7, (rate_hz, lead, walk.touches)
            for k in range(2):
                late = walk.touches[5 + k][0] - starts[k]
                assert 0 < late * 1000 // rate_hz <= 40 + 15 + 2000 // rate_hz, (rate_hz, lead, late)
