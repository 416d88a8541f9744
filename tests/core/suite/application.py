# The application as a host meets it: every command and its answer, sessions, identity and status. Offsets into frames
# are written out here, so that a change of both ends together is noticed, too.
from array import array
from struct import pack

from insole import wire
from insole.fixed import tune
from insole.memory import Memory
from suite._bench import Bench, command, sealed, u16, u32
from suite._words import Words
from world import world

FLAT = (30, 31, 32, 33, 34, 35)


def stored(key, channel_n=6):
    counts = array("H", [0] * channel_n)
    Memory().load_counts(key, counts)
    return list(counts)


def remembered(key):
    return Memory().get(key, None)


# --- settings


def test_a_setting_takes_only_its_choices():
    bench = Bench()
    for setting, good, bad in (
        (wire.SETTING_RATE_HZ, (50, 100, 125, 200, 250, 500), (0, 49, 51, 201, 501, -200, 200 + 65536)),
        (wire.SETTING_CUE, (1, 0), (2, -1, 256)),
        (wire.SETTING_TARGET_ORDER, (2, 1), (0, 3)),
        (wire.SETTING_SIDE, (1, 0), (2, 255, -1)),
        (wire.SETTING_RATE_ALONE_HZ, (100, 500), (0, 99)),
    ):
        for value in good:
            assert bench.set(setting, value) == (wire.RESULT_OK, value)
        for value in bad:
            assert bench.set(setting, value) == (wire.RESULT_OUT_OF_RANGE, good[-1]), (setting, value)
        assert bench.app.settings[setting] == good[-1]


def test_settings_are_kept_over_a_reset():
    bench = Bench()
    for setting, value in ((1, 250), (2, 1), (3, 2), (4, 1), (5, 500)):
        assert bench.set(setting, value) == (wire.RESULT_OK, value)
    bench = Bench(remembered=None)
    assert bench.app.settings == {1: 250, 2: 1, 3: 2, 4: 1, 5: 500, 6: 0, 7: -1}
    assert bench.app.cue.wanted and bench.app.cue.target_order == 2


def test_a_remembered_value_that_is_no_choice_any_more_is_not_used():
    odd = {"rate_hz": 333, "cue": 7, "target_order": 0, "side": 9, "rate_alone_hz": 0, "zones": 1 << 20}
    bench = Bench(remembered=odd)
    assert bench.app.settings == {1: 200, 2: 0, 3: 1, 4: 255, 5: 100, 6: 0, 7: -1}


def test_unknown_setting():
    bench = Bench()
    for setting in (0, 8, 255):
        assert bench.set(setting, 1) == (wire.RESULT_UNKNOWN_SETTING, 0)


def test_rate_and_side_are_refused_while_running():
    bench = Bench()
    bench.set(wire.SETTING_SIDE, 0)
    bench.start()
    assert bench.set(wire.SETTING_RATE_HZ, 100) == (wire.RESULT_BUSY, 200)
    assert bench.set(wire.SETTING_SIDE, 1) == (wire.RESULT_BUSY, 0)
    assert bench.app.settings[wire.SETTING_RATE_HZ] == 200
    assert bench.result(wire.STOP)[0] == wire.RESULT_OK
    assert bench.set(wire.SETTING_RATE_HZ, 100) == (wire.RESULT_OK, 100)


def test_cue_and_target_change_at_once_and_are_written_after_the_session():
    bench = Bench()
    bench.start()
    assert bench.set(wire.SETTING_CUE, 1) == (wire.RESULT_OK, 1)
    assert bench.set(wire.SETTING_TARGET_ORDER, 2) == (wire.RESULT_OK, 2)
    assert bench.app.cue.wanted and bench.app.cue.target_order == 2
    bench.live(1100000)
    assert (remembered("cue"), remembered("target_order")) == (None, None), "flash was written while sampling"
    bench.result(wire.STOP)
    assert (remembered("cue"), remembered("target_order")) == (1, 2)


# --- commands that are no commands


def test_unknown_command():
    assert Bench().result(0x77) == (wire.RESULT_UNKNOWN_COMMAND, 0)


