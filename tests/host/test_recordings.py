"""Recordings: every format from literal text, every bad input, and the real files if present."""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrosole.errors import DamagedDataError, UsageError
from retrosole.session import recording as recording_module
from retrosole.session.recording import Recording, load_recording, read_recording, write_pressure_csv
from retrosole.twin.front_end import REALISTIC
from retrosole.twin.sensor_map import sensor_weights, sensors_covered, sensors_in_zone
from retrosole.twin.source import SOURCE_RATE_HZ, from_recording, write

CHANNELS = (
    ("forefoot", "hallux"),
    ("forefoot", "met1"),
    ("forefoot", "met3"),
    ("forefoot", "met5"),
    ("heel", "heel_medial"),
    ("heel", "heel_lateral"),
)
GAITPDB = (
    "0.0000\t10\t20\t30\t4\t5\t60\t70\t80\t1\t2\t3\t4\t5\t6\t7\t8\t279\t36\n"
    "0.0100\t11\t21\t31\t4\t5\t61\t71\t81\t1\t2\t3\t4\t5\t6\t7\t8.5\t285\t36.5\n"
    "0.0200\t12\t22\t32\t4\t5\t62\t72\t82\t1\t2\t3\t4\t5\t6\t7\t9\t291\t37\n"
)
CSV = (
    "# made by hand\n"
    "# unit: N\n"
    "time_s,left_heel_medial,left_forefoot_met1,right_heel_medial,right_forefoot_met1\n"
    "0.00,100,0,0,50\n"
    "# a comment in between\n"
    "0.01,200,10,,60\n"
    "0.02,300,20,4,70\n"
)


def moticon_text(rows: int = 5) -> str:
    """Make an export in which the right foot starts two rows later; left sensor k reads k.25."""
    titles = ["# time"]
    for side in ("left", "right"):
        titles += [f"{side} pressure {k}[N/cm²]" for k in range(1, 17)] + [f"{side} total force[N]"]
    lines = [
        "# Start time: 27.09.2023 10:21:14.922",
        "# Name: walk",
        "\t".join([*titles, "Events label[]"]),
    ]
    for row in range(rows):
        left = [f"{k}.25" for k in range(1, 17)] + ["500.0"]
        right = [""] * 17 if row < 2 else [f"{k}.50" for k in range(1, 17)] + ["400.0"]
        lines.append("\t".join([f"{row * 0.01:.2f}", *left, *right, "Event" if row == 1 else ""]))
    return "\n".join(lines) + "\n"


def load_text(tmp_path: Path, text: str | bytes) -> Recording:
    path = tmp_path / "walk.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_recording(path)


def test_gaitpdb_columns_zones_and_unit(tmp_path: Path) -> None:
    recording = load_text(tmp_path, GAITPDB)
    left, right = recording.sides["left"], recording.sides["right"]
    assert recording.source == "gaitpdb"
    assert left.unit == "N"
    assert left.pressure[1].tolist() == [11, 21, 31, 4, 5, 61, 71, 81]
    assert right.pressure[:, 7].tolist() == [8, 8.5, 9]
    assert left.zones == ("heel",) * 3 + ("midfoot",) * 2 + ("forefoot",) * 2 + ("toes",)
    assert recording.duration_s == pytest.approx(0.02)


def test_moticon_sides_start_apart_and_text_columns_are_left_out(tmp_path: Path) -> None:
    recording = load_text(tmp_path, moticon_text())
    left, right = recording.sides["left"], recording.sides["right"]
    assert recording.source == "moticon"
    assert right.unit == "N/cm2"
    assert left.pressure.shape == right.pressure.shape == (5, 16)
    assert np.isnan(right.pressure[:2]).all()
    assert not np.isnan(right.pressure[2:]).any()
    assert right.pressure[2].tolist() == [k + 0.5 for k in range(1, 17)]
    assert left.zones[3:5] == ("heel", "midfoot")
    assert left.zones[12:14] == ("forefoot", "toes")


def test_moticon_without_one_side(tmp_path: Path) -> None:
    recording = load_text(tmp_path, moticon_text(rows=2))
    assert list(recording.sides) == ["left"]


def test_pressure_csv_comments_empty_cells_and_unit(tmp_path: Path) -> None:
    recording = load_text(tmp_path, CSV)
    left, right = recording.sides["left"], recording.sides["right"]
    assert recording.source == "pressure_csv"
    assert left.unit == "N"
    assert left.names == ("medial", "met1")
    assert left.zones == ("heel", "forefoot")
    assert left.pressure.tolist() == [[100, 0], [200, 10], [300, 20]]
    assert np.isnan(right.pressure[1, 0])
    assert right.pressure[1, 1] == 60


