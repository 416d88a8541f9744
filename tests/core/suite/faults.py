# Each fault the application can report: that it does, when, and what it says when there are several.
from insole import wire
from insole.memory import Memory
from suite._bench import Bench, backward, u16
from world import world


def test_lost_samples_are_a_fault():
    bench = Bench()
    bench.start()
    bench.live(500000)
    world.block(100000)
    bench.live(1000000)
    assert bench.app.sampler.lost_n >= 10
    assert bench.app.faults.first == wire.FAULT_SAMPLES_LOST


def test_late_samples_are_a_fault():
    bench = Bench()
    bench.start()
    bench.live(500000)
    world.block(3000)
    bench.live(1000000)
    assert (bench.app.sampler.lost_n, bench.app.sampler.late_n) == (0, 1)
    assert bench.app.faults.first == wire.FAULT_SAMPLES_LATE


def test_a_damaged_command_is_a_fault():
    bench = Bench()
    bench.feed(b"\0" + b"4001deadbeef" + b"\0")
    bench.live(1100000)
    assert bench.app.faults.first == wire.FAULT_COMMAND_DAMAGED


# A host that listens, but to a line on which nothing moves.
def test_a_full_queue_is_a_fault_while_a_host_listens():
    bench = Bench()
    bench.start()
    bench.app.link.pump = lambda: None
    bench.live(4000000)
    assert bench.app.link.host_listens and bench.app.link.dropped_n > 0
    assert bench.app.faults.first == wire.FAULT_QUEUE_FULL


def test_a_full_queue_is_none_when_nobody_listens():
    bench = Bench()
    bench.start()
    bench.live(8000000, asking=False)
    assert bench.app.link.dropped_n > 0
    assert bench.app.faults.n == 0
    bench.ask(wire.HELLO)
    bench.live(3000000)
    assert bench.app.faults.first == wire.FAULT_NONE, "what was dropped in the silence is nobody's loss"


def test_the_first_fault_stays_and_the_rest_are_counted():
    bench = Bench()
    bench.start()
    bench.feed(b"\0zz\0")
    bench.live(1100000)
    assert (bench.app.faults.first, bench.app.faults.n) == (wire.FAULT_COMMAND_DAMAGED, 1)
    world.block(3000)
    bench.live(1100000)
    assert (bench.app.faults.first, bench.app.faults.n) == (wire.FAULT_COMMAND_DAMAGED, 2)
    said = bench.status()
    assert (u16(said, 39), u16(said, 41)) == (wire.FAULT_COMMAND_DAMAGED, 2), "no news, no fault"


def test_a_crash_before_is_a_fault():
    assert Bench(remembered={"crashes": 1}).app.faults.first == wire.FAULT_CRASHED
    assert Bench(remembered={"crashes": 0}).app.faults.first == wire.FAULT_NONE


def test_a_start_long_after_a_crash_forgets_it():
    bench = Bench(remembered={"crashes": 2})
    bench.live(28000000)
    bench.start()
    assert Memory().get("crashes", None) == 2
    bench.result(wire.STOP)
    bench.live(3000000)
    bench.start()
    assert Memory().get("crashes", None) == 0


def saturated(k, counts):
    backward(k, counts)
    counts[2] = 4094 if 20 <= k % 240 < 155 else 30


def dead(k, counts):
    backward(k, counts)
    counts[3] = 1


def stuck(k, counts):
    backward(k, counts)
    counts[3] = 700


# By 3 % of full scale in every second.
def drifting(k, counts):
    backward(k, counts)
    counts[3] += 3 * k // 5


def bench_with_sensor(walk, fault, out_bits, seconds=8):
    bench = Bench()
    bench.walk = walk
    bench.start()
    bench.sink.keeps = False
    bench.live(seconds * 1000000)
    assert bench.app.faults.first == fault, (fault, bench.app.faults.first)
    assert bench.app.channels.left_out_bits == out_bits, bench.app.channels.left_out_bits
    return bench


def test_a_saturated_sensor_is_a_fault():
    bench_with_sensor(saturated, wire.FAULT_CHANNEL_SATURATED, 0b100)


def test_a_drifting_sensor_is_a_fault_once_in_a_session():
    assert bench_with_sensor(drifting, wire.FAULT_CHANNEL_DRIFTING, 0b1000, 11).app.faults.n == 1


def test_a_dead_sensor_is_a_fault_once_in_a_session():
    assert bench_with_sensor(dead, wire.FAULT_CHANNEL_DEAD, 0b1000).app.faults.n == 1


def test_a_stuck_sensor_is_a_fault_once_in_a_session():
    assert bench_with_sensor(stuck, wire.FAULT_CHANNEL_STUCK, 0b1000).app.faults.n == 1
