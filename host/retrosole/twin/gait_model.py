"""The gait model: force under every sensor of a walking person, and the true strides behind it.

True events: a zone is on from the moment its true force (before any sensor effect) rises through
5 % of the zone's typical peak, and off from the moment it falls through it for the last time in
the contact. The typical peak is the largest load of the zone in an even stride of the gait's
main kind of contact. Toes count as forefoot, the midfoot does not vote. Initial contact is the
first zone on, final contact the last zone off. Contact and lift order are `together` within 20
ms. A zone that never loads has no events; then the other one was first on, and the silent one
counts as first off. The direction is the one walked: backward, forward, or unknown in turns.
Shuffling, shifting weight, standing and sitting have no strides. Loads in counts are left out of
the truth, they are the sensors' affair. A contact that the end of the run cuts off is not
listed. The strides of each foot are numbered from 0, as an insole does; the standing on which
every walk begins is none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import UsageError
from retrosole.gait.strides import NOT_SEEN, Stride
from retrosole.twin.chance import smooth
from retrosole.twin.feed import SOURCE_RATE_HZ, Channel, Source
from retrosole.twin.front_end import REALISTIC, ZONE_FULL_SCALE_N, FrontEnd, to_counts
from retrosole.twin.gait_plan import FIRST_SWING_S, STAND_S, WALKS, Walk, double_support_s, plan
from retrosole.twin.gait_shapes import KINDS, Contact, Load, channel_loads, contact_load
from retrosole.twin.gait_still import STILLS, still_loads
from retrosole.twin.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GAITS = (*WALKS, *STILLS)
SIDES = ("left", "right")
ZONES = ("forefoot", "heel", "midfoot", "toes")
EVENT_LEVEL = 0.05
TOGETHER_S = 0.020
# An hour of two feet and six channels takes about 0.8 GB while it is made.
MAX_DURATION_S = 3600.0
_USUAL_PERSON = Person()


def generate(
    gait: str,
    channels: Sequence[Channel],
    duration_s: float,
    seed: int = 0,
    *,
    person: Person = _USUAL_PERSON,
    sides: Sequence[str] = SIDES,
    front_end: FrontEnd = REALISTIC,
) -> Source:
    """Walk a gait for `duration_s` seconds on insoles with these channels.

    The same arguments give the same bytes on every machine, a longer run begins with the shorter
    one, and one foot alone is the same as that foot of two. Raises UsageError for an unknown
    gait or an impossible number.
    """
    _check(gait, channels, duration_s, sides)
    n = round(duration_s * SOURCE_RATE_HZ)
    loads, truth = walk_loads(gait, n, seed, person)
    zones = [zone for zone, _ in channels]
    counts = {}
    for side in sides:
        side_idx = SIDES.index(side)
        counts[side] = np.empty((n, len(channels)), dtype=np.uint16)
        for k, load in enumerate(channel_loads(loads[side], channels)):
            full_scale_n = ZONE_FULL_SCALE_N / zones.count(zones[k])
            force_n = load * person.weight_n
            counts[side][:, k] = to_counts(force_n, full_scale_n, front_end, (seed, 30, side_idx, k))
    return Source(counts, tuple(channels), tuple(row for row in truth if row.side in sides))


def walk_loads(gait: str, n: int, seed: int, person: Person) -> tuple[dict[str, Load], tuple[Stride, ...]]:
    """Give the true load of each foot for n milliseconds and the true strides, sorted by time."""
    if gait in STILLS:
        return still_loads(STILLS[gait], person, n, seed), ()
    walk = WALKS[gait]
    loads = {side: _standing(side, walk, person, n) for side in SIDES}
    levels = _event_levels(walk)
    numbers = dict.fromkeys(SIDES, 0)
    truth = []
    for contact in plan(walk, person, n / SOURCE_RATE_HZ, seed):
        first, load = _sampled(contact)
        _place(loads[contact.side], load, first)
        stride = _true_stride(contact, load, first, levels, numbers[contact.side])
        if stride.final_contact_s < n / SOURCE_RATE_HZ:
            truth.append(stride)
            numbers[contact.side] += 1
    return loads, tuple(sorted(truth, key=lambda row: (row.initial_contact_s, row.side)))


def _check(gait: str, channels: Sequence[Channel], duration_s: float, sides: Sequence[str]) -> None:
    if gait not in GAITS:
        raise UsageError(f"gait {gait!r}, expected one of {', '.join(GAITS)}")
    if not 0.1 <= duration_s <= MAX_DURATION_S:
        raise UsageError(f"duration {duration_s:g} s, expected 0.1 to {MAX_DURATION_S:.0f}")
    for side in sides:
        if side not in SIDES:
            raise UsageError(f"side {side!r}, expected left or right")
    if not channels or not sides:
        raise UsageError("no channels or no sides to walk on, expected at least one of each")
    for zone, _ in channels:
        if zone not in ZONES:
            raise UsageError(f"zone {zone!r}, expected one of {', '.join(ZONES)}")


def _standing(side: str, walk: Walk, person: Person, n: int) -> Load:
    """Stand on both feet, then lift the right foot and, one step later, the left one."""
    t_s = np.arange(n) / SOURCE_RATE_HZ
    double_s = double_support_s(walk, person)
    handed_over = smooth((t_s - STAND_S + 0.2) / 0.2)
    if side == "right":
        total = 0.5 * (1.0 - handed_over)
    else:
        lift_s = STAND_S + FIRST_SWING_S + double_s
        total = (0.5 + 0.5 * handed_over) * smooth((lift_s - t_s) / double_s)
    return Load(total, np.full(n, 0.55), np.zeros(n))


def _sampled(contact: Contact) -> tuple[int, Load]:
    """Sample one contact at the source rate; the first sample has the index given."""
    first = math.ceil(contact.start_s * SOURCE_RATE_HZ)
    last = math.floor((contact.start_s + contact.stance_s) * SOURCE_RATE_HZ)
    tau_s = np.arange(first, last + 1) / SOURCE_RATE_HZ - contact.start_s
    return first, contact_load(contact, tau_s)


def _place(whole: Load, load: Load, first: int) -> None:
    stop = min(first + len(load.total), len(whole.total))
    for target, part in (
        (whole.total, load.total),
        (whole.heel_share, load.heel_share),
        (whole.lateral, load.lateral),
    ):
        target[first:stop] = part[: max(0, stop - first)]


def _event_levels(walk: Walk) -> tuple[float, float]:
    """Give 5 % of the typical peak of forefoot and heel, in body weights."""
    name = walk.kinds[0][0]
    kind = KINDS[name]
    stance_s = walk.stride_s * walk.duty
    flank_s = walk.stride_s * (walk.duty - 0.5)
    even = Contact("left", 0.0, stance_s, flank_s, flank_s, name, 1.0, kind.land_s, kind.lead_s, 0.0, 0.0)
    _, load = _sampled(even)
    return EVENT_LEVEL * float(load.front().max()), EVENT_LEVEL * float(load.heel().max())


def _true_stride(contact: Contact, load: Load, first: int, levels: tuple[float, float], number: int) -> Stride:
    forefoot_on_s, forefoot_off_s = _crossings(load.front(), levels[0], first)
    heel_on_s, heel_off_s = _crossings(load.heel(), levels[1], first)
    rises_s = [t for t in (forefoot_on_s, heel_on_s) if not math.isnan(t)]
    falls_s = [t for t in (forefoot_off_s, heel_off_s) if not math.isnan(t)]
    return Stride(
        side=contact.side,
        stride=number,
        initial_contact_s=min(rises_s),
        forefoot_on_s=forefoot_on_s,
        heel_on_s=heel_on_s,
        forefoot_off_s=forefoot_off_s,
        heel_off_s=heel_off_s,
        final_contact_s=max(falls_s),
        contact_order=_order(forefoot_on_s, heel_on_s, silent_first=False),
        lift_order=_order(forefoot_off_s, heel_off_s, silent_first=True),
        direction=KINDS[contact.kind].direction,
        confidence=1.0,
    )


def _crossings(load: NDArray[np.float64], level: float, first: int) -> tuple[float, float]:
    """Find the first rise and the last fall through a level, in seconds, between samples."""
    above = np.flatnonzero(load > level)
    if len(above) == 0 or level <= 0.0:
        return NOT_SEEN, NOT_SEEN
    on, off = int(above[0]), int(above[-1])
    rise = on - 1.0 + _part(load, on - 1, level) if on > 0 else float(on)
    fall = off + _part(load, off, level) if off < len(load) - 1 else float(off)
    # Rounded to a microsecond: far below what any reader can tell, and the same on every machine.
    return (
        round((first + rise) / SOURCE_RATE_HZ, 6),
        round((first + fall) / SOURCE_RATE_HZ, 6),
    )


def _part(load: NDArray[np.float64], k: int, level: float) -> float:
    return (level - float(load[k])) / (float(load[k + 1]) - float(load[k]))


def _order(forefoot_s: float, heel_s: float, silent_first: bool) -> str:
    if math.isnan(forefoot_s) or math.isnan(heel_s):
        heel_silent = math.isnan(heel_s)
        return "heel_first" if heel_silent == silent_first else "forefoot_first"
    if abs(forefoot_s - heel_s) <= TOGETHER_S:
        return "together"
    return "forefoot_first" if forefoot_s < heel_s else "heel_first"