@pytest.mark.parametrize("text", [GAITPDB, moticon_text(), CSV])
def test_gzip_crlf_and_byte_order_mark_change_nothing(tmp_path: Path, text: str) -> None:
    plain = load_text(tmp_path, text)
    for other in (
        gzip.compress(text.encode()),
        text.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + text.encode(),
    ):
        again = load_text(tmp_path, other)
        for side in plain.sides:
            np.testing.assert_array_equal(again.sides[side].pressure, plain.sides[side].pressure)
            np.testing.assert_array_equal(again.sides[side].time_s, plain.sides[side].time_s)


def test_csv_export_reads_back_the_same(tmp_path: Path) -> None:
    for text in (GAITPDB, moticon_text(), CSV):
        first = load_text(tmp_path, text)
        out = io.StringIO()
        assert write_pressure_csv(first, out) == len(first.sides["left"].time_s)
        again = load_text(tmp_path, out.getvalue())
        assert list(again.sides) == list(first.sides)
        for side, was in first.sides.items():
            now = again.sides[side]
            assert now.unit == was.unit
            for zone in set(was.zones):
                columns = [k for k, name in enumerate(was.zones) if name == zone]
                order = sorted(columns, key=lambda k: was.across[k])
                back = [k for k, name in enumerate(now.zones) if name == zone]
                np.testing.assert_array_equal(now.pressure[:, back], was.pressure[:, order])


