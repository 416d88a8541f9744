"""Run the firmware's detector over a recorded session and compare its frames, bit by bit, with those in the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from retrosole import wire
from retrosole.errors import DamagedDataError
from retrosole.framing import CRC_BYTES, pack, parse
from retrosole.samples import missing_records, record_bytes, records_per_frame, unpack12
from retrosole.session.check import counted
from retrosole.session.reader import Session
from retrosole.twin.core import Reenactment

_KINDS = {wire.StrideFrame.TYPE: "stride", wire.ContactFrame.TYPE: "contact"}
_SEQ = slice(3, 7)  # of a frame: type u8, session u16, seq u32
_CUED_AT = -1  # of a contact frame, its CRC cut off
_SHOWN_N = 5
_RATES_HZ = sorted(wire.SETTING_CHOICES["rate_hz"])
_LAST_IDX = (1 << 30) - 1  # the detector's integers have 31 bits: 24 days at 500 Hz


@dataclass
class Replayed:
    """Hold what came of one session of one side.

    Counts are by kind of frame, "stride" and "contact". `gap_s` is where samples begin to be missing, None when
    nowhere: from there on the detector saw something else than on the insole, and the `after_gap_n` frames that differ
    say nothing. `later_n`: frames that the insole decided on samples behind the end of the log.
    """

    side: str
    session: int
    sample_n: int
    logged_n: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS.values(), 0))
    identical_n: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS.values(), 0))
    lost_n: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS.values(), 0))
    later_n: int = 0
    gap_s: float | None = None
    after_gap_n: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Say whether every frame that could be compared is the same."""
        return not self.differences and not self.after_gap_n

    def lines(self) -> Iterator[str]:
        """Give the lines that a person reads."""
        counts = " and ".join(f"{self.identical_n[k]} of {self.logged_n[k]} {k} frames" for k in self.logged_n)
        yield f"{self.side}: {counts} bit-identical, from {self.sample_n} samples"
        if self.gap_s is not None:
            text = f"{self.side}: samples are missing from {self.gap_s:.2f} s on, so frames may differ after that"
            yield f"{text}; {self.after_gap_n} do" if self.after_gap_n else text
        lost = ", ".join(counted(n, f"{kind} frame") for kind, n in self.lost_n.items() if n)
        if lost:
            yield f"{self.side}: found again, but lost on the way to the log: {lost}"
        if self.later_n:
            yield f"{self.side}: {self.later_n} not compared: decided on samples behind the end of the log"
        for line in self.differences[:_SHOWN_N]:
            yield f"{self.side}: {line}"
        if len(self.differences) > _SHOWN_N:
            yield f"{self.side}: and {len(self.differences) - _SHOWN_N} more"


def replay_session(session: Session) -> list[Replayed]:
    """Replay every side, each device session in it apart.

    Raises DamagedDataError when a log has no samples or does not say what they are.
    """
    results = [result for side in session.sides for result in _replay_side(session, side)]
    if not results:
        raise DamagedDataError(f"{session.path} has no samples to replay: expected a recording of a walk")
    return results


def _replay_side(session: Session, side: str) -> Iterator[Replayed]:
    frames = session.frames(side, wire.SamplesFrame)
    for number in dict.fromkeys(frame.session for frame in frames):
        identity = _identity(session, side, number)
        samples = sorted((f for f in frames if f.session == number), key=lambda f: int(f.seq))
        _check_possible(side, identity, samples)
        logged = {
            kind: [f for f in session.frames(side, wire.FRAME_CLASSES[kind]) if f.session == number] for kind in _KINDS
        }
        replay = _Replay(side, identity, samples, _cue_was_off(session, side, identity))
        yield replay.compare(logged, _is_whole(session, side, number))


def _identity(session: Session, side: str, number: int) -> wire.IdentityFrame:
    """Give the newest identity frame that was sent before or in a device session."""
    told = [i for i in session.frames(side, wire.IdentityFrame) if i.session <= number]
    if not told:
        raise DamagedDataError(
            f"the {side} log does not say how its samples are to be read (no identity frame before session {number}): "
            "it cannot be replayed"
        )
    return told[-1]  # type: ignore[no-any-return]


def _check_possible(side: str, identity: wire.IdentityFrame, samples: list[wire.SamplesFrame]) -> None:
    """Raise DamagedDataError for what passes the CRC but that no insole sends, and no detector takes."""
    zones = set(identity.zones[: identity.channel_n])
    size = record_bytes(identity.channel_n)
    if not zones <= set(wire.Zone) - {wire.Zone.UNUSED}:
        what = f"a channel of zone {max(zones)}"
    elif not _RATES_HZ[0] <= identity.rate_hz <= _RATES_HZ[-1]:
        what = f"{identity.rate_hz} samples per second"
    elif any(len(frame.records) % size for frame in samples):
        what = f"records that are no multiple of {size} bytes"
    elif any(frame.first_index > _LAST_IDX for frame in samples):
        what = f"samples beyond the index {_LAST_IDX}"
    else:
        return
    raise DamagedDataError(f"the {side} log has {what}, which no insole of this version sends: it cannot be replayed")


def _cue_was_off(session: Session, side: str, identity: wire.IdentityFrame) -> bool:
    replies = session.frames(side, wire.ReplyFrame)
    return not identity.cue and not any(reply.command == wire.SetFrame.TYPE for reply in replies)


