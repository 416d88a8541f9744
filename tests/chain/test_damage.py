"""A line that flips, drops and doubles bytes: nothing wrong is taken for right, and all that is lost is counted.

How much one damage may cost: a damaged byte inside a frame costs that frame. A damaged zero joins the frames before and
behind it, so it costs two; a doubled zero costs none. So the frames lost are at most the damages plus the zeros lost,
and a zero is one byte in some two hundred: about one frame per damage. Nothing else may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrosole
from retrosole import wire
from retrosole.device import Insole
from retrosole.framing import CRC_BYTES, Splitter, pack, parse
from retrosole.ledger import Ledger
from retrosole.session.sidelog import Known, SideLog
from retrosole.twin.damage import Damage
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.chain.made_frames import CHANNEL_N, SESSION, SLOT_N, TAIL_N, Bank, made_frames
from tests.chain.walks import Counts, Walked, expected_frames, source_counts, take, walk
from tests.machines import need

RATE_HZ = 200
EACH = 2e-4  # probability per byte: one frame in twenty, so that damages come alone and in pairs
KINDS = {
    "flips": {"flip": 3 * EACH},
    "cuts": {"drop": 3 * EACH},
    "doubles": {"double": 3 * EACH},
    "all": {"flip": EACH, "drop": EACH, "double": EACH},
}


class WatchedLine(Damage):
    """A damaging line that also notes, for each zero that was sent, whether what stood before it was hurt."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.hurt: list[bool] = []
        self.zero_lost_n = 0
        self._is_hurt = False

    def apply(self, data: bytes) -> bytes:
        """Damage piece by piece: the same bytes are hit as in one go."""
        *pieces, rest = data.split(b"\0")
        arrived = [self._body(piece) + self._zero() for piece in pieces]
        return b"".join([*arrived, self._body(rest)])

    def _body(self, piece: bytes) -> bytes:
        before_n = self.damage_n
        arrived = super().apply(piece)
        self._is_hurt = self._is_hurt or self.damage_n > before_n
        return arrived

    def _zero(self) -> bytes:
        arrived = super().apply(b"\0")
        is_lost = b"\0" not in arrived
        self.zero_lost_n += is_lost
        self.hurt.append(self._is_hurt or is_lost)
        self._is_hurt = is_lost
        return arrived

    def check_cost(self, lost_n: int) -> None:
        """Fail unless the frames lost are explained by the damage done."""
        assert lost_n <= sum(self.hurt) <= self.damage_n + self.zero_lost_n


# -------------------------------------------------------------------------------------- frames made here, in-process


