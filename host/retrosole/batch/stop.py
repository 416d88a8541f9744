"""Let Ctrl-C, and the signals that end a program, end many sessions' work between two of them."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


class Stop:
    """Say whether to begin nothing more; `is_interrupted` when a person or the system asked for it."""

    def __init__(self) -> None:
        self.is_set = False
        self.is_interrupted = False

    def interrupt(self) -> None:
        """Ask for an end. Raises KeyboardInterrupt the second time: then what is under way is left, too."""
        if self.is_interrupted:
            raise KeyboardInterrupt
        self.is_set = self.is_interrupted = True


@contextlib.contextmanager
def on_signals() -> Iterator[Stop]:
    """Give what signals set as long as this lasts; in a thread that gets none, nothing does."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, lambda *_: stop.interrupt()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
