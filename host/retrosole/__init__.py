"""Talk to retrosole insoles, keep their sessions, understand them.

import retrosole

with retrosole.connect() as insole:        # the only insole that answers, or connect("/dev/ttyUSB0")
    insole.start()
    for frame in insole:
        print(frame)

session = retrosole.open_session("sessions/2026-11-21T10-15-30_anonymous")
for stride in session.strides:
    print(stride.side, stride.initial_contact_s, stride.direction)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from retrosole.errors import RetrosoleError

if TYPE_CHECKING:
    from retrosole.device import Insole, connect
    from retrosole.session.reader import Session, open_session

__version__ = "0.1.0"
__all__ = ["Insole", "RetrosoleError", "Session", "__version__", "connect", "open_session"]

# Loaded when first used: numpy and construct take longer to import than most commands to run
_LAZY = {
    "connect": "retrosole.device",
    "Insole": "retrosole.device",
    "open_session": "retrosole.session.reader",
    "Session": "retrosole.session.reader",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'retrosole' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
