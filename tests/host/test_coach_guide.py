"""The guide: what is said, marked and noted when, by a clock that the test turns."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrosole.coach.guide import ANSWER_S, LEAD_S, Guide
from retrosole.coach.keys import ENTER
from retrosole.coach.session import steps_of
from retrosole.coach.step import Step, seen_text
from retrosole.coach.touches import Landing
from retrosole.coach.walk_3m import steps_of as tries_of
from retrosole.plan.loader import load_plan, load_safety, load_walk_3m
from retrosole.plan.notes import PART_BEGINS, PART_ENDS, STOPPED, TRY_BEGINS, TRY_ENDS, read_note

TICK_S = 0.25
TOUCH = Step("touch", "Touch.", 60.0, touches=3, side="right")
WALK = Step("walk", "Walk.", 60.0, 2)
REST = Step("rest", "Rest.", 30.0, 3)


@dataclass
class Heard:
    """Write down what the guide does."""

    said: list[str] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signal_n: int = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def signal(self) -> None:
        self.signal_n += 1

    def mark(self, code: int) -> None:
        self.marks.append(code)

    def note(self, text: str) -> None:
        assert read_note(text) is not None
        self.notes.append(text)


class Led:
    """Turn the clock of a guide."""

    def __init__(self, *steps: Step, asks: bool = True) -> None:
        self.heard = Heard()
        self.guide = Guide(steps, load_safety().stops, self.heard, "coach: begin plan=p stage=s", asks=asks)
        self.now_s = 0.0
        self.guide.begin(0.0)

    def wait(self, seconds: float, stride_every_s: float | None = None) -> None:
        end_s, stride_s = self.now_s + seconds, self.now_s
        while self.now_s < end_s:
            self.now_s += TICK_S
            if stride_every_s and self.now_s - stride_s >= stride_every_s:
                stride_s = self.now_s
                self.guide.stride("forefoot_first", self.now_s)
            self.guide.tick(self.now_s)

    def key(self, key: str) -> None:
        self.guide.key(key, self.now_s)

    def land(self, *landings: Landing, side: str = "right") -> None:
        for landing in landings:
            self.guide.landing(side, landing, self.now_s)

    def answer(self, keys: str) -> None:
        for key in keys:
            self.key(key)


def test_a_whole_session() -> None:
    led = Led(TOUCH, WALK, REST)
    led.wait(LEAD_S)
    led.land(Landing.TOES, Landing.STEP, Landing.ROLLED, Landing.TOES)
    led.wait(LEAD_S)
    led.wait(60.0, stride_every_s=1.0)
    led.wait(30.0)
    led.answer("nny")
    assert led.guide.is_over
    assert led.heard.said == [
        "Touch.",
        "You begin in 5 seconds.",
        "Begin.",
        "1",
        "That was a step, with weight on it; I count light touches. Keep the weight on the other foot.",
        "2",
        "3",
        "Good. Put the foot down.",
        "I counted 3 of 3 touches of the right foot, in 0 seconds.",
        "Walk.",
        "You begin in 5 seconds.",
        "Begin.",
        "Half of the time is over.",
        "10 more seconds.",
        "Stop and stand still.",
        "60 steps in 60 seconds: 60 toes first.",
        "Rest.",
        "10 more seconds.",
        "Did anything hurt? y or n.",
        "Were you dizzy? y or n.",
        "Did you feel steady all the time? y or n.",
    ]
    assert led.heard.marks == [PART_BEGINS, PART_ENDS] * 3
    assert led.heard.notes == [
        "coach: begin plan=p stage=s",
        "coach: part number=1 kind=touch go=1",
        "coach: done number=1 kind=touch go=1 seconds=0.0 side=right touches=3",
        "coach: part number=2 kind=walk go=1",
        "coach: done number=2 kind=walk go=1 seconds=60.0 strides=60 forefoot_first=60",
        "coach: part number=3 kind=rest go=1",
        "coach: done number=3 kind=rest go=1 seconds=30.0",
        "coach: felt pain=no dizzy=no steady=yes",
        "coach: end done=yes",
    ]
    assert led.heard.signal_n == 4


def test_stop_keys_are_noted_at_once() -> None:
    for key, word in (("p", "pain"), ("d", "dizziness"), ("s", "stop")):
        led = Led(WALK, WALK)
        led.wait(LEAD_S + 2, stride_every_s=0.5)
        led.key(key)
        assert led.guide.is_over
        assert led.guide.stopped is not None
        assert led.heard.marks == [PART_BEGINS, STOPPED, PART_ENDS]
        assert led.heard.notes[-2:] == [f"coach: stop word={word}", f"coach: end done=no why={word}"]
        said_n = len(led.heard.said)
        led.wait(200)
        assert len(led.heard.said) == said_n, "nothing more is said"


def test_a_stop_key_works_in_the_lead_in_and_in_a_rest() -> None:
    led = Led(WALK)
    led.key("p")
    assert led.heard.notes[-2:] == ["coach: stop word=pain", "coach: end done=no why=pain"]
    led = Led(REST, WALK)
    led.wait(3)
    led.key("d")
    assert led.heard.notes[-1] == "coach: end done=no why=dizziness"


def test_ctrl_c_notes_what_was_done() -> None:
    led = Led(WALK, REST)
    led.wait(LEAD_S + 10, stride_every_s=1.0)
    led.guide.interrupt(led.now_s)
    led.guide.interrupt(led.now_s)
    assert led.heard.notes[-2:] == [
        "coach: done number=2 kind=walk go=1 seconds=10.0 strides=10 forefoot_first=10",
        "coach: end done=no why=interrupted",
    ]
    assert led.guide.is_over


def test_enter_goes_on() -> None:
    led = Led(WALK, REST, WALK)
    led.key(ENTER)
    assert led.heard.said[-1] == "Begin."
    led.wait(5, stride_every_s=1.0)
    led.key(ENTER)
    assert led.heard.said[-1] == "Rest."
    led.key(ENTER)
    assert led.heard.said[-1] == "You begin in 5 seconds."


def test_a_walk_without_a_step_is_not_done() -> None:
    led = Led(WALK, asks=False)
    led.wait(LEAD_S + 60)
    assert "I see no steps. Rest as long as you like; s ends the session." in led.heard.said
    assert led.heard.said[-1] == "60 seconds; I saw no steps."
    assert led.heard.notes[-1] == "coach: end done=no"


def test_touches_end_by_time_as_well() -> None:
    led = Led(TOUCH, asks=False)
    led.wait(LEAD_S)
    led.land(Landing.TOES)
    led.land(Landing.TOES, side="left")
    led.wait(60)
    assert "I counted 1 of 3 touches of the right foot, in 60 seconds." in led.heard.said
    assert led.heard.notes[-1] == "coach: end done=no"


def test_landings_outside_the_drill_are_not_told() -> None:
    led = Led(WALK)
    led.land(Landing.TOES)
    led.wait(LEAD_S)
    led.land(Landing.TOES)
    assert led.heard.said[-1] == "Begin."


def test_questions_may_be_left_open() -> None:
    led = Led(REST)
    led.wait(30)
    led.key(ENTER)
    led.key("x")
    led.key("y")
    led.wait(ANSWER_S + 1)
    assert led.heard.notes[-2:] == ["coach: felt dizzy=yes", "coach: end done=yes"]
    assert led.heard.said[-1].startswith("It is noted. Rest now.")


def test_where_nobody_can_type_nothing_is_asked() -> None:
    led = Led(REST)
    led.guide.no_keys()
    led.wait(30 + TICK_S)
    assert led.guide.is_over
    assert led.heard.notes[-1] == "coach: end done=yes"
    assert not any("?" in line for line in led.heard.said)


def test_p_and_d_are_no_answers() -> None:
    led = Led(REST)
    led.wait(30)
    led.key("p")
    led.key("d")
    assert not led.guide.is_over
    assert led.guide.felt == {}


def test_what_is_seen_is_told_as_it_is() -> None:
    led = Led(WALK)
    led.wait(LEAD_S)
    for order in ("forefoot_first", "forefoot_first", "heel_first", "unknown", "together"):
        led.guide.stride(order, led.now_s)
    led.wait(60)
    assert "5 steps in 60 seconds: 2 toes first, 1 heel first, 1 flat, 1 not to be told." in led.heard.said


def test_the_status_says_how_far_it_is() -> None:
    led = Led(TOUCH, WALK)
    assert led.guide.status(2.0).startswith("begins in 3 s")
    led.wait(LEAD_S)
    led.land(Landing.TOES)
    assert led.guide.status(led.now_s).startswith("right foot: 1 of 3")
    led.land(Landing.TOES, Landing.TOES)
    led.wait(LEAD_S + 10)
    assert led.guide.status(led.now_s).startswith("walk backward   0:50 left")
    assert "stop: p pain d dizziness s stop" in led.guide.status(led.now_s)


# --- tries of the 3-metre walk


def test_a_try_ends_when_one_stands_still() -> None:
    led = Led(*tries_of(load_walk_3m()), asks=False)
    for number in (1, 2, 3):
        led.wait(LEAD_S)
        led.wait(4, stride_every_s=0.5)
        led.wait(load_walk_3m().still_s + TICK_S)
        assert led.heard.marks[-1] in (TRY_ENDS + number, PART_BEGINS)
        led.wait(load_walk_3m().rest_s)
    assert led.guide.is_over
    tries = [mark for mark in led.heard.marks if mark not in (PART_BEGINS, PART_ENDS)]
    assert tries == [base + n for n in (1, 2, 3) for base in (TRY_BEGINS, TRY_ENDS)]
    assert led.heard.notes[-1] == "coach: end done=yes"


def test_a_try_waits_for_the_first_step() -> None:
    led = Led(tries_of(load_walk_3m())[0], asks=False)
    led.wait(LEAD_S + 30)
    assert not led.guide.is_over
    led.wait(3, stride_every_s=0.5)
    led.wait(load_walk_3m().still_s + TICK_S)
    assert led.guide.is_over


# --- stages laid out


def test_stages_are_laid_out_with_rests_between() -> None:
    stage = load_plan("first-steps").stages[1]
    steps = steps_of(stage, ["left", "right"])
    assert [step.kind for step in steps] == ["walk", "rest", "walk", "rest", "walk"]
    assert [step.go for step in steps if step.kind == "walk"] == [1, 2, 3]
    assert {step.seconds for step in steps if step.kind == "rest"} == {45}


def test_a_foot_without_an_insole_is_not_counted() -> None:
    right, _, left = steps_of(load_plan("first-steps").stages[0], ["right"])
    assert (right.touches, left.touches) == (10, 0)
    assert "I cannot count this foot; press Enter when you are done." in left.say
    led = Led(left, asks=False)
    led.wait(LEAD_S)
    led.key(ENTER)
    assert "Not counted: this foot has no insole." in led.heard.said
    assert led.heard.notes[-1] == "coach: end done=yes"


def test_every_plan_can_be_gone_through() -> None:
    for name in ("first-steps", "knee-10", "treadmill"):
        for stage in load_plan(name).stages:
            led = Led(*steps_of(stage, ["left", "right"]), asks=False)
            while not led.guide.is_over:
                if led.guide.counts_touches:
                    led.land(Landing.TOES, side=led.guide.step.side)
                led.wait(1.0, stride_every_s=0.5)
                assert led.now_s < 3600, (name, stage.id)
            assert led.heard.notes[-1] == "coach: end done=yes", (name, stage.id)


def test_a_touch_of_the_other_foot_is_told_once_and_not_counted() -> None:
    led = Led(TOUCH)
    led.wait(LEAD_S)
    led.land(Landing.TOES, Landing.STEP, Landing.ROLLED, side="left")
    assert led.heard.said[3:] == ["That was the left foot; now the right one is to touch."]
    assert led.guide.done[-1].touch_n == 0


def test_touches_that_nobody_sees_are_told_and_again_after_one_that_was_seen() -> None:
    quiet = "I see no touches of the right foot. Enter goes on, s ends the session."
    led = Led(TOUCH)
    led.wait(LEAD_S + 25)
    assert led.heard.said[3:] == [quiet]
    led.land(Landing.TOES)
    led.wait(22)
    assert led.heard.said[3:] == [quiet, "1", quiet]
    uncounted = Led(Step("touch", "Touch.", 60.0, side="right"))
    uncounted.wait(LEAD_S + 40)
    assert len(uncounted.heard.said) == 3, "of a foot without an insole nothing is expected"


def test_while_no_insole_is_there_that_nothing_is_seen_is_not_told_as_seen() -> None:
    led = Led(WALK)
    led.guide.away_n, led.guide.is_blind = 2, True
    led.wait(LEAD_S + 28)
    assert led.heard.said[3:] == []
    led.key("s")
    assert seen_text(led.guide.done[0]) == (
        "28 seconds; I saw no steps. An insole was gone meanwhile; what it would have seen is missing here."
    )


def test_minutes_that_were_cut_short_are_not_done() -> None:
    """Ten minutes of which somebody walks ten seconds lead to no further stage; metres end where they end."""
    plan = load_plan("first-steps")
    for stage in plan.stages:
        for step in steps_of(stage, ["left", "right"]):
            is_timed = step.kind == "walk" and stage.load.metres == 0
            assert (step.least_s > 0.7 * step.seconds) == is_timed, (stage.id, step)
    for seconds, told in ((40, "no"), (50, "yes")):
        led = Led(Step("walk", "Walk.", 60.0, least_s=48.0), asks=False)
        led.wait(LEAD_S + seconds, stride_every_s=1.0)
        led.key(ENTER)
        assert led.heard.notes[-1] == f"coach: end done={told}"