def test_a_command_that_is_too_short_is_malformed():
    bench = Bench()
    assert bench.result(wire.SET, pack("<B", 1)) == (wire.RESULT_MALFORMED, 0)
    assert bench.result(wire.SET, pack("<BHB", 1, 200, 0)) == (wire.RESULT_MALFORMED, 0)
    bench.start()
    assert bench.result(wire.MARKER, b"\1") == (wire.RESULT_MALFORMED, 0)
    reply = bench.answer(sealed(bytes([wire.STOP])), wire.REPLY, 0)
    assert list(reply[1:4]) == [0, wire.STOP, wire.RESULT_MALFORMED]
    assert bench.app.sampler.running


def test_a_command_that_is_longer_than_known_is_a_newer_hosts():
    bench = Bench()
    assert bench.set(wire.SETTING_CUE, 1) == (wire.RESULT_OK, 1)
    assert bench.result(wire.SET, pack("<Bi", wire.SETTING_CUE, 0) + b"more") == (wire.RESULT_OK, 0)


# --- markers


def test_marker_needs_a_session():
    assert Bench().result(wire.MARKER, b"\1\0") == (wire.RESULT_NOT_RUNNING, 0)


def test_mark_has_the_next_samples_index_and_the_code():
    bench = Bench()
    session = bench.start()
    bench.live(700000)
    for seq, code in ((0, 0xBEEF), (1, 0x0102)):
        bench.live(60000)
        due = bench.app.sampler.next_index
        assert bench.result(wire.MARKER, pack("<H", code)) == (wire.RESULT_OK, 0)
        mark = bench.frames_of(wire.MARK)[0]
        assert len(mark) == 17
        assert (u16(mark, 1), u32(mark, 3), u16(mark, 11)) == (session, seq, code), mark
        assert u32(mark, 7) == due, "the loop turns at once: no sample came between"


# --- tare and calibrate


def test_tare_is_kept_and_begins_the_next_session():
    bench = Bench()
    bench.put(100, 200, 300, 400, 500, 600)
    assert bench.result(wire.TARE) == (wire.RESULT_OK, 0)
    assert stored("baseline") == [100, 200, 300, 400, 500, 600]
    bench.put(900, 900, 900, 900, 900, 900)
    bench.start()
    assert [bench.app._detector.channels.baseline(k) for k in range(6)] == [100, 200, 300, 400, 500, 600]
    assert bench.result(wire.TARE) == (wire.RESULT_BUSY, 0)
    assert list(bench.app.pressure.baseline) == [100, 200, 300, 400, 500, 600]
    bench = Bench(remembered=None)
    assert list(bench.app.pressure.baseline) == [100, 200, 300, 400, 500, 600], "after a reset"


def test_without_tare_the_first_samples_are_the_baseline():
    bench = Bench()
    bench.put(*FLAT)
    bench.start()
    assert [bench.app._detector.channels.baseline(k) for k in range(6)] == [-1] * 6
    bench.live(100000)
    assert [bench.app._detector.channels.baseline(k) for k in range(6)] == list(FLAT)


def test_calibrate():
    bench = Bench()
    bench.put(*FLAT)
    assert bench.result(wire.CALIBRATE) == (wire.RESULT_NOT_TARED, 0)
    assert bench.result(wire.TARE) == (wire.RESULT_OK, 0)
    assert bench.result(wire.CALIBRATE) == (wire.RESULT_NO_LOAD, 0)
    assert stored("standing") == [0] * 6, "nothing was stored"
    bench.put(530, 831, 132, 33, 20, 4094)
    assert bench.result(wire.CALIBRATE) == (wire.RESULT_OK, 0)
    assert stored("standing") == [500, 800, 100, 0, 0, 4059]
    bench.start()
    words = Words(bench.app._detector)
    assert words.first_load == 5459, "the detector knows from the first step on"
    assert Words(bench.app._detector, tune.FOOT_TUNE).running == 5459
    assert bench.result(wire.CALIBRATE) == (wire.RESULT_BUSY, 0)


# --- sessions


