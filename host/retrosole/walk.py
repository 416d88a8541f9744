"""One walk from the first answer to the summary: what the commands `live` and `record` and the demo have in common."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from retrosole import show, wire
from retrosole.device import Insole
from retrosole.errors import DamagedDataError, NoDeviceError, RetrosoleError, UsageError
from retrosole.ports import Link, find_insole, list_candidates, open_link, side_name
from retrosole.recorder import Recorder, Watcher
from retrosole.session.writer import SessionWriter, check_subject, default_folder

INTERRUPTED_EXIT = 130


@dataclass(frozen=True)
class RecordOptions:
    """Say how long to record, and where and how to keep it; without `root` nothing is kept."""

    seconds: float | None = None
    root: Path | None = None
    subject: str = "anonymous"
    note: str | None = None
    rate_hz: int | None = None
    lsl: str | None = None  # "computer" or "network": how far the Lab Streaming Layer is to announce it


@dataclass(frozen=True)
class Look:
    """Say how the live view looks: the plan's pace limit, theme (auto, dark, light), traces (auto, scroll, sweep).

    Or that it is a page (`is_web`), on which port (0: any free one), and whether a browser is to be opened.
    """

    pace_limit_steps_min: float | None = None
    theme: str = "auto"
    traces: str = "auto"
    is_web: bool = False
    web_port: int = 0
    opens_page: bool = False


class Endable(Protocol):
    """Be what a signal can end: cleanly at first, then at once."""

    def request_end(self) -> None:
        """Come to a clean end."""

    def leave(self) -> None:
        """End without what takes time."""


@dataclass(frozen=True)
class Walked:
    """Say how a walk ended: where it was kept, None when nowhere, and whether a signal ended it."""

    folder: Path | None
    interrupted: bool


# ----------------------------------------------------------------------------------------------------------- connect


def connect_feet(
    port_names: tuple[str, ...] = (), side: str | None = None, *, needs_side: bool = True
) -> dict[str, Insole]:
    """Open the insoles to work with: those named, else the only one that answers, or the left and the right one.

    `side` is told to a single insole, and kept by it; `needs_side` refuses one that does not know its foot.
    Raises UsageError for ports that cannot go together, NoDeviceError when none or too many answer, and as
    `retrosole.ports.open_link` does.
    """
    if len(port_names) > 2:
        raise UsageError(f"a person has two feet, got {len(port_names)} ports: name one or two with --port")
    if len(set(port_names)) < len(port_names):
        raise UsageError(f"port {port_names[0]} is named twice: name each foot's port once")
    links = _open_all(list(port_names)) if port_names else _open_those_that_answer()
    insoles = [Insole(link) for link in links]
    try:
        return _by_side(insoles, side, needs_side, chosen=bool(port_names))
    except BaseException:
        for insole in insoles:
            insole.close()
        raise


def _open_those_that_answer() -> list[Link]:
    names = [candidate.port for candidate in list_candidates()]
    if len(names) < 2:
        return [find_insole()]
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        answers = dict(zip(names, pool.map(_link_or_error, names), strict=True))
    links = [answer for answer in answers.values() if isinstance(answer, Link)]
    if not links:
        return [find_insole()]  # which finds none either, and says why
    for port, answer in answers.items():
        if isinstance(answer, RetrosoleError):
            show.say(f"LEFT OUT: {port} may be an insole and cannot be used ({answer})")
    if len(links) == 1:
        who = f"{side_name(links[0].identity)} insole at {links[0].transport.port}"
        show.say(f"ONLY ONE FOOT takes part, the {who}: nothing of another foot will be shown or recorded")
    return links


def _link_or_error(port: str) -> Link | RetrosoleError:
    try:
        return open_link(port)
    except RetrosoleError as error:
        return error


def _open_all(names: list[str]) -> list[Link]:
    links: list[Link] = []
    try:
        for name in names:
            links.append(open_link(name))
    except BaseException:
        for link in links:
            link.transport.close()
        raise
    return links


def _by_side(insoles: list[Insole], side: str | None, needs_side: bool, chosen: bool) -> dict[str, Insole]:
    if side is not None and len(insoles) == 1 and insoles[0].side != side:
        insoles[0].set("side", ("left", "right").index(side))
        insoles[0].hello()
    by_side = {insole.side: insole for insole in insoles}
    names = ", ".join(f"{insole.side} at {insole.port}" for insole in insoles)
    if len(by_side) < len(insoles):
        if chosen:
            raise UsageError(f"both are for the same foot ({names}): a session has one left and one right insole")
        raise NoDeviceError(f"{len(insoles)} insoles answer ({names}): choose one or two with --port")
    if needs_side and "unset" in by_side:
        raise UsageError(f"the insole at {by_side['unset'].port} does not know its foot: add --side left or right")
    return {name: by_side[name] for name in ("left", "right", "unset") if name in by_side}


def ready(insole: Insole, rate_hz: int | None = None) -> Iterator[str]:
    """End what still runs on an insole and set its rate; give lines for the person about what was done."""
    if insole.identity.running:
        insole.stop()
        insole.hello()
        yield f"{insole.side}: an earlier session was still running there; it was ended"
    if rate_hz is not None and rate_hz != insole.identity.rate_hz:
        insole.set("rate_hz", rate_hz)
        insole.hello()


def open_writer(insoles: Mapping[str, Insole], options: RecordOptions) -> SessionWriter | None:
    """Make the session folder that `options` ask for; None when nothing is to be kept.

    Raises UsageError for a bad subject code, StorageError when the disk refuses.
    """
    if options.root is None:
        return None
    folder = default_folder(options.root, options.subject)
    identities = {side: insole.identity for side, insole in insoles.items()}
    ports = {side: insole.port for side, insole in insoles.items()}
    settings = {} if options.rate_hz is None else {"rate_hz": options.rate_hz}
    return SessionWriter(folder, identities, options.subject, ports=ports, settings=settings)


# --------------------------------------------------------------------------------------------------------------- run


def walk(insoles: Mapping[str, Insole], options: RecordOptions, view: str, look: Look | None = None) -> Walked:
    """Run a session on connected insoles to its end and print what there is to see of it.

    `view` is "live" (the live view, or lines where that is impossible), "lines" or "progress". The insoles are closed
    at the end, however it comes. Raises as `Recorder.run`; what was received is kept.
    """
    with contextlib.ExitStack() as stack:
        for insole in insoles.values():
            stack.callback(insole.close)
        check(options)
        for insole in insoles.values():
            for line in ready(insole, options.rate_hz):
                show.say(f"{line}; `retrosole fetch` gets what it has")
        look = look or Look()
        if view == "live" and (look.is_web or _can_view()):
            return _view(insoles, options, look)
        return _record(insoles, options, view)


def _record(insoles: Mapping[str, Insole], options: RecordOptions, view: str) -> Walked:
    writer = open_writer(insoles, options)
    folder = None if writer is None else writer.folder
    if view == "progress":
        until = "" if options.seconds else "; Ctrl-C ends it"
        show.announce(f"recording {' and '.join(insoles)} into {folder}{until}")
    recorder = Recorder(insoles, with_stream(_watcher(view, options), insoles, options), writer)
    with ending_on_signals(recorder) as signals:
        try:
            recorder.run(options.seconds, options.note)
        finally:
            if folder is not None:
                _print_summary(folder)
    return Walked(folder, bool(signals))


def _view(insoles: Mapping[str, Insole], options: RecordOptions, look: Look) -> Walked:
    from retrosole.page import PageViewing
    from retrosole.viewing import Viewing

    viewing = (PageViewing if look.is_web else Viewing)(insoles, options, look)
    interrupted = False
    with ending_on_signals(viewing) as signals:
        try:
            interrupted = viewing.run()
        finally:
            for folder in viewing.folders:
                _print_summary(folder)
    return Walked(viewing.folders[-1] if viewing.folders else None, interrupted or bool(signals))


def _can_view() -> bool:
    if not show.is_terminal():
        return False
    if importlib.util.find_spec("textual") is None:
        show.say("The live view needs Textual: pip install 'retrosole[live]'. Until then, one line per stride:")
        return False
    return True


def check(options: RecordOptions) -> None:
    """Raise UsageError for what cannot be done, before any port is opened."""
    choices = wire.SETTING_CHOICES["rate_hz"]
    if options.rate_hz is not None and options.rate_hz not in choices:
        raise UsageError(f"the rate cannot be {options.rate_hz} Hz: choose from {', '.join(map(str, choices))}")
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        raise UsageError(f"--seconds must be above 0, got {options.seconds:g}: try --seconds 60, or leave it out")
    check_subject(options.subject)
    if options.lsl is not None and importlib.util.find_spec("pylsl") is None:
        raise UsageError("the Lab Streaming Layer needs pylsl: pip install 'retrosole[lsl]'")


def with_stream(watcher: Watcher, insoles: Mapping[str, Insole], options: RecordOptions) -> Watcher:
    """Have what is watched be streamed as well, where that is asked for."""
    if options.lsl is None:
        return watcher
    from retrosole.lsl import Streamer

    return Streamer(insoles, watcher, options.lsl)


def _watcher(view: str, options: RecordOptions) -> Watcher:
    if view == "progress":
        return show.ProgressLine(options.seconds) if show.can_draw() else show.PlainProgress()
    return show.LinePrinter()


@contextlib.contextmanager
def ending_on_signals(recorder: Endable) -> Iterator[list[int]]:
    """Turn Ctrl-C and the signals that end a program into a clean end of the recording; give those that came.

    The second one leaves what is still missing in the insoles' stores.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def end(number: int, _frame: object) -> None:
        came.append(number)
        if len(came) == 1:
            recorder.request_end()
        else:
            recorder.leave()

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_summary(folder: Path) -> None:
    """Print the summary of what was just recorded, and where it is."""
    from retrosole.session.reader import open_session
    from retrosole.session.summary import format_summary, summarise

    try:
        lines = format_summary(summarise(open_session(folder)))
    except DamagedDataError:
        lines = [f"session {folder}: nothing was received"]
    show.announce("\n".join(["", *lines]))
