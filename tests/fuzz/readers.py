"""Every reader of bytes from outside, each with what must hold of what it makes of them. All take any bytes.

Where a CRC guards the way in, the input is a script (tests/fuzz/script.py).
"""

from __future__ import annotations

import io
import json
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from retrosole import wire
from retrosole.errors import RetrosoleError
from retrosole.framing import (
    CRC_BYTES,
    WIRE_BYTES,
    DamagedFrame,
    Message,
    Splitter,
    UnknownFrame,
    encode_command,
    open_frame,
    pack,
    parse,
    pieces,
)
from retrosole.gait.analysis import analyse
from retrosole.gait.pressure import pressure
from retrosole.gait.strides import write_csv
from retrosole.gait.table import write_table
from retrosole.gait.words import as_json as as_json_of_gait
from retrosole.gait.words import left_out_lines, more_lines, share_lines, statistic_rows
from retrosole.ledger import Ledger
from retrosole.report.facts import gather
from retrosole.report.guided import own_plans
from retrosole.report.markup import Safe
from retrosole.report.page import document, report_page
from retrosole.session import recording
from retrosole.session.check import as_json, check_session, format_check
from retrosole.session.decode import decode_file, frame_line
from retrosole.session.reader import Session, open_session
from retrosole.session.recording import Recording, read_recording, write_pressure_csv
from retrosole.session.summary import format_summary, summarise
from retrosole.twin.core import core
from retrosole.twin.replay import replay_session
from tests.fuzz import seeds
from tests.fuzz.firmware import bench, insole_seeds, read_as_insole
from tests.fuzz.flash import page_seeds, read_page, read_store, store_seeds
from tests.fuzz.guard import check_lines
from tests.fuzz.script import COMMAND, FRAME, RAW, line_of, script_of, sealed, written

core()  # imported now, not by the first input
own_plans()  # so is what else is read from the program's own files
document("", "", Safe(""))
_NO_NUMBER = re.compile(r"(?<![A-Za-z])(nan|None|inf)(?![A-Za-z])")
_TEXT_BYTES = 1 << 20  # in place of the 128 MiB that a real recording may have


@dataclass(frozen=True)
class Reader:
    """Hold one reader: `read` is given any bytes and a folder of its own, and raises when something does not hold.

    `prepare` is called before the first of them, while the rules are not watched yet.
    """

    name: str
    read: Callable[[bytes, Path], None]
    seeds: Callable[[], Iterator[bytes]]
    prepare: Callable[[], object] = bool


# ---------------------------------------------------------------------------------------------------------- frames


def read_line(data: bytes, _folder: Path) -> None:
    """The bytes of a line, cut anywhere: all accounted for, the same however they are cut, memory bounded."""
    whole = Splitter()
    frames = whole.feed(data)
    step = 1 + len(data) % 97
    cut = Splitter()
    assert [f for at in range(0, len(data), step) for f in cut.feed(data[at : at + step])] == frames
    assert len(cut.held) <= WIRE_BYTES and len(cut.text) < 4096
    ended = [piece for at, piece in pieces(data) if at + len(piece) < len(data)]
    assert frames == [frame for piece in ended if (frame := open_frame(piece)) is not None]
    held_n = len(data) - (data.rfind(b"\0") + 1)
    accepted_n = sum(len(frame) + CRC_BYTES + 1 for frame in frames)
    assert accepted_n + whole.damaged_bytes + whole.text_bytes + data.count(0) + held_n == len(data)
    for frame in frames:
        check_parsed(frame)


def check_parsed(frame: bytes) -> Message:
    """A frame parses to what packs to it again, bytes of a newer version aside, and reads as one line."""
    message = parse(frame)
    check_lines([frame_line(frame)])
    if not isinstance(message, UnknownFrame | DamagedFrame):
        again = pack(message)[:-CRC_BYTES]
        assert frame[: len(again)] == again
    return message


def read_frames(script: bytes, _folder: Path) -> None:
    """Frames with a right CRC and any content, counted as they arrive at a host."""
    ledger, n = Ledger(seeds.CHANNEL_N), 0
    for frame in Splitter().feed(line_of(script)):
        message = check_parsed(frame)
        if isinstance(message, wire.IdentityFrame):
            ledger.channel_n = message.channel_n
        ledger.add(message)
        n += 1
    counts = ledger.frames.values()
    assert all(count.received_n <= n and count.lost_n >= 0 for count in counts)
    assert ledger.sample_n + ledger.hole_n <= n * 2 * wire.FRAME_BYTES
    assert ledger.lost_sample_n >= 0


