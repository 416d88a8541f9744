"""Say when a session's second 0 was, by the clocks of the host that asked the insoles for theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.clock import nearest_us
from retrosole.session.segments import Segment

if TYPE_CHECKING:
    from retrosole.session.reader import Session
    from retrosole.session.sidelog import SideLog

Array = NDArray[np.float64]
_QUICK = 1.5  # answers that took longer than the quickest by this factor waited in some queue
_QUICK_S = 0.0005
_SAME_RUN_S = 0.2  # host clocks (time of day - steady) further apart are of different runs
_FIT_SPAN_S = 10.0  # below this the drift of a crystal drowns in the jitter of a line


@dataclass(frozen=True)
class HostClock:
    """Hold where a side's seconds were on its host's clocks: host = seconds + `steady_s` + `drift` x seconds.

    `steady_s` is of the clock that only goes on (time.monotonic there, which is the clock of LSL as well). `unix_s` is
    the time of day at second 0, None where the host did not note it. `drift` is 0 for feet on one clock, whose seconds
    are the host's.
    """

    steady_s: float
    drift: float
    unix_s: float | None

    def offset_s(self, seconds: float) -> float:
        """Give what to add to a time of the session to have the host's steady time."""
        return self.steady_s + self.drift * seconds

    def seconds_at(self, unix_s: float) -> float | None:
        """Give the session's seconds at a time of day."""
        return None if self.unix_s is None else (unix_s - self.unix_s) / (1 + self.drift)


def host_clock(session: Session, side: str) -> HostClock | None:
    """Find the host's clock at a side's second 0; None where no answered clock query of its first part tells.

    Feet on one clock share their second 0, so it is the same for both.
    """
    sides = session.sides if session.alignment.is_aligned else (side,)
    return next((clock for one in sides if (clock := _own_clock(session, one))), None)


def _own_clock(session: Session, side: str) -> HostClock | None:
    log = session.logs[side]
    segment = next((s for s in log.segments if s.head is not None and len(s.samples)), None)
    if segment is None or segment.head is None:
        return None
    at, frames = log.table(wire.ExchangeFrame)
    of_boot = (frames["boot"] == segment.head.boot) & (frames["received_us"] >= frames["sent_us"])
    at, frames = at[of_boot], frames[of_boot]
    if not len(at):
        return None
    bases_s = _bases_s(log, at)
    main_s = float(np.median(bases_s))
    delay_s = (frames["received_us"] - frames["sent_us"]) / 1e6
    is_main = np.abs(bases_s - main_s) < _SAME_RUN_S
    quick = is_main & (delay_s <= _QUICK * delay_s[is_main].min() + _QUICK_S) if is_main.any() else delay_s < 0
    if not quick.any():
        return None
    seconds = _seconds(log, segment, frames[quick])
    host_s = (frames["sent_us"][quick].astype(np.float64) + frames["received_us"][quick].astype(np.float64)) / 2e6
    steady_s, drift = _line(seconds, host_s - seconds, session.alignment.is_aligned)
    return HostClock(steady_s, drift, steady_s + main_s if _is_dated(log) else None)


def _is_dated(log: SideLog) -> bool:
    return bool(len(log.table(wire.HostClockFrame)[0]))


def _bases_s(log: SideLog, at: NDArray[np.int64]) -> Array:
    """Give the host's time of day less its steady time, as last noted before these places in the log."""
    places, clocks = log.table(wire.HostClockFrame)
    if not len(places):
        return np.zeros(len(at))
    base_s = (clocks["unix_us"].astype(np.float64) - clocks["monotonic_us"].astype(np.float64)) / 1e6
    return np.asarray(base_s[np.maximum(np.searchsorted(places, at, side="right") - 1, 0)])


def _seconds(log: SideLog, segment: Segment, frames: NDArray[np.void]) -> Array:
    """Give the seconds of readings of an insole's clock, by the uptimes and the stamp of the first samples."""
    head, period_us = segment.head, 1_000_000 // log.rate_hz
    assert head is not None
    first_idx, stamp_us = (int(segment.samples.column(name)[0]) for name in ("first_index", "clock_us"))
    first_us = nearest_us(stamp_us, head.clock_us, first_idx * period_us)
    expected_us = (frames["uptime_s"].astype(np.int64) - head.uptime_s) * 1_000_000
    read_us = nearest_us(frames["clock_us"].astype(np.int64), head.clock_us, expected_us)
    return segment.seconds(first_idx + (read_us - first_us) / period_us, log.rate_hz)


def _line(seconds: Array, offset_s: Array, is_host_time: bool) -> tuple[float, float]:
    if is_host_time or float(np.ptp(seconds)) < _FIT_SPAN_S:
        return float(np.median(offset_s)), 0.0
    drift, steady_s = np.polyfit(seconds, offset_s, 1)
    return float(steady_s), float(drift)
