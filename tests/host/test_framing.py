"""Frames under random chunking and damage, against the `cobs` package, zlib and construct."""

from __future__ import annotations

import random
import zlib
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st
from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.framing import (
    CRC_RESIDUE,
    TEXT_BYTES,
    DamagedFrame,
    Splitter,
    UnknownFrame,
    cobs_decode,
    cobs_encode,
    encode,
    encode_command,
    open_frame,
    pack,
    parse,
    pieces,
)

STREAM = [
    frame for k in range(12) for frame in (samples_frame(5, k), stride_frame(5, k, 26 * k), wire.ClockFrame(k, k, k, k))
]
WIRES = [encode(message) for message in STREAM]


def feed_in_chunks(splitter: Splitter, data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    return [f for a, b in pairwise(edges) for f in splitter.feed(data[a:b])]


# ------------------------------------------------------------------------------------------ COBS


@given(st.binary(max_size=wire.FRAME_BYTES))
def test_cobs_agrees_with_the_cobs_package(data: bytes) -> None:
    assert cobs_encode(data) == cobs.encode(data)
    assert cobs_decode(cobs.encode(data)) == data
    assert len(cobs_encode(data)) == len(data) + 1


@given(st.binary(max_size=260))
def test_cobs_decode_accepts_what_the_cobs_package_accepts(stuffed: bytes) -> None:
    try:
        expected: bytes | None = cobs.decode(stuffed)
    except cobs.DecodeError:
        expected = None
    if len(stuffed) <= 255:  # longer ones are no frame, and a code of 255 inside means something else
        assert cobs_decode(stuffed) == expected


def test_cobs_refuses_more_than_a_frame() -> None:
    with pytest.raises(ValueError, match="at most 254 bytes, got 255"):
        cobs_encode(bytes(255))


def test_the_residue_is_that_of_any_frame_with_its_crc() -> None:
    assert all(zlib.crc32(pack(message)) == CRC_RESIDUE for message in STREAM)


# --------------------------------------------------------------------------------------- splitter


@given(st.lists(st.integers(0, 4000), max_size=40))
def test_chunks_do_not_matter(cuts: list[int]) -> None:
    splitter = Splitter()
    frames = feed_in_chunks(splitter, b"".join(WIRES), cuts)
    assert [parse(f) for f in frames] == STREAM
    assert (splitter.frame_n, splitter.damaged_n, splitter.text_n) == (len(STREAM), 0, 0)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["flip", "cut", "double", "insert"]), min_size=1, max_size=6),
    st.lists(st.integers(0, 4000), max_size=10),
    st.randoms(use_true_random=False),
)
def test_damage_costs_about_a_frame_and_is_all_counted(kinds: list[str], cuts: list[int], rng: random.Random) -> None:
    data = b"".join(WIRES)
    for kind in kinds:
        data = damage(data, kind, rng)
    splitter = Splitter()
    frames = feed_in_chunks(splitter, data + b"\0", cuts)
    originals = [pack(m)[:-4] for m in STREAM]
    assert all(frame in originals for frame in frames), "a frame that nobody sent was accepted"
    # two by a damaged zero, which joins two frames; a cut of 49 bytes may take a short one in between with it
    assert len(set(originals)) - len(set(frames)) <= sum(3 if kind == "cut" else 2 for kind in kinds)
    zeros = (data + b"\0").count(0)
    accepted = splitter.frame_n + sum(len(f) + 4 for f in frames)  # one byte of stuffing each
    assert len(data) + 1 == zeros + accepted + splitter.damaged_bytes + splitter.text_bytes
    if len(set(frames)) < len(set(originals)):
        assert splitter.damaged_n + splitter.text_n > 0 or kinds.count("cut")


