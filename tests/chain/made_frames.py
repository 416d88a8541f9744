"""Frames of a session made here, quickly, as a device would send them: what damaging lines are tried with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrosole import wire
from retrosole.framing import CRC_BYTES, encode, pack
from retrosole.samples import pack12, records_per_frame

CHANNEL_N = 6
SLOT_N = records_per_frame(CHANNEL_N)
SESSION = 7


def made_frames(frame_n: int, seed: int = 1) -> list[Any]:
    """Make the frames of a session as a device sends them: nine in ten are samples, some with holes in them."""
    dice = np.random.default_rng(seed)
    out: list[Any] = []
    next_seq = dict.fromkeys((wire.SamplesFrame, wire.StrideFrame, wire.ContactFrame), 0)
    while len(out) < frame_n:
        kind = _KIND_OF_TEN[len(out) % 10] if len(out) % 3 else wire.SamplesFrame
        seq = next_seq[kind]
        out.append(_MAKERS[kind](seq, dice))
        next_seq[kind] += 1
    ends = [_MAKERS[kind](seq, dice) for kind, seq in next_seq.items()]
    return [*out, *ends]


_KIND_OF_TEN = (*(wire.SamplesFrame,) * 6, wire.StrideFrame, wire.SamplesFrame, wire.ContactFrame, wire.SamplesFrame)
TAIL_N = 3  # frames at the end of `made_frames`, one of each kind: they arrive whole, so every loss before them shows


def _samples(seq: int, dice: np.random.Generator) -> wire.SamplesFrame:
    counts = dice.integers(0, 4095, (SLOT_N, CHANNEL_N))
    counts[dice.random(counts.shape) < 0.2] = 0  # an unloaded foot: zeros for the stuffing
    if dice.random() < 0.05:
        counts[3:5] = wire.MISSING_COUNT
    return wire.SamplesFrame(SESSION, seq, seq * SLOT_N, seq * SLOT_N * 5000 % 2**30, pack12(counts))


def _stride(seq: int, dice: np.random.Generator) -> wire.StrideFrame:
    times = [int(t) for t in dice.integers(0, 2**20, 5)]
    loads = [int(t) for t in dice.integers(0, 2**16, 4)]
    return wire.StrideFrame(SESSION, seq, seq * 250, 17, *times, 1, 1, 2, 93, 0x155, 4, *loads)


def _contact(seq: int, dice: np.random.Generator) -> wire.ContactFrame:
    return wire.ContactFrame(SESSION, seq, seq * 250, int(dice.integers(0, 256)), 1, 3, 0)


_MAKERS: dict[Any, Any] = {wire.SamplesFrame: _samples, wire.StrideFrame: _stride, wire.ContactFrame: _contact}


@dataclass
class Bank:
    """Frames made once, to be sent any number of times: each pass is a session of its own."""

    frames: list[Any]
    wires: list[bytes] = field(init=False)
    bodies: list[bytes] = field(init=False)
    slot_n: int = field(init=False)  # records in all samples frames

    def __post_init__(self) -> None:
        self.wires = [encode(frame) for frame in self.frames]
        self.bodies = [pack(frame)[:-CRC_BYTES] for frame in self.frames]
        self.slot_n = SLOT_N * sum(isinstance(frame, wire.SamplesFrame) for frame in self.frames)
