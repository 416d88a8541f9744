"""Verify a recorded session: every gap with its cause and length, and whether the insole may still hold what it lacks.

Complete means that everything the insole took is here. Samples that it never took, and what a reset took from its
memory, are told; no fetching brings them back, so that they make no session incomplete. Nor do contact frames, which
are provisional and repeated by the strides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrosole import wire
from retrosole.session import gaps as gaps_module
from retrosole.session.evidence import NOT_COLLECTED, RESET
from retrosole.session.gaps import NOBODYS, SUBJECTS, Gap, gaps_of
from retrosole.session.losses import lost_n
from retrosole.session.reader import SIDES, Session
from retrosole.session.sidelog import SideLog

_UNCOUNTED = {RESET: "what came last before a reset is missing", NOT_COLLECTED: "a part is missing"}


@dataclass(frozen=True)
class SideCheck:
    """Hold what was found on one side.

    `missing_n`: of sample, stride and mark; `unstored_n`: those of them that the store had no room for. `never_n`:
    samples that nobody has, never taken or gone in a reset.
    `reset_n`: resets behind which nothing is missing, `pause_s`: time without samples at those, 0 where no clock tells.
    `unlisted_n`: gaps that are missing in `gaps`, which holds no more than gaps.LISTED_N.
    """

    side: str
    sessions: tuple[int, ...]
    received_n: int
    expected_n: int
    rate_hz: int
    stride_n: int
    gaps: tuple[Gap, ...]
    unlisted_n: int
    missing_n: dict[str, int]
    unstored_n: dict[str, int]
    never_n: int
    reset_n: int
    pause_s: float
    contact_lost_n: int
    damaged_n: int
    torn_bytes: int
    duplicate_n: int
    other_session_n: int
    notes: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Say whether everything that the insole took is here."""
        return not any(self.missing_n.values()) and not any(gap.is_missing for gap in self.gaps)


@dataclass(frozen=True)
class Check:
    """Hold what was found in a session. `absent` names sides of which there is no log."""

    path: str
    sides: dict[str, SideCheck]
    absent: tuple[str, ...]
    alignment: str

    @property
    def is_complete(self) -> bool:
        """Say whether everything that the insoles took is here."""
        return not self.absent and all(side.is_complete for side in self.sides.values())

    @property
    def verdict(self) -> str:
        """Say it in one line, with what to do."""
        return "; ".join([self._found, *self._pauses()])

    def _pauses(self) -> Iterator[str]:
        """Say for how long each insole that was reset took nothing."""
        for name, side in self.sides.items():
            if side.reset_n:
                length = clock_text(side.pause_s) if side.pause_s else "an unknown time"
                yield f"nothing was taken for {length} ({f'{name} ' if len(self.sides) > 1 else ''}{RESET})"

    @property
    def _found(self) -> str:
        """Say whether everything that was taken is here, and what to do where it is not."""
        if self.is_complete:
            never_n = sum(side.never_n for side in self.sides.values())
            told = f"; {counted(never_n, 'sample')} never taken, or gone in a reset" if never_n else ""
            return f"complete: everything that was taken is here{told}"
        unstored = list(self._unstored())
        missing = {what: sum(s.missing_n[what] - s.unstored_n[what] for s in self.sides.values()) for what in SUBJECTS}
        parts = [f"nothing of the {side} foot is here" for side in self.absent]
        if counts := " and ".join(counted(n, what) for what, n in missing.items() if n):
            parts.append(f"{counts} missing")
        gaps = [gap for side in self.sides.values() for gap in side.gaps if gap.is_missing and not gap.was_unstored]
        if not parts and (gaps or not unstored):
            causes = [gap.cause for gap in gaps]
            parts.append(next((_UNCOUNTED[c] for c in causes if c in _UNCOUNTED), "the end is missing"))
        if self.absent or any(gap.may_be_stored for gap in gaps):
            doubt = " if it was not collected" if any(gap.may_be_erased for gap in gaps) else ""
            unstored.insert(0, f"{', '.join(parts)}; the insole may still hold it{doubt}: try `retrosole fetch`")
        elif parts:
            unstored.insert(0, f"{', '.join(parts)}, and the insole no longer has it")
        return f"incomplete: {'; '.join(unstored)}"

    def _unstored(self) -> Iterator[str]:
        """Say for each insole what its store had no room for: the time, or where that is all there, what else."""
        for name, side in self.sides.items():
            sample_n, *other_n = side.unstored_n.values()
            told = [clock_text(sample_n / side.rate_hz)] if sample_n else []
            told = told or [counted(n, what) for n, what in zip(other_n, SUBJECTS[1:], strict=True) if n]
            if told:
                of_foot = f" of the {name} foot" if len(self.sides) > 1 else ""
                yield f"{' and '.join(told)}{of_foot} were never stored (the insole's store was full)"


def check_session(session: Session) -> Check:
    """Verify a session. Raises DamagedDataError when a log does not say what its samples are."""
    told = session.info.get("sides")
    absent = [side for side in SIDES if side in told and side not in session.sides] if isinstance(told, dict) else []
    sides = {side: _check_side(log) for side, log in session.logs.items()}
    return Check(str(session.path), sides, tuple(absent), session.alignment.text)


