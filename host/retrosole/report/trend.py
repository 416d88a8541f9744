"""The sessions of one person in a folder, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from retrosole.errors import RetrosoleError, UsageError
from retrosole.gait.analysis import Analysis, analyse
from retrosole.gait.statistics import Statistic
from retrosole.plan.history import Practice
from retrosole.plan.stages import position
from retrosole.plan.words import position_lines
from retrosole.report.facts import moment
from retrosole.report.guided import own_plans, read_guided
from retrosole.report.markup import foreign
from retrosole.report.ways import told_shares
from retrosole.session.kept import Kept, kept_in, only_subject
from retrosole.session.reader import open_session


@dataclass(frozen=True)
class Walk:
    """Hold one session: when it began (None: nobody knows), what it says, and how it was guided.

    `plan` says plan and stage in a word or two, "" when it was not guided; `missing_percent` of samples, None of none.
    """

    name: str
    started: datetime | None
    analysis: Analysis
    practice: Practice | None
    plan: str
    missing_percent: float | None

    @property
    def stride_n(self) -> int:
        """Give how many strides there are, usable or not."""
        return len(self.analysis.table["side"])

    @property
    def toe_first_percent(self) -> dict[str, float]:
        """Give the toe-first share of each foot that has one."""
        shares = {side: one.toe_first_percent for side, one in told_shares(self.analysis).items()}
        return {side: percent for side, percent in shares.items() if percent is not None}

    def statistic(self, name: str) -> dict[str, Statistic]:
        """Give a parameter of each foot that has it."""
        return {side: feet[name] for side, feet in self.analysis.feet.items() if name in feet}


@dataclass(frozen=True)
class Trend:
    """Hold the sessions of a subject by date, those without one last. `direction` is the one that is drawn.

    `unread` says of sessions why they could not be read. `positions` say where the person is in the plans begun.
    """

    subject: str
    walks: tuple[Walk, ...]
    direction: str
    unread: tuple[str, ...]
    positions: tuple[tuple[str, ...], ...]

    @property
    def drawn(self) -> tuple[Walk, ...]:
        """Give the sessions that figures are of: with a date, and in the direction that is drawn."""
        dated = (walk for walk in self.walks if walk.started is not None and walk.stride_n)
        return tuple(walk for walk in dated if walk.analysis.direction == self.direction)


def read_trend(root: Path, subject: str | None, direction: str | None, say: Callable[[str], None]) -> Trend:
    """Read all sessions of a subject; without one they must all be of one person. `say` is told what was left out.

    Raises UsageError when there is no folder, no session, or when `subject` is needed.
    """
    kept = kept_in(root)
    unread = list(kept.unread)
    for _, why in unread:
        say(f"LEFT OUT: {why}")
    chosen = _subject(root, kept, subject)
    walks = []
    for folder in kept.of(chosen):
        try:
            walks.append(_walk(folder, direction))
        except RetrosoleError as error:
            unread.append((folder, error))
            say(f"LEFT OUT: {error}")
    if not walks:
        raise UsageError(f"{root} holds no session of {chosen} that can be read: nothing to draw a trend of")
    ordered = sorted(walks, key=lambda walk: (walk.started is None, _stamp(walk.started), walk.name))
    way = direction or _most([walk.analysis.direction for walk in walks if walk.stride_n])
    told = tuple(_without_path(folder, why) for folder, why in unread)
    return Trend(chosen, tuple(ordered), way, told, tuple(_positions(ordered)))


def _subject(root: Path, kept: Kept, wanted: str | None) -> str:
    if not kept.subjects:
        raise UsageError(f"{root} holds no session that can be read: name the folder that sessions are kept in")
    if wanted is not None and wanted not in kept.subjects.values():
        raise UsageError(f"{root} holds no session of {wanted}, but of {kept.names}")
    return wanted or only_subject(root, kept)


def _walk(folder: Path, direction: str | None) -> Walk:
    session = open_session(folder)
    analysis = analyse(session, direction)
    guided = read_guided(session)
    started = moment(session.info.get("started"))
    practice = guided.practice
    losses = analysis.losses.values()
    expected_n, received_n = sum(one.expected_n for one in losses), sum(one.received_n for one in losses)
    plan = ""
    if practice is not None:
        number = guided.plan.number_of(practice.stage) if guided.plan else None
        plan = f"{practice.plan}, stage {number or practice.stage}"
    elif guided.is_timed_walk:
        plan = "3-metre walk"
    return Walk(
        name=foreign(folder.name, 80),
        started=started,
        analysis=analysis,
        practice=None if practice is None or started is None else replace(practice, day=started.date()),
        plan=plan,
        missing_percent=100.0 * (expected_n - received_n) / expected_n if expected_n else None,
    )


def _most(words: list[str]) -> str:
    known = Counter(word for word in words if word != "unknown")
    return known.most_common(1)[0][0] if known else "unknown"


def _stamp(started: datetime | None) -> float:
    return 0.0 if started is None else started.timestamp()


def _without_path(folder: Path, error: RetrosoleError) -> str:
    """Say why a session could not be read, without the way to it, which may hold a name."""
    return foreign(str(error).replace(str(folder), folder.name), 300)


def _positions(walks: list[Walk]) -> list[tuple[str, ...]]:
    """Say where the person is in each plan of this program that was begun, as of today."""
    practices = [walk.practice for walk in walks if walk.practice is not None]
    begun = [plan for name, plan in own_plans().items() if any(one.plan == name for one in practices)]
    return [(plan.title, *position_lines(plan, position(plan, practices, date.today()))) for plan in begun]
