"""What the search begins with: made by the code itself, so that no file of unknown origin is kept here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from retrosole import wire
from retrosole.framing import encode
from retrosole.samples import pack12, records_per_frame
from retrosole.session.writer import session_info

_VECTORS = Path(__file__).resolve().parents[2] / "protocol" / "vectors.json"
CHANNEL_N = 6


def vectors(part: str) -> Iterator[bytes]:
    """Give the wire's bytes of one part of the golden vectors: good, damaged or commands."""
    for vector in json.loads(_VECTORS.read_text(encoding="utf-8"))[part]:
        yield bytes.fromhex(vector["wire_hex"])


def identities() -> Iterator[Any]:
    """Give the identity frames of the golden vectors, with this version's fingerprint."""
    from retrosole.framing import Splitter, parse

    for data in vectors("good"):
        for frame in Splitter().feed(data):
            message = parse(frame)
            if isinstance(message, wire.IdentityFrame):
                yield message


def samples(session: int, seq: int, channel_n: int = CHANNEL_N) -> bytes:
    """Give a samples frame of small counts, as an unloaded foot has."""
    n = records_per_frame(channel_n)
    counts = (np.arange(n)[:, None] * 5 + np.arange(channel_n) + seq) % 50
    return encode(wire.SamplesFrame(session, seq, seq * n, seq * n * 5000 % 2**30, pack12(counts)))


def filled(kind: Any, **values: int) -> bytes:
    """Give a frame whose other fields are 0."""
    names = kind.__dataclass_fields__
    return encode(kind(**{**{name: 0 for name in names if name != "TYPE"}, **values}))


def log(frame_n: int = 4) -> bytes:
    """Give a short log: connected, started, samples with strides in between, a reset, samples again, stopped."""
    one = next(identities())
    out = [encode(wire.ConnectFrame(10**15, "/dev/ttyUSB0"))]
    for session in (5, 6):
        head = {"session": session, "continues": 5, "boot": one.boot, "rate_hz": 200, "channel_n": CHANNEL_N}
        out.append(encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, session)))
        out.append(encode(wire.IdentityFrame(**{**vars(one), "session": session, "running": 1})))
        out.append(filled(wire.SessionHeadFrame, **head))
        for seq in range(frame_n):
            at_us = session * 10**7 + seq * 250_000
            out.append(samples(session, seq))
            out.append(filled(wire.StrideFrame, session=session, seq=seq, initial_contact_idx=26 * seq))
            out.append(filled(wire.ContactFrame, session=session, seq=seq, initial_contact_idx=26 * seq))
            out.append(encode(wire.ExchangeFrame(at_us, at_us + 3000, at_us + 1000, session * 10, one.boot)))
        out.append(filled(wire.PlaceFrame, session=session, index=26 * frame_n))
        out.append(filled(wire.MarkFrame, session=session, index=3, code=9))
        out.append(filled(wire.StatusFrame, session=session, running=1, next_index=26 * frame_n))
        out.append(filled(wire.HostClockFrame, unix_us=10**15 + session, monotonic_us=session * 10**7))
        ended = {"next_index": 26 * frame_n, "samples_n": frame_n, "stride_n": frame_n, "mark_n": 1}
        out.append(filled(wire.SessionEndFrame, session=session, **ended))
        out.append(b"\r\n>>> \0" + encode(wire.DisconnectFrame(10**15 + session, 1)))
    return b"".join(out)


def info() -> bytes:
    """Give a session.json."""
    one = next(identities())
    made: dict[str, Any] = session_info({"left": one, "right": one}, "anonymous", {"left": "/dev/x"}, {}, {})
    del made["specification"]  # long, and never read back
    made["started"] = datetime(2026, 11, 21, 9, tzinfo=UTC).isoformat()
    return json.dumps(made).encode()


def recordings() -> Iterator[bytes]:
    """Give a short recording of each format."""
    rows = range(6)
    numbers = [[f"{0.01 * row:.2f}", *(str(row * k) for k in range(1, 19))] for row in rows]
    yield "\n".join("\t".join(row) for row in numbers).encode()
    titles = ["# time", *(f"{side} pressure {k}[N/cm²]" for side in ("left", "right") for k in range(1, 17))]
    values = [[f"{0.01 * row:.2f}", *([f"{row}.5"] * 16), *([""] * 16)] for row in rows]
    yield "\n".join(["# Name: walk", "\t".join(titles), *("\t".join(row) for row in values)]).encode()
    head = "# unit: N\ntime_s,left_heel_a,left_forefoot_b,right_heel_a,right_forefoot_b\n"
    yield (head + "".join(f"{0.01 * row:.2f},{row},1.5,,{row}\n" for row in rows)).encode()
    yield b"\xef\xbb\xbf" + head.replace("\n", "\r\n").encode() + b"0.00,1,2,3,4\r\n0.01,1,2,3,4\r\n"


def packed() -> Iterator[bytes]:
    """Give the same, gzipped."""
    for recording in recordings():
        yield gzip.compress(recording, mtime=0)
