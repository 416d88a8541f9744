"""What `retrosole check` finds: every gap with its cause, what may still be fetched, and no gap where there is none."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_logs import START, N, end, save, side, status, walk, walk_samples
from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.cli import run
from retrosole.framing import cobs_encode, encode
from retrosole.session import gaps as gaps_module
from retrosole.session.check import Check, as_json, check_session, format_check
from retrosole.session.gaps import Gap
from retrosole.session.reader import Session, open_session

GONE = encode(wire.DisconnectFrame(1_002_000_000, wire.DisconnectReason.UNPLUGGED))
BACK = encode(wire.ConnectFrame(1_010_000_000, "a"))
CLOSED = encode(wire.DisconnectFrame(1_020_000_000, wire.DisconnectReason.CLOSED))


def head(session: int = 5, continues: int | None = None, boot: int = 3, uptime_s: int = 100) -> bytes:
    clock_us = uptime_s * 1_000_000 % 2**30
    continues = session if continues is None else continues
    return encode(wire.SessionHeadFrame(session, continues, boot, uptime_s, clock_us, 200, 6, wire.Begun.HOST))


def stored(next_index: int, session: int = 5, ended: int = 0, kept: int = wire.Kept.UNCOLLECTED) -> bytes:
    return encode(wire.StoredFrame(1, session, session, 3, 100, 0, 200, 0, next_index, 99, kept, ended))


def fetched(session: int = 5, bad_n: int = 0, last: int = 0) -> bytes:
    return encode(wire.FetchedFrame(1, session, 9, bad_n, last))


def with_store(next_index: int = N, session: int = 5, **changes: int) -> bytes:
    values = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
    values.pop("TYPE", None)
    values.update(session=session, running=1, next_index=next_index, store_page_n=7168, **changes)
    return encode(wire.StatusFrame(**values))


def check(*data: bytes) -> Check:
    log = side(b"".join(data))
    return check_session(Session(Path("s"), {}, {"left": log}))


def only_gap(found: Check) -> Gap:
    (gap,) = found.sides["left"].gaps
    return gap


# ----------------------------------------------------------------------------------------------------- all is there


def test_a_whole_session_is_complete() -> None:
    found = check(START, head(), *walk(20), end(20), CLOSED)
    assert found.is_complete
    assert found.verdict == "complete: everything that was taken is here"
    assert format_check(found) == [
        "session s: complete: everything that was taken is here",
        "left: 520 of 520 samples at 200 Hz, 2 strides, device session 5",
    ]


def test_what_was_fetched_in_any_order_and_twice_completes_it() -> None:
    frames = walk(20)
    late = [*frames[5:14], *frames[8:11]]
    random.Random(1).shuffle(late)
    found = check(START, *frames[:5], GONE, BACK, *frames[14:], end(20), with_store(), *late, fetched(last=1), head())
    assert found.is_complete
    assert found.sides["left"].received_n == 520
    assert "left: 3 repeated frames taken once (no loss)" in format_check(found)
    damaged = format_check(check(START, head(), noise(walk(1)[0]), *walk(20), end(20), b"\x05"))
    assert damaged[-1] == "left: 1 damaged frame, 1 byte of a torn last frame"
    doubled = [encode(samples_frame(4, 9)), START, head(), *walk(20), end(20)]
    assert format_check(check(*doubled))[-1] == "left: 1 frame of an earlier session left out (no loss)"


def test_an_older_insole_without_an_end_is_complete_when_it_was_stopped() -> None:
    stopped = encode(wire.ReplyFrame(2, wire.StopFrame.TYPE, 0, 5))
    assert check(START, *walk(20), stopped).is_complete
    assert not check(START, *walk(20)).is_complete


def test_lost_contact_frames_are_told_apart() -> None:
    contacts = [encode(wire.ContactFrame(5, seq, seq * 200, 0, 1, 5, 0)) for seq in (0, 1, 4, 9)]
    found = check(START, head(), *walk(20), *contacts, end(20))
    assert found.is_complete
    assert "left: 6 contact frames missing (provisional, so no loss)" in format_check(found)


def test_samples_never_taken_are_told_but_nobodys_loss() -> None:
    frames = walk_samples(10)
    frames[4] = encode(samples_frame(5, 4, taken_n=16))
    found = check(START, head(), *frames, end(10, stride_n=0, lost_n=10))
    gap = only_gap(found)
    assert (gap.cause, gap.first, gap.n, gap.at_s, gap.length_s) == (
        "never taken by the insole",
        4 * N + 16,
        10,
        pytest.approx(0.6),
        0.05,
    )
    assert not gap.is_missing
    assert found.is_complete
    assert found.verdict == "complete: everything that was taken is here; 10 samples never taken, or gone in a reset"
    assert not found.sides["left"].notes
    told = check(START, head(), *frames, end(10, stride_n=0, lost_n=3)).sides["left"].notes
    assert told == ("the insole counted 3 samples of session 5 never taken, the log 10",)


def test_what_is_filled_up_behind_the_end_is_no_gap() -> None:
    frames = [*walk_samples(9), encode(samples_frame(5, 9, taken_n=4))]
    found = check(START, head(), *frames, end(10, stride_n=0, next_index=9 * N + 4))
    assert found.is_complete and not found.sides["left"].gaps
    found = check(START, head(), *frames, end(10, stride_n=0, next_index=9 * N + 6, lost_n=2))
    assert (only_gap(found).n, only_gap(found).cause) == (2, "never taken by the insole")


# ------------------------------------------------------------------------------------------------------ why it is not


def noise(frame: bytes) -> bytes:
    return frame[:100] + b"\xee\xdd" + frame[102:]


def test_every_cause_has_its_word() -> None:
    frames = walk_samples(20)
    rest = [*frames[8:], end(20, stride_n=0)]
    cases = [
        ("line noise", [*frames[:5], noise(frames[5]), noise(frames[6]), noise(frames[7])]),
        ("unplugged", [*frames[:5], GONE, BACK]),
        ("unplugged", [*frames[:5], frames[5][:80], b"\0", GONE, BACK]),
        (
            "dropped by the insole: nobody read, or too slowly",
            [*frames[:5], with_store(5 * N, frame_dropped_n=1), with_store(8 * N, frame_dropped_n=4)],
        ),
        ("lost on the way", frames[:5]),
    ]
    for cause, parts in cases:
        found = check(START, head(), *parts, *rest)
        gap = only_gap(found)
        assert (gap.cause, gap.first, gap.n, gap.at_s) == (cause, 5 * N, 3 * N, 5 * N / 200)
        assert gap.may_be_stored
        assert not found.is_complete
        doubt = " if it was not collected" if cause == "line noise" else ""  # it may be the file that was damaged
        assert found.verdict == (
            f"incomplete: 78 samples missing; the insole may still hold it{doubt}: try `retrosole fetch`"
        )
        line = f"left: at 0.65 s 0.390 s, 78 samples: {cause}; the insole may still hold it{doubt}"
        assert line in format_check(found)


def test_an_insole_without_a_store_holds_nothing() -> None:
    frames = walk_samples(20)
    found = check(START, *frames[:5], *frames[8:], status(20 * N), end(20, stride_n=0))
    assert not only_gap(found).may_be_stored
    assert found.verdict == "incomplete: 78 samples missing, and the insole no longer has it"


def test_what_a_fetch_passed_over_is_not_in_the_store() -> None:
    frames = walk_samples(20)
    live = [*frames[:4], GONE, BACK, *frames[15:], with_store(20 * N), end(20, stride_n=0, unstored_n=3)]
    found = check(START, head(), *live, *frames[4:8], *frames[11:15], fetched())
    gap = only_gap(found)
    assert (gap.first, gap.n, gap.cause, gap.may_be_stored) == (8 * N, 3 * N, "unplugged", False)
    found = check(START, head(), *live, *frames[4:8], fetched(), *frames[11:15], fetched())
    assert only_gap(found).may_be_stored, "two fetches, and nobody knows whether one asked for what is between"


@pytest.mark.parametrize(
    ("bad_n", "passed", "cause"),
    [
        (0, True, "no room in the insole's store"),
        (2, True, "page of the insole's store not readable"),
        (0, False, "part of the session not collected"),
    ],
)
def test_a_session_without_a_host_has_gaps_of_the_stores(bad_n: int, passed: bool, cause: str) -> None:
    frames = walk_samples(20)
    parts = [head(), *frames[:8], *([] if passed else [fetched()]), *frames[11:], end(20, stride_n=0)]
    gap = only_gap(check(*parts, fetched(bad_n=bad_n, last=1)))
    assert (gap.cause, gap.n, gap.may_be_stored) == (cause, 3 * N, not passed)


def test_after_it_was_collected_an_insole_need_not_hold_it() -> None:
    collected = encode(wire.ReplyFrame(9, wire.CollectedFrame.TYPE, wire.Result.OK, 0))
    refused = encode(wire.ReplyFrame(9, wire.CollectedFrame.TYPE, wire.Result.NO_SESSION, 0))
    listed = stored(20 * N, kept=wire.Kept.COLLECTED)
    frames = walk_samples(20)
    for told, is_erased in ((collected, True), (listed, True), (refused, False), (b"", False)):
        found = check(START, head(), *frames[:5], *frames[8:], end(20, stride_n=0), told)
        assert (only_gap(found).may_be_stored, only_gap(found).may_be_erased) == (True, is_erased)
        doubt = " if it was not collected" if is_erased else ""
        assert found.verdict.endswith(f"missing; the insole may still hold it{doubt}: try `retrosole fetch`")


def test_a_log_that_ends_early() -> None:
    frames = walk_samples(20)
    found = check(START, head(), *frames[:15], with_store(18 * N), frames[15][:90])
    gap = only_gap(found)
    assert (gap.cause, gap.first, gap.n, gap.length_s) == ("the log ends early", 15 * N, 3 * N, 3 * N / 200)
    assert gap.may_be_stored
    assert "left: 90 bytes of a torn last frame" in format_check(found)
    found = check(START, head(), *frames[:15], with_store(15 * N))
    assert only_gap(found).n == 0
    assert found.verdict == "incomplete: the end is missing; the insole may still hold it: try `retrosole fetch`"
    assert "left: at 1.95 s an unknown number of samples: the log ends early; the insole may still hold it" in (
        format_check(found)
    )


def test_the_end_of_the_session_says_what_is_missing_behind_the_last_frame() -> None:
    found = check(START, head(), *walk_samples(15), end(20), with_store(5 * N))
    strides, samples = found.sides["left"].gaps
    assert (samples.n, samples.first) == (5 * N, 15 * N)
    assert (strides.what, strides.n, strides.first) == ("stride", 2, 0)
    assert found.verdict.startswith("incomplete: 130 samples and 2 strides missing; ")


def test_what_a_full_store_had_no_room_for_is_not_asked_for_again() -> None:
    """The last strides and samples of a session that was fetched to its end, from a store that was full before it."""
    kept = [head(), *walk(20), end(9000, stride_n=60, unstored_n=9100), stored(9000 * N)]
    found = check(*kept, fetched(last=1))
    samples, strides = sorted(found.sides["left"].gaps, key=lambda gap: gap.what)
    assert (samples.n, samples.cause, samples.may_be_stored) == (8980 * N, "no room in the insole's store", False)
    assert (strides.n, strides.cause, strides.may_be_stored) == (58, "no room in the insole's store", False)
    assert found.verdict == "incomplete: 19 min 27 s were never stored (the insole's store was full)"
    assert "left: at 2.60 s 1167.400 s, 233480 samples: no room in the insole's store" in format_check(found)
    asked_before = check(*kept[:-2], fetched(last=1), *kept[-2:])
    assert {gap.may_be_stored for gap in asked_before.sides["left"].gaps} == {True}
    assert asked_before.verdict.endswith("; the insole may still hold it: try `retrosole fetch`")
    damaged = [*kept[:5], noise(kept[5]), *kept[6:], fetched(last=1)]
    assert check(*damaged[:-1]).verdict.startswith("incomplete: ")
    found = check(*damaged)
    assert found.verdict == (
        "incomplete: 26 samples missing, and the insole no longer has it; "
        "19 min 27 s were never stored (the insole's store was full)"
    )


def test_missing_strides_and_marks_have_a_place() -> None:
    strides = [encode(stride_frame(5, k, 200 + k * 220)) for k in (0, 1, 4, 5)]
    marks = [encode(wire.MarkFrame(5, k, 100 * k, 7)) for k in (1, 2)]
    found = check(START, head(), *walk_samples(60), *strides, *marks, end(60, stride_n=8, mark_n=3))
    assert [(g.what, g.first, g.n, g.at_s) for g in found.sides["left"].gaps] == [
        ("mark", 0, 1, 0.5),
        ("stride", 2, 2, pytest.approx(1080 / 200)),
        ("stride", 6, 2, pytest.approx(1300 / 200)),
    ]
    assert "left: at 5.40 s 2 strides (from number 2 on): lost on the way; the insole may still hold it" in (
        format_check(found)
    )


# --------------------------------------------------------------------------------------------------- reset insoles


def again(session: int = 6, continues: int = 5) -> list[bytes]:
    """An insole that was reset goes on with a session of its own, ten seconds after the first one began."""
    who = encode(replace(identity(), session=session, boot=4, running=1))
    return [GONE, BACK, head(session, continues, boot=4, uptime_s=2), who, *walk(20, session), end(20, session)]


def test_a_reset_insole_goes_on_and_only_its_memory_is_lost() -> None:
    cut = [BACK, START, head(), *walk(20), with_store(20 * N)]
    found = check(*cut, *again())
    gap = only_gap(found)
    assert (gap.cause, gap.n, gap.may_be_stored) == ("insole reset, or its power gone", 0, True)
    assert not found.is_complete, "the last pages before the reset were not asked for yet"
    found = check(*cut, *again(), stored(20 * N, ended=255))
    assert found.is_complete
    assert only_gap(found).cause == "insole reset, or its power gone"
    found = check(*cut, with_store(20 * N + 13), *again(), stored(20 * N, ended=255))
    assert found.is_complete
    assert only_gap(found).n == 13
    found = check(*cut, *again(), stored(22 * N, ended=255))
    assert only_gap(found).n == 2 * N
    assert not found.is_complete


def test_a_session_whose_first_part_is_not_here() -> None:
    found = check(*again(session=0, continues=65535)[2:])
    gap = only_gap(found)
    assert (gap.cause, gap.may_be_stored, gap.session) == ("part of the session not collected", True, 0)
    assert check(head(65535), *walk(20, 65535), *again(0, 65535), stored(20 * N, 65535, ended=255)).is_complete


def test_parts_stand_in_their_order_however_they_came() -> None:
    log = side(b"".join([*again(0, 65535)[2:], START, head(65535), *walk(20, 65535), stored(20 * N, 65535, ended=255)]))
    assert [segment.session for segment in log.segments] == [65535, 0]
    assert log.samples[0].tolist() == list(range(40 * N))
    assert [s.stride for s in log.strides()] == [0, 1, 2, 3]


def test_an_empty_battery_ends_a_session_without_an_end() -> None:
    found = check(head(), *walk(20), stored(20 * N, ended=255), fetched(last=1))
    assert only_gap(found).cause == "insole reset, or its power gone"
    assert found.is_complete


# -------------------------------------------------------------------------------------------------------- all at once


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([0, 7, 60]), st.sampled_from([5, 65535]))
def test_what_is_missing_is_what_was_left_out(rng: random.Random, out_n: int, session: int) -> None:
    """Any frames left out, the others in any order and some of them twice: each missing sample is in just one gap."""
    out = set(rng.sample(range(60), out_n))
    parts = [encode(samples_frame(session, seq)) for seq in range(60) if seq not in out]
    parts += [encode(stride_frame(session, k, k * 50)) for k in range(30) if k % 7 or not out]
    parts += rng.sample(parts, len(parts) // 3)
    rng.shuffle(parts)
    closing = end(60, session, stride_n=30)
    found = check(head(session), *parts, closing)
    gaps = found.sides["left"].gaps
    missing = [index for gap in gaps if gap.what == "sample" for index in range(gap.first, gap.first + gap.n)]
    assert sorted(missing) == sorted(seq * N + k for seq in out for k in range(N))
    assert sum(gap.n for gap in gaps if gap.what == "stride") == (5 if out else 0)
    assert found.is_complete == (not out)
    assert found.sides["left"].expected_n == 60 * N


def test_numbers_near_their_end() -> None:
    high = 2**32 - 5
    frames = [wire.SamplesFrame(5, high + k, 2**32 - 3 * N + k * N, 0, samples_frame(5, 0).records) for k in (0, 2)]
    found = check(START, *map(encode, frames))
    assert next(gap.n for gap in found.sides["left"].gaps if gap.cause != "the log ends early") == 2**32 - 3 * N
    log = side(encode(identity(session=5, running=1)) + b"".join(map(encode, frames)))
    assert log.losses.lost_line_n == N
    assert log.samples[0][-1] == 2**32 - 1


def test_many_gaps_are_told_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps_module, "LISTED_N", 30)
    frames = walk_samples(121)
    found = check(START, head(), *frames[::2], *[encode(samples_frame(5, 0))], end(121, stride_n=0))
    assert len(found.sides["left"].gaps) == 30
    assert found.sides["left"].unlisted_n == 30
    assert any("and 40 gaps more" in line for line in format_check(found))
    holed = samples_frame(5, 0).records
    record = holed[:9]
    holed = (record + b"\xff" * 9) * 13
    found = check(
        START, head(), *[encode(wire.SamplesFrame(5, k, k * N, 0, holed)) for k in range(9)], end(9, stride_n=0)
    )
    gaps = found.sides["left"].gaps
    assert len(gaps) == 30
    assert sum(gap.n for gap in gaps) == 9 * 13


# ------------------------------------------------------------------------------------------------------------ command


def test_the_command_says_it_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, b"".join([START, head(), *walk(20), end(20)]))
    assert run(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(
        f"session {tmp_path}: complete: everything that was taken is here\nleft: "
    )
    save(tmp_path, b"".join([START, head(), *walk(20)[3:], end(20)]))
    assert run(["check", str(tmp_path)]) == 6
    capsys.readouterr()
    assert run(["check", "--json", str(tmp_path)]) == 6
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["complete"] is False
    (gap,) = told["sides"]["left"]["gaps"]
    assert (gap["cause"], gap["n"], gap["may_be_stored"]) == ("lost on the way", 3 * N, True)
    assert run(["check", str(tmp_path / "none")]) == 2
    (tmp_path / "empty").mkdir()
    assert run(["check", str(tmp_path / "empty")]) == 2
    assert "empty holds no session: name a session folder" in capsys.readouterr().err
    save(tmp_path / "empty", b"", "session.json")
    assert run(["check", str(tmp_path / "empty")]) == 6
    capsys.readouterr()
    assert run(["check", "--help"]) == 0
    assert "--json | jq .complete" in capsys.readouterr().out


def test_a_foot_without_a_log_is_missing(tmp_path: Path) -> None:
    save(tmp_path, b"".join([START, head(), *walk(20), end(20)]))
    info = {"format": "retrosole session", "format_version": 1, "sides": {"left": {}, "right": {}}}
    (tmp_path / "session.json").write_text(json.dumps(info))
    found = check_session(open_session(tmp_path))
    assert found.absent == ("right",)
    assert found.verdict == (
        "incomplete: nothing of the right foot is here; the insole may still hold it: try `retrosole fetch`"
    )
    assert as_json(found)["complete"] is False
    save(tmp_path, encode(identity(foot=1)), "right.frames")
    found = check_session(open_session(tmp_path))
    assert found.sides["right"].gaps[0].cause == "the log ends early"
    assert not found.is_complete


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_log_is_too_strange(rng: random.Random) -> None:
    """Good frames that contradict each other, in any order: something is said, and nothing breaks."""
    parts = [encode(identity(session=1, running=1))]
    kinds = [kind for kind in wire.FRAME_CLASSES if kind < 0x40 and kind != wire.IdentityFrame.TYPE] + [
        0x80,
        0x82,
        0x84,
    ]
    for _ in range(rng.randrange(60)):
        kind = rng.choice([wire.SamplesFrame.TYPE, rng.choice(kinds)])
        rest = bytes(rng.choice((0, 0, 1, 255, rng.getrandbits(8))) for _ in range(wire.DTYPES[kind].itemsize - 5))
        body = bytes((kind, rng.getrandbits(2), 0)) + rest[2:]
        if kind == wire.SamplesFrame.TYPE:
            body = body[:3] + bytes((rng.randrange(30), 0, 0, 0)) + body[7:15] + rng.randbytes(rng.randrange(99))
        parts.append(cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0")
    rng.shuffle(parts)
    log = side(b"".join(parts))
    found = check_session(Session(Path("s"), {}, {"left": log}))
    assert len(format_check(found)) >= 2
    json.dumps(as_json(found), allow_nan=False)
    assert np.all(np.diff(log.samples[0]) >= 0) or len(log.segments) > 1
    assert log.losses.received_n == len(log.samples[0])
