# A version on trial, in the application: `keep`, the 30 s, and what waits until it is kept. And the two settings that
# are in force from the next start: board and zones.
import insole.board
import launch
from insole import wire
from insole.board import Board
from insole.memory import Memory
from suite._bench import Bench, backward

BUSY = (wire.RESULT_BUSY, 0)
OK = (wire.RESULT_OK, 0)


def now():
    with open("now") as file:
        return file.read()


# What `now` says when a trial of b has begun.
def tried_bench(store_kb=0):
    bench = Bench(store_kb=store_kb)
    on_trial(bench)
    return bench


def on_trial(bench):
    with open("now", "w") as file:
        file.write("a")
    bench.app.trial = launch.Trial("b")


def test_nothing_to_keep():
    assert Bench().result(wire.KEEP) == (wire.RESULT_NO_TRIAL, 0)


def test_a_kept_version_stays():
    bench = tried_bench()
    bench.live(29000000)
    assert now() == "a"
    assert bench.result(wire.KEEP) == OK and now() == "b"
    assert bench.result(wire.KEEP) == OK, "the answer may have been lost"
    bench.live(5000000)
    assert bench.app.uptime_s > 30


def test_a_version_that_nobody_keeps_is_over_after_30_s():
    bench = tried_bench()
    bench.live(29500000)
    code = 0
    try:
        bench.live(1000000)
    except SystemExit as ended:
        code = ended.args[0]
    assert code == 3, "a reset"
    assert now() == "a"


def test_nothing_is_written_while_sampling():
    bench = tried_bench()
    bench.start()
    assert bench.result(wire.KEEP) == BUSY and now() == "a"
    bench.result(wire.STOP)
    assert bench.result(wire.KEEP) == OK and now() == "b"
    bench.start()
    assert bench.result(wire.KEEP) == OK, "it is kept already"
    bench.result(wire.STOP)


class Enough(Exception):
    pass


# Its turns are over when it has been fed so often.
class Dog:
    def __init__(self, n):
        self.n = n

    def feed(self):
        self.n -= 1
        if not self.n:
            raise Enough


def run(bench, n):
    try:
        bench.app.run(Dog(n))
    except Enough:
        pass


def test_a_cut_session_goes_on_once_the_version_is_kept():
    bench = Bench(store_kb=64)
    bench.walk = backward
    first = bench.start()
    bench.live(8000000)
    bench.reset()
    on_trial(bench)
    run(bench, 50)
    assert not bench.app.sampler.running, "it might not last"
    assert bench.result(wire.KEEP) == OK and now() == "b"
    assert bench.app.sampler.running and bench.app.session == first + 1
    bench.result(wire.STOP)


# --- board and zones


def test_board_and_zones_are_kept_for_the_next_start():
    bench = Bench()
    for board in (2, 255, 0, 1):
        assert bench.set(wire.SETTING_BOARD, board) == (wire.RESULT_OK, board)
    assert bench.set(wire.SETTING_BOARD, 4) == (wire.RESULT_OUT_OF_RANGE, 1)
    for zones in (-1, 65535, 0, 0xFAA):
        assert bench.set(wire.SETTING_ZONES, zones) == (wire.RESULT_OK, zones)
    for zones in (-2, 65536, 1 << 30, -(1 << 31)):
        assert bench.set(wire.SETTING_ZONES, zones) == (wire.RESULT_OUT_OF_RANGE, 0xFAA)
    assert (bench.ask(wire.HELLO)[23], bench.app.board.channel_n) == (0, 6), "not before the next start"
    memory = Memory()
    board = Board(memory.get("board", -1), memory.get("zones", -1))
    assert (board.code, board.channel_n) == (1, 8)
    assert board.zones == (2, 2, 2, 2, 3, 3, 0, 0)


def test_board_is_written_after_the_session():
    bench = Bench()
    bench.start()
    assert bench.set(wire.SETTING_ZONES, 5) == (wire.RESULT_OK, 5)
    assert Memory().get("zones", None) is None, "flash was written while sampling"
    bench.result(wire.STOP)
    assert Memory().get("zones", None) == 5


class Chip:
    def __init__(self, machine):
        self.implementation = self
        self._machine = machine


def test_the_board_of_another_chip_is_out_of_range():
    bench = Bench()
    real = insole.board.sys
    try:
        for machine, own in (
            ("Generic ESP32 module with ESP32", (0,)),
            ("Generic ESP32S3 module with ESP32S3", (1, 3)),
            ("ESP32C3 module with ESP32C3", (2,)),
        ):
            insole.board.sys = Chip(machine)
            for code in (0, 1, 2, 3):
                taken = bench.set(wire.SETTING_BOARD, code)[0] == wire.RESULT_OK
                assert taken == (code in own), (machine, code)
            assert bench.set(wire.SETTING_BOARD, 255)[0] == wire.RESULT_OK
    finally:
        insole.board.sys = real
