"""How fast a stored log is read, beside the checksum alone over the same bytes."""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrosole import wire
from retrosole.framing import Splitter, encode, parse
from retrosole.ledger import Ledger
from retrosole.samples import missing_records, pack12, records_per_frame, unpack12
from retrosole.session.reader import open_session
from retrosole.twin.boards import board_channels
from retrosole.twin.source import from_model

RATE_HZ = 200
_CHUNK_BYTES = 512


@dataclass(frozen=True)
class Decoded:
    """Processor seconds for one log of `sample_n` samples in `byte_n` bytes, each the median of some runs."""

    sample_n: int
    byte_n: int
    stored_s: float
    live_s: float
    crc_s: float


def measure(identity: wire.IdentityFrame, minutes: int, times: int, folder: Path) -> Decoded:
    """Make a log of a walk as an insole sends it, and read it as a stored session and as if it came live."""
    data, sample_n = made_log(identity, minutes)
    path = folder / "left.frames"
    path.write_bytes(data)

    def stored() -> int:
        return len(open_session(path).samples("left")[0])

    def live() -> int:
        return read_live(data, identity.channel_n)

    assert stored() == live() == sample_n
    crc_s = median_s(lambda: zlib.crc32(data), 5 * times)
    return Decoded(sample_n, len(data), median_s(stored, times), median_s(live, times), crc_s)


def made_log(identity: wire.IdentityFrame, minutes: int) -> tuple[bytes, int]:
    """Give the bytes of a left foot's session, and how many samples are in them."""
    source = from_model("backward", board_channels("esp32_devkitc"), 60.0 * minutes, 1, sides=("left",))
    counts = source.counts["left"][:: 1000 // RATE_HZ]
    n = records_per_frame(identity.channel_n)
    counts = counts[: len(counts) // n * n]
    frames = [
        wire.SamplesFrame(1, seq, seq * n, seq * n * 5000 % 2**30, pack12(counts[seq * n : (seq + 1) * n]))
        for seq in range(len(counts) // n)
    ]
    return encode(identity) + b"".join(map(encode, frames)), len(counts)


def read_live(data: bytes, channel_n: int) -> int:
    """Take a stream in small pieces, as a port gives it, down to counts; return the number of samples."""
    splitter, ledger, sample_n = Splitter(), Ledger(channel_n), 0
    for at in range(0, len(data), _CHUNK_BYTES):
        for frame in splitter.feed(data[at : at + _CHUNK_BYTES]):
            message = parse(frame)
            if ledger.add(message) and isinstance(message, wire.SamplesFrame):
                sample_n += int(np.count_nonzero(~missing_records(unpack12(message.records, channel_n))))
    return sample_n


def median_s(work: Callable[[], object], times: int) -> float:
    """Give the median processor time of some calls."""
    out = []
    for _ in range(times):
        begin_s = time.process_time()
        work()
        out.append(time.process_time() - begin_s)
    return statistics.median(out)


def spread(values: list[float]) -> float:
    """Give half the range from the second lowest to the second highest, or of all when there are few."""
    ordered = np.sort(values)
    inner = ordered[1:-1] if len(ordered) > 4 else ordered
    return float(inner[-1] - inner[0]) / 2
