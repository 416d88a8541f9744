"""Folders as they may lie about: what `fetch` looks through must not stop it, mislead it, or lead it elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pty_insole import identity

from retrosole import wire
from retrosole.errors import StorageError
from retrosole.framing import encode
from retrosole.session.writer import session_info
from retrosole.shelf import LogAdder, check_same, kept_sides

WHO = identity()
HEAD = wire.SessionHeadFrame(
    session=5, continues=5, boot=3, uptime_s=70, clock_us=70_500_000, rate_hz=200, channel_n=6, begun=0
)
STORED = wire.StoredFrame(
    tag=1, session=5, continues=5, boot=3, uptime_s=70, clock_us=70_500_000, rate_hz=200, begun=0,
    next_index=400, page_n=17, kept=0, ended=0,
)  # fmt: skip
END = wire.SessionEndFrame(
    session=5, next_index=400, samples_n=16, stride_n=1, mark_n=0, lost_n=0, unstored_n=0, ended=0
)
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def make(root: Path, name: str, log: bytes, **changes: object) -> Path:
    folder = root / name
    folder.mkdir()
    info = session_info({"left": WHO}, "P01", {}, {}, {}) | changes
    (folder / "session.json").write_text(json.dumps(info))
    (folder / "left.frames").write_bytes(log)
    return folder


@pytest.mark.parametrize("unix_us", [0, 2**63, 2**64 - 1])
def test_a_log_with_an_impossible_date_is_looked_through(tmp_path: Path, unix_us: int) -> None:
    make(tmp_path, "a", encode(wire.HostClockFrame(unix_us, 0, 0)) + encode(HEAD))
    (kept,) = kept_sides(tmp_path, WHO.device_id)
    assert kept.holds(STORED)


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "soon", None, 7])
def test_a_folder_of_no_time_holds_nothing_of_today(tmp_path: Path, started: object) -> None:
    make(tmp_path, "a", b"", started_utc=started, fetched="then")
    (kept,) = kept_sides(tmp_path, WHO.device_id)
    kept.begun.add((STORED.boot, STORED.session))
    assert not kept.holds(STORED, AT)


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", "", '{"format": "retrosole session", "sides": 3}'])
def test_a_folder_that_is_not_ours_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "session.json").write_text(text)
    make(tmp_path, "a", encode(HEAD))
    assert [kept.folder.name for kept in kept_sides(tmp_path, WHO.device_id)] == ["a"]


def test_nothing_is_added_to_a_log_that_is_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine\0")
    folder = make(tmp_path, "a", b"")
    (folder / "left.frames").unlink()
    (folder / "left.frames").symlink_to(elsewhere)
    with pytest.raises(StorageError, match="cannot write to"):
        LogAdder(folder, "left", WHO)
    assert elsewhere.read_bytes() == b"mine\0"
    (kept,) = kept_sides(tmp_path, WHO.device_id)
    assert not kept.names, "nor is it read"


def changed(frame: object, **values: int) -> bytes:
    return encode(type(frame)(**{**vars(frame), **values}))


@pytest.mark.parametrize(
    "log",
    [
        changed(HEAD, boot=4),
        changed(HEAD, uptime_s=71),
        changed(HEAD, clock_us=70_500_001),
        changed(END, next_index=401),
        changed(END, ended=1),
    ],
)
def test_a_log_of_another_session_of_the_same_number_is_refused(tmp_path: Path, log: bytes) -> None:
    path = make(tmp_path, "a", log) / "left.frames"
    with pytest.raises(StorageError, match="holds another session 5 than the insole"):
        check_same(path, STORED, 6)


def test_a_log_of_the_same_session_and_of_others_is_taken(tmp_path: Path) -> None:
    log = encode(HEAD) + encode(END) + changed(HEAD, session=4, continues=4, boot=9)
    check_same(make(tmp_path, "a", log) / "left.frames", STORED, 6)
    check_same(tmp_path / "a" / "right.frames", STORED, 6)
