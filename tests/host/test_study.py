"""`retrosole study`, and the queries of docs/many-sessions.md with real DuckDB: the same numbers by other ways."""

from __future__ import annotations

import csv
import json
import re
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_study import Run, save_study

from retrosole import cli
from retrosole.gait.analysis import Analysis, analyse
from retrosole.session.reader import open_session
from tests.machines import ROOT

pytestmark = pytest.mark.filterwarnings("error")

SESSIONS = ("clinic/a", "clinic/b", "home/a", "home/b", "home/still")
_NO_NUMBER = re.compile(r"\b([Nn][Aa][Nn]|None|inf|null|np\.)\b")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of two subjects, and their tables."""
    folder = tmp_path_factory.mktemp("study")
    save_study(folder / "sessions")
    assert cli.run(["batch", str(folder / "sessions"), "--out", str(folder / "tables"), "--jobs", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def analyses(root: Path) -> dict[str, Analysis]:
    return {name: analyse(open_session(root / "sessions" / name)) for name in SESSIONS}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(root)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["study", *arguments])
        sys.stdout.flush()
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


def lines(run: Run) -> dict[tuple[str, str, str], dict[str, Any]]:
    code, out, _ = run("tables", "--json")
    assert code == 0
    told = json.loads(out, parse_constant=pytest.fail)
    return {(one["subject"], one["direction"], one["parameter"]): one for one in told["parameters"]}


def mean_of_feet(analysis: Analysis, name: str) -> float:
    return statistics.fmean(foot[name].mean for foot in analysis.feet.values())


# -------------------------------------------------------------------------------------------------------- by subject


def test_means_of_session_means(run: Run, analyses: dict[str, Analysis]) -> None:
    found = lines(run)
    for subject, names in (("P01", SESSIONS[:2]), ("P02", SESSIONS[2:4])):
        one = found[subject, "backward", "stance_s"]
        means = [mean_of_feet(analyses[name], "stance_s") for name in names]
        assert one["mean"] == pytest.approx(statistics.fmean(means), rel=1e-12)
        assert one["sd_between"] == pytest.approx(statistics.stdev(means), rel=1e-9)
        feet = [[foot["stance_s"] for foot in analyses[name].feet.values()] for name in names]
        cvs = [statistics.fmean(foot.cv_percent for foot in own if foot.cv_percent is not None) for own in feet]
        assert one["cv_within_percent"] == pytest.approx(statistics.fmean(cvs), rel=1e-12)
        assert (one["subject_n"], one["session_n"]) == (1, 2) and one["unit"] == "s"
        assert one["stride_n"] == sum(foot.n for own in feet for foot in own)


def test_toe_first_is_of_all_strides_that_were_told(run: Run, analyses: dict[str, Analysis]) -> None:
    found = lines(run)["P01", "backward", "toe_first_percent"]
    shares = [analyses[name].shares["both"] for name in SESSIONS[:2]]
    assert found["mean"] == pytest.approx(statistics.fmean(s.toe_first_percent or 0.0 for s in shares))
    assert found["stride_n"] == sum(s.decided_n for s in shares) and found["cv_within_percent"] is None


def test_all_subjects_are_the_mean_of_subjects(run: Run) -> None:
    found = lines(run)
    one, other, whole = (found[subject, "backward", "cadence_steps_min"] for subject in ("P01", "P02", "all"))
    assert whole["mean"] == pytest.approx((one["mean"] + other["mean"]) / 2)
    assert whole["sd_between"] == pytest.approx(abs(one["mean"] - other["mean"]) / 2**0.5)
    assert (whole["subject_n"], whole["session_n"]) == (2, 4)


def test_counts_are_not_compared(run: Run) -> None:
    names = {parameter for _, _, parameter in lines(run)}
    assert "stance_s" in names and "double_support_s" in names
    assert not names & {"forefoot_peak", "heel_impulse", "forefoot_share_percent"}


def test_a_person_reads_it(run: Run) -> None:
    code, out, error = run("tables")
    assert code == 0 and not error and not _NO_NUMBER.search(out), out
    assert re.search(r"^P01 +backward +2 +0\.02 +\d+ +\d+ +0 % +0\.00 %$", out, re.MULTILINE)
    assert re.search(r"^P02 +- +1 +0\.01 +0 +0 +- +0\.00 %$", out, re.MULTILINE), "standing"
    assert re.search(r"^P01 +backward +Forefoot first +2 +\d+ +100\.0 +0\.0 +- +%$", out, re.MULTILINE)
    assert re.search(r"^ +Stance time +2 +\d+ +[67]\d\d +\d+ +\d+\.\d +ms$", out, re.MULTILINE)
    assert re.search(r"^all 2 +backward +Forefoot first +4 ", out, re.MULTILINE)
    assert "sessions without strides: 1 of 5" in out and "mean: of the sessions' means" in out


def test_csv_and_json_say_the_same(run: Run, root: Path) -> None:
    code, _, error = run("tables", "--csv", "study.csv")
    assert code == 0 and re.fullmatch(r"\d+ rows in study\.csv\n", error)
    with open(root / "study.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = lines(run)
    assert len(rows) == len(found) and not any(_NO_NUMBER.search(" ".join(row.values())) for row in rows)
    for row in rows:
        one = found[row["subject"], row["direction"], row["parameter"]]
        assert float(row["mean"]) == pytest.approx(one["mean"], rel=1e-5) and row["unit"] == one["unit"]
        assert (row["sd_between"] == "") == (one["sd_between"] is None)
    assert run("tables", "--csv", "-")[1] == (root / "study.csv").read_text(encoding="utf-8")


def test_sessions_without_a_code_are_nobody_in_particular(run: Run, root: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(root / "sessions" / "home" / "b", tmp_path / "sessions" / "bare")
    (bare / "session.json").unlink()
    assert cli.run(["batch", str(tmp_path / "sessions"), "--out", str(tmp_path / "tables"), "--jobs", "1"]) == 0
    code, out, _ = run(str(tmp_path / "tables"))
    assert code == 0 and re.search(r"^\(no code\) +backward +1 ", out, re.MULTILINE)
    assert "sessions without a code of their own count as one subject" in out and "\nall" not in out
    rows = pq.read_table(tmp_path / "tables" / "bare.parquet").select(["subject", "started"]).to_pylist()
    assert rows[0] == {"subject": None, "started": None}


# ------------------------------------------------------------------------------------------------------- going wrong


def test_tables_that_cannot_be_read_are_listed(run: Run, root: Path, tmp_path: Path) -> None:
    tables = shutil.copytree(root / "tables", tmp_path / "tables")
    torn = tables / "home" / "a.parquet"
    torn.write_bytes(torn.read_bytes()[:-100])
    pq.write_table(pa.table({"theirs": [1]}), tables / "other.parquet")
    code, out, error = run(str(tables))
    assert code == 6 and error.startswith("failed: home/a.parquet: cannot read ") and error.count("\n") == 1
    assert "Parquet files of another make, passed by: 1" in out and "sessions without strides: 1 of 4" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "nowhere is no folder: name the one that `retrosole batch --out` filled"),
        (("sessions",), "sessions has no table of `retrosole batch` in it"),
        (("tables", "--csv", "x.csv", "--json"), "--csv and --json exclude each other"),
    ],
)
def test_what_cannot_be_done(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, out, error = run(*arguments)
    assert code == 2 and not out and error.startswith("retrosole: ") and words in error and error.count("\n") == 1


# ------------------------------------------------------------------------------------------------------------ DuckDB


def queries(text: str) -> list[tuple[str, str]]:
    """Give each query of a document, and the paragraph above it."""
    parts = text.split("```")
    fenced = zip(parts[::2], parts[1::2], strict=False)
    return [(above.strip().split("\n\n")[-1], code[3:]) for above, code in fenced if code.startswith("sql")]


@pytest.fixture(scope="module")
def answers(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Give what DuckDB answers to each query of the document, by the words above it."""
    text = (ROOT / "docs" / "many-sessions.md").read_text(encoding="utf-8")
    found = {}
    shutil.copytree(root / "tables", (folder := tmp_path_factory.mktemp("duckdb")) / "tables")
    with pytest.MonkeyPatch.context() as patched, duckdb.connect() as base:
        patched.chdir(folder)
        for words, query in queries(text):
            answer = base.sql(query)
            rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()] if answer else []
            found[" ".join(words.split())] = rows
        found["usable.parquet"] = [{"rows": pq.read_metadata("usable.parquet").num_rows}]
    assert len(found) - 1 == text.count("```sql") == 8
    return found


