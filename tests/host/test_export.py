"""`retrosole export`: what each format's own reader reads is what the session holds, for sessions of every kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from exported import (
    HOST_US,
    HOSTILE,
    KINDS,
    UNIX_US,
    WEIRD_SUBJECT,
    WITHIN_S,
    bids_file,
    bids_foot,
    bids_problems,
    csv_foot,
    imported_sides,
    npz_foot,
    opengo_sides,
    parquet_foot,
    read_csv,
    same,
    walk,
    xdf_foot,
    xdf_streams,
)

from retrosole.cli import run
from retrosole.export.columns import EVENT_COLUMNS
from retrosole.export.moticon import nearest, rows_of
from retrosole.gait.analysis import analyse
from retrosole.gait.table import EXTENDED_COLUMNS, as_gaitmap
from retrosole.session.reader import Session, open_session

pytestmark = pytest.mark.filterwarnings("error")

READERS = {"csv": (csv_foot, WITHIN_S), "parquet": (parquet_foot, 0.0), "npz": (npz_foot, 0.0), "xdf": (xdf_foot, 0.0)}
OUT = {"csv": "out", "parquet": "out", "npz": "out.npz", "xdf": "out.xdf", "moticon": "out.txt", "bids": "out"}
SIX = ("hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral")


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    root = tmp_path_factory.mktemp("sessions")
    return {kind: make(root / kind) for kind, make in KINDS.items()}


@pytest.fixture
def exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Export by the command line; give where it is."""

    def export(session: Session, form: str, *more: str, code: int = 0) -> Path:
        out = tmp_path / OUT[form]
        assert run(["export", str(session.path), "--to", form, "--out", str(out), *more]) == code
        told = capsys.readouterr()
        assert told.out == "" and "bug" not in told.err
        assert code or all(f"{side}: " in told.err for side in session.sides)
        return out

    return export


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", READERS)
def test_samples_come_back_as_they_are(sessions: dict[str, Session], exported: Any, form: str, kind: str) -> None:
    session, (read, within_s) = sessions[kind], READERS[form]
    out = exported(session, form)
    for side in session.sides:
        same(read(out, side), session, side, within_s)  # type: ignore[operator]
    # the test has what it is about
    truth = [session.samples(side)[1] for side in session.sides]
    assert kind == "nothing" or all((counts == 4095).any() for counts in truth)
    assert kind != "gappy" or all(len(counts) < 12 * 200 - 60 for counts in truth)


# ---------------------------------------------------------------------------------------------------------------- csv


@pytest.mark.parametrize("kind", KINDS)
def test_csv_is_described(sessions: dict[str, Session], exported: Any, kind: str) -> None:
    session = sessions[kind]
    folder = exported(session, "csv")
    dictionary = json.loads((folder / "dictionary.json").read_text(encoding="utf-8"))
    assert set(dictionary["files"]) == {path.name for path in folder.iterdir()} - {"dictionary.json"}
    for name, columns in dictionary["files"].items():
        header = (folder / name).read_text(encoding="utf-8").split("\n", 1)[0]
        assert header.split(",") == [column["name"] for column in columns]
        assert all(column["definition"] and column["source"] for column in columns)
    if kind != "nothing":
        header = (folder / "samples_left.csv").read_text().split("\n", 1)[0]
        assert header == ",".join(["sample", "time_s", *(f"{name}_counts" for name in SIX)])
    assert ("cannot be compared" in dictionary["clock"]) == (kind == "apart")
    assert (dictionary["clock_sigma_s"] is not None) == (kind in ("both", "gappy", "hostile"))
    losses = session.losses["left"]
    assert dictionary["feet"]["left"]["losses"]["received_n"] == losses.received_n
    assert dictionary["feet"]["left"]["losses"]["lost_line_n"] == losses.lost_line_n
    assert kind != "gappy" or losses.lost_line_n > 0 < losses.hole_n


