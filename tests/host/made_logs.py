"""Logs and session folders made by hand, for the tests of what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pty_insole import identity, samples_frame, stride_frame

from retrosole import wire
from retrosole.framing import encode
from retrosole.session.sidelog import SideLog
from retrosole.session.writer import SessionWriter

N = 26  # records in a frame
START = encode(wire.ReplyFrame(1, wire.StartFrame.TYPE, 0, 5)) + encode(identity(session=5, running=1))


def walk(frame_n: int = 20, session: int = 5) -> list[bytes]:
    """Give the wire bytes of a session: samples, and a stride every seven frames."""
    out = []
    for seq in range(frame_n):
        out.append(encode(samples_frame(session, seq)))
        if seq % 7 == 6:
            out.append(encode(stride_frame(session, seq // 7, seq // 7 * 220 + 10)))
    return out


def walk_samples(frame_n: int) -> list[bytes]:
    return [encode(samples_frame(5, seq)) for seq in range(frame_n)]


def status(next_index: int, session: int = 5, dropped_n: int = 0) -> bytes:
    values = dict.fromkeys(wire.StatusFrame.__dataclass_fields__, 0)
    values.pop("TYPE", None)
    values.update(session=session, running=1, next_index=next_index, frame_dropped_n=dropped_n)
    return encode(wire.StatusFrame(**values))


def end(frame_n: int = 20, session: int = 5, **changes: int) -> bytes:
    """Give the wire bytes that end what `walk` gives."""
    n = frame_n * N
    frame = wire.SessionEndFrame(session, n, frame_n, frame_n // 7, 0, 0, 0, wire.Ended.HOST)
    return encode(replace(frame, **changes))


def side(data: bytes) -> SideLog:
    return SideLog("left", data, "left.frames")


def save(folder: Path, data: bytes, name: str = "left.frames") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return folder


def writer_maker(folder: Path) -> Iterator[Callable[..., SessionWriter]]:
    """Give, as the body of a fixture, a function that makes writers for `folder`; close them afterwards."""
    writers: list[SessionWriter] = []

    def make(*sides: str, **more: Any) -> SessionWriter:
        identities = {s: identity(foot=wire.Side[s.upper()]) for s in sides or ("left",)}
        writers.append(SessionWriter(folder, identities, **more))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()
