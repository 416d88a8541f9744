"""Plans are data, and checked: the program's own ones, and one clear line for each thing wrong in a file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrosole import cli
from retrosole.errors import DamagedDataError, UsageError
from retrosole.plan.fields import parse_toml
from retrosole.plan.loader import (
    load_contradictions,
    load_plan,
    load_safety,
    load_sources,
    load_walk_3m,
    plan_ids,
    read_plan,
    source_ids,
)
from retrosole.plan.model import Plan
from retrosole.plan.words import plan_lines

GOOD = """
id = "mine"
title = "Mine"
about = "About it."
for_whom = "Me."
sessions_per_week = [2, 3]
supervised = false
sources = ["ours"]

[[stage]]
id = "one"
title = "One"
load = { activity = "walk", place = "ground", support = "hold", metres = 5, pace = "slow" }
do = ["Walk."]
move_on = ["It is easy."]
not_yet = ["It is not."]
sessions = 2
days = 2
sources = ["start_article"]
[[stage.part]]
kind = "walk"
seconds = 30
repeat = 2
rest_s = 10
say = "Walk now."

[[stage]]
id = "two"
title = "Two"
load = { activity = "walk", place = "ground", support = "hold", metres = 10, pace = "slow" }
changes = "amount"
do = ["Walk."]
move_on = ["It is easy."]
not_yet = ["It is not."]
sessions = 2
days = 2
sources = ["start_article"]
[[stage.part]]
kind = "walk"
seconds = 60
say = "Walk now."
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Plan]:
    def load(text: str) -> Plan:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return load_plan(str(path))

    return load


def test_a_file_of_ones_own_is_a_plan(load: Callable[[str], Plan]) -> None:
    plan = load(GOOD)
    assert [stage.id for stage in plan.stages] == ["one", "two"]
    assert plan.stages[0].parts[0].repeat == 2
    assert plan.stages[1].changes == "amount"
    assert any("Stage 2 of 2: Two" in line for line in plan_lines(plan))


def test_a_file_may_name_its_own_sources(load: Callable[[str], Plan]) -> None:
    own = '\n[source.me]\ntitle = "My therapist"\nkind = "own"\nread = "whole"\nwhere = "told"\n'
    plan = load(GOOD.replace('sources = ["ours"]', 'sources = ["me"]') + own)
    assert source_ids(plan)[0] == "me"
    assert any("My therapist. told" in line for line in plan_lines(plan))