def test_csv_strides_are_those_of_the_gait_command(sessions: dict[str, Session], exported: Any, tmp_path: Path) -> None:
    session = sessions["both"]
    folder = exported(session, "csv")
    assert run(["gait", str(session.path), "--csv", str(tmp_path / "gait.csv")]) == 0
    assert (folder / "strides.csv").read_bytes() == (tmp_path / "gait.csv").read_bytes()
    truth = as_gaitmap(analyse(session).table, 200)["left"]
    rows = read_csv(folder / "strides_gaitmap_left.csv")
    assert [int(row["s_id"]) for row in rows] == truth["s_id"].tolist() and rows
    for name in ("start", "end", "ic", "tc"):
        assert np.allclose([float(row[name]) for row in rows], truth[name], atol=6e-4, rtol=0)


def test_csv_words_are_safe_in_a_spreadsheet(sessions: dict[str, Session], exported: Any) -> None:
    folder = exported(sessions["hostile"], "csv")
    raw = (folder / "events.csv").read_bytes()
    assert b"\t" not in raw and b"\r" not in raw and b"\0" not in raw
    rows = read_csv(folder / "events.csv")
    assert [row["kind"] for row in rows] == ["mark", "mark", "note", "note"]
    assert [row["side"] for row in rows] == ["left", "right", "both", "both"] or rows[0]["side"] == "right"
    assert rows[2]["text"] == "'=HYPERLINK(\"x\") b c \"d\",'e' <&> ä" and rows[3]["text"] == "plain words"
    assert all(abs(float(row["time_s"]) - 2.0) < 0.01 and row["code"] == "7" for row in rows[:2])
    assert abs(float(rows[2]["time_s"]) - 4.0) < 0.01 and abs(float(rows[3]["time_s"]) - 5.0) < 0.01
    for path in folder.glob("*.csv"):
        for row in read_csv(path):
            assert not any(cell[:1] in ("=", "+", "@", "\t") for cell in row.values())
    assert json.loads((folder / "dictionary.json").read_text())["subject"] == WEIRD_SUBJECT


# ------------------------------------------------------------------------------------------------------ parquet, numpy


@pytest.mark.parametrize("kind", KINDS)
def test_parquet_strides_and_metadata(sessions: dict[str, Session], exported: Any, kind: str) -> None:
    session = sessions[kind]
    folder = exported(session, "parquet")
    table, truth = pyarrow.parquet.read_table(folder / "strides.parquet"), analyse(session).table
    assert table.column_names == list(EXTENDED_COLUMNS) and table.num_rows == len(truth["side"])
    for name in EXTENDED_COLUMNS:
        told = [None if value != value else value for value in truth[name].tolist()]
        assert table[name].to_pylist() == told
    said = json.loads(table.schema.metadata[b"retrosole"])
    assert said["software"]["retrosole"] and said["session"] == kind and "no newtons" in said["counts"]
    assert table.schema.field("stance_s").metadata[b"unit"] == b"s"
    events = pyarrow.parquet.read_table(folder / "events.parquet")
    assert events.column_names == [column.name for column in EVENT_COLUMNS]
    if kind == "hostile":
        assert events["text"].to_pylist()[2:] == [HOSTILE, "plain words"]  # as it was written, to the letter
        assert events["code"].to_pylist() == [7, 7, None, None]


def test_parquet_is_stored_as_decided(sessions: dict[str, Session], exported: Any) -> None:
    file = pyarrow.parquet.ParquetFile(exported(sessions["both"], "parquet") / "samples_left.parquet")
    assert file.schema_arrow.field("met1_counts").type == pa.uint16()
    assert file.schema_arrow.field("met1_counts").metadata[b"unit"] == b"counts"
    for k in range(file.metadata.num_columns):
        column = file.metadata.row_group(0).column(k)
        assert column.compression == "ZSTD" and "BYTE_STREAM_SPLIT" in column.encodings
        assert not column.has_dictionary_page
    assert file.metadata.row_group(0).column(4).statistics.null_count > 0