def test_start_and_stop_are_answered_with_the_session():
    bench = Bench(remembered={"session": 41})
    assert bench.result(wire.STOP) == (wire.RESULT_NOT_RUNNING, 41)
    for session in (42, 43, 44):
        assert bench.result(wire.START) == (wire.RESULT_OK, session)
        assert bench.result(wire.START) == (wire.RESULT_BUSY, session)
        assert bench.result(wire.STOP) == (wire.RESULT_OK, session)
    assert bench.result(wire.STOP) == (wire.RESULT_NOT_RUNNING, 44)
    assert remembered("session") == 44


def test_a_session_number_has_16_bits():
    bench = Bench(remembered={"session": 0x1FFFE})
    assert bench.app.session == 0xFFFE
    assert bench.start() == 0xFFFF
    bench.result(wire.STOP)
    assert bench.start() == 0
    bench.result(wire.STOP)
    assert bench.start() == 1


def test_identity_follows_the_answer_to_start():
    bench = Bench()
    bench.start()
    bench.live(30000)
    identity = bench.frames_of(wire.IDENTITY)[0]
    assert identity[21] == 1 and u16(identity, 19) == bench.app.session


def test_samples_of_a_session_begin_at_zero_and_are_stamped():
    bench = Bench()
    for session in (1, 2):
        assert bench.start() == session
        started_us = world.now_us
        bench.live(1000000)
        first, second = bench.frames_of(wire.SAMPLES)[:2]
        assert (u16(first, 1), u32(first, 3), u32(first, 7)) == (session, 0, 0)
        assert (u32(second, 3), u32(second, 7)) == (1, 26)
        assert 0 < u32(first, 11) - started_us <= 5000
        assert u32(second, 11) - u32(first, 11) == 26 * 5000
        bench.result(wire.STOP)


def test_clock():
    bench = Bench()
    bench.start()
    bench.live(3300000)
    before_us, due = world.now_us, bench.app.sampler.next_index
    clock = bench.ask(wire.CLOCK_QUERY, tag=0x5A)
    assert len(clock) == 18 and clock[1] == 0x5A
    assert u32(clock, 2) == before_us
    assert u32(clock, 6) == 3
    assert u32(clock, 10) == due and due > 600


def test_identity():
    bench = Bench(board=1, remembered={"boot": 70000, "session": 513})
    bench.put(11, 22, 33, 44, 55, 66, 77, 88)
    bench.result(wire.TARE)
    bench.put(1011, 1122, 1233, 1344, 1455, 1566, 1677, 1788)
    bench.result(wire.CALIBRATE)
    for setting, value in ((1, 100), (2, 1), (3, 2), (4, 1)):
        bench.set(setting, value)
    identity = bench.ask(wire.HELLO)
    assert len(identity) == 95
    assert tuple(identity[1:3]) == (wire.PROTOCOL_MAJOR, wire.PROTOCOL_MINOR)
    assert (u16(identity, 3), u16(identity, 5)) == (wire.FINGERPRINT_LOW, wire.FINGERPRINT_HIGH)
    assert identity[7:15] == b"\x24\x6f\x28\0\0\0\0\0"
    assert (u32(identity, 15), u16(identity, 19)) == (70000, 513)
    assert tuple(identity[21:24]) == (0, 1, wire.BOARD_ESP32_S3), "running, side, board"
    assert u16(identity, 27) == 100
    assert tuple(identity[29:31]) == (8, 19), "channels, records in a frame"
    assert u16(identity, 31) == 4094
    assert tuple(identity[33:41]) == (0, 0, 0, 0, 2, 1, 1, 3)
    assert tuple(identity[41:49]) == (0, 1, 3, 5, 8, 9, 10, 6)
    assert [u16(identity, 49 + 2 * k) for k in range(8)] == [11, 22, 33, 44, 55, 66, 77, 88]
    assert [u16(identity, 65 + 2 * k) for k in range(8)] == [1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700]
    assert tuple(identity[81:83]) == (1, 2), "cue, target order"
    assert tuple(identity[83:91]) == (255,) * 8, "nobody knows what source loose files are of"


