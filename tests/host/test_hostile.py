"""Bad and hostile input: the readers of tests/fuzz, a few seconds each; a failure prints how to have it again."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrosole import wire
from retrosole.errors import DamagedDataError
from retrosole.session.decode import decode_file
from retrosole.session.reader import MAX_INFO_BYTES, MAX_LOG_BYTES, open_session
from retrosole.session.writer import FORMAT, FORMAT_VERSION
from tests.fuzz import seeds
from tests.fuzz.guard import RuleBroken, check_lines, keep_rules
from tests.fuzz.readers import READERS
from tests.fuzz.script import COMMAND, FRAME, RAW, line_of, parts, script_of, written

pytestmark = pytest.mark.slow

bounded = settings(
    max_examples=150, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SLOW = {"insole": 30, "store": 60, "replay": 60, "log": 80, "folder": 80}  # examples
LOG = script_of(seeds.log(1))
ODD_NUMBERS = (0, 1, 9, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


# ---------------------------------------------------------------------------------------------------- changed seeds

Change = tuple[str, int, Any]
places = st.integers(0, 1 << 16)
changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("flip"), places, st.integers(0, 7)),
    st.tuples(st.just("cut"), places, st.integers(1, 300)),
    st.tuples(st.just("double"), places, st.integers(1, 300)),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("number"), places, st.sampled_from(ODD_NUMBERS)),
)


def changed(data: bytes, change: Change) -> bytes:
    kind, place, what = change
    at = place % (len(data) + 1)
    if kind == "flip":
        return data[:at] + bytes(byte ^ 1 << what for byte in data[at : at + 1]) + data[at + 1 :]
    if kind == "cut":
        return data[:at] + data[at + what :]
    if kind == "double":
        return data[: at + what] + data[at:]
    if kind == "insert":
        return data[:at] + bytes(what) + data[at:]
    return data[:at] + struct.pack("<I", what) + data[at + 4 :]


def applied(seed: bytes, several: list[Change]) -> bytes:
    for change in several:
        seed = changed(seed, change)
    return seed


def hostile(name: str) -> st.SearchStrategy[bytes]:
    """Give bytes for a reader: anything at all, or what it would take, with a few changes."""
    good = st.sampled_from(sorted(set(READERS[name].seeds())))
    return st.one_of(st.binary(max_size=600), st.builds(applied, good, st.lists(changes, max_size=4)))


@pytest.mark.parametrize("name", list(READERS))
def test_a_reader_keeps_the_rules(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    reader.prepare()

    @settings(bounded, max_examples=SLOW.get(name, 150))
    @given(hostile(name))
    def check(data: bytes) -> None:
        keep_rules(tmp_path, lambda: reader.read(data, tmp_path))

    check()


@pytest.mark.parametrize("name", list(READERS))
def test_the_search_begins_with_what_a_reader_takes(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    reader.prepare()
    good = list(reader.seeds())
    taken = [seed for seed in good if keep_rules(tmp_path, lambda seed=seed: reader.read(seed, tmp_path))]
    assert taken


# ------------------------------------------------------------------------------------- frames whose CRC is right

SIZES = {kind: sum(int(field.sizeof()) for field in wire.STRUCTS[kind].subcons) for kind in (2, 3, 4, 5, 6, 0x10, 0x11)}
odd_bytes = st.sampled_from([b"\0", b"\1", b"\6", b"\x09", b"\xff", b"\x80", b"\x1b"])


def bodies() -> st.SearchStrategy[bytes]:
    """Give type and payload: of the known types, as long as they are or nearly, and of any."""

    def of(kind: int, noise: list[bytes], size: int) -> bytes:
        return bytes((kind,)) + b"".join(noise)[:size].ljust(size, noise[0])

    known = st.sampled_from(sorted(SIZES)).flatmap(
        lambda kind: st.builds(
            of, st.just(kind), st.lists(odd_bytes, min_size=1, max_size=80), st.integers(SIZES[kind] - 1, SIZES[kind])
        )
    )
    samples = st.builds(
        lambda session, seq, first, clock, records: (
            bytes((wire.SamplesFrame.TYPE,)) + struct.pack("<HIII", session, seq, first, clock) + records
        ),
        st.integers(4, 6),
        st.sampled_from(ODD_NUMBERS),
        st.sampled_from(ODD_NUMBERS),
        st.sampled_from(ODD_NUMBERS),
        st.integers(0, 240).map(bytes) | st.binary(max_size=30),
    )
    texts = st.tuples(st.sampled_from([0x82, 0x83]), st.binary(max_size=40)).map(lambda two: bytes((two[0],)) + two[1])
    return st.one_of(known, samples, texts, st.binary(min_size=1, max_size=60))


@bounded
@given(st.lists(st.tuples(st.sampled_from([RAW, FRAME, FRAME, FRAME, COMMAND]), bodies()), max_size=12), st.booleans())
def test_any_frames_in_a_log(tmp_path: Path, pieces: list[tuple[int, bytes]], begun: bool) -> None:
    script = (LOG if begun else b"") + written(pieces)
    for name in ("frames", "log"):
        keep_rules(tmp_path, lambda name=name: READERS[name].read(script, tmp_path))


@given(st.binary(max_size=400))
def test_a_log_becomes_a_script_and_the_same_log_again(noise: bytes) -> None:
    log = seeds.log(1) + noise.replace(b"\0", b"") + b"\0"
    again = line_of(script_of(log))
    assert again.strip(b"\0") == log.replace(b"\0\0", b"\0").strip(b"\0")
    assert len(list(parts(script_of(log)))) >= 12


# ---------------------------------------------------------------------------------------------------- session.json

words = st.sampled_from(
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "right.frames",
        "\x1b]0;owned\x07\x1b[2J",
        "two\nlines",
        "\ud800",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "anonymous",
        "",
    ]
)
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, -1, 1, 6, 200, 2**31, 1e308, float("inf")])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), words, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=5,
)
TOP = ("subject", "started", "started_utc", "sides", "settings", "software", "protocol", "specification")
SIDE = ("port", "device_id", "session", "rate_hz", "channel_n", "foot", "channels", "path", "log")


def session_json(top: dict[str, Any], side: dict[str, Any]) -> bytes:
    info: dict[str, Any] = json.loads(seeds.info())
    info["sides"]["left"].update(side)
    info.update(top)
    info.update(format=FORMAT, format_version=FORMAT_VERSION)
    return json.dumps(info).encode()


@bounded
@given(
    st.dictionaries(st.sampled_from(TOP), values, max_size=3),
    st.dictionaries(st.sampled_from(SIDE), values, max_size=4),
    st.booleans(),
)
def test_any_values_in_session_json(tmp_path: Path, top: dict[str, Any], side: dict[str, Any], named: bool) -> None:
    log = LOG if named else written([(RAW, b"".join(seeds.samples(5, k) for k in range(3)))])
    data = folder_of(session_json(top, side), log)
    keep_rules(tmp_path, lambda: READERS["folder"].read(data, tmp_path))


def folder_of(info: bytes, left: bytes, right: bytes = b"") -> bytes:
    return b"".join(len(part).to_bytes(2, "little") for part in (info, left)) + info + left + right


@pytest.mark.parametrize(
    "info",
    [
        b"[" * 30000,
        b'{"a":' * 10000,
        b'{"format": "retrosole session", "format_version": ' + b"1" * 5000 + b"}",
        b'{"format": "retrosole session", "format_version": 1e999}',
        b'{"format": {}, "format_version": "\\ud800"}',
        b'{"format": "retrosole session", "format_version": "\\u001b[2J"}',
        b"\xff\xfe{\0}\0",
        b"\xef\xbb\xbf{}",
        b"null",
        b"\0" * 100,
    ],
    ids=range(10),
)
def test_json_that_is_none_or_too_much_is_refused(info: bytes, tmp_path: Path) -> None:
    data = folder_of(info, LOG)
    keep_rules(tmp_path, lambda: READERS["folder"].read(data, tmp_path))


# ------------------------------------------------------------------------------------------------- endless and huge


@pytest.mark.parametrize("name", ["left.frames", "session.json"])
def test_a_file_larger_than_any_session_is_refused_before_it_fills_the_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / "left.frames").write_bytes(line_of(LOG))
    with open(tmp_path / name, "wb") as file:
        file.truncate(MAX_LOG_BYTES + 1 if name == "left.frames" else MAX_INFO_BYTES + 1)
    with pytest.raises(DamagedDataError, match="MiB, no session has as much: is it the right file"):
        open_session(tmp_path)


@pytest.mark.parametrize("byte", [b"\x01", b"x"])
def test_a_log_without_one_zero_is_decoded_in_bounded_memory_and_time(byte: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.frames").write_bytes(byte * (40 << 20))

    def read() -> None:
        lines = []
        with suppress(DamagedDataError):
            lines.extend(decode_file(tmp_path / "x.frames"))
        check_lines(lines)

    keep_rules(tmp_path, read)


# ----------------------------------------------------------------------------------------------- the rules themselves


def outside(folder: Path) -> None:
    (folder / ".." / "elsewhere").read_bytes()


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda folder: outside(folder), "outside the folder it was given"),
        (lambda folder: __import__("subprocess").run(["true"], check=True), r"subprocess.Popen"),
        (lambda folder: __import__("pickle").loads(b"cbuiltins\nprint\n."), r"pickle.find_class"),
        (lambda folder: bytearray(400 << 20).count(b"x"), "MiB more memory"),
        (lambda folder: [sum(range(100_000)) for _ in range(300)], "of processor time"),
    ],
)
def test_a_broken_rule_is_noticed(
    read: Callable[[Path], object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.guard.CPU_S", 0.1 if "time" in said else 10.0)
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / "own").mkdir()
    with pytest.raises(RuleBroken, match=said):
        keep_rules(tmp_path / "own", lambda: read(tmp_path / "own"))
