# What the application does by itself: how the line goes silent and comes back, strides and the cue, Ctrl-C and the
# watchdog.
from insole import wire
from machine import ADC
from suite._bench import CONSOLE, MOTOR, Bench, backward, command, u16, u32
from suite._words import Words
from world import world

# --- the line


def test_after_ten_minutes_of_silence_a_hello_is_answered():
    bench = Bench()
    bench.ask(wire.HELLO)
    for _ in range(600):
        bench.let_a_second_pass()
    assert len(bench.ask(wire.HELLO)) == 95


def test_frames_stop_three_seconds_after_the_last_clock_query_and_are_counted():
    bench = Bench()
    bench.start()
    bench.live(2000000)
    bench.ask(wire.CLOCK_QUERY)
    bench.live(2800000, asking=False)
    n = bench.sink.n
    bench.live(150000, asking=False)
    assert bench.sink.n > n, "2.9 s after"
    bench.live(100000, asking=False)
    n = bench.sink.n
    bench.live(1500000, asking=False)
    assert bench.sink.n == n, "3.1 s after"
    assert bench.app.link.dropped_n == 0, "the queue holds a second and a half"
    bench.live(1500000, asking=False)
    assert bench.app.link.dropped_n > 0
    assert bench.app.sampler.lost_n == 0, "the samples were taken"
    assert bench.sink.n == n
    dropped_n = bench.app.link.dropped_n
    bench.live(1000000, asking=False)
    assert 7 <= bench.app.link.dropped_n - dropped_n <= 8, "200 samples, 26 in a frame"


def test_nothing_is_sent_before_a_host_is_heard():
    bench = Bench()
    bench.live(2500000, asking=False)
    assert bench.sink.n == 0


def test_answers_fit_when_data_fill_the_queue():
    bench = Bench()
    bench.start()
    bench.live(9000000, asking=False)
    assert bench.app.link.dropped_n > 0
    bench.forget()
    for tag in range(5):
        bench.feed(command(wire.HELLO, tag=tag))
    bench.live(1000000)
    assert len(bench.frames_of(wire.IDENTITY)) == 5


def test_a_second_host_gets_no_frame_cut_in_two():
    bench = Bench()
    bench.start()
    bench.live(8000000, asking=False)
    bench.ask(wire.HELLO)
    bench.live(1000000)
    sizes = [len(frame) for frame in bench.frames_of(wire.SAMPLES)]
    assert sizes and set(sizes) == {253}, sizes


# --- strides and the cue


def test_strides_and_contacts_are_sent():
    bench = Bench()
    bench.walk = backward
    session = bench.start()
    bench.live(6000000)
    strides = bench.frames_of(wire.STRIDE)
    contacts = bench.frames_of(wire.CONTACT)
    assert len(strides) >= 4 and len(contacts) >= 4
    for seq in range(4):
        assert (u16(strides[seq], 1), u32(strides[seq], 3)) == (session, seq)
        assert (u16(contacts[seq], 1), u32(contacts[seq], 3)) == (session, seq)
        assert abs(u32(contacts[seq], 7) - (20 + 240 * seq)) <= 4, contacts[seq]
        assert tuple(contacts[seq][12:13]) == (wire.ORDER_FOREFOOT_FIRST,)
    bench.forget()
    bench.result(wire.STOP)
    bench.start()
    bench.live(2000000)
    assert u32(bench.frames_of(wire.STRIDE)[0], 3) == 0, "counted anew"
    assert u32(bench.frames_of(wire.CONTACT)[0], 3) == 0


# It waits for the next sample, and there is none.
def test_a_stride_that_was_judged_with_the_last_sample_is_sent():
    bench = Bench()
    bench.walk = backward
    bench.start()
    words = Words(bench.app._detector)
    while not words.due:
        bench.turn()
    assert not bench.frames_of(wire.STRIDE)
    bench.app.stop_session(wire.ENDED_HOST)
    bench.live(300000)
    assert [u32(frame, 3) for frame in bench.frames_of(wire.STRIDE)] == [0]


def cued_bench():
    bench = Bench()
    bench.walk = backward
    bench.set(wire.SETTING_CUE, 1)
    bench.set(wire.SETTING_TARGET_ORDER, wire.ORDER_HEEL_FIRST)
    bench.start()
    return bench


def motor(bench):
    return [(value, at_us) for what, value, at_us in bench.traced if what == MOTOR[bench.board]]


