"""Run the firmware's detector over a recording: as many channels as an insole has at most, at the insole's rate."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.errors import DamagedDataError, UsageError
from retrosole.framing import parse
from retrosole.gait.strides import Stride
from retrosole.samples import missing_records
from retrosole.session.sidelog import to_stride
from retrosole.session.writer import word
from retrosole.twin.boards import zone_numbers
from retrosole.twin.core import Reenactment
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source

if TYPE_CHECKING:
    from retrosole.session.recording import Recording, SideRecording

CHANNEL_N = wire.CHANNEL_N
RATE_HZ = 200
# Heel to toe: the order of the channels, and of who is served first where two zones have the same claim to one.
_ZONES = ("heel", "midfoot", "forefoot", "toes")
_Q8 = 256
_SESSION = 1
_HELD_S = np.array([0.099, 0.198])  # rows further apart than 0.1 s would be a hole
_WORTH_COMPILING_N = 100_000  # samples of one foot: in plain Python they take as long as numba takes to load
_BLOCK_N = 8192  # samples between two looks at the progress, and at Ctrl-C

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Contact:
    """Hold what the insole says when the foot has touched: the order as it looks at `announced_s`.

    Times are seconds since record 0 of the source; `order` is forefoot_first | heel_first | together | unknown.
    """

    side: str
    contact_s: float
    order: str
    announced_s: float


@dataclass(frozen=True)
class Detection:
    """Hold what the detector made of a source, both feet by time; times are seconds since its record 0."""

    strides: tuple[Stride, ...]
    contacts: tuple[Contact, ...]


# ----------------------------------------------------------------------------------------------------------- channels


def channels_for(recording: Recording) -> tuple[Channel, ...]:
    """Choose eight channels for the sensors of a recording, the same for both feet.

    With eight sensors a foot each becomes a channel of its own. Otherwise the zones that both feet have get channels
    in proportion to their sensors, each at least one. Toes without a forefoot beside them count as forefoot. Raises
    DamagedDataError when a foot has no heel sensor or none of the forefoot.
    """
    feet = [_sensor_n(side) for side in recording.sides.values()]
    if not all(foot["toes"] and foot["forefoot"] for foot in feet):
        feet = [_toes_as_forefoot(foot) for foot in feet]
    for name, foot in zip(recording.sides, feet, strict=True):
        for zone in ("heel", "forefoot"):
            if not foot[zone]:
                raise DamagedDataError(f"{name}: no {zone} sensor in the recording, expected at least one")
    claims = {zone: sum(foot[zone] for foot in feet) for zone in _ZONES if all(foot[zone] for foot in feet)}
    return tuple((zone, "unused") for zone, n in _shared_out(claims).items() for _ in range(n))


def _sensor_n(side: SideRecording) -> Counter[str]:
    """Count the sensors of each zone that have any sample."""
    seen: list[bool] = np.any(np.isfinite(side.pressure), axis=0).tolist()
    return Counter(zone for zone, is_seen in zip(side.zones, seen, strict=True) if is_seen)


def _toes_as_forefoot(foot: Counter[str]) -> Counter[str]:
    return Counter({"heel": foot["heel"], "midfoot": foot["midfoot"], "forefoot": foot["forefoot"] + foot["toes"]})


def _shared_out(claims: dict[str, int]) -> dict[str, int]:
    """Share the channels out, first one to each zone, then each to whom it brings nearest to its share (Sainte-Lague).

    Exact where shares are whole numbers, as with eight sensors.
    """
    given = dict.fromkeys(claims, 1)
    while sum(given.values()) < CHANNEL_N:
        neediest = max(claims, key=lambda zone: (claims[zone] / (2 * given[zone] + 1), zone == "forefoot"))
        given[neediest] += 1
    return given


def end_held(recording: Recording) -> Recording:
    """Give a recording whose feet stay for 0.2 s as they were in their last row: a step that just ended is judged."""
    return replace(recording, sides={name: _held(side) for name, side in recording.sides.items()})


def _held(side: SideRecording) -> SideRecording:
    more_s = side.time_s[-1] + _HELD_S
    pressure = np.vstack([side.pressure, *[side.pressure[-1:]] * len(more_s)])
    return replace(side, time_s=np.append(side.time_s, more_s), pressure=pressure)


# ------------------------------------------------------------------------------------------------------------- detect


def detect_source(source: Source, rate_hz: int = RATE_HZ) -> Detection:
    """Feed every `SOURCE_RATE_HZ / rate_hz`-th record to the firmware's detector, one for each foot.

    Missing records are holes: the index goes on, and the detector sees nothing of them. Raises UsageError for a rate
    that the firmware does not offer.
    """
    check_rate(rate_hz)
    every = SOURCE_RATE_HZ // rate_hz
    return merged(
        detect_counts(side, counts[::every], source.channels, rate_hz) for side, counts in source.counts.items()
    )


def check_rate(rate_hz: int) -> None:
    """Raise UsageError for a rate that the firmware does not offer."""
    choices = wire.SETTING_CHOICES["rate_hz"]
    if rate_hz not in choices:
        raise UsageError(f"the rate cannot be {rate_hz} Hz: choose from {', '.join(map(str, choices))}")


def detect_feet(
    counts: dict[str, NDArray[np.uint16]], channels: Sequence[Channel], rate_hz: int, progress: Progress
) -> Detection:
    """Run the detector over the counts of each foot, the feet side by side where the system can fork.

    `progress` is called with the share of a foot that is done, 0 to 1.
    """
    first, *others = counts
    if not others or sys.platform != "linux" or len(counts[first]) > _WORTH_COMPILING_N:
        return merged(detect_counts(side, of_side, channels, rate_hz, progress) for side, of_side in counts.items())
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(len(others), get_context("fork")) as pool:
        promised = [pool.submit(frames_of, counts[side], channels, rate_hz) for side in others]
        parts = [detect_counts(first, counts[first], channels, rate_hz, progress)]
        parts += [from_frames(side, p.result(), rate_hz) for side, p in zip(others, promised, strict=True)]
    return merged(parts)


def detect_counts(
    side: str,
    counts: NDArray[np.uint16],
    channels: Sequence[Channel],
    rate_hz: int,
    progress: Progress = lambda _: None,
) -> Detection:
    """Run the detector over the counts of one foot, (n, channel_n) at `rate_hz`; row 0 is sample 0.

    `progress` is called with the share done, 0 to 1.
    """
    return from_frames(side, frames_of(counts, channels, rate_hz, progress), rate_hz)


def frames_of(
    counts: NDArray[np.uint16],
    channels: Sequence[Channel],
    rate_hz: int,
    progress: Progress = lambda _: None,
) -> list[bytes]:
    """Give the contact and stride frames that the counts of one foot lead to, each type and payload without CRC."""
    zones = zone_numbers(channels)
    baseline = [wire.INVALID["identity.baseline"]] * len(zones)
    index = np.flatnonzero(~missing_records(counts)).astype(np.int32)
    taken = counts[index]
    compiled = len(index) > _WORTH_COMPILING_N or "numba" in sys.modules
    reenactment = Reenactment(_SESSION, zones, rate_hz, baseline, compiled=compiled)
    bodies: list[bytes] = []
    for at in range(0, len(index), _BLOCK_N):
        bodies += reenactment.run(index[at : at + _BLOCK_N], taken[at : at + _BLOCK_N])
        progress(min(1.0, (at + _BLOCK_N) / len(index)))
    last = reenactment.end()
    return bodies if last is None else [*bodies, last]


def from_frames(side: str, bodies: Iterable[bytes], rate_hz: int) -> Detection:
    """Read contact and stride frames, each type and payload without CRC, into seconds since sample 0."""
    strides, contacts = [], []
    for body in bodies:
        frame = parse(body)
        if isinstance(frame, wire.StrideFrame):
            stride = to_stride(frame, side, rate_hz)
            strides.append(replace(stride, detected_s=decided_idx(frame) / rate_hz))
        elif isinstance(frame, wire.ContactFrame):
            contact_s = (frame.initial_contact_idx + frame.initial_contact_frac / _Q8) / rate_hz
            order = word(wire.Order, frame.contact_order)
            contacts.append(Contact(side, contact_s, order, decided_idx(frame) / rate_hz))
    return Detection(tuple(strides), tuple(contacts))


def decided_idx(frame: wire.StrideFrame | wire.ContactFrame) -> int:
    """Give the index of the sample on which the insole decided; at the least, where the delay is 255."""
    at_q8 = frame.initial_contact_idx * _Q8 + frame.initial_contact_frac
    if isinstance(frame, wire.StrideFrame):
        at_q8 += frame.final_contact
    return -(-at_q8 // _Q8) + frame.delay


def merged(parts: Iterable[Detection]) -> Detection:
    """Put the feet together, by time of contact."""
    parts = list(parts)
    strides = sorted((s for part in parts for s in part.strides), key=lambda s: (s.initial_contact_s, s.side))
    contacts = sorted((c for part in parts for c in part.contacts), key=lambda c: (c.contact_s, c.side))
    return Detection(tuple(strides), tuple(contacts))
