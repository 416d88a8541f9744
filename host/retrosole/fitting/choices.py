"""The settings of an insole in a person's words, what they are now, and how they are changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from retrosole import wire
from retrosole.asking import BusyError
from retrosole.device import Insole
from retrosole.errors import ProtocolError, UsageError
from retrosole.session.writer import word

DEFAULT = "default"
ZONES = tuple(zone.name.lower() for zone in wire.Zone if zone is not wire.Zone.UNUSED)
WORDS: dict[str, dict[str, int]] = {
    "side": {"left": wire.Side.LEFT, "right": wire.Side.RIGHT},
    "target_order": {"forefoot_first": wire.Order.FOREFOOT_FIRST, "heel_first": wire.Order.HEEL_FIRST},
    "cue": {"off": 0, "on": 1},
    "board": {board.name.lower(): int(board) for board in wire.Board if board is not wire.Board.UNKNOWN}
    | {DEFAULT: int(wire.Board.UNKNOWN)},
}
NEXT_START = ("board", "zones")  # what takes effect when the insole is started the next time
_NAMES = {
    "side": "foot",
    "target_order": "aims for",
    "cue": "cue",
    "rate_hz": "rate",
    "rate_alone_hz": "rate on its own",
    "board": "board",
    "zones": "zones",
}
_NAME_CHARS = 17


@dataclass(frozen=True)
class Change:
    """Hold what a setting was, in words, "" when the insole does not tell, and what it is now."""

    setting: str
    before: str
    after: str

    def line(self) -> str:
        """Lay it out for a person."""
        text = self.after if self.before in ("", self.after) else f"{self.before} -> {self.after}"
        later = ", from its next start" if self.setting in NEXT_START else ""
        return f"  {_NAMES[self.setting]:<{_NAME_CHARS}}{text}{later}"


def current(who: wire.IdentityFrame, setting: str) -> str:
    """Give the word for what a setting is now, "" for one that an identity does not tell."""
    if setting == "side":
        return word(wire.Side, who.foot)
    if setting == "target_order":
        return _plain(word(wire.Order, who.target_order))
    if setting == "cue":
        return "on" if who.cue else "off"
    if setting == "rate_hz":
        return f"{who.rate_hz} Hz"
    if setting == "board":
        return word(wire.Board, who.board)
    return zone_words(who) if setting == "zones" else ""


def zone_words(who: wire.IdentityFrame) -> str:
    """Give the zones of the channels as `--zones` takes them."""
    return ",".join(word(wire.Zone, zone) for zone in who.zones[: who.channel_n])


def zone_bits(text: str, channel_n: int) -> int:
    """Turn "forefoot,forefoot,heel" into what the setting takes: 2 bits a channel, -1 for "default".

    Raises UsageError for a word that is no zone, a number of words that is not `channel_n`, or no forefoot or heel.
    """
    if text.strip().lower() == DEFAULT:
        return -1
    words = [one.strip().lower() for one in text.split(",")]
    unknown = [one for one in words if one not in ZONES]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no zone: choose from {', '.join(ZONES)}, or say {DEFAULT} for all")
    if len(words) != channel_n:
        raise UsageError(f"this insole has {channel_n} channels, got {len(words)} zones: name one for each, in order")
    if not {"forefoot", "heel"} <= set(words):
        raise UsageError("without a forefoot and a heel no order can be told: give each at least one channel")
    return sum(wire.Zone[one.upper()] << 2 * k for k, one in enumerate(words))


def refuse_running(insole: Insole) -> None:
    """Raise BusyError while a session runs: a wearer is walking on it."""
    if insole.identity.running:
        raise BusyError(
            f"session {insole.identity.session} is running on the {insole.side} insole: end it with a short press on "
            "its button, or where it is recorded, then run this again"
        )


def apply(insole: Insole, wanted: Mapping[str, int]) -> Iterator[Change]:
    """Change settings one by one and give what each was and is, as the insole says.

    Raises UsageError for a board of another chip, BusyError while a session runs, ProtocolError for other refusals;
    what was given before then holds.
    """
    for setting, value in wanted.items():
        before = current(insole.identity, setting)
        try:
            in_force = insole.set(setting, value)
        except BusyError:
            raise
        except ProtocolError as error:
            if setting == "board":
                raise UsageError(
                    f"the insole does not take the board {_word_of(setting, value, insole)}: choose that of its own "
                    f"chip, or {DEFAULT}"
                ) from error
            raise
        insole.hello()
        yield Change(setting, before, _word_of(setting, in_force, insole))


def _word_of(setting: str, value: int, insole: Insole) -> str:
    if setting in ("rate_hz", "rate_alone_hz"):
        return f"{value} Hz"
    if setting == "zones":
        channels = range(insole.identity.channel_n)
        return DEFAULT if value < 0 else ",".join(word(wire.Zone, value >> 2 * k & 3) for k in channels)
    words = {number: name for name, number in WORDS[setting].items()}
    return _plain(words.get(value, str(value))) if setting != "board" else words.get(value, str(value))


def _plain(name: str) -> str:
    return name.replace("_", " ")
