"""Random damage over many frames: flips, deletions and insertions; ten million frames in make soak, a twentieth here.

What one event may cost: it hurts the frame it falls into, and the next one too when it touches the zero between them.
So an event costs at most two frames, and about one in the mean. A piece that is damaged passes for a frame once in 2^32
(CRC-32): one event in twenty frames makes half a million damaged pieces of ten million frames, so that one wrong frame
is to be expected in some eight thousand such runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from retrosole.framing import Splitter, parse
from retrosole.ledger import Ledger
from retrosole.session.sidelog import SEQUENCED, Known, SideLog
from tests.chain.made_frames import CHANNEL_N, SESSION, SLOT_N, TAIL_N, Bank, made_frames
from tests.soak import IN_FULL

PASS_N = 10_000  # frames
FRAME_N = 10_000_000 if IN_FULL else 500_000
KINDS = ("flips", "deletions", "insertions", "all")
FRAMES_PER_EVENT = 20
LONGEST = 16  # bytes of an event: less than the shortest frame, so that it cannot touch two zeros
LOG_EVERY = 10  # passes: the reader of logs is given the same


@dataclass
class Damaged:
    """What became of a pass: the bytes that arrive, and which frames were hurt."""

    data: bytes
    hurt: NDArray[np.bool_]
    event_n: int
    zero_n: int  # events that touched a zero between two frames


@dataclass
class Line:
    """A line that damages a bank's frames, all but the last few: they show what was lost before them."""

    bank: Bank
    kind: str
    sent: bytes = field(init=False)
    ends: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.sent = b"".join(self.bank.wires)
        self.ends = np.cumsum([len(one) for one in self.bank.wires])

    def damaged(self, dice: np.random.Generator) -> Damaged:
        """Damage one pass at places that do not overlap."""
        last = int(self.ends[-TAIL_N - 1])
        event_n = len(self.bank.frames) // FRAMES_PER_EVENT
        places = np.unique(dice.integers(0, last - LONGEST, event_n))
        places = places[np.diff(places, prepend=-2 * LONGEST) > LONGEST].tolist()
        sizes = dice.integers(1, LONGEST + 1, len(places))
        sizes[dice.random(len(places)) < 0.5] = 1  # half of them a single byte
        kinds = [self.kind] * len(places) if self.kind != "all" else dice.choice(KINDS[:3], len(places)).tolist()
        out, done, touched = [], 0, []
        for at, size, kind in zip(places, sizes.tolist(), kinds, strict=True):
            out += [self.sent[done:at], self._instead(kind, at, size, dice)]
            done = at if kind == "insertions" else at + size
            touched.append((at, done))
        out.append(self.sent[done:])
        return self._judged(b"".join(out), np.array(touched))

    def _instead(self, kind: str, at: int, size: int, dice: np.random.Generator) -> bytes:
        """Give what arrives in the place of `size` bytes, or, inserted, before them."""
        if kind == "deletions":
            return b""
        if kind == "insertions":  # noise, or what came just before once more
            return dice.bytes(size) if size % 2 else self.sent[max(0, at - size) : at]
        wrong = bytearray(self.sent[at : at + size])
        for k in range(size):
            wrong[k] ^= 1 << int(dice.integers(0, 8)) if k in (0, size - 1) else int(dice.integers(0, 256))
        return bytes(wrong)

    def _judged(self, data: bytes, touched: NDArray[np.int64]) -> Damaged:
        first, last = (np.searchsorted(self.ends, touched[:, k], side="right") for k in (0, 1))
        hurt = np.zeros(len(self.ends), np.bool_)
        hurt[first] = hurt[last] = True
        return Damaged(data, hurt, len(touched), int(np.sum(first != last)))


