"""What the guide's known weights read: tables from the curve, front ends and converters that are simulated."""

from __future__ import annotations

import numpy as np

from retrosole.twin import circuit

LOADS_KG = (0.1, 0.5, 1.0, 2.0, 4.0)
PARTS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the load on a pad while its wearer stands
STANDING_KG = 1.0  # on a pad: 80 kPa, a foot that carries somebody alone
_GRAVITY_MPS2 = 9.81
_CHOSEN = circuit.tables("front_ends")["chosen"]
KIT, BOARD = _CHOSEN["weekend"], _CHOSEN["board"]


def reading(kg: float) -> tuple[float, float, float]:
    """Give a pad's ohms, the volts at the kit's pin and the counts under a weight."""
    conductance_us = circuit.conductance_us(circuit.SENSOR, np.array([_GRAVITY_MPS2 * kg]))
    volts = circuit.volts(KIT, conductance_us)
    counts = circuit.counts(circuit.tables("front_ends")[KIT]["converter"], volts)
    return 1e6 / float(conductance_us[0]), float(volts[0]), float(counts[0])


def shown_percent(front_end: str, part: float) -> float:
    """Give what a front end shows, in percent of the standing load, of a pad that carries a part of it."""
    unloaded, standing, loaded = (
        float(circuit.transfer(front_end, circuit.SENSOR, np.array([_GRAVITY_MPS2 * kg]))[0])
        for kg in (0.0, STANDING_KG, part * STANDING_KG)
    )
    return 100 * (loaded - unloaded) / (standing - unloaded)


def pads_table() -> str:
    """Write what a pad of the kit gives under weights, for people."""
    open_mohm = circuit.tables("sensors")[circuit.SENSOR]["open_mohm"]
    rows = ["| on the pad | sensor | at the pin | counts |", "|---|---|---|---|"]
    rows.append(f"| nothing | above {open_mohm:.0f} Mohm | {reading(0.0)[1]:.2f} V | {reading(0.0)[2]:.0f} |")
    for kg in LOADS_KG:
        ohm, volts, counts = reading(kg)
        rows.append(f"| {kg:g} kg | {round(ohm, -1):.0f} ohm | {volts:.2f} V | {round(counts, -1):.0f} |")
    return "\n".join(rows)


def parts_table() -> str:
    """Write what is shown of a pad's load, which no front end and no sensor turns into a straight line."""
    heads = " | ".join(f"{100 * part:.0f} %" for part in PARTS)
    rows = [f"| really | {heads} |", "|---|" + "---|" * len(PARTS)]
    for name, front_end in (("kit", KIT), ("board", BOARD)):
        cells = " | ".join(f"{shown_percent(front_end, part):.0f} %" for part in PARTS)
        rows.append(f"| {name} shows | {cells} |")
    return "\n".join(rows)
