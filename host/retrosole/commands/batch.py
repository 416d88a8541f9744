"""`batch` and `study`: many sessions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrosole.commands.parts import PATH, examples, give_csv

if TYPE_CHECKING:
    from retrosole.batch.run import Result, Runner, Work
    from retrosole.batch.stop import Stop

_INTERRUPTED_EXIT = 130


@click.command(
    short_help="Make a Parquet table of the strides of each of many sessions.",
    epilog=examples(
        "retrosole batch sessions --out tables",
        "retrosole batch study --out tables --jobs 8 --direction backward",
        "retrosole batch /data/study --out /data/tables --dask tcp://10.0.0.5:8786",
    ),
)
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--out", "tables", type=PATH, required=True, metavar="TABLES", help="Folder for the tables.")
@click.option("--jobs", "job_n", type=click.IntRange(min=1), metavar="N", help="Processes.  [default: one a core]")
@click.option("--dask", "address", metavar="ADDRESS", help="Work on this Dask cluster; or the scheduler's .json file.")
@click.option(
    "--direction",
    type=click.Choice(["backward", "forward"]),
    help="Call the strides usable that went this way.  [default: the way of most strides of a session]",
)
@click.option("--force", "is_forced", is_flag=True, help="Make every table anew.")
def batch(
    folder: Path, tables: Path, job_n: int | None, address: str | None, direction: str | None, is_forced: bool
) -> int:
    """Make a table of strides, with their gait parameters, of every session below DIR.

    TABLES gets one Parquet file per session, under the session's name and sub-folders: every stride a row, with its
    subject, session and versions; null is not known. A table is left alone while its session's files are as they were
    and this version made it, so the same command makes what is new, goes on after Ctrl-C, and takes up again a session
    that was still being recorded. Links to folders, and folders beginning with a dot, are not searched.

    Sessions that cannot be read do not end it: they are listed on standard error in the end, and the exit code is 6 (7
    when the disk refused, 1 for a bug). A full disk ends it at once. Nothing half-written is left in any case.

    With --dask, DIR and TABLES are paths that the workers see as well, which have the same version of this program. Of
    a tls:// address, certificates come from Dask's own settings.
    """
    from retrosole.errors import UsageError

    if address is not None and job_n is not None:
        raise UsageError("--jobs and --dask exclude each other: a cluster has its own workers")
    _need("pyarrow", "tables", "Parquet")
    if address is not None:
        _need("distributed", "dask", "--dask")
    return _batch(folder, tables, job_n, address, direction, is_forced)


def _need(module: str, extra: str, what: str) -> None:
    from retrosole.errors import UsageError

    if find_spec(module) is None:
        raise UsageError(f"{what} needs {module}, which is not installed: pip install 'retrosole[{extra}]'")


def _batch(
    folder: Path, tables: Path, job_n: int | None, address: str | None, direction: str | None, is_forced: bool
) -> int:
    from retrosole.batch.run import plan, run
    from retrosole.batch.stop import on_signals
    from retrosole.commands.progress import progress

    with on_signals() as stop:
        work = plan(folder, tables, direction, is_forced)
        with _runner(work, folder, tables, job_n, address) as runner, progress(work, stop) as watch:
            result = run(work, runner, stop, watch)
        return _end(work, result, folder, stop)


@contextlib.contextmanager
def _runner(work: Work, folder: Path, tables: Path, job_n: int | None, address: str | None) -> Iterator[Runner]:
    """Give what does the work, and say what that is."""
    from retrosole import show
    from retrosole.batch import local
    from retrosole.session.check import counted

    if not work.tasks:
        yield local.in_this_process
    elif address is not None:
        from retrosole.batch import cluster

        with cluster.connected(address) as client:
            worker_n = cluster.check_workers(client, folder, tables)
            show.say(f"{counted(len(work.tasks), 'session')} on {counted(worker_n, 'worker')} at {address}")
            yield lambda chunks, stop: cluster.in_cluster(client, chunks, stop)
    else:
        job_n = min(job_n or local.core_n(), len(work.tasks))
        show.say(f"{counted(len(work.tasks), 'session')} in {job_n} process{'' if job_n == 1 else 'es'}")
        yield local.in_this_process if job_n == 1 else lambda chunks, stop: local.in_processes(chunks, job_n, stop)


def _end(work: Work, result: Result, folder: Path, stop: Stop) -> int:
    """Say what was done, what failed and how to go on; give the exit code."""
    from retrosole import show
    from retrosole.session.check import counted

    for outcome in sorted(result.failed, key=lambda one: one.session):
        show.say(f"failed: {outcome.session}: {outcome.failure}")
        if outcome.trace:
            show.say(outcome.trace)
    parts = [f"{counted(result.made_n, 'table')} made ({counted(result.stride_n, 'stride')})"]
    parts += [f"{work.up_to_date_n} up to date"] if work.up_to_date_n else []
    parts += [f"{len(result.failed)} failed"] if result.failed else []
    left_n = len(work.tasks) + len(work.failed) - result.made_n - len(result.failed)
    parts += [f"{left_n} left"] if left_n else []
    show.announce(f"{counted(work.session_n, 'session')} below {folder}: {', '.join(parts)}")
    if work.link_n:
        show.say(f"{counted(work.link_n, 'link')} to folders not followed")
    if result.is_full:
        show.say("the disk takes no more: free some space, and the same command goes on from there")
    elif stop.is_interrupted:
        show.say("interrupted: what is done is kept, and the same command goes on from there")
        return _INTERRUPTED_EXIT
    return result.exit_code


# ------------------------------------------------------------------------------------------------------------ study


@click.command(
    "study",
    short_help="Sum up the tables of many sessions by subject.",
    epilog=examples("retrosole study tables", "retrosole study tables --csv study.csv"),
)
@click.argument("tables", type=PATH, metavar="TABLES")
@click.option("--csv", "csv_path", metavar="OUT", help="Write every parameter of every subject; - is standard output.")
@click.option("--json", "is_json", is_flag=True, help="Print it as JSON.")
def study(tables: Path, csv_path: str | None, is_json: bool) -> int:
    """Sum up the tables that `retrosole batch` made: each subject over sessions, then all subjects.

    Of each parameter: sessions and strides in it, mean of the sessions' means, standard deviation between them, mean
    coefficient of variation within sessions. A session's own numbers are those of `retrosole gait`, of its usable
    strides; forefoot first is the share of all its strides whose order was told. What is only known in sensor counts is
    left out, since those of two insoles are not to be compared.

    Tables that cannot be read are listed on standard error, and the exit code is 6.
    """
    from retrosole.errors import UsageError

    if csv_path is not None and is_json:
        raise UsageError("--csv and --json exclude each other: run the command twice")
    _need("pyarrow", "tables", "Parquet")
    return _study(tables, csv_path, is_json)


def _study(tables: Path, csv_path: str | None, is_json: bool) -> int:
    from retrosole import show
    from retrosole.batch import study_words as words
    from retrosole.batch.study import study as sum_up
    from retrosole.errors import DamagedDataError

    found = sum_up(tables)
    if is_json:
        print(json.dumps(words.as_json(found), indent=1, allow_nan=False))
    elif csv_path is not None:
        give_csv(lambda out: words.write_csv(found, out), csv_path, words.COLUMNS, "rows")
    else:
        show.table(words.PEOPLE_HEADINGS, words.people_rows(found), right=words.PEOPLE_RIGHT)
        print()
        if found.lines:
            show.table(words.HEADINGS, words.line_rows(found), right=words.RIGHT)
        for note in words.notes(found):
            print(note)
    for name, text in found.failed:
        show.say(f"failed: {name}: {text}")
    return DamagedDataError.exit_code if found.failed else 0
