"""How long the store lasts, and that the README says the same."""

from __future__ import annotations

from itertools import product

import pytest

from retrosole.capacity import store_minutes
from tests.machines import ROOT

STORE_KIB = {4: 1792, 8: 5888, 16: 14080}  # by the flash chip's MiB: what is left behind firmware and files
RATES_HZ = (100, 200, 500)


def table() -> str:
    """Give the README's table: minutes by channels and rate, one column for each size of flash."""
    lines = [
        "| Channels | Rate | " + " | ".join(f"{flash} MiB flash" for flash in STORE_KIB) + " |",
        "|---|---|" + "---|" * len(STORE_KIB),
    ]
    for channel_n, rate_hz in product((4, 6, 8), RATES_HZ):
        minutes = [int(store_minutes(kib * 4, channel_n, rate_hz)) for kib in STORE_KIB.values()]
        lines.append(f"| {channel_n} | {rate_hz} Hz | " + " | ".join(f"{m} min" for m in minutes) + " |")
    return "\n".join(lines)


def test_the_readme_has_the_table_of_minutes() -> None:
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8"), "it should be:\n" + table()


def test_a_quarter_of_an_hour_fits_the_smallest_chip() -> None:
    assert store_minutes(7168, 6, 200) >= 15


@pytest.mark.parametrize(("page_n", "minutes"), [(0, 0.0), (17, 0.0), (18, 1 / (60 * 200 / 26 + 15))])
def test_pages_that_are_spoken_for_hold_no_walking(page_n: int, minutes: float) -> None:
    assert store_minutes(page_n, 6, 200) == pytest.approx(minutes)


def test_slower_walkers_and_fewer_channels_last_longer() -> None:
    assert store_minutes(7168, 6, 200, strides_per_minute=0) > store_minutes(7168, 6, 200)
    assert store_minutes(7168, 4, 200) > store_minutes(7168, 6, 200) > store_minutes(7168, 8, 200)
