"""Strides, marks and notes as text markers, one line of JSON each: in XDF files and in the live stream."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from retrosole.export.content import Event
from retrosole.gait.strides import COLUMNS

_ROUNDED = 6  # decimals of seconds


def stride_marker(stride: Mapping[str, Any]) -> tuple[float, str]:
    """Give when a stride begins, and its marker: what the insole decided, times as in the stride table.

    What was not seen is null.
    """
    values = {name: _json(stride[name]) for name in COLUMNS}
    return float(stride["initial_contact_s"]), json.dumps({"event": "stride", **values})


def event_marker(event: Event) -> str:
    """Give the marker of a mark or a note."""
    if event.kind == "mark":
        return json.dumps({"event": "mark", "side": event.side, "code": event.code})
    values: dict[str, Any] = {"event": "note", "side": event.side, "text": event.text}
    return json.dumps(values if math.isfinite(event.time_s) else {**values, "time": "unknown"})


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _ROUNDED) if math.isfinite(value) else None
    return value
