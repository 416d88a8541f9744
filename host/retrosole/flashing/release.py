"""MicroPython's released image: a file that is given, or by version from micropython.org, kept in a cache.

No hash of a release is pinned: the download page publishes none. What is downloaded is verified by the checksum and the
SHA-256 inside it (see image.py); its own hash is kept beside it in the cache, and told.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from retrosole.errors import StorageError, UsageError
from retrosole.flashing.chips import Chip
from retrosole.flashing.image import OLDEST, MicroPython, split_release, version_key

SITE = "https://micropython.org"
_TIMEOUT_S = 30.0
_MOST_BYTES = 16 * 2**20
# No connection, an answer that is none or breaks off, an address that is none
_NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
_VERSION_TEXT = re.compile(r"\d+\.\d+(\.\d+)?")


@dataclass(frozen=True)
class Release:
    """Hold a verified MicroPython and tell where it came from, in words."""

    micropython: MicroPython
    origin: str


def cache_folder() -> Path:
    """Give the folder that keeps downloaded releases."""
    return Path(platformdirs.user_cache_path("retrosole")) / "releases"


def from_file(path: Path, chip: Chip) -> Release:
    """Read a release from a file. Raises UsageError when it cannot be read, and as `split_release` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror}): name a MicroPython image for --micropython"
        ) from error
    return Release(split_release(data, chip, path.name), str(path))


def from_site(chip: Chip, version: str | None, site: str = SITE, cache: Path | None = None) -> Release:
    """Get a release of a version (None: the newest) for a chip; what is in the cache is not fetched again.

    Raises UsageError without internet, or when there is no such version; StorageError when it cannot be kept.
    """
    folder = cache_folder() if cache is None else cache
    if version is not None:
        check_version(version)
        kept = _kept(folder, chip, version)
        if kept is not None:
            return kept
    try:
        page = _get(f"{site}/download/{chip.micropython_board}/").decode("utf-8", errors="replace")
    except _NO_ANSWER as error:
        if version is None and (kept := _kept(folder, chip, None)) is not None:
            return Release(kept.micropython, f"{kept.origin}, without asking for a newer one: {_reason(error)}")
        raise _no_site(site, chip, error) from error
    name, link = _choose(page, chip, version, site)
    return _kept(folder, chip, version, name) or _fetched(folder, chip, name, link, site)


def check_version(version: str) -> None:
    """Raise UsageError unless it is a version such as 1.24 or 1.24.1, new enough."""
    oldest = ".".join(map(str, OLDEST))
    if not _VERSION_TEXT.fullmatch(version):
        raise UsageError(f"{version} is no version of MicroPython: expected one such as {oldest}.1")
    if version_key(version) < OLDEST:
        raise UsageError(f"MicroPython {version} is too old: take {oldest} or newer")


def _choose(page: str, chip: Chip, version: str | None, site: str) -> tuple[str, str]:
    """Give name and address of the release that a download page lists."""
    pattern = rf'href="([^"]*/({chip.micropython_board}-\d{{8}}-v(\d+\.\d+(?:\.\d+)?)\.bin))"'
    found = {text: (name, link) for link, name, text in re.findall(pattern, page) if version_key(text) >= OLDEST}
    if not found:
        raise UsageError(
            f"{site}/download/{chip.micropython_board}/ names no release that this program can read: download one "
            "with a browser and give it with --micropython FILE"
        )
    if version is None:
        return found[max(found, key=version_key)]
    for text, choice in found.items():
        if _padded(text) == _padded(version):
            return choice
    there = ", ".join(sorted(found, key=version_key))
    raise UsageError(f"{site} has no MicroPython {version} for {chip.name}: there are {there}")


def _padded(version: str) -> tuple[int, ...]:
    return (*version_key(version), 0, 0)[:3]


def _fetched(folder: Path, chip: Chip, name: str, link: str, site: str) -> Release:
    url = link if "://" in link else f"{site}{link}"
    try:
        data = _get(url)
    except _NO_ANSWER as error:
        raise _no_site(site, chip, error) from error
    micropython = split_release(data, chip, name)
    _keep(folder / name, data)
    _keep(_beside(folder / name), f"{micropython.sha256}  {name}\n".encode())
    return Release(micropython, url)


def _get(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"{url} is no web address: expected http:// or https://")
    request = urllib.request.Request(url, headers={"User-Agent": "retrosole"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        data = bytes(answer.read(_MOST_BYTES + 1))
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{url} is larger than any MicroPython image: give the right file with --micropython FILE")
    return data


def _no_site(site: str, chip: Chip, error: Exception) -> UsageError:
    board = chip.micropython_board
    return UsageError(
        f"cannot get MicroPython from {site} ({_reason(error)}): on a computer with internet download "
        f"{board}-DATE-VERSION.bin from {SITE}/download/{board}/ and give it with --micropython FILE"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split()) or type(cause).__name__


# ------------------------------------------------------------------------------------------------------------ cache


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _kept(folder: Path, chip: Chip, version: str | None, name: str | None = None) -> Release | None:
    """Give a release from the cache, the newest of those that fit; one that is not as it was fetched counts as none."""
    pattern = name or f"{chip.micropython_board}-*-v*.bin"
    paths = [path for path in folder.glob(pattern) if version is None or _padded(_version_of(path)) == _padded(version)]
    for path in sorted(paths, key=lambda path: version_key(_version_of(path)), reverse=True):
        try:
            data, words = path.read_bytes(), _beside(path).read_text(encoding="utf-8").split()
        except (OSError, ValueError):
            continue
        if words and hashlib.sha256(data).hexdigest() == words[0]:
            return Release(split_release(data, chip, path.name), f"{path} (kept from before)")
    return None


def _version_of(path: Path) -> str:
    return path.stem.rpartition("-v")[2]


def _keep(path: Path, data: bytes) -> None:
    """Write a file in one step. Raises StorageError when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(fresh, path)
        except BaseException:
            os.unlink(fresh)
            raise
    except OSError as error:
        raise StorageError(f"cannot keep {path} ({error.strerror}): free some space or make {path.parent}") from error
