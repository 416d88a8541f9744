"""What the live view shows, as plain data: a feeder thread writes it, the screen's thread reads it.

Rule of threads: one feeder writes, any number read. Everything that takes more than one step
(samples, strides, contacts) goes through the methods of `FootState`, which hold its lock; readers
take `snapshot()`, which holds it too and hands out copies. Plain attributes (counters, link, fault
...) are each replaced in one step by the feeder and need no lock.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.strides import Stride
from retrosole.live.braille import Floats
from retrosole.live.hint import Hint, choose_hint
from retrosole.live.pace import cadence_steps_min

MISSING_COUNT = 4095
SPAN_MIN_COUNTS = 150.0  # below it a channel is noise: keep it small instead of blowing it up
KEPT_STRIDE_N = 64
CONNECTED = "connected"
IN_THE_AIR = 0.15  # load above which a foot is not
MESSAGE_S = 10.0  # so long a message stands: on a terminal it may hide the keys
_NOW_S = 0.05  # a load is averaged over this, so that its digits can be read
_FORGET_S = 60.0  # how slowly baseline and peak of the past give way to those of the window


@dataclass(frozen=True)
class Mark:
    """Hold one stance for the time line: start and end in seconds since the first sample, and the
    order."""

    start_s: float
    end_s: float
    order: str


@dataclass(frozen=True)
class Flag:
    """Hold a mark that the person set: its number, and when, in seconds since the first sample."""

    code: int
    time_s: float


@dataclass(frozen=True)
class FootView:
    """Hold one foot at one moment; nothing in it changes any more.

    `counts` is (n, ch), oldest first, `nan` where a sample is missing or not yet taken; its last row is sample
    `end_idx - 1`. `baseline` and `peak` are (ch,) in counts, `loads` (ch,) from 0 at the baseline to 1 at the peak.
    `contact` is the contact that no stride has concluded yet. `forefoot_first_n` of `decided_n` strides began with the
    forefoot; of the rest of `stride_n` the order is unknown. `backward_n` of `directed_n` went backward; of the rest
    the direction is unknown. `target_order` is what the insole is set to. `sampled_s`
    is the host's steady time (time.monotonic) when the newest sample was due, `nan` while the clocks are not related.
    """

    side: str
    channel_names: tuple[str, ...]
    zones: tuple[str, ...]
    rate_hz: float
    end_idx: int
    counts: Floats
    baseline: Floats
    peak: Floats
    loads: Floats
    strides: tuple[Stride, ...]
    stride_n: int
    backward_n: int
    directed_n: int
    forefoot_first_n: int
    decided_n: int
    marks: tuple[Mark, ...]
    contact: Mark | None
    flags: tuple[Flag, ...]
    received_n: int
    lost_sample_n: int
    lost_frame_n: int
    battery_mv: int | None
    link: str
    fault: str | None
    cue_on: bool
    target_order: str
    sampled_s: float

    @property
    def now_s(self) -> float:
        """Give the time of the newest sample, in seconds since the first one."""
        return self.end_idx / self.rate_hz

    @property
    def is_connected(self) -> bool:
        """Say whether the insole is there."""
        return self.link == CONNECTED

    @property
    def cadence_steps_min(self) -> float:
        """Give how fast somebody walks now; `nan` when nobody does, too little is known, or the insole is gone."""
        return cadence_steps_min(self.strides, self.now_s) if self.is_connected else math.nan

    @property
    def toe_first_share(self) -> float:
        """Give the share of forefoot-first strides among those whose order is known, 0 to 1; `nan` without any."""
        return self.forefoot_first_n / self.decided_n if self.decided_n else math.nan


class FootState:
    """Collect what one insole sends; see the rule of threads above.

    `received_n`, `lost_sample_n` and `lost_frame_n` count since the start; `link` is "connected" or
    says what is wrong, `fault` is what the insole complains of, `cue_on` whether it may buzz.
    """

    def __init__(
        self,
        side: str,
        channel_names: Sequence[str],
        zones: Sequence[str],
        rate_hz: float,
        window_s: float = 10.0,
    ) -> None:
        if len(channel_names) != len(zones) or not channel_names:
            raise ValueError(f"{len(channel_names)} channel names for {len(zones)} zones")
        if not rate_hz > 0 or not window_s > 0:
            raise ValueError(f"rate {rate_hz} Hz and window {window_s} s must be above 0")
        self.side = side
        self.channel_names = tuple(channel_names)
        self.zones = tuple(zones)
        self.rate_hz = rate_hz
        self.window_n = max(1, round(window_s * rate_hz))
        self.received_n = 0
        self.lost_sample_n = 0
        self.lost_frame_n = 0
        self.battery_mv: int | None = None
        self.link = "waiting"
        self.fault: str | None = None
        self.cue_on = False
        self.target_order = "forefoot_first"
        self.sampled_s = math.nan
        self.version = 0
        self._lock = threading.Lock()
        self._ring: NDArray[np.float32] = np.empty((self.window_n, len(zones)), dtype=np.float32)
        self._baseline = np.empty(len(zones), dtype=np.float32)
        self._peak = np.empty(len(zones), dtype=np.float32)
        self._strides: deque[Stride] = deque(maxlen=KEPT_STRIDE_N)
        self._marks: deque[Mark] = deque(maxlen=KEPT_STRIDE_N)
        self._flags: deque[Flag] = deque(maxlen=KEPT_STRIDE_N)
        self.begin()

    def begin(self) -> None:
        """Begin anew, with nothing known: another session."""
        with self._lock:
            self._strides.clear()
            self._stride_n = self._backward_n = self._directed_n = self._forefoot_first_n = self._decided_n = 0
        self.restart()

    def restart(self) -> None:
        """Begin a new run of samples at index 0: the device started again; strides stay."""
        with self._lock:
            self._ring.fill(np.nan)
            self._baseline.fill(np.nan)
            self._peak.fill(np.nan)
            self._marks.clear()
            self._flags.clear()
            self._contact: Mark | None = None
            self._end_idx = 0
            self.version += 1

    def push_samples(self, first_index: int, counts: NDArray[np.uint16]) -> None:
        """Take (k, ch) counts, 4095 = missing, whose first row is sample `first_index`.

        Indices left out since the last call show as a gap; rows older than the window are ignored.
        Raises ValueError when the number of channels is another one.
        """
        if counts.ndim != 2 or counts.shape[1] != len(self.zones):
            raise ValueError(f"samples of shape {counts.shape}, expected (k, {len(self.zones)})")
        end_idx = first_index + len(counts)
        values = counts.astype(np.float32)
        values[counts >= MISSING_COUNT] = np.nan
        with self._lock:
            self._open_until(end_idx)
            oldest_idx = max(first_index, self._end_idx - self.window_n)
            kept = values[oldest_idx - first_index :]
            self._ring[np.arange(oldest_idx, end_idx) % self.window_n] = kept
            self._follow(len(kept) / self.rate_hz)
            self.version += 1

    def _open_until(self, end_idx: int) -> None:
        """Move the end of the ring on, with nothing yet in the new slots."""
        fresh_n = min(end_idx - self._end_idx, self.window_n)
        if fresh_n > 0:
            self._ring[np.arange(end_idx - fresh_n, end_idx) % self.window_n] = np.nan
            self._end_idx = end_idx

    def _follow(self, elapsed_s: float) -> None:
        """Let baseline and peak take what the window widens at once, and forget the past slowly.

        Without the memory, standing still for a whole window would read as no load.
        """
        low, high = np.fmin.reduce(self._ring, axis=0), np.fmax.reduce(self._ring, axis=0)
        share = min(1.0, elapsed_s / _FORGET_S)
        seen = ~np.isnan(low)  # a channel missing for a whole window keeps what it had
        baseline = np.fmin(low, self._baseline + share * (low - self._baseline))
        peak = np.fmax(high, self._peak + share * (high - self._peak))
        self._baseline = np.where(seen, baseline, self._baseline)
        self._peak = np.where(seen, peak, self._peak)

    def push_contact(self, order: str, time_s: float) -> None:
        """Take a provisional contact, `time_s` after the first sample."""
        with self._lock:
            self._contact = Mark(time_s, np.inf, order)
            self.version += 1

    def push_stride(self, stride: Stride) -> None:
        """Take a finished stride; it concludes a contact that began before the stride ended."""
        with self._lock:
            self._strides.append(stride)
            self._stride_n += 1
            self._backward_n += stride.direction == "backward"
            self._directed_n += stride.direction != "unknown"
            self._forefoot_first_n += stride.contact_order == "forefoot_first"
            self._decided_n += stride.contact_order != "unknown"
            start_s, end_s = stride.initial_contact_s, stride.final_contact_s
            self._marks.append(Mark(start_s, end_s, stride.contact_order))
            if self._contact is not None and not self._contact.start_s > end_s:
                self._contact = None
            self.version += 1

    def push_flag(self, code: int, time_s: float) -> None:
        """Take a mark that the person set, `time_s` after the first sample."""
        with self._lock:
            self._flags.append(Flag(code, time_s))
            self.version += 1

    def stamp(self) -> tuple[object, ...]:
        """Give a value that changes whenever there is something new to show."""
        counts = (self.version, self.lost_sample_n, self.lost_frame_n, self.battery_mv)
        return (*counts, self.link, self.fault, self.cue_on)

    @property
    def stride_counts(self) -> tuple[int, int, int]:
        """Give the number of strides, of those walked backward and of those with a direction, since the start."""
        with self._lock:
            return self._stride_n, self._backward_n, self._directed_n

    def window(self) -> Floats:
        """Copy the window: counts (n, ch), oldest first, `nan` = missing or not yet."""
        with self._lock:
            return self._window()

    def _window(self) -> Floats:
        rolled: Floats = np.roll(self._ring, -(self._end_idx % self.window_n), axis=0)
        return rolled

    def loads(self) -> Floats:
        """Give the load of each channel now, (ch,): 0 at baseline, 1 at peak, `nan` = no sample."""
        with self._lock:
            return self._loads(self._window())

    def _loads(self, counts: Floats) -> Floats:
        recent = counts[-max(1, round(_NOW_S * self.rate_hz)) :]
        seen_n = np.count_nonzero(~np.isnan(recent), axis=0)
        mean = np.nansum(recent, axis=0) / np.where(seen_n == 0, np.nan, seen_n)
        span = np.fmax(self._peak - self._baseline, SPAN_MIN_COUNTS)
        loads: Floats = np.clip((mean - self._baseline) / span, 0.0, 1.0)
        return loads

    @property
    def is_in_the_air(self) -> bool:
        """Say whether no sensor has more load than a foot in the air."""
        return not bool((self.loads() > IN_THE_AIR).any())  # nan compares false

    def snapshot(self) -> FootView:
        """Copy everything at one moment."""
        with self._lock:
            counts = self._window()
            return FootView(
                side=self.side,
                channel_names=self.channel_names,
                zones=self.zones,
                rate_hz=self.rate_hz,
                end_idx=self._end_idx,
                counts=counts,
                baseline=self._baseline.copy(),
                peak=self._peak.copy(),
                loads=self._loads(counts),
                strides=tuple(self._strides),
                stride_n=self._stride_n,
                backward_n=self._backward_n,
                directed_n=self._directed_n,
                forefoot_first_n=self._forefoot_first_n,
                decided_n=self._decided_n,
                marks=tuple(self._marks),
                contact=self._contact,
                flags=tuple(self._flags),
                received_n=self.received_n,
                lost_sample_n=self.lost_sample_n,
                lost_frame_n=self.lost_frame_n,
                battery_mv=self.battery_mv,
                link=self.link,
                fault=self.fault,
                cue_on=self.cue_on,
                target_order=self.target_order,
                sampled_s=self.sampled_s,
            )


@dataclass
class LiveState:
    """Hold what all feet have in common; the feeder replaces the attributes, the screen reads them.

    `recording` is the folder being written, None when only looking. `message` is one line for the person, `tell` says
    it. `pace_limit_steps_min` is what the plan allows, None without one. `finished` tells the view to close by itself.
    """

    feet: list[FootState]
    elapsed_s: float = 0.0
    recording: str | None = None
    message: str = ""
    told_n: int = 0
    pace_limit_steps_min: float | None = None
    finished: bool = field(default=False)

    def tell(self, message: str) -> None:
        """Tell the person one line, also when it is the same as before."""
        self.message = message
        self.told_n += 1

    def stride_counts(self) -> tuple[int, int, int]:
        """Give the strides of all feet together, how many of them went backward, and how many have a direction."""
        counts = [foot.stride_counts for foot in self.feet]
        return sum(n for n, _, _ in counts), sum(n for _, n, _ in counts), sum(n for _, _, n in counts)

    def hint(self, views: Sequence[FootView]) -> Hint | None:
        """Give what is to be said to the person now, from snapshots of the feet; see `retrosole.live.hint`."""
        return choose_hint(views, self.pace_limit_steps_min)


class MessageClock:
    """Know of each message how long it has been there; for one reader."""

    def __init__(self) -> None:
        self._stamp: tuple[int, str] = (0, "")
        self._since_s = 0.0

    def text(self, state: LiveState, now_s: float) -> str:
        """Give the message for MESSAGE_S from when it was first seen, and again when it is told again; then ""."""
        stamp = (state.told_n, state.message)
        if stamp != self._stamp:
            self._stamp, self._since_s = stamp, now_s
        return state.message if now_s - self._since_s < MESSAGE_S else ""


def both_cadence_steps_min(views: Sequence[FootView]) -> float:
    """Give the cadence of all feet that walk, their mean; `nan` when none does."""
    known = [cadence for view in views if not math.isnan(cadence := view.cadence_steps_min)]
    return sum(known) / len(known) if known else math.nan


def both_toe_first_share(views: Sequence[FootView]) -> float:
    """Give the share of forefoot-first strides among those of all feet whose order is known; `nan` without any."""
    decided_n = sum(view.decided_n for view in views)
    return sum(view.forefoot_first_n for view in views) / decided_n if decided_n else math.nan
