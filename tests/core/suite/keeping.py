# Sessions in the device's store as a host or somebody without one meets them: what is kept, listed, sent again, erased;
# the button and the LED; a reset in the middle. Offsets into frames are written out, as in `application`.
from struct import pack

from insole import wire
from suite._bench import Bench, Partition, backward, command, lamp, ramp, u16, u32
from world import world

STORE_KB = 64  # 256 pages
KEPT_KINDS = (wire.SAMPLES, wire.STRIDE, wire.SESSION_HEAD, wire.SESSION_END)
LED = ("pin2", "pin2", "pin8")


def kept_bench(**settings):
    bench = Bench(store_kb=STORE_KB, **settings)
    bench.walk = backward
    bench.let_it_get_ready()
    return bench


# Let seconds pass whose frames nobody looks at: they would fill a small memory.
def unheard(bench, seconds, asking=True):
    bench.sink.keeps = False
    bench.live(seconds * 1000000, asking)
    bench.sink.keeps = True


# Walk for some seconds and give the session's number.
def walked(bench, seconds=3, asking=True):
    session = bench.start()
    unheard(bench, seconds, asking)
    assert bench.result(wire.STOP)[0] == wire.RESULT_OK
    return session


def listed(bench, which=wire.WHICH_OLDEST, session=0):
    last = bench.asked(wire.LIST, pack("<BH", which, session), (wire.STORED, wire.REPLY))[-1]
    return last if last[0] == wire.STORED else None


# Every frame that a fetch brings, and the `fetched` at its end.
def fetched(bench, session, first=0, end=0xFFFFFFFF):
    frames = bench.asked(wire.FETCH, pack("<HII", session, first, end), (wire.FETCHED,), 20000000)
    return frames[:-1], frames[-1]


def of_kind(frames, kind, session):
    return [frame for frame in frames if frame[0] == kind and u16(frame, 1) == session]


def test_a_session_is_listed_with_what_it_holds():
    bench = kept_bench()
    assert listed(bench) is None
    session = walked(bench)
    stored = listed(bench)
    assert (u16(stored, 2), u16(stored, 4)) == (session, session), "it continues none"
    assert u16(stored, 18) == 200 and stored[20] == wire.BEGUN_HOST
    samples_n = u32(stored, 21)
    assert 3 * 200 <= samples_n <= 3 * 200 + 30, samples_n
    pages = 1 + (samples_n + 25) // 26 + 1
    assert pages <= u16(stored, 25) <= pages + 1, u16(stored, 25)
    assert (stored[27], stored[28]) == (wire.KEPT_UNCOLLECTED, wire.ENDED_HOST)
    assert listed(bench, wire.WHICH_NEXT, session) is None
    second = walked(bench, 1)
    assert u16(listed(bench, wire.WHICH_NEXT, session), 2) == second == session + 1


def test_what_is_fetched_is_what_was_sent():
    bench = kept_bench()
    bench.forget()
    session = bench.start()
    bench.live(2000000)
    sent = list(bench.frames)
    bench.result(wire.MARKER, pack("<H", 77))
    sent += bench.frames
    bench.forget()
    bench.live(1500000)
    sent += bench.frames
    bench.result(wire.STOP)
    sent += bench.frames  # what came since the question, too
    bench.forget()
    bench.live(1000000)
    sent += bench.frames
    sent = [frame for frame in sent if frame[0] in KEPT_KINDS]
    got, last = fetched(bench, session)
    assert u16(last, 2) == session and u16(last, 6) == 0 and last[8] == 1
    for kind in KEPT_KINDS:
        assert of_kind(got, kind, session) == of_kind(sent, kind, session), kind
    assert len(of_kind(got, wire.SAMPLES, session)) > 25 and len(of_kind(got, wire.STRIDE, session)) >= 2
    marks = of_kind(got, wire.MARK, session)
    assert len(marks) == 1 and u16(marks[0], 11) == 77
    assert [frame for frame in got if frame[0] == wire.IDENTITY], "so that what is kept can be read"
    end = of_kind(got, wire.SESSION_END, session)[0]
    assert u32(end, 7) == len(of_kind(got, wire.SAMPLES, session))
    assert u32(end, 11) == len(of_kind(got, wire.STRIDE, session)) and u32(end, 15) == 1


