"""The readers of the guides themselves: what they find, and what they do not let pass."""

from __future__ import annotations

import pytest

from tests.guides.blocks import blocks_of, commands_of, indented_of, inline_commands_of, links_of
from tests.guides.compare import difference
from tests.guides.lines import check, could_install, parse, would_make
from tests.terminal import seen

GUIDE = """# Title
Say `retrosole plan
first-steps`, see [there](other.md#part).

```console
$ retrosole plan
one
...
$ retrosole live
```

    pip install it
"""


def test_what_is_found_in_a_guide() -> None:
    (block,) = blocks_of(GUIDE)
    first, second = commands_of(block)
    assert (first.text, first.shown, first.line) == ("retrosole plan", "one\n...", 6)
    assert (second.text, second.shown, second.line) == ("retrosole live", "", 9)
    assert inline_commands_of(GUIDE) == ["retrosole plan first-steps"]
    assert indented_of(GUIDE) == ["    pip install it\n"] and links_of(GUIDE) == ["other.md#part"]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("left: 7 strides", "left:\n  9 strides"),
        ("a ... c", "a b1\nb2 c"),
        ("...\nlast", "first\nlast"),
        ("first\n...\nlast", "first\nlast"),
        ("first.\n...\nlast", "first.\n\nmore\nlast"),
        ("stance 740 ms", "stance 812.5 ms"),
        ("sessions/2026-11-21T10-15-30_P07", "sessions/2031-01-02T03-04-05_P07"),
    ],
)
def test_what_is_as_shown(shown: str, printed: str) -> None:
    assert difference(shown, printed) == ""


@pytest.mark.parametrize(
    ("shown", "printed", "why"),
    [
        ("both, left: 7", "both, right: 7", "the words differ, the first at 'both, left:'"),
        ("left: 7 strides", "left: 7 strides and more", "more was printed"),
        ("stance 740 ms", "stance 74 ms", "740, not 74"),
        ("toe first 96 %", "toe first 3 %", "96, not 3"),
        ("a ... c", "a b", "words"),
        ("2026-11-21T10-15-30_P07", "2026-11-21T10-15-30_P08", "words"),
    ],
)
def test_what_is_not_as_shown(shown: str, printed: str, why: str) -> None:
    assert why in difference(shown, printed)


@pytest.mark.parametrize(
    "line", ["rm -rf sessions", "retrosole fly", "retrosole plan --high", "make tea", "pip install tea"]
)
def test_what_nobody_can_check_does_not_pass(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)


def test_a_name_alone_passes_within_a_line_only() -> None:
    parse(["retrosole", "gait"], is_whole=False)
    with pytest.raises(AssertionError, match="SESSION"):
        parse(["retrosole", "gait"])
    with pytest.raises(AssertionError, match="takes_all"):
        could_install(["retrosole[takes_all]"])
    assert would_make(["picture"]) == ""


def test_what_stands_on_a_terminal_in_the_end() -> None:
    drawn = "\x1b[1mone\x1b[0m\r\n\x1b[?1049hfull\x1b[?1049lspin 1\r\x1b[2Kspin 2\r\n\x1b[1A\x1b[2Kdone  \r\n"
    assert seen(drawn) == "one\ndone\n"
