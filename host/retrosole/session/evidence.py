"""Why something is missing from a log: what else stands in it that tells."""

from __future__ import annotations

import numpy as np

from retrosole import wire
from retrosole.session.bulk import Places
from retrosole.session.sidelog import SideLog

NEVER_TAKEN = "never taken by the insole"
RESET = "insole reset, or its power gone"
NOISE = "line noise"
UNPLUGGED = "unplugged"
QUEUE = "dropped by the insole: nobody read, or too slowly"
UNSTORED = "no room in the insole's store"
UNREADABLE = "page of the insole's store not readable"
ENDS_EARLY = "the log ends early"
NOT_COLLECTED = "part of the session not collected"
ON_THE_WAY = "lost on the way"


class Evidence:
    """Hold what else stands in a log and tells why something is missing: links, damage, status, the store's answers."""

    def __init__(self, log: SideLog) -> None:
        lost = [at for at, link in log.told(wire.DisconnectFrame) if link.reason != wire.DisconnectReason.CLOSED]
        self._disconnects = np.array(lost, np.int64)
        self._damage = log.damage_at
        self._status_at, self._status = log.table(wire.StatusFrame)
        self.fetched_at, self._fetched = log.table(wire.FetchedFrame)
        _, self._stored = log.table(wire.StoredFrame)
        _, places = log.table(wire.PlaceFrame)
        self._from_store = set(places["session"].tolist()) | set(self._fetched["session"].tolist())
        replies = [reply for _, reply in log.told(wire.ReplyFrame) if reply.result == wire.Result.OK]
        self._stops = {reply.value for reply in replies if reply.command == wire.StopFrame.TYPE}
        has_none = len(self._status) > 0 and not np.any(self._status["store_page_n"])
        self._is_collected = any(reply.command == wire.CollectedFrame.TYPE for reply in replies)  # names no session
        self._ends_at = {end.session: at for at, end in reversed(log.told(wire.SessionEndFrame))}
        self.has_store = bool(len(self._stored) or self._from_store) or not has_none  # unless it says so, it has one

    def cause(self, session: int, between_at: tuple[int, int], was_fetched: bool) -> str:
        """Say what happened to frames of a session that should stand between two places in the log.

        `was_fetched`: what is around them was fetched from the store, and they were not there.
        """
        begin_at, end_at = between_at
        if _any_between(self._disconnects, begin_at, end_at):
            return UNPLUGGED
        if self._dropped(session, begin_at, end_at):
            return QUEUE
        if _any_between(self._damage, begin_at, end_at):
            return NOISE
        if session not in self._from_store:
            return ON_THE_WAY
        if not was_fetched:
            return NOT_COLLECTED
        of_session = self._fetched["session"] == session
        return UNREADABLE if np.any(self._fetched["bad_n"][of_session]) else UNSTORED

    def _dropped(self, session: int, begin_at: int, end_at: int) -> bool:
        """Say whether the insole's count of dropped frames grew."""
        of_session = self._status["session"] == session
        at, dropped_n = self._status_at[of_session], self._status["frame_dropped_n"][of_session]
        before, behind = int(np.searchsorted(at, begin_at)), int(np.searchsorted(at, end_at))
        last_n = int(dropped_n[min(behind, len(at) - 1)]) if len(at) else 0
        return last_n > (int(dropped_n[before - 1]) if before else 0)

    def was_read_to_its_end(self, session: int, have_idx: int) -> bool:
        """Say whether all that the store has of a session, up to its end, is known to be in the log."""
        stored = self._stored[self._stored["session"] == session]
        if len(stored):
            return bool(stored["kept"][-1] != wire.Kept.RUNNING and int(stored["next_index"][-1]) <= have_idx)
        fetched = self._fetched[self._fetched["session"] == session]
        return bool(np.any(fetched["last"] == 1))

    def lacks_the_end(self, session: int, end: wire.SessionEndFrame | None) -> bool:
        """Say whether the store was read up to the end of a session, and had no room for, or lost, a part of it."""
        fetched = self._fetched["session"] == session
        is_lacking = end is not None and (end.unstored_n > 0 or bool(np.any(self._fetched["bad_n"][fetched])))
        is_last = fetched & (self._fetched["last"] == 1)
        return is_lacking and bool(np.any(self.fetched_at[is_last] > self._ends_at.get(session, 0)))

    def may_be_erased(self, session: int, cause: str) -> bool:
        """Say whether an insole may have erased a session since: told that it is collected, or here once to its end.

        Damage where the end is here may have come to the file, long after everything was collected.
        """
        of_session = self._stored["session"] == session
        is_listed = bool(np.any(self._stored["kept"][of_session] == wire.Kept.COLLECTED))
        return self._is_collected or is_listed or (cause == NOISE and session in self._ends_at)

    def was_cut(self, session: int) -> bool:
        """Say whether the store lists a session as ended by a reset or an empty battery."""
        stored = self._stored[self._stored["session"] == session]
        unended = wire.INVALID["stored.ended"]
        return len(stored) > 0 and stored["ended"][-1] == unended and stored["kept"][-1] != wire.Kept.RUNNING

    def was_stopped(self, session: int) -> bool:
        """Say whether the insole answered that it has ended a session."""
        return session in self._stops

    def is_live(self, session: int) -> bool:
        """Say whether a session ran while the log was written."""
        running = self._status["running"] != 0
        return bool(np.any(self._status["session"][running] == session))


def _any_between(places: Places, begin_at: int, end_at: int) -> bool:
    return bool(np.searchsorted(places, begin_at) < np.searchsorted(places, end_at))
