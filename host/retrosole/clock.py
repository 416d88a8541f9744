"""Device time and host time: undo the wrap of the device's clock and relate the two clocks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrosole import wire

WRAP_US = 1 << wire.CLOCK_BITS
_KEPT_N = 120  # exchanges: two minutes at one a second
_FIT_SPAN_S = 10.0  # below this the drift of a crystal drowns in the jitter of a line


_Us = TypeVar("_Us", int, NDArray[np.int64])


def clock_difference_us(later_us: _Us, earlier_us: int) -> _Us:
    """Give later - earlier on the wrapping device clock, in [-2^29, 2^29) us."""
    return (later_us - earlier_us + WRAP_US // 2) % WRAP_US - WRAP_US // 2


def nearest_us(clock_us: _Us, reference_us: int, expected_us: _Us) -> _Us:
    """Undo the wraps of clock readings that lie some `expected_us`, right to 8.9 minutes, behind a reference.

    The reference counts from its own value; expectations may be negative.
    """
    elapsed_us = clock_difference_us(clock_us, reference_us)
    return reference_us + elapsed_us + (expected_us - elapsed_us + WRAP_US // 2) // WRAP_US * WRAP_US


class Reading(Protocol):
    """Carry the device's clock and its uptime, as many frames do."""

    @property
    def clock_us(self) -> int: ...
    @property
    def uptime_s(self) -> int: ...


def boot_us(reading: Reading, reference: Reading) -> int:
    """Give a reading of the clock without wraps; the reference, of the same boot, counts from its own value.

    The uptimes say how many wraps lie between the two, in either direction, however long it was.
    """
    expected_us = (reading.uptime_s - reference.uptime_s) * 1_000_000
    return nearest_us(reading.clock_us, reference.clock_us, expected_us)


class Unwrapper:
    """Turn readings of the wrapping clock into one that goes on, in us.

    Two readings may be up to 8.9 minutes apart in either direction; across a longer silence give `uptime_s`.
    """

    def __init__(self) -> None:
        self._last_us: int | None = None
        self._last_uptime_s = 0

    def unwrap(self, clock_us: int, uptime_s: int | None = None) -> int:
        """Give the reading without wraps; the first one counts from its own value."""
        if self._last_us is None:
            total = clock_us
        else:
            total = self._last_us + clock_difference_us(clock_us, self._last_us)
            if uptime_s is not None and self._last_uptime_s:
                expected = self._last_us + (uptime_s - self._last_uptime_s) * 1_000_000
                total += round((expected - total) / WRAP_US) * WRAP_US
        self._last_us = total
        if uptime_s is not None:
            self._last_uptime_s = uptime_s
        return total


@dataclass(frozen=True)
class Exchange:
    """Hold one clock query and its answer: host seconds at sending and receiving, device time at answering."""

    sent_s: float
    received_s: float
    device_us: int

    @property
    def delay_s(self) -> float:
        """Give the time the question and the answer took together."""
        return self.received_s - self.sent_s

    @property
    def offset_s(self) -> float:
        """Give host minus device time, taking both ways as equally long; wrong by at most half the delay."""
        return (self.sent_s + self.received_s) / 2 - self.device_us / 1e6


class ClockTracker:
    """Relate device time to host time from clock queries, trusting the quickest answers most.

    A slow answer waited in some queue, so only exchanges close to the smallest delay count (as NTP does).
    """

    def __init__(self) -> None:
        self._unwrapper = Unwrapper()
        self._exchanges: deque[Exchange] = deque(maxlen=_KEPT_N)
        self._drift_ppm: float | None = None  # of these exchanges; None until somebody asks

    @property
    def exchange_n(self) -> int:
        """Give the number of exchanges now kept."""
        return len(self._exchanges)

    def add(self, sent_s: float, received_s: float, clock: wire.ClockFrame) -> Exchange:
        """Take in one answered query."""
        device_us = self._unwrapper.unwrap(clock.clock_us, clock.uptime_s)
        exchange = Exchange(sent_s, received_s, device_us)
        self._exchanges.append(exchange)
        self._drift_ppm = None
        return exchange

    def best(self) -> Exchange | None:
        """Give the exchange with the smallest delay; None before the first answer."""
        return min(self._exchanges, key=lambda e: e.delay_s, default=None)

    def drift_ppm(self) -> float:
        """Give how much faster the device's clock runs than the host's; 0 until ten seconds were seen."""
        if self._drift_ppm is None:
            self._drift_ppm = self._fitted_ppm()
        return self._drift_ppm

    def _fitted_ppm(self) -> float:
        quick = self._quick()
        if not quick or quick[-1].received_s - quick[0].received_s < _FIT_SPAN_S:
            return 0.0
        device_s = np.array([e.device_us / 1e6 for e in quick])
        offset_s = np.array([e.offset_s for e in quick])
        return float(-np.polyfit(device_s - device_s[0], offset_s, 1)[0] * 1e6)

    def to_host_s(self, device_us: int) -> float:
        """Give the host's steady time of an unwrapped device time. Raises ValueError before the first answer."""
        best = self.best()
        if best is None:
            raise ValueError("no clock query has been answered yet")
        elapsed_s = (device_us - best.device_us) / 1e6
        return best.device_us / 1e6 + best.offset_s + elapsed_s * (1 - self.drift_ppm() * 1e-6)

    def _quick(self) -> list[Exchange]:
        best = self.best()
        if best is None:
            return []
        limit_s = best.delay_s * 1.5 + 0.0005
        return [e for e in self._exchanges if e.delay_s <= limit_s]


def sample_s(index: NDArray[np.int64] | int, rate_hz: int) -> NDArray[np.float64]:
    """Give the seconds of samples on the device's own grid, where sample 0 is at 0."""
    return np.asarray(index, np.float64) / rate_hz
