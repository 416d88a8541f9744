"""Run all simulations and write results.json, the plots and the tables of README.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hardware.simulation import analyses, spice
from retrosole.errors import RetrosoleError

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def simulate() -> dict[str, Any]:
    """Ask ngspice everything."""
    a = analyses
    return {
        "about": "simulated with nominal and drawn parts; nothing here was built or measured",
        "ngspice": spice.version(),
        "transfer": {f: {s: a.transfer(f, s) for s in a.SENSORS} for f in a.CANDIDATES},
        "parts": {
            f: {f"{100 * t:g} %": a.monte_carlo(f, "fsr_402", t) for t in (0.01, 0.05)} for f in a.CANDIDATES
        },
        "corners": {f: a.corners(f, "fsr_402") for f in a.CHOSEN},
        "response": {
            f: [a.response(f, "fsr_402", n) for n in (1.0, *a.FOOT_N)] for f in (*a.CHOSEN, "divider_filtered")
        },
        "noise": {f: [a.noise(f, "fsr_402", n) for n in (1.0, *a.FOOT_N)] for f in (*a.CANDIDATES, "divider_filtered")},
        "settling": {f: a.settling(f, "fsr_402") for f in (*a.CANDIDATES, "divider_filtered")},
        "battery": a.battery(),
    }


def main() -> int:
    """Do what the command line says; give the exit code."""
    argparse.ArgumentParser(prog="python -m hardware.simulation", description=__doc__).parse_args()
    results = simulate()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RetrosoleError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
