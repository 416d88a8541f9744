"""What a person types who follows the guides: by command, after which words, and after how long."""

from __future__ import annotations

from typing import NamedTuple

from hardware.wiring.pads import reading
from tests.wearer import AIR, STANDING


class Typed(NamedTuple):
    """Say that these keys are pressed `after_s` seconds after these words have been shown.

    `felt` is what the sensors of the insole read from just before the keys on, where somebody moves the foot.
    """

    words: str
    keys: str
    after_s: float = 0.0
    felt: tuple[float, ...] = ()


ENTER, CTRL_C = "\n", "\x03"
_GO_S, _TRY_S = 5.0, 4.0  # for how long one walks
_WELL = (
    Typed("not go away?", "n"),
    Typed("do you feel unwell?", "n"),
    Typed("fresh injury?", "n"),
    Typed("where you step?", "y"),
)
_NOW = Typed("You begin in 5 seconds.", ENTER)
_GO = (_NOW, Typed("Begin.", ENTER, _GO_S))
_TRY = (Typed("Stand still for 5 seconds.", ENTER), Typed("Begin when you like.", ENTER, _TRY_S))
_REST = Typed("Rest for 45 seconds.", ENTER)
_BACK = Typed("and rest. 30 seconds.", ENTER)

_NOTHING = (0.0,) * 6
_STANDS = tuple(air + load for air, load in zip(AIR, STANDING, strict=True))
_PRESS_S = 0.8


def _press(kg: float, words: str = "") -> tuple[Typed, ...]:
    """Press the first pad until the scale shows this, and let go."""
    return Typed(words, "", 0.3, (reading(kg)[2], *_NOTHING[1:])), Typed("", "", _PRESS_S, _NOTHING)


ANSWERS: dict[str, tuple[Typed, ...]] = {
    "retrosole live": (Typed("stance", "q"),),
    "retrosole coach --subject P07 --stage 2": (
        *_WELL,
        Typed("hold on to, all along the way?", "y"),
        *_GO,
        _REST,
        *_GO,
        _REST,
        *_GO,
        Typed("Did anything hurt?", "n"),
        Typed("Were you dizzy?", "n"),
        Typed("steady all the time?", "y"),
    ),
    "retrosole test-3m --subject P07": (
        *_WELL,
        Typed("rail or a wall within reach?", "y"),
        *_TRY,
        _BACK,
        *_TRY,
        _BACK,
        *_TRY,
    ),
    "retrosole record --subject PAD0": (
        *_press(0.5, "Ctrl-C ends it"),
        *_press(1),
        *_press(2),
        *_press(4),
        Typed("", CTRL_C, 0.5),
    ),
    "retrosole setup --calibrate": (
        Typed("Press Enter when it is in the air.", ENTER, felt=AIR),
        Typed("Press Enter when you stand.", ENTER, felt=_STANDS),
        Typed("Press Enter when it is in the air.", ENTER, felt=AIR),
    ),
    "retrosole setup --port pair-left": (
        Typed("Which foot is this insole for?", f"left{ENTER}"),
        Typed("should touch the ground first?", f"forefoot{ENTER}"),
        Typed("Should it buzz", f"on{ENTER}"),
        Typed("Are they there?", f"y{ENTER}"),
        Typed("Measure the load of standing now?", f"n{ENTER}"),
    ),
}
