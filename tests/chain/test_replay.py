"""A recorded walk through the firmware's detector again: the same bytes, and every difference found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from retrosole import cli, wire
from retrosole.framing import encode, open_frame, parse
from retrosole.session.reader import open_session
from retrosole.twin.replay import replay_session
from retrosole.twin.sim import SimOptions, virtual_insoles
from retrosole.walk import RecordOptions, connect_feet, walk
from tests.machines import need

REAL_S = 2.0


def recorded(root: Path, interpreter: str, **more: object) -> Path:
    """Record two feet for `REAL_S` seconds, many times as fast as they walk; give the session's folder."""
    options = SimOptions(interpreter=interpreter, **({"speed": 8.0, "duration_s": 20.0} | more))  # type: ignore[arg-type]
    with virtual_insoles(options) as insoles:
        walked = walk(connect_feet(tuple(insoles.ports.values())), RecordOptions(seconds=REAL_S, root=root), "progress")
    assert walked.folder is not None
    return walked.folder


@pytest.fixture(autouse=True)
def _own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)


@pytest.fixture(scope="module")
def walk_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the log of a left foot that walked about 15 s on CPython."""
    folder = tmp_path_factory.mktemp("walk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        folder.chmod(0o700)
        return (recorded(folder, "cpython", feet="left") / "left.frames").read_bytes()


Changed = Callable[[Callable[[object], object]], Path]


@pytest.fixture
def changed(walk_bytes: bytes, tmp_path: Path) -> Changed:
    """Write the log with each frame changed by a function; None leaves it out."""

    def write(change: Callable[[object], object]) -> Path:
        out = b""
        for piece in walk_bytes.split(b"\0"):
            frame = open_frame(piece)
            after = None if frame is None else change(parse(frame))
            out += b"" if after is None else encode(after)
        path = tmp_path / "left.frames"
        path.write_bytes(out)
        return path

    return write


@pytest.mark.parametrize("interpreter", [pytest.param("cpython", marks=pytest.mark.slow), "unix32"])
def test_the_insoles_own_frames_are_found_again_bit_by_bit(
    interpreter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if interpreter != "cpython":
        need(interpreter)
    folder = recorded(tmp_path, interpreter)
    assert cli.run(["replay", str(folder)]) == 0
    out = capsys.readouterr().out
    for result in replay_session(open_session(folder)):
        assert result.identical
        assert result.gap_s is None
        assert result.lost_n == {"stride": 0, "contact": 0}
        strides_n, contacts_n = result.logged_n["stride"], result.logged_n["contact"]
        assert strides_n >= 5
        assert (
            f"{result.side}: {strides_n} of {strides_n} stride frames and {contacts_n} of {contacts_n} contact" in out
        )


@pytest.mark.slow
def test_a_tared_insole_replays_from_its_baseline(tmp_path: Path) -> None:
    with virtual_insoles(SimOptions(interpreter="cpython", feet="left", speed=8.0, duration_s=20.0)) as insoles:
        port = insoles.ports["left"]
        first = connect_feet((port,))
        first["left"].tare()
        first["left"].close()
        walked = walk(connect_feet((port,)), RecordOptions(seconds=REAL_S, root=tmp_path), "progress")
    assert walked.folder is not None
    session = open_session(walked.folder)
    unset = wire.INVALID["identity.baseline"]
    assert unset not in session.frames("left", wire.IdentityFrame)[-1].baseline[:6]
    assert [result.identical for result in replay_session(session)] == [True]


def test_one_bit_in_one_stride_is_found(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    def flip(frame: object) -> object:
        if isinstance(frame, wire.StrideFrame) and frame.seq == 2:
            return replace(frame, heel_peak=frame.heel_peak ^ 1)
        return frame

    assert cli.run(["replay", str(changed(flip))]) == 6
    assert "stride 2 at " in (out := capsys.readouterr().out)
    assert "differs: heel_peak " in out


def test_one_count_in_one_sample_is_found(changed: Changed) -> None:
    def raise_heel(frame: object) -> object:
        if isinstance(frame, wire.SamplesFrame) and frame.seq == 30:
            return replace(frame, records=b"\xf0" + frame.records[1:])
        return frame

    (result,) = replay_session(open_session(changed(raise_heel)))
    assert not result.identical


def test_a_stride_that_was_never_sent_or_never_happened_is_found(changed: Changed) -> None:
    def last_seq(frame: object) -> int:
        return int(getattr(frame, "seq", -1)) if isinstance(frame, wire.StrideFrame) else -1

    path = changed(lambda frame: frame)
    last = max(stride.seq for stride in open_session(path).frames("left", wire.StrideFrame))
    (result,) = replay_session(open_session(changed(lambda f: None if last_seq(f) == last else f)))
    assert result.differences == [line for line in result.differences if "the insole did not send it" in line]
    assert len(result.differences) == 1

    def move(frame: object) -> object:
        return (
            replace(frame, initial_contact_idx=5) if isinstance(frame, wire.StrideFrame) and frame.seq == 1 else frame
        )

    (result,) = replay_session(open_session(changed(move)))
    assert any("the replay does not find it" in line for line in result.differences)


def test_a_stride_lost_on_the_way_is_no_difference(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    path = changed(lambda f: None if isinstance(f, wire.StrideFrame) and f.seq == 1 else f)
    assert cli.run(["replay", str(path)]) == 0
    assert "found again, but lost on the way to the log: 1 stride" in capsys.readouterr().out


def test_missing_samples_are_said_and_what_came_before_them_is_identical(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(lambda f: None if isinstance(f, wire.SamplesFrame) and f.seq in (60, 61, 62) else f)
    code = cli.run(["replay", str(path)])
    assert f"samples are missing from {60 * 26 / 200:.2f} s on" in capsys.readouterr().out
    (result,) = replay_session(open_session(path))
    assert code == (0 if result.identical else 6)
    assert result.differences == []
    assert 4 <= result.identical_n["stride"] <= result.logged_n["stride"]
    assert sum(result.logged_n.values()) == sum(result.identical_n.values()) + result.after_gap_n


def test_a_log_without_an_end_leaves_the_last_strides_uncompared(changed: Changed) -> None:
    path = changed(lambda f: None if isinstance(f, wire.SamplesFrame) and f.seq > 60 else f)
    (result,) = replay_session(open_session(path))
    assert result.identical
    assert result.later_n > 0