def test_npz_has_everything_without_pickles(sessions: dict[str, Session], exported: Any) -> None:
    session = sessions["hostile"]
    with np.load(exported(session, "npz"), allow_pickle=False) as arrays:
        said = json.loads(str(arrays["about"]))
        assert said["made"] == "npz" and said["feet"]["left"]["rate_hz"] == 200
        assert arrays["left_channels"].tolist() == list(SIX)
        truth = analyse(session).table
        for name in EXTENDED_COLUMNS:
            assert np.array_equal(arrays[f"strides_{name}"], truth[name], equal_nan=truth[name].dtype.kind == "f")
        assert arrays["events_kind"].tolist() == ["mark", "mark", "note", "note"]
        assert arrays["events_text"][2] == HOSTILE.replace("\0", "\u2400")


# ---------------------------------------------------------------------------------------------------------------- xdf


def test_xdf_clock_offsets_lead_to_the_clock_of_the_host(sessions: dict[str, Session], exported: Any) -> None:
    session = sessions["gappy"]
    out = exported(session, "xdf")
    for how in ({"synchronize_clocks": True}, {"synchronize_clocks": True, "dejitter_timestamps": True}):
        streams = xdf_streams(out, **how)
        for side in session.sides:
            stamps = np.asarray(streams[f"retrosole-{side}"]["time_stamps"])
            offset_s = stamps - session.times_s(side)
            assert np.abs(offset_s - HOST_US / 1e6).max() < 0.003
            assert "dejitter_timestamps" in how or np.ptp(offset_s) < 1e-6  # feet stay on their common clock


def test_xdf_of_feet_apart_has_no_clock_offsets(sessions: dict[str, Session], exported: Any) -> None:
    streams = xdf_streams(exported(sessions["apart"], "xdf"))
    assert not streams["retrosole-left"]["footer"]["info"]["clock_offsets"][0]
    assert "cannot be compared" in streams["retrosole-left"]["info"]["desc"][0]["synchronization"][0]["time_source"][0]


def test_xdf_streams_say_what_they_are(sessions: dict[str, Session], exported: Any) -> None:
    session = sessions["hostile"]
    streams = xdf_streams(exported(session, "xdf"))
    left = streams["retrosole-left"]
    assert float(left["info"]["nominal_srate"][0]) == 200 and left["info"]["type"] == ["Pressure"]
    channels = left["info"]["desc"][0]["channels"][0]["channel"]
    assert [channel["label"][0] for channel in channels] == ["sample", *SIX]
    assert [channel["unit"][0] for channel in channels] == ["1", *["counts"] * 6]
    assert left["info"]["desc"][0]["losses"][0]["received_n"] == [str(session.losses["left"].received_n)]
    assert left["footer"]["info"]["sample_count"] == [str(len(session.samples("left")[0]))]
    markers = streams["retrosole-markers"]
    told = [json.loads(row[0]) for row in markers["time_series"]]
    strides = [one for one in told if one["event"] == "stride"]
    assert len(strides) == len(session.strides) > 4
    for stride in session.strides:
        (one,) = [s for s in strides if (s["side"], s["stride"]) == (stride.side, stride.stride)]
        assert one["direction"] == stride.direction and abs(one["final_contact_s"] - stride.final_contact_s) < 1e-6
    assert [one["text"] for one in told if one["event"] == "note"] == [HOSTILE, "plain words"]
    assert np.all(np.diff(markers["time_stamps"]) >= 0)


# ------------------------------------------------------------------------------------------------------------ moticon


@pytest.mark.parametrize("kind", ["both", "one", "gappy", "hostile"])
def test_moticon_text_is_read_by_the_vendors_library_and_by_the_importer(
    sessions: dict[str, Session], exported: Any, kind: str
) -> None:
    session = sessions[kind]
    out = exported(session, "moticon")
    measured, theirs = opengo_sides(out)
    for found in (theirs, imported_sides(out)):
        for side in session.sides:
            index, counts = session.samples(side)
            told = np.where(counts == 4095, -1, counts.astype(int))
            wanted = np.full((len(index), 16), -1)
            wanted[:, [13, 8, 10, 12, 0, 1]] = told  # hallux, met 1, 3, 5, heel medial, lateral; nothing else
            assert np.array_equal(found[side].counts, wanted)
            off_s = np.abs(found[side].time_s - session.times_s(side))
            assert off_s.max() <= (WITHIN_S if side == "left" else 0.0025 + WITHIN_S)
    assert measured.side_data and all(np.isnan(data.total_force).all() for data in measured.side_data.values())
    assert all(np.isnan(data.acceleration).all() and np.isnan(data.cop).all() for data in measured.side_data.values())
    assert "COUNTS" in measured.comment and "NOT N/cm2" in measured.comment
    assert not any("N/cm" in name for name in measured.channel_names)
    check_steps(session, measured)


