"""The one stride table: detected strides, reference strides and ground truth all have these columns."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TextIO

NOT_SEEN = math.nan


@dataclass(frozen=True)
class Stride:
    """Hold one stance of one foot and what was decided about it.

    Times are seconds since the first sample of the session; `nan` says that the event was not seen.
    `contact_order` and `lift_order` are forefoot_first | heel_first | together | unknown, `direction` is
    forward | backward | unknown, `confidence` is 0 to 1. Loads are raw counts above the unloaded baseline,
    summed over the sensors of a zone (peaks), and the same integrated over the stance in count-seconds
    (impulses): never newtons.
    """

    side: str
    stride: int
    initial_contact_s: float
    forefoot_on_s: float = NOT_SEEN
    heel_on_s: float = NOT_SEEN
    forefoot_off_s: float = NOT_SEEN
    heel_off_s: float = NOT_SEEN
    final_contact_s: float = NOT_SEEN
    contact_order: str = "unknown"
    lift_order: str = "unknown"
    direction: str = "unknown"
    confidence: float = 0.0
    forefoot_peak: float = NOT_SEEN
    heel_peak: float = NOT_SEEN
    forefoot_impulse: float = NOT_SEEN
    heel_impulse: float = NOT_SEEN
    detected_s: float = NOT_SEEN

    @property
    def stance_s(self) -> float:
        """Give the time from initial to final contact, in seconds."""
        return self.final_contact_s - self.initial_contact_s

    @property
    def heel_lowering_s(self) -> float:
        """Give the time from forefoot on to heel on, in seconds; nan unless the forefoot touched first."""
        return self.heel_on_s - self.forefoot_on_s if self.contact_order == "forefoot_first" else NOT_SEEN

    @property
    def last_seen_s(self) -> float:
        """Give the time of final contact, or of initial contact where that was not seen."""
        return self.initial_contact_s if math.isnan(self.final_contact_s) else self.final_contact_s


COLUMNS = tuple(field.name for field in fields(Stride))


def _cell(name: str, value: object) -> str:
    if isinstance(value, float):
        if name == "confidence":  # sent in percent
            return f"{value:.2f}"
        return "" if math.isnan(value) else f"{value:.6g}" if abs(value) < 1e-3 else f"{value:.4f}"
    return str(value)


def write_csv(strides: Iterable[Stride], out: TextIO) -> int:
    """Write strides as CSV with a header line; an empty cell stands for an event not seen.

    Returns the number of rows.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    n = 0
    for stride in strides:
        writer.writerow([_cell(name, getattr(stride, name)) for name in COLUMNS])
        n += 1
    return n
