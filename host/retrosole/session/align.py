"""Put both feet, and the device sessions before and after a reset, on one clock, from the clock queries in the logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.clock import clock_difference_us, nearest_us
from retrosole.session.bulk import Places
from retrosole.session.clockfit import Array, Exchanges, Fit, fit_clocks
from retrosole.session.segments import Segment

if TYPE_CHECKING:
    from retrosole.session.sidelog import SideLog

_HOST_JUMP_S = 0.2  # host clocks (time of day - steady) further apart than that are of different runs
_SLOWEST_S = 10.0  # an answer that took longer says nothing
_BLUR_S = 0.25  # 1 sigma above which a fit is none
_STEPS_S = 0.05  # what the feet may be apart, at worst, where their steps are to be compared
_FEW_N = 10  # answered queries of a clock; of fewer it is said where they do not do
_MOST_CLOCKS = 32  # sides and starts of their insoles
_MOST_RUNS = 32  # of the host's clock
_MOST_N = 8000  # exchanges of one clock; of more the quickest of each group is taken
_FAR_S = 60.0  # outside the queries' span: said
_Key = tuple[str, int]  # side, boot of the insole


@dataclass(frozen=True)
class Alignment:
    """Say whether all times of a session are on one clock, and how well.

    `sigma_s`: 1 sigma of what the feet may be apart, at its worst moment. It covers the spread of the answers, the
    drift of the clocks and its change (1 ppm in 1000 s) where no query was near, and that nobody knows how the
    quickest answer's delay was shared out between there and back, taken as evenly spread; and, of clocks that did not
    run evenly, by how much that changed from one query to the next. `worst_s`: three times the first parts, and the
    last two in full. `beyond_s`: how far the session reaches outside the queries. `text` says it in words, and why
    not where they are not aligned; it is empty where there is one clock only.
    """

    is_aligned: bool
    text: str
    sigma_s: float = float("nan")
    worst_s: float = float("nan")
    beyond_s: float = 0.0

    @property
    def is_by_step(self) -> bool:
        """Say whether the feet can be compared step by step."""
        return self.is_aligned and self.worst_s <= _STEPS_S


@dataclass(frozen=True)
class _Line:
    """Hold where samples of a segment are in the time of its insole: known indices, and insole seconds of each."""

    segment: Segment
    key: _Key
    index: Array
    device_s: Array
    period_s: float

    def at(self, index: Array) -> Array:
        """Give the insole time of samples, between the stamps and beyond them."""
        behind_s = (self.index - self.index[0]) * self.period_s
        slip_s = np.interp(index, self.index, self.device_s - self.device_s[0] - behind_s)
        return np.asarray(self.device_s[0] + (index - self.index[0]) * self.period_s + slip_s)

    @property
    def span(self) -> Array:
        """Give nine samples from the first to the last."""
        return np.linspace(self.index[0], self.index[-1], 9)


def align(logs: Mapping[str, SideLog]) -> Alignment:
    """Find the clock of each foot, and tell every segment its seconds since the session's first sample.

    Where that cannot be, nothing is touched: each foot then keeps its own seconds.
    """
    filled = [(side, s) for side, log in logs.items() if log.is_known for s in log.segments if len(s.samples)]
    keys = {(side, boot_of(logs[side], segment)) for side, segment in filled}
    if len(keys) < 2:
        return Alignment(False, "")
    if len(keys) > _MOST_CLOCKS:
        return Alignment(False, f"not on one clock: the insoles were restarted more than {_MOST_CLOCKS} times")
    asked = {side: _asked(log) for side, log in logs.items()}
    for side in dict.fromkeys(side for side, _ in filled):
        if why := _why_not(side, {boot for of_side, boot in keys if of_side == side}, asked[side]):
            return Alignment(False, why)
    lines = [_line(logs[side], (side, boot_of(logs[side], s) or 0), s, asked[side]) for side, s in filled]
    clocks = _clocks(logs, asked, sorted({line.key for line in lines}))
    if max(int(c.epoch.max()) for c in clocks.values()) >= _MOST_RUNS:
        return Alignment(False, f"not on one clock: the host's clock was set more than {_MOST_RUNS} times")
    try:
        return _tell(logs, lines, list(clocks), fit_clocks(list(clocks.values())), clocks)
    except np.linalg.LinAlgError:
        return Alignment(False, "not on one clock: the clock queries in the logs contradict each other")


def boot_of(log: SideLog, segment: Segment) -> int | None:
    """Give the start of the insole that a segment belongs to, None when the log does not say."""
    if segment.head is not None:
        return segment.head.boot
    return log.boots.get(segment.session)


def _why_not(side: str, boots: set[int | None], asked: Mapping[int, _Asked]) -> str:
    if not asked:
        return f"not on one clock: the {side} log has no answered clock query; each foot keeps its own seconds"
    if None in boots:
        return f"not on one clock: the {side} log does not say which start of the insole it is of"
    if boots - set(asked):
        return (
            f"not on one clock: the {side} insole was restarted before its clock was asked; date unknown, order known"
        )
    return ""


# ---------------------------------------------------------------------------------------------- what the logs say


@dataclass(frozen=True)
class _Asked:
    """Hold the answered clock queries of one boot of an insole, as they stand in its log."""

    at: Places
    frames: NDArray[np.void]
    device_us: Places  # without wraps, counted from the first one's own value

    def unwrapped_us(self, clock_us: int, uptime_s: int) -> int:
        """Give another reading of the same boot on the same count."""
        first = self.frames[0]
        expected_us = (uptime_s - int(first["uptime_s"])) * 1_000_000
        return nearest_us(clock_us, int(first["clock_us"]), expected_us)


def _asked(log: SideLog) -> dict[int, _Asked]:
    at, frames = log.table(wire.ExchangeFrame)
    delay_us = frames["received_us"].astype(np.float64) - frames["sent_us"].astype(np.float64)
    usable = (delay_us >= 0) & (delay_us < _SLOWEST_S * 1e6)
    at, frames = at[usable], frames[usable]
    out = {}
    for boot in np.unique(frames["boot"])[: _MOST_CLOCKS + 1].tolist():
        of_boot = np.flatnonzero(frames["boot"] == boot)
        of_boot = of_boot[_quickest(frames["received_us"][of_boot] - frames["sent_us"][of_boot])]
        some = frames[of_boot]
        expected_us = (some["uptime_s"].astype(np.int64) - int(some["uptime_s"][0])) * 1_000_000
        device_us = nearest_us(some["clock_us"].astype(np.int64), int(some["clock_us"][0]), expected_us)
        out[boot] = _Asked(at[of_boot], some, device_us)
    return out


def _quickest(delay_us: NDArray[np.uint64]) -> Places:
    """Choose from many exchanges the quickest of each of so many groups, in their order."""
    group = np.arange(len(delay_us)) * _MOST_N // max(len(delay_us), _MOST_N)
    order = np.lexsort((delay_us, group))
    is_first = np.concatenate([[True], np.diff(group[order]) > 0])[: len(order)]
    return np.sort(order[is_first])


def _line(log: SideLog, key: _Key, segment: Segment, asked: Mapping[int, _Asked]) -> _Line:
    """Put the stamps of the samples frames on the count of the boot's queries."""
    index = segment.samples.column("first_index")
    clock_us = segment.samples.column("clock_us")
    period_us = 1_000_000 // log.rate_hz
    queries = asked[key[1]]
    if segment.head is not None:
        first_idx, reference_us = 0, segment.head.clock_us
        total_us = queries.unwrapped_us(reference_us, segment.head.uptime_s)
    else:  # the query that stands nearest in the log was asked while that frame came
        k = int(np.argmin(segment.samples.at))
        near = int(np.argmin(np.abs(queries.at - segment.samples.at[k])))
        first_idx, reference_us = int(index[k]), int(clock_us[k])
        apart_us = clock_difference_us(reference_us, int(queries.frames["clock_us"][near]))
        total_us = int(queries.device_us[near]) + apart_us
    device_us = nearest_us(clock_us, reference_us, (index - first_idx) * period_us) - reference_us + total_us
    order = np.argsort(index, kind="stable")
    return _Line(segment, key, index[order].astype(np.float64), device_us[order] / 1e6, period_us / 1e6)


