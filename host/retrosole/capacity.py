"""For how long the insole's session store lasts: pages of flash, turned into minutes of walking."""

from __future__ import annotations

from retrosole import wire
from retrosole.samples import records_per_frame

PAGE_BYTES = 256
FAST_STRIDES_PER_MINUTE = 75  # of one foot: 150 steps a minute, a quick walk
# The session's first page, the one that is kept for its end, and the head's sector, which is not always a whole one.
_SPARE_PAGES = 2 + 15
_STUFFING_BYTES = 2  # COBS and the closing zero


def store_minutes(
    page_n: int, channel_n: int, rate_hz: int, strides_per_minute: float = FAST_STRIDES_PER_MINUTE
) -> float:
    """Give the minutes of walking that `page_n` erased pages of 256 bytes hold, strides included.

    One samples frame takes a page; stride frames share pages, five to one. Never less than 0.
    """
    samples_pages = 60 * rate_hz / records_per_frame(channel_n)
    return max(page_n - _SPARE_PAGES, 0) / (samples_pages + strides_per_minute / _strides_per_page())


def _strides_per_page() -> int:
    place_bytes, stride_bytes = (
        wire.DTYPES[kind.TYPE].itemsize + _STUFFING_BYTES for kind in (wire.PlaceFrame, wire.StrideFrame)
    )
    return (PAGE_BYTES - place_bytes) // stride_bytes
