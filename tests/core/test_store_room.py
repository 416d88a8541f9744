"""What fits the device's store: 1.75 MiB hold a session of 15 minutes, wherever the last one ended."""

from __future__ import annotations

import sys

import pytest

from tests.machines import CORE_FOLDER, FIRMWARE
from tests.soak import IN_FULL

sys.path[:0] = [str(FIRMWARE / "twin" / "cpython"), str(FIRMWARE), str(FIRMWARE / "twin"), str(CORE_FOLDER)]

from insole.frame import records_per_frame  # noqa: E402
from insole.store import Store  # noqa: E402
from suite import _store as kit  # noqa: E402

SECTOR_N = 1792 * 1024 // 4096
PAGES = 16  # of a sector
HEADS = range(PAGES) if IN_FULL else (0, 1, 15)


def store_with_head_at(page: int) -> Store:
    """Give a store in which everything is collected, and that next writes to this page of a sector."""
    chip, memory = kit.Chip(SECTOR_N), kit.Memory()
    store = Store(chip, memory)
    kit.settle(store)
    kit.record(store, 1, 40, ended=False)
    while store.used_n % PAGES != page:
        kit.keep(store, kit.samples(1, 40))
    store = Store(chip, memory)
    assert store.collect(1)
    kit.settle(store)
    assert (store.used_n, store.ready_n) == (page, store.page_n - page)
    return store


@pytest.mark.slow
@pytest.mark.parametrize("page", HEADS)
def test_a_quarter_of_an_hour_fits(page: int) -> None:
    """Six channels at 200 Hz with 75 strides a minute, and a mark; 1 page for the head and 1 for the end."""
    store = store_with_head_at(page)
    before = store.used_n
    assert kit.begin(store, 2)
    record_n = records_per_frame(6)
    frame_n = -(-15 * 60 * 200 // record_n)
    stride_every = 200 * 60 // 75
    strides = 0
    for seq in range(frame_n):
        kit.keep(store, kit.samples(2, seq))
        while (strides + 1) * stride_every <= (seq + 1) * record_n and strides < 15 * 75:
            kit.keep(store, kit.stride(2, strides))
            strides += 1
    kit.keep(store, kit.mark(2, 0, 7))
    assert strides == 15 * 75
    assert kit.end(store, 2, frame_n * record_n)
    assert store.missed_n == 0
    assert store.used_n - before == 1 + 6924 + 225 + 1
    assert store.ready_n == store.page_n - store.used_n >= 2
