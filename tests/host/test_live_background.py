"""Asking a terminal for its background."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from retrosole.live.background import QUERY, is_light, is_light_terminal

DEVICE = b"\x1b[?62;22c"


@pytest.mark.parametrize(
    ("answer", "colorfgbg", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\" + DEVICE, "", True),
        (b"\x1b]11;rgb:fdfd/f6f6/e3e3\x07" + DEVICE, "", True),  # Solarized light
        (b"\x1b]11;rgb:0000/2b2b/3636\x07" + DEVICE, "0;15", False),  # Solarized dark
        (b"\x1b]11;rgba:ff/ff/ff/80\x1b\\", "", True),
        (DEVICE, "", False),
        (DEVICE, "0;15", True),
        (DEVICE, "15;default;0", False),
        (b"", "0;7", True),
        (b"\x1b]11;rgb:zz/ff/ff\x1b\\", "", False),
    ],
)
def test_answers(answer: bytes, colorfgbg: str, light: bool) -> None:
    assert is_light(answer, colorfgbg) is light


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")
@pytest.mark.parametrize("answers", [True, False])
def test_a_terminal_is_asked_and_left_as_it_was(answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    monkeypatch.delenv("COLORFGBG", raising=False)
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    asked = []

    def terminal() -> None:
        asked.append(os.read(master, 100))
        if answers:
            os.write(master, b"\x1b]11;rgb:ffff/ff")  # in two parts, as over a slow line
            os.write(master, b"ff/ffff\x1b\\" + DEVICE)

    thread = threading.Thread(target=terminal)
    thread.start()
    with open(slave, "r+b", buffering=0, closefd=False) as both:
        monkeypatch.setattr(sys, "stdin", both)
        monkeypatch.setattr(sys, "stdout", both)
        assert is_light_terminal(5.0 if answers else 0.05) is answers
    thread.join()
    assert asked == [QUERY]
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_what_is_no_terminal_is_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert is_light_terminal() is False
