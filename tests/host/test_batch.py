"""`retrosole batch`: which sessions get a table, what stands in it, what is left alone, and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_study import Run, save_short, save_walked

from retrosole import __version__, cli
from retrosole.batch.find import find_sessions
from retrosole.batch.make import make_table
from retrosole.batch.parquet import SESSION_COLUMNS, read_about
from retrosole.batch.run import chunks, plan
from retrosole.gait.analysis import analyse
from retrosole.gait.table import EXTENDED_COLUMNS
from retrosole.gait.words import as_json
from retrosole.session.reader import open_session

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["batch", *arguments])
        sys.stdout.flush()
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


@pytest.fixture
def made(run: Run) -> Callable[..., str]:
    """Make tables of `sessions` in `tables`, in this process; give what is said on stdout of a run without failures."""

    def call(*options: str) -> str:
        code, out, error = run("sessions", "--out", "tables", "--jobs", "1", *options)
        assert code == 0, error
        return out

    return call


def names(folder: str = "tables") -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


# -------------------------------------------------------------------------------------------------------- the table


def test_a_table_has_the_strides_of_its_session(tmp_path: Path, made: Callable[..., str]) -> None:
    folder = save_walked(tmp_path / "sessions" / "clinic" / "a", "P07", "2026-11-21T10:15:30.250+01:00", 3)
    assert made() == "1 session below sessions: 1 table made (49 strides)\n"
    table = pq.read_table("tables/clinic/a.parquet")
    assert table.column_names == [*SESSION_COLUMNS, *EXTENDED_COLUMNS]
    expected = analyse(open_session(folder)).table
    for name in EXTENDED_COLUMNS:
        column = table.column(name)
        if column.type == pa.float64():
            assert not any(x is not None and np.isnan(x) for x in column.to_pylist()), "null, not nan"
            assert np.array_equal(column.to_numpy(), expected[name], equal_nan=True), name
        else:
            assert column.to_pylist() == expected[name].tolist(), name
    assert np.sum(np.isnan(expected["swing_s"])) == 2, "so that there was something to be null"


def test_each_row_says_whose_and_when_and_by_which_version(tmp_path: Path, made: Callable[..., str]) -> None:
    save_walked(tmp_path / "sessions" / "clinic" / "a", "P07", "2026-11-21T10:15:30.250+01:00", 3, sides=("left",))
    made()
    rows = pq.read_table("tables/clinic/a.parquet").select(SESSION_COLUMNS).to_pylist()
    assert len(rows) == 24 and all(row == rows[0] for row in rows)
    moment = datetime(2026, 11, 21, 9, 15, 30, 250_000, UTC)
    ours = {"subject": "P07", "session": "clinic/a", "started": moment, "retrosole_version": __version__}
    assert rows[0] == {**ours, "recorder_version": __version__, "firmware_version": "0.1.0"}


def test_metadata_have_the_analysis_and_columns_their_unit(tmp_path: Path, made: Callable[..., str]) -> None:
    folder = save_walked(tmp_path / "sessions" / "a", "P07", "2026-11-21T10:15:30+01:00", 3)
    made()
    told = read_about(Path("tables/a.parquet"))
    expected = json.loads(json.dumps(as_json(analyse(open_session(folder)))))
    assert told and told["analysis"] | {"runs": 0} == expected | {"runs": 0}
    schema = pq.read_schema("tables/a.parquet")
    for name, unit in (("stance_s", b"s"), ("heel_peak", b"counts"), ("cadence_steps_min", b"steps/min")):
        assert schema.field(name).metadata == {b"unit": unit}
    unnamed = [f.name for f in schema if f.type == pa.float64() and not f.metadata]
    assert not unnamed


def test_columns_are_stored_as_promised(tmp_path: Path, made: Callable[..., str]) -> None:
    save_short(tmp_path / "sessions" / "a")
    made()
    stored = pq.read_metadata("tables/a.parquet").row_group(0)
    columns = {c.path_in_schema: c for c in (stored.column(k) for k in range(stored.num_columns))}
    assert {c.compression for c in columns.values()} == {"ZSTD"}
    assert "BYTE_STREAM_SPLIT" in columns["stance_s"].encodings and "RLE_DICTIONARY" in columns["session"].encodings


def test_tables_are_readable_by_their_owner_only(tmp_path: Path, made: Callable[..., str]) -> None:
    save_short(tmp_path / "sessions" / "deep" / "er" / "a")
    made()
    paths = [Path("tables"), *Path("tables").rglob("*")]
    assert [stat.S_IMODE(p.stat().st_mode) for p in paths] == [0o700, 0o700, 0o700, 0o600]
    assert names() == ["deep/er/a.parquet"], "nothing half-written"


def test_direction_says_which_strides_are_usable(tmp_path: Path, made: Callable[..., str]) -> None:
    save_walked(tmp_path / "sessions" / "a", "P07", "2026-11-21T10:15:30+01:00", 3)
    made()
    assert sum(pq.read_table("tables/a.parquet").column("is_usable").to_pylist()) > 30
    assert "1 table made" in made("--direction", "forward"), "another question, so another table"
    table = pq.read_table("tables/a.parquet")
    assert not any(table.column("is_usable").to_pylist()) and "other direction" in table.column("left_out").to_pylist()
    assert "1 up to date" in made("--direction", "forward")


def test_a_session_without_strides_has_a_table_without_rows(tmp_path: Path, made: Callable[..., str]) -> None:
    save_short(tmp_path / "sessions" / "a", frame_n=5)
    assert made() == "1 session below sessions: 1 table made (0 strides)\n"
    assert pq.read_table("tables/a.parquet").num_rows == 0
    told = read_about(Path("tables/a.parquet"))
    assert told and told["subject"] == "P07" and told["analysis"]["stride_n"] == 0


# ------------------------------------------------------------------------------------------------------- which ones


def test_one_name_in_two_folders(tmp_path: Path, made: Callable[..., str]) -> None:
    save_short(tmp_path / "sessions" / "x" / "a", "P01")
    save_short(tmp_path / "sessions" / "y" / "a", "P02")
    made()
    assert names() == ["x/a.parquet", "y/a.parquet"]
    subjects = [pq.read_table(f"tables/{x}/a.parquet").column("subject")[0].as_py() for x in "xy"]
    assert subjects == ["P01", "P02"]


def test_dir_may_be_a_session_itself(tmp_path: Path, run: Run) -> None:
    save_short(tmp_path / "a")
    assert run("a", "--out", "tables", "--jobs", "1")[0] == 0
    assert names() == ["a.parquet"]


def test_tables_may_lie_in_dir(tmp_path: Path, run: Run) -> None:
    save_short(tmp_path / "sessions" / "a")
    shutil.copytree(tmp_path / "sessions" / "a", tmp_path / "sessions" / "tables" / "no session of ours")
    for k in range(2):
        code, out, _ = run("sessions", "--out", "sessions/tables", "--jobs", "1")
        assert code == 0 and out.startswith("1 session below sessions: "), k
    assert Path("sessions/tables/a.parquet").exists() and not Path("sessions/tables/tables").exists()
    assert run("sessions", "--out", "sessions", "--jobs", "1")[0] == 0, "or be DIR"
    assert Path("sessions/a.parquet").exists()


def test_links_are_not_followed_and_dotted_folders_passed_by(tmp_path: Path, run: Run) -> None:
    save_short(tmp_path / "outside")
    save_short(tmp_path / "sessions" / "a")
    save_short(tmp_path / "sessions" / ".snapshot" / "a")
    (tmp_path / "sessions" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "sessions" / "round").symlink_to(tmp_path / "sessions")
    (tmp_path / "sessions" / "b").mkdir()
    (tmp_path / "sessions" / "b" / "left.frames").symlink_to(tmp_path / "outside" / "left.frames")
    code, out, error = run("sessions", "--out", "tables", "--jobs", "1")
    assert code == 6 and out == "2 sessions below sessions: 1 table made (5 strides), 1 failed\n"
    assert "2 links to folders not followed" in error
    assert "failed: b: " in error and "left.frames is a link to another folder, so it is not read" in error
    assert names() == ["a.parquet"]


@pytest.mark.slow
def test_ten_thousand_sessions_are_found_longest_first(tmp_path: Path) -> None:
    for k in range(10_000):
        folder = tmp_path / f"P{k % 100:02}" / f"s{k}"
        folder.mkdir(parents=True)
        (folder / "left.frames").write_bytes(bytes(k % 7))
    work = plan(tmp_path, tmp_path / "tables")
    assert work.session_n == len(work.tasks) == 10_000
    assert [work.tasks[k].byte_n for k in (0, -1)] == [6, 0]
    parts = list(chunks(work.tasks))
    assert sum(map(len, parts)) == 10_000 and max(map(len, parts)) <= 16


def test_a_folder_of_two_files_is_one_session(tmp_path: Path) -> None:
    save_walked(tmp_path / "a", "P07", "2026-11-21T10:15:30+01:00", 3, duration_s=5.0)
    (found,) = find_sessions(tmp_path).sessions
    assert [name for name, _, _ in found.state] == ["session.json", "left.frames", "right.frames"]
    assert found.byte_n == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())


# --------------------------------------------------------------------------------------------------------- going on


def test_what_is_up_to_date_is_left_alone(tmp_path: Path, made: Callable[..., str]) -> None:
    save_short(tmp_path / "sessions" / "a")
    save_short(tmp_path / "sessions" / "b")
    made()
    before = Path("tables/a.parquet").stat()
    assert made() == "2 sessions below sessions: 0 tables made (0 strides), 2 up to date\n"
    after = Path("tables/a.parquet").stat()  # when it was read is nobody's business
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    Path("tables/b.parquet").unlink()
    assert made() == "2 sessions below sessions: 1 table made (5 strides), 1 up to date\n"
    assert "2 tables made" in made("--force")
    assert Path("tables/a.parquet").stat().st_ino != before.st_ino


def test_a_session_still_being_recorded_is_made_again(tmp_path: Path, made: Callable[..., str]) -> None:
    folder = save_short(tmp_path / "sessions" / "a")
    log = folder / "left.frames"
    whole, seen = log.read_bytes(), log.stat()
    log.write_bytes(whole[: len(whole) // 2])
    os.utime(log, ns=(seen.st_atime_ns, seen.st_mtime_ns - 10**10))
    assert "(2 strides)" in made()
    log.write_bytes(whole)
    os.utime(log, ns=(seen.st_atime_ns, seen.st_mtime_ns - 10**9))  # so the table is newer, and yet not of this
    assert "(5 strides)" in made()


def test_a_table_of_another_version_is_made_again(
    tmp_path: Path, made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_short(tmp_path / "sessions" / "a")
    with monkeypatch.context() as patched:
        for module in ("run", "make", "parquet"):
            patched.setattr(f"retrosole.batch.{module}.__version__", "0.0.9")
        work = plan(tmp_path / "sessions", tmp_path / "tables")
        assert len(work.tasks) == 1
        assert not make_table(replace(work.tasks[0], version="0.0.9")).failure
    assert read_about(Path("tables/a.parquet"))["retrosole_version"] == "0.0.9"  # type: ignore[index]
    assert "1 table made" in made() and "1 up to date" in made()


@pytest.mark.parametrize("left", [b"", b"PAR1 and then the power went"])
def test_what_a_power_cut_left_is_made_again(tmp_path: Path, made: Callable[..., str], left: bytes) -> None:
    save_short(tmp_path / "sessions" / "a")
    Path("tables").mkdir()
    Path("tables/a.parquet").write_bytes(left)
    assert "1 table made" in made()


# -------------------------------------------------------------------------------------------------------- going wrong


def test_damaged_sessions_are_listed_and_do_not_end_it(tmp_path: Path, run: Run) -> None:
    save_short(tmp_path / "sessions" / "good")
    for name, file, data in (
        ("empty log", "left.frames", b""),
        ("foreign log", "left.frames", b"no frames at all\0" * 9),
        ("bad json", "session.json", b"{"),
        ("no log", "session.json", b'{"format": "retrosole session", "format_version": 1}'),
    ):
        (tmp_path / "sessions" / name).mkdir()
        (tmp_path / "sessions" / name / file).write_bytes(data)
    code, out, error = run("sessions", "--out", "tables", "--jobs", "1")
    assert code == 6 and out == "5 sessions below sessions: 1 table made (5 strides), 4 failed\n"
    lines = [line for line in error.splitlines() if line.startswith("failed: ")]
    assert [line.split(": ")[1] for line in lines] == ["bad json", "empty log", "foreign log", "no log"]
    assert "move it away to read the logs alone" in lines[0] and "holds an empty session" in lines[1]
    assert names() == ["good.parquet"]
    assert run("sessions", "--out", "tables", "--jobs", "1")[0] == 6, "and again the next time"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "--out", "tables"), 2, "nowhere does not exist: name a folder with sessions in it"),
        (("file", "--out", "tables"), 2, "file is no folder: name a folder"),
        (("empty", "--out", "tables"), 2, "empty has no session in it"),
        (("sessions", "--out", "file"), 2, "file is a file: name a folder for the tables"),
        (("sessions", "--out", "sessions/a"), 2, "is a session folder, in which nothing else is kept"),
        (("sessions", "--out", "file/tables"), 2, "file is a file: name a folder for the tables"),
        (("sessions", "--out", "tables", "--jobs", "2", "--dask", "tcp://x"), 2, "exclude each other"),
        (("sessions", "--out", "tables", "--jobs", "0"), 2, "0 is not in the range x>=1"),
        (("sessions",), 2, "Missing option '--out'"),
    ],
)
def test_what_cannot_be_done(tmp_path: Path, run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    save_short(tmp_path / "sessions" / "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    got, out, error = run(*arguments)
    assert got == code and words in error and not out
    assert error.startswith("retrosole: ") and error.count("\n") == 1
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("what", ["text", "parquet of others"])
def test_what_is_no_table_of_ours_is_not_replaced(tmp_path: Path, run: Run, what: str) -> None:
    save_short(tmp_path / "sessions" / "a")
    Path("tables").mkdir()
    if what == "text":
        Path("tables/a.parquet").write_text("mine")
    else:
        pq.write_table(pa.table({"mine": [1]}), "tables/a.parquet")
    before = Path("tables/a.parquet").read_bytes()
    code, _, error = run("sessions", "--out", "tables", "--jobs", "1", "--force")
    assert code == 6 and "tables/a.parquet exists and is no table of this program, so it is not replaced" in error
    assert Path("tables/a.parquet").read_bytes() == before


def test_two_folders_with_the_same_names_do_not_share_tables(tmp_path: Path, run: Run) -> None:
    save_walked(tmp_path / "one" / "a", "P01", "2026-11-02T10:00:00+01:00", 1, duration_s=8.0)
    save_walked(tmp_path / "two" / "a", "P02", "2026-11-03T10:00:00+01:00", 1, duration_s=8.0)
    assert run("one", "--out", "tables", "--jobs", "1")[0] == 0
    code, _, error = run("two", "--out", "tables", "--jobs", "1")
    assert code == 6 and "is the table of another session (started 2026-11-02T10:00:00+01:00)" in error
    assert "give this folder an --out of its own" in error
    assert pq.read_table("tables/a.parquet").column("subject")[0].as_py() == "P01"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_ends_it_and_leaves_nothing_half(tmp_path: Path, jobs: str) -> None:
    for k in range(12):
        save_short(tmp_path / "sessions" / f"s{k}")
    words = f"{sys.executable} -m retrosole batch sessions --out tables --jobs {jobs}"
    command = ["bash", "-c", f"ulimit -f 8; {words} 2>&1 | cat; exit ${{PIPESTATUS[0]}}"]  # a real refusal
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stdout
    assert "(File too large)" in done.stdout and "the disk takes no more: free some space" in done.stdout
    assert " left\n" in done.stdout and "Traceback" not in done.stdout
    assert not [path for path in (tmp_path / "tables").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_without_permission_to_write(tmp_path: Path) -> None:
    shared = tmp_path
    while shared != Path("/") and not stat.S_IMODE(shared.stat().st_mode) & stat.S_IXOTH:
        shared.chmod(0o711)
        shared = shared.parent
    folder = tmp_path / "sessions"
    save_short(folder / "a")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    (tmp_path / "tables").mkdir(mode=0o755)
    command = [sys.executable, "-m", "retrosole", "batch", str(folder), "--out", str(tmp_path / "tables")]
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if "retrosole: " not in done.stderr:
        pytest.skip(f"NOBODY MAY RUN THIS PYTHON HERE: {done.stderr[-200:]}")
    assert done.returncode == 7
    text = f"retrosole: cannot write to {tmp_path / 'tables'} (Permission denied): choose another --out\n"
    assert done.stderr == text


def test_the_extra_is_named_when_it_is_missing(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    save_short(tmp_path / "sessions" / "a")
    for module, extra, more in (("pyarrow", "tables", ()), ("distributed", "dask", ("--dask", "tcp://127.0.0.1:1"))):
        with monkeypatch.context() as patched:
            patched.setattr("retrosole.commands.batch.find_spec", lambda name, gone=module: None if name == gone else 1)
            code, _, error = run("sessions", "--out", "tables", *more)
        assert code == 2 and error.endswith(f"pip install 'retrosole[{extra}]'\n") and error.count("\n") == 1
