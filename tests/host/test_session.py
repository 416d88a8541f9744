"""Sessions read back: whole, torn, damaged and foreign; nothing unaccounted for."""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_logs import START, N, save, side, status, walk, writer_maker
from pty_insole import OLDER, counts_at, identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.errors import DamagedDataError, UsageError
from retrosole.framing import cobs_encode, encode
from retrosole.session.decode import decode_file
from retrosole.session.reader import open_session
from retrosole.session.summary import format_summary, summarise


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Any]:
    yield from writer_maker(tmp_path / "session")


# ---------------------------------------------------------------------------------------------------------- reading


def test_strides_are_in_seconds_since_the_first_sample(tmp_path: Path) -> None:
    unseen = stride_frame(5, 1, 400, heel_on=wire.NOT_SEEN, lift_order=9, forefoot_impulse=10)
    save(tmp_path, START + walk(1)[0] + encode(stride_frame(5, 0, 200)) + encode(unseen))
    first, second = open_session(tmp_path).strides
    assert (first.side, first.stride, first.direction) == ("left", 0, "backward")
    assert (first.contact_order, first.lift_order) == ("forefoot_first", "forefoot_first")
    assert first.initial_contact_s == 200.5 / 200
    assert first.heel_on_s == 220.5 / 200
    assert first.stance_s == pytest.approx(0.65)
    assert first.detected_s == pytest.approx(335.5 / 200)
    assert (first.confidence, first.forefoot_peak, first.forefoot_impulse) == (0.9, 2000, 750)
    assert math.isnan(second.heel_on_s)
    assert (second.lift_order, second.forefoot_impulse) == ("unknown", 2.5)


# What protocol 1.1 wrote has fields less; what a store kept under it is fetched by a newer version as well.
def test_a_log_of_an_older_minor_version_is_read_like_one_of_today(tmp_path: Path) -> None:
    older = cobs_encode(OLDER + zlib.crc32(OLDER).to_bytes(4, "little")) + b"\0"
    start = encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, 5))
    save(tmp_path / "then", start + older + b"".join(walk(20)))
    save(tmp_path / "today", START + b"".join(walk(20)))
    then, today = (open_session(tmp_path / when) for when in ("then", "today"))
    assert then.strides == today.strides and len(then.strides) == 2
    assert np.array_equal(then.samples("left")[1], today.samples("left")[1])
    assert [session.losses["left"].damaged_n for session in (then, today)] == [0, 0]
    [(_, who)] = then.logs["left"].identities
    assert (who.protocol_minor, who.source) == (1, b"\xff" * 8)


def test_both_feet_are_sorted_by_time(tmp_path: Path) -> None:
    for name, shift in (("left", 0), ("right", 110)):
        strides = b"".join(encode(stride_frame(5, k, k * 220 + shift)) for k in range(3))
        save(tmp_path, START + walk(1)[0] + strides, f"{name}.frames")
    assert [s.side for s in open_session(tmp_path).strides] == ["left", "right"] * 3


def test_repeated_frames_are_taken_once(tmp_path: Path) -> None:
    frames = walk(8)
    save(tmp_path, START + b"".join(f + f for f in frames))
    session = open_session(tmp_path)
    assert session.samples("left")[0].tolist() == list(range(8 * N))
    assert len(session.strides) == 1
    assert session.losses["left"].duplicate_n == len(frames)


def test_of_two_frames_with_one_number_the_first_counts() -> None:
    second = wire.SamplesFrame(5, 1, N, 0, samples_frame(5, 0).records)
    log = side(
        START + b"".join(walk(3)) + encode(second) + encode(stride_frame(5, 0, 10)) + encode(stride_frame(5, 0, 99))
    )
    assert np.array_equal(log.samples[1], counts_at(0, 3 * N))
    assert [stride.initial_contact_s for stride in log.strides()] == [10.5 / 200]
    assert log.duplicate_n == 2