BAD = [
    ("id = 5", 'id = "mine"', "id", "got 5", "lower-case letters"),
    ('id = "My plan"', 'id = "mine"', "id", "'My plan'", "lower-case letters"),
    ('id = "first-steps"', 'id = "mine"', "id", "'first-steps'", "a plan of this program has that one"),
    ("", 'title = "Mine"', "title", "is missing", "a text"),
    ('title = ""', 'title = "Mine"', "title", "got ''", "a text of 1 to 1000"),
    ('title = "  "', 'title = "Mine"', "title", "got '  '", "a text of 1 to 1000"),
    ('title = "a\\u001b[31m"', 'title = "Mine"', "title", "'a\\x1b[31m'", "a text of 1 to 1000"),
    ('title = "a\\nb"', 'title = "Mine"', "title", "'a\\nb'", "in one line"),
    (f'title = "{"x" * 1001}"', 'title = "Mine"', "title", "xxx...", "a text of 1 to 1000"),
    ("sessions_per_week = 3", "sessions_per_week = [2, 3]", "sessions_per_week", "got 3", "two numbers"),
    ("sessions_per_week = [3, 2]", "sessions_per_week = [2, 3]", "sessions_per_week", "[3, 2]", "smaller one first"),
    ("sessions_per_week = [0, 2]", "sessions_per_week = [2, 3]", "sessions_per_week", "got 0", "1 to 14"),
    ('supervised = "no"', "supervised = false", "supervised", "'no'", "true or false"),
    ("supervised = false\nspeed = 3", "supervised = false", "speed", "got 3", "no such field here"),
    ('sources = ["nobody"]', 'sources = ["ours"]', "sources[1]", "'nobody'", "one of alghadir_2019"),
    ("sources = []", 'sources = ["ours"]', "sources", "got []", "a list of 1 to 200 texts"),

    ("weeks = 200\nsupervised = false", "supervised = false", "weeks", "got 200", "a whole number from 1 to 104"),
    ('id = "one"\nid2 = 1', 'id = "one"', "stage 1, id2", "got 1", "no such field here"),

    ('activity = "run"', 'activity = "walk"', "stage 1, load, activity", "'run'", "one of touch, walk"),
    ("metres = -5", "metres = 5", "stage 1, load, metres", "got -5", "1 to 1000"),
    ("metres = nan", "metres = 5", "stage 1, load, metres", "got nan", "a number from 1 to 1000"),
    ("metres = true", "metres = 5", "stage 1, load, metres", "got True", "a number from 1 to 1000"),
    ('support = "hold"', 'support = "hold", metres = 5', "stage 1, load, minutes", "got nothing", "how much is done"),
    ("metres = 5", 'metres = 5, pace = "slow"', "stage 1, load, pace", "got nothing", "how fast"),
    ("load = 3", 'load = { activity = "walk", place = "ground", support = "hold", metres = 5, pace = "slow" }',
     "stage 1, load", "got 3", "a table"),
    ('do = "Walk."', 'do = ["Walk."]', "stage 1, do", "'Walk.'", "a list of 1 to 200 texts"),
    ('do = ["Walk.", 3]', 'do = ["Walk."]', "stage 1, do[2]", "got 3", "a text of 1 to 1000"),
    ("sessions = 0", "sessions = 2", "stage 1, sessions", "got 0", "a whole number from 1 to 1000"),
    ("sessions = 2.5", "sessions = 2", "stage 1, sessions", "got 2.5", "a whole number from 1 to 1000"),
    ("days = 3", "days = 2", "stage 1, days", "got 3", "at most as many as there are sessions, 2"),
    ('kind = "jump"', 'kind = "walk"', "stage 1, part 1, kind", "'jump'", "one of touch, walk, rest"),

    ('kind = "touch"', 'kind = "walk"', "stage 1, part 1, touches", "is missing", "a whole number from 1 to 200"),
    ("seconds = 0", "seconds = 30", "stage 1, part 1, seconds", "got 0", "1 to 3600"),
    ("repeat = 51", "repeat = 2", "stage 1, part 1, repeat", "got 51", "a whole number from 1 to 50"),
    ("", 'say = "Walk now."', "stage 1, part 1, say", "is missing", "a text"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "old", "place", "got", "expected"), BAD, ids=lambda value: str(value)[:24])
