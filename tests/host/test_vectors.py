"""The golden vectors, on the host's side; protocol/make_vectors.py made them with other means."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cobs import cobs

from retrosole import wire
from retrosole.framing import DamagedFrame, Splitter, UnknownFrame, encode, encode_command, pack, parse
from retrosole.samples import pack12, record_bytes, records_per_frame, unpack12

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "protocol" / "vectors.json").read_text(encoding="utf-8"))


def named(rows: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=[row["name"] for row in rows])


def frame_class(kind: str) -> Any:
    name = "".join(part.capitalize() for part in kind.split("_")) + "Frame"
    return getattr(wire, name)


def message_of(row: dict[str, Any]) -> Any:
    """Make the dataclass from a vector's fields, where bytes stand as hexadecimal."""
    cls = frame_class(row["type"])
    types = cls.__dataclass_fields__
    values = {k: v for k, v in row["fields"].items() if k in types}
    for name, value in values.items():
        if types[name].type == "bytes":
            values[name] = bytes.fromhex(value)
        elif isinstance(value, list):
            values[name] = tuple(value)
    return cls(**values)


@named(VECTORS["good"])
def test_a_good_frame_reads_and_writes_as_its_vector_says(row: dict[str, Any]) -> None:
    splitter = Splitter()
    frames = splitter.feed(bytes.fromhex(row["wire_hex"]))
    assert [parse(frame) for frame in frames] == [message_of(row)]
    assert (splitter.frame_n, splitter.damaged_n, splitter.text_n) == (1, 0, 0)
    assert pack(message_of(row)).hex() == row["frame_hex"]
    assert encode(message_of(row)).hex() == row["wire_hex"]


@named([row for row in VECTORS["good"] if "counts" in row["fields"]])
def test_samples_unpack_to_the_counts_of_their_vector(row: dict[str, Any]) -> None:
    counts = row["fields"]["counts"]
    records = bytes.fromhex(row["fields"]["records"])
    assert unpack12(records, len(counts[0])).tolist() == counts
    assert pack12(unpack12(records, len(counts[0]))) == records
    assert len(records) == len(counts) * record_bytes(len(counts[0]))
    assert len(counts) == records_per_frame(len(counts[0]))


@named(VECTORS["damaged"])
def test_a_damaged_frame_is_never_taken_for_a_good_one(row: dict[str, Any]) -> None:
    splitter = Splitter()
    frames = splitter.feed(bytes.fromhex(row["wire_hex"]))
    messages = [parse(frame) for frame in frames]
    good = [m for m in messages if not isinstance(m, UnknownFrame | DamagedFrame)]
    assert len(good) == row.get("frames", 0)
    assert len(messages) - len(good) == row.get("crc_ok", False)
    empty = not bytes.fromhex(row["wire_hex"]).strip(b"\0")
    dropped = splitter.damaged_n + splitter.text_n + len(messages) - len(good)
    assert dropped == 0 if empty else 1 <= dropped <= 2  # a flip may make a zero, and two pieces


@named(VECTORS["commands"])
def test_a_command_is_written_as_its_vector_says(row: dict[str, Any]) -> None:
    assert encode_command(message_of(row)).hex() == row["wire_hex"]
    line = bytes.fromhex(row["wire_hex"])
    assert bytes.fromhex(line.strip(b"\0").decode()) == bytes.fromhex(row["frame_hex"])
    assert 0x03 not in line
    assert parse(bytes.fromhex(row["frame_hex"])[:-4]) == message_of(row)


def test_every_message_type_has_a_good_vector_and_every_command_a_command_vector() -> None:
    types = {frame_class(row["type"]) for row in VECTORS["good"]}
    assert types == set(wire.FRAME_CLASSES.values())
    commands = {frame_class(row["type"]).TYPE for row in VECTORS["commands"]}
    assert commands == {kind for kind in wire.FRAME_CLASSES if 0x40 <= kind < 0x80}


def test_the_vectors_hold_a_full_frame_without_zero() -> None:
    """Only such a frame has the COBS code 255."""
    wires = [bytes.fromhex(row["wire_hex"]) for row in VECTORS["good"]]
    assert any(len(w) == 256 and w[0] == 255 for w in wires)
    assert all(cobs.decode(w[:-1]) for w in wires)


def test_an_identity_vector_carries_the_present_fingerprint() -> None:
    rows = [row for row in VECTORS["good"] if row["name"] == "identity, left, six channels"]
    assert asdict(message_of(rows[0]))["fingerprint"] == wire.FINGERPRINT


def test_vectors_are_what_their_maker_makes() -> None:
    command = [sys.executable, str(ROOT / "protocol" / "make_vectors.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
