"""Turn the state of the live view into small messages for a page: everything once, then only what changed.

Knows no socket; one thread calls it. Words and numbers are made here, as a person reads them. Samples are reduced to
the highest of each 20 ms, which is all that a screen shows; a column is sent once, when it is complete.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrosole.gait.foot_shape import PLACES, outline
from retrosole.gait.strides import Stride
from retrosole.live.bars import clock_text
from retrosole.live.braille import Floats
from retrosole.live.centre import centre_trail
from retrosole.live.palette import order_words
from retrosole.live.rows import plain
from retrosole.live.state import (
    SPAN_MIN_COUNTS,
    FootState,
    FootView,
    LiveState,
    MessageClock,
    both_cadence_steps_min,
    both_toe_first_share,
)
from retrosole.live.traces import on_ground

BUTTONS = ("mark", "tare", "record", "quit")
COLUMN_S = 0.02
ROW_N = 24  # strides that a page keeps
_QUIET_S = 1.5  # without a sample for longer, the picture of a foot is old
_GONE = -1  # in a column: no sample

Json = dict[str, Any]


class FootFeed:
    """Follow one foot: what of it a page already has, and what is new."""

    def __init__(self, state: FootState) -> None:
        self._state = state
        self._stamp: object = None
        self.view = state.snapshot()
        self._per_column = max(1, round(COLUMN_S * state.rate_hz))
        self._fields: Json = {}
        self._column = 0  # the next one to be sent
        self._stride_n = 0
        self._moved_s = -math.inf  # when a sample came last, on the host's steady clock

    def look(self, now_s: float) -> None:
        """Take the foot as it is now."""
        stamp = self._state.stamp()
        if stamp == self._stamp:
            return
        before_idx, self._stamp, self.view = self.view.end_idx, stamp, self._state.snapshot()
        if self.view.end_idx != before_idx or self._moved_s < 0:
            self._moved_s = now_s

    def head(self) -> Json:
        """Give what never changes."""
        view = self.view
        return {
            "side": view.side,
            "names": [plain(name).replace("_", " ") for name in view.channel_names],
            "zones": view.zones,
            "places": [_place(view.side, PLACES.get(name)) for name in view.channel_names],
            "outline": [_place(view.side, corner) for corner in outline(6)],
            "column_s": self._per_column / view.rate_hz,
            "column_n": len(view.counts) // self._per_column,
        }

    def whole(self, now_s: float) -> Json:
        """Give everything, as far as `news` has come."""
        first = max(0, self._column - len(self.view.counts) // self._per_column)
        strides = _rows(self.view.strides[-ROW_N:])
        return {**self._look_of(now_s), **self._columns(first, self._column), "strides": strides}

    def news(self, now_s: float) -> Json:
        """Give what changed since the last time, and count it as told; everything when the insole began anew."""
        end = self.view.end_idx // self._per_column
        before, self._fields = self._fields, self._look_of(now_s)
        first, self._column = self._column, end
        known_n, self._stride_n = self._stride_n, self.view.stride_n
        if end < first or self._stride_n < known_n:
            return {"restart": True, **self.whole(now_s)}
        new = _changed(before, self._fields)
        if end > first:
            new |= self._columns(max(first, end - len(self.view.counts) // self._per_column), end)
        if self._stride_n > known_n:
            new["strides"] = _rows(self.view.strides[-min(self._stride_n - known_n, ROW_N) :])
        return new

    def _look_of(self, now_s: float) -> Json:
        view = self.view
        spans = np.fmax(view.peak - view.baseline, SPAN_MIN_COUNTS)
        quiet_s = now_s - self._moved_s
        is_there = view.is_connected and quiet_s <= _QUIET_S
        contact = on_ground(view) if is_there else None
        return {
            "link": plain(view.link),
            "ok": view.is_connected,
            "quiet": int(quiet_s) if view.is_connected and not is_there else 0,
            "lost": _loss(view) if view.is_connected else "",  # what it loses meanwhile nobody knows
            "battery": "" if view.battery_mv is None else f"{view.battery_mv / 1000:.2f} V",
            "cue": "cue on" if view.cue_on else "",
            "fault": "" if view.fault is None else plain(view.fault),
            "contact": None if contact is None else [_seconds(contact.start_s), contact.order, _order(contact.order)],
            "stances": _stances(view),
            "flags": [[flag.code, _seconds(flag.time_s)] for flag in view.flags if flag.time_s > _begin_s(view)],
            "trail": _whole_numbers(1000 * _as_seen(view.side, centre_trail(view))) if is_there else [],
            "base": _whole_numbers(view.baseline),
            "span": _whole_numbers(spans),
            "loads": _whole_numbers(100 * view.loads if is_there else np.full_like(view.loads, np.nan)),
        }

    def _columns(self, first: int, end: int) -> Json:
        """Give columns `first` to `end`, each with the highest count of each channel."""
        view, each = self.view, self._per_column
        begin = first * each + len(view.counts) - view.end_idx
        kept = view.counts[max(begin, 0) : begin + (end - first) * each]
        missing_n = (end - first) - len(kept) // each
        kept = kept[len(kept) % each :].reshape(-1, each, len(view.zones))
        return {"first": first + missing_n, "columns": _whole_numbers(np.fmax.reduce(kept, axis=1))}


class Feed:
    """Make the messages for all browsers: `advance` moves on and gives the news, `whole` everything up to there.

    `number` counts the messages; `sampled_s` is when the newest sample that the last one brought was due, on the host's
    steady clock, `nan` when it brought none or nobody knows.
    """

    buttons = BUTTONS

    def __init__(self, state: LiveState) -> None:
        self.number = 0
        self.sampled_s = math.nan
        self._state = state
        self._feet = [FootFeed(foot) for foot in state.feet]
        self._common: Json = {}
        self._messages = MessageClock()
        self._sampled = [math.nan for _ in self._feet]
        self._now_s = 0.0

    def advance(self, now_s: float, *, is_due: bool = False) -> str | None:
        """Look at the state and give what is new; None when nothing is, unless a sign of life `is_due`."""
        self._now_s = now_s
        for foot in self._feet:
            foot.look(now_s)
        common = self._common_now()
        new, self._common = _changed(self._common, common), common
        feet = [foot.news(now_s) for foot in self._feet]
        if any(feet):
            new["feet"] = feet
        if not new and not is_due:
            return None
        self.number += 1
        self._note_age()
        return json.dumps({"n": self.number, **new}, separators=(",", ":"))

    def whole(self) -> str:
        """Give everything, as of the last `advance`."""
        feet = [{**foot.head(), **foot.whole(self._now_s)} for foot in self._feet]
        return json.dumps({"n": self.number, "whole": True, **self._common, "feet": feet}, separators=(",", ":"))

    def _note_age(self) -> None:
        """Know when the newest sample that this message brings was due."""
        before, self._sampled = self._sampled, [foot.view.sampled_s for foot in self._feet]
        new = [now for now, old in zip(self._sampled, before, strict=True) if now != old and not math.isnan(now)]
        self.sampled_s = max(new, default=math.nan)

    def _common_now(self) -> Json:
        state, views = self._state, [foot.view for foot in self._feet]
        backward_n, directed_n = sum(view.backward_n for view in views), sum(view.directed_n for view in views)
        hint = state.hint(views)
        return {
            "elapsed": clock_text(state.elapsed_s),
            "stride_n": sum(view.stride_n for view in views),
            "backward": _number(100 * backward_n / directed_n if directed_n else math.nan),
            "toe_first": _number(100 * both_toe_first_share(views)),
            "decided_n": sum(view.decided_n for view in views),
            "cadence": _number(both_cadence_steps_min(views)),
            "target": " / ".join(sorted({_order(view.target_order) for view in views})),
            "recording": None if state.recording is None else plain(state.recording),
            "message": plain(self._messages.text(state, self._now_s)),
            "hint": None if hint is None else {"words": hint.words, "detail": hint.detail, "level": hint.level},
        }


def _changed(before: Json, now: Json) -> Json:
    return {name: value for name, value in now.items() if name not in before or before[name] != value}


def _place(side: str, place: tuple[float, float] | None) -> list[float] | None:
    """Give a place on the right foot as it lies on a foot of this side, from above; None stays None."""
    return None if place is None else [round(1 - place[0] if side == "left" else place[0], 3), round(place[1], 3)]


def _as_seen(side: str, trail: Floats) -> Floats:
    return np.column_stack([1 - trail[:, 0], trail[:, 1]]) if side == "left" else trail


def _begin_s(view: FootView) -> float:
    return view.now_s - len(view.counts) / view.rate_hz


def _stances(view: FootView) -> list[list[Any]]:
    """Give start, end and order of each stance in the window."""
    begin_s = _begin_s(view)
    known = [mark for mark in view.marks if mark.end_s > begin_s and not math.isnan(mark.start_s)]
    return [[_seconds(mark.start_s), _seconds(mark.end_s), mark.order] for mark in known]


def _rows(strides: Sequence[Stride]) -> list[Json]:
    return [_row(stride) for stride in strides]


def _row(stride: Stride) -> Json:
    return {
        "no": stride.stride,
        "order": stride.contact_order,
        "words": _order(stride.contact_order),
        "lift": _order(stride.lift_order),
        "direction": plain(stride.direction),
        "stance": _number(1000 * stride.stance_s),
        "lowering": _number(1000 * stride.heel_lowering_s),
    }


def _order(order: str) -> str:
    words = order_words(order)
    return "unknown" if words == "?" else words


def _loss(view: FootView) -> str:
    if not view.lost_sample_n and not view.lost_frame_n:
        return ""
    return f"lost {view.lost_sample_n} samples, {view.lost_frame_n} frame{'' if view.lost_frame_n == 1 else 's'}"


def _whole_numbers(values: Any) -> Any:
    """Round to a list of whole numbers, _GONE where there is none."""
    return np.where(np.isnan(values), _GONE, np.rint(values)).astype(int).tolist()


def _seconds(value: float) -> float:
    return round(value, 3)


def _number(value: float) -> str:
    return "--" if math.isnan(value) else f"{value:.0f}"
