"""`retrosole batch` in processes: killed workers, bugs in them, Ctrl-C, and that none is left behind."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from made_study import copies, save_long, save_short

from retrosole.batch import local
from retrosole.batch.make import Task, make_table
from retrosole.batch.run import Work, plan, run
from retrosole.batch.stop import Stop

pytestmark = pytest.mark.slow

WAIT_S = 60.0
SESSION_N = 40


class Deadly(str):
    """A version that kills the process that looks at it."""

    def __ne__(self, other: object) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    __hash__ = str.__hash__


class Faulty(str):
    """A version that shows a bug to the process that looks at it."""

    def __ne__(self, other: object) -> bool:
        raise ZeroDivisionError("on\npurpose")

    __hash__ = str.__hash__


def until(is_so: Callable[[], Any], what: str) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.005)


def tables(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions that take a second or more to go through."""
    root = tmp_path_factory.mktemp("study")
    copies(save_long(root / "first", 10), root / "sessions", SESSION_N)
    return root / "sessions"


@contextlib.contextmanager
def begun(study: Path, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a group of its own, as a terminal does."""
    command = [sys.executable, "-m", "retrosole", "batch", str(study), "--out", str(out), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, error = process.communicate(timeout=WAIT_S)
    assert "Traceback" not in out + error and "Error" not in out + error, out + error
    return process.returncode, out, error


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Give the processes that do the work: those that a child has forked."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [worker for child in psutil.Process(process.pid).children() for worker in child.children()]
    return []


# ------------------------------------------------------------------------------------------------------------ works


def test_processes_make_the_same_tables(tmp_path: Path) -> None:
    copies(save_short(tmp_path / "a"), tmp_path / "sessions", 5)
    for jobs in ("1", "2"):
        with begun(tmp_path / "sessions", tmp_path / jobs, "--jobs", jobs) as process:
            code, out, error = ended(process)
        assert code == 0 and "5 tables made (25 strides)" in out, error
        assert f"5 sessions in {jobs} process{'es' if jobs == '2' else ''}" in error
    for one, other in zip(tables(tmp_path / "1"), tables(tmp_path / "2"), strict=True):
        assert pq.read_table(one).equals(pq.read_table(other)) and one.name == other.name
        assert pq.read_metadata(one).metadata == pq.read_metadata(other).metadata


def test_what_is_under_way_is_bounded_by_bytes_and_number() -> None:
    class Pool:
        def submit(self, _make: object, _chunk: object) -> Future[Any]:
            return Future()

    def handed_out(byte_n: int, n: int = 100) -> int:
        waiting = deque([(Task("s", "s", "t", byte_n),) for _ in range(n)])
        running: dict[Future[Any], Any] = {}
        local._refill(Pool(), running, waiting, 3, Stop())  # type: ignore[arg-type]
        assert len(running) + len(waiting) == n
        return len(running)

    assert handed_out(1000) == 6, "one each to work on, and one that waits"
    assert handed_out(local.PER_JOB_BYTES) == 3
    assert handed_out(2 * local.PER_JOB_BYTES) == 1
    assert handed_out(100 * local.PER_JOB_BYTES) == 1, "a huge one goes alone, but it goes"


# ------------------------------------------------------------------------------------------------------------- dies


def test_a_worker_that_is_killed_costs_nothing(study: Path, tmp_path: Path) -> None:
    with begun(study, tmp_path / "tables", "--jobs", "2") as process:
        until(lambda: tables(tmp_path / "tables"), "no table came")
        workers(process)[0].kill()
        assert len(tables(tmp_path / "tables")) < SESSION_N, "the kill came when all was done"
        code, out, _ = ended(process)
    assert code == 0 and f"{SESSION_N} tables made" in out
    assert len(tables(tmp_path / "tables")) == SESSION_N


def mixed_with(tmp_path: Path, version: str) -> Any:
    """Make tables of five sessions, of which one is asked for in this version; give the result."""
    copies(save_short(tmp_path / "a"), tmp_path / "sessions", 5)
    work = plan(tmp_path / "sessions", tmp_path / "tables")
    bad = Task("bad", str(tmp_path / "a"), str(tmp_path / "tables" / "bad.parquet"), 1, version=version)
    mixed = Work((*work.tasks[:2], bad, *work.tasks[2:]), 0, (), 0)
    return run(mixed, lambda chunks, stop: local.in_processes(chunks, 2, stop), Stop(), lambda _: None)


def test_a_session_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    result = mixed_with(tmp_path, Deadly("0"))
    assert result.made_n == 5 and result.exit_code == 6
    assert [one.session for one in result.failed] == ["bad"]
    assert "its worker process was ended, perhaps for want of memory" in result.failed[0].failure


def test_a_bug_in_a_worker_is_a_line(tmp_path: Path) -> None:
    result = mixed_with(tmp_path, Faulty("0"))
    assert result.made_n == 5 and result.exit_code == 1
    (failed,) = result.failed
    assert failed.failure.startswith("this is a bug (ZeroDivisionError: on purpose): RETROSOLE_DEBUG=1 shows where")
    assert not failed.trace


def test_those_who_ask_get_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROSOLE_DEBUG", "1")
    assert "in __ne__" in make_table(Task("bad", "x", "y", 1, version=Faulty("0"))).trace


def test_a_worker_of_another_version_says_so(tmp_path: Path) -> None:
    (failed,) = mixed_with(tmp_path, "0.0.9").failed
    assert failed.failure.startswith("the worker has retrosole 0.") and "install the same on both" in failed.failure


def test_when_the_program_is_killed_its_workers_end(study: Path, tmp_path: Path) -> None:
    with begun(study, tmp_path / "tables", "--jobs", "2") as process:
        until(lambda: tables(tmp_path / "tables"), "no table came")
        own = workers(process)
        assert len(own) == 2
        process.kill()
        until(lambda: not any(worker.is_running() for worker in own), "workers outlived their program")


# ----------------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(study: Path, tmp_path: Path, jobs: str) -> None:
    with begun(study, tmp_path / "tables", "--jobs", jobs) as process:
        until(lambda: tables(tmp_path / "tables"), "no table came")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        code, out, error = ended(process)
    done_n = len(tables(tmp_path / "tables"))
    assert code == 130 and 0 < done_n < SESSION_N
    assert f"{done_n} table{'' if done_n == 1 else 's'} made" in out and f"{SESSION_N - done_n} left" in out
    assert error.endswith("interrupted: what is done is kept, and the same command goes on from there\n")
    with begun(study, tmp_path / "tables", "--jobs", jobs) as process:
        code, out, _ = ended(process)
    assert code == 0 and f"{SESSION_N - done_n} tables made" in out and f"{done_n} up to date" in out


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_while_workers_start(study: Path, tmp_path: Path, times: int) -> None:
    with begun(study, tmp_path / "tables", "--jobs", "2") as process:
        assert process.stderr is not None and " in 2 processes" in process.stderr.readline()
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
        code, _, _ = ended(process)
    assert code in (130, -signal.SIGINT), "a shell says 130 to both: one that comes last of all ends Python's own end"
    assert len(tables(tmp_path / "tables")) < SESSION_N
    assert not list(tmp_path.rglob("*.part"))


# --------------------------------------------------------------------------------------------------------- progress


def test_a_terminal_shows_how_far_it_is(study: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "retrosole", "batch", str(study), "--out", str(tmp_path / "tables"), "--jobs", "2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=slave, env=os.environ | {"TERM": "xterm"}) as process:
        os.close(slave)
        drawn = b""
        with contextlib.suppress(OSError):  # when nobody has the other end any more
            while data := os.read(master, 4096):
                drawn += data
        out = process.stdout.read() if process.stdout else b""
    os.close(master)
    assert process.returncode == 0 and f"{SESSION_N} tables made".encode() in out
    counts = [int(n) for n in re.findall(rf"(\d+) of {SESSION_N}".encode(), drawn)]
    assert counts and counts == sorted(counts) and counts[-1] > 0, drawn[-500:]
    assert b"\r" in drawn and b"Traceback" not in drawn
