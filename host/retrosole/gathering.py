"""What of a device session is still missing here, and which pages of the insole's store to ask for next.

A `Gathering` decides for one session, a `Filler` asks for one insole; neither waits, so a recording goes on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from retrosole import wire
from retrosole.asking import WHOLE_SESSION, Asker, Fetching
from retrosole.ledger import STORED_TYPES, FrameCount, Gap, Ledger
from retrosole.samples import records_per_frame

WINDOW_PAGES = 32  # a second of the line beside live data: a window that is torn costs no more than that
_LONG_HOLE_PAGES = 128  # behind the last sample, and the store still says that there is more
_SMALL_PAGE_N = 8  # strides and marks wait in the device until a page of them is full
_TRY_N = 4  # of a window whose pages were lost on the way
_SETTLE_FRAMES = 4  # behind a gap in a running session, before its pages can be in the store
_PAUSE_S = 3.0  # after a window that nobody answered
_REFUSED_PAUSE_S = 0.5
_NOT_THERE = (wire.Result.NO_SESSION, wire.Result.NO_STORE, wire.Result.UNKNOWN_COMMAND)


@dataclass(frozen=True)
class Window:
    """Name samples whose pages are to be sent again."""

    session: int
    first_idx: int
    end_idx: int
    is_tail: bool = False


@dataclass
class Gathering:
    """Gather what the store holds of one device session and `ledger` does not.

    `is_over`: the session no longer runs, so that its end can be had. `told_idx`: samples that the store says it has.
    """

    ledger: Ledger
    is_over: bool = False
    told_idx: int = 0
    has_all: bool = False  # everything that the store holds has come
    is_torn: bool = False  # some pages were lost on the way again and again
    window_pages: int = WINDOW_PAGES
    _lacked_n: int = 0
    _tail_idx: int = -1
    _tail_done: bool = False
    _empty: list[tuple[int, int]] = field(default_factory=list)  # [first, end): the store has nothing more there
    _tries: dict[Window, int] = field(default_factory=dict)
    _bounds: dict[tuple[type, int], int] = field(default_factory=dict)  # how far small frames were looked for

    @property
    def session(self) -> int:
        """Give the device's number of the session."""
        assert self.ledger.session is not None
        return self.ledger.session

    @property
    def slot_n(self) -> int:
        """Give the samples of a page."""
        return self.ledger.slot_n or records_per_frame(self.ledger.channel_n)

    @property
    def missing_frame_n(self) -> int:
        """Give how many frames are known to be missing; contacts are provisional and kept nowhere."""
        return sum(gap.end_seq - gap.seq for kind in _KEPT for gap in self._gaps(kind))

    @property
    def missing_page_n(self) -> int:
        """Give about how many pages have still to come."""
        behind_n = -(-max(self.told_idx - self.ledger.next_idx, 0) // self.slot_n) if self.ledger.end is None else 0
        return behind_n + sum(gap.end_seq - gap.seq for gap in self._gaps(wire.SamplesFrame))

    @property
    def is_complete(self) -> bool:
        """Say whether every frame is here that the device says there was; of a session cut short, all there is."""
        return not self.missing_frame_n and (self.ledger.end is not None or (self._tail_done and not self.is_torn))

    @property
    def is_whole(self) -> bool:
        """Say whether everything has come that the store holds, so that it may be erased there."""
        return self.is_complete or (self.has_all and not self.is_torn)

    def finish(self) -> None:
        """Know that the session is over: what was looked for in vain while it ran is looked for once more."""
        if not self.is_over:
            self.is_over, self.is_torn = True, False
            self._empty, self._tries, self._bounds = [], {}, {}

    def holds(self, kept: Ledger | None) -> bool:
        """Say whether a log holds all that came; what it lacks is missing from now on."""
        if kept is None:
            kept = Ledger(self.ledger.channel_n)
            kept.begin(self.session)
        counts = self.ledger.frames
        if all(kept.frames[kind].received_n >= counts[kind].received_n for kind in STORED_TYPES):
            return True
        counts.update(kept.frames)
        self.has_all, self._empty, self._tail_done, self._tail_idx = False, [], False, -1
        self._lacked_n += 1
        self.is_torn = self._lacked_n > 1  # again, so the disk is at fault: the insole is to keep it
        return self.is_torn

    def next_window(self) -> Window | None:
        """Give what to ask for next; None when there is nothing that the store could give now."""
        for first_idx, end_idx in self._wanted():
            end_idx = min(end_idx, first_idx + self.window_pages * self.slot_n, WHOLE_SESSION)
            return Window(self.session, first_idx, end_idx)
        if not self.is_over:
            return None
        if self.ledger.end is None and not self._tail_done:
            if self._tail_idx < 0:
                self._tail_idx = max(self.ledger.next_idx - self.slot_n, 0)
            end_idx = self._tail_idx + (self.window_pages + 1) * self.slot_n
            return Window(self.session, self._tail_idx, min(end_idx, WHOLE_SESSION), is_tail=True)
        self.has_all = True
        return None

    def took(self, window: Window, under_way: Fetching) -> None:
        """Take how a window ended that was answered."""
        fetched = under_way.fetched
        if fetched is None and under_way.refusal in _NOT_THERE:
            self._empty.append((0, WHOLE_SESSION))
            self._tail_done = True
            self.is_torn = self.is_torn or under_way.refusal != wire.Result.NO_SESSION
        elif fetched is None:
            self.lost(window)  # not now, which says nothing of what it holds
        elif under_way.is_whole or self._is_given_up(window):
            self._settle(window, bool(fetched.last))

    def lost(self, window: Window) -> None:
        """Take that a window was not answered."""
        if self.is_over and self._is_given_up(window):
            self._settle(window, False)

    def _settle(self, window: Window, is_last: bool) -> None:
        if not window.is_tail:
            self._empty.append((window.first_idx, window.end_idx))
            self._empty = _joined(self._empty)
            return
        self._tail_done = is_last or window.end_idx >= WHOLE_SESSION
        self._tail_idx = max(window.end_idx, self.ledger.next_idx) - self.slot_n
        if window.end_idx > max(self.ledger.next_idx + _LONG_HOLE_PAGES * self.slot_n, self.told_idx):
            self._tail_done = True  # nothing for long, although it says that there is more

    def _is_given_up(self, window: Window) -> bool:
        tries = self._tries[window] = self._tries.get(window, 0) + 1
        if tries < _TRY_N:
            return False
        self.is_torn = True
        return True

    def _wanted(self) -> Iterator[tuple[int, int]]:
        """Give the samples whose pages are worth asking for, those of samples frames first."""
        if self.ledger.head is None and not self._is_empty(0, 1):
            yield 0, 1
        for kind in _KEPT:
            for gap in self._gaps(kind):
                if self._is_settled(kind, gap):
                    yield from self._pages_of(kind, gap)

    def _gaps(self, kind: type) -> Iterator[Gap]:
        end = self.ledger.end
        total_n = 0 if end is None else getattr(end, _KEPT[kind])
        count = self.ledger.frames.get(kind.TYPE, FrameCount(next_seq=0))  # type: ignore[attr-defined]
        return count.gaps(total_n, None if end is None else end.next_index + self.slot_n)

    def _is_settled(self, kind: type, gap: Gap) -> bool:
        """Say whether the pages of a gap have been written: those of small frames come late."""
        if self.is_over:
            return True
        if kind is wire.SamplesFrame:
            return gap.end_idx is not None and self.ledger.next_idx >= gap.end_idx + _SETTLE_FRAMES * self.slot_n
        count = self.ledger.frames[kind.TYPE]  # type: ignore[attr-defined]
        return (count.next_seq or 0) >= gap.end_seq + _SMALL_PAGE_N

    def _pages_of(self, kind: type, gap: Gap) -> Iterator[tuple[int, int]]:
        """Give where pages of a gap may lie, not looked for yet; small pages lie at or behind what they tell of."""
        first_idx = gap.first_idx
        if kind is wire.SamplesFrame:
            end_idx = gap.end_idx
        else:
            first_idx = max(first_idx - self.slot_n, 0)
            # the last one stands where the frame behind all samples would
            end_idx = max(self.ledger.next_idx, gap.end_idx or 0, self.told_idx) + self.slot_n
            if not self.is_over:
                end_idx = self._bounds.setdefault((kind, gap.end_seq), end_idx)
        for begin_idx, until_idx in self._empty:
            if begin_idx <= first_idx < until_idx:
                first_idx = until_idx
        if end_idx is not None and first_idx < end_idx:
            following = min((begin for begin, _ in self._empty if begin > first_idx), default=end_idx)
            yield first_idx, max(min(end_idx, following), first_idx + 1)

    def _is_empty(self, first_idx: int, end_idx: int) -> bool:
        return any(begin <= first_idx and end_idx <= until for begin, until in self._empty)


_KEPT: dict[type, str] = {wire.SamplesFrame: "samples_n", wire.StrideFrame: "stride_n", wire.MarkFrame: "mark_n"}


def _joined(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in sorted(parts):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined


class Filler:
    """Fill the gaps of an insole's sessions from its store, one window at a time."""

    def __init__(self) -> None:
        self.page_n = 0  # that have come
        self.has_no_store = False
        self.quiet_n = 0  # windows in a row that nobody answered
        self._window: tuple[Gathering, Window, Fetching] | None = None
        self._wait_until_s = 0.0

    def turn(self, insole: Asker, gatherings: Sequence[Gathering]) -> bool:
        """Take how the window under way ended and ask for the next; False when there is nothing to ask for now."""
        if self._window is not None:
            gathering, window, under_way = self._window
            if insole.fetching is under_way and not (under_way.over or under_way.is_lost):
                return True
            self._conclude(gathering, window, under_way)
        if self.has_no_store:
            return False
        if time.monotonic() < self._wait_until_s:
            return True
        for gathering in gatherings:
            wanted = gathering.next_window()
            if wanted is not None:
                self._window = gathering, wanted, insole.begin_fetch(wanted.session, wanted.first_idx, wanted.end_idx)
                return True
        return False

    def _conclude(self, gathering: Gathering, window: Window, under_way: Fetching) -> None:
        self._window = None
        self.page_n += under_way.page_n
        if under_way.over:
            self.quiet_n = 0
            self.has_no_store = under_way.refusal in (wire.Result.NO_STORE, wire.Result.UNKNOWN_COMMAND)
            gathering.took(window, under_way)
            if under_way.refusal is not None:
                self._wait_until_s = time.monotonic() + _REFUSED_PAUSE_S
            return
        gathering.lost(window)
        self.quiet_n += not under_way.page_n
        if not under_way.page_n:
            self._wait_until_s = time.monotonic() + _PAUSE_S * (self.quiet_n > 1)

    def forget(self) -> None:
        """Know that the link is another: what was asked for will not come any more."""
        self._window = None
        self._wait_until_s = 0.0
