"""`retrosole batch --dask` on a real local cluster: two worker processes on loopback, one of them killed on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster
from made_study import copies, save_long, save_short

from retrosole import cli

pytestmark = pytest.mark.slow

SESSION_N = 30
WAIT_S = 90.0


@contextlib.contextmanager
def cluster(folder: Path, worker_n: int = 2, **more: Any) -> Iterator[LocalCluster]:
    """Run a scheduler here and workers in processes of their own."""
    with LocalCluster(
        n_workers=worker_n,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(folder),
        silence_logs=50,
        **more,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def address(two_workers: LocalCluster) -> str:
    """Give the address of two workers; one that was killed has been started again by then."""
    until(lambda: len(two_workers.scheduler.workers) == 2, "two workers did not come")
    return str(two_workers.scheduler_address)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "retrosole", "batch", *words]


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(command(*words), cwd=folder, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def until(is_so: Callable[[], Any], what: str) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.005)


@contextlib.contextmanager
def begun(study: Path, out: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    words = command(str(study), "--out", str(out), "--dask", address)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, error = process.communicate(timeout=WAIT_S)
    assert "Traceback" not in out + error, error
    return process.returncode, out, error


def table_n(folder: Path) -> int:
    return len(list(folder.rglob("*.parquet")))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    copies(save_long(root / "first", 10), root / "sessions", SESSION_N)
    return root / "sessions"


def test_a_cluster_makes_the_same_tables(tmp_path: Path, address: str) -> None:
    copies(save_short(tmp_path / "a"), tmp_path / "sessions" / "deep", 20)
    (tmp_path / "sessions" / "bad").mkdir()
    (tmp_path / "sessions" / "bad" / "left.frames").write_bytes(b"no log\0" * 9)
    code, out, error = run(tmp_path, "sessions", "--out", "there", "--dask", address)
    assert code == 6 and "20 tables made (100 strides), 1 failed" in out, error
    assert f"21 sessions on 2 workers at {address}" in error and "failed: bad: " in error
    assert run(tmp_path, "sessions", "--out", "here", "--jobs", "1")[0] == 6
    for one in (tmp_path / "here").rglob("*.parquet"):
        other = tmp_path / "there" / one.relative_to(tmp_path / "here")
        assert pq.read_table(one).equals(pq.read_table(other))
        assert pq.read_metadata(one).metadata == pq.read_metadata(other).metadata
    code, out, _ = run(tmp_path, "sessions", "--out", "there", "--dask", address)
    assert code == 6 and "0 tables made (0 strides), 20 up to date, 1 failed" in out


def test_a_worker_killed_on_the_way_costs_nothing(study: Path, tmp_path: Path, address: str) -> None:
    pids = worker_pids(address)
    with begun(study, tmp_path / "tables", address) as process:
        until(lambda: table_n(tmp_path / "tables"), "no table came")
        os.kill(pids[0], signal.SIGKILL)
        assert table_n(tmp_path / "tables") < SESSION_N, "the kill came when all was done"
        code, out, error = ended(process)
    assert code == 0 and f"{SESSION_N} tables made" in out, error
    assert table_n(tmp_path / "tables") == SESSION_N and not list(tmp_path.rglob("*.part"))


def worker_pids(address: str) -> list[int]:
    """Ask each worker process for its id."""
    with Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def test_ctrl_c_keeps_what_is_done(study: Path, tmp_path: Path, address: str) -> None:
    with begun(study, tmp_path / "tables", address) as process:
        until(lambda: table_n(tmp_path / "tables"), "no table came")
        process.send_signal(signal.SIGINT)
        code, out, error = ended(process)
    assert code == 130 and " left\n" in out
    assert error.endswith("interrupted: what is done is kept, and the same command goes on from there\n")
    code, out, _ = run(tmp_path, str(study), "--out", "tables", "--dask", address)
    assert code == 0 and "up to date" in out and table_n(tmp_path / "tables") == SESSION_N


@pytest.mark.slow
def test_when_the_scheduler_goes_it_is_a_line(study: Path, tmp_path: Path) -> None:
    words = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True)
    try:
        assert scheduler.stderr is not None
        address = next(line for line in scheduler.stderr if "Scheduler at:" in line).split()[-1]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        with subprocess.Popen([*worker, "--local-directory", str(tmp_path)], stderr=subprocess.DEVNULL) as own:
            with begun(study, tmp_path / "tables", address) as process:
                until(lambda: table_n(tmp_path / "tables"), "no table came")
                scheduler.kill()
                code, _, error = ended(process)
            own.terminate()
    finally:
        scheduler.kill()
        scheduler.communicate()
    assert code == 2, error
    assert error.endswith("the Dask scheduler is gone: what is done is kept, and the same command goes on from there\n")


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "no such host", "what://x", "tcp://"])
def test_nobody_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    save_short(tmp_path / "sessions" / "a")
    monkeypatch.chdir(tmp_path)
    code = cli.run(["batch", "sessions", "--out", "tables", "--dask", address])
    error = capfd.readouterr().err
    assert code == 2 and error.startswith(f"retrosole: no Dask scheduler answers at {address} ("), error
    assert error.endswith("expected such as tcp://HOST:8786\n") and error.count("\n") == 1


def test_a_scheduler_file(tmp_path: Path, address: str) -> None:
    save_short(tmp_path / "sessions" / "a")
    (tmp_path / "there.json").write_text(json.dumps({"type": "Scheduler", "address": address}))
    assert run(tmp_path, "sessions", "--out", "tables", "--dask", "there.json")[0] == 0
    (tmp_path / "foreign.json").write_text("[]")
    for name in ("nowhere.json", "foreign.json"):
        code, _, error = run(tmp_path, "sessions", "--out", "tables", "--force", "--dask", name)
        assert code == 2 and error.startswith(f"retrosole: {name} is not what `dask scheduler --scheduler-file` writes")


@pytest.mark.slow
def test_no_workers(tmp_path: Path) -> None:
    save_short(tmp_path / "sessions" / "a")
    with cluster(tmp_path / "dask", 0) as running:
        code, _, error = run(tmp_path, "sessions", "--out", "tables", "--dask", running.scheduler_address)
    assert code == 2 and "the Dask scheduler has no workers, waited 10 s" in error


@pytest.mark.slow
def test_a_worker_of_another_version_or_without_the_folders(tmp_path: Path) -> None:
    save_short(tmp_path / "sessions" / "a")
    older = tmp_path / "older.py"
    older.write_text("import retrosole.batch.make\nretrosole.batch.make.__version__ = '0.0.9'\n")
    with cluster(tmp_path / "dask", 1, preload=[str(older)]) as running:
        code, _, error = run(tmp_path, "sessions", "--out", "tables", "--dask", running.scheduler_address)
    assert code == 2 and " has retrosole 0.0.9, this program is 0." in error and error.count("\n") == 1


def test_what_a_worker_lacks() -> None:
    from retrosole import __version__
    from retrosole.batch.make import worker_fault

    here = str(Path(__file__).parent)
    assert worker_fault(__version__, here, here) == ""
    assert worker_fault("0.0.9", here, here).endswith("this program is 0.0.9: install the same on both")
    assert worker_fault(__version__, "/no/such", here).startswith("does not see /no/such: workers need the same")
    assert worker_fault(__version__, here, "/no/such").startswith("cannot write to /no/such: workers need")