def test_what_is_wrong_is_said_in_one_line(
    load: Callable[[str], Plan], new: str, old: str, place: str, got: str, expected: str
) -> None:
    assert old in GOOD
    with pytest.raises(DamagedDataError) as caught:
        load(GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert f"mine.toml: {place}: " in text
    assert got in text
    assert expected in text
    assert text.isprintable(), "one line"
    assert len(text) < 500


def refusal(data: bytes) -> str | None:
    try:
        read_plan(parse_toml(data, "mine.toml"))
    except DamagedDataError as error:
        return str(error)
    return None


VALUES = st.sampled_from(
    [
        "0",
        "-1",
        "1e400",
        "nan",
        "true",
        '""',
        '"x"',
        "[]",
        "[[]]",
        "[1, 'a']",
        "{}",
        "{ a = 1 }",
        "1979-05-27",
        "07:32:00",
    ]
)


@given(line=st.sampled_from([k for k, row in enumerate(GOOD.splitlines()) if " = " in row]), value=VALUES)
def test_whatever_stands_in_a_field_it_is_a_plan_or_one_line(line: int, value: str) -> None:
    rows = GOOD.splitlines()
    rows[line] = f"{rows[line].partition(' = ')[0]} = {value}"
    text = refusal("\n".join(rows).encode())
    assert text is None or (text.startswith("mine.toml: ") and text.isprintable())


@given(st.binary(max_size=200))
def test_whatever_bytes_come_it_is_one_line(data: bytes) -> None:
    text = refusal(data)
    assert text is not None
    assert text.isprintable()


def test_a_stage_may_be_harder_in_one_way_only(load: Callable[[str], Plan]) -> None:
    two_ways = GOOD.replace('metres = 10, pace = "slow"', 'metres = 10, pace = "usual"')
    with pytest.raises(
        DamagedDataError,
        match=r"changes: got 'amount', but it is harder than the stage before in amount, speed: expected one change",
    ):
        load(two_ways)
    wrong_way = GOOD.replace('changes = "amount"', 'changes = "speed"')
    with pytest.raises(
        DamagedDataError, match="changes: got 'speed', but it is harder than the stage before in amount: "
    ):
        load(wrong_way)
    no_way = GOOD.replace("metres = 10", "metres = 5")
    with pytest.raises(DamagedDataError, match="but it is harder than the stage before in nothing"):
        load(no_way)
    easier_besides = GOOD.replace('metres = 10, pace = "slow"', 'metres = 10, pace = "very_slow"')
    assert load(easier_besides).stages[1].load.pace == "very_slow"


def test_the_first_stage_changes_nothing_and_names_are_its_own(load: Callable[[str], Plan]) -> None:
    with pytest.raises(DamagedDataError, match=r"stage 1 \(one\), changes: got 'amount', expected nothing"):
        load(GOOD.replace('title = "One"', 'title = "One"\nchanges = "amount"'))
    with pytest.raises(
        DamagedDataError, match=r"stage 2 \(one\): got 'one', expected a name that no earlier stage has"
    ):
        load(GOOD.replace('id = "two"', 'id = "one"'))


def test_a_stage_without_practice_is_refused(load: Callable[[str], Plan]) -> None:
    with pytest.raises(DamagedDataError, match="stage 1, part: got 'parts of other kinds only', expected at least one"):
        load(GOOD.replace('kind = "walk"', 'kind = "rest"', 1))


def test_files_that_are_no_plan(tmp_path: Path) -> None:
    cases = {
        "empty.toml": (b"", "id: is missing"),
        "broken.toml": (b"id = ", "is no TOML"),
        "latin.toml": (b'id = "\xff"', "byte 6 is no UTF-8"),
        "twice.toml": (b"a = 1\na = 2", "is no TOML"),
        "deep.toml": (b"a = " + b"[" * 5000, "is no TOML"),
        "binary.toml": (bytes(range(256)), "no "),
    }
    for name, (data, said) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DamagedDataError) as caught:
            load_plan(str(tmp_path / name))
        assert name in str(caught.value)
        assert said in str(caught.value)
        assert str(caught.value).isprintable()


