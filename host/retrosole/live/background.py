"""Whether a terminal is light or dark, asked of the terminal itself before anything is drawn."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import time

QUERY = b"\x1b]11;?\x1b\\\x1b[c"  # its background; then what every terminal answers, so that nobody waits for the first
_ANSWER = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
_LAST = re.compile(rb"\x1b\[\?[\d;]*c")
_LIGHT = 0.5


def is_light_terminal(timeout_s: float = 0.5) -> bool:
    """Say whether the terminal on stdin and stdout has a light background; what does not tell is taken for dark."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        return False
    try:
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
    except (OSError, ValueError, termios.error):
        return False
    try:
        tty.setcbreak(fd)
        answer = _asked(fd, timeout_s)
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)
    return is_light(answer, os.environ.get("COLORFGBG", ""))


def is_light(answer: bytes, colorfgbg: str = "") -> bool:
    """Read a terminal's answer to `QUERY`; without a colour in it, what some terminals put into COLORFGBG."""
    match = _ANSWER.search(answer)
    if match is None:
        return colorfgbg.rpartition(";")[2] in ("7", "15")
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in match.groups())
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue > _LIGHT)


def _asked(fd: int, timeout_s: float) -> bytes:
    answer = b""
    end_s = time.monotonic() + timeout_s
    os.write(sys.stdout.fileno(), QUERY)
    while not _LAST.search(answer):
        if not select.select([fd], [], [], max(0.0, end_s - time.monotonic()))[0]:
            break
        part = os.read(fd, 1024)
        if not part:
            break
        answer += part
    return answer
