"""`detect`: which channels a recording gets, what the detector is fed, and the command with its errors."""

from __future__ import annotations

import csv
import gzip
import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from retrosole import cli, wire
from retrosole.commands import detect as command
from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.strides import COLUMNS
from retrosole.session.recording import Recording, SideRecording, load_recording, write_pressure_csv
from retrosole.twin.boards import zone_bits
from retrosole.twin.core import Reenactment
from retrosole.twin.detect import channels_for, detect_counts, detect_source, end_held, frames_of
from retrosole.twin.feed import SOURCE_RATE_HZ, Source
from retrosole.twin.front_end import FRONT_ENDS, REALISTIC, FrontEnd
from retrosole.twin.gait_model import generate
from retrosole.twin.resample import counts_at, from_recording
from retrosole.twin.sensor_map import sensor_weights

Run = Callable[..., tuple[int, str, str]]

EIGHT = ("heel",) * 3 + ("midfoot",) * 2 + ("forefoot",) * 2 + ("toes",)
SIXTEEN = ("heel",) * 4 + ("midfoot",) * 4 + ("forefoot",) * 5 + ("toes",) * 3
CHANNELS = tuple((zone, "unused") for zone in EIGHT)


def foot(zones: tuple[str, ...], pressure: np.ndarray | None = None, unit: str = "N") -> SideRecording:
    if pressure is None:
        pressure = np.ones((50, len(zones)))
    time_s = np.arange(len(pressure)) / 100
    across = tuple(k / len(zones) for k in range(len(zones)))
    names = tuple(f"s{k}" for k in range(len(zones)))
    return SideRecording(time_s, pressure, names, zones, across, unit)


def of(**sides: SideRecording) -> Recording:
    return Recording("pressure_csv", sides)


def walk(duration_s: float = 12.0, gait: str = "forward") -> Recording:
    """Give a walk of the gait model at 100 Hz, as counts of eight sensors."""
    source = generate(gait, CHANNELS, duration_s, seed=3)
    return of(**{side: foot(EIGHT, counts[::10].astype(float), "counts") for side, counts in source.counts.items()})


@pytest.fixture(scope="module")
def walk_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("walk") / "walk.csv"
    with open(path, "w") as out:
        write_pressure_csv(walk(), out)
    return path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = cli.run(["detect", *map(str, arguments)])
        sys.stdout.flush()
        out, error = capfd.readouterr()
        assert "Traceback" not in out + error
        return code, out, error

    return call


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


# ----------------------------------------------------------------------------------------------------------- channels


def counted(recording: Recording) -> dict[str, int]:
    zones = [zone for zone, _ in channels_for(recording)]
    assert len(zones) == 8
    return {zone: zones.count(zone) for zone in dict.fromkeys(zones)}


def test_eight_sensors_are_a_channel_each() -> None:
    channels = channels_for(of(left=foot(EIGHT), right=foot(EIGHT)))
    assert [zone for zone, _ in channels] == list(EIGHT)
    weights = sensor_weights(EIGHT, foot(EIGHT).across, channels)
    assert np.array_equal(np.sort(weights, axis=1)[:, ::-1][:, 0], np.ones(8))
    assert np.count_nonzero(weights) == 8
    assert np.array_equal(weights.sum(axis=0), np.ones(8))


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (SIXTEEN, {"heel": 2, "midfoot": 2, "forefoot": 3, "toes": 1}),
        (("heel", "forefoot"), {"heel": 4, "forefoot": 4}),
        (("heel",) * 7 + ("toes",), {"heel": 7, "forefoot": 1}),
        (("forefoot",) * 40 + ("heel",), {"heel": 1, "forefoot": 7}),
        (("heel", "heel", "forefoot", "forefoot", "forefoot", "forefoot"), {"heel": 3, "forefoot": 5}),
        (("heel", "midfoot", "toes"), {"heel": 3, "midfoot": 2, "forefoot": 3}),
    ],
)
def test_other_numbers_of_sensors_share_eight_channels(zones: tuple[str, ...], expected: dict[str, int]) -> None:
    assert counted(of(left=foot(zones))) == expected
    assert counted(of(left=foot(zones), right=foot(zones))) == expected


