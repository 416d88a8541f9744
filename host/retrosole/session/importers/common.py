"""What every importer makes of its file, and what every recording must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import DamagedDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ZONES = ("heel", "midfoot", "forefoot", "toes")
SIDES = ("left", "right")

MAX_DURATION_S = 2 * 3600.0
MIN_RATE_HZ = 20.0
MAX_RATE_HZ = 2000.0
# Beyond any pressure in any unit met so far; a larger number is a damaged one.
MAX_VALUE = 1e6


@dataclass(frozen=True)
class SideRecording:
    """Hold the pressure sensors of one foot.

    `time_s` is (n,) and strictly rising, on the clock of the file, the same clock for both
    sides. `pressure` is (n, sensor_n) in `unit`; nan means that there is no sample. `names`,
    `zones` and `across` describe the columns: the file's own name, heel | midfoot | forefoot |
    toes, and the place across the foot from 0 (medial) to 1 (lateral), which orders the sensors
    of a zone. `unit` is N | N/cm2 | kPa | counts | unknown.
    """

    time_s: NDArray[np.float64]
    pressure: NDArray[np.float64]
    names: tuple[str, ...]
    zones: tuple[str, ...]
    across: tuple[float, ...]
    unit: str


@dataclass(frozen=True)
class Recording:
    """Hold one recording of one foot or two.

    `source` is gaitpdb | moticon | pressure_csv; `sides` has left, right or both.
    """

    source: str
    sides: dict[str, SideRecording]

    @property
    def start_s(self) -> float:
        """Give the earliest time of any side, in seconds on the clock of the file."""
        return min(float(side.time_s[0]) for side in self.sides.values())

    @property
    def duration_s(self) -> float:
        """Give the time from the first to the last row of any side, in seconds."""
        return max(float(side.time_s[-1]) for side in self.sides.values()) - self.start_s


def check_side(side: SideRecording, line_numbers: NDArray[np.int64]) -> None:
    """Check times and values that any format must keep; row k stands on line `line_numbers[k]`.

    Raises DamagedDataError, naming the first line that is wrong.
    """
    time_s = side.time_s
    if len(time_s) < 2:
        raise DamagedDataError(f"{len(time_s)} row{'s' * (len(time_s) != 1)} of samples, expected at least 2")
    bad = np.flatnonzero(~np.isfinite(time_s))
    if len(bad):
        raise DamagedDataError(f"line {line_numbers[bad[0]]}: the time is no number, expected seconds")
    _check_steps(time_s, line_numbers)
    huge = np.flatnonzero((np.abs(side.pressure) > MAX_VALUE).any(axis=1))
    if len(huge):
        raise DamagedDataError(
            f"line {line_numbers[huge[0]]}: a pressure beyond {MAX_VALUE:.0f} {side.unit},"
            " expected a smaller number; the file is damaged here"
        )


def _check_steps(time_s: NDArray[np.float64], line_numbers: NDArray[np.int64]) -> None:
    with np.errstate(over="ignore"):
        step_s = np.diff(time_s)
    back = np.flatnonzero(~(step_s > 0))
    if len(back):
        k = int(back[0]) + 1
        raise DamagedDataError(
            f"line {line_numbers[k]}: time {time_s[k]:g} s after {time_s[k - 1]:g} s, expected rising times"
        )
    span_s = float(time_s[-1]) - float(time_s[0])
    if span_s > MAX_DURATION_S:
        k = int(np.argmax(time_s - time_s[0] > MAX_DURATION_S))
        slow = float(np.median(step_s)) * MIN_RATE_HZ > 1
        raise DamagedDataError(
            f"line {line_numbers[k]}: time {time_s[k]:g} s, {span_s:g} s in all, expected at most"
            f" {MAX_DURATION_S:.0f} s; {'are the times in seconds?' if slow else 'cut the recording into parts'}"
        )
    rate_hz = 1.0 / float(np.median(step_s))
    if not MIN_RATE_HZ * 0.99 <= rate_hz <= MAX_RATE_HZ * 1.01:
        raise DamagedDataError(
            f"{rate_hz:.3g} samples per second, expected {MIN_RATE_HZ:.0f} to {MAX_RATE_HZ:.0f};"
            " are the times in seconds?"
        )
