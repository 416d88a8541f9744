"""The wearer's standing load, with a person to guide: lift the foot, stand on it, lift it again.

Every step waits until the load is steady, and compares what the insole then took with what was seen. Counts stay
counts: only their share of the standing load is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.asking import NoLoadError
from retrosole.device import Insole
from retrosole.glance import Counts, counts_of, events_for, glance

STEADY_S = 2.0
PATIENCE_S = 30.0
# Summed over all channels: as much is an empty shoe to the firmware, and no movement either.
LEAST_COUNTS = 60
# Of the load: somebody who stands sways by 5 to 10 %.
STEADY_PART = 0.15
# Between what was seen and what the insole took a moment later.
AGREE_PART = 0.25
# Of the standing load, with the foot in the air again: sensors of this kind lag 10 % on unloading.
ZERO_PART = 0.10
# Of the range of all channels: what a bar shows at least, so that an unloaded foot looks unloaded.
SMALL_PART = 0.05

LIFT = (
    "Sit down, or hold on to something. Lift the {foot} off the ground, shoe and all, and keep it still. "
    "Press Enter when it is in the air."
)
STAND = (
    "Now stand on the {foot} with your whole weight, and hold on to something lightly. If that is not safe for "
    "you, stand evenly on both feet. Press Enter when you stand."
)
LIFT_AGAIN = "Lift the {foot} once more and keep it still. Press Enter when it is in the air."
_RESTLESS = "It did not become steady within {seconds:.0f} seconds. Hold on to something, and try once more."
_MOVED = "The foot moved at the last moment. Once more, please."
_NO_LOAD = (
    "The insole feels no more weight than with the foot in the air. Was the foot really in the air before, and does "
    "the shoe stand on the ground now? From the beginning:"
)
_WAS_LOADED = (
    "The insole feels less weight now than when you first lifted the foot: there was weight on it then. From the "
    "beginning:"
)
_NOT_ZERO = (
    "With the foot in the air it still feels {percent:.0f} % of the standing load. Loosen the laces, see that nothing "
    "presses on the insole, and measure again."
)
_ZERO = "Back to nothing with the foot in the air ({percent:.0f} % of the standing load)."


class Guide(Protocol):
    """Be the person's end of it."""

    def ask(self, text: str) -> None:
        """Say what to do, and wait until it is done."""

    def show(self, load: float, steady_s: float) -> None:
        """Show the load, a part of the largest so far, and for how long it has been steady."""

    def say(self, text: str) -> None:
        """Say something."""


class Stillness:
    """Follow the load, summed over the channels, and say since when it has been steady."""

    def __init__(self, rate_hz: int) -> None:
        self._means: deque[NDArray[np.float64]] = deque()
        self._n: deque[int] = deque()
        self._rate_hz = rate_hz

    def add(self, counts: Counts) -> None:
        """Take in samples, (n, channel_n); what is older than needed is forgotten."""
        self._means.append(counts.mean(axis=0))
        self._n.append(len(counts))
        while sum(self._n) - self._n[0] >= STEADY_S * self._rate_hz:
            self._means.popleft()
            self._n.popleft()

    def steady_s(self, baseline: float) -> float:
        """Give for how long the load above an unloaded sum has been steady, up to STEADY_S and a little."""
        totals = [float(mean.sum()) for mean in self._means]
        least = most = totals[-1]
        n = 0
        for total, samples_n in zip(reversed(totals), reversed(self._n), strict=True):
            least, most = min(least, total), max(most, total)
            if most - least > max(LEAST_COUNTS, STEADY_PART * (most - baseline)):
                break
            n += samples_n
        return n / self._rate_hz

    @property
    def mean(self) -> NDArray[np.float64]:
        """Give the mean of each channel over what is kept."""
        return np.average(np.array(self._means), axis=0, weights=np.array(self._n))

    @property
    def total(self) -> float:
        """Give the newest load, summed over the channels."""
        return float(self._means[-1].sum())


class _Next(Enum):
    AGAIN = auto()
    ANEW = auto()
    DONE = auto()