def test_holes_are_the_devices_and_padding_is_nothing() -> None:
    holed = samples_frame(5, 1, taken_n=20)
    last = samples_frame(5, 3, taken_n=5)
    log = side(START + b"".join(map(encode, [samples_frame(5, 0), holed, samples_frame(5, 2), last])))
    assert (log.losses.expected_n, log.losses.received_n, log.losses.hole_n) == (3 * N + 5, 3 * N - 6 + 5, 6)
    assert (log.losses.lost_line_n, log.losses.lost_end_n) == (0, 0)
    assert len(log.samples[0]) == log.losses.received_n


def test_a_lost_beginning_middle_and_end_are_counted() -> None:
    frames = [encode(samples_frame(5, seq)) for seq in range(10)]
    log = side(START + b"".join(frames[2:5] + frames[6:8]) + status(10 * N, dropped_n=2))
    assert (log.losses.expected_n, log.losses.received_n) == (10 * N, 5 * N)
    assert (log.losses.lost_line_n, log.losses.lost_end_n, log.losses.dropped_frame_n) == (3 * N, 2 * N, 2)
    assert log.losses.frame_lost_n[wire.SamplesFrame.TYPE] == 3


def test_a_session_without_one_samples_frame_is_all_missing() -> None:
    log = side(START + status(400))
    assert (log.losses.expected_n, log.losses.received_n, log.losses.lost_end_n) == (400, 0, 400)


def test_a_log_joined_midway_misses_nothing_before() -> None:
    log = side(encode(identity(session=5, running=1)) + b"".join(encode(samples_frame(5, k)) for k in range(50, 60)))
    assert (log.losses.expected_n, log.losses.received_n) == (10 * N, 10 * N)
    assert log.samples[0][0] == 50 * N


def test_the_tail_of_an_earlier_session_is_left_out() -> None:
    earlier = b"".join(encode(samples_frame(4, k)) for k in (7, 8))
    log = side(earlier + START + b"".join(walk(6)))
    assert log.samples[0].tolist() == list(range(6 * N))
    assert log.losses.other_session_n == 2
    assert log.losses.lost_line_n == 0


def test_a_device_that_was_reset_goes_on_as_a_second_segment() -> None:
    def at(unix_s: int, text: str) -> bytes:
        return encode(wire.ConnectFrame(unix_s * 1_000_000, text))

    again = encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, 6)) + encode(identity(session=6, boot=4, running=1))
    gone = encode(wire.DisconnectFrame(1_002_000_000, wire.DisconnectReason.UNPLUGGED))
    log = side(at(1000, "a") + START + b"".join(walk(8)) + gone + at(1010, "b") + again + b"".join(walk(8, session=6)))
    index = log.samples[0]
    assert index[: 8 * N].tolist() == list(range(8 * N))
    assert index[8 * N :].tolist() == list(range(2000, 2000 + 8 * N))  # ten seconds later
    assert [s.stride for s in log.strides()] == [0, 1]
    assert [s.initial_contact_s for s in log.strides()] == pytest.approx([10.5 / 200, 10 + 10.5 / 200])
    assert log.losses.expected_n == log.losses.received_n == 16 * N


def test_a_log_without_identity_reads_with_session_json(new: Any) -> None:
    writer = new()
    writer.append("left", b"".join(walk(4)))
    writer.close()
    assert len(open_session(writer.folder).samples("left")[0]) == 4 * N


def test_a_log_that_does_not_say_what_it_is(tmp_path: Path) -> None:
    save(tmp_path, b"".join(walk(4)))
    with pytest.raises(DamagedDataError, match=r"left.frames does not say what its samples are .*keep the log in its"):
        open_session(tmp_path)


def test_a_bare_log_opens_with_its_foot(tmp_path: Path) -> None:
    save(tmp_path, START + b"".join(walk(8)), "copy of something.bin")
    session = open_session(tmp_path / "copy of something.bin")
    assert session.sides == ("left",)
    assert [s.side for s in session.strides] == ["left"]
    assert session.info == {}
    assert session.rate_hz("left") == 200


def test_a_torn_tail_is_read_up_to_it(tmp_path: Path) -> None:
    whole = START + b"".join(walk(8))
    for cut in range(1, 255, 23):
        save(tmp_path, whole[:-cut])
        session = open_session(tmp_path)
        assert len(session.samples("left")[0]) == 7 * N
        assert session.losses["left"].torn_bytes == 255 - cut
        assert session.losses["left"].damaged_n == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 12), st.randoms(use_true_random=False))