def frame_seeds() -> Iterator[bytes]:
    """Give scripts of frames."""
    for part in ("good", "damaged"):
        for data in seeds.vectors(part):
            yield script_of(data)
    yield script_of(seeds.log())


def line_seeds() -> Iterator[bytes]:
    """Give bytes of a line."""
    for part in ("good", "damaged", "commands"):
        yield from seeds.vectors(part)
    yield seeds.log(1)


# -------------------------------------------------------------------------------------------------------- sessions


def read_log(script: bytes, folder: Path) -> None:
    """One bare log, by whatever reads logs."""
    path = folder / "left.frames"
    path.write_bytes(line_of(script))
    read_session_at(path)


def read_folder(data: bytes, folder: Path) -> None:
    """A session folder: two lengths, session.json, the left log's script, the right one's."""
    info_n, left_n = (int.from_bytes(data[at : at + 2], "little") for at in (0, 2))
    rest = data[4:]
    for name, content in (
        ("session.json", rest[:info_n]),
        ("left.frames", line_of(rest[info_n : info_n + left_n])),
        ("right.frames", line_of(rest[info_n + left_n :])),
    ):
        (folder / name).unlink(missing_ok=True)
        if content:
            (folder / name).write_bytes(content)
    read_session_at(folder)


def read_replay(script: bytes, folder: Path) -> None:
    """One bare log, through the firmware's detector."""
    path = folder / "left.frames"
    path.write_bytes(line_of(script))
    for result in replay_session(open_session(path)):
        check_lines(list(result.lines()))


def read_session_at(path: Path) -> None:
    """Open, sum up, list: each reader refuses in its own words without keeping the next from reading."""
    refusals: list[RetrosoleError] = []
    for read in (_sum_up, _check, _list_strides, _analyse, _report, _take_samples, _decode):
        try:
            read(path)
        except RetrosoleError as error:
            refusals.append(error)
    check_lines([str(refusal) for refusal in refusals])


def _sum_up(path: Path) -> None:
    check_lines(format_summary(summarise(open_session(path))))


def _check(path: Path) -> None:
    found = check_session(open_session(path))
    check_lines(format_check(found))
    json.dumps(as_json(found))


def _list_strides(path: Path) -> None:
    strides = open_session(path).strides
    assert write_csv(strides, io.StringIO()) == len(strides)
    assert not any(math.isnan(stride.initial_contact_s) for stride in strides)