@dataclass
class Calibration:
    """Guide one wearer through it. What the insole took so far holds, wherever it is left."""

    insole: Insole
    guide: Guide
    tared: bool = False
    calibrated: bool = False
    _largest: float = 0.0

    @property
    def _foot(self) -> str:
        return "foot" if self.insole.side == "unset" else f"{self.insole.side} foot"

    def run(self) -> float:
        """Measure until all three steps are well; give the part of the standing load left at the end.

        Raises BusyError while a session runs, PortError when the insole goes away.
        """
        while True:
            self._until_done(self._lift)
            if self._until_done(self._stand) is _Next.ANEW:
                continue
            left = self._lift_again()
            if left < -ZERO_PART:
                self.guide.say(_WAS_LOADED)
            elif left > ZERO_PART:
                self.guide.say(_NOT_ZERO.format(percent=100 * left))
            else:
                self.guide.say(_ZERO.format(percent=100 * max(left, 0.0)))
                return left

    def _until_done(self, step: Callable[[], _Next]) -> _Next:
        came = _Next.AGAIN
        while came is _Next.AGAIN:
            came = step()
        return came

    def _lift(self) -> _Next:
        self.guide.ask(LIFT.format(foot=self._foot))
        seen = self._steady()
        if seen is None:
            return _Next.AGAIN
        self.insole.tare()
        self.tared = True
        took = _total(self.insole.hello().baseline, self.insole)
        return self._agreed(float(seen.sum()), took)

    def _stand(self) -> _Next:
        self.guide.ask(STAND.format(foot=self._foot))
        seen = self._steady()
        if seen is None:
            return _Next.AGAIN
        try:
            self.insole.calibrate()
        except NoLoadError:
            self.guide.say(_NO_LOAD)
            return _Next.ANEW
        self.calibrated = True
        took = _total(self.insole.hello().standing, self.insole)
        return self._agreed(float(seen.sum()) - _baseline(self.insole), took)

    def _lift_again(self) -> float:
        seen = None
        while seen is None:
            self.guide.ask(LIFT_AGAIN.format(foot=self._foot))
            seen = self._steady()
        return self._left(seen)

    def _agreed(self, seen: float, took: float) -> _Next:
        if abs(seen - took) <= max(LEAST_COUNTS, AGREE_PART * seen):
            return _Next.DONE
        self.guide.say(_MOVED)
        return _Next.AGAIN

    def _left(self, seen: NDArray[np.float64]) -> float:
        standing = _total(self.insole.identity.standing, self.insole)
        return (float(seen.sum()) - _baseline(self.insole)) / max(standing, 1.0)

    def _steady(self) -> NDArray[np.float64] | None:
        """Watch until the load is steady; give the mean of each channel, None when it was not to be had."""
        stillness = Stillness(self.insole.identity.rate_hz)
        baseline = _baseline(self.insole)
        with glance(self.insole):
            for event in events_for(self.insole, PATIENCE_S):
                counts = counts_of(event, self.insole.identity.channel_n)
                if counts is None:
                    continue
                stillness.add(counts)
                steady_s = stillness.steady_s(baseline)
                self._show(stillness.total - baseline, min(steady_s, STEADY_S))
                if steady_s >= STEADY_S:
                    return stillness.mean
        self.guide.say(_RESTLESS.format(seconds=PATIENCE_S))
        return None

    def _show(self, load: float, steady_s: float) -> None:
        range_counts = self.insole.identity.full_scale * self.insole.identity.channel_n
        self._largest = max(self._largest, load, SMALL_PART * range_counts)
        self.guide.show(max(load, 0.0) / self._largest, steady_s)


def _baseline(insole: Insole) -> float:
    return _total(insole.identity.baseline, insole) if insole.identity.baseline[0] != _UNKNOWN else 0.0


def _total(counts: tuple[int, ...], insole: Insole) -> float:
    return float(sum(counts[: insole.identity.channel_n]))


_UNKNOWN = wire.INVALID["identity.baseline"]
