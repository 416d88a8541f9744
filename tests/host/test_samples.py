"""Packed 12-bit records against a plain model, one nibble after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrosole import wire
from retrosole.samples import (
    missing_records,
    pack12,
    record_bytes,
    records_per_frame,
    unpack12,
)


def plain_pack(rows: list[list[int]]) -> bytes:
    digits = "".join(("".join(f"{v:03x}" for v in row) + "0" * (len(row) % 2)) for row in rows)
    return bytes.fromhex(digits)


tables = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 4095), min_size=n, max_size=n), max_size=30, min_size=1)
)


@given(tables)
def test_packing_agrees_with_the_plain_model_and_back(rows: list[list[int]]) -> None:
    counts = np.array(rows, np.uint16)
    packed = pack12(counts)
    assert packed == plain_pack(rows)
    assert unpack12(packed, len(rows[0])).tolist() == rows
    assert unpack12(np.frombuffer(packed, np.uint8), len(rows[0])).tolist() == rows


@pytest.mark.parametrize(("channel_n", "size", "record_n"), [(2, 3, 78), (5, 8, 29), (6, 9, 26), (8, 12, 19)])
def test_record_sizes_follow_the_document(channel_n: int, size: int, record_n: int) -> None:
    assert record_bytes(channel_n) == size
    assert records_per_frame(channel_n) == record_n
    assert 19 + size * record_n <= wire.FRAME_BYTES < 19 + size * (record_n + 1)


def test_no_records_give_no_rows() -> None:
    assert unpack12(b"", 6).shape == (0, 6)


def test_a_torn_record_is_refused() -> None:
    with pytest.raises(ValueError, match="10 bytes are not whole records of 9 bytes"):
        unpack12(bytes(10), 6)


@pytest.mark.parametrize("count", [-1, 4096])
def test_a_count_beyond_12_bits_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="counts must be 0 to 4095"):
        pack12(np.array([[0, count]]))


def test_only_a_record_without_any_count_is_missing() -> None:
    counts = np.array([[4095, 4095], [4095, 1], [0, 0]], np.uint16)
    assert missing_records(counts).tolist() == [True, False, False]
