"""MicroPython's releases by version: from a local web server with pages as micropython.org has them, and the cache."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrosole.errors import DamagedDataError, StorageError, UsageError
from retrosole.flashing.release import from_file, from_site
from tests.boards import images
from tests.boards.site import CHIP, Site


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    yield one
    one.close()


def test_a_version_is_fetched_once_and_kept_with_its_hash(site: Site, tmp_path: Path) -> None:
    first = from_site(CHIP, "1.25.0", site.url, tmp_path)
    name = images.release_name(CHIP, "1.25.0")
    whole = images.release(CHIP, "1.25.0")
    assert first.origin == f"{site.url}{site.path('1.25.0')}"
    assert (tmp_path / name).read_bytes() == whole
    assert (tmp_path / f"{name}.sha256").read_text() == f"{hashlib.sha256(whole).hexdigest()}  {name}\n"
    site.asked.clear()
    again = from_site(CHIP, "1.25", site.url, tmp_path)
    assert again.micropython == first.micropython
    assert site.asked == [] and "kept from before" in again.origin


def test_the_newest_is_the_newest_release(site: Site, tmp_path: Path) -> None:
    assert from_site(CHIP, None, site.url, tmp_path).micropython.version == "1.27.0"


def test_a_changed_file_in_the_cache_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    from_site(CHIP, "1.24.1", site.url, tmp_path)
    path = tmp_path / images.release_name(CHIP, "1.24.1")
    path.write_bytes(path.read_bytes()[:-1])
    assert "http://" in from_site(CHIP, "1.24.1", site.url, tmp_path).origin
    assert path.read_bytes() == images.release(CHIP, "1.24.1")


def test_what_arrives_damaged_is_not_kept(site: Site, tmp_path: Path) -> None:
    site.publish("1.25.0", images.release(CHIP, "1.25.0")[:-7])
    with pytest.raises(DamagedDataError, match=r"ends after .* bytes, in the middle"):
        from_site(CHIP, "1.25.0", site.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("1.26.7", r"has no MicroPython 1.26.7 for ESP32-C3: there are 1.24.1, 1.25.0, 1.26.1, 1.27.0"),
        ("1.20.0", r"MicroPython 1.20.0 is too old: take 1.24 or newer"),
        ("latest", r"latest is no version of MicroPython: expected one such as 1.24.1"),
    ],
)
def test_versions_that_cannot_be_had(site: Site, tmp_path: Path, version: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        from_site(CHIP, version, site.url, tmp_path)


def test_without_internet_it_says_what_to_do(tmp_path: Path) -> None:
    text = (
        r"cannot get MicroPython from http://127.0.0.1:1 \(Connection refused\): on a computer with internet download "
        r"ESP32_GENERIC_C3-DATE-VERSION.bin from https://micropython.org/download/ESP32_GENERIC_C3/ and give it with "
        r"--micropython FILE"
    )
    with pytest.raises(UsageError, match=text):
        from_site(CHIP, "1.25.0", "http://127.0.0.1:1", tmp_path)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0-OpenSSH_9.6"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nhalf", "IncompleteRead"),
    ],
    ids=["no web server", "breaks off"],
)
def test_an_answer_that_is_none_is_said(tmp_path: Path, answer: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError, match=rf"cannot get MicroPython from {url} \(.*{reason}.*--micropython FILE"):
            from_site(CHIP, "1.25.0", url, tmp_path)


@pytest.mark.parametrize("url", ["http://mirror:eighty", "http://[::1", "http://a b"])
def test_an_address_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="cannot get MicroPython from http://"):
        from_site(CHIP, "1.25.0", url, tmp_path)


def test_without_internet_the_newest_is_that_of_the_cache(site: Site, tmp_path: Path) -> None:
    from_site(CHIP, "1.24.1", site.url, tmp_path)
    from_site(CHIP, "1.26.1", site.url, tmp_path)
    kept = from_site(CHIP, None, "http://127.0.0.1:1", tmp_path)
    assert kept.micropython.version == "1.26.1"
    assert "without asking for a newer one: Connection refused" in kept.origin


def test_a_page_without_releases_and_a_file_that_is_gone(site: Site, tmp_path: Path) -> None:
    del site.files[site.path("1.25.0")]
    with pytest.raises(UsageError, match="it answered 404"):
        from_site(CHIP, "1.25.0", site.url, tmp_path)
    site.files[f"/download/{CHIP.micropython_board}/"] = b"<html>new layout</html>"
    with pytest.raises(UsageError, match=r"names no release that this program can read.*--micropython FILE"):
        from_site(CHIP, "1.25.0", site.url, tmp_path)


def test_a_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot keep"):
        from_site(CHIP, "1.25.0", site.url, tmp_path / "file")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*x.bin \(No such file or directory\)"):
        from_file(tmp_path / "x.bin", CHIP)
