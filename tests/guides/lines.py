"""Check a command without doing what it says: it exists, with these options; what it would make or install is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Sequence

import click

from retrosole.commands.line import cli
from tests.machines import ROOT


def parse(words: list[str], *, is_whole: bool = True) -> None:
    """Take a command of this program apart as the program does, without running it.

    Within a line it may be no more than its name.
    """
    try:
        name, command, rest = cli.resolve_command(click.Context(cli), words[1:])
        assert command is not None
        command.make_context(name, rest)
    except click.exceptions.Exit:  # --help
        pass
    except click.ClickException as error:
        if isinstance(error, click.MissingParameter) and not is_whole:
            return
        raise AssertionError(f"{' '.join(words)}: {error.format_message()}") from error


def check(line: str, *, is_whole: bool = True) -> None:
    """Check a line that is set as code: a command of this program, of make or of pip; raise for any other command."""
    words = shlex.split(line, comments=True)
    if words[:1] == ["retrosole"]:
        parse(words, is_whole=is_whole)
    elif words[:1] == ["make"]:
        would_make(words[1:])
    elif words[:2] == ["pip", "install"]:
        could_install(words[2:])
    else:
        raise AssertionError(f"nobody knows how to check {line!r}")


def would_make(words: Sequence[str]) -> str:
    """Ask make what it would do: the target is there, and what it needs."""
    done = subprocess.run(["make", "-n", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documented = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert words[0] in documented, f"`make help` does not show {words[0]}"
    return ""


def could_install(wanted: Sequence[str]) -> str:
    """Look whether an extra is one of this project, and any other package one that the tests use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    tested = {re.split(r"[\[>=<]", one)[0] for one in extras["test"]}
    for one in wanted:
        name, _, names = one.rstrip("]").partition("[")
        unknown = set(filter(None, names.split(","))) - set(extras) if name == "retrosole" else {name} - tested
        assert not unknown, f"pip install {one}: {unknown} is nothing that is tested here"
    return ""
