"""A page as PDF, printed by the Chromium or Chrome that is there, without a screen and without a network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from retrosole.errors import UsageError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LONGEST_S = 120.0
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    # No network: names are not resolved, and everything, this machine included, goes through a proxy that is none.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    "--no-pdf-header-footer",
)


def find() -> str | None:
    """Give the path of a Chromium or Chrome, None when there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def needed() -> str:
    """Give the path of a Chromium or Chrome. Raises UsageError when there is none."""
    path = find()
    if path is None:
        raise UsageError(
            "no PDF: there is no Chromium or Chrome on the PATH; install one, or open the page in any browser and "
            "print it there"
        )
    return path


def to_pdf(page: str, beside: Path) -> bytes:
    """Print a page. Works in a folder of its own beside the file that it is for. Raises UsageError when that fails."""
    browser = needed()
    # Not in the system's temporary folder: a Chromium that is a snap does not see it, nor hidden folders.
    with tempfile.TemporaryDirectory(prefix="retrosole-pdf-", dir=beside, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "page.html", folder / "page.pdf"
        source.write_text(page, encoding="utf-8")
        said = _run([*command(browser, folder), f"--print-to-pdf={target}", source.as_uri()])
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF"):
            raise UsageError(
                f"no PDF: {browser} printed nothing ({said}); open the page in a browser and print it there"
            )
        return target.read_bytes()


def command(browser: str, folder: Path) -> list[str]:
    """Give the words that run a browser without screen and network, with its files in `folder`."""
    # As root it refuses to run in its sandbox. The page has no scripts, and its policy allows none.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    sandbox = ["--no-sandbox"] if is_root else []
    return [browser, *_FLAGS, *sandbox, f"--user-data-dir={folder / 'profile'}"]


def _run(words: list[str]) -> str:
    """Run a browser to its end; give the last line that it said."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # it has children, which end with it
    )
    try:
        _, told = process.communicate(timeout=_LONGEST_S)
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"no PDF: {words[0]} was not done within {_LONGEST_S:.0f} s; open the page in a browser and print it there"
        ) from error
    finally:
        _end(process)
    lines = told.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return lines[-1][:200]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait()
