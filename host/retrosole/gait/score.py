"""Score detected stances against a reference: which belong together, what is missing, how late and how right.

Matching is one to one, per foot, by initial contact, within `tolerance_ms`: of all ways to pair them the one with the
most pairs, and of those the one with the least sum of distances (optimal, not greedy). All reference stances take part,
whatever their flag; only those flagged ok are scored. So a detection belongs to one of these:

- matched to an ok stance: its events, order, direction and delays are scored;
- matched to another one, or unmatched and overlapping another one: not scored (was there a stance at all: yes);
- `extra`: unmatched, but an ok stance was going on: told twice, or more than the tolerance off;
- `false`: no reference stance, of whatever flag, was going on.

Beside that direction and order are counted over everything that was told (`told_...`): whoever wears an insole hears
the stances of turns and stops too. One without a partner is held against the reference stance nearest in time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrosole.gait.match import match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrosole.gait.reference import Reference
    from retrosole.gait.strides import Stride

EVENTS = ("initial_contact", "final_contact", "heel_on", "forefoot_on", "heel_off", "forefoot_off")
# A smaller lead of one zone is no order to be right or wrong about.
CLEAR_LEAD_S = 0.030
# The cue's decision: after the contact of the second zone, or of the first where the second has not come by then.
SECOND_ZONE_MS = 15.0
FIRST_ZONE_MS = 60.0


class Announced(Protocol):
    """What is scored of a provisional order: told at `announced_s`, of a contact at `contact_s`, both in seconds."""

    @property
    def side(self) -> str:
        """Give left or right."""
        ...

    @property
    def contact_s(self) -> float:
        """Give the time of the contact."""
        ...

    @property
    def order(self) -> str:
        """Give the order as it looked then."""
        ...

    @property
    def announced_s(self) -> float:
        """Give the time at which it was told."""
        ...


@dataclass(frozen=True)
class Tally:
    """Hold what was counted and measured, so that feet and people can be added up with `+`.

    Errors and delays are milliseconds, (n,); positive is late. `directions` counts (true, detected) pairs of matched ok
    stances, `told_directions` those of all that was told. `second_ms` are delays of the provisional order from the
    contact of the second zone, where it had come in the time of the first, and `first_ms` those from the first where it
    had not. `remarks` lists what went wrong, for people: (seconds, what).
    """

    ok_n: int = 0
    missed_n: int = 0
    false_n: int = 0
    extra_n: int = 0
    other_n: int = 0
    other_found_n: int = 0
    order_n: int = 0
    order_right_n: int = 0
    provisional_n: int = 0
    provisional_missing_n: int = 0
    provisional_order_n: int = 0
    provisional_right_n: int = 0
    provisional_false_n: int = 0
    told_order_n: int = 0
    told_order_right_n: int = 0
    directions: Counter[tuple[str, str]] = field(default_factory=Counter)
    told_directions: Counter[tuple[str, str]] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    errors_ms: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    stance_error_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    stride_delay_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    second_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    first_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    remarks: tuple[tuple[float, str], ...] = ()

    def __add__(self, other: Tally) -> Tally:
        """Add up two tallies."""
        return Tally(**{f.name: _sum(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)})


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray):
        return np.concatenate([a, b])
    if isinstance(a, dict) and not isinstance(a, Counter):
        empty = np.empty(0)
        return {name: _sum(a.get(name, empty), b.get(name, empty)) for name in {**a, **b}}
    return a + b


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up tallies: rates of the sum are pooled over stances, whoever walked them."""
    result = Tally()
    for tally in tallies:
        result = result + tally
    return result


def score(
    references: Iterable[Reference],
    strides: Iterable[Stride],
    contacts: Iterable[Announced] = (),
    *,
    tolerance_ms: float,
) -> Tally:
    """Score what was detected on one walk, each foot on its own; all times are seconds on one clock."""
    references, strides, contacts = tuple(references), tuple(strides), tuple(contacts)
    sides = sorted({r.stride.side for r in references} | {s.side for s in strides})
    return total(
        _score_side(
            [r for r in references if r.stride.side == side],
            [s for s in strides if s.side == side],
            [c for c in contacts if c.side == side],
            tolerance_ms,
        )
        for side in sides
    )


