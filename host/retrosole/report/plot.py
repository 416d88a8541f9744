"""A drawing with two axes: where numbers stand on it, ticks a person reads, lines, bands, bars and marks.

Drawings have no fonts or colours of their own: the page's style gives them, by class, for screen and paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrosole.report.markup import Safe, number, tag

Floats = NDArray[np.float64]
HALF, WIDE = 360, 760  # units of a drawing in one of two columns, and over both; a phone shows HALF
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True)
class Scale:
    """Map `low` to `high` onto a drawing, from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Give where a value stands."""
        span = self.high - self.low
        part = (value - self.low) / span if span else 0.5
        return self.begin + part * (self.end - self.begin)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Give round numbers from `low` to `high`, at most `most` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def round_up(value: float, most: int = 6) -> float:
    """Give the end of an axis from 0 that holds a value: a tick at or above it."""
    if not value > 0:
        return 1.0
    step = ticks(0.0, value, most)[1] if len(ticks(0.0, value, most)) > 1 else value
    return math.ceil(value / step - 1e-9) * step


def time_ticks(duration_s: float, most: int = 7) -> list[float]:
    """Give round times from 0 to the end."""
    last_s = _TIME_STEPS_S[-1]
    whole_days = last_s * max(math.ceil(duration_s / last_s / (most - 1)), 1)
    step = next((s for s in _TIME_STEPS_S if duration_s / s <= most - 1), whole_days)
    n = math.floor(duration_s / step + 1e-9)
    return [float(k * step) for k in range(n + 1)]


def time_label(seconds: float, duration_s: float) -> str:
    """Write a time as people read it off a clock: 45 s, 2:30, 1:02:30."""
    whole = round(seconds)
    if duration_s < 60:
        return f"{whole} s"
    if duration_s < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def plain_label(value: float) -> str:
    """Write a tick without needless decimals."""
    text = f"{value:.6g}"
    return (text if "e" not in text else f"{value:.0f}").replace("-", "\N{MINUS SIGN}")


@dataclass
class Plot:
    """Collect a drawing of `width` x `height` with a field inside the margins `left`, `top`, `right`, `bottom`."""

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    margins: tuple[float, float, float, float] = (46, 12, 10, 38)
    parts: list[Safe] = field(default_factory=list)

    def __post_init__(self) -> None:
        left, top, right, bottom = self.margins
        self.x = Scale(*self.x_range, left, self.width - right)
        self.y = Scale(*self.y_range, self.height - bottom, top)

    # ---- axes

    def x_axis(self, values: Sequence[float], label: Callable[[float], str] = plain_label, title: str = "") -> None:
        """Draw ticks, their labels and the axis' title below the field."""
        base = self.y.begin
        self.parts.append(_line(self.x.begin, base, self.x.end, base, "axis"))
        for k, value in enumerate(values):
            at = self.x(value)
            self.parts.append(_line(at, base, at, base + 4, "axis"))
            is_last = k == len(values) - 1 and at > self.width - 24
            anchor = "end" if is_last else "middle"
            self.text(at if not is_last else self.width - 2, base + 18, label(value), anchor=anchor)
        if title:
            self.text((self.x.begin + self.x.end) / 2, base + 34, title, anchor="middle", class_="axis-title")

    def y_axis(self, values: Sequence[float], label: Callable[[float], str] = plain_label, title: str = "") -> None:
        """Draw lines across the field, their labels, and the axis' title above the field."""
        for value in values:
            at = self.y(value)
            self.parts.append(_line(self.x.begin, at, self.x.end, at, "grid"))
            self.text(self.x.begin - 6, at + 3.5, label(value), anchor="end")
        if title:
            self.text(2, 10, title, class_="axis-title")

    # ---- shapes

    def line(self, xs: Floats, ys: Floats, class_: str) -> None:
        """Draw a line through points; it is broken where one is not known."""
        if path := line_path([self.x(v) for v in xs.tolist()], [self.y(v) for v in ys.tolist()]):
            self.parts.append(tag("path", d=path, class_=f"line {class_}"))

    def band(self, xs: Floats, low: Floats, high: Floats, class_: str) -> None:
        """Fill between two lines, where both are known."""
        known = np.isfinite(low) & np.isfinite(high)
        for part in np.split(np.arange(len(xs)), np.flatnonzero(np.diff(known.astype(np.int8))) + 1):
            if len(part) > 1 and known[part[0]]:
                there = [(self.x(xs[k]), self.y(high[k])) for k in part.tolist()]
                back = [(self.x(xs[k]), self.y(low[k])) for k in reversed(part.tolist())]
                self.parts.append(tag("path", d=f"{_path([*there, *back])}Z", class_=f"band {class_}"))

    def dots(self, xs: Floats, ys: Floats, class_: str) -> None:
        """Mark points, as one shape: short strokes with round or square ends, as the class says."""
        known = np.isfinite(xs) & np.isfinite(ys)
        marks = [f"M{number(self.x(x))} {number(self.y(y))}h0" for x, y in zip(xs[known], ys[known], strict=True)]
        if marks:
            self.parts.append(tag("path", d="".join(marks), class_=f"dots {class_}"))

    def bar(self, x0: float, x1: float, y0: float, y1: float, class_: str, hint: str | None = None) -> None:
        """Fill a rectangle between two values of x and of y; `hint` is told where a mouse rests on it."""
        left, right = sorted((self.x(x0), self.x(x1)))
        top, bottom = sorted((self.y(y0), self.y(y1)))
        width, height = max(right - left, 0.8), max(bottom - top, 0.0)
        title = tag("title", hint) if hint else None
        self.parts.append(tag("rect", title, x=left, y=top, width=width, height=height, class_=f"bar {class_}"))

    def vertical(self, x: float, y0: float, y1: float, class_: str) -> None:
        """Draw a line upright."""
        self.parts.append(_line(self.x(x), self.y(y0), self.x(x), self.y(y1), class_))

    def horizontal(self, x0: float, x1: float, y: float, class_: str) -> None:
        """Draw a line across."""
        self.parts.append(_line(self.x(x0), self.y(y), self.x(x1), self.y(y), class_))

    def text(self, x: float, y: float, words: str, anchor: str = "start", class_: str | None = None) -> None:
        """Write words at a place of the drawing."""
        anchored = None if anchor == "start" else anchor
        self.parts.append(tag("text", words, x=x, y=y, text_anchor=anchored, class_=class_))

    def done(self, label: str, class_: str = "") -> Safe:
        """Give the drawing; `label` says in words what it shows, for those who cannot see it."""
        return svg(self.width, self.height, label, self.parts, class_)


def svg(width: float, height: float, label: str, parts: Sequence[Safe], class_: str = "") -> Safe:
    """Give a drawing of its own."""
    box = f"0 0 {number(width)} {number(height)}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=label, class_=class_ or None)


def line_path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Give the path of a line through points; it is broken where one is not known, "" where none is."""
    out: list[str] = []
    is_drawing = False
    for x, y in zip(xs, ys, strict=True):
        known = math.isfinite(x) and math.isfinite(y)
        if known:
            out.append(f"{'L' if is_drawing else 'M'}{number(x)} {number(y)}")
        is_drawing = known
    return "".join(out)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return line_path([x for x, _ in points], [y for _, y in points])


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Safe:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)
