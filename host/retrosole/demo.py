"""What `make run` shows: a virtual pair of insoles walking backward, live, recorded and summed up."""

from __future__ import annotations

import sys
from pathlib import Path

from retrosole import show
from retrosole.device import Insole
from retrosole.ports import open_link
from retrosole.twin.sim import SimOptions, opening_lines, virtual_insoles
from retrosole.walk import INTERRUPTED_EXIT, RecordOptions, check, walk

SECONDS = 15.0  # without a terminal
GAIT = "mixed"  # backward, with a few heel-first and forward strides in it
ROOT = Path("sessions")


def run_demo(seconds: float | None = None, interpreter: str = "auto") -> int:
    """Walk backward on a virtual pair, show and record it, print the summary; give the exit code.

    Without `seconds` it goes on until q where there is a terminal, 15 s elsewhere. Ctrl-C ends it cleanly.
    """
    interactive = show.is_terminal()
    if seconds is None and not interactive:
        seconds = SECONDS
    wanted = RecordOptions(seconds=seconds, root=ROOT)
    check(wanted)
    print("A virtual pair of insoles: the real firmware, walking backward with a few other strides mixed in.")
    options = SimOptions(gait=GAIT, interpreter=interpreter)
    with virtual_insoles(options) as virtual:
        for line in opening_lines(virtual, options)[:-2]:
            print(line)
        until = "until you press q" if seconds is None else f"for {seconds:g} s"
        print(f"Recording both feet {until}.\n", flush=True)
        insoles = {side: Insole(open_link(port)) for side, port in virtual.ports.items()}
        walked = walk(insoles, wanted, "live")
    _say_what_next(walked.folder)
    return INTERRUPTED_EXIT if walked.interrupted else 0


def _say_what_next(folder: Path | None) -> None:
    program = _program()
    print("\nThe session is in that folder. Next, try:")
    print(f"  {program} strides {folder}")
    print(f"  {program} replay {folder}")
    print(f"  {program} sim --gait forward     and, in a second terminal, {program} live")


def _program() -> str:
    """Give what to type to run this program again from here."""
    beside = Path(sys.executable).with_name("retrosole")
    if beside.is_file() and beside.is_relative_to(Path.cwd()):
        return str(beside.relative_to(Path.cwd()))
    return "retrosole"
