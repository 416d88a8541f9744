"""What each virtual foot walks on: the source made, broken channels put in, files written for the firmware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrosole import wire
from retrosole.errors import UsageError
from retrosole.twin.sim_options import BY_BOARD, SimOptions, parse_channels

if TYPE_CHECKING:
    from retrosole.twin.source import Channel, Source

# Without --duration the model walks this long after each `start`; then the foot stands on its last
# sample. Twenty minutes are made in about a second.
_ENDLESS_S = 1200.0
# Between the start of the simulator and the end of the duration no session can last longer.
_MARGIN_S = 2.0
# What a channel with a broken wire reads, and one whose sensor is shorted half-way: any constant in
# the range would do.
_DEAD_RAW = 0
_STUCK_RAW = 1500


@dataclass(frozen=True)
class Walk:
    """Files with the samples of each foot, and a line about what they are."""

    samples: dict[str, Path]
    channels: tuple[Channel, ...]
    duration_s: float
    story: str


def prepare_walk(options: SimOptions, folder: Path) -> Walk:
    """Make the source that `options` asks for and write it to `folder`, and the truth where it is wanted.

    Raises UsageError for an unknown gait, channel or side, and whatever a recording cannot be read for.
    """
    from retrosole.twin.boards import board_channels
    from retrosole.twin.source import write, write_truth

    channels = board_channels(options.board)
    broken = _broken(options, channels)
    source, story = _source(options, channels)
    for side, channel, raw in broken:
        for name, counts in source.counts.items():
            if side in (None, name):
                counts[counts[:, channel] != wire.MISSING_COUNT, channel] = raw
    if options.truth is not None:
        write_truth(source, options.truth)
    return Walk(write(source, folder), channels, source.duration_s, story)


def _broken(options: SimOptions, channels: tuple[Channel, ...]) -> list[tuple[str | None, int, int]]:
    sites = [site for _, site in channels]
    dead = parse_channels(options.dead, sites, "dead")
    stuck = parse_channels(options.stuck, sites, "stuck")
    broken = [(side, channel, _DEAD_RAW) for side, channel in dead]
    broken += [(side, channel, _STUCK_RAW) for side, channel in stuck]
    for side, channel, _ in broken:
        if side not in (None, *options.sides):
            raise UsageError(
                f"a broken channel {side}:{sites[channel]} was asked for, but the {side} foot is not there"
            )
    return broken


def _source(options: SimOptions, channels: tuple[Channel, ...]) -> tuple[Source, str]:
    if options.source == "model":
        return _from_model(options, channels)
    return _from_recording(options, channels)


def _from_model(options: SimOptions, channels: tuple[Channel, ...]) -> tuple[Source, str]:
    from retrosole.twin.front_end import FRONT_ENDS, of_board
    from retrosole.twin.source import from_model

    front_end = of_board(options.board) if options.front_end == BY_BOARD else FRONT_ENDS[options.front_end]
    source = from_model(
        options.gait, channels, _walk_s(options), options.seed, sides=options.sides, front_end=front_end
    )
    return source, f"gait model: {options.gait}, seed {options.seed}{_read_by(options)}"


def _read_by(options: SimOptions) -> str:
    return "" if options.front_end == BY_BOARD else f", front end {options.front_end}"


def _walk_s(options: SimOptions) -> float:
    from retrosole.twin.gait_model import MAX_DURATION_S

    if options.duration_s is None or options.speed == 0.0:
        return _ENDLESS_S
    return min(MAX_DURATION_S, (options.duration_s + _MARGIN_S) * options.speed)


def _from_recording(options: SimOptions, channels: tuple[Channel, ...]) -> tuple[Source, str]:
    from dataclasses import replace

    from retrosole.session.recording import load_recording
    from retrosole.twin.front_end import for_recordings
    from retrosole.twin.source import from_recording

    path = Path(options.source).expanduser()
    if not path.is_file():
        raise UsageError(f"{path} is no file: give --source model, or the path of a recording")
    recording = load_recording(path)
    missing = [side for side in options.sides if side not in recording.sides]
    if missing:
        here = ", ".join(recording.sides)
        raise UsageError(f"{path.name} has no {' and no '.join(missing)} foot, only {here}: add --feet {here}")
    # Its loads are what sensors of their own made of a foot: they are not bent once more unless that is asked for.
    front_end = for_recordings("ideal" if options.front_end == BY_BOARD else options.front_end)
    source = from_recording(recording, channels, front_end)
    counts = {side: source.counts[side] for side in options.sides}
    return replace(source, counts=counts), f"recording: {path.name}, {source.duration_s:.0f} s{_read_by(options)}"
