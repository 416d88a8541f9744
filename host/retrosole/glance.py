"""A short session that only looks: samples for a check or a calibration, and nothing of it is kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrosole import wire
from retrosole.asking import NoSessionError, NoStoreError
from retrosole.device import Event, Insole, LinkLost
from retrosole.errors import PortError, RetrosoleError
from retrosole.samples import missing_records, unpack12

Counts = NDArray[np.uint16]


@contextlib.contextmanager
def glance(insole: Insole) -> Iterator[int]:
    """Run a session while the block lasts, and let its room in the store go again; give its number.

    Raises BusyError when one runs already, PortError or NoDeviceError when the insole goes away.
    """
    session = _begin(insole)
    try:
        yield session
    except PortError:
        raise  # it is gone: the session ends by itself, and its few pages stay until somebody fetches them
    except BaseException:
        _end(insole, session)
        raise
    _end(insole, session)


def _begin(insole: Insole) -> int:
    """Start a session; when that is interrupted while its answer is on its way, end it again."""
    before = insole.identity.session
    try:
        return insole.start()
    except RetrosoleError:
        raise
    except BaseException:
        who = insole.hello()
        if who.running and who.session != before:
            _end(insole, who.session)
        raise


def _end(insole: Insole, session: int) -> None:
    insole.stop()
    with contextlib.suppress(NoStoreError, NoSessionError):  # then there is nothing to be let go of
        insole.collected(session)


def events_for(insole: Insole, seconds: float) -> Iterator[Event]:
    """Give what comes within some seconds. Raises PortError when the insole goes away."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        for event in insole.events(min(left_s, 0.1)):
            if isinstance(event, LinkLost):
                raise PortError(event.text)
            yield event
            if time.monotonic() >= end_s:
                return


def counts_of(event: Any, channel_n: int) -> Counts | None:
    """Give the samples in a frame, (n, channel_n), without those never taken; None when it has none."""
    if not isinstance(event, wire.SamplesFrame):
        return None
    counts = unpack12(event.records, channel_n)
    counts = counts[~missing_records(counts)]
    return counts if len(counts) else None