def check_steps(session: Session, measured: Any) -> None:
    whole = [stride for stride in session.strides if not math.isnan(stride.final_contact_s)]
    found = sorted(measured.steps, key=lambda step: step.heel_strike_idx)
    assert len(found) == len(whole) > 2
    for step, stride in zip(found, sorted(whole, key=lambda s: s.initial_contact_s), strict=True):
        assert step.side.name.lower() == stride.side
        # a step stands on a row of its foot, so at most half a period and half a gap away
        for row, at_s in ((step.heel_strike_idx, stride.initial_contact_s), (step.toe_off_idx, stride.final_contact_s)):
            assert abs(measured.time[row] - at_s) < 0.31


def test_moticon_trims_and_fills_as_usual(sessions: dict[str, Session], exported: Any) -> None:
    import moticon_opengo.txt_export as opengo

    measured = opengo.Measurement(str(exported(sessions["hostile"], "moticon")))
    assert not np.isnan(measured.side_data[opengo.Side.LEFT].pressure[:, 0]).any()
    assert f"{measured.start_time:%Y-%m-%dT%H:%M:%S}" == "2026-09-21T15:13:20"
    assert measured.name == WEIRD_SUBJECT and measured.tag == "retrosole" and measured.sensor_insole_size is None


@pytest.mark.parametrize(("kind", "text"), [("apart", "--side left or right"), ("nothing", "no samples")])
def test_moticon_refuses_what_it_cannot_say(
    sessions: dict[str, Session], capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, text: str
) -> None:
    arguments = ["export", str(sessions[kind].path), "--to", "moticon", "--out", str(tmp_path / "o.txt")]
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1 and not list(tmp_path.iterdir())
    assert kind != "apart" or run([*arguments, "--side", "right"]) == 0


def test_rows_hold_every_sample_once() -> None:
    dice = np.random.default_rng(5)
    for _ in range(200):
        left, right = (np.unique(dice.integers(0, 400, dice.integers(0, 60))) / 1000 for _ in range(2))
        times_s, rows = rows_of({"left": left, "right": right}, 0.0025)
        assert np.all(np.diff(times_s) >= 0) and np.array_equal(times_s[rows["left"]], left)
        assert len(np.unique(rows["right"])) == len(right) and np.all(np.diff(rows["right"]) > 0)
        assert np.all(np.abs(times_s[rows["right"]] - right) <= 0.0025 + 1e-9)
        assert len(times_s) == len(np.unique(np.concatenate([rows["left"], rows["right"]])))
        if len(left):
            truth = [int(np.argmin(np.abs(left - at_s))) for at_s in right]
            assert np.allclose(left[nearest(left, right)], left[truth])


# --------------------------------------------------------------------------------------------------------------- bids


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["both", "one", "gappy", "apart", "hostile"])
def test_bids_is_valid_and_holds_the_samples(sessions: dict[str, Session], exported: Any, kind: str) -> None:
    session = sessions[kind]
    out = exported(session, "bids")
    assert bids_problems(out) == []
    check_bids(session, out)


