"""What a person reads of a session: the summary, and any log as text."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from made_logs import START, end, save, status, walk_samples
from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.errors import DamagedDataError, UsageError
from retrosole.framing import cobs_decode, encode
from retrosole.session import writer as writer_module
from retrosole.session.check import clock_text
from retrosole.session.decode import decode_file, frame_line
from retrosole.session.reader import Session, open_session
from retrosole.session.summary import format_summary, summarise

# ---------------------------------------------------------------------------------------------------------- summary


def summary_of(folder: Path, data: bytes, name: str = "left.frames") -> Session:
    save(folder, data, name)
    return open_session(folder)


def test_the_summary_of_a_whole_session(tmp_path: Path) -> None:
    for name, shift in (("left", 0), ("right", 110)):
        strides = [encode(stride_frame(5, k, k * 220 + shift)) for k in range(3)]
        strides.append(encode(stride_frame(5, 3, 660 + shift, walking=wire.Direction.FORWARD, contact_order=2)))
        data = START + b"".join(walk_samples(40) + strides) + end(40, stride_n=4)
        session = summary_of(tmp_path, data, f"{name}.frames")
    summary = summarise(session)
    assert summary.cadence_steps_min == pytest.approx(2 * 60 / 1.1)
    left = summary.sides["left"]
    assert (left.stride_n, left.direction_share) == (4, {"backward": 0.75, "forward": 0.25})
    assert left.contact_order_share == {"forefoot_first": 0.75, "heel_first": 0.25}
    assert left.median_stance_s == pytest.approx(0.65)
    assert format_summary(summary) == [
        f"session {tmp_path}",
        "duration 5.2 s",
        *[
            f"{foot}: {text}"
            for foot in ("left", "right")
            for text in (
                "4 strides, median stance 650 ms",
                "direction backward 75%, forward 25%",
                "first on the ground forefoot first 75%, heel first 25%",
                "first off the ground forefoot first 100%",
                "1040 of 1040 samples at 200 Hz, none missing",
            )
        ],
        "cadence 109 steps/min",
        "clocks: not on one clock: the left log has no answered clock query; each foot keeps its own seconds",
        "complete: everything that was taken is here",
    ]


def test_the_summary_says_what_was_lost_and_why(tmp_path: Path) -> None:
    frames = walk_samples(20)
    frames[4] = encode(samples_frame(5, 4, taken_n=16))
    frames[9] = frames[9][:40] + bytes([frames[9][40] ^ 4]) + frames[9][41:]
    del frames[12:14]
    unknown = b"\x7eABC"
    unknown = b"\x09" + unknown + zlib.crc32(unknown).to_bytes(4, "little") + b"\0"
    extra = encode(stride_frame(5, 1, 100)) + frames[0] + unknown + b"Traceback: boom\r\n\0" + status(540, dropped_n=2)
    session = summary_of(tmp_path, START + b"".join(frames) + extra + b"\x05abc")
    lines = format_summary(summarise(session))
    assert lines[-3:] == [
        "left: 432 of 540 samples at 200 Hz, 108 missing (20.00%): 78 lost on the way, 10 never taken by the insole, "
        "20 not sent before the end",
        "left: 1 stride frame lost, 1 damaged frame, 2 frames dropped by the insole because nobody read, "
        "1 frame of a newer protocol not understood, 1 piece of text, "
        "4 bytes of a torn last frame",
        "incomplete: 98 samples and 1 stride missing, and the insole no longer has it",
    ]
    assert "left: 1 stride, median stance 650 ms" in lines


def test_the_cadence_is_exact_although_stride_frames_were_lost(tmp_path: Path) -> None:
    for name in ("left", "right"):
        strides = [encode(stride_frame(5, k, k * 220)) for k in (0, 1, 2, 5, 9)]
        session = summary_of(tmp_path, START + b"".join(walk_samples(90) + strides), f"{name}.frames")
    assert summarise(session).cadence_steps_min == pytest.approx(2 * 60 / 1.1)


def test_the_cadence_leaves_out_what_lies_between_two_sessions_of_the_device(tmp_path: Path) -> None:
    def at(unix_s: int) -> bytes:
        return encode(wire.ConnectFrame(unix_s * 1_000_000, "a"))

    def part(session: int) -> bytes:
        start = encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, session))
        samples = [encode(samples_frame(session, seq)) for seq in range(40)]
        return start + b"".join([*samples, *(encode(stride_frame(session, k, k * 220)) for k in (0, 2, 3))])

    again = encode(identity(session=6, boot=4, running=1))
    left = summarise(summary_of(tmp_path, at(1000) + START + part(5) + at(1090) + again + part(6))).sides["left"]
    assert left.stride_n == 6
    assert left.strides_per_min == pytest.approx(60 / 1.1)


def test_the_duration_counts_the_pause_at_a_reset_and_the_verdict_says_it(tmp_path: Path) -> None:
    def head(session: int, continues: int, boot: int) -> bytes:
        return encode(wire.SessionHeadFrame(session, continues, boot, 5, 5_000_000, 200, 6, wire.Begun.HOST))

    def at(unix_ms: int) -> bytes:
        return encode(wire.ConnectFrame(unix_ms * 1000, "a"))

    cut = encode(wire.StoredFrame(1, 5, 5, 3, 5, 0, 200, 0, 40 * 26, 99, wire.Kept.UNCOLLECTED, 255))
    again = [at(1_013_400), encode(identity(session=6, boot=4, running=1)), head(6, 5, 4)]
    again += [encode(samples_frame(6, seq)) for seq in range(40)] + [end(40, 6, stride_n=0), cut]
    left = b"".join([at(1_000_000), START, head(5, 5, 3), *walk_samples(40), *again])
    summary = summarise(summary_of(tmp_path, left))
    assert summary.duration_s == summary.sides["left"].duration_s == pytest.approx(18.6)
    lines = format_summary(summary)
    assert lines[1] == "duration 18.6 s"
    pause = "nothing was taken for 8.2 s ({}insole reset, or its power gone)"
    assert lines[-1] == f"complete: everything that was taken is here; {pause.format('')}"
    whole = b"".join([START, head(5, 5, 3), *walk_samples(40), end(40, stride_n=0)])
    summary = summarise(summary_of(tmp_path, whole, "right.frames"))
    assert summary.verdict.endswith("is here; " + pause.format("left "))


def test_the_summary_names_the_sensors_that_were_left_out(tmp_path: Path) -> None:
    def status_of(session: int, out_bits: int) -> bytes:
        values = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
        values.pop("TYPE", None)
        values.update(session=session, running=1, channel_out_bits=out_bits)
        return encode(wire.StatusFrame(**values))

    earlier = status_of(4, 0b100)
    log = earlier + START + b"".join(walk_samples(2)) + status_of(5, 0b1) + status_of(5, 0b10000)
    lines = format_summary(summarise(summary_of(tmp_path, log)))
    assert "left: left out of the decisions: hallux, heel medial (dead or stuck sensor)" in lines


@pytest.mark.parametrize(
    ("started", "words"),
    [
        ("2026-11-21T10:42:10.123+01:00", "2026-11-21 09:42:10 UTC"),
        ("2026-11-21T10:42:10", "2026-11-21T10:42:10"),
        ("yesterday", "yesterday"),
    ],
)
def test_the_summary_says_when_it_was(tmp_path: Path, started: str, words: str) -> None:
    session = summary_of(tmp_path, START + b"".join(walk_samples(2)))
    session.info["started"] = started
    assert format_summary(summarise(session))[0] == f"session {tmp_path}, started {words}"


def test_a_session_without_strides_says_so(tmp_path: Path) -> None:
    lines = format_summary(summarise(summary_of(tmp_path, START + b"".join(walk_samples(2)))))
    assert lines[1:-1] == ["duration 0.3 s", "left: no strides", "left: 52 of 52 samples at 200 Hz, none missing"]
    assert lines[-1] == "incomplete: the end is missing; the insole may still hold it: try `retrosole fetch`"


def test_durations_read_well() -> None:
    assert [clock_text(s) for s in (0.04, 59.94, 60, 125.7, 3600)] == [
        "0.0 s",
        "59.9 s",
        "1 min 00 s",
        "2 min 05 s",
        "60 min 00 s",
    ]


# ----------------------------------------------------------------------------------------------------------- decode


def test_a_log_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = encode(wire.ClockFrame(7, 1_000_000, 1, 200))
    flipped = bytes([good[0], good[1] ^ 1]) + good[2:]
    unknown = b"\x7eABC"
    unknown = b"\x09" + unknown + zlib.crc32(unknown).to_bytes(4, "little") + b"\0"
    short = b"\x12\x07"
    short = b"\x07" + short + zlib.crc32(short).to_bytes(4, "little") + b"\0"
    parts = [
        good,
        flipped,
        unknown,
        short,
        b"boot: 3\r\n\0",
        b"\xf0" + good[1:],
        b"\x01" * 300 + b"\0",
        encode(wire.ReplyFrame(1, 0x43, 3, -5)),
        encode(wire.DisconnectFrame(1, 2)),
        encode(wire.NoteFrame(1, "hi")),
        encode(stride_frame(5, 0, 9, heel_on=wire.NOT_SEEN)),
        good[:9],
    ]
    path = save(tmp_path, b"".join(parts)) / "left.frames"
    lines = list(decode_file(path))
    offsets = np.cumsum([0, *map(len, parts)])[: len(parts)]
    assert [int(line.split()[0]) for line in lines] == offsets.tolist()
    told = [line[11:] for line in lines]
    assert told[0] == "clock tag=7 clock_us=1000000 uptime_s=1 next_index=200"
    assert told[1].startswith("damaged (bad CRC): 19 bytes: 0613")
    assert told[2] == "unknown type 0x7E, 3 bytes: 414243"
    assert told[3] == "clock too short or not readable: 07"
    assert told[4] == "text 'boot: 3'"
    assert told[5].startswith("damaged (bad COBS): 19 bytes")
    assert told[6].startswith("damaged (too long): 300 bytes")
    assert told[7] == "reply tag=1 command=set result=out_of_range value=-5"
    assert told[8] == "disconnect unix_us=1 reason=silent"
    assert told[9] == "note unix_us=1 text='hi'"
    assert " heel_on=- " in told[10]
    assert " walking=backward " in told[10]
    assert told[11].startswith("torn: 9 bytes without an end: 0612")
    monkeypatch.setattr("retrosole.session.decode._READ_BYTES", 7)
    assert list(decode_file(path)) == lines


@pytest.mark.parametrize(
    ("reasons", "text"),
    [
        (0, "none"),
        (wire.Reason.CONTACT_BACKWARD | wire.Reason.HEEL_ONLY, "contact_backward+heel_only"),
        (wire.Reason.CONFLICT | 0x8000, "conflict+0x8000"),
    ],
)
def test_reasons_have_names(reasons: int, text: str) -> None:
    frame = cobs_decode(encode(stride_frame(5, 0, 9, reasons=reasons))[:-1])
    assert frame is not None
    assert f" reasons={text} " in frame_line(frame[:-4])


def test_numbers_without_a_name_and_zones_with_one() -> None:
    def line(message: object) -> str:
        frame = cobs_decode(encode(message)[:-1])
        assert frame is not None
        return frame_line(frame[:-4])

    assert "command=250 result=99 " in line(wire.ReplyFrame(1, 250, 99, 0))
    text = line(identity(zones=bytes([0, 1, 9, *[255] * 5]), sites=bytes([0, 9, 200, *[255] * 5])))
    assert " zones=[forefoot,heel,9,unused," in text
    assert " sites=[hallux,heel_medial,200,unused," in text


def test_a_session_folder_is_decoded_side_after_side(tmp_path: Path) -> None:
    save(tmp_path, START, "right.frames")
    save(tmp_path, encode(wire.NoteFrame(1, "hi")), "left.frames")
    lines = list(decode_file(tmp_path))
    assert lines[0] == f"{tmp_path / 'left.frames'}:"
    assert lines[1].endswith("note unix_us=1 text='hi'")
    assert lines[2] == f"{tmp_path / 'right.frames'}:"
    assert " command=start result=ok " in lines[3]
    save(tmp_path, b"", "left.frames")
    assert list(decode_file(tmp_path)) == [lines[0], *lines[2:]]


def test_what_is_no_log_is_said_after_the_other_foot(tmp_path: Path) -> None:
    save(tmp_path, b"GIF89a" * 20, "left.frames")
    save(tmp_path, START, "right.frames")
    lines = decode_file(tmp_path)
    assert [" ".join(next(lines).split()[1:2]) for _ in range(5)][-2:] == ["reply", "identity"]
    with pytest.raises(DamagedDataError, match=r"left.frames has no frame in it"):
        next(lines)


def test_nothing_to_decode_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"away \(No such .*\): name a session folder, or a log in it .*`retrosole record`"
    ):
        list(decode_file(tmp_path / "away"))
    with pytest.raises(DamagedDataError, match=r"holds no session: expected left.frames or right.frames in it"):
        list(decode_file(tmp_path))


# ------------------------------------------------------------------------------------------------------ foreign logs


@pytest.mark.parametrize("data", [b"GIF89a" * 20, bytes(range(256)) * 4, b"hello"])
def test_a_side_log_that_is_no_log_is_damaged_data(tmp_path: Path, data: bytes) -> None:
    with writer_module.SessionWriter(tmp_path / "S", {"left": identity(), "right": identity(foot=1)}) as writer:
        writer.append("left", START + b"".join(walk_samples(3)))
    assert open_session(tmp_path / "S").sides == ("left", "right")  # nothing came of the right foot yet
    save(tmp_path / "S", data, "right.frames")
    with pytest.raises(DamagedDataError, match=r"right.frames has no frame in it, so it is no log: move it away"):
        open_session(tmp_path / "S")


def test_writer_frames_fit_their_limit() -> None:
    text = "x" * writer_module._TEXT_BYTES
    assert len(encode(wire.NoteFrame(2**64 - 1, text))) == 256
