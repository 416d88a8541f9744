"""The tables of README.md, from results.json: between marks, so that what people wrote around them stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hardware.generated import between_marks
from hardware.simulation import analyses
from retrosole.twin.circuit import tables

Results = Mapping[str, Any]


def filled(readme: str, results: Results) -> str:
    """Give a README with all tables written anew."""
    for name, write in _TABLES.items():
        readme = between_marks(readme, name, write(results))
    return readme


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _choice(results: Results) -> str:
    names = list(analyses.CANDIDATES)
    head = ["", *[_titled(name) for name in names]]
    found = {name: results["transfer"][name]["fsr_402"] for name in names}
    parts = {name: results["parts"][name]["5 %"] for name in names}
    settled = results["settling"]
    limit_ma = analyses.limit_ma("fsr_402")
    rows = [
        ["counts unloaded", *[f"{found[n]['unloaded_counts']:.0f}" for n in names]],
        ["first count above that, N", *[f"{found[n]['first_count_n']:.2f}" for n in names]],
        ["counts/N at 1 N", *[f"{found[n]['counts_per_n']['1.0']:.0f}" for n in names]],
        ["counts/N at 25 N", *[f"{found[n]['counts_per_n']['25.0']:.0f}" for n in names]],
        ["counts/N at 63 N", *[f"{found[n]['counts_per_n']['63.0']:.0f}" for n in names]],
        ["counts from 25 to 63 N", *[f"{found[n]['foot_counts']:.0f}" for n in names]],
        ["largest count reached at", *[_newton(found[n]["saturation_n"]) for n in names]],
        ["parts that reach it under 63 N", *[f"{parts[n]['saturated_at_63_n_percent']:.0f} %" for n in names]],
        ["off a straight line, 0 to 63 N", *[f"{found[n]['bend_percent']:.0f} %" for n in names]],
        ["part to part at 25 N (one sd)", *[f"{parts[n]['spread_at_25_n_percent']:.0f} %" for n in names]],
        [
            "current in the sensor at 63 N, times what its maker says not to exceed",
            *[f"{found[n]['sensor_ma_at_foot'] / limit_ma:.1f}" for n in names],
        ],
        ["more than that from", *[_limit(found[n]["limit_ma_at_n"]) for n in names]],
        ["source at the pin, Ω", *[f"{settled[n]['source_ohm']:.0f}" for n in names]],
        ["sample not settled by, counts", *[f"{settled[n]['error_counts']:.1f}" for n in names]],
        ["of the firmware's assumptions broken", *[str(results["broken"][n]) for n in names]],
    ]
    return _rows(head, rows)


def _bold(name: str, title: str) -> str:
    return f"**{title}**" if name in analyses.CHOSEN else title


def _newton(value: float) -> str:
    return "above 200 N" if value < 0 else f"{value:.0f} N"


def _limit(value: float) -> str:
    return "never" if value < 0 else f"{value:.1f} N"


def _detection(results: Results) -> str:
    names = list(results["detection"])
    wanted = {
        "all_wrong_percent": "stances missed, false or told twice, %",
        "initial_contact_bias_ms": "initial contact, median error (early is negative), ms",
        "initial_contact_95_abs_ms": "initial contact, 95 % within, ms",
        "final_contact_bias_ms": "final contact, median error, ms",
        "final_contact_95_abs_ms": "final contact, 95 % within, ms",
        "order_right_percent": "contact order right, %",
        "direction_right_percent": "direction right, %",
    }
    rows = [[words, *[f"{results['detection'][n][key]:g}" for n in names]] for key, words in wanted.items()]
    return _rows(["", *names], rows)


def _recorded(results: Results) -> str:
    """Write what recorded walks say, which are run by themselves."""
    one = json.loads((Path(__file__).parent / "recorded.json").read_text(encoding="utf-8"))
    wanted = {
        "all_wrong_percent": "stances missed, false or told twice, %",
        "initial_contact_bias_ms": "initial contact, median error (early is negative), ms",
        "initial_contact_95_abs_ms": "initial contact, 95 % within, ms",
        "final_contact_bias_ms": "final contact, median error, ms",
        "final_contact_95_abs_ms": "final contact, 95 % within, ms",
        "order_right_percent": "contact order right (lead > 30 ms), %",
        "direction_right_percent": "direction right, %",
        "direction_wrong_percent": "direction wrong, %",
    }
    names = list(one["clean"])
    rows = [
        [words, *[f"{one['clean'][n][key]:.2f} / {one['rough'][n][key]:.2f}" for n in names]]
        for key, words in wanted.items()
    ]
    assert results["transfer"].keys() >= set(names[1:])
    return _rows([f"{one['stances']} stances, clean / rough", *[_titled(name) for name in names]], rows)


def _levels(results: Results) -> str:
    del results  # recorded walks are scored apart, in minutes
    one = json.loads((Path(__file__).parent / "levels.json").read_text(encoding="utf-8"))
    wanted = {
        "initial_contact_bias_ms": "initial contact, ms",
        "final_contact_bias_ms": "final contact, ms",
        "stance_mean_bias_ms": "stance time, mean error, ms",
        "stance_sd_ms": "stance time, spread of the error within a walk (one sd), ms",
        "all_wrong_percent": "stances wrong, %",
        "order_right_percent": "contact order right, %",
    }
    names = list(one["clean"])
    rows = [
        [remedy, words, *[" / ".join(f"{one[c][n][remedy][key]:.1f}" for c in ("clean", "rough")) for n in names]]
        for remedy in one["clean"][names[0]]
        for key, words in wanted.items()
    ]
    rows = [[row[0] if k % len(wanted) == 0 else "", *row[1:]] for k, row in enumerate(rows)]
    return _rows(["", "median error, clean / rough", *names], rows)


def _titled(name: str) -> str:
    parts = tables("front_ends")
    return _bold(name, parts[name]["title"].split(" (")[0]) if name in parts else name


def _response(results: Results) -> str:
    rows = []
    for name, found in results["response"].items():
        for one in found:
            left = one["left_percent"]
            corner = "none below 10 MHz" if one["corner_hz"] < 0 else f"{one['corner_hz']:.0f} Hz"
            title = tables("front_ends")[name]["title"]
            delay = f"{one['delay_ms']:.1f} ms"
            shares = [f"{left[f]:.0f} %" for f in ("50", "100", "250")]
            rows.append([title, f"{one['force_n']:.0f} N", corner, delay, *shares])
    return _rows(["", "load", "-3 dB", "delay", "left at 50 Hz", "100 Hz", "250 Hz"], rows)


def _assumptions(results: Results) -> str:
    rows = []
    for line in results["assumptions"]:
        ranges = (line["stated"], line["simulated"])
        stated, simulated = (f"{_number(low)} to {_number(high)} {line['unit']}" for low, high in ranges)
        kept = "yes" if line["is_kept"] else "**no**"
        rows.append([line["front_end"], line["words"], f"`{line['where']}`", stated, simulated, kept])
    return _rows(["", "the firmware assumes", "where", "stated", "simulated, 500 parts", "kept"], rows)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def _corners(results: Results) -> str:
    rows = []
    for name in analyses.CHOSEN:
        for row in results["corners"][name]:
            counts = [f"{count:.0f}" for count in row["counts"]]
            rows.append([name, f"{row['supply_v']:.1f} V", f"{row['temperature_c']} °C", *counts])
    return _rows(["", "supply", "temperature", "unloaded", "1 N", "25 N", "63 N"], rows)


def _sensor(results: Results) -> str:
    rows = []
    for name in analyses.CHOSEN:
        for row in results["sensor"][name]:
            rows.append([name, row["what"], *[f"{count:.0f}" for count in row["counts"]]])
    return _rows(["", "an FSR 402", "unloaded", "1 N", "25 N", "63 N"], rows)


_TABLES: dict[str, Callable[[Results], str]] = {
    "choice": _choice,
    "recorded": _recorded,
    "levels": _levels,
    "detection": _detection,
    "response": _response,
    "assumptions": _assumptions,
    "corners": _corners,
    "sensor": _sensor,
}