def _is_whole(session: Session, side: str, number: int) -> bool:
    """Say whether the log reaches to the end of a device session, undamaged: then no frame may be missing unseen."""
    replies = session.frames(side, wire.ReplyFrame)
    stopped = any(reply.command == wire.StopFrame.TYPE and reply.value == number for reply in replies)
    return stopped and not session.losses[side].damaged_n


class _Replay:
    """Replay one device session of one side."""

    def __init__(
        self,
        side: str,
        identity: wire.IdentityFrame,
        samples: list[wire.SamplesFrame],
        cue_was_off: bool,
    ) -> None:
        number = samples[0].session
        self._identity = identity
        self._cue_was_off = cue_was_off
        self._gap_idx = _first_gap(samples, records_per_frame(identity.channel_n))
        gap_s = None if self._gap_idx is None else self._gap_idx / identity.rate_hz
        self._result = Replayed(side, number, 0, gap_s=gap_s)
        self._last_idx = -1
        self._found: dict[int, dict[int, bytes]] = {kind: {} for kind in _KINDS}  # kind, contact index, frame
        self._run(number, samples)

    def _run(self, number: int, samples: list[wire.SamplesFrame]) -> None:
        n = self._identity.channel_n
        who = self._identity
        reenactment = Reenactment(number, who.zones[:n], who.rate_hz, who.baseline[:n], who.standing[:n])
        for frame in samples:
            counts = unpack12(frame.records, n)
            taken = (~missing_records(counts)).nonzero()[0].tolist()
            rows = counts.tolist()
            for k in taken:
                self._last_idx = frame.first_index + k
                self._result.sample_n += 1
                self._find(reenactment.step(self._last_idx, rows[k]))
        self._find(reenactment.end())

    def _find(self, body: bytes | None) -> None:
        if body is not None:
            self._found[body[0]][_contact_idx(body)] = body

    def compare(self, logged: dict[int, list[Any]], is_whole: bool) -> Replayed:
        """Compare frame by frame; what was found but is not in the log was lost, or differs if nothing can be lost."""
        for kind, frames in logged.items():
            left = dict(self._found[kind])
            for frame in frames:
                self._compare_one(kind, frame, left)
            last_seq = max((frame.seq for frame in frames), default=-1)
            if self._gap_idx is not None:
                continue
            for contact_idx, body in left.items():
                gone = int.from_bytes(body[_SEQ], "little") < last_seq or not is_whole
                self._account_for(kind, contact_idx, gone)
        return self._result

    def _compare_one(self, kind: int, frame: Any, left: dict[int, bytes]) -> None:
        if _decided_idx(frame) > self._last_idx:
            self._result.later_n += 1
            return
        name, result = _KINDS[kind], self._result
        result.logged_n[name] += 1
        sent = pack(frame)[:-CRC_BYTES]
        found = left.pop(frame.initial_contact_idx, None)
        after_gap = self._gap_idx is not None and _decided_idx(frame) >= self._gap_idx
        if found is None:
            what = "the insole sent it, the replay does not find it"
        elif self._comparable(found, after_gap) == self._comparable(sent, after_gap):
            result.identical_n[name] += 1
            return
        else:
            what = _what_differs(sent, found)
        if after_gap:
            result.after_gap_n += 1
            return
        result.differences.append(f"{name} {frame.seq} at {self._time(frame.initial_contact_idx)} differs: {what}")

    def _comparable(self, body: bytes, after_gap: bool) -> bytes:
        out = bytearray(body)
        if after_gap:  # a frame that was decided in the gap shifts the numbers of all that follow
            out[_SEQ] = bytes(4)
        if body[0] == wire.ContactFrame.TYPE and not self._cue_was_off:
            out[_CUED_AT] = 0
        return bytes(out)

    def _account_for(self, kind: int, contact_idx: int, gone: bool) -> None:
        if gone:
            self._result.lost_n[_KINDS[kind]] += 1
        else:
            at = self._time(contact_idx)
            self._result.differences.append(f"{_KINDS[kind]} at {at}: the replay finds it, the insole did not send it")

    def _time(self, index: int) -> str:
        return f"{index / self._identity.rate_hz:.2f} s"


def _first_gap(samples: list[wire.SamplesFrame], slot_n: int) -> int | None:
    """Give the index of the first sample that is missing because a frame is; None when all are there."""
    if samples[0].seq > 0:
        return 0
    for before, after in pairwise(samples):
        if after.seq != before.seq + 1:
            return before.first_index + slot_n
    return None


def _contact_idx(body: bytes) -> int:
    return int(parse(body).initial_contact_idx)


def _decided_idx(frame: Any) -> int:
    """Give the index of the sample on which the insole decided."""
    at_q8 = frame.initial_contact_idx * 256 + frame.initial_contact_frac
    if isinstance(frame, wire.StrideFrame):
        at_q8 += frame.final_contact
    whole: int = -(-at_q8 // 256)
    return whole + int(frame.delay)


def _what_differs(sent: bytes, found: bytes) -> str:
    ours, theirs = vars(parse(found)), vars(parse(sent))
    return ", ".join(f"{name} {theirs[name]}, replayed {ours[name]}" for name in ours if ours[name] != theirs[name])
