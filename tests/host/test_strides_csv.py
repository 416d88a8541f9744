"""Stride tables as files: whole or not at all, and never over anything but an earlier table."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from made_logs import START, save, walk

from retrosole.commands import sessions
from retrosole.commands.sessions import print_strides
from retrosole.errors import StorageError, UsageError
from retrosole.gait.strides import COLUMNS, Stride
from retrosole.session.reader import save_strides
from retrosole.twin.feed import Source
from retrosole.twin.source import write_truth

HEADER = ",".join(COLUMNS) + "\n"
ROWS = [Stride("left", k, 1.0 + k) for k in range(3)]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return save(tmp_path / "S", START + b"".join(walk()))


@pytest.mark.parametrize("name", ["left.frames", "LEFT.FRAMES", "right.frames", "session.json", "notes.txt"])
def test_no_file_of_a_session_is_written_over(session: Path, name: str) -> None:
    if name != "right.frames":  # which a walk of one foot leaves free: that name is no table's either
        data = b'{"format": "retrosole session", "format_version": 1}' if name == "session.json" else b"kept"
        (session / name).write_bytes(data if name != "left.frames" else START + b"".join(walk()))
    before = {path: path.read_bytes() for path in session.iterdir()}
    with pytest.raises(UsageError, match=r"choose another"):
        print_strides(session, str(session / name))
    assert {path: path.read_bytes() for path in session.iterdir()} == before


def test_a_link_to_a_log_is_seen_through(session: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").symlink_to(session / "left.frames")
    before = (session / "left.frames").read_bytes()
    with pytest.raises(UsageError, match="session's own file"):
        print_strides(session, str(tmp_path / "out.csv"))
    assert (session / "left.frames").read_bytes() == before


@pytest.mark.parametrize("text", ["", "dear diary\n", HEADER.strip(), "x" + HEADER])
def test_a_file_that_is_no_table_stays(session: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"mine.csv exists and is no stride table, so it is not replaced"):
        print_strides(session, str(path))
    assert path.read_text() == text


def test_an_earlier_table_is_replaced_and_a_new_one_may_be_in_the_session(session: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text(HEADER + "left,99\n")
    print_strides(session, str(path))
    written = path.read_text()
    assert written.startswith(HEADER) and "99" not in written
    assert os.stat(path).st_mode & 0o777 == 0o666 & ~umask()
    print_strides(session, str(session / "strides.csv"))
    assert (session / "strides.csv").read_text() == written
    assert sorted(p.name for p in session.iterdir()) == ["left.frames", "strides.csv"]


def umask() -> int:
    value = os.umask(0o022)
    os.umask(value)
    return value


def test_a_table_that_cannot_be_finished_leaves_the_earlier_one(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(strides: object, out: object) -> int:
        raise OSError(28, "No space left on device")

    path = tmp_path / "out.csv"
    save_strides(ROWS, path)
    before = path.read_text()
    monkeypatch.setattr(sessions, "write_csv", fail)
    with pytest.raises(StorageError, match=r"cannot write .*out.csv \(No space left on device\)"):
        print_strides(session, str(path))
    assert path.read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["S", "out.csv"]


def test_the_truth_is_as_careful(tmp_path: Path) -> None:
    source = Source({"left": np.zeros((2, 1), dtype=np.uint16)}, (("heel", "heel"),), tuple(ROWS))
    path = tmp_path / "thesis.txt"
    path.write_text("years of work\n")
    with pytest.raises(UsageError, match="is no stride table"):
        write_truth(source, path)
    assert path.read_text() == "years of work\n"
    path.write_text(HEADER)
    assert write_truth(source, path) == 3
    assert path.read_text().count("\n") == 4


def test_a_pipe_takes_the_table(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    assert save_strides(ROWS, f"/dev/fd/{write_end}") == 3
    os.close(write_end)
    with open(read_end) as pipe:
        assert pipe.read().startswith(HEADER)
