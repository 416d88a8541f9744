"""Which must-lines are broken: what the exit code goes by."""

from __future__ import annotations

from tests.evaluation.conditions import ALL, KINEMATICS, Condition
from tests.evaluation.model import BINDING_CONFUSERS
from tests.evaluation.musts import MOTICON_MUSTS, MUSTS
from tests.evaluation.recordings import BROKE_DOWN
from tests.evaluation.run import Results
from tests.evaluation.subjects import GAITPDB, MOTICON
from tests.evaluation.tables import figures_of, number


def broken_musts(results: Results) -> list[str]:
    """List every must-line that is broken and binds, a line each."""
    lines = [line for condition in ALL if condition.binds for line in _of_condition(results, condition)]
    lines += _of_moticon(results)
    for (start, name, condition_name), told in sorted(results.confused.items()):
        stride_n = sum(n for what, n in told.items() if BROKE_DOWN not in what)
        if name in BINDING_CONFUSERS and stride_n:
            lines.append(f"gait model, {name}, {start}, {condition_name}: {stride_n} strides, must 0")
    breakdowns = results.breakdowns()
    if breakdowns:
        first = breakdowns[0].replace("\t", " ")
        lines.append(f"the detector broke down in {len(breakdowns)} runs, first: {first}")
    return lines


def _of_condition(results: Results, condition: Condition) -> list[str]:
    lines = []
    for kinematics in KINEMATICS:
        found = figures_of(results, kinematics, condition.name, GAITPDB)
        for must in MUSTS if found else ():
            if must.fails(found[must.figure], condition.must):
                value = number(found[must.figure], must.unit)
                where = f"{condition.name}, {kinematics}"
                lines.append(f"{where}: {must.words} {value} {must.unit}, must {must.line(condition.must)}")
    return lines


def _of_moticon(results: Results) -> list[str]:
    lines = []
    for kinematics in KINEMATICS:
        found = figures_of(results, kinematics, "rough", MOTICON)
        for must in MOTICON_MUSTS if found else ():
            if must.fails(found[must.figure], "rough"):
                value = number(found[must.figure], must.unit)
                lines.append(f"Moticon, rough, {kinematics}: {must.words} {value} %, must {must.line('rough')}")
    return lines
