"""Which sensors of a recording make up which channel of the insole.

A zone is taken as a strip from the medial to the lateral edge, which its sensors share evenly,
and its channels too. A channel gets the sum of what it covers of every sensor, of pressures as
of forces. So each sensor counts once, whatever the numbers of sensors and channels are, and the
sum over the channels of a zone has the shape of the sum over its sensors: a threshold relative
to the zone's own peak is crossed when it is crossed in the recording. (Means would weigh the
sensors of a zone unequally.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import DamagedDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrosole.twin.feed import Channel


def sensor_weights(zones: Sequence[str], across: Sequence[float], channels: Sequence[Channel]) -> NDArray[np.float64]:
    """Weigh the sensors for each channel, (channel_n, sensor_n).

    `zones` and `across` are those of the sensors, as in SideRecording. Toes go to channels at
    the toes, else to the hallux, else to the forefoot; midfoot sensors
    without a midfoot channel are left out. Raises DamagedDataError if forefoot or heel channels
    would stay empty.
    """
    weights = np.zeros((len(channels), len(zones)))
    for sensors, targets in _groups(zones, across, channels):
        for i, channel_idx in enumerate(targets):
            for j, sensor_idx in enumerate(sensors):
                weights[channel_idx, sensor_idx] = _overlap(
                    i / len(targets),
                    (i + 1) / len(targets),
                    j / len(sensors),
                    (j + 1) / len(sensors),
                ) * len(sensors)
    for zone in ("forefoot", "heel"):
        rows = [k for k, (name, _) in enumerate(channels) if name == zone]
        if rows and not weights[rows].any(axis=1).all():
            raise DamagedDataError(f"no {zone} sensor in the recording, expected at least one")
    return weights


def sensors_covered(weights: NDArray[np.float64], channels: Sequence[Channel]) -> list[float]:
    """Give for each channel how many sensors the fullest channel of its zone is made of.

    One if the zone has none. All channels of a zone have one range, so that their counts can be
    added up. Forefoot and toes are one zone here.
    """
    fullest: dict[str, float] = {}
    zones = ["forefoot" if zone == "toes" else zone for zone, _ in channels]
    for zone, row in zip(zones, weights, strict=True):
        fullest[zone] = max(fullest.get(zone, 0.0), float(row.sum()))
    return [fullest[zone] or 1.0 for zone in zones]


def sensors_in_zone(zones: Sequence[str], channels: Sequence[Channel]) -> list[int]:
    """Give for each channel how many sensors its zone has; forefoot and toes are one zone here."""
    front = ("forefoot", "toes")
    return [sum(name == zone or (name in front and zone in front) for name in zones) for zone, _ in channels]


def _groups(
    zones: Sequence[str], across: Sequence[float], channels: Sequence[Channel]
) -> list[tuple[list[int], list[int]]]:
    have = {zone: _sensors(zones, across, zone) for zone in ("heel", "midfoot", "forefoot", "toes")}
    want = {zone: [k for k, (name, _) in enumerate(channels) if name == zone] for zone in have}
    groups = [(have["heel"], want["heel"]), (have["midfoot"], want["midfoot"])]
    front = want["toes"] + want["forefoot"]
    hallux = [k for k in want["forefoot"] if channels[k][1] == "hallux"]
    ball = [k for k in want["forefoot"] if k not in hallux]
    if want["toes"] and want["forefoot"] and have["toes"] and have["forefoot"]:
        groups += [(have["toes"], want["toes"]), (have["forefoot"], want["forefoot"])]
    elif hallux and ball and not want["toes"] and have["toes"] and have["forefoot"]:
        groups += [(have["toes"], hallux), (have["forefoot"], ball)]
    else:
        groups.append((have["toes"] + have["forefoot"], front))
    return [(sensors, targets) for sensors, targets in groups if sensors and targets]


def _sensors(zones: Sequence[str], across: Sequence[float], zone: str) -> list[int]:
    return sorted((k for k, name in enumerate(zones) if name == zone), key=lambda k: across[k])


def _overlap(a: float, b: float, c: float, d: float) -> float:
    return max(0.0, min(b, d) - max(a, c))
