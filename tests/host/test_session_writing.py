"""Sessions on their way to the disk: as received, whole, by their owner only, and after a kill or a full disk."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_logs import START, N, save, side, walk, writer_maker
from pty_insole import counts_at, identity, own_id, samples_frame

import retrosole
from retrosole import wire
from retrosole.errors import StorageError, UsageError
from retrosole.framing import encode, open_frame, parse, pieces
from retrosole.session.reader import open_session
from retrosole.session.writer import SessionWriter, default_folder


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Any]:
    yield from writer_maker(tmp_path / "session")


# ---------------------------------------------------------------------------------------------------------- writing


def test_what_is_received_is_what_stands_in_the_log(new: Any) -> None:
    writer = new("left", "right")
    data = START + b"".join(walk())
    for at in range(0, len(data), 97):
        writer.append("left", data[at : at + 97])
    writer.append("right", data[:1000])
    writer.close()
    assert (writer.folder / "left.frames").read_bytes() == data
    assert (writer.folder / "right.frames").read_bytes() == data[:1000]
    session = retrosole.open_session(writer.folder)
    assert session.sides == ("left", "right")
    index, counts = session.samples("left")
    assert index.tolist() == list(range(20 * N))
    assert np.array_equal(counts, counts_at(0, 20 * N))


def test_session_json_says_what_is_needed_to_read_it(new: Any) -> None:
    writer = new(
        subject="S-07", ports={"left": "/dev/ttyUSB0"}, settings={"feet": "left"}, software={"pyserial": "3.5"}
    )
    info = json.loads((writer.folder / "session.json").read_text())  # before anything came
    assert (info["format"], info["subject"], info["settings"]) == ("retrosole session", "S-07", {"feet": "left"})
    left = info["sides"]["left"]
    assert (left["port"], left["device_id"], left["rate_hz"], left["channel_n"]) == (
        "/dev/ttyUSB0",
        own_id().hex(),
        200,
        6,
    )
    assert left["channels"][4] == {"zone": "heel", "site": "heel_medial", "baseline": 100, "standing": None}
    assert info["software"]["retrosole"] == retrosole.__version__
    assert info["protocol"] == {"major": 1, "minor": wire.PROTOCOL_MINOR, "fingerprint": f"0x{wire.FINGERPRINT:08X}"}
    assert {m["name"] for m in info["specification"]["message"]} >= {"samples", "stride", "identity"}
    assert info["started"][-6] in "+-", "the start must carry its offset from UTC"


def test_only_the_owner_can_read_a_session(new: Any) -> None:
    writer = new()
    assert stat.S_IMODE(writer.folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in writer.folder.iterdir()}
    assert modes == {0o600}


def test_host_frames_stand_between_whole_frames_only(new: Any) -> None:
    writer = new()
    frame = encode(samples_frame(5, 0))
    writer.connect("left", "/dev/ttyUSB0")
    writer.append("left", frame[:100])
    writer.note("in the middle of a frame")
    writer.append("left", frame[100:200])
    writer.append("left", frame[200:] + frame[:50])
    writer.disconnect("left", wire.DisconnectReason.UNPLUGGED)
    writer.connect("left", "/dev/ttyUSB1")
    writer.append("left", encode(samples_frame(5, 1)))
    writer.close()
    data = (writer.folder / "left.frames").read_bytes()
    found = [parse(f) if (f := open_frame(piece)) is not None else piece for _, piece in pieces(data)]
    kinds = [m if isinstance(m, bytes) else type(m).__name__ for m in found]
    assert kinds == [
        "ConnectFrame",
        "HostClockFrame",
        "SamplesFrame",
        "NoteFrame",
        frame[:50],
        "HostClockFrame",
        "DisconnectFrame",
        "ConnectFrame",
        "HostClockFrame",
        "SamplesFrame",
    ]
    assert found[1].received_bytes == 0
    assert found[5].received_bytes == len(frame) + 50
    assert found[6].reason == wire.DisconnectReason.UNPLUGGED
    assert abs(found[0].unix_us / 1e6 - time.time()) < 60


def test_an_answered_clock_query_is_kept(new: Any) -> None:
    writer = new()
    writer.append("left", START)
    writer.exchange("left", 12.5, 12.503, wire.ClockFrame(7, 2**30 - 1, 4000, 9), boot=3)
    writer.close()
    (kept,) = open_session(writer.folder).frames("left", wire.ExchangeFrame)
    assert kept == wire.ExchangeFrame(12_500_000, 12_503_000, 2**30 - 1, 4000, 3)


def test_a_waiting_host_frame_is_not_lost_at_the_end(new: Any) -> None:
    writer = new()
    writer.append("left", encode(samples_frame(5, 0))[:100])
    writer.note("too late")
    writer.close()
    assert [m.text for m in open_session(writer.folder).frames("left", wire.NoteFrame)] == ["too late"]


def test_a_long_note_is_cut_to_a_frame_between_characters(new: Any) -> None:
    writer = new()
    writer.note("\u00e4" * 200)
    writer.append("left", START)
    writer.close()
    (note,) = open_session(writer.folder).frames("left", wire.NoteFrame)
    assert note.text == "\u00e4" * 120


def test_the_host_clock_is_written_each_second_and_data_flushed(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = new()
    path = writer.folder / "left.frames"
    writer.append("left", START)
    assert path.stat().st_size == 0
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 1.1)
    writer.tick()
    assert path.read_bytes().startswith(START)
    assert len(side(path.read_bytes()).frames(wire.HostClockFrame)) == 1
    assert not synced
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 5.1)
    writer.append("left", walk(1)[0])
    assert len(synced) == 1


def test_after_kill_minus_nine_at_most_a_second_is_missing(tmp_path: Path) -> None:
    code = f"""