def test_no_file_a_folder_and_one_too_large(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.toml \(No such file"):
        load_plan(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*folder\.toml"):
        load_plan(str(tmp_path / "folder.toml"))
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (2 << 20))
    with pytest.raises(DamagedDataError, match="more than 1024 KiB, expected a plan"):
        load_plan(str(large))
    with pytest.raises(UsageError, match="there is no plan nobody: choose from first-steps, knee-10, treadmill"):
        load_plan("nobody")


def test_the_command_line_says_it_and_leaves_with_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(GOOD.replace("seconds = 30", "seconds = 9999"), encoding="utf-8")
    assert cli.run(["plan", "bad.toml"]) == DamagedDataError.exit_code
    assert capsys.readouterr().err == ("retrosole: bad.toml: stage 1, part 1, seconds: got 9999, expected 1 to 3600\n")
    assert cli.run(["plan", "--subject", "P1"]) == UsageError.exit_code
    assert "add --sessions DIR" in capsys.readouterr().err
    assert cli.run(["plan", "--sessions", "nowhere"]) == UsageError.exit_code
    assert "there is no folder nowhere" in capsys.readouterr().err


# --- the program's own


def test_the_plans_have_what_the_articles_and_the_trial_say() -> None:
    assert plan_ids() == ["first-steps", "knee-10", "treadmill"]
    steps = load_plan("first-steps")
    assert [stage.changes for stage in steps.stages] == [
        "", "activity", "support", "amount", "amount", "amount", "amount", "speed", "incline", "resistance",
    ]  # fmt: skip
    assert steps.stages[1].parts[0].metres == (5, 10)
    assert (steps.stages[3].parts[0].seconds, steps.stages[3].parts[0].metres) == (30, (10, 20))
    assert [stage.load.minutes for stage in steps.stages[4:7]] == [5, 10, 15]
    assert steps.sessions_per_week == (2, 3)
    mill = load_plan("treadmill")
    assert {stage.load.speed_mph for stage in mill.stages} == {0.5, 1.0}
    assert all(stage.load.support == "hold" for stage in mill.stages)
    knee = load_plan("knee-10")
    assert (knee.weeks, knee.sessions_per_week, knee.supervised, knee.stages[0].sessions) == (6, (3, 3), True, 18)
    assert knee.stages[0].load.minutes == 10


def test_minutes_of_a_stage_are_those_of_its_parts() -> None:
    for name in plan_ids():
        for stage in load_plan(name).stages:
            if stage.load.minutes:
                walked_s = sum(part.seconds * part.repeat for part in stage.parts if part.kind == "walk")
                assert walked_s == 60 * stage.load.minutes, (name, stage.id)


def test_every_source_is_used_and_every_own_choice_is_said() -> None:
    used = {one for name in plan_ids() for one in source_ids(load_plan(name))}
    used |= {one for point in load_contradictions() for view in point.views for one in view.sources}
    used |= {one for question in load_safety().questions for one in question.sources}
    test = load_walk_3m()
    used |= {*test.sources, *(one for cut in test.cut_offs for one in cut.sources), "ours"}
    assert used == set(load_sources())
    for name in plan_ids():
        assert all(stage.ours for stage in load_plan(name).stages), "how many sessions is nobody's but ours"


def test_contradictions_are_shown_with_every_plan() -> None:
    assert {point.topic for point in load_contradictions()} >= {"What lands first", "Looking back", "The knee", "Shoes"}
    for name in plan_ids():
        text = "\n".join(plan_lines(load_plan(name)))
        assert "the heel first, then rolling to the toes" in text
        assert "the forefoot first" in text
        assert "look over the shoulder now and then" in text
        assert "avoid looking back" in text


def test_nothing_that_is_said_is_a_diagnosis_or_a_score() -> None:
    for name in plan_ids():
        words = " ".join(plan_lines(load_plan(name))).lower()
        for refused in (
            "you have osteo",
            "you are at risk",
            "score",
            "excellent",
            "bad result",
            "heel strike",
            "toe off",
        ):
            assert refused not in words, (name, refused)
        assert "nothing here is a diagnosis" in words


def test_the_stop_keys_and_the_questions() -> None:
    safety = load_safety()
    assert {(stop.key, stop.word) for stop in safety.stops} == {("p", "pain"), ("d", "dizziness"), ("s", "stop")}
    always = [one.id for one in safety.questions if one.is_for("free", False)]
    assert always == ["pain", "dizzy", "professional", "way"]
    assert [one.id for one in safety.questions if one.is_for("hold", False)] == [*always, "support"]
    assert [one.id for one in safety.questions if one.is_for("spotter", True)] == [*always, "spotter", "supervisor"]


def test_cut_offs_are_as_published() -> None:
    cuts = {cut.seconds: cut for cut in load_walk_3m().cut_offs}
    assert cuts[5.5].n == 483
    assert all(figure in cuts[5.5].says for figure in ("6.8 s (SD 3.4)", "5.1 s (SD 1.3)", "59.5 %", "68.6 %", "0.655"))
    assert cuts[8.15].n == 217
    assert "0.74" in cuts[8.15].says
    assert load_walk_3m().tries == 3


def test_every_file_is_toml_of_this_program() -> None:
    folder = Path(cli.__file__).parent / "plan"
    files = sorted(folder.rglob("*.toml"))
    assert len(files) == 4 + len(plan_ids())
    for file in files:
        assert tomllib.loads(file.read_text(encoding="utf-8"))