def _score_side(
    references: list[Reference], strides: list[Stride], contacts: list[Announced], tolerance_ms: float
) -> Tally:
    initial_s = [r.stride.initial_contact_s for r in references]
    pairs = match(initial_s, [s.initial_contact_s for s in strides], tolerance_ms)
    ok_pairs = [(references[i].stride, strides[j]) for i, j in pairs if references[i].is_ok]
    found = {i for i, _ in pairs}
    unmatched = [s for j, s in enumerate(strides) if j not in {j for _, j in pairs}]
    told = match(initial_s, [c.contact_s for c in contacts], tolerance_ms)
    ok_told = [(references[i].stride, contacts[j]) for i, j in told if references[i].is_ok]
    ok_n = sum(r.is_ok for r in references)
    missed = [r.stride for i, r in enumerate(references) if r.is_ok and i not in found]
    return (
        Tally(ok_n=ok_n, missed_n=len(missed), remarks=tuple((s.initial_contact_s, f"{s.side} missed") for s in missed))
        + _unmatched(references, unmatched)
        + _others([r for r in references if not r.is_ok], strides)
        + _orders(ok_pairs)
        + Tally(errors_ms=_errors_ms(ok_pairs), unseen=_unseen(ok_pairs))
        + Tally(
            stance_error_ms=_finite([d.stance_s - r.stance_s for r, d in ok_pairs]),
            stride_delay_ms=_finite([d.detected_s - r.final_contact_s for r, d in ok_pairs]),
        )
        + _provisional(ok_told, ok_n)
        + _all_told(references, strides, {j: i for i, j in pairs})
        + _false_contacts(references, [c for j, c in enumerate(contacts) if j not in {j for _, j in told}])
    )


def _unmatched(references: list[Reference], strides: list[Stride]) -> Tally:
    extra, false = [], []
    for stride in strides:
        flags = {r.flag for r in references if _overlap(r, stride)}
        if not flags:
            false.append((stride.initial_contact_s, f"{stride.side} false"))
        elif flags == {"ok"}:
            extra.append((stride.initial_contact_s, f"{stride.side} extra"))
    return Tally(false_n=len(false), extra_n=len(extra), remarks=(*false, *extra))


def _others(references: list[Reference], strides: list[Stride]) -> Tally:
    """Count the stances that are not scored, and how many of them were found at all."""
    found_n = sum(any(_overlap(r, s) for s in strides) for r in references)
    return Tally(other_n=len(references), other_found_n=found_n)


def _overlap(reference: Reference, stride: Stride) -> bool:
    start_s, end_s = reference.span_s
    final_s = stride.initial_contact_s if math.isnan(stride.final_contact_s) else stride.final_contact_s
    return stride.initial_contact_s <= end_s and final_s >= start_s


def _all_told(references: list[Reference], strides: list[Stride], partner: dict[int, int]) -> Tally:
    """Count direction and order of every stride; `partner` gives the reference stance that a stride is matched to."""
    if not references:
        return Tally()
    nearest = [partner.get(j, _nearest(references, s.initial_contact_s)) for j, s in enumerate(strides)]
    directions = Counter((references[i].stride.direction, s.direction) for i, s in zip(nearest, strides, strict=True))
    pairs = [(references[i].stride, strides[j]) for j, i in partner.items()]
    clear = [d.contact_order == _clear_order(r) for r, d in pairs if abs(_lead_s(r)) > CLEAR_LEAD_S]
    return Tally(told_directions=directions, told_order_n=len(clear), told_order_right_n=sum(clear))


def _nearest(references: list[Reference], at_s: float) -> int:
    def away_s(i: int) -> float:
        start_s, end_s = references[i].span_s
        return max(start_s - at_s, at_s - end_s, 0.0)

    return min(range(len(references)), key=away_s)


