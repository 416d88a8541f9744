"""How fast a stored log is read, beside the checksum alone over the same frames and beside construct."""

from __future__ import annotations

import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from construct import Array, BitsInteger, Bitwise, Int8ul, Int16ul, Int32ul, Struct
from numpy.typing import NDArray

from retrosole import wire
from retrosole.device import connect
from retrosole.framing import Splitter, cobs_decode, encode, parse, pieces
from retrosole.ledger import Ledger
from retrosole.samples import missing_records, pack12, records_per_frame, unpack12
from retrosole.session.reader import open_session
from retrosole.session.sidelog import SideLog
from retrosole.twin.boards import board_channels
from retrosole.twin.source import from_model

RATE_HZ = 200
_CHUNK_BYTES = 512


@dataclass(frozen=True)
class Decoded:
    """Processor seconds for one log of `sample_n` samples in `byte_n` bytes, each the median of some runs.

    stored_s: the log from bytes to counts. live_s: the same in small pieces, as a port gives it. crc_s: one checksum
    over all bytes; crc_each_s: one call per frame. construct_s: its compiled definition, from unstuffed frames to
    counts, measured on a part since it takes so long.
    """

    sample_n: int
    byte_n: int
    stored_s: float
    live_s: float
    crc_s: float
    crc_each_s: float
    construct_s: float


def measure(identity: wire.IdentityFrame, minutes: int, times: int, folder: Path) -> Decoded:
    """Make a log of a walk as an insole sends it, and read it as a stored session and as if it came live."""
    data, sample_n = made_log(identity, minutes)
    path = folder / "decoded" / "left.frames"  # a folder with a log is a session, in which nothing else is written
    path.parent.mkdir()
    path.write_bytes(data)
    frames = [frame for _, piece in pieces(data) if (frame := cobs_decode(piece)) is not None]
    some = [frame for frame in frames if frame[0] == wire.SamplesFrame.TYPE][:: max(1, minutes)]
    definition = construct_definition(identity.channel_n).compile()
    check_construct(definition, some, open_session(path).samples("left")[1], minutes)

    def stored() -> int:
        return len(SideLog("left", data, "log").samples[0])

    def live() -> int:
        return read_live(data, identity.channel_n)

    def crc_each() -> None:
        for frame in frames:
            zlib.crc32(frame)

    def construct() -> None:
        for frame in some:
            definition.parse(frame)

    assert stored() == live() == sample_n
    stored_s, crc_each_s = [], []
    for _ in range(times):  # in turn, so that what else the machine does meets both
        stored_s.append(median_s(stored, 3))
        crc_each_s.append(median_s(crc_each, 3))
    part = len(some) * records_per_frame(identity.channel_n) / sample_n
    return Decoded(
        sample_n=sample_n,
        byte_n=len(data),
        stored_s=statistics.median(stored_s),
        live_s=median_s(live, times),
        crc_s=median_s(lambda: zlib.crc32(data), 5 * times),
        crc_each_s=statistics.median(crc_each_s),
        construct_s=median_s(construct, 3) / part,
    )


def construct_definition(channel_n: int) -> Any:
    """Describe a samples frame down to its 12-bit counts, CRC left unchecked."""
    record = Array(channel_n, BitsInteger(12))
    records = Bitwise(Array(records_per_frame(channel_n), record))
    head = [Int8ul, Int16ul, Int32ul, Int32ul, Int32ul]
    return Struct(*(f"head_{k}" / field for k, field in enumerate(head)), "records" / records, "crc" / Int32ul)


def check_construct(definition: Any, frames: list[bytes], counts: NDArray[np.uint16], step: int) -> None:
    """Make sure that both read the same: frame k of these is frame k * step of the log."""
    parsed = np.array([definition.parse(frame)["records"] for frame in frames[:5]])
    n = parsed.shape[1]
    for k, records in enumerate(parsed):
        assert np.array_equal(records, counts[k * step * n : (k * step + 1) * n])


def made_log(identity: wire.IdentityFrame, minutes: int) -> tuple[bytes, int]:
    """Give the bytes of a left foot's session, strides and status included, and how many samples are in them."""
    source = from_model("backward", board_channels("esp32_devkitc"), 60.0 * minutes, 1, sides=("left",))
    counts = source.counts["left"][:: 1000 // RATE_HZ]
    n = records_per_frame(identity.channel_n)
    counts = counts[: len(counts) // n * n]
    parts = [encode(identity)]
    for seq in range(len(counts) // n):
        packed = pack12(counts[seq * n : (seq + 1) * n])
        parts.append(encode(wire.SamplesFrame(1, seq, seq * n, seq * n * 5000 % 2**30, packed)))
        if seq % 6 == 5:  # 77 strides a minute
            parts.append(encode(_stride(seq // 6, seq * n)))
        if seq % 8 == 7:  # about each second
            parts += [encode(wire.ClockFrame(seq % 255, seq * n * 5000 % 2**30, seq // 8, seq * n)), _status(seq, n)]
    return b"".join(parts), len(counts)


def _stride(seq: int, at: int) -> wire.StrideFrame:
    zones = (0, 5000, 28000, 33000, 33300)
    return wire.StrideFrame(1, seq, at, seq * 37 % 256, *zones, 1, 1, 2, 95, 0x55, 9, 2900, 1700, 3100, 900)


def _status(seq: int, n: int) -> bytes:
    values = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
    values.pop("TYPE", None)
    values.update(session=1, running=1, uptime_s=seq // 8, next_index=(seq + 1) * n, heap_free_bytes=91_000)
    return encode(wire.StatusFrame(**values))


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


def main() -> None:
    """Measure an hour, and print it."""
    from retrosole.twin.sim import SimOptions, virtual_insoles

    with tempfile.TemporaryDirectory() as folder, virtual_insoles(SimOptions(gait="standing", seed=1)) as insoles:
        with connect(next(iter(insoles.ports.values()))) as insole:
            identity = insole.identity
        decoded = measure(identity, 60, 7, Path(folder))
    print(decoded)
    print(f"stored hour: {1000 * decoded.stored_s:.1f} ms to counts", end=", ")
    print(f"{decoded.stored_s / decoded.crc_each_s:.1f} x one crc32 call per frame", end=", ")
    print(f"{decoded.construct_s / decoded.stored_s:.0f} times as fast as construct")


if __name__ == "__main__":
    main()
