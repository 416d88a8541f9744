"""The rows above and below the feet: header, title of a foot, hint, footer. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrosole.live.hint import Hint
from retrosole.live.letters import big
from retrosole.live.palette import BAD, BAR, DIM, GOOD, HINT, STRONG, TEXT, WARN
from retrosole.live.rows import Row, Span, plain, row_width, spread
from retrosole.live.state import FootView, LiveState, both_cadence_steps_min, both_toe_first_share

_BIG_HINT_HEIGHT = 36  # of the whole screen, from where on the letters are doubled
_HINT_HEIGHT = 20  # below it the hint is one row


def header_row(
    state: LiveState, views: Sequence[FootView], width: int, paused: bool, delay_s: float = math.nan
) -> Row:
    """Say how long, how many strides, how they were, and whether anything is kept; what matters least goes first where
    there is no room. `delay_s` is from a sample to the screen.
    """
    right: Row = (("not recording ", DIM),)
    if state.recording is not None:
        right = (("● ", BAD), ("recording ", TEXT))
    parts = [part for part in _header_parts(state, views, paused, delay_s) if row_width(part) > 0]
    dropped = iter(_DROPPED)
    while True:
        for gap in (3, 2):
            left = _joined(parts, gap)
            if row_width(left) + row_width(right) < width:
                return _bar(left, _with_folder(right, state.recording, width - row_width(left)), width)
        name = next(dropped, None)
        if name is None:
            return _bar(left, right, width)
        parts = [part for part in parts if name not in (part[0][0], part[-1][0])]


_DROPPED = ("retrosole", "backward ", "delay ", "strides ", " steps/min", "toe first ")  # in this order


def _header_parts(state: LiveState, views: Sequence[FootView], paused: bool, delay_s: float) -> list[Row]:
    stride_n, backward_n, directed_n = state.stride_counts()
    share, cadence = both_toe_first_share(views), both_cadence_steps_min(views)
    delay = "--" if math.isnan(delay_s) else f"{1000 * delay_s:.0f} ms"
    return [
        (("retrosole", STRONG),),
        ((clock_text(state.elapsed_s), TEXT),),
        (("PAUSED", WARN),) if paused else (),
        (("strides ", DIM), (str(stride_n), TEXT)),
        (("toe first ", DIM), (_percent(share), TEXT)),
        ((_whole(cadence), TEXT), (" steps/min", DIM)),
        (("backward ", DIM), (_percent(backward_n / directed_n if directed_n else math.nan), TEXT)),
        (("delay ", DIM), (delay, TEXT)),
    ]


def _joined(parts: Sequence[Row], gap: int) -> Row:
    spans: list[Span] = [(" ", DIM)]
    for number, part in enumerate(parts):
        spans += [(" " * gap, DIM)] if number else []
        spans += part
    return tuple(spans)


def _with_folder(right: Row, folder: str | None, room: int) -> Row:
    """Add as much of the folder's name as there is room for, its end rather than its beginning."""
    left_n = room - row_width(right) - 2
    if folder is None or left_n < 8:
        return right
    name = plain(folder)
    return (*right, (name if len(name) < left_n else "…" + name[-left_n + 2 :], DIM), (" ", DIM))


def _percent(share: float) -> str:
    return "--" if math.isnan(share) else f"{100 * share:.0f} %"


def _whole(value: float) -> str:
    return "--" if math.isnan(value) else f"{value:.0f}"


def footer_row(state: LiveState, width: int, message: str = "", has_controls: bool = False) -> Row:
    """Name the keys, and give the message if there is one: where all do not fit, without those of the feet, then
    the message alone with `q`.
    """
    keys = [("q", "quit"), ("space", "pause")]
    if has_controls:
        keys += [("m", "mark"), ("t", "tare"), ("r", "record" if state.recording is None else "stop")]
    if len(state.feet) > 1:
        keys += [("1", state.feet[0].side), ("2", state.feet[1].side), ("b", "both")]
    text = plain(message)
    for shown in (keys, keys[:5], keys[:1]):
        left: list[Span] = [(" ", DIM)]
        for key, word in shown:
            left += [(key, STRONG), (f" {word}  ", DIM)]
        if row_width(tuple(left)) + len(text) + 2 <= width:
            break
    room = max(0, width - row_width(tuple(left)) - 2)
    return _bar(tuple(left), ((text[:room] + " ", WARN if message else DIM),), width)


def clock_text(elapsed_s: float) -> str:
    """Write seconds as h:mm:ss."""
    whole = max(0, int(elapsed_s))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def title_row(view: FootView, width: int) -> Row:
    """Say which foot, whether it is there, what it lost, its battery and cue."""
    dot = ("● ", GOOD) if view.is_connected else ("○ ", BAD)
    link = (plain(view.link), TEXT if view.is_connected else BAD)
    left: Row = ((f" {view.side.upper()}", STRONG), ("  ", ""), dot, link)
    lost = WARN if view.lost_sample_n or view.lost_frame_n else DIM
    short = left[:3] if view.is_connected else left  # the dot alone will do for what is usual
    for words in _title_variants(view):
        right: Row = ((words[0], lost), *((f"   {word}", DIM) for word in words[1:]), (" ", ""))
        for said in (left, short) if len(words) < 3 else (left,):
            if row_width(said) + row_width(right) + 2 <= width:
                return _bar(said, right, width)
    if not view.is_connected:  # what it loses meanwhile nobody knows
        return _bar(left, (), width)
    return _bar(left[:1], ((f"lost {view.lost_sample_n} ", lost),), width)


def _title_variants(view: FootView) -> list[list[str]]:
    """Give what the right of the title says, the loss first, from the longest to the shortest."""
    battery = [] if view.battery_mv is None else [f"{view.battery_mv / 1000:.2f} V"]
    cue = "cue on" if view.cue_on else "cue off"
    samples, frames = f"lost {view.lost_sample_n} samples", f"{view.lost_frame_n} frame{'s'[: view.lost_frame_n != 1]}"
    short = f"lost {frames}" if view.lost_frame_n and not view.lost_sample_n else samples
    longer = [[f"{samples}, {frames}", *battery, cue], [short, *battery, cue]]
    return [*longer, [short, *battery], [short], [f"lost {view.lost_sample_n or view.lost_frame_n}"]]


def hint_rows(hint: Hint, width: int, screen_height: int) -> list[Row]:
    """Say what to do in letters as large as there is room for, and why below."""
    style = HINT[hint.level]
    small, large = big(hint.words), big(hint.words, doubled=True)
    if screen_height >= _BIG_HINT_HEIGHT and len(large[0]) + 4 <= width:
        lines = ["", *large, "", hint.detail, ""]
    elif screen_height >= _HINT_HEIGHT and len(small[0]) + 4 <= width:
        lines = [*small, hint.detail]
    else:
        whole = f"{hint.words}: {hint.detail}"
        lines = [whole if len(whole) <= width else hint.words]
    return [((line[:width].center(width), style),) for line in lines]


def _bar(left: Row, right: Row, width: int) -> Row:
    """Spread a row over a bar of its own background."""
    row = spread(left, right, width)
    return tuple((text, f"{style or TEXT} on {BAR}") for text, style in row)