import sys, time
sys.path[:0] = {sys.path!r}
from pathlib import Path
from pty_insole import identity, samples_frame
from retrosole.framing import encode
from retrosole.session.writer import SessionWriter
writer = SessionWriter(Path({str(tmp_path)!r}) / "session", {{"left": identity(session=5)}})
for seq in range(10**6):
    writer.append("left", encode(samples_frame(5, seq)))
    print(seq, flush=True)
    time.sleep(0.01)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(200)]
        child.kill()
        sent_n = int(([*lines, *child.stdout.read().split()])[-1]) + 1
    session = open_session(tmp_path / "session")
    kept_n = len(session.samples("left")[0]) // N
    assert sent_n - 130 <= kept_n <= sent_n
    assert session.losses["left"].lost_line_n == 0


def test_a_folder_with_a_session_is_refused(new: Any, tmp_path: Path) -> None:
    new()
    with pytest.raises(
        UsageError, match=r"session already holds a session \(session.json, left.frames\): choose another"
    ):
        new("right")
    save(tmp_path / "logs", b"x", "right.frames")
    with pytest.raises(UsageError, match=r"\(right.frames\)"):
        SessionWriter(tmp_path / "logs", {"left": identity()})
    assert (tmp_path / "logs" / "right.frames").read_bytes() == b"x"


@pytest.mark.parametrize("subject", ["", "a b", "../x", "J\u00f6rg", "x" * 41, "a/b"])
def test_a_subject_that_is_no_code_is_refused(subject: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"subject code .* is not usable: take 1 to 40 letters"):
        default_folder(tmp_path, subject)


def test_the_folder_is_named_by_time_and_subject(tmp_path: Path) -> None:
    name = default_folder(tmp_path, "S-07").name
    assert name.endswith("_S-07")
    time.strptime(name.removesuffix("_S-07"), "%Y-%m-%dT%H-%M-%S")


def test_a_session_needs_a_side(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a left and/or a right side, got none"):
        SessionWriter(tmp_path / "s", {})


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StorageError, match=r"cannot write to .*file/s \(Not a directory\) after 0 bytes: free some space"
    ):
        SessionWriter(tmp_path / "file" / "s", {"left": identity()})


def test_a_full_disk_harms_nothing_already_written(new: Any) -> None:
    writer = new()
    writer.append("left", START + b"".join(walk(10)))
    writer.flush()
    before = (writer.folder / "left.frames").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 300, limits[1]))  # a real refusal by the kernel
    try:
        writer.append("left", b"".join(walk(20)[12:]))
        with pytest.raises(StorageError) as caught:
            writer.flush()
        with pytest.raises(StorageError):  # not forgotten, either
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(caught.value) == (
        f"cannot write to {writer.folder} (File too large) after {len(before) + 300} bytes: "
        "free some space or choose another folder; what was written so far is safe"
    )
    writer.close()
    after = (writer.folder / "left.frames").read_bytes()
    assert after.startswith(before)
    assert len(after) == len(before) + 300
    assert len(open_session(writer.folder).samples("left")[0]) >= 10 * N