def _false_contacts(references: list[Reference], contacts: list[Announced]) -> Tally:
    """Count announcements without a partner that came where no reference stance, of whatever flag, was going on."""
    spans_s = [r.span_s for r in references]
    alone = [c for c in contacts if not any(start_s <= c.contact_s <= end_s for start_s, end_s in spans_s)]
    told = tuple((c.contact_s, f"{c.side} false contact") for c in alone)
    return Tally(provisional_false_n=len(alone), remarks=told)


def _orders(pairs: list[tuple[Stride, Stride]]) -> Tally:
    clear = [(r, d) for r, d in pairs if abs(_lead_s(r)) > CLEAR_LEAD_S]
    wrong = [(r, d) for r, d in clear if d.contact_order != _clear_order(r)]
    told = [(r.initial_contact_s, f"{r.side} order {d.contact_order}, lead {_lead_s(r):+.3f} s") for r, d in wrong]
    directions = Counter((r.direction, d.direction) for r, d in pairs)
    told += [(r.initial_contact_s, f"{r.side} direction {d.direction}") for r, d in pairs if d.direction != r.direction]
    return Tally(
        order_n=len(clear), order_right_n=len(clear) - len(wrong), directions=directions, remarks=tuple(sorted(told))
    )


def _lead_s(stride: Stride) -> float:
    """Give by how much the forefoot was on before the heel; nan if one was not seen."""
    return stride.heel_on_s - stride.forefoot_on_s


def _clear_order(stride: Stride) -> str:
    return "forefoot_first" if _lead_s(stride) > 0 else "heel_first"


def _errors_ms(pairs: list[tuple[Stride, Stride]]) -> dict[str, NDArray[np.float64]]:
    return {e: _finite([getattr(d, f"{e}_s") - getattr(r, f"{e}_s") for r, d in pairs]) for e in EVENTS}


def _unseen(pairs: list[tuple[Stride, Stride]]) -> Counter[str]:
    """Count the events that the reference has and the detection has not."""
    seen = [(e, getattr(r, f"{e}_s"), getattr(d, f"{e}_s")) for r, d in pairs for e in EVENTS]
    return Counter(event for event, true_s, told_s in seen if math.isnan(told_s) and not math.isnan(true_s))


def _finite(seconds: list[float]) -> NDArray[np.float64]:
    ms = np.array(seconds, dtype=np.float64) * 1000.0
    return ms[np.isfinite(ms)]


def _provisional(pairs: list[tuple[Stride, Announced]], ok_n: int) -> Tally:
    second_ms, first_ms = [], []
    order_n = right_n = 0
    for truth, contact in pairs:
        zones_s = sorted(t for t in (truth.forefoot_on_s, truth.heel_on_s) if not math.isnan(t))
        if not zones_s:
            continue
        # A second zone gives new time only while the first one's lasts.
        if len(zones_s) == 2 and zones_s[1] <= min(contact.announced_s, zones_s[0] + FIRST_ZONE_MS / 1000.0):
            second_ms.append((contact.announced_s - zones_s[1]) * 1000.0)
        else:
            first_ms.append((contact.announced_s - zones_s[0]) * 1000.0)
        if abs(_lead_s(truth)) > CLEAR_LEAD_S:
            order_n += 1
            right_n += contact.order == _clear_order(truth)
    return Tally(
        provisional_n=len(second_ms) + len(first_ms),
        provisional_missing_n=ok_n - len(pairs),
        provisional_order_n=order_n,
        provisional_right_n=right_n,
        second_ms=np.array(second_ms, dtype=np.float64),
        first_ms=np.array(first_ms, dtype=np.float64),
    )


# ------------------------------------------------------------------------------------------------------------ figures


