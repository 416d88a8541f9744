"""How fast somebody walks, from the strides of one foot. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from retrosole.gait.strides import Stride
from retrosole.gait.table import BREAK_S

STRIDE_MIN_S = 0.4  # 300 steps/min: shorter is no stride but a stumble
STRIDE_MAX_S = BREAK_S  # 24 steps/min: longer is a pause, here as in the analysis
QUIET_S = 8.0  # so long after the last contact nobody walks, and what was said before is over
OF_LAST_N = 5
_LOST_MAX_N = 2
_EARLY_S = 1.0  # a stride may come before the samples it was decided on


def stride_time_s(before: Stride, stride: Stride) -> float:
    """Give the seconds from one initial contact to the next; `nan` across a pause or a restart.

    Where up to two strides between them were lost on the line, it is their mean.
    """
    elapsed_s, stride_n = stride.initial_contact_s - before.initial_contact_s, stride.stride - before.stride
    if not 1 <= stride_n <= _LOST_MAX_N + 1:
        return math.nan
    time_s = elapsed_s / stride_n
    return time_s if STRIDE_MIN_S <= time_s <= STRIDE_MAX_S else math.nan


def recent_stride_times_s(strides: Sequence[Stride]) -> list[float]:
    """Give the last stride times, at most five, the newest first, back to the last pause."""
    times_s: list[float] = []
    for number in range(len(strides) - 1, 0, -1):
        time_s = stride_time_s(strides[number - 1], strides[number])
        if math.isnan(time_s) or len(times_s) == OF_LAST_N:
            break
        times_s.append(time_s)
    return times_s


def to_cadence_steps_min(stride_times_s: Sequence[float]) -> float:
    """Give 120 / median of stride times, `nan` when there are none: one foot makes every second step."""
    return 120 / median(stride_times_s) if stride_times_s else math.nan


def is_walking(strides: Sequence[Stride], now_s: float) -> bool:
    """Say whether the last contact is of just now; `now_s` is on the strides' own clock."""
    return bool(strides) and -_EARLY_S <= now_s - strides[-1].initial_contact_s <= QUIET_S


def cadence_steps_min(strides: Sequence[Stride], now_s: float) -> float:
    """Give the cadence now; `nan` when nobody walks or too little is known."""
    return to_cadence_steps_min(recent_stride_times_s(strides)) if is_walking(strides, now_s) else math.nan
