"""What became of an insole's session while nobody looked: reset, ended by its button, or begun anew."""

from __future__ import annotations

from retrosole import wire
from retrosole.asking import NoStoreError
from retrosole.foot import Foot, Phase
from retrosole.gathering import Gathering
from retrosole.ledger import Ledger

_CHAIN_N = 16  # resets in a row, each with a session that goes on with the one before


def after_reset(foot: Foot) -> str:
    """Ask an insole that no longer runs its session what it does, and go on with that; give a line about it.

    It may have been reset and go on by itself, or run a session that its button began: that is the next segment.
    Ended by its button, the foot's part is over. Else a new session is started. Raises as the insole's questions do.
    """
    who = foot.insole.hello()
    if who.running and who.session == foot.session:
        return ""
    if not who.running and _ended(foot) == wire.Ended.BUTTON:
        foot.phase = Phase.ENDING
        for gathering in foot.gatherings:
            gathering.finish()
        return "ended by its button"
    if not who.running:
        foot.begin_session(foot.insole.start())
        return "it had lost its power or was reset; it goes on with a new session"
    between = _between(foot, who.session)
    if foot.insole.ledger.session != who.session:
        foot.insole.follow(who.session)
    foot.begin_session(who.session)
    if between is None:
        return "another session was begun there by its button; the recording goes on with that"
    for session in between:
        _add_past(foot, session)
    return "it was reset and goes on by itself"


def _ended(foot: Foot) -> int | None:
    """Give how the foot's session ended, None when nobody knows."""
    end = foot.gatherings[-1].ledger.end
    if end is not None:
        return end.ended
    entry = _entry(foot, foot.session)
    return None if entry is None else entry.ended


def _between(foot: Foot, session: int) -> list[int] | None:
    """Give the sessions, cut short as well, by which `session` goes on with the foot's; None when it does not."""
    head = foot.insole.ledger.head
    if head is not None and (head.session, head.continues) == (session, foot.session):
        return []
    between: list[int] = []
    for _ in range(_CHAIN_N):
        entry = _entry(foot, session)
        if entry is None or entry.continues == session:
            return None
        if entry.continues == foot.session:
            return between
        session = entry.continues
        between.insert(0, session)
    return None


def _add_past(foot: Foot, session: int) -> None:
    """Have a session fetched of which nothing came."""
    ledger = Ledger(foot.insole.ledger.channel_n)
    ledger.begin(session)
    foot.insole.others[session] = ledger
    entry = _entry(foot, session)
    told_idx = 0 if entry is None else entry.next_index
    foot.gatherings.insert(-1, Gathering(ledger, is_over=True, told_idx=told_idx))


def _entry(foot: Foot, session: int) -> wire.StoredFrame | None:
    try:
        return foot.insole.stored_session(session)
    except NoStoreError:
        foot.filler.has_no_store = True
        return None
