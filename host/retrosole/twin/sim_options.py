"""What a virtual insole can be asked for, checked before anything is started."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from retrosole.errors import UsageError
from retrosole.twin.damage import check_probabilities
from retrosole.twin.relay import Pause

SIDES = ("left", "right")
BY_BOARD = "board"
FRONT_ENDS = (BY_BOARD, "ideal", "realistic", "divider", "amplifier")  # by board: what it is built with
FEET = {"left": ("left",), "right": ("right",), "both": SIDES}


@dataclass(frozen=True)
class SimOptions:
    """Options of `retrosole sim`, as typed: lists hold strings such as "20:3" or "left:heel_medial"."""

    source: str = "model"  # or the path of a recording
    gait: str = "mixed"
    feet: str = "both"
    seed: int = 1
    speed: float = 1.0  # virtual seconds per real second; 0 = as fast as possible
    duration_s: float | None = None  # real seconds until the simulator ends by itself
    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    jitter: float = 0.0  # ms for which bytes wait at most, both ways
    skew: float = 0.0  # ppm by which the right insole's clock is fast
    unplug: tuple[str, ...] = ()  # "AT:S"
    unpower: tuple[str, ...] = ()  # "AT:S"
    dead: tuple[str, ...] = ()  # "[SIDE:]CHANNEL", by number from 0 or by site
    stuck: tuple[str, ...] = ()
    truth: Path | None = None
    link: Path | None = None
    tcp: str | None = None  # "HOST:PORT"
    interpreter: str = "auto"
    board: str = "esp32_devkitc"
    front_end: str = BY_BOARD  # what turns load into counts; unasked, a recording is read by the ideal one

    @property
    def sides(self) -> tuple[str, ...]:
        """The feet that take part; raise UsageError when `feet` names none."""
        if self.feet not in FEET:
            raise UsageError(f"feet is left, right or both, got {self.feet!r}")
        return FEET[self.feet]


def check(options: SimOptions) -> None:
    """Raise UsageError at the first thing that cannot be done as asked."""
    _ = options.sides
    if options.front_end not in FRONT_ENDS:
        raise UsageError(f"front end is one of {', '.join(FRONT_ENDS)}, got {options.front_end!r}")
    if not math.isfinite(options.speed) or options.speed < 0:
        raise UsageError(f"speed is a factor from 0 (as fast as possible) up, got {options.speed:g}: 1 is real time")
    if options.duration_s is not None and not 0 < options.duration_s < math.inf:
        raise UsageError(f"duration is in seconds and above 0, got {options.duration_s:g}: try --duration 60")
    if options.seed < 0:
        raise UsageError(f"seed is a whole number from 0 up, got {options.seed}")
    if not 0 <= options.jitter <= 1000:
        raise UsageError(f"jitter is in milliseconds, 0 to 1000, got {options.jitter:g}: try --jitter 16")
    if not -1000 <= options.skew <= 1000:
        raise UsageError(f"skew is in parts per million, -1000 to 1000, got {options.skew:g}: try --skew 50")
    check_probabilities(drop=options.drop, flip=options.flip, double=options.double)
    parse_pauses(options.unplug, "unplug")
    parse_pauses(options.unpower, "unpower")
    if options.tcp is not None and options.link is not None:
        raise UsageError("--link and --tcp exclude each other: a TCP port has no path to link to")
    parse_tcp(options.tcp, len(options.sides))
    for link in links(options).values():
        check_link(link)
    if options.truth is not None and not options.truth.parent.is_dir():
        raise UsageError(f"the folder of {options.truth} does not exist: make it, or choose another path for --truth")


def parse_pauses(texts: tuple[str, ...], option: str) -> list[Pause]:
    """Turn "AT:S" texts into pauses in order; raise UsageError when one is malformed or two overlap."""
    pauses = sorted((_parse_pause(text, option) for text in texts), key=lambda one: one.at_s)
    for one, following in pairwise(pauses):
        if one.at_s + one.for_s >= following.at_s:
            raise UsageError(
                f"{option} {one.at_s:g}:{one.for_s:g} lasts until {one.at_s + one.for_s:g} s, "
                f"the next begins at {following.at_s:g} s: leave time between them"
            )
    return pauses


def _parse_pause(text: str, option: str) -> Pause:
    at_text, _, for_text = text.partition(":")
    try:
        at_s, for_s = float(at_text), float(for_text)
    except ValueError:
        raise UsageError(f"{option} is AT:S, both in seconds, got {text!r}: try --{option} 10:3") from None
    if not (0 <= at_s < math.inf and 0 < for_s < math.inf):
        raise UsageError(f"{option} needs AT from 0 up and S above 0, got {text!r}: try --{option} 10:3")
    return Pause(at_s, for_s)


def parse_tcp(text: str | None, foot_n: int) -> tuple[str, int] | None:
    """Turn "HOST:PORT" into its parts, IPv6 in brackets; raise UsageError when it is malformed or too high."""
    if text is None:
        return None
    host, _, port_text = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    highest = 65536 - foot_n
    if not host or not port_text.isascii() or not port_text.isdigit() or int(port_text) > highest:
        raise UsageError(f"tcp is HOST:PORT with a port up to {highest}, got {text!r}: try --tcp 127.0.0.1:7000")
    return host, int(port_text)


def is_loopback(tcp: str) -> bool:
    """Say whether a "HOST:PORT" that passed the check can be reached from this machine only."""
    host = tcp.rpartition(":")[0].strip("[]")
    return host in ("::1", "localhost") or host.startswith("127.")


def links(options: SimOptions) -> dict[str, Path]:
    """Return the links asked for by --link: the path itself for one foot, PATH-left and PATH-right for two."""
    if options.link is None:
        return {}
    path = options.link.expanduser().absolute()
    if len(options.sides) == 1:
        return {options.sides[0]: path}
    return {side: path.with_name(f"{path.name}-{side}") for side in options.sides}


def check_link(link: Path) -> None:
    """Raise UsageError unless a link can be made at `link`."""
    if link.exists() and not link.is_symlink():
        raise UsageError(f"{link} exists and is no link: choose another path for --link")
    if not link.parent.is_dir():
        raise UsageError(f"the folder {link.parent} does not exist: make it, or choose another path for --link")


def parse_channels(texts: tuple[str, ...], sites: list[str], option: str) -> list[tuple[str | None, int]]:
    """Turn "[SIDE:]CHANNEL" into (side or None for every foot, channel index).

    A channel is a number from 0 or a site's name; raises UsageError when the insole has none such.
    """
    return [_parse_channel(text, sites, option) for text in texts]


def _parse_channel(text: str, sites: list[str], option: str) -> tuple[str | None, int]:
    side, _, channel = text.rpartition(":")
    if side in ("", *SIDES):
        if channel in sites:
            return side or None, sites.index(channel)
        if channel.isascii() and channel.isdigit() and int(channel) < len(sites):
            return side or None, int(channel)
    known = ", ".join(f"{number} {site}" for number, site in enumerate(sites))
    raise UsageError(f"--{option} {text}: no such channel; this insole has {known} (put left: or right: before it)")