def _clocks(
    logs: Mapping[str, SideLog], asked: Mapping[str, Mapping[int, _Asked]], keys: list[_Key]
) -> dict[_Key, Exchanges]:
    """Gather the exchanges of each clock, and tell the runs of the host's clock apart by the time of day beside it."""
    queries = [asked[side][boot] for side, boot in keys]
    bases_s = [_host_base_s(logs[side], q.at) for (side, _), q in zip(keys, queries, strict=True)]
    run_s, of_base = _runs(np.concatenate(bases_s))
    clocks, begin = {}, 0
    for key, query in zip(keys, queries, strict=True):
        epoch = of_base[begin : begin + len(query.at)]
        begin += len(query.at)
        sent_s, received_s = query.frames["sent_us"] / 1e6, query.frames["received_us"] / 1e6
        host_s = (sent_s + received_s) / 2 + run_s[epoch]
        clocks[key] = Exchanges(query.device_us / 1e6, host_s, received_s - sent_s, epoch)
    return clocks


def _host_base_s(log: SideLog, at: Places) -> Array:
    """Give the host's time of day less its steady time, as last noted before these places in the log."""
    places, clocks = log.table(wire.HostClockFrame)
    if not len(places):
        return np.zeros(len(at))
    base_s = (clocks["unix_us"].astype(np.float64) - clocks["monotonic_us"].astype(np.float64)) / 1e6
    return np.asarray(base_s[np.maximum(np.searchsorted(places, at, side="right") - 1, 0)])


