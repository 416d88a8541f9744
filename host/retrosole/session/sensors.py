"""What the insole says of its sensors: zone, place under the foot, calibration, and whether it trusts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.session.writer import word

if TYPE_CHECKING:
    from retrosole.session.sidelog import SideLog

# Whose peak and impulse the insole counts a sensor's load to, by zone; that of the midfoot to none
_PARTS = {"forefoot": "forefoot", "toes": "forefoot", "heel": "heel"}


@dataclass(frozen=True)
class Sensor:
    """Hold one channel: `zone` and `site` in words.

    `baseline` is its unloaded counts from tare, `standing` its counts above that while standing on this foot, None
    before a tare or a calibration. `is_left_out`: the insole found it dead or stuck, for a part of the session or all.
    """

    zone: str
    site: str
    baseline: int | None
    standing: int | None
    is_left_out: bool

    @property
    def part(self) -> str | None:
        """Give the part of the foot whose load this sensor's is counted to: forefoot (with the toes), heel or None."""
        return _PARTS.get(self.zone)


def sensors_of(log: SideLog) -> tuple[Sensor, ...]:
    """Give the sensors in the order of the channels; none when no identity frame came through."""
    who = log.identity
    if who is None:
        return ()
    bits = out_bits(log)
    return tuple(
        Sensor(
            zone=word(wire.Zone, who.zones[k]),
            site=word(wire.Site, who.sites[k]),
            baseline=_known(who.baseline[k], "baseline"),
            standing=_known(who.standing[k], "standing"),
            is_left_out=bool(bits >> k & 1),
        )
        for k in range(min(who.channel_n, wire.CHANNEL_N))
    )


def _known(value: int, name: str) -> int | None:
    return None if value == wire.INVALID[f"identity.{name}"] else value


def standing_counts(log: SideLog) -> float | None:
    """Give what the forefoot and heel sensors read together in standing, above the baseline; None when not calibrated.

    The sensors are those whose loads are in the peaks and impulses of most strides: the toes count with the forefoot,
    the midfoot does not count, nor does a sensor that was left out for more than half of the session.
    """
    out = _told_out_bits(log)
    told = [s.standing for k, s in enumerate(sensors_of(log)) if s.part and 2 * np.sum(out >> k & 1) <= len(out)]
    known = [counts for counts in told if counts is not None]
    return float(sum(known)) or None if known and len(known) == len(told) else None


def out_bits(log: SideLog) -> int:
    """Give the channels that the insole left out of its decisions, for a part of the session or all: bit k is k."""
    return int(np.bitwise_or.reduce(_told_out_bits(log)))


def _told_out_bits(log: SideLog) -> NDArray[np.uint8]:
    """Give the channels that were left out, time after time, as the insole told it in the session."""
    sessions = [segment.session for segment in log.segments]
    _, status = log.table(wire.StatusFrame)
    own = (status["running"] != 0) & np.isin(status["session"], sessions)
    return np.asarray(status["channel_out_bits"][own])
