"""What is said when, in a guided session: steps one after the other, on a clock that somebody else reads. Pure.

    begin --> step --lead-in--> under way --time, number, key--> said what was seen --> next step ... --> felt --> over
    at any time: a stop key (noted, at once), an end from outside (Ctrl-C; noted)

The guide knows neither insoles nor screens: it is told of keys, strides and landings, and says, marks and notes through
its `hands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from retrosole.coach.keys import ENTER
from retrosole.coach.step import Done, Step, seen_text
from retrosole.coach.touches import COUNTED, Landing
from retrosole.plan.model import Stop
from retrosole.plan.notes import PART_BEGINS, PART_ENDS, STOPPED, TRY_BEGINS, TRY_ENDS, write_note

LEAD_S = 5.0
ANSWER_S = 60.0
QUIET_S = 20.0  # without a stride while walking
QUESTIONS = (
    ("pain", "Did anything hurt?"),
    ("dizzy", "Were you dizzy?"),
    ("steady", "Did you feel steady all the time?"),
)
_BRIEF_S = 20.0
_LAST_S = 10.0


class Hands(Protocol):
    """Be what the guide acts through."""

    def say(self, text: str) -> None:
        """Say a sentence to the person."""

    def signal(self) -> None:
        """Make a sound: something begins or ends."""

    def mark(self, code: int) -> None:
        """Set a mark among the samples."""

    def note(self, text: str) -> None:
        """Write a note into the log."""


class Guide:
    """Lead through steps. Times are seconds of one steady clock; call `tick` a few times a second.

    `opening` is the text of the note at the beginning. Without `asks` nothing is asked at the end.
    """

    def __init__(
        self, steps: Sequence[Step], stops: Sequence[Stop], hands: Hands, opening: str, *, asks: bool = True
    ) -> None:
        self.steps = tuple(steps)
        self.done: list[Done] = []
        self.stopped: Stop | None = None
        self.felt: dict[str, str] = {}
        self.is_over = False
        self.away_n = 0  # to be set: the insoles that are gone now
        self.is_blind = False  # to be set while none is there: then that nothing is seen says nothing
        self._stops = {stop.key: stop for stop in stops}
        self._hands = hands
        self._opening = opening
        self._questions = list(QUESTIONS) if asks else []
        self._at = -1
        self._since_s = 0.0  # of the lead-in, the step, or the question
        self._is_leading = False
        self._asked = False
        self._said: set[str] = set()
        self._event_s = 0.0
        self._can_answer = True

    # ---- told from outside

    def begin(self, now_s: float) -> None:
        """Begin with the first step."""
        self._hands.note(self._opening)
        self._next(now_s)

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        if self.is_over or self._at < 0:
            return
        elapsed_s = now_s - self._since_s
        if self._asked:
            if elapsed_s >= ANSWER_S or not self._can_answer:
                self._answer("", now_s)
        elif self._is_leading:
            if elapsed_s >= LEAD_S:
                self._go(now_s)
        else:
            self._during(elapsed_s, now_s)

    def key(self, key: str, now_s: float) -> None:
        """Take a key: a stop key, Enter to go on, y or n to a question."""
        if self.is_over:
            return
        if self._asked:
            if key in "yn":
                self._answer("yes" if key == "y" else "no", now_s)
            elif key == ENTER:
                self._answer("", now_s)
        elif key in self._stops:
            self._stop(self._stops[key], now_s)
        elif key == ENTER and self._is_leading:
            self._go(now_s)
        elif key == ENTER:
            self._finish_step(now_s)

    def no_keys(self) -> None:
        """Know that nobody can type any more: questions are passed over."""
        self._can_answer = False

    def stride(self, contact_order: str, now_s: float) -> None:
        """Take a stride: the order of its contact, as a word."""
        self._event_s = now_s
        self._said.discard("quiet")
        if self._is_under_way("walk", "try"):
            self.done[-1].orders[contact_order] += 1

    def contact(self, now_s: float) -> None:
        """Take that a foot has touched the ground."""
        self._event_s = now_s

    def landing(self, side: str, landing: Landing, now_s: float) -> None:
        """Take what a foot did in the drill; the number is said for each touch of the foot that is asked for."""
        if not self._is_under_way("touch"):
            return
        if side != self.step.side:
            if landing in COUNTED:
                self._once("other", f"That was the {side} foot; now the {self.step.side} one is to touch.")
            return
        self._event_s = now_s
        self._said.discard("quiet")
        now = self.done[-1]
        now.landings[landing] += 1
        if landing in COUNTED:
            now.touch_n += 1
            self._hands.say(f"{now.touch_n}")
            if now.touch_n >= self.step.touches > 0:
                self._finish_step(now_s)
        else:
            self._once(landing.value, _NOT_COUNTED[landing])

    def interrupt(self, now_s: float) -> None:
        """Know that the session ends from outside; what was done so far is noted."""
        if not self.is_over:
            self._close_step(now_s)
            self._end("interrupted")

    # ---- asked from outside

    @property
    def step(self) -> Step:
        """Give the step that is done or led into."""
        return self.steps[min(max(self._at, 0), len(self.steps) - 1)]

    @property
    def counts_touches(self) -> bool:
        """Say whether landings are wanted now."""
        return self._is_under_way("touch")

    def status(self, now_s: float) -> str:
        """Give a short line about now: what, how far, for how long still."""
        if self.is_over or self._at < 0:
            return ""
        if self._asked:
            return f"{self._questions[0][1]}  y yes  n no  Enter: skip"
        if self._is_leading:
            return f"begins in {max(0.0, LEAD_S - (now_s - self._since_s)):.0f} s   Enter: now   {self._stop_text()}"
        left_s = max(0.0, self.step.seconds - (now_s - self._since_s))
        what = _STATUS[self.step.kind]
        if self.step.kind == "touch" and self.step.touches:
            what = f"{self.step.side} foot: {self.done[-1].touch_n} of {self.step.touches}"
        else:
            what += f"   {int(left_s) // 60}:{int(left_s) % 60:02d} left"
        return f"{what}   Enter: next   {self._stop_text()}"

    # ---- inside

    def _stop_text(self) -> str:
        return "stop: " + " ".join(f"{stop.key} {stop.word}" for stop in self._stops.values())

    def _is_under_way(self, *kinds: str) -> bool:
        is_on = not (self.is_over or self._asked or self._is_leading) and self._at >= 0
        return is_on and self.step.kind in kinds

    def _next(self, now_s: float) -> None:
        self._at += 1
        self._since_s = now_s
        if self._at >= len(self.steps):
            self._ask(now_s)
            return
        step = self.step
        self._is_leading = step.is_practice
        again = f" ({step.go} of {step.go_n})" if step.go_n > 1 else ""
        self._hands.say(f"{step.say}{again}")
        if step.is_practice:
            what = "Stand still for" if step.kind == "try" else "You begin in"
            self._hands.say(f"{what} {LEAD_S:.0f} seconds.")
        else:
            self._go(now_s)

    def _go(self, now_s: float) -> None:
        step = self.step
        self._is_leading = False
        self._since_s = self._event_s = now_s
        self._said.clear()
        self.done.append(Done(step))
        if step.is_practice:
            self._hands.signal()
            self._hands.say("Begin when you like." if step.kind == "try" else "Begin.")
        self._hands.mark(TRY_BEGINS + step.number if step.kind == "try" else PART_BEGINS)
        self._hands.note(write_note("part", number=step.number, kind=step.kind, go=step.go))

    def _during(self, elapsed_s: float, now_s: float) -> None:
        step = self.step
        self.done[-1].misses_some |= self.away_n > 0
        if elapsed_s >= step.seconds:
            self._finish_step(now_s)
            return
        quiet_s = now_s - self._event_s
        if step.kind == "try":
            if self.done[-1].stride_n > 0 and quiet_s >= step.still_s:
                self._finish_step(now_s)
            return
        left_s = step.seconds - elapsed_s
        if step.kind == "walk" and step.seconds >= 60 and left_s <= step.seconds / 2:
            self._once("half", "Half of the time is over.")
        if quiet_s >= QUIET_S and left_s > _LAST_S and not self.is_blind:
            self._say_quiet(step)
        if step.kind != "touch" and step.seconds > _BRIEF_S and left_s <= _LAST_S:
            self._once("last", f"{_LAST_S:.0f} more seconds.")

    def _say_quiet(self, step: Step) -> None:
        if step.kind == "walk":
            self._once("quiet", "I see no steps. Rest as long as you like; s ends the session.")
        elif step.kind == "touch" and step.touches:
            self._once("quiet", f"I see no touches of the {step.side} foot. Enter goes on, s ends the session.")

    def _once(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._hands.say(text)

    def _finish_step(self, now_s: float) -> None:
        step = self.step
        self._close_step(now_s)
        if step.is_practice:
            self._hands.signal()
            self._hands.say(_FINISHED[step.kind])
            if step.kind != "try":
                self._hands.say(seen_text(self.done[-1]))
        self._next(now_s)

    def _close_step(self, now_s: float) -> None:
        """Mark and note the end of what is under way, if anything is."""
        if self._at < 0 or self._asked or self._is_leading or self._at >= len(self.steps):
            return
        step, now = self.step, self.done[-1]
        now.seconds = now_s - self._since_s
        self._hands.mark(TRY_ENDS + step.number if step.kind == "try" else PART_ENDS)
        values = {"number": step.number, "kind": step.kind, "go": step.go, "seconds": f"{now.seconds:.1f}"}
        if step.kind == "touch":
            values |= {"side": step.side, "touches": now.touch_n}
        elif step.is_practice:
            values |= {"strides": now.stride_n, "forefoot_first": now.orders["forefoot_first"]}
        self._hands.note(write_note("done", **values))

    def _stop(self, stop: Stop, now_s: float) -> None:
        self.stopped = stop
        self._hands.signal()
        self._hands.say(stop.say)
        self._hands.mark(STOPPED)
        self._close_step(now_s)
        self._hands.note(write_note("stop", word=stop.word))
        self._end(stop.word)

    def _ask(self, now_s: float) -> None:
        if not self._questions or not self._can_answer:
            self._after_questions()
            return
        self._asked = True
        self._since_s = now_s
        self._hands.say(f"{self._questions[0][1]} y or n.")

    def _answer(self, word: str, now_s: float) -> None:
        name, _ = self._questions.pop(0)
        if word:
            self.felt[name] = word
        self._ask(now_s)

    def _after_questions(self) -> None:
        if self.felt:
            self._hands.note(write_note("felt", **self.felt))
        if "yes" in (self.felt.get("pain"), self.felt.get("dizzy")):
            self._hands.say("It is noted. Rest now. If it stays or comes again, please ask a professional.")
        self._end("")

    def _end(self, why: str) -> None:
        is_done = not why and len(self.done) == len(self.steps) and all(one.is_enough for one in self.done)
        values = {"done": "yes" if is_done else "no"} | ({"why": why} if why else {})
        self._hands.note(write_note("end", **values))
        self.is_over = True


_NOT_COUNTED = {
    Landing.HEEL: "That one came down flat or heel first; I count the toes only.",
    Landing.STEP: "That was a step, with weight on it; I count light touches. Keep the weight on the other foot.",
    Landing.STOOD: "That one stayed down for long; I count short touches.",
}
_FINISHED = {
    "walk": "Stop and stand still.",
    "touch": "Good. Put the foot down.",
    "try": "Good. The times come at the end.",
}
_STATUS = {
    "touch": "toe touches",
    "walk": "walk backward",
    "try": "3 metres backward",
    "rest": "rest",
    "warm_up": "walk forward",
    "cool_down": "walk forward",
}