def test_feet_with_different_zones_get_what_both_have() -> None:
    recording = of(left=foot(EIGHT), right=foot(("heel", "heel", "forefoot", "forefoot")))
    assert counted(recording) == {"heel": 4, "forefoot": 4}
    counts = from_recording(recording, channels_for(recording)).counts
    assert all((counts[side][0] > 30).all() for side in ("left", "right"))


def test_a_sensor_without_a_sample_gets_no_channel() -> None:
    pressure = np.ones((50, 8))
    pressure[:, 7] = np.nan
    assert counted(of(left=foot(EIGHT, pressure))) == {"heel": 4, "midfoot": 2, "forefoot": 2}


@pytest.mark.parametrize(("zones", "lacking"), [(("forefoot", "toes"), "heel"), (("heel", "midfoot"), "forefoot")])
def test_a_foot_without_heel_or_forefoot_is_refused(zones: tuple[str, ...], lacking: str) -> None:
    with pytest.raises(DamagedDataError, match=f"^right: no {lacking} sensor in the recording"):
        channels_for(of(left=foot(EIGHT), right=foot(zones)))


def test_zones_are_kept_in_two_bits_each() -> None:
    bits = zone_bits(CHANNELS)
    assert [bits >> 2 * k & 3 for k in range(8)] == [wire.Zone[zone.upper()] for zone in EIGHT]
    assert bits < 1 << 16


# ------------------------------------------------------------------------------------------------------------ sampling


def uneven() -> Recording:
    """Give feet that start apart, with holes, at times that fit no grid."""
    rng = np.random.default_rng(5)
    feet = {}
    for side, start_s in (("left", 7.0123), ("right", 7.3)):
        time_s = start_s + np.cumsum(rng.uniform(0.008, 0.012, 400))
        time_s[200:] += 0.4
        pressure = np.maximum(0, 300 * np.sin(time_s[:, None] * 6 + np.arange(8))) - 5
        feet[side] = replace(foot(EIGHT, pressure), time_s=time_s)
    return of(**feet)


DISTURBED = [
    FrontEnd(offset_spread_counts=20),
    FrontEnd(gain_spread=0.2),
    FrontEnd(curvature=0.5),
    FrontEnd(creep=0.1),
    FrontEnd(creep=0.1, creep_tau_s=2),
    FrontEnd(unload_lag_ms=20),
    FrontEnd(drift_counts=20),
    FrontEnd(noise_counts=5),
    FrontEnd(saturation=0.5),
    FrontEnd(offset_counts=100),
    FrontEnd(circuit="amplifier"),
]