def _check_side(log: SideLog) -> SideCheck:
    losses = log.losses
    gaps: list[Gap] = []
    unlisted_n, never_n, pauses_s = 0, 0, []
    missing_n, unstored_n = dict.fromkeys(SUBJECTS, 0), dict.fromkeys(SUBJECTS, 0)
    for gap in gaps_of(log):
        if gap.is_missing:
            missing_n[gap.what] += gap.n
            unstored_n[gap.what] += gap.n if gap.was_unstored else 0
        else:
            never_n += gap.n
        if gap.cause == RESET and not gap.is_missing:
            pauses_s.append(max(gap.length_s - gap.n / log.rate_hz, 0.0))
        if len(gaps) < gaps_module.LISTED_N:
            gaps.append(gap)
        else:
            unlisted_n += 1
    return SideCheck(
        side=log.side,
        sessions=tuple(segment.session for segment in log.segments),
        received_n=losses.received_n,
        expected_n=losses.expected_n,
        rate_hz=log.rate_hz,
        stride_n=sum(len(s.frames[wire.StrideFrame.TYPE]) for s in log.segments),
        gaps=tuple(sorted(gaps, key=lambda g: (g.at_s, g.what, g.first))),
        unlisted_n=unlisted_n,
        missing_n=missing_n,
        unstored_n=unstored_n,
        never_n=never_n,
        reset_n=len(pauses_s),
        pause_s=sum(pauses_s),
        contact_lost_n=sum(lost_n(s, wire.ContactFrame.TYPE) for s in log.segments),
        damaged_n=losses.damaged_n,
        torn_bytes=losses.torn_bytes,
        duplicate_n=losses.duplicate_n,
        other_session_n=losses.other_session_n,
        notes=tuple(_notes(log)),
    )


def _notes(log: SideLog) -> Iterator[str]:
    """Give what the ends of the device sessions say otherwise than the log, where nothing is missing."""
    for segment, index, _, taken in log.slots:
        end = segment.end
        if end is None or lost_n(segment, wire.SamplesFrame.TYPE) or not segment.started:
            continue
        hole_n = int(np.sum(~taken[index < end.next_index]))
        if hole_n != end.lost_n:
            yield f"the insole counted {end.lost_n} samples of session {segment.session} never taken, the log {hole_n}"


# ------------------------------------------------------------------------------------------------------------ words

_SHOWN_N = 20


def format_check(check: Check) -> list[str]:
    """Give the lines that a person reads."""
    lines = [f"session {check.path}: {check.verdict}"]
    for side in check.sides.values():
        lines += _side_lines(side)
    return [*lines, f"clocks: {check.alignment}"] if check.alignment else lines


def _side_lines(side: SideCheck) -> Iterator[str]:
    sessions = ", ".join(map(str, side.sessions)) or "none"
    strides = counted(side.stride_n, "stride") if side.stride_n else "no strides"
    yield f"{side.side}: {_sample_text(side)}, {strides}, device session {sessions}"
    for gap in side.gaps[:_SHOWN_N]:
        yield f"{side.side}: {_gap_text(gap)}"
    more_n = len(side.gaps) - _SHOWN_N
    if more_n > 0 or side.unlisted_n:
        more_n = max(more_n, 0) + side.unlisted_n
        yield f"{side.side}: and {counted(more_n, 'gap')} more (--json lists up to {gaps_module.LISTED_N})"
    damage = [(side.damaged_n, "damaged frame", ""), (side.torn_bytes, "byte", " of a torn last frame")]
    if told := ", ".join(counted(n, thing) + what for n, thing, what in damage if n):
        yield f"{side.side}: {told}"
    notes = [(side.duplicate_n, "repeated frame", " taken once")]
    notes.append((side.other_session_n, "frame", " of an earlier session left out"))
    if told := ", ".join(counted(n, thing) + what for n, thing, what in notes if n):
        yield f"{side.side}: {told} (no loss)"
    if side.contact_lost_n:
        yield f"{side.side}: {counted(side.contact_lost_n, 'contact frame')} missing (provisional, so no loss)"
    for note in side.notes:
        yield f"{side.side}: {note}"


def _sample_text(side: SideCheck) -> str:
    if not side.expected_n:
        return "no samples"
    lost_n = side.expected_n - side.received_n
    missing = f", {lost_n} missing" if lost_n else ""
    return f"{side.received_n} of {side.expected_n} samples at {side.rate_hz} Hz{missing}"


def _gap_text(gap: Gap) -> str:
    text = f"at {gap.at_s:.2f} s "
    if gap.what == "sample":
        text += f"{gap.length_s:.3f} s, " if gap.length_s else ""
        text += f"{counted(gap.n, 'sample')}: " if gap.n else "an unknown number of samples: "
    else:
        text += f"{counted(gap.n, gap.what)} (from number {gap.first} on): "
    text += gap.cause
    if gap.may_be_stored:
        return f"{text}; the insole may still hold it{' if it was not collected' if gap.may_be_erased else ''}"
    return text if gap.cause in NOBODYS or gap.was_unstored else f"{text}; the insole no longer has it"


def counted(n: int, thing: str) -> str:
    """Give "1 stride" or "2 strides"."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def clock_text(seconds: float) -> str:
    """Give a duration as 12.3 s or as 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def as_json(check: Check) -> dict[str, Any]:
    """Give what was found as plain values; see Gap and SideCheck for what they mean."""
    return {
        "path": check.path,
        "complete": check.is_complete,
        "verdict": check.verdict,
        "absent": list(check.absent),
        "alignment": check.alignment,
        "sides": {
            side: {
                **{name: getattr(found, name) for name in found.__dataclass_fields__ if name not in ("side", "gaps")},
                "complete": found.is_complete,
                "gaps": [{name: getattr(gap, name) for name in gap.__dataclass_fields__} for gap in found.gaps],
            }
            for side, found in check.sides.items()
        },
    }
