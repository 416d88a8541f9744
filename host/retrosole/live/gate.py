"""Decide who may see the page of the live view: pure, knows no socket.

The page shows health data and has buttons, and every program and every web page on this computer can reach a port on
127.0.0.1. So a request must name this computer in its Host header (a foreign name is DNS rebinding: a name of somebody
else that leads here), come from no foreign page (Origin), and know the random token in the address. What can be had is
a fixed table in memory: no path of a request ever becomes a path of a file.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import resources

STREAM = "stream"
_TOKEN_BYTES = 24
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_INDEX = "index.html"
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Connection", "close"),
)


@dataclass(frozen=True)
class Answer:
    """Hold what is answered over HTTP; `is_stream` says that the request may become the stream instead."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    is_stream: bool = False


def read_page() -> dict[str, tuple[str, bytes]]:
    """Read the files of the page out of the package: content type and content by name; the page itself is ""."""
    files = {}
    for file in resources.files("retrosole.live").joinpath("page").iterdir():
        ending = file.name[file.name.rfind(".") :]
        if ending in _TYPES:
            name = "" if file.name == _INDEX else file.name
            files[name] = (f"{_TYPES[ending]}; charset=utf-8", file.read_bytes())
    return files


@dataclass
class Gate:
    """Know the token and the port, and judge requests by them."""

    port: int
    files: Mapping[str, tuple[str, bytes]]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))
    _once: str | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Give the names by which this server may be called."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def url(self) -> str:
        """Give the address of the page, with its token."""
        return f"http://{self.hosts[0]}/{self.token}/"

    def url_once(self) -> str:
        """Give an address that leads to the page a single time: others can read the command that opens a browser."""
        self._once = secrets.token_urlsafe(_TOKEN_BYTES)
        return f"http://{self.hosts[0]}/{self._once}"

    def judge(self, method: str, target: str, hosts: Sequence[str], origins: Sequence[str]) -> Answer:
        """Answer a request; `hosts` and `origins` are the values of its headers, all of them."""
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return _refuse(HTTPStatus.FORBIDDEN, "only 127.0.0.1 is served here")
        if origins and list(origins) != [f"http://{hosts[0].lower()}"]:
            return _refuse(HTTPStatus.FORBIDDEN, "not from another page")
        if method != "GET":
            return _refuse(HTTPStatus.METHOD_NOT_ALLOWED, "only GET")
        if self._is_once(target):
            return self._to_page()
        token, slash, name = target.removeprefix("/").partition("/")
        if not _is_same(token, self.token):
            return _refuse(HTTPStatus.FORBIDDEN, "use the whole address that retrosole printed")
        if name == STREAM and origins:
            return Answer(HTTPStatus.SWITCHING_PROTOCOLS, is_stream=True)
        if not slash:
            return self._to_page()
        if name not in self.files:
            return _refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
        return self._file(name, hosts[0].lower())

    def _is_once(self, target: str) -> bool:
        if self._once is None or not _is_same(target, f"/{self._once}"):
            return False
        self._once = None
        return True

    def _to_page(self) -> Answer:
        return Answer(HTTPStatus.SEE_OTHER, headers=(*_HEADERS, ("Location", f"/{self.token}/")))

    def _file(self, name: str, host: str) -> Answer:
        kind, content = self.files[name]
        policy = ("Content-Security-Policy", _policy(host))
        return Answer(HTTPStatus.OK, content, (("Content-Type", kind), policy, *_HEADERS))


def _policy(host: str) -> str:
    """Let the page load its own style and scripts, speak with its own stream, and nothing else."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        f"connect-src ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _refuse(status: HTTPStatus, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode(), (("Content-Type", "text/plain; charset=utf-8"), *_HEADERS))


def _is_same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(errors="replace"), other.encode())
