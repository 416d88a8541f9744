"""A plan of practice as it is used: stages in order, each with what is done, how hard it is and when to move on."""

from __future__ import annotations

from dataclasses import dataclass, field

# What makes a stage harder than the one before it, by the word with which a plan says so: the fields of `Load`.
CHANGES: dict[str, tuple[str, ...]] = {
    "activity": ("activity",),
    "place": ("place",),
    "support": ("support",),
    "amount": ("metres", "minutes", "touches"),
    "speed": ("pace", "speed_mph"),
    "incline": ("incline_percent",),
    "resistance": ("resistance",),
}
# Words from the easiest to the hardest.
LEVELS: dict[str, tuple[str, ...]] = {
    "activity": ("touch", "walk"),
    "support": ("hold", "spotter", "free"),
    "pace": ("very_slow", "slow", "usual", "brisk"),
    "resistance": ("none", "light", "strong"),
}
PLACES = ("ground", "treadmill")
KINDS = ("touch", "walk", "rest", "warm_up", "cool_down")
SIDES = ("left", "right")


@dataclass(frozen=True)
class Source:
    """Name what something was taken from. `read` is "whole", "abstract" or "summary"; `where` may be empty."""

    id: str
    title: str
    kind: str
    read: str
    where: str = ""


@dataclass(frozen=True)
class Load:
    """Say how hard a stage is. 0 and "" stand for "does not apply"; metres and minutes are the most that is done."""

    activity: str
    place: str
    support: str
    touches: int = 0
    metres: float = 0.0
    minutes: float = 0.0
    pace: str = ""
    speed_mph: float = 0.0
    incline_percent: float = 0.0
    resistance: str = "none"


@dataclass(frozen=True)
class Part:
    """Hold one thing to do: for `seconds`, or until `touches` were counted or `most_s` are over.

    It is done `repeat` times with `rest_s` between; `metres` are the least and the most, told only.
    """

    kind: str
    say: str
    seconds: float = 0.0
    touches: int = 0
    most_s: float = 0.0
    side: str = ""
    metres: tuple[float, float] | None = None
    repeat: int = 1
    rest_s: float = 0.0


@dataclass(frozen=True)
class Stage:
    """Hold one stage. It is passed after `sessions` good ones in a row, on at least `days` days.

    `changes` is a key of CHANGES, empty for the first stage; `ours` says what no source does.
    """

    id: str
    title: str
    load: Load
    do: tuple[str, ...]
    move_on: tuple[str, ...]
    not_yet: tuple[str, ...]
    sessions: int
    days: int
    sources: tuple[str, ...]
    parts: tuple[Part, ...]
    changes: str = ""
    ours: str = ""


@dataclass(frozen=True)
class Plan:
    """Hold a plan. `file` is where it was read; `sources` are those of the plan and of all its stages, by id."""

    id: str
    title: str
    about: str
    for_whom: str
    sessions_per_week: tuple[int, int]
    supervised: bool
    sources: tuple[str, ...]
    stages: tuple[Stage, ...]
    weeks: int = 0
    file: str = ""
    known: dict[str, Source] = field(default_factory=dict, repr=False)

    def number_of(self, stage_id: str) -> int | None:
        """Give the number of a stage, from 1, or None when the plan has no such stage."""
        return next((n for n, stage in enumerate(self.stages, 1) if stage.id == stage_id), None)


@dataclass(frozen=True)
class Question:
    """Hold a question before a session. The answer `go_on` goes on; so does "yes" to `unless`, where there is one."""

    id: str
    ask: str
    go_on: str
    otherwise: str
    when: str
    sources: tuple[str, ...]
    unless: str = ""

    def is_for(self, support: str, supervised: bool) -> bool:
        """Say whether it is asked before a stage with this support."""
        return self.when in ("always", support) or (self.when == "supervised" and supervised)


@dataclass(frozen=True)
class Stop:
    """Hold a key that ends a session, the word that is noted, and what is said then."""

    key: str
    word: str
    say: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Saying:
    """Hold a sentence with its sources."""

    say: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Safety:
    """Hold what every plan has in common."""

    promise: str
    questions: tuple[Question, ...]
    stops: tuple[Stop, ...]
    rules: tuple[Saying, ...]
    ask_first: tuple[Saying, ...]


@dataclass(frozen=True)
class Point:
    """Hold something about which the sources disagree, and what is done here."""

    topic: str
    ours: str
    views: tuple[Saying, ...]


@dataclass(frozen=True)
class CutOff:
    """Hold a published cut-off of the 3-metre walk; `n` people."""

    who: str
    n: int
    seconds: float
    says: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Walk3m:
    """Hold how the timed 3-metre backward walk is done, and what was published about it."""

    title: str
    tries: int
    rest_s: float
    still_s: float
    most_s: float
    support: str
    prepare: tuple[str, ...]
    say: str
    timed: str
    note: str
    sources: tuple[str, ...]
    cut_offs: tuple[CutOff, ...]
