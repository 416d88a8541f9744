# The sampler under every misfortune of a soft timer: late, lost, queued, mis-anchored callbacks, a full ring. Time and
# the timer are this file's own; what is tested is which index and stamp each sample gets.
import sys


# Attributes, not methods: MicroPython's `from time import ...` refuses bound methods.
class Clock:
    def __init__(self):
        self.now = 0
        self.ticks_us = lambda: self.now & 0x3FFFFFFF
        self.ticks_diff = lambda end, start: ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000
        self.ticks_add = lambda ticks, by: (ticks + by) & 0x3FFFFFFF


class Timer:
    PERIODIC = 1
    last = None

    def __init__(self, id):
        Timer.last = self

    def init(self, mode, freq, callback):
        self.callback = callback

    def deinit(self):
        pass


class Machine:
    Timer = Timer


class Converter:
    def __init__(self, count):
        self.count = count
        self.read_n = 0

    def read_u16(self):
        self.read_n += 1
        return self.count << 4 | self.count >> 8


CLOCK = Clock()
PERIOD = 5000


# The sampler with our clock and timer under it, whatever was imported before; everything is put back.
def sampler_module():
    kept = {}
    for name, stand_in in (("machine", Machine()), ("time", CLOCK), ("insole.sampler", None)):
        kept[name] = sys.modules.get(name)
        if stand_in is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = stand_in
    try:
        __import__("insole.sampler")
        return sys.modules["insole.sampler"]
    finally:
        for name in kept:
            if kept[name] is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = kept[name]


class Rig:
    def __init__(self, slot_n=16, start_us=1000, rate_hz=200, channel_n=2):
        from insole.ring import SampleRing
        from suite._taker import Taker

        module = sampler_module()
        CLOCK.now = start_us
        self.ring = SampleRing(channel_n, slot_n)
        self.converters = [Converter(100), Converter(4095)] + [Converter(0) for _ in range(channel_n - 2)]
        self.sampler = module.Sampler(self.converters, self.ring)
        self.taker = Taker(self.ring)
        self.rate_hz = rate_hz
        self.start()

    def start(self):
        self.start_us = CLOCK.now
        self.sampler.start(self.rate_hz)

    # A callback that was due at tick k and runs late_us after that.
    def call(self, k, late_us=0):
        CLOCK.now = self.start_us + (k + 1) * (1000000 // self.rate_hz) + late_us
        Timer.last.callback(Timer.last)

    def indices(self):
        return self.taker.indices()


def test_on_time():
    rig = Rig()
    for k in range(10):
        rig.call(k, 30)
    assert rig.indices() == list(range(10))
    assert (rig.sampler.lost_n, rig.sampler.late_n) == (0, 0)
    assert rig.taker.clock_us == 1000 + 10 * PERIOD, "stamped when it was due"


def test_a_little_late_is_the_same_sample():
    rig = Rig()
    for k in range(10):
        rig.call(k, 2000 if k == 4 else 20)
    assert rig.indices() == list(range(10))
    assert (rig.sampler.lost_n, rig.sampler.late_n, rig.sampler.latest_us) == (0, 1, 2000)


def test_lost_callbacks_leave_holes_and_are_counted():
    rig = Rig()
    for k in (0, 1, 2, 7, 8):
        rig.call(k, 10)
    assert rig.indices() == [0, 1, 2, 7, 8]
    assert rig.sampler.lost_n == 4


def test_queued_callbacks_are_not_samples_of_other_times():
    rig = Rig()
    rig.call(0)
    for _ in range(4):  # ticks 1 to 4 waited behind a block of 20 ms and run together at the time of tick 4
        rig.call(4, 100)
    rig.call(5)
    assert rig.indices() == [0, 4, 5]
    assert rig.sampler.lost_n == 3


def test_full_ring_loses_the_newest_and_keeps_time():
    rig = Rig(slot_n=4)
    for k in range(8):
        rig.call(k)
    assert rig.indices() == [0, 1, 2]
    rig.call(8)
    assert rig.indices() == [8]
    assert rig.sampler.lost_n == 5


def test_every_sample_is_accounted_for():
    import random

    random.seed(5)
    rig = Rig(slot_n=8)
    got = []
    for k in range(1000):
        if random.random() < 0.9:
            rig.call(k, random.choice((0, 5, 50, 1200, 4900)))
        if random.random() < 0.7:
            got += rig.indices()
    got += rig.indices()
    assert got == sorted(set(got)), "in order, each once"
    assert len(got) + rig.sampler.lost_n == rig.sampler.next_index


def test_a_late_start_does_not_stay_in_the_stamps():
    rig = Rig()
    for k in range(200):
        rig.call(k, 1900)
        rig.indices()
    before = rig.sampler.late_n
    for k in range(200, 260):
        rig.call(k, 1900)
        rig.indices()
    assert rig.sampler.late_n == before
    assert rig.sampler.lost_n == 0


def test_clock_wraps():
    rig = Rig(start_us=0x3FFFFFFF - 12345)
    for k in range(10):
        rig.call(k, 40)
    assert rig.indices() == list(range(10))
    assert rig.sampler.lost_n == 0


def test_counts_are_averaged_and_never_read_as_missing():
    rig = Rig()
    rig.call(0)
    assert rig.converters[0].read_n == 4, "four readings fit into 30 % of 5 ms for two channels"
    assert rig.taker.take()[2] == [100, 4094]


def test_readings_per_sample_fit_into_the_period():
    for channel_n, rate_hz, reading_n in ((2, 200, 4), (6, 200, 4), (8, 200, 4), (6, 500, 2), (8, 500, 1), (8, 250, 2)):
        rig = Rig(rate_hz=rate_hz, channel_n=channel_n)
        rig.call(0)
        assert {converter.read_n for converter in rig.converters} == {reading_n}, (channel_n, rate_hz)


def test_a_start_forgets_the_session_before():
    rig = Rig(slot_n=4)
    for k in (0, 1, 4):
        rig.call(k, 1500)
    rig.sampler.stop()
    rig.start()
    assert rig.indices() == [], "samples of the session before"
    sampler = rig.sampler
    assert (sampler.next_index, sampler.lost_n, sampler.late_n, sampler.latest_us) == (0, 0, 0, 0)
    rig.call(0)
    assert rig.indices() == [0]


def test_a_stopped_sampler_takes_no_sample():
    rig = Rig()
    rig.call(0)
    rig.sampler.stop()
    rig.call(1)
    assert rig.indices() == [0]


def test_a_grid_found_late_is_left_again_without_a_loss():
    rig = Rig()
    got = []
    for k in range(128):
        rig.call(k, 700)
        got += rig.indices()
    for k in range(128, 188):
        rig.call(k)
        got += rig.indices()
    assert rig.sampler.next_index == 188
    assert rig.sampler.lost_n == 0
    assert got == list(range(188))
    assert rig.taker.clock_us == rig.start_us + 188 * PERIOD, "stamped on the grid"


def ctrl_c():
    raise KeyboardInterrupt


def test_ctrl_c_in_the_callback_is_not_lost():
    rig = Rig()
    rig.converters[1].read_u16 = ctrl_c
    assert not rig.sampler.interrupted
    rig.call(0)  # the port would print and drop what came out of it
    assert rig.sampler.interrupted