def test_identity_of_fewer_channels_is_padded():
    identity = Bench(board=2).ask(wire.HELLO)
    assert (identity[23], identity[29]) == (wire.BOARD_ESP32_C3, 5)
    assert tuple(identity[33:41]) == (0, 0, 0, 1, 1, 255, 255, 255)
    assert tuple(identity[41:49]) == (0, 1, 5, 9, 10, 255, 255, 255)
    assert identity[49:81] == b"\xff" * 32


def test_status():
    bench = Bench(remembered={"session": 770})
    app = bench.app
    app.sampler.next_index, app.sampler.lost_n, app.sampler.late_n, app.sampler.latest_us = 100001, 102, 103, 104
    app.link.dropped_n, app.link.reader.bad_n = 105, 106
    Words(app._detector).out_bits = 0b100101
    app.faults.first, app.faults.n = 501, 3
    app._health._said[:] = array("i", [102, 103, 105, 106, 0, 0])  # all of it is old news: no fault comes of it
    said = bench.status()
    assert len(said) == 64
    assert (u16(said, 1), said[3], u32(said, 4)) == (770, 0, 1), "session, not running, seconds up"
    assert [u32(said, at) for at in (8, 12, 16, 20, 24)] == [100001, 102, 103, 104, 105]
    assert (u16(said, 28), u16(said, 30)) == (0, 106), "bytes waiting, bad commands"
    assert u16(said, 36) == 0xFFFF, "no battery is measured"
    assert said[38] == 0x80, "no temperature"
    assert (u16(said, 39), u16(said, 41), said[43]) == (501, 3, 0b100101)
    assert not any(said[44:60]), "there is no store"
    bench.start()
    assert bench.status()[3] == 1


def test_status_has_the_battery_of_a_board_that_measures_it():
    assert u16(Bench(board=3).status(), 36) == 3900


def test_uptime_counts_seconds():
    bench = Bench()
    bench.feed(command(wire.CLOCK_QUERY))
    bench.live(5050000)
    seconds = [u32(frame, 4) for frame in bench.frames_of(wire.STATUS)]
    assert seconds == [1, 2, 3, 4, 5]


def test_no_second_is_forgotten_when_turns_are_long():
    bench = Bench()
    for _ in range(100):
        world.now_us += 700000
        bench.turn()
    assert 70 <= bench.app.uptime_s <= 71


def test_leave_sends_all_there_is_before_it_ends():
    bench = Bench()
    bench.start()
    bench.live(777000)
    bench.forget()
    bench.feed(command(wire.LEAVE, tag=9))
    bench.run_out()
    sample_n = bench.app.sampler.next_index
    assert not bench.app.sampler.running
    assert bench.app.link.queue_bytes == 0
    tail = bench.frames_of(wire.SAMPLES)[-1]
    assert u32(tail, 7) < sample_n <= u32(tail, 7) + 26
    assert sample_n % 26, "the tail is no whole frame"
    k = sample_n - 1 - u32(tail, 7)
    assert tail[15 + 9 * k : 24 + 9 * k] != b"\xff" * 9, "the last sample is in it"
    assert tail[24 + 9 * k : -4] == b"\xff" * (9 * (25 - k)), "and behind it none"
    reply = bench.frames_of(wire.REPLY)[-1]
    assert tuple(reply[1:4]) == (9, wire.LEAVE, wire.RESULT_OK)


def test_stop_sends_the_tail_before_its_reply():
    bench = Bench()
    bench.start()
    bench.live(333000)
    sample_n = bench.app.sampler.next_index
    while bench.app.sampler.next_index == sample_n:
        bench.turn()  # the one sample that now waits in the ring
    bench.ask(wire.STOP)
    kinds = [frame[0] for frame in bench.frames]
    assert kinds[-3:] == [wire.SAMPLES, wire.SESSION_END, wire.REPLY]
    tail = bench.frames[-2]
    assert bench.app.sampler.next_index == sample_n + 1
    at = 15 + 9 * (sample_n - u32(tail, 7))
    assert tail[at : at + 9] != b"\xff" * 9, "the last sample is in it"
