"""What every column of an export is: name, unit, definition, source. The data dictionary is made of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retrosole.gait.parameters import BY_NAME
from retrosole.gait.table import EXTENDED_COLUMNS
from retrosole.session.sensors import Sensor


@dataclass(frozen=True)
class Column:
    """Describe a column: `unit` is that of its numbers, "" for words; `values` are the words that can stand in it."""

    name: str
    unit: str
    definition: str
    source: str
    values: tuple[str, ...] = ()


_INSOLE = "the insole's own stride frame"
_SECONDS = "seconds since the session's first sample; see `clock`"
_ORDERS = ("forefoot_first", "heel_first", "together", "unknown")


def _event(name: str, text: str) -> Column:
    return Column(name, "s", f"{text}: {_SECONDS}. Empty: not seen.", _INSOLE)


_STRIDE = {
    column.name: column
    for column in (
        Column("side", "", "The foot.", "the insole, which was told its foot", ("left", "right")),
        Column("stride", "1", "Number of the stride of this foot, from 0 on; a number left out was lost.", _INSOLE),
        _event("initial_contact_s", "Any part of the foot touches the ground"),
        _event("forefoot_on_s", "The forefoot touches"),
        _event("heel_on_s", "The heel touches"),
        _event("forefoot_off_s", "The forefoot leaves the ground"),
        _event("heel_off_s", "The heel leaves the ground"),
        _event("final_contact_s", "The last part of the foot leaves the ground"),
        Column("contact_order", "", "Which zone touched first; together is within 20 ms.", _INSOLE, _ORDERS),
        Column("lift_order", "", "Which zone left the ground first; together is within 20 ms.", _INSOLE, _ORDERS),
        Column("direction", "", "Which way this foot walked.", _INSOLE, ("forward", "backward", "unknown")),
        Column("confidence", "1", "How sure the insole is of the direction, 0 to 1.", _INSOLE),
        _event("detected_s", "The insole has decided on this stride"),
        Column("is_usable", "", "Whether the stride is in the summary of the walk.", "gait analysis", ("yes", "no")),
        Column("left_out", "", "Why it is not; empty where it is.", "gait analysis"),
    )
}


def stride_columns() -> list[Column]:
    """Give the columns of the stride table, in order."""
    return [_STRIDE.get(name) or _parameter_column(name) for name in EXTENDED_COLUMNS]


def _parameter_column(name: str) -> Column:
    parameter = BY_NAME[name]
    return Column(name, parameter.unit, f"{parameter.title}. {parameter.definition} Empty: unknown.", parameter.source)


GAITMAP_COLUMNS = (
    Column("s_id", "1", "Number of the stride of this foot, as `stride` of the stride table.", "gaitmap's stride list"),
    Column("start", "samples", "Initial contact, in sample periods since second 0 of the session.", "the stride table"),
    Column("end", "samples", "The next initial contact of this foot, likewise.", "the stride table"),
    Column("ic", "samples", "Initial contact; the same as start.", "the stride table"),
    Column("tc", "samples", "Final contact, likewise.", "the stride table"),
)

EVENT_COLUMNS = (
    Column("time_s", "s", f"When it was: {_SECONDS}. Empty: nobody knows.", "the host's and the insole's clock"),
    Column("side", "", "The foot whose log it is in; both: in both.", "the logs", ("left", "right", "both", "unset")),
    Column("kind", "", "mark: set among the samples; note: words, by the host's time.", "the logs", ("mark", "note")),
    Column("code", "1", "The number given with a mark.", "the logs"),
    Column("text", "", "The words of a note.", "the logs"),
)

SAMPLE_COLUMNS = (
    Column(
        "sample",
        "1",
        "Number of the sample on this foot's own count. A jump is a gap: a sample that was not taken or did not arrive "
        "has no row.",
        "the insole",
    ),
    Column("time_s", "s", f"When the sample was due: {_SECONDS}.", "the insole's clock, put on the host's"),
)


def channel_columns(sensors: tuple[Sensor, ...], channel_n: int) -> list[Column]:
    """Give the columns of a foot's channels: by the place under the foot, by number where the insole did not say."""
    names = channel_names([sensor.site for sensor in sensors], channel_n)
    return [
        Column(
            f"{name}_counts",
            "counts",
            f"{_place(sensors[k] if sensors else None, k)}: raw counts, 0 to 4094, not a force and not a pressure. "
            "Empty: this channel was not read.",
            "the insole's analogue converter",
        )
        for k, name in enumerate(names)
    ]


def channel_names(sites: Sequence[str], channel_n: int) -> list[str]:
    """Give a name of each channel, none of them twice: its place under the foot, or its number."""
    names: list[str] = []
    for k in range(channel_n):
        site = sites[k] if k < len(sites) else ""
        name = site if site and not site.isdecimal() and site != "unused" else f"channel_{k}"
        names.append(f"{name}_{k}" if name in names else name)
    return names


def _place(sensor: Sensor | None, number: int) -> str:
    if sensor is None:
        return f"Sensor on channel {number}"
    left_out = "; the insole found it dead or stuck, for a part of the session or all" if sensor.is_left_out else ""
    return f"Sensor at {sensor.site.replace('_', ' ')}, zone {sensor.zone}, channel {number}{left_out}"


def as_dictionary(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Give columns as they stand in a data dictionary."""
    return [{name: value for name, value in asdict(column).items() if value != ()} for column in columns]
