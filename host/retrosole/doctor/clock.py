"""The clock of an insole against this computer's: how long it takes to answer, and how fast it runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from retrosole import wire
from retrosole.clock import Exchange, boot_us
from retrosole.device import Insole
from retrosole.doctor.finding import Finding, bad, ok, warn
from retrosole.errors import NoDeviceError

# Both ways of a query: the clocks of two feet agree to half of it, and contacts within 20 ms count as together.
LONG_DELAY_S = 0.040
FAST_PPM = 200  # crystals keep to 40: beyond this something else is wrong
SPAN_S = 10.0  # below this the line's jitter hides the drift of any crystal
_QUERY_EVERY_S = 0.25


def listen_to_clock(insole: Insole) -> list[Exchange]:
    """Have an insole asked for its clock four times a second from here on; give the list that its answers go to."""
    exchanges: list[Exchange] = []
    first: list[wire.ClockFrame] = []

    def keep(sent_s: float, received_s: float, answer: wire.ClockFrame) -> None:
        if not first:
            first.append(answer)
        exchanges.append(Exchange(sent_s, received_s, boot_us(answer, first[0])))

    insole.on_exchange = keep
    insole.query_every_s = _QUERY_EVERY_S
    insole.clock_query()
    return exchanges


def drift_ppm(exchanges: Sequence[Exchange]) -> tuple[float, float] | None:
    """Give how much faster the insole's clock runs, and by how much that may be wrong; None for less than SPAN_S.

    From two answers, quick ones far apart, one of the first and one of the last third: each is wrong by half its delay
    at most.
    """
    third = len(exchanges) // 3
    if not third or exchanges[-1].sent_s - exchanges[0].sent_s < SPAN_S:
        return None
    one, other = min(product(exchanges[:third], exchanges[-third:]), key=lambda pair: _doubt_ppm(*pair))
    return 1e6 * (one.offset_s - other.offset_s) / (other.sent_s - one.sent_s), _doubt_ppm(one, other)


def _doubt_ppm(one: Exchange, other: Exchange) -> float:
    return 1e6 * (one.delay_s + other.delay_s) / 2 / (other.sent_s - one.sent_s)


def clock(exchanges: Sequence[Exchange]) -> Finding:
    """Judge an insole's clock by its answers."""
    if not exchanges:
        return bad("clock", "it does not tell its clock", "check its cable", NoDeviceError)
    delay_s = min(one.delay_s for one in exchanges)
    drift = drift_ppm(exchanges)
    found = f"answers in {1000 * delay_s:.1f} ms"
    if drift is not None:
        found += f", runs {drift[0]:+.0f} ± {drift[1]:.0f} ppm against this computer"
    if delay_s > LONG_DELAY_S:
        todo = "use a cable, or a quicker network: double support is only as exact"
        return warn("clock", f"{found}, so two feet agree to {500 * delay_s:.0f} ms at best", todo)
    if drift is not None and abs(drift[0]) - drift[1] > FAST_PPM:
        return warn("clock", found, "set this computer's clock by the network; else the board's crystal is at fault")
    return ok("clock", found, "" if drift else "its drift is measured with --seconds 20")
