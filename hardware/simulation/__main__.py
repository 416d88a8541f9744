"""Run all simulations and write results.json, the plots and the tables of README.md."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hardware.simulation import analyses, assumptions, spice, tables
from hardware.simulation.detection import detect
from retrosole.errors import RetrosoleError

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"


def simulate() -> dict[str, Any]:
    """Ask ngspice everything."""
    a = analyses
    found: dict[str, Any] = {
        "about": "simulated with nominal and drawn parts; nothing here was built or measured",
        "ngspice": spice.version(),
        "transfer": {f: {s: a.transfer(f, s) for s in a.SENSORS} for f in a.CANDIDATES},
        "parts": {f: {f"{100 * t:g} %": a.monte_carlo(f, "fsr_402", t) for t in (0.01, 0.05)} for f in a.CANDIDATES},
        "corners": {f: a.corners(f, "fsr_402") for f in a.CANDIDATES},
        "sensor": {f: a.sensor_effects(f, "fsr_402") for f in a.CHOSEN},
        "response": {
            f: [a.response(f, "fsr_402", n) for n in (1.0, *a.FOOT_N)] for f in (*a.CHOSEN, "divider_filtered")
        },
        "noise": {f: [a.noise(f, "fsr_402", n) for n in (1.0, *a.FOOT_N)] for f in (*a.CANDIDATES, "divider_filtered")},
        "settling": {f: a.settling(f, "fsr_402") for f in (*a.CANDIDATES, "divider_filtered")},
        "battery": a.battery(),
        "detection": detect(),
    }
    second: dict[str, Any] = {
        "parts": {f: {"5 %": a.monte_carlo(f, "fsr_402_second", 0.05)} for f in a.CHOSEN},
        "transfer": {f: {"fsr_402": found["transfer"][f]["fsr_402_second"]} for f in a.CHOSEN},
    }
    found["second_reading"] = second["parts"]
    # With the sensor's other reading the same must hold.
    found["broken_second"] = {
        f: [line.words for line in assumptions.of_front_end(f, found | second) if not line.is_kept] for f in a.CHOSEN
    }
    found["broken"] = {f: sum(not line.is_kept for line in assumptions.of_front_end(f, found)) for f in a.CANDIDATES}
    found["assumptions"] = [_told(line) for line in assumptions.lines(found)]
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _told(line: assumptions.Line) -> dict[str, Any]:
    ranges = {name: [round(value, 1) for value in getattr(line, name)] for name in ("stated", "simulated")}
    return asdict(line) | ranges | {"is_kept": line.is_kept}


def main() -> int:
    """Do what the command line says; give the exit code."""
    argparse.ArgumentParser(prog="python -m hardware.simulation", description=__doc__).parse_args()
    from hardware.simulation.plots import draw

    print("simulating with ngspice: half a minute", flush=True)
    results = simulate()
    RESULTS.write_text(as_text(results), encoding="utf-8")
    draw(results, HERE)
    README.write_text(tables.filled(README.read_text(encoding="utf-8"), results), encoding="utf-8")
    broken = [line["words"] for line in results["assumptions"] if not line["is_kept"]]
    print("\n".join(f"NOT KEPT: {words}" for words in broken) or "every assumption of the firmware is kept")
    return 1 if broken else 0


def as_text(results: dict[str, Any]) -> str:
    """Write results with each row of numbers on one line."""
    text = json.dumps(results, indent=1)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RetrosoleError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
