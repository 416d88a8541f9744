"""The live view where there is no terminal: one line per stride, in fixed columns.

Orders and directions are written as in the stride table (`forefoot_first`, `backward`), so that a
line can be searched and cut at blanks.
"""

from __future__ import annotations

import math

from retrosole.gait.strides import Stride
from retrosole.live.bars import clock_text
from retrosole.live.rows import plain
from retrosole.live.state import FootState, LiveState


def format_stride(stride: Stride) -> str:
    """Write one stride as one line, in the order of the stride table."""
    return (
        f"{_number(stride.initial_contact_s, 3):>10} s  {stride.side:<5}  stride {stride.stride:>4}"
        f"  {stride.contact_order:<14}  {stride.direction:<8}"
        f"  stance {_number(1000 * stride.stance_s, 0):>5} ms"
        f"  confidence {_number(100 * stride.confidence, 0):>3} %"
    )


def format_status(state: LiveState) -> str:
    """Write the state as one line: time, strides, backward share of those whose direction is known, links, losses."""
    stride_n, backward_n, directed_n = state.stride_counts()
    share = f"{100 * backward_n / directed_n:.0f} %" if directed_n else "--"
    parts = [f"elapsed {clock_text(state.elapsed_s)}", f"strides {stride_n}", f"backward {share}"]
    parts += [_foot(foot) for foot in state.feet]
    if state.message:
        parts.append(plain(state.message))
    return "  ".join(parts)


def _foot(foot: FootState) -> str:
    text = (
        f"{foot.side}: {plain(foot.link)}, received {foot.received_n},"
        f" lost {foot.lost_sample_n} samples {foot.lost_frame_n} frames"
    )
    return text if foot.fault is None else f"{text}, fault: {plain(foot.fault)}"


def _number(value: float, digits: int) -> str:
    return "--" if math.isnan(value) else f"{value:.{digits}f}"
