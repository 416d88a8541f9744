"""Whole logs opened by numpy are what the frame-by-frame reader makes of them, whatever happened to them."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_logs import START, side, status, walk
from pty_insole import counts_at, samples_frame

from retrosole import wire
from retrosole.framing import DamagedFrame, UnknownFrame, cobs_encode, encode, is_text, open_frame, parse, pieces
from retrosole.session import bulk

Plain = tuple[dict[int, bytes], list[list[int]], list[list[int]], int]


def plain(data: bytes) -> Plain:
    """Open a log piece by piece: frames and other pieces by offset, and the bytes behind the last zero."""
    frames, damaged, text, torn_bytes = {}, [], [], 0
    for at, piece in pieces(data):
        if at + len(piece) == len(data):
            torn_bytes = len(piece)
        elif (frame := open_frame(piece)) is not None:
            frames[at] = frame
        else:
            (text if is_text(piece) else damaged).append([at, len(piece)])
    return frames, damaged, text, torn_bytes


def by_numpy(data: bytes) -> Plain:
    opened = bulk.open_log(data)
    frames = {}
    for kind, batches in opened.batches.items():
        for batch in batches:
            assert np.all(np.diff(batch.at) > 0)
            for at, frame in zip(batch.at.tolist(), batch.rows(), strict=True):
                assert frame[0] == kind
                frames[at] = frame
    assert len(frames) == opened.frame_n
    return frames, opened.damaged.tolist(), opened.text.tolist(), opened.torn_bytes


def check(data: bytes) -> Plain:
    expected = plain(data)
    assert by_numpy(data) == expected
    return expected


def any_frame(rng: random.Random) -> bytes:
    """Give a frame of any type and length, as many zeros in it as not, or one with text around it."""
    zeroed = rng.randbytes(250).translate(bytes(b if b % 4 else 0 for b in range(256)))
    body = zeroed[: rng.randint(1, 250)]
    sealed = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    return rng.choice((b"", b"", b"", b"boot: 3\r\n\0", b"\0\0")) + sealed


def any_log(rng: random.Random) -> bytes:
    frames = [*walk(rng.randrange(20)), *(any_frame(rng) for _ in range(rng.randrange(20))), status(99), START]
    rng.shuffle(frames)
    return b"".join(frames)


def damaged(data: bytes, rng: random.Random, damage_n: int) -> bytes:
    log = bytearray(data)
    for _ in range(damage_n):
        at, kind = rng.randrange(len(log) + 1), rng.randrange(4)
        if kind == 0 and at < len(log):
            log[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del log[at : at + rng.randrange(60)]
        elif kind == 2:
            log[at:at] = rng.randbytes(rng.randrange(300))
        elif at < len(log):
            log[at] = rng.choice((0, 1, 254, 255))
    return bytes(log[: len(log) - rng.randrange(1 + min(300, len(log)))]) if rng.random() < 0.5 else bytes(log)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_any_log_however_damaged_is_opened_as_piece_by_piece(damage_n: int, rng: random.Random) -> None:
    check(damaged(any_log(rng), rng, damage_n))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=900))
def test_any_bytes_are_opened_as_piece_by_piece(data: bytes) -> None:
    check(data)
    check(data.replace(b"\x07", b"\0"))


def test_every_flip_cut_and_code_byte_of_a_frame() -> None:
    before, frame, behind = (encode(samples_frame(5, seq)) for seq in range(3))
    for at in range(len(frame)):
        for byte in (0, 1, 255, frame[at] ^ 1, frame[at] ^ 0x80):
            frames, damaged, text, _ = check(before + frame[:at] + bytes((byte,)) + frame[at + 1 :] + behind)
            assert len(frames) + len(damaged) + len(text) >= 2
        check(before + frame[:at] + frame[at + 1 :] + behind)
        check(before + frame[:at] + frame[at:][:1] + frame[at:] + behind)
        assert check(before + frame[:at])[3] == at


def test_a_long_chain_beyond_the_end_harms_no_neighbour() -> None:
    frame = encode(samples_frame(5, 1))
    evil = b"\xff" * (len(frame) - 1) + b"\0"
    frames, damaged, _, _ = check(frame + evil + frame + evil)
    assert (len(frames), len(damaged)) == (2, 2)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0", b"\x01", b"\x02\x01\0", b"a" * 5000, b"a" * 300 + b"\0"])
def test_next_to_nothing(data: bytes) -> None:
    frames, _, _, _ = check(data)
    assert not frames


def test_many_frames_of_one_length_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_TOGETHER_N", 7)
    frames, _, _, _ = check(START + b"".join(walk(100)))
    assert len(frames) == 2 + 100 + 14


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2000), st.integers(0, 10), st.randoms(use_true_random=False))
def test_a_log_is_opened_the_same_in_parts_of_any_size(part_bytes: int, damage_n: int, rng: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_PART_BYTES", part_bytes)
        check(damaged(any_log(rng), rng, damage_n))


@pytest.mark.parametrize("rubbish", [False, True])
def test_memory_is_a_few_times_the_log(rubbish: bool) -> None:
    samples = [encode(samples_frame(5, seq)) for seq in range(16_000)]
    data = random.Random(3).randbytes(4_000_000) if rubbish else b"".join(samples)
    tracemalloc.start()
    try:
        bulk.open_log(data)
        assert tracemalloc.get_traced_memory()[1] < 6 * len(data)
    finally:
        tracemalloc.stop()


def test_the_types_are_told_apart() -> None:
    opened = bulk.open_log(START + b"".join(walk(15)))
    assert sorted(opened.batches) == [
        wire.SamplesFrame.TYPE,
        wire.StrideFrame.TYPE,
        wire.IdentityFrame.TYPE,
        wire.ReplyFrame.TYPE,
    ]
    (samples,) = opened.batches[wire.SamplesFrame.TYPE]
    assert samples.frames.shape == (15, 249)


# ----------------------------------------------------------------------------------------------------- the whole side


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 15), st.randoms(use_true_random=False))
def test_a_side_is_the_same_as_read_frame_by_frame(damage_n: int, rng: random.Random) -> None:
    """Samples of one device session, in any order, doubled and damaged, with all kinds of other frames between."""
    frames = [*walk(40), *(any_frame(rng) for _ in range(10)), *walk(40)[: rng.randrange(20)], status(99)]
    if rng.random() < 0.5:
        rng.shuffle(frames)
    data = START + damaged(b"".join(frames), rng, damage_n)
    log = side(data)
    opened, damaged_at, text_at, torn_bytes = plain(data)
    messages = [(at, parse(frame)) for at, frame in sorted(opened.items())]
    by_seq: dict[int, wire.SamplesFrame] = {}
    for _, message in messages:
        if isinstance(message, wire.SamplesFrame) and message.session == 5 and len(message.records) == 26 * 9:
            by_seq.setdefault(message.seq, message)
    if [segment.session for segment in log.segments] == [5]:
        assert log.samples[0].tolist() == [seq * 26 + k for seq in sorted(by_seq) for k in range(26)]
        assert np.array_equal(log.samples[1], counts_at(0, 40 * 26)[log.samples[0]])
    bad = [at for at, message in messages if isinstance(message, DamagedFrame)]
    assert log.frame_n == len(opened)
    assert log.damaged_n + log.text_n == len(damaged_at) + len(text_at) + len(bad)
    assert log.unknown_n == sum(isinstance(message, UnknownFrame) for _, message in messages)
    assert log.torn_bytes == torn_bytes
    assert log.frames(wire.StatusFrame) == [m for _, m in messages if isinstance(m, wire.StatusFrame)]
