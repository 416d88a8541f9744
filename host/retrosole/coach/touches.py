"""Count toe touches of one foot: the first stage of learning, standing on the other foot. Pure, on the host.

The insole's detector looks for steps of walking; a toe that is put down lightly and taken back is none, and gives a
contact frame at most. So the samples decide here: a touch is the forefoot loaded for a moment while the foot is up, and
only lightly. Contact frames count where samples are missing.

What is light, and when the foot is up, goes by what this foot carried before it was lifted, as everything else here
goes by the sensor's own range and not by newtons. Until it has been lifted once nothing can be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from retrosole import wire

CARRIED_COUNTS = 1000  # what a foot that stood must have had above its unloaded counts, both zones: swaying has 800
ON_SHARE = 0.08  # of what it carried: the foot touches; a toe put down to steady oneself has several times as much
OFF_SHARE = 0.04
ON_LEAST_COUNTS = 120  # above noise: four channels at 1 % of full scale
LIGHT_SHARE = 0.6  # more is a step: the weight came onto it (standing on both feet it had one half of the weight)
HEEL_LEAD_S = 0.02  # together, as everywhere
SHORTEST_S = 0.08  # shorter is a knock
LONGEST_S = 6.0  # longer is standing on it
_SMOOTH = 0.25  # of each new sample: the lowest load is to be the foot's, not the noise's; 20 ms late at 200 Hz
_SETTLE_S = 5.0  # in the air the unloaded level follows with this time constant, upward


class Landing(Enum):
    """Say what a foot that came down did."""

    TOES = "toes"  # the toes touched, lightly: this is what is counted
    ROLLED = "rolled"  # likewise, and the heel was lowered behind them: counted, too
    HEEL = "heel"  # the heel first, or flat
    STEP = "step"  # the weight came onto it
    STOOD = "stood"  # it stayed down


COUNTED = (Landing.TOES, Landing.ROLLED)


@dataclass
class TouchCounter:
    """Follow one foot from sample to sample; `landings` has what was seen, in order.

    `heel` and `forefoot` are the channels of each zone (toes are forefoot), by index.
    """

    rate_hz: float
    forefoot: tuple[int, ...]
    heel: tuple[int, ...]
    landings: list[Landing] = field(default_factory=list)
    _sums: NDArray[np.float64] | None = None  # of the zones, smoothed
    _low: NDArray[np.float64] | None = None
    _most: float = 0.0  # largest sum of both zones, raw
    _next_idx: int = 0
    _on_idx: int | None = None
    _heel_idx: int | None = None
    _fore_idx: int | None = None
    _peak: float = 0.0
    _gaps: list[tuple[int, int]] = field(default_factory=list)
    _pending: list[tuple[int, int]] = field(default_factory=list)  # contact frames: index and order
    _was_up: bool = False

    @property
    def n(self) -> int:
        """Give the number of toe touches."""
        return sum(one in COUNTED for one in self.landings)

    def contact(self, frame: wire.ContactFrame) -> None:
        """Take a contact frame; it counts only when the samples around it turn out to be missing."""
        self._pending.append((frame.initial_contact_idx, frame.contact_order))
        self._decide_pending()

    def samples(self, first_idx: int, counts: NDArray[np.uint16]) -> None:
        """Take (k, channel_n) counts, 4095 = missing, the first of them sample `first_idx`."""
        if first_idx < self._next_idx:
            return  # fetched later, or of another session: too late to be told
        if first_idx > self._next_idx > 0:
            self._gap(self._next_idx, first_idx)
        for k, row in enumerate(counts):
            if (row == wire.MISSING_COUNT).all():
                self._gap(first_idx + k, first_idx + k + 1)
            else:
                self._take(first_idx + k, row)
        self._next_idx = first_idx + len(counts)
        self._decide_pending()

    def restart(self) -> None:
        """Know that the insole counts its samples from 0 again."""
        self._next_idx = 0
        self._gaps.clear()
        self._pending.clear()
        self._forget()

    # ---- inside

    def _gap(self, begin_idx: int, end_idx: int) -> None:
        if self._gaps and self._gaps[-1][1] == begin_idx:
            begin_idx = self._gaps.pop()[0]
        self._gaps.append((begin_idx, end_idx))
        self._forget()

    def _forget(self) -> None:
        self._on_idx = self._heel_idx = self._fore_idx = None
        self._was_up = False

    def _take(self, index: int, row: NDArray[np.uint16]) -> None:
        raw = np.array([float(row[list(self.forefoot)].sum()), float(row[list(self.heel)].sum())])
        self._sums = raw if self._sums is None else self._sums + _SMOOTH * (raw - self._sums)
        sums = self._sums
        self._low = sums if self._low is None else np.minimum(self._low, sums)
        self._most = max(self._most, float(sums.sum()))
        carried = self._most - float(self._low.sum())
        if carried < CARRIED_COUNTS:
            return
        fore, heel = (float(value) for value in sums - self._low)
        on = max(ON_LEAST_COUNTS, ON_SHARE * carried)
        if self._on_idx is None:
            if fore + heel < max(ON_LEAST_COUNTS / 2, OFF_SHARE * carried):
                self._was_up = True
                self._low += (sums - self._low) / (_SETTLE_S * self.rate_hz)
            elif fore + heel >= on:
                self._on_idx, self._peak = index, 0.0
                self._fore_idx = self._heel_idx = None
        if self._on_idx is not None:
            self._follow(index, fore, heel, on, carried)

    def _follow(self, index: int, fore: float, heel: float, on: float, carried: float) -> None:
        self._peak = max(self._peak, fore + heel)
        if self._fore_idx is None and fore >= on / 2:
            self._fore_idx = index
        if self._heel_idx is None and heel >= on / 2:
            self._heel_idx = index
        if fore + heel < max(ON_LEAST_COUNTS / 2, OFF_SHARE * carried):
            self._conclude(index, carried)

    def _conclude(self, index: int, carried: float) -> None:
        assert self._on_idx is not None
        seconds = (index - self._on_idx) / self.rate_hz
        if self._was_up and seconds >= SHORTEST_S:
            self.landings.append(self._landing(seconds, carried))
        self._forget()
        self._was_up = True

    def _landing(self, seconds: float, carried: float) -> Landing:
        if seconds > LONGEST_S:
            return Landing.STOOD
        if self._peak > LIGHT_SHARE * carried:
            return Landing.STEP
        if self._heel_idx is None:
            return Landing.TOES
        if self._fore_idx is not None and self._heel_idx - self._fore_idx > HEEL_LEAD_S * self.rate_hz:
            return Landing.ROLLED
        return Landing.HEEL

    def _decide_pending(self) -> None:
        """Count the contacts that the samples do not tell about; drop those that they do, once they have come."""
        waiting = []
        for index, order in self._pending:
            if any(begin <= index < end for begin, end in self._gaps):
                is_toes = order == wire.Order.FOREFOOT_FIRST
                self.landings.append(Landing.TOES if is_toes else Landing.HEEL)
            elif index >= self._next_idx:
                waiting.append((index, order))
        self._pending = waiting


def counter_of(identity: wire.IdentityFrame) -> TouchCounter:
    """Make a counter for an insole. Midfoot channels have no say; a dead channel does not change, and has none."""
    used = range(min(identity.channel_n, wire.CHANNEL_N))
    forefoot = tuple(k for k in used if identity.zones[k] in (wire.Zone.FOREFOOT, wire.Zone.TOES))
    heel = tuple(k for k in used if identity.zones[k] == wire.Zone.HEEL)
    return TouchCounter(identity.rate_hz, forefoot, heel)
