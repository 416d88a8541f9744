"""Make tables on a Dask cluster: the same function, on workers that read and write the same file system.

The scheduler gets paths, not data; workers need this version of this program, and the folders under the same names.
A `tls://` address takes its certificates from Dask's own settings (distributed.comm.tls). What a scheduler is sent it
runs: connect to one that you trust.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from distributed import Client, Security, as_completed
from distributed.comm.core import connect

from retrosole import __version__
from retrosole.batch.make import Outcome, Task, make_tables, worker_fault
from retrosole.batch.stop import Stop
from retrosole.errors import UsageError

Chunk = tuple[Task, ...]

ALONE_S = 60.0  # without any worker, after which nobody is waited for any more
_CONNECT_S = 10.0
_LOOK_S = 0.1
_LOGGERS = ("distributed", "tornado", "asyncio")
_COUNT_S = 2.0  # how often workers are counted
_GO_ON = "what is done is kept, and the same command goes on from there"
_KILLED = "it was given up on the cluster ({}): see the worker's log, or try `retrosole gait` on it"


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to a scheduler, by address or by the file it wrote. Raises UsageError when it does not answer."""
    with _quiet():
        client = _connect(address)
        try:
            yield client
        finally:
            client.close(timeout=_CONNECT_S)


def _connect(address: str) -> Client:
    address = _from_file(Path(address)) if address.endswith(".json") else address
    try:
        asyncio.run(_knock(address))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ: what matters of that is checked
            return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        text = f"no Dask scheduler answers at {address} ({words}): expected such as tcp://HOST:8786"
        raise UsageError(text) from error


def _from_file(path: Path) -> str:
    try:
        return str(json.loads(path.read_bytes())["address"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} is not what `dask scheduler --scheduler-file` writes: name that file") from error


async def _knock(address: str) -> None:
    """See whether somebody answers: a client that finds nobody complains once more when it is thrown away."""
    secured = Security().get_connection_args("client")
    comm = await connect(address, timeout=_CONNECT_S, **secured)
    await comm.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging: what it cannot reach it tells with tracebacks, and here that is one line of ours."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith(_LOGGERS)]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


def check_workers(client: Client, root: Path, tables: Path) -> int:
    """Make sure that every worker has this program and sees the folders; give how many there are.

    Raises UsageError with what to do.
    """
    end_s = time.monotonic() + _CONNECT_S
    while not _workers(client) and time.monotonic() < end_s:
        time.sleep(_LOOK_S)
    if not _workers(client):
        raise UsageError(f"the Dask scheduler has no workers, waited {_CONNECT_S:.0f} s: start some with `dask worker`")
    answers = client.run(worker_fault, __version__, str(root.resolve()), str(tables.resolve()), on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            words = f"{type(answer).__name__}: {' '.join(str(answer).split())}"
            advice = f"pip install 'retrosole[tables]=={__version__}' there"
            raise UsageError(f"worker {worker} cannot run this program ({words}): {advice}")
        if answer:
            raise UsageError(f"worker {worker} {answer}")
    return len(answers)


def _workers(client: Client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def in_cluster(client: Client, chunks: Iterable[Chunk], stop: Stop) -> Iterator[Outcome]:
    """Make tables on the workers of a cluster, in the order in which they are done.

    What a lost worker had goes to another one. A chunk that was given up is tried again, each session for itself. At a
    stop nothing is waited for. Raises UsageError when the scheduler goes, or no worker has been there for `ALONE_S`.
    """
    todo = list(chunks)
    waiting = dict(zip(client.map(make_tables, todo, pure=False), todo, strict=True))
    done = as_completed(waiting, loop=client.loop)
    seen = _Seen(client)
    while waiting and not stop.is_set:
        batch = done.next_batch(block=False)
        seen.check(bool(batch))
        for future in batch:
            chunk = waiting.pop(future)
            try:
                yield from future.result()
            except Exception as error:  # of any kind that a scheduler and its workers may have
                again = [(task,) for task in chunk] if len(chunk) > 1 else []
                retried = dict(zip(client.map(make_tables, again, pure=False), again, strict=True))
                waiting |= retried
                done.update(retried)
                if not again:
                    yield _given_up(chunk[0], error)
        if not batch:
            time.sleep(_LOOK_S)
    client.cancel(list(waiting))


def _given_up(task: Task, error: Exception) -> Outcome:
    return Outcome(task.session, 0, _KILLED.format(type(error).__name__), UsageError.exit_code)


class _Seen:
    """Notice that nobody is there any more who could do anything."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._at_s = self._looked_s = time.monotonic()

    def check(self, has_news: bool) -> None:
        """Raise UsageError when the scheduler is gone, or its workers have been for long."""
        if self._client.status != "running":
            raise UsageError(f"the Dask scheduler is gone: {_GO_ON}")
        now_s = time.monotonic()
        if has_news or now_s - self._looked_s < _COUNT_S:
            self._at_s = now_s if has_news else self._at_s
            return
        self._looked_s = now_s
        if _workers(self._client):
            self._at_s = now_s
        elif now_s - self._at_s > ALONE_S:
            raise UsageError(f"the Dask scheduler has had no workers for {ALONE_S:.0f} s: {_GO_ON}")
