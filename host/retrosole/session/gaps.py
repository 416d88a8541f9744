"""Find the gaps of one side of a session: what is missing where, why, and whether the insole may still hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.session.bulk import Places
from retrosole.session.evidence import (
    ENDS_EARLY,
    NEVER_TAKEN,
    NOT_COLLECTED,
    ON_THE_WAY,
    RESET,
    UNSTORED,
    Evidence,
)
from retrosole.session.losses import told_n
from retrosole.session.segments import Segment, Sequence
from retrosole.session.sidelog import SideLog

LISTED_N = 1000  # gaps of one side that are told one by one
SUBJECTS = ("sample", "stride", "mark")
NOBODYS = (NEVER_TAKEN, RESET)
_SAMPLES = wire.SamplesFrame.TYPE
_NAMES = {wire.StrideFrame.TYPE: "stride", wire.MarkFrame.TYPE: "mark"}
_END_AT = 1 << 62  # behind every place in a log
_Slots = tuple[Places, NDArray[np.bool_]]  # index of each record of a segment, and whether it was taken
_Run = tuple[int, int, int]  # numbers [begin, end) that are missing, and which frame stands behind them


@dataclass(frozen=True)
class Gap:
    """Hold what is missing in one place.

    `what`: sample | stride | mark. `n` of them, from sample index or sequence number `first` of device session
    `session` on; 0: nobody knows how many. `at_s`: since the session's start; `length_s`: of samples. `may_be_stored`:
    the insole may still hold it, so that `retrosole fetch` may bring it. `may_be_erased`: unless it was collected.
    """

    side: str
    session: int
    what: str
    cause: str
    first: int
    n: int
    at_s: float
    length_s: float
    may_be_stored: bool
    may_be_erased: bool

    @property
    def is_missing(self) -> bool:
        """Say whether the insole had it once, or may have it still."""
        return self.cause not in NOBODYS or self.may_be_stored

    @property
    def was_unstored(self) -> bool:
        """Say whether it is nowhere, since the insole's store had no room for it."""
        return self.cause == UNSTORED and not self.may_be_stored


def gaps_of(log: SideLog) -> Iterator[Gap]:
    """Give the gaps of one side, device session after device session."""
    evidence = Evidence(log)
    if not log.segments:
        yield Gap(log.side, 0, "sample", ENDS_EARLY, 0, 0, 0.0, 0.0, evidence.has_store, False)
        return
    there = {segment.session for segment in log.segments}
    slots = {of_segment.session: (index, taken) for of_segment, index, _, taken in log.slots}
    for segment, later in zip(log.segments, [*log.segments[1:], None], strict=True):
        finder = _Finder(log, segment, later, evidence, slots.get(segment.session))
        yield from finder.part_before(there)
        yield from finder.gaps()


