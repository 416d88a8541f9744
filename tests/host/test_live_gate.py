"""Who may see the page: every request judged, without a socket."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest

from retrosole.live.gate import STREAM, Answer, Gate, read_page

PORT = 8123
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


@pytest.fixture
def gate() -> Gate:
    return Gate(PORT, read_page())


def get(gate: Gate, target: str, host: str = HOST, origins: tuple[str, ...] = ()) -> Answer:
    return gate.judge("GET", target, [host], origins)


def test_the_page_and_what_it_loads_are_there_and_nothing_else(gate: Gate) -> None:
    page = get(gate, f"/{gate.token}/")
    assert page.status == HTTPStatus.OK and b"<!doctype html>" in page.body
    loaded = set(re.findall(rb'(?:src|href)="([^"]+)"', page.body)) - {b"data:,"}
    imported = {name for _, body in gate.files.values() for name in re.findall(rb'from "\./([^"]+)"', body)}
    names = {name.decode() for name in loaded | imported}
    assert names | {""} == set(gate.files), "every file is used, and nothing else is"
    for name in names:
        assert get(gate, f"/{gate.token}/{name}").status == HTTPStatus.OK


def test_no_file_of_the_page_names_another_place(gate: Gate) -> None:
    for name, (_, body) in gate.files.items():
        addresses = set(re.findall(rb"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", body)) - {b"http://www.w3.org/2000/svg"}
        assert not addresses, f"{name} names {addresses}"


@pytest.mark.parametrize(
    "target", ["/", "", "/x/", "/stream", "/style.css", "//", "/{short}/", "/{token}x/", "/%2e%2e/"]
)
@pytest.mark.parametrize("origins", [(), (ORIGIN,)])
def test_a_wrong_or_missing_token_is_refused(gate: Gate, target: str, origins: tuple[str, ...]) -> None:
    whole = target.format(token=gate.token, short=gate.token[:-1])
    answer = get(gate, whole, origins=origins)
    assert answer.status == HTTPStatus.FORBIDDEN and not answer.is_stream
    assert gate.token.encode() not in answer.body


def test_tokens_are_long_and_new_each_time() -> None:
    tokens = {Gate(PORT, {}).token for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 32


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", "", f"{HOST}.evil.example"],
)
def test_a_foreign_host_is_refused(gate: Gate, host: str) -> None:
    for name in ("", STREAM):
        origins = [f"http://{host}"]
        for given in ([], origins):
            assert gate.judge("GET", f"/{gate.token}/{name}", [host], given).status == HTTPStatus.FORBIDDEN


def test_a_request_names_one_host(gate: Gate) -> None:
    for hosts in ([], [HOST, HOST], [HOST, "evil.example"]):
        assert gate.judge("GET", f"/{gate.token}/", hosts, []).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", f"https://{HOST}", f"http://127.0.0.1:{PORT + 1}", f"http://localhost:{PORT}", ""],
)
def test_a_foreign_origin_is_refused(gate: Gate, origin: str) -> None:
    for name in ("", STREAM, "main.js"):
        assert get(gate, f"/{gate.token}/{name}", origins=(origin,)).status == HTTPStatus.FORBIDDEN
    assert get(gate, f"/{gate.token}/{STREAM}", origins=(ORIGIN, origin)).status == HTTPStatus.FORBIDDEN


def test_the_stream_is_only_for_the_page_itself(gate: Gate) -> None:
    assert get(gate, f"/{gate.token}/{STREAM}", origins=(ORIGIN,)).is_stream
    assert get(gate, f"/{gate.token}/{STREAM}", f"localhost:{PORT}", (f"http://localhost:{PORT}",)).is_stream
    assert get(gate, f"/{gate.token}/{STREAM}").status == HTTPStatus.NOT_FOUND  # browsers always say whose page it is


CLIMBING = ["../web.py", "..%2fweb.py", "%2e%2e/web.py", "..\\web.py", "main.js/../../web.py", "/etc/passwd"]
UNKNOWN = ["page/index.html", "index.html", "./", "style.css/", "style.css?x", "\0"]


@pytest.mark.parametrize("path", [*CLIMBING, *UNKNOWN])
def test_no_path_leads_to_another_file(gate: Gate, path: str) -> None:
    answer = get(gate, f"/{gate.token}/{path}")
    assert answer.status == HTTPStatus.NOT_FOUND and len(answer.body) < 100


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT", "get"])
def test_only_get(gate: Gate, method: str) -> None:
    assert gate.judge(method, f"/{gate.token}/", [HOST], []).status == HTTPStatus.METHOD_NOT_ALLOWED


def test_headers_let_the_page_reach_nothing_but_this_server(gate: Gate) -> None:
    for name in gate.files:
        headers = dict(get(gate, f"/{gate.token}/{name}").headers)
        policy = {words.split()[0]: words.split()[1:] for words in headers["Content-Security-Policy"].split("; ")}
        assert policy["default-src"] == ["'none'"] and policy["frame-ancestors"] == ["'none'"]
        assert policy["script-src"] == policy["style-src"] == ["'self'"]
        assert policy["connect-src"] == [f"ws://{HOST}"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer" and headers["Cache-Control"] == "no-store"


def test_an_address_for_once_leads_to_the_page_once(gate: Gate) -> None:
    target = gate.url_once().removeprefix(ORIGIN)
    assert gate.token not in target
    assert get(gate, target, "evil.example").status == HTTPStatus.FORBIDDEN
    first = get(gate, target)
    assert first.status == HTTPStatus.SEE_OTHER and dict(first.headers)["Location"] == f"/{gate.token}/"
    assert get(gate, target).status == HTTPStatus.FORBIDDEN


def test_the_address_without_its_last_slash_leads_to_the_page(gate: Gate) -> None:
    answer = get(gate, f"/{gate.token}")
    assert answer.status == HTTPStatus.SEE_OTHER and dict(answer.headers)["Location"] == f"/{gate.token}/"
    assert get(gate, f"/{gate.token}?x").status == HTTPStatus.FORBIDDEN


def test_what_is_no_ascii_is_refused_without_a_fault(gate: Gate) -> None:
    assert get(gate, "/grün/").status == HTTPStatus.FORBIDDEN
    assert get(gate, "/\udc80/").status == HTTPStatus.FORBIDDEN