@pytest.mark.parametrize("front_end", [None, REALISTIC, *DISTURBED])
@pytest.mark.parametrize("rate_hz", wire.SETTING_CHOICES["rate_hz"])
def test_fewer_records_are_those_that_the_virtual_insole_reads(rate_hz: int, front_end: FrontEnd | None) -> None:
    recording = uneven()
    whole = from_recording(recording, CHANNELS, front_end).counts
    some = counts_at(rate_hz, recording, CHANNELS, front_end)
    for side, counts in whole.items():
        np.testing.assert_array_equal(some[side], counts[:: SOURCE_RATE_HZ // rate_hz])


def test_no_disturbance_of_the_front_end_was_forgotten_above() -> None:
    changed = {f.name for f in fields(FrontEnd) for one in DISTURBED if getattr(one, f.name) != f.default}
    assert changed == {f.name for f in fields(FrontEnd)}


@pytest.mark.parametrize("zones", [EIGHT, SIXTEEN, ("heel", "forefoot")])
@pytest.mark.parametrize("unit", ["N", "N/cm2", "unknown"])
def test_full_scale_is_the_load_on_one_sensor_at_which_counts_end(zones: tuple[str, ...], unit: str) -> None:
    loads = np.zeros((50, len(zones)))
    loads[10:] = 50.0
    loads[30:] = 100.0
    recording = of(left=foot(zones, loads, unit))
    counts = counts_at(100, recording, channels_for(recording), FrontEnd(offset_counts=0), full_scale=100.0)["left"]
    assert not counts[5].any()
    assert counts[40].max() == 4094
    assert counts[20].max() == 2047


def test_the_detector_sees_each_record_once_and_nothing_of_the_holes() -> None:
    source = from_recording(walk(6.0), CHANNELS)
    counts = source.counts["left"][::5].copy()
    counts[700:720] = 4095
    core = Reenactment(1, [wire.Zone[zone.upper()] for zone in EIGHT], 200, [65535] * 8)
    stepped = [core.step(k, row) for k, row in enumerate(counts.tolist()) if not 700 <= k < 720]
    bodies = [body for body in stepped if body is not None]
    assert frames_of(counts, CHANNELS, 200) == bodies
    detection = detect_counts("left", counts, CHANNELS, 200)
    strides = [body for body in bodies if body[0] == wire.StrideFrame.TYPE]
    assert len(detection.strides) == len(strides) >= 3
    assert len(detection.contacts) == len(bodies) - len(strides) >= 3
    starts = [int.from_bytes(body[7:11], "little") + body[11] / 256 for body in strides]
    assert [stride.initial_contact_s * 200 for stride in detection.strides] == pytest.approx(starts)


def test_a_stride_that_waits_for_its_sample_is_given_at_the_end() -> None:
    rows = from_recording(walk(6.0), CHANNELS).counts["left"][::5].tolist()
    whole, cut = (Reenactment(1, [wire.Zone[zone.upper()] for zone in EIGHT], 200, [65535] * 8) for _ in "ab")
    stride = wire.StrideFrame.TYPE
    told_idx = next(k for k, row in enumerate(rows) if (whole.step(k, row) or b"\0")[0] == stride)
    assert stride not in [(cut.step(k, row) or b"\0")[0] for k, row in enumerate(rows[:told_idx])]
    last = cut.end()
    assert last is not None
    assert last[0] == stride
    assert cut.end() is None


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = from_recording(walk(6.0), CHANNELS).counts["left"][::5]
    whole = detect_counts("left", counts, CHANNELS, 200)
    monkeypatch.setattr("retrosole.twin.detect._BLOCK_N", 97)
    shares: list[float] = []
    assert detect_counts("left", counts, CHANNELS, 200, shares.append) == whole
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_times_are_those_of_the_records_and_said_after_they_happened() -> None:
    source = generate("forward", CHANNELS, 12.0, seed=3)
    detection = detect_source(source)
    true_s = np.array([stride.initial_contact_s for stride in source.truth])
    assert len(detection.strides) >= 0.8 * len(true_s)
    for stride in detection.strides:
        assert np.abs(true_s - stride.initial_contact_s).min() < 0.05
        assert 0 < stride.detected_s - stride.final_contact_s < 0.2
        assert stride.detected_s * 200 == pytest.approx(round(stride.detected_s * 200), abs=1e-9)
    for contact in detection.contacts:
        assert contact.announced_s >= contact.contact_s
    assert [s.initial_contact_s for s in detection.strides] == sorted(s.initial_contact_s for s in detection.strides)


def test_a_foot_without_any_sample_has_no_strides() -> None:
    source = Source({"left": np.full((5000, 8), 4095, np.uint16)}, CHANNELS)
    assert detect_source(source) == type(detect_source(source))((), ())


@pytest.mark.parametrize("rate_hz", [20, 49, 300, 1000])
def test_a_rate_that_the_firmware_does_not_offer_is_refused(rate_hz: int) -> None:
    with pytest.raises(UsageError, match=f"the rate cannot be {rate_hz} Hz: choose from 50, 100"):
        detect_source(Source({}, CHANNELS), rate_hz)


# ------------------------------------------------------------------------------------------------------------- command


def test_it_writes_the_stride_table_and_sums_up(run: Run, walk_csv: Path, tmp_path: Path) -> None:
    code, out, error = run(walk_csv, "--out", "events.csv")
    assert (code, out) == (0, "")
    rows = rows_of(tmp_path / "events.csv")
    assert tuple(rows[0]) == COLUMNS
    times = [float(row["initial_contact_s"]) for row in rows]
    assert times == sorted(times)
    assert {row["side"] for row in rows} == {"left", "right"}
    lines = error.splitlines()
    left_n = sum(row["side"] == "left" for row in rows)
    assert lines[0].startswith(f"left: {left_n} strides; ")
    assert "forward" in lines[0] and "contact" in lines[0] and "heel first" in lines[0]
    assert lines[-1].startswith(f"walk.csv: {len(rows)} strides in events.csv; 12 s in ")
    assert lines[-1].endswith(" times real time")
    assert list(tmp_path.iterdir()) == [tmp_path / "events.csv"]


def test_times_are_on_the_axis_of_the_recording(run: Run, tmp_path: Path) -> None:
    sides = walk().sides
    for name, start_s in (("early", 0.0), ("late", 1000.25)):
        # 128 Hz: such times have no rounding, wherever they begin
        one = of(**{side: replace(s, time_s=start_s + np.arange(len(s.time_s)) / 128) for side, s in sides.items()})
        with open(tmp_path / f"{name}.csv", "w") as out:
            write_pressure_csv(one, out)
        assert run(f"{name}.csv", "--out", f"{name}_events.csv")[0] == 0
    early, late = rows_of(tmp_path / "early_events.csv"), rows_of(tmp_path / "late_events.csv")
    assert len(early) == len(late)
    for before, after in zip(early, late, strict=True):
        for column in COLUMNS:
            if column.endswith("_s") and before[column]:
                assert float(after[column]) - float(before[column]) == pytest.approx(1000.25, abs=2e-4)
            else:
                assert after[column] == before[column]


def test_standard_output_has_the_table_and_nothing_else(run: Run, walk_csv: Path, tmp_path: Path) -> None:
    assert run(walk_csv, "--out", "events.csv")[0] == 0
    code, out, error = run(walk_csv, "--out", "-")
    assert code == 0
    assert out == (tmp_path / "events.csv").read_text()
    assert "strides on standard output" in error


def test_several_recordings_go_to_a_folder_or_one_by_one(run: Run, walk_csv: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(walk_csv.read_bytes())
    (tmp_path / "tables").mkdir()
    code, _, error = run(walk_csv, other, "--out", "tables")
    assert code == 0, error
    assert "walk.csv (1 of 2): " in error
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == ["other_events.csv", "walk_events.csv"]
    assert run(walk_csv, other, "--out", "a.csv", "--out", "b.csv")[0] == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "tables" / "walk_events.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_rate_front_end_and_full_scale_are_heard(run: Run, walk_csv: Path) -> None:
    tables = [
        run(walk_csv, "--out", "-", *more)[1]
        for more in (
            (),
            ("--rate", 100),
            ("--full-scale", 6000),
            *(("--front-end", name) for name in FRONT_ENDS if name != "ideal"),
        )
    ]
    assert len(set(tables)) == 6
    assert all(table.count("\n") > 10 for table in tables)


def test_loads_above_the_range_are_said_with_what_to_do(run: Run, walk_csv: Path) -> None:
    assert "full-scale" not in run(walk_csv, "--out", "-")[2]
    error = run(walk_csv, "--out", "-", "--full-scale", 100)[2]
    (line, _) = [line for line in error.splitlines() if "top of the range" in line]
    most = max(float(np.nanmax(side.pressure)) for side in load_recording(walk_csv).sides.values())
    suggested = float(line.rpartition(" ")[2])
    assert "counts: try --full-scale" in line
    assert suggested <= 1.1 * most
    assert "full-scale" not in run(walk_csv, "--out", "-", "--full-scale", suggested)[2]


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ["walk.csv", "--out", "-", "--rate", "20"], "the rate cannot be 20 Hz: choose from 50, 100, 125, 200, 250"),
        (2, ["walk.csv", "--out", "-", "--full-scale", "0"], "--full-scale must be above 0, got 0"),
        (2, ["walk.csv", "--out", "-", "--full-scale", "nan"], "--full-scale must be above 0, got nan"),
        (2, ["walk.csv", "--out", "-", "--front-end", "awful"], "'awful' is not one of 'ideal', 'realistic', 'divi"),
        (2, ["walk.csv", "--out", "-", "--interpreter", "./none"], "'./none' is not a program that can be run"),
        (2, ["walk.csv"], "Missing option '--out'"),
        (2, ["--out", "-"], "Missing argument 'RECORDING...'"),
        (2, ["gone.csv", "--out", "-"], "cannot open the recording gone.csv: No such file or directory"),
        (2, ["walk.csv", "walk.csv", "--out", "a.csv"], "a.csv is no folder, and several recordings need one"),
        (2, ["walk.csv", "walk.csv", "--out", "folder"], "folder/walk_events.csv would be written twice"),
        (2, ["walk.csv", "--out", "a.csv", "--out", "b.csv"], "1 recordings need one folder or as many files"),
        (2, ["walk.csv", "--out", "no/a.csv"], "the folder of no/a.csv does not exist: make it, or choose another"),
        (2, ["walk.csv", "--out", "walk.csv"], "walk.csv is the recording itself, which is not replaced"),
        (2, ["walk.csv", "--out", "link.csv"], "link.csv is the recording itself, which is not replaced"),
        (2, ["walk.csv", "--out", "notes.txt"], "notes.txt exists and is no stride table, so it is not replaced"),
        (2, ["walk.csv", "--out", ""], "the path is empty, expected a file or a folder"),
        (2, ["", "--out", "-"], "the path is empty, expected a file or a folder"),
        (2, ["walk.csv", "--out", "no/"], "the folder no/ does not exist: make it, or name a file"),
        (2, ["walk.csv", "toes.csv", "--out", "a.csv", "--out", "folder"], "folder is a folder: name a file in it"),
        (7, ["walk.csv", "--out", "a" * 300], "(File name too long): choose another file"),
        (2, ["-", "-", "--out", "folder"], "- is given twice, and standard input can be read once: name files"),
        (2, ["folder", "--out", "-"], "cannot open the recording folder: Is a directory"),
        (6, ["notes.txt", "--out", "-"], "notes.txt: line 1: 'hello' is of no known format"),
        (6, ["toes.csv", "--out", "-"], "toes.csv: left: no heel sensor in the recording, expected at least one"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Run, walk_csv: Path, tmp_path: Path, code: int, arguments: list[str], words: str
) -> None:
    (tmp_path / "walk.csv").write_bytes(walk_csv.read_bytes())
    (tmp_path / "notes.txt").write_text("hello\n")
    (tmp_path / "toes.csv").write_text("time_s,left_toes_a\n0.00,1\n0.01,2\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to("walk.csv")
    before = sorted(tmp_path.rglob("*"))
    got, out, error = run(*arguments)
    assert (got, out) == (code, "")
    assert error.startswith("retrosole: ") and error.count("\n") == 1, error
    assert words in error
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_is_taken_is_said_before_the_work(
    run: Run, walk_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    monkeypatch.setattr(command, "detect_feet", None)  # not to be called
    assert run(walk_csv, "--out", "notes.txt")[0] == 2


class _Typed(io.TextIOWrapper):
    """A standard input that somebody types at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("packed", [False, True])
def test_a_recording_may_come_from_standard_input(
    run: Run, walk_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    raw = walk_csv.read_bytes()

    def piped() -> None:
        content = io.BytesIO(gzip.compress(raw) if packed else raw)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(content)))

    _, expected, _ = run(walk_csv, "--out", "-")
    piped()
    code, out, error = run("-", "--out", "-")
    assert (code, out) == (0, expected)
    assert "\nstandard input: " in error
    piped()
    assert run("-", walk_csv, "--out", tmp_path)[0] == 0
    assert (tmp_path / "stdin_events.csv").read_text() == expected
    assert (tmp_path / "walk_events.csv").read_text() == expected


def test_a_standard_input_without_a_recording_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"time_s;left_heel_a\n"))))
    code, out, error = run("-", "--out", "-")
    assert (code, out) == (6, "")
    assert error.startswith("retrosole: standard input: line 1: the titles in ") and error.count("\n") == 1
    for stdin in (None, _Typed(io.BytesIO(b""))):
        monkeypatch.setattr(sys, "stdin", stdin)
        code, out, error = run("-", "--out", "-")
        assert (code, out) == (2, "")
        assert "- is standard input, and no recording comes from there: pipe one in, or name a file" in error


def test_confidence_has_the_two_decimals_that_are_sent(run: Run, walk_csv: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(walk_csv, "--out", "-")[1])))
    assert {len(row["confidence"].partition(".")[2]) for row in rows} == {2}
    assert {len(row["initial_contact_s"].partition(".")[2]) for row in rows} == {4}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(run: Run, walk_csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o500)
    code, _, error = run(walk_csv, "--out", folder / "a.csv")
    assert code == 7
    assert "Permission denied" in error


def test_a_full_disk_is_said(run: Run, walk_csv: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("NO /dev/full HERE")
    code, _, error = run(walk_csv, "--out", "/dev/full")
    assert code == 7
    assert "cannot write /dev/full (No space left on device)" in error


def test_ctrl_c_leaves_what_was_there(
    run: Run, walk_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(walk_csv, "--out", "events.csv")[0] == 0
    before = (tmp_path / "events.csv").read_bytes()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("retrosole.session.reader.write_csv", interrupted)
    code, _, error = run(walk_csv, "--out", "events.csv")
    assert (code, error.strip()) == (130, "retrosole: interrupted")
    assert (tmp_path / "events.csv").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "events.csv"]


def test_progress_is_drawn_on_a_terminal_only_and_wiped(
    walk_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_SHOW_AFTER_S", 0.0)
    master, slave = pty.openpty()
    with open(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert cli.run(["detect", str(walk_csv), "--out", str(tmp_path / "events.csv")]) == 0
    text = ""
    while "times real time" not in text:
        text += os.read(master, 65536).decode()
    os.close(master)
    assert "\rwalk.csv: 100 %\x1b[K" in text
    assert "\r\x1b[Kleft: " in text


def test_help_says_the_ranges_and_gives_examples(run: Run) -> None:
    code, out, _ = run("--help")
    words = " ".join(out.split())
    assert code == 0
    assert "30 N/cm2, 300 kPa or 4094 counts; for forces at 1500 N divided by the sensors of its zone" in words
    assert "  retrosole detect GaCo01_01.txt --out events.csv\n" in out


def test_nothing_slow_is_loaded(walk_csv: Path) -> None:
    heavy = "{'rich', 'serial', 'textual', 'platformdirs'}"
    program = f"import sys, retrosole.cli as c; c.run(sys.argv[1:]); print(sorted({heavy} & {{*sys.modules}}))"
    command = [sys.executable, "-c", program, "detect", str(walk_csv), "--out", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


def test_the_end_is_held_without_a_hole_whatever_its_time() -> None:
    for end_s in np.random.default_rng(1).uniform(0.5, 500.0, 200):
        side = replace(foot(EIGHT), time_s=np.linspace(end_s - 0.4, end_s, 50))
        counts = counts_at(200, end_held(of(left=side)), CHANNELS)["left"]
        assert (counts < 4095).all(), end_s


def test_loads_that_are_lost_in_the_range_are_said(run: Run, tmp_path: Path) -> None:
    counts = walk().sides["left"].pressure
    with open(tmp_path / "force.csv", "w") as out:
        write_pressure_csv(of(left=foot(EIGHT, counts, "N")), out)
    code, _, err = run(str(tmp_path / "force.csv"), "--out", "-", "--full-scale", "1000000")
    assert code == 0
    assert "% of the range: too little for a step; give a smaller --full-scale" in err
