"""Keys: single ones on a terminal, first letters of lines anywhere else, and no end of input that is taken for one."""

from __future__ import annotations

import os
import pty
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from retrosole import show
from retrosole.coach.keys import ENTER, Keys
from retrosole.coach.screen import Screen
from retrosole.coach.session import questions_passed
from retrosole.errors import UsageError
from tests.terminal import seen


@contextmanager
def reading(fd: int, is_terminal: bool) -> Iterator[Keys]:
    with open(fd, encoding="utf-8", closefd=False) as stream:
        keys = Keys(stream, is_terminal)
        try:
            yield keys
        finally:
            keys.close()


def piped(data: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return reader


def all_of(keys: Keys) -> list[str]:
    found = []
    while (key := keys.wait()) is not None:
        found.append(key)
    return found


def test_lines_give_their_first_letter() -> None:
    with reading(piped(b"n\n  Yes please\n\nPAIN\n\xff\nd"), is_terminal=False) as keys:
        assert all_of(keys) == ["n", "y", ENTER, "p", "\N{REPLACEMENT CHARACTER}", "d"]
        assert not keys.is_open
        assert keys.poll() is None


def test_an_empty_input_ends_at_once() -> None:
    with reading(piped(b""), is_terminal=False) as keys:
        assert keys.wait() is None
    assert Keys(None, False).wait() is None


def test_a_terminal_gives_single_keys_and_no_arrows() -> None:
    master, slave = pty.openpty()
    with reading(slave, is_terminal=True) as keys:
        os.write(master, b"y\n")
        assert [keys.wait(), keys.wait()] == ["y", ENTER]
        os.write(master, b"\x1b[D\n")  # the left arrow ends in D: no dizziness
        os.write(master, b"x\n")
        assert keys.wait() == "x"
    os.close(master)


def test_poll_does_not_wait() -> None:
    reader, writer = os.pipe()
    with reading(reader, is_terminal=False) as keys:
        assert keys.poll() is None
        os.write(writer, b"p\n")
        end_s = time.monotonic() + 10
        while (key := keys.poll()) is None:
            assert time.monotonic() < end_s
        assert key == "p"
    os.close(writer)


# --- the questions before anybody walks


@pytest.mark.parametrize(
    ("answers", "support", "supervised", "passes"),
    [
        ("n n n y", "free", False, True),
        ("n n n y y", "hold", False, True),
        ("n n n y y", "spotter", False, True),
        ("n n n y y y", "spotter", True, True),
        ("n n y y y", "free", False, True),  # something applies, and a professional has said yes
        ("n n y n", "free", False, False),
        ("y", "free", False, False),
        ("n y", "free", False, False),
        ("n n n n", "free", False, False),
        ("n n n y n", "hold", False, False),
        ("n n n y y n", "spotter", True, False),
        ("what n maybe n n y", "free", False, True),
    ],
)
def test_the_questions(
    answers: str, support: str, supervised: bool, passes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with reading(piped(answers.replace(" ", "\n").encode() + b"\n"), is_terminal=False) as keys:
        assert questions_passed(Screen(), keys, support, supervised) is passes
        assert keys.wait() is None, "every answer was asked for"
    assert ("Nothing was recorded." in capsys.readouterr().out) is not passes


def test_enter_behind_an_answer_asks_nothing_and_is_no_key_of_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = pty.openpty()
    tty.setcbreak(slave)
    with reading(slave, is_terminal=True) as keys:
        os.write(master, b"n\nn\nn\nyes\n")
        assert questions_passed(Screen(), keys, "free", False)
        time.sleep(0.5)  # the rest of the yes
        keys.forget()
        assert keys.poll() is None
        os.write(master, b"s")
        assert keys.wait() == "s"
    os.close(master)
    assert "Please answer" not in capsys.readouterr().out


def test_lines_for_later_are_not_forgotten() -> None:
    with reading(piped(b"n\ns\n"), is_terminal=False) as keys:
        assert keys.wait() == "n"
        keys.forget()
        assert keys.wait() == "s"


def test_the_line_about_now_goes_when_there_is_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(show, "can_draw", lambda: True)
    screen = Screen()
    screen.status("walk backward 0:27 left")
    screen.status("")
    assert capsys.readouterr().out.endswith("0:27 left\r\x1b[2K")


def test_nobody_walks_without_answers() -> None:
    with (
        reading(piped(b"n\nn\n"), is_terminal=False) as keys,
        pytest.raises(UsageError, match="pipe a line with y or n"),
    ):
        questions_passed(Screen(), keys, "free", False)


def test_the_line_about_now_goes_with_what_it_was_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(show, "can_draw", lambda: True)
    screen = Screen()
    for text in ("rest 0:02 left", "rest 0:01 left", ""):
        screen.status(text)
    assert seen(capsys.readouterr().out) == ""