def answer_to(answers: dict[str, list[dict[str, Any]]], words: str) -> list[dict[str, Any]]:
    (rows,) = [rows for heading, rows in answers.items() if words in heading]
    return rows


def test_duckdb_counts(answers: dict[str, list[dict[str, Any]]], analyses: dict[str, Analysis]) -> None:
    rows = answer_to(answers, "Every subject")
    assert [(row["subject"], row["sessions"]) for row in rows] == [("P01", 2), ("P02", 2)], "standing has no rows"
    usable_n = sum(sum(one.usable_n.values()) for one in analyses.values())
    assert sum(row["usable"] for row in rows) == usable_n == answers["usable.parquet"][0]["rows"]
    left_out = {row["left_out"]: row["strides"] for row in answer_to(answers, "What was left out")}
    assert sum(left_out.values()) == sum(row["strides"] - row["usable"] for row in rows)


def test_duckdb_and_study_agree(answers: dict[str, list[dict[str, Any]]], run: Run) -> None:
    found = lines(run)
    for row in answer_to(answers, "Mean of the sessions' means"):
        one = found[row["subject"], "backward", "stance_s"]
        got = [row["stance_s"], row["sd_between_s"], row["cv_within_percent"]]
        assert got == pytest.approx([one["mean"], one["sd_between"], one["cv_within_percent"]], rel=1e-9)
    shares = answer_to(answers, "Toe-first share")
    assert [row["session"] for row in shares] == list(SESSIONS[:4]), "by subject, in order of time"
    means = [row["toe_first_percent"] for row in shares]
    for k, subject in ((0, "P01"), (2, "P02")):
        assert np.mean(means[k : k + 2]) == pytest.approx(found[subject, "backward", "toe_first_percent"]["mean"])


def test_duckdb_on_feet_and_halves(answers: dict[str, list[dict[str, Any]]], analyses: dict[str, Analysis]) -> None:
    rows = answer_to(answers, "Left against right")
    assert [row["session"] for row in rows] == list(SESSIONS[:3]), "of two feet"
    for row in rows:
        assert row["stance_asymmetry_percent"] == pytest.approx(analyses[row["session"]].asymmetry["stance_s"])
    halves = answer_to(answers, "Steadiness")
    assert len(halves) == 7 and all(0 < row["early_cv_percent"] < 20 and row["late_cv_percent"] > 0 for row in halves)


def test_duckdb_reads_the_metadata(answers: dict[str, list[dict[str, Any]]], analyses: dict[str, Analysis]) -> None:
    rows = {row["session"]: row for row in answer_to(answers, "A session without strides")}
    assert set(rows) == set(SESSIONS)
    for name, one in analyses.items():
        expected = (one.duration_s / 60, len(one.table["side"]), 0)
        assert (rows[name]["minutes"], rows[name]["strides"], rows[name]["samples_missing"]) == pytest.approx(expected)
    assert rows["home/still"]["strides"] == 0 and rows["home/still"]["subject"] == "P02"
