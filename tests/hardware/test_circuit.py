"""The formulas of the front ends, which the virtual insole uses, against ngspice and what is known of the parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hardware.simulation import analyses
from hardware.simulation.__main__ import RESULTS
from retrosole.errors import UsageError
from retrosole.gait.reference import Reference
from retrosole.gait.score import figures, score
from retrosole.twin import circuit
from retrosole.twin.boards import board_names
from retrosole.twin.circuit import Part
from retrosole.twin.detect import detect_source
from retrosole.twin.feed import Source
from retrosole.twin.front_end import FRONT_ENDS, IDEAL, MAX_COUNTS, REALISTIC, FrontEnd, of_board, to_counts
from retrosole.twin.gait_model import generate
from retrosole.twin.sim_options import BY_BOARD, SimOptions
from retrosole.twin.sim_options import FRONT_ENDS as ASKED
from retrosole.twin.walk import prepare_walk

# Between the formulas and ngspice, for every part that was drawn: the formulas know no loop gain and no bias currents.
STATED_ERROR_COUNTS = 1.0
STATED_ERROR_MV = 0.6


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("sensor", analyses.SENSORS)
@pytest.mark.parametrize("front_end", analyses.CANDIDATES)
def test_the_virtual_insole_reads_what_ngspice_says(front_end: str, sensor: str, results: dict) -> None:
    found = results["transfer"][front_end][sensor]
    counts = circuit.transfer(front_end, sensor, np.array(found["force_n"]))
    np.testing.assert_allclose(counts, found["counts"], atol=STATED_ERROR_COUNTS)
    volts = circuit.volts(front_end, circuit.conductance_us(sensor, np.array(found["force_n"])))
    np.testing.assert_allclose(volts, found["volts"], atol=STATED_ERROR_MV / 1000)


@pytest.mark.parametrize("tolerance", [0.01, 0.05])
@pytest.mark.parametrize("front_end", analyses.CANDIDATES)
def test_so_it_does_for_all_parts_that_were_drawn(front_end: str, tolerance: float, results: dict) -> None:
    found = results["parts"][front_end][f"{100 * tolerance:g} %"]
    assert found["model_error_counts"] <= STATED_ERROR_COUNTS
    assert found["model_error_mv"] <= STATED_ERROR_MV
    parts = analyses.parts_of(front_end, "fsr_402", tolerance)
    assert len(parts) == found["part_n"] == 500
    force = np.array(found["force_n"])
    counts = np.column_stack([circuit.transfer(front_end, "fsr_402", force, part) for part in parts])
    for q in ("0", "0.5", "50", "99.5", "100"):
        np.testing.assert_allclose(np.percentile(counts, float(q), axis=1), found[f"p{q}"], atol=STATED_ERROR_COUNTS)


def test_parts_spread_as_their_makers_say() -> None:
    parts = analyses.parts_of("amplifier", "fsr_402", 0.05)
    assert np.std([part.sensor_gain for part in parts]) == pytest.approx(0.06, rel=0.1)
    assert np.std([part.resistor_gain for part in parts]) == pytest.approx(0.05 / 3, rel=0.1)
    assert np.std([part.offset_mv for part in parts]) == pytest.approx(1.5, rel=0.1)
    assert np.std([part.converter_gain for part in parts]) == pytest.approx(0.04, rel=0.1)
    assert max(abs(part.supply_gain - 1) for part in parts) <= 0.02
    assert all(part.offset_mv == 0 for part in analyses.parts_of("divider", "fsr_402", 0.05))


def test_a_sensor_follows_its_table() -> None:
    one = circuit.tables("sensors")["fsr_402"]
    np.testing.assert_allclose(circuit.conductance_us("fsr_402", np.array(one["force_n"])), one["conductance_us"])
    assert circuit.conductance_us("fsr_402", np.array([-5.0]))[0] == one["conductance_us"][0]
    step = np.diff(circuit.conductance_us("fsr_402", np.array([98.1, 108.1, 118.1])))
    assert step[0] == pytest.approx(step[1])
    for sensor in analyses.SENSORS:
        many = circuit.tables("sensors")[sensor]
        assert many["source"] and many["points"]
        assert len(many["force_n"]) == len(many["conductance_us"])
        assert (np.diff(many["force_n"]) > 0).all() and (np.diff(many["conductance_us"]) > 0).all()


def test_the_foil_follows_the_published_fit() -> None:
    force = np.array([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 100.0])
    fit = 1e6 / (2 * 16963 / force + 502)
    np.testing.assert_allclose(circuit.conductance_us("velostat", force), fit, rtol=1e-3)


def test_converters_read_as_they_are_characterised() -> None:
    read = circuit.counts
    # ESP32: nothing up to 142 mV; a line of 0.8056 mV; then the table, half-way between its two references.
    assert read("esp32", np.array([0.0, 0.142]))[1] == 0
    assert read("esp32", np.array([0.142 + 1000 * 0.8056e-3]))[0] == pytest.approx(1000, abs=0.5)
    assert circuit.converter_mv("esp32")[1][2944] == pytest.approx((2297 + 2706) / 2)
    assert circuit.converter_mv("esp32")[1][4094] == pytest.approx((3060 + 3209) / 2, abs=2)
    # ESP32-S3: the middle of the fuse's range at 850 mV, and an end at what ESP-IDF calls the limit, 3100 mV.
    assert read("esp32_s3", np.array([0.850]))[0] == pytest.approx(1027.5, abs=4)
    assert circuit.converter_mv("esp32_s3")[1][4095] == pytest.approx(3100, abs=20)
    assert read("esp32_c3", np.array([1.370]))[0] == pytest.approx(2000, abs=4)
    for name in ("esp32", "esp32_s3", "esp32_c3"):
        assert (np.diff(circuit.converter_mv(name)[1]) > 0).all()
        assert read(name, np.array([5.0]))[0] == MAX_COUNTS


def test_each_part_turns_the_reading_its_way() -> None:
    force = np.array([30.0])
    usual = circuit.transfer("amplifier", "fsr_402", force)[0]
    for more in (
        Part(sensor_gain=1.1), Part(resistor_gain=1.1), Part(reference_gain=1.1), Part(supply_gain=1.1),
        Part(offset_mv=3), Part(converter_gain=1.1),
    ):  # fmt: skip
        assert circuit.transfer("amplifier", "fsr_402", force, more)[0] > 1.03 * usual
    shorted = circuit.volts("amplifier", np.array([1e9]))
    assert shorted[0] < 3.3 - 0.024
    assert circuit.volts("amplifier", np.array([0.0]), Part(offset_mv=-20))[0] == pytest.approx(0.025)


def test_the_virtual_insole_can_have_one() -> None:
    load = np.linspace(0.0, 375.0, 800)
    counts = to_counts(load, 375.0, FrontEnd(circuit="amplifier"), (1, 2))
    force = load * (circuit.PAD_FULL_SCALE_N / 375.0)
    np.testing.assert_array_equal(counts, np.rint(circuit.transfer("amplifier", "fsr_402", force)))
    assert 35 < counts[0] < 45
    assert not to_counts(load, 375.0, FrontEnd(circuit="divider"), (1, 2))[:4].any()
    assert FrontEnd().circuit == REALISTIC.circuit == ""
    with pytest.raises(UsageError, match="circuit is 'bridge', expected one of divider, amplifier"):
        FrontEnd(circuit="bridge")


def test_every_board_has_the_front_end_it_is_built_with() -> None:
    parts = circuit.tables("front_ends")
    assert sorted(parts["boards"]) == board_names()
    for board, name in parts["boards"].items():
        assert name == parts["chosen"]["board" if board == "insole_s3" else "weekend"]
        assert of_board(board) is FRONT_ENDS[name]
        assert of_board(board).circuit == name and of_board(board).curvature == 0
    assert list(ASKED) == [BY_BOARD, *FRONT_ENDS]
    with pytest.raises(UsageError, match="nobody noted how board 'bench' reads its sensors, only of esp32_devkitc, "):
        of_board("bench")


_S, _MARGIN_S, _SEED = 60.0, 2.0, 3


def simulated(folder: Path, gait: str, board: str, front_end: str) -> Source:
    """Give what `retrosole sim` lets the firmware of a virtual insole read."""
    options = SimOptions(gait=gait, seed=_SEED, duration_s=_S, board=board, front_end=front_end)
    walk = prepare_walk(options, folder)
    counts = {side: np.fromfile(path, "<u2").reshape(-1, len(walk.channels)) for side, path in walk.samples.items()}
    assert walk.story.endswith(f"seed {_SEED}" if front_end == BY_BOARD else f", front end {front_end}")
    return Source(counts, walk.channels)


def test_a_virtual_insole_reads_its_walk_as_its_board_does(tmp_path: Path) -> None:
    unloaded = {}
    for board, front_end in (("esp32_devkitc", BY_BOARD), ("insole_s3", BY_BOARD), ("esp32_devkitc", "ideal")):
        source = simulated(tmp_path / f"{board} {front_end}", "backward", board, front_end)
        chosen = IDEAL if front_end == "ideal" else of_board(board)
        made = generate("backward", source.channels, _S + _MARGIN_S, _SEED, front_end=chosen)
        for side, counts in made.counts.items():
            np.testing.assert_array_equal(source.counts[side], counts)
        unloaded[board, front_end] = float(np.percentile(source.counts["left"], 5))
    assert list(unloaded.values()) == [pytest.approx(at, abs=4) for at in (0, 38, 30)]


# What the page says of recorded walks holds for the model's: earlier on contact, later on lifting, all else as it was.
@pytest.mark.parametrize("gait", ["backward", "forward"])
def test_through_either_circuit_a_walk_is_told_right_if_some_milliseconds_long(gait: str, tmp_path: Path) -> None:
    found = {}
    for board, front_end in (("esp32_devkitc", "ideal"), ("esp32_devkitc", "divider"), ("insole_s3", "amplifier")):
        source = simulated(tmp_path / front_end, gait, board, front_end)
        truth = generate(gait, source.channels, _S + _MARGIN_S, _SEED).truth
        told = detect_source(source)
        tally = score([Reference(stride) for stride in truth], told.strides, told.contacts, tolerance_ms=100.0)
        one = found[front_end] = figures(tally)
        assert one["ok_n"] > 80 and one["all_wrong_percent"] == 0
        assert one["order_right_percent"] == one["direction_right_percent"] == 100
    for front_end in circuit.NAMES:
        early_ms, late_ms = (
            found[front_end][f"{event}_contact_bias_ms"] - found["ideal"][f"{event}_contact_bias_ms"]
            for event in ("initial", "final")
        )
        assert -14 < early_ms < -5 and 5 < late_ms < 16, (front_end, early_ms, late_ms)


def test_without_their_values_the_front_ends_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "__file__", str(tmp_path / "a" / "b" / "c" / "d" / "circuit.py"))
    circuit.tables.cache_clear()
    with pytest.raises(UsageError, match=r"neither in .* nor in .*install the package again"):
        circuit.tables("sensors")
    circuit.tables.cache_clear()