def bad_gaitpdb(line: int, old: str, new: str) -> str:
    lines = GAITPDB.split("\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "\n".join(lines)


_HEADER = "time_s,left_heel_a,left_forefoot_b\n"
ROWS = "".join(f"{k / 100:.2f},{k % 7 + 1},1\n" for k in range(1000))
BAD = {
    "empty": ("", "the file is empty"),
    "blank": ("\n\n \n", "the file is empty"),
    "foreign": ("Dear reader,\nhello\n", "line 1: 'Dear reader,' is of no known format; expected 19 numbers"),
    "binary": (b"\x7fELF\n\x01\x00\x02", "line 2: binary data"),
    "other numbers": ("1\t2\t3\n4\t5\t6\n", "line 1: 3 columns, expected 19"),
    "torn row": (GAITPDB[:-40], "line 3: 3 columns, expected 19; the file looks cut short here"),
    "empty row": (GAITPDB.replace("\n", "\n\n", 1), "line 2: 0 columns, expected 19"),
    "word": (bad_gaitpdb(2, "\t21\t", "\ttwo\t"), "line 2, column 3: 'two', expected a number"),
    "huge number": (bad_gaitpdb(3, "\t22\t", "\t1e300\t"), "line 3: a pressure beyond 1000000 N"),
    "infinite": (bad_gaitpdb(3, "\t22\t", "\tinf\t"), "line 3: a pressure beyond 1000000 N"),
    "huge time": (bad_gaitpdb(3, "0.0200", "1e300"), "line 3: time 1e+300 s"),
    "no time": (bad_gaitpdb(2, "0.0100", ""), "line 2: the time is no number"),
    "time back": (bad_gaitpdb(3, "0.0200", "0.0050"), "line 3: time 0.005 s after 0.01 s"),
    "time twice": (bad_gaitpdb(2, "0.0100", "0.0000"), "line 2: time 0 s after 0 s"),
    "one row": (GAITPDB.split("\n")[0], "1 row of samples, expected at least 2"),
    "too long": (_HEADER + "0,1,1\n0.01,1,1\n7300,1,1\n", "line 4: time 7300 s, 7300 s in all"),
    "too slow": (_HEADER + "0,1,1\n1,1,1\n2,1,1\n", "1 samples per second, expected 20 to 2000"),
    "milliseconds": (_HEADER + "0,1,1\n10,1,1\n20,1,1\n", "are the times in seconds?"),
    "too fast": (_HEADER + "0,1,1\n0.0001,1,1\n", "1e+04 samples per second"),
    "no rows": (_HEADER, "line 1: the file ends, expected rows of samples"),
    "csv column": (
        "time_s,left_heel_a,speed\n0,1,2\n",
        "line 1, column 3: 'speed', expected (left",
    ),
    "csv twice": (_HEADER.replace("forefoot_b", "heel_a") + "0,1,2\n", "'left_heel_a' twice"),
    "csv no columns": ("time_s\n0\n1\n", "line 1: 'time_s', expected time_s and different columns"),
    "csv unit": (
        "# unit: stone\n" + _HEADER + "0,1,1\n",
        "line 1: unit 'stone', expected one of N",
    ),
    "csv torn": (_HEADER + "0,1,1\n0.01,1", "line 3: 2 columns, expected 3; the file looks cut"),
    "csv cell": (_HEADER + "0,1,1\n0.01,1,1_0\n", "line 3, column 3: '1_0', expected a number"),
    "utf-16": ((_HEADER + "0,1,1\n").encode("utf-16"), "line 1: the text is UTF-16, expected UTF-8"),
    "only comments": ("# unit: N\n#\n", "nothing but comments; expected 19 numbers"),
    "milliseconds, long": (_HEADER + ROWS.replace(".", "0"), "s in all, expected at most 7200 s; are the times in sec"),
    "csv semicolons": (
        "# unit: N\n" + (_HEADER + ROWS).replace(",", ";"),
        "line 2: the titles in 'time_s;left_heel_a;left_forefoot_b' are separated by semicolons, expected commas",
    ),
    "csv tabs": ((_HEADER + ROWS).replace(",", "\t"), "line 1: the titles in 'time_s\\tleft_heel_a\\tleft_forefo"),
    "csv semicolon rows": (
        _HEADER + ROWS.replace(",", ";"),
        "line 2: 1 column, expected 3; they are separated by semicolons, expected commas",
    ),
    "csv decimal commas": (
        _HEADER + ROWS.replace(".", ","),
        "line 2: 4 columns, expected 3; numbers have a point, no comma",
    ),
    "csv no header": (ROWS, "line 1: '0.00,1,1' is data without a header; expected a line such as 'time_s,left_heel"),
    "csv no header, unit": ("# unit: N\n" + ROWS, "line 2: '0.00,1,1' is data without a header"),
    "gaitpdb commas": (GAITPDB.replace("\t", ","), "or 19 numbers with tabs between them (PhysioNet gaitpdb)"),
    "csv title first": (
        "My walk\n" + _HEADER + ROWS,
        "line 2: the header stands behind line 1, 'My walk'; expected nothing but # lines above",
    ),
    "csv header late": (ROWS + _HEADER + ROWS, "line 1001: the header stands behind line 1, '0.00,1,1'"),
    "csv header a comment": (
        "# " + _HEADER + ROWS,
        "line 1: the header '# time_s,left_heel_a,left_forefoot_b' is a comment; expected it without #",
    ),
    "csv header twice": (_HEADER + ROWS + _HEADER, "line 1002, column 1: 'time_s', expected a number"),
    "csv time": (_HEADER.replace("_s", "") + ROWS, "line 1: the first column is 'time', expected time_s, in seconds"),
    "csv empty line": (
        "# a\n" + _HEADER + "0,1,1\n\n0.01,1,1\n",
        "line 4: 0 columns, expected 3; an empty line may stand at the end only",
    ),
    "csv two units": (
        "# unit: N\n" + _HEADER + "# unit: kPa\n" + ROWS,
        "line 3: unit kPa after unit N, expected one for all",
    ),
    "csv no unit": ("# unit:\n" + _HEADER + ROWS, "line 1: unit '', expected one of N, N/cm2, kPa, counts, unknown"),
    "moticon semicolons": (
        moticon_text().replace("\t", ";"),
        "line 3: the titles in 'time;left pressure 1[N/cm²];left pressur...' are separated by semicolons, expected t",
    ),
    "moticon sensors": (
        moticon_text().replace("left pressure 16", "left pressing 16"),
        "line 3: 15 left pressure columns, expected 1 to 16",
    ),
    "moticon none": (
        moticon_text().replace(" pressure ", " temperature "),
        "line 3: no pressure columns, expected 'left pressure 1[N/cm²]'",
    ),
    "moticon torn": (moticon_text()[:-60], "line 8: "),
    "moticon no rows": (moticon_text(rows=0), "line 3: the file ends"),
    "gzip torn": (gzip.compress(GAITPDB.encode())[:-12], "the gzip data is torn"),
    "gzip damaged": (
        gzip.compress(GAITPDB.encode())[:30] + b"\xff" * 30,
        "the gzip data is torn",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_recording_gives_one_clear_line(tmp_path: Path, case: str) -> None:
    text, expected = BAD[case]
    with pytest.raises(DamagedDataError) as caught:
        load_text(tmp_path, text)
    message = str(caught.value)
    assert expected in message
    assert message.startswith(str(tmp_path))
    assert "\n" not in message


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("# unit: N\n", "  #UNITS : n \n"),
        lambda text: text.replace("# unit: N\n", '"# unit: N",,,\n'),
        lambda text: text.replace("# unit: N\n", "") + "# unit: N\n",
        lambda text: text.replace("# unit: N\n", "\n# unit: N\n\n"),
        lambda text: text.replace("time_s,left_heel_a", "Time_s, Left_HEEL_a "),
        lambda text: text.replace("time_s,left_heel_a", '"time_s","left_heel_a"'),
        lambda text: text.replace(",", " , "),
        lambda text: text + "\n  \n\t\n",
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
    ],
)
def test_what_is_harmless_in_a_csv_changes_nothing(tmp_path: Path, change: Callable[[str], str]) -> None:
    text = "# unit: N\n" + _HEADER + ROWS
    assert change(text) != text
    plain, again = (load_text(tmp_path, one).sides["left"] for one in (text, change(text)))
    assert (again.unit, again.names, again.zones) == ("N", ("a", "b"), ("heel", "forefoot"))
    np.testing.assert_array_equal(again.time_s, plain.time_s)
    np.testing.assert_array_equal(again.pressure, plain.pressure)


@pytest.mark.parametrize(
    ("typed", "unit"),
    [("KPA", "kPa"), ("n/cm²", "N/cm2"), ("N / cm^2", "N/cm2"), ("Counts", "counts"), ("Unknown", "unknown")],
)
def test_units_may_be_typed_otherwise(tmp_path: Path, typed: str, unit: str) -> None:
    text = f"# unit: {typed}\n" + _HEADER + ROWS
    assert load_text(tmp_path, text).sides["left"].unit == unit
    assert load_text(tmp_path, text.encode("latin-1")).sides["left"].unit == unit


def test_rows_that_end_in_empty_cells_stay_whole(tmp_path: Path) -> None:
    lines = moticon_text().rstrip("\n").split("\n")
    assert lines[-1].endswith("\t")
    assert len(load_text(tmp_path, "\n".join(lines)).sides["left"].time_s) == 5


def test_pipes_are_read_like_files(tmp_path: Path) -> None:
    for packed in (False, True):
        reading, writing = os.pipe()
        os.write(writing, gzip.compress(CSV.encode()) if packed else CSV.encode())
        os.close(writing)
        with open(reading, "rb") as file:
            recording = read_recording(file, "pipe")
        assert recording.sides["left"].pressure.tolist() == load_text(tmp_path, CSV).sides["left"].pressure.tolist()


def test_moticon_without_any_sample(tmp_path: Path) -> None:
    lines = moticon_text(rows=2).split("\n")
    for k in (3, 4):
        lines[k] = lines[k].split("\t")[0] + "\t" * (lines[2].count("\t"))
    with pytest.raises(DamagedDataError, match="no pressure sample on either side"):
        load_text(tmp_path, "\n".join(lines))


def test_missing_file_and_folder_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.txt", tmp_path):
        with pytest.raises(UsageError, match="cannot open the recording"):
            load_recording(path)


@pytest.mark.parametrize("packed", [False, True])
def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(recording_module, "MAX_TEXT_BYTES", 3 * 2**20)
    bomb = b"0" * (5 * 2**20)
    with pytest.raises(DamagedDataError, match="more than 3 MiB of text"):
        load_text(tmp_path, gzip.compress(bomb) if packed else bomb)


def test_line_count_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MAX_LINES", 2)
    with pytest.raises(DamagedDataError, match="more than 2 lines"):
        load_text(tmp_path, GAITPDB)


def test_gap_that_no_line_may_bridge_becomes_missing(tmp_path: Path) -> None:
    rows = [f"{k / 100:.2f},{k},{k}" for k in range(100) if not 30 <= k < 50]
    rows[10] = "0.10,,10"
    source = from_recording(load_text(tmp_path, _HEADER + "\n".join(rows)), CHANNELS)
    counts = source.counts["left"]
    assert counts.shape == (991, 6)
    missing = (counts == 4095).all(axis=1)
    assert missing[291:500].all()
    assert missing.sum() == 209
    assert not (counts[~missing] == 4095).any()


def test_sensors_read_in_turn_still_make_whole_records(tmp_path: Path) -> None:
    rows = [f"{k / 100:.2f},{'' if k % 2 else 5},{5 if k % 2 else ''}" for k in range(40)]
    counts = from_recording(load_text(tmp_path, _HEADER + "\n".join(rows)), CHANNELS).counts["left"]
    assert not (counts[10:380] == 4095).any()


def test_sides_share_one_axis(tmp_path: Path) -> None:
    source = from_recording(load_text(tmp_path, moticon_text(rows=50)), CHANNELS)
    assert source.counts["left"].shape == source.counts["right"].shape == (491, 6)
    assert (source.counts["right"][:20] == 4095).all()
    assert not (source.counts["right"][20:] == 4095).any()
    assert not (source.counts["left"] == 4095).any()


def test_resampling_is_linear_and_on_the_offset(tmp_path: Path) -> None:
    text = "# unit: N\n" + _HEADER + "5.00,0,0\n5.01,150,0\n5.02,0,75\n"
    counts = from_recording(load_text(tmp_path, text), (("forefoot", "b"), ("heel", "a"))).counts["left"]
    # 150 N of 1500 N are a tenth of the range above the offset of 30.
    assert counts[:, 1].tolist()[:11] == [round(30 + 4064 * 0.01 * k) for k in range(11)]
    assert counts[0].tolist() == [30, 30]
    assert counts[20].tolist() == [233, 30]


def test_every_sensor_of_a_zone_counts_once() -> None:
    zones = ("heel",) * 3 + ("midfoot",) * 2 + ("forefoot",) * 2 + ("toes",)
    across = (0.5, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.5)
    weights = sensor_weights(zones, across, CHANNELS)
    np.testing.assert_allclose(weights.sum(axis=0), [1, 1, 1, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(weights[0], [0, 0, 0, 0, 0, 0, 0, 1])
    assert weights[4, 2] == pytest.approx(1)
    assert weights[5, 1] == pytest.approx(1)
    assert sensors_covered(weights, CHANNELS) == pytest.approx([1, 1, 1, 1, 1.5, 1.5])
    assert sensors_in_zone(zones, CHANNELS) == [3] * 6


def test_zones_that_are_absent_fall_back() -> None:
    only_toes = sensor_weights(("heel", "toes"), (0.5, 0.5), CHANNELS)
    assert only_toes[:4, 1].tolist() == [0.25] * 4
    wide = (("toes", "t"), ("forefoot", "f"), ("midfoot", "m"), ("heel", "h"))
    no_toes = sensor_weights(("heel", "forefoot", "forefoot"), (0.5, 0.0, 1.0), wide)
    assert no_toes.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert sensors_covered(no_toes, wide) == [1, 1, 1, 1]
    apart = sensor_weights(("heel", "forefoot", "toes"), (0.5, 0.5, 0.5), wide)
    assert apart[:2].tolist() == [[0, 0, 1], [0, 1, 0]]
    with pytest.raises(DamagedDataError, match="no heel sensor in the recording"):
        sensor_weights(("forefoot",), (0.5,), CHANNELS)


def test_zone_sums_in_counts_follow_the_zone_sums_of_the_recording(tmp_path: Path) -> None:
    recording = load_text(tmp_path, moticon_text(rows=50))
    recording.sides["left"].pressure[:] *= np.linspace(0.1, 1.5, 50)[:, None] ** np.arange(16)
    recording.sides["left"].pressure[:] /= recording.sides["left"].pressure.max()
    counts = from_recording(recording, CHANNELS).counts["left"][:491:10].astype(float) - 30
    pressure = recording.sides["left"].pressure
    for columns, sensors, sensor_n in (
        (slice(0, 4), slice(8, 16), 3),
        (slice(4, 6), slice(0, 4), 2),
    ):
        expected = pressure[:, sensors].sum(axis=1) / (30 * sensor_n) * 4064
        np.testing.assert_allclose(counts[:, columns].sum(axis=1), expected, atol=2.5)


def test_recording_without_a_zone_is_refused(tmp_path: Path) -> None:
    text = "time_s,left_forefoot_b\n0,1\n0.01,1\n"
    with pytest.raises(DamagedDataError, match="left: no heel sensor"):
        from_recording(load_text(tmp_path, text), CHANNELS)
    with pytest.raises(UsageError, match="without channels"):
        from_recording(load_text(tmp_path, CSV), ())


def test_sensors_never_seen_together_are_refused(tmp_path: Path) -> None:
    rows = [f"{k / 100:.2f},{'1,' if k < 20 else ',1'}" for k in range(60)]
    with pytest.raises(DamagedDataError, match="left: no row with a sample of every sensor"):
        from_recording(load_text(tmp_path, _HEADER + "\n".join(rows)), CHANNELS)


def test_counts_pass_unchanged_and_unknown_units_fill_the_range(tmp_path: Path) -> None:
    pair = (("forefoot", "b"), ("heel", "a"))
    rows = "0,7,4000\n0.01,7,4000\n0.02,7,4000\n"
    counts = from_recording(load_text(tmp_path, "# unit: counts\n" + _HEADER + rows), pair)
    assert counts.counts["left"][0].tolist() == [4000, 7]
    unknown = from_recording(load_text(tmp_path, _HEADER + rows), pair)
    assert unknown.counts["left"][0, 0] == round(30 + 0.65 * 4064)


def test_front_end_on_a_recording_is_seeded(tmp_path: Path) -> None:
    recording = load_text(tmp_path, moticon_text(rows=50))
    first, again, other = (
        from_recording(recording, CHANNELS, REALISTIC, seed=seed).counts["left"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def real_files() -> list[Path]:
    folder = os.environ.get("RETROSOLE_RECORDINGS")
    if not folder:
        pytest.skip("SKIPPED: real recordings not tested, RETROSOLE_RECORDINGS is not set")
    files = sorted(p for p in Path(folder).glob("*/*.txt.gz") if p.parent.name in ("gaitpdb", "moticon"))
    assert files, f"RETROSOLE_RECORDINGS={folder} has no recordings"
    return files


def test_real_files_have_their_sensors_and_lengths() -> None:
    # Seconds by the list that comes with the recordings; there Moticon counts rows with both
    # feet only.
    lengths_s = {
        "GaCo01_01": 121,
        "JuCo01_01": 53,
        "JuPt18_01": 264,
        "230927_102114": 17,
        "text_export": 5,
    }
    for path in real_files():
        recording = load_recording(path)
        assert recording.source == path.parent.name
        assert list(recording.sides) == ["left", "right"]
        for side in recording.sides.values():
            assert side.pressure.shape[1] == (8 if recording.source == "gaitpdb" else 16)
            seen = ~np.isnan(side.pressure)
            assert (seen.all(axis=1) == seen.any(axis=1)).all()
            assert recording.source == "moticon" or seen.all()
            assert 0.0099 < np.median(np.diff(side.time_s)) < 0.0101
        name = path.name.removesuffix(".txt.gz")
        if name in lengths_s:
            assert recording.duration_s == pytest.approx(lengths_s[name], abs=0.6)


def test_real_sums_agree_with_the_files_own_sum_columns() -> None:
    path = next(p for p in real_files() if p.parent.name == "gaitpdb")
    table = np.loadtxt(path)
    recording = load_recording(path)
    for side, column in (("left", 17), ("right", 18)):
        np.testing.assert_allclose(recording.sides[side].pressure.sum(axis=1), table[:, column], atol=0.06)


def test_real_walk_keeps_its_zone_loads_in_counts(tmp_path: Path) -> None:
    path = next(p for p in real_files() if p.name.startswith("GaCo05"))
    began = time.monotonic()
    recording = load_recording(path)
    source = from_recording(recording, CHANNELS)
    assert time.monotonic() - began < 5.0
    side = recording.sides["left"]
    rows = np.floor((side.time_s - recording.start_s) * SOURCE_RATE_HZ).astype(int)
    load = (source.counts["left"][rows].astype(float) - 30.0) / 4064 * 500
    heel = side.pressure[:, :3].sum(axis=1)
    # The heel's two channels have 750 N of range each, 1.5 times the 500 N per sensor above.
    assert np.median(np.abs(load[:, 4:].sum(axis=1) * 1.5 - heel)) < 2.0
    peaks = np.percentile(source.counts["left"], 98, axis=0)
    assert (peaks > 800).all()
    assert (peaks < 3700).all()
    assert source.truth == ()
    paths = write(source, tmp_path / "out")
    raw = np.fromfile(paths["left"], dtype="<u2").reshape(-1, 6)
    np.testing.assert_array_equal(raw, source.counts["left"])


def test_real_files_from_all_people_stay_in_range() -> None:
    for path in real_files():
        source = from_recording(load_recording(path), CHANNELS)
        for counts in source.counts.values():
            seen = counts[counts[:, 0] != 4095]
            assert seen.max() <= 4094
            assert (seen == 4094).mean() < 0.01