def check_bids(session: Session, out: Path) -> None:
    for side in session.sides:
        found = bids_foot(out, side)
        same(found, session, side, WITHIN_S)
        channels = bids_file(out, side, "channels.tsv").read_text().splitlines()
        assert [line.split("\t")[0] for line in channels[1:]] == ["latency", *SIX]
        assert {line.split("\t")[2] for line in channels[1:]} == {"LATENCY", "MISC"}
        sidecar = json.loads(bids_file(out, side, "motion.json").read_text())
        assert sidecar["SamplingFrequency"] == 200 and abs(sidecar["SamplingFrequencyEffective"] - 200) < 0.1
        assert sidecar["RetrosoleExport"]["feet"][side]["losses"]["received_n"] == len(found.index)
    strides = [row for path in out.rglob("*_events.tsv") for row in tsv(path) if row["trial_type"] == "stride"]
    assert len(strides) == len(session.strides) > 2
    for row in strides:
        (stride,) = [s for s in session.strides if (s.side, str(s.stride)) == (row["side"], row["stride"])]
        assert abs(float(row["onset"]) - stride.initial_contact_s) < WITHIN_S
        assert row["direction"] == stride.direction
        assert abs(float(row["duration"]) - stride.stance_s) < WITHIN_S


def tsv(path: Path) -> list[dict[str, str]]:
    head, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_bids_rows_are_sample_periods(sessions: dict[str, Session], exported: Any) -> None:
    out = exported(sessions["gappy"], "bids")
    check_bids(sessions["gappy"], out)
    rows = [line.split("\t") for line in bids_file(out, "left", "motion.tsv").read_text().splitlines()]
    assert len(rows) == 12 * 200 and {len(row) for row in rows} == {7}
    assert np.allclose(np.diff([float(row[0]) for row in rows]), 0.005, atol=1e-4)  # also where nothing was taken
    assert sum(row[1:] == ["n/a"] * 6 for row in rows) > 60


def test_bids_says_when_it_was(sessions: dict[str, Session], exported: Any) -> None:
    out = exported(sessions["hostile"], "bids")
    scans = tsv(next(out.rglob("*_scans.tsv")))
    assert len(scans) == 2 and len({row["acq_time"] for row in scans}) == 1  # LATENCY tells the feet apart
    assert scans[0]["acq_time"].startswith("2026-09-21T14:13:20.0")
    assert UNIX_US // 1_000_000 == 1790000000
    assert {row["participant_id"]: row["code"] for row in tsv(out / "participants.tsv")} == {
        "sub-P07x": f"'{WEIRD_SUBJECT}"
    }
    assert next(out.glob("sub-*/ses-*")).name == "ses-20261121T101530"
    notes = [row for row in tsv(next(out.rglob("*_events.tsv"))) if row["trial_type"] == "note"]
    assert len(notes) == 2 and notes[0]["text"].startswith("'=HYPERLINK") and "\t" not in notes[0]["text"]


@pytest.mark.slow
def test_sessions_share_a_data_set(
    sessions: dict[str, Session], exported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = exported(sessions["both"], "bids")
    (out / "participants.tsv").write_text("participant_id\tcode\tage\nsub-anonymous\tn/a\t61\n")
    assert exported(sessions["one"], "bids") == exported(sessions["hostile"], "bids") == out
    assert exported(sessions["both"], "bids") == out  # again: in its own place
    assert sorted(path.parent.name + "/" + path.name for path in out.glob("sub-*/ses-*")) == [
        "sub-P07x/ses-20261121T101530",
        "sub-anonymous/ses-both",
        "sub-anonymous/ses-one",
    ]
    people = tsv(out / "participants.tsv")
    assert [row["age"] for row in people] == ["61", "n/a"]  # what was entered there stays
    meanings = {"code": {"Description": "c"}, "age": {"Description": "a", "Units": "year"}}
    (out / "participants.json").write_text(json.dumps(meanings))
    assert bids_problems(out) == []


def test_codes_that_bids_writes_alike_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k, (subject, code) in enumerate((("P-07", 0), ("P07", 2), ("P-07", 0))):
        session = walk(tmp_path / f"S{k}", 4.0)
        info = {"format": "retrosole session", "format_version": 1, "subject": subject}
        (session.path / "session.json").write_text(json.dumps(info))
        assert open_session(session.path).info["subject"] == subject
        assert run(["export", str(session.path), "--to", "bids", "--out", str(tmp_path / "set")]) == code
    assert "sub-P07 is subject P-07" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "set" / "sub-P07").iterdir()} == {"ses-S0", "ses-S2"}
