"""Make tables in processes of this computer.

Workers are forked from one process that has loaded everything, or started anew where that cannot be done; they run
numpy on one thread each, keep their memory, do not hear Ctrl-C, and end with the program that started them. How much
is under way at a time is bounded by bytes, since reading a log takes some six times its size of memory.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import connection
from multiprocessing.context import BaseContext

from retrosole.batch.make import Outcome, Task, make_table, make_tables
from retrosole.batch.stop import Stop
from retrosole.errors import UsageError

Chunk = tuple[Task, ...]

PER_JOB_BYTES = 64 << 20  # of logs under way; a longer one goes alone
_AHEAD = 2  # chunks for each worker: one it works on, one that waits for it
_LOOK_S = 0.2  # until a signal is noticed
_GC_THRESHOLD = 50_000  # objects; strides are many, and none of them lead in circles

# Each worker is one of many: threads of its own would only be in the others' way. Memory that was given back comes
# again page by page, which the system has to clear: a tenth of all time.
_WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
# Loaded once, before workers are forked; not pyarrow, which starts a thread, and those are not there in a fork
_PRELOADED = ("retrosole.batch.make", "retrosole.session.reader", "retrosole.gait.analysis", "retrosole.gait.words")
_KILLED = "its worker process was ended, perhaps for want of memory: free some, or try `retrosole gait` on it"


def core_n() -> int:
    """Give the cores that this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_this_process(chunks: Iterable[Chunk], stop: Stop) -> Iterator[Outcome]:
    """Make tables one after the other."""
    for task in (task for chunk in chunks for task in chunk):
        if stop.is_set:
            return
        yield make_table(task)


def in_processes(chunks: Iterable[Chunk], job_n: int, stop: Stop) -> Iterator[Outcome]:
    """Make tables in some processes, in the order in which they are done; what is under way at a stop is finished.

    When a process is killed, what was under way is made again, each session in a process of its own; which is killed
    again has failed.
    """
    waiting = deque(chunks)
    with _worker_context() as context:
        while waiting and not stop.is_set:
            lost = yield from _until_broken(waiting, job_n, stop, context)
            for task in lost:
                if not stop.is_set:
                    yield _alone(task, context)


def _until_broken(
    waiting: deque[Chunk], job_n: int, stop: Stop, context: BaseContext
) -> Generator[Outcome, None, list[Task]]:
    """Work until all is done, or a worker is gone; give what was lost then."""
    running: dict[Future[list[Outcome]], Chunk] = {}
    with _pool(job_n, context) as pool:
        while running or (waiting and not stop.is_set):
            try:
                _refill(pool, running, waiting, job_n, stop)
                done, _ = wait(running, _LOOK_S, FIRST_COMPLETED)
                for future in done:
                    outcomes = future.result()
                    del running[future]
                    yield from outcomes
            except BrokenProcessPool:
                return [task for chunk in running.values() for task in chunk]
    return []


def _refill(
    pool: ProcessPoolExecutor,
    running: dict[Future[list[Outcome]], Chunk],
    waiting: deque[Chunk],
    job_n: int,
    stop: Stop,
) -> None:
    """Hand out what fits; at a stop take back what nobody has begun."""
    if stop.is_set:
        for future in [future for future in running if future.cancel()]:
            del running[future]
        return
    byte_n = sum(_size(chunk) for chunk in running.values())
    while waiting and len(running) < _AHEAD * job_n:
        byte_n += _size(waiting[0])
        if running and byte_n > job_n * PER_JOB_BYTES:
            return
        chunk = waiting.popleft()
        try:
            with _deaf():
                running[pool.submit(make_tables, chunk)] = chunk
        except BrokenProcessPool:
            waiting.appendleft(chunk)
            raise


def _size(chunk: Chunk) -> int:
    return sum(task.byte_n for task in chunk)


def _alone(task: Task, context: BaseContext) -> Outcome:
    with _pool(1, context) as pool:
        try:
            with _deaf():
                future = pool.submit(make_table, task)
            return future.result()
        except BrokenProcessPool:
            return Outcome(task.session, 0, _KILLED, UsageError.exit_code)


# --------------------------------------------------------------------------------------------------------- processes


@contextlib.contextmanager
def _pool(job_n: int, context: BaseContext) -> Iterator[ProcessPoolExecutor]:
    """Run a pool of workers; when this is left by an exception they end at once, which loses nothing written."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(job_n, mp_context=context, initializer=_begin_worker)
    try:
        yield pool
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _worker_context() -> Iterator[BaseContext]:
    """Give how workers are started; all that are meanwhile have the environment of workers."""
    with _environment(_WORKER_ENVIRONMENT):
        if not sys.platform.startswith("linux"):
            yield multiprocessing.get_context("spawn")
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_PRELOADED))
        yield context


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: value for name, value in values.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Hold back Ctrl-C; a process that is started meanwhile never hears it, from its first moment on."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Prepare a worker: Ctrl-C is its parent's to answer, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    for name in (*_PRELOADED, "retrosole.batch.parquet"):
        import_module(name)
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
