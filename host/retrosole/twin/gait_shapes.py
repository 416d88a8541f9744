"""How one contact loads the foot: total load, share of the heel, share of every site.

The total rises, holds (with a dip in the middle) and falls; the share of the heel moves between
0 (all on the forefoot) and 1 in two smooth moves: the second zone lands, later the first one to
leave is unloaded. Which zone lands first and which leaves last tells the kinds of contact apart.
Times: heel lowering of 50 to 150 ms and a toe-to-heel path backward, the forefoot 20 to 190 ms
after the heel and a lift lead of about 0.2 s forward (recordings of 24 walkers); loading within
28 to 117 ms from 5 to 50 % of peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrosole.twin.chance import smooth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrosole.twin.feed import Channel


@dataclass(frozen=True)
class Kind:
    """Describe one kind of contact; shares are those of the heel, times are medians in seconds.

    `heel_at_contact`, `heel_midway`, `heel_at_lift`: share of the heel, in that order of time.
    `land_s`: from contact until the second zone begins to load, `land_cv` its spread,
    `land_ramp_s` how long that takes. `roll_from`: part of the stance at which the last move
    begins. `lead_s`: how long before the final contact it ends. `lateral`: lean to the lateral
    edge at contact and at lift. `knock`: extra load of a heel strike, in body weights.
    """

    direction: str
    heel_at_contact: float
    heel_midway: float
    heel_at_lift: float
    land_s: float = 0.06
    land_cv: float = 0.4
    land_ramp_s: float = 0.2
    roll_from: float = 0.35
    lead_s: float = 0.1
    lateral: tuple[float, float] = (0.8, -0.3)
    knock: float = 0.0


KINDS = {
    "backward": Kind("backward", 0.0, 0.5, 1.0, land_s=0.05, lead_s=0.06),
    "forward": Kind(
        "forward",
        1.0,
        0.6,
        0.0,
        land_s=0.025,
        land_cv=0.5,
        lead_s=0.18,
        lateral=(0.3, -0.6),
        knock=0.12,
    ),
    "heel_first_backward": Kind("backward", 1.0, 0.5, 1.0, land_s=0.06, lead_s=0.06),
    "tiptoe": Kind("forward", 0.0, 0.0, 0.0, lateral=(0.4, -0.5)),
    "stairs_touch": Kind("forward", 0.0, 0.35, 0.0, land_s=0.1, lead_s=0.2, lateral=(0.7, -0.5)),
    "stairs_forefoot": Kind("forward", 0.0, 0.0, 0.0, lateral=(0.7, -0.5)),
    "turn_flat": Kind("unknown", 0.5, 0.5, 0.5, lateral=(0.6, 0.5)),
    "turn_pivot": Kind("unknown", 0.15, 0.35, 0.1, land_s=0.02, lateral=(-0.4, -0.6)),
    "turn_heel": Kind("unknown", 1.0, 0.55, 0.35, land_s=0.03, lateral=(0.7, 0.2)),
    "stumble": Kind("backward", 0.0, 0.4, 0.9, land_s=0.02, land_ramp_s=0.06, lead_s=0.015),
}


@dataclass(frozen=True)
class Contact:
    """Hold one planned contact: when, of what kind, and how this one differs from its kind.

    `rise_s` and `fall_s` are the times of double support before and after: one foot takes over
    the weight while the other one gives it up.
    """

    side: str
    start_s: float
    stance_s: float
    rise_s: float
    fall_s: float
    kind: str
    size: float
    land_s: float
    lead_s: float
    heel_shift: float
    lean: float


@dataclass(frozen=True)
class Load:
    """Hold the load of one foot over time, (n,) each.

    `total` is in body weights, `heel_share` 0 to 1, `lateral` -1 (medial edge) to 1 (lateral edge).
    """

    total: NDArray[np.float64]
    heel_share: NDArray[np.float64]
    lateral: NDArray[np.float64]

    def heel(self) -> NDArray[np.float64]:
        """Give the load on the heel, in body weights."""
        return self.total * self.heel_share * (1.0 - self._midfoot_share())

    def front(self) -> NDArray[np.float64]:
        """Give the load on forefoot and toes, in body weights."""
        return self.total * (1.0 - self.heel_share) * (1.0 - self._midfoot_share())

    def midfoot(self) -> NDArray[np.float64]:
        """Give the load between them: most while both carry, in body weights."""
        return self.total * self._midfoot_share()

    def _midfoot_share(self) -> NDArray[np.float64]:
        return _MIDFOOT_SHARE * 4.0 * self.heel_share * (1.0 - self.heel_share)


_MIDFOOT_SHARE = 0.12


def contact_load(contact: Contact, tau_s: NDArray[np.float64]) -> Load:
    """Load the foot at `tau_s` seconds after the start of the contact."""
    kind = KINDS[contact.kind]
    stance_s = contact.stance_s
    u = tau_s / stance_s
    # Short contacts have short flanks: loading and unloading never meet.
    rise_s = min(contact.rise_s, 0.45 * stance_s)
    fall_s = min(contact.fall_s, 0.5 * stance_s)
    flanks = smooth(tau_s / rise_s) * smooth((stance_s - tau_s) / fall_s)
    v = 2.0 * u - 1.0
    bump = 1.0 - v * v
    total = contact.size * flanks * (1.08 - 0.2 * bump * bump)
    if kind.knock:
        x = np.minimum(np.abs(tau_s / 0.025 - 1.0), 1.0)
        total = total + contact.size * kind.knock * (1.0 - x * x) * (1.0 - x * x)
    lean = kind.lateral[0] + (kind.lateral[1] - kind.lateral[0]) * smooth(u) + contact.lean
    return Load(total, _heel_share(contact, kind, tau_s), np.clip(lean, -0.95, 0.95))


def _heel_share(contact: Contact, kind: Kind, tau_s: NDArray[np.float64]) -> NDArray[np.float64]:
    midway = kind.heel_midway
    if 0.0 < midway < 1.0:
        midway = min(0.9, max(0.1, midway + contact.heel_shift))
    end_s = contact.stance_s - contact.lead_s
    roll_s = min(max(kind.roll_from * contact.stance_s, contact.land_s), end_s - 0.02)
    landed = smooth((tau_s - contact.land_s) / kind.land_ramp_s)
    rolled = smooth((tau_s - roll_s) / (end_s - roll_s))
    share = kind.heel_at_contact + (midway - kind.heel_at_contact) * landed
    return share + (kind.heel_at_lift - share) * rolled


# Site: place across the foot (0 medial, 1 lateral) and its part of the zone's load when the foot
# is level.
_SITES = {
    "hallux": (0.05, 0.22),
    "met1": (0.15, 0.28),
    "met2": (0.35, 0.27),
    "met3": (0.5, 0.27),
    "met4": (0.7, 0.22),
    "met5": (0.95, 0.2),
    "heel_medial": (0.25, 0.52),
    "heel_lateral": (0.75, 0.48),
}
_TOES_PART = 0.15


def channel_loads(load: Load, channels: Sequence[Channel]) -> list[NDArray[np.float64]]:
    """Share the load of each zone out among its channels, (n,) each, in body weights.

    Every channel stands for its part of the zone, so that the channels of a zone carry all of it.
    """
    front = [k for k, (zone, _) in enumerate(channels) if zone in ("forefoot", "toes")]
    loads: list[NDArray[np.float64]] = [load.total] * len(channels)
    groups = [(front, load.front())]
    for name, total in (("heel", load.heel()), ("midfoot", load.midfoot())):
        groups.append(([k for k, (zone, _) in enumerate(channels) if zone == name], total))
    for members, total in groups:
        parts = [_part(channels[k], i, len(members), load.lateral) for i, k in enumerate(members)]
        whole = np.zeros(len(total))
        for part in parts:
            whole = whole + part
        for k, part in zip(members, parts, strict=True):
            loads[k] = total * part / whole
    return loads


def _part(channel: Channel, i: int, n: int, lateral: NDArray[np.float64]) -> NDArray[np.float64]:
    zone, site = channel
    place, part = _SITES.get(site, ((i + 0.5) / n, _TOES_PART if zone == "toes" else 0.25))
    return part * (1.0 + lateral * (2.0 * place - 1.0))
