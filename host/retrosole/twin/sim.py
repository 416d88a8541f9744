"""`retrosole sim`: virtual insoles behind ports, until Ctrl-C or for a while."""

from __future__ import annotations

import os
import sys

from retrosole.twin.sim_options import SimOptions, is_loopback
from retrosole.twin.virtual import VirtualInsoles, virtual_insoles

__all__ = ["SimOptions", "VirtualInsoles", "run_sim", "virtual_insoles"]

_INTERRUPTED_EXIT = 130


def run_sim(options: SimOptions) -> int:
    """Run virtual insoles in the foreground and return the exit code: 0, or 130 after Ctrl-C.

    The first line on stdout is `left PATH right PATH`. Raises a RetrosoleError when they cannot be had or fail.
    """
    code = 0
    try:
        with virtual_insoles(options) as insoles:
            _say(" ".join(f"{side} {port}" for side, port in insoles.ports.items()))
            for line in opening_lines(insoles, options):
                _say(line)
            try:
                insoles.wait(options.duration_s)
            except KeyboardInterrupt:
                code = _INTERRUPTED_EXIT
    except KeyboardInterrupt:
        return _INTERRUPTED_EXIT
    for line in closing_lines(insoles):
        _say(line)
    return code


def opening_lines(insoles: VirtualInsoles, options: SimOptions) -> list[str]:
    """Say which interpreter runs, what walks, how to look and how to end."""
    lines = [insoles.runtime.describe()]
    if insoles.runtime.kind == "cpython" and options.interpreter == "auto":
        lines.append(
            "No MicroPython here, so the firmware runs on CPython: slower and with more memory, the same bytes. "
            "`make runtimes` gets the real one."
        )
    lines.append(insoles.walk.story)
    ports = " ".join(f"--port {port}" for port in insoles.ports.values())
    lines.append(f"Look: retrosole live {ports}")
    if options.tcp is not None and not is_loopback(options.tcp):
        lines.append(f"Careful: anybody who can reach {options.tcp} can open these ports")
    if options.duration_s is None:
        lines.append("End: Ctrl-C")
    else:
        lines.append(f"Ends after {options.duration_s:g} s, or with Ctrl-C")
    return lines


def closing_lines(insoles: VirtualInsoles) -> list[str]:
    """Say what each foot sent and what was lost on purpose or because nobody read."""
    lines = []
    for side, relay in insoles.relays.items():
        traffic, damage = relay.traffic, relay.damage
        line = f"{side}: {traffic.to_host_n} bytes to the host, {traffic.from_host_n} back"
        if damage.damage_n:
            line += f"; dropped {damage.dropped_n}, flipped {damage.flipped_n}, doubled {damage.doubled_n}"
        if traffic.overflow_n:
            line += f"; {traffic.overflow_n} lost because nobody read"
        lines.append(line)
    return lines


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # A script that wants the first line only (`retrosole sim | head -1`): the insoles are still wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
