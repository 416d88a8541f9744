"""A session in a few lines: how long, how many strides of which kind, and what was lost and why."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from retrosole import wire
from retrosole.session.check import check_session, clock_text, counted
from retrosole.session.losses import Losses, duration_s
from retrosole.session.reader import Session
from retrosole.session.sensors import out_bits
from retrosole.session.sidelog import SideLog
from retrosole.session.writer import site_names

_SEQUENCE_NAMES = {
    wire.StrideFrame.TYPE: "stride",
    wire.ContactFrame.TYPE: "contact",
    wire.MarkFrame.TYPE: "mark",
}


@dataclass(frozen=True)
class SideSummary:
    """Summarise one foot. Shares are fractions of its strides, by word.

    `duration_s` is from the first sample to the last, pauses at a reset included.
    `left_out` names the channels that the insole left out of its decisions, for a part of the session or all of it.
    """

    side: str
    rate_hz: int
    duration_s: float
    losses: Losses
    stride_n: int
    direction_share: dict[str, float]
    contact_order_share: dict[str, float]
    lift_order_share: dict[str, float]
    median_stance_s: float | None
    strides_per_min: float | None
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """Summarise a session. `cadence_steps_min` needs both feet; `verdict` says as `check` does whether it is whole."""

    path: str
    subject: str | None
    started: str | None
    duration_s: float
    sides: dict[str, SideSummary]
    cadence_steps_min: float | None
    alignment: str
    verdict: str


def summarise(session: Session) -> Summary:
    """Summarise a session. Raises DamagedDataError when a log does not say what its samples are."""
    sides = {side: _summarise_side(session, side) for side in session.sides}
    rates = [s.strides_per_min for s in sides.values()]
    both = len(rates) == 2 and None not in rates
    return Summary(
        path=str(session.path),
        subject=session.info.get("subject"),
        started=session.info.get("started"),
        duration_s=session.duration_s,
        sides=sides,
        # a sum of two rates, so that it does not matter when each foot's clock began
        cadence_steps_min=sum(r for r in rates if r is not None) if both else None,
        alignment=session.alignment.text,
        verdict=check_session(session).verdict,
    )


def _summarise_side(session: Session, side: str) -> SideSummary:
    log = session.logs[side]
    strides = [s for s in session.strides if s.side == log.side]
    stances = [s.stance_s for s in strides if s.stance_s == s.stance_s]
    return SideSummary(
        side=side,
        rate_hz=log.rate_hz,
        duration_s=duration_s(log),
        losses=log.losses,
        stride_n=len(strides),
        direction_share=_shares(s.direction for s in strides),
        contact_order_share=_shares(s.contact_order for s in strides),
        lift_order_share=_shares(s.lift_order for s in strides),
        median_stance_s=statistics.median(stances) if stances else None,
        strides_per_min=_strides_per_min(log),
        left_out=_left_out(log),
    )


def _shares(words: object) -> dict[str, float]:
    counts = Counter(words)  # type: ignore[call-overload]
    total = counts.total()
    return {word: n / total for word, n in counts.most_common()}


def _strides_per_min(log: SideLog) -> float | None:
    """Give the strides per minute from the first to the last contact; pauses count as time.

    Strides are counted by their numbers, so that those whose frames were lost count too; what lies between two
    sessions of the device does not.
    """
    strides = log.strides()
    step_n, span_s = 0, 0.0
    for segment in log.segments:
        of_session = list(islice(strides, len(segment.frames[wire.StrideFrame.TYPE])))
        if of_session:
            first, last = of_session[0], of_session[-1]
            step_n += last.stride - first.stride
            span_s += last.initial_contact_s - first.initial_contact_s
    return 60 * step_n / span_s if span_s > 0 else None


def _left_out(log: SideLog) -> tuple[str, ...]:
    bits = out_bits(log)
    if log.identity is None:
        return tuple(f"channel {k}" for k in range(log.channel_n) if bits >> k & 1)
    return tuple(site_names(log.identity, bits))


# ----------------------------------------------------------------------------------------------------------- words


def format_summary(summary: Summary) -> list[str]:
    """Give the lines that a person reads."""
    head = f"session {summary.path}"
    if summary.subject is not None:
        head += f", subject {_as_text(summary.subject)}"
    if summary.started is not None:
        head += f", started {_time_text(summary.started)}"
    lines = [head, f"duration {clock_text(summary.duration_s)}"]
    for side in summary.sides.values():
        lines += _side_lines(side)
    if summary.cadence_steps_min is not None:
        lines.append(f"cadence {summary.cadence_steps_min:.0f} steps/min")
    if summary.alignment:
        lines.append(f"clocks: {summary.alignment}")
    return [*lines, summary.verdict]


def _time_text(iso: str) -> str:
    """Give a moment as 2026-11-21 09:42:10 UTC; what is no moment, or has no zone, as it is."""
    try:
        moment = datetime.fromisoformat(iso)
        return _as_text(iso) if moment.tzinfo is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (TypeError, ValueError, OverflowError):
        return _as_text(iso)


def _as_text(value: object) -> str:
    """Give what session.json holds as it stands there, but nothing in it that would steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[:80])


