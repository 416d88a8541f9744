"""Read plans and what goes with them, and check every field: a mistake is said with file, place, value and wish."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from retrosole.errors import DamagedDataError, UsageError
from retrosole.plan.fields import Table, parse_toml, read_toml
from retrosole.plan.model import (
    CHANGES,
    KINDS,
    LEVELS,
    PLACES,
    SIDES,
    CutOff,
    Load,
    Part,
    Plan,
    Point,
    Question,
    Safety,
    Saying,
    Source,
    Stage,
    Stop,
    Walk3m,
)

_T = TypeVar("_T")
_WHEN = ("always", *LEVELS["support"], "supervised")


# -------------------------------------------------------------------------------------------------------------- plans


def plan_ids() -> list[str]:
    """Give the ids of the plans that come with this program, in the order in which they are listed."""
    folder = resources.files("retrosole.plan") / "plans"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_plan(name: str) -> Plan:
    """Load a plan: one of this program by its id, or a file whose name ends in .toml.

    Raises UsageError when there is none, DamagedDataError when it is not as a plan has to be.
    """
    if name.endswith(".toml"):
        table = read_toml(Path(name))
        plan = read_plan(table)
        if plan.id in plan_ids():
            raise table.refuse("id", "a name of its own: a plan of this program has that one", plan.id)
        return plan
    if name not in plan_ids():
        raise UsageError(f"there is no plan {name}: choose from {', '.join(plan_ids())}, or name a .toml file")
    return _own_plan(name)


def read_plan(table: Table) -> Plan:
    """Read a plan. Its sources are those of this program and, where it has them, its own under [source.NAME]."""
    known = dict(load_sources())
    if table.has("source"):
        own = table.table("source")
        known |= {name: _source(name, one) for name, one in own.all_tables()}
    plan = Plan(
        id=table.id("id"),
        title=table.text("title"),
        about=table.text("about"),
        for_whom=table.text("for_whom"),
        sessions_per_week=_often(table),
        supervised=table.yes_or_no("supervised"),
        sources=_sources(table, known),
        stages=tuple(_stage(one, known) for one in table.tables("stage")),
        weeks=table.whole("weeks", 1, 104, default=0),
        file=table.file,
        known=known,
    )
    table.end()
    _check_order(table, plan)
    return plan


def _often(table: Table) -> tuple[int, int]:
    low, high = table.span("sessions_per_week", 1, 14)
    return round(low), round(high)


def _stage(table: Table, known: dict[str, Source]) -> Stage:
    stage = Stage(
        id=table.id("id"),
        title=table.text("title"),
        load=_load(table.table("load")),
        do=table.texts("do"),
        move_on=table.texts("move_on"),
        not_yet=table.texts("not_yet"),
        sessions=table.whole("sessions", 1, 1000),
        days=table.whole("days", 1, 1000),
        sources=_sources(table, known),
        parts=tuple(_part(one) for one in table.tables("part")),
        changes=table.choice("changes", tuple(CHANGES), default=""),
        ours=table.text("ours", default=""),
    )
    table.end()
    if stage.days > stage.sessions:
        raise table.refuse("days", f"at most as many as there are sessions, {stage.sessions}", stage.days)
    if all(part.kind not in ("touch", "walk") for part in stage.parts):
        raise table.refuse("part", "at least one of kind touch or walk", "parts of other kinds only")
    return stage


def _load(table: Table) -> Load:
    load = Load(
        activity=table.choice("activity", LEVELS["activity"]),
        place=table.choice("place", PLACES),
        support=table.choice("support", LEVELS["support"]),
        touches=table.whole("touches", 1, 200, default=0),
        metres=table.number("metres", 1, 1000, default=0.0),
        minutes=table.number("minutes", 0.1, 60, default=0.0),
        pace=table.choice("pace", LEVELS["pace"], default=""),
        speed_mph=table.number("speed_mph", 0.1, 6, default=0.0),
        incline_percent=table.number("incline_percent", 0, 15, default=0.0),
        resistance=table.choice("resistance", LEVELS["resistance"], default="none"),
    )
    table.end()
    if not (load.touches or load.metres or load.minutes):
        raise table.refuse("minutes", "how much is done: touches, metres or minutes")
    if not (load.pace or load.speed_mph):
        raise table.refuse("pace", "how fast: pace, or speed_mph on a treadmill")
    return load


def _part(table: Table) -> Part:
    kind = table.choice("kind", KINDS)
    say = table.text("say")
    if kind == "touch":
        part = Part(
            kind,
            say,
            touches=table.whole("touches", 1, 200),
            most_s=table.number("most_s", 5, 1800),
            side=table.choice("side", SIDES),
        )
    else:
        part = Part(kind, say, seconds=table.number("seconds", 1, 3600))
        if kind == "walk" and table.has("metres"):
            part = replace(part, metres=table.span("metres", 1, 1000))
    repeat = table.whole("repeat", 1, 50, default=1)
    rest_s = table.number("rest_s", 1, 1800, default=0.0)
    table.end()
    return replace(part, repeat=repeat, rest_s=rest_s)


def _check_order(table: Table, plan: Plan) -> None:
    """Refuse stages of one name, and a stage that is harder than the one before it in more than one way."""
    seen: set[str] = set()
    for number, stage in enumerate(plan.stages, 1):
        at = f"stage {number} ({stage.id})"
        if stage.id in seen:
            raise table.refuse(at, "a name that no earlier stage has", stage.id)
        seen.add(stage.id)
        if number == 1:
            if stage.changes:
                raise table.refuse(f"{at}, changes", "nothing: there is no stage before it", stage.changes)
            continue
        harder = harder_ways(plan.stages[number - 2].load, stage.load)
        if harder != [stage.changes]:
            named = f"got {stage.changes!r}" if stage.changes else "is missing"
            ways = ", ".join(harder) or "nothing"
            raise DamagedDataError(
                f"{table.file}: {at}, changes: {named}, but it is harder than the stage before in {ways}: "
                "expected one change at a time, and its name"
            )


def harder_ways(before: Load, after: Load) -> list[str]:
    """Give in which ways, by the keys of CHANGES, one load is harder than another."""
    return [way for way, names in CHANGES.items() if _is_harder(way, names, before, after)]


def _is_harder(way: str, names: tuple[str, ...], before: Load, after: Load) -> bool:
    if way == "place":
        return before.place != after.place
    if before.activity != after.activity and way == "amount":
        return False  # touches and metres cannot be compared
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if name in LEVELS:
            levels = ("", *LEVELS[name])
            if old and new and levels.index(new) > levels.index(old):
                return True
        elif name == "minutes" and new and not old:
            return True  # from metres to minutes
        elif name == "metres" and old == 0 and before.minutes:
            continue
        elif new > old and (old or name == "incline_percent"):
            return True
    return False


# ------------------------------------------------------------------------------------------------- of all the plans


@cache
def load_sources() -> dict[str, Source]:
    """Load the sources that come with this program, by id."""
    return {name: _source(name, one) for name, one in _own("sources.toml").all_tables()}


@cache
def load_safety() -> Safety:
    """Load what is asked before a session, what ends one, and who asks a professional first."""
    table = _own("safety.toml")
    safety = Safety(
        promise=table.text("promise"),
        questions=_each(table, "question", _question),
        stops=_each(table, "stop", _stop),
        rules=_each(table, "rule", _saying),
        ask_first=_each(table, "ask_first", _saying),
    )
    table.end()
    return safety


@cache
def load_contradictions() -> tuple[Point, ...]:
    """Load what the sources disagree about."""
    table = _own("contradictions.toml")
    points = _each(table, "point", _point)
    table.end()
    return points


@cache
def load_walk_3m() -> Walk3m:
    """Load how the timed 3-metre walk is done, and its published cut-offs."""
    table = _own("test_3m.toml")
    test = Walk3m(
        title=table.text("title"),
        tries=table.whole("tries", 1, 10),
        rest_s=table.number("rest_s", 1, 600),
        still_s=table.number("still_s", 1, 20),
        most_s=table.number("most_s", 5, 600),
        support=table.choice("support", LEVELS["support"]),
        prepare=table.texts("prepare"),
        say=table.text("say"),
        timed=table.text("timed"),
        note=table.text("note"),
        sources=_sources(table, load_sources()),
        cut_offs=_each(table, "cut_off", _cut_off),
    )
    table.end()
    return test


def _each(table: Table, name: str, read: Callable[[Table], _T]) -> tuple[_T, ...]:
    found = []
    for one in table.tables(name):
        found.append(read(one))
        one.end()
    return tuple(found)


def _source(name: str, table: Table) -> Source:
    kind = table.choice("kind", ("article", "study", "trial", "own"))
    read = table.choice("read", ("whole", "abstract", "summary"))
    source = Source(name, table.text("title"), kind, read, table.text("where", default=""))
    table.end()
    return source


def _question(table: Table) -> Question:
    return Question(
        id=table.id("id"),
        ask=table.text("ask"),
        go_on=table.choice("go_on", ("yes", "no")),
        otherwise=table.text("otherwise"),
        when=table.choice("when", _WHEN),
        sources=_sources(table, load_sources()),
        unless=table.text("unless", default=""),
    )


def _stop(table: Table) -> Stop:
    key = table.text("key")
    if len(key) != 1:
        raise table.refuse("key", "one character", key)
    return Stop(key, table.id("word"), table.text("say"), _sources(table, load_sources()))


def _saying(table: Table) -> Saying:
    return Saying(table.text("say"), _sources(table, load_sources()))


def _view(table: Table) -> Saying:
    return Saying(table.text("says"), _sources(table, load_sources()))


def _point(table: Table) -> Point:
    return Point(table.text("topic"), table.text("ours"), _each(table, "view", _view))


def _cut_off(table: Table) -> CutOff:
    return CutOff(
        who=table.text("who"),
        n=table.whole("n", 1, 10**6),
        seconds=table.number("seconds", 0.1, 600),
        says=table.text("says"),
        sources=_sources(table, load_sources()),
    )


def _sources(table: Table, known: dict[str, Source]) -> tuple[str, ...]:
    ids = table.texts("sources")
    for number, one in enumerate(ids, 1):
        if one not in known:
            raise table.refuse(f"sources[{number}]", f"one of {', '.join(sorted(known))}", one)
    return ids


def source_ids(plan: Plan) -> list[str]:
    """Give the ids of all the sources that a plan names, each once, in the order in which they come."""
    return _once([*plan.sources, *(one for stage in plan.stages for one in stage.sources)])


def _once(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))


@cache
def _own_plan(name: str) -> Plan:
    return read_plan(_own(f"plans/{name}.toml"))


def _own(name: str) -> Table:
    try:
        data = (resources.files("retrosole.plan") / name).read_bytes()
    except OSError as error:
        raise DamagedDataError(f"{name} is missing ({error.strerror}): install retrosole again") from error
    return parse_toml(data, name)
