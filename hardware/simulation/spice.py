"""Decks for ngspice and what it answers. It is run as a program, in batch mode, and never imported."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole.errors import RetrosoleError
from retrosole.twin.circuit import NOMINAL, Part, tables

Floats = NDArray[np.float64]

_HERE = Path(__file__).parent
_PATIENCE_S = 120.0
_ACCURACY = ".options reltol=1e-5 vntol=1e-8 gmin=1e-13 noacct"
_FAULTS = re.compile(r"^.*(?:error|singular matrix|no such vector|timestep too small).*$", re.IGNORECASE | re.MULTILINE)


class NgspiceError(RetrosoleError):
    """Say that ngspice is not there, or that it did not do what a deck asks for."""


def program() -> str:
    """Return the path of ngspice; raise NgspiceError where there is none."""
    found = shutil.which("ngspice")
    if found is None:
        raise NgspiceError("ngspice is not here: sudo apt-get install ngspice (results.json was made with version 39)")
    return found


def version() -> str:
    """Return what ngspice calls itself, such as "ngspice-39"."""
    done = subprocess.run([program(), "--version"], capture_output=True, text=True, timeout=30, check=False)
    match = re.search(r"ngspice-\S+", done.stdout)
    return match[0] if match else "ngspice"


def run(lines: Iterable[str], commands: Iterable[str], vectors: Sequence[str]) -> dict[str, Floats]:
    """Run a deck and give its vectors by name, the scale as "scale"; complex ones come as magnitudes asked for.

    Raises NgspiceError with what ngspice said.
    """
    ngspice = program()
    with tempfile.TemporaryDirectory(prefix="retrosole-spice-") as folder:
        out = Path(folder) / "out.txt"
        deck = Path(folder) / "deck.cir"
        control = ["set wr_singlescale", "set wr_vecnames", "set numdgt=10", *commands]
        control.append(f"wrdata {out} {' '.join(vectors)}")
        whole = ["retrosole", *_includes(), _ACCURACY, *lines, ".control", *control, "quit", ".endc", ".end"]
        deck.write_text("\n".join(whole) + "\n", encoding="ascii")
        done = subprocess.run(
            [ngspice, "-b", deck], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        fault = _FAULTS.search(done.stdout + done.stderr)
        if fault or not out.is_file():
            raise NgspiceError(f"ngspice did not finish: {fault[0].strip() if fault else done.stderr[-300:]}")
        table = np.loadtxt(out, skiprows=1, ndmin=2)
    if table.shape[1] != 1 + len(vectors):
        raise NgspiceError(f"ngspice gave {table.shape[1]} columns, expected {1 + len(vectors)}")
    return {"scale": table[:, 0], **{name: table[:, 1 + k] for k, name in enumerate(vectors)}}


def _includes() -> list[str]:
    return [f".include {_HERE / name}" for name in ("op_amp.lib", "divider.lib", "amplifier.lib")]


def sensor(name: str) -> list[str]:
    """Write a sensor as a current that follows its voltage and, along the table, the force on it."""
    one = tables("sensors")[name]
    slope = (one["conductance_us"][-1] - one["conductance_us"][-2]) / (one["force_n"][-1] - one["force_n"][-2])
    force = [*one["force_n"], 1000.0]
    conductance = [*one["conductance_us"], one["conductance_us"][-1] + slope * (1000.0 - one["force_n"][-1])]
    points = ", ".join(f"{f!r},{g!r}" for f, g in zip(force, conductance, strict=True))
    return [
        f".subckt {name} a b force gain=1",
        f"Bs a b I = {{gain}}*1e-6*v(a,b)*pwl(v(force), {points})",
        ".ends",
    ]


def front_end(name: str, key: str, part: Part = NOMINAL) -> str:
    """Instantiate a front end: nodes vdd, h<key> (the sensor's) and p<key> (the pin)."""
    values = _values(tables("front_ends")[name], part)
    given = " ".join(f"{k}={v!r}" for k, v in values.items())
    return f"X{key} vdd h{key} p{key} {tables('front_ends')[name]['kind']} {given}"


def _values(one: Mapping[str, Any], part: Part) -> dict[str, float]:
    pin = {"rpin": one["pin_ohm"], "cpin": one["pin_nf"] * 1e-9} if "pin_ohm" in one else {}
    if one["kind"] == "divider":
        return {"r": one["resistor_ohm"] * part.resistor_gain, **pin}
    upper, lower = one["reference_ohm"]
    # The reference's error as that of its lower resistor: the ratio comes out as asked for.
    ratio = lower / (upper + lower) * part.reference_gain
    return {
        "rup": upper,
        "rlow": upper * ratio / (1 - ratio),
        "rs": one["series_ohm"],
        "rf": one["feedback_ohm"] * part.resistor_gain,
        "cf": one["feedback_nf"] * 1e-9,
        "offset": part.offset_mv * 1e-3,
        **pin,
    }


def wired(front_end_name: str, sensor_name: str, key: str, part: Part = NOMINAL) -> list[str]:
    """Write a front end with its sensor on it, which hangs on the node `force`: 1 V is 1 N."""
    other = "vdd" if tables("front_ends")[front_end_name]["kind"] == "divider" else "0"
    return [
        front_end(front_end_name, key, part),
        f"Xs{key} {other} h{key} force {sensor_name} gain={part.sensor_gain!r}",
    ]


def resisted(front_end_name: str, conductance_us: float, key: str = "1") -> list[str]:
    """Write a front end with a resistor in place of its sensor, which makes noise, and a current into their node."""
    other = "vdd" if tables("front_ends")[front_end_name]["kind"] == "divider" else "0"
    return [
        front_end(front_end_name, key),
        f"Rsensor {other} h{key} {1e6 / conductance_us!r}",
        f"Iin 0 h{key} dc 0 ac 1",
    ]
