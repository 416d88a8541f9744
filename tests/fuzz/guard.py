"""The rules: no error but the project's own, no hang, bounded memory, no file outside, no other process.

What the interpreter is asked to open or run is seen by an audit hook, whoever asks.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from retrosole.errors import RetrosoleError

INPUT_BYTES = 1 << 16
CPU_S = 2.0  # for an input of at most INPUT_BYTES; processor time, so that a busy machine does not matter
GROWN_BYTES = 256 << 20

_LISTED = {"os.listdir", "os.scandir"}
_CHANGED = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink"}
_CHANGED |= {"os.truncate", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile"}
_NEVER = {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.spawn"}
_NEVER |= {"socket.connect", "socket.bind", "pickle.find_class", "ctypes.dlopen", "webbrowser.open"}
_CODE = (".py", ".pyc", ".so")  # a module that is imported late

_folder: Path | None = None
_broken: list[str] = []


class RuleBroken(AssertionError):
    """Say which rule an input made a reader break."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _folder is None:
        return
    if event in _NEVER:
        _broken.append(f"{event} {arguments[:2]!r}")
    elif event == "open" or event in _CHANGED:
        _judge(_is_inside(_folder, arguments[0]), event, arguments)
    elif event in _LISTED:
        _judge(_is_inside(_folder, arguments[0]) or _is_for_import(arguments[0]), event, arguments)


def _judge(allowed: bool, event: str, arguments: tuple[Any, ...]) -> None:
    if not allowed:
        _broken.append(f"{event} {arguments[0]!r}, outside the folder it was given")


def _is_inside(folder: Path, name: Any) -> bool:
    if isinstance(name, int):
        return True
    path = Path(name.decode(errors="surrogateescape") if isinstance(name, bytes) else name)
    if path.suffix in _CODE:
        return True
    with suppress(OSError, ValueError):
        return path.absolute().resolve().is_relative_to(folder)
    return False


def _is_for_import(name: Any) -> bool:
    return isinstance(name, str) and any(folder and name.startswith(folder) for folder in sys.path)


sys.addaudithook(_watch)


@contextmanager
def _watching(folder: Path | None) -> Iterator[None]:
    global _folder
    _broken.clear()
    _folder = folder
    writes_not, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # of what a reader imports late
    try:
        yield
    finally:
        _folder = None
        sys.dont_write_bytecode = writes_not


def keep_rules(folder: Path, read: Callable[[], object]) -> bool:
    """Run a reader that may open files in `folder` only; say whether it took its input or refused it in one line.

    Raises RuleBroken for a rule that it broke, and lets through any error that is not the project's own.
    """
    _forget_peak()
    before_s, before_bytes = time.process_time(), _most_bytes()
    took = True
    with _watching(folder.resolve()):
        try:
            read()
        except RetrosoleError as error:
            took = False
            check_lines([str(error)])
    if _broken:
        raise RuleBroken(_broken[0])
    used_s, grown_bytes = time.process_time() - before_s, _most_bytes() - before_bytes
    if used_s > CPU_S:
        raise RuleBroken(f"{used_s:.1f} s of processor time, at most {CPU_S:g} s are allowed")
    if grown_bytes > GROWN_BYTES:
        raise RuleBroken(f"{grown_bytes >> 20} MiB more memory, at most {GROWN_BYTES >> 20} are allowed")
    return took


def _forget_peak() -> None:
    """Have the system count the most memory from now on; elsewhere than on Linux it stays that of the whole process."""
    with suppress(OSError), open("/proc/self/clear_refs", "wb", buffering=0) as file:
        file.write(b"5")


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check_lines(lines: list[str]) -> None:
    """Fail unless lines for a person are such: one line each, nothing that steers a terminal, all of it encodable."""
    for line in lines:
        if not line.isprintable():
            raise RuleBroken(f"a line that is not printable: {line[:200]!r}")