def test_a_part_is_fetched_by_its_samples():
    bench = kept_bench()
    session = walked(bench, 6)
    got, last = fetched(bench, session, 300, 500)
    firsts = [u32(frame, 7) for frame in of_kind(got, wire.SAMPLES, session)]
    assert firsts == list(range(300 // 26 * 26, 500, 26)), firsts
    assert last[8] == 0
    got, last = fetched(bench, session, 1100)
    assert of_kind(got, wire.SESSION_END, session) and last[8] == 1
    assert bench.result(wire.FETCH, pack("<HII", session + 1, 0, 9)) == (wire.RESULT_NO_SESSION, 0)


def test_it_fetches_while_the_next_session_runs_and_loses_nothing_of_it():
    bench = kept_bench()
    first = walked(bench, 4)
    bench.forget()
    second = bench.start()
    got, _ = fetched(bench, first)
    frames = got
    bench.forget()
    bench.live(1000000)
    frames += bench.frames
    seqs = [u32(frame, 3) for frame in of_kind(frames, wire.SAMPLES, second)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) and len(seqs) > 5, seqs
    assert len(of_kind(frames, wire.SAMPLES, first)) == (u32(listed(bench), 21) + 25) // 26
    assert listed(bench, wire.WHICH_NEXT, first)[27] == wire.KEPT_RUNNING
    assert bench.result(wire.COLLECTED, pack("<H", second))[0] == wire.RESULT_BUSY
    assert bench.result(wire.ERASE, pack("<H", 0x5EED))[0] == wire.RESULT_BUSY
    assert bench.app.sampler.lost_n == 0


def test_a_collected_session_makes_room_and_an_uncollected_one_stays():
    bench = kept_bench()
    first = walked(bench, 8)
    second = walked(bench, 8)
    ready_n = bench.app.store.ready_n
    bench.let_it_get_ready()
    assert bench.app.store.ready_n == ready_n, "nothing uncollected is erased"
    assert bench.result(wire.COLLECTED, pack("<H", first)) == (wire.RESULT_OK, 0)
    assert listed(bench)[27] == wire.KEPT_COLLECTED
    bench.live(10000000, asking=False)
    assert bench.app.store.ready_n > ready_n + 32
    assert fetched(bench, second, 1400)[1][8] == 1
    assert bench.result(wire.COLLECTED, pack("<H", 999)) == (wire.RESULT_NO_SESSION, 0)


def test_erase_needs_the_word_and_erases_all():
    bench = kept_bench()
    walked(bench, 5)
    assert bench.result(wire.ERASE, pack("<H", 1)) == (wire.RESULT_OUT_OF_RANGE, 0)
    assert bench.result(wire.ERASE, pack("<H", 0x5EED)) == (wire.RESULT_OK, 0)
    bench.live(5000000)
    assert listed(bench) is None
    status = bench.status()
    assert (u16(status, 44), u16(status, 46)) == (STORE_KB * 4, 0), "pages, used"
    assert u16(status, 48) >= STORE_KB * 4 - 32


def test_a_full_store_is_said_and_streaming_goes_on():
    bench = kept_bench()
    session = bench.start()
    unheard(bench, 40)
    status = bench.status()
    assert u32(status, 56) > 20 and 1 <= u16(status, 48) <= 2, (u32(status, 56), u16(status, 48))
    assert bench.app.faults.first == wire.FAULT_STORE_FULL
    assert bench.app.lamp.pattern == lamp.FULL
    bench.forget()
    bench.live(1000000)
    assert len(of_kind(bench.frames, wire.SAMPLES, session)) >= 6
    bench.result(wire.STOP)
    stored = listed(bench)
    assert stored[28] == wire.ENDED_HOST, "the last page was kept for it"
    assert u16(stored, 25) == STORE_KB * 4


# --- the button and the LED


def press(bench, us=100000):
    bench.app.board.button._value = 0
    bench.live(us, asking=False)
    bench.app.board.button._value = 1
    bench.live(50000, asking=False)


def test_a_short_press_begins_and_ends_a_session_at_its_own_rate():
    bench = kept_bench()
    bench.let_the_host_go()
    press(bench, 10000)
    assert not bench.app.sampler.running, "that was bouncing"
    press(bench, 3000000)
    assert not bench.app.sampler.running, "that was no short press"
    press(bench)
    assert bench.app.sampler.running
    bench.live(5000000, asking=False)
    assert bench.app.lamp.pattern in (lamp.SAMPLING, lamp.NEARLY_FULL)
    press(bench)
    assert not bench.app.sampler.running
    stored = listed(bench)
    assert (u16(stored, 18), stored[20], stored[28]) == (100, wire.BEGUN_BUTTON, wire.ENDED_BUTTON)
    assert 500 <= u32(stored, 21) <= 540
    assert bench.app.rate_hz == 200


def test_the_led_blinks_while_a_session_runs():
    bench = Bench(store_kb=128)
    bench.walk = backward
    bench.let_it_get_ready()
    press(bench)
    del bench.traced[:]
    bench.live(10500000, asking=False)
    lit = [at_us for what, value, at_us in bench.traced if what == LED[0] and value]
    assert 4 <= len(lit) <= 6, lit
    press(bench)
    bench.live(1100000, asking=False)
    del bench.traced[:]
    bench.live(4000000, asking=False)
    assert not [value for what, value, _ in bench.traced if what == LED[0] and value]


def test_without_room_the_button_is_refused():
    bench = Bench(store_kb=16)  # 64 pages, 16 s
    bench.let_it_get_ready()
    press(bench)
    assert not bench.app.sampler.running
    assert bench.app.lamp.pattern == lamp.REFUSED
    bench.live(5000000, asking=False)
    assert bench.app.lamp.pattern == lamp.OFF


def test_a_session_that_nobody_walks_in_ends_by_itself():
    bench = kept_bench()
    bench.walk = None
    bench.put(30, 30, 30, 30, 30, 30)
    bench.let_the_host_go()
    press(bench)
    for _ in range(330):
        bench.let_a_second_pass()
    assert not bench.app.sampler.running
    assert listed(bench)[28] == wire.ENDED_FORSAKEN


# --- a reset in the middle


def test_a_session_that_a_reset_cut_short_goes_on_as_another():
    bench = kept_bench()
    first = bench.start()
    unheard(bench, 8)
    bench.reset()
    bench.app.resume()
    assert bench.app.sampler.running and bench.app.session == first + 1
    unheard(bench, 2)
    bench.result(wire.STOP)
    cut = listed(bench)
    assert (u16(cut, 2), cut[28], cut[27]) == (first, 255, wire.KEPT_UNCOLLECTED)
    assert u32(cut, 21) >= 7 * 200, "all but what filled no page yet"
    after = listed(bench, wire.WHICH_NEXT, first)
    assert (u16(after, 2), u16(after, 4), after[20]) == (first + 1, first, wire.BEGUN_RESET)
    assert u32(after, 6) == u32(cut, 6) or u32(after, 6) > u32(cut, 6)
    assert fetched(bench, first, 1400)[1][8] == 1


def test_an_ended_session_is_not_resumed_and_a_short_life_only_once():
    bench = kept_bench()
    walked(bench)
    bench.reset()
    bench.app.resume()
    assert not bench.app.sampler.running
    bench.start()
    unheard(bench, 8)
    for resumes in (True, False):
        bench.reset()
        bench.app.resume()
        assert bench.app.sampler.running == resumes
        unheard(bench, 1)


def test_leaving_in_the_middle_of_a_fetch_comes_to_an_end():
    bench = kept_bench()
    session = walked(bench, 8)
    bench.feed(command(wire.FETCH, pack("<HII", session, 0, 0xFFFFFFFF)))
    bench.live(300000)
    bench.feed(command(wire.LEAVE))
    bench.run_out()
    assert bench.app.leaving and not bench.app.fetcher.active


def test_a_flipped_bit_costs_the_frame_that_it_is_in():
    bench = kept_bench()
    session = walked(bench, 7)
    sought = bench.app.store.seek(session, 0, 0x3FFFFFFF)
    assert sought
    page = bytearray(256)
    at = -1
    while bench.app.store.read_next(page):
        at += 1
        if page[1] == wire.PLACE:
            break
    Partition("sessions")._flash.rot(256 * at + 13 + 20, 3)
    got, last = fetched(bench, session, 1200)
    strides = of_kind(got, wire.STRIDE, session)
    assert len(strides) == bench.app.stride_n - 1 and u16(last, 6) == 1
    assert of_kind(got, wire.SESSION_END, session)


def test_drills_and_swaying_are_somebody():
    bench = kept_bench()
    bench.walk = drill
    bench.let_the_host_go()
    press(bench)
    unheard(bench, 20, asking=False)
    assert bench.app.stride_n <= 3
    assert bench.app.uptime_s - bench.app._stepped_s <= 3


# The toes are put down for a quarter of a second every two seconds, softly, and the heel never.
def drill(k, counts):
    t = k % 400
    for c in range(4):
        counts[c] = 30 + 3 * ramp(t, 20, 70)
    counts[4] = counts[5] = 30


def test_a_full_store_is_no_reason_to_begin_again_and_again():
    bench = Bench(store_kb=16)
    bench.walk = backward
    bench.let_it_get_ready()
    bench.start()
    unheard(bench, 12)
    for _ in range(3):
        bench.reset()
        bench.app.resume()
        assert not bench.app.sampler.running


def test_without_a_store_everything_else_works():
    bench = Bench()
    assert bench.app.faults.n == 0
    for kind, more in (
        (wire.LIST, b"\0\0\0"),
        (wire.FETCH, bytes(10)),
        (wire.COLLECTED, b"\0\0"),
        (wire.ERASE, pack("<H", 0x5EED)),
    ):
        assert bench.result(kind, more)[0] == wire.RESULT_NO_STORE, kind
    session = bench.start()
    bench.live(1000000)
    assert of_kind(bench.frames, wire.SAMPLES, session)
    assert world.lost_callback_n == 0