def _analyse(path: Path) -> None:
    session = open_session(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analysis = analyse(session)
        for side in analysis.sides:
            pressure(session, analysis, side)
    rows = [" ".join(row) for row in statistic_rows(analysis)]
    lines = [*rows, *left_out_lines(analysis), *share_lines(analysis), *more_lines(analysis)]
    check_lines(lines)
    assert not any("nan" in line or "inf" in line for line in lines)
    json.dumps(as_json_of_gait(analysis), allow_nan=False)
    assert write_table(analysis.table, io.StringIO()) == len(session.strides)


def _report(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = report_page(gather(open_session(path)), datetime(2026, 11, 22, tzinfo=UTC))
    assert page.isprintable() or all(c.isprintable() or c in "\n\N{NO-BREAK SPACE}" for c in page)
    assert "<script" not in page and not _NO_NUMBER.search(page[page.index("<body") :])
    HTMLParser().feed(page)


def _take_samples(path: Path) -> None:
    session = open_session(path)
    for side in session.sides:
        _check_samples(session, side)
        for kind in wire.FRAME_CLASSES.values():
            session.frames(side, kind)


def _check_samples(session: Session, side: str) -> None:
    index, counts = session.samples(side)
    losses = session.losses[side]
    assert len(index) == len(counts) and counts.shape[1] == session.logs[side].channel_n
    assert len(index) == losses.received_n
    assert min(losses.hole_n, losses.lost_end_n, losses.received_n, losses.damaged_n) >= 0
    assert losses.expected_n == losses.received_n + losses.lost_line_n + losses.hole_n + losses.lost_end_n


def _decode(path: Path) -> None:
    check_lines(list(decode_file(path)))


def log_seeds() -> Iterator[bytes]:
    """Give scripts of logs."""
    for n in (1, 4):
        yield script_of(seeds.log(n))
    yield script_of(seeds.log(2)[:-20])
    good = b"".join(seeds.vectors("good"))
    yield script_of(good)
    yield script_of(good + b"".join(seeds.vectors("damaged")))


def replay_seeds() -> Iterator[bytes]:
    """Give scripts of logs that can be replayed."""
    for n in (1, 4):
        yield script_of(seeds.log(n))


def folder_seeds() -> Iterator[bytes]:
    """Give session folders."""
    logs = [script_of(seeds.log(n)) for n in (1, 2)]
    for info in (seeds.info(), b"", b'{"format": "retrosole session", "format_version": 1}'):
        yield b"".join(len(part).to_bytes(2, "little") for part in (info, logs[0])) + info + logs[0] + logs[1]


# ------------------------------------------------------------------------------------------------------ recordings


def read_any_recording(data: bytes, _folder: Path) -> None:
    """A recording of another make, plain or gzipped: what is read is whole, and reads the same after an export."""
    before = recording.MAX_TEXT_BYTES
    recording.MAX_TEXT_BYTES = _TEXT_BYTES
    try:
        first = _recording(data)
        _check_recording(first)
        if not any("\n" in name or '"' in name for side in first.sides.values() for name in side.names):
            out = io.StringIO()
            write_pressure_csv(first, out)
            _check_same(first, _recording(out.getvalue().encode()))
    finally:
        recording.MAX_TEXT_BYTES = before


def _recording(data: bytes) -> Recording:
    return read_recording(io.BufferedReader(io.BytesIO(data)), "input")  # type: ignore[arg-type]


def _check_recording(made: Recording) -> None:
    assert made.sides and made.duration_s > 0
    for side in made.sides.values():
        assert len(side.time_s) == len(side.pressure) >= 2
        assert side.pressure.shape[1] == len(side.names) == len(side.zones) == len(side.across)
        assert bool(np.all(np.diff(side.time_s) > 0))
        assert not np.isinf(side.pressure).any()


def _check_same(one: Recording, other: Recording) -> None:
    assert list(one.sides) == list(other.sides)
    for name, side in one.sides.items():
        kept = np.sort(np.nan_to_num(side.pressure, nan=-1e9), axis=1)
        assert np.array_equal(kept, np.sort(np.nan_to_num(other.sides[name].pressure, nan=-1e9), axis=1))


# ------------------------------------------------------------------------------------------------------ the device


def read_commands(script: bytes, _folder: Path) -> None:
    """The insole's command reader: it takes exactly the commands that are whole, as a plain reading finds them."""
    data = line_of(script)
    reader = core().frame.CommandReader()
    found = [bytes(reader.command[: reader.command_n]) for byte in data if reader.feed(byte)]
    assert found == [body for piece in data.split(b"\0")[:-1] if (body := _command_in(piece)) is not None]
    assert len(reader.command) == wire.COMMAND_BYTES // 2
    assert 0 <= reader.bad_n <= data.count(0)


def _command_in(piece: bytes) -> bytes | None:
    """Give the command that stands between two zeros, without its CRC; None when it is none."""
    if len(piece) > wire.COMMAND_BYTES or len(piece) % 2 or not all(c in b"0123456789abcdefABCDEF" for c in piece):
        return None
    frame = bytes.fromhex(piece.decode())
    return frame[:-CRC_BYTES] if len(frame) > CRC_BYTES and sealed(frame[:-CRC_BYTES]) == frame else None


def command_seeds() -> Iterator[bytes]:
    """Give scripts of commands."""
    for data in seeds.vectors("commands"):
        yield written([(RAW, data)])
        piece = data.strip(b"\0")
        if (body := _command_in(piece)) is not None:
            yield written([(COMMAND, body)])
    for kind in (wire.StartFrame, wire.StopFrame, wire.ClockQueryFrame, wire.TareFrame):
        yield written([(RAW, encode_command(kind(1))), (FRAME, b"x" * 30)])


READERS = {
    reader.name: reader
    for reader in (
        Reader("line", read_line, line_seeds),
        Reader("frames", read_frames, frame_seeds),
        Reader("log", read_log, log_seeds),
        Reader("replay", read_replay, replay_seeds),
        Reader("folder", read_folder, folder_seeds),
        Reader("recording", read_any_recording, seeds.recordings),
        Reader("packed", read_any_recording, seeds.packed),
        Reader("commands", read_commands, command_seeds),
        Reader("insole", read_as_insole, insole_seeds, bench),
        Reader("page", read_page, page_seeds),
        Reader("store", read_store, store_seeds),
    )
}
