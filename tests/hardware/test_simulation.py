"""What results.json says, and that ngspice still says it."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardware.simulation import analyses, assumptions, levels, spice, tables
from hardware.simulation.__main__ import README, RESULTS, as_text, simulate
from retrosole.twin import circuit
from retrosole.twin.feed import Source
from retrosole.twin.front_end import MISSING_COUNTS

WORDS = 25  # lines of assumptions there are at least


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def test_the_firmware_takes_nothing_for_granted_that_is_not_so(results: dict[str, Any]) -> None:
    lines = list(assumptions.lines(results))
    assert len(lines) >= WORDS
    for line in lines:
        assert line.is_kept, f"{line.front_end}: {line.words} ({line.where}): {line.stated}, found {line.simulated}"
    told = [(line["front_end"], line["words"]) for line in results["assumptions"]]
    assert told == [(line.front_end, line.words) for line in lines]
    for line, kept in zip(lines, results["assumptions"], strict=True):
        assert kept["stated"] == pytest.approx(line.stated, abs=0.06), "the firmware has changed: make hardware"
        assert kept["simulated"] == pytest.approx(line.simulated, abs=0.06)


def test_front_ends_that_were_not_chosen_break_them(results: dict[str, Any]) -> None:
    broken = {
        name: {line.words for line in assumptions.of_front_end(name, results) if not line.is_kept}
        for name in analyses.CANDIDATES
    }
    assert {name: len(words) for name, words in broken.items()} == results["broken"]
    # 1 k breaks none of them: recorded walks speak against it.
    assert {name for name, words in broken.items() if not words} == {*analyses.CHOSEN, "divider_1k"}
    assert any("open sensor" in words for words in broken["amplifier_200mv"])
    assert any("largest count" in words for words in broken["divider_10k"])
    assert any("finger" in words for words in broken["divider_2k7"])


def bent(results: dict[str, Any], factor: float = 1.0, more: float = 0.0, noise: float = 1.0) -> dict[str, Any]:
    """Give results in which parts read more or less, corners and the battery differ more, and all is noisier."""
    other = deepcopy(results)
    for parts in (found["5 %"] for found in other["parts"].values()):
        for name in ("p0", "p100"):
            parts[name] = [factor * count + more for count in parts[name]]
    for rows in other["corners"].values():
        rows[-1]["counts"] = [factor * count + more for count in rows[-1]["counts"]]
    for row in (row for rows in other["noise"].values() for row in rows):
        row["reading_counts"] *= noise
    for row in other["battery"]["rows"]:
        row["worst_mv"] *= factor
    return other


def test_each_assumption_breaks_when_the_circuit_is_another(results: dict[str, Any]) -> None:
    others = [bent(results, factor) for factor in (0.01, 0.3, 3.0, 6.0)]
    others += [bent(results, more=100), bent(results, noise=20)]
    broken = {(one.front_end, one.words) for other in others for one in assumptions.lines(other) if not one.is_kept}
    assert broken == {(one.front_end, one.words) for one in assumptions.lines(results)}


def test_constants_are_read_from_the_firmware() -> None:
    assert assumptions.constant("tune", "_DEAD_BELOW") == 64
    with pytest.raises(KeyError, match=r"tune\._NEVER"):
        assumptions.constant("tune", "_NEVER")


def test_corner_and_saturation_are_as_stated(results: dict[str, Any]) -> None:
    for name in ("amplifier", "divider_filtered"):
        for one in results["response"][name]:
            assert 140 <= one["corner_hz"] <= 165
            assert one["delay_ms"] <= 1.2
            assert one["peak_percent"] <= 0.1  # nothing rings
            assert one["left_percent"]["20"] >= 99
    assert all(one["corner_hz"] == -1 for one in results["response"]["divider"])
    for name in analyses.CHOSEN:
        assert results["transfer"][name]["fsr_402"]["saturation_n"] in (-1, 200.0)
        assert all(found["saturated_at_100_n_percent"] == 0 for found in results["parts"][name].values())
    assert 30 < results["transfer"]["divider_10k"]["fsr_402"]["saturation_n"] < 34


def test_the_current_in_a_sensor_is_as_stated(results: dict[str, Any]) -> None:
    limit_ma = analyses.limit_ma("fsr_402")
    assert limit_ma == pytest.approx(1.267, abs=0.001)  # 1 mA/cm2 of 12.7 mm
    found = {name: results["transfer"][name]["fsr_402"] for name in analyses.CANDIDATES}
    exceeds = {name for name, one in found.items() if one["sensor_ma_at_foot"] > limit_ma}
    assert exceeds == {"divider", "divider_1k"} == {name for name, one in found.items() if one["limit_ma_at_n"] > 0}
    assert found["divider"]["sensor_ma_at_foot"] == pytest.approx(4.18, abs=0.02)
    for name in exceeds:  # by Ohm's law, apart from what wrote the results
        siemens = 1e-6 * circuit.conductance_us("fsr_402", np.array([found[name]["limit_ma_at_n"]]))[0]
        ohm = circuit.tables("front_ends")[name]["resistor_ohm"]
        assert 3300 / (ohm + 1 / siemens) == pytest.approx(limit_ma, rel=0.02)
    page = README.read_text(encoding="utf-8")
    assert "from 4.5 N on it is above it" in page and "This can irreversibly damage the\ndevice" in page


def test_readings_stay_where_the_converters_are_good(results: dict[str, Any]) -> None:
    for name in analyses.CHOSEN:
        _, most_mv = circuit.tables("converters")[analyses.converter(name)]["effective_mv"]
        assert 1000 * max(results["transfer"][name]["fsr_402"]["volts"]) < most_mv


def test_readings_are_fine_enough_under_a_foot_and_below_it(results: dict[str, Any]) -> None:
    for name, least in (("divider", 600), ("amplifier", 900)):
        found = results["transfer"][name]["fsr_402"]
        assert found["foot_counts"] >= least
        assert found["counts_per_n"]["63.0"] >= 10
        assert found["counts_per_n"]["1.0"] >= 90
        assert found["first_count_n"] <= 0.5
        assert results["settling"][name]["error_counts"] < 1
        assert results["settling"][name]["leakage_counts"] < 0.1
    assert all(one["analogue_counts"] < 0.05 for found in results["noise"].values() for one in found)


def test_the_detector_copes_with_either(results: dict[str, Any]) -> None:
    found = results["detection"]
    for name in ("divider", "amplifier"):
        assert found[name]["order_right_percent"] == 100
        assert found[name]["all_wrong_percent"] <= found["virtual insole"]["all_wrong_percent"]
        assert found[name]["direction_right_percent"] >= found["virtual insole"]["direction_right_percent"]
        assert abs(found[name]["initial_contact_bias_ms"]) < 10
        assert abs(found[name]["final_contact_bias_ms"]) < 10


def test_recorded_walks_speak_for_the_choice() -> None:
    one = json.loads((README.parent / "recorded.json").read_text(encoding="utf-8"))
    assert one["recordings"] == 24 and one["stances"] > 13_000
    for condition, most in (("clean", 0.3), ("rough", 0.5)):
        found = one[condition]
        for name in analyses.CHOSEN:
            assert found[name]["all_wrong_percent"] <= most
            assert found[name]["order_right_percent"] >= 99.4
            assert found[name]["direction_right_percent"] >= 99.8
            assert abs(found[name]["initial_contact_bias_ms"]) < 10
        for name in ("divider_1k", "divider_2k7", "divider_10k"):
            assert found[name]["all_wrong_percent"] > 2 * max(found[c]["all_wrong_percent"] for c in analyses.CHOSEN)


def test_other_levels_help_one_curve_and_hurt_another() -> None:
    one = json.loads((README.parent / "levels.json").read_text(encoding="utf-8"))
    assert tuple(one["clean"]) == levels.FRONT_ENDS and tuple(one["clean"]["divider"]) == levels.REMEDIES
    for condition in ("clean", "rough"):
        found = one[condition]
        for name in analyses.CHOSEN:
            before, after = (found[name][remedy] for remedy in (levels.AS_IT_IS, "levels at 12 %"))
            assert before["initial_contact_bias_ms"] < -5 and before["stance_mean_bias_ms"] > 10
            assert abs(after["stance_mean_bias_ms"]) < abs(before["stance_mean_bias_ms"]) - 10
        straight = found[levels.STRAIGHT]
        usual_ms = straight[levels.AS_IT_IS]["initial_contact_bias_ms"]
        for remedy in (*levels.FRACTIONS, *levels.POWERS):
            assert straight[remedy]["initial_contact_bias_ms"] > usual_ms + 1
        assert straight[levels.KNOWN] == straight[levels.AS_IT_IS]
    assert assumptions.constant("tune", "_LOW_PERMILLE") == 56  # the page says 5.6 %


def test_remedies_do_what_they_say() -> None:
    force_n = np.array([2.0, 10.0, 25.0, 63.0, 90.0])
    for name in analyses.CHOSEN:
        counts = np.rint(circuit.transfer(name, circuit.SENSOR, force_n)).astype(np.uint16)
        source = Source({"left": np.append(counts, MISSING_COUNTS)[:, None]}, (("heel", "unused"),))
        straight = levels.remedied(source, name, levels.KNOWN).counts["left"][:, 0]
        np.testing.assert_allclose(straight[:-1], force_n / circuit.PAD_FULL_SCALE_N * circuit.MAX_COUNTS, atol=25)
        assert straight[-1] == MISSING_COUNTS
        assert levels.remedied(source, name, levels.AS_IT_IS) is source
    (power,) = levels.POWERS
    half = Source({"left": np.full((1, 1), circuit.MAX_COUNTS // 4, np.uint16)}, (("heel", "unused"),))
    assert levels.remedied(half, "divider", power).counts["left"][0, 0] == pytest.approx(circuit.MAX_COUNTS / 8, abs=2)
    with levels.levels_at(0.112):
        tune = sys.modules["insole.tune_plain"]
        assert (tune._LOW_PERMILLE, tune._RELEASE_PERMILLE, tune._HIGH_PERMILLE) == (112, 128, 240)
    assert (tune._LOW_PERMILLE, tune._RELEASE_PERMILLE, tune._HIGH_PERMILLE) == (56, 64, 120)


@pytest.mark.slow
def test_a_recorded_walk_still_says_so() -> None:
    folder = os.environ.get("RETROSOLE_RECORDINGS")
    if not folder:
        pytest.skip("NO RECORDINGS: RETROSOLE_RECORDINGS is not set, recorded walks were not tried again")
    from hardware.simulation import recorded

    scored = recorded.tallies((Path(folder), "JuCo01_01", "reversed"))
    for name in analyses.CHOSEN:
        found = recorded.figures(scored[name, False])
        assert found["all_wrong_percent"] == 0
        worse = recorded.figures(scored["divider_1k", False])
        assert worse["initial_contact_bias_ms"] < found["initial_contact_bias_ms"] < 0
        assert 0 < found["final_contact_bias_ms"] < worse["final_contact_bias_ms"]


def test_the_battery_is_off_by_no_more_than_stated(results: dict[str, Any]) -> None:
    for row in results["battery"]["rows"]:
        low, high = row["divider_mv"]
        # Resistors of 1 %, and 50 nA into 235 k, doubled.
        worst = row["battery_mv"] * 0.01 + 2 * 50e-9 * 235e3 * 1000
        assert -worst - 1 <= low < 0 < high <= worst + 1
        assert row["worst_mv"] <= 170


def test_the_page_says_what_the_results_say(results: dict[str, Any]) -> None:
    page = README.read_text(encoding="utf-8")
    assert tables.filled(page, results) == page, "make hardware"
    parts = circuit.tables("front_ends")
    choice = page[page.index("## The choice") : page.index("An FSR 402 is made")]
    amplifier, divider = parts[parts["chosen"]["board"]], parts[parts["chosen"]["weekend"]]
    for value, unit in (
        (divider["resistor_ohm"], "Ω"), (amplifier["feedback_ohm"] / 1000, "kΩ"),
        (amplifier["feedback_nf"], "nF"),
        (amplifier["series_ohm"], "Ω"), (amplifier["pin_ohm"] / 1000, "kΩ"), (amplifier["pin_nf"], "nF"),
        (amplifier["reference_ohm"][0] / 1000, "kΩ"), (amplifier["reference_ohm"][1] / 1000, "kΩ"),
    ):  # fmt: skip
        assert f"{value:g} {unit}" in choice
    assert "was built, and\nnothing was measured" in page


def test_the_readme_says_of_both_front_ends_what_was_computed() -> None:
    page = (README.parents[2] / "README.md").read_text(encoding="utf-8")
    recorded = json.loads((README.parent / "recorded.json").read_text(encoding="utf-8"))
    assert f"{recorded['stances']:,} stances" in page
    for words, name, digits in (
        ("missed + false + extra stances, %", "all_wrong_percent", 2),
        ("initial contact, median error, ms", "initial_contact_bias_ms", 1),
        ("initial contact, 95 % within, ms", "initial_contact_95_abs_ms", 1),
        ("final contact, median error, ms", "final_contact_bias_ms", 1),
        ("final contact, 95 % within, ms", "final_contact_95_abs_ms", 1),
        ("contact order right (lead > 30 ms), %", "order_right_percent", 2),
        ("direction right, %", "direction_right_percent", 2),
    ):
        ways = ("straight line", "divider", "amplifier")
        cells = [" / ".join(_told(recorded[how][way][name], digits) for how in ("clean", "rough")) for way in ways]
        assert f"| {words} | {' | '.join(cells)} |" in page


def _told(value: float, digits: int) -> str:
    return f"{round(value + 1e-9, digits) + 0.0:.{digits}f}"


def test_pictures_are_there_and_have_no_date() -> None:
    page = README.read_text(encoding="utf-8")
    for name in re.findall(r"\]\((\w+\.svg)\)", page):
        text = (README.parent / name).read_text(encoding="utf-8")
        assert ET.fromstring(text).tag.endswith("svg")
        assert "<dc:date>" not in text


def test_results_are_written_in_one_way(results: dict[str, Any]) -> None:
    assert as_text(results) == RESULTS.read_text(encoding="utf-8")


def test_the_netlists_have_the_chosen_values_unless_told_otherwise() -> None:
    parts = circuit.tables("front_ends")
    for name, shown in (("divider", {"r"}), ("amplifier", {"rup", "rs", "rf", "cf", "rpin", "cpin"})):
        text = (README.parent / f"{name}.lib").read_text(encoding="ascii")
        head = re.search(rf"^\.subckt {name} (.*)$", text, re.MULTILINE)
        assert head is not None
        written = {key: number(value) for key, value in re.findall(r"(\w+)=(\S+)", head[1])}
        chosen = spice.front_end(parts["chosen"]["weekend" if name == "divider" else "board"], "1")
        asked = {key: float(value) for key, value in re.findall(r"(\w+)=(\S+)", chosen)}
        assert {key: written[key] for key in shown} == pytest.approx({key: asked[key] for key in shown})
        if name == "amplifier":
            assert written["rlow"] == pytest.approx(asked["rlow"])


def number(text: str) -> float:
    """Read a number as SPICE writes it."""
    units = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "meg": 1e6}
    value, unit = re.fullmatch(r"([0-9.]+)([a-z]*)", text).groups()  # type: ignore[union-attr]
    return float(value) * units.get(unit, 1.0)


def test_the_sensor_itself_is_the_largest_error(results: dict[str, Any]) -> None:
    for name in analyses.CHOSEN:
        rows = {row["what"]: row["counts"] for row in results["sensor"][name]}
        nominal = rows.pop("nominal")
        assert nominal == pytest.approx(results["corners"][name][7]["counts"], abs=0.2)
        assert all(counts[2] != nominal[2] for counts in rows.values())
        drift = rows["after 15 minutes of load (drift)"][2] / nominal[2]
        corners = [row["counts"][2] / nominal[2] for row in results["corners"][name] if row["supply_v"] >= 3.2]
        assert drift - 1 > max(abs(part - 1) for part in corners)
        # Wet feet do not look like a load, nor like a sensor that is no longer open.
        assert rows["100 kΩ of sweat across it"][0] < 64


def need_ngspice() -> None:
    """Skip aloud without ngspice; in CI fail."""
    try:
        spice.program()
    except spice.NgspiceError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"ngspice must be there in CI: {error}")
        pytest.skip(f"NO NGSPICE, NOT SIMULATED AGAIN: {error}")


@pytest.mark.slow
def test_ngspice_still_says_so(results: dict[str, Any]) -> None:
    need_ngspice()
    again = dict(leaves(simulate()))
    before = dict(leaves(results))
    assert again.keys() == before.keys()
    for path, value in before.items():
        if path == "/ngspice":
            continue
        if isinstance(value, bool) or not isinstance(value, float | int):
            assert again[path] == value, path
        else:
            assert math.isclose(again[path], value, rel_tol=2e-3, abs_tol=0.11), (path, value, again[path])


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(tree, list):
        for key, value in enumerate(tree):
            yield from leaves(value, f"{path}/{key}")
    else:
        yield path, tree


FOLLOWER = ["Vdd vdd 0 3.3", "Xa in out vdd 0 out op_amp"]


@pytest.mark.slow
def test_the_amplifier_is_what_its_data_sheet_says() -> None:
    need_ngspice()
    one = circuit.tables("front_ends")["op_amp"]
    found = spice.run([*FOLLOWER, "Vin in 0 dc 1.65 ac 1"], ["ac dec 100 1k 10meg"], ["mag(v(out))"])
    corner_hz = found["scale"][found["mag(v(out))"] < 0.5**0.5][0]
    assert corner_hz == pytest.approx(one["gbw_hz"], rel=0.1)
    step = "Vin in 0 pulse(0.5 2.5 1u 1n 1n 1 2)"
    found = spice.run([*FOLLOWER, step], ["tran 10n 6u"], ["v(out)"])
    us = found["scale"] * 1e6
    rising = (us > 1.5) & (us < 3.5)  # after what the edge itself pushes through
    slope = np.polyfit(us[rising], found["v(out)"][rising], 1)[0]
    assert slope == pytest.approx(one["slew_v_per_us"], rel=0.05)
    found = spice.run([*FOLLOWER, "Vin in 0 0"], ["dc Vin 0 3.3 0.01"], ["v(out)"])
    swing_v = one["swing_mv"] / 1000
    assert found["v(out)"].min() == pytest.approx(swing_v, abs=1e-3)
    assert found["v(out)"].max() == pytest.approx(3.3 - swing_v, abs=1e-3)
    assert found["v(out)"][165] == pytest.approx(1.65, abs=1e-4)
    offset = [line.replace("op_amp", "op_amp offset=4.5m") for line in FOLLOWER]
    found = spice.run([*offset, "Vin in 0 1"], ["op"], ["v(out)"])
    assert found["v(out)"][-1] == pytest.approx(1 + one["offset_mv"] / 1000, abs=1e-4)
    quiet = ["noise v(out) Vin dec 10 900 1100", "setplot noise1"]
    found = spice.run([*FOLLOWER, "Vin in 0 dc 1.65 ac 1"], quiet, ["onoise_spectrum"])
    assert found["onoise_spectrum"][0] * 1e9 == pytest.approx(one["noise_nv"], rel=0.05)


@pytest.mark.slow
def test_a_deck_that_cannot_run_is_said() -> None:
    need_ngspice()
    with pytest.raises(spice.NgspiceError, match="ngspice did not finish"):
        spice.run(["X1 a b nothing_of_this_name"], ["op"], ["v(a)"])


def test_without_ngspice_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(spice.NgspiceError, match="apt-get install ngspice"):
        spice.program()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="must be there in CI"):
        need_ngspice()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="NO NGSPICE, NOT SIMULATED AGAIN"):
        need_ngspice()