def chunks(data: bytes, dice: np.random.Generator) -> Iterator[bytes]:
    """Cut a stream where a port would: anywhere."""
    at = 0
    for size in dice.integers(1, 900, len(data) // 200 + 10):
        yield data[at : at + int(size)]
        at += int(size)
    yield data[at:]


def send_through(bank: Bank, line: WatchedLine, splitter: Splitter, dice: np.random.Generator) -> int:
    """Send a bank down a line and check all that must hold of what arrives; return the number of frames lost."""
    line.hurt.clear()
    sent = line.apply(b"".join(bank.wires[:-TAIL_N])) + b"\0" + b"".join(bank.wires[-TAIL_N:])
    ledger = Ledger(CHANNEL_N)
    ledger.begin(SESSION)
    arrived = [frame for chunk in chunks(sent, dice) for frame in splitter.feed(chunk)]
    assert all(ledger.add(parse(frame)) for frame in arrived)
    check_arrived(bank.bodies, arrived, line.hurt)
    check_ledger(bank, ledger, len(arrived))
    return len(bank.bodies) - len(arrived)


def check_arrived(sent: Sequence[bytes], arrived: Sequence[bytes], hurt: Sequence[bool]) -> None:
    """Every frame that arrived was sent, in this order and once; every frame left alone arrived."""
    whole = [*hurt, *[False] * TAIL_N]
    assert len(whole) == len(sent)
    rest = iter(arrived)
    one = next(rest, None)
    for body, is_hurt in zip(sent, whole, strict=True):
        if one == body:
            one = next(rest, None)
        else:
            assert is_hurt, "a frame that was left alone did not arrive"
    assert one is None, "a frame was accepted that was not sent"


def check_ledger(bank: Bank, ledger: Ledger, arrived_n: int) -> None:
    """The ledger knows of every frame and every sample, without having seen what was sent."""
    counts = ledger.frames.values()
    assert sum(count.received_n for count in counts) == arrived_n
    assert sum(count.received_n + count.lost_n for count in counts) == len(bank.frames)
    assert sum(count.duplicate_n + count.out_of_order_n for count in counts) == 0
    assert ledger.sample_n + ledger.lost_sample_n + ledger.hole_n == bank.slot_n
    assert (ledger.damaged_n, ledger.unknown_n, ledger.other_session_n) == (0, 0, 0)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(made_frames(800))


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_left_alone_arrives_and_the_rest_is_counted(bank: Bank, kind: str, seed: int) -> None:
    line = WatchedLine(**KINDS[kind], seed=seed)
    lost_n = send_through(bank, line, Splitter(), np.random.default_rng(seed))
    line.check_cost(lost_n)
    assert lost_n > 20, "too little damage to say anything"


def test_without_damage_nothing_is_lost(bank: Bank) -> None:
    assert send_through(bank, WatchedLine(), Splitter(), np.random.default_rng(0)) == 0


# ------------------------------------------------------------------------------------------------- the whole chain


@pytest.fixture
def line_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the virtual insoles send through watched lines."""
    monkeypatch.setattr("retrosole.twin.virtual.Damage", WatchedLine)


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@dataclass
class Heard:
    """What a host heard of a session on a bad line: frames, the bytes as they came, and how many samples there were."""

    walked: Walked
    log: bytes
    expected_n: int


def hear(port: str, sample_n: int) -> Heard:
    """Record a session of at least `sample_n` samples, and ask the device in the end how many it took."""
    log = bytearray()
    with retrosole.connect(port, timeout_s=10.0) as insole:
        insole.sink = lambda data, _received_s: log.extend(data)
        session = insole.start()
        room = (sample_n + 8000, CHANNEL_N)
        walked = Walked(session, insole.identity, np.full(room, wire.MISSING_COUNT, np.uint16), np.zeros(room[0], bool))
        walked.insole = insole
        for frame in insole:
            if take(walked, frame) >= sample_n:
                break
        insole.stop()
        return Heard(walked, bytes(log), told_end(insole, walked))


def told_end(insole: Insole, walked: Walked) -> int:
    """Take what is still waiting; return the device's count of its samples. The answer may be damaged: ask again."""
    for frame in insole.events(timeout_s=0.0):
        take(walked, frame)
    for _ in range(10):
        insole.clock_query()
        for frame in insole.events(timeout_s=0.2):
            take(walked, frame)
            if isinstance(frame, wire.ClockFrame):
                return frame.next_index
    pytest.fail("ten clock queries remained without an answer")


def check_samples(heard: Heard, source: Counts) -> int:
    """Every sample that came is the sensor's at its index, and all are accounted for; return those lost at the end."""
    walked, ledger = heard.walked, heard.walked.insole.ledger  # type: ignore[union-attr]
    at = np.flatnonzero(walked.came)
    assert np.array_equal(walked.counts[at], source[np.minimum(at, len(source) - 1)])
    assert ledger.sample_n == len(at)
    seen_n = min(int(at[-1]) // SLOT_N * SLOT_N + SLOT_N, heard.expected_n)
    assert ledger.sample_n + ledger.lost_sample_n + ledger.hole_n == seen_n
    assert ledger.hole_n == 0
    return heard.expected_n - seen_n


def check_events(heard: Heard, source: Counts) -> int:
    """Every stride and contact that came is the one the core finds in the source; return how many did not come."""
    expected = list(expected_frames(heard.walked, source[: heard.expected_n]))
    lost_n = 0
    for kind, frames in ((wire.StrideFrame, heard.walked.strides), (wire.ContactFrame, heard.walked.contacts)):
        of_kind = [frame for frame in expected if frame[0] == kind.TYPE]
        assert [pack(frame)[:-CRC_BYTES] for frame in frames] == [of_kind[frame.seq] for frame in frames]
        lost_n += len(of_kind) - len(frames)
    return lost_n


def check_log(heard: Heard, lost_at_end_n: int) -> None:
    """The log as it was received says the same afterwards."""
    ledger = heard.walked.insole.ledger  # type: ignore[union-attr]
    losses = SideLog("left", heard.log, "log", Known(RATE_HZ, CHANNEL_N, heard.walked.session - 1)).losses
    assert (losses.received_n, losses.hole_n) == (ledger.sample_n, 0)
    assert losses.frame_lost_n == {kind: count.lost_n for kind, count in ledger.frames.items()}
    if not lost_at_end_n:
        assert (losses.expected_n, losses.lost_line_n) == (heard.expected_n, ledger.lost_sample_n)


def check_heard(heard: Heard, source: Counts, line: Damage) -> None:
    assert isinstance(line, WatchedLine)
    lost_at_end_n = check_samples(heard, source)
    lost_event_n = check_events(heard, source)
    check_log(heard, lost_at_end_n)
    count = heard.walked.insole.ledger.frames[wire.SamplesFrame.TYPE]  # type: ignore[union-attr]
    lost_n = count.lost_n + -(-lost_at_end_n // SLOT_N) + lost_event_n
    line.check_cost(lost_n)
    assert lost_n > 0, "too little damage to say anything"


def hear_both(options: SimOptions, seconds: int) -> None:
    """Walk two feet at once, each on a bad line of its own, and check all that arrives."""
    with virtual_insoles(options) as insoles, ThreadPoolExecutor(2) as pool:
        heards = list(pool.map(lambda port: hear(port, seconds * RATE_HZ), insoles.ports.values()))
        sources = [source_counts(insoles, side, RATE_HZ) for side in insoles.ports]
        lines = [relay.damage for relay in insoles.relays.values()]
    for heard, source, line in zip(heards, sources, lines, strict=True):
        check_heard(heard, source, line)


def options(interpreter: str, seed: int, walk_s: float, **more: Any) -> SimOptions:
    """Ask for a walk as fast as the machine can, prepared for a little longer than it will be heard."""
    speed = 100.0
    prepared_s = max(0.01, (walk_s + 10) / speed - 2.0)
    return SimOptions(gait="mixed", seed=seed, interpreter=interpreter, speed=speed, duration_s=prepared_s, **more)


@pytest.mark.usefixtures("line_of")
def test_two_feet_on_bad_lines() -> None:
    hear_both(options("cpython", 1, 8, flip=EACH, drop=EACH, double=EACH), seconds=8)


@pytest.mark.slow
@pytest.mark.usefixtures("line_of")
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("kind", list(KINDS))
def test_two_feet_on_worse_lines_on_real_micropython(kind: str, seed: int) -> None:
    need("unix32")
    hear_both(options("unix32", seed, 60, **KINDS[kind]), seconds=60)


# ------------------------------------------------------------------------------------------------- broken channels


def test_a_broken_channel_is_named_and_strides_are_still_found(tmp_path: Path) -> None:
    """Left: the wire of heel_medial (4) is cut. Right: met3 (2) stands still."""
    truth = tmp_path / "truth.csv"
    broken = {"dead": ("left:heel_medial",), "stuck": ("right:met3",), "truth": truth}
    with virtual_insoles(options("cpython", 5, 14, **broken)) as insoles, ThreadPoolExecutor(2) as pool:
        walks = pool.map(lambda port: walk(port, 14 * RATE_HZ), insoles.ports.values())
        left, right = walks
    for walked, channel, fault in ((left, 4, wire.Fault.CHANNEL_DEAD), (right, 2, wire.Fault.CHANNEL_STUCK)):
        assert walked.status[-1].channel_out_bits == 1 << channel
        assert walked.status[-1].first_fault == fault
        assert walked.strides[-1].reasons & wire.Reason.SENSOR_LEFT_OUT
        assert not walked.strides[0].reasons & wire.Reason.SENSOR_LEFT_OUT
    check_contacts(truth, {"left": left, "right": right})


def check_contacts(truth: Path, walks: dict[str, Walked]) -> None:
    """Each true contact but the very first, on which a detector still learns, is found, and nothing between them."""
    rows = [line.split(",") for line in truth.read_text(encoding="utf-8").splitlines()[1:]]
    for side, walked in walks.items():
        true_s = [float(row[2]) for row in rows if row[0] == side and row[7] and float(row[7]) < 13][1:]
        at_s = [(s.initial_contact_idx + s.initial_contact_frac / 256) / RATE_HZ for s in walked.strides]
        found_s = [one for one in at_s if true_s[0] - 0.1 < one < true_s[-1] + 0.1]
        assert len(true_s) >= 7
        assert len(found_s) == len(true_s), side
        assert np.abs(np.subtract(found_s, true_s)).max() < 0.03, side
