"""Session folders of whole walks, made quickly: the firmware's detector over what the sensors read, in real frames.

The two feet start at different readings of their clocks, which are asked every second; the delays there and back are
those of a USB adapter. Truth and recorded sessions thereby share one time, to the accuracy that the session states.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pty_insole import identity

from retrosole import wire
from retrosole.clock import WRAP_US
from retrosole.framing import cobs_encode, encode
from retrosole.samples import pack12, records_per_frame
from retrosole.session.reader import Session, open_session
from retrosole.twin.boards import board_channels
from retrosole.twin.detect import frames_of
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source

CHANNELS = board_channels("esp32_devkitc")
SESSION = 1  # as frames_of numbers it
RATE_HZ = 200


@dataclass(frozen=True)
class Options:
    """Say what comes between a walk and its log.

    `standing`: what the calibration told, by side. `asks`: whether the clocks are asked. `holes`: spans of seconds in
    which the insole took no samples; `lost`: spans in which no frame arrived.
    """

    standing: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    asks: bool = True
    holes: tuple[tuple[float, float], ...] = ()
    lost: tuple[tuple[float, float], ...] = ()


def save_walk(folder: Path, source: Source, options: Options = Options()) -> Session:
    """Write the session that insoles make of a source, and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    for side, counts in source.counts.items():
        log = foot_log(side, counts[:: SOURCE_RATE_HZ // RATE_HZ], source.channels, options)
        (folder / f"{side}.frames").write_bytes(log)
    return open_session(folder)


def foot_log(side: str, counts: NDArray[np.uint16], channels: Iterable[Channel], options: Options) -> bytes:
    """Give the log of one foot, whose first row is sample 0, at `RATE_HZ`."""
    channels = tuple(channels)
    counts = counts.copy()
    for begin_s, end_s in options.holes:
        counts[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)] = wire.MISSING_COUNT
    clock = _Clock(side)
    who = _identity(side, channels, options)
    parts = [(-2.0, encode(who)), (-1.0, _head(clock, who.channel_n))]
    parts += [(-0.5, encode(replace(who, running=1)))]
    parts += _samples(counts, clock)
    parts += _bodies(frames_of(counts, channels, RATE_HZ))
    if options.asks:
        parts += [(float(s), clock.asked(float(s))) for s in range(len(counts) // RATE_HZ + 1)]
    kept = [p for p in parts if not any(begin <= p[0] < end for begin, end in options.lost)]
    return b"".join(data for _, data in sorted(kept, key=lambda part: part[0]))


def _identity(side: str, channels: tuple[Channel, ...], options: Options) -> wire.IdentityFrame:
    n = len(channels)
    zones, sites = ([getattr(words, c[k].upper()) for c in channels] for k, words in ((0, wire.Zone), (1, wire.Site)))
    unused = [int(wire.Zone.UNUSED)] * (wire.CHANNEL_N - n)
    return identity(
        session=SESSION,
        foot=wire.Side[side.upper()],
        channel_n=n,
        records_per_frame=records_per_frame(n),
        zones=bytes(zones + unused),
        sites=bytes(sites + [int(wire.Site.UNUSED)] * (wire.CHANNEL_N - n)),
        baseline=(65535,) * wire.CHANNEL_N,
        standing=(*options.standing.get(side, (65535,) * n), *(65535,) * (wire.CHANNEL_N - n)),
    )


def _head(clock: _Clock, channel_n: int) -> bytes:
    clock_us = clock.at_us(0.0)
    return encode(
        wire.SessionHeadFrame(
            SESSION, SESSION, 3, clock_us // 1_000_000, clock_us % WRAP_US, RATE_HZ, channel_n, wire.Begun.HOST
        )
    )


def _samples(counts: NDArray[np.uint16], clock: _Clock) -> list[tuple[float, bytes]]:
    n = records_per_frame(counts.shape[1])
    filled = np.full((-(-len(counts) // n) * n, counts.shape[1]), wire.MISSING_COUNT, np.uint16)
    filled[: len(counts)] = counts
    packed = pack12(filled)
    size = len(packed) // (len(filled) // n)
    parts = []
    for seq in range(len(filled) // n):
        at_s = seq * n / RATE_HZ
        clock_us = clock.at_us(at_s) % WRAP_US
        frame = wire.SamplesFrame(SESSION, seq, seq * n, clock_us, packed[seq * size : (seq + 1) * size])
        parts.append((at_s + n / RATE_HZ, encode(frame)))
    return parts


def _bodies(bodies: Iterable[bytes]) -> list[tuple[float, bytes]]:
    parts = []
    for body in bodies:
        at_idx = int.from_bytes(body[7:11], "little")
        wired = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
        parts.append((at_idx / RATE_HZ + 1.0, wired))
    return parts


class _Clock:
    """Tell an insole's clock at seconds since its first sample, which both feet take at the same moment."""

    def __init__(self, side: str) -> None:
        self._zero_us = {"left": 7_000_000, "right": 123_456_789}[side]
        self._dice = random.Random(side)

    def at_us(self, time_s: float) -> int:
        return self._zero_us + round(time_s * 1e6)

    def asked(self, time_s: float) -> bytes:
        there_s, back_s = self._dice.uniform(0.0003, 0.0015), self._dice.uniform(0.001, 0.004)
        host_us = 5_000_000_000 + round(time_s * 1e6)
        clock_us = self.at_us(time_s)
        sent_us, received_us = (host_us + round(1e6 * d) for d in (-there_s, back_s))
        return encode(wire.ExchangeFrame(sent_us, received_us, clock_us % WRAP_US, clock_us // 1_000_000, 3))
