"""Run the command line: every error becomes one line and an exit code.

Nothing but the standard library is loaded before `run` is in its `try`, so that Ctrl-C is answered from the beginning.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

from retrosole.errors import RetrosoleError, StorageError, UsageError

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_INTERRUPTED_EXIT = 130


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code; every error becomes one line on stderr."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _report("interrupted", _INTERRUPTED_EXIT)
    except SystemExit:  # how virtual insoles turn a signal into a tidy end
        return _INTERRUPTED_EXIT
    except RetrosoleError as error:
        return _report(str(error), error.exit_code)
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except Exception as error:
        if _is_interrupt(error):
            return _report("interrupted", _INTERRUPTED_EXIT)
        return _unexpected(error)


def _is_interrupt(error: BaseException | None) -> bool:
    """Say whether Ctrl-C is the cause of an error: what is just being loaded may wrap it into another.

    What goes wrong while Ctrl-C is being answered has it as its context only, and stays a bug.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _run(arguments: list[str] | None) -> Any:
    import click

    from retrosole.commands.line import cli

    try:
        return cli.main(arguments, prog_name="retrosole", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        text = error.format_message().rstrip(".").replace("\n", " ")
        raise UsageError(f"{text}: see {context.command_path if context else 'retrosole'} --help") from error
    except click.Abort:
        raise KeyboardInterrupt from None


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        _forget_stdout()
        where = f" {error.filename}" if error.filename else " the output"
        return _report(f"cannot write{where} ({error.strerror}): free some space", StorageError.exit_code)
    if os.environ.get("RETROSOLE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    words = " ".join(str(error).split())
    text = f"this is a bug ({type(error).__name__}: {words}): RETROSOLE_DEBUG=1 shows where; please report it"
    return _report(text, RetrosoleError.exit_code)


def _report(text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        print(f"retrosole: {text}", file=sys.stderr, flush=True)
    return code


def _forget_stdout() -> None:
    from retrosole.show import forget

    forget(sys.stdout)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        for stream in (sys.stdout, sys.stderr):  # a path or a note may have what this terminal cannot show
            with contextlib.suppress(AttributeError):  # it may be closed, or something else put in its place
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = run()
    except KeyboardInterrupt:  # once more, while the first was being answered
        code = _INTERRUPTED_EXIT
    sys.exit(code)