def _side_lines(side: SideSummary) -> list[str]:
    lines = [f"{side.side}: {_stride_text(side)}"]
    if side.stride_n:
        lines.append(f"{side.side}: direction {_share_text(side.direction_share)}")
        lines.append(f"{side.side}: first on the ground {_share_text(side.contact_order_share)}")
        lines.append(f"{side.side}: first off the ground {_share_text(side.lift_order_share)}")
    lines.append(f"{side.side}: {sample_text(side.losses, side.rate_hz)}")
    if side.left_out:
        lines.append(f"{side.side}: left out of the decisions: {', '.join(side.left_out)} (dead or stuck sensor)")
    extra = other_loss_text(side.losses)
    return [*lines, f"{side.side}: {extra}"] if extra else lines


def _stride_text(side: SideSummary) -> str:
    text = counted(side.stride_n, "stride") if side.stride_n else "no strides"
    if side.median_stance_s is not None:
        text += f", median stance {side.median_stance_s * 1000:.0f} ms"
    return text


def _share_text(shares: dict[str, float]) -> str:
    return ", ".join(f"{word.replace('_', ' ')} {share:.0%}" for word, share in shares.items())


def sample_text(losses: Losses, rate_hz: int) -> str:
    """Say how many samples there are, how many are missing and why."""
    if not losses.expected_n:
        return "no samples"
    missing_n = losses.expected_n - losses.received_n
    text = f"{losses.received_n} of {losses.expected_n} samples at {rate_hz} Hz"
    if not missing_n:
        return f"{text}, none missing"
    causes = [
        (losses.lost_line_n, "lost on the way"),
        (losses.hole_n, "never taken by the insole"),
        (losses.lost_end_n, "not sent before the end"),
    ]
    told = ", ".join(f"{n} {cause}" for n, cause in causes if n)
    return f"{text}, {missing_n} missing ({missing_n / losses.expected_n:.2%}): {told}"


def other_loss_text(losses: Losses) -> str:
    """Say what else was not as it should be; empty when nothing was. What is no loss, `check` tells."""
    parts = [
        counted(losses.frame_lost_n[kind], f"{name} frame") + " lost"
        for kind, name in _SEQUENCE_NAMES.items()
        if losses.frame_lost_n[kind]
    ]
    notes = [
        (losses.damaged_n, "damaged frame", ""),
        (losses.dropped_frame_n, "frame", " dropped by the insole because nobody read"),
        (losses.unknown_n, "frame", " of a newer protocol not understood"),
        (losses.text_n, "piece", " of text"),
        (losses.torn_bytes, "byte", " of a torn last frame"),
    ]
    parts += [counted(n, thing) + what for n, thing, what in notes if n]
    return ", ".join(parts)
