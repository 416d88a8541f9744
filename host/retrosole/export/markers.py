"""Strides, contacts, marks and notes as text markers, one line of JSON each: in XDF files and in the live stream."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from retrosole.gait.strides import COLUMNS

_DECIMALS = 6  # of seconds


def stride_marker(stride: Mapping[str, Any], start_s: float = 0.0) -> tuple[float, str]:
    """Give when a stride begins, and its marker: the columns of the stride table, null for what was not seen.

    `start_s` is where the stride's seconds begin on the clock of the markers.
    """
    values = {name: _shifted(name, stride[name], start_s) for name in COLUMNS}
    return start_s + float(stride["initial_contact_s"]), json.dumps({"event": "stride", **values})


def contact_marker(side: str, order: str, time_s: float) -> str:
    """Give the marker of a provisional contact."""
    return json.dumps({"event": "contact", "side": side, "contact_order": order, "time_s": round(time_s, _DECIMALS)})


def mark_marker(side: str, code: int | None) -> str:
    """Give the marker of a mark among the samples."""
    return json.dumps({"event": "mark", "side": side, "code": code})


def note_marker(side: str, text: str, is_timed: bool) -> str:
    """Give the marker of words that were written down."""
    values = {"event": "note", "side": side, "text": text}
    return json.dumps(values if is_timed else {**values, "time": "unknown"})


def _shifted(name: str, value: Any, start_s: float) -> Any:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return round(start_s + value if name.endswith("_s") else value, _DECIMALS)
