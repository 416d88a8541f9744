"""An Insole against a pty that speaks real frames: commands, refusals, loss, the clock, going away."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pty_insole import PtyInsole, gather, insole_maker, samples_frame, stride_frame

import retrosole
from retrosole import asking, clock, device, wire
from retrosole.device import Insole, LinkLost, connect
from retrosole.errors import NoDeviceError, PortError, ProtocolError, UsageError
from retrosole.framing import encode
from retrosole.ledger import Ledger

Make = Callable[..., PtyInsole]


@pytest.fixture
def make() -> Iterator[Make]:
    yield from insole_maker()


# --------------------------------------------------------------------------------------------------------- commands


def test_commands_arrive_and_are_answered(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        assert insole.start() == 5
        assert insole.set("cue", 1) == 1
        insole.tare()
        insole.calibrate()
        insole.marker(77)
        insole.keep()
        insole.stop()
        insole.leave()
    sent = [c for c in there.commands if not isinstance(c, wire.HelloFrame | wire.ClockQueryFrame)]
    assert [type(c) for c in sent] == [
        wire.StartFrame,
        wire.SetFrame,
        wire.TareFrame,
        wire.CalibrateFrame,
        wire.MarkerFrame,
        wire.KeepFrame,
        wire.StopFrame,
        wire.LeaveFrame,
    ]
    assert (sent[1].setting, sent[1].value, sent[4].code) == (wire.Setting.CUE, 1, 77)
    assert len({c.tag for c in there.commands[-9:]}) == 9


def test_a_setting_of_many_values_names_their_range(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        assert insole.set("zones", 4095) == 4095
        there.results[wire.SetFrame.TYPE] = wire.Result.OUT_OF_RANGE
        with pytest.raises(ProtocolError, match=r"refused set zones 65536: from -1 to 65535 \(the value is out of"):
            insole.set("zones", 65536)
        with pytest.raises(UsageError, match=r"there are rate_hz, .*, board, zones"):
            insole.set("pins", 1)


def test_keeping_says_when_nothing_is_on_trial_and_when_a_session_runs(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        there.results[wire.KeepFrame.TYPE] = wire.Result.NO_TRIAL
        with pytest.raises(asking.NoTrialError, match=r"refused keep \(the firmware that runs is not on trial"):
            insole.keep()
        there.results[wire.KeepFrame.TYPE] = wire.Result.BUSY
        with pytest.raises(asking.BusyError, match="refused keep"):
            insole.keep()


@pytest.mark.parametrize("result", [r for r in wire.Result if r is not wire.Result.OK])
def test_a_refusal_says_why(make: Make, result: wire.Result) -> None:
    there = make()
    there.results[wire.SetFrame.TYPE] = result
    with connect(there.port) as insole, pytest.raises(ProtocolError) as caught:
        insole.set("rate_hz", 333)
    assert str(caught.value).startswith(f"the insole on {there.port} refused set rate_hz 333: choose from 50, 100")
    assert asking.REFUSALS[result] in str(caught.value)


def test_a_refusal_of_a_newer_kind_gives_its_number(make: Make) -> None:
    there = make()
    there.results[wire.TareFrame.TYPE] = 99
    with connect(there.port) as insole, pytest.raises(ProtocolError, match=r"refused tare \(reason 99, which"):
        insole.tare()


def test_what_cannot_be_sent_is_refused_here(make: Make) -> None:
    with connect(make().port) as insole:
        with pytest.raises(
            UsageError, match="no setting is called 'colour': there are rate_hz, cue, target_order, side"
        ):
            insole.set("colour", 1)
        with pytest.raises(UsageError, match=r"rate_hz cannot be 2147483648: choose from 50,"):
            insole.set("rate_hz", 2**31)
        with pytest.raises(UsageError, match="a marker is a number from 0 to 65535, got -1"):
            insole.marker(-1)


def test_a_lost_answer_is_asked_for_again_where_that_is_harmless(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SETTLE_TIMEOUT_S", 0.2)
    there = make()
    tares: list[Any] = []

    def answer(command: Any) -> bytes:
        if isinstance(command, wire.TareFrame):
            tares.append(command)
        return there.usual_answer(command) if len(tares) != 1 else b""

    there.answer = answer
    with connect(there.port) as insole:
        insole.tare()
    assert len(tares) == 2


def test_a_start_whose_answer_is_lost_is_not_sent_twice(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Insole._command.__kwdefaults__, "timeout_s", 0.3)
    there = make()

    def answer(command: Any) -> bytes:
        said = there.usual_answer(command)
        return b"" if isinstance(command, wire.StartFrame) else said

    there.answer = answer
    with connect(there.port) as insole:
        assert insole.start() == 5
        assert insole.ledger.session == 5
    assert sum(isinstance(c, wire.StartFrame) for c in there.commands) == 1


def test_a_start_that_is_lost_is_sent_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Insole._command.__kwdefaults__, "timeout_s", 0.3)
    there = make()
    lost: list[Any] = []

    def answer(command: Any) -> bytes:
        if isinstance(command, wire.StartFrame | wire.StopFrame) and type(command) not in lost:
            lost.append(type(command))
            return b""
        return there.usual_answer(command)

    there.answer = answer
    with connect(there.port) as insole:
        assert insole.start() == 5
        assert insole.identity.running
        insole.stop()
        assert not insole.hello().running
    assert lost == [wire.StartFrame, wire.StopFrame]


def test_a_start_that_comes_through_late_is_no_refusal(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Insole._command.__kwdefaults__, "timeout_s", 0.3)
    there = make()
    starts: list[Any] = []

    def answer(command: Any) -> bytes:
        if not isinstance(command, wire.StartFrame):
            return there.usual_answer(command)
        starts.append(command)
        if len(starts) == 1:
            return b""  # still under way when it is asked who it is
        there.usual_answer(starts[0])
        return encode(wire.ReplyFrame(command.tag, command.TYPE, wire.Result.BUSY, 0))

    there.answer = answer
    with connect(there.port) as insole:
        assert insole.start() == 5
        assert insole.identity.running
    assert len(starts) == 2


def test_frames_of_an_earlier_session_are_not_handed_out_after_a_start(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        there.send(encode(samples_frame(4, 100)))
        insole.hello()
        n = insole.start()
        there.send(encode(samples_frame(n, 0)))
        assert [f.session for f in gather(insole, wire.SamplesFrame)] == [n]


def test_no_answer_at_all_is_said(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Insole._command.__kwdefaults__, "timeout_s", 0.2)
    there = make()
    with connect(there.port) as insole:
        there.answer = lambda _: b""
        with pytest.raises(NoDeviceError, match=r"did not answer marker within 0.2 s: check its cable"):
            insole.marker(1)
        monkeypatch.setattr(asking, "COMMAND_TIMEOUT_S", 0.2)
        with pytest.raises(NoDeviceError, match="no longer answers: check its power and cable"):
            insole.hello()


def test_leaving_the_context_stops_what_was_started_here(make: Make) -> None:
    started, other = make(), make()
    with connect(started.port) as insole:
        insole.start()
    with connect(other.port):
        pass
    assert isinstance(started.commands[-1], wire.StopFrame)
    assert not any(isinstance(c, wire.StopFrame) for c in other.commands)


# ------------------------------------------------------------------------------------------------- frames and loss


def test_frames_come_once_each_and_the_rest_is_counted(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        n = insole.start()
        order = [0, 1, 1, 3, 2, 6]  # 1 twice, 2 late, 4 and 5 lost
        for seq in order:
            there.send(encode(samples_frame(n, seq)))
        there.send(encode(samples_frame(n, 7, taken_n=20)))
        there.send(encode(stride_frame(n, 2, 0)))
        there.send(encode(samples_frame(n - 1, 8)))
        broken = bytearray(encode(samples_frame(n, 8)))
        broken[40] ^= 0x55
        there.send(bytes(broken))
        assert [f.seq for f in gather(insole, wire.SamplesFrame)] == [0, 1, 3, 2, 6, 7]
        samples, strides = (insole.ledger.frames[kind] for kind in (1, 2))
        assert (samples.received_n, samples.lost_n, samples.duplicate_n, samples.out_of_order_n) == (6, 2, 1, 1)
        assert (strides.received_n, strides.lost_n) == (1, 2)
        assert (insole.ledger.sample_n, insole.ledger.lost_sample_n) == (5 * 26 + 20, 52)
        assert insole.ledger.hole_n == 0  # so far the six may be padding
        assert (insole.ledger.other_session_n, insole.damaged_n) == (1, 1)
        there.send(encode(samples_frame(n, 9)))
        gather(insole, wire.SamplesFrame)
        assert insole.ledger.hole_n == 6


def test_samples_of_a_length_that_cannot_be_are_damage() -> None:
    ledger = Ledger(6)
    assert not ledger.add(wire.SamplesFrame(1, 0, 0, 0, bytes(10)))
    assert ledger.damaged_n == 1


def test_a_session_joined_midway_counts_from_there(make: Make) -> None:
    there = make(running=1)
    with connect(there.port) as insole:
        there.send(encode(samples_frame(4, 100)) + encode(samples_frame(4, 101)))
        assert len(gather(insole, wire.SamplesFrame)) == 2
        assert insole.ledger.lost_sample_n == 0


def test_a_session_started_by_the_button_is_counted_from_its_beginning(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        there.usual_answer(wire.StartFrame(1))
        there.send(encode(there.identity) + encode(samples_frame(5, 1)))
        gather(insole, wire.SamplesFrame)
        assert insole.ledger.lost_sample_n == 26


def test_iterating_gives_frames_until_the_insole_is_lost(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        n = insole.start()
        whole = encode(samples_frame(n, 0))
        there.send(whole + whole[:100])
        seen: list[Any] = []

        def watch() -> None:
            for frame in insole:
                seen.append(frame)
                if isinstance(frame, wire.SamplesFrame):
                    there.vanish()

        with pytest.raises(PortError, match="went away"):
            watch()
        assert [f for f in seen if isinstance(f, wire.SamplesFrame)] == [samples_frame(n, 0)]


def test_events_end_with_link_lost_and_what_came_before_it_is_kept(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        n = insole.start()
        got = bytearray()
        insole.sink = lambda data, _: got.extend(data)
        for seq in range(20):
            there.send(encode(samples_frame(n, seq)))
        time.sleep(0.2)
        there.vanish()
        events = list(insole.events())
        assert sum(isinstance(e, wire.SamplesFrame) for e in events) == 20
        assert isinstance(events[-1], LinkLost)
        assert events[-1].reason == wire.DisconnectReason.UNPLUGGED
        assert encode(samples_frame(n, 19)) in bytes(got)
        assert list(insole.events()) == []
        with pytest.raises(PortError, match="went away"):
            insole.marker(1)


def test_a_silent_insole_is_lost(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SILENT_AFTER_S", 0.5)
    there = make()
    with connect(there.port) as insole:
        there.answer = lambda _: b""
        events = list(insole.events(5.0))
        assert isinstance(events[-1], LinkLost)
        assert events[-1].reason == wire.DisconnectReason.SILENT
        assert "has sent nothing for 0.5 s: check its power and cable" in events[-1].text


def test_a_pause_of_the_host_is_no_silence(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SILENT_AFTER_S", 1.05)
    with connect(make().port) as insole:
        time.sleep(1.2)
        assert not any(isinstance(e, LinkLost) for e in insole.events(0.3))


def test_what_came_before_a_pause_of_the_host_is_no_silence_either(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SILENT_AFTER_S", 1.2)
    there = make()
    with connect(there.port) as insole:
        there.send(encode(wire.MarkFrame(0, 0, 0, 0)))
        time.sleep(1.5)  # it waits in our queue, and is old when it is taken
        assert not [event for event in insole.events(0.3) if isinstance(event, LinkLost)]


def test_a_sink_gets_every_byte_from_the_beginning_of_a_frame(make: Make) -> None:
    there = make()
    got = bytearray()
    with connect(there.port) as insole:
        there.answer = lambda _: b""  # nothing in between
        whole = encode(samples_frame(4, 0))
        there.send(whole[:50])
        gather(insole, wire.SamplesFrame)
        insole.sink = lambda data, _: got.extend(data)
        there.send(whole[50:])
        assert len(gather(insole, wire.SamplesFrame)) == 1
    assert bytes(got).startswith(whole)


# ------------------------------------------------------------------------------------------------------------ clock


def test_the_clock_is_asked_for_while_frames_are_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "QUERY_EVERY_S", 0.1)
    there = make()
    with connect(there.port) as insole:
        list(insole.events(0.01))
        end_s = time.monotonic() + 0.6
        while time.monotonic() < end_s:
            list(insole.events(0.05))
        assert 4 <= sum(isinstance(c, wire.ClockQueryFrame) for c in there.commands) <= 8
        assert insole.clock.exchange_n >= 4
        best = insole.clock.best()
        assert best is not None
        now_s = insole.clock.to_host_s(best.device_us)
        assert abs(now_s - (best.sent_s + best.received_s) / 2) < 0.001


def test_the_clock_of_an_insole_that_was_restarted_is_a_new_one(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        insole.clock_query()
        assert list(insole.events(0.3)) and insole.clock.exchange_n == 1
        before = insole.clock
        there.identity = replace(there.identity, boot=there.identity.boot + 1)
        insole.hello()
        assert insole.clock is not before and insole.clock.exchange_n == 0
        assert list(insole.events(0.3)) and insole.clock.exchange_n == 1  # without being told to


def test_a_fast_virtual_insole_is_asked_by_its_own_clock(make: Make) -> None:
    there = make()
    with connect(there.port) as insole:
        n = insole.start()
        gather(insole, wire.ClockFrame)
        insole.query_every_s = 3600.0  # the host's own clock is no reason to ask
        before_n = sum(isinstance(c, wire.ClockQueryFrame) for c in there.commands)
        for seq in range(40):  # 5.2 s of its clock
            there.send(encode(samples_frame(n, seq)))
            assert any(isinstance(event, wire.SamplesFrame) for event in insole.events(5.0))
        insole.hello()  # answered, so all that was asked before has come
        asked_n = sum(isinstance(c, wire.ClockQueryFrame) for c in there.commands) - before_n
        assert 3 <= asked_n <= 8


def test_the_wrapping_clock_goes_on() -> None:
    unwrapper = clock.Unwrapper()
    wrap = clock.WRAP_US
    assert unwrapper.unwrap(wrap - 10, 1073) == wrap - 10
    assert unwrapper.unwrap(5, 1073) == wrap + 5
    assert unwrapper.unwrap(wrap - 1, 1073) == wrap - 1  # a late reading from before the wrap
    assert unwrapper.unwrap(100, 1073 + 3 * 1074) == 4 * wrap + 100  # three silent wraps, told by the uptime


def test_offset_and_drift_come_from_the_quickest_answers() -> None:
    rng = np.random.default_rng(3)
    tracker = clock.ClockTracker()
    for k in range(100):
        true_s = 50.0 + k
        device_us = round((true_s - 20.0) * 1e6 * (1 + 40e-6))
        delay_s = 0.002 + (0.05 * rng.random() if k % 3 else 0.0)
        frame = wire.ClockFrame(1, device_us % clock.WRAP_US, device_us // 1_000_000, 0)
        tracker.add(true_s - 0.001, true_s + delay_s - 0.001, frame)
    assert tracker.drift_ppm() == pytest.approx(40, abs=3)
    assert tracker.to_host_s(round(60.0 * 1e6 * (1 + 40e-6))) == pytest.approx(80.0, abs=0.001)


def test_a_clock_without_answers_says_so() -> None:
    with pytest.raises(ValueError, match="no clock query has been answered yet"):
        clock.ClockTracker().to_host_s(0)


def test_samples_stand_on_the_devices_grid() -> None:
    assert clock.sample_s(np.array([0, 1, 200]), 200).tolist() == [0.0, 0.005, 1.0]


# -------------------------------------------------------------------------------------------------------------- api


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, retrosole; print(sorted({'numpy', 'construct', 'serial'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_api_is_at_the_top() -> None:
    assert retrosole.connect is connect
    assert retrosole.Insole is Insole
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        retrosole.nothing  # noqa: B018