def figures(tally: Tally) -> dict[str, float]:
    """Reduce a tally to numbers with their unit in the name; nan where there is nothing to take it of.

    For every event and for the stance time: median (`_bias_ms`), median absolute and 95 % absolute error and n. Shares
    are percent: of ok stances for missed, false, extra; of matched ok stances for directions; of those of them with a
    clear lead for orders; of the announcements for those in time. `told_...` are of everything that was told, the
    order of what has a partner with a clear lead.
    """
    out: dict[str, float] = {"ok_n": tally.ok_n, "matched_n": tally.ok_n - tally.missed_n}
    for name in ("missed", "false", "extra"):
        out[f"{name}_n"] = getattr(tally, f"{name}_n")
        out[f"{name}_percent"] = percent(getattr(tally, f"{name}_n"), tally.ok_n)
    out["all_wrong_percent"] = percent(tally.missed_n + tally.false_n + tally.extra_n, tally.ok_n)
    out["other_n"] = tally.other_n
    out["other_found_percent"] = percent(tally.other_found_n, tally.other_n)
    for event in EVENTS:
        out |= _spread(event, tally.errors_ms.get(event, np.empty(0)))
        out[f"{event}_unseen_n"] = tally.unseen[event]
    out |= _spread("stance", tally.stance_error_ms)
    out["stance_mean_bias_ms"] = float(np.mean(tally.stance_error_ms)) if len(tally.stance_error_ms) else math.nan
    out["order_n"] = tally.order_n
    out["order_right_percent"] = percent(tally.order_right_n, tally.order_n)
    out["told_n"] = tally.told_directions.total()
    out["told_order_n"] = tally.told_order_n
    out["told_order_right_percent"] = percent(tally.told_order_right_n, tally.told_order_n)
    out |= _shares("direction", tally.directions) | _shares("told_direction", tally.told_directions)
    return out | _delays(tally)


def _shares(name: str, directions: Counter[tuple[str, str]]) -> dict[str, float]:
    """Give the shares of right, wrong and unknown; where unknown is the truth it is right."""
    right_n = sum(n for (true, told), n in directions.items() if told == true)
    unknown_n = sum(n for (true, told), n in directions.items() if told == "unknown" != true)
    all_n = directions.total()
    parts = {"right": right_n, "wrong": all_n - right_n - unknown_n, "unknown": unknown_n}
    return {f"{name}_{part}_percent": percent(n, all_n) for part, n in parts.items()}


def _delays(tally: Tally) -> dict[str, float]:
    in_time_n = int(np.sum(tally.second_ms <= SECOND_ZONE_MS)) + int(np.sum(tally.first_ms <= FIRST_ZONE_MS))
    return {
        "stride_delay_median_ms": _quantile(tally.stride_delay_ms, 50),
        "stride_delay_95_ms": _quantile(tally.stride_delay_ms, 95),
        "provisional_n": tally.provisional_n,
        "provisional_false_n": tally.provisional_false_n,
        "provisional_missing_percent": percent(tally.provisional_missing_n, tally.ok_n),
        "provisional_in_time_percent": percent(in_time_n, tally.provisional_n),
        "second_n": len(tally.second_ms),
        "second_median_ms": _quantile(tally.second_ms, 50),
        "second_95_ms": _quantile(tally.second_ms, 95),
        "second_in_time_percent": percent(int(np.sum(tally.second_ms <= SECOND_ZONE_MS)), len(tally.second_ms)),
        "first_n": len(tally.first_ms),
        "first_median_ms": _quantile(tally.first_ms, 50),
        "first_95_ms": _quantile(tally.first_ms, 95),
        "first_in_time_percent": percent(int(np.sum(tally.first_ms <= FIRST_ZONE_MS)), len(tally.first_ms)),
        "provisional_right_percent": percent(tally.provisional_right_n, tally.provisional_order_n),
    }


def _spread(name: str, errors_ms: NDArray[np.float64]) -> dict[str, float]:
    return {
        f"{name}_n": len(errors_ms),
        f"{name}_bias_ms": _quantile(errors_ms, 50),
        f"{name}_median_abs_ms": _quantile(np.abs(errors_ms), 50),
        f"{name}_95_abs_ms": _quantile(np.abs(errors_ms), 95),
    }


def _quantile(values: NDArray[np.float64], at_percent: float) -> float:
    return float(np.percentile(values, at_percent)) if len(values) else math.nan


def percent(part_n: int, whole_n: int) -> float:
    """Give a share in percent; nan of nothing."""
    return 100.0 * part_n / whole_n if whole_n else math.nan