def _runs(base_s: Array) -> tuple[Array, Places]:
    """Give how far each run of the host's clock lies from the longest one, which is run 0, and the run of each."""
    order = np.argsort(base_s)
    run = np.empty(len(base_s), np.int64)
    run[order] = np.concatenate([[0], np.cumsum(np.diff(base_s[order]) > _HOST_JUMP_S)])
    by_size = np.argsort(-np.bincount(run), kind="stable")
    renumbered = np.empty_like(by_size)
    renumbered[by_size] = np.arange(len(by_size))
    run = renumbered[run]
    middle_s = np.array([float(np.median(base_s[run == k])) for k in range(len(by_size))])
    return middle_s - middle_s[0], run


# ------------------------------------------------------------------------------------------------- what comes of it


def _tell(
    logs: Mapping[str, SideLog], lines: list[_Line], keys: list[_Key], fit: Fit, clocks: Mapping[_Key, Exchanges]
) -> Alignment:
    """Give every segment its seconds, unless the fit says next to nothing."""
    number = {key: k for k, key in enumerate(keys)}
    fitted_s, shared_s, blind_s = _uncertainty(lines, number, fit, clocks)
    if not fitted_s < _BLUR_S:
        return Alignment(False, f"not on one clock: {_why_blurred(clocks)}")
    starts_s = [float(fit.common_s(number[line.key], line.at(np.zeros(1)))[0]) for line in lines]
    origin_s = min(starts_s)
    for line in lines:
        line.segment.to_s = _Seconds(line, number[line.key], fit, origin_s)
    for side, log in logs.items():
        log.place_by([start - origin_s for start, line in zip(starts_s, lines, strict=True) if line.key[0] == side])
    sigma_s, worst_s = float(np.hypot(fitted_s, shared_s)), 3 * fitted_s + blind_s
    beyond_s = max(_beyond_s(line, clocks[line.key]) for line in lines)
    what = "feet" if len({line.key[0] for line in lines}) > 1 else "both sides of a reset"
    text = f"{what} on one clock within {_ms_text(sigma_s)} ({_ms_text(worst_s)} at worst)"
    if worst_s > _STEPS_S and what == "feet":
        text += "; not good enough to compare the feet step by step"
    if beyond_s > _FAR_S:
        text += f"; its queries are up to {beyond_s / 60:.0f} min away"
    return Alignment(True, text, sigma_s, worst_s, beyond_s)


def _why_blurred(clocks: Mapping[_Key, Exchanges]) -> str:
    """Say why a fit says next to nothing: no run of the host's clock has queries of all, they are few, or poor."""
    if not set.intersection(*(set(clock.epoch.tolist()) for clock in clocks.values())):
        return "the host was restarted, or its clock set, between the queries of the two feet"
    if min(len(clock.host_s) for clock in clocks.values()) < _FEW_N:
        return "too few answered clock queries"
    return "the clock queries were answered too slowly or unevenly, or too far from the samples"


def _ms_text(seconds: float) -> str:
    """Give 0.74 ms as 0.7 ms, and 123.4 ms as 123 ms."""
    return f"{1e3 * seconds:.1f} ms" if seconds < 0.01 else f"{1e3 * seconds:.0f} ms"


@dataclass(frozen=True)
class _Seconds:
    """Turn sample indices of a segment into the session's seconds."""

    line: _Line
    clock: int
    fit: Fit
    origin_s: float

    def __call__(self, index: Array) -> Array:
        return self.fit.common_s(self.clock, self.line.at(index)) - self.origin_s


def _uncertainty(
    lines: list[_Line], number: Mapping[_Key, int], fit: Fit, clocks: Mapping[_Key, Exchanges]
) -> tuple[float, float, float]:
    """Give the largest 1 sigma between two clocks, that of unknown shares of the least delays, and their bound."""
    found = []
    for line in lines:
        device_s = line.at(line.span)
        common_s = fit.common_s(number[line.key], device_s)
        for other in {o.key for o in lines} - {line.key}:
            sigma_s = fit.sigma_s(number[line.key], device_s, number[other], common_s)
            least_s = np.array([clocks[line.key].least_s, clocks[other].least_s])
            found.append((float(sigma_s.max()), float(np.hypot(*least_s) / np.sqrt(12)), float(least_s.sum()) / 2))
    fitted_s, shared_s, blind_s = max(found)
    steps = [bend.steps_s for bend in fit.bends]
    uneven_s = float(np.sqrt(sum(np.mean(s * s) for s in steps)))
    return float(np.hypot(fitted_s, uneven_s)), shared_s, blind_s + float(sum(s.max() for s in steps))


def _beyond_s(line: _Line, clock: Exchanges) -> float:
    """Give how far a segment reaches beyond its clock's queries."""
    first_s, last_s = clock.device_s.min(), clock.device_s.max()
    return float(max(first_s - line.device_s.min(), line.device_s.max() - last_s, 0.0))
