"""What must be reached, and what field practice reached on the same recordings."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Must:
    """Hold one must-line: a figure of `score.figures`, and its bound for clean and for rough sensors.

    `sense` is most | least | within (of zero, on either side). `field` says what field practice reached.
    """

    figure: str
    words: str
    unit: str
    sense: str
    clean: float
    rough: float
    field: str = ""

    def bound(self, column: str) -> float:
        """Give the bound of a column, clean or rough; nan where no line holds."""
        return {"clean": self.clean, "rough": self.rough}.get(column, math.nan)

    def fails(self, value: float, column: str) -> bool:
        """Say whether a value breaks the line; nothing measured breaks it too."""
        bound = self.bound(column)
        if math.isnan(bound):
            return False
        kept = {"most": value <= bound, "least": value >= bound, "within": abs(value) <= bound}[self.sense]
        return not kept

    def line(self, column: str) -> str:
        """Write the bound as people read it."""
        sign = {"most": "≤", "least": "≥", "within": "±"}[self.sense]
        bound = self.bound(column)
        return "" if math.isnan(bound) else f"{sign}{'' if sign == '±' else ' '}{bound:g}"


# The bias of the stance time is its mean error; the median stands beside it. The delay of the cue has a bound but no
# share that must keep it: 95 % is a choice made here, for clean sensors; with rough ones it is shown.
MUSTS = (
    Must("all_wrong_percent", "missed + false + extra stances", "%", "most", 0.10, 0.40, "0.10 / 0.80"),
    Must("initial_contact_median_abs_ms", "initial contact, median absolute", "ms", "most", 6, 10, "21 / 22"),
    Must("initial_contact_95_abs_ms", "initial contact, 95 %", "ms", "most", 25, 35, "47 / 47"),
    Must("final_contact_median_abs_ms", "final contact, median absolute", "ms", "most", 4, 20, "4 / 21"),
    Must("final_contact_95_abs_ms", "final contact, 95 %", "ms", "most", 12, 40, "12 / 45"),
    Must("stance_mean_bias_ms", "stance time, mean error", "ms", "within", 5, 10, "-26 / -2"),
    Must("stance_bias_ms", "stance time, median error", "ms", "within", 5, math.nan, ""),
    Must("heel_on_median_abs_ms", "heel on, median absolute", "ms", "most", 10, 15, "35 / 24"),
    Must("forefoot_on_median_abs_ms", "forefoot on, median absolute", "ms", "most", 10, 15, "25 / 20"),
    Must("order_right_percent", "contact order right (lead > 30 ms)", "%", "least", 99.9, 99.7, "99.7 / 99.5"),
    Must("direction_right_percent", "direction right", "%", "least", 99.7, 99.5, "99.3 / 99.0"),
    Must("direction_wrong_percent", "direction wrong", "%", "most", 0.1, 0.2, "0.6 / 0.8"),
    Must("provisional_in_time_percent", "cue decision in time (15 / 60 ms)", "%", "least", 95, math.nan, ""),
)
MOTICON_MUSTS = (Must("missed_percent", "missed stances", "%", "most", math.nan, 2, "rough: 15"),)