def until_buzzing(bench):
    for _ in range(5000):
        if bench.app.cue.buzzing:
            return
        bench.turn()
    raise AssertionError("no cue")


def test_no_cue_on_an_order_that_is_not_told():
    cue = cued_bench().app.cue
    for target in (wire.ORDER_FOREFOOT_FIRST, wire.ORDER_HEEL_FIRST):
        cue.target_order = target
        for order in (wire.ORDER_UNKNOWN, wire.ORDER_TOGETHER, target):
            assert cue.contact(order) == 0 and not cue.buzzing, (target, order)
    assert cue.contact(wire.ORDER_FOREFOOT_FIRST) == 1, "the other order does buzz"


def test_the_cue_lasts_150_ms():
    bench = cued_bench()
    bench.live(4000000)
    switched = motor(bench)
    assert len(switched) >= 4
    for k in range(0, len(switched) - 1, 2):
        assert switched[k][0] > 0 and switched[k + 1][0] == 0
        assert 150000 <= switched[k + 1][1] - switched[k][1] <= 153000, switched
    cued = [contact[14] for contact in bench.frames_of(wire.CONTACT)]
    assert cued.count(1) == len(cued) >= 2


def test_no_cue_on_the_target_order_or_when_off():
    bench = cued_bench()
    bench.set(wire.SETTING_TARGET_ORDER, wire.ORDER_FOREFOOT_FIRST)
    bench.live(3000000)
    bench.set(wire.SETTING_CUE, 0)
    bench.set(wire.SETTING_TARGET_ORDER, wire.ORDER_HEEL_FIRST)
    bench.live(3000000)
    assert motor(bench) == []
    assert [contact[14] for contact in bench.frames_of(wire.CONTACT)].count(1) == 0


def test_the_cue_ends_with_the_session():
    bench = cued_bench()
    until_buzzing(bench)
    bench.feed(command(wire.STOP))
    while bench.app.sampler.running:
        bench.turn()
    assert not bench.app.cue.buzzing
    (on, since_us), (off, at_us) = motor(bench)
    assert on > 0 and off == 0 and at_us - since_us < 50000


def test_shut_leaves_no_timer_and_no_buzz():
    bench = cued_bench()
    until_buzzing(bench)
    bench.app.shut()
    assert [value for value, _ in motor(bench)][1:] == [0]
    assert world.timers == []
    assert bench.app.link.queue_bytes == 0, "what was held was sent"
    assert len(bench.frames_of(wire.SAMPLES)) > 0
    bench = cued_bench()
    bench.result(wire.STOP)
    bench.app.cue._switch(True)
    bench.app.shut()
    assert [value for value, _ in motor(bench)][1:] == [0], "without a session, too"


# --- the samples


def test_ctrl_c_in_the_callback_ends_the_application():
    bench = Bench()
    bench.start()
    bench.live(100000)
    read_u16 = ADC.read_u16
    ADC.read_u16 = ctrl_c
    ended = False
    try:
        for _ in range(10):
            bench.turn()
    except KeyboardInterrupt:
        ended = True
    finally:
        ADC.read_u16 = read_u16
    assert ended
    bench.app.shut()
    assert world.timers == []


def ctrl_c(converter):
    raise KeyboardInterrupt


def test_ctrl_c_on_the_line_ends_the_application():
    bench = Bench()
    ended = False
    CONSOLE.gather = lambda: CONSOLE._keep(3)
    try:
        bench.turn()
    except KeyboardInterrupt:
        ended = True
    assert ended


class Watchdog:
    def __init__(self, bench, turn_n):
        self.bench = bench
        self.turn_n = turn_n
        self.fed_n = 0

    def feed(self):
        self.fed_n += 1


# The application's run() for turn_n turns; returns how often the watchdog was fed.
def run_for(bench, turn_n):
    watchdog = Watchdog(bench, turn_n)
    left = [turn_n]
    turn = bench.app.turn

    def counted():
        left[0] -= 1
        bench.app.leaving = left[0] <= 0
        turn()

    bench.app.turn = counted
    bench.app.run(watchdog)
    return watchdog.fed_n


def test_only_samples_feed_the_watchdog_of_a_session():
    assert run_for(Bench(), 50) == 50, "each turn without a session"
    bench = Bench()
    bench.start()
    bench.live(100000)
    assert 300 <= run_for(bench, 1000) <= 450, "about every third turn has a sample"
    bench = Bench()
    bench.start()
    world.timers.clear()  # a timer that died
    bench.live(30000)
    assert run_for(bench, 100) == 0
