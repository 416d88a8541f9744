"""What is told of each stride: name, unit, definition, source and resolution of every parameter.

Resolutions are those of single strides, measured on the gait model with realistic sensors at 200 Hz: walked backward,
toes or heel first, at 0.4 m/s and more, and forward at its usual speed, by wearers of 45 to 100 kg whose stride times
vary by 3 to 8 percent; tests/host/test_gait_truth.py holds them. Walking at 0.22 m/s (half a mile per hour) contacts
are blurred: there stance, swing and heel lowering are within 40, 40 and 8 ms, double support within 80 ms. Part of it
all is systematic and stays in a mean: the insole times the whole foot against a level of its own, so that at usual
speeds a stance comes out 6 to 19 ms shorter, and double support 12 to 37 ms shorter, than from the first zone on to the
last one off, which is how the model counts; and sensors differ and bend, so that a load in percent of standing is off
by up to a sixth, more where the wearer is heavy. With ideal sensors loads agree within 1.5 percent of standing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """Describe a column: `name` has the unit of its numbers in it, `unit` says it in words; nan is "not known".

    `shown_unit` is what a person reads, after multiplying by `shown_factor` and rounding to `decimals`. `resolution`,
    in `unit`: of 20 strides 19 agree with the truth of the gait model within it. That of counts is of its insole, whose
    six sensors read some thousand counts in a stance. None of what is not told of single strides.
    `is_ratio`: 0 means "nothing", so that a coefficient of variation and an asymmetry have a meaning. `needs_both`: of
    two feet on one clock only. `is_relative`: in percent of the standing load, so of a calibrated insole only;
    `is_count`: in sensor counts, which are not to be compared with another insole's.
    """

    name: str
    unit: str
    title: str
    definition: str
    source: str
    resolution: float | None = None
    shown_unit: str = ""
    shown_factor: float = 1.0
    decimals: int = 1
    is_ratio: bool = True
    needs_both: bool = False
    is_relative: bool = False
    is_count: bool = False

    def shown(self, value: float | None) -> str:
        """Write a value as a person reads it, without its unit; "-" where there is none."""
        if value is None or not math.isfinite(value):
            return "-"
        text = f"{value * self.shown_factor:.{self.decimals}f}"
        return text if float(text) else text.removeprefix("-")


def _time(name: str, title: str, definition: str, source: str, resolution: float, **more: Any) -> Parameter:
    return Parameter(name, "s", title, definition, source, resolution, "ms", 1000.0, 0, **more)


def _percent(name: str, title: str, definition: str, source: str, resolution: float | None, **more: Any) -> Parameter:
    return Parameter(name, "%", title, definition, source, resolution, "%", **more)


def _peak(zone: str, resolution_n: float, resolution: float) -> tuple[Parameter, Parameter]:
    title, text = f"{zone.capitalize()} peak", f"Largest {_whose(zone)}"
    counts = Parameter(
        f"{zone}_peak", "counts", title, f"{text}. {_COUNTS}", _INSOLE, resolution_n, "counts", 1.0, 0, is_count=True
    )
    name, shown_unit = f"{zone}_peak_percent", "% of standing"
    definition = f"{text}, in percent {_RELATIVE}."
    unit = "% of standing load"
    return counts, Parameter(
        name, unit, title, definition, _INSOLE, resolution, shown_unit, decimals=0, is_relative=True
    )


def _impulse(zone: str, resolution_n: float, resolution: float) -> tuple[Parameter, Parameter]:
    title, text = f"{zone.capitalize()} impulse", f"The {_whose(zone)}, integrated over the stance"
    name, unit = f"{zone}_impulse", "counts s"
    definition = f"{text}. {_COUNTS}"
    counts = Parameter(name, unit, title, definition, _INSOLE, resolution_n, unit, 1.0, 0, is_count=True)
    name, shown_unit = f"{zone}_impulse_percent_s", "% of standing x s"
    definition = f"{text}, in percent {_RELATIVE}, times seconds."
    unit = "% of standing load x s"
    return counts, Parameter(name, unit, title, definition, _INSOLE, resolution, shown_unit, is_relative=True)


def _whose(zone: str) -> str:
    toes = " and the toes" if zone == "forefoot" else ""
    return f"sum over the sensors of the {zone}{toes}, above the unloaded baseline"


_COUNTS = "Counts are the sensors' own: compare strides of one insole, nothing else."
_RELATIVE = "of what the sensors of forefoot, toes and heel read together in standing on this foot (calibrate)"
_GAITMAP = "gaitmap, TemporalParameterCalculation: stride time, swing time, stance time"
_INSOLE = "the insole's own stride frame"
_ROLL_OVER = "Retrosole; on foot roll-over by zones: Blanc et al., Gait & Posture 10 (1999) 97"
_DOUBLE = "Perry & Burnfield, Gait Analysis, 2nd ed. (2010): initial and terminal double support"

PARAMETERS: tuple[Parameter, ...] = (
    _time(
        "stance_s",
        "Stance time",
        "From initial to final contact of the same foot; any part of the foot counts.",
        _GAITMAP,
        0.03,
    ),
    _time(
        "swing_s",
        "Swing time",
        "From final contact to the next initial contact of the same foot; unknown where that is none of this walk.",
        _GAITMAP,
        0.03,
    ),
    _time(
        "stride_time_s",
        "Stride time",
        "From initial contact to the next one of the same foot; unknown where that is none of this walk.",
        _GAITMAP,
        0.004,
    ),
    Parameter(
        "cadence_steps_min",
        "steps/min",
        "Cadence",
        "120 / stride time: two steps in a stride, which one foot alone has to take as equally long.",
        "two steps a stride; 120 / stride time",
        0.35,
        "steps/min",
    ),
    _percent("duty_factor_percent", "Duty factor", "100 x stance / stride time.", "stance as a share of it", 2.1),
    _time(
        "double_support_s",
        "Double support",
        "Time within this stance in which the other foot is down as well: after its own initial contact and before its "
        "own final contact, added up. An error between the clocks lengthens one part and shortens the other.",
        _DOUBLE,
        0.06,
        needs_both=True,
    ),
    _percent(
        "double_support_percent",
        "Double support share",
        "100 x double support / stride time.",
        _DOUBLE,
        4.2,
        needs_both=True,
    ),
    _time(
        "heel_lowering_s",
        "Heel lowering",
        "Heel on less forefoot on, of strides that touch forefoot first.",
        "Retrosole; walking backward the heel is lowered under control",
        0.006,
    ),
    _time(
        "rollover_s",
        "Rollover",
        "From the first zone on to the other zone off, of strides that roll: the zone that touched first also leaves "
        "first. Its n beside that of stance says how many rolled. Zones have levels of their own, so it may be some ms "
        "longer than the stance.",
        _ROLL_OVER,
        0.006,
    ),
    _time(
        "lift_lead_s",
        "Lift lead",
        "Heel off less forefoot off: positive where the heel leaves last, as walking backward.",
        "Retrosole",
        0.018,
        is_ratio=False,
    ),
    _percent(
        "forefoot_share_percent",
        "Load on the forefoot",
        "100 x forefoot impulse / (forefoot impulse + heel impulse). Of sensors that are not calibrated against each "
        "other: for comparing strides of one insole.",
        _INSOLE,
        3.2,
    ),
    *_peak("forefoot", 110.0, 24.0),
    *_impulse("forefoot", 35.0, 5.0),
    *_peak("heel", 70.0, 8.5),
    *_impulse("heel", 22.0, 3.2),
)

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