class _Finder:
    """Find the gaps of one device session."""

    def __init__(
        self, log: SideLog, segment: Segment, later: Segment | None, evidence: Evidence, slots: _Slots | None
    ) -> None:
        self._log = log
        self._segment = segment
        self._later = later
        self._evidence = evidence
        self._index, self._taken = slots or (np.empty(0, np.int64), np.empty(0, np.bool_))
        self._have_idx = int(self._index[-1]) + 1 if len(self._index) else 0

    def gaps(self) -> Iterator[Gap]:
        yield from self._in_samples()
        yield from self._at_the_end()
        for kind in _NAMES:
            yield from self._in_frames(kind)
        yield from self._holes()

    def _gap(self, what: str, cause: str, first: int, n: int, index: float, stored: bool, length_s: float = 0.0) -> Gap:
        at_s = float(self._segment.seconds(np.array([index]), self._log.rate_hz)[0])
        may_be_stored = stored and self._evidence.has_store
        session = self._segment.session
        may_be_erased = may_be_stored and self._evidence.may_be_erased(session, cause)
        return Gap(self._log.side, session, what, cause, first, n, at_s, length_s, may_be_stored, may_be_erased)

    def part_before(self, there: set[int]) -> Iterator[Gap]:
        """Find that this continues a device session that is not there."""
        head = self._segment.head
        if head is not None and head.continues not in there:
            yield self._gap("sample", NOT_COLLECTED, 0, 0, 0, stored=True)

    def _in_samples(self) -> Iterator[Gap]:
        """Find the frames missing between others, by sequence number; which samples those are, their indices say."""
        sequence = self._segment.samples
        index = sequence.column("first_index")
        slot_n = self._have_idx - int(index[-1]) if len(index) else 0
        for (_, _, k), cause, stored in self._explained(sequence, list(_missing_runs(sequence, self._segment.started))):
            first_idx = int(index[k - 1]) + slot_n if k else 0
            n = max(int(index[k]) - first_idx, 0)
            yield self._gap("sample", cause, first_idx, n, first_idx, stored, n / self._log.rate_hz)

    def _in_frames(self, kind: int) -> Iterator[Gap]:
        """Find missing strides or marks."""
        sequence = self._segment.frames[kind]
        index = sequence.column("initial_contact_idx" if kind == wire.StrideFrame.TYPE else "index")
        runs = list(_missing_runs(sequence, self._segment.started, told_n(self._segment.end, kind)))
        for (begin, end, k), cause, stored in self._explained(sequence, runs):
            near_idx = int(index[min(k, len(index) - 1)]) if len(index) else 0
            yield self._gap(_NAMES[kind], cause, begin, end - begin, near_idx, stored)

    def _explained(self, sequence: Sequence, runs: list[_Run]) -> Iterator[tuple[_Run, str, bool]]:
        """Give each run of missing numbers with its cause, and whether the store may have it; of many the first."""
        live = _live(sequence)
        lowest, highest = self._windows(sequence, live)
        is_read = self._evidence.lacks_the_end(self._segment.session, self._segment.end)
        for run in runs[:LISTED_N]:
            begin, end, _ = run
            was_fetched = bool(np.any((lowest < begin) & (highest >= end))) or (run[2] == len(sequence) and is_read)
            around_at = _around(sequence, begin, end, live)
            yield run, self._evidence.cause(self._segment.session, around_at, was_fetched), not was_fetched
        for run in runs[LISTED_N:]:
            yield run, ON_THE_WAY, True

    def _windows(self, sequence: Sequence, live: NDArray[np.bool_]) -> tuple[Places, Places]:
        """Give lowest and highest number of what each fetch brought: what misses between is not in the store."""
        fetched = ~live if self._evidence.is_live(self._segment.session) else np.ones(len(live), np.bool_)
        window = np.searchsorted(self._evidence.fetched_at, sequence.at[fetched])
        inside = window < len(self._evidence.fetched_at)
        window, seq = window[inside], sequence.seq[fetched][inside]
        order = np.argsort(window, kind="stable")
        if not len(order):
            return order, order
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(window[order])) + 1])
        return np.minimum.reduceat(seq[order], cuts), np.maximum.reduceat(seq[order], cuts)

    def _at_the_end(self) -> Iterator[Gap]:
        """Find what is missing behind the last frame."""
        segment, evidence = self._segment, self._evidence
        told_idx = int(self._log.told_ends_idx[segment.session])
        n = max(told_idx - self._have_idx, 0)
        length_s = n / self._log.rate_hz
        is_read = evidence.was_read_to_its_end(segment.session, self._have_idx)
        is_read = is_read or evidence.lacks_the_end(segment.session, segment.end)
        if segment.end is not None:
            missing = told_n(segment.end, _SAMPLES) > (int(segment.samples.seq[-1]) + 1 if len(segment.samples) else 0)
            if missing or n:
                cause = evidence.cause(segment.session, (self._last_at(), _END_AT), is_read)
                if is_read and segment.end.unstored_n:
                    cause = UNSTORED
                yield self._gap("sample", cause, self._have_idx, n, self._have_idx, not is_read, length_s)
        elif self._later is not None or evidence.was_cut(segment.session):
            length_s = max(length_s, self._until_later_s())
            yield self._gap("sample", RESET, self._have_idx, n, self._have_idx, not is_read, length_s)
        elif n or not evidence.was_stopped(segment.session):
            yield self._gap("sample", ENDS_EARLY, self._have_idx, n, self._have_idx, True, length_s)

    def _last_at(self) -> int:
        return int(self._segment.samples.at.max()) if len(self._segment.samples) else 0

    def _until_later_s(self) -> float:
        if self._later is None:
            return 0.0
        own_s = self._segment.seconds(np.array([self._have_idx]), self._log.rate_hz)[0]
        return float(self._later.seconds(np.zeros(1), self._log.rate_hz)[0] - own_s)

    def _holes(self) -> Iterator[Gap]:
        """Find the runs of samples that the insole never took; padding behind the end is none."""
        told_idx = int(self._log.told_ends_idx[self._segment.session])
        last = int(self._index[self._taken][-1]) + 1 if self._taken.any() else 0
        index = self._index[(self._index < max(told_idx, last)) & ~self._taken]
        if not len(index):
            return
        cuts = np.flatnonzero(np.diff(index) != 1) + 1
        starts = [0, *cuts.tolist()][:LISTED_N]  # of many, the last stands for all behind it
        for begin, end in zip(starts, [*starts[1:], len(index)], strict=True):
            n, first_idx = end - begin, int(index[begin])
            yield self._gap("sample", NEVER_TAKEN, first_idx, n, first_idx, False, n / self._log.rate_hz)


def _live(sequence: Sequence) -> NDArray[np.bool_]:
    """Say for each frame whether it came in its turn, not fetched or repeated after later ones."""
    order = np.argsort(sequence.at)
    newest = np.maximum.accumulate(np.concatenate([[-1], sequence.seq[order]]))[:-1]
    live = np.empty(len(sequence), np.bool_)
    live[order] = sequence.seq[order] > newest
    return live


def _missing_runs(sequence: Sequence, started: bool, told: int = 0) -> Iterator[_Run]:
    """Give the runs of numbers that are missing, up to `told` where the device says how many there were."""
    seq = sequence.seq
    if started and len(seq) and seq[0]:
        yield 0, int(seq[0]), 0
    for k in (np.flatnonzero(np.diff(seq) > 1) + 1).tolist():
        yield int(seq[k - 1]) + 1, int(seq[k]), k
    last = int(seq[-1]) + 1 if len(seq) else 0
    if told > last:
        yield last, told, len(seq)


def _around(sequence: Sequence, begin: int, end: int, live: NDArray[np.bool_]) -> tuple[int, int]:
    """Give the places in the log of the frames that came in their turn before and behind some that are missing."""
    seq, at = sequence.seq[live], sequence.at[live]
    before, behind = int(np.searchsorted(seq, begin)) - 1, int(np.searchsorted(seq, end))
    return int(at[before]) if before >= 0 else 0, int(at[behind]) if behind < len(at) else _END_AT
