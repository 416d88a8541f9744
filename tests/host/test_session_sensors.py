"""What a session tells of its sensors, and of the times in which the insole took nothing."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from made_logs import START, N, side, status, walk
from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.framing import cobs_encode, encode, open_frame, parse
from retrosole.session.losses import duration_s, span_s, untaken_s
from retrosole.session.sensors import sensors_of, standing_counts
from retrosole.session.sidelog import Known, SideLog
from retrosole.session.stride_frames import stride_frames

RATE_HZ = 200


def test_sensors_in_words() -> None:
    told = sensors_of(side(START + b"".join(walk())))
    assert [s.site for s in told] == ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"]
    assert [s.zone for s in told] == ["forefoot"] * 4 + ["heel"] * 2
    assert {s.baseline for s in told} == {100} and {s.standing for s in told} == {None}
    assert not any(s.is_left_out for s in told)


def test_a_sensor_that_was_left_out_for_a_while_is_told() -> None:
    told = sensors_of(side(START + b"".join(walk()) + left_out(0b100)))
    assert [s.is_left_out for s in told] == [False, False, True, False, False, False]


def left_out(bits: int) -> bytes:
    values = {name: getattr(parse(frame_of(status(100))), name) for name in wire.StatusFrame.__dataclass_fields__}
    values.pop("TYPE", None)
    return encode(wire.StatusFrame(**{**values, "channel_out_bits": bits}))


def frame_of(wired: bytes) -> bytes:
    frame = open_frame(wired[:-1])
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    ("standing", "whole"),
    [
        ((100, 200, 300, 100, 400, 500), 1600.0),
        ((65535,) * 6, None),
        ((100, 200, 65535, 100, 400, 500), None),
        ((0,) * 6, None),
    ],
)
def test_standing_is_known_when_every_voting_sensor_is(standing: tuple[int, ...], whole: float | None) -> None:
    who = identity(session=5, running=1, standing=(*standing, 65535, 65535))
    assert standing_counts(side(encode(who) + b"".join(walk()))) == whole


def test_toes_count_with_the_forefoot_and_the_midfoot_does_not_in_the_standing_load() -> None:
    zones = bytes((wire.Zone.FOREFOOT, wire.Zone.TOES, wire.Zone.MIDFOOT, wire.Zone.HEEL, 1, 1, 255, 255))
    standing = (100, 1000, 1000, 10, 20, 30, 65535, 65535)
    who = identity(session=5, running=1, zones=zones, standing=standing)
    assert standing_counts(side(encode(who) + b"".join(walk()))) == 1160.0


def test_a_sensor_that_was_left_out_is_not_in_the_standing_load() -> None:
    who = identity(session=5, running=1, standing=(100, 200, 300, 100, 400, 500, 65535, 65535))
    log = encode(who) + b"".join(walk())
    assert standing_counts(side(log + left_out(0b100))) == 1300.0
    assert standing_counts(side(log + left_out(0b111111))) is None
    assert standing_counts(side(log + left_out(0b101) + left_out(0b100))) == 1300.0, "one for half of the time only"
    assert standing_counts(side(log + left_out(0) + left_out(0b100) + left_out(0))) == 1600.0, "for a moment"


def test_without_an_identity_there_are_no_sensors() -> None:
    log = SideLog("left", b"".join(walk()), "left.frames", Known(RATE_HZ, 6, 5))
    assert sensors_of(log) == () and standing_counts(log) is None


def test_times_without_samples_are_holes_and_resets_not_what_got_lost_on_the_way() -> None:
    frames = [samples_frame(5, seq) for seq in range(20)]
    frames[4] = samples_frame(5, 4, taken_n=10)  # 16 records not taken
    log = side(START + b"".join(encode(f) for k, f in enumerate(frames) if k != 12))
    assert untaken_s(log) * RATE_HZ == pytest.approx(np.array([[4 * N + 10, 5 * N]]))
    assert len(untaken_s(log, 0.079)) == 1 and len(untaken_s(log, 0.081)) == 0, "16 samples are 80 ms"
    assert span_s(log) == (0.0, pytest.approx(20 * N / RATE_HZ)) and duration_s(log) == pytest.approx(2.6)


def test_padding_behind_the_last_sample_is_no_gap() -> None:
    log = side(START + b"".join(encode(samples_frame(5, seq, taken_n=7 if seq == 9 else None)) for seq in range(10)))
    assert untaken_s(log).shape == (0, 2)
    assert duration_s(log) == pytest.approx((9 * N + 7) / RATE_HZ)


def test_the_time_around_a_reset_is_one_without_samples() -> None:
    def head(session: int, continues: int, clock_s: int) -> bytes:
        begun = wire.Begun.HOST if session == continues else wire.Begun.RESET
        return encode(wire.SessionHeadFrame(session, continues, 3, clock_s, clock_s * 1_000_000, RATE_HZ, 6, begun))

    first, second = walk(10, 5), walk(10, 6)
    log = side(head(5, 5, 100) + b"".join(first) + head(6, 5, 103) + b"".join(second))
    assert untaken_s(log) == pytest.approx(np.array([[10 * N / RATE_HZ, 3.0]]))
    assert np.array_equal(untaken_s(log, 60.0), untaken_s(log)), "however long it took"
    assert duration_s(log) == pytest.approx(3.0 + 10 * N / RATE_HZ)


def test_strides_read_at_once_are_those_that_parse_gives() -> None:
    odd = [
        {"forefoot_on": -1, "heel_on": wire.NOT_SEEN, "heel_off": -(1 << 23) + 1},
        {"forefoot_off": (1 << 23) - 1, "final_contact": 0x123456, "initial_contact_idx": 0xFFFFFFFF},
        {"contact_order": 77, "walking": 200, "delay": 255, "forefoot_impulse": 0xFFFF},
        {},
    ]
    frames = [stride_frame(5, k, 300 * k, **changes) for k, changes in enumerate(odd)]
    log = side(START + b"".join(encode(frames[k]) for k in (2, 0, 3, 1)))
    (segment,) = log.segments
    assert stride_frames(segment.frames[wire.StrideFrame.TYPE]) == frames == log.frames(wire.StrideFrame)


def test_a_stride_frame_of_a_newer_protocol_may_be_longer() -> None:
    frame = stride_frame(5, 0, 100)
    body = frame_of(encode(frame)) + b"\x01\x00more"
    longer = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    log = side(START + longer + encode(stride_frame(5, 1, 400)))
    (segment,) = log.segments
    assert stride_frames(segment.frames[wire.StrideFrame.TYPE])[0] == frame