def test_a_damaged_middle_is_read_around_and_counted(damage_n: int, rng: random.Random) -> None:
    frames = walk(30)
    body = bytearray(b"".join(frames))
    hit = {rng.randrange(len(body) - 300) for _ in range(damage_n)}
    for at in hit:
        body[at] ^= 1 << rng.randrange(8)
    log = side(START + bytes(body) + status(30 * N))
    index, counts = log.samples
    assert np.array_equal(counts, counts_at(0, 30 * N)[index]), "a wrong sample was read"
    losses = log.losses
    assert losses.expected_n == 30 * N
    assert losses.received_n == len(index)
    assert losses.expected_n == losses.received_n + losses.lost_line_n + losses.hole_n + losses.lost_end_n
    assert losses.lost_line_n <= 2 * N * len(hit)
    lost_n = 30 - len(index) // N + losses.frame_lost_n[wire.StrideFrame.TYPE]
    assert (losses.damaged_n + losses.text_n > 0) == (lost_n > 0 or bool(hit))


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("left.frames", b"", "holds an empty session: not one whole frame was written"),
        ("left.frames", b"time_s,left_heel\n0.0,1\n" * 20, "holds an empty session"),
        ("notes.txt", b"hello", "holds no session: expected left.frames or right.frames in it"),
    ],
)
def test_an_empty_or_foreign_folder(tmp_path: Path, name: str, data: bytes, text: str) -> None:
    save(tmp_path, data, name)
    with pytest.raises(DamagedDataError, match=text):
        open_session(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, b"time_s,a\n" * 50])
def test_an_empty_or_foreign_file(tmp_path: Path, data: bytes) -> None:
    path = save(tmp_path, data, "x.frames") / "x.frames"
    with pytest.raises(DamagedDataError, match=r"has no frame in it: expected a .frames log"):
        open_session(path)
    with pytest.raises(DamagedDataError, match=r"has no frame in it: expected a log such as left.frames"):
        list(decode_file(path))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*none: name a session folder or a .frames log"):
        open_session(tmp_path / "none")
    with pytest.raises(UsageError, match=r"cannot read .*none \(No such file or directory\)"):
        list(decode_file(tmp_path / "none"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": ', "is not readable as JSON"),
        ("[1]", "is not a session of this program"),
        ('{"format": "other"}', "is not a session of this program"),
        ('{"format": "retrosole session", "format_version": 9}', "has format version 9, this program reads 1: update"),
    ],
)
def test_a_bad_session_json(tmp_path: Path, text: str, said: str) -> None:
    save(tmp_path, START + walk(1)[0])
    (tmp_path / "session.json").write_text(text)
    with pytest.raises(DamagedDataError, match=said):
        open_session(tmp_path / "session.json")


def test_links_and_folders_in_place_of_logs(tmp_path: Path) -> None:
    (tmp_path / "left.frames").symlink_to("left.frames")
    (tmp_path / "right.frames").mkdir()
    with pytest.raises(DamagedDataError, match="holds no session"):
        open_session(tmp_path)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, START)

    def refuse(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DamagedDataError, match=r"cannot read .*left.frames \(Permission denied\)"):
        open_session(tmp_path)


def test_a_foot_that_sent_nothing_is_shown_as_such(new: Any) -> None:
    writer = new("left", "right")
    writer.append("left", START + walk(1)[0])
    writer.close()
    session = open_session(writer.folder)
    assert session.sides == ("left", "right")
    assert session.losses["right"].expected_n == 0
    assert "right: no samples" in format_summary(summarise(session))
    (writer.folder / "session.json").unlink()
    assert open_session(writer.folder).sides == ("left",)


@pytest.mark.parametrize("name", ["left.frames", "session.json"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    for log in ("left.frames", "right.frames"):
        (folder / log).write_bytes(b"\0")
    (folder / name).unlink(missing_ok=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"{}")
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(DamagedDataError, match="is a link to another folder"):
        open_session(folder)