def damage(data: bytes, kind: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if kind == "cut":
        return data[:at] + data[at + rng.randrange(1, 50) :]
    if kind == "double":
        return data[: at + 1] + data[at:]
    return data[:at] + rng.randbytes(rng.randrange(1, 20)) + data[at:]


def test_one_flipped_bit_costs_one_frame_anywhere_but_in_a_zero() -> None:
    data = b"".join(WIRES[:3])
    for at in range(len(data)):
        for bit in range(8):
            flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            splitter = Splitter()
            frames = splitter.feed(flipped + b"\0")
            assert len(frames) == (1 if data[at] == 0 and at < len(data) - 1 else 2)
            assert splitter.damaged_n + splitter.text_n >= 1


def test_memory_is_bounded_without_a_zero() -> None:
    splitter = Splitter()
    for _ in range(2000):
        assert splitter.feed(b"\x01\xfe" * 512) == []
    assert len(splitter.held) <= 256
    assert sum(len(v) for v in vars(splitter).values() if isinstance(v, bytes)) < 2000
    assert [parse(f) for f in splitter.feed(b"\0" + WIRES[2])] == [STREAM[2]]
    assert (splitter.damaged_n, splitter.damaged_bytes) == (1, 2000 * 1024)


def test_text_is_kept_and_is_no_damage() -> None:
    splitter = Splitter()
    splitter.feed(b"MicroPython v1.24 on ESP32\r\n>>> ")
    assert splitter.text.endswith(">>> ")
    frames = splitter.feed(b"\0" + WIRES[0])
    assert len(frames) == 1
    assert (splitter.text_n, splitter.damaged_n) == (1, 0)


def test_endless_text_keeps_its_end() -> None:
    splitter = Splitter()
    for k in range(100):
        splitter.feed(f"line {k} of a boot log\r\n".encode())
    assert "line 99 of a boot log" in splitter.text
    assert len(splitter.text) <= TEXT_BYTES


def test_pieces_give_offsets_and_the_torn_end() -> None:
    assert list(pieces(b"\0ab\0\0c\0de")) == [(1, b"ab"), (5, b"c"), (7, b"de")]


# ------------------------------------------------------------------------------- parse and encode


def oracle(frame: bytes) -> dict[str, Any]:
    container = wire.STRUCTS[frame[0]].parse(frame[1:])
    return {k: tuple(v) if isinstance(v, list) else v for k, v in container.items() if k != "_io"}


@given(st.sampled_from([*STREAM, identity()]), st.binary(max_size=9))
def test_a_longer_payload_of_a_newer_minor_reads_on(message: Any, more: bytes) -> None:
    frame = pack(message)[:-4]
    if not isinstance(message, wire.SamplesFrame):
        assert parse(frame + more) == message
    parsed = parse(frame)
    assert {f.name: getattr(parsed, f.name) for f in fields(parsed)} == oracle(frame)


@pytest.mark.parametrize("message", [STREAM[0], STREAM[1], STREAM[2], identity()])
def test_a_shorter_payload_is_damaged(message: Any) -> None:
    frame = pack(message)[:-4]
    fixed_bytes = 15 if isinstance(message, wire.SamplesFrame) else len(frame)
    older = wire.OLDER.get(message.TYPE, {})
    for size in range(1, fixed_bytes):
        if size - 1 not in older:
            assert parse(frame[:size]) == DamagedFrame(message.TYPE, frame[1:size])


def test_what_an_older_version_sent_is_filled_up_with_what_is_invalid() -> None:
    assert wire.OLDER == {wire.IdentityFrame.TYPE: {82: b"\xff" * 8}}
    frame = pack(identity())[:-4]
    assert parse(frame[:83]) == identity(source=b"\xff" * 8)


def test_an_unknown_type_is_told_apart() -> None:
    assert parse(b"\x7e\x01\x02") == UnknownFrame(0x7E, b"\x01\x02")


def test_text_that_is_not_utf8_is_damaged() -> None:
    assert parse(b"\x83" + bytes(8) + b"\xff\xfe") == DamagedFrame(0x83, bytes(8) + b"\xff\xfe")


@pytest.mark.parametrize("changed", [{"channel_n": 0}, {"channel_n": 9}, {"rate_hz": 0}])
def test_an_identity_that_nothing_can_be_reckoned_with_is_damaged(changed: dict[str, int]) -> None:
    frame = pack(identity(**changed))[:-4]
    assert parse(frame) == DamagedFrame(wire.IdentityFrame.TYPE, frame[1:])


@pytest.mark.parametrize(
    "message",
    [
        wire.MarkFrame(70000, 0, 0, 0),
        wire.ReplyFrame(0, 0, 0, 2**31),
        wire.NoteFrame(0, "x" * 242),
    ],
)
def test_a_value_that_does_not_fit_is_refused(message: Any) -> None:
    with pytest.raises(ValueError, match=type(message).__name__):
        encode(message)


def test_a_command_that_overflows_the_devices_ring_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 120 fit"):
        encode_command(wire.NoteFrame(0, "x" * 60))


def test_open_frame_needs_a_type() -> None:
    assert open_frame(cobs.encode(bytes(4))) is None  # the CRC-32 of nothing is zero, and right