def arrived(data: bytes, splitter: Splitter, dice: np.random.Generator) -> list[bytes]:
    """Feed a stream cut where a port would cut it: anywhere."""
    cuts = [0, *np.sort(dice.integers(0, len(data), len(data) // 20_000)).tolist(), len(data)]
    return [frame for a, b in pairwise(cuts) for frame in splitter.feed(data[a:b])]


def check_frames(bank: Bank, numbers: dict[bytes, int], damaged: Damaged, frames: list[bytes]) -> int:
    """Every frame accepted was sent, once and in order; every one that was not hurt is there; give how many are not."""
    at = np.array([numbers.get(frame, -1) for frame in frames])
    assert at.min() >= 0, f"a wrong frame was accepted: {frames[int(at.argmin())].hex()}"
    assert np.all(np.diff(at) > 0), "a frame came twice or out of order"
    came = np.zeros(len(bank.frames), np.bool_)
    came[at] = True
    assert np.all(came | damaged.hurt), "a frame that nothing touched is lost"
    return int(np.sum(~came))


def check_splitter(data: bytes, splitter: Splitter, frames: list[bytes]) -> None:
    """Every byte is accounted for."""
    accepted = sum(len(frame) + 5 for frame in frames)  # CRC, and one byte of stuffing
    assert accepted + data.count(0) + splitter.damaged_bytes + splitter.text_bytes == len(data)


def check_ledger(bank: Bank, frames: list[bytes]) -> None:
    """What the ledger says is lost, by sequence alone, is what was lost: frames by type, and samples."""
    ledger = Ledger(CHANNEL_N)
    ledger.begin(SESSION)
    assert all(ledger.add(parse(frame)) for frame in frames)
    sent, came = Counter(body[0] for body in bank.bodies), Counter(frame[0] for frame in frames)
    assert {kind: sent[kind] - came[kind] for kind in sent} == {kind: ledger.frames[kind].lost_n for kind in sent}
    assert ledger.sample_n + ledger.lost_sample_n + ledger.hole_n == bank.slot_n


def check_log(bank: Bank, data: bytes, frames: list[bytes]) -> None:
    """The reader of logs says the same of the same bytes. It counts from the first frames that it has."""
    log = SideLog("left", data, "log", Known(200, CHANNEL_N, SESSION - 1))
    came: Counter[int] = Counter()
    first: dict[int, int] = {}
    for frame in frames:
        came[frame[0]] += 1
        first.setdefault(frame[0], int.from_bytes(frame[3:7], "little"))
    sent = Counter(body[0] for body in bank.bodies)
    told = log.losses.frame_lost_n
    assert {kind: sent[kind] - first[kind] - came[kind] for kind in sent} == {kind: told[kind] for kind in sent}
    assert log.frame_n == len(frames)
    assert sum(told[kind] for kind in SEQUENCED if kind not in sent) == 0
    taken = [parse(frame) for frame in frames if frame[0] == 1]
    index = np.concatenate([np.arange(one.first_index, one.first_index + SLOT_N) for one in taken])
    assert set(log.samples[0].tolist()) <= set(index.tolist())


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(made_frames(PASS_N))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_wrong_frame_about_one_lost_per_event_and_all_counted(bank: Bank, kind: str) -> None:
    line = Line(bank, kind)
    numbers = {body: k for k, body in enumerate(bank.bodies)}
    assert len(numbers) == len(bank.bodies)
    event_n = zero_n = lost_n = sent_n = 0
    for k in range(FRAME_N // len(KINDS) // PASS_N):
        dice = np.random.default_rng((KINDS.index(kind), k))
        damaged, splitter = line.damaged(dice), Splitter()
        frames = arrived(damaged.data, splitter, dice)
        lost = check_frames(bank, numbers, damaged, frames)
        assert lost <= damaged.event_n + damaged.zero_n, f"pass {k}: {lost} frames lost by {damaged.event_n} events"
        check_splitter(damaged.data, splitter, frames)
        check_ledger(bank, frames)
        if k % LOG_EVERY == 0:
            check_log(bank, damaged.data, frames)
        event_n, zero_n, lost_n = event_n + damaged.event_n, zero_n + damaged.zero_n, lost_n + lost
        sent_n += len(bank.frames)
    print(f"{kind}: {sent_n} frames, {event_n} events, {zero_n} of them on a zero, {lost_n} frames lost")
    assert 0.9 <= lost_n / event_n <= 1.1
